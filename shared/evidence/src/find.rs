//! Finds the signatures and attestations of an image in every form and location.

use std::fmt;

use futures_util::{StreamExt, stream};
use pipe_oci::{Descriptor, Digest, Error, Manifest, Reference, Registry, Repository};
use serde::Deserialize;
use sigstore_types::bundle::{
    InclusionPromise, LogId, MessageSignature, PublicKeyIdentifier, Rfc3161Timestamp, TimestampVerificationData,
    VerificationMaterial, VerificationMaterialContent, X509Certificate,
};
use sigstore_types::{
    Bundle, CanonicalizedBody, DerCertificate, DsseEnvelope, KindVersion, LogIndex, LogKeyId, MediaType,
    SignatureBytes, SignatureContent, SignedTimestamp, TimestampToken, TransparencyLogEntry,
};

use crate::legacy::{self, TagKind};

/// The most bytes of a bundle or envelope that are read. An attestation contains its whole SBOM.
const MAX_EVIDENCE: u64 = 128 * 1024 * 1024;

/// Blobs above this size are read one at a time, so that memory stays bounded.
const LARGE_BLOB: u64 = 1 << 20;

/// The most referrers and small blobs that are read at the same time.
const MAX_CONCURRENT: usize = 8;

/// Where a piece of evidence was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Location {
    /// The digest of a manifest that refers to the image.
    Referrer(Digest),
    /// A layer of the manifest at a tag in the form of cosign 2.
    Tag {
        /// `sha256-<hex>.sig` or `.att`.
        tag: String,
        /// The digest of the layer.
        layer: Digest,
    },
    /// The path of a file.
    File(String),
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Referrer(digest) => write!(f, "{digest}"),
            Location::Tag { tag, layer } => write!(f, "{tag} ({layer})"),
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

    pub(crate) fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    pub(crate) fn over(&self) -> &SignedData {
        &self.over
    }
}

/// Reads all evidence about `subject` in `repository`: the bundles among its referrers and the tags in the form of
/// cosign 2. Calls `each` for one piece of evidence after another. Evidence that is not valid comes with the reason, so
/// that it is reported. Two large ones are never in memory at the same time.
///
/// # Errors
/// The registry did not answer. No evidence is not an error.
pub async fn find(
    registry: &Registry,
    repository: &Repository,
    subject: &Digest,
    mut each: impl FnMut(Location, Result<Evidence, String>),
) -> Result<(), Error> {
    let mut blobs = Vec::new();
    let referrers = registry.referrers(repository, subject).await?;
    let mut opened = stream::iter(referrers)
        .map(|referrer| async move { open(registry, repository, &referrer).await })
        .buffered(MAX_CONCURRENT);
    while let Some(opened) = opened.next().await {
        match opened? {
            ReferrerContent::Blobs(found) => blobs.extend(found),
            ReferrerContent::Gone(location) => each(location, Err("the manifest no longer exists".to_owned())),
        }
    }
    for kind in [TagKind::Signatures, TagKind::Attestations] {
        let tag = kind.tag(subject);
        let reference = Reference { repository: repository.clone(), tag: Some(tag.clone()), digest: None };
        let fetched = match registry.manifest(&reference).await {
            Ok(fetched) => fetched,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error),
        };
        let Ok(manifest) = fetched.json::<Manifest>() else {
            each(Location::Tag { tag, layer: fetched.descriptor.digest }, Err("not an image manifest".to_owned()));
            continue;
        };
        let wanted = match kind {
            TagKind::Signatures => legacy::SIMPLE_SIGNING,
            TagKind::Attestations => legacy::ENVELOPE,
        };
        blobs.extend(manifest.layers.into_iter().filter(|layer| layer.media_type == wanted).map(|layer| Blob {
            location: Location::Tag { tag: tag.clone(), layer: layer.digest.clone() },
            form: BlobFormat::Layer(kind),
            layer,
        }));
    }
    let (large, small): (Vec<Blob>, Vec<Blob>) = blobs.into_iter().partition(|blob| blob.layer.size > LARGE_BLOB);
    let mut read = stream::iter(small).map(|blob| blob.read(registry, repository)).buffered(MAX_CONCURRENT);
    while let Some(read) = read.next().await {
        let (location, evidence) = read?;
        each(location, evidence);
    }
    for blob in large {
        let (location, evidence) = blob.read(registry, repository).await?;
        each(location, evidence);
    }
    Ok(())
}

/// The content of one referrer.
enum ReferrerContent {
    /// Its bundles. Empty if it carries something else.
    Blobs(Vec<Blob>),
    /// The list names a manifest that was deleted.
    Gone(Location),
}

/// A blob with evidence.
struct Blob {
    location: Location,
    form: BlobFormat,
    layer: Descriptor,
}

enum BlobFormat {
    Bundle,
    Layer(TagKind),
}

impl Blob {
    async fn read(
        self,
        registry: &Registry,
        repository: &Repository,
    ) -> Result<(Location, Result<Evidence, String>), Error> {
        let Blob { location, form, layer } = self;
        let bytes = registry.blob(repository, &layer, MAX_EVIDENCE).await?;
        let evidence = match form {
            BlobFormat::Bundle => Evidence::from_bundle(location.clone(), &bytes),
            BlobFormat::Layer(kind) => from_layer(kind, &layer, bytes).map(|(bundle, over)| Evidence {
                location: location.clone(),
                bundle,
                over,
            }),
        };
        Ok((location, evidence))
    }
}

async fn open(registry: &Registry, repository: &Repository, referrer: &Descriptor) -> Result<ReferrerContent, Error> {
    let reference = Reference { repository: repository.clone(), tag: None, digest: Some(referrer.digest.clone()) };
    let location = Location::Referrer(referrer.digest.clone());
    let manifest = match registry.manifest(&reference).await {
        Ok(manifest) => manifest,
        Err(error) if error.is_not_found() => return Ok(ReferrerContent::Gone(location)),
        Err(error) => return Err(error),
    };
    let layers = manifest.json::<Manifest>().map(|manifest| manifest.layers).unwrap_or_default();
    let bundles = layers.into_iter().filter(|layer| is_bundle(&layer.media_type));
    Ok(ReferrerContent::Blobs(
        bundles.map(|layer| Blob { location: location.clone(), form: BlobFormat::Bundle, layer }).collect(),
    ))
}

fn is_bundle(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.dev.sigstore.bundle")
}

/// A layer in the form of cosign 2 as a bundle. The proofs are in its annotations.
fn from_layer(kind: TagKind, layer: &Descriptor, blob: Vec<u8>) -> Result<(Bundle, SignedData), String> {
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
