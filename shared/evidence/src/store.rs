//! Stores evidence beside an image.

use std::collections::BTreeMap;
use std::fmt;

use bytes::Bytes;
use jiff::Timestamp;
use pipe_oci::{
    Descriptor, Digest, Edit, Error, ErrorKind, Fetched, Manifest, Reference, Registry, Repository, media_type,
};

use crate::legacy;
use crate::sign::BUNDLE_MEDIA_TYPE;

const CONTENT: &str = "dev.sigstore.bundle.content";
const PREDICATE_TYPE: &str = "dev.sigstore.bundle.predicateType";
const CREATED: &str = "org.opencontainers.image.created";

/// Where evidence was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoredLocation {
    /// The digest of a manifest that refers to the image.
    Referrer(Digest),
    /// A tag in the form of cosign 2.
    Tag(String),
}

impl fmt::Display for StoredLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            StoredLocation::Referrer(digest) => digest.fmt(f),
            StoredLocation::Tag(tag) => f.write_str(tag),
        }
    }
}

/// Attaches a bundle with a statement to `subject`, as an OCI 1.1 referrer in `repository`.
///
/// # Errors
/// The registry refused or did not answer, or another writer overwrote the entry at the same time.
pub async fn attach(
    registry: &Registry,
    repository: &Repository,
    subject: &Descriptor,
    bundle: Bytes,
    predicate_type: &str,
) -> Result<StoredLocation, Error> {
    let layer = registry.push_blob(repository, BUNDLE_MEDIA_TYPE, bundle).await?;
    let config = registry.push_blob(repository, media_type::EMPTY, Bytes::from_static(b"{}")).await?;
    let annotations = BTreeMap::from([
        (CONTENT.to_owned(), "dsse-envelope".to_owned()),
        (PREDICATE_TYPE.to_owned(), predicate_type.to_owned()),
        (CREATED.to_owned(), Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()),
    ]);
    let manifest = Manifest {
        artifact_type: Some(BUNDLE_MEDIA_TYPE.to_owned()),
        subject: Some(Descriptor::new(&subject.media_type, subject.digest.clone(), subject.size)),
        annotations,
        ..Manifest::new(config, vec![layer])
    };
    let attached = registry.attach(repository, &manifest).await?;
    Ok(StoredLocation::Referrer(attached.descriptor.digest))
}

/// Adds a signature or attestation in the form of cosign 2 to those at its tag.
///
/// # Errors
/// The registry refused or did not answer, or another writer overwrote the layer at the same time.
pub async fn add(
    registry: &Registry,
    repository: &Repository,
    subject: &Digest,
    kind: legacy::TagKind,
    layer: legacy::Layer,
) -> Result<StoredLocation, Error> {
    let tag = kind.tag(subject);
    let (descriptor, blob) = (layer.descriptor, layer.blob);
    registry.push_blob(repository, &descriptor.media_type, blob).await?;
    let reference = Reference { repository: repository.clone(), tag: Some(tag.clone()), digest: None };
    let edit = |current: Option<&Fetched>| {
        let mut layers = match current {
            Some(current) => current.json::<Manifest>()?.layers,
            None => Vec::new(),
        };
        layers.push(descriptor.clone());
        let unwritable = |error: serde_json::Error| Error::new(ErrorKind::Malformed, format!("{reference}: {error}"));
        let config = Bytes::from(legacy::config(&layers).map_err(unwritable)?);
        let manifest = Manifest::new(Descriptor::of(media_type::CONFIG, &config), layers);
        let manifest = serde_json::to_vec(&manifest).map_err(unwritable)?.into();
        Ok(Edit { blobs: vec![(media_type::CONFIG, config)], media_type: media_type::MANIFEST, manifest })
    };
    let present = |fetched: &Fetched| {
        let layers = fetched.json::<Manifest>().map(|manifest| manifest.layers).unwrap_or_default();
        layers.iter().any(|known| known.digest == descriptor.digest && known.annotations == descriptor.annotations)
    };
    registry.update_tag(&reference, edit, present).await?;
    Ok(StoredLocation::Tag(tag))
}
