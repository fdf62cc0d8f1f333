//! What can go wrong between us and a registry.

use pipe_core::http::{HttpError, Kind as HttpKind};

/// What a caller branches on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
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

/// A request to a registry that failed; the text names what was asked for.
#[derive(Debug, thiserror::Error)]
#[error("{text}")]
pub struct Error {
    kind: Kind,
    text: String,
}

impl Error {
    pub(crate) fn new(kind: Kind, text: impl Into<String>) -> Error {
        Error { kind, text: text.into() }
    }

    pub fn kind(&self) -> Kind {
        self.kind
    }

    pub fn is_not_found(&self) -> bool {
        self.kind == Kind::NotFound
    }

    /// `what` is what was asked for, e.g. `the manifest of ghcr.io/org/app:1.2`.
    pub(crate) fn http(what: &str, error: &HttpError) -> Error {
        let kind = match error.kind() {
            HttpKind::Status { status: 404, .. } => Kind::NotFound,
            HttpKind::Status { status: 401, .. } => Kind::Unauthorized,
            HttpKind::Status { status: 403, .. } => Kind::Denied,
            HttpKind::Status { status: 413, .. } | HttpKind::TooLarge => Kind::TooLarge,
            HttpKind::Status { status: 429 | 500.., .. } => Kind::Unavailable,
            HttpKind::Status { status: 400..500, .. } => Kind::Refused,
            HttpKind::Cancelled => Kind::Cancelled,
            _ => Kind::Unavailable,
        };
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        Error { kind, text: format!("{what}: {error}{cause}") }
    }
}
