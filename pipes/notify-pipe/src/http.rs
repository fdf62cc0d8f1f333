//! One HTTP request of a channel, before it is sent or shown.

use pipe_core::http::{Authorization, Method, Request, RetryAfter, Url};
use pipe_core::redact::Redactor;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::{Map, Value, json};

/// A request with the exact bytes of its body.
#[derive(Clone)]
pub(crate) struct Call {
    method: Method,
    url: SecretString,
    secret_url: bool,
    headers: Vec<(String, SecretString)>,
    content_type: String,
    body: Vec<u8>,
    authorization: Option<(Authorization, String)>,
    retry_after: Option<RetryAfter>,
}

impl Call {
    /// A POST to a URL that is no secret.
    pub(crate) fn post(url: impl Into<String>) -> Call {
        Call {
            method: Method::POST,
            url: SecretString::from(url.into()),
            secret_url: false,
            headers: Vec::new(),
            content_type: "application/json; charset=utf-8".to_owned(),
            body: Vec::new(),
            authorization: None,
            retry_after: None,
        }
    }

    /// A POST to a URL that is itself a credential: neither its path nor its query is ever shown.
    pub(crate) fn secret(url: &SecretString) -> Call {
        Call { url: url.clone(), secret_url: true, ..Call::post("") }
    }

    pub(crate) fn method(self, method: Method) -> Call {
        Call { method, ..self }
    }

    pub(crate) fn json(self, body: &impl Serialize) -> Call {
        // Only a map with keys that are no texts can't be written, and no payload has one.
        Call { body: serde_json::to_vec(body).unwrap_or_default(), ..self }
    }

    pub(crate) fn body(self, content_type: &str, body: impl Into<Vec<u8>>) -> Call {
        Call { content_type: content_type.to_owned(), body: body.into(), ..self }
    }

    /// Its value is never shown.
    pub(crate) fn header(mut self, name: &str, value: impl Into<SecretString>) -> Call {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// A token for whoever the URL is of, where there is one.
    pub(crate) fn bearer(self, token: Option<&SecretString>) -> Call {
        match token {
            Some(token) => self.header("authorization", format!("Bearer {}", token.expose_secret())),
            None => self,
        }
    }

    /// Credentials for `host` only.
    pub(crate) fn authorize(self, authorization: Authorization, host: impl Into<String>) -> Call {
        Call { authorization: Some((authorization, host.into())), ..self }
    }

    /// Where the body of a refusal says how long to wait.
    pub(crate) fn retry_after_in(self, within: RetryAfter) -> Call {
        Call { retry_after: Some(within), ..self }
    }

    /// The same message sent twice is a lesser evil than one that is lost, so an attempt may be repeated; and what was
    /// redirected has not arrived.
    pub(crate) fn request(&self) -> Request {
        let mut request =
            Request::new(self.method.clone(), self.url.expose_secret()).idempotent().no_redirects().secret_body();
        if self.secret_url {
            request = request.secret_url();
        }
        for (name, value) in &self.headers {
            request = request.secret_header(name, value);
        }
        if let Some((authorization, host)) = &self.authorization {
            request = request.authorize(authorization, host);
        }
        if let Some(within) = self.retry_after {
            request = request.retry_after_in(within);
        }
        request.body(&self.content_type, self.body.clone())
    }

    /// What `DRY_RUN` shows: no credentials, the body as it is sent.
    pub(crate) fn preview(&self) -> Value {
        let mut headers: Map<String, Value> =
            self.headers.iter().map(|(name, _)| (name.to_lowercase(), json!("***"))).collect();
        if self.authorization.is_some() {
            headers.insert("authorization".to_owned(), json!("***"));
        }
        headers.insert("content-type".to_owned(), json!(self.content_type));
        let body = serde_json::from_slice(&self.body)
            .unwrap_or_else(|_| Value::from(String::from_utf8_lossy(&self.body).into_owned()));
        json!({ "request": self.request().to_string(), "headers": headers, "body": body })
    }
}

/// Makes the values of headers known as secrets by themselves, since services repeat them in their answers: whole, and
/// the token behind a scheme. Short ones are numbers and words.
pub(crate) fn hide(headers: &[(String, SecretString)], redactor: &Redactor) {
    const LENGTH: usize = 8;
    let secret = headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("content-type"));
    for (_, value) in secret {
        let value = value.expose_secret();
        std::iter::once(value)
            .chain(value.split_whitespace())
            .filter(|part| part.len() >= LENGTH)
            .for_each(|part| redactor.add(part));
    }
}

/// `hooks.example.com`, with the port where it is no usual one: what may be told of a URL that is secret.
pub(crate) fn host(url: &SecretString) -> String {
    host_of(url.expose_secret())
}

/// [`host`] of a URL that is no secret.
pub(crate) fn host_of(url: &str) -> String {
    let Ok(url) = Url::parse(url) else { return String::new() };
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// A page's address as services take it: everything that is no part of a URL is encoded, and nobody's name or password is
/// in it. `None`: nobody can go there.
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
