//! Attempts, redirects and bodies of one request.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use reqwest::header::RETRY_AFTER;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::error::{Failure, HttpError, Kind};
use super::proxy::Proxies;
use super::redirect::Hop;
use super::request::Request;
use super::response::Response;
use super::settings::Settings;
use super::{retry, tls};

/// Bytes a second that an upload may be slow: a large body alone is not a timeout.
const MIN_UPLOAD_RATE: u64 = 64 * 1024;

/// Bytes of a refusal that are read, for the error's excerpt.
const MAX_REFUSAL: u64 = 8 * 1024;

/// Redirects that are followed.
const MAX_REDIRECTS: u32 = 5;

/// Sends requests. Clones share connections.
#[derive(Clone, Debug)]
pub struct Client {
    inner: reqwest::Client,
    settings: Arc<Settings>,
    proxies: Arc<Proxies>,
    cancel: CancellationToken,
}

impl Client {
    /// Fails on a proxy that is not a URL and on text that is not a certificate, without showing their content. Cancelling
    /// `cancel` ends every request at once, also while it waits to try again.
    pub fn new(settings: &Settings, cancel: CancellationToken) -> Result<Client, HttpError> {
        let proxies = Proxies::new(settings)?;
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls::config(settings)?)
            .no_proxy()
            .http1_only()
            .user_agent(&settings.user_agent)
            .connect_timeout(settings.connect_timeout)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never());
        for proxy in proxies.of_reqwest()? {
            builder = builder.proxy(proxy);
        }
        let inner = builder.build().map_err(|error| HttpError::settings("the HTTP client", Some(&error)))?;
        Ok(Client { inner, settings: Arc::new(settings.clone()), proxies: Arc::new(proxies), cancel })
    }

    /// Whether a client can be built from `settings`: much cheaper than to build one.
    ///
    /// # Errors
    /// A proxy is not a URL, or a certificate is not one. The text doesn't show their content.
    pub fn check(settings: &Settings) -> Result<(), HttpError> {
        Proxies::new(settings)?.of_reqwest()?;
        if settings.ca_pem.is_some() { tls::config(settings).map(drop) } else { Ok(()) }
    }

    /// Sends a request until it gets an answer that it accepts (2xx, or what [`Request::accept`] names). Follows redirects
    /// and retries as its idempotence, the status and `Retry-After` allow.
    ///
    /// # Errors
    /// See [`Kind`].
    pub async fn send(&self, request: Request) -> Result<Response, HttpError> {
        request.hide_from(&self.settings.redactor);
        let started = Instant::now();
        let attempts = AtomicU32::new(0);
        let total = request.total_timeout.unwrap_or(self.settings.total_timeout);
        let outcome = tokio::select! {
            biased;
            () = self.cancel.cancelled() => Err(Failure::new(Kind::Cancelled, "cancelled")),
            outcome = timeout(total, self.send_with_retries(&request, started + total, &attempts)) => {
                outcome.unwrap_or_else(|_| Err(Failure::timeout("not finished", total)))
            }
        };
        outcome.map_err(|failure| failure.of(request.to_string(), attempts.into_inner(), started.elapsed()))
    }

    /// Up to as many attempts as the settings allow, within the retry budget and the deadline.
    async fn send_with_retries(
        &self,
        request: &Request,
        deadline: Instant,
        attempts: &AtomicU32,
    ) -> Result<Response, Failure> {
        let first = Hop::first(request)?;
        let mut budget = self.settings.retry_budget;
        loop {
            let tried = attempts.fetch_add(1, Ordering::Relaxed) + 1;
            let failure = match self.attempt(request, first.clone()).await {
                Ok(response) => return Ok(response),
                Err(failure) => failure,
            };
            if request.once || tried >= self.settings.attempts || !failure.may_repeat(request.idempotent) {
                return Err(failure);
            }
            let time = deadline.saturating_duration_since(Instant::now());
            let left = budget.min(time);
            let wait = match failure.retry_after {
                Some(asked) if asked > left => return Err(failure.out_of_time(asked, left)),
                Some(asked) => asked,
                None => retry::backoff(self.settings.backoff, tried).min(budget),
            };
            // The last answer says more than a timeout that is sure to come.
            if wait >= time || budget.is_zero() {
                return Err(failure);
            }
            sleep(wait).await;
            budget = budget.saturating_sub(wait);
        }
    }

    /// One attempt, with its redirects.
    async fn attempt(&self, request: &Request, mut hop: Hop) -> Result<Response, Failure> {
        for followed in 0..=MAX_REDIRECTS {
            let answer =
                self.exchange(request, &hop).await.map_err(|failure| failure.after_redirects(followed, &hop.url))?;
            match answer {
                Answer::Final(response) => return Ok(response),
                Answer::Elsewhere { status, location } => hop = hop.follow(status, &location)?,
            }
        }
        Err(Failure::new(Kind::Other, format!("more than {MAX_REDIRECTS} redirects")))
    }

    /// One request on the wire and its answer.
    async fn exchange(&self, request: &Request, hop: &Hop) -> Result<Answer, Failure> {
        let settings = &self.settings;
        let upload = Duration::from_secs(hop.body.as_ref().map_or(0, |body| body.len() as u64 / MIN_UPLOAD_RATE));
        let patience = settings.connect_timeout + settings.read_timeout + upload;
        let proxied = self.proxies.apply_to(&hop.url);
        let mut response = match timeout(patience, self.inner.execute(hop.to_reqwest())).await {
            Err(_) => return Err(Failure::timeout("no answer", patience)),
            Ok(Err(error)) => return Err(Failure::transport(&error, &hop.url, proxied, settings.connect_timeout)),
            Ok(Ok(response)) => response,
        };
        let status = response.status();
        let accepted = status.is_success() || request.accepted.contains(&status.as_u16());
        if !accepted
            && request.follow
            && let Some(location) = hop.location(&response)
        {
            return Ok(Answer::Elsewhere { status, location });
        }
        let limit = request.max_body.unwrap_or(settings.max_body);
        if !accepted {
            let retry_after = response.headers().get(RETRY_AFTER).and_then(retry::after);
            let mut body = Vec::new();
            // The status is the news, however the body ends.
            let _ = self.read(&mut response, &mut body, limit.min(MAX_REFUSAL)).await;
            let retry_after = retry_after.or_else(|| request.retry_after.and_then(|within| within(&body)));
            return Err(Failure::status(status, &body, request.explanation, retry_after));
        }
        let mut body = Vec::new();
        if let Some(time) = request.glance {
            // The connection is dropped with what is left on it.
            let _ = timeout(time, self.read(&mut response, &mut body, limit)).await;
        } else if response.content_length().is_some_and(|length| length > limit) {
            return Err(Failure::too_large(limit));
        } else {
            self.read(&mut response, &mut body, limit).await?;
        }
        let headers = std::mem::take(response.headers_mut());
        Ok(Answer::Final(Response { status: status.as_u16(), headers, body, url: hop.url.clone() }))
    }

    /// Reads the body as it comes; what the server announced allocates nothing.
    async fn read(&self, response: &mut reqwest::Response, body: &mut Vec<u8>, limit: u64) -> Result<(), Failure> {
        let patience = self.settings.read_timeout;
        loop {
            match timeout(patience, response.chunk()).await {
                Err(_) => return Err(Failure::timeout("the body stopped coming", patience)),
                Ok(Err(error)) => return Err(Failure::transport(&error, &response.url().clone(), false, patience)),
                Ok(Ok(None)) => return Ok(()),
                Ok(Ok(Some(chunk))) => {
                    let room = usize::try_from(limit).unwrap_or(usize::MAX).saturating_sub(body.len());
                    body.extend_from_slice(&chunk[..chunk.len().min(room)]);
                    if chunk.len() > room {
                        return Err(Failure::too_large(limit));
                    }
                }
            }
        }
    }
}

enum Answer {
    Final(Response),
    Elsewhere { status: reqwest::StatusCode, location: String },
}
