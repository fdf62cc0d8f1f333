use secrecy::ExposeSecret;
use serde_json::{Value, json};
use wiremock::matchers::{header, method, path, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::keyless::tests::{assert_no_token, client, jwt};
use crate::token::TokenError;

fn claims() -> Value {
    json!({ "iss": "https://issuer.example", "sub": "job", "aud": "sigstore", "exp": 2_000_000_000 })
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
    let result = request_id_token(&client(), &url, &"request-token-of-the-job".into(), "sig store&x").await;
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
