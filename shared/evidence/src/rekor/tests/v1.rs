use std::sync::{Arc, Mutex};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use sigstore_types::KindVersion;

use super::*;

const UUID: &str = "24296fb24b8ad77a0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

/// What a log makes of a request (Rekor's `hashedrekord` and `dsse` 0.0.1).
fn canonical(asked: &Value) -> Value {
    let spec = &asked["spec"];
    let spec = match asked["kind"].as_str().unwrap() {
        "hashedrekord" => spec.clone(),
        "dsse" => {
            let envelope = spec["proposedContent"]["envelope"].as_str().unwrap();
            let envelope: Value = serde_json::from_str(envelope).unwrap();
            let payload = STANDARD.decode(envelope["payload"].as_str().unwrap()).unwrap();
            let hash = |value: String| json!({ "algorithm": "sha256", "value": value });
            json!({
                "envelopeHash": hash("00".repeat(32)),
                "payloadHash": hash(sigstore_crypto::sha256(&payload).to_hex()),
                "signatures": [{
                    "signature": envelope["signatures"][0]["sig"],
                    "verifier": spec["proposedContent"]["verifiers"][0],
                }],
            })
        }
        other => panic!("{other}"),
    };
    json!({ "apiVersion": asked["apiVersion"], "kind": asked["kind"], "spec": spec })
}

fn entry(body: &Value) -> Value {
    json!({
        "body": STANDARD.encode(body.to_string()),
        "integratedTime": 1_700_000_000,
        "logID": "c0".repeat(32),
        "logIndex": 123,
        "verification": {
            "inclusionProof": {
                "checkpoint": checkpoint(), "hashes": ["11".repeat(32)], "logIndex": 3, "rootHash": "00".repeat(32),
                "treeSize": 4,
            },
            "signedEntryTimestamp": STANDARD.encode("set"),
        },
    })
}

fn logging(change: impl Fn(&mut Value) + Send + Sync + 'static) -> impl Respond {
    move |request: &wiremock::Request| {
        let mut entry = entry(&canonical(&request.body_json().unwrap()));
        change(&mut entry);
        ResponseTemplate::new(201).set_body_json(json!({ UUID: entry }))
    }
}

async fn fails(answer: impl Respond + 'static) -> KeylessError {
    let (_server, rekor) = log(RekorVersion::V1, answer).await;
    rekor.record(&Signer::new().message("text", by_key)).await.unwrap_err()
}

#[tokio::test]
async fn messages_and_attestations_are_logged_by_certificate_and_by_key() {
    let signer = Signer::new();
    let envelope = signer.envelope(r#"{"a":1}"#);
    for verifier in [by_certificate, by_key] {
        let (_server, rekor) = log(RekorVersion::V1, logging(|_| ())).await;
        let logged = rekor.record(&signer.message("text", verifier)).await.unwrap();
        assert_eq!(logged.kind_version, KindVersion::HashedRekordV001);
        assert_eq!(logged.log_index.get(), 123);
        assert_eq!(logged.inclusion_proof.unwrap().log_index.get(), 3);
        assert_eq!(logged.integrated_time.unwrap().as_second(), 1_700_000_000);

        let logged = rekor.record(&ProposedEntry::envelope(&envelope, verifier(&signer))).await.unwrap();
        assert_eq!(logged.kind_version, KindVersion::DsseV001);
    }
}

#[tokio::test]
async fn keys_whose_signatures_the_log_can_not_verify_are_refused_before_anything_is_sent() {
    let random = SystemRandom::new();
    let ed25519 = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
    let p384 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_ASN1_SIGNING, &random).unwrap();
    for (der, name, attestations) in [(ed25519, "Ed25519", true), (p384, "ECDSA P-384", false)] {
        let pem = format!("-----BEGIN PRIVATE KEY-----{}-----END PRIVATE KEY-----", STANDARD.encode(der));
        let key = PrivateKey::from_pem(&pem.into(), None).unwrap();
        let signer = Signer { key, certificate: Signer::new().certificate };
        let (server, rekor) = log(RekorVersion::V1, logging(|_| ())).await;
        let error = rekor.record(&signer.message("text", by_key)).await.unwrap_err();
        assert!(matches!(error, KeylessError::Unsupported(_)) && error.to_string().contains(name), "{error}");
        let attested = rekor.record(&ProposedEntry::envelope(&signer.envelope("{}"), by_key(&signer))).await;
        assert_eq!(attested.is_ok(), attestations, "{name}");
        assert_eq!(server.received_requests().await.unwrap().len(), usize::from(attestations));
    }
}

#[tokio::test]
async fn an_entry_of_something_else_is_not_taken() {
    let signer = Signer::new();
    let other = Signer::new();
    let (theirs, ours) = (other.envelope("other"), signer.envelope("text"));
    let changes: [fn(&mut Value); 4] = [
        |body| body["spec"]["data"]["hash"]["value"] = json!("00".repeat(32)),
        |body| body["spec"]["data"]["hash"]["algorithm"] = json!("sha512"),
        |body| body["spec"]["signature"]["content"] = json!(STANDARD.encode("other")),
        |body| {
            body["spec"]["signature"]["publicKey"]["content"] =
                json!(STANDARD.encode(Signer::new().certificate.to_pem()))
        },
    ];
    for change in changes {
        let error = fails(logging(move |entry| {
            let body = STANDARD.decode(entry["body"].as_str().unwrap()).unwrap();
            let mut body: Value = serde_json::from_slice(&body).unwrap();
            change(&mut body);
            entry["body"] = json!(STANDARD.encode(body.to_string()));
        }))
        .await;
        malformed(&error, "the entry is for another signature");
    }

    let asked = Arc::new(Mutex::new(json!(null)));
    let kept = Arc::clone(&asked);
    let keep = move |request: &wiremock::Request| {
        *kept.lock().unwrap() = request.body_json().unwrap();
        ResponseTemplate::new(400)
    };
    let (_server, rekor) = log(RekorVersion::V1, keep).await;
    rekor.record(&ProposedEntry::envelope(&theirs, by_certificate(&other))).await.unwrap_err();
    let theirs = canonical(&asked.lock().unwrap());
    let answer = ResponseTemplate::new(201).set_body_json(json!({ UUID: entry(&theirs) }));
    let (_server, rekor) = log(RekorVersion::V1, answer).await;
    let error = rekor.record(&ProposedEntry::envelope(&ours, by_certificate(&signer))).await.unwrap_err();
    malformed(&error, "the entry is for another signature");
}

#[tokio::test]
async fn an_entry_without_its_proofs_is_not_taken() {
    let without = |pointer: &'static str| logging(move |entry| *entry.pointer_mut(pointer).unwrap() = Value::Null);
    malformed(&fails(without("/verification")).await, "signed time");
    malformed(&fails(without("/verification/signedEntryTimestamp")).await, "signed time");
    malformed(&fails(without("/integratedTime")).await, "signed time");
    malformed(&fails(without("/verification/inclusionProof")).await, "the entry has no inclusion proof");
    malformed(&fails(without("/verification/inclusionProof/checkpoint")).await, "not an entry");
    malformed(
        &fails(logging(|entry| entry["verification"]["inclusionProof"]["checkpoint"] = json!("x"))).await,
        "not an entry",
    );
}

#[tokio::test]
async fn what_is_no_entry_is_not_taken() {
    for body in [json!({}), json!([]), json!({ "a": 1 }), json!({ "a": entry(&json!({})), "b": entry(&json!({})) })] {
        malformed(&fails(ResponseTemplate::new(201).set_body_json(body)).await, "entry");
    }
    malformed(
        &fails(ResponseTemplate::new(201).set_body_json(json!({ UUID: entry(&json!({})) }))).await,
        "not an entry",
    );
    malformed(&fails(ResponseTemplate::new(200).set_body_string("<html>")).await, "not an entry");
    let error = fails(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 5 * 1024 * 1024])).await;
    assert!(error.to_string().contains("larger than"), "{error}");
}

#[tokio::test]
async fn an_entry_that_exists_already_is_fetched() {
    let signer = Signer::new();
    let message = signer.message("text", by_certificate);
    for id in [UUID, &UUID[16..]] {
        let server = MockServer::start().await;
        let asked = Arc::new(Mutex::new(json!(null)));
        let kept = Arc::clone(&asked);
        // Elsewhere, where nobody may be asked.
        let location = format!("http://127.0.0.1:1/api/v1/log/entries/{id}");
        let conflict = move |request: &wiremock::Request| {
            *kept.lock().unwrap() = request.body_json().unwrap();
            ResponseTemplate::new(409)
                .insert_header("Location", location.as_str())
                .set_body_json(json!({ "code": 409 }))
        };
        Mock::given(method("POST")).respond_with(conflict).expect(1).mount(&server).await;
        let existing = move |_: &wiremock::Request| {
            ResponseTemplate::new(200).set_body_json(json!({ id: entry(&canonical(&asked.lock().unwrap())) }))
        };
        Mock::given(method("GET"))
            .and(path(format!("/api/v1/log/entries/{id}")))
            .respond_with(existing)
            .expect(1)
            .mount(&server)
            .await;
        let logged = Rekor::new(client(), &server.uri(), RekorVersion::V1).record(&message).await.unwrap();
        assert_eq!(logged.log_index.get(), 123);
    }
}

#[tokio::test]
async fn a_conflict_without_an_entry_is_none() {
    for location in ["", "/api/v1/log/entries/", "/x/../../../etc", &"z".repeat(64)] {
        let error = fails(ResponseTemplate::new(409).insert_header("Location", location)).await;
        malformed(&error, "it does not name the existing entry");
    }
}

#[tokio::test]
async fn refusals_have_reasons_and_trouble_is_tried_again() {
    let no = json!({ "code": 400, "message": "verifying signature: invalid" });
    let error = fails(ResponseTemplate::new(400).set_body_json(no)).await;
    assert!(error.to_string().contains("refused the request: verifying signature: invalid (status 400). "), "{error}");
    let error = fails(ResponseTemplate::new(502)).await;
    assert!(matches!(error, KeylessError::Unavailable { service: Service::Rekor, .. }), "{error}");

    let server = MockServer::start().await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(502)).up_to_n_times(2).mount(&server).await;
    Mock::given(method("POST")).respond_with(logging(|_| ())).mount(&server).await;
    let rekor = Rekor::new(client(), &server.uri(), RekorVersion::V1);
    rekor.record(&Signer::new().message("text", by_key)).await.unwrap();
}

#[tokio::test]
async fn a_document_that_is_too_large_is_refused_before_it_is_sent() {
    let signer = Signer::new();
    let envelope = signer.envelope(&"x".repeat(2 * 1024 * 1024));
    let (server, rekor) = log(RekorVersion::V1, logging(|_| ())).await;
    let error = rekor.record(&ProposedEntry::envelope(&envelope, by_key(&signer))).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, KeylessError::Unsupported(_)), "{text}");
    assert!(text.contains("of 2732 KiB, and the limit is 2048 KiB"), "{text}");
    assert!(text.contains("REKOR_VERSION=2, which logs only a hash"), "{text}");
    assert!(server.received_requests().await.unwrap().is_empty());
    let generous = Rekor { limit: 4 * 1024 * 1024, ..rekor };
    generous.record(&ProposedEntry::envelope(&envelope, by_key(&signer))).await.unwrap();
}

#[tokio::test]
async fn what_failed_with_a_large_document_names_its_size() {
    let signer = Signer::new();
    let (_server, rekor) = log(RekorVersion::V1, ResponseTemplate::new(502)).await;
    let fails = async |size: usize| {
        let envelope = signer.envelope(&"x".repeat(size));
        rekor.record(&ProposedEntry::envelope(&envelope, by_key(&signer))).await.unwrap_err().to_string()
    };
    let text = fails(300 * 1024).await;
    assert!(text.contains("502") && text.contains("the request had 401 KiB"), "{text}");
    assert!(!fails(1024).await.contains("KiB"));
}
