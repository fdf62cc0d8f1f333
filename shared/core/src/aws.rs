//! AWS's JSON services: who we are, and signing requests (Signature Version 4).
//!
//! Source: AWS's documentation "Signature Version 4 signing process", its published test suite, and the API references of
//! the services.

mod sigv4;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::http::{Client, HttpError, Kind, Request};

pub use sigv4::Credentials;

/// How long before their end credentials are no longer used.
const MARGIN: Duration = Duration::from_secs(60);

/// Where credentials come from.
#[derive(Debug, Clone)]
pub enum Source {
    Static(Credentials),
    /// A role, taken on with a token of the CI's (OIDC).
    WebIdentity {
        role: String,
        token: SecretString,
    },
}

/// A request that AWS refused, or that could not be made. No text holds a credential.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// AWS said no: `AccessDeniedException: ...`
    #[error("AWS {service}: {reason}")]
    Refused { service: &'static str, reason: String },
    /// No answer that says yes or no.
    #[error("AWS {service}: {why}")]
    Unavailable { service: &'static str, why: String },
}

/// AWS's services in one region, as somebody.
#[derive(Clone)]
pub struct Aws {
    http: Client,
    region: String,
    source: Source,
    /// Instead of the services' own addresses.
    endpoint: Option<String>,
    /// Those of a role, until they end.
    assumed: Arc<Mutex<Option<(Credentials, Timestamp)>>>,
}

impl Aws {
    pub fn new(http: Client, region: &str, source: Source, endpoint: Option<String>) -> Aws {
        let endpoint = endpoint.map(|url| url.trim_end_matches('/').to_owned());
        Aws { http, region: region.to_owned(), source, endpoint, assumed: Arc::default() }
    }

    /// The same in another region.
    #[must_use]
    pub fn in_region(&self, region: &str) -> Aws {
        Aws { region: region.to_owned(), ..self.clone() }
    }

    /// Calls an operation of a service that speaks JSON 1.1: `("kms", "TrentService.Sign", ...)`.
    ///
    /// # Errors
    /// AWS refuses, can't be asked, or answers no JSON.
    pub async fn call(&self, service: &'static str, operation: &str, body: &Value) -> Result<Value, AwsError> {
        let credentials = self.credentials().await?;
        let url = self.url(service);
        let body = body.to_string();
        let content_type = "application/x-amz-json-1.1";
        let headers = [("content-type", content_type), ("x-amz-target", operation)];
        let scope = sigv4::Scope { region: &self.region, service, time: Timestamp::now() };
        let request = Request::post(&url).body(content_type, body.clone()).header("x-amz-target", operation);
        let signed = sigv4::headers(&credentials, &scope, "POST", &url, &headers, body.as_bytes());
        let request = signed.iter().fold(request, |request, (name, value)| request.secret_header(name, value));
        // Neither of the operations in use changes anything.
        let response =
            self.http.send(request.secret_body().idempotent()).await.map_err(|error| failed(service, &error))?;
        response.json().map_err(|_| AwsError::Unavailable { service, why: "the answer is no JSON".to_owned() })
    }

    fn url(&self, service: &str) -> String {
        let region = &self.region;
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        // The registry's API is not at the registry's own name.
        let host = if service == "ecr" { "api.ecr" } else { service };
        self.endpoint.clone().unwrap_or_else(|| format!("https://{host}.{region}.{domain}")) + "/"
    }

    async fn credentials(&self) -> Result<Credentials, AwsError> {
        let (role, token) = match &self.source {
            Source::Static(credentials) => return Ok(credentials.clone()),
            Source::WebIdentity { role, token } => (role, token),
        };
        let mut assumed = self.assumed.lock().await;
        if let Some((credentials, until)) = &*assumed
            && *until > Timestamp::now() + MARGIN
        {
            return Ok(credentials.clone());
        }
        let (credentials, until) = self.assume(role, token).await?;
        *assumed = Some((credentials.clone(), until));
        Ok(credentials)
    }

    /// `AssumeRoleWithWebIdentity`, which is not signed: the token proves who asks.
    async fn assume(&self, role: &str, token: &SecretString) -> Result<(Credentials, Timestamp), AwsError> {
        let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let form = format!(
            "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=pipewright&RoleArn={}&WebIdentityToken={}",
            encode(role),
            encode(token.expose_secret())
        );
        let request = Request::post(&self.url("sts")).body("application/x-www-form-urlencoded", form);
        let response =
            self.http.send(request.secret_body().idempotent()).await.map_err(|error| failed("sts", &error))?;
        let xml = String::from_utf8_lossy(&response.body);
        let lacks = || AwsError::Unavailable { service: "sts", why: "the answer has no credentials".to_owned() };
        let field = |name: &str| element(&xml, name).ok_or_else(lacks);
        let credentials = Credentials {
            access_key: field("AccessKeyId")?.to_owned(),
            secret_key: field("SecretAccessKey")?.to_owned().into(),
            session_token: Some(field("SessionToken")?.to_owned().into()),
        };
        let until = field("Expiration")?.parse().map_err(|_| lacks())?;
        Ok((credentials, until))
    }
}

/// The text of an element without others in it.
fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    (!text.contains('<')).then_some(text.trim())
}

/// What AWS says of a refusal, in JSON or XML.
fn failed(service: &'static str, error: &HttpError) -> AwsError {
    #[derive(Deserialize)]
    struct Refusal {
        #[serde(rename = "__type", default)]
        kind: String,
        #[serde(alias = "Message", default)]
        message: String,
    }
    let Kind::Status { status, excerpt } = error.kind() else {
        let cause = std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
        return AwsError::Unavailable { service, why: format!("{error}{cause}") };
    };
    if !(400..500).contains(status) || *status == 429 {
        return AwsError::Unavailable { service, why: error.to_string() };
    }
    let json = serde_json::from_str::<Refusal>(excerpt).ok().map(|refusal| {
        // `com.amazonaws.kms#NotFoundException`
        let kind = refusal.kind.rsplit('#').next().unwrap_or_default().to_owned();
        (kind, refusal.message)
    });
    let xml = || Some((element(excerpt, "Code")?.to_owned(), element(excerpt, "Message")?.to_owned()));
    let reason = match json.or_else(xml) {
        Some((kind, message)) if message.is_empty() => format!("{kind} (status {status})"),
        Some((kind, message)) => format!("{kind}: {message}"),
        None => format!("status {status}"),
    };
    AwsError::Refused { service, reason }
}

#[cfg(test)]
mod tests;
