use proptest::prelude::*;
use serde_json::json;
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::keyless::tests::{assert_no_token, client, jwt, token};

fn claims() -> Value {
    json!({ "iss": "https://issuer.example", "sub": "job", "aud": "sigstore", "exp": 2_000_000_000 })
}

fn with(name: &str, value: Value) -> Result<IdToken, TokenError> {
    let mut claims = claims();
    claims[name] = value;
    IdToken::parse(jwt(&claims).into())
}

#[test]
fn claims_are_read() {
    let token = IdToken::parse(format!("\n{}\n", jwt(&claims())).into()).unwrap();
    assert_eq!(token.issuer(), "https://issuer.example");
    assert_eq!(token.subject(), "job");
    assert_eq!(token.audience(), ["sigstore"]);
    assert_eq!(token.expires_at().as_second(), 2_000_000_000);
    assert!(token.is_expired(Timestamp::from_second(2_000_000_000).unwrap()));
    assert!(!token.is_expired(Timestamp::from_second(1_999_999_999).unwrap()));
    assert_eq!((token.claim("sub"), token.claim("exp"), token.claim("none")), (Some("job"), None, None));
    assert_eq!(token.claims().len(), 4);
    assert_eq!(token.secret().expose_secret(), jwt(&claims()));
}

#[test]
fn audiences_are_one_or_several_and_times_may_have_fractions() {
    assert_eq!(with("aud", json!(["a", "b", 3])).unwrap().audience(), ["a", "b"]);
    assert!(with("aud", json!(null)).unwrap().audience().is_empty());
    assert_eq!(with("exp", json!(2_000_000_000.9)).unwrap().expires_at().as_second(), 2_000_000_000);
}

#[test]
fn what_is_no_token_says_why() {
    let refused = |text: &str| IdToken::parse(text.to_owned().into()).unwrap_err().to_string();
    assert_eq!(refused(""), "the identity token is not a JWT: it has no three parts");
    assert_eq!(refused("a.b.c.d"), "the identity token is not a JWT: it has no three parts");
    assert_eq!(refused("a.!.c"), "the identity token is not a JWT: its payload is no base64url");
    assert_eq!(refused("a.e30x.c"), "the identity token is not a JWT: its payload is no JSON object");
    assert_eq!(refused(&"a".repeat(65 * 1024)), "the identity token is not a JWT: it is larger than 64 KiB");
    for claim in ["iss", "sub", "exp"] {
        for value in [json!(null), json!(""), json!([1])] {
            assert_eq!(
                with(claim, value).unwrap_err().to_string(),
                format!("the identity token has no claim {claim:?}")
            );
        }
    }
    assert!(with("exp", json!(1e300)).is_err());
}

#[test]
fn the_token_is_in_no_debug_text() {
    let token = IdToken::parse(jwt(&claims()).into()).unwrap();
    assert_eq!(format!("{token:?}"), r#"IdToken("job" of "https://issuer.example", until 2033-05-18T03:33:20Z)"#);
}

#[test]
fn a_verified_email_address_is_the_challenge() {
    let challenge = |claims: Value| token(&claims).challenge().to_owned();
    assert_eq!(challenge(json!({})), "repo:org/app");
    assert_eq!(challenge(json!({ "email": "a@b.c", "email_verified": true })), "a@b.c");
    assert_eq!(challenge(json!({ "email": "a@b.c", "email_verified": "true" })), "a@b.c");
    assert_eq!(challenge(json!({ "email": "a@b.c", "email_verified": false })), "repo:org/app");
    assert_eq!(challenge(json!({ "email": "a@b.c" })), "repo:org/app");
    assert_eq!(challenge(json!({ "email": 3, "email_verified": true })), "repo:org/app");
}

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,200}") {
        let _ = IdToken::parse(text.into());
    }

    #[test]
    fn no_payload_panics(payload in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = IdToken::parse(format!("a.{}.c", URL_SAFE_NO_PAD.encode(payload)).into());
    }

    #[test]
    fn no_time_panics(exp in any::<f64>(), whole in any::<i64>()) {
        let _ = with("exp", json!(exp));
        let _ = with("exp", json!(whole));
    }
}

async fn github(answer: ResponseTemplate, times: u64) -> (MockServer, Result<IdToken, KeylessError>) {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .and(path("/id"))
        .and(query_param("api-version", "2.0"))
        .and(query_param("audience", "sig store&x"))
        .and(header("Authorization", "Bearer request-token-of-the-job"))
        .respond_with(answer)
        .expect(times)
        .mount(&server)
        .await;
    let url = format!("{}/id?api-version=2.0", server.uri());
    let result = request_github(&client(), &url, &"request-token-of-the-job".into(), "sig store&x").await;
    if let Err(error) = &result {
        assert_no_token(error, &"request-token-of-the-job".into());
    }
    (server, result)
}

#[tokio::test]
async fn github_gives_a_token_for_an_audience() {
    let token = jwt(&claims());
    let (_server, result) =
        github(ResponseTemplate::new(200).set_body_json(json!({ "count": 1, "value": token })), 1).await;
    assert_eq!(result.unwrap().secret().expose_secret(), token);
}

#[tokio::test]
async fn github_refuses_or_fails() {
    let (_server, refused) = github(ResponseTemplate::new(403).set_body_string("request-token-of-the-job"), 1).await;
    let refused = refused.unwrap_err();
    assert!(matches!(refused, KeylessError::Refused { service: Service::GitHub, .. }), "{refused}");
    let (_server, failed) = github(ResponseTemplate::new(500), 3).await;
    assert!(matches!(failed.unwrap_err(), KeylessError::Unavailable { service: Service::GitHub, .. }));
    let (_server, large) = github(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 200_000]), 1).await;
    assert!(matches!(large.unwrap_err(), KeylessError::Unavailable { .. }));
}

#[tokio::test]
async fn an_answer_without_a_token_shows_nothing_of_itself() {
    let secret = jwt(&claims());
    for body in [json!({ "value": [secret] }), json!({ "token": secret }), json!(secret)] {
        let (_server, result) = github(ResponseTemplate::new(200).set_body_json(body), 1).await;
        let error = result.unwrap_err();
        assert!(matches!(error, KeylessError::Malformed { .. }), "{error}");
        assert_no_token(&error, &secret.clone().into());
    }
    let (_server, result) = github(ResponseTemplate::new(200).set_body_json(json!({ "value": "x.y" })), 1).await;
    assert!(matches!(result.unwrap_err(), KeylessError::Token(TokenError::Malformed(_))));
}
