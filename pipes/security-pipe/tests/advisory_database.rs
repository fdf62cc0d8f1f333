//! Advisories from a database: what is looked up, how old it may be, and malware.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::{Outcome, Repo, advisory, database};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A database of one ecosystem in which `vuln` has a critical record.
fn vuln(ecosystem: &str) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    database(dir.path(), ecosystem, &[advisory("GHSA-vuln-vuln-vuln", ecosystem, "vuln", "2.0.0", Some(CRITICAL))]);
    dir
}

/// A lockfile of npm with `vuln` 1.0.0 from an address.
fn npm(resolved: Option<&str>) -> String {
    let mut entry = json!({ "version": "1.0.0" });
    if let Some(resolved) = resolved {
        entry["resolved"] = json!(resolved);
    }
    json!({ "lockfileVersion": 3, "packages": { "": {}, "node_modules/vuln": entry } }).to_string()
}

#[test]
fn a_mirror_beside_a_database_is_no_reason_to_warn() {
    let repo = Repo::new();
    repo.write("requirements.txt", "--extra-index-url https://corp.example/simple\nvuln==2.0.0\n").commit("first");
    let outcome = pipe(&repo, &vuln("PyPI")).run().expect(0);
    assert_eq!(outcome.report()["verdict"], "passed", "{}", outcome.output());
}

/// Ecosystem, what it is about, and its files.
type Project = (&'static str, &'static str, Vec<(&'static str, String)>);

#[test]
fn a_database_looks_up_what_came_through_any_mirror() {
    let poetry =
        |source: &str| poetry_lock(&[("vuln", "1.0.0")]).replace("files = []", &format!("files = []\n\n{source}"));
    let uv = |source: &str| {
        format!("version = 1\n\n[[package]]\nname = \"vuln\"\nversion = \"1.0.0\"\nsource = {{ {source} }}\n")
    };
    let cargo = |source: &str| {
        cargo_lock(&[("vuln", "1.0.0")]).replace("registry+https://github.com/rust-lang/crates.io-index", source)
    };
    let looked_up: Vec<Project> = vec![
        (
            "npm",
            "a proxy",
            vec![("package-lock.json", npm(Some("https://nexus.example/repository/npm/vuln/-/vuln-1.0.0.tgz")))],
        ),
        ("npm", "an archive", vec![("package-lock.json", npm(Some("https://files.example/vuln.tgz")))]),
        (
            "npm",
            ".npmrc",
            vec![("package-lock.json", npm(None)), (".npmrc", "registry=https://npm.example/\n".to_owned())],
        ),
        (
            "PyPI",
            "--index-url",
            vec![("requirements.txt", "--index-url https://pypi.example/simple\nvuln==1.0.0\n".to_owned())],
        ),
        (
            "PyPI",
            "--extra-index-url",
            vec![("requirements.txt", "--extra-index-url https://pypi.example/simple\nvuln==1.0.0\n".to_owned())],
        ),
        (
            "PyPI",
            "a wheel",
            vec![("requirements.txt", "vuln @ https://files.example/vuln-1.0.0-py3-none-any.whl\n".to_owned())],
        ),
        ("PyPI", "uv", vec![("uv.lock", uv("registry = \"https://pypi.example/simple\""))]),
        (
            "PyPI",
            "poetry",
            vec![(
                "poetry.lock",
                poetry("[package.source]\ntype = \"legacy\"\nurl = \"https://pypi.example/simple\"\nreference = \"x\""),
            )],
        ),
        ("crates.io", "a registry", vec![("Cargo.lock", cargo("registry+https://cargo.example/index"))]),
        ("crates.io", "a sparse registry", vec![("Cargo.lock", cargo("sparse+https://cargo.example/index/"))]),
    ];
    let stays_out: Vec<Project> = vec![
        ("npm", "Git", vec![("package-lock.json", npm(Some("git+ssh://git@host.example/vuln.git#0a1b2c")))]),
        ("PyPI", "uv, Git", vec![("uv.lock", uv("git = \"https://host.example/vuln?rev=0a1b2c#0a1b2c\""))]),
        ("crates.io", "Git", vec![("Cargo.lock", cargo("git+https://host.example/vuln#0a1b2c"))]),
    ];
    let all = looked_up.into_iter().map(|case| (case, 1)).chain(stays_out.into_iter().map(|case| (case, 0)));
    for ((ecosystem, name, files), code) in all {
        let repo = Repo::new();
        for (path, content) in files {
            repo.write(path, content);
        }
        repo.commit("first");
        let outcome = pipe(&repo, &vuln(ecosystem)).env("SECRETS_SCAN", "false").run();
        assert_eq!(outcome.code, Some(code), "{ecosystem}, {name}: {}", outcome.output());
    }
}

fn dated(days: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (ecosystem, day) in days {
        let mut record = advisory(&format!("GHSA-{ecosystem}"), ecosystem, "other", "2.0.0", None);
        record["modified"] = json!(format!("{day}T00:00:00Z"));
        database(dir.path(), ecosystem, &[record]);
    }
    dir
}

#[test]
fn a_stale_database_is_a_warning_or_exit_3_as_configured() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("harmless", "1.0")])).commit("first");
    let run = |db: &TempDir, envs: &[(&str, &str)]| pipe(&repo, db).envs(envs).run();
    let verdict = |outcome: Outcome| outcome.report()["verdict"].as_str().unwrap().to_owned();
    let today = pipewright_harness::today();
    assert_eq!(verdict(run(&dated(&[("PyPI", &today)]), &[("DB_STALE", "fail")]).expect(0)), "passed");
    for (days, problem) in [
        (vec![("PyPI", "2020-01-01")], "days old"),
        (vec![("PyPI", "2999-01-01")], "of PyPI are dated in the future"),
        (vec![("PyPI", today.as_str()), ("Debian", "2999-01-01")], "are dated in the future"),
        (vec![("PyPI", "2020-01-01"), ("npm", today.as_str())], "the advisories of PyPI end at 2020-01-01"),
    ] {
        let db = dated(&days);
        let warned = run(&db, &[]).expect(0);
        assert!(warned.stderr.contains(problem), "{days:?}: {}", warned.output());
        assert_eq!(verdict(warned), "warned", "{days:?}");
        let failed = run(&db, &[("DB_STALE", "fail")]).expect(3);
        assert!(failed.stderr.contains(problem), "{days:?}: {}", failed.output());
        // The age of a compiled index is that of its records.
        run(&db, &[("OSV_DB_COMPILE", "db.idx")]).expect(0);
        pipe(&repo, &db).env("OSV_DB_PATH", "db.idx").env("DB_STALE", "fail").run().expect(3);
        std::fs::remove_file(repo.join("db.idx")).unwrap();
    }
    // Another ecosystem's new records say nothing of an old database, and an unused old one is of no account.
    let unused = dated(&[("PyPI", &today), ("npm", "2020-01-01")]);
    assert_eq!(verdict(run(&unused, &[]).expect(0)), "passed");
}

#[test]
fn an_ecosystem_that_the_database_lacks_ends_with_3() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("harmless", "1.0")])).commit("first");
    let outcome = pipe(&repo, &vuln("npm")).run().expect(3);
    assert!(outcome.stderr.contains("do not cover PyPI: 1 package not checked"), "{}", outcome.stderr);
}

/// RustSec's form, of a development dependency, without a score and a fix.
fn malicious() -> (Repo, TempDir) {
    let repo = Repo::new();
    let entry = json!({
        "version": "1.0.0", "dev": true, "resolved": "https://registry.npmjs.org/evil/-/evil-1.0.0.tgz",
    });
    let lock = json!({ "lockfileVersion": 3, "packages": { "": {}, "node_modules/evil": entry } });
    repo.write("package-lock.json", lock.to_string()).commit("first");
    let mut record = advisory("GHSA-evil-evil-evil", "npm", "evil", "2.0.0", None);
    record["affected"][0]["ranges"][0]["events"] = json!([{ "introduced": "0" }]);
    record["affected"][0]["database_specific"] = json!({ "categories": ["malicious"] });
    let db = tempfile::tempdir().unwrap();
    database(db.path(), "npm", &[record]);
    (repo, db)
}

/// Everything that could weaken it, at once.
const WEAKER: &[(&str, &str)] = &[
    ("FAIL_ON_CRITICAL", "false"),
    ("IGNORE_UNFIXED", "true"),
    ("DEV_DEPENDENCIES", "warn"),
    ("UNSCORED_SEVERITY", "none"),
    ("CVSS_THRESHOLD", "10"),
];

#[test]
fn no_setting_lets_malware_pass_and_the_advice_is_to_remove_it() {
    let (repo, db) = malicious();
    let outcome = pipe(&repo, &db).envs(WEAKER).run().expect(1);
    assert!(outcome.stdout.contains("evil 1.0.0"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("remove it"), "{}", outcome.stdout);
    assert!(!everything(&outcome).contains("no fix yet") && !everything(&outcome).contains("o fixed version"));
    let finding = outcome.report()["findings"][0].clone();
    assert_eq!((&finding["malicious"], &finding["severity"]), (&json!(true), &json!("critical")));
    let sarif: Value = serde_json::from_str(&outcome.file("results.sarif")).unwrap();
    let tags = sarif["runs"][0]["tool"]["driver"]["rules"][0]["properties"]["tags"].to_string();
    assert!(tags.contains("\"malware\""), "{tags}");
    let warned = pipe(&repo, &db).envs(WEAKER).env("GATE_MODE", "warn").run().expect(0);
    assert_eq!(warned.report()["verdict"], "warned");
    assert!(warned.stdout.contains("1 malicious package"), "{}", warned.stdout);
}

#[test]
fn a_baseline_does_not_hold_malware_and_an_ignore_entry_may() {
    let (repo, db) = malicious();
    let outcome = pipe(&repo, &db).env("BASELINE_WRITE", "true").run().expect(1);
    assert!(outcome.stdout.contains("malicious package"), "{}", outcome.stdout);
    let written = std::fs::read_to_string(repo.join(".pipewright/baseline.json")).unwrap();
    assert!(!written.contains("evil"), "{written}");
    pipe(&repo, &db).run().expect(1);
    let entry = "[[ignore]]\nid = \"GHSA-evil-evil-evil\"\nreason = \"a fixture\"\nexpires = 2099-01-01\n";
    repo.write(".pipewright/ignore.toml", entry);
    pipe(&repo, &db).run().expect(0);
}
