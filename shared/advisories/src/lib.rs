//! Advisories in the OSV format (<https://ossf.github.io/osv-schema/>), matched against installed packages.
//!
//! # Where they come from
//!
//! - OSV's published zips, one an ecosystem: [`open`] on a folder of them.
//! - A compact index made of such a folder: [`compile`] writes it, [`open`] reads it.
//! - The OSV API: [`lookup_api`] through a [`Transport`] that the caller provides.
//!
//! All three reduce a record to the same entry and ask the same matcher, so the source never changes the answer. A test
//! compares zips and index over generated databases.
//!
//! # What a look-up does
//!
//! A caller asks about names and versions ([`Query`]) and gets, for each, the advisories that affect it ([`Advisory`]),
//! worst first. Records about the same vulnerability, connected by their aliases, become one advisory with all ids, the
//! worst severity, and the versions that none of the records calls affected. Withdrawn records count for nothing.
//!
//! Severity comes from the CVSS vectors of a record, else from the rating its database gives. A record with neither is
//! unscored, which is not the same as harmless. A package that any record calls malicious, in whichever way its
//! database says so, is [`Advisory::malicious`] and critical.
//!
//! [`Coverage`] says which ecosystems the source can answer for, and how old it is. An empty answer for an ecosystem
//! that the source does not cover means that it was not checked, and a caller has to report that.
//!
//! # What holds everywhere
//!
//! - Records are foreign input. Sizes, counts and nesting are bounded, archives are read without trusting their
//!   directory, and a record that can't be understood is an error that names it.
//! - Memory stays small for any database: zips are streamed, and an index is searched in place.
//! - Only names and versions of the queries are sent to the API.

#![deny(missing_docs)]

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
mod queries;
mod range;
mod rating;
mod record;
mod text;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use pipe_core::severity::Severity;
use pipe_packages::package::Ecosystem;

pub use api::{Transport, lookup_api};
pub use database::{compile, open};

/// The largest advisory read, in bytes.
const MAX_RECORD: usize = 16 << 20;

/// One installed package. PyPI names are normalised here; all others are compared as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Query<'a> {
    /// Whose advisories are asked.
    pub ecosystem: Ecosystem,
    /// As the registry spells it.
    pub name: &'a str,
    /// As the lockfile has it, Go's with or without `v`.
    pub version: &'a str,
}

/// One vulnerability of one installed package: every record about it, merged.
#[derive(Debug, Clone, PartialEq)]
pub struct Advisory {
    /// The first of GHSA, CVE, RUSTSEC, GO, PYSEC, others; may be an alias without a record.
    pub id: String,
    /// Every id and alias, `id` first.
    pub ids: Vec<String>,
    /// The id of one of the merged records that later ones do not displace: of the one published first. Unlike `id`,
    /// which a new alias can replace, it is made to be remembered.
    pub anchor: String,
    /// The package does harm on purpose, by what any of the merged records says. No score weakens that: `severity` is
    /// critical.
    pub malicious: bool,
    /// One line of at most 200 characters without control characters; empty where the records say nothing.
    pub summary: String,
    /// The worst among the merged records; `None` is unscored.
    pub severity: Option<Severity>,
    /// The CVSS base score that `severity` comes from, where it comes from one.
    pub score: Option<f32>,
    /// The CVSS vector that `score` was computed from.
    pub vector: Option<String>,
    /// For people: `CVSS v3.1 9.8, GHSA-...`, `database, GHSA-...`; empty when unscored.
    pub severity_source: String,
    /// `unmaintained`, `unsound` or `notice`, where every merged record calls itself informational.
    pub informational: Option<String>,
    /// Versions above the installed one that none of the merged records calls affected, smallest first.
    pub fixed: Vec<String>,
    /// The page that describes it; empty if no record has one.
    pub url: String,
    /// When the first of the merged records that says so was published, RFC 3339.
    pub published: Option<String>,
    /// When the first of the merged records that says so was changed, RFC 3339.
    pub modified: Option<String>,
    /// `CWE-79`, sorted.
    pub cwes: Vec<String>,
}

/// What a source can answer for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Coverage {
    /// OSV names of those that this build can match; a package of any other one was not looked up.
    pub ecosystems: BTreeSet<String>,
    /// The newest of all records, those of ecosystems that are not covered included, RFC 3339: how old the source is.
    /// Of the API, the newest among those it returned.
    pub date: Option<String>,
    /// The newest record of each covered ecosystem: one date for all would hide that one of them is stale.
    pub dates: BTreeMap<String, String>,
    /// How many records were read, withdrawn ones and copies included.
    pub records: u64,
    /// What the source is: `OSV zips`, `OSV index`, `OSV API`.
    pub description: String,
}

impl Coverage {
    /// Whether an empty answer for a package of this ecosystem means "no advisory".
    pub fn covers(&self, ecosystem: Ecosystem) -> bool {
        self.ecosystems.contains(ecosystem.osv_name())
    }
}

/// The most advisories that one look-up gives.
pub const MAX_ADVISORIES: usize = 30_000;

/// The advisories of each query, in the order of the queries; worst first within one.
#[derive(Debug, Clone, PartialEq)]
pub struct Lookup {
    /// What the source can answer for.
    pub coverage: Coverage,
    /// One list a query.
    pub results: Vec<Vec<Advisory>>,
    /// There are not more than [`MAX_ADVISORIES`]. Otherwise an empty list may be one that had no room.
    pub is_whole: bool,
}

/// Why a source of advisories can't be read, compiled or asked.
#[derive(Debug, thiserror::Error)]
pub enum OsvError {
    /// The caller cancelled.
    #[error("look-up cancelled")]
    Cancelled,
    /// A file or folder of the database can't be read.
    #[error("read {path}")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The index, or a temporary file beside it, can't be written.
    #[error("write {path}")]
    Write {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database is not what it should be: which file (and record), and why.
    #[error("{place}: {problem}")]
    Unusable {
        /// The file, and the record in it.
        place: String,
        /// A fragment.
        problem: String,
    },
}

impl OsvError {
    fn unusable(place: impl std::fmt::Display, problem: impl std::fmt::Display) -> OsvError {
        OsvError::Unusable { place: place.to_string(), problem: problem.to_string() }
    }
}
