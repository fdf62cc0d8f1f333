//! The walk: which files there are, where their content is, and what is left out.

mod disk;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::FileType;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use pipe_core::git::{Checkout, Tracked, TrackedKind};
use pipe_core::workspace::Workspace;
use pipe_packages::lockfile;

use super::content::{MAX_POINTER, MIN_POINTER, Pointer, is_pseudo};
use super::reports::Reports;
use super::{Filter, Place, STEP, Tree, Used, plain, reason};
use crate::ledger::{Ledger, Reason};
use crate::source::Entry;

/// Submodules in submodules.
const MAX_NESTED: usize = 16;
/// What all rules that count for one folder may take in memory, in bytes.
const MAX_RULES: usize = 16 * 1024 * 1024;

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
            repositories: BTreeSet::new(),
            budget: MAX_RULES,
        };
        if let Some(checkout) = checkout {
            walk.index(checkout, &workspace.root, 0)?;
        }
        walk.disk(checkout, cancelled);
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
    /// Paths of links that are called like lockfiles or manifests.
    links: Vec<PathBuf>,
    ignored_lockfiles: Vec<String>,
    excluded: bool,
    /// Submodules and other repositories in this one whose index is known.
    repositories: BTreeSet<PathBuf>,
    /// What ignore rules may still take in memory, in bytes.
    budget: usize,
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
            self.repositories.insert(path.clone());
            if !read {
                self.leave_out(Reason::Submodule, &path, "this submodule was not fetched");
            }
        }
        Ok(())
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
            return self.link(path);
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

    /// A file or a folder that Git ignores, or that the kernel makes up.
    fn not_met(&mut self, path: &Path) {
        let meta = match path.symlink_metadata() {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => return self.unreadable(path, &error),
        };
        if self.tracked.contains_key(path) {
            return;
        }
        if self.reports.wrote(path) {
            return self.report(path);
        }
        if meta.is_file() && path.parent().is_some_and(|folder| self.reports.is_one(folder)) {
            // Ignored by the file that a pipe put there, which speaks of reports only.
            return self.file(path.to_owned(), Ok(meta.len()));
        }
        if meta.is_dir() && is_pseudo(path) {
            return self.leave_out(Reason::Special, path, "");
        }
        if !self.admits(path) {
            return self.excluded(path);
        }
        self.leave_out(Reason::Ignored, path, "");
        if meta.is_file() && is_lockfile(path) {
            self.ignored_lockfiles.push(self.workspace.relative(path));
        }
    }

    /// A link on the disk. It counts by its own name and place, whatever its target is called.
    fn link(&mut self, path: PathBuf) {
        let manifest = path.file_name().and_then(|name| name.to_str()).is_some_and(lockfile::is_manifest_name);
        if is_lockfile(&path) || manifest {
            self.links.push(path);
        } else if let Some(pointer) = Pointer::in_link(&path) {
            self.pointer(pointer, &path);
        } else {
            self.leave_out(Reason::Link, &path, "");
        }
    }

    fn pointer(&self, pointer: Pointer, path: &Path) {
        match pointer {
            Pointer::Lfs => {
                self.leave_out(Reason::LfsPointer, path, "its content is in Git LFS. Fetch it with git lfs pull");
            }
            Pointer::Annex => {
                let why = "its content is in git-annex. Fetch it with git annex get and git annex unlock";
                self.leave_out(Reason::AnnexPointer, path, why);
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
            Some(meta) if meta.is_symlink() => self.link(path),
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
                Place::Disk(path) => Pointer::in_file(path, size),
                Place::Object(_, tracked) if (MIN_POINTER..=MAX_POINTER).contains(&size) => {
                    let text = tree.objects.as_ref().map(|objects| objects.read(tracked, MAX_POINTER));
                    text.and_then(|text| Pointer::of(&text.ok()??))
                }
                Place::Object(..) | Place::Link { .. } => None,
            };
            if let Some(pointer) = pointer {
                self.pointer(pointer, &path);
            }
            tree.entries.push(Entry { path: self.workspace.relative(&path), size, at });
            tree.places.push(place);
        }
        self.links.sort();
        for path in std::mem::take(&mut self.links) {
            let target = match path.canonicalize() {
                Ok(real) if !real.starts_with(&tree.root) => {
                    Err("is a link that leads out of the repository".to_owned())
                }
                Ok(real) => match real.symlink_metadata() {
                    Ok(meta) if meta.is_file() => Ok((real, meta.len())),
                    _ => Err("is a link to no regular file".to_owned()),
                },
                Err(error) => Err(format!("is a link that can't be followed: {}", reason(&error))),
            };
            match target {
                Ok((target, size)) => {
                    let at = tree.places.len();
                    tree.links.push(Entry { path: self.workspace.relative(&path), size, at });
                    tree.places.push(Place::Link { at: path, target });
                }
                Err(why) if is_lockfile(&path) => self.leave_out(Reason::Unreadable, &path, &why),
                Err(why) => {
                    let why = format!("{why}, so its dependencies were not looked at");
                    self.leave_out(Reason::NoLockfile, &path, &why);
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
