//! The fields of the OSV schema that are read, and nothing else.

use std::borrow::Cow;

use serde::Deserialize;

use super::loose::DatabaseSpecific;
use pipe_packages::package::Ecosystem;

/// Enough of a record to count it and to know whether it is worth reading whole. Borrows from the JSON, so that
/// reading the thousands that name nothing installed allocates next to nothing.
#[derive(Deserialize)]
pub(crate) struct Summary<'a> {
    #[serde(borrow)]
    pub modified: Option<Text<'a>>,
    #[serde(borrow)]
    pub affected: Option<Vec<Named<'a>>>,
}

#[derive(Deserialize)]
pub(crate) struct Named<'a> {
    #[serde(borrow)]
    pub package: Option<PackageName<'a>>,
}

#[derive(Deserialize)]
pub(crate) struct PackageName<'a> {
    #[serde(borrow)]
    pub ecosystem: Cow<'a, str>,
    #[serde(borrow)]
    pub name: Cow<'a, str>,
}

/// serde borrows a `Cow` only where the attribute stands on it, which it can't inside an `Option`.
#[derive(Deserialize)]
pub(crate) struct Text<'a>(#[serde(borrow)] pub Cow<'a, str>);

#[derive(Deserialize)]
pub(super) struct Record {
    pub(super) id: String,
    pub(super) modified: Option<String>,
    pub(super) published: Option<String>,
    /// When it was withdrawn; any text counts.
    pub(super) withdrawn: Option<String>,
    pub(super) aliases: Option<Vec<String>>,
    pub(super) summary: Option<String>,
    pub(super) details: Option<String>,
    pub(super) severity: Option<Vec<Score>>,
    pub(super) affected: Option<Vec<RawAffected>>,
    pub(super) references: Option<Vec<Reference>>,
    pub(super) database_specific: Option<DatabaseSpecific>,
}

#[derive(Deserialize, Default)]
pub(super) struct RawAffected {
    pub(super) package: Option<RawPackage>,
    pub(super) severity: Option<Vec<Score>>,
    pub(super) ranges: Option<Vec<RawRange>>,
    pub(super) versions: Option<Vec<String>>,
    pub(super) database_specific: Option<DatabaseSpecific>,
}

#[derive(Deserialize)]
pub(super) struct RawPackage {
    pub(super) ecosystem: String,
    pub(super) name: String,
}

#[derive(Deserialize)]
pub(super) struct RawRange {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) events: Option<Vec<RawEvent>>,
}

#[derive(Deserialize)]
pub(super) struct RawEvent {
    pub(super) introduced: Option<String>,
    pub(super) fixed: Option<String>,
    pub(super) last_affected: Option<String>,
    pub(super) limit: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct Score {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) score: String,
}

#[derive(Deserialize)]
pub(super) struct Reference {
    #[serde(rename = "type")]
    pub(super) kind: Option<String>,
    pub(super) url: Option<String>,
}

/// The ecosystem of `Name` or `Name:suffix`; `None` for one that no lockfile reader yields.
pub(crate) fn ecosystem_of(osv_name: &str) -> Option<Ecosystem> {
    let name = osv_name.split_once(':').map_or(osv_name, |(name, _suffix)| name);
    Ecosystem::from_osv_name(name)
}
