//! What the engine hands to its caller.

use std::fmt;

use secrecy::SecretString;

use crate::severity::Severity;

/// One secret in one file. Its value is for the redactor only; `Debug` leaves it and the line's key out.
pub(crate) struct Match {
    /// Index into [`Engine::rules`](super::Engine::rules).
    pub(crate) rule: usize,
    pub(crate) severity: Severity,
    /// The provider's public prefix and an ellipsis, or empty.
    pub(crate) shown: String,
    /// Lines and columns count from 1, columns in Unicode code points; the end is exclusive, as in SARIF.
    pub(crate) start_line: u32,
    pub(crate) start_column: u32,
    pub(crate) end_line: u32,
    pub(crate) end_column: u32,
    /// 32 hex digits that survive moved lines.
    pub(crate) fingerprint: String,
    /// `gitleaks:allow` stands on one of the match's lines.
    pub(crate) allowed: bool,
    /// What [`inline_allows`](super::inline_allows) gives for the line of the allow, so that the caller can ask whether
    /// the same line stood in an older version. A hash over the whole line: keep it out of reports.
    pub(crate) allow_key: Option<String>,
    pub(crate) value: SecretString,
}

impl fmt::Debug for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Match")
            .field("rule", &self.rule)
            .field("severity", &self.severity)
            .field("shown", &self.shown)
            .field("start", &(self.start_line, self.start_column))
            .field("end", &(self.end_line, self.end_column))
            .field("fingerprint", &self.fingerprint)
            .field("allowed", &self.allowed)
            .finish_non_exhaustive()
    }
}
