//! An accepted answer.

use reqwest::Url;
use reqwest::header::HeaderMap;
use serde::de::DeserializeOwned;

/// An answer that the request accepts.
#[derive(Debug)]
pub struct Response {
    /// 2xx, or one that [`super::Request::accept`] names.
    pub status: u16,
    /// As the server sent them.
    pub headers: HeaderMap,
    /// All of it, at most `max_body` bytes.
    pub body: Vec<u8>,
    /// Where it came from, after redirects.
    pub url: Url,
}

impl Response {
    /// The first value of a header, if it is text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.body)
    }
}
