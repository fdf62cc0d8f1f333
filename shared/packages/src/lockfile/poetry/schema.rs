//! The parts of a `poetry.lock` that are read.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::super::files::File;
use super::super::toml_file::lockfile;

#[derive(Deserialize)]
pub(super) struct Lock {
    #[serde(default)]
    pub(super) package: Vec<Entry>,
    pub(super) metadata: Option<Metadata>,
}

lockfile!(Lock of Entry);

#[derive(Deserialize)]
pub(super) struct Entry {
    pub(super) name: Spanned<String>,
    pub(super) version: String,
    /// Installed only if an extra asks for it.
    #[serde(default)]
    pub(super) optional: bool,
    /// Until lock version 2.0 of Poetry 1.4.
    pub(super) category: Option<String>,
    /// Since lock version 2.1.
    pub(super) groups: Option<Vec<String>>,
    #[serde(default)]
    pub(super) files: Vec<File>,
    #[serde(default)]
    pub(super) dependencies: BTreeMap<String, Dependency>,
    #[serde(default)]
    pub(super) extras: BTreeMap<String, Vec<String>>,
    pub(super) source: Option<Origin>,
}

/// A version alone, one table, or a table for each environment.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Dependency {
    Version(#[expect(dead_code, reason = "only its form matters")] String),
    Table(Details),
    Many(Vec<Dependency>),
}

#[derive(Deserialize)]
pub(super) struct Details {
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    extras: Vec<String>,
}

impl Dependency {
    /// Whether it is there without an extra.
    pub(super) fn required(&self) -> bool {
        match self {
            Dependency::Version(_) => true,
            Dependency::Table(details) => !details.optional,
            Dependency::Many(many) => many.iter().any(Dependency::required),
        }
    }

    pub(super) fn extras(&self) -> Vec<&str> {
        match self {
            Dependency::Version(_) => Vec::new(),
            Dependency::Table(details) => details.extras.iter().map(String::as_str).collect(),
            Dependency::Many(many) => many.iter().flat_map(Dependency::extras).collect(),
        }
    }
}

#[derive(Deserialize)]
pub(super) struct Origin {
    /// `legacy` is a package index; else `git`, `url`, `file`, `directory`.
    #[serde(rename = "type", default)]
    pub(super) kind: String,
    #[serde(default)]
    pub(super) url: String,
    pub(super) reference: Option<String>,
    pub(super) resolved_reference: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Metadata {
    pub(super) lock_version: Option<String>,
    #[serde(default)]
    pub(super) files: BTreeMap<String, Vec<File>>,
    #[serde(default)]
    pub(super) hashes: BTreeMap<String, Vec<String>>,
}
