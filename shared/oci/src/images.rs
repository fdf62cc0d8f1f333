//! The images in an index.

use std::collections::HashSet;

use futures_util::future::BoxFuture;

use crate::client::{Fetched, Registry};
use crate::error::{Error, ErrorKind};
use crate::types::media_type;
use crate::{Descriptor, Digest, Index, Platform, Reference};

/// The deepest nesting of indexes that is read.
const MAX_DEPTH: usize = 4;

/// The most indexes that are opened for one image. Each may have many thousand entries.
const MAX_INDEXES: usize = 100;

/// The most images that one index may list, nested indexes included.
const MAX_IMAGES: usize = 10_000;

#[derive(Default)]
struct Images {
    found: Vec<Descriptor>,
    seen: HashSet<Digest>,
    indexes: usize,
}

impl Registry {
    /// The descriptors of all images in an index, nested indexes included, or of the image itself if `top` is one.
    /// `reference` is what `top` was fetched by. Entries for the platform `unknown/unknown`, which BuildKit uses for its
    /// attestations, are left out. An entry says what the index says: whether the registry has the image is not looked up.
    ///
    /// # Errors
    /// The errors of [`Registry::manifest`]. [`ErrorKind::TooLarge`] for more than 100 indexes or 10,000 images,
    /// [`ErrorKind::Malformed`] for indexes nested more than 4 deep.
    pub async fn images(&self, reference: &Reference, top: Fetched) -> Result<Vec<Descriptor>, Error> {
        let mut images = Images::default();
        self.collect(reference, top, MAX_DEPTH, &mut images).await?;
        Ok(images.found)
    }

    fn collect<'a>(
        &'a self,
        reference: &'a Reference,
        fetched: Fetched,
        depth: usize,
        images: &'a mut Images,
    ) -> BoxFuture<'a, Result<(), Error>> {
        Box::pin(async move {
            if !media_type::is_index(&fetched.descriptor.media_type) {
                images.found.push(fetched.descriptor);
                return Ok(());
            }
            let wrong =
                |kind: ErrorKind, why: String| Err(Error::new(kind, format!("the index {reference} has {why}")));
            if depth == 0 {
                return wrong(ErrorKind::Malformed, format!("indexes nested more than {MAX_DEPTH} deep"));
            }
            images.indexes += 1;
            if images.indexes > MAX_INDEXES {
                return wrong(ErrorKind::TooLarge, format!("more than {MAX_INDEXES} nested indexes"));
            }
            // The document is dropped before its entries are read.
            let children = fetched.json::<Index>()?.manifests;
            drop(fetched);
            for child in children {
                let hidden = |platform: &Platform| platform.os == "unknown" && platform.architecture == "unknown";
                if child.platform.as_ref().is_some_and(hidden) || !images.seen.insert(child.digest.clone()) {
                    continue;
                }
                if media_type::is_index(&child.media_type) {
                    let nested = self.manifest(&reference.with_digest(child.digest)).await?;
                    self.collect(reference, nested, depth - 1, images).await?;
                } else if images.found.len() < MAX_IMAGES {
                    images.found.push(child);
                } else {
                    return wrong(ErrorKind::TooLarge, format!("more than {MAX_IMAGES} images"));
                }
            }
            Ok(())
        })
    }
}
