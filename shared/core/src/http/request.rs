//! A request before it is sent.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

use super::error::{Failure, Kind};
use super::redirect::Hop;

/// What proves who we are.
#[derive(Debug, Clone)]
pub enum Authorization {
    Bearer(SecretString),
    Basic {
        user: String,
        password: SecretString,
    },
    /// The whole value of the header, scheme and all.
    Header(SecretString),
}

/// Reads from a refusal's body how long to wait.
pub type RetryAfter = fn(&[u8]) -> Option<Duration>;

/// Reads from a refusal's body what it says to people.
pub type Explanation = fn(&[u8]) -> Option<String>;

/// A request to be built up and sent. A mistake in it is reported when it is sent.
#[derive(Clone)]
pub struct Request {
    method: Method,
    url: Option<Url>,
    headers: HeaderMap,
    body: Option<Bytes>,
    secret_body: bool,
    secret_path: bool,
    problem: Option<String>,
    pub(super) idempotent: bool,
    pub(super) follow: bool,
    pub(super) retry_after: Option<RetryAfter>,
    pub(super) explanation: Option<Explanation>,
    pub(super) once: bool,
    pub(super) accepted: Vec<u16>,
    pub(super) max_body: Option<u64>,
    pub(super) total_timeout: Option<Duration>,
}

impl Request {
    /// User and password in the URL become the authorization for its host.
    pub fn new(method: Method, url: &str) -> Request {
        let idempotent = method.is_idempotent();
        let mut request = Request {
            method,
            url: None,
            headers: HeaderMap::new(),
            body: None,
            secret_body: false,
            secret_path: false,
            problem: None,
            idempotent,
            follow: true,
            retry_after: None,
            explanation: None,
            once: false,
            accepted: Vec::new(),
            max_body: None,
            total_timeout: None,
        };
        match Url::parse(url) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => request.take_credentials(url),
            Ok(_) => request.wrong("the URL begins with neither http:// nor https://"),
            Err(error) => request.wrong(format!("not a URL: {error}")),
        }
        request
    }

    /// A GET request.
    pub fn get(url: &str) -> Request {
        Request::new(Method::GET, url)
    }

    /// A POST request.
    pub fn post(url: &str) -> Request {
        Request::new(Method::POST, url)
    }

    /// A PUT request.
    pub fn put(url: &str) -> Request {
        Request::new(Method::PUT, url)
    }

    /// Where it goes; `None` where that is no URL.
    pub fn url(&self) -> Option<&Url> {
        self.url.as_ref()
    }

    /// Sets a header.
    pub fn header(mut self, name: &str, value: &str) -> Request {
        self.set(name, value, false);
        self
    }

    /// Sets a header that is dropped when a redirect leads to another origin.
    pub fn secret_header(mut self, name: &str, value: &SecretString) -> Request {
        self.set(name, value.expose_secret(), true);
        self
    }

    /// Adds credentials that are for `host` (`ghcr.io`, `localhost:5000`; without a port, the scheme's own). A request to
    /// any other host is not sent at all.
    pub fn authorize(mut self, authorization: &Authorization, host: &str) -> Request {
        if let Some(url) = &self.url {
            let meant = Url::parse(&format!("{}://{host}", url.scheme())).ok();
            if !meant.is_some_and(|meant| meant.origin() == url.origin()) {
                self.wrong(format!("these credentials are for {host} only"));
            }
        }
        let value = match authorization {
            Authorization::Bearer(token) => format!("Bearer {}", token.expose_secret()),
            Authorization::Basic { user, password } => {
                format!("Basic {}", STANDARD.encode(format!("{user}:{}", password.expose_secret())))
            }
            Authorization::Header(value) => value.expose_secret().to_owned(),
        };
        self.set(AUTHORIZATION.as_str(), &value, true);
        self
    }

    /// Sets the body.
    pub fn body(self, content_type: &str, body: impl Into<Bytes>) -> Request {
        Request { body: Some(body.into()), ..self.header(CONTENT_TYPE.as_str(), content_type) }
    }

    /// Sets a JSON body.
    pub fn json(mut self, body: &impl Serialize) -> Request {
        match serde_json::to_vec(body) {
            Ok(body) => self.body("application/json", body),
            Err(error) => {
                self.wrong(format!("the body can't be written as JSON: {error}"));
                self
            }
        }
    }

    /// The body holds credentials: no redirect may take it to another origin.
    pub fn secret_body(self) -> Request {
        Request { secret_body: true, ..self }
    }

    /// The URL is itself a credential, as those of incoming webhooks are: errors show its host only.
    pub fn secret_url(self) -> Request {
        Request { secret_path: true, ..self }
    }

    /// A redirect is no answer: after one, a body may be gone although the last status is 200.
    pub fn no_redirects(self) -> Request {
        Request { follow: false, ..self }
    }

    /// Where a refusal's body says how long to wait, for services that say it there; a `Retry-After` header goes first.
    pub fn retry_after_in(self, body: RetryAfter) -> Request {
        Request { retry_after: Some(body), ..self }
    }

    /// What an error quotes of a refusal's body, instead of its beginning; `None` where the body is of another form.
    pub fn explained_by(self, body: Explanation) -> Request {
        Request { explanation: Some(body), ..self }
    }

    /// Never tried again, whatever happens: for what must not arrive late. [`HttpError::retry_after`] tells the caller how
    /// long the server asks to wait.
    ///
    /// [`HttpError::retry_after`]: super::HttpError::retry_after
    pub fn once(self) -> Request {
        Request { once: true, ..self }
    }

    /// Sending it twice does what sending it once does, so it may be tried again whatever happened. GET, HEAD, PUT,
    /// DELETE and OPTIONS are anyway.
    pub fn idempotent(self) -> Request {
        Request { idempotent: true, ..self }
    }

    /// A status besides 2xx that is an answer and no error; it is neither tried again nor followed.
    pub fn accept(mut self, status: u16) -> Request {
        self.accepted.push(status);
        self
    }

    /// Bytes of the response that are accepted, instead of the client's limit.
    pub fn max_body(self, bytes: u64) -> Request {
        Request { max_body: Some(bytes), ..self }
    }

    /// The time for everything, instead of the client's.
    pub fn total_timeout(self, limit: Duration) -> Request {
        Request { total_timeout: Some(limit), ..self }
    }

    /// What goes on the wire first, or what is wrong with it.
    pub(super) fn hop(&self) -> Result<Hop, Failure> {
        match (&self.problem, &self.url) {
            (None, Some(url)) => Ok(Hop {
                method: self.method.clone(),
                url: url.clone(),
                headers: self.headers.clone(),
                body: self.body.clone(),
                secret_body: self.secret_body,
            }),
            (problem, _) => Err(Failure::new(Kind::Other, problem.clone().unwrap_or_default())),
        }
    }

    fn take_credentials(&mut self, mut url: Url) {
        let user = percent_decode_str(url.username()).decode_utf8_lossy().into_owned();
        let password = percent_decode_str(url.password().unwrap_or_default()).decode_utf8_lossy().into_owned();
        // Fails for URLs without a host only, and http has one.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        self.url = Some(url);
        if !user.is_empty() || !password.is_empty() {
            let value = format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
            self.set(AUTHORIZATION.as_str(), &value, true);
        }
    }

    fn set(&mut self, name: &str, value: &str, secret: bool) {
        match (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            (Ok(name), Ok(mut value)) => {
                value.set_sensitive(secret);
                self.headers.insert(name, value);
            }
            _ => self.wrong(format!("the header {name:?} can't be sent: it has characters that no header may have")),
        }
    }

    fn wrong(&mut self, problem: impl Into<String>) {
        self.problem.get_or_insert(problem.into());
    }
}

/// `POST https://host/path?key=***`
impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.url {
            Some(url) if self.secret_path => write!(f, "{} {}/***", self.method, url.origin().ascii_serialization()),
            Some(url) => write!(f, "{} {}", self.method, without_secrets(url)),
            None => write!(f, "{} request", self.method),
        }
    }
}

/// The headers' names, but no values.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.headers.keys().map(HeaderName::as_str).collect();
        write!(f, "Request({self}, headers {names:?}, {} bytes)", self.body.as_ref().map_or(0, Bytes::len))
    }
}

/// A URL for people: no user, no fragment, and of the query only the keys.
pub(super) fn without_secrets(url: &Url) -> String {
    let mut clean = url.clone();
    // Fails for URLs without a host only, which have no user either.
    let _ = clean.set_username("").and_then(|()| clean.set_password(None));
    clean.set_fragment(None);
    clean.set_query(None);
    let keys = |pair: &str| pair.split_once('=').map_or("***".to_owned(), |(key, _)| format!("{key}=***"));
    match url.query() {
        None | Some("") => clean.into(),
        Some(query) => format!("{clean}?{}", query.split('&').map(keys).collect::<Vec<_>>().join("&")),
    }
}
