//! The parts of a `uv.lock` that are read.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::super::files::{File, Files};
use super::super::toml_file::lockfile;

#[derive(Deserialize)]
pub(super) struct Lock {
    pub(super) version: i64,
    #[serde(default)]
    pub(super) manifest: Manifest,
    #[serde(default)]
    pub(super) package: Vec<Entry>,
}

lockfile!(Lock of Entry);

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
pub(super) struct Manifest {
    pub(super) members: Vec<String>,
    /// Those of a script, or of a workspace whose root isn't a project.
    pub(super) requirements: Vec<Dependency>,
    pub(super) dependency_groups: BTreeMap<String, Vec<Dependency>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Entry {
    pub(super) name: Spanned<String>,
    /// Absent where the project computes it.
    pub(super) version: Option<String>,
    pub(super) source: Origin,
    #[serde(default)]
    pub(super) dependencies: Vec<Dependency>,
    #[serde(default)]
    pub(super) optional_dependencies: BTreeMap<String, Vec<Dependency>>,
    #[serde(default)]
    pub(super) dev_dependencies: BTreeMap<String, Vec<Dependency>>,
    pub(super) sdist: Option<File>,
    #[serde(default)]
    pub(super) wheels: Files,
}

/// Exactly one of these is set.
#[derive(Deserialize, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) registry: Option<String>,
    pub(super) git: Option<String>,
    pub(super) url: Option<String>,
    /// An archive.
    pub(super) path: Option<String>,
    directory: Option<String>,
    editable: Option<String>,
    #[serde(rename = "virtual")]
    not_a_package: Option<String>,
}

impl Origin {
    pub(super) fn folder(&self) -> Option<&str> {
        self.directory.as_deref().or(self.editable.as_deref()).or(self.not_a_package.as_deref())
    }

    /// The project that the lockfile lies in.
    pub(super) fn is_project(&self) -> bool {
        self.folder() == Some(".")
    }
}

/// Version and source are there only where the name alone would be ambiguous.
#[derive(Deserialize)]
pub(super) struct Dependency {
    pub(super) name: String,
    version: Option<String>,
    // in a box, since there are many and few have one
    source: Option<Box<Origin>>,
}

impl Dependency {
    pub(super) fn fits(&self, entry: &Entry) -> bool {
        self.version.as_ref().is_none_or(|version| entry.version.as_ref() == Some(version))
            && self.source.as_ref().is_none_or(|source| entry.source == **source)
    }
}
