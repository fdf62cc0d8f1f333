use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipe_core::http::{Client, Settings};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{body_partial_json, header, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::key::{PrivateKey, PublicKey};
use crate::sign::SignError;

fn vault(server: &MockServer) -> Vault {
    let http = Client::new(&Settings { attempts: 1, ..Settings::default() }, CancellationToken::new()).unwrap();
    Vault::new(http, &format!("{}/", server.uri()), "s.token".to_owned().into(), "transit")
}

/// A Vault with the key `signing`, which was rotated once.
async fn with_key(public: &PublicKey) -> MockServer {
    let server = MockServer::start().await;
    let data = json!({ "data": { "type": "ecdsa-p256", "latest_version": 2, "keys": {
        "1": { "public_key": "old" }, "2": { "public_key": public.to_pem() } } } });
    Mock::given(method("GET"))
        .and(path("/v1/transit/keys/signing"))
        .and(header("x-vault-token", "s.token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(data))
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn vault_signs_digests_with_the_version_that_was_the_newest() {
    let key = PrivateKey::generate().unwrap();
    let server = with_key(key.public_key()).await;
    // Larger than any message that a service would hash itself.
    let message = vec![b'x'; 100_000];
    let asked = json!({
        "input": STANDARD.encode(Sha256::digest(&message)),
        "key_version": 2,
        "prehashed": true,
        "marshaling_algorithm": "asn1",
    });
    let signature = format!("vault:v2:{}", STANDARD.encode(key.sign(&message).unwrap()));
    Mock::given(method("POST"))
        .and(path("/v1/transit/sign/signing/sha2-256"))
        .and(header("x-vault-token", "s.token"))
        .and(body_partial_json(asked))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": { "signature": signature } })))
        .mount(&server)
        .await;
    let opened = VaultKey::open(vault(&server), "signing").await.unwrap();
    let signature = Signer::sign(&opened, &message).await.unwrap();
    assert!(key.public_key().verifies(&message, &signature));
}

#[tokio::test]
async fn vault_is_held_to_its_key() {
    let (key, other) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
    let good = STANDARD.encode(other.sign(b"a message").unwrap());
    for (data, refused, told) in [
        (json!({ "signature": format!("vault:v2:{good}") }), true, "does not verify with its own key"),
        (json!({ "signature": "vault:v2:no base64" }), false, "Vault: the response has no signature"),
        (json!({}), false, "Vault: the response has no signature"),
        (Value::Null, false, "Vault: the response has no signature"),
    ] {
        let server = with_key(key.public_key()).await;
        Mock::given(method("POST"))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": data })))
            .mount(&server)
            .await;
        let opened = VaultKey::open(vault(&server), "signing").await.unwrap();
        let error = Signer::sign(&opened, b"a message").await.unwrap_err();
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(matches!(error, SignError::Refused(_)), refused, "{error:?}");
    }
}

#[tokio::test]
async fn a_response_of_vault_without_the_expected_content_is_an_error() {
    for (status, body, refused, told) in [
        (403, json!({ "errors": ["permission denied"] }), true, "permission denied"),
        (404, json!({ "errors": [] }), true, "404 Not Found"),
        (503, json!({ "errors": ["Vault is sealed"] }), false, "Vault is sealed"),
        (
            200,
            json!({ "data": { "type": "aes256-gcm96", "latest_version": 1, "keys": { "1": 1700000000 } } }),
            true,
            "is not supported",
        ),
        (200, json!({ "data": { "type": "ecdsa-p256", "latest_version": 2, "keys": {} } }), true, "is not supported"),
        (200, json!({}), true, "is not supported"),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("GET")).respond_with(ResponseTemplate::new(status).set_body_json(body)).mount(&server).await;
        let error = VaultKey::open(vault(&server), "signing").await.err().unwrap();
        assert!(error.to_string().contains(told), "{error}");
        assert!(!error.to_string().contains("s.token"), "{error}");
        assert_eq!(matches!(error, SignError::Refused(_)), refused, "{error:?}");
    }
}
