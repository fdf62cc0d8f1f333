//! Which folders of a project a lockfile is for.

use std::collections::BTreeSet;

use super::Parsed;
use super::paths::join;
use crate::package::Source;

/// The parts of the project that a lockfile names. A manifest below the lockfile's folder that is not one of them has
/// dependencies that the lockfile doesn't know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Members {
    /// Relative to the lockfile's folder, without `.` and `..`.
    folders: BTreeSet<String>,
    /// Of a format that gives no folders.
    names: BTreeSet<String>,
}

impl Members {
    pub(super) fn add_folder(&mut self, path: &str) {
        self.folders.extend(join("", path).filter(|folder| !folder.is_empty()));
    }

    pub(super) fn add_name(&mut self, name: &str) {
        self.names.insert(name.to_owned());
    }

    /// Whether the manifest in `folder` (relative to the lockfile's, with `/`) is that of a member. `name` is what the
    /// manifest calls its package.
    pub fn include(&self, folder: &str, name: Option<&str>) -> bool {
        self.folders.contains(folder) || name.is_some_and(|name| self.names.contains(name))
    }
}

impl Parsed {
    /// Takes the members, with those that are packages of a path.
    pub fn take_members(&mut self) -> Members {
        let mut members = std::mem::take(&mut self.members);
        for package in &self.packages {
            if let Source::Path(path) = &package.source {
                members.add_folder(path);
            }
        }
        members
    }
}
