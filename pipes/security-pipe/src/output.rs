//! What others read: SARIF for code scanning, JUnit for test reports, Markdown for people, and gitleaks' JSON for
//! whoever read the ancestor's.
//!
//! Pure functions of a finished run. They add nothing and drop nothing silently: order, fingerprints and verdicts are
//! those of the findings as given.

mod gitleaks;
mod junit;
mod markdown;
mod sarif;
mod text;

use crate::finding::Finding;

pub(crate) use gitleaks::gitleaks;
pub(crate) use junit::junit;
pub(crate) use markdown::markdown;
pub(crate) use sarif::sarif;

/// A finished run.
pub(crate) struct Run<'a> {
    /// This pipe's own version.
    pub(crate) tool_version: &'a str,
    /// `REPORT_NAME`: keeps the parts of a monorepo apart.
    pub(crate) report_name: Option<&'a str>,
    /// Worst first ([`Finding::sort`]).
    pub(crate) findings: &'a [Finding],
    pub(crate) scans: &'a [ScanOutcome<'a>],
    /// `passed`, `warned`, `failed`, `error` ...
    pub(crate) verdict: &'a str,
    /// Why, as the last line for a person says it.
    pub(crate) reason: &'a str,
    /// Where to read about this pipe.
    pub(crate) information_url: Option<&'a str>,
    /// The repository's address.
    pub(crate) repository_url: Option<&'a str>,
    pub(crate) commit: Option<&'a str>,
    pub(crate) branch: Option<&'a str>,
    /// RFC 3339.
    pub(crate) started_at: &'a str,
    /// Makes text from outside harmless in Markdown.
    pub(crate) escape: &'a dyn Fn(&str) -> String,
}

/// How one scan ended.
pub(crate) struct ScanOutcome<'a> {
    /// As [`Finding::scanner`] calls it.
    pub(crate) name: &'a str,
    pub(crate) status: ScanStatus,
    /// What was looked at, why there was nothing to, or what failed.
    pub(crate) detail: &'a str,
    pub(crate) seconds: f64,
    /// What was counted, e.g. `("files", 1204)`.
    pub(crate) counts: &'a [(&'static str, u64)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ScanStatus {
    Ran,
    Skipped,
    Failed,
}

impl ScanStatus {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            ScanStatus::Ran => "ran",
            ScanStatus::Skipped => "skipped",
            ScanStatus::Failed => "failed",
        }
    }
}

#[cfg(test)]
mod tests;
