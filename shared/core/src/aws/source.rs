//! Where credentials come from.

use std::path::PathBuf;

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::error::AwsError;
use super::refusal::element;
use super::sigv4::Credentials;
use crate::http::{Request, Url};

/// Where credentials come from.
#[derive(Debug, Clone)]
pub enum Source {
    /// Credentials that were given.
    Static(Credentials),
    /// A role, taken on with a token of the CI's (OIDC).
    WebIdentity {
        /// `arn:aws:iam::123456789012:role/name`.
        role: String,
        /// The OIDC token of the job.
        token: SecretString,
    },
    /// The agent of the container that this runs in.
    Container(Container),
}

impl Source {
    /// What must not be repeated of it; the credentials that come from it are apart.
    pub(super) fn secret(&self) -> impl Iterator<Item = &SecretString> {
        let secret = match self {
            Source::WebIdentity { token, .. }
            | Source::Container(Container { token: Some(Token::Value(token)), .. }) => Some(token),
            Source::Static(_) | Source::Container(_) => None,
        };
        secret.into_iter()
    }
}

/// Where a container's agent hands out credentials, on ECS, CodeBuild and EKS.
///
/// Source: AWS's "SDKs and Tools Reference Guide", "Container credential provider".
#[derive(Debug, Clone)]
pub struct Container {
    url: String,
    token: Option<Token>,
}

#[derive(Debug, Clone)]
enum Token {
    Value(SecretString),
    /// Written anew from time to time.
    File(PathBuf),
}

impl Container {
    /// From the variables that AWS sets (`AWS_CONTAINER_CREDENTIALS_...`); `None` where it sets none.
    ///
    /// # Errors
    /// An address that is not one of the agents of AWS.
    pub fn from_env(get: impl Fn(&str) -> Option<String>) -> Result<Option<Container>, String> {
        let url = match (get("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"), get("AWS_CONTAINER_CREDENTIALS_FULL_URI")) {
            (Some(path), _) if path.starts_with('/') => format!("http://169.254.170.2{path}"),
            (Some(_), _) => return Err("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: expected a path".to_owned()),
            (None, Some(url)) if is_agent(&url) => url,
            (None, Some(_)) => {
                let expected = "expected https://, or the address of the container's own host";
                return Err(format!("AWS_CONTAINER_CREDENTIALS_FULL_URI: {expected}"));
            }
            (None, None) => return Ok(None),
        };
        let file = get("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE").map(|path| Token::File(path.into()));
        let value = || get("AWS_CONTAINER_AUTHORIZATION_TOKEN").map(|token| Token::Value(token.into()));
        Ok(Some(Container { token: file.or_else(value), url }))
    }

    /// The URL that hands out the credentials.
    pub fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn request(&self) -> Result<Request, AwsError> {
        let request = Request::get(&self.url).no_redirects();
        let token = match &self.token {
            None => return Ok(request),
            Some(Token::Value(token)) => token.clone(),
            Some(Token::File(path)) => std::fs::read_to_string(path)
                .map(|text| SecretString::from(text.trim().to_owned()))
                .map_err(|error| {
                    unavailable(format!(
                        "failed to read AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: {}",
                        crate::fs::reason(&error)
                    ))
                })?,
        };
        Ok(request.secret_header("authorization", &token))
    }
}

/// What credentials of a container are refused or lacking as.
pub(super) const CONTAINER: &str = "container credentials";

fn unavailable(why: String) -> AwsError {
    AwsError::Unavailable { service: CONTAINER, why }
}

/// By TLS anywhere; without it on this machine, at ECS's agent and at EKS's.
fn is_agent(url: &str) -> bool {
    let Ok(url) = Url::parse(url) else { return false };
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    let agents = ["169.254.170.2", "169.254.170.23", "fd00:ec2::23"];
    let here = host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || (url.scheme() == "http" && (here || host == "localhost" || agents.contains(&host)))
}

/// Credentials and when they end.
pub(super) type Ending = (Credentials, Timestamp);

/// The agent's answer.
pub(super) fn from_agent(body: &[u8]) -> Result<Ending, AwsError> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Answer {
        access_key_id: String,
        secret_access_key: String,
        token: Option<String>,
        expiration: Timestamp,
    }
    let answer: Answer =
        serde_json::from_slice(body).map_err(|_| unavailable("the response has no credentials".to_owned()))?;
    let credentials = Credentials {
        access_key: answer.access_key_id,
        secret_key: answer.secret_access_key.into(),
        session_token: answer.token.map(SecretString::from),
    };
    Ok((credentials, answer.expiration))
}

/// The form of `AssumeRoleWithWebIdentity`, which is not signed: the token proves who asks.
pub(super) fn web_identity(role: &str, token: &SecretString) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    format!(
        "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=pipewright&RoleArn={}&WebIdentityToken={}",
        encode(role),
        encode(token.expose_secret())
    )
}

/// The answer to it.
pub(super) fn from_sts(body: &[u8]) -> Result<Ending, AwsError> {
    let xml = String::from_utf8_lossy(body);
    let lacks = || AwsError::Unavailable { service: "sts", why: "the response has no credentials".to_owned() };
    let field = |name: &str| element(&xml, name).filter(|text| !text.is_empty()).ok_or_else(lacks);
    let credentials = Credentials {
        access_key: field("AccessKeyId")?,
        secret_key: field("SecretAccessKey")?.into(),
        session_token: Some(field("SessionToken")?.into()),
    };
    let until = field("Expiration")?.parse().map_err(|_| lacks())?;
    Ok((credentials, until))
}
