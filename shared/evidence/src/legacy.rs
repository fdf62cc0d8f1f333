//! The form of cosign 1 and 2: signatures as layers of an image at the tag `sha256-<hex>.sig`, attestations at
//! `sha256-<hex>.att`.
//!
//! Source: what cosign 2.5 writes, dumped from a registry.

use std::collections::BTreeMap;

use bytes::Bytes;
use pipe_oci::{Descriptor, Digest};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// The media type of a signature's payload.
pub(crate) const SIMPLE_SIGNING: &str = "application/vnd.dev.cosign.simplesigning.v1+json";

/// The media type of an attestation.
pub(crate) const ENVELOPE: &str = "application/vnd.dsse.envelope.v1+json";

pub(crate) const SIGNATURE: &str = "dev.cosignproject.cosign/signature";
pub(crate) const CERTIFICATE: &str = "dev.sigstore.cosign/certificate";
pub(crate) const CHAIN: &str = "dev.sigstore.cosign/chain";
pub(crate) const REKOR_BUNDLE: &str = "dev.sigstore.cosign/bundle";
pub(crate) const TIMESTAMP: &str = "dev.sigstore.cosign/rfc3161timestamp";
const PREDICATE_TYPE: &str = "predicateType";

const SIGNATURE_TYPE: &str = "cosign container image signature";

/// The two tags of an image in this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagKind {
    /// `sha256-<hex>.sig`, with a simple signing payload in each layer.
    Signatures,
    /// `sha256-<hex>.att`, with a DSSE envelope in each layer.
    Attestations,
}

impl TagKind {
    /// `sha256-<hex>.sig`
    pub fn tag(self, digest: &Digest) -> String {
        match self {
            TagKind::Signatures => format!("{}.sig", digest.tag_prefix()),
            TagKind::Attestations => format!("{}.att", digest.tag_prefix()),
        }
    }
}

/// The payload of a signature (`containers/image`, "atomic container signature").
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Payload {
    critical: Critical,
    #[serde(default)]
    optional: Option<Map<String, Value>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Critical {
    identity: Identity,
    image: Image,
    #[serde(rename = "type")]
    kind: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Identity {
    #[serde(rename = "docker-reference")]
    docker_reference: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Image {
    #[serde(rename = "docker-manifest-digest")]
    docker_manifest_digest: String,
}

impl Payload {
    /// A payload for the image `name` without its tag: `index.docker.io/library/app`.
    pub fn new(name: &str, digest: &Digest, annotations: &Map<String, Value>) -> Payload {
        Payload {
            critical: Critical {
                identity: Identity { docker_reference: name.to_owned() },
                image: Image { docker_manifest_digest: digest.to_string() },
                kind: SIGNATURE_TYPE.to_owned(),
            },
            optional: (!annotations.is_empty()).then(|| annotations.clone()),
        }
    }

    /// Reads a payload.
    ///
    /// # Errors
    /// The reason why it is not valid, as a fragment.
    pub fn parse(bytes: &[u8]) -> Result<Payload, String> {
        let payload: Payload =
            serde_json::from_slice(bytes).map_err(|_| "the payload is not a simple signing document".to_owned())?;
        if payload.critical.kind != SIGNATURE_TYPE {
            return Err(format!("the type of the payload is {:?}, expected {SIGNATURE_TYPE:?}", payload.critical.kind));
        }
        Ok(payload)
    }

    /// The JSON that is signed.
    ///
    /// # Errors
    /// Serialization failed.
    pub fn to_bytes(&self) -> serde_json::Result<Vec<u8>> {
        serde_json::to_vec(self)
    }

    /// The digest of the image that was signed: `sha256:<hex>`. It is not checked for its form.
    pub fn digest(&self) -> &str {
        &self.critical.image.docker_manifest_digest
    }

    /// The annotations of the signature. Empty if there are none.
    pub fn annotations(&self) -> Map<String, Value> {
        self.optional.clone().unwrap_or_default()
    }
}

/// One signature or attestation for a tag.
#[derive(Debug, Clone)]
pub struct Layer {
    pub(crate) descriptor: Descriptor,
    pub(crate) blob: Bytes,
}

impl Layer {
    /// A signature: its payload and the annotations with its proofs ([`crate::sign::SignedBundle::annotations`]).
    pub fn signature(payload: Vec<u8>, annotations: BTreeMap<String, String>) -> Layer {
        Layer::new(SIMPLE_SIGNING, payload, annotations)
    }

    /// An attestation: its envelope and the annotations with its proofs. The signature is in the envelope.
    pub fn attestation(envelope: Vec<u8>, predicate_type: &str, mut annotations: BTreeMap<String, String>) -> Layer {
        annotations.insert(SIGNATURE.to_owned(), String::new());
        annotations.insert(PREDICATE_TYPE.to_owned(), predicate_type.to_owned());
        Layer::new(ENVELOPE, envelope, annotations)
    }

    fn new(media_type: &str, blob: Vec<u8>, annotations: BTreeMap<String, String>) -> Layer {
        let descriptor = Descriptor { annotations, ..Descriptor::of(media_type, &blob) };
        Layer { descriptor, blob: blob.into() }
    }
}

/// The configuration of the manifest with `layers`.
pub(crate) fn config(layers: &[Descriptor]) -> serde_json::Result<Vec<u8>> {
    let diff_ids: Vec<&Digest> = layers.iter().map(|layer| &layer.digest).collect();
    serde_json::to_vec(&json!({
        "architecture": "",
        "created": "0001-01-01T00:00:00Z",
        "history": vec![json!({ "created": "0001-01-01T00:00:00Z" }); layers.len()],
        "os": "",
        "rootfs": { "type": "layers", "diff_ids": diff_ids },
        "config": {},
    }))
}
