//! Finds the signatures and attestations of an image in every form and location.

mod evidence;
mod layer;

use futures_util::{StreamExt, stream};
use pipe_oci::{
    Descriptor, Digest, Error, ErrorKind, Manifest, Reference, Referrers, Registry, Repository, media_type,
};

use crate::legacy::{self, TagKind};
use crate::memory;

pub(crate) use evidence::SignedData;
pub use evidence::{Evidence, Location};

/// The most bytes of a bundle or envelope that are read. An attestation contains its whole SBOM.
const MAX_EVIDENCE: u64 = 128 * 1024 * 1024;

/// The most referrers and small blobs that are read at the same time.
const MAX_CONCURRENT: usize = 8;

/// The most pieces of evidence that may fail because the registry is not available. Then it is the registry that fails.
const MAX_UNAVAILABLE: usize = 4;

/// Why a piece of evidence that exists cannot be verified. The texts are fragments.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Defect {
    /// Its content is not valid, or it was deleted.
    #[error("{0}")]
    Invalid(String),
    /// The registry did not return it. It may be what is looked for.
    #[error("{0}")]
    Unreadable(Error),
}

/// Reads all evidence about `subject` in `repository`: the bundles among its referrers and the tags in the form of
/// cosign 2. Calls `each` for one piece of evidence after another. Evidence that is not valid or could not be read comes
/// with the reason, so that it is reported and hinders no other. Two large ones are never in memory at the same
/// time, those of other calls included.
///
/// # Errors
/// The registry did not list the referrers, or is not available. No evidence is not an error.
pub async fn find(
    registry: &Registry,
    repository: &Repository,
    subject: &Digest,
    mut each: impl FnMut(Location, Result<Evidence, Defect>),
) -> Result<(), Error> {
    let mut unavailable = 0;
    let mut each = |location: Location, found: Result<Evidence, Defect>| {
        match &found {
            Err(Defect::Unreadable(error)) if error.kind() == ErrorKind::Cancelled => return Err(error.clone()),
            Err(Defect::Unreadable(error)) if error.kind() == ErrorKind::Unavailable => {
                unavailable += 1;
                if unavailable > MAX_UNAVAILABLE {
                    return Err(error.clone());
                }
            }
            _ => {}
        }
        each(location, found);
        Ok(())
    };
    let mut blobs = Vec::new();
    let Referrers { listed, unread } = registry.readable_referrers(repository, subject).await?;
    if let Some((tag, error)) = unread {
        each(Location::Tag { tag, layer: None }, Err(Defect::Unreadable(error)))?;
    }
    let mut opened = stream::iter(listed.into_iter().filter(|referrer| !is_foreign(referrer)))
        .map(|referrer| async move { open(registry, repository, referrer.digest).await })
        .buffered(MAX_CONCURRENT);
    while let Some(opened) = opened.next().await {
        match opened {
            Ok(found) => blobs.extend(found),
            Err((location, defect)) => each(location, Err(defect))?,
        }
    }
    for kind in [TagKind::Signatures, TagKind::Attestations] {
        let tag = kind.tag(subject);
        let reference = Reference { repository: repository.clone(), tag: Some(tag.clone()), digest: None };
        let fetched = match registry.manifest(&reference).await {
            Ok(fetched) => fetched,
            Err(error) if error.is_not_found() => continue,
            Err(error) => {
                each(Location::Tag { tag, layer: None }, Err(Defect::Unreadable(error)))?;
                continue;
            }
        };
        let Ok(manifest) = fetched.json::<Manifest>() else {
            let defect = Defect::Invalid("not an image manifest".to_owned());
            each(Location::Tag { tag, layer: Some(fetched.descriptor.digest) }, Err(defect))?;
            continue;
        };
        let wanted = match kind {
            TagKind::Signatures => legacy::SIMPLE_SIGNING,
            TagKind::Attestations => legacy::ENVELOPE,
        };
        blobs.extend(manifest.layers.into_iter().filter(|layer| layer.media_type == wanted).map(|layer| Blob {
            location: Location::Tag { tag: tag.clone(), layer: Some(layer.digest.clone()) },
            form: BlobFormat::Layer(kind),
            layer,
        }));
    }
    let (large, small): (Vec<Blob>, Vec<Blob>) = blobs.into_iter().partition(|blob| blob.layer.size > memory::LARGE);
    let mut read = stream::iter(small).map(|blob| blob.read(registry, repository)).buffered(MAX_CONCURRENT);
    while let Some((location, evidence)) = read.next().await {
        each(location, evidence)?;
    }
    for blob in large {
        let _turn = memory::turn(blob.layer.size).await;
        let (location, evidence) = blob.read(registry, repository).await;
        each(location, evidence)?;
    }
    Ok(())
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
    async fn read(self, registry: &Registry, repository: &Repository) -> (Location, Result<Evidence, Defect>) {
        let Blob { location, form, layer } = self;
        let bytes = match registry.blob(repository, &layer, MAX_EVIDENCE).await {
            Ok(bytes) => bytes,
            Err(error) => return (location, Err(Defect::Unreadable(error))),
        };
        let evidence = match form {
            BlobFormat::Bundle => Evidence::from_bundle(location.clone(), &bytes),
            BlobFormat::Layer(kind) => {
                layer::read(kind, &layer, bytes).map(|(bundle, over)| Evidence::new(location.clone(), bundle, over))
            }
        };
        (location, evidence.map_err(Defect::Invalid))
    }
}

/// The bundles of a referrer. None if it carries something else.
async fn open(registry: &Registry, repository: &Repository, digest: Digest) -> Result<Vec<Blob>, (Location, Defect)> {
    let location = Location::Referrer(digest.clone());
    let reference = Reference { repository: repository.clone(), tag: None, digest: Some(digest) };
    let manifest = match registry.manifest(&reference).await {
        Ok(manifest) => manifest,
        // The list names a manifest that was deleted.
        Err(error) if error.is_not_found() => {
            return Err((location, Defect::Invalid("the manifest no longer exists".to_owned())));
        }
        Err(error) => return Err((location, Defect::Unreadable(error))),
    };
    let layers = manifest.json::<Manifest>().map(|manifest| manifest.layers).unwrap_or_default();
    let bundles = layers.into_iter().filter(|layer| is_bundle(&layer.media_type));
    Ok(bundles.map(|layer| Blob { location: location.clone(), form: BlobFormat::Bundle, layer }).collect())
}

/// Whether a list says that a referrer is another client's. Registries that do not keep the type of an artifact give that of
/// its configuration, which says nothing.
fn is_foreign(referrer: &Descriptor) -> bool {
    let artifact_type = referrer.artifact_type.as_deref().unwrap_or_default();
    let unspecific = ["", media_type::EMPTY, media_type::CONFIG].contains(&artifact_type);
    !unspecific && !is_bundle(artifact_type)
}

fn is_bundle(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.dev.sigstore.bundle")
}
