//! The digests that the references name at the start of the run, and the images of each platform.

use futures_util::{StreamExt, stream};
use pipe_core::exit::Ending;
use pipe_core::text::plural;
use pipe_oci::{Descriptor, Reference, Registry};

use crate::error::Error;
use crate::plan::RunPlan;

/// Images that are worked on at the same time.
pub(crate) const AT_ONCE: usize = 8;

/// An image by digest.
#[derive(Debug, Clone)]
pub(crate) struct ResolvedImage {
    /// With the digest, and with the tag if one was typed.
    pub(crate) reference: Reference,
    pub(crate) descriptor: Descriptor,
    /// `linux/arm64` if it is one of an index.
    pub(crate) platform: Option<String>,
}

/// Resolves every image of the plan, each once.
///
/// # Errors
/// An image could not be resolved, or has another digest than the plan expects. Nothing is signed until all of them are
/// resolved.
pub(crate) async fn resolve(plan: &RunPlan, registry: &Registry) -> Result<Vec<ResolvedImage>, Ending> {
    let mut resolved = stream::iter(&plan.images)
        .map(|image| async move { (image, resolve_one(image, registry, plan.every_platform).await) })
        .buffered(AT_ONCE);
    let mut images: Vec<ResolvedImage> = Vec::new();
    let mut failures: Vec<Error> = Vec::new();
    while let Some((image, resolved)) = resolved.next().await {
        match resolved {
            Ok(found) => {
                if let (Some(expected), Some(top)) = (&plan.expected_digest, found.first())
                    && top.descriptor.digest != *expected
                {
                    let (digest, expected) = (top.descriptor.digest.to_string(), expected.to_string());
                    return Err(Error::OtherDigest { image: image.to_string(), digest, expected }.into());
                }
                for image in found {
                    let same = |known: &ResolvedImage| {
                        known.descriptor.digest == image.descriptor.digest
                            && known.reference.repository == image.reference.repository
                    };
                    if !images.iter().any(same) {
                        images.push(image);
                    }
                }
            }
            Err(error) if error.kind() == pipe_oci::ErrorKind::Cancelled => return Err(Ending::Interrupted),
            Err(error) => failures.push(error.into()),
        }
    }
    match failures.as_slice() {
        [] => Ok(images),
        [one] => Err(Ending::Unable(one.to_string())),
        [first, rest @ ..] => Err(Ending::Unable(format!("{first} (and {} more)", plural(rest.len(), "image")))),
    }
}

/// Fetches every image by its own digest, including those that an index lists. An index may name images that the registry
/// does not have, and nothing is signed that was not read.
async fn resolve_one(
    reference: &Reference,
    registry: &Registry,
    every_platform: bool,
) -> Result<Vec<ResolvedImage>, pipe_oci::Error> {
    let fetched = registry.manifest(reference).await?;
    let descriptor = fetched.descriptor.clone();
    let top = reference.with_digest(descriptor.digest.clone());
    let mut images = vec![ResolvedImage { reference: top.clone(), descriptor, platform: None }];
    if every_platform {
        let mut children = registry.images(&top, fetched).await?;
        children.retain(|child| child.digest != images[0].descriptor.digest);
        let mut fetched = stream::iter(children)
            .map(|child| {
                let reference = top.with_digest(child.digest.clone());
                async move {
                    let descriptor = registry.manifest(&reference).await?.descriptor;
                    let platform = child.platform.as_ref().map(ToString::to_string);
                    Ok::<_, pipe_oci::Error>(ResolvedImage { reference, descriptor, platform })
                }
            })
            .buffered(AT_ONCE);
        while let Some(child) = fetched.next().await {
            images.push(child?);
        }
    }
    Ok(images)
}
