//! Changing what is at a tag while others do the same.
//!
//! Registries have no way to write a tag only if it is still what was read. So it is read, changed, looked at once more
//! and written; and after the time in which somebody who had read the old one can have written his, it is read again. What
//! is not there then is written again. That loses nothing among writers who do the same. One that read long ago and
//! writes without looking can still undo it afterwards, and nothing tells either of them.

use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::time::sleep;

use crate::client::{Fetched, Registry};
use crate::error::{Error, Kind};
use crate::{Reference, Repository};

/// How often it is tried.
const ROUNDS: u32 = 20;

/// The least time before it is read back.
const SETTLE: Duration = Duration::from_millis(60);

/// The most.
const LONGEST: Duration = Duration::from_secs(5);

/// What is to be at a tag.
pub struct Edit {
    /// Blobs that it needs, by media type.
    pub blobs: Vec<(&'static str, Bytes)>,
    pub media_type: &'static str,
    pub manifest: Bytes,
}

impl Registry {
    /// Makes the manifest at `reference`'s tag one for which `present` holds. `edit` makes the new one of the current one,
    /// and is asked again when somebody else was faster.
    ///
    /// # Errors
    /// `edit`'s own, the registry's, and [`Kind::Lost`] when others overwrote it every time.
    pub async fn update_tag(
        &self,
        reference: &Reference,
        edit: impl Fn(Option<&Fetched>) -> Result<Edit, Error>,
        present: impl Fn(&Fetched) -> bool,
    ) -> Result<(), Error> {
        let repository: &Repository = &reference.repository;
        let tag = reference.tag.as_deref().unwrap_or("latest");
        let mut written = 0;
        for round in 0..ROUNDS {
            let began = Instant::now();
            let current = self.current(reference).await?;
            if let Some(current) = &current
                && present(current)
            {
                return Ok(());
            }
            let new = edit(current.as_ref())?;
            for (media_type, blob) in new.blobs {
                self.push_blob(repository, media_type, blob).await?;
            }
            let before = current.map(|current| current.descriptor.digest);
            if before != self.resolved(reference).await? {
                sleep(jitter(round, began.elapsed())).await;
                continue;
            }
            let looked = Instant::now();
            self.push_manifest(repository, tag, new.media_type, new.manifest).await?;
            written += 1;
            // Who looked before this was written has written within about as long as this took.
            sleep(SETTLE.max(looked.elapsed() * 3).min(LONGEST)).await;
            if self.current(reference).await?.is_some_and(|current| present(&current)) {
                return Ok(());
            }
            sleep(jitter(round, began.elapsed())).await;
        }
        let text = match written {
            0 => format!(
                "{reference} is as it was: somebody else changed it each of {ROUNDS} times before it was written"
            ),
            _ => format!("{reference} lacks what was written: somebody else overwrote it each of {written} times"),
        };
        Err(Error::new(Kind::Lost, text))
    }

    async fn current(&self, reference: &Reference) -> Result<Option<Fetched>, Error> {
        match self.manifest(reference).await {
            Ok(fetched) => Ok(Some(fetched)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn resolved(&self, reference: &Reference) -> Result<Option<crate::Digest>, Error> {
        match self.resolve(reference).await {
            Ok(descriptor) => Ok(Some(descriptor.digest)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// A wait that spreads writers over more time the oftener they met.
fn jitter(round: u32, took: Duration) -> Duration {
    let most = took.max(Duration::from_millis(20)) * (round + 1).min(8);
    most.min(LONGEST).mul_f64(fastrand::f64())
}

#[cfg(test)]
mod tests;
