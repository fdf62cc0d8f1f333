//! From a repository to a verdict: what is found, what gates, and what could not be found out.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::fs;

use common::*;
use pipewright_harness::{Pipe, Repo, advisory, database, today};

#[test]
fn a_clean_repository_passes_without_a_variable_but_the_database() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("harmless", "1.0")])).write("app.py", "print('hello')\n").commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    let report = outcome.report();
    assert_eq!(report["verdict"], "passed");
    for (step, name) in ["tree", "secrets", "dependencies", "sbom"].iter().enumerate() {
        let found = report["steps"].as_array().unwrap().iter().find(|step| step["name"] == *name);
        assert_eq!(found.expect(name)["status"], "ran", "{step}");
    }
    assert!(
        outcome.stdout.contains(&format!("1 lockfile, 1 package; advisories of {}", today())),
        "{}",
        outcome.stdout
    );
    assert!(outcome.file("sbom/sbom-cyclonedx.json").contains("harmless"));
}

#[test]
fn a_planted_key_fails_the_run_and_is_shown_nowhere() {
    let repo = Repo::new();
    let key = aws_key(1);
    repo.write("settings.py", format!("KEY = '{key}'\n")).commit("first");
    let outcome = pipe(&repo, &advisories()).env("DEBUG", "true").run().expect(1);
    assert!(outcome.stdout.contains("settings.py:1"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("AKIA…"), "{}", outcome.stdout);
    let text = everything(&outcome);
    assert!(!text.contains(&key) && !text.contains(&key[4..]), "{text}");
    // The ancestor died at its first finding, whatever the gate said (S-5).
    let outcome = pipe(&repo, &advisories()).env("FAIL_ON_CRITICAL", "false").run().expect(0);
    assert_eq!(outcome.report()["verdict"], "warned");
    pipe(&repo, &advisories()).env("FAIL_ON_SECRETS", "true").env("FAIL_ON_CRITICAL", "false").run().expect(1);
    pipe(&repo, &advisories()).env("FAIL_ON_SECRETS", "false").run().expect(0);
    pipe(&repo, &advisories()).env("SECRETS_SCAN", "false").run().expect(0);
}

#[test]
fn poetry_locks_are_read_and_their_vulnerabilities_gate() {
    // The ancestor did not know Poetry (S-4) and never parsed what it found in Python (S-2).
    let repo = Repo::new();
    repo.write("services/api/poetry.lock", poetry_lock(&[("critical", "1.0"), ("high", "1.5"), ("medium", "1.0")]))
        .commit("first");
    let db = advisories();
    let outcome = pipe(&repo, &db).run().expect(1);
    assert!(outcome.stdout.contains("services/api/poetry.lock:"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("1 critical (FAIL_ON_CRITICAL=true)"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("fix: 2.0 (poetry update critical)"), "{}", outcome.stdout);
    let report = outcome.report();
    assert_eq!((&report["counts"]["high"], &report["counts"]["medium"]), (&1.into(), &1.into()));
    // Warn mode keeps the evidence (A2).
    let warned = pipe(&repo, &db).env("FAIL_ON_CRITICAL", "false").run().expect(0);
    assert_eq!(warned.report()["counts"]["critical"], 1);
    assert_eq!(warned.report()["verdict"], "warned");
    pipe(&repo, &db).env("FAIL_ON_CRITICAL", "false").env("FAIL_ON_HIGH", "true").run().expect(1);
    let warned = pipe(&repo, &db).env("GATE_MODE", "warn").run().expect(0);
    assert!(warned.stdout.contains("not blocked: GATE_MODE=warn"), "{}", warned.stdout);
}

#[test]
fn the_cvss_threshold_gates() {
    // S-6: assigned and never used.
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("high", "1.0")])).commit("first");
    let db = advisories();
    pipe(&repo, &db).run().expect(0);
    pipe(&repo, &db).env("CVSS_THRESHOLD", "7.5").run().expect(1);
    pipe(&repo, &db).env("CVSS_THRESHOLD", "7.6").run().expect(0);
}

#[test]
fn an_unscored_advisory_counts_as_high() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("unscored", "1.0")])).commit("first");
    let db = advisories();
    let outcome = pipe(&repo, &db).run().expect(0);
    assert!(outcome.stdout.contains("1 unscored"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("UNSCORED"), "{}", outcome.stdout);
    pipe(&repo, &db).env("FAIL_ON_HIGH", "true").run().expect(1);
    pipe(&repo, &db).env("FAIL_ON_HIGH", "true").env("UNSCORED_SEVERITY", "none").run().expect(0);
}

#[test]
fn several_lockfiles_and_ecosystems_are_read_at_once() {
    // S-3 of the ancestor's list of lessons: one ecosystem a repository, in its root only; Rust "not available" (S-17).
    let repo = Repo::new();
    repo.write("a/poetry.lock", poetry_lock(&[("critical", "1.0")]))
        .write("b/c/Cargo.lock", cargo_lock(&[("broken", "0.1.0")]))
        .commit("first");
    let db = advisories();
    database(db.path(), "crates", &[advisory("RUSTSEC-2099-0001", "crates.io", "broken", "0.2.0", Some(CRITICAL))]);
    let outcome = pipe(&repo, &db).run().expect(1);
    assert_eq!(outcome.report()["counts"]["critical"], 2);
    assert!(outcome.stdout.contains("2 lockfiles"), "{}", outcome.stdout);
}

#[test]
fn an_ecosystem_without_advisories_is_not_silence() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("high", "1.0")]))
        .write("Cargo.lock", cargo_lock(&[("a", "1.0.0")]))
        .commit("1");
    let outcome = pipe(&repo, &advisories()).run().expect(3);
    assert!(outcome.stderr.contains("do not cover crates.io: 1 package not checked"), "{}", outcome.stderr);
    assert_eq!(outcome.report()["counts"]["high"], 1);
}

#[test]
fn a_broken_lockfile_is_exit_3_with_its_line_and_the_rest_is_scanned() {
    let repo = Repo::new();
    let key = aws_key(2);
    repo.write("poetry.lock", "[[package]]\nname = \"a\"\nversion = \n")
        .write("ok/poetry.lock", poetry_lock(&[("medium", "1.0")]))
        .commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(3);
    assert!(outcome.stderr.contains("poetry.lock:3"), "{}", outcome.stderr);
    assert_eq!(outcome.report()["counts"]["medium"], 1);
    // A verdict of no is told before what could not be found out; both are there.
    repo.write("key.txt", format!("aws {key}\n")).commit("second");
    let outcome = pipe(&repo, &advisories()).run().expect(1);
    assert!(outcome.stdout.contains("could not find out"), "{}", outcome.stdout);
    // Tolerated on request, and said.
    fs::remove_file(repo.join("key.txt")).unwrap();
    let outcome = pipe(&repo, &advisories()).env("ON_SCAN_ERROR", "warn").run().expect(0);
    assert!(outcome.stdout.contains("ON_SCAN_ERROR=warn"), "{}", outcome.stdout);
    // The gate's mode never hides it.
    pipe(&repo, &advisories()).env("GATE_MODE", "warn").run().expect(3);
}

#[test]
fn a_lockfile_of_a_later_format_ends_the_run_with_3() {
    let repo = Repo::new();
    repo.write("pnpm-lock.yaml", "lockfileVersion: '9.0'\n").commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(3);
    assert!(outcome.stderr.contains("pnpm-lock.yaml"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("lockfiles of npm (pnpm) are not supported"), "{}", outcome.stderr);
}

#[test]
fn a_policy_file_of_the_repository_stays_in_it() {
    let (repo, db, outside) = (Repo::new(), advisories(), tempfile::tempdir().unwrap());
    let ignore = "[[ignore]]\nid = \"CVE-2026-1001\"\nreason = \"r\"\nexpires = 2099-01-01\n";
    for name in ["ignore.toml", "baseline.json"] {
        fs::write(outside.path().join(name), ignore).unwrap();
        repo.write("poetry.lock", poetry_lock(&[("critical", "1.0")]));
        fs::create_dir_all(repo.join(".pipewright")).unwrap();
        let place = repo.join(".pipewright").join(name);
        std::os::unix::fs::symlink(outside.path().join(name), &place).unwrap();
        repo.commit(name);
        let outcome = pipe(&repo, &db).run();
        assert!(
            outcome.stderr.contains(&format!(".pipewright/{name}: leads out of the checkout")),
            "{}",
            outcome.output()
        );
        assert_ne!(outcome.report()["verdict"], "passed");
        fs::remove_file(place).unwrap();
    }
}

#[test]
fn the_name_of_a_folder_does_nothing_to_the_terminal() {
    let repo = Repo::new();
    repo.write("a\u{1b}[2K\u{1b}[1Ared\u{202e}/Cargo.lock", "zz").commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(3);
    let output = outcome.output();
    assert!(output.contains("a\\u{1b}[2K") && !output.contains(['\u{1b}', '\u{202e}']), "{output}");
}

#[test]
fn a_manifest_without_its_lock_is_a_warning() {
    let repo = Repo::new();
    repo.write("package.json", r#"{"name": "x", "dependencies": {"left-pad": "^1.0.0"}}"#).commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    assert!(outcome.stderr.contains("package.json: no lockfile"), "{}", outcome.stderr);
    assert_eq!(outcome.report()["verdict"], "warned");
}

#[test]
fn nothing_to_scan_is_skipped_and_says_so() {
    let repo = Repo::new();
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    assert_eq!(outcome.report()["verdict"], "skipped");
}

#[test]
fn an_unreachable_advisory_source_ends_the_run_with_3_and_loses_nothing_else() {
    // S-11: a scanner that fails to run is a pass.
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("critical", "1.0")])).commit("first");
    let run = || Pipe::at(common::BINARY, repo.path()).env("OSV_API_URL", "http://127.0.0.1:9");
    let outcome = run().env("SCAN_TIMEOUT", "5s").run().expect(3);
    assert!(outcome.stderr.contains("dependencies: no advisories: "), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("dependencies failed"), "{}", outcome.stdout);
    assert!(outcome.file("sbom/sbom-cyclonedx.json").contains("critical"));
    let report = outcome.report();
    let status = |name: &str| {
        let steps = report["steps"].as_array().unwrap().clone();
        steps.into_iter().find(|step| step["name"] == name).unwrap()["status"].clone()
    };
    assert_eq!(
        (status("dependencies"), status("sbom"), status("secrets")),
        ("failed".into(), "ran".into(), "ran".into())
    );
}

#[test]
fn a_database_that_is_not_there_or_damaged_is_exit_3() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("critical", "1.0")])).commit("first");
    let db = advisories();
    let run = |path: &std::path::Path| Pipe::at(common::BINARY, repo.path()).env("OSV_DB_PATH", path).run();
    run(&db.path().join("nowhere")).expect(3);
    run(repo.path()).expect(3);
    let zip = db.path().join("PyPI/all.zip");
    let bytes = fs::read(&zip).unwrap();
    fs::write(&zip, &bytes[..bytes.len() / 2]).unwrap();
    let outcome = run(db.path()).expect(3);
    assert!(outcome.stderr.contains("all.zip"), "{}", outcome.stderr);
}

#[test]
fn a_compiled_index_answers_like_its_zips_and_a_damaged_one_is_exit_3() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("critical", "1.0"), ("high", "1.0"), ("unscored", "3.0")]))
        .commit("first");
    let db = advisories();
    let index = db.path().join("advisories.idx");
    let compiled = pipe(&repo, &db).env("OSV_DB_COMPILE", &index).run().expect(0);
    assert!(compiled.stdout.contains("4 advisories"), "{}", compiled.stdout);
    let findings = |path: &std::path::Path| {
        Pipe::at(common::BINARY, repo.path()).env("OSV_DB_PATH", path).run().expect(1).report()["findings"].clone()
    };
    assert_eq!(findings(db.path()), findings(&index));
    let mut bytes = fs::read(&index).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&index, bytes).unwrap();
    Pipe::at(common::BINARY, repo.path()).env("OSV_DB_PATH", &index).run().expect(3);
    let nothing = Pipe::at(common::BINARY, repo.path()).env("OSV_DB_COMPILE", &index).run().expect(2);
    assert!(nothing.stderr.contains("OSV_DB_PATH"), "{}", nothing.stderr);
}

#[test]
fn old_reports_are_not_scanned_again() {
    // S-8: reports lie inside the scanned tree.
    let repo = Repo::new();
    repo.write("a.txt", "text").commit("first");
    repo.write("security-reports/old/security-pipe-report.json", "{}");
    repo.write("security-reports/old/gitleaks-report.json", format!("{{\"Secret\": \"{}\"}}", aws_key(3)));
    pipe(&repo, &advisories()).run().expect(0);
}

#[test]
fn tracked_files_are_scanned_although_they_are_ignored() {
    let repo = Repo::new();
    repo.write(".gitignore", "*.env\n").write(".ignore", "*\n").write("prod.env", format!("AWS={}\n", aws_key(4)));
    repo.commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(1);
    assert!(outcome.stdout.contains("prod.env:1"), "{}", outcome.stdout);
}

#[test]
fn paths_limit_the_scan_and_a_path_that_matches_nothing_is_no_pass() {
    let repo = Repo::new();
    repo.write("a/key.txt", format!("x {}\n", aws_key(5))).write("b/b.txt", "text").commit("first");
    let db = advisories();
    pipe(&repo, &db).env("SCAN_PATHS", "a").run().expect(1);
    pipe(&repo, &db).env("SCAN_PATHS", "b").run().expect(0);
    pipe(&repo, &db).env("EXCLUDE_PATHS", "a/**").run().expect(0);
    let outcome = pipe(&repo, &db).env("SCAN_PATHS", "b,srv").run().expect(3);
    assert!(outcome.stderr.contains("SCAN_PATHS: srv matches no file"), "{}", outcome.stderr);
    pipe(&repo, &db).env("EXCLUDE_PATHS", "/etc").run().expect(2);
}

#[test]
fn a_scan_that_needs_an_image_says_so() {
    // S-15: a warning and exit 0.
    let repo = Repo::new();
    let outcome = pipe(&repo, &advisories()).env("CONTAINER_SCAN", "true").run().expect(2);
    assert!(outcome.stderr.contains("CONTAINER_IMAGE: required when CONTAINER_SCAN is true"), "{}", outcome.stderr);
}

#[test]
fn what_this_version_does_not_do_ends_the_run_with_3_and_is_listed_in_a_dry_run() {
    let repo = Repo::new();
    repo.write("a.txt", "text").commit("first");
    let db = advisories();
    for (name, value) in [
        ("SAST_SCAN", "true"),
        ("IAC_SCAN", "true"),
        ("DOCKERFILE_SCAN", "true"),
        ("LICENSE_DENY", "GPL-3.0"),
        ("LICENSE_ALLOW", "MIT"),
        ("SBOM_FILE", "sbom.json"),
        ("REPORT_FORMAT", "json,html"),
    ] {
        let outcome = pipe(&repo, &db).env(name, value).run().expect(3);
        assert!(outcome.stdout.contains("not in this version"), "{name}: {}", outcome.stdout);
        let dry = pipe(&repo, &db).env(name, value).env("DRY_RUN", "true").run().expect(0);
        assert!(dry.output().contains(name), "{name}: {}", dry.output());
        assert!(
            dry.output().to_lowercase().contains("not in this version") || dry.output().contains("not_in_this_version")
        );
    }
    pipe(&repo, &db).env("SAST_SCAN", "false").env("HELM_CHART_PATH", "./chart").run().expect(0);
}
