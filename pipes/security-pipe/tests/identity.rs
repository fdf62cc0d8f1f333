//! Who a finding is: what a baseline, an ignore entry and SARIF know again after the tree or the advisories changed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::fs;

use common::*;
use pipewright_harness::{Outcome, Repo, advisory, database};
use serde_json::{Value, json};
use tempfile::TempDir;

const BASELINE: &str = ".pipewright/baseline.json";

fn record(id: &str, aliases: &[&str]) -> Value {
    let mut record = advisory(id, "npm", "foo", "9.0.0", Some(CRITICAL));
    record["aliases"] = json!(aliases);
    record["published"] = json!("2026-01-01T00:00:00Z");
    record
}

fn db(records: &[Value]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    database(dir.path(), "npm", records);
    dir
}

/// A lockfile with `foo` at the places, in this order.
fn lock(places: &[(&str, &str)]) -> String {
    let mut packages = serde_json::Map::new();
    packages.insert(String::new(), json!({}));
    for (place, version) in places {
        let resolved = format!("https://registry.npmjs.org/foo/-/foo-{version}.tgz");
        packages.insert((*place).to_owned(), json!({ "version": version, "resolved": resolved }));
    }
    json!({ "lockfileVersion": 3, "packages": packages }).to_string()
}

const TOP: &str = "node_modules/foo";
const BELOW: &str = "node_modules/z/node_modules/foo";

/// A repository whose baseline was written with the lockfile and the advisories.
fn repo(lockfile: &str, db: &TempDir) -> Repo {
    let repo = Repo::new();
    repo.write("package-lock.json", lockfile).commit("first");
    let outcome = pipe(&repo, db).env("BASELINE_WRITE", "true").run().expect(0);
    assert_eq!(outcome.report()["verdict"], "warned", "a run that did not gate did not pass");
    assert!(outcome.stdout.contains(" critical): BASELINE_WRITE=true"), "{}", outcome.stdout);
    repo
}

fn states(outcome: &Outcome) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let report = outcome.report();
    let findings = report["findings"].as_array().unwrap();
    let mut states: Vec<_> = findings
        .iter()
        .map(|finding| (text(&finding["package"]["version"]), text(&finding["status"]["state"])))
        .collect();
    states.sort();
    states
}

fn fingerprints(outcome: &Outcome, version: &str) -> Vec<String> {
    let sarif: Value = serde_json::from_str(&outcome.file("results.sarif")).unwrap();
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    results.iter().map(|result| result["partialFingerprints"][version].as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_new_copy_does_not_take_the_place_of_a_known_one() {
    let db = db(&[record("GHSA-1", &[])]);
    let repo = repo(&lock(&[(BELOW, "1.0.0")]), &db);
    repo.write("package-lock.json", lock(&[(TOP, "3.0.0"), (BELOW, "1.0.0")]));
    let outcome = pipe(&repo, &db).run().expect(1);
    let expected = [("1.0.0".to_owned(), "known".to_owned()), ("3.0.0".to_owned(), "new".to_owned())];
    assert_eq!(states(&outcome), expected);
    repo.write("package-lock.json", lock(&[(TOP, "3.0.0")]));
    pipe(&repo, &db).run().expect(1);
    repo.write("package-lock.json", lock(&[(BELOW, "1.5.0")]));
    pipe(&repo, &db).run().expect(0);
}

#[test]
fn an_alias_a_moved_and_a_reformatted_lockfile_change_nothing() {
    let before = db(&[record("GO-1", &[])]);
    let repo = repo(&lock(&[(TOP, "1.0.0"), (BELOW, "2.0.0")]), &before);
    // Each is read at once: the next run replaces the reports.
    let both = |outcome: &Outcome| {
        let mut all = ["pipewright/v1", "pipewright/v2"].map(|version| fingerprints(outcome, version));
        all.iter_mut().for_each(|fingerprints| fingerprints.sort());
        all
    };
    let [v1, v2] = both(&pipe(&repo, &before).run().expect(0));
    // An alias, and the record that it names.
    let after = db(&[record("GO-1", &["CVE-1", "GHSA-1"]), record("GHSA-1", &["GO-1", "CVE-1"])]);
    let aliased = pipe(&repo, &after).run().expect(0);
    assert!(aliased.stdout.contains("2 known"), "{}", aliased.stdout);
    let [aliased_v1, aliased_v2] = both(&aliased);
    assert_eq!(aliased_v2, v2);
    assert_ne!(aliased_v1, v1, "as it always was");
    // Another form of the same tree, in another order.
    let nested = json!({ "lockfileVersion": 1, "dependencies": {
        "z": { "version": "1.0.0", "resolved": "https://registry.npmjs.org/z/-/z-1.0.0.tgz", "dependencies": {
            "foo": { "version": "2.0.0", "resolved": "https://registry.npmjs.org/foo/-/foo-2.0.0.tgz" },
        }},
        "foo": { "version": "1.0.0", "resolved": "https://registry.npmjs.org/foo/-/foo-1.0.0.tgz" },
    }});
    repo.write("package-lock.json", serde_json::to_string_pretty(&nested).unwrap());
    assert_eq!(both(&pipe(&repo, &after).run().expect(0))[1], v2);
    fs::create_dir(repo.join("web")).unwrap();
    fs::rename(repo.join("package-lock.json"), repo.join("web/package-lock.json")).unwrap();
    repo.git(&["add", "-A"]);
    let moved = pipe(&repo, &after).run().expect(0);
    assert!(moved.stdout.contains("2 known"), "{}", moved.stdout);
    assert!(!moved.stderr.contains("no longer exist"), "{}", moved.stderr);
    assert_ne!(both(&moved)[1], v2, "a moved file is new in SARIF");
    // The old file is back, so the other one is a copy.
    repo.write("package-lock.json", lock(&[(TOP, "1.0.0"), (BELOW, "2.0.0")]));
    pipe(&repo, &after).run().expect(1);
}

#[test]
fn an_ignore_entry_survives_a_new_alias_by_either_fingerprint() {
    let (before, after) = (db(&[record("GO-1", &[])]), db(&[record("GO-1", &["GHSA-1"])]));
    let repo = Repo::new();
    repo.write("package-lock.json", lock(&[(TOP, "1.0.0")])).commit("first");
    let first = pipe(&repo, &before).run().expect(1);
    for fingerprint in ["pipewright/v1", "pipewright/v2"].map(|version| fingerprints(&first, version).remove(0)) {
        let entry = format!("[[ignore]]\nfingerprint = \"{fingerprint}\"\nreason = \"r\"\nexpires = 2099-01-01\n");
        repo.write(".pipewright/ignore.toml", entry);
        for db in [&before, &after] {
            pipe(&repo, db).run().expect(0);
        }
    }
}

/// The baseline of c3f2611 for this tree, by hand: what it wrote is in `golden/known-before.json`.
#[test]
fn a_baseline_of_version_1_survives_a_new_alias_and_a_move() {
    let (before, after) = (db(&[record("GO-1", &[])]), db(&[record("GO-1", &["GHSA-1"])]));
    let repo = Repo::new();
    repo.write("package-lock.json", lock(&[(BELOW, "1.0.0")])).commit("first");
    let fingerprint = fingerprints(&pipe(&repo, &before).run().expect(1), "pipewright/v1").remove(0);
    let entry =
        json!({ "fingerprint": fingerprint, "rule": "GO-1", "subject": "foo 1.0.0", "path": "package-lock.json" });
    repo.write(BASELINE, json!({ "version": 1, "findings": [entry] }).to_string());
    pipe(&repo, &before).run().expect(0);
    pipe(&repo, &after).run().expect(0);
    repo.write("package-lock.json", lock(&[(TOP, "3.0.0"), (BELOW, "1.0.0")]));
    let outcome = pipe(&repo, &after).run().expect(1);
    let expected = [("1.0.0".to_owned(), "known".to_owned()), ("3.0.0".to_owned(), "new".to_owned())];
    assert_eq!(states(&outcome), expected);
    fs::remove_file(repo.join("package-lock.json")).unwrap();
    repo.write("web/package-lock.json", lock(&[(BELOW, "1.0.0")])).git(&["add", "-A"]);
    pipe(&repo, &after).run().expect(0);
}

#[test]
fn a_package_is_ignored_by_any_spelling_of_its_name() {
    let repo = Repo::new();
    repo.write("requirements.txt", "zope.interface==1.0\n").commit("first");
    let dir = tempfile::tempdir().unwrap();
    database(dir.path(), "PyPI", &[advisory("GHSA-z", "PyPI", "zope-interface", "2.0", Some(CRITICAL))]);
    for spelling in ["zope.interface", "Zope_Interface", "zope-interface"] {
        let entry =
            format!("[[ignore]]\nid = \"GHSA-z \"\npackage = \"{spelling}\"\nreason = \"r\"\nexpires = 2099-01-01\n");
        repo.write(".pipewright/ignore.toml", entry);
        pipe(&repo, &dir).run().expect(0);
    }
}

#[test]
fn a_pull_request_must_not_write_the_baseline() {
    let repo = Repo::new();
    repo.write("package-lock.json", lock(&[(TOP, "1.0.0")])).commit("first");
    let db = db(&[record("GHSA-1", &[])]);
    let bitbucket =
        [("BITBUCKET_BUILD_NUMBER", "7"), ("BITBUCKET_PR_ID", "41"), ("BITBUCKET_PR_DESTINATION_BRANCH", "main")];
    let outcome = pipe(&repo, &db).envs(&bitbucket).env("BASELINE_WRITE", "true").run().expect(2);
    assert!(outcome.stderr.contains("BASELINE_WRITE"), "{}", outcome.stderr);
    assert!(!repo.join(BASELINE).exists());
}

/// The baseline knows `foo` of one lockfile, and another lockfile has it as well. Only if the first is gone has it moved.
#[test]
fn a_file_that_is_only_not_checked_out_is_not_gone() {
    let db = db(&[record("GHSA-aaaa-bbbb-cccc", &[])]);
    let known = |out: &str| {
        let repo = Repo::new();
        repo.write(&format!("{out}/package-lock.json"), lock(&[(TOP, "1.0.0")])).commit("first");
        pipe(&repo, &db).env("BASELINE_WRITE", "true").run().expect(0);
        repo.write("in/package-lock.json", lock(&[(TOP, "1.0.0")])).commit("second");
        repo
    };
    let scan = |repo: &Repo| pipe(repo, &db).env("EXCLUDE_PATHS", "out/**").run();

    let sparse = known("out");
    sparse.git(&["sparse-checkout", "set", "in", ".pipewright"]);
    assert!(!sparse.join("out").exists());
    assert_eq!(states(&scan(&sparse).expect(1)), [("1.0.0".to_owned(), "new".to_owned())]);

    let unchanged = known("out");
    unchanged.git(&["update-index", "--assume-unchanged", "out/package-lock.json"]);
    fs::remove_file(unchanged.join("out/package-lock.json")).unwrap();
    assert_eq!(states(&scan(&unchanged).expect(1)), [("1.0.0".to_owned(), "new".to_owned())]);

    let moved = known("out");
    fs::remove_dir_all(moved.join("out")).unwrap();
    assert_eq!(states(&pipe(&moved, &db).run().expect(0)), [("1.0.0".to_owned(), "known".to_owned())]);
}
