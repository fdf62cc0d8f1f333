use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use super::*;
use crate::certificate::tests::{extension, issue, uri};
use crate::key::PublicKey;
use crate::keyless::tests::{ISSUER, assert_no_token, client, token};

/// Certifies the key that it is sent, with what the proof is checked against in the name.
fn certifying(field: &'static str) -> impl Respond {
    move |request: &wiremock::Request| {
        let asked: Value = request.body_json().unwrap();
        let key = PublicKey::from_pem(asked["publicKeyRequest"]["publicKey"]["content"].as_str().unwrap()).unwrap();
        let chain = issue(&key, uri("https://example.com/job"), vec![extension(8, ISSUER)]);
        ResponseTemplate::new(200).set_body_json(json!({ field: { "chain": { "certificates": chain } } }))
    }
}

async fn fulcio(answer: impl Respond + 'static) -> (MockServer, Fulcio) {
    let server = MockServer::start().await;
    Mock::given(method("POST")).and(path("/api/v2/signingCert")).respond_with(answer).mount(&server).await;
    let fulcio = Fulcio::new(client(), &format!("{}/", server.uri()));
    (server, fulcio)
}

async fn configured(server: &MockServer, issuers: Value) {
    Mock::given(method("GET"))
        .and(path("/api/v2/configuration"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "issuers": issuers })))
        .expect(1)
        .mount(server)
        .await;
}

/// What was asked for a certificate.
async fn asked(server: &MockServer) -> Vec<Value> {
    let requests = server.received_requests().await.unwrap();
    requests.iter().filter(|request| request.method == "POST").map(|request| request.body_json().unwrap()).collect()
}

async fn refused(answer: impl Respond + 'static) -> KeylessError {
    let (_server, fulcio) = fulcio(answer).await;
    let token = token(&json!({}));
    let error = fulcio.certificate(&token, &PrivateKey::generate().unwrap()).await.unwrap_err();
    assert_no_token(&error, token.secret());
    error
}

#[tokio::test]
async fn a_token_becomes_a_certificate_for_the_key() {
    for field in ["signedCertificateEmbeddedSct", "signedCertificateDetachedSct"] {
        let (server, fulcio) = fulcio(certifying(field)).await;
        let (token, key) = (token(&json!({})), PrivateKey::generate().unwrap());
        let certificate = fulcio.certificate(&token, &key).await.unwrap();
        assert_eq!(certificate.identity().public_key, *key.public_key());
        assert_eq!(certificate.identity().issuer.as_deref(), Some(ISSUER));
        assert_eq!(certificate.chain().count(), 1);
        let asked = asked(&server).await.remove(0);
        assert_eq!(asked["credentials"]["oidcIdentityToken"], token.secret().expose_secret());
        assert!(proves(&asked, &key, "repo:org/app"));
    }
}

fn proves(asked: &Value, key: &PrivateKey, challenge: &str) -> bool {
    let proof = STANDARD.decode(asked["publicKeyRequest"]["proofOfPossession"].as_str().unwrap()).unwrap();
    key.public_key().verifies(challenge.as_bytes(), &proof)
}

#[tokio::test]
async fn the_challenge_is_the_claim_that_fulcio_names() {
    let person = json!({ "email": "dev@example.com", "email_verified": true });
    let unverified = json!({ "email": "dev@example.com" });
    let issuer = |claim: &str| json!([{ "issuerUrl": ISSUER, "audience": "sigstore", "challengeClaim": claim }]);
    for (claims, issuers, challenge) in [
        (&person, Some(issuer("email")), "dev@example.com"),
        (&person, Some(issuer("sub")), "repo:org/app"),
        (&person, Some(issuer("")), "dev@example.com"),
        (&person, Some(issuer("absent")), "dev@example.com"),
        (&person, Some(json!([])), "dev@example.com"),
        (&person, None, "dev@example.com"),
        (&unverified, Some(issuer("email")), "dev@example.com"),
        (&unverified, None, "repo:org/app"),
    ] {
        let (server, fulcio) = fulcio(certifying("signedCertificateEmbeddedSct")).await;
        if let Some(issuers) = &issuers {
            configured(&server, issuers.clone()).await;
        }
        let key = PrivateKey::generate().unwrap();
        fulcio.certificate(&token(claims), &key).await.unwrap();
        assert!(proves(&asked(&server).await[0], &key, challenge), "{claims} {issuers:?}");
    }
}

#[tokio::test]
async fn a_certificate_for_another_key_is_not_taken() {
    let other = PrivateKey::generate().unwrap();
    let chain = issue(other.public_key(), uri("https://example.com/job"), vec![]);
    let answer = json!({ "signedCertificateEmbeddedSct": { "chain": { "certificates": chain } } });
    let error = refused(ResponseTemplate::new(200).set_body_json(answer)).await;
    assert!(error.to_string().contains("sent an invalid response: the certificate is for another key. "), "{error}");
}

#[tokio::test]
async fn what_is_no_certificate_is_not_taken() {
    let chain = |certificates: Value| json!({ "chain": { "certificates": certificates } });
    for answer in [
        json!({}),
        json!([1]),
        json!({ "signedCertificateEmbeddedSct": chain(json!([])) }),
        json!({ "signedCertificateEmbeddedSct": chain(json!(["x"])) }),
        json!({ "signedCertificateEmbeddedSct": chain(json!([1])) }),
        json!({ "signedCertificateEmbeddedSct": chain(json!(["-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"])) }),
        json!({ "signedCertificateEmbeddedSct": chain(json!([])), "signedCertificateDetachedSct": chain(json!([])) }),
    ] {
        let error = refused(ResponseTemplate::new(200).set_body_json(&answer)).await;
        assert!(matches!(error, KeylessError::Malformed { service: Service::Fulcio, .. }), "{answer}: {error}");
    }
    let error = refused(ResponseTemplate::new(200).set_body_string("<html>")).await;
    assert!(matches!(error, KeylessError::Malformed { .. }), "{error}");
    let error = refused(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 600 * 1024])).await;
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[tokio::test]
async fn an_answer_that_repeats_the_token_is_not_shown() {
    let echo = |status: u16| {
        move |request: &wiremock::Request| {
            let asked: Value = request.body_json().unwrap();
            ResponseTemplate::new(status)
                .set_body_json(json!({ "signedCertificateEmbeddedSct": asked["credentials"]["oidcIdentityToken"] }))
        }
    };
    for status in [200, 400, 404, 500] {
        refused(echo(status)).await;
    }
}

#[tokio::test]
async fn the_token_goes_to_no_other_host() {
    let elsewhere = MockServer::start().await;
    let location = format!("{}/api/v2/signingCert", elsewhere.uri());
    let error = refused(ResponseTemplate::new(307).insert_header("Location", location)).await;
    assert!(error.to_string().contains("another host, and the body is secret"), "{error}");
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn trouble_of_the_server_is_tried_again() {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(500)).up_to_n_times(2).mount(&server).await;
    Mock::given(method("POST")).respond_with(certifying("signedCertificateEmbeddedSct")).mount(&server).await;
    let fulcio = Fulcio::new(client(), &server.uri());
    fulcio.certificate(&token(&json!({})), &PrivateKey::generate().unwrap()).await.unwrap();
    assert_eq!(asked(&server).await.len(), 3);

    let error = refused(ResponseTemplate::new(503)).await;
    assert!(matches!(error, KeylessError::Unavailable { .. }), "{error}");
    assert!(error.to_string().contains("after 3 attempts"), "{error}");
}

#[tokio::test]
async fn a_refusal_says_what_is_wrong_with_the_token() {
    let no = json!({ "code": 3, "message": "There was an error processing the identity token", "details": [] });
    let explained = async |claims: Value, issuers: Option<Value>| {
        let (server, fulcio) = fulcio(ResponseTemplate::new(400).set_body_json(&no)).await;
        if let Some(issuers) = issuers {
            configured(&server, issuers).await;
        }
        let error = fulcio.certificate(&token(&claims), &PrivateKey::generate().unwrap()).await.unwrap_err();
        assert_eq!(asked(&server).await.len(), 1);
        error
    };
    let known = json!([{ "issuerUrl": ISSUER, "audience": "sigstore" }]);

    let expired = explained(json!({ "exp": 1_700_000_000 }), None).await;
    assert_eq!(
        expired.to_string(),
        "the identity token expired at 2023-11-14T22:13:20Z. Request a new one for each run."
    );
    assert!(matches!(expired, KeylessError::Token(crate::token::TokenError::Expired { .. })));

    let issuer = explained(json!({ "iss": "https://api.bitbucket.org/x" }), Some(known.clone())).await;
    assert!(
        issuer.to_string().contains("refused the request: the issuer https://api.bitbucket.org/x is not accepted. "),
        "{issuer}"
    );

    let audience = explained(json!({ "aud": ["a", "b"] }), Some(known.clone())).await;
    let text = audience.to_string();
    assert!(text.contains("the audience of the identity token is a, b, expected sigstore (OIDC_AUDIENCE). "), "{text}");

    for issuers in [Some(known), None] {
        let other = explained(json!({}), issuers).await;
        let text = other.to_string();
        assert!(
            text.contains("refused the request: There was an error processing the identity token (status 400). "),
            "{text}"
        );
        assert!(matches!(other, KeylessError::Refused { service: Service::Fulcio, .. }));
    }
}

#[tokio::test]
async fn issuers_are_exact_or_patterns() {
    let (server, fulcio) = fulcio(ResponseTemplate::new(500)).await;
    let pattern = "https://oidc.eks.*.amazonaws.com/id/*";
    let issuers = json!([
        { "wildcardIssuerUrl": pattern, "audience": "sigstore", "challengeClaim": "sub", "issuerType": "kubernetes" },
        { "issuerUrl": ISSUER, "audience": "other", "challengeClaim": "sub", "spiffeTrustDomain": "", "issuerType": "email" },
        { "issuerUrl": "https://oidc.eks.x.amazonaws.com/id/y", "audience": "exact" },
    ]);
    configured(&server, issuers).await;
    let audience = async |issuer: &str| match fulcio.accepts(issuer).await.unwrap() {
        Acceptance::Accepted(issuer) => Some(issuer.audience),
        Acceptance::NotAccepted => None,
    };
    assert_eq!(audience(ISSUER).await.as_deref(), Some("other"));
    assert_eq!(audience("https://oidc.eks.eu-west-1.amazonaws.com/id/AB_1").await.as_deref(), Some("sigstore"));
    assert_eq!(audience("https://oidc.eks.x.amazonaws.com/id/y").await.as_deref(), Some("exact"));
    assert_eq!(audience("https://token.example.com/").await, None);
    assert_eq!(fulcio.issuers().await.unwrap().len(), 3);
}

#[test]
fn a_star_is_one_part_of_a_name() {
    let matches = |pattern: &str, text: &str| wildcard(pattern.as_bytes(), text.as_bytes());
    assert!(matches("https://a.*.b/*", "https://a.x-1.b/y_2"));
    for other in [
        "https://a.x.y.b/z",
        "https://a..b/z",
        "https://a.x.b/",
        "https://a.x.b/y/z",
        "https://a.x.b/y?z",
        "https://a.x.b",
        "http://evil?https://a.x.b/y",
        "",
    ] {
        assert!(!matches("https://a.*.b/*", other), "{other}");
    }
    assert!(matches("a*a*a", "aaaaa") && matches("*", "x") && !matches("*", "") && matches("", ""));
}

#[tokio::test]
async fn a_configuration_that_is_none_says_so() {
    let server = MockServer::start().await;
    Mock::given(method("GET")).respond_with(ResponseTemplate::new(200).set_body_string("<html>")).mount(&server).await;
    let error = Fulcio::new(client(), &server.uri()).issuers().await.unwrap_err();
    assert!(matches!(error, KeylessError::Malformed { .. }), "{error}");
}
