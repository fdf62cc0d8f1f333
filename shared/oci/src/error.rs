//! What can go wrong between a client and a registry.

use std::fmt;
use std::time::Duration;

use pipe_core::http::{HttpError, Kind, may_pass};
use pipe_core::text::line_excerpt;
use serde::Deserialize;
use serde_json::Value;

/// The most characters of a registry's text that are shown.
const MAX_EXCERPT: usize = 200;

/// What a caller branches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The repository, manifest or blob does not exist (404).
    NotFound,
    /// The registry requires credentials and accepted none (401).
    Unauthorized,
    /// The account is not allowed to do this (403).
    Denied,
    /// The registry does not accept the request (other 4xx).
    Refused,
    /// More bytes, pages or entries than the limit.
    TooLarge,
    /// The content has another digest than its name. It must not be used.
    DigestMismatch,
    /// A response that does not follow the specification.
    Malformed,
    /// The network or the registry failed (5xx, 408, 425, 429).
    Unavailable,
    /// Another writer overwrote the entry at the same time.
    Lost,
    /// The run was cancelled.
    Cancelled,
}

impl ErrorKind {
    /// What a reader can do about it, as a sentence without its full stop. Only a cancelled run needs nothing.
    fn advice(self) -> Option<&'static str> {
        match self {
            ErrorKind::NotFound => Some("Check the name and the tag, and that DOCKER_USERNAME can read the repository"),
            ErrorKind::Unauthorized => Some("Set DOCKER_USERNAME and DOCKER_PASSWORD"),
            ErrorKind::Denied => {
                Some("Set DOCKER_USERNAME and DOCKER_PASSWORD to an account with access to the repository")
            }
            ErrorKind::Refused => Some("Check that the host in IMAGE is an OCI registry"),
            ErrorKind::TooLarge => Some("Push smaller content, since the limit is fixed"),
            ErrorKind::DigestMismatch => Some("Push the image again, or check the proxy in HTTPS_PROXY"),
            ErrorKind::Malformed => Some("Check that the host in IMAGE is an OCI registry"),
            ErrorKind::Unavailable | ErrorKind::Lost => Some("Run the job again"),
            ErrorKind::Cancelled => None,
        }
    }
}

/// A request to a registry that failed. The text names the operation, what the registry returned, and what the reader can
/// do: `failed to fetch the manifest of ghcr.io/org/app:1.2: no credentials for ghcr.io, which requires them. Set
/// DOCKER_USERNAME and DOCKER_PASSWORD.`
#[derive(Debug, Clone)]
pub struct Error {
    kind: ErrorKind,
    text: String,
    advice: Option<&'static str>,
    retry_after: Option<Duration>,
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.advice {
            // Text of a registry may end with a full stop.
            Some(advice) => write!(f, "{}. {advice}.", self.text.trim_end_matches('.')),
            None => f.write_str(&self.text),
        }
    }
}

impl Error {
    /// An error with a lowercase text without a full stop, and the advice of its kind.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Error {
        Error { kind, text: text.into(), advice: kind.advice(), retry_after: None }
    }

    /// The same with another advice: a sentence without its full stop.
    #[must_use]
    pub(crate) fn with_advice(self, advice: &'static str) -> Error {
        Error { advice: Some(advice), ..self }
    }

    /// What a caller branches on.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the registry answered that the thing does not exist.
    pub fn is_not_found(&self) -> bool {
        self.kind == ErrorKind::NotFound
    }

    /// `what` is the operation, such as `failed to fetch the manifest of ghcr.io/org/app:1.2`.
    pub(crate) fn http(what: &str, error: &HttpError) -> Error {
        let kind = match error.kind() {
            Kind::Status { status: 404, .. } => ErrorKind::NotFound,
            Kind::Status { status: 401, .. } => ErrorKind::Unauthorized,
            Kind::Status { status: 403, .. } => ErrorKind::Denied,
            Kind::Status { status: 413, .. } | Kind::TooLarge => ErrorKind::TooLarge,
            // The request itself is valid.
            Kind::Status { status, .. } if may_pass(*status) => ErrorKind::Unavailable,
            Kind::Status { status: 400..500, .. } => ErrorKind::Refused,
            Kind::Cancelled => ErrorKind::Cancelled,
            _ => ErrorKind::Unavailable,
        };
        let failed = Error::new(kind, format!("{what}: {}", error.explain()));
        // Errors of the connection name the way out themselves, those of the registry do not.
        let explained =
            matches!(error.kind(), Kind::Connect | Kind::UnknownHost | Kind::Timeout | Kind::Tls | Kind::Proxy)
                && error.explain().ends_with('.');
        let advice = match error.kind() {
            // rustls says this of an answer in plain HTTP.
            Kind::Tls if error.explain().contains("InvalidContentType") => {
                Some("Set REGISTRY_PLAIN_HTTP=true if the registry has no TLS")
            }
            Kind::Status { status: 413, .. } => {
                Some("Raise the limit of request sizes at the registry, or at the proxy in front of it")
            }
            Kind::Status { status: 429, .. } => {
                Some("Run the job again later, or set DOCKER_USERNAME to an account with a higher limit")
            }
            _ => failed.advice.filter(|_| !explained),
        };
        Error { advice, retry_after: error.retry_after(), ..failed }
    }

    /// The same error of a request that writes.
    #[must_use]
    pub(crate) fn of_write(self) -> Error {
        match self.kind {
            ErrorKind::NotFound => {
                self.with_advice("Create the repository, or set SIGNATURE_REPOSITORY to one that exists")
            }
            ErrorKind::Refused => self.with_advice("Set SIGNATURE_REPOSITORY to a registry that accepts OCI artifacts"),
            _ => self,
        }
    }

    /// The same error with the operation before its text.
    #[must_use]
    pub(crate) fn about(self, what: &str) -> Error {
        Error { text: format!("{what}: {}", self.text), ..self }
    }

    #[must_use]
    pub(crate) fn of_kind(self, kind: ErrorKind) -> Error {
        Error { kind, advice: kind.advice(), ..self }
    }

    /// How long the registry asks to wait.
    pub(crate) fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// The excerpt of the body of a refusal, empty for other errors.
pub(crate) fn excerpt(error: &HttpError) -> &str {
    match error.kind() {
        Kind::Status { excerpt, .. } => excerpt,
        _ => "",
    }
}

/// The message in the body of a refusal: of registries (`errors` in the distribution specification), of token services (`error`
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

/// The same on one line shortened, for a body that the HTTP client did not shorten.
pub(crate) fn refusal_line(body: &[u8]) -> String {
    line_excerpt(&refusal_message(body).unwrap_or_default(), MAX_EXCERPT)
}

#[cfg(test)]
mod tests;
