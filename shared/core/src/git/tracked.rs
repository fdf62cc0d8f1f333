//! What the index says should be in the working tree.

use std::cell::RefCell;
use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use gix::bstr::ByteSlice;
use gix::index::entry::{Flags, Mode};
use gix::objs::tree::EntryKind;
use gix::{ObjectId, Repository};

use super::Checkout;
use super::dirty::index;

/// Folders in folders; deeper ones are an error.
const MAX_DEPTH: usize = 512;

/// One entry of the index, or of HEAD without an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    /// Relative to the root. It need not be UTF-8.
    pub path: PathBuf,
    /// What Git has at this path.
    pub kind: TrackedKind,
    /// Git does not look at the working tree for it: a sparse checkout leaves it out, or its entry is marked as unchanged. If it is
    /// absent on the disk, it is not deleted.
    pub unchecked: bool,
    id: ObjectId,
}

/// What Git has at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrackedKind {
    /// A regular file.
    File,
    /// A symbolic link.
    Link,
    /// Another repository at one of its commits.
    Submodule,
}

/// The objects of a checkout, to be read from several threads.
#[derive(Debug)]
pub struct Objects(Checkout);

impl Objects {
    /// The size in bytes of a tracked file's content in the index; `None` if the object is not here, as in a partial clone.
    pub fn size(&self, tracked: &Tracked) -> Option<u64> {
        self.with(|repo| Some(repo.find_header(tracked.id).ok()?.size())).ok().flatten()
    }

    /// The content of a tracked file in the index; `None` if it has more than `max` bytes.
    ///
    /// # Errors
    /// The object is not here.
    pub fn read(&self, tracked: &Tracked, max: u64) -> anyhow::Result<Option<Vec<u8>>> {
        self.with(|repo| {
            let header = repo.find_header(tracked.id).context("its Git object is not here")?;
            if header.size() > max {
                return Ok(None);
            }
            Ok(Some(repo.find_blob(tracked.id).context("its Git object is not here")?.take_data()))
        })?
    }

    /// A handle can't be shared between threads, so each keeps the last one it opened.
    fn with<T>(&self, ask: impl FnOnce(&Repository) -> T) -> anyhow::Result<T> {
        thread_local! {
            static LAST: RefCell<Option<(PathBuf, Repository)>> = const { RefCell::new(None) };
        }
        LAST.with_borrow_mut(|last| {
            let repo = match last {
                Some((path, repo)) if *path == self.0.git => repo,
                _ => &mut last.insert((self.0.git.clone(), self.0.open()?)).1,
            };
            Ok(ask(repo))
        })
    }
}

impl Checkout {
    /// The files, links and submodules in the index, or those of HEAD without an index, relative to the root. Names that
    /// are not UTF-8 stay as they are.
    ///
    /// # Errors
    /// The index can't be read, or the repository can't.
    pub fn tracked(&self) -> anyhow::Result<Vec<Tracked>> {
        let repo = self.open()?;
        let Some(index) = index(&repo)? else { return Ok(Vec::new()) };
        let mut tracked = Vec::new();
        for entry in index.entries() {
            let Ok(path) = gix::path::from_bstr(entry.path(&index)) else { continue };
            let kind = match entry.mode {
                Mode::FILE | Mode::FILE_EXECUTABLE => TrackedKind::File,
                Mode::SYMLINK => TrackedKind::Link,
                Mode::COMMIT => TrackedKind::Submodule,
                // A sparse index has whole folders.
                Mode::DIR => {
                    folder(&repo, entry.id, &path, MAX_DEPTH, &mut tracked)?;
                    continue;
                }
                _ => continue,
            };
            let unchecked = entry.flags.intersects(Flags::ASSUME_VALID | Flags::SKIP_WORKTREE);
            tracked.push(Tracked { path: path.into_owned(), kind, unchecked, id: entry.id });
        }
        tracked.retain(|entry| is_below(&entry.path));
        // A file in a merge conflict is there in up to three versions.
        tracked.dedup_by(|next, known| next.path == known.path);
        Ok(tracked)
    }

    /// The objects, for [`Tracked`] entries that are not on the disk.
    ///
    /// # Errors
    /// The repository can't be read.
    pub fn objects(&self) -> anyhow::Result<Objects> {
        self.check()?;
        Ok(Objects(self.clone()))
    }

    /// Where ignore rules are that are not part of the tree; `None` if the repository can't be read.
    pub fn exclude_file(&self) -> Option<PathBuf> {
        Some(self.open().ok()?.common_dir().join("info/exclude"))
    }

    /// Whether there is no working tree around the repository.
    pub fn is_bare(&self) -> bool {
        self.git == self.root
    }
}

/// Everything below a folder that is not checked out.
fn folder(repo: &Repository, id: ObjectId, at: &Path, depth: usize, tracked: &mut Vec<Tracked>) -> anyhow::Result<()> {
    let shown = || format!("the Git objects of {} are not here", at.display());
    anyhow::ensure!(depth > 0, "{} has too many folders in folders", at.display());
    for entry in repo.find_tree(id).with_context(shown)?.iter() {
        let entry = entry.with_context(shown)?;
        let path = at.join(gix::path::from_bstr(entry.filename().as_bstr())?);
        let kind = match entry.mode().kind() {
            EntryKind::Blob | EntryKind::BlobExecutable => TrackedKind::File,
            EntryKind::Link => TrackedKind::Link,
            EntryKind::Commit => TrackedKind::Submodule,
            EntryKind::Tree => {
                folder(repo, entry.object_id(), &path, depth - 1, tracked)?;
                continue;
            }
        };
        tracked.push(Tracked { path, kind, unchecked: true, id: entry.object_id() });
    }
    Ok(())
}

fn is_below(path: &Path) -> bool {
    path.components().all(|part| matches!(part, Component::Normal(_)))
}
