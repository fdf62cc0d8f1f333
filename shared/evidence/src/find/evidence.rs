//! A signature or attestation as it was found, not verified.

use std::fmt;

use pipe_oci::Digest;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use sigstore_types::bundle::{MessageSignature, VerificationMaterial};
use sigstore_types::{Bundle, DsseEnvelope, MediaType, SignatureContent};

/// Where a piece of evidence was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// The digest of a manifest that refers to the image.
    Referrer(Digest),
    /// A layer of the manifest at a tag in the form of cosign 2.
    Tag {
        /// `sha256-<hex>.sig` or `.att`.
        tag: String,
        /// The digest of the layer. `None` if the tag could not be read.
        layer: Option<Digest>,
    },
    /// The path of a file.
    File(String),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Referrer(digest) => write!(f, "{digest}"),
            Location::Tag { tag, layer: Some(layer) } => write!(f, "{tag} ({layer})"),
            Location::Tag { tag, layer: None } => f.write_str(tag),
            Location::File(path) => f.write_str(path),
        }
    }
}

/// One signature or attestation. It is not verified.
#[derive(Debug, Clone)]
pub struct Evidence {
    /// Where it was found.
    pub location: Location,
    bundle: Bundle,
    over: SignedData,
}

/// What a signature that is not in an envelope signs.
#[derive(Debug, Clone)]
pub(crate) enum SignedData {
    /// The content that has the digest of the subject.
    Subject,
    /// A payload in the form of cosign 2.
    Payload(Vec<u8>),
    /// The content of a file.
    File(Vec<u8>),
}

impl Evidence {
    /// Reads a Sigstore bundle: JSON of version 0.1 to 0.3 (protobuf-specs' `sigstore_bundle.proto`).
    ///
    /// # Errors
    /// The reason why it is not valid, as a fragment.
    pub fn from_bundle(location: Location, json: &[u8]) -> Result<Evidence, String> {
        let bundle = read(json).map_err(|why| format!("not a valid Sigstore bundle: {why}"))?;
        Ok(Evidence { location, bundle, over: SignedData::Subject })
    }

    /// The same with the content of the file that it signs. Ed25519 keys need it, since they do not sign digests.
    #[must_use]
    pub fn of_file(self, content: Vec<u8>) -> Evidence {
        Evidence { over: SignedData::File(content), ..self }
    }

    pub(super) fn new(location: Location, bundle: Bundle, over: SignedData) -> Evidence {
        Evidence { location, bundle, over }
    }

    pub(crate) fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    pub(crate) fn over(&self) -> &SignedData {
        &self.over
    }
}

/// A bundle from JSON. What the format allows once is there once: `sigstore-go`, and so cosign 3, refuses others too.
fn read(json: &[u8]) -> Result<Bundle, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Wire<'a> {
        /// The first bundles have none.
        #[serde(default = "first")]
        media_type: MediaType,
        #[serde(borrow)]
        verification_material: &'a RawValue,
        message_signature: Option<MessageSignature>,
        dsse_envelope: Option<DsseEnvelope>,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Signers {
        public_key: Option<IgnoredAny>,
        x509_certificate_chain: Option<IgnoredAny>,
        certificate: Option<IgnoredAny>,
    }
    fn first() -> MediaType {
        MediaType::Bundle0_1
    }
    let invalid = |error: serde_json::Error| error.to_string();
    let wire: Wire<'_> = serde_json::from_slice(json).map_err(invalid)?;
    let content = match (wire.message_signature, wire.dsse_envelope) {
        (Some(message), None) => SignatureContent::MessageSignature(message),
        (None, Some(envelope)) => SignatureContent::DsseEnvelope(envelope),
        (Some(_), Some(_)) => return Err("it has both a message signature and an envelope".to_owned()),
        (None, None) => return Err("it has neither a message signature nor an envelope".to_owned()),
    };
    let Signers { public_key, x509_certificate_chain, certificate } =
        serde_json::from_str(wire.verification_material.get()).map_err(invalid)?;
    if [public_key, x509_certificate_chain, certificate].iter().flatten().count() > 1 {
        return Err("it names more than one key or certificate".to_owned());
    }
    let material: VerificationMaterial = serde_json::from_str(wire.verification_material.get()).map_err(invalid)?;
    let entries = material.tlog_entries.iter().map(|entry| (&entry.log_id, entry.log_index));
    if repeats(entries) {
        return Err("it has the same log entry twice".to_owned());
    }
    if repeats(material.timestamp_verification_data.rfc3161_timestamps.iter()) {
        return Err("it has the same timestamp twice".to_owned());
    }
    Ok(Bundle::new(wire.media_type, material, content))
}

fn repeats<T: PartialEq>(items: impl Iterator<Item = T> + Clone) -> bool {
    items.clone().enumerate().any(|(at, item)| items.clone().take(at).any(|earlier| earlier == item))
}
