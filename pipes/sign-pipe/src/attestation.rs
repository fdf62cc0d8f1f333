//! What is attested besides the signature. A kind is a file below and one line here.

mod custom;
mod provenance;
mod sbom;
mod scan;

use std::path::Path;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::Var;
use pipe_oci::Digest;
use serde_json::value::RawValue;

use crate::identity::Claims;

pub(crate) use provenance::ATTEST_PROVENANCE;
pub(crate) use sbom::{ATTEST_SBOM, SBOM_FILE};
pub(crate) use scan::{ATTEST_SCAN, SCAN_FILE, SCAN_TARGET};

pub(crate) const VARS: &[&Var] = &[
    &ATTEST_SBOM,
    &SBOM_FILE,
    &ATTEST_PROVENANCE,
    &ATTEST_SCAN,
    &SCAN_FILE,
    &SCAN_TARGET,
    &custom::PREDICATE_FILE,
    &custom::PREDICATE_TYPE,
];

/// The largest document that is attested.
const MAX_DOCUMENT: u64 = 64 * 1024 * 1024;

/// A kind of attestation that is to be made.
pub(crate) trait Attestation: Send + Sync {
    /// `sbom`
    fn name(&self) -> &'static str;

    /// What it will say, for the plan.
    fn plan(&self) -> String;

    /// The predicates for an image, by predicate type. Read when they are needed, as they may be large.
    ///
    /// # Errors
    /// Why there is none.
    fn predicates(&self, about: &About<'_>) -> Result<Vec<Predicate>, Lacking>;
}

/// What a predicate is about.
pub(crate) struct About<'a> {
    pub(crate) ctx: &'a Context,
    pub(crate) digest: &'a Digest,
    /// What the token says of this run, where one was used.
    pub(crate) claims: Option<&'a Claims>,
    /// RFC 3339.
    pub(crate) started_at: &'a str,
}

/// One predicate; its text is kept as it was.
pub(crate) struct Predicate {
    pub(crate) predicate_type: String,
    pub(crate) predicate: Box<RawValue>,
}

/// Why there is no predicate.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Lacking {
    /// Nobody asked for it by name.
    Skipped(String),
    /// What was asked for says something else than the run.
    Contradicts(String),
    /// It can't be read.
    Unable(String),
}

type FromVars = fn(&mut Vars, &Context) -> Option<Box<dyn Attestation>>;

const KINDS: &[FromVars] = &[sbom::from_vars, provenance::from_vars, scan::from_vars, custom::from_vars];

/// The attestations that the variables ask for.
pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> Vec<Box<dyn Attestation>> {
    KINDS.iter().filter_map(|from_vars| from_vars(vars, ctx)).collect()
}

/// A JSON document as it is.
fn read_json(path: &Path) -> Result<Box<RawValue>, String> {
    use std::io::Read;
    let file = std::fs::File::open(path).map_err(|error| format!("can't be read: {error}"))?;
    let mut text = String::new();
    let read = file.take(MAX_DOCUMENT + 1).read_to_string(&mut text);
    read.map_err(|error| format!("can't be read: {error}"))?;
    if text.len() as u64 > MAX_DOCUMENT {
        return Err(format!("is larger than {} MiB", MAX_DOCUMENT >> 20));
    }
    let text = text.trim_start_matches('\u{feff}').to_owned();
    RawValue::from_string(text).map_err(|error| format!("is no JSON: {error}"))
}
