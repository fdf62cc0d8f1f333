//! Advisories in the OSV format (<https://ossf.github.io/osv-schema/>): from published zips, from a compact index made
//! of them, or from the OSV API. All three reduce a record to the same [`entry::Entry`] and ask the same matcher, so
//! that the source never changes the answer.

mod api;
mod archive;
mod census;
mod database;
mod entry;
#[cfg(test)]
mod fixtures;
mod folder;
mod index;
mod matching;
mod merge;
mod range;
mod rating;
mod record;
mod text;
mod wanted;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::package::Ecosystem;
use crate::severity::Severity;

pub(crate) use api::{Transport, lookup_api};
pub(crate) use database::{compile, open};

/// The largest advisory read, in bytes.
const MAX_RECORD: usize = 16 << 20;

/// One installed package. PyPI names are normalised here; all others are compared as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Query<'a> {
    pub(crate) ecosystem: Ecosystem,
    pub(crate) name: &'a str,
    /// As the lockfile has it, Go's with or without `v`.
    pub(crate) version: &'a str,
}

/// One vulnerability of one installed package: every record about it, merged.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Advisory {
    /// The first of GHSA, CVE, RUSTSEC, GO, PYSEC, others; may be an alias that is no record of its own.
    pub(crate) id: String,
    /// Every id and alias, `id` first.
    pub(crate) ids: Vec<String>,
    /// One line of at most 200 characters without control characters; empty where the records say nothing.
    pub(crate) summary: String,
    /// The worst among the merged records; `None` is unscored.
    pub(crate) severity: Option<Severity>,
    /// The CVSS base score that `severity` comes from, where it comes from one.
    pub(crate) score: Option<f32>,
    pub(crate) vector: Option<String>,
    /// For people: `CVSS v3.1 9.8, GHSA-...`, `database, GHSA-...`; empty when unscored.
    pub(crate) severity_source: String,
    /// `unmaintained`, `unsound` or `notice`, where every merged record calls itself informational.
    pub(crate) informational: Option<String>,
    /// Versions above the installed one that none of the merged records calls affected, smallest first.
    pub(crate) fixed: Vec<String>,
    pub(crate) url: String,
    pub(crate) published: Option<String>,
    pub(crate) modified: Option<String>,
    /// `CWE-79`, sorted.
    pub(crate) cwes: Vec<String>,
}

/// What a source can answer for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Coverage {
    /// OSV names of those that this build can match; a package of any other one was not looked up.
    pub(crate) ecosystems: BTreeSet<String>,
    /// The newest record, RFC 3339; of the API, the newest among those it returned.
    pub(crate) date: Option<String>,
    /// The newest record of each covered ecosystem: one date for all would hide that one of them is stale.
    pub(crate) dates: BTreeMap<String, String>,
    /// How many records were read, withdrawn ones and copies included.
    pub(crate) records: u64,
    /// What the source is: `OSV zips`, `OSV index`, `OSV API`.
    pub(crate) description: String,
}

impl Coverage {
    /// Whether an empty answer for a package of this ecosystem means "no advisory".
    pub(crate) fn covers(&self, ecosystem: Ecosystem) -> bool {
        self.ecosystems.contains(ecosystem.osv_name())
    }
}

/// The advisories of each query, in the order of the queries; worst first within one.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Lookup {
    pub(crate) coverage: Coverage,
    pub(crate) results: Vec<Vec<Advisory>>,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum OsvError {
    #[error("look-up cancelled")]
    Cancelled,
    #[error("read {path}")]
    Read { path: PathBuf, source: std::io::Error },
    #[error("write {path}")]
    Write { path: PathBuf, source: std::io::Error },
    /// The database is not what it should be: which file (and record), and why.
    #[error("{place}: {problem}")]
    Unusable { place: String, problem: String },
}

impl OsvError {
    fn unusable(place: impl std::fmt::Display, problem: impl std::fmt::Display) -> OsvError {
        OsvError::Unusable { place: place.to_string(), problem: problem.to_string() }
    }
}
