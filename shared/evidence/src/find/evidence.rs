//! A signature or attestation as it was found, not verified.

use std::fmt;

use pipe_oci::Digest;
use sigstore_types::Bundle;

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
        let bundle = std::str::from_utf8(json)
            .map_err(|_| "not UTF-8".to_owned())
            .and_then(|json| Bundle::from_json(json).map_err(|error| error.to_string()));
        let bundle = bundle.map_err(|error| format!("not a valid Sigstore bundle: {error}"))?;
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
