//! Lockfiles and manifests in a tree: which ones count, and what is said of those that don't.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::Repo;

#[test]
fn a_lockfile_that_nothing_reads_is_named_whatever_it_is_called() {
    let db = advisories();
    for (path, names) in [
        ("src/packages.App.lock.json", "NuGet"),
        ("pnpm-lock.main.yaml", "npm (pnpm)"),
        ("gradle/libs.versions.toml", "Maven (Gradle)"),
        ("go.sum", "lockfiles of Go"),
        ("Gopkg.lock", "Go (dep)"),
    ] {
        let repo = Repo::new();
        repo.write(path, "# content\n").commit("first");
        let outcome = pipe(&repo, &db).run().expect(3);
        assert!(outcome.stderr.contains(path) && outcome.stderr.contains(names), "{path}: {}", outcome.stderr);
    }
    for (path, names) in [
        ("Chart.lock", "Helm"),
        (".terraform.lock.hcl", "Terraform"),
        ("elm.json", "Elm"),
        ("tool/new.lock", "new.lock"),
    ] {
        let repo = Repo::new();
        repo.write(path, "# content\n").commit("first");
        let outcome = pipe(&repo, &db).run().expect(0);
        assert!(outcome.stderr.contains(path) && outcome.stderr.contains(names), "{path}: {}", outcome.stderr);
    }
}

#[test]
fn a_file_that_belongs_to_a_lockfile_of_ours_is_not_one_more() {
    let repo = Repo::new();
    repo.write("go.mod", "module example.com/m\n\ngo 1.20\n").write("go.sum", "").commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    assert!(!outcome.stderr.contains("go.sum"), "{}", outcome.stderr);
}
