//! What an attestation is made of.

use std::path::Path;

use pipe_core::Context;
use pipe_oci::Digest;
use serde::Serialize;

use crate::claims::Claims;

/// A kind of attestation that is to be made.
pub(crate) trait Attestation: Send + Sync {
    /// `SBOM`
    fn name(&self) -> &'static str;

    /// What it will contain, for the plan: `SBOM from sbom.json`.
    fn plan(&self) -> String;

    /// Bytes of the document in it.
    fn size(&self) -> u64;

    /// Why the attestation is worth little, for the verdict: `sbom.json lists no components`.
    fn warning(&self) -> Option<String> {
        None
    }

    /// The predicate for an image. A document is read here, since it may be large.
    ///
    /// # Errors
    /// Why nothing is attested.
    fn predicate(&self, about: &About<'_>) -> Result<Predicate, NotAttested>;
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

/// One predicate.
pub(crate) struct Predicate {
    pub(crate) predicate_type: String,
    /// Valid JSON, byte for byte what is attested.
    pub(crate) json: String,
    /// The digest of the JSON.
    pub(crate) digest: Digest,
}

impl Predicate {
    /// # Errors
    /// Serialization failed.
    pub(super) fn new(predicate_type: &str, value: &impl Serialize) -> Result<Predicate, NotAttested> {
        let json = serde_json::to_string(value).map_err(|error| NotAttested::Unable(error.to_string()))?;
        let digest = Digest::of(json.as_bytes());
        Ok(Predicate { predicate_type: predicate_type.to_owned(), json, digest })
    }
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

/// Relative to the working directory, if it is in there.
pub(super) fn name_of(path: &Path, ctx: &Context) -> String {
    path.strip_prefix(&ctx.workspace.dir).unwrap_or(path).to_string_lossy().into_owned()
}
