//! What a run withstands: gigantic and hostile trees, what it may not read, cancellation; in bounded time and memory.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown, symlink};
use std::time::{Duration, Instant};

use common::*;
use pipewright_harness::{Repo, advisory};

#[test]
fn a_gigantic_file_and_a_loop_of_links_are_survived_and_reported() {
    let repo = Repo::new();
    fs::File::create(repo.join("huge.bin")).unwrap().set_len(1024 * 1024 * 1024).unwrap();
    fs::File::create(repo.join("package-lock.json")).unwrap().set_len(1024 * 1024 * 1024).unwrap();
    symlink(".", repo.join("loop")).unwrap();
    repo.write("a.txt", "text");
    let outcome = pipe(&repo, &advisories()).run().expect(3);
    assert_eq!(outcome.report()["steps"][1]["counts"]["binary_files"], 2, "both are read and hold no text");
    assert!(outcome.stderr.contains("package-lock.json: larger than 32 MB"), "{}", outcome.stderr);
    assert!(outcome.elapsed < Duration::from_secs(20));
}

#[test]
fn a_cancelled_scan_ends_within_two_seconds_with_its_report() {
    let repo = Repo::new();
    let line = "the quick brown fox keeps its password in a secret place\n".repeat(2_000);
    for number in 0..800 {
        repo.write(&format!("dir{}/file{number}.txt", number % 20), &line);
    }
    for (signal, code) in [("TERM", 143), ("INT", 130)] {
        let running = pipe(&repo, &advisories()).spawn();
        let report = repo.join("security-reports/security-pipe-report.json");
        while !report.exists() {
            std::thread::sleep(Duration::from_millis(2));
        }
        let sent = Instant::now();
        running.signal(signal);
        let outcome = running.finish().expect(code);
        assert!(sent.elapsed() < Duration::from_secs(2), "{:?}", sent.elapsed());
        assert_eq!(outcome.report()["verdict"], "interrupted");
        fs::remove_dir_all(repo.join("security-reports")).unwrap();
    }
}

#[test]
fn a_result_fits_on_a_screen_with_the_verdict_last() {
    let repo = Repo::new();
    for number in 0..60 {
        repo.write(&format!("file{number}.txt"), format!("x {}\n", aws_key(100 + number)));
    }
    repo.commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(1);
    let rows: usize = outcome.stdout.lines().map(|line| line.chars().count().div_ceil(80).max(1)).sum();
    assert!(rows <= 25, "{}", outcome.stdout);
    assert!(outcome.stdout.lines().last().unwrap().starts_with("FAILED"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("and 51 more (51 critical)"), "{}", outcome.stdout);
}

#[test]
fn a_run_keeps_to_its_memory() {
    // Promise 5: 64 MB, and five times the largest document, which is a lockfile close to the most entries that are read.
    let repo = Repo::new();
    let packages: Vec<(String, String)> = (0..12_000).map(|number| (format!("p{number}"), "1.0".to_owned())).collect();
    let packages: Vec<(&str, &str)> =
        packages.iter().map(|(name, version)| (name.as_str(), version.as_str())).collect();
    let lock = poetry_lock(&packages);
    let largest = lock.len() / 1024;
    repo.write("poetry.lock", lock);
    for number in 0..8 {
        repo.write(&format!("text{number}.txt"), "password = nothing to see here\n".repeat(100_000));
    }
    let outcome = pipe(&repo, &advisories()).env("SBOM_GENERATE", "false").run().expect(0);
    let limit = 64 * 1024 + 5 * largest as u64;
    assert!(outcome.peak_kb < limit, "{} KB of {limit} KB", outcome.peak_kb);
}

/// A package-lock.json of these packages, each with a checksum and three edges.
fn package_lock(names: &[String]) -> String {
    let mut entries = vec![r#""": {"name": "app", "version": "1.0.0"}"#.to_owned()];
    for (number, name) in names.iter().enumerate() {
        let edges = [1, 11, 101].map(|step| format!(r#""{}": "^1.0.0""#, names[(number * 7 + step) % names.len()]));
        // 64 bytes in Base64.
        let integrity = format!("{number:086}==");
        entries.push(format!(
            r#""node_modules/{name}": {{"version": "1.0.0", "integrity": "sha512-{integrity}", "dependencies": {{{}}}}}"#,
            edges.join(",")
        ));
    }
    format!(r#"{{"lockfileVersion": 3, "packages": {{{}}}}}"#, entries.join(",\n"))
}

#[test]
fn many_lockfiles_need_no_more_memory_than_what_is_different_in_them() {
    // Promise 5 for many lockfiles. Each has the same packages and some of its own. All of them in all their places
    // would take several times the limit.
    let repo = Repo::new();
    let mut largest = 0;
    for lockfile in 0..60 {
        let own = (0..50).map(|number| format!("own-{lockfile}-{number}"));
        let names: Vec<String> = (0..3000).map(|number| format!("shared-{number}")).chain(own).collect();
        let lock = package_lock(&names);
        largest = largest.max(lock.len());
        repo.write(&format!("services/{lockfile}/package-lock.json"), lock);
    }
    let db = tempfile::tempdir().unwrap();
    pipewright_harness::database(db.path(), "npm", &[advisory("GHSA-1", "npm", "own-7-7", "2.0.0", Some(CRITICAL))]);
    let outcome =
        pipe(&repo, &db).env("SBOM_FORMAT", "cyclonedx-json,spdx-json").env("SECRETS_SCAN", "false").run().expect(1);
    let report = outcome.report();
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);
    let sbom: serde_json::Value = serde_json::from_str(&outcome.file("sbom/sbom-cyclonedx.json")).unwrap();
    assert_eq!(sbom["components"].as_array().unwrap().len(), 60 + 3000 + 60 * 50);
    let limit = 64 * 1024 + 5 * largest as u64 / 1024;
    assert!(outcome.peak_kb < limit, "{} KB of {limit} KB", outcome.peak_kb);
}

#[test]
fn more_different_packages_than_are_kept_are_never_a_pass() {
    let repo = Repo::new();
    for lockfile in 0..6 {
        let names: Vec<String> = (0..26_000).map(|number| format!("p{lockfile}-{number}")).collect();
        let packages: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1.0.0")).collect();
        repo.write(&format!("{lockfile}/Cargo.lock"), cargo_lock(&packages));
    }
    let outcome = pipe(&repo, &advisories()).env("SECRETS_SCAN", "false").run().expect(3);
    let error = "5/Cargo.lock: not read, because the lockfiles have more than 150000 different packages";
    assert!(outcome.stderr.contains(error), "{}", outcome.stderr);
    let report = outcome.report();
    assert_eq!(report["left_out"][0]["names"], serde_json::json!(["5/Cargo.lock"]));
}

#[test]
fn a_run_keeps_to_its_memory_and_passes_nothing_whatever_is_found() {
    // A line of 10 bytes has 300 findings here.
    let db = tempfile::tempdir().unwrap();
    let records: Vec<serde_json::Value> =
        (0..300).map(|number| advisory(&format!("PYSEC-{number}"), "PyPI", "p", "2.0.0", None)).collect();
    pipewright_harness::database(db.path(), "PyPI", &records);
    let many_copies = |number: usize| (format!("{number}/requirements.txt"), "p==1.0.0\n".to_owned());
    let many_versions = |number: usize| (format!("{number}/requirements.txt"), format!("p==1.0.{number}\n"));
    for (files, what) in [
        ((0..300).map(many_copies).collect::<Vec<_>>(), "a run keeps 30,000 findings, and 60,000 more were not judged"),
        ((0..300).map(many_versions).collect(), "more than 30,000 advisories, the others were not judged"),
    ] {
        let repo = Repo::new();
        for (path, text) in files {
            repo.write(&path, text);
        }
        let scan = |ci: &str, limit: u64| {
            let pipe = pipe(&repo, &db).env("SECRETS_SCAN", "false").env("UNSCORED_SEVERITY", "low").env("CI", ci);
            let outcome = pipe.run().expect(3);
            assert!(outcome.stderr.contains(what), "{}", outcome.stderr);
            assert!(outcome.stderr.contains("Scan its parts one by one with WORKING_DIR"), "{}", outcome.stderr);
            assert_eq!(outcome.report()["findings"].as_array().unwrap().len(), 30_000);
            assert!(outcome.peak_kb < limit, "{} KB of {limit} KB", outcome.peak_kb);
            outcome
        };
        scan("false", 72 * 1024);
        // In an unknown CI the policy files are applied for what they would let pass. Each entry applies to 100 findings.
        let reason = "words ".repeat(2_000);
        let entry =
            |number| format!("[[ignore]]\nid = \"PYSEC-{number}\"\nreason = \"{reason}\"\nexpires = 2027-06-01\n");
        let ignores: String = (0..300).map(entry).collect();
        let largest = ignores.len() as u64 / 1024;
        repo.write(".pipewright/ignore.toml", ignores);
        let outcome = scan("true", 72 * 1024 + 5 * largest);
        let last = outcome.stdout.lines().last().unwrap();
        assert!(last.contains("Set PULL_REQUEST=false"), "{last}");
    }
}

#[test]
fn compiling_advisories_keeps_to_its_memory() {
    // 40 MB of entries: what is held of them at a time does not grow with the database.
    let repo = Repo::new();
    let versions: Vec<String> = (0..500).map(|number| format!("\"1.0.{number}\"")).collect();
    let versions = versions.join(",");
    let record = |number: usize| {
        let affected = format!(r#"{{"package":{{"ecosystem":"npm","name":"p{number}"}},"versions":[{versions}]}}"#);
        format!(r#"{{"id":"GHSA-{number}","modified":"2026-11-01T00:00:00Z","affected":[{affected}]}}"#)
    };
    let files: Vec<_> = (0..8_000).map(|number| (format!("GHSA-{number}.json"), record(number).into_bytes())).collect();
    let db = tempfile::tempdir().unwrap();
    fs::create_dir(db.path().join("npm")).unwrap();
    fs::write(db.path().join("npm/all.zip"), pipewright_harness::zip(&files)).unwrap();
    let outcome = pipe(&repo, &db).env("OSV_DB_COMPILE", "advisories.idx").run().expect(0);
    assert!(outcome.stdout.contains("8,000 advisories of 2026-11-01 for 8,000 packages"), "{}", outcome.stdout);
    assert!(fs::metadata(repo.join("advisories.idx")).unwrap().len() > 25_000_000);
    assert!(outcome.peak_kb < 64 * 1024, "{} KB", outcome.peak_kb);
}

#[test]
fn a_file_of_any_size_is_scanned_to_its_end_within_the_bounds() {
    let repo = Repo::new();
    let key = aws_key(5);
    repo.write("config.env", format!("{}T={key}\n", "words without a secret in them\n".repeat(2_200_000)));
    repo.commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(1);
    let report = outcome.report();
    assert_eq!(report["findings"][0]["location"]["line"], 2_200_001);
    assert_eq!(report["findings"].as_array().unwrap().len(), 1);
    assert!(!everything(&outcome).contains(&key));
    assert!(outcome.peak_kb < 64 * 1024, "{} KB", outcome.peak_kb);
}

#[test]
fn key_stores_are_findings_and_archives_are_named() {
    let repo = Repo::new();
    let zip = pipewright_harness::zip(&[("a.env".to_owned(), aws_key(3).into_bytes())]);
    repo.write("only.zip", zip).commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(0);
    let left_out = outcome.report()["left_out"].clone();
    let archive = left_out.as_array().unwrap().iter().find(|one| one["reason"] == "archive").unwrap().clone();
    assert_eq!((&archive["count"], &archive["names"][0]), (&1.into(), &"only.zip".into()), "{left_out}");
    // As `openssl genpkey -outform DER` and `keytool` begin.
    let key = [b"\x30\x2E\x02\x01\x00\x30\x05\x06\x03\x2B\x65\x70\x04\x22\x04\x20".as_slice(), &[7; 32]].concat();
    repo.write("tls/key.der", key).write("a.p12", b"\x30\x82\x09\x00\x02\x01\x03\x00".as_slice());
    repo.write("a.jks", b"\xFE\xED\xFE\xED\0\0\0\x02\0\0\0\x01\0\0\0\x01".as_slice()).commit("second");
    let report = pipe(&repo, &advisories()).run().expect(1).report();
    let mut rules: Vec<_> =
        report["findings"].as_array().unwrap().iter().map(|one| one["rule"].as_str().unwrap()).collect();
    rules.sort_unstable();
    assert_eq!(rules, ["java-key-store", "pkcs12-key-store", "private-key-der"]);
}

#[test]
fn a_file_made_of_keys_is_bounded_and_never_a_pass() {
    let repo = Repo::new();
    let keys = |end: &str| -> String { (0..20_000).map(|number| format!("key {}{end}\n", aws_key(number))).collect() };
    repo.write("keys.txt", keys("")).commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(1);
    assert!(
        outcome.stderr.contains("keys.txt: more than 1000 secrets, the others were not judged"),
        "{}",
        outcome.stderr
    );
    assert_eq!(outcome.report()["counts"]["critical"], 1000);
    // 64 MB, and five times the document.
    let limit = 64 * 1024 + 5 * keys("").len() as u64 / 1024;
    assert!(outcome.peak_kb < limit, "{} KB of {limit} KB", outcome.peak_kb);
    // A thousand that are allowed do not hide the one behind them.
    repo.write("keys.txt", keys(" # gitleaks:allow") + &format!("key {}\n", aws_key(99_999))).commit("second");
    pipe(&repo, &advisories()).run().expect(3);
}

#[test]
#[ignore = "needs root: make test"]
fn an_unreadable_folder_is_named_and_ends_the_run_with_3() {
    let repo = Repo::new();
    repo.write("open/a.txt", "x").write("closed/b.txt", "x").write("listed/c.txt", "x");
    for path in pipewright_harness::files(repo.path()).iter().chain([&repo.path().to_owned()]) {
        chown(path, Some(65534), Some(65534)).expect("root runs this test");
    }
    fs::set_permissions(repo.path(), fs::Permissions::from_mode(0o755)).unwrap();
    chown(repo.join("closed"), Some(0), Some(0)).unwrap();
    fs::set_permissions(repo.join("closed"), fs::Permissions::from_mode(0o700)).unwrap();
    // Its names can be read, and nothing else of it.
    chown(repo.join("listed"), Some(0), Some(0)).unwrap();
    fs::set_permissions(repo.join("listed"), fs::Permissions::from_mode(0o744)).unwrap();
    let db = advisories();
    fs::set_permissions(db.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let outcome = pipe(&repo, &db).user(65534).run().expect(3);
    for path in ["closed", "listed/c.txt"] {
        let error = format!("{path}: can't be read: permission denied");
        assert!(outcome.stderr.contains(&error), "{error}: {}", outcome.stderr);
    }
}
