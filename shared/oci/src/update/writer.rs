//! What one who changes a tag sees of the registry, and what follows from it.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::Digest;
use crate::client::Fetched;
use crate::error::Error;
use crate::settings::RetryPolicy;

/// Between another's look and write lie the answer to one request and the way of another. Ours are alike, but may have
/// been the fast ones.
const MARGIN: u32 = 4;

/// How often a tag that somebody else wrote is read once more, to tell whether it was before us or after.
const MAX_PROBES: u32 = 8;

/// A tag at a registry, as far as it takes to change it.
pub(super) trait Tag {
    fn name(&self) -> String;
    async fn read(&self) -> Result<Option<Fetched>, Error>;
    /// What [`Tag::read`] would find.
    async fn look(&self) -> Result<Option<Digest>, Error>;
    async fn prepare(&self, blobs: Vec<(&'static str, Bytes)>) -> Result<(), Error>;
    /// Once, whatever happens.
    async fn write(&self, media_type: &str, manifest: Bytes) -> Result<(), Error>;
}

/// One who changes a tag, and what he has seen of the registry.
pub(super) struct Writer<'a, T> {
    pub(super) tag: &'a T,
    pub(super) policy: &'a RetryPolicy,
    /// What one request took at most.
    pub(super) slowest: Duration,
    pub(super) reads: Reads,
    /// What is left of [`RetryPolicy::stale_read_budget`].
    pub(super) stale_read_budget: Duration,
}

/// Whether reads are known to lag behind writes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reads {
    /// Not known; all that was written since then was not there when it was looked for.
    Unknown(Option<Instant>),
    /// What was written was there at once.
    Fresh,
    /// By about this much.
    Late(Duration),
}

impl<T: Tag> Writer<'_, T> {
    pub(super) async fn read(&mut self) -> Result<Option<Fetched>, Error> {
        self.timed(self.tag.read()).await
    }

    pub(super) async fn look(&mut self) -> Result<Option<Digest>, Error> {
        self.timed(self.tag.look()).await
    }

    pub(super) async fn write(&mut self, media_type: &str, manifest: Bytes) -> Result<(), Error> {
        self.timed(self.tag.write(media_type, manifest)).await
    }

    async fn timed<R>(&mut self, request: impl Future<Output = R>) -> R {
        let began = Instant::now();
        let outcome = request.await;
        self.slowest = self.slowest.max(began.elapsed());
        outcome
    }

    /// What was written is there. Where it was missing before, that was only not to be seen yet.
    pub(super) fn there(&mut self) {
        if let Reads::Unknown(Some(since)) = self.reads {
            self.reads = Reads::Late(since.elapsed());
        }
    }

    /// What was written is not there.
    fn missing(&mut self, written: &Write) {
        if let Reads::Unknown(since) = self.reads {
            self.reads = Reads::Unknown(since.or(Some(written.at)));
        }
    }

    /// Waits until nobody who looked before our write can still write, and says whether it is there then.
    pub(super) async fn stays(&mut self, written: &Write, present: &impl Fn(&Fetched) -> bool) -> Result<bool, Error> {
        let contended = written.contended;
        let long = self.slowest * MARGIN;
        if self.reads != Reads::Fresh {
            // At once, before a late read can be in time: tells late reads from fast writers.
            match self.read().await? {
                Some(seen) if written.digest.as_ref() == Some(&seen.descriptor.digest) => self.reads = Reads::Fresh,
                Some(seen) if present(&seen) => self.there(),
                _ => self.missing(written),
            }
        }
        let (mut calm, mut probes) = (0, 0);
        loop {
            let lag = if let Reads::Late(lag) = self.reads { lag } else { Duration::ZERO };
            let probing = calm == 0 && probes > 0;
            let wait = if probing { self.policy.settle } else { self.policy.settle.max(long).max(lag * MARGIN) };
            sleep(wait.min(self.policy.max_wait)).await;
            let seen = self.read().await?;
            if seen.as_ref().is_some_and(present) {
                self.there();
                calm += 1;
                let needed = match self.reads {
                    // Others see it as late as we do, and we see theirs as late again.
                    Reads::Late(_) => 3,
                    // One look may be lucky where reads lag by chance: this halves what is lost then.
                    _ if contended => 2,
                    _ => 1,
                };
                if calm >= needed {
                    return Ok(true);
                }
                continue;
            }
            self.missing(written);
            let seen = seen.map(|seen| seen.descriptor.digest);
            let as_before = written.before.as_ref().is_some_and(|before| *before == seen);
            probes += 1;
            let hope = match self.reads {
                _ if self.stale_read_budget.is_zero() => false,
                Reads::Fresh => false,
                // Still to come, or a read that is older than the last one.
                _ if as_before => true,
                Reads::Unknown(_) => contended && probes < MAX_PROBES,
                Reads::Late(lag) => written.at.elapsed() < lag * 2,
            };
            if !hope {
                return Ok(false);
            }
            self.stale_read_budget = self.stale_read_budget.saturating_sub(self.policy.settle);
            calm = 0;
        }
    }

    /// A wait that spreads writers over more time the oftener they met.
    pub(super) async fn pause(&self, round: u32) {
        let lag = if let Reads::Late(lag) = self.reads { lag } else { Duration::ZERO };
        let most = (self.policy.settle / 2).max(self.slowest).max(lag) * (round + 2).min(8);
        sleep(most.min(self.policy.max_wait).mul_f64(fastrand::f64())).await;
    }
}

/// A write of ours.
pub(super) struct Write {
    pub(super) at: Instant,
    pub(super) digest: Option<Digest>,
    /// What was at the tag, nothing included; `None` where that is not known.
    pub(super) before: Option<Option<Digest>>,
    /// Others are known to write.
    pub(super) contended: bool,
}
