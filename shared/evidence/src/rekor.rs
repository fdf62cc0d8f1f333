//! Rekor, the transparency log: version 1 (a REST API) and version 2 (tiles).
//!
//! Sources: Rekor's `openapi.yaml` and its types `hashedrekord` 0.0.1 and `dsse` 0.0.1; rekor-tiles 2.3 with
//! `hashedrekord` 0.0.2, which logs an attestation as the hash of its pre-authentication encoding.

mod check;
mod entry;
mod v1;

use pipe_core::http::{Client, Request};
use sigstore_rekor::{HashedRekordV2, RekorV2KeyDetails};
use sigstore_types::TransparencyLogEntry;

use crate::key::Algorithm;
use crate::keyless::{Endpoint, KeylessError, Service};

pub use entry::{EntryVerifier, ProposedEntry};

/// Bytes of an answer that are read.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;

/// Bytes of a request that version 1 is sent. The public server's limit is nowhere written: requests of 3.5 MB and of "a
/// couple MiB" have been cut off there since 2026 (sigstore/rekor#2808), after which a client knows no reason. Its 100
/// KB are of what it keeps, which for `dsse` is nothing.
const MAX_V1_REQUEST: usize = 2 * 1024 * 1024;

/// The API that a log speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RekorVersion {
    V1,
    /// Its entries carry no time: a timestamp authority has to give it.
    V2,
}

impl RekorVersion {
    pub fn from_major(major: u32) -> Option<RekorVersion> {
        match major {
            1 => Some(RekorVersion::V1),
            2 => Some(RekorVersion::V2),
            _ => None,
        }
    }
}

/// A log at its URL.
#[derive(Debug, Clone)]
pub struct Rekor {
    endpoint: Endpoint,
    version: RekorVersion,
    limit: usize,
}

impl Rekor {
    pub fn new(http: Client, url: &str, version: RekorVersion) -> Rekor {
        Rekor { endpoint: Endpoint::new(Service::Rekor, http, url), version, limit: MAX_V1_REQUEST }
    }

    /// Bytes of a request that version 1 is sent, for a log whose limit is known. 2 MiB unless set.
    pub fn with_limit(self, bytes: usize) -> Rekor {
        Rekor { limit: bytes, ..self }
    }

    /// Logs a signature and waits until the log holds it, which in version 2 takes until its next checkpoint: several
    /// entries are best recorded at the same time. What comes back is of this signature and has its proof of inclusion;
    /// the proof is verified with the trusted root, elsewhere.
    ///
    /// # Errors
    /// The log refuses the entry, can't be asked, or answers with another entry; or no log of this version takes such
    /// an entry.
    pub async fn record(&self, entry: &ProposedEntry<'_>) -> Result<TransparencyLogEntry, KeylessError> {
        match self.version {
            RekorVersion::V1 => self.record_v1(entry).await,
            RekorVersion::V2 => self.record_v2(entry).await,
        }
    }

    async fn record_v2(&self, entry: &ProposedEntry<'_>) -> Result<TransparencyLogEntry, KeylessError> {
        let algorithm = entry.verifier.algorithm();
        // Version 2 takes more, but neither can this entry's readers read those nor does it take plain Ed25519.
        if algorithm != Algorithm::EcdsaP256 {
            return Err(KeylessError::Unsupported(format!(
                "Rekor v2 is asked to log signatures of ECDSA P-256 keys only, and this is a key of {algorithm}: use \
                 Rekor v1 or no log"
            )));
        }
        let (sha256, details) = (entry.sha256(), RekorV2KeyDetails::PkixEcdsaP256Sha256);
        let body = match entry.verifier {
            EntryVerifier::Certificate(certificate) => {
                HashedRekordV2::new_with_certificate(&sha256, entry.signature(), certificate.der_certificate(), details)
            }
            EntryVerifier::Key(key) => {
                HashedRekordV2::new_with_public_key(&sha256, entry.signature(), key.spki(), details)
            }
        };
        let request = self.post("/api/v2/log/entries").json(&body).accept(409);
        let response = self.endpoint.send(request, None).await?;
        if response.status == 409 {
            // It answers with an index and no proof. Only an answer that was lost on its way leads here.
            return Err(self.endpoint.logged());
        }
        let answer: serde_json::Result<TransparencyLogEntry> = response.json();
        let logged = answer.map_err(|error| self.endpoint.malformed(format!("not an entry: {error}")))?;
        check::v2(entry, &logged).map_err(|what| self.endpoint.malformed(what))?;
        Ok(logged)
    }

    /// Logging twice what is the same changes nothing.
    fn post(&self, path: &str) -> Request {
        Request::post(&self.endpoint.url(path)).header("Accept", "application/json").idempotent().max_body(MAX_ANSWER)
    }
}

#[cfg(test)]
mod tests;
