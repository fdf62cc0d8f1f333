//! The harness: runs a pipe's binary in an environment with nothing in it but what the test says, on a checkout made for
//! the test, against servers on loopback.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a harness that can't go on fails the test")]

mod advisories;
mod checkout;
pub mod components;
mod freshness;
pub mod keyless;
mod keys;
mod memory_registry;
mod metadata;
mod pipe;
mod proxy;
mod repo;
mod server;
pub mod stricter;

pub use advisories::{advisory, database, today, zip};
pub use checkout::{pipes, root};
pub use keys::Keys;
pub use memory_registry::{MemoryRegistry, digest};
pub use metadata::metadata;
pub use pipe::{Outcome, Pipe, Running, binary};
pub use proxy::Proxy;
pub use repo::Repo;
pub use server::{Reply, Request, Server};

use std::path::{Path, PathBuf};

/// Every file below `dir`, links not followed.
pub fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut dirs = vec![dir.to_owned()];
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                dirs.push(entry.path());
            }
            files.push(entry.path());
        }
    }
    files.sort();
    files
}
