//! Finding what was signed and attested about an image, in whichever form and place it is kept.

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

use crate::legacy::{self, Kind};

/// The largest bundle or envelope that is read: SBOMs are attested whole.
const MAX_EVIDENCE: u64 = 128 * 1024 * 1024;

/// Referrers that are opened at the same time.
const AT_ONCE: usize = 8;

/// Where a piece of evidence was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// The digest of a manifest that refers to the image.
    Referrer(Digest),
    /// A tag of the older form, and the layer in its image.
    Tag { tag: String, layer: Digest },
    /// A file.
    File(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Referrer(digest) => write!(f, "{digest}"),
            Place::Tag { tag, layer } => write!(f, "{tag} ({layer})"),
            Place::File(path) => f.write_str(path),
        }
    }
}

/// One signature or attestation, not verified.
#[derive(Debug, Clone)]
pub struct Evidence {
    pub place: Place,
    bundle: Bundle,
    over: Over,
}

/// What a signature is over, where it is no envelope.
#[derive(Debug, Clone)]
pub(crate) enum Over {
    /// Whatever has the digest in question.
    Subject,
    /// A payload of the older form.
    Payload(Vec<u8>),
    /// A file's content.
    File(Vec<u8>),
}

impl Evidence {
    /// A bundle as it is in a file or a registry: JSON of version 0.1 to 0.3.
    ///
    /// # Errors
    /// No such bundle, in words.
    pub fn from_bundle(place: Place, json: &[u8]) -> Result<Evidence, String> {
        let bundle = std::str::from_utf8(json)
            .map_err(|_| "no UTF-8".to_owned())
            .and_then(|json| Bundle::from_json(json).map_err(|error| error.to_string()));
        let bundle = bundle.map_err(|error| format!("it is no bundle that can be read: {error}"))?;
        Ok(Evidence { place, bundle, over: Over::Subject })
    }

    /// The same with what the subject's digest is of: some keys (Ed25519) sign no digests.
    #[must_use]
    pub fn of_file(self, content: Vec<u8>) -> Evidence {
        Evidence { over: Over::File(content), ..self }
    }

    pub(crate) fn bundle(&self) -> &Bundle {
        &self.bundle
    }

    pub(crate) fn over(&self) -> &Over {
        &self.over
    }
}

/// Everything that was found about one digest.
#[derive(Debug, Default)]
pub struct Found {
    pub evidence: Vec<Evidence>,
    /// What looks like evidence and can't be read, with the reason.
    pub unreadable: Vec<(Place, String)>,
}

/// Reads all evidence about `subject` that is kept in `repository`: bundles among its referrers, each of which is
/// opened, and the tags of the older form.
///
/// # Errors
/// The registry could not be asked. That there is nothing is no error.
pub async fn find(registry: &Registry, repository: &Repository, subject: &Digest) -> Result<Found, Error> {
    let referrers = registry.referrers(repository, subject).await?;
    let mut found = Found::default();
    let mut opened = stream::iter(referrers)
        .map(|referrer| async move { open(registry, repository, &referrer).await })
        .buffered(AT_ONCE);
    while let Some(opened) = opened.next().await {
        found.add(opened?);
    }
    for kind in [Kind::Signatures, Kind::Attestations] {
        let tag = kind.tag(subject);
        let reference = Reference { repository: repository.clone(), tag: Some(tag.clone()), digest: None };
        let manifest = match registry.manifest(&reference).await {
            Ok(manifest) => manifest,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error),
        };
        let Ok(manifest) = serde_json::from_slice::<Manifest>(&manifest.bytes) else {
            let place = Place::Tag { tag, layer: manifest.descriptor.digest };
            found.unreadable.push((place, "it is no image manifest".to_owned()));
            continue;
        };
        let wanted = match kind {
            Kind::Signatures => legacy::SIMPLE_SIGNING,
            Kind::Attestations => legacy::ENVELOPE,
        };
        let mut read = stream::iter(manifest.layers.into_iter().filter(|layer| layer.media_type == wanted))
            .map(|layer| {
                let place = Place::Tag { tag: tag.clone(), layer: layer.digest.clone() };
                async move {
                    let blob = registry.blob(repository, &layer, MAX_EVIDENCE).await;
                    (place, blob.map(|blob| from_layer(kind, &layer, blob)))
                }
            })
            .buffered(AT_ONCE);
        while let Some((place, evidence)) = read.next().await {
            found.add(vec![(place, evidence?)]);
        }
    }
    Ok(found)
}

impl Found {
    fn add(&mut self, read: Vec<Read>) {
        for (place, read) in read {
            match read {
                Ok((bundle, over)) => self.evidence.push(Evidence { place, bundle, over }),
                Err(why) => self.unreadable.push((place, why)),
            }
        }
    }
}

type Read = (Place, Result<(Bundle, Over), String>);

/// The bundles in one referrer; none where it carries something else.
async fn open(registry: &Registry, repository: &Repository, referrer: &Descriptor) -> Result<Vec<Read>, Error> {
    let reference = Reference { repository: repository.clone(), tag: None, digest: Some(referrer.digest.clone()) };
    let place = || Place::Referrer(referrer.digest.clone());
    let manifest = match registry.manifest(&reference).await {
        Ok(manifest) => manifest,
        // An index can name what was deleted.
        Err(error) if error.is_not_found() => return Ok(vec![(place(), Err("its manifest is gone".to_owned()))]),
        Err(error) => return Err(error),
    };
    let Ok(manifest) = serde_json::from_slice::<Manifest>(&manifest.bytes) else { return Ok(Vec::new()) };
    let mut read = Vec::new();
    for layer in manifest.layers.iter().filter(|layer| is_bundle(&layer.media_type)) {
        let blob = registry.blob(repository, layer, MAX_EVIDENCE).await?;
        let evidence = Evidence::from_bundle(place(), &blob);
        read.push((place(), evidence.map(|evidence| (evidence.bundle, evidence.over))));
    }
    Ok(read)
}

fn is_bundle(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.dev.sigstore.bundle")
}

/// A layer of the older form as a bundle: what proves it is in its annotations.
fn from_layer(kind: Kind, layer: &Descriptor, blob: Vec<u8>) -> Result<(Bundle, Over), String> {
    let note = |name: &str| layer.annotations.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let (content, over) = match kind {
        Kind::Signatures => {
            let signature = note(legacy::SIGNATURE).ok_or("it has no signature")?;
            let signature = SignatureBytes::from_base64(signature).map_err(|_| "its signature is no base64")?;
            (SignatureContent::MessageSignature(MessageSignature::new(signature)), Over::Payload(blob))
        }
        Kind::Attestations => {
            let envelope: DsseEnvelope = serde_json::from_slice(&blob)
                .map_err(|error| format!("it is no envelope with one signature: {error}"))?;
            (SignatureContent::DsseEnvelope(envelope), Over::Subject)
        }
    };
    let material = match note(legacy::CERTIFICATE) {
        Some(leaf) => {
            let chain = note(legacy::CHAIN).unwrap_or_default();
            let certificates = certificates(leaf).into_iter().chain(certificates(chain)).collect::<Option<Vec<_>>>();
            let certificates = certificates.ok_or("its certificate can't be read")?;
            VerificationMaterialContent::X509CertificateChain { certificates }
        }
        None => VerificationMaterialContent::PublicKey(PublicKeyIdentifier::new("")),
    };
    let mut material = VerificationMaterial::new(material);
    if let Some(entry) = note(legacy::REKOR_BUNDLE) {
        material = material.with_tlog_entries(vec![log_entry(entry).ok_or("its log entry can't be read")?]);
    }
    if let Some(timestamp) = note(legacy::TIMESTAMP) {
        let timestamps = vec![timestamp_token(timestamp).ok_or("its timestamp can't be read")?];
        material = material.with_timestamp_verification_data(TimestampVerificationData::new(timestamps));
    }
    Ok((Bundle::new(MediaType::Bundle0_1, material, content), over))
}

/// All certificates in a PEM text; a `None` stands for one that is damaged.
fn certificates(pem: &str) -> Vec<Option<X509Certificate>> {
    const END: &str = "-----END CERTIFICATE-----";
    let blocks = pem.split_inclusive(END).filter(|block| block.contains("-----BEGIN"));
    blocks.map(|block| DerCertificate::from_pem(block).ok().map(X509Certificate::new)).collect()
}

/// The log's promise as cosign keeps it.
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
