//! Whether a file of the baseline is gone. One that is absent may only not be checked out.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use pipe_core::git::{Checkout, TrackedKind};

/// The paths of a repository, relative to its root.
pub(super) struct Paths<'a> {
    root: &'a Path,
    checkout: Option<&'a Checkout>,
    /// Read for the first path that is absent.
    elsewhere: OnceCell<Elsewhere>,
}

/// What Git tracks and the working tree need not hold.
enum Elsewhere {
    /// Files that a sparse checkout leaves out, and submodules.
    Known { files: HashSet<PathBuf>, submodules: Vec<PathBuf> },
    /// The index can't be read.
    Unknown,
}

impl<'a> Paths<'a> {
    pub(super) fn of(root: &'a Path, checkout: Option<&'a Checkout>) -> Paths<'a> {
        Paths { root, checkout, elsewhere: OnceCell::new() }
    }

    /// Whether nothing lies at a path any more, here or among what Git tracks. What can't be looked at may still be
    /// there.
    pub(super) fn is_gone(&self, path: &str) -> bool {
        let path = Path::new(path);
        let is_plain = path.components().all(|part| matches!(part, Component::Normal(_)));
        let is_absent = || {
            let looked_at = self.root.join(path).symlink_metadata();
            looked_at.is_err_and(|error| error.kind() == ErrorKind::NotFound)
        };
        is_plain && is_absent() && !self.elsewhere.get_or_init(|| Elsewhere::of(self.checkout)).may_hold(path)
    }
}

impl Elsewhere {
    fn of(checkout: Option<&Checkout>) -> Elsewhere {
        let tracked = match checkout.map(Checkout::tracked) {
            None => Vec::new(),
            Some(Ok(tracked)) => tracked,
            Some(Err(_)) => return Elsewhere::Unknown,
        };
        let (submodules, files): (Vec<_>, Vec<_>) =
            tracked.into_iter().partition(|entry| entry.kind == TrackedKind::Submodule);
        let left_out = files.into_iter().filter(|entry| entry.unchecked).map(|entry| entry.path);
        let submodules = submodules.into_iter().map(|entry| entry.path).collect();
        Elsewhere::Known { files: left_out.collect(), submodules }
    }

    fn may_hold(&self, path: &Path) -> bool {
        match self {
            Elsewhere::Known { files, submodules } => {
                files.contains(path) || submodules.iter().any(|submodule| path.starts_with(submodule))
            }
            Elsewhere::Unknown => true,
        }
    }
}
