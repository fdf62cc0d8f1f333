//! What is looked at: every tracked file, wherever its content is, and nothing that is not part of the tree.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::{CRITICAL, advisories, aws_key, pipe, poetry_lock};
use pipewright_harness::{Outcome, Pipe, Repo, advisory, database};
use serde_json::Value;
use tempfile::TempDir;

fn left_out(outcome: &Outcome, reason: &str) -> Vec<String> {
    let report = outcome.report();
    let sections = report["left_out"].as_array().cloned().unwrap_or_default();
    let section = sections.into_iter().find(|section| section["reason"] == reason).unwrap_or(Value::Null);
    section["names"].as_array().cloned().unwrap_or_default().iter().map(|name| name.as_str().unwrap().into()).collect()
}

fn secret(repo: &Repo, path: &str) {
    repo.write(path, format!("KEY={}\n", aws_key(7)));
}

#[test]
fn files_of_a_sparse_checkout_are_scanned_from_the_git_objects() {
    let repo = Repo::new();
    secret(&repo, "out/s.env");
    repo.write("out/poetry.lock", poetry_lock(&[("critical", "1.0")])).write("in/a", "text").commit("first");
    repo.git(&["sparse-checkout", "set", "in"]);
    let outcome = pipe(&repo, &advisories()).run().expect(1);
    assert!(outcome.stdout.contains("out/s.env:1") && outcome.stdout.contains("out/poetry.lock"), "{}", outcome.stdout);

    std::fs::remove_dir_all(repo.join(".git/objects/pack")).ok();
    let blob = repo.git(&["rev-parse", "HEAD:out/s.env"]);
    let (folder, name) = blob.trim().split_at(2);
    std::fs::remove_file(repo.join(&format!(".git/objects/{folder}/{name}"))).unwrap();
    let outcome = pipe(&repo, &advisories()).run();
    assert_eq!(left_out(&outcome, "absent"), ["out/s.env"]);
    let outcome = pipe(&repo, &advisories()).env("EXCLUDE_PATHS", "out/poetry.lock").run().expect(3);
    assert!(outcome.stdout.contains("1 tracked file that is not here"), "{}", outcome.stdout);
}

#[test]
fn a_bare_repository_is_no_tree() {
    let repo = Repo::new();
    secret(&repo, "s.env");
    repo.commit("first");
    let bare = TempDir::new().unwrap();
    let path = bare.path().join("bare.git");
    repo.git(&["clone", "-q", "--bare", ".", path.to_str().unwrap()]);
    let outcome = Pipe::at(common::BINARY, &path).run().expect(2);
    assert!(outcome.stderr.contains("a bare repository has no working tree"), "{}", outcome.stderr);
    assert!(!path.join("security-reports").exists());
}

#[test]
fn an_ignore_file_of_another_tool_hides_nothing() {
    let repo = Repo::plain();
    secret(&repo, "a.py");
    repo.write(".ignore", "*\n").write(".rgignore", "*\n");
    pipe(&repo, &advisories()).run().expect(1);
    let above = Repo::plain();
    above.write(".ignore", "*\n").write(".gitignore", "*\n");
    secret(&above, "in/a.py");
    Pipe::at(common::BINARY, &above.join("in")).env("SCA_SCAN", "false").run().expect(1);
}

#[test]
fn a_folder_that_is_called_like_that_of_reports_is_scanned() {
    let repo = Repo::plain();
    secret(&repo, "reports/views.py");
    let run =
        || pipe(&repo, &advisories()).env("REPORTS_DIR", "reports").reports(&repo.join("reports")).run().expect(1);
    let first = run();
    let second = run();
    assert!(second.stdout.contains("reports/views.py:1"), "{}", second.stdout);
    assert_eq!(first.report()["findings"], second.report()["findings"]);
}

#[test]
fn the_ignore_file_of_a_reports_folder_hides_reports_only() {
    let repo = Repo::new();
    repo.write("a", "text").commit("first");
    pipe(&repo, &advisories()).run().expect(0);
    secret(&repo, "security-reports/notes.txt");
    pipe(&repo, &advisories()).run().expect(1);
}

#[test]
fn reports_of_other_runs_are_no_sources() {
    let repo = Repo::plain();
    repo.write("services/api/a.txt", "text").write("b.txt", "text");
    let db = advisories();
    pipe(&repo, &db).env("WORKING_DIR", "services/api").run().expect(0);
    pipe(&repo, &db).env("REPORT_NAME", "one").run().expect(0);
    let outcome = pipe(&repo, &db).env("REPORT_NAME", "two").run().expect(0);
    assert!(outcome.stdout.contains("scanned  2 files"), "{}", outcome.stdout);
}

#[test]
fn errors_of_the_walk_count_whatever_is_scanned() {
    let repo = Repo::new();
    repo.write("svc/requirements.txt", "a==1\n").commit("first");
    let outcome = pipe(&repo, &advisories()).env("SCAN_PATHS", "srvices").env("SECRETS_SCAN", "false").run().expect(3);
    assert!(outcome.stderr.contains("SCAN_PATHS: srvices matches no file"), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("1 path that matches no file"), "{}", outcome.stdout);
}

#[test]
fn a_lockfile_behind_a_link_is_read() {
    let repo = Repo::new();
    repo.write("shared/deps.lock.txt", "critical==1.0\n").write("a/x", "text");
    std::os::unix::fs::symlink("../shared/deps.lock.txt", repo.join("a/requirements.txt")).unwrap();
    repo.commit("first");
    let outcome = pipe(&repo, &advisories()).env("WORKING_DIR", "a").run().expect(1);
    assert!(outcome.stdout.contains("a/requirements.txt:1"), "{}", outcome.stdout);
    std::fs::remove_file(repo.join("a/requirements.txt")).unwrap();
    std::os::unix::fs::symlink("requirements.txt", repo.join("a/requirements.txt")).unwrap();
    let outcome = pipe(&repo, &advisories()).env("WORKING_DIR", "a").run().expect(3);
    assert!(outcome.stderr.contains("a/requirements.txt: is a link"), "{}", outcome.stderr);
}

#[test]
fn a_lockfile_that_git_ignores_is_named_and_can_be_let_in() {
    let repo = Repo::new();
    repo.write(".gitignore", "requirements.txt\n").write("a", "text").commit("first");
    repo.write("requirements.txt", "critical==1.0\n");
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    assert_eq!(outcome.report()["verdict"], "warned");
    assert!(outcome.stderr.contains("requirements.txt: Git ignores it"), "{}", outcome.stderr);
    pipe(&repo, &advisories()).env("SCAN_PATHS", "requirements.txt,a").run().expect(1);
}

#[test]
fn an_empty_directory_is_no_workspace() {
    let repo = Repo::plain();
    for _ in 0..2 {
        let outcome = pipe(&repo, &advisories()).run().expect(2);
        assert!(outcome.stderr.contains("nothing is mounted"), "{}", outcome.stderr);
        assert_eq!(std::fs::read_dir(repo.path()).unwrap().count(), 0, "it leaves no trace");
    }
    // What an older version left there is not content.
    repo.write("security-reports/security-pipe-report.json", "{}").write("security-reports/junit.xml", "");
    pipe(&repo, &advisories()).run().expect(2);
    let outcome = Pipe::at(common::BINARY, std::path::Path::new("/")).run().expect(2);
    assert!(outcome.stderr.contains("nothing is mounted"), "{}", outcome.stderr);
}

#[test]
fn a_repository_without_files_is_skipped_and_patterns_that_leave_out_all_are_not() {
    let repo = Repo::new();
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    assert_eq!(outcome.report()["verdict"], "skipped");
    repo.write("a", "text").commit("first");
    let outcome = pipe(&repo, &advisories()).env("EXCLUDE_PATHS", "**").run().expect(3);
    assert!(outcome.stderr.contains("leave out every file"), "{}", outcome.stderr);
}

#[test]
fn content_that_was_not_fetched_is_a_warning() {
    let repo = Repo::new();
    let oid = "4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393";
    let pointer = format!("version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize 12345\n");
    repo.write("keys.env", &pointer).write("more.env", &pointer);
    let sub = Repo::new();
    sub.write("poetry.lock", poetry_lock(&[("critical", "1.0")])).commit("first");
    repo.git(&["-c", "protocol.file.allow=always", "submodule", "-q", "add", sub.path().to_str().unwrap(), "sub"]);
    repo.commit("second");
    pipe(&repo, &advisories()).run().expect(1);
    repo.git(&["submodule", "-q", "deinit", "-f", "sub"]);
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    assert_eq!(outcome.report()["verdict"], "warned");
    assert!(outcome.stdout.contains("not seen 2 LFS pointers, 1 submodule not fetched"), "{}", outcome.stdout);
}

#[test]
fn a_lockfile_of_an_installed_package_is_not_the_projects() {
    let repo = Repo::new();
    repo.write("node_modules/x/poetry.lock", poetry_lock(&[("critical", "1.0")])).commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    assert_eq!(left_out(&outcome, "installed"), ["node_modules/x/poetry.lock"]);
    secret(&repo, "node_modules/x/.env");
    repo.git(&["add", "-f", "node_modules/x/.env"]);
    pipe(&repo, &advisories()).run().expect(1);
}

#[test]
fn a_pattern_without_effect_is_a_warning() {
    let repo = Repo::new();
    repo.write("a", "text").commit("first");
    let reports = repo.join("out\\reports");
    let run = pipe(&repo, &advisories()).env("EXCLUDE_PATHS", "nonexist").env("REPORTS_DIR", "out\\reports");
    let outcome = run.reports(&reports).run().expect(0);
    assert_eq!(outcome.report()["verdict"], "warned");
    assert!(outcome.stderr.contains("EXCLUDE_PATHS: nonexist matches no file"), "{}", outcome.stderr);
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(said.contains("REPORTS_DIR contains a backslash"), "{said}");
}

#[test]
fn what_is_set_for_another_tool_is_not_silent() {
    let repo = Repo::new();
    repo.write("a", "text").write("web/.trivyignore", "CVE-2020-1\n").commit("first");
    let outcome =
        pipe(&repo, &advisories()).env("TRIVY_EXIT_CODE", "1").env("TRIVY_SEVERITY", "CRITICAL").run().expect(0);
    assert_eq!(outcome.report()["verdict"], "warned");
    assert!(outcome.stderr.contains("TRIVY_EXIT_CODE has no effect without CONTAINER_SCAN=true"), "{}", outcome.stderr);
    let said = format!("{}{}", outcome.stdout, outcome.stderr);
    assert!(said.contains("web/.trivyignore: policy files of other tools do not apply"), "{said}");
    for name in ["INPUT_TRIVY_EXIT_CODE", "PIPEWRIGHT_IMAGE", "INPUT_HELM_VALUES_FILE"] {
        let outcome = pipe(&repo, &advisories()).env(name, "1").run().expect(2);
        assert!(outcome.stderr.contains(name), "{}", outcome.stderr);
    }
}

#[test]
fn the_ignore_file_of_the_repository_counts_for_a_part_of_it() {
    let repo = Repo::new();
    let entry = |id: &str| format!("[[ignore]]\nid = \"{id}\"\nreason = \"r\"\nexpires = 2999-01-01\n");
    secret(&repo, "a/s.env");
    repo.write(".pipewright/ignore.toml", entry("aws-access-key-id")).commit("first");
    let run = || pipe(&repo, &advisories()).env("WORKING_DIR", "a").reports(&repo.join("a/security-reports")).run();
    run().expect(0);
    // The one in the working directory comes first.
    repo.write("a/.pipewright/ignore.toml", entry("private-key")).commit("second");
    run().expect(1);
}

#[test]
fn an_ignore_file_that_git_would_not_read_hides_nothing() {
    for repo in [Repo::new(), Repo::plain()] {
        secret(&repo, "s.env");
        secret(&repo, "sub/s.env");
        secret(&repo, "junk/s.env");
        repo.write("rules", "*\n").write("junk/.git", "gitdir: nowhere\n").write("junk/.gitignore", "x\n");
        std::os::unix::fs::symlink("rules", repo.join(".gitignore")).unwrap();
        let made = std::process::Command::new("mkfifo").arg(repo.join("sub/.gitignore")).status().unwrap();
        assert!(made.success());
        let outcome = pipe(&repo, &advisories()).env("TIMEOUT", "20").run().expect(1);
        for path in ["s.env:1", "sub/s.env:1", "junk/s.env:1"] {
            assert!(outcome.stdout.contains(path), "{path}: {}", outcome.stdout);
        }
    }
    let plain = Repo::plain();
    secret(&plain, "junk/s.env");
    plain.write("junk/.git", "gitdir: nowhere\n").write("junk/.gitignore", "*\n");
    pipe(&plain, &advisories()).run().expect(1);
    let made = std::process::Command::new("mkfifo").arg(plain.join(".gitignore")).status().unwrap();
    assert!(made.success());
    pipe(&plain, &advisories()).env("TIMEOUT", "20").run().expect(1);
}

#[test]
fn more_ignore_rules_than_are_read_never_pass() {
    let repo = Repo::new();
    repo.write("a", "text").commit("first");
    for rules in ["# a comment\n".repeat(100_000), "a*b\n".repeat(20_000), format!("{}\n", "a*".repeat(5000))] {
        repo.write(".gitignore", rules);
        let outcome = pipe(&repo, &advisories()).run().expect(3);
        assert!(outcome.stderr.contains(".gitignore: has more ignore rules"), "{}", outcome.stderr);
        std::fs::remove_file(repo.join(".gitignore")).unwrap();
    }
    repo.write(".git/info/exclude", "b\n".repeat(600_000));
    let outcome = pipe(&repo, &advisories()).run().expect(3);
    assert!(outcome.stderr.contains(".git/info/exclude: has more ignore rules"), "{}", outcome.stderr);
}

#[test]
fn a_file_that_a_repository_in_the_tree_tracks_is_scanned() {
    for outer in [Repo::new(), Repo::plain()] {
        outer.write("a", "text").write("sub/.gitignore", "*.env\n").write("sub/a", "text");
        secret(&outer, "sub/s.env");
        secret(&outer, "sub/untracked.env");
        let git = |args: &[&str]| {
            let name = ["-c", "user.name=a", "-c", "user.email=a@example.com", "-C"];
            let sub = outer.join("sub");
            let done = std::process::Command::new("git").args(name).arg(&sub).args(args).status().unwrap();
            assert!(done.success(), "{args:?}");
        };
        git(&["init", "-q"]);
        git(&["add", "-f", ".gitignore", "a", "s.env"]);
        git(&["commit", "-qm", "first"]);
        let outcome = pipe(&outer, &advisories()).run().expect(1);
        assert!(outcome.stdout.contains("sub/s.env:1"), "{}", outcome.stdout);
        assert_eq!(left_out(&outcome, "ignored-by-git"), ["sub/untracked.env"]);
    }
}

fn npm_advisories() -> TempDir {
    let dir = TempDir::new().unwrap();
    database(dir.path(), "npm", &[advisory("GHSA-crit-crit-crit", "npm", "critical", "2.0", Some(CRITICAL))]);
    dir
}

fn npm_lock() -> String {
    let package = serde_json::json!({ "version": "1.0.0" });
    serde_json::json!({ "lockfileVersion": 3, "packages": { "": {}, "node_modules/critical": package } }).to_string()
}

#[test]
fn a_link_counts_by_its_own_name_and_place() {
    let link = |repo: &Repo, target: &str, name: &str| std::os::unix::fs::symlink(target, repo.join(name)).unwrap();
    for (file, target, name) in [
        ("node_modules/x/package-lock.json", "node_modules/x/package-lock.json", "package-lock.json"),
        ("b/package-lock.json", "../b/package-lock.json", "a/package-lock.json"),
    ] {
        let repo = Repo::new();
        repo.write(file, npm_lock()).write("node_modules/x/package.json", "{}").write("a/x", "text");
        repo.write("b/npm-shrinkwrap.json", r#"{"lockfileVersion": 3, "packages": {"": {}}}"#);
        link(&repo, target, name);
        repo.commit("first");
        let outcome = pipe(&repo, &npm_advisories()).run().expect(1);
        assert!(outcome.stdout.contains(name), "{}", outcome.stdout);
    }
    let repo = Repo::new();
    repo.write("shared/package.json", r#"{"dependencies": {"x": "1"}}"#).write("a/x", "text");
    link(&repo, "../shared/package.json", "a/package.json");
    link(&repo, "/nowhere/Cargo.toml", "a/Cargo.toml");
    repo.commit("first");
    let inside = pipe(&repo, &advisories()).env("WORKING_DIR", "a").reports(&repo.join("a/security-reports"));
    let outcome = inside.run().expect(0);
    assert_eq!(outcome.report()["verdict"], "warned");
    assert_eq!(left_out(&outcome, "no-lockfile"), ["a/Cargo.toml", "a/package.json"]);
}

#[test]
fn folders_whose_names_are_not_utf8_are_not_taken_for_each_other() {
    use std::os::unix::ffi::OsStrExt;
    let repo = Repo::new();
    for (folder, name, text) in [
        (&b"\xfe"[..], "package-lock.json", npm_lock()),
        (b"\xff", "package-lock.json", npm_lock()),
        (b"\xff", "npm-shrinkwrap.json", r#"{"lockfileVersion": 3, "packages": {"": {}}}"#.to_owned()),
    ] {
        let folder = repo.path().join(std::ffi::OsStr::from_bytes(folder));
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(name), text).unwrap();
    }
    repo.commit("first");
    let outcome = pipe(&repo, &npm_advisories()).run().expect(1);
    assert_eq!(left_out(&outcome, "superseded"), ["\u{fffd}ff/package-lock.json"]);
}

#[test]
fn content_in_git_annex_is_a_warning() {
    let repo = Repo::new();
    let key = "SHA256E-s12--4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393.env";
    repo.write("a.env", format!("/annex/objects/{key}\n"));
    std::os::unix::fs::symlink(format!(".git/annex/objects/a/b/{key}/{key}"), repo.join("b.env")).unwrap();
    repo.commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    assert_eq!(outcome.report()["verdict"], "warned");
    assert_eq!(left_out(&outcome, "annex-pointer"), ["a.env", "b.env"]);
}
