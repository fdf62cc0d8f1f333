//! What a lockfile says is installed: the currency between lockfile readers, the advisory matcher and the SBOM.

use std::borrow::Cow;

use serde::Serialize;

/// A package ecosystem, named as the OSV schema names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub enum Ecosystem {
    /// Python packages, named and versioned as PyPI does.
    #[serde(rename = "PyPI")]
    PyPi,
    /// JavaScript packages.
    #[serde(rename = "npm")]
    Npm,
    /// Rust crates.
    #[serde(rename = "crates.io")]
    CratesIo,
    /// Go modules and the standard library.
    #[serde(rename = "Go")]
    Go,
}

impl Ecosystem {
    /// Every ecosystem that a lockfile reader yields.
    pub const ALL: [Ecosystem; 4] = [Ecosystem::PyPi, Ecosystem::Npm, Ecosystem::CratesIo, Ecosystem::Go];

    /// The name in OSV records (`affected[].package.ecosystem`, without a `:suffix`).
    pub fn osv_name(self) -> &'static str {
        match self {
            Ecosystem::PyPi => "PyPI",
            Ecosystem::Npm => "npm",
            Ecosystem::CratesIo => "crates.io",
            Ecosystem::Go => "Go",
        }
    }

    /// The reverse of [`Ecosystem::osv_name`]; `None` for one no lockfile reader of ours yields.
    pub fn from_osv_name(name: &str) -> Option<Ecosystem> {
        Ecosystem::ALL.into_iter().find(|ecosystem| ecosystem.osv_name() == name)
    }

    /// `name` as two spellings of one package share it: PyPI's are the same whatever their case and separators
    /// (PEP 503), and those of the other registries are exact.
    pub fn canonical_name(self, name: &str) -> Cow<'_, str> {
        let is_canonical = |name: &str| {
            name.bytes().all(|byte| !byte.is_ascii_uppercase() && byte != b'_' && byte != b'.') && !name.contains("--")
        };
        if self != Ecosystem::PyPi || is_canonical(name) {
            return Cow::Borrowed(name);
        }
        let mut canonical = String::with_capacity(name.len());
        for c in name.chars() {
            match c {
                '-' | '_' | '.' if canonical.ends_with('-') => {}
                '-' | '_' | '.' => canonical.push('-'),
                _ => canonical.push(c.to_ascii_lowercase()),
            }
        }
        Cow::Owned(canonical)
    }

    /// The package-url type (<https://github.com/package-url/purl-spec>).
    pub fn purl_type(self) -> &'static str {
        match self {
            Ecosystem::PyPi => "pypi",
            Ecosystem::Npm => "npm",
            Ecosystem::CratesIo => "cargo",
            Ecosystem::Go => "golang",
        }
    }
}

/// Where a package comes from. Only [`Source::Registry`] packages are looked up; the name of any other one could be
/// private and never leaves the machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "location")]
pub enum Source {
    /// The ecosystem's public registry.
    Registry,
    /// Another registry or index, by URL without credentials.
    PrivateRegistry(String),
    /// A Git repository, by URL without credentials, with the resolved commit after `#` where known.
    Git(String),
    /// An archive downloaded from a URL (without credentials).
    Url(String),
    /// A directory or file beside the project.
    Path(String),
    /// A member of the project itself.
    Workspace,
}

/// Whether a package is part of what ships.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Part of what ships.
    Production,
    /// Needed to build, test or lint only.
    Development,
    /// The lockfile doesn't say; gated as production.
    Unknown,
}

/// A checksum as the lockfile gives it: 20, 32, 48 or 64 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hash(Box<[u8]>);

impl Hash {
    /// `None` for any other number of bytes.
    pub fn new(bytes: impl Into<Box<[u8]>>) -> Option<Hash> {
        let bytes = bytes.into();
        matches!(bytes.len(), 20 | 32 | 48 | 64).then_some(Hash(bytes))
    }

    /// The checksum itself.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Of a checksum's bytes, the algorithm by the name that CycloneDX gives it: `SHA-1`, `SHA-256`, `SHA-384` or
    /// `SHA-512`.
    pub fn algorithm(bytes: &[u8]) -> &'static str {
        match bytes.len() {
            20 => "SHA-1",
            32 => "SHA-256",
            48 => "SHA-384",
            _ => "SHA-512",
        }
    }
}

/// One resolved package of one lockfile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Whose name and version order apply.
    pub ecosystem: Ecosystem,
    /// As the registry spells it; PyPI names are normalised (PEP 503).
    pub name: String,
    /// As OSV spells it (Go without the leading `v`); empty where a path or workspace package has none.
    pub version: String,
    /// Where it comes from.
    pub source: Source,
    /// The line of the lockfile that introduces it, from 1.
    pub line: u32,
    /// Whether it ships.
    pub scope: Scope,
    /// The project works without it: nothing but optional dependencies and extras asks for it.
    pub optional: bool,
    /// Named by the project itself (`Some(true)`), brought in by another package (`Some(false)`), or not known.
    pub direct: Option<bool>,
    /// Indices, within the same lockfile, of the packages it depends on; sorted, without duplicates.
    pub dependencies: Vec<usize>,
    /// Checksums of its archives, as the lockfile gives them; empty if it gives none.
    pub hashes: Vec<Hash>,
    /// The folder it is installed in, relative to the lockfile's (`node_modules/a/node_modules/b`), if the lockfile
    /// says so and it is not the one that [`Locked::installed_in`] derives from the name. The same for every version,
    /// so it distinguishes the copies of a package from one run to the next. Empty if the lockfile has no folders.
    pub folder: Option<Box<str>>,
}

impl Package {
    /// The package without its dependencies and checksums.
    pub fn locked(&self) -> Locked<'_> {
        Locked {
            ecosystem: self.ecosystem,
            name: &self.name,
            version: &self.version,
            source: &self.source,
            line: self.line,
            scope: self.scope,
            optional: self.optional,
            direct: self.direct,
            folder: self.folder.as_deref(),
        }
    }
}

/// What a person or a look-up needs of a [`Package`], borrowed from it or from a [`Store`](crate::store::Store).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locked<'a> {
    /// As in [`Package::ecosystem`].
    pub ecosystem: Ecosystem,
    /// As in [`Package::name`].
    pub name: &'a str,
    /// As in [`Package::version`].
    pub version: &'a str,
    /// As in [`Package::source`].
    pub source: &'a Source,
    /// As in [`Package::line`].
    pub line: u32,
    /// As in [`Package::scope`].
    pub scope: Scope,
    /// As in [`Package::optional`].
    pub optional: bool,
    /// As in [`Package::direct`].
    pub direct: Option<bool>,
    /// As in [`Package::folder`].
    pub folder: Option<&'a str>,
}

impl<'a> Locked<'a> {
    /// The folder it is installed in, relative to the lockfile's; `None` if the lockfile does not say.
    pub fn installed_in(&self) -> Option<Cow<'a, str>> {
        match (self.folder, self.ecosystem) {
            (Some(""), _) => None,
            (Some(folder), _) => Some(Cow::Borrowed(folder)),
            (None, Ecosystem::Npm) => Some(Cow::Owned(format!("node_modules/{}", self.name))),
            (None, Ecosystem::PyPi | Ecosystem::CratesIo | Ecosystem::Go) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Ecosystem;

    #[test]
    fn python_names_have_one_spelling_and_others_are_exact() {
        for spelling in ["zope.interface", "Zope_Interface", "zope-_.interface", "zope-interface"] {
            assert_eq!(Ecosystem::PyPi.canonical_name(spelling), "zope-interface");
        }
        assert_eq!(Ecosystem::Npm.canonical_name("JSONStream"), "JSONStream");
        assert_eq!(Ecosystem::Go.canonical_name("github.com/Foo/bar_baz"), "github.com/Foo/bar_baz");
    }
}
