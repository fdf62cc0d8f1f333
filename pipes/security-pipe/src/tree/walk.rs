//! The walk: which files there are, where their content is, and what is left out.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsString;
use std::fs::FileType;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use ignore::WalkBuilder;
use pipe_core::git::{Checkout, Tracked, TrackedKind};
use pipe_core::workspace::Workspace;
use pipe_packages::lockfile;

use super::content::{MAX_POINTER, MIN_POINTER, holds_lfs_pointer, is_lfs_pointer, is_pseudo};
use super::reports::Reports;
use super::{Filter, Place, STEP, Tree, Used, plain, reason};
use crate::ledger::{Ledger, Reason};
use crate::source::Entry;

/// Submodules in submodules.
const MAX_NESTED: usize = 16;

impl Tree {
    /// Walks WORKING_DIR: everything that Git tracks, whatever `.gitignore` says and whether or not a sparse checkout has
    /// it, and every untracked file that the repository's own ignore files don't name. `reports` are the files that
    /// this run writes below REPORTS_DIR. Links are followed to lockfiles only: what others point to is either in the
    /// tree or not of it.
    ///
    /// # Errors
    /// The index can't be read.
    pub(crate) fn walk(
        workspace: &Workspace,
        checkout: Option<&Checkout>,
        filter: &Filter,
        reports: &[String],
        ledger: &Ledger,
        cancelled: &dyn Fn() -> bool,
    ) -> anyhow::Result<Tree> {
        let mut walk = Walk {
            workspace,
            filter,
            ledger,
            used: filter.unused(),
            reports: Reports::new(&workspace.reports, reports),
            tracked: BTreeMap::new(),
            files: BTreeMap::new(),
            links: Vec::new(),
            ignored_lockfiles: Vec::new(),
            excluded: false,
        };
        if let Some(checkout) = checkout {
            walk.index(checkout, &workspace.root, 0)?;
        }
        walk.disk(checkout.is_some(), cancelled);
        let objects = checkout.map(Checkout::objects).transpose()?;
        for (path, (tracked, own)) in std::mem::take(&mut walk.tracked) {
            walk.tracked_file(path, tracked, own.then_some(objects.as_ref()).flatten());
        }
        walk.named_files();
        walk.patterns();
        Ok(walk.into_tree(objects))
    }
}

struct Walk<'a> {
    workspace: &'a Workspace,
    filter: &'a Filter,
    ledger: &'a Ledger,
    used: Used,
    reports: Reports,
    /// By absolute path: every entry of the index that the walk over the disk has not met, and whether its content is
    /// among the objects of the checkout itself and not of a submodule.
    tracked: BTreeMap<PathBuf, (Tracked, bool)>,
    /// By absolute path: where the content is, and its size.
    files: BTreeMap<PathBuf, (Place, u64)>,
    /// Paths of links that are called like lockfiles.
    links: Vec<PathBuf>,
    ignored_lockfiles: Vec<String>,
    excluded: bool,
}

/// A folder on the way down, with what the walk has not met in it.
struct Folder {
    path: PathBuf,
    rest: HashSet<OsString>,
}

impl Walk<'_> {
    /// What Git says should be below WORKING_DIR, in the checkout and the submodules that were fetched.
    fn index(&mut self, checkout: &Checkout, root: &Path, nested: usize) -> anyhow::Result<()> {
        for tracked in checkout.tracked()? {
            let path = root.join(&tracked.path);
            let Ok(relative) = path.strip_prefix(&self.workspace.dir) else { continue };
            if tracked.kind != TrackedKind::Submodule {
                self.tracked.insert(path, (tracked, nested == 0));
                continue;
            }
            if !self.filter.admits(relative, &mut self.used) {
                self.excluded(&path);
                continue;
            }
            let fetched = Checkout::discover(&path).filter(|inner| inner.root() == path && nested < MAX_NESTED);
            let read = fetched.is_some_and(|inner| self.index(&inner, &path, nested + 1).is_ok());
            if !read {
                self.leave_out(Reason::Submodule, &path, "this submodule was not fetched");
            }
        }
        Ok(())
    }

    /// What is on the disk.
    fn disk(&mut self, git: bool, cancelled: &dyn Fn() -> bool) {
        let walk = WalkBuilder::new(&self.workspace.dir)
            .hidden(false)
            // Other tools' ignore files say nothing about Git.
            .ignore(false)
            // The user's own settings would make one machine see other files than another.
            .git_global(false)
            // Ignore files above the repository, or above a tree without one, do not belong to it.
            .parents(git)
            .filter_entry(|entry| {
                entry.file_name() != ".git"
                    && !(entry.file_type().is_some_and(|kind| kind.is_dir()) && is_pseudo(entry.path()))
            })
            .build();
        let mut folders: Vec<Folder> = Vec::new();
        for entry in walk {
            if cancelled() {
                return;
            }
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    let (path, why) = describe(&error);
                    match path {
                        Some(path) => self.leave_out(Reason::Unreadable, path, &format!("can't be read: {why}")),
                        None => self.ledger.leave_out(STEP, Reason::Unreadable, "", &why),
                    }
                    continue;
                }
            };
            while folders.len() > entry.depth() {
                self.not_met(folders.pop());
            }
            if let Some(folder) = folders.last_mut() {
                folder.rest.remove(entry.file_name());
            }
            let Some(kind) = entry.file_type() else { continue };
            if kind.is_dir() {
                let names = std::fs::read_dir(entry.path()).into_iter().flatten().flatten();
                let rest = names.map(|child| child.file_name()).collect();
                folders.push(Folder { path: entry.into_path(), rest });
            } else if kind.is_file() {
                let size = entry.path().symlink_metadata().map(|meta| meta.len());
                self.file(entry.into_path(), size);
            } else {
                self.no_file(entry.into_path(), kind);
            }
        }
        while let Some(folder) = folders.pop() {
            self.not_met(Some(folder));
        }
    }

    /// A regular file that Git does not ignore.
    fn file(&mut self, path: PathBuf, size: io::Result<u64>) {
        let tracked = self.tracked.remove(&path).is_some();
        if !self.admits(&path) {
            self.excluded(&path);
        } else if !tracked && self.reports.wrote(&path) {
            self.report(&path);
        } else {
            match size {
                Ok(size) => drop(self.files.insert(path.clone(), (Place::Disk(path), size))),
                Err(error) if error.kind() != io::ErrorKind::NotFound => self.unreadable(&path, &error),
                Err(_) if tracked => self.leave_out(Reason::Deleted, &path, ""),
                // Gone between the listing and now: not part of the tree any more.
                Err(_) => {}
            }
        }
    }

    /// A link, a pipe, a socket or a device.
    fn no_file(&mut self, path: PathBuf, kind: FileType) {
        let tracked = self.tracked.remove(&path);
        if !self.admits(&path) {
            return self.excluded(&path);
        }
        if kind.is_symlink() {
            if is_lockfile(&path) {
                self.links.push(path)
            } else {
                self.leave_out(Reason::Link, &path, "")
            }
            return;
        }
        let special = kind.is_fifo() || kind.is_socket() || kind.is_char_device() || kind.is_block_device();
        if is_lockfile(&path) {
            self.leave_out(Reason::Unreadable, &path, "not a regular file");
        } else if tracked.is_some_and(|(tracked, _)| tracked.kind == TrackedKind::File) {
            self.leave_out(Reason::Deleted, &path, "");
        } else if special {
            self.leave_out(Reason::Special, &path, "");
        }
    }

    /// What is in a folder and the walk did not meet: Git ignores it, or the kernel makes it up.
    fn not_met(&mut self, folder: Option<Folder>) {
        let Some(Folder { path: folder, rest }) = folder else { return };
        let rest: BTreeSet<OsString> = rest.into_iter().collect();
        for name in rest.into_iter().filter(|name| name != ".git") {
            let path = folder.join(name);
            let meta = match path.symlink_metadata() {
                Ok(meta) => meta,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => {
                    self.unreadable(&path, &error);
                    continue;
                }
            };
            if self.tracked.contains_key(&path) {
                continue;
            }
            if self.reports.wrote(&path) {
                self.report(&path);
                continue;
            }
            if meta.is_file() && self.reports.is_one(&folder) {
                // Ignored by the file that a pipe put there, which speaks of reports only.
                self.file(path, Ok(meta.len()));
                continue;
            }
            if meta.is_dir() && is_pseudo(&path) {
                self.leave_out(Reason::Special, &path, "");
                continue;
            }
            if !self.admits(&path) {
                self.excluded(&path);
                continue;
            }
            self.leave_out(Reason::Ignored, &path, "");
            if meta.is_file() && is_lockfile(&path) {
                self.ignored_lockfiles.push(self.workspace.relative(&path));
            }
        }
    }

    /// An entry of the index that the disk has ignored by Git, or does not have.
    fn tracked_file(&mut self, path: PathBuf, tracked: Tracked, objects: Option<&pipe_core::git::Objects>) {
        if !self.admits(&path) {
            return self.excluded(&path);
        }
        let meta = match path.symlink_metadata() {
            // Behind a link that has taken the place of a folder.
            Ok(_) if path.parent().is_some_and(|parent| parent.canonicalize().is_ok_and(|real| real != parent)) => None,
            Ok(meta) => Some(meta),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => None,
            Err(error) => return self.unreadable(&path, &error),
        };
        match meta {
            Some(meta) if meta.is_file() => {
                self.files.insert(path.clone(), (Place::Disk(path), meta.len()));
            }
            Some(meta) if meta.is_symlink() && is_lockfile(&path) => self.links.push(path),
            Some(meta) if meta.is_symlink() => self.leave_out(Reason::Link, &path, ""),
            Some(_) => self.leave_out(Reason::Deleted, &path, ""),
            None if !tracked.unchecked => self.leave_out(Reason::Deleted, &path, ""),
            None if tracked.kind == TrackedKind::Link && !is_lockfile(&path) => {
                self.leave_out(Reason::Link, &path, "");
            }
            None => match objects.and_then(|objects| objects.size(&tracked)) {
                Some(size) if tracked.kind == TrackedKind::File => {
                    self.files.insert(path.clone(), (Place::Object(path, tracked), size));
                }
                _ => self.leave_out(
                    Reason::Absent,
                    &path,
                    "a sparse checkout leaves it out, and its Git object is not here. Check it out",
                ),
            },
        }
    }

    /// A file that SCAN_PATHS names is scanned although Git ignores it.
    fn named_files(&mut self) {
        for text in &self.filter.include.texts {
            let path = self.workspace.dir.join(plain(text));
            let real = path.canonicalize().is_ok_and(|real| real == path && real.starts_with(&self.workspace.root));
            if real
                && !path.components().any(|part| part.as_os_str() == ".git")
                && let Ok(meta) = path.symlink_metadata()
                && meta.is_file()
                && !self.files.contains_key(&path)
                && self.admits(&path)
            {
                let shown = self.workspace.relative(&path);
                self.ignored_lockfiles.retain(|known| *known != shown);
                self.files.insert(path.clone(), (Place::Disk(path), meta.len()));
            }
        }
    }

    /// What the patterns of the configuration came to.
    fn patterns(&mut self) {
        let unused = |texts: &[String], used: &[bool]| -> Vec<String> {
            texts.iter().zip(used).filter(|(_, used)| !**used).map(|(text, _)| text.clone()).collect()
        };
        let named = unused(&self.filter.include.texts, &self.used.include);
        if named.is_empty() && self.files.is_empty() && self.excluded {
            self.ledger.leave_out(STEP, Reason::NoPath, "", "EXCLUDE_PATHS and SCAN_PATHS leave out every file");
        }
        for pattern in named {
            self.ledger.leave_out(STEP, Reason::NoPath, "", &format!("SCAN_PATHS: {pattern} matches no file"));
        }
        for pattern in unused(&self.filter.exclude.texts, &self.used.exclude) {
            let why = format!("EXCLUDE_PATHS: {pattern} matches no file. Remove it, or correct it");
            self.ledger.leave_out(STEP, Reason::NoEffect, "", &why);
        }
    }

    fn into_tree(mut self, objects: Option<pipe_core::git::Objects>) -> Tree {
        let mut tree = Tree { root: self.workspace.root.clone(), objects, ..Tree::default() };
        for (path, (place, size)) in std::mem::take(&mut self.files) {
            let at = tree.places.len();
            let pointer = match &place {
                Place::Disk(path) => holds_lfs_pointer(path, size),
                Place::Object(_, tracked) if (MIN_POINTER..=MAX_POINTER).contains(&size) => {
                    let text = tree.objects.as_ref().map(|objects| objects.read(tracked, MAX_POINTER));
                    matches!(text, Some(Ok(Some(text))) if is_lfs_pointer(&text))
                }
                Place::Object(..) => false,
            };
            if pointer {
                self.leave_out(Reason::LfsPointer, &path, "its content is in Git LFS. Fetch it with git lfs pull");
            }
            tree.entries.push(Entry { path: self.workspace.relative(&path), size, at });
            tree.places.push(place);
        }
        self.links.sort();
        for path in std::mem::take(&mut self.links) {
            match path.canonicalize() {
                Ok(real) if !real.starts_with(&tree.root) => {
                    self.leave_out(Reason::Unreadable, &path, "is a link that leads out of the repository");
                }
                // It is read under its own name.
                Ok(real) if is_lockfile(&real) && tree.places.iter().any(|place| place.path() == real) => {
                    self.leave_out(Reason::Link, &path, "");
                }
                Ok(real) => match real.symlink_metadata() {
                    Ok(meta) if meta.is_file() => {
                        let at = tree.places.len();
                        tree.links.push(Entry { path: self.workspace.relative(&path), size: meta.len(), at });
                        tree.places.push(Place::Disk(real));
                    }
                    _ => self.leave_out(Reason::Unreadable, &path, "is a link to no regular file"),
                },
                Err(error) => {
                    let why = format!("is a link that can't be followed: {}", reason(&error));
                    self.leave_out(Reason::Unreadable, &path, &why);
                }
            }
        }
        self.ignored_lockfiles.sort();
        tree.ignored_lockfiles = self.ignored_lockfiles;
        tree
    }

    fn admits(&mut self, path: &Path) -> bool {
        let relative = path.strip_prefix(&self.workspace.dir).unwrap_or(path);
        self.filter.admits(relative, &mut self.used)
    }

    /// Those of this run, or of an earlier one in their place, are what it is about to write.
    fn report(&self, path: &Path) {
        if !path.starts_with(&self.workspace.reports) {
            self.leave_out(Reason::Report, path, "");
        }
    }

    fn excluded(&mut self, path: &Path) {
        self.excluded = true;
        self.leave_out(Reason::Excluded, path, "");
    }

    fn unreadable(&self, path: &Path, error: &io::Error) {
        self.leave_out(Reason::Unreadable, path, &format!("can't be read: {}", reason(error)));
    }

    fn leave_out(&self, reason: Reason, path: &Path, why: &str) {
        self.ledger.leave_out(STEP, reason, &self.workspace.relative(path), why);
    }
}

/// Whether a package manager or a scanner would look for dependencies in a file of this name.
fn is_lockfile(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let folder = path.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
    // a name that other tools use as well says nothing without the content
    let named =
        |format: &&dyn lockfile::Format| format.matches(name, folder) && format.claims(name, &|| Some(Vec::new()));
    lockfile::FORMATS.iter().any(named)
        || lockfile::unsupported(&path.to_string_lossy(), &|path| Path::new(path).exists()).is_some()
}

fn describe(error: &ignore::Error) -> (Option<&Path>, String) {
    match error {
        ignore::Error::WithDepth { err, .. } => describe(err),
        ignore::Error::WithPath { path, err } => (Some(path), describe(err).1),
        other => (None, other.io_error().map_or_else(|| other.to_string(), reason)),
    }
}
