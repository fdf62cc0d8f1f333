//! A Git repository for one test.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

/// A temporary checkout on branch `main`.
pub struct Repo {
    dir: TempDir,
}

impl Default for Repo {
    fn default() -> Repo {
        Repo::new()
    }
}

impl Repo {
    /// An empty repository.
    pub fn new() -> Repo {
        let repo = Repo::plain();
        repo.git(&["init", "--quiet", "--initial-branch=main"]);
        repo
    }

    /// A directory that is no repository.
    pub fn plain() -> Repo {
        Repo { dir: tempfile::Builder::new().prefix("checkout").tempdir().unwrap() }
    }

    /// A clone of `origin`, with the history that `args` leave it: `--depth=1`.
    pub fn clone_of(origin: &Repo, args: &[&str]) -> Repo {
        let repo = Repo::plain();
        let url = format!("file://{}", origin.path().display());
        repo.git(&[&["clone", "--quiet"], args, &[&url, "."]].concat());
        repo
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn join(&self, path: &str) -> PathBuf {
        self.path().join(path)
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) -> &Repo {
        let path = self.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        self
    }

    /// Adds everything and commits; returns the commit.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all", "--force"]);
        self.git(&["commit", "--quiet", "--allow-empty", "-m", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Runs git without the machine's configuration.
    pub fn git(&self, args: &[&str]) -> String {
        let output = Command::new("git")
            .args(args)
            .current_dir(self.path())
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Author")
            .env("GIT_AUTHOR_EMAIL", "author@example.com")
            .env("GIT_COMMITTER_NAME", "Author")
            .env("GIT_COMMITTER_EMAIL", "author@example.com")
            .env("GIT_AUTHOR_DATE", "2026-01-02T03:04:05Z")
            .env("GIT_COMMITTER_DATE", "2026-01-02T03:04:05Z")
            .output()
            .expect("git is installed (`make bootstrap`)");
        assert!(output.status.success(), "git {args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}
