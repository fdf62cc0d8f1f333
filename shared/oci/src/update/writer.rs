//! A writer of a tag: what it observes of the registry, and how long it waits.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, sleep};

use crate::Digest;
use crate::client::Fetched;
use crate::error::Error;
use crate::settings::RetryPolicy;

/// The factor between the slowest own request and the wait before a tag is read back. Another writer needs the response of
/// one request and the way of a second one between its read and its write, and may be slower.
const MARGIN: u32 = 4;

/// The most repeated reads of a tag that another writer wrote, to find out which write was the later one.
const MAX_PROBES: u32 = 8;

/// The operations on a tag that a change needs. Tests simulate them.
pub(super) trait Tag {
    fn name(&self) -> String;
    async fn read(&self) -> Result<Option<Fetched>, Error>;
    async fn prepare(&self, blobs: Vec<(&'static str, Bytes)>) -> Result<(), Error>;
    /// Writes once, without repetition after a failure.
    async fn write(&self, media_type: &str, manifest: Bytes) -> Result<(), Error>;
}

/// A writer of a tag, with its measurements.
pub(super) struct Writer<'a, T> {
    pub(super) tag: &'a T,
    pub(super) policy: &'a RetryPolicy,
    /// The duration of the slowest request.
    pub(super) slowest: Duration,
    pub(super) reads: Reads,
    /// What is left of [`RetryPolicy::stale_read_budget`].
    pub(super) stale_read_budget: Duration,
    /// Whether a read of the tag has found anything.
    pub(super) seen: bool,
}

/// Whether reads lag behind writes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Reads {
    /// Unknown. No write since then was visible when it was read.
    Unknown(Option<Instant>),
    /// A write was visible immediately.
    Fresh,
    /// Reads lag by about this time.
    Late(Duration),
}

impl<T: Tag> Writer<'_, T> {
    pub(super) async fn read(&mut self) -> Result<Option<Fetched>, Error> {
        let found = self.timed(self.tag.read()).await?;
        self.seen |= found.is_some();
        Ok(found)
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

    /// The entry is visible. If it was missing before, reads lag.
    pub(super) fn there(&mut self) {
        if let Reads::Unknown(Some(since)) = self.reads {
            self.reads = Reads::Late(since.elapsed());
        }
    }

    /// The entry is not visible.
    fn missing(&mut self, written: &Write) {
        if let Reads::Unknown(since) = self.reads {
            self.reads = Reads::Unknown(since.or(Some(written.at)));
        }
    }

    /// Waits until no writer that read the tag before this write can still write. Returns whether the entry is there then.
    pub(super) async fn stays(&mut self, written: &Write, present: &impl Fn(&Fetched) -> bool) -> Result<bool, Error> {
        let contended = written.contended;
        let long = self.slowest * MARGIN;
        if self.reads != Reads::Fresh {
            // Immediately, before a late read could catch up. This distinguishes late reads from fast writers.
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
                    // Other writers see this write late, and their writes are seen late.
                    Reads::Late(_) => 3,
                    // One read may be current by chance. A second one halves the losses.
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
                // Not visible yet, or an older read than the last one.
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

    /// A random wait that grows with the number of collisions.
    pub(super) async fn pause(&self, round: u32) {
        let lag = if let Reads::Late(lag) = self.reads { lag } else { Duration::ZERO };
        let most = (self.policy.settle / 2).max(self.slowest).max(lag) * (round + 2).min(8);
        sleep(most.min(self.policy.max_wait).mul_f64(fastrand::f64())).await;
    }
}

/// A write by this writer.
pub(super) struct Write {
    pub(super) at: Instant,
    pub(super) digest: Option<Digest>,
    /// The digest at the tag before the write, `Some(None)` for an empty tag, `None` if unknown.
    pub(super) before: Option<Option<Digest>>,
    /// Other writers are known to be active.
    pub(super) contended: bool,
}
