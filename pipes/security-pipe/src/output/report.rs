//! The `findings` section of `security-pipe-report.json`, version 1 (docs/schemas/security-pipe-report.v1.schema.json).
//!
//! A published format: other tools read it, so it changes only by fields that are added.

use std::borrow::Cow;

use pipe_core::severity::Severity;
use serde::Serialize;

use crate::finding::{self, AffectedPackage, Gated, Status};

#[derive(Serialize)]
pub(crate) struct Finding<'a> {
    scanner: &'a str,
    rule: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    ids: &'a [String],
    title: &'a str,
    severity: Option<Severity>,
    severity_source: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    score: Option<f32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    informational: Option<&'a str>,
    location: Location<'a>,
    fingerprint: &'a str,
    /// Absent if it is the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint_v2: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    malicious: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    shown: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    package: Option<&'a AffectedPackage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<&'a str>,
    status: &'a Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    gated: Option<&'a Gated>,
}

#[derive(Serialize)]
struct Location<'a> {
    path: &'a str,
    line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<u32>,
    /// What holds the file; absent for the working tree.
    #[serde(skip_serializing_if = "Option::is_none")]
    container: Option<String>,
}

impl Finding<'_> {
    pub(crate) fn of(finding: &finding::Finding) -> Finding<'_> {
        let (location, span) = (&finding.location, &finding.location.span);
        Finding {
            scanner: finding.scanner,
            rule: &finding.rule.id,
            ids: &finding.rule.ids,
            title: &finding.rule.title,
            severity: finding.severity,
            severity_source: &finding.severity_source,
            score: finding.score(),
            informational: finding.informational(),
            location: Location {
                path: &location.path,
                line: span.line,
                end_line: span.end_line,
                column: span.column,
                end_column: span.end_column,
                container: location.container(),
            },
            fingerprint: &finding.fingerprint,
            fingerprint_v2: Some(finding.fingerprint_v2()).filter(|v2| *v2 != finding.fingerprint),
            malicious: finding.is_malware(),
            shown: finding.prefix(),
            package: finding.package(),
            url: finding.rule.link.as_deref(),
            status: &finding.status,
            gated: finding.gated.as_ref(),
        }
    }
}
