//! The requests of channels, and URLs as people and services read them.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pipe_core::http::header::{HeaderName, HeaderValue};
use pipe_core::http::{Method, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;

/// A POST to a URL without secrets.
pub(crate) fn post(url: &str) -> Request {
    delivery(Method::POST, url)
}

/// A POST to a URL that is itself a credential: neither its path nor its query is ever shown.
pub(crate) fn post_secret(url: &SecretString) -> Request {
    secret(Method::POST, url)
}

/// [`post_secret`] by another method.
pub(crate) fn secret(method: Method, url: &SecretString) -> Request {
    delivery(method, url.expose_secret()).secret_url()
}

/// The same message sent twice is a lesser evil than one that is lost, so an attempt may be repeated. A request that was
/// redirected has not arrived.
fn delivery(method: Method, url: &str) -> Request {
    Request::new(method, url).idempotent().no_redirects().secret_body()
}

/// What channels add to [`Request`].
pub(crate) trait RequestExt {
    /// A JSON document, with the character set that some services ask for.
    fn json_body(self, body: &impl Serialize) -> Self;

    /// A token for the server that the URL names, if there is one.
    fn bearer(self, token: Option<&SecretString>) -> Self;
}

impl RequestExt for Request {
    fn json_body(self, body: &impl Serialize) -> Request {
        // Only a map whose keys are not texts can't be written, and no payload has one.
        self.body("application/json; charset=utf-8", serde_json::to_vec(body).unwrap_or_default())
    }

    fn bearer(self, token: Option<&SecretString>) -> Request {
        match token {
            Some(token) => {
                self.secret_header("authorization", &SecretString::from(format!("Bearer {}", token.expose_secret())))
            }
            None => self,
        }
    }
}

/// `hooks.example.com`, with the port if it is not the scheme's own: the part of a secret URL that may be shown.
pub(crate) fn host(url: &SecretString) -> String {
    host_of(url.expose_secret())
}

/// [`host`] of a URL without secrets.
pub(crate) fn host_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A page's address as services take it: characters that a URL may not have are encoded, and user and password are left
/// out. `None` for anything but an address of a web page.
pub(crate) fn tidy(url: &str) -> Option<String> {
    let mut url = Url::parse(url.trim()).ok()?;
    url.set_username("").and_then(|()| url.set_password(None)).ok()?;
    let host = url.host_str().filter(|host| host.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '['))?;
    if host.is_empty() || !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    // What browsers let pass and RFC 3986 does not.
    let strict = |c: char| if "^`{|}\\".contains(c) { format!("%{:02X}", u32::from(c)) } else { c.to_string() };
    Some(url.as_str().chars().map(strict).collect())
}

/// Whether it is a URL that a request can be made to.
pub(crate) fn is_url(url: &SecretString) -> bool {
    Url::parse(url.expose_secret()).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// Whether a request can have this header.
pub(crate) fn is_header(name: &str, value: &str) -> bool {
    HeaderName::from_bytes(name.as_bytes()).is_ok() && HeaderValue::from_str(value).is_ok()
}

/// As one part of a path or of a query.
pub(crate) fn encode(text: &str) -> String {
    /// All but the unreserved characters of RFC 3986.
    const SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, SET).to_string()
}
