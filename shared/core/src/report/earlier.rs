//! Reports that other pipes left in the same run, for the pipes after them.
//!
//! A report says what a gate found, so one that is not of this run must not speak for it: a file that Git tracks, or that
//! names another run, commit or tree, is refused.

use std::path::Path;

use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::schema::SCHEMA_VERSION;
use crate::context::Context;
use crate::fs::{Links, if_present, read_bounded};

/// Bytes of a report that are read.
const MAX_REPORT: u64 = 32 * 1024 * 1024;

/// What every pipe's report has in common, as written by [`super::Recorder`].
#[derive(Debug, Clone, Deserialize)]
pub struct Earlier {
    schema_version: String,
    pipe: Named,
    /// The word for how it ended: `passed`, `failed`, `error`...
    pub verdict: String,
    /// Why, as a fragment.
    pub reason: String,
    /// `None` where the run did not come to its end.
    pub exit_code: Option<u8>,
    run_id: Option<String>,
    /// `tree:<commit>` or `image:<digest>`.
    pub subject: Option<String>,
    /// RFC 3339.
    pub started_at: String,
    /// How long the run took, in milliseconds.
    pub duration_ms: u64,
    context: Source,
    #[serde(skip)]
    bytes: Vec<u8>,
}

#[derive(Debug, Clone, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Clone, Deserialize)]
struct Source {
    commit: Option<String>,
}

impl Earlier {
    /// Reads the report at `path`, which is absolute. `None` if it does not exist.
    ///
    /// # Errors
    /// It can't be read or understood, or it is not of this run; the text is a fragment that says why.
    pub fn read(path: &Path, ctx: &Context) -> Result<Option<Earlier>, String> {
        let read = if_present(read_bounded(path, MAX_REPORT, Links::Follow));
        let Some(bytes) = read.map_err(|error| format!("failed to read it: {error}"))? else { return Ok(None) };
        let report: Earlier = serde_json::from_slice(&bytes).map_err(|error| format!("not a report: {error}"))?;
        report.check(ctx)?;
        if tracked(path, ctx) {
            return Err("is tracked by Git, so it is not from this run. Remove it from the repository".to_owned());
        }
        Ok(Some(Earlier { bytes, ..report }))
    }

    /// The pipe that wrote it.
    pub fn pipe(&self) -> &str {
        &self.pipe.name
    }

    /// The sections that belong to the pipe, as a struct with the fields that are wanted.
    ///
    /// # Errors
    /// They are not there or have another shape.
    pub fn sections<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        serde_json::from_slice(&self.bytes)
    }

    fn check(&self, ctx: &Context) -> Result<(), String> {
        let major = |version: &str| version.split('.').next().map(str::to_owned);
        if major(&self.schema_version) != major(SCHEMA_VERSION) {
            return Err(format!("has schema version {}, but {SCHEMA_VERSION} is supported", self.schema_version));
        }
        let ci = &ctx.ci;
        if ci.run_id.is_some() && self.run_id != ci.run_id {
            return Err(differs("run", self.run_id.as_deref(), ci.run_id.as_deref()));
        }
        if ci.commit.is_some() && self.context.commit != ci.commit {
            return Err(differs("commit", self.context.commit.as_deref(), ci.commit.as_deref()));
        }
        let tree = self.subject.as_deref().and_then(|subject| subject.strip_prefix("tree:"));
        match tree {
            Some(commit) if ci.commit.as_deref().is_some_and(|ours| ours != commit) => {
                Err(differs("tree", Some(commit), ci.commit.as_deref()))
            }
            _ => Ok(()),
        }
    }
}

fn differs(what: &str, theirs: Option<&str>, ours: Option<&str>) -> String {
    format!("is from another {what}: {} instead of {}", theirs.unwrap_or("none"), ours.unwrap_or("none"))
}

/// Whether Git tracks the file. True if that cannot be determined.
fn tracked(path: &Path, ctx: &Context) -> bool {
    let Some(checkout) = &ctx.checkout else { return false };
    let Ok(path) = path.canonicalize() else { return true };
    let Ok(relative) = path.strip_prefix(checkout.root()) else { return false };
    checkout.tracked().map_or(true, |tracked| tracked.iter().any(|known| known.path == relative))
}
