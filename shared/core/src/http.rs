//! The HTTP client of every pipe: bounded in time, size and retries (promise 5), ended by cancellation (promise 6), and
//! careful about where credentials go ("Variables", last point).
//!
//! TLS is rustls with ring, chosen explicitly so that no process-wide provider has to be installed first. HTTP/1.1 only;
//! a plain `http` URL behind `http_proxy` is sent in absolute form, which is what Bitbucket's own proxy needs. No
//! environment variable is read here: proxies, roots and limits come from [`Settings`].

mod client;
mod error;
mod proxy;
mod redirect;
mod request;
mod response;
mod retry;
mod settings;
#[cfg(test)]
mod tests;
mod tls;
mod url;

pub use reqwest::{Method, Url, header};

pub use client::Client;
pub use error::{Cause, HttpError, Kind, is_unknown_host};
pub use request::{Authorization, Explanation, Preview, Request, RetryAfter};
pub use response::Response;
pub use retry::may_pass;
pub use settings::Settings;
