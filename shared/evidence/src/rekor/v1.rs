//! Version 1: requests, and entries that already exist.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipe_core::http::{Request, Response};
use serde_json::{Value, json};
use sigstore_rekor::LogEntry;
use sigstore_types::{KindVersion, TransparencyLogEntry};

use super::entry::{ProposedEntry, SignedContent};
use super::{MAX_ANSWER, Rekor, RekorVersion, check};
use crate::key::Algorithm;
use crate::keyless::KeylessError;

/// An interrupted request above this size is taken for too large.
const LARGE_REQUEST: usize = 100 * 1024;

impl Rekor {
    pub(super) async fn record_v1(&self, entry: &ProposedEntry<'_>) -> Result<TransparencyLogEntry, KeylessError> {
        let (kind, body) = proposed(entry)?;
        let size = body.len();
        if size > self.limit {
            return Err(KeylessError::Unsupported(format!(
                "Rekor v1 stores the whole attestation. This one needs a request of {}, and the limit is {}. Set \
                 REKOR_VERSION=2, which logs only a hash, or attest a smaller document.",
                kibibytes(size),
                kibibytes(self.limit)
            )));
        }
        let request = self.post(RekorVersion::V1.entries_path()).body("application/json", body).accept(409);
        let response = match self.endpoint.send(request, None).await {
            Ok(response) => response,
            Err(KeylessError::Unavailable { service, host, why }) if size > LARGE_REQUEST => {
                let size = kibibytes(size);
                let why =
                    format!("{why} (the request had {size}, and Rekor v1 closes the connection on large requests)");
                return Err(KeylessError::Unavailable { service, host, why });
            }
            Err(error) => return Err(error),
        };
        let response = if response.status == 409 { self.existing(&response).await? } else { response };
        self.read(entry, kind, &response)
    }

    /// Fetches the entry that the log already holds. Only the id of the URL in the response is used, so that a response
    /// cannot redirect to another host.
    async fn existing(&self, conflict: &Response) -> Result<Response, KeylessError> {
        let location = conflict.header("location").unwrap_or_default();
        let id = location.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
        // 32 bytes, or 40 with the id of the tree.
        if !matches!(id.len(), 64 | 80) || !id.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(self.endpoint.malformed("it does not name the existing entry"));
        }
        let url = self.endpoint.url(&format!("/api/v1/log/entries/{id}"));
        self.endpoint.send(Request::get(&url).header("Accept", "application/json").max_body(MAX_ANSWER), None).await
    }

    fn read(
        &self,
        entry: &ProposedEntry<'_>,
        kind: KindVersion,
        response: &Response,
    ) -> Result<TransparencyLogEntry, KeylessError> {
        let malformed = |what: String| self.endpoint.malformed(what);
        let entries: HashMap<String, LogEntry> =
            response.json().map_err(|error| malformed(format!("not an entry: {error}")))?;
        let mut entries = entries.into_values();
        let (Some(logged), None) = (entries.next(), entries.next()) else {
            return Err(malformed("it does not hold exactly one entry".to_owned()));
        };
        let logged = logged.to_bundle_entry(kind).map_err(|error| malformed(format!("not an entry: {error}")))?;
        check::v1(entry, &logged).map_err(malformed)?;
        Ok(logged)
    }
}

/// The kind of entry and the request for it. The types of sigstore-rekor are for certificates only.
fn proposed(entry: &ProposedEntry<'_>) -> Result<(KindVersion, Vec<u8>), KeylessError> {
    loggable(entry)?;
    let verifier = STANDARD.encode(entry.verifier.to_pem());
    let failed = |error: serde_json::Error| KeylessError::Unsupported(error.to_string());
    let (kind, spec) = match &entry.signed {
        SignedContent::Envelope(envelope) => {
            let envelope = serde_json::to_string(envelope).map_err(failed)?;
            let spec = json!({ "proposedContent": { "envelope": envelope, "verifiers": [verifier] } });
            (KindVersion::DsseV001, spec)
        }
        SignedContent::Message { sha256, signature } => {
            let spec = json!({
                "data": { "hash": { "algorithm": "sha256", "value": sha256.to_hex() } },
                "signature": { "content": signature.to_base64(), "publicKey": { "content": verifier } },
            });
            (KindVersion::HashedRekordV001, spec)
        }
    };
    let body: Value = json!({ "apiVersion": kind.version(), "kind": kind.kind(), "spec": spec });
    Ok((kind, serde_json::to_vec(&body).map_err(failed)?))
}

/// Whether the log can verify the signature. It uses SHA-256 for every curve, and only has the SHA-256 of a message
/// (according to the code of its server 1.5).
fn loggable(entry: &ProposedEntry<'_>) -> Result<(), KeylessError> {
    let unsupported = |algorithm: Algorithm, instead: &str| {
        Err(KeylessError::Unsupported(format!(
            "Rekor v1 cannot verify this signature of an {algorithm} key, because it uses SHA-256 only. {instead}"
        )))
    };
    match (entry.verifier.algorithm(), &entry.signed) {
        (Algorithm::EcdsaP256 | Algorithm::Rsa, _) | (Algorithm::Ed25519, SignedContent::Envelope(_)) => Ok(()),
        (algorithm @ Algorithm::EcdsaP384, _) => unsupported(algorithm, "Use a P-256 key, or set TLOG_UPLOAD=false."),
        (algorithm @ Algorithm::Ed25519, SignedContent::Message { .. }) => {
            unsupported(algorithm, "Use a P-256 key, or set TLOG_UPLOAD=false.")
        }
    }
}

/// `3418 KiB`
fn kibibytes(bytes: usize) -> String {
    format!("{} KiB", bytes.div_ceil(1024))
}
