//! What the services of keyless signing have in common: requests and errors.

use std::fmt;

use pipe_core::http::{Client, HttpError, Kind, Request, Response, Url};
use secrecy::{ExposeSecret, SecretString};

use crate::token::TokenError;

/// The services of keyless signing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    /// The certificate authority that issues certificates for identity tokens.
    Fulcio,
    /// The transparency log of signatures.
    Rekor,
    /// The timestamp authority (RFC 3161).
    TimestampAuthority,
    /// GitHub's issuer of identity tokens for jobs.
    GitHub,
    /// The TUF repository that publishes trusted roots and signing configs.
    Tuf,
}

impl Service {
    /// What a reader can do if the service does not answer as it should, without a full stop.
    fn advice(self) -> &'static str {
        match self {
            Service::Fulcio => "Check FULCIO_URL, or sign with COSIGN_PRIVATE_KEY",
            Service::Rekor => "Check REKOR_URL, or set TLOG_UPLOAD=false to sign with a key and without a log",
            Service::TimestampAuthority => "Check TSA_URL",
            Service::GitHub => "Set `permissions: id-token: write` on the job",
            Service::Tuf => "Check TUF_URL, or set TRUSTED_ROOT to the content of trusted_root.json",
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Service::Fulcio => "Fulcio",
            Service::Rekor => "Rekor",
            Service::TimestampAuthority => "the timestamp authority",
            Service::GitHub => "GitHub's token service",
            Service::Tuf => "the TUF repository",
        })
    }
}

/// Why a step of keyless signing failed. No message contains a token.
#[derive(Debug, thiserror::Error)]
pub enum KeylessError {
    /// The service refused the request. A repetition would be refused as well.
    #[error("{service} at {host} refused the request: {reason}. {}.", .service.advice())]
    Refused {
        /// The service.
        service: Service,
        /// Its host, with the port if the URL names one.
        host: String,
        /// The text of the service and its status.
        reason: String,
    },
    /// No decision: the network, a timeout or the server failed, or the URL is not of such a service.
    #[error("{service} at {host} is not available: {}. {}.", .why.trim_end_matches('.'), .service.advice())]
    Unavailable {
        /// The service.
        service: Service,
        /// Its host, with the port if the URL names one.
        host: String,
        /// What failed: the network, a timeout, the status.
        why: String,
    },
    /// A response that does not belong to the request or is damaged. It must not be used.
    #[error("{service} at {host} sent an invalid response: {what}. {}.", .service.advice())]
    Malformed {
        /// The service.
        service: Service,
        /// Its host, with the port if the URL names one.
        host: String,
        /// What is wrong, as a fragment about the response.
        what: String,
    },
    /// The log already holds this signature and does not return its entry. A new signature differs and can be logged.
    #[error("Rekor at {host} already holds this signature but does not return its entry. Run the job again.")]
    Logged {
        /// The host of the log.
        host: String,
    },
    /// The identity token is not valid.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The settings, the key or the document do not allow it. No request was sent.
    #[error("{0}")]
    Unsupported(String),
    /// The run was cancelled.
    #[error("the run was cancelled")]
    Interrupted,
}

/// A service at its URL.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    service: Service,
    http: Client,
    base: String,
    host: String,
}

impl Endpoint {
    /// An invalid URL is an error of the first request.
    pub(crate) fn new(service: Service, http: Client, url: &str) -> Endpoint {
        Endpoint { service, http, base: url.trim().trim_end_matches('/').to_owned(), host: host(url) }
    }

    /// The URL itself or one below it. `path` begins with `/` or is empty.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// Sends a request. No error has a part of `secret`, even if the server or something before it repeats the request.
    pub(crate) async fn send(&self, request: Request, secret: Option<&SecretString>) -> Result<Response, KeylessError> {
        match self.http.send(request).await {
            Ok(response) => Ok(response),
            Err(error) => Err(self.failed(&error, secret)),
        }
    }

    /// The error of a request that failed.
    pub(crate) fn failed(&self, error: &HttpError, secret: Option<&SecretString>) -> KeylessError {
        let (service, host) = (self.service, self.host.clone());
        match error.kind() {
            Kind::Cancelled => KeylessError::Interrupted,
            Kind::Status { status, excerpt } if refuses(*status) => {
                let reason = match message(excerpt) {
                    text if text.is_empty() => format!("status {status}"),
                    text if repeats(&text, secret) => format!("status {status} (its text contains the token)"),
                    text => format!("{text} (status {status})"),
                };
                KeylessError::Refused { service, host, reason }
            }
            Kind::Status { status, .. } if repeats(&error.to_string(), secret) => KeylessError::Unavailable {
                service,
                host,
                why: format!("status {status} (its text contains the token)"),
            },
            _ => KeylessError::Unavailable { service, host, why: error.explain() },
        }
    }

    pub(crate) fn unavailable(&self, why: impl Into<String>) -> KeylessError {
        KeylessError::Unavailable { service: self.service, host: self.host.clone(), why: why.into() }
    }

    pub(crate) fn logged(&self) -> KeylessError {
        KeylessError::Logged { host: self.host.clone() }
    }

    pub(crate) fn refused(&self, reason: impl Into<String>) -> KeylessError {
        KeylessError::Refused { service: self.service, host: self.host.clone(), reason: reason.into() }
    }

    pub(crate) fn malformed(&self, what: impl Into<String>) -> KeylessError {
        KeylessError::Malformed { service: self.service, host: self.host.clone(), what: what.into() }
    }
}

/// `fulcio.example:5555`
pub(crate) fn host(url: &str) -> String {
    let parsed = Url::parse(url.trim()).ok();
    let host = parsed.as_ref().and_then(|url| {
        let host = url.host_str()?;
        Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
    });
    host.unwrap_or_else(|| "an invalid URL".to_owned())
}

/// The statuses with which these services refuse a request for good. 404 and the like mean that the URL is wrong.
fn refuses(status: u16) -> bool {
    matches!(status, 400 | 401 | 403 | 409 | 413 | 415 | 422)
}

/// The `message` of a refusal in JSON (gRPC gateways and Rekor v1 write such), which may be cut off; else the text.
fn message(excerpt: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Refusal {
        message: String,
    }
    if let Ok(refusal) = serde_json::from_str::<Refusal>(excerpt) {
        return refusal.message;
    }
    excerpt.to_owned()
}

/// Whether a text contains 12 consecutive bytes of a secret.
fn repeats(text: &str, secret: Option<&SecretString>) -> bool {
    const SHARED: usize = 12;
    let Some(secret) = secret else {
        return false;
    };
    let secret = secret.expose_secret();
    text.as_bytes()
        .windows(SHARED.min(secret.len()).max(1))
        .filter_map(|window| std::str::from_utf8(window).ok())
        .any(|window| secret.contains(window))
}

#[cfg(test)]
pub(crate) mod tests;
