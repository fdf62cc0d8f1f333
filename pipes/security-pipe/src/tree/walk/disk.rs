//! The way through the folders, by Git's ignore rules.

use std::ffi::OsString;
use std::fs::FileType;
use std::path::{Path, PathBuf};

use pipe_core::fs::{self, Links, ReadError};
use pipe_core::git::Checkout;

use super::super::content::is_pseudo;
use super::super::reports::GITIGNORE;
use super::super::rules::Rules;
use super::Walk;
use crate::ledger::Reason;

/// The largest ignore file, in bytes. Those that people write have some hundred lines.
const MAX_IGNORE_FILE: u64 = 1024 * 1024;

/// A folder on the way down.
struct Folder {
    path: PathBuf,
    /// What the walk has yet to look at; the last one is next.
    rest: Vec<(OsString, FileType)>,
    /// Of its ignore file. Where a repository begins, those that count in all of it come first.
    rules: Vec<Rules>,
    /// Whether the rules of folders above this one don't count here.
    begins: bool,
}

impl Walk<'_> {
    /// What is on the disk.
    pub(super) fn disk(&mut self, checkout: Option<&Checkout>, cancelled: &dyn Fn() -> bool) {
        let dir = self.workspace.dir.clone();
        let mut above = Vec::new();
        if let Some(checkout) = checkout {
            let root = checkout.root();
            self.rules(&mut above, root, checkout.exclude_file());
            // Ignore files above the repository, or above a tree without one, do not belong to it.
            let inside = dir.strip_prefix(root).map(Path::components).into_iter().flatten();
            let mut folder = root.to_owned();
            for part in inside {
                self.rules(&mut above, &folder, Some(folder.join(GITIGNORE)));
                folder.push(part);
            }
        }
        let mut folders: Vec<Folder> = Vec::new();
        folders.extend(self.folder(dir, checkout.map(|_| above)));
        while let Some(folder) = folders.last_mut() {
            if cancelled() {
                return;
            }
            let Some((name, kind)) = folder.rest.pop() else {
                let rules = folders.pop().map(|folder| folder.rules).unwrap_or_default();
                self.budget += rules.iter().map(Rules::size).sum::<usize>();
                continue;
            };
            let path = folder.path.join(name);
            let is_folder = kind.is_dir();
            // The rules of the innermost folder come first.
            let since = folders.iter().rposition(|folder| folder.begins).unwrap_or(0);
            let rules = folders.iter().skip(since).flat_map(|folder| &folder.rules).rev();
            let ignored = rules.filter_map(|rules| rules.verdict(&path, is_folder)).next().unwrap_or(false);
            if ignored || (is_folder && is_pseudo(&path)) {
                self.not_met(&path);
            } else if is_folder {
                let ruled = folders.iter().any(|folder| folder.begins);
                folders.extend(self.folder(path, ruled.then(Vec::new)));
            } else if kind.is_file() {
                let size = path.symlink_metadata().map(|meta| meta.len());
                self.file(path, size);
            } else {
                self.no_file(path, kind);
            }
        }
    }

    /// Lists a folder. `rules` are those that are known already of the repository that begins here; `None` outside of one.
    fn folder(&mut self, path: PathBuf, rules: Option<Vec<Rules>>) -> Option<Folder> {
        let children = std::fs::read_dir(&path).and_then(|children| {
            children.map(|child| child.and_then(|child| Ok((child.file_name(), child.file_type()?)))).collect()
        });
        let mut rest: Vec<(OsString, FileType)> = match children {
            Ok(rest) => rest,
            Err(error) => {
                self.unreadable(&path, &error);
                return None;
            }
        };
        let mut begins = path == self.workspace.dir && rules.is_some();
        let mut ruled = rules.is_some();
        let mut rules = rules.unwrap_or_default();
        if !begins
            && rest.iter().any(|(name, _)| name == ".git")
            && let Some(inner) = Checkout::discover(&path).filter(|inner| inner.root() == path && inner.check().is_ok())
        {
            // Another repository, whose own rules count from here on.
            (begins, ruled) = (true, true);
            rules.clear();
            self.rules(&mut rules, &path, inner.exclude_file());
            if self.repositories.insert(path.clone()) && self.index(&inner, &path, 1).is_err() {
                self.leave_out(Reason::Unreadable, &path, "the index of this repository can't be read");
            }
        }
        if ruled && rest.iter().any(|(name, _)| name == GITIGNORE) {
            self.rules(&mut rules, &path, Some(path.join(GITIGNORE)));
        }
        rest.retain(|(name, _)| name != ".git");
        rest.sort_unstable_by(|a, b| b.0.cmp(&a.0));
        Some(Folder { path, rest, rules, begins })
    }

    /// Adds the rules of an ignore file. As in Git, one that is a link, or not a file at all, has none.
    fn rules(&mut self, known: &mut Vec<Rules>, base: &Path, file: Option<PathBuf>) {
        let Some(file) = file else { return };
        let parsed = match fs::read_bounded(&file, MAX_IGNORE_FILE, Links::Refuse) {
            Ok(text) => Rules::parse(base, &text, self.budget).ok(),
            Err(ReadError::TooLarge(_)) => None,
            // Without its rules, more is scanned.
            Err(_) => return,
        };
        match parsed {
            Some(rules) => {
                self.budget = self.budget.saturating_sub(rules.size());
                known.push(rules);
            }
            None => {
                let why =
                    "has more ignore rules than are read: 1 MB in a file, 16,000 with wildcards together. Shorten it";
                self.leave_out(Reason::TooLarge, &file, why);
            }
        }
    }
}
