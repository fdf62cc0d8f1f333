//! The files that pipes wrote in earlier steps. Only these are left out of a folder for reports: whatever else lies
//! there is scanned.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pipe_core::fs::{self, Links};

/// What the pipes write below REPORTS_DIR, whichever of them and whatever they are asked for.
const NAMES: [&str; 13] = [
    "security-pipe-report.json",
    "sign-pipe-report.json",
    "notify-pipe-report.json",
    "deploy-pipe-report.json",
    "results.sarif",
    "junit.xml",
    "security-summary.md",
    "security-summary.txt",
    "gitleaks-report.json",
    "gl-code-quality-report.json",
    "sbom/sbom-cyclonedx.json",
    "sbom/sbom-spdx.json",
    GITIGNORE,
];
/// By which a folder that a pipe made keeps its reports from Git. A user's file may have this name, too.
pub(super) const GITIGNORE: &str = ".gitignore";
/// The names of [`NAMES`] that only a pipe gives: a folder that holds one of them is a folder for reports.
const MARKS: usize = 4;

/// Knows which folders are for reports.
pub(super) struct Reports {
    names: BTreeSet<PathBuf>,
    /// Of each folder that was asked about.
    folders: BTreeMap<PathBuf, bool>,
}

impl Reports {
    /// `own` is REPORTS_DIR, and `also` are the files that this run writes below it.
    pub(super) fn new(own: &Path, also: &[String]) -> Reports {
        let names = NAMES.iter().map(PathBuf::from).chain(also.iter().map(PathBuf::from)).collect();
        Reports { names, folders: BTreeMap::from([(own.to_owned(), true)]) }
    }

    /// Whether a pipe wrote this file: its name is one of the list, and its folder, or the one above `sbom/`, is for
    /// reports.
    pub(super) fn wrote(&mut self, path: &Path) -> bool {
        if path.ends_with(GITIGNORE) && !is_of_a_pipe(path) {
            return false;
        }
        let named = path
            .ancestors()
            .skip(1)
            .take(3)
            .find(|folder| path.strip_prefix(folder).is_ok_and(|name| self.names.contains(name)))
            .map(Path::to_owned);
        named.is_some_and(|folder| self.is_one(&folder))
    }

    /// Whether a folder is for reports.
    pub(super) fn is_one(&mut self, folder: &Path) -> bool {
        let marked = || NAMES[..MARKS].iter().any(|mark| folder.join(mark).is_file());
        *self.folders.entry(folder.to_owned()).or_insert_with(marked)
    }
}

/// Whether a `.gitignore` is what a pipe writes.
fn is_of_a_pipe(path: &Path) -> bool {
    const CONTENT: &[u8] = b"*\n";
    fs::read_bounded(path, CONTENT.len() as u64, Links::Refuse).is_ok_and(|content| content == CONTENT)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Reports;

    #[test]
    fn only_the_files_of_pipes_in_a_folder_for_reports_are_known() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for file in [
            "reports/views.py",
            "reports/junit.xml",
            "web/out/sign-pipe-report.json",
            "web/out/results.sarif",
            "web/out/sbom/sbom-spdx.json",
            "web/out/sbom/other.json",
            "junit.xml",
            "sbom/sbom-spdx.json",
        ] {
            fs::create_dir_all(root.join(file).parent().unwrap()).unwrap();
            fs::write(root.join(file), "").unwrap();
        }
        fs::write(root.join("reports/.gitignore"), "*\n").unwrap();
        fs::write(root.join("web/out/.gitignore"), "# password\n*\n").unwrap();
        let mut reports = Reports::new(&root.join("reports"), &["own.sarif".to_owned()]);
        let mut wrote = |file: &str| reports.wrote(&root.join(file));
        for file in [
            "reports/.gitignore",
            "reports/junit.xml",
            "reports/own.sarif",
            "web/out/results.sarif",
            "web/out/sbom/sbom-spdx.json",
        ] {
            assert!(wrote(file), "{file}");
        }
        for file in [
            "web/out/.gitignore",
            "reports/views.py",
            "web/out/sbom/other.json",
            "junit.xml",
            "sbom/sbom-spdx.json",
            "a/own.sarif",
        ] {
            assert!(!wrote(file), "{file}");
        }
    }
}
