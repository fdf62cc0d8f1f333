use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use pipe_core::http::{Request, Settings};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::token::IdToken;

pub(crate) const ISSUER: &str = "https://token.example.com";

/// Short waits, and limits that no test reaches.
pub(crate) fn client() -> Client {
    cancellable(CancellationToken::new())
}

pub(crate) fn cancellable(cancel: CancellationToken) -> Client {
    let settings = Settings { backoff: Duration::from_millis(1), attempts: 3, ..Settings::default() };
    Client::new(&settings, cancel).unwrap()
}

/// A token of a job that is good for an hour, with these claims besides or instead.
pub(crate) fn token(claims: &Value) -> IdToken {
    let mut all = json!({
        "iss": ISSUER, "sub": "repo:org/app", "aud": "sigstore",
        "exp": Timestamp::now().as_second() + 3600,
    });
    for (name, value) in claims.as_object().unwrap() {
        all[name] = value.clone();
    }
    IdToken::parse(jwt(&all).into()).unwrap()
}

pub(crate) fn jwt(claims: &Value) -> String {
    let part = |value: &[u8]| URL_SAFE_NO_PAD.encode(value);
    format!("{}.{}.{}", part(br#"{"alg":"RS256"}"#), part(claims.to_string().as_bytes()), part(&[7; 64]))
}

/// Neither the text nor the structure of an error has a part of the token.
pub(crate) fn assert_no_token(error: &KeylessError, token: &SecretString) {
    for text in [error.to_string(), format!("{error:?}")] {
        assert!(!repeats(&text, Some(token)), "{text}");
    }
}

async fn answer(status: u16, body: &str) -> KeylessError {
    let server = MockServer::start().await;
    let answer = ResponseTemplate::new(status).set_body_string(body);
    Mock::given(any()).respond_with(answer).mount(&server).await;
    let endpoint = Endpoint::new(Service::Fulcio, client(), &server.uri());
    let secret = SecretString::from("eyJhbGciOi.very-secret-token.signature");
    let error = endpoint.send(Request::post(&endpoint.url("/x")), Some(&secret)).await.unwrap_err();
    assert_no_token(&error, &secret);
    error
}

#[tokio::test]
async fn a_refusal_has_its_reason_and_other_failures_are_no_refusals() {
    let refused = answer(400, r#"{"code":3, "message":"There was an error", "details":[]}"#).await;
    let KeylessError::Refused { service: Service::Fulcio, host, reason } = refused else { panic!("{refused}") };
    assert!(host.starts_with("127.0.0.1:"), "{host}");
    assert_eq!(reason, "There was an error (status 400)");

    for status in [401, 403, 409, 413, 415, 422] {
        assert!(matches!(answer(status, "no").await, KeylessError::Refused { .. }), "{status}");
    }
    for status in [404, 405, 407, 408, 429, 499, 500, 502, 503, 504] {
        assert!(matches!(answer(status, "no").await, KeylessError::Unavailable { .. }), "{status}");
    }
    assert!(answer(403, "").await.to_string().contains("refused the request: status 403. "));
}

#[tokio::test]
async fn what_repeats_the_token_is_not_shown() {
    for status in [400, 404, 500] {
        let error = answer(status, "bad body: {\"oidcIdentityToken\":\"eyJhbGciOi.very-secr").await;
        assert!(error.to_string().contains("its text contains the token"), "{error}");
    }
}

#[tokio::test]
async fn cancellation_is_no_failure_of_the_service() {
    let cancel = CancellationToken::new();
    cancel.cancel();
    let endpoint = Endpoint::new(Service::Rekor, cancellable(cancel), "http://127.0.0.1:1");
    let error = endpoint.send(Request::get(&endpoint.url("/")), None).await.unwrap_err();
    assert!(matches!(error, KeylessError::Interrupted));
}

#[tokio::test]
async fn a_url_that_is_none_says_so() {
    let endpoint = Endpoint::new(Service::Rekor, client(), "rekor");
    let error = endpoint.send(Request::get(&endpoint.url("/")), None).await.unwrap_err();
    assert!(error.to_string().contains("not a URL"), "{error}");
}

#[test]
fn hosts_are_shown_without_credentials() {
    assert_eq!(host("https://user:pass@fulcio.example:5555/x?y"), "fulcio.example:5555");
    assert_eq!(host("https://fulcio.example/"), "fulcio.example");
    assert_eq!(host("fulcio"), "an invalid URL");
}
