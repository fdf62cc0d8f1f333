//! Changing what is at a tag while others do the same.
//!
//! Registries have no way to write a tag only if it is still what was read. So it is read, changed, looked at once more
//! and written; and after the time in which somebody who had looked before can have written his, it is read again. What is
//! not there then is written again.
//!
//! That time is measured: some multiple of the slowest request so far, and of the time by which reads lag behind where
//! they do. It is therefore only as good as the others' requests are alike: one who looks, sleeps and then writes, or
//! whose way to the registry is much longer than ours, or who doesn't look at all, can still undo it afterwards, and
//! nothing tells either of them. A write is sent once and never repeated by the HTTP client, since a repetition after a
//! wait is exactly that.

mod writer;

use std::time::Duration;

use bytes::Bytes;
use pipe_core::run::plural;
use tokio::time::{Instant, sleep};

use crate::client::{Fetched, Registry};
use crate::error::{Error, ErrorKind};
use crate::settings::RetryPolicy;
use crate::{Digest, Reference, Repository};
use writer::{Reads, Tag, Write, Writer};

/// The new content of a tag.
pub struct Edit {
    /// The blobs that the manifest names, with their media types. They are written before it.
    pub blobs: Vec<(&'static str, Bytes)>,
    /// The media type of the manifest.
    pub media_type: &'static str,
    /// The manifest as it is written.
    pub manifest: Bytes,
}

impl Registry {
    /// Makes the manifest at `reference`'s tag one for which `present` holds. `edit` makes the new one of the current one,
    /// and is asked again when somebody else was faster. Alone, it takes five requests and 250 ms (longer where
    /// requests are slow); where the tag is right already, one request.
    ///
    /// # Errors
    /// `edit`'s own, the registry's, [`ErrorKind::TooLarge`] for a manifest that could not be read afterwards, and
    /// [`ErrorKind::Lost`] when others overwrote it every time.
    pub async fn update_tag(
        &self,
        reference: &Reference,
        edit: impl Fn(Option<&Fetched>) -> Result<Edit, Error>,
        present: impl Fn(&Fetched) -> bool,
    ) -> Result<(), Error> {
        let limit = self.settings.max_manifest;
        let edit = |current: Option<&Fetched>| {
            let new = edit(current)?;
            if new.manifest.len() as u64 > limit {
                let text = format!(
                    "{reference} is full: one more entry makes it {} bytes, and the limit is {limit}",
                    new.manifest.len()
                );
                return Err(Error::new(ErrorKind::TooLarge, text).with_advice("Delete old entries"));
            }
            Ok(new)
        };
        update(&RegistryTag { registry: self, reference }, &self.retry_policy, edit, present).await
    }
}

async fn update(
    tag: &impl Tag,
    policy: &RetryPolicy,
    edit: impl Fn(Option<&Fetched>) -> Result<Edit, Error>,
    present: impl Fn(&Fetched) -> bool,
) -> Result<(), Error> {
    let began = Instant::now();
    let (slowest, reads, budget) = (Duration::ZERO, Reads::Unknown(None), policy.stale_read_budget);
    let mut writer = Writer { tag, policy, slowest, reads, stale_read_budget: budget };
    let (mut writes, mut failures, mut budget) = (0, 0, policy.retry_after_budget);
    for round in 0..policy.max_rounds {
        if began.elapsed() > policy.deadline {
            break;
        }
        let current = writer.read().await?;
        if current.as_ref().is_some_and(&present) {
            writer.there();
            // What we wrote ourselves may yet be overwritten.
            let written = Write { at: Instant::now(), digest: None, before: None, contended: true };
            if writes == 0 || writer.stays(&written, &present).await? {
                return Ok(());
            }
            continue;
        }
        let new = edit(current.as_ref())?;
        tag.prepare(new.blobs).await?;
        let before = current.map(|current| current.descriptor.digest);
        if writer.look().await? != before {
            writer.pause(round).await;
            continue;
        }
        writes += 1;
        let digest = Some(Digest::of(&new.manifest));
        match writer.write(new.media_type, new.manifest).await {
            Ok(()) => {
                let written = Write { at: Instant::now(), digest, before: Some(before), contended: round > 0 };
                if writer.stays(&written, &present).await? {
                    return Ok(());
                }
                writer.pause(round).await;
            }
            // Written or not: the next round sees.
            Err(error) if error.kind() == ErrorKind::Unavailable => {
                failures += 1;
                let wait = error.retry_after().unwrap_or_else(|| policy.backoff(failures));
                if failures >= policy.max_failures || wait > budget {
                    return Err(error);
                }
                budget -= wait;
                sleep(wait).await;
            }
            Err(error) => return Err(error),
        }
    }
    let (name, rounds) = (tag.name(), policy.max_rounds);
    let text = match writes {
        0 => format!(
            "{name} was not changed in {}: another writer was faster each time",
            plural(rounds as usize, "attempt")
        ),
        _ => {
            format!("{name} lost the new entry in {}: another writer overwrote it each time", plural(writes, "attempt"))
        }
    };
    Err(Error::new(ErrorKind::Lost, text))
}

struct RegistryTag<'a> {
    registry: &'a Registry,
    reference: &'a Reference,
}

impl Tag for RegistryTag<'_> {
    fn name(&self) -> String {
        self.reference.to_string()
    }

    async fn read(&self) -> Result<Option<Fetched>, Error> {
        unless_missing(self.registry.manifest(self.reference).await)
    }

    async fn look(&self) -> Result<Option<Digest>, Error> {
        Ok(unless_missing(self.registry.resolve(self.reference).await)?.map(|descriptor| descriptor.digest))
    }

    async fn prepare(&self, blobs: Vec<(&'static str, Bytes)>) -> Result<(), Error> {
        for (media_type, blob) in blobs {
            self.registry.push_blob(&self.reference.repository, media_type, blob).await?;
        }
        Ok(())
    }

    async fn write(&self, media_type: &str, manifest: Bytes) -> Result<(), Error> {
        let repository: &Repository = &self.reference.repository;
        let tag = self.reference.tag.as_deref().unwrap_or("latest");
        self.registry.put_manifest(repository, tag, media_type, manifest, true).await.map(|_| ())
    }
}

fn unless_missing<T>(outcome: Result<T, Error>) -> Result<Option<T>, Error> {
    match outcome {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.is_not_found() => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
