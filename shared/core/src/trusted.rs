//! Files of the repository that decide what a run lets pass, in the version that a pull request can't have changed.
//!
//! On a pull request they come from the merge base with the target branch; where its objects are not in the checkout,
//! from the platform's API at the target commit, if there is a token for it; else they do not apply.

mod api;

use std::path::{Component, Path};

use crate::advice::with_advice;
use crate::context::Context;
use crate::env::MAX_FILE;
use crate::fs::{Links, if_present, read_text};
use crate::platform::{self, Base, SAY_WHETHER};
use crate::workspace::Workspace;

/// A policy file as it may be trusted.
#[derive(Debug, PartialEq, Eq)]
pub enum Trusted {
    /// Its content.
    Text {
        /// The whole file.
        text: String,
        /// Where it was read, for a sentence: `the target branch (4f2c1aa)`.
        from: String,
        /// The pull request has another version of it.
        changed: bool,
    },
    /// The version to trust has no such file.
    Absent {
        /// Where it was looked for.
        from: String,
        /// The pull request brings one.
        added: bool,
    },
    /// The version to trust is unavailable. `why` says what to change.
    Unavailable {
        /// What happened and what to change, as sentences.
        why: String,
        /// The working tree has such a file, so a user expects it to apply.
        wanted: bool,
    },
    /// It is there and can't be read.
    Broken(String),
}

/// Reads such files for one run.
pub struct TrustedFiles<'a> {
    ctx: &'a Context,
    base: Base,
}

impl<'a> TrustedFiles<'a> {
    /// Finds the base of the pull request, if it is one.
    pub fn new(ctx: &'a Context) -> TrustedFiles<'a> {
        let base = match &ctx.checkout {
            Some(checkout) => platform::base_commit(&ctx.ci, checkout),
            None => platform::base_without_checkout(&ctx.ci),
        };
        TrustedFiles { ctx, base }
    }

    /// As [`TrustedFiles::new`] for a push: the working tree's own files.
    pub fn of_a_push(ctx: &'a Context) -> TrustedFiles<'a> {
        TrustedFiles { ctx, base: Base::NotAPullRequest }
    }

    /// Whether the working tree's own policy files do not count: the run is for a proposed change, or it could be.
    pub fn distrusts_the_tree(&self) -> bool {
        !matches!(self.base, Base::NotAPullRequest)
    }

    /// Whether nothing says that the run is for a proposed change, or that it is not.
    pub fn is_unknown(&self) -> bool {
        self.base == Base::Unknown
    }

    /// The file at `path` (absolute). One outside of the checkout is the pipeline's own and read as it is.
    pub async fn read(&self, path: &Path) -> Trusted {
        let here = self.working_tree(path);
        let inside = path.strip_prefix(&self.ctx.workspace.root).ok().filter(|relative| {
            relative.components().all(|part| matches!(part, Component::Normal(_) | Component::CurDir))
        });
        let Some(relative) = inside.filter(|_| self.distrusts_the_tree()) else {
            return match here {
                Ok(Some(text)) => Trusted::Text { text, from: "the working tree".to_owned(), changed: false },
                Ok(None) => Trusted::Absent { from: "the working tree".to_owned(), added: false },
                Err(why) => Trusted::Broken(why),
            };
        };
        let here = here.unwrap_or_default();
        match self.base_version(relative).await {
            Ok(Some(bytes)) => match String::from_utf8(bytes) {
                Ok(text) => Trusted::Text { changed: here.as_deref() != Some(&text), text, from: self.from() },
                Err(_) => Trusted::Broken(format!("not UTF-8 text in {}", self.from())),
            },
            Ok(None) => Trusted::Absent { from: self.from(), added: here.is_some() },
            Err(why) => Trusted::Unavailable { why, wanted: here.is_some() },
        }
    }

    /// The version of a file, given relative to the repository's root, that the pull request started from; `None`
    /// where there was none.
    ///
    /// # Errors
    /// It is unavailable. The text says what to change in the pipeline.
    pub async fn base_version(&self, relative: &Path) -> Result<Option<Vec<u8>>, String> {
        let parts = relative.components().filter(|part| matches!(part, Component::Normal(_)));
        let path = parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
        match (&self.base, &self.ctx.checkout) {
            (Base::Commit(commit), Some(checkout)) => {
                let advice = "Fetch the whole history of the target branch";
                let read = checkout.read_at(commit, &path, MAX_POLICY);
                read.map_err(|error| with_advice(format!("{error:#}"), advice))
            }
            (Base::Absent { target_commit, hint }, _) => {
                match api::read(self.ctx, target_commit.as_deref(), &path).await {
                    Some(Ok(bytes)) => Ok(bytes),
                    Some(Err(error)) => Err(format!("failed to read the target branch: {error}. {hint}")),
                    None => Err(format!("the target branch is not in this checkout. {hint}")),
                }
            }
            (Base::Unknown, _) => Err(format!("nothing says whether this run is for a pull request. {SAY_WHETHER}")),
            (Base::Commit(_), None) | (Base::NotAPullRequest, _) => Ok(None),
        }
    }

    fn from(&self) -> String {
        let short = |commit: &str| commit.chars().take(7).collect::<String>();
        match &self.base {
            Base::Commit(commit) => format!("the target branch ({})", short(commit)),
            Base::Absent { target_commit: Some(commit), .. } => format!("the target branch ({})", short(commit)),
            _ => "the target branch".to_owned(),
        }
    }

    fn working_tree(&self, path: &Path) -> Result<Option<String>, String> {
        let root = &self.ctx.workspace.root;
        // One that the pipeline names may lie anywhere. One of the repository stays in it, whatever links it has.
        let path = match path.strip_prefix(root) {
            Ok(relative) => Workspace::inside(root, root, relative)?,
            Err(_) => path.to_owned(),
        };
        if_present(read_text(&path, MAX_POLICY, Links::Follow)).map_err(|error| error.to_string())
    }
}

/// A baseline of a large repository has its size; bytes.
const MAX_POLICY: u64 = 16 * MAX_FILE;
