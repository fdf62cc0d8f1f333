//! Version ordering, each ecosystem by its own specification. Any text has a place in the order: a version that a
//! specification would refuse must still be matched against advisories, not skipped.

mod legacy;
mod python;
mod semantic;
#[cfg(test)]
mod tests;

use crate::package::Ecosystem;

/// A parsed version. Only versions of one ecosystem are worth comparing.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// PEP 440, and what was on PyPI before it.
    Python(python::Version),
    /// Semantic Versioning 2.0: npm, crates.io and Go.
    Semantic(semantic::Version),
}

impl Version {
    /// Never fails: see [`python::Version::parse`] and [`semantic::Version::parse`] for what becomes of odd ones.
    pub fn parse(ecosystem: Ecosystem, text: &str) -> Version {
        match ecosystem {
            Ecosystem::PyPi => Version::Python(python::Version::parse(text)),
            Ecosystem::Go => Version::Semantic(semantic::Version::parse(without_go_prefix(text))),
            Ecosystem::Npm | Ecosystem::CratesIo => Version::Semantic(semantic::Version::parse(text)),
        }
    }

    /// The version without PEP 440's local part (`2.0.0` of `2.0.0+cu118`); `None` where it has none. Semantic
    /// versions have no such part: their build metadata takes no part in the order.
    pub fn public(&self) -> Option<Version> {
        match self {
            Version::Python(version) => version.public().map(Version::Python),
            Version::Semantic(_) => None,
        }
    }
}

/// `go1.21rc2`, as toolchains name themselves, is the `1.21rc2` of the standard library.
fn without_go_prefix(text: &str) -> &str {
    match text.trim_start().strip_prefix("go") {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => rest,
        _ => text,
    }
}
