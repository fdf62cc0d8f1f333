//! A finding: what every scanner yields, the gate decides on, and every report shows.

use serde::Serialize;

use pipe_core::severity::Severity;
use pipe_packages::package::Scope;

/// A place in the checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Location {
    /// Relative to the repository's root, with `/`.
    pub(crate) path: String,
    /// From 1, as are the columns (in code points; the end column is exclusive).
    pub(crate) line: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end_line: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) column: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) end_column: Option<u32>,
}

/// The package an advisory is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct AffectedPackage {
    pub(crate) ecosystem: &'static str,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) purl: String,
    pub(crate) scope: Scope,
    pub(crate) direct: Option<bool>,
    /// Versions that are no longer affected, lowest first.
    pub(crate) fixed: Vec<String>,
    /// The command that upgrades to the first of them.
    pub(crate) upgrade: Option<String>,
}

/// Why a finding does or doesn't count.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "state")]
pub(crate) enum Status {
    New,
    /// In the baseline.
    Known,
    /// By the ignore file or an inline comment.
    Ignored {
        reason: String,
        until: Option<String>,
    },
}

/// What the gate made of a finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase", tag = "gate", content = "because")]
pub(crate) enum Gated {
    /// Fails the run; the setting that says so.
    Fails(String),
    /// Reported only, and why.
    Passes(String),
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Finding {
    /// `secrets` or `dependencies`.
    pub(crate) scanner: &'static str,
    /// The rule's or the advisory's id.
    pub(crate) rule: String,
    /// Every id the advisory is known by, the shown one first; empty for secrets.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) ids: Vec<String>,
    pub(crate) title: String,
    /// `None` where nobody scored it.
    pub(crate) severity: Option<Severity>,
    /// Who says so, e.g. `CVSS 3.1 9.8`.
    pub(crate) severity_source: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) score: Option<f32>,
    /// `unmaintained`, `unsound` or `notice`: advice rather than a vulnerability.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) informational: Option<String>,
    pub(crate) location: Location,
    /// Survives moved lines.
    pub(crate) fingerprint: String,
    /// A secret's public prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) shown: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) package: Option<AffectedPackage>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) url: Option<String>,
    /// A hash of the line with an inline `gitleaks:allow`: for asking whether it stood in the target branch.
    #[serde(skip)]
    pub(crate) inline_allow: Option<String>,
    pub(crate) status: Status,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) gated: Option<Gated>,
}

impl Finding {
    pub(crate) fn is_open(&self) -> bool {
        self.status == Status::New
    }

    pub(crate) fn fails(&self) -> bool {
        matches!(self.gated, Some(Gated::Fails(_)))
    }

    /// The setting by which it fails the run.
    pub(crate) fn failed_by(&self) -> Option<&str> {
        match &self.gated {
            Some(Gated::Fails(setting)) => Some(setting),
            _ => None,
        }
    }

    /// `CRITICAL`, or `UNSCORED`, or `INFO`.
    pub(crate) fn severity_word(&self) -> &'static str {
        match (&self.informational, self.severity) {
            (Some(_), _) => "INFO",
            (None, Some(Severity::Critical)) => "CRITICAL",
            (None, Some(Severity::High)) => "HIGH",
            (None, Some(Severity::Medium)) => "MEDIUM",
            (None, Some(Severity::Low)) => "LOW",
            (None, None) => "UNSCORED",
        }
    }

    /// What it is about, in a word or two: `requests 2.19.0`, or the rule.
    pub(crate) fn subject(&self) -> String {
        match &self.package {
            Some(package) => format!("{} {}", package.name, package.version),
            None => self.rule.clone(),
        }
    }

    /// Worst first: what fails, then what is open, by severity, then by place.
    pub(crate) fn sort(findings: &mut [Finding]) {
        findings.sort_by(|a, b| {
            let rank = |finding: &Finding| {
                // An unscored advisory stands between high and medium: it may be either.
                let severity = match (&finding.informational, finding.severity) {
                    (Some(_), _) => 0,
                    (None, Some(Severity::Critical)) => 5,
                    (None, Some(Severity::High)) => 4,
                    (None, None) => 3,
                    (None, Some(Severity::Medium)) => 2,
                    (None, Some(Severity::Low)) => 1,
                };
                (finding.fails(), finding.is_open(), severity)
            };
            rank(b)
                .cmp(&rank(a))
                .then_with(|| a.location.path.cmp(&b.location.path))
                .then_with(|| a.location.line.cmp(&b.location.line))
                .then_with(|| a.rule.cmp(&b.rule))
                .then_with(|| a.fingerprint.cmp(&b.fingerprint))
        });
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::{AffectedPackage, Finding, Location, Status};
    use pipe_core::severity::Severity;
    use pipe_packages::package::Scope;

    /// An advisory about `requests 2.19.0` in `poetry.lock`.
    pub(crate) fn advisory(severity: Option<Severity>) -> Finding {
        Finding {
            scanner: "dependencies",
            rule: "GHSA-aaaa-bbbb-cccc".to_owned(),
            ids: vec!["GHSA-aaaa-bbbb-cccc".to_owned(), "CVE-2099-1".to_owned()],
            title: "credentials leak on redirect".to_owned(),
            severity,
            severity_source: "test".to_owned(),
            score: None,
            informational: None,
            location: Location {
                path: "poetry.lock".to_owned(),
                line: 412,
                end_line: None,
                column: None,
                end_column: None,
            },
            fingerprint: "f".repeat(32),
            shown: None,
            package: Some(AffectedPackage {
                ecosystem: "PyPI",
                name: "requests".to_owned(),
                version: "2.19.0".to_owned(),
                purl: "pkg:pypi/requests@2.19.0".to_owned(),
                scope: Scope::Production,
                direct: Some(true),
                fixed: vec!["2.20.0".to_owned()],
                upgrade: Some("poetry update requests".to_owned()),
            }),
            url: Some("https://osv.dev/vulnerability/GHSA-aaaa-bbbb-cccc".to_owned()),
            inline_allow: None,
            status: Status::New,
            gated: None,
        }
    }

    pub(crate) fn secret(severity: Severity) -> Finding {
        Finding {
            scanner: "secrets",
            rule: "aws-access-key".to_owned(),
            ids: Vec::new(),
            title: "AWS access key".to_owned(),
            location: Location {
                path: "config/settings.py".to_owned(),
                line: 3,
                end_line: Some(3),
                column: Some(8),
                end_column: Some(28),
            },
            fingerprint: "a".repeat(32),
            shown: Some("AKIA…".to_owned()),
            package: None,
            url: None,
            ..advisory(Some(severity))
        }
    }

    #[test]
    fn the_worst_comes_first() {
        let mut low = advisory(Some(Severity::Low));
        low.gated = Some(super::Gated::Fails("FAIL_ON_SECRETS=true".to_owned()));
        let mut known = advisory(Some(Severity::Critical));
        known.status = Status::Known;
        let mut findings =
            vec![known, advisory(Some(Severity::Medium)), advisory(None), advisory(Some(Severity::High)), low];
        Finding::sort(&mut findings);
        let order: Vec<_> = findings.iter().map(Finding::severity_word).collect();
        assert_eq!(order, ["LOW", "HIGH", "UNSCORED", "MEDIUM", "CRITICAL"]);
    }
}
