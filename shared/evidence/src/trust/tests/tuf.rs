use serde_json::Value;
use sigstore_crypto::KeyPair;
use sigstore_tuf::canonical_json::to_canonical_bytes;
use wiremock::matchers::{any, method, path};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::*;
use crate::keyless::Service;

const LATER: &str = "2999-01-01T00:00:00Z";

/// A repository with its one key.
struct Repository {
    key: KeyPair,
    files: Vec<(String, Vec<u8>)>,
}

impl Repository {
    /// With these targets, consistent snapshots as the real ones have, and a timestamp until `expires`.
    fn new(targets: &[(&str, &str)], expires: &str) -> Repository {
        let mut repository = Repository { key: KeyPair::generate_ecdsa_p256().unwrap(), files: Vec::new() };
        let mut listed = serde_json::Map::new();
        for (name, content) in targets {
            let hash = sigstore_crypto::sha256(content.as_bytes()).to_hex();
            listed.insert((*name).to_owned(), json!({ "length": content.len(), "hashes": { "sha256": hash } }));
            repository.files.push((format!("/targets/{hash}.{name}"), content.as_bytes().to_vec()));
        }
        let targets = repository.sign(json!({ "_type": "targets", "expires": LATER, "targets": listed }), 1);
        let snapshot = json!({ "_type": "snapshot", "expires": LATER, "meta": { "targets.json": { "version": 1 } } });
        let snapshot = repository.sign(snapshot, 1);
        let timestamp =
            json!({ "_type": "timestamp", "expires": expires, "meta": { "snapshot.json": { "version": 1 } } });
        let timestamp = repository.sign(timestamp, 1);
        let root = repository.root(2);
        for (name, bytes) in
            [("2.root", root), ("timestamp", timestamp), ("1.snapshot", snapshot), ("1.targets", targets)]
        {
            repository.files.push((format!("/{name}.json"), bytes));
        }
        repository
    }

    fn root(&self, version: u64) -> Vec<u8> {
        let pem = self.key.public_key_der().unwrap().to_pem();
        let key = json!({ "keytype": "ecdsa", "scheme": "ecdsa-sha2-nistp256", "keyval": { "public": pem } });
        let role = json!({ "keyids": ["k"], "threshold": 1 });
        let roles = json!({ "root": role, "timestamp": role, "snapshot": role, "targets": role });
        let signed = json!({
            "_type": "root", "expires": LATER, "consistent_snapshot": true, "keys": { "k": key }, "roles": roles,
        });
        self.sign(signed, version)
    }

    fn sign(&self, mut signed: Value, version: u64) -> Vec<u8> {
        signed["spec_version"] = json!("1.0.31");
        signed["version"] = json!(version);
        let signature = self.key.sign(&to_canonical_bytes(&signed).unwrap()).unwrap();
        let hex: String = signature.as_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        serde_json::to_vec(&json!({ "signed": signed, "signatures": [{ "keyid": "k", "sig": hex }] })).unwrap()
    }

    async fn serve(&self) -> MockServer {
        let server = MockServer::start().await;
        for (at, bytes) in &self.files {
            let answer = ResponseTemplate::new(200).set_body_bytes(bytes.clone());
            Mock::given(method("GET")).and(path(at)).respond_with(answer).mount(&server).await;
        }
        server
    }
}

fn both() -> Repository {
    let targets = [
        ("trusted_root.json", SIGSTORE_PRODUCTION_TRUSTED_ROOT),
        ("signing_config.v0.2.json", SIGSTORE_PRODUCTION_SIGNING_CONFIG),
    ];
    Repository::new(&targets, LATER)
}

async fn fetch(repository: &Repository) -> Result<Trust, KeylessError> {
    let server = repository.serve().await;
    Trust::from_tuf(&client(), &format!("{}/", server.uri()), TufRoot::Json(&repository.root(1))).await
}

#[tokio::test]
async fn a_trusted_root_and_its_signing_config_are_fetched() {
    let trust = fetch(&both()).await.unwrap();
    assert!(trust.signing_config().is_some());
    assert!(!trust.root().tlogs.is_empty());
    assert!(trust.source().to_string().starts_with("the TUF repository at 127.0.0.1:"), "{}", trust.source());
}

#[tokio::test]
async fn a_repository_without_a_signing_config_is_enough() {
    let repository = Repository::new(&[("trusted_root.json", SIGSTORE_PRODUCTION_TRUSTED_ROOT)], LATER);
    assert!(fetch(&repository).await.unwrap().signing_config().is_none());
}

#[tokio::test]
async fn a_repository_without_a_trusted_root_is_not() {
    let error = fetch(&Repository::new(&[], LATER)).await.unwrap_err();
    assert!(matches!(error, KeylessError::Malformed { service: Service::Tuf, .. }), "{error}");
    assert!(error.to_string().contains("trusted_root.json"), "{error}");
}

#[tokio::test]
async fn what_is_not_signed_outdated_or_changed_is_not_taken() {
    let server = both().serve().await;
    let other = both().root(1);
    let error = Trust::from_tuf(&client(), &server.uri(), TufRoot::Json(&other)).await.unwrap_err();
    assert!(error.to_string().contains("threshold not met"), "{error}");

    let targets = [("trusted_root.json", SIGSTORE_PRODUCTION_TRUSTED_ROOT)];
    let error = fetch(&Repository::new(&targets, "2020-01-01T00:00:00Z")).await.unwrap_err();
    assert!(error.to_string().contains("timestamp metadata expired at 2020-01-01"), "{error}");

    let mut changed = both();
    let target = changed.files.iter_mut().find(|(name, _)| name.ends_with("trusted_root.json")).unwrap();
    let last = target.1.len() - 1;
    target.1[last] ^= 1;
    let error = fetch(&changed).await.unwrap_err();
    assert!(matches!(error, KeylessError::Malformed { service: Service::Tuf, .. }), "{error}");

    let mut garbage = both();
    for (_, bytes) in &mut garbage.files {
        *bytes = b"<html>".to_vec();
    }
    let error = fetch(&garbage).await.unwrap_err();
    assert!(matches!(error, KeylessError::Malformed { service: Service::Tuf, .. }), "{error}");
}

#[tokio::test]
async fn a_target_of_another_form_is_not_taken() {
    let error = fetch(&Repository::new(&[("trusted_root.json", "{}")], LATER)).await.unwrap_err();
    assert!(error.to_string().starts_with("not a valid trusted root"), "{error}");
}

#[tokio::test]
async fn trouble_and_sizes_are_failures_of_the_repository() {
    for (answer, what) in [
        (ResponseTemplate::new(500), "500 Internal Server Error after 3 attempts"),
        (ResponseTemplate::new(200).set_body_bytes(vec![b' '; 600_000]), "larger than 512000 bytes"),
    ] {
        let server = MockServer::start().await;
        Mock::given(any()).respond_with(answer).mount(&server).await;
        let trusted = TufRoot::Of(SigstoreInstance::PublicGood);
        let error = Trust::from_tuf(&client(), &server.uri(), trusted).await.unwrap_err();
        assert!(matches!(error, KeylessError::Unavailable { service: Service::Tuf, .. }), "{error}");
        assert!(error.to_string().contains(what), "{error}");
    }
}

#[tokio::test]
async fn the_embedded_roots_are_whole() {
    for instance in [SigstoreInstance::PublicGood, SigstoreInstance::Staging, SigstoreInstance::GitHub] {
        let server = MockServer::start().await;
        let error = Trust::from_tuf(&client(), &server.uri(), TufRoot::Of(instance)).await.unwrap_err();
        // Verified, and nothing after it found.
        let text = error.to_string();
        if !text.contains("root metadata expired") {
            assert!(matches!(error, KeylessError::Unavailable { service: Service::Tuf, .. }), "{text}");
            assert!(text.contains("timestamp.json not found"), "{text}");
        }
    }
}
