//! What can go wrong, in words that name the request and what was tried.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use reqwest::{StatusCode, Url};

use super::request::Explanation;
use super::retry::{self, Repeat};
use super::url::without_secrets;
use crate::text::line_excerpt;

/// Characters of a refusal's body that an error shows.
const MAX_EXCERPT: usize = 200;

/// What a caller branches on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// An answer that was not accepted; the excerpt is one line of at most 200 characters.
    Status {
        /// 100 to 599.
        status: u16,
        /// What the server says, or the beginning of its body.
        excerpt: String,
    },
    /// Nothing came, or not all of it, within the time that was set.
    Timeout,
    /// No connection, or it broke.
    Connect,
    /// The name of the host does not exist, as the name service says. That it can't say is [`Kind::Connect`].
    UnknownHost,
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

/// The innermost reason and what the reader can do: `Connection refused (os error 111). Set HTTPS_PROXY if this network
/// needs a proxy.`
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub struct Cause(Box<str>);

impl HttpError {
    /// What a caller branches on.
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

    /// Text and cause in one line, with the advice at the end: what a person reads.
    pub fn explain(&self) -> String {
        match &self.cause {
            Some(cause) => format!("{}: {cause}", self.text),
            None => self.text.clone(),
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
        let repeat = retry::repeat(code);
        let what = status.canonical_reason().map_or_else(|| code.to_string(), |reason| format!("{code} {reason}"));
        let note = if excerpt.is_empty() { String::new() } else { format!(": {excerpt}") };
        let kind = if code == 407 { Kind::Proxy } else { Kind::Status { status: code, excerpt } };
        Failure { note: note.into(), repeat, retry_after, ..Failure::new(kind, what) }
    }

    /// From the connection to `url`; `connect` is how long one may take.
    pub(super) fn transport(error: &reqwest::Error, url: &Url, proxied: bool, connect: Duration) -> Failure {
        let cause = root(error);
        let tls = causes(error).any(|cause| cause.is::<rustls::Error>());
        let (kind, what, repeat) = if tls {
            (Kind::Tls, "no secure connection".to_owned(), Repeat::Never)
        } else if error.is_connect() {
            let to = if proxied { "no connection through the proxy" } else { "no connection" };
            match (error.is_timeout(), proxied) {
                (true, false) => (Kind::Timeout, format!("{to} within {}", seconds(connect)), Repeat::Always),
                (true, true) => (Kind::Proxy, format!("{to} within {}", seconds(connect)), Repeat::Always),
                (false, false) if is_unknown_host(&cause.0) => (Kind::UnknownHost, to.to_owned(), Repeat::Always),
                (false, false) => (Kind::Connect, to.to_owned(), Repeat::Always),
                (false, true) if cause.0.ends_with(PROXY_AUTHORIZATION) => (Kind::Proxy, to.to_owned(), Repeat::Never),
                (false, true) => (Kind::Proxy, to.to_owned(), Repeat::Always),
            }
        } else if error.is_builder() {
            (Kind::Other, "not a request that can be sent".to_owned(), Repeat::Never)
        } else {
            (Kind::Connect, "the connection broke".to_owned(), Repeat::IfIdempotent)
        };
        let advice = match kind {
            Kind::Connect | Kind::Timeout if !error.is_connect() || is_loopback(url) => None,
            _ => advice(&kind, &cause.0, if url.scheme() == "https" { "HTTPS_PROXY" } else { "HTTP_PROXY" }),
        };
        let cause = match advice {
            Some(advice) => Cause(format!("{}. {advice}", cause.0).into()),
            None => cause,
        };
        Failure { cause: Some(cause), repeat, ..Failure::new(kind, what) }
    }

    /// The same with the URL that redirects led to.
    pub(super) fn after_redirects(mut self, redirects: u32, url: &Url) -> Failure {
        if redirects > 0 {
            self.what = format!("redirected to {}: {}", without_secrets(url), self.what).into();
        }
        self
    }

    /// No further attempt since the server asks for more time than there is.
    pub(super) fn out_of_time(mut self, asked: Duration, left: Duration) -> Failure {
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

/// Whether the cause of a connection that failed is that the name of its host does not exist (`EAI_NONAME`, `EAI_NODATA`),
/// and not that the name service did not answer (`EAI_AGAIN`). The standard library gives only the C library's words.
pub fn is_unknown_host(cause: &str) -> bool {
    [
        // glibc
        "Name or service not known",
        "No address associated with hostname",
        // musl
        "Name does not resolve",
        "Name has no usable address",
        // macOS
        "nodename nor servname provided, or not known",
    ]
    .iter()
    .any(|words| cause.contains(words))
}

/// What hyper says if a proxy answers 407.
const PROXY_AUTHORIZATION: &str = "proxy authorization required";

/// What the reader can do about a connection that failed: one sentence, with the variable that helps. `proxy` is the
/// variable of the URL's scheme.
fn advice(kind: &Kind, cause: &str, proxy: &str) -> Option<String> {
    let sentence = match kind {
        Kind::Tls if cause.contains("UnknownIssuer") || cause.contains("BadSignature") => {
            "Set CA_CERT or CA_CERT_FILE to the certificate authority of this server.".to_owned()
        }
        Kind::Tls if cause.contains("not valid for name") => {
            "Use the host name that the certificate of this server is for.".to_owned()
        }
        Kind::Tls if cause.contains("xpired") || cause.contains("NotValidYet") || cause.contains("not valid yet") => {
            "Renew the certificate of this server, or set the clock of this machine.".to_owned()
        }
        Kind::Tls => "Check the scheme and the port of this URL.".to_owned(),
        Kind::Proxy if cause.ends_with(PROXY_AUTHORIZATION) => format!("Set its user and password in {proxy}."),
        Kind::Proxy => format!("Check {proxy}, or add the host to NO_PROXY."),
        Kind::Connect | Kind::Timeout => format!("Set {proxy} if this network needs a proxy."),
        Kind::UnknownHost => format!("Correct the host name, or set {proxy} if this network needs a proxy."),
        Kind::Status { .. } | Kind::TooLarge | Kind::Cancelled | Kind::Other => return None,
    };
    Some(sentence)
}

/// No proxy is needed to reach this machine.
fn is_loopback(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse().is_ok_and(|address: std::net::IpAddr| address.is_loopback())
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
    line_excerpt(&String::from_utf8_lossy(body), MAX_EXCERPT)
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

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::{Kind, advice};

    /// Every kind of failure on the way to a server with the advice that ends its text. One without advice is for the
    /// caller to complete, who knows what was asked for.
    #[test]
    fn each_failure_ends_with_what_to_do() {
        let status = Kind::Status { status: 500, excerpt: String::new() };
        let mut table = String::new();
        for (kind, cause) in [
            (Kind::Tls, "invalid peer certificate: UnknownIssuer"),
            (Kind::Tls, "invalid peer certificate: certificate not valid for name \"reg.example\""),
            (Kind::Tls, "invalid peer certificate: certificate expired"),
            (Kind::Tls, "received corrupt message of type InvalidContentType"),
            (Kind::Proxy, "tunnel error: proxy authorization required"),
            (Kind::Proxy, "Connection refused (os error 111)"),
            (Kind::Connect, "failed to lookup address information: Name or service not known"),
            (Kind::Timeout, "deadline has elapsed"),
            (status, "any"),
            (Kind::TooLarge, "any"),
            (Kind::Cancelled, "any"),
            (Kind::Other, "any"),
        ] {
            let advice = advice(&kind, cause, "HTTPS_PROXY").unwrap_or_else(|| "-".to_owned());
            writeln!(table, "{kind:?}: {cause}\n  {advice}").unwrap();
        }
        insta::assert_snapshot!(table, @r#"
        Tls: invalid peer certificate: UnknownIssuer
          Set CA_CERT or CA_CERT_FILE to the certificate authority of this server.
        Tls: invalid peer certificate: certificate not valid for name "reg.example"
          Use the host name that the certificate of this server is for.
        Tls: invalid peer certificate: certificate expired
          Renew the certificate of this server, or set the clock of this machine.
        Tls: received corrupt message of type InvalidContentType
          Check the scheme and the port of this URL.
        Proxy: tunnel error: proxy authorization required
          Set its user and password in HTTPS_PROXY.
        Proxy: Connection refused (os error 111)
          Check HTTPS_PROXY, or add the host to NO_PROXY.
        Connect: failed to lookup address information: Name or service not known
          Set HTTPS_PROXY if this network needs a proxy.
        Timeout: deadline has elapsed
          Set HTTPS_PROXY if this network needs a proxy.
        Status { status: 500, excerpt: "" }: any
          -
        TooLarge: any
          -
        Cancelled: any
          -
        Other: any
          -
        "#);
    }
}
