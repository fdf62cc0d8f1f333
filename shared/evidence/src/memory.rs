//! The bound of memory: large documents take turns in this process, whatever the number of images and of documents.

use tokio::sync::{Semaphore, SemaphorePermit};

/// Documents above this size take turns. Smaller ones are in memory together, several of several images.
pub(crate) const LARGE: u64 = 256 * 1024;

static TURNS: Semaphore = Semaphore::const_new(1);

/// Waits until no other large document is in memory, if one of `size` bytes is large. Its turn ends when the result is
/// dropped. A task must not ask for a second turn before.
pub async fn turn(size: u64) -> Option<SemaphorePermit<'static>> {
    // It is never closed, so that there is no error.
    if size > LARGE { TURNS.acquire().await.ok() } else { None }
}
