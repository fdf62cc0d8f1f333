mod services;
mod tuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use sigstore_trust_root::{SIGSTORE_PRODUCTION_SIGNING_CONFIG, SIGSTORE_PRODUCTION_TRUSTED_ROOT};

use super::*;
use crate::certificate::tests::{issue, uri};
use crate::key::PrivateKey;
use crate::keyless::tests::client;
use crate::rekor::RekorVersion;

#[test]
fn every_instance_is_embedded() {
    for (instance, source, has_config) in [
        (SigstoreInstance::PublicGood, "the embedded trusted root of Sigstore's public instance", true),
        (SigstoreInstance::Staging, "the embedded trusted root of Sigstore's staging instance", true),
        (SigstoreInstance::GitHub, "the embedded trusted root of GitHub's instance", false),
    ] {
        let trust = Trust::embedded(instance).unwrap();
        assert_eq!(trust.source().to_string(), source);
        assert_eq!(trust.signing_config().is_some(), has_config);
        assert!(!trust.root().certificate_authorities.is_empty());
    }
}

#[test]
fn documents_are_read() {
    let trust = Trust::from_json(SIGSTORE_PRODUCTION_TRUSTED_ROOT, Some(SIGSTORE_PRODUCTION_SIGNING_CONFIG)).unwrap();
    assert_eq!(trust.source(), &TrustSource::Given);
    assert!(trust.signing_config().is_some());
    assert!(Trust::from_json(SIGSTORE_PRODUCTION_TRUSTED_ROOT, None).unwrap().signing_config().is_none());
    let error = Trust::from_json("{}", None).unwrap_err().to_string();
    assert!(error.starts_with("not a valid trusted root (trusted_root.json): "), "{error}");
    let error = Trust::from_json(SIGSTORE_PRODUCTION_TRUSTED_ROOT, Some("{}")).unwrap_err().to_string();
    assert!(error.starts_with("not a valid signing config (signing_config.v0.2.json): "), "{error}");
}

#[test]
fn a_root_is_built_from_pem() {
    // Ed25519 with the seed 0x11... and its key as openssl has it.
    const ED25519: &str = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA0Eqysmc6Bo8JgdKRy2tSLxpgiuvHCKqyyUJZnpGkdK4=\n-----END PUBLIC KEY-----";
    let key = PrivateKey::generate().unwrap().public_key().clone();
    let chain = issue(&key, uri("https://x"), vec![]);
    let log = |pem: &str| LogKey { url: "https://rekor.example:3000/".to_owned(), pem: pem.to_owned() };
    let parts = PemParts {
        fulcio: Some(chain.concat()),
        ct: Some(log(&key.to_pem())),
        rekor: vec![(log(&key.to_pem()), RekorVersion::V1), (log(ED25519), RekorVersion::V2)],
        tsa: Some(chain.join("text between\n")),
    };
    let trust = Trust::from_pem(&parts).unwrap();
    let root = trust.root();
    assert_eq!(root.fulcio_certs().len(), 2);
    assert_eq!(root.tsa_authorities().len(), 1);
    assert_eq!(root.rekor_keys().unwrap().len(), 2);
    assert_eq!(root.ctfe_keys(sigstore_crypto::SigningScheme::EcdsaP256Sha256).unwrap().len(), 1);
    assert_eq!(STANDARD.encode(root.ctlogs[0].log_id.key_id.as_bytes()), key.hint());
    assert_eq!(STANDARD.encode(root.tlogs[0].log_id.key_id.as_bytes()), key.hint());
    // C2SP signed-note: SHA-256 of "rekor.example\n", 1 and the key.
    let raw = STANDARD.decode("0Eqysmc6Bo8JgdKRy2tSLxpgiuvHCKqyyUJZnpGkdK4=").unwrap();
    let note = sigstore_crypto::sha256(&[b"rekor.example\n\x01".as_slice(), &raw].concat());
    assert_eq!(root.tlogs[1].log_id.key_id.as_bytes(), note.as_bytes());
}

#[test]
fn pem_that_is_none_says_which() {
    let wrong = |parts: PemParts| Trust::from_pem(&parts).unwrap_err().to_string();
    let text = wrong(PemParts { fulcio: Some("x".to_owned()), ..PemParts::default() });
    assert!(text.starts_with("the certificates of Fulcio: "), "{text}");
    let text = wrong(PemParts { tsa: Some(String::new()), ..PemParts::default() });
    assert!(text.starts_with("the certificates of the timestamp authority: "), "{text}");
    let text = wrong(PemParts { ct: Some(LogKey::default()), ..PemParts::default() });
    assert!(text.starts_with("the key of the certificate transparency log: "), "{text}");
    let text = wrong(PemParts { rekor: vec![(LogKey::default(), RekorVersion::V1)], ..PemParts::default() });
    assert!(text.starts_with("the key of Rekor: "), "{text}");
    assert!(Trust::from_pem(&PemParts::default()).unwrap().root().tlogs.is_empty());
}
