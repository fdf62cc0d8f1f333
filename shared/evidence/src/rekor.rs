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

pub(crate) use entry::{EntryVerifier, ProposedEntry};

/// The most bytes of a response that are read.
const MAX_ANSWER: u64 = 4 * 1024 * 1024;

/// The most bytes of a request to version 1. The limit of the public server is not documented. Since 2026 it closes the
/// connection on requests of 3.5 MB and of "a couple MiB" without a reason (sigstore/rekor#2808). Its documented limit of
/// 100 KB is for stored data, and it stores nothing of `dsse` entries.
const MAX_V1_REQUEST: usize = 2 * 1024 * 1024;

/// The API that a log speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RekorVersion {
    /// The REST API. Its entries have a time that the log signs.
    V1,
    /// The tile-based log. Its entries have no time, so a timestamp authority has to prove it.
    V2,
}

impl RekorVersion {
    /// The version of a `majorApiVersion` in a signing config. `None` for unknown ones.
    pub fn from_major(major: u32) -> Option<RekorVersion> {
        match major {
            1 => Some(RekorVersion::V1),
            2 => Some(RekorVersion::V2),
            _ => None,
        }
    }

    /// The path at which entries are made.
    pub fn entries_path(self) -> &'static str {
        match self {
            RekorVersion::V1 => "/api/v1/log/entries",
            RekorVersion::V2 => "/api/v2/log/entries",
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
    /// Rekor at `url`, with the API of `version`. Nothing is requested yet.
    pub fn new(http: Client, url: &str, version: RekorVersion) -> Rekor {
        Rekor { endpoint: Endpoint::new(Service::Rekor, http, url), version, limit: MAX_V1_REQUEST }
    }

    /// Logs a signature and waits until the log includes it. Version 2 does so at its next checkpoint, so it is faster to
    /// record several entries at the same time. The result is an entry for this signature with an inclusion proof. The
    /// proof itself is verified by [`crate::verify`] with the trusted root.
    ///
    /// # Errors
    /// [`KeylessError::Refused`], [`KeylessError::Unavailable`], [`KeylessError::Malformed`] for another entry,
    /// [`KeylessError::Unsupported`] if this version does not accept such entries, or [`KeylessError::Logged`].
    pub(crate) async fn record(&self, entry: &ProposedEntry<'_>) -> Result<TransparencyLogEntry, KeylessError> {
        match self.version {
            RekorVersion::V1 => self.record_v1(entry).await,
            RekorVersion::V2 => self.record_v2(entry).await,
        }
    }

    async fn record_v2(&self, entry: &ProposedEntry<'_>) -> Result<TransparencyLogEntry, KeylessError> {
        let algorithm = entry.verifier.algorithm();
        // Version 2 accepts more types of keys, but clients do not read those entries, and plain Ed25519 is not accepted.
        if algorithm != Algorithm::EcdsaP256 {
            return Err(KeylessError::Unsupported(format!(
                "Rekor v2 only accepts signatures of ECDSA P-256 keys, and this is an {algorithm} key. Set \
                 REKOR_VERSION=1 or TLOG_UPLOAD=false."
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
        let request = self.post(RekorVersion::V2.entries_path()).json(&body).accept(409);
        let response = self.endpoint.send(request, None).await?;
        if response.status == 409 {
            // The response has an index and no proof. This only happens if the first response was lost.
            return Err(self.endpoint.logged());
        }
        let answer: serde_json::Result<TransparencyLogEntry> = response.json();
        let logged = answer.map_err(|error| self.endpoint.malformed(format!("not an entry: {error}")))?;
        check::v2(entry, &logged).map_err(|what| self.endpoint.malformed(what))?;
        Ok(logged)
    }

    /// The same entry can be logged twice without effect.
    fn post(&self, path: &str) -> Request {
        Request::post(&self.endpoint.url(path)).header("Accept", "application/json").idempotent().max_body(MAX_ANSWER)
    }
}

#[cfg(test)]
mod tests;
