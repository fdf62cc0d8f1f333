//! A request before it is sent.

use std::collections::BTreeMap;
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
use serde_json::Value;

use super::url::without_secrets;
use crate::redact::{MASK, Redactor};

/// What proves who we are.
#[derive(Debug, Clone)]
pub enum Authorization {
    /// `Authorization: Bearer TOKEN`.
    Bearer(SecretString),
    /// `Authorization: Basic`, of user and password.
    Basic {
        /// The name of the account.
        user: String,
        /// Its password or token.
        password: SecretString,
    },
    /// The whole value of the header, scheme and all.
    Header(SecretString),
}

/// Reads the wait from a refusal's body.
pub type RetryAfter = fn(&[u8]) -> Option<Duration>;

/// Reads the message for people from a refusal's body.
pub type Explanation = fn(&[u8]) -> Option<String>;

/// A request to be built up and sent. A mistake in it is reported when it is sent.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) url: Option<Url>,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    pub(super) secret_body: bool,
    secret_path: bool,
    pub(super) problem: Option<String>,
    pub(super) idempotent: bool,
    pub(super) follow: bool,
    pub(super) retry_after: Option<RetryAfter>,
    pub(super) explanation: Option<Explanation>,
    pub(super) once: bool,
    pub(super) accepted: Vec<u16>,
    pub(super) max_body: Option<u64>,
    pub(super) glance: Option<Duration>,
    pub(super) total_timeout: Option<Duration>,
    /// What the headers prove us with. Services repeat it in their refusals.
    secrets: Vec<SecretString>,
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
            glance: None,
            total_timeout: None,
            secrets: Vec::new(),
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

    /// Its URL. `None` if the text given was not one.
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
        /// Bytes. Shorter ones are numbers and words.
        const SHORTEST: usize = 8;
        self.set(name, value.expose_secret(), true);
        // The whole, and the token behind a scheme.
        let words = std::iter::once(value.expose_secret()).chain(value.expose_secret().split_whitespace());
        self.secrets.extend(words.filter(|word| word.len() >= SHORTEST).map(SecretString::from));
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
        let secret = match authorization {
            Authorization::Bearer(secret) | Authorization::Basic { password: secret, .. } => secret,
            Authorization::Header(value) => return self.secret_header(AUTHORIZATION.as_str(), value),
        };
        let value = match authorization {
            Authorization::Basic { user, .. } => basic(user, secret.expose_secret()),
            _ => format!("Bearer {}", secret.expose_secret()),
        };
        self.secrets.push(secret.clone());
        self.secret_header(AUTHORIZATION.as_str(), &value.into())
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

    /// Makes a redirect an error: after one, a body may be lost although the last status is 200.
    pub fn no_redirects(self) -> Request {
        Request { follow: false, ..self }
    }

    /// Reads the wait from a refusal's body, for services that put it there. A `Retry-After` header goes first.
    pub fn retry_after_in(self, body: RetryAfter) -> Request {
        Request { retry_after: Some(body), ..self }
    }

    /// Reads what an error quotes of a refusal's body, instead of its beginning. `None` if the body has another form.
    pub fn explained_by(self, body: Explanation) -> Request {
        Request { explanation: Some(body), ..self }
    }

    /// Sends it once, whatever happens, for content that must not arrive late. The error's `retry_after` is the wait that
    /// the server asks for.
    pub fn once(self) -> Request {
        Request { once: true, ..self }
    }

    /// Sending it twice has the same effect as sending it once, so it may be retried after any failure. GET, HEAD, PUT,
    /// DELETE and OPTIONS always are.
    pub fn idempotent(self) -> Request {
        Request { idempotent: true, ..self }
    }

    /// Accepts a status other than 2xx as an answer. It is neither retried nor followed.
    pub fn accept(mut self, status: u16) -> Request {
        self.accepted.push(status);
        self
    }

    /// The status decides: of an accepted answer's body only what comes in this time, and within `max_body`, is read. Its
    /// end may be missing.
    #[must_use]
    pub fn glance(self, limit: Duration) -> Request {
        Request { glance: Some(limit), ..self }
    }

    /// Bytes of the response that are accepted, instead of the client's limit.
    pub fn max_body(self, bytes: u64) -> Request {
        Request { max_body: Some(bytes), ..self }
    }

    /// The time for everything, instead of the client's.
    pub fn total_timeout(self, limit: Duration) -> Request {
        Request { total_timeout: Some(limit), ..self }
    }

    /// What `DRY_RUN` shows of it. The body is shown as it is sent: secrets in it are the redactor's to hide.
    pub fn preview(&self) -> Preview {
        let headers = self.headers.iter().map(|(name, value)| {
            let shown = if value.is_sensitive() { MASK.into() } else { String::from_utf8_lossy(value.as_bytes()) };
            (name.as_str().to_owned(), shown.into_owned())
        });
        let body = self.body.as_ref().map(|body| {
            serde_json::from_slice(body).unwrap_or_else(|_| Value::from(String::from_utf8_lossy(body).into_owned()))
        });
        Preview { request: self.to_string(), headers: headers.collect(), body: body.unwrap_or_default() }
    }

    /// The method. [`Request`]'s `Display` is `METHOD URL`, as a plan names a write.
    pub fn method(&self) -> &Method {
        &self.method
    }

    /// Makes what it proves us with known to `redactor`.
    pub(super) fn hide_from(&self, redactor: &Redactor) {
        self.secrets.iter().for_each(|secret| redactor.add_secret(secret));
    }

    fn take_credentials(&mut self, mut url: Url) {
        let user = percent_decode_str(url.username()).decode_utf8_lossy().into_owned();
        let password = percent_decode_str(url.password().unwrap_or_default()).decode_utf8_lossy().into_owned();
        // Fails for URLs without a host only, and http has one.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        self.url = Some(url);
        if !user.is_empty() || !password.is_empty() {
            self.set(AUTHORIZATION.as_str(), &basic(&user, &password), true);
            self.secrets.push(password.into());
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

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A request as `DRY_RUN` shows it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Preview {
    /// `POST https://host/path?key=***`: without user, fragment and the values of the query. The path of a URL that is
    /// itself a credential is `***`.
    pub request: String,
    /// By name in lower case. The value of a secret header is `***`.
    pub headers: BTreeMap<String, String>,
    /// JSON as it is, anything else as text. `null` without a body.
    pub body: Value,
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
