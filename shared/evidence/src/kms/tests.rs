use pipe_core::aws::{Aws, Credentials, Source};
use pipe_core::http::{Client, Settings};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{header, method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;
use crate::key::PrivateKey;

fn http() -> Client {
    Client::new(&Settings { attempts: 1, ..Settings::default() }, CancellationToken::new()).unwrap()
}

fn aws(server: &MockServer) -> Aws {
    let credentials =
        Credentials { access_key: "AK".to_owned(), secret_key: "secret".to_owned().into(), session_token: None };
    Aws::new(http(), "eu-west-1", Source::Static(credentials), Some(server.uri()))
}

#[test]
fn keys_are_named_as_cosign_names_them() {
    let aws = |key: &str| Ok(Reference::Aws { key: key.to_owned() });
    assert_eq!("awskms:///alias/signing".parse(), aws("alias/signing"));
    let arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let reference: Reference = format!("awskms:///{arn}").parse().unwrap();
    assert_eq!(reference.region(), Some("eu-west-1"));
    assert_eq!(reference.to_string(), format!("awskms:///{arn}"));
    assert_eq!("hashivault://signing".parse(), Ok(Reference::Vault { key: "signing".to_owned() }));
    for wrong in ["", "awskms://alias/x", "awskms:///", "hashivault://a/b", "gcpkms://x", "hashivault://a b", "signing"]
    {
        assert_eq!(wrong.parse::<Reference>(), Err(ReferenceError), "{wrong}");
    }
}

/// An AWS with a key, whose signature of the one message was made beforehand.
async fn kms(server: &MockServer, usage: &str, message: &'static [u8], signature: Vec<u8>, public: &PublicKey) {
    let answer = json!({ "KeyUsage": usage, "PublicKey": STANDARD.encode(public.der()) });
    Mock::given(header("x-amz-target", "TrentService.GetPublicKey"))
        .respond_with(ResponseTemplate::new(200).set_body_json(answer))
        .mount(server)
        .await;
    let signed = move |request: &Request| {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["SigningAlgorithm"], "ECDSA_SHA_256");
        let (kind, sent) = if message.len() > 4096 {
            ("DIGEST", STANDARD.encode(Sha256::digest(message)))
        } else {
            ("RAW", STANDARD.encode(message))
        };
        assert_eq!((&body["MessageType"], &body["Message"]), (&json!(kind), &json!(sent)));
        ResponseTemplate::new(200).set_body_json(json!({ "Signature": STANDARD.encode(&signature) }))
    };
    Mock::given(header("x-amz-target", "TrentService.Sign")).respond_with(signed).mount(server).await;
}

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

#[tokio::test]
async fn aws_signs_messages_or_digests_and_is_held_to_its_key() {
    let (key, other) = (PrivateKey::generate().unwrap(), PrivateKey::generate().unwrap());
    for message in [&b"a message"[..], &[b'x'; 5000]] {
        let server = MockServer::start().await;
        kms(&server, "SIGN_VERIFY", message, key.sign(message).unwrap(), key.public_key()).await;
        let opened = AwsKey::open(aws(&server), "alias/signing").await.unwrap();
        let signature = Signer::sign(&opened, message).await.unwrap();
        assert!(key.public_key().verifies(message, &signature));
    }

    let server = MockServer::start().await;
    kms(&server, "SIGN_VERIFY", b"a message", other.sign(b"a message").unwrap(), key.public_key()).await;
    let opened = AwsKey::open(aws(&server), "alias/signing").await.unwrap();
    let error = Signer::sign(&opened, b"a message").await.unwrap_err();
    assert!(error.to_string().contains("does not verify with its own key"), "{error}");

    let server = MockServer::start().await;
    kms(&server, "ENCRYPT_DECRYPT", b"", Vec::new(), key.public_key()).await;
    let error = AwsKey::open(aws(&server), "alias/signing").await.err().unwrap();
    assert_eq!(error.to_string(), "the key alias/signing is not for signing");
}

#[tokio::test]
async fn vault_signs_with_the_newest_version() {
    let key = PrivateKey::generate().unwrap();
    let server = MockServer::start().await;
    let data = json!({ "data": { "type": "ecdsa-p256", "latest_version": 2, "keys": {
        "1": { "public_key": "old" }, "2": { "public_key": key.public_key().to_pem() } } } });
    Mock::given(method("GET"))
        .and(path("/v1/transit/keys/signing"))
        .and(header("x-vault-token", "s.token"))
        .respond_with(ResponseTemplate::new(200).set_body_json(data))
        .mount(&server)
        .await;
    let signature = format!("vault:v2:{}", STANDARD.encode(key.sign(b"a message").unwrap()));
    Mock::given(method("POST"))
        .and(path("/v1/transit/sign/signing/sha2-256"))
        .respond_with(ResponseTemplate::new(200).set_body_json(json!({ "data": { "signature": signature } })))
        .mount(&server)
        .await;
    let vault = Vault::new(http(), &format!("{}/", server.uri()), "s.token".to_owned().into(), "transit");
    let opened = VaultKey::open(vault.clone(), "signing").await.unwrap();
    let signature = Signer::sign(&opened, b"a message").await.unwrap();
    assert!(key.public_key().verifies(b"a message", &signature));
    let error = VaultKey::open(vault, "other").await.err().unwrap();
    assert!(matches!(error, SignError::Refused(_)), "{error}");
    assert!(!error.to_string().contains("s.token"));
}
