//! The one walk of the checkout that all scanners share.

mod content;
mod glob;
mod reports;
mod rules;
mod walk;

use std::io;
use std::path::{Component, Path, PathBuf};

use anyhow::Context as _;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use pipe_core::fs::{self, Links, ReadError};
use pipe_core::git::{Objects, Tracked};

use crate::finding::Container;
use crate::source::{Entry, Source};

/// The step in whose name the walk records what it leaves out.
pub(crate) const STEP: &str = "tree";

/// The files of the checkout to scan.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// The repository's root, without links. No file outside of it is read.
    root: PathBuf,
    entries: Vec<Entry>,
    links: Vec<Entry>,
    ignored_lockfiles: Vec<String>,
    /// Of each entry and each link, where its content is.
    places: Vec<Place>,
    objects: Option<Objects>,
}

/// Where the content of a file is.
#[derive(Debug)]
enum Place {
    /// An absolute path. Names need not be UTF-8.
    Disk(PathBuf),
    /// In the object database, because the working tree lacks it. The path is where it would be.
    Object(PathBuf, Tracked),
    /// A link, and the file of the repository that it leads to. Both are absolute, and the second is without links.
    Link { at: PathBuf, target: PathBuf },
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Place::Disk(path) | Place::Object(path, _) | Place::Link { at: path, .. } => path,
        }
    }
}

impl Source for Tree {
    fn container(&self) -> Container {
        Container::Checkout
    }

    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn links(&self) -> &[Entry] {
        &self.links
    }

    fn ignored_lockfiles(&self) -> &[String] {
        &self.ignored_lockfiles
    }

    fn open(&self, entry: &Entry, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
        match self.places.get(entry.at).context("it is not a file of this tree")? {
            Place::Disk(path) | Place::Link { target: path, .. } => self.read(path, limit),
            Place::Object(_, tracked) => {
                self.objects.as_ref().context("the Git objects can't be read")?.read(tracked, limit)
            }
        }
    }

    fn stream(&self, entry: &Entry) -> anyhow::Result<Option<Box<dyn io::Read>>> {
        match self.places.get(entry.at).context("it is not a file of this tree")? {
            Place::Disk(path) | Place::Link { target: path, .. } => match fs::open_regular(path, Links::Refuse) {
                Ok(file) => Ok(Some(Box::new(file))),
                Err(ReadError::Io(error)) => Err(anyhow::anyhow!(reason(&error))),
                Err(error) => Err(error.into()),
            },
            Place::Object(..) => Ok(None),
        }
    }

    fn beside(&self, entry: &Entry, name: &str, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
        let place = self.places.get(entry.at).context("it is not a file of this tree")?;
        let path = normal(&place.path().parent().context("it has no folder")?.join(name));
        anyhow::ensure!(path.starts_with(&self.root), "it is outside of the repository");
        if path.symlink_metadata().is_err()
            && let Some(absent) = self.places.iter().find(|place| matches!(place, Place::Object(at, _) if *at == path))
            && let (Place::Object(_, tracked), Some(objects)) = (absent, &self.objects)
        {
            return whole(objects.read(tracked, limit)?, limit);
        }
        // A link may lead to another file of the repository, and nowhere else.
        let resolved = match path.canonicalize() {
            Ok(resolved) => resolved,
            Err(error) if error.kind() == io::ErrorKind::NotFound && path.symlink_metadata().is_err() => {
                return Ok(None);
            }
            Err(error) => anyhow::bail!(reason(&error)),
        };
        anyhow::ensure!(resolved.starts_with(&self.root), "it leads out of the repository");
        whole(self.read(&resolved, limit)?, limit)
    }
}

/// A file that exists has its content, or is an error: `None` would say that it is absent.
fn whole(bytes: Option<Vec<u8>>, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
    bytes.map(Some).with_context(|| format!("larger than {} MB", limit >> 20))
}

impl Tree {
    /// The whole of a file whose path has no links any more, or `None` if it holds more than `limit` bytes.
    fn read(&self, path: &Path, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
        match fs::read_bounded(path, limit, Links::Refuse) {
            Ok(bytes) => Ok(Some(bytes)),
            Err(ReadError::TooLarge(_)) => Ok(None),
            Err(ReadError::Io(error)) => Err(anyhow::anyhow!(reason(&error))),
            Err(error) => Err(error.into()),
        }
    }
}

/// Whether a folder holds nothing, or nothing but what pipes wrote to `reports`.
///
/// # Errors
/// It can't be read.
pub(crate) fn is_empty(dir: &Path, reports: &Path) -> io::Result<bool> {
    let mut known = reports::Reports::new(reports, &[]);
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let entry = entry?;
            let path = entry.path();
            // Only the way to the reports is looked into.
            if entry.file_type()?.is_dir() && (reports.starts_with(&path) || path.starts_with(reports)) {
                folders.push(path);
            } else if !known.wrote(&path) {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

/// `path` without `.` and `..`, by its text alone.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            part => normal.push(part),
        }
    }
    normal
}

/// An I/O error in few words, with what usually helps.
fn reason(error: &io::Error) -> String {
    let help = match error.kind() {
        io::ErrorKind::PermissionDenied => ". Run the pipe as the owner of the files, or as root with CAP_DAC_OVERRIDE",
        _ => "",
    };
    format!("{}{help}", fs::reason(error))
}

/// Which part of the tree to look at.
#[derive(Debug)]
pub(crate) struct Filter {
    include: Patterns,
    exclude: Patterns,
}

/// Paths and globs, each as the user wrote it. A path stands for itself and all below it.
#[derive(Debug)]
struct Patterns {
    texts: Vec<String>,
    /// Two for each text.
    globs: GlobSet,
}

/// Which patterns let a file in or left one out.
#[derive(Debug)]
struct Used {
    include: Vec<bool>,
    exclude: Vec<bool>,
}

impl Filter {
    /// # Errors
    /// The first pattern that is neither a path nor a glob.
    pub(crate) fn new(include: &[String], exclude: &[String]) -> Result<Filter, String> {
        Ok(Filter { include: Patterns::new(include)?, exclude: Patterns::new(exclude)? })
    }

    fn unused(&self) -> Used {
        Used { include: vec![false; self.include.texts.len()], exclude: vec![false; self.exclude.texts.len()] }
    }

    /// Whether the file at `path`, relative to WORKING_DIR, is to be scanned. Remembers in `used` which patterns decided.
    fn admits(&self, path: &Path, used: &mut Used) -> bool {
        let included = self.include.texts.is_empty() || self.include.matches(path, &mut used.include);
        included && !self.exclude.matches(path, &mut used.exclude)
    }
}

impl Patterns {
    fn new(texts: &[String]) -> Result<Patterns, String> {
        /// A matcher grows with its patterns; bytes, and how many.
        const MAX_LENGTH: usize = 1024;
        const MAX_PATTERNS: usize = 256;
        let mut set = GlobSetBuilder::new();
        for (count, pattern) in texts.iter().enumerate() {
            if pattern.len() > MAX_LENGTH || count >= MAX_PATTERNS {
                return Err(format!("expected at most {MAX_PATTERNS} patterns of at most {MAX_LENGTH} bytes"));
            }
            let plain = plain(pattern);
            let plain = if plain == "." { "**" } else { plain };
            if plain.starts_with('/') || plain.split('/').any(|part| part == "..") {
                return Err(format!("{pattern:?} is not below WORKING_DIR"));
            }
            for text in [plain.to_owned(), format!("{plain}/**")] {
                let glob = GlobBuilder::new(&text).literal_separator(true).build();
                set.add(glob.map_err(|error| format!("{pattern:?}: {}", error.kind()))?);
            }
        }
        Ok(Patterns { texts: texts.to_vec(), globs: set.build().map_err(|error| error.to_string())? })
    }

    fn matches(&self, path: &Path, used: &mut [bool]) -> bool {
        let matching = self.globs.matches(path);
        for glob in &matching {
            used[glob / 2] = true;
        }
        !matching.is_empty()
    }
}

fn plain(pattern: &str) -> &str {
    pattern.trim_start_matches("./").trim_end_matches('/')
}

#[cfg(test)]
mod tests;
