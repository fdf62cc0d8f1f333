//! A trusted root from the PEM files of a private instance.
//!
//! Sources: `TrustedRoot` in protobuf-specs' `sigstore_trustroot.proto`; how logs are named: Rekor v1 and certificate logs
//! by the SHA-256 of their key (RFC 6962 section 3.2), Rekor v2 as in C2SP's `signed-note`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipe_core::http::Url;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use sigstore_trust_root::TrustedRoot;

use crate::certificate::pem_chain;
use crate::key::{Algorithm, PublicKey};
use crate::keyless::KeylessError;
use crate::rekor::RekorVersion;

/// The start of the validity of all parts, since PEM files do not contain one.
const START: &str = "1970-01-01T00:00:00Z";

/// The parts of a private instance. Signatures that need a missing part do not verify.
#[derive(Debug, Clone, Default)]
pub struct PemParts {
    /// the certificates of Fulcio, its own first and the root last.
    pub fulcio: Option<String>,
    /// The key of the certificate transparency log.
    pub ct: Option<LogKey>,
    /// The keys of the transparency logs, with the version of their API.
    pub rekor: Vec<(LogKey, RekorVersion)>,
    /// The timestamp authority's certificates, the one that signs first and the root last.
    pub tsa: Option<String>,
}

/// The key of a log.
#[derive(Debug, Clone, Default)]
pub struct LogKey {
    /// The URL. Its host is the name of a version 2 log in its checkpoints.
    pub url: String,
    /// The key in PEM (`-----BEGIN PUBLIC KEY-----`).
    pub pem: String,
}

pub(super) fn root(parts: &PemParts) -> Result<TrustedRoot, KeylessError> {
    let chain = |pem: &str, what: &str| -> Result<Value, KeylessError> {
        let chain = pem_chain(pem).map_err(|error| wrong(what, &error.to_string()))?;
        let chain: Vec<Value> = chain.iter().map(|der| json!({ "rawBytes": STANDARD.encode(der) })).collect();
        Ok(json!([{ "uri": "", "certChain": { "certificates": chain }, "validFor": { "start": START } }]))
    };
    let mut root = json!({ "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1" });
    if let Some(pem) = &parts.fulcio {
        root["certificateAuthorities"] = chain(pem, "the certificates of Fulcio")?;
    }
    if let Some(pem) = &parts.tsa {
        root["timestampAuthorities"] = chain(pem, "the certificates of the timestamp authority")?;
    }
    if let Some(ct) = &parts.ct {
        root["ctlogs"] = json!([log(ct, RekorVersion::V1, "the key of the certificate transparency log")?]);
    }
    let logs: Result<Vec<Value>, KeylessError> =
        parts.rekor.iter().map(|(key, version)| log(key, *version, "the key of Rekor")).collect();
    root["tlogs"] = Value::Array(logs?);
    TrustedRoot::from_json(&root.to_string()).map_err(|error| KeylessError::Unsupported(error.to_string()))
}

fn log(log: &LogKey, version: RekorVersion, what: &str) -> Result<Value, KeylessError> {
    let key = PublicKey::from_pem(&log.pem).map_err(|error| wrong(what, &error.to_string()))?;
    let details = match key.algorithm() {
        Algorithm::EcdsaP256 => "PKIX_ECDSA_P256_SHA_256",
        Algorithm::EcdsaP384 => "PKIX_ECDSA_P384_SHA_384",
        Algorithm::Ed25519 => "PKIX_ED25519",
        Algorithm::Rsa => "PKIX_RSA_PKCS1V15_2048_SHA256",
    };
    let id = match (version, key.algorithm()) {
        (RekorVersion::V2, Algorithm::Ed25519) => note_id(&host_name(&log.url), key.der()),
        _ => Sha256::digest(key.der()).to_vec(),
    };
    Ok(json!({
        "baseUrl": log.url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": STANDARD.encode(key.der()), "keyDetails": details, "validFor": { "start": START }
        },
        "logId": { "keyId": STANDARD.encode(id) },
    }))
}

/// The name of an Ed25519 key in signed notes. Its 32 bytes are the last of its DER (RFC 8410).
fn note_id(origin: &str, der: &[u8]) -> Vec<u8> {
    let key = der.get(der.len().saturating_sub(32)..).unwrap_or_default();
    let mut hash = Sha256::new();
    for part in [origin.as_bytes(), b"\n\x01", key] {
        hash.update(part);
    }
    hash.finalize().to_vec()
}

/// The host without the port, which is the name of a log in its checkpoints.
fn host_name(url: &str) -> String {
    let url = Url::parse(url).ok();
    url.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned()
}

fn wrong(what: &str, why: &str) -> KeylessError {
    KeylessError::Unsupported(format!("{what}: {why}"))
}
