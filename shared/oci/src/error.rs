//! What can go wrong between us and a registry.

use std::time::Duration;

use pipe_core::http::{HttpError, Kind};
use serde::Deserialize;
use serde_json::Value;

/// Characters that are shown of what a registry says.
const MAX_EXCERPT: usize = 200;

/// What a caller branches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// No such repository, manifest or blob.
    NotFound,
    /// No credentials, or refused ones.
    Unauthorized,
    /// Known, and not allowed.
    Denied,
    /// The registry refuses what it was sent.
    Refused,
    /// Larger than is read or written.
    TooLarge,
    /// Content that has another digest than was asked for. Nothing of it may be used.
    DigestMismatch,
    /// An answer that is not what the specification says.
    Malformed,
    /// The registry could not be asked, or has its own trouble.
    Unavailable,
    /// What was written is not there any more: somebody else wrote at the same time.
    Lost,
    /// The run was cancelled.
    Cancelled,
}

/// A request to a registry that failed; the text names what was asked for, and what the registry said.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    kind: ErrorKind,
    text: String,
    retry_after: Option<Duration>,
}

impl Error {
    /// An error of the same kinds that somebody else found, e.g. in what a registry has.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Error {
        Error { kind, text: text.into(), retry_after: None }
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }

    /// `what` is what was asked for, e.g. `the manifest of ghcr.io/org/app:1.2`.
    pub(crate) fn http(what: &str, error: &HttpError) -> Error {
        let kind = match error.kind() {
            Kind::Status { status: 404, .. } => ErrorKind::NotFound,
            Kind::Status { status: 401, .. } => ErrorKind::Unauthorized,
            Kind::Status { status: 403, .. } => ErrorKind::Denied,
            Kind::Status { status: 413, .. } | Kind::TooLarge => ErrorKind::TooLarge,
            // Too late, too early or too often: nothing is wrong with what was sent.
            Kind::Status { status: 408 | 425 | 429 | 500.., .. } => ErrorKind::Unavailable,
            Kind::Status { status: 400..500, .. } => ErrorKind::Refused,
            Kind::Cancelled => ErrorKind::Cancelled,
            _ => ErrorKind::Unavailable,
        };
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Error { kind, text: format!("{what}: {error}{cause}"), retry_after: error.retry_after() }
    }

    /// The same, found while doing something.
    #[must_use]
    pub(crate) fn about(self, what: &str) -> Error {
        Error { text: format!("{what}: {}", self.text), ..self }
    }

    #[must_use]
    pub(crate) fn of_kind(self, kind: ErrorKind) -> Error {
        Error { kind, ..self }
    }

    /// How long the registry asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// What is quoted of a refusal.
pub(crate) fn excerpt(error: &HttpError) -> &str {
    match error.kind() {
        Kind::Status { excerpt, .. } => excerpt,
        _ => "",
    }
}

/// What a refusal says to people: of registries (`errors` in the distribution specification), of token services (`error`
/// and `error_description` in RFC 6749; `details` and `message` elsewhere).
pub(crate) fn refusal_message(body: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(default)]
        errors: Vec<ErrorEntry>,
        #[serde(default)]
        error: Value,
        #[serde(default)]
        error_description: Value,
        #[serde(default)]
        details: Value,
        #[serde(default)]
        message: Value,
    }
    #[derive(Deserialize)]
    struct ErrorEntry {
        #[serde(default)]
        code: Value,
        #[serde(default)]
        message: Value,
    }
    fn text(value: &Value) -> Option<&str> {
        value.as_str().map(str::trim).filter(|text| !text.is_empty())
    }
    fn both(code: &Value, message: &Value) -> Option<String> {
        match (text(code), text(message)) {
            (Some(code), Some(message)) => Some(format!("{message} ({code})")),
            (one, other) => one.or(other).map(str::to_owned),
        }
    }
    let refusal: Refusal = serde_json::from_slice(body).ok()?;
    let messages: Vec<String> = refusal.errors.iter().filter_map(|entry| both(&entry.code, &entry.message)).collect();
    if !messages.is_empty() {
        return Some(messages.join("; "));
    }
    let message = [&refusal.error_description, &refusal.details, &refusal.message];
    let message = message.into_iter().find(|value| text(value).is_some()).unwrap_or(&Value::Null);
    both(&refusal.error, message)
}

/// The same of a body that was accepted, on one line and short.
pub(crate) fn refusal_line(body: &[u8]) -> String {
    let text = refusal_message(body).unwrap_or_default().replace(char::is_control, " ");
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_EXCERPT) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

#[cfg(test)]
mod tests;
