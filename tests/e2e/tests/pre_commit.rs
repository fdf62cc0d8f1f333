//! The hook of `.pre-commit-hooks.yaml`, run by pre-commit on `git commit`.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;
use std::process::Command;

use pipewright_harness::{Repo, binary, root};

struct Project {
    repo: Repo,
    tools: Repo,
    pre_commit: PathBuf,
}

impl Project {
    /// A repository with the hook installed, and a machine with security-pipe on PATH.
    fn new() -> Project {
        let hooks = Repo::new();
        for path in [".pre-commit-hooks.yaml", ".ci/pre-commit"] {
            hooks.write(path, "");
            fs::copy(root().join(path), hooks.join(path)).unwrap();
        }
        let revision = hooks.commit("Hooks");
        let tools = Repo::plain();
        symlink(binary("security-pipe"), tools.join("security-pipe")).unwrap();
        let home = PathBuf::from(std::env::vars_os().find(|(name, _)| name == "HOME").expect("HOME").1);
        let cache = std::env::vars_os().find(|(name, _)| name == "XDG_CACHE_HOME");
        let cache = cache.map_or(home.join(".cache"), |(_, cache)| cache.into());
        let pre_commit = cache.join("pipewright/lint/bin/pre-commit");
        assert!(pre_commit.exists(), "pre-commit is missing: tests/lint/install.sh installs it");

        let repo = Repo::new();
        repo.write(
            ".pre-commit-config.yaml",
            format!(
                "repos:\n  - repo: {}\n    rev: {revision}\n    hooks:\n      - id: security-pipe\n",
                hooks.path().display()
            ),
        );
        let project = Project { repo, tools, pre_commit };
        let installed = project.command(project.pre_commit.to_str().unwrap(), &["install"]);
        assert_eq!(installed.0, Some(0), "{}", installed.1);
        assert_eq!(project.commit(&[".pre-commit-config.yaml"]).0, Some(0));
        project
    }

    fn command(&self, program: &str, args: &[&str]) -> (Option<i32>, String) {
        let output = Command::new(program)
            .args(args)
            .current_dir(self.repo.path())
            .env_clear()
            .env("PATH", format!("{}:/usr/local/bin:/usr/bin:/bin", self.tools.path().display()))
            .env("HOME", self.tools.path())
            .env("GIT_CONFIG_SYSTEM", "/dev/null")
            .env("GIT_AUTHOR_NAME", "Author")
            .env("GIT_AUTHOR_EMAIL", "author@example.com")
            .env("GIT_COMMITTER_NAME", "Author")
            .env("GIT_COMMITTER_EMAIL", "author@example.com")
            .output()
            .unwrap();
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.code(), text)
    }

    /// Stages these files alone and commits.
    fn commit(&self, paths: &[&str]) -> (Option<i32>, String) {
        self.repo.git(&[&["add", "--"], paths].concat());
        self.command("git", &["commit", "-m", "A change"])
    }
}

#[test]
#[ignore = "needs pre-commit: make test"]
fn a_commit_with_a_secret_in_a_staged_file_is_refused() {
    let project = Project::new();
    // In the shape of AWS's keys. It belongs to no account.
    let key = ["AK", "IA", "Q3EGRZ6YM7TB5XWD"].concat();
    let secret = format!("const id = \"{key}\";\n");

    project.repo.write("pages/[id].tsx", &secret).write("pages/i.tsx", "fine\n");
    let (code, text) = project.commit(&["pages/[id].tsx", "pages/i.tsx"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("AWS access key id") && text.contains("pages/[id].tsx:1"), "{text}");
    assert!(!text.contains(&key), "{text}");

    // What is not staged is not of this commit.
    project.repo.git(&["reset", "--quiet", "--", ":(literal)pages/[id].tsx"]);
    let (code, text) = project.commit(&["pages/i.tsx"]);
    assert_eq!(code, Some(0), "{text}");
    assert_eq!(project.repo.git(&["show", "--name-only", "--format="]), "pages/i.tsx");

    // Neither is what was changed after it was staged.
    project.repo.write("pages/j.tsx", "fine\n").git(&["add", "pages/j.tsx"]);
    project.repo.write("pages/j.tsx", &secret);
    let (code, text) = project.command("git", &["commit", "-m", "A change"]);
    assert_eq!(code, Some(0), "{text}");

    // The reports are where no commit takes them up.
    assert!(!project.repo.join("security-reports").exists());
    assert!(project.repo.join(".git/security-reports/security-pipe-report.json").exists());
}

#[test]
#[ignore = "needs pre-commit: make test"]
fn a_secret_of_the_generic_rule_is_refused_unless_the_user_says_otherwise() {
    let project = Project::new();
    let value = ["q8ZtR2mVx7Lk", "Pw4NbYc9HsDf"].concat();
    project.repo.write("config.py", format!("api_token = '{value}'\n"));
    let (code, text) = project.commit(&["config.py"]);
    assert_eq!(code, Some(1), "{text}");
    assert!(text.contains("config.py:1"), "{text}");
    let (code, text) = project.command("env", &["FAIL_ON_MEDIUM=false", "git", "commit", "-m", "A change"]);
    assert_eq!(code, Some(0), "{text}");
}
