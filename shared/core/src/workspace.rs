//! The checkout a pipe works on and the files it leaves there.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt, lchown};
use std::path::{Component, Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Where a run reads and writes.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// `WORKING_DIR`, absolute and without links.
    pub dir: PathBuf,
    /// The repository's root, or the CI's clone directory, or `dir`: paths in reports are relative to it.
    pub root: PathBuf,
    /// `REPORTS_DIR` (and `REPORT_NAME` below it), absolute.
    pub reports: PathBuf,
    /// `REPORTS_DIR=none`: nothing is written to `reports`, where earlier steps may have left theirs.
    pub no_reports: bool,
}

impl Workspace {
    /// `path` below [`Workspace::dir`] as a reader of the repository would write it: relative to the root, with `/`. No two
    /// paths are written alike: see [`shown`].
    pub fn relative(&self, path: &Path) -> String {
        let full = self.dir.join(path);
        let Ok(relative) = full.strip_prefix(&self.root) else { return shown(full.as_os_str()) };
        let parts: Vec<_> = relative
            .components()
            .filter(|part| !matches!(part, Component::CurDir))
            .map(|part| shown(part.as_os_str()))
            .collect();
        parts.join("/")
    }

    /// The absolute path of `path`, which the configuration gives relative to `dir`. A relative path must stay inside the
    /// checkout at `root` after links are resolved. The part that doesn't exist yet is taken as written.
    ///
    /// # Errors
    /// It leads out of the checkout: a fragment that follows the variable's name.
    pub fn inside(root: &Path, dir: &Path, path: &Path) -> Result<PathBuf, &'static str> {
        const OUTSIDE: &str = "leads out of the checkout. Use an absolute path if that is intended";
        let root = root.canonicalize().unwrap_or_else(|_| root.to_owned());
        let full = dir.join(path);
        let mut existing = full.as_path();
        let mut rest = Vec::new();
        let resolved = loop {
            match existing.canonicalize() {
                Ok(resolved) => break resolved,
                // A dangling link would be written through.
                Err(_) if existing.symlink_metadata().is_ok() => return Err(OUTSIDE),
                Err(_) => match (existing.parent(), existing.file_name()) {
                    (Some(parent), Some(name)) => {
                        rest.push(name.to_owned());
                        existing = parent;
                    }
                    _ => return Err(OUTSIDE),
                },
            }
        };
        let resolved = rest.into_iter().rev().fold(resolved, |path, name| path.join(name));
        if path.is_relative() && !resolved.starts_with(root) {
            return Err(OUTSIDE);
        }
        Ok(resolved)
    }
}

/// A name as text. A byte that is not UTF-8 becomes U+FFFD and two digits, and U+FFFD itself is doubled, so that different
/// names stay different.
fn shown(name: &OsStr) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.as_bytes().utf8_chunks() {
        text.push_str(&chunk.valid().replace('\u{fffd}', "\u{fffd}\u{fffd}"));
        for byte in chunk.invalid() {
            text.push_str(&format!("\u{fffd}{byte:02x}"));
        }
    }
    text
}

/// In a reports' directory that a run makes.
pub(crate) const GITIGNORE: &str = ".gitignore";

/// The files of one run, in the reports' directory. Each is replaced as a whole, so that a reader, or a kill, meets the
/// old one or the new one and never half of it. What is created gets the owner of the workspace, so that the next step
/// of a job can read and remove it although this one ran as root.
#[derive(Debug)]
pub struct ReportDir {
    dir: PathBuf,
    owner: Option<(u32, u32)>,
    keeps_from_git: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Nothing is written.
    disabled: bool,
    written: Vec<String>,
    /// Directories and files that were not there and are no reports, in the order in which they were made.
    made: Vec<PathBuf>,
    failure: Option<String>,
}

impl ReportDir {
    /// `owner_of` is the directory whose owner new files get.
    pub fn new(dir: PathBuf, owner_of: &Path) -> ReportDir {
        let owner = fs::metadata(owner_of).ok().map(|meta: Metadata| (meta.uid(), meta.gid()));
        ReportDir { dir, owner, keeps_from_git: false, state: Mutex::default() }
    }

    /// A directory in which nothing is written or removed, for a run that must leave no trace.
    pub fn disabled(dir: PathBuf) -> ReportDir {
        let state = Mutex::new(State { disabled: true, ..State::default() });
        ReportDir { dir, owner: None, keeps_from_git: false, state }
    }

    /// Whether nothing is written.
    pub fn is_disabled(&self) -> bool {
        self.state().disabled
    }

    /// Removes everything that was written and writes nothing more, so that the directory is as it was found. A failure
    /// to write is forgotten.
    pub fn retract(&self) {
        let state = std::mem::replace(&mut *self.state(), State { disabled: true, ..State::default() });
        for name in state.written {
            drop(fs::remove_file(self.dir.join(name)));
        }
        for path in state.made.iter().rev() {
            // A directory in which something else was put stays.
            drop(fs::remove_file(path).or_else(|_| fs::remove_dir(path)));
        }
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The directory, if it is made here, is for no commit: it ignores itself.
    #[must_use]
    pub fn kept_from_git(self) -> ReportDir {
        ReportDir { keeps_from_git: true, ..self }
    }

    /// The directory, absolute.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes `bytes` to `name` (which may contain `/`). A failure is remembered: see [`ReportDir::failure`].
    ///
    /// # Errors
    /// Those of the file system.
    pub fn write(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        self.write_with(name, |file| file.write_all(bytes))
    }

    /// Like [`ReportDir::write`], with `content` to write what the file holds. It takes its place once it is whole.
    ///
    /// # Errors
    /// Those of the file system and of `content`.
    pub fn write_with(&self, name: &str, content: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        if self.is_disabled() {
            return Ok(());
        }
        let outcome = self.replace(name, content);
        let mut state = self.state();
        match &outcome {
            Ok(()) => {
                if !state.written.iter().any(|written| written == name) {
                    state.written.push(name.to_owned());
                }
            }
            Err(error) => {
                let (path, reason) = (self.dir.join(name), crate::fs::reason(error));
                let advice = "Set REPORTS_DIR to a writable directory, or to `none` to write no reports";
                let failure = format!("failed to write {}: {reason}. {advice}", path.display());
                state.failure.get_or_insert(failure);
            }
        }
        outcome
    }

    fn replace(&self, name: &str, content: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
        let target = self.dir.join(name);
        let parent = target.parent().unwrap_or(&self.dir);
        let is_new = self.keeps_from_git && !self.dir.exists();
        self.create_dir(parent)?;
        if is_new {
            self.keep_from_git();
        }
        let file_name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let temporary = parent.join(format!(".{file_name}.tmp"));
        // A left-over of a killed run, or a link planted there.
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary)?;
        content(&mut file).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
        self.give(&temporary);
        drop(file);
        fs::rename(&temporary, &target).inspect_err(|_| drop(fs::remove_file(&temporary)))
    }

    /// A folder of ours ignores itself, so that `git add` leaves reports out and the tree stays clean. One that was
    /// there, such as `REPORTS_DIR=.`, is not only ours. Without it, nothing else goes wrong.
    fn keep_from_git(&self) {
        let path = self.dir.join(GITIGNORE);
        if OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&path)
            .and_then(|mut file| file.write_all(b"*\n"))
            .is_ok()
        {
            self.give(&path);
            self.state().made.push(path);
        }
    }

    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        if dir.is_dir() {
            return Ok(());
        }
        if let Some(parent) = dir.parent() {
            self.create_dir(parent)?;
        }
        match fs::create_dir(dir) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && dir.is_dir() => return Ok(()),
            other => other?,
        }
        self.give(dir);
        self.state().made.push(dir.to_owned());
        Ok(())
    }

    /// Hands a new file or directory to the workspace's owner. Only root can; for anyone else it is the owner already
    /// or can't be helped.
    fn give(&self, path: &Path) {
        if let Some((uid, gid)) = self.owner
            && fs::symlink_metadata(path).is_ok_and(|meta| (meta.uid(), meta.gid()) != (uid, gid))
        {
            drop(lchown(path, Some(uid), Some(gid)));
        }
    }

    /// The names written so far, in order.
    pub fn written(&self) -> Vec<String> {
        self.state().written.clone()
    }

    /// The first file that could not be written, and why.
    pub fn failure(&self) -> Option<String> {
        self.state().failure.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{MetadataExt, chown, symlink};
    use std::path::Path;

    use super::{ReportDir, Workspace, shown};

    #[test]
    fn different_names_are_shown_differently() {
        let parts: [&[u8]; 7] = [b"", b"a", b"ff", b"\xff", b"\xfe", b"\xef", "\u{fffd}".as_bytes()];
        let parts = || parts.into_iter();
        let names: BTreeSet<Vec<u8>> =
            parts().flat_map(|a| parts().flat_map(move |b| parts().map(move |c| [a, b, c].concat()))).collect();
        let texts: BTreeSet<String> = names.iter().map(|name| shown(OsStr::from_bytes(name))).collect();
        assert_eq!(texts.len(), names.len());
        assert_eq!(shown(OsStr::from_bytes(b"ab\xe9")), "ab\u{fffd}e9");
        assert_eq!(shown(OsStr::new("ab\u{e9}")), "ab\u{e9}");
    }

    #[test]
    fn a_planted_link_is_replaced_and_never_followed() {
        let root = tempfile::tempdir().unwrap();
        let victim = root.path().join("victim");
        fs::write(&victim, "precious").unwrap();
        let reports = root.path().join("reports");
        fs::create_dir(&reports).unwrap();
        symlink(&victim, reports.join("report.json")).unwrap();
        symlink(&victim, reports.join(".report.json.tmp")).unwrap();
        let report_dir = ReportDir::new(reports.clone(), root.path());
        report_dir.write("report.json", b"{}").unwrap();
        assert_eq!(fs::read_to_string(victim).unwrap(), "precious");
        assert!(fs::symlink_metadata(reports.join("report.json")).unwrap().is_file());
        assert_eq!(report_dir.written(), ["report.json"]);
        assert_eq!(fs::read_dir(reports).unwrap().count(), 1, "a folder that was there gets nothing else");
    }

    #[test]
    fn a_new_folder_ignores_itself_and_one_that_was_there_does_not() {
        let root = tempfile::tempdir().unwrap();
        let new = root.path().join("security-reports/web");
        ReportDir::new(new.clone(), root.path()).kept_from_git().write("report.json", b"{}").unwrap();
        assert_eq!(fs::read_to_string(new.join(".gitignore")).unwrap(), "*\n");
        ReportDir::new(root.path().to_owned(), root.path()).kept_from_git().write("report.json", b"{}").unwrap();
        assert!(!root.path().join(".gitignore").exists());
        fs::write(new.join(".gitignore"), "own").unwrap();
        ReportDir::new(new.clone(), root.path()).kept_from_git().write("report.json", b"{}").unwrap();
        assert_eq!(fs::read_to_string(new.join(".gitignore")).unwrap(), "own");
    }

    #[test]
    #[ignore = "needs root: make test"]
    fn new_files_and_folders_get_the_owner_of_the_workspace() {
        let root = tempfile::tempdir().unwrap();
        chown(root.path(), Some(12345), Some(54321)).expect("only root may change owners");
        let reports = ReportDir::new(root.path().join("a/b"), root.path());
        reports.write("sbom/c.json", b"{}").unwrap();
        for name in ["a", "a/b", "a/b/sbom", "a/b/sbom/c.json"] {
            let meta = fs::metadata(root.path().join(name)).unwrap();
            assert_eq!((meta.uid(), meta.gid()), (12345, 54321), "{name}");
        }
    }

    #[test]
    fn the_first_failure_is_remembered() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("reports"), "a file where the folder should be").unwrap();
        let reports = ReportDir::new(root.path().join("reports"), root.path());
        assert!(reports.write("report.json", b"{}").is_err());
        assert!(reports.failure().unwrap().contains("report.json"));
        assert!(reports.written().is_empty());
    }

    #[test]
    fn a_relative_path_stays_inside_the_checkout() {
        let outside = tempfile::tempdir().unwrap();
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        fs::create_dir(root.join("service")).unwrap();
        symlink(outside.path(), root.join("service/out")).unwrap();
        symlink("/nowhere/at/all", root.join("service/dangling")).unwrap();
        let inside = |path: &str| Workspace::inside(&root, &root.join("service"), Path::new(path));
        assert_eq!(inside("reports/new"), Ok(root.join("service/reports/new")));
        assert_eq!(inside("../reports"), Ok(root.join("reports")));
        assert!(inside("../../reports").is_err());
        assert!(inside("out/reports").is_err());
        assert!(inside("dangling").is_err());
        assert_eq!(inside("/somewhere/else"), Ok("/somewhere/else".into()));
    }

    #[test]
    fn paths_in_reports_start_at_the_root_of_the_repository() {
        let workspace =
            Workspace { dir: "/r/service".into(), root: "/r".into(), reports: "/r/reports".into(), no_reports: false };
        assert_eq!(workspace.relative(Path::new("src/./main.rs")), "service/src/main.rs");
        assert_eq!(workspace.relative(Path::new("/r/top")), "top");
        assert_eq!(workspace.relative(Path::new("/elsewhere/x")), "/elsewhere/x");
    }
}
