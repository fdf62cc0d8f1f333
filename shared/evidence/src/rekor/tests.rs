mod v1;
mod v2;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sigstore_types::{DsseEnvelope, DsseSignature, KeyId, PayloadBytes, SignatureBytes};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Respond, ResponseTemplate};

use super::*;
use crate::certificate::Certificate;
use crate::certificate::tests::{issue, uri};
use crate::key::{PrivateKey, PublicKey};
use crate::keyless::tests::client;

/// A signer with a certificate.
struct Signer {
    key: PrivateKey,
    certificate: Certificate,
}

impl Signer {
    fn new() -> Signer {
        let key = PrivateKey::generate().unwrap();
        let chain = issue(key.public_key(), uri("https://example.com/job"), vec![]);
        let certificate = Certificate::from_pem(&chain.concat()).unwrap();
        Signer { key, certificate }
    }

    fn envelope(&self, payload: &str) -> DsseEnvelope {
        let signature =
            self.key.sign(&sigstore_types::pae("application/vnd.in-toto+json", payload.as_bytes())).unwrap();
        let signature = DsseSignature::new(SignatureBytes::new(signature), KeyId::default());
        DsseEnvelope::new("application/vnd.in-toto+json", PayloadBytes::from_bytes(payload.as_bytes()), signature)
    }

    /// A signed message, by the key alone or by its certificate.
    fn message(&self, text: &str, verifier: fn(&Signer) -> EntryVerifier<'_>) -> ProposedEntry<'_> {
        let sha256 = *sigstore_crypto::sha256(text.as_bytes()).as_bytes();
        ProposedEntry::message(sha256, &self.key.sign(text.as_bytes()).unwrap(), verifier(self))
    }
}

fn by_certificate(signer: &Signer) -> EntryVerifier<'_> {
    EntryVerifier::Certificate(&signer.certificate)
}

fn by_key(signer: &Signer) -> EntryVerifier<'_> {
    EntryVerifier::Key(signer.key.public_key())
}

async fn log(version: RekorVersion, answer: impl Respond + 'static) -> (MockServer, Rekor) {
    let server = MockServer::start().await;
    let at = match version {
        RekorVersion::V1 => "/api/v1/log/entries",
        RekorVersion::V2 => "/api/v2/log/entries",
    };
    Mock::given(method("POST")).and(path(at)).respond_with(answer).mount(&server).await;
    let rekor = Rekor::new(client(), &format!("{}/", server.uri()), version);
    (server, rekor)
}

/// A checkpoint that parses.
fn checkpoint() -> String {
    let (root, signature) = (STANDARD.encode([0; 32]), STANDARD.encode([1; 68]));
    format!("log.example\n1\n{root}\n\n\u{2014} log.example {signature}\n")
}

fn malformed(error: &KeylessError, what: &str) {
    assert!(matches!(error, KeylessError::Malformed { service: Service::Rekor, .. }), "{error}");
    assert!(error.to_string().contains(what), "{error} lacks {what}");
}
