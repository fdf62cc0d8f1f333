//! Software bills of materials: what the lockfiles of a tree resolve, as CycloneDX 1.6 and SPDX 2.3 JSON.
//!
//! Both are pure functions of their input: the same tree at the same commit gives the same bytes, on any machine. A
//! package that several lockfiles name is one component with several places.

mod arena;
mod cyclonedx;
mod id;
mod merge;
mod purl;
mod spdx;
mod time;
pub mod uri;

use crate::store::{Listing, Store};

pub use cyclonedx::cyclonedx;
pub use purl::purl;
pub use spdx::spdx;
pub use time::utc;

/// One repository and everything its lockfiles name.
pub struct Bom<'a> {
    /// The repository, e.g. `org/app`.
    pub name: &'a str,
    /// The commit.
    pub version: Option<&'a str>,
    /// When, RFC 3339: the commit's time or `SOURCE_DATE_EPOCH`, never the clock.
    pub created: Option<&'a str>,
    /// This pipe's own version.
    pub tool_version: &'a str,
    /// The packages of all sources.
    pub packages: &'a Store,
    /// In any order.
    pub sources: &'a [Source<'a>],
}

/// One lockfile.
pub struct Source<'a> {
    /// Relative to the repository's root, with `/`.
    pub path: &'a str,
    /// As a person would name it: `poetry.lock`, `go.mod`.
    pub format: &'a str,
    /// What it names, of [`Bom::packages`].
    pub listing: &'a Listing,
    /// Name and version of the project the lockfile belongs to; either may be empty.
    pub root: Option<(&'a str, &'a str)>,
}

#[cfg(test)]
mod tests;
