//! What the engine hands to its caller.

use std::fmt;

use secrecy::SecretString;

use pipe_core::severity::Severity;

/// What a file holds.
#[derive(Debug)]
pub struct Scanned {
    /// In the order of their places.
    pub matches: Vec<Match>,
    /// At least a part of it is text. If none is, nothing was looked for.
    pub is_text: bool,
    /// So many were read.
    pub bytes: u64,
}

/// One secret in one file. Its value is for the redactor only; `Debug` leaves it and the line's key out.
pub struct Match {
    /// Index into [`Engine::rules`](super::Engine::rules).
    pub rule: usize,
    /// As its rule rates it.
    pub severity: Severity,
    /// The provider's public prefix and an ellipsis, or empty.
    pub shown: String,
    /// From 1, as are the columns.
    pub start_line: u32,
    /// In code points, from 1.
    pub start_column: u32,
    /// The line of the last character, from 1.
    pub end_line: u32,
    /// In code points, from 1, exclusive.
    pub end_column: u32,
    /// 32 hex digits that survive moved lines.
    pub fingerprint: String,
    /// `gitleaks:allow` stands on one of the match's lines.
    pub allowed: bool,
    /// What [`inline_allows`](super::inline_allows) gives for the line of the allow, so that the caller can ask whether
    /// the same line stood in an older version. A hash over the whole line: keep it out of reports.
    pub allow_key: Option<String>,
    /// The secret itself, for the redactor.
    pub value: SecretString,
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
