//! What an attestation is made of.

use std::path::Path;

use pipe_core::Context;
use pipe_core::fs::{Links, read_text};
use pipe_oci::Digest;
use serde_json::value::RawValue;

use crate::claims::Claims;

/// The largest document that is attested.
const MAX_DOCUMENT: u64 = 64 * 1024 * 1024;

/// A kind of attestation that is to be made.
pub(crate) trait Attestation: Send + Sync {
    /// `SBOM`
    fn name(&self) -> &'static str;

    /// What it will contain, for the plan: `SBOM from sbom.json`.
    fn plan(&self) -> String;

    /// Bytes of the largest document in it.
    fn size(&self) -> u64;

    /// The predicates for an image. Documents are read here, since they may be large.
    ///
    /// # Errors
    /// Why nothing is attested.
    fn predicates(&self, about: &About<'_>) -> Result<Vec<Predicate>, NotAttested>;
}

/// What a predicate is about.
pub(crate) struct About<'a> {
    pub(crate) ctx: &'a Context,
    pub(crate) digest: &'a Digest,
    /// What the job's token says of this run, if there is one.
    pub(crate) claims: Option<&'a Claims>,
    /// RFC 3339.
    pub(crate) started_at: &'a str,
}

/// One predicate, with its text unchanged.
pub(crate) struct Predicate {
    pub(crate) predicate_type: String,
    pub(crate) predicate: Box<RawValue>,
}

/// Why there is no predicate. Each text is a fragment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotAttested {
    /// It does not belong to this run, and was not requested.
    Skipped(String),
    /// It was requested, and says something else than the run.
    Contradicts(String),
    /// It can't be read.
    Unable(String),
}

/// A JSON document with its text unchanged.
///
/// # Errors
/// Why it can't be used, as a fragment that stands after its name.
pub(super) fn read_json(path: &Path) -> Result<Box<RawValue>, String> {
    let text = read_text(path, MAX_DOCUMENT, Links::Follow).map_err(|error| format!("can't be read: {error}"))?;
    let text = text.trim_start_matches('\u{feff}').to_owned();
    RawValue::from_string(text).map_err(|error| format!("is not valid JSON: {error}"))
}

/// Bytes of a file; 0 if it does not exist.
pub(super) fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

/// Relative to the working directory, if it is in there.
pub(super) fn name_of(path: &Path, ctx: &Context) -> String {
    path.strip_prefix(&ctx.workspace.dir).unwrap_or(path).to_string_lossy().into_owned()
}
