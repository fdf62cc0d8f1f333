//! Whether the working tree is the commit that is checked out.
//!
//! Like `git status`, from the cheap to the costly: the index against HEAD by the tree it remembers, then each file's
//! size and time against the index, and only where those differ its content. Submodules that were fetched belong to it. Inode, owner and change time are not
//! looked at, because they change when a checkout is mounted or copied into a container.

use std::fs::{self, File, Metadata};
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use gix::bstr::ByteSlice;
use gix::index::entry::{Flags, Mode};
use gix::objs::Kind;
use gix::{ObjectId, Repository};

use crate::fs::{Links, ReadError, read_bounded};

/// Bytes read for all files together before the answer is "unknown".
const READ_LIMIT: u64 = 256 * 1024 * 1024;
/// The largest attributes file, in bytes.
const ATTRIBUTES_LIMIT: u64 = 1024 * 1024;
/// Submodules in submodules.
const MAX_NESTED: usize = 16;
/// The largest file whose line endings are compared.
const TEXT_LIMIT: u64 = 16 * 1024 * 1024;

/// Opens the repository whose working tree is this folder; `None` if there is none.
type Open<'a> = &'a dyn Fn(&Path) -> Option<anyhow::Result<Repository>>;

enum State {
    Same,
    Changed,
    Unknown,
}

/// `None` if it cannot be determined.
///
/// `open` opens the repository whose working tree is a folder, if there is one.
pub(super) fn is_dirty(repo: &Repository, root: &Path, open: Open<'_>) -> anyhow::Result<Option<bool>> {
    let mut budget = READ_LIMIT;
    Ok(match compare(repo, root, open, &mut budget, MAX_NESTED)? {
        State::Changed => Some(true),
        State::Unknown => None,
        State::Same => Some(false),
    })
}

fn compare(repo: &Repository, root: &Path, open: Open<'_>, budget: &mut u64, nested: usize) -> anyhow::Result<State> {
    let mut unknown = false;
    // Without an index, what was checked out is known from HEAD alone.
    let Some(index) = index(repo)? else { return Ok(State::Same) };
    if repo.index_path().exists() {
        match staged(repo, &index)? {
            State::Changed => return Ok(State::Changed),
            State::Unknown => unknown = true,
            State::Same => {}
        }
    }
    let mut tree = WorkTree {
        repo,
        root,
        open,
        index: &index,
        modes: repo.config_snapshot().boolean("core.fileMode").unwrap_or(true),
        budget,
        nested,
        filtered: None,
    };
    for entry in index.entries() {
        match tree.compare(entry) {
            State::Changed => return Ok(State::Changed),
            State::Unknown => unknown = true,
            State::Same => {}
        }
    }
    Ok(if unknown { State::Unknown } else { State::Same })
}

/// The index against HEAD.
fn staged(repo: &Repository, index: &gix::index::File) -> anyhow::Result<State> {
    if repo.head()?.is_unborn() {
        return Ok(if index.entries().is_empty() { State::Same } else { State::Changed });
    }
    let head = repo.head_commit()?.tree_id()?.detach();
    // Git forgets the tree in a conflict, or a file of which only the name was added.
    if let Some(cached) = index.tree().filter(|tree| tree.num_entries.is_some()) {
        return Ok(if cached.id == head { State::Same } else { State::Changed });
    }
    if index.is_sparse() {
        return Ok(State::Unknown);
    }
    let committed = repo.index_from_tree(&head)?;
    let same = committed.entries().len() == index.entries().len()
        && committed
            .entries()
            .iter()
            .zip(index.entries())
            .all(|(a, b)| (a.id, a.mode, a.path(&committed)) == (b.id, b.mode, b.path(index)));
    Ok(if same { State::Same } else { State::Changed })
}

/// The index, or one made from HEAD; nothing on a branch without commits.
pub(super) fn index(repo: &Repository) -> anyhow::Result<Option<gix::index::File>> {
    if repo.index_path().exists() {
        return Ok(Some(repo.open_index()?));
    }
    if repo.head()?.is_unborn() {
        return Ok(None);
    }
    let tree = repo.head_commit()?.tree_id()?;
    Ok(Some(repo.index_from_tree(&tree)?))
}

struct WorkTree<'a> {
    repo: &'a Repository,
    root: &'a Path,
    open: Open<'a>,
    index: &'a gix::index::File,
    /// Whether the executable bit counts.
    modes: bool,
    /// Bytes that may still be read.
    budget: &'a mut u64,
    /// How many levels of submodules are looked into.
    nested: usize,
    /// Whether any attributes file asks for a conversion of content; looked up when first needed.
    filtered: Option<bool>,
}

impl WorkTree<'_> {
    fn compare(&mut self, entry: &gix::index::Entry) -> State {
        let Ok(path) = gix::path::from_bstr(entry.path(self.index)) else { return State::Unknown };
        let path = self.root.join(path);
        let meta = match fs::symlink_metadata(&path) {
            Ok(meta) => meta,
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                // Git does not expect it here: a sparse checkout leaves it out. If it is here, it is compared.
                let expected =
                    entry.mode != Mode::DIR && !entry.flags.intersects(Flags::ASSUME_VALID | Flags::SKIP_WORKTREE);
                return if expected { State::Changed } else { State::Same };
            }
            Err(_) => return State::Unknown,
        };
        match entry.mode {
            Mode::COMMIT if meta.is_dir() => return self.submodule(entry, &path).unwrap_or(State::Unknown),
            // The index knows the folder as a whole only.
            Mode::DIR => return State::Unknown,
            _ => {}
        }
        let link = entry.mode == Mode::SYMLINK;
        if meta.is_symlink() != link || !(link || meta.is_file()) {
            return State::Changed;
        }
        let executable = meta.permissions().mode() & 0o100 != 0;
        if self.modes && !link && executable != (entry.mode == Mode::FILE_EXECUTABLE) {
            return State::Changed;
        }
        // Git keeps 32 bits of the size, and zero if it does not trust what it saw.
        #[expect(clippy::cast_possible_truncation, reason = "as Git does")]
        let size = meta.len() as u32;
        if entry.stat.size != 0 && entry.stat.size != size {
            return State::Changed;
        }
        if entry.stat.size == size && self.same_time(entry, &meta) {
            return State::Same;
        }
        self.content(entry, &path, &meta).unwrap_or(State::Unknown)
    }

    /// A submodule that was fetched is another repository, at the commit that the index names.
    fn submodule(&mut self, entry: &gix::index::Entry, path: &Path) -> anyhow::Result<State> {
        if path.join(".git").symlink_metadata().is_err() {
            return Ok(State::Same);
        }
        let Some(nested) = self.nested.checked_sub(1) else { return Ok(State::Unknown) };
        let root = path.canonicalize()?;
        let Some(repo) = (self.open)(&root) else { return Ok(State::Unknown) };
        let repo = repo?;
        if repo.head_commit()?.id != entry.id {
            return Ok(State::Changed);
        }
        compare(&repo, &root, self.open, self.budget, nested)
    }

    /// Not changed since the index was written, by the resolution of the clock.
    fn same_time(&self, entry: &gix::index::Entry, meta: &Metadata) -> bool {
        let recorded = entry.stat.mtime;
        let nanos = i64::from(recorded.nsecs);
        let same = meta.mtime() == i64::from(recorded.secs)
            && (meta.mtime_nsec() == nanos || meta.mtime_nsec() == 0 || nanos == 0);
        let written = self.index.timestamp();
        let racy = (written.unix_seconds(), i64::from(written.nanoseconds())) <= (i64::from(recorded.secs), nanos);
        same && !racy
    }

    fn content(&mut self, entry: &gix::index::Entry, path: &Path, meta: &Metadata) -> std::io::Result<State> {
        if entry.mode == Mode::SYMLINK {
            let target = fs::read_link(path)?;
            let same = self.hash(target.as_os_str().as_bytes()) == Some(entry.id);
            return Ok(if same { State::Same } else { State::Changed });
        }
        let Some(rest) = self.budget.checked_sub(meta.len()) else { return Ok(State::Unknown) };
        *self.budget = rest;
        if self.hash_file(path, meta.len())? == Some(entry.id) {
            return Ok(State::Same);
        }
        // The file may be the blob after a conversion: line endings we can undo, filters (LFS) we never run.
        if meta.len() <= TEXT_LIMIT {
            let text = fs::read(path)?;
            if self.hash(&without_carriage_returns(&text)) == Some(entry.id) {
                return Ok(State::Same);
            }
        }
        Ok(if self.is_filtered() { State::Unknown } else { State::Changed })
    }

    fn hash(&self, bytes: &[u8]) -> Option<ObjectId> {
        let mut hasher = gix::hash::hasher(self.repo.object_hash());
        hasher.update(&gix::objs::encode::loose_header(Kind::Blob, bytes.len() as u64));
        hasher.update(bytes);
        hasher.try_finalize().ok()
    }

    fn hash_file(&self, path: &Path, size: u64) -> std::io::Result<Option<ObjectId>> {
        let mut hasher = gix::hash::hasher(self.repo.object_hash());
        hasher.update(&gix::objs::encode::loose_header(Kind::Blob, size));
        let mut file = File::open(path)?.take(size);
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                return Ok(hasher.try_finalize().ok());
            }
            hasher.update(buffer.get(..count).unwrap_or_default());
        }
    }

    fn is_filtered(&mut self) -> bool {
        if let Some(filtered) = self.filtered {
            return filtered;
        }
        let asks = |path: &Path| match read_bounded(path, ATTRIBUTES_LIMIT, Links::Refuse) {
            Ok(text) => ["filter=", "working-tree-encoding", "ident"].iter().any(|word| text.contains_str(word)),
            // As in Git, one that is a link counts for nothing.
            Err(ReadError::NotFound | ReadError::NotRegular) => false,
            Err(_) => true,
        };
        let tracked = self.index.entries().iter().map(|entry| entry.path(self.index));
        let filtered = asks(&self.repo.common_dir().join("info/attributes"))
            || tracked
                .filter(|path| path.ends_with(b".gitattributes"))
                .filter_map(|path| gix::path::from_bstr(path).ok())
                .any(|path| asks(&self.root.join(path)));
        self.filtered = Some(filtered);
        filtered
    }
}

fn without_carriage_returns(text: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.iter().peekable();
    while let Some(&byte) = bytes.next() {
        if byte != b'\r' || bytes.peek() != Some(&&b'\n') {
            out.push(byte);
        }
    }
    out
}
