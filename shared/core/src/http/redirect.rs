//! One step of an attempt on the wire, and the next one after a redirect.

use bytes::Bytes;
use reqwest::header::{
    AUTHORIZATION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, HeaderMap, LOCATION,
    PROXY_AUTHORIZATION,
};
use reqwest::{Method, StatusCode, Url};

use super::error::{Failure, Kind};
use super::request::Request;
use super::url::without_secrets;

/// What goes on the wire at one step of an attempt.
#[derive(Clone)]
pub(super) struct Hop {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: Option<Bytes>,
    pub(super) secret_body: bool,
}

impl Hop {
    /// The first step of a request, or what is wrong with it.
    pub(super) fn first(request: &Request) -> Result<Hop, Failure> {
        match (&request.problem, &request.url) {
            (None, Some(url)) => Ok(Hop {
                method: request.method.clone(),
                url: url.clone(),
                headers: request.headers.clone(),
                body: request.body.clone(),
                secret_body: request.secret_body,
            }),
            (problem, _) => Err(Failure::new(Kind::Other, problem.clone().unwrap_or_default())),
        }
    }

    pub(super) fn to_reqwest(&self) -> reqwest::Request {
        let mut request = reqwest::Request::new(self.method.clone(), self.url.clone());
        *request.headers_mut() = self.headers.clone();
        *request.body_mut() = self.body.clone().map(Into::into);
        request
    }

    /// Where an answer sends us, if it does.
    pub(super) fn location(&self, response: &reqwest::Response) -> Option<String> {
        let redirects = matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308);
        let location = redirects.then(|| response.headers().get(LOCATION)).flatten()?;
        Some(String::from_utf8_lossy(location.as_bytes()).into_owned())
    }

    /// The next step. Credentials stay behind when scheme, host or port change (and don't come back later), and nothing
    /// leaves https.
    pub(super) fn follow(mut self, status: StatusCode, location: &str) -> Result<Hop, Failure> {
        let refused = |why: &str| Failure::new(Kind::Other, format!("redirect not followed: {why}"));
        let mut url = self.url.join(location).map_err(|_| refused("its target is not a URL"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused("its target is neither http nor https"));
        }
        // Never credentials that the server chose; fails for URLs without a host only.
        let _ = url.set_username("").and_then(|()| url.set_password(None));
        let place = without_secrets(&url);
        if self.url.scheme() == "https" && url.scheme() == "http" {
            return Err(refused(&format!("{place} is not secure")));
        }
        // RFC 9110 15.4: 303 asks to GET; 301 and 302 are taken so after a POST, as browsers do.
        let becomes_get = match status.as_u16() {
            303 => self.method != Method::HEAD,
            301 | 302 => self.method == Method::POST,
            _ => false,
        };
        if becomes_get {
            self.method = Method::GET;
            self.body = None;
            for name in [CONTENT_TYPE, CONTENT_LENGTH, CONTENT_ENCODING] {
                self.headers.remove(name);
            }
        }
        if url.origin() != self.url.origin() {
            if self.secret_body && self.body.is_some() {
                return Err(refused(&format!("{place} is another host, and the body is secret")));
            }
            self.headers = self
                .headers
                .iter()
                .filter(|(name, value)| {
                    !value.is_sensitive() && ![AUTHORIZATION, COOKIE, HOST, PROXY_AUTHORIZATION].contains(name)
                })
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
        }
        self.url = url;
        Ok(self)
    }
}
