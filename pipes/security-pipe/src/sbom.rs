//! Software bills of materials: what the lockfiles of a tree resolve, as CycloneDX 1.6 and SPDX 2.3 JSON.
//!
//! Both are pure functions of their input: the same tree at the same commit gives the same bytes, on any machine. A
//! package that several lockfiles name is one component with several places.

mod cyclonedx;
mod id;
mod merge;
mod purl;
mod spdx;
mod time;
pub(crate) mod uri;

use crate::package::Package;

pub(crate) use cyclonedx::cyclonedx;
pub(crate) use purl::purl;
pub(crate) use spdx::spdx;
pub(crate) use time::utc;

/// One repository and everything its lockfiles name.
pub(crate) struct Bom<'a> {
    /// The repository, e.g. `org/app`.
    pub(crate) name: &'a str,
    /// The commit.
    pub(crate) version: Option<&'a str>,
    /// When, RFC 3339: the commit's time or `SOURCE_DATE_EPOCH`, never the clock.
    pub(crate) created: Option<&'a str>,
    /// This pipe's own version.
    pub(crate) tool_version: &'a str,
    /// In any order.
    pub(crate) sources: &'a [Source<'a>],
}

/// One lockfile.
pub(crate) struct Source<'a> {
    /// Relative to the repository's root, with `/`.
    pub(crate) path: &'a str,
    /// As a person would name it: `poetry.lock`, `go.mod`.
    pub(crate) format: &'a str,
    /// In the lockfile's order: [`Package::dependencies`] are indices into it.
    pub(crate) packages: &'a [Package],
    /// Name and version of the project the lockfile belongs to; either may be empty.
    pub(crate) root: Option<(&'a str, &'a str)>,
}

#[cfg(test)]
mod tests;
