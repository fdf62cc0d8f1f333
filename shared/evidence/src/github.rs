//! GitHub's issuer of identity tokens for jobs.
//!
//! Source: GitHub's documentation "OpenID Connect reference", "Methods for requesting the OIDC token".

use pipe_core::http::{Authorization, Client, Request, Url};
use secrecy::SecretString;
use serde::Deserialize;

use crate::keyless::{Endpoint, KeylessError, Service, host};
use crate::token::{IdToken, MAX_TOKEN};

/// Asks GitHub for a token of the running job. `url` and `request_token` are what a job with `permissions: id-token:
/// write` finds in `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`. The token is a secret that no log
/// knows yet.
///
/// # Errors
/// GitHub refuses, can't be asked, or answers something else.
pub async fn request_id_token(
    http: &Client,
    url: &str,
    request_token: &SecretString,
    audience: &str,
) -> Result<IdToken, KeylessError> {
    #[derive(Deserialize)]
    struct TokenResponse {
        value: String,
    }
    let endpoint = Endpoint::new(Service::GitHub, http.clone(), url);
    let mut with_audience = Url::parse(url.trim())
        .map_err(|_| KeylessError::Unsupported("ACTIONS_ID_TOKEN_REQUEST_URL is not a URL".to_owned()))?;
    with_audience.query_pairs_mut().append_pair("audience", audience);
    let request = Request::get(with_audience.as_str())
        .authorize(&Authorization::Bearer(request_token.clone()), &host(url))
        .header("Accept", "application/json")
        .max_body(2 * MAX_TOKEN as u64);
    let response = endpoint.send(request, Some(request_token)).await?;
    // What serde says may quote the token.
    let answer: TokenResponse = response.json().map_err(|_| endpoint.malformed("no JSON with a token in \"value\""))?;
    Ok(IdToken::parse(answer.value.into())?)
}

#[cfg(test)]
mod tests;
