//! Changes a tag while other writers may do the same.
//!
//! Registries have no conditional writes. A change therefore reads the tag, reads it once more, and writes it. After the
//! time in which another writer that read the old content can still write, it reads the tag again. If the entry is missing
//! then, it writes again.
//!
//! This time is measured: a multiple of the slowest request so far, and of the time by which reads lag behind writes. The
//! method depends on the requests of others taking about as long. A writer that reads, pauses and then writes, that is much
//! slower, or that never reads again can still remove the entry, and neither writer notices. The HTTP client never repeats
//! a write, because a repetition after a wait is such a late write.

mod writer;

use std::time::Duration;

use bytes::Bytes;
use pipe_core::text::plural;
use tokio::time::{Instant, sleep};

use crate::client::{Fetched, Registry};
use crate::error::{Error, ErrorKind};
use crate::settings::RetryPolicy;
use crate::{Digest, Reference, Repository};
use writer::{Reads, Tag, Write, Writer};

/// The most writes that a registry may accept while the tag never shows anything, and the most reads of a manifest that was
/// written under its digest.
const MAX_VANISHED: u32 = 5;

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
    /// Changes the manifest at the tag of `reference` until `present` holds for it. `edit` makes the new content from the
    /// current one, and is called again if another writer was faster. Without other writers, a change takes five requests
    /// and 250 ms, or longer if requests are slow. A tag that is right already takes one request.
    ///
    /// # Errors
    /// The errors of `edit` and of the registry, [`ErrorKind::TooLarge`] for a manifest that could not be read afterwards,
    /// and [`ErrorKind::Lost`] if other writers overwrote it every time.
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

    /// Reads a manifest back that was just written under its digest. A read may lag behind the write.
    ///
    /// # Errors
    /// [`ErrorKind::Malformed`] if the registry does not have it, or the reason why it did not answer.
    pub(crate) async fn keeps(&self, repository: &Repository, digest: &Digest) -> Result<(), Error> {
        let reference = Reference { repository: repository.clone(), tag: None, digest: Some(digest.clone()) };
        for read in 1..=MAX_VANISHED {
            match self.manifest(&reference).await {
                Ok(_) => return Ok(()),
                Err(error) if error.is_not_found() => sleep(self.retry_policy.backoff(read)).await,
                Err(error) => return Err(error),
            }
        }
        Err(vanished(&reference.to_string()))
    }
}

fn vanished(name: &str) -> Error {
    Error::new(ErrorKind::Malformed, format!("the registry accepted {name} and does not have it"))
}

async fn update(
    tag: &impl Tag,
    policy: &RetryPolicy,
    edit: impl Fn(Option<&Fetched>) -> Result<Edit, Error>,
    present: impl Fn(&Fetched) -> bool,
) -> Result<(), Error> {
    let began = Instant::now();
    let (slowest, reads, budget) = (Duration::ZERO, Reads::Unknown(None), policy.stale_read_budget);
    let mut writer = Writer { tag, policy, slowest, reads, stale_read_budget: budget, seen: false };
    let (mut writes, mut accepted, mut failures, mut budget) = (0, 0, 0, policy.retry_after_budget);
    for round in 0..policy.max_rounds {
        if began.elapsed() > policy.deadline {
            break;
        }
        let current = writer.read().await?;
        if current.as_ref().is_some_and(&present) {
            writer.there();
            // An earlier write of this loop can still be overwritten.
            let written = Write { at: Instant::now(), digest: None, before: None, contended: true };
            if writes == 0 || writer.stays(&written, &present).await? {
                return Ok(());
            }
            continue;
        }
        let new = edit(current.as_ref())?;
        tag.prepare(new.blobs).await?;
        let before = current.map(|current| current.descriptor.digest);
        if writer.read().await?.map(|current| current.descriptor.digest) != before {
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
                accepted += 1;
                // No other writer leaves a tag empty.
                if !writer.seen && accepted >= MAX_VANISHED {
                    return Err(vanished(&tag.name()));
                }
                writer.pause(round).await;
            }
            // The write may have succeeded. The next round finds out.
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
        match self.registry.manifest(self.reference).await {
            Ok(found) => Ok(Some(found)),
            Err(error) if error.is_not_found() => Ok(None),
            Err(error) => Err(error),
        }
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

#[cfg(test)]
mod tests;
