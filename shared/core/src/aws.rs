//! AWS's JSON services: who we are, and signing requests (Signature Version 4).
//!
//! Source: AWS's documentation "Signature Version 4 signing process", its published test suite, and the API references of
//! the services.

mod error;
mod refusal;
mod sigv4;
mod source;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::SecretString;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::http::{Client, Kind, Request, Response};
use crate::redact::Redactor;
use refusal::{Refusal, single_line};

pub use error::AwsError;
pub use sigv4::Credentials;
pub use source::{Container, Source};

/// How long before their end credentials are no longer used.
const MARGIN: Duration = Duration::from_secs(60);

/// Waits before a busy service is asked again; the HTTP client treats it as a refusal, since both are status 400.
const WAITS: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(900)];

/// The services of AWS in one region, with credentials.
#[derive(Clone)]
pub struct Aws {
    http: Client,
    region: String,
    source: Source,
    /// Instead of the services' own addresses.
    endpoint: Option<String>,
    /// The same for single services.
    endpoints: Vec<(&'static str, String)>,
    redactor: Redactor,
    /// Credentials that end, until they do.
    held: Arc<Mutex<Option<source::Ending>>>,
}

/// Whether it looks like one: `eu-west-1`. A region is part of the addresses that credentials are sent to.
pub fn is_region(text: &str) -> bool {
    let good =
        |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit());
    text.split('-').all(good)
}

/// The address of a service (`kms`, `sts`, `ecr`) in a region: `https://kms.eu-west-1.amazonaws.com/`.
pub fn address(service: &str, region: &str) -> String {
    let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    // The registry's API is not at the registry's own name.
    let host = if service == "ecr" { "api.ecr" } else { service };
    format!("https://{host}.{region}.{domain}/")
}

impl Aws {
    /// `endpoint` is one address for all services, instead of one for each.
    pub fn new(http: Client, region: &str, source: Source, endpoint: Option<String>) -> Aws {
        Aws {
            http,
            region: region.to_owned(),
            source,
            endpoint,
            endpoints: Vec::new(),
            redactor: Redactor::new(),
            held: Arc::default(),
        }
    }

    /// The same with its temporary credentials made known to `redactor`.
    #[must_use]
    pub fn redacted_by(self, redactor: Redactor) -> Aws {
        Aws { redactor, ..self }
    }

    /// The same in another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Aws {
        Aws { region: region.to_owned(), ..self.clone() }
    }

    /// The same with another address for one service (`kms`, `sts`, `ecr`), which goes before the one for all.
    #[must_use]
    pub fn at(mut self, service: &'static str, endpoint: &str) -> Aws {
        self.endpoints.retain(|(known, _)| *known != service);
        self.endpoints.push((service, endpoint.to_owned()));
        self
    }

    /// Calls an operation of a service that speaks JSON 1.1: `("kms", "TrentService.Sign", ...)`. A service that is busy
    /// is asked three times.
    ///
    /// # Errors
    /// AWS refuses, can't be asked, or answers no JSON.
    pub async fn call(&self, service: &'static str, operation: &str, body: &Value) -> Result<Value, AwsError> {
        if !is_region(&self.region) {
            return Err(AwsError::Refused {
                service,
                reason: format!("{:?} is not a region. Set AWS_REGION to one such as eu-west-1.", self.region),
            });
        }
        let body = body.to_string();
        let url = self.url(service);
        let content_type = "application/x-amz-json-1.1";
        let headers = [("content-type", content_type), ("x-amz-target", operation)];
        let mut waits = WAITS.iter();
        loop {
            let credentials = self.credentials().await?;
            let scope = sigv4::Scope { region: &self.region, service, time: Timestamp::now() };
            let request = Request::post(&url).body(content_type, body.clone()).header("x-amz-target", operation);
            let signed = sigv4::headers(&credentials, &scope, "POST", &url, &headers, body.as_bytes());
            let request = signed.iter().fold(request, |request, (name, value)| request.secret_header(name, value));
            let secrets = std::iter::once(&credentials.secret_key).chain(&credentials.session_token);
            let secrets: Vec<&SecretString> = secrets.chain(self.source.secret()).collect();
            // None of the operations in use changes anything.
            let answer = match (self.send(service, request.secret_body().idempotent(), &secrets).await?, waits.next()) {
                (Answer::Busy(_), Some(wait)) => {
                    tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64())).await;
                    continue;
                }
                (Answer::Busy(why), None) => return Err(AwsError::Unavailable { service, why }),
                (Answer::Yes(response), _) => response,
            };
            let malformed = |_| AwsError::Unavailable { service, why: "the response is not JSON".to_owned() };
            return answer.json().map_err(malformed);
        }
    }

    fn url(&self, service: &str) -> String {
        let own = self.endpoints.iter().find(|(known, _)| *known == service).map(|(_, url)| url);
        match own.or(self.endpoint.as_ref()) {
            Some(url) => format!("{}/", url.trim_end_matches('/')),
            None => address(service, &self.region),
        }
    }

    async fn credentials(&self) -> Result<Credentials, AwsError> {
        if let Source::Static(credentials) = &self.source {
            return Ok(credentials.clone());
        }
        let mut held = self.held.lock().await;
        if let Some((credentials, until)) = &*held
            && *until > Timestamp::now() + MARGIN
        {
            return Ok(credentials.clone());
        }
        let (credentials, until) = self.fetch().await?;
        for secret in std::iter::once(&credentials.secret_key).chain(&credentials.session_token) {
            self.redactor.add_secret(secret);
        }
        *held = Some((credentials.clone(), until));
        Ok(credentials)
    }

    async fn fetch(&self) -> Result<source::Ending, AwsError> {
        let (service, request, read): (_, _, fn(&[u8]) -> _) = match &self.source {
            Source::Static(credentials) => return Ok((credentials.clone(), Timestamp::MAX)),
            Source::WebIdentity { role, token } => {
                let form = source::web_identity(role, token);
                let request = Request::post(&self.url("sts")).body("application/x-www-form-urlencoded", form);
                ("sts", request.secret_body().idempotent(), source::from_sts)
            }
            Source::Container(container) => (source::CONTAINER, container.request()?, source::from_agent),
        };
        let secrets: Vec<&SecretString> = self.source.secret().collect();
        match self.send(service, request, &secrets).await? {
            Answer::Yes(response) => read(&response.body),
            Answer::Busy(why) => Err(AwsError::Unavailable { service, why }),
        }
    }

    /// Errors have none of `secrets`.
    async fn send(
        &self,
        service: &'static str,
        request: Request,
        secrets: &[&SecretString],
    ) -> Result<Answer, AwsError> {
        let clean = |text: &str| single_line(text, secrets.iter().copied());
        // Refusals are answers here, since they are longer than what an HTTP error quotes.
        let request = REFUSALS.iter().fold(request, |request, status| request.accept(*status));
        let response = self.http.send(request).await.map_err(|error| {
            let text = error.to_string();
            let why = match error.kind() {
                Kind::Status { status, .. } if (400..500).contains(status) && *status != 429 => {
                    return AwsError::Refused { service, reason: format!("status {status}") };
                }
                // Cut off in the middle of a credential, it would not be recognised as one.
                Kind::Status { excerpt, .. } => text.strip_suffix(&format!(": {excerpt}")).unwrap_or(&text).to_owned(),
                _ => error.explain(),
            };
            AwsError::Unavailable { service, why: clean(&why) }
        })?;
        if !REFUSALS.contains(&response.status) {
            return Ok(Answer::Yes(response));
        }
        match Refusal::read(&response.body) {
            Some(refusal) if refusal.is_transient() => Ok(Answer::Busy(clean(&refusal.text(response.status)))),
            Some(refusal) => Err(AwsError::Refused { service, reason: clean(&refusal.text(response.status)) }),
            None => Err(AwsError::Refused { service, reason: format!("status {}", response.status) }),
        }
    }
}

/// The statuses that AWS's services refuse with.
const REFUSALS: [u16; 3] = [400, 401, 403];

enum Answer {
    Yes(Response),
    Busy(String),
}

#[cfg(test)]
mod tests;
