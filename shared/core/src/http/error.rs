//! What can go wrong, in words that name the request and what was tried.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use reqwest::{StatusCode, Url};

use super::request::{Explanation, without_secrets};

/// Characters of a refusal's body that an error shows.
const MAX_EXCERPT: usize = 200;

/// What a caller branches on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An answer that was not accepted; the excerpt is one line of at most 200 characters.
    Status { status: u16, excerpt: String },
    /// Nothing came, or not all of it, within the time that was set.
    Timeout,
    /// No connection, or it broke.
    Connect,
    /// No trust: the certificate, the name, the protocol.
    Tls,
    /// The proxy was not reached or refused.
    Proxy,
    /// The body is larger than allowed.
    TooLarge,
    /// The run was interrupted.
    Cancelled,
    /// Settings, a request that can't be sent, a redirect that is not followed.
    Other,
}

/// A request that failed for good: `POST https://host/path: 503 Service Unavailable after 4 attempts in 7.1 s`. URLs in
/// it have neither user nor query values.
#[derive(Debug)]
pub struct HttpError {
    kind: Kind,
    text: String,
    cause: Option<Cause>,
    retry_after: Option<Duration>,
}

/// The innermost reason, such as `Connection refused (os error 111)`.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Cause(Box<str>);

impl HttpError {
    pub fn kind(&self) -> &Kind {
        &self.kind
    }

    /// The status that was not accepted.
    pub fn status(&self) -> Option<u16> {
        match self.kind {
            Kind::Status { status, .. } => Some(status),
            _ => None,
        }
    }

    /// How long the server asks to wait before the next attempt.
    pub fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }

    /// A setting that can't be used.
    pub(super) fn settings(text: impl Into<String>, cause: Option<&(dyn Error + 'static)>) -> HttpError {
        HttpError { kind: Kind::Other, text: text.into(), cause: cause.map(root), retry_after: None }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Error for HttpError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_ref().map(|cause| cause as &(dyn Error + 'static))
    }
}

/// Whether sending again can do harm.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Repeat {
    /// It would end the same way.
    Never,
    /// The server may have acted on it.
    IfIdempotent,
    /// The server did not act on it.
    Always,
}

/// One attempt that failed.
#[derive(Clone)]
pub(super) struct Failure {
    kind: Kind,
    what: Box<str>,
    /// Stands at the end: an excerpt, or why there is no further attempt.
    note: Box<str>,
    cause: Option<Cause>,
    repeat: Repeat,
    pub(super) retry_after: Option<Duration>,
}

impl Failure {
    /// One that another attempt doesn't help.
    pub(super) fn new(kind: Kind, what: impl Into<Box<str>>) -> Failure {
        let (note, cause, repeat, retry_after) = (Box::default(), None, Repeat::Never, None);
        Failure { kind, what: what.into(), note, cause, repeat, retry_after }
    }

    pub(super) fn timeout(what: &str, limit: Duration) -> Failure {
        let what = format!("{what} within {}", seconds(limit));
        Failure { repeat: Repeat::IfIdempotent, ..Failure::new(Kind::Timeout, what) }
    }

    pub(super) fn too_large(limit: u64) -> Failure {
        Failure::new(Kind::TooLarge, format!("the body is larger than {limit} bytes"))
    }

    pub(super) fn status(
        status: StatusCode,
        body: &[u8],
        explanation: Option<Explanation>,
        retry_after: Option<Duration>,
    ) -> Failure {
        let code = status.as_u16();
        let explained = explanation.and_then(|read| read(body));
        let excerpt = excerpt(explained.as_ref().map_or(body, String::as_bytes));
        let repeat = match code {
            429 | 503 => Repeat::Always,
            408 | 500 | 502 | 504 => Repeat::IfIdempotent,
            _ => Repeat::Never,
        };
        let what = status.canonical_reason().map_or_else(|| code.to_string(), |reason| format!("{code} {reason}"));
        let note = if excerpt.is_empty() { String::new() } else { format!(": {excerpt}") };
        let kind = if code == 407 { Kind::Proxy } else { Kind::Status { status: code, excerpt } };
        Failure { note: note.into(), repeat, retry_after, ..Failure::new(kind, what) }
    }

    /// From the connection; `connect` is how long one may take.
    pub(super) fn transport(error: &reqwest::Error, proxied: bool, connect: Duration) -> Failure {
        let cause = root(error);
        let tls = causes(error).any(|cause| cause.is::<rustls::Error>());
        let (kind, what, repeat) = if tls {
            (Kind::Tls, "no secure connection".to_owned(), Repeat::Never)
        } else if error.is_connect() {
            let to = if proxied { "no connection through the proxy" } else { "no connection" };
            match (error.is_timeout(), proxied) {
                (true, false) => (Kind::Timeout, format!("{to} within {}", seconds(connect)), Repeat::Always),
                (true, true) => (Kind::Proxy, format!("{to} within {}", seconds(connect)), Repeat::Always),
                (false, false) => (Kind::Connect, to.to_owned(), Repeat::Always),
                (false, true) if cause.0.ends_with("proxy authorization required") => {
                    (Kind::Proxy, to.to_owned(), Repeat::Never)
                }
                (false, true) => (Kind::Proxy, to.to_owned(), Repeat::Always),
            }
        } else if error.is_builder() {
            (Kind::Other, "not a request that can be sent".to_owned(), Repeat::Never)
        } else {
            (Kind::Connect, "the connection broke".to_owned(), Repeat::IfIdempotent)
        };
        Failure { cause: Some(cause), repeat, ..Failure::new(kind, what) }
    }

    /// The same at the URL that redirects led to.
    pub(super) fn behind(mut self, redirects: u32, url: &Url) -> Failure {
        if redirects > 0 {
            self.what = format!("redirected to {}: {}", without_secrets(url), self.what).into();
        }
        self
    }

    /// No further attempt since the server asks for more time than there is.
    pub(super) fn impatient(mut self, asked: Duration, left: Duration) -> Failure {
        let (asked, left) = (seconds(asked), seconds(left));
        self.note = format!("; the server asks to wait {asked}, {left} are left{}", self.note).into();
        self
    }

    pub(super) fn may_repeat(&self, idempotent: bool) -> bool {
        match self.repeat {
            Repeat::Never => false,
            Repeat::IfIdempotent => idempotent,
            Repeat::Always => true,
        }
    }

    /// The error of a whole request.
    pub(super) fn of(self, request: String, attempts: u32, elapsed: Duration) -> HttpError {
        let Failure { kind, what, note, cause, retry_after, .. } = self;
        let tried =
            if attempts > 1 { format!(" after {attempts} attempts in {}", seconds(elapsed)) } else { String::new() };
        HttpError { kind, text: format!("{request}: {what}{tried}{note}"), cause, retry_after }
    }
}

/// `7.1 s`; below a tenth of a second in milliseconds.
fn seconds(duration: Duration) -> String {
    if duration < Duration::from_millis(100) {
        format!("{} ms", duration.as_millis())
    } else if duration.subsec_millis() == 0 {
        format!("{} s", duration.as_secs())
    } else {
        format!("{:.1} s", duration.as_secs_f64())
    }
}

/// The beginning of a body on one line, without control characters.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body).replace(char::is_control, " ");
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.char_indices().nth(MAX_EXCERPT) {
        Some((end, _)) => format!("{}...", &line[..end]),
        None => line,
    }
}

/// The chain from an error down to its first reason. An `io::Error` hides the one that it was made from: its `source`
/// is that one's source.
fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    let mut next = Some(error);
    std::iter::from_fn(move || {
        let error = next.take()?;
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        };
        Some(error)
    })
}

fn root(error: &(dyn Error + 'static)) -> Cause {
    Cause(causes(error).last().unwrap_or(error).to_string().into())
}
