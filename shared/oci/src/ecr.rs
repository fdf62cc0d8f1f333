//! Credentials for the registries of AWS.
//!
//! Source: AWS's documentation of "Private registry authentication" and of `GetAuthorizationToken`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipe_core::aws::{Aws, AwsError};
use secrecy::SecretString;
use serde_json::json;

use crate::error::{Error, ErrorKind};

/// The region of a private registry: `eu-west-1` of `123456789012.dkr.ecr.eu-west-1.amazonaws.com`.
pub fn region(host: &str) -> Option<&str> {
    let (account, rest) = host.split_once(".dkr.ecr.")?;
    let region = rest.strip_suffix(".amazonaws.com").or_else(|| rest.strip_suffix(".amazonaws.com.cn"))?;
    let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
    (is_account && !region.is_empty() && !region.contains('.')).then_some(region)
}

/// User and password for a private registry. They are valid for 12 hours.
///
/// # Errors
/// [`ErrorKind::Unauthorized`] if AWS refuses, [`ErrorKind::Unavailable`] if it does not answer.
pub async fn login(aws: &Aws, host: &str) -> Result<(String, SecretString), Error> {
    let failed =
        |kind: ErrorKind, why: &dyn std::fmt::Display| Error::new(kind, format!("no credentials for {host}: {why}"));
    let answer = aws.call("ecr", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", &json!({})).await;
    let answer = answer.map_err(|error| {
        let kind =
            if matches!(error, AwsError::Refused { .. }) { ErrorKind::Unauthorized } else { ErrorKind::Unavailable };
        failed(kind, &error)
    })?;
    let token = answer["authorizationData"][0]["authorizationToken"].as_str();
    let text = token.and_then(|token| STANDARD.decode(token).ok()).and_then(|bytes| String::from_utf8(bytes).ok());
    let (user, password) = text
        .as_ref()
        .and_then(|text| text.split_once(':'))
        .ok_or_else(|| failed(ErrorKind::Malformed, &"AWS ecr did not return a token"))?;
    Ok((user.to_owned(), password.to_owned().into()))
}

#[cfg(test)]
mod tests;
