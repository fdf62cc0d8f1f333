//! The parts of a `Cargo.lock` that are read.

use std::collections::HashMap;

use serde::Deserialize;
use toml::Spanned;

use super::super::toml_file::lockfile;

#[derive(Deserialize)]
pub(super) struct Lock {
    /// Absent in versions 1 and 2.
    pub(super) version: Option<i64>,
    #[serde(default)]
    pub(super) package: Vec<Entry>,
    /// The project itself, in files of before 2017.
    pub(super) root: Option<Entry>,
    /// Checksums of version 1.
    #[serde(default)]
    pub(super) metadata: HashMap<String, String>,
}

lockfile!(Lock of Entry);

#[derive(Deserialize)]
pub(super) struct Entry {
    pub(super) name: Spanned<String>,
    pub(super) version: String,
    /// Absent for members of the workspace and path dependencies.
    pub(super) source: Option<String>,
    pub(super) checksum: Option<String>,
    #[serde(default)]
    pub(super) dependencies: Vec<String>,
}
