use futures_util::future::join_all;
use sigstore_types::KindVersion;

use super::*;

/// What a log makes of a request (rekor-tiles' `hashedrekord` 0.0.2).
fn entry(asked: &Value) -> Value {
    let asked = &asked["hashedRekordRequestV002"];
    let body = json!({
        "apiVersion": "0.0.2",
        "kind": "hashedrekord",
        "spec": { "hashedRekordV002": {
            "data": { "algorithm": "SHA2_256", "digest": asked["digest"] },
            "signature": asked["signature"],
        } },
    });
    json!({
        "logIndex": "7",
        "logId": { "keyId": STANDARD.encode([3; 32]) },
        "kindVersion": { "kind": "hashedrekord", "version": "0.0.2" },
        "integratedTime": "0",
        "inclusionPromise": null,
        "inclusionProof": {
            "logIndex": "7", "rootHash": STANDARD.encode([0; 32]), "treeSize": "8", "hashes": [],
            "checkpoint": { "envelope": checkpoint() },
        },
        "canonicalizedBody": STANDARD.encode(body.to_string()),
    })
}

fn logging(change: impl Fn(&mut Value) + Send + Sync + 'static) -> impl Respond {
    move |request: &wiremock::Request| {
        let mut entry = entry(&request.body_json().unwrap());
        change(&mut entry);
        ResponseTemplate::new(201).set_body_json(entry)
    }
}

/// With another body.
fn with_body(change: impl Fn(&mut Value) + Send + Sync + 'static) -> impl Respond {
    logging(move |entry| {
        let body = STANDARD.decode(entry["canonicalizedBody"].as_str().unwrap()).unwrap();
        let mut body: Value = serde_json::from_slice(&body).unwrap();
        change(&mut body["spec"]["hashedRekordV002"]);
        entry["canonicalizedBody"] = json!(STANDARD.encode(body.to_string()));
    })
}

async fn fails(answer: impl Respond + 'static) -> KeylessError {
    let (_server, rekor) = log(RekorVersion::V2, answer).await;
    rekor.record(&Signer::new().message("text", by_certificate)).await.unwrap_err()
}

#[tokio::test]
async fn messages_and_attestations_are_logged_as_hashes() {
    let signer = Signer::new();
    let envelope = signer.envelope(r#"{"a":1}"#);
    for verifier in [by_certificate, by_key] {
        let (server, rekor) = log(RekorVersion::V2, logging(|_| ())).await;
        let logged = rekor.record(&signer.message("text", verifier)).await.unwrap();
        assert_eq!(logged.kind_version, KindVersion::HashedRekordV002);
        assert_eq!(logged.log_index.get(), 7);
        rekor.record(&ProposedEntry::envelope(&envelope, verifier(&signer))).await.unwrap();
        let asked: Value = server.received_requests().await.unwrap()[1].body_json().unwrap();
        let pae = sigstore_types::pae("application/vnd.in-toto+json", br#"{"a":1}"#);
        assert_eq!(asked["hashedRekordRequestV002"]["digest"], sigstore_crypto::sha256(&pae).to_base64());
    }
}

#[tokio::test]
async fn many_are_logged_at_once() {
    let signer = Signer::new();
    let (server, rekor) = log(RekorVersion::V2, logging(|_| ())).await;
    let texts: Vec<String> = (0..16).map(|number| number.to_string()).collect();
    let entries: Vec<ProposedEntry<'_>> = texts.iter().map(|text| signer.message(text, by_certificate)).collect();
    let logged = join_all(entries.iter().map(|entry| rekor.record(entry))).await;
    assert!(logged.iter().all(Result::is_ok));
    assert_eq!(server.received_requests().await.unwrap().len(), 16);
}

#[tokio::test]
async fn an_entry_of_something_else_is_not_taken() {
    let changes: [fn(&mut Value); 6] = [
        |body| body["data"]["digest"] = json!(STANDARD.encode([0; 32])),
        |body| body["data"]["algorithm"] = json!("SHA2_512"),
        |body| body["signature"]["content"] = json!(STANDARD.encode("other")),
        |body| {
            let other = Signer::new();
            body["signature"]["verifier"]["x509Certificate"]["rawBytes"] =
                json!(STANDARD.encode(other.certificate.der()));
        },
        |body| {
            let other = Signer::new();
            body["signature"]["verifier"]["publicKey"] =
                json!({ "rawBytes": STANDARD.encode(other.key.public_key().der()) });
        },
        |body| body["signature"]["verifier"]["x509Certificate"] = Value::Null,
    ];
    for change in changes {
        malformed(&fails(with_body(change)).await, "the entry is for another signature");
    }
}

#[tokio::test]
async fn an_entry_of_another_form_is_not_taken() {
    malformed(&fails(logging(|entry| entry["inclusionProof"] = Value::Null)).await, "the entry has no inclusion proof");
    malformed(&fails(logging(|entry| entry["integratedTime"] = json!("1700000000"))).await, "has a time");
    let promise = json!({ "signedEntryTimestamp": "AAAA" });
    malformed(&fails(logging(move |entry| entry["inclusionPromise"] = promise.clone())).await, "has a time");
    malformed(
        &fails(logging(|entry| entry["kindVersion"] = json!({ "kind": "dsse", "version": "0.0.1" }))).await,
        "the kind dsse",
    );
    malformed(&fails(logging(|entry| entry["canonicalizedBody"] = json!("e30="))).await, "not an entry");
    malformed(&fails(ResponseTemplate::new(201).set_body_string("{}")).await, "not an entry");
    malformed(&fails(ResponseTemplate::new(201).set_body_string("<html>")).await, "not an entry");
}

#[tokio::test]
async fn a_signature_that_was_logged_before_has_to_be_made_again() {
    let no = json!({ "code": 6, "message": "the entry is a duplicate" });
    let answer = ResponseTemplate::new(409).insert_header("x-log-index", "7").set_body_json(no);
    let error = fails(answer).await;
    assert!(matches!(error, KeylessError::Logged { .. }), "{error}");
}

#[tokio::test]
async fn refusals_have_reasons_and_trouble_is_tried_again() {
    let no = json!({ "code": 3, "message": "invalid hashedrekord request" });
    let error = fails(ResponseTemplate::new(400).set_body_json(no)).await;
    assert!(error.to_string().contains("refused the request: invalid hashedrekord request (status 400). "), "{error}");
    let error = fails(ResponseTemplate::new(504)).await;
    assert!(
        matches!(error, KeylessError::Unavailable { .. }) && error.to_string().contains("after 3 attempts"),
        "{error}"
    );
}

#[tokio::test]
async fn other_keys_are_refused_before_anything_is_sent() {
    const RSA: &str = include_str!("rsa.pub.pem");
    let key = PublicKey::from_pem(RSA).unwrap();
    let (server, rekor) = log(RekorVersion::V2, logging(|_| ())).await;
    let error = rekor.record(&ProposedEntry::message([0; 32], b"x", EntryVerifier::Key(&key))).await.unwrap_err();
    assert!(matches!(error, KeylessError::Unsupported(_)) && error.to_string().contains("an RSA key"), "{error}");
    assert!(server.received_requests().await.unwrap().is_empty());
}
