//! A signature with its proofs, as a bundle or in the form of cosign 2.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipe_core::text::hex;
use serde_json::json;
use sigstore_types::{Bundle, SignatureContent};

use crate::legacy;

/// A signature with its proofs.
pub struct SignedBundle {
    pub(super) bundle: Bundle,
    pub(super) signature: Vec<u8>,
    /// The certificate and those above it, in PEM.
    pub(super) chain: Option<(String, String)>,
}

impl SignedBundle {
    /// The bundle's JSON, of version 0.3.
    ///
    /// # Errors
    /// Serialization failed.
    pub fn to_json(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(&self.bundle)
    }

    /// The index of the entry in the log, if there is one.
    pub fn log_index(&self) -> Option<u64> {
        self.bundle.verification_material.tlog_entries.first().map(|entry| entry.log_index.get())
    }

    /// The JSON of the envelope alone. `None` for signatures over bytes.
    ///
    /// # Errors
    /// Serialization failed.
    pub fn envelope_json(&self) -> Option<serde_json::Result<Vec<u8>>> {
        match &self.bundle.content {
            SignatureContent::DsseEnvelope(envelope) => Some(serde_json::to_vec(envelope)),
            _ => None,
        }
    }

    /// The signature and its proofs as annotations in the form of cosign 2.
    pub fn annotations(&self) -> BTreeMap<String, String> {
        let mut notes = BTreeMap::from([(legacy::SIGNATURE.to_owned(), STANDARD.encode(&self.signature))]);
        if let Some((leaf, chain)) = &self.chain {
            notes.insert(legacy::CERTIFICATE.to_owned(), leaf.clone());
            notes.insert(legacy::CHAIN.to_owned(), chain.clone());
        }
        let material = &self.bundle.verification_material;
        // cosign 2 has no annotation for the proofs of Rekor 2.
        if let Some(entry) = material.tlog_entries.first()
            && let Some(promise) = &entry.inclusion_promise
        {
            let id = hex(entry.log_id.key_id.as_bytes());
            let promised = json!({
                "SignedEntryTimestamp": promise.signed_entry_timestamp.to_base64(),
                "Payload": {
                    "body": entry.canonicalized_body.to_base64(),
                    "integratedTime": entry.integrated_time.map_or(0, jiff::Timestamp::as_second),
                    "logIndex": entry.log_index.get(),
                    "logID": id,
                },
            });
            notes.insert(legacy::REKOR_BUNDLE.to_owned(), promised.to_string());
        }
        if let Some(timestamp) = material.timestamp_verification_data.rfc3161_timestamps.first() {
            let token = json!({ "SignedRFC3161Timestamp": timestamp.signed_timestamp.to_base64() });
            notes.insert(legacy::TIMESTAMP.to_owned(), token.to_string());
        }
        notes
    }
}
