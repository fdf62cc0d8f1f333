//! Finds the signatures and attestations of an image in every form and location.

mod evidence;
mod layer;

use futures_util::{StreamExt, stream};
use pipe_oci::{Descriptor, Digest, Error, Manifest, Reference, Registry, Repository};

use crate::legacy::{self, TagKind};

pub(crate) use evidence::SignedData;
pub use evidence::{Evidence, Location};

/// The most bytes of a bundle or envelope that are read. An attestation contains its whole SBOM.
const MAX_EVIDENCE: u64 = 128 * 1024 * 1024;

/// Blobs above this size are read one at a time, so that memory stays bounded.
const LARGE_BLOB: u64 = 1 << 20;

/// The most referrers and small blobs that are read at the same time.
const MAX_CONCURRENT: usize = 8;

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
            BlobFormat::Layer(kind) => {
                layer::read(kind, &layer, bytes).map(|(bundle, over)| Evidence::new(location.clone(), bundle, over))
            }
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
