//! GitHub's issuer of identity tokens for jobs.
//!
//! Source: GitHub's documentation "OpenID Connect reference", "Methods for requesting the OIDC token".

use pipe_core::http::{Authorization, Client, Request, Url};
use secrecy::SecretString;
use serde::Deserialize;

use crate::keyless::{Endpoint, KeylessError, Service, host};
use crate::token::{IdToken, MAX_TOKEN};

/// Requests an identity token of the running job from GitHub. A job with `permissions: id-token: write` has `url` and
/// `request_token` in `ACTIONS_ID_TOKEN_REQUEST_URL` and `ACTIONS_ID_TOKEN_REQUEST_TOKEN`. The caller has to add the
/// token to the redactor.
///
/// # Errors
/// [`KeylessError::Refused`], [`KeylessError::Unavailable`], or [`KeylessError::Malformed`] for a response without a
/// valid token.
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
    let mut with_audience = Url::parse(url.trim()).map_err(|_| {
        KeylessError::Unsupported(
            "ACTIONS_ID_TOKEN_REQUEST_URL is not a URL. Set `permissions: id-token: write` on the job.".to_owned(),
        )
    })?;
    with_audience.query_pairs_mut().append_pair("audience", audience);
    let request = Request::get(with_audience.as_str())
        .authorize(&Authorization::Bearer(request_token.clone()), &host(url))
        .header("Accept", "application/json")
        .max_body(2 * MAX_TOKEN as u64);
    let response = endpoint.send(request, Some(request_token)).await?;
    // The error of serde may quote the token.
    let answer: TokenResponse =
        response.json().map_err(|_| endpoint.malformed("it is not JSON with a token in \"value\""))?;
    Ok(IdToken::parse(answer.value.into())?)
}

#[cfg(test)]
mod tests;
