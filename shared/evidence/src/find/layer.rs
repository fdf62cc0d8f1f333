//! Layers in the form of cosign 2, read as bundles.

use pipe_oci::Descriptor;
use serde::Deserialize;
use sigstore_types::bundle::{
    InclusionPromise, LogId, MessageSignature, PublicKeyIdentifier, Rfc3161Timestamp, TimestampVerificationData,
    VerificationMaterial, VerificationMaterialContent, X509Certificate,
};
use sigstore_types::{
    Bundle, CanonicalizedBody, DerCertificate, DsseEnvelope, KindVersion, LogIndex, LogKeyId, MediaType,
    SignatureBytes, SignatureContent, SignedTimestamp, TimestampToken, TransparencyLogEntry,
};

use super::evidence::SignedData;
use crate::legacy::{self, TagKind};

/// A layer in the form of cosign 2 as a bundle. The proofs are in its annotations.
pub(super) fn read(kind: TagKind, layer: &Descriptor, blob: Vec<u8>) -> Result<(Bundle, SignedData), String> {
    let note = |name: &str| layer.annotations.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let (content, over) = match kind {
        TagKind::Signatures => {
            let signature = note(legacy::SIGNATURE).ok_or("the layer has no signature annotation")?;
            let signature = SignatureBytes::from_base64(signature).map_err(|_| "the signature is not valid base64")?;
            (SignatureContent::MessageSignature(MessageSignature::new(signature)), SignedData::Payload(blob))
        }
        TagKind::Attestations => {
            let envelope: DsseEnvelope = serde_json::from_slice(&blob)
                .map_err(|error| format!("not a DSSE envelope with one signature: {error}"))?;
            (SignatureContent::DsseEnvelope(envelope), SignedData::Subject)
        }
    };
    let material = match note(legacy::CERTIFICATE) {
        Some(leaf) => {
            let chain = note(legacy::CHAIN).unwrap_or_default();
            let certificates = certificates(leaf).into_iter().chain(certificates(chain)).collect::<Option<Vec<_>>>();
            let certificates = certificates.ok_or("invalid certificate")?;
            VerificationMaterialContent::X509CertificateChain { certificates }
        }
        None => VerificationMaterialContent::PublicKey(PublicKeyIdentifier::new("")),
    };
    let mut material = VerificationMaterial::new(material);
    if let Some(entry) = note(legacy::REKOR_BUNDLE) {
        material = material.with_tlog_entries(vec![log_entry(entry).ok_or("invalid log entry")?]);
    }
    if let Some(timestamp) = note(legacy::TIMESTAMP) {
        let timestamps = vec![timestamp_token(timestamp).ok_or("invalid timestamp")?];
        material = material.with_timestamp_verification_data(TimestampVerificationData::new(timestamps));
    }
    Ok((Bundle::new(MediaType::Bundle0_1, material, content), over))
}

/// All certificates in a PEM text. `None` stands for a damaged one.
fn certificates(pem: &str) -> Vec<Option<X509Certificate>> {
    const END: &str = "-----END CERTIFICATE-----";
    let blocks = pem.split_inclusive(END).filter(|block| block.contains("-----BEGIN"));
    blocks.map(|block| DerCertificate::from_pem(block).ok().map(X509Certificate::new)).collect()
}

/// The log entry with its promise of inclusion, as cosign 2 stores it.
fn log_entry(json: &str) -> Option<TransparencyLogEntry> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Wire {
        signed_entry_timestamp: SignedTimestamp,
        payload: Payload,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Payload {
        body: CanonicalizedBody,
        integrated_time: i64,
        log_index: u64,
        #[serde(rename = "logID")]
        log_id: String,
    }
    #[derive(Deserialize)]
    struct Body {
        kind: String,
        #[serde(rename = "apiVersion")]
        version: String,
    }
    let wire: Wire = serde_json::from_str(json).ok()?;
    let body: Body = serde_json::from_slice(wire.payload.body.as_bytes()).ok()?;
    let kind = serde_json::json!({ "kind": body.kind, "version": body.version });
    let kind: KindVersion = serde_json::from_value(kind).ok()?;
    let id = sigstore_types::Sha256Hash::from_hex(&wire.payload.log_id).ok()?;
    let index = LogIndex::new(wire.payload.log_index).ok()?;
    let log = LogId::new(LogKeyId::new(id.as_bytes().to_vec()));
    let time = jiff::Timestamp::from_second(wire.payload.integrated_time).ok()?;
    let entry = TransparencyLogEntry::new(index, log, kind, wire.payload.body);
    Some(entry.with_integrated_time(time).with_inclusion_promise(InclusionPromise::new(wire.signed_entry_timestamp)))
}

fn timestamp_token(json: &str) -> Option<Rfc3161Timestamp> {
    #[derive(Deserialize)]
    struct Wire {
        #[serde(rename = "SignedRFC3161Timestamp")]
        token: TimestampToken,
    }
    Some(Rfc3161Timestamp::new(serde_json::from_str::<Wire>(json).ok()?.token))
}
