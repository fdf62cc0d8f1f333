use pipe_core::aws::{Aws, Credentials, Source};
use pipe_core::http::{Client, Settings};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{header, method};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::*;
use crate::key::{PrivateKey, PublicKey};
use crate::sign::SignError;

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
    let aws =
        |host: Option<&str>, key: &str| Ok(KeyReference::Aws { host: host.map(str::to_owned), key: key.to_owned() });
    assert_eq!("awskms:///alias/signing".parse(), aws(None, "alias/signing"));
    assert_eq!("awskms://localhost:4566/alias/signing".parse(), aws(Some("localhost:4566"), "alias/signing"));
    let endpoint = "awskms://vpce-1.kms.eu-west-1.vpce.amazonaws.com/1234abcd";
    assert_eq!(endpoint.parse::<KeyReference>().unwrap().to_string(), endpoint);
    assert_eq!("awskms:///arn:aws:kms:evil.example/:1:key/x".parse::<KeyReference>().unwrap().region(), None);
    let arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let reference: KeyReference = format!("awskms:///{arn}").parse().unwrap();
    assert_eq!(reference.region(), Some("eu-west-1"));
    assert_eq!(reference.to_string(), format!("awskms:///{arn}"));
    assert_eq!("hashivault://signing".parse(), Ok(KeyReference::Vault { key: "signing".to_owned() }));
    for wrong in [
        "",
        "awskms://alias/x",
        "awskms:///",
        "awskms://a.example",
        "awskms://user@a.example/x",
        "awskms://a.example:x/y",
        "awskms://.example/y",
        "hashivault://a/b",
        "gcpkms://x",
        "hashivault://a b",
        "signing",
    ] {
        assert_eq!(wrong.parse::<KeyReference>(), Err(KeyReferenceError), "{wrong}");
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
    assert_eq!(
        error.to_string(),
        "the key alias/signing is not for signing. Set KMS_KEY to a key with the usage SIGN_VERIFY."
    );
}

/// A service of AWS's that answers everything so.
async fn refusing(status: u16, body: Value) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(status).set_body_json(body)).mount(&server).await;
    server
}

#[tokio::test]
async fn a_response_of_aws_without_the_expected_content_is_an_error() {
    let public = PrivateKey::generate().unwrap().public_key().der().to_vec();
    let denied = json!({ "__type": "AccessDeniedException", "Message": "not allowed" });
    for (status, body, refused, told) in [
        (400, denied, true, "AWS kms: AccessDeniedException: not allowed"),
        (500, json!({}), false, "500 Internal Server Error"),
        (400, json!({ "__type": "ThrottlingException" }), false, "AWS kms: ThrottlingException (status 400)"),
        (200, json!({}), true, "the key k is not for signing"),
        (200, json!({ "KeyUsage": "SIGN_VERIFY" }), true, "the type of the key k is not supported"),
        (
            200,
            json!({ "KeyUsage": "SIGN_VERIFY", "PublicKey": STANDARD.encode(b"no key") }),
            true,
            "the type of the key k is not supported",
        ),
        (200, json!({ "KeyUsage": "SIGN_VERIFY", "PublicKey": "not base64" }), true, "not supported"),
    ] {
        let server = refusing(status, body).await;
        let error = AwsKey::open(aws(&server), "k").await.err().unwrap();
        assert!(error.to_string().contains(told), "{error}");
        assert_eq!(matches!(error, SignError::Refused(_)), refused, "{error:?}");
    }
    // One that has a key and signs nothing.
    let answer = json!({ "KeyUsage": "SIGN_VERIFY", "PublicKey": STANDARD.encode(public) });
    let server = refusing(200, answer).await;
    let opened = AwsKey::open(aws(&server), "k").await.unwrap();
    let error = Signer::sign(&opened, b"a message").await.unwrap_err();
    assert!(matches!(error, SignError::Unavailable(_)), "{error:?}");
    assert_eq!(error.to_string(), "AWS kms: the response has no signature. Run the job again.");
}
