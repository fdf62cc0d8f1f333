//! The one walk of the checkout that all scanners share.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use ignore::WalkBuilder;
use pipe_core::fs::{self, Links, ReadError};
use pipe_core::workspace::Workspace;

use crate::finding::Container;
use crate::ledger::{Ledger, Reason};
use crate::source::{Entry, Source};

/// The step in whose name the walk records what it leaves out.
pub(crate) const STEP: &str = "tree";

/// The files of the checkout to scan.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    entries: Vec<Entry>,
    /// Of each entry, where it is on the disk. Names need not be UTF-8.
    paths: Vec<PathBuf>,
}

impl Source for Tree {
    fn container(&self) -> Container {
        Container::Checkout
    }

    fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn open(&self, entry: &Entry, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
        let path = self.paths.get(entry.at).context("it is not a file of this tree")?;
        read(path, limit)
    }

    fn beside(&self, entry: &Entry, name: &str, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
        let path = self.paths.get(entry.at).context("it is not a file of this tree")?;
        let folder = path.parent().context("it has no folder")?;
        Ok(fs::if_present(fs::read_bounded(&folder.join(name), limit, Links::Follow))?)
    }
}

/// Which part of the tree to look at.
#[derive(Debug)]
pub(crate) struct Filter {
    include: Vec<(String, GlobSet)>,
    exclude: GlobSet,
}

impl Filter {
    /// # Errors
    /// The first pattern that is neither a path nor a glob.
    pub(crate) fn new(include: &[String], exclude: &[String]) -> Result<Filter, String> {
        let include =
            include.iter().map(|pattern| Ok((pattern.clone(), globs([pattern])?))).collect::<Result<_, String>>()?;
        Ok(Filter { include, exclude: globs(exclude)? })
    }

    /// Whether the file at `path`, relative to WORKING_DIR, is to be scanned; remembers in `used` which of the include
    /// patterns let one in.
    fn admits(&self, path: &Path, used: &mut [bool]) -> bool {
        if self.exclude.is_match(path) {
            return false;
        }
        let mut admitted = self.include.is_empty();
        for ((_, globs), used) in self.include.iter().zip(used) {
            if globs.is_match(path) {
                admitted = true;
                *used = true;
            }
        }
        admitted
    }
}

/// A path stands for itself and all below it.
fn globs<'a>(patterns: impl IntoIterator<Item = &'a String>) -> Result<GlobSet, String> {
    /// A matcher grows with its patterns; bytes, and how many.
    const MAX_LENGTH: usize = 1024;
    const MAX_PATTERNS: usize = 256;
    let mut set = GlobSetBuilder::new();
    for (count, pattern) in patterns.into_iter().enumerate() {
        if pattern.len() > MAX_LENGTH || count >= MAX_PATTERNS {
            return Err(format!("expected at most {MAX_PATTERNS} patterns of at most {MAX_LENGTH} bytes"));
        }
        let plain = pattern.trim_start_matches("./").trim_end_matches('/');
        let plain = if plain == "." { "**" } else { plain };
        if plain.starts_with('/') || plain.split('/').any(|part| part == "..") {
            return Err(format!("{pattern:?} is not below WORKING_DIR"));
        }
        for text in [plain.to_owned(), format!("{plain}/**")] {
            let glob = GlobBuilder::new(&text).literal_separator(true).build();
            set.add(glob.map_err(|error| format!("{pattern:?}: {}", error.kind()))?);
        }
    }
    set.build().map_err(|error| error.to_string())
}

impl Tree {
    /// Walks WORKING_DIR: all files but untracked ones that Git ignores, and the run's own reports. Files that Git
    /// tracks are always there, whatever `.gitignore` or `.ignore` say. Links are not followed: what they point to is
    /// either in the tree or not of it.
    pub(crate) fn walk(
        workspace: &Workspace,
        tracked: &[PathBuf],
        filter: &Filter,
        ledger: &Ledger,
        cancelled: &dyn Fn() -> bool,
    ) -> Tree {
        let mut tree = Tree::default();
        let mut found: BTreeMap<PathBuf, u64> = BTreeMap::new();
        let mut used = vec![false; filter.include.len()];
        let reports = workspace.reports.clone();
        let walk = WalkBuilder::new(&workspace.dir)
            .hidden(false)
            // The user's own settings would make one machine see other files than another.
            .git_global(false)
            .filter_entry(move |entry| entry.file_name() != ".git" && entry.path() != reports)
            .build();
        for entry in walk {
            if cancelled() {
                break;
            }
            match entry {
                Ok(entry) if entry.file_type().is_some_and(|kind| kind.is_file()) => {
                    let relative = entry.path().strip_prefix(&workspace.dir).unwrap_or(entry.path());
                    if filter.admits(relative, &mut used) {
                        // Gone between the listing and now: not part of the tree any more.
                        if let Ok(meta) = entry.metadata() {
                            found.insert(entry.into_path(), meta.len());
                        }
                    }
                }
                Ok(_) => {}
                Err(error) => ledger.leave_out(STEP, Reason::Unreadable, "", &describe(&error, workspace)),
            }
        }
        for path in tracked {
            let path = workspace.root.join(path);
            let Ok(relative) = path.strip_prefix(&workspace.dir) else { continue };
            if found.contains_key(&path) || !filter.admits(relative, &mut used) {
                continue;
            }
            // Deleted in the working tree, a link or a submodule: nothing to read.
            if let Ok(meta) = std::fs::symlink_metadata(&path)
                && meta.is_file()
            {
                found.insert(path, meta.len());
            }
        }
        for ((pattern, _), used) in filter.include.iter().zip(&used) {
            if !used {
                ledger.leave_out(STEP, Reason::NoPath, "", &format!("SCAN_PATHS: {pattern} matches no file"));
            }
        }
        for (at, (path, size)) in found.into_iter().enumerate() {
            tree.entries.push(Entry { path: workspace.relative(&path), size, at });
            tree.paths.push(path);
        }
        tree
    }
}

fn describe(error: &ignore::Error, workspace: &Workspace) -> String {
    match error {
        ignore::Error::WithDepth { err, .. } => describe(err, workspace),
        ignore::Error::WithPath { path, err } => {
            let reason = err.io_error().map_or_else(|| err.to_string(), reason);
            format!("{}: {reason}", workspace.relative(path))
        }
        other => other.io_error().map_or_else(|| other.to_string(), reason),
    }
}

/// An I/O error in few words, with what usually helps.
fn reason(error: &io::Error) -> String {
    let help = match error.kind() {
        io::ErrorKind::PermissionDenied => " (run as the files' owner, or as root with CAP_DAC_OVERRIDE)",
        _ => "",
    };
    format!("{}{help}", fs::reason(error))
}

/// The whole of a file, or `None` if it holds more than `limit` bytes.
fn read(path: &Path, limit: u64) -> anyhow::Result<Option<Vec<u8>>> {
    match fs::read_bounded(path, limit, Links::Follow) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ReadError::TooLarge(_)) => Ok(None),
        Err(ReadError::Io(error)) => Err(anyhow::anyhow!(reason(&error))),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use pipe_core::workspace::Workspace;

    use super::{Filter, Tree};
    use crate::ledger::{Class, Ledger};

    struct Fixture(tempfile::TempDir);

    impl Fixture {
        fn new(files: &[&str]) -> Fixture {
            let dir = tempfile::tempdir().unwrap();
            for file in files {
                let path = dir.path().join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, "text").unwrap();
            }
            Fixture(dir)
        }

        fn root(&self) -> PathBuf {
            self.0.path().canonicalize().unwrap()
        }

        fn walk(&self, tracked: &[&str], include: &[&str], exclude: &[&str]) -> (Vec<String>, Vec<String>) {
            let owned = |patterns: &[&str]| patterns.iter().map(|pattern| (*pattern).to_owned()).collect::<Vec<_>>();
            let filter = Filter::new(&owned(include), &owned(exclude)).unwrap();
            let root = self.root();
            let workspace = Workspace { dir: root.clone(), reports: root.join("security-reports"), root };
            let tracked: Vec<PathBuf> = tracked.iter().map(PathBuf::from).collect();
            let ledger = Ledger::default();
            let tree = Tree::walk(&workspace, &tracked, &filter, &ledger, &|| false);
            let problems = ledger.problems(Class::Unable).into_iter().map(|problem| problem.text).collect();
            (tree.entries.into_iter().map(|entry| entry.path).collect(), problems)
        }
    }

    #[test]
    fn ignored_files_are_left_out_unless_git_tracks_them() {
        let fixture =
            Fixture::new(&["a.txt", "build/out.txt", "build/kept.txt", ".hidden/b.txt", ".git/config", "c.log"]);
        fs::write(fixture.root().join(".gitignore"), "build/\n").unwrap();
        fs::write(fixture.root().join(".ignore"), "*.log\n").unwrap();
        let (files, errors) = fixture.walk(&["a.txt", "build/kept.txt", "deleted.txt", "c.log"], &[], &[]);
        assert_eq!(files, [".gitignore", ".hidden/b.txt", ".ignore", "a.txt", "build/kept.txt", "c.log"]);
        assert!(errors.is_empty());
    }

    #[test]
    fn reports_of_the_run_are_not_scanned_again() {
        let fixture = Fixture::new(&["a.txt", "security-reports/old.json", "security-reports/tracked.json"]);
        assert_eq!(
            fixture.walk(&["security-reports/tracked.json"], &[], &[]).0,
            ["a.txt", "security-reports/tracked.json"]
        );
    }

    #[test]
    fn links_are_not_followed_and_loops_end() {
        let fixture = Fixture::new(&["dir/a.txt"]);
        symlink("..", fixture.root().join("dir/loop")).unwrap();
        symlink("/etc/passwd", fixture.root().join("passwd")).unwrap();
        assert_eq!(fixture.walk(&["passwd"], &[], &[]).0, ["dir/a.txt"]);
    }

    #[test]
    fn paths_and_globs_choose_what_is_scanned() {
        let fixture = Fixture::new(&["services/api/a", "services/web/b", "libs/x/src/c", "libs/x/test/d", "e"]);
        let (files, errors) = fixture.walk(&[], &["services/api/", "libs/**/src"], &[]);
        assert_eq!(files, ["libs/x/src/c", "services/api/a"]);
        assert!(errors.is_empty());
        assert_eq!(fixture.walk(&[], &[], &["services", "**/test/**"]).0, ["e", "libs/x/src/c"]);
        assert_eq!(fixture.walk(&["e"], &["."], &["e", "libs"]).0, ["services/api/a", "services/web/b"]);
    }

    #[test]
    fn a_path_to_scan_that_matches_nothing_is_an_error() {
        let fixture = Fixture::new(&["a"]);
        assert_eq!(fixture.walk(&[], &["a", "srvices"], &[]).1, ["SCAN_PATHS: srvices matches no file"]);
    }

    #[test]
    fn a_pattern_stays_below_the_working_directory() {
        for pattern in ["/etc", "../other", "a/../../b", "[", "a{"] {
            assert!(Filter::new(&[pattern.to_owned()], &[]).is_err(), "{pattern}");
        }
    }

    #[test]
    fn a_file_larger_than_the_limit_is_not_read() {
        let fixture = Fixture::new(&["a"]);
        assert_eq!(super::read(&fixture.root().join("a"), 4).unwrap().as_deref(), Some(&b"text"[..]));
        assert_eq!(super::read(&fixture.root().join("a"), 3).unwrap(), None);
        assert!(super::read(Path::new("/nonexistent"), 3).is_err());
    }
}
