//! Bearer tokens of a registry's token service.
//!
//! Source: the distribution project's "Token Authentication Specification" and "OAuth2 Token Authentication".

use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use pipe_core::http::{Authorization, Request, Url};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::scope::Scope;
use crate::credentials::{Credential, Credentials};
use crate::error::{Error, ErrorKind, excerpt, refusal_message};
use crate::reference::is_loopback;

/// Seconds that a token is used if the service does not name its lifetime: the default of the specification.
const DEFAULT_LIFETIME: u64 = 60;

/// A token is not used during this time before it expires.
const MARGIN: Duration = Duration::from_secs(5);

#[derive(Clone)]
pub(super) struct Grant {
    pub(super) token: SecretString,
    pub(super) until: Instant,
}

#[derive(Deserialize)]
struct TokenResponse {
    token: Option<String>,
    access_token: Option<String>,
    #[serde(default)]
    expires_in: Value,
}

impl TokenResponse {
    fn token(self) -> Option<SecretString> {
        [self.token, self.access_token].into_iter().flatten().find(|token| !token.is_empty()).map(SecretString::from)
    }

    /// The lifetime, which some services write as text, between 10 seconds and an hour.
    fn lifetime(&self) -> Duration {
        let text = self.expires_in.as_str().and_then(|text| text.parse().ok());
        let seconds = self.expires_in.as_f64().or(text).filter(|seconds| *seconds > 0.0);
        Duration::try_from_secs_f64(seconds.unwrap_or(DEFAULT_LIFETIME as f64).clamp(10.0, 3600.0)).unwrap_or(MARGIN)
    }
}

/// Fetches a token for `scopes` with the credentials of the registry from the URL in its challenge. As in the specification
/// and in Docker, this may be another host. It must use https unless the registry itself is reached without TLS, so that an
/// attacker on the network cannot obtain the password.
pub(super) async fn fetch(
    credentials: &Credentials,
    scope: &Scope<'_>,
    realm: &str,
    service: Option<&str>,
    scopes: &[String],
) -> Result<Grant, Error> {
    let repository = scope.repository;
    let registry = &repository.registry;
    let credential = credentials.of(repository);
    let malformed = |why: &str| Error::new(ErrorKind::Malformed, format!("the token service of {registry} {why}"));
    let url = Url::parse(realm).map_err(|_| malformed("has an invalid URL"))?;
    let host = url.host_str().unwrap_or_default();
    let everywhere = scope.settings.plain_http == Some(true);
    let in_clear = scope.settings.uses_plain_http(repository) && (everywhere || is_loopback(host));
    if url.scheme() != "https" && !(url.scheme() == "http" && in_clear) {
        return Err(malformed("is not contacted because its URL is not https"));
    }
    let request = match credential {
        Some(Credential::Identity(token)) => refresh(&url, token, service, scopes),
        Some(Credential::Basic { user, password }) => {
            let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
            let account = Authorization::Basic { user: user.clone(), password: password.clone() };
            query(&url, service, scopes).authorize(&account, &authority)
        }
        _ => query(&url, service, scopes),
    };
    let what = format!("no token for {registry}");
    let response = scope.http.send(request.max_body(1 << 20).explained_by(refusal_message)).await;
    let response = response.map_err(|error| {
        let identity = matches!(credential, Some(Credential::Identity(_)));
        match error.status() {
            // OAuth2 services refuse a refresh token with 400 `invalid_grant` (RFC 6749, 5.2).
            Some(400) if identity => credentials.unauthorized(repository, excerpt(&error)),
            Some(401 | 403) => credentials.unauthorized(repository, excerpt(&error)),
            // The service is missing, not the content that the token is for.
            Some(404) => Error::http(&what, &error).of_kind(ErrorKind::Unavailable),
            _ => Error::http(&what, &error),
        }
    })?;
    let answer: TokenResponse = response.json().map_err(|_| malformed("did not return JSON with a token"))?;
    let until = Instant::now() + answer.lifetime() - MARGIN;
    let token = answer.token().ok_or_else(|| malformed("did not return a token"))?;
    Ok(Grant { token, until })
}

fn query(realm: &Url, service: Option<&str>, scopes: &[String]) -> Request {
    let mut url = realm.clone();
    url.query_pairs_mut()
        .extend_pairs(service.map(|service| ("service", service)))
        .extend_pairs(scopes.iter().map(|scope| ("scope", scope)));
    Request::get(url.as_str())
}

fn refresh(realm: &Url, token: &SecretString, service: Option<&str>, scopes: &[String]) -> Request {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let form = format!(
        "grant_type=refresh_token&refresh_token={}&client_id=pipewright&service={}&scope={}",
        encode(token.expose_secret()),
        encode(service.unwrap_or_default()),
        encode(&scopes.join(" "))
    );
    Request::post(realm.as_str()).body("application/x-www-form-urlencoded", form).secret_body().idempotent()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::TokenResponse;

    #[test]
    fn tokens_last_as_long_as_they_say_within_reason() {
        for (told, expected) in [
            (json!(300), 300.0),
            (json!("900"), 900.0),
            (json!(59.5), 59.5),
            (json!(1e300), 3600.0),
            (json!(1), 10.0),
            (json!(0), 60.0),
            (json!(-7), 60.0),
            (json!("NaN"), 60.0),
            (json!("soon"), 60.0),
            (json!(null), 60.0),
        ] {
            let answer: TokenResponse = serde_json::from_value(json!({ "token": "t", "expires_in": told })).unwrap();
            assert_eq!(answer.lifetime(), Duration::from_secs_f64(expected), "{told}");
        }
        let answer: TokenResponse = serde_json::from_str("{}").unwrap();
        assert_eq!(answer.lifetime(), Duration::from_secs(60));
    }
}
