//! What pipelines that exist today say, and what they then get: scenarios A1, A2 and A12 of the acceptance list, as far as
//! they are security-pipe's.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::Repo;
use serde_json::Value;

/// The variables of the bash pipe's own `pipe.yml` with its defaults, of which one has none.
const DECLARED: &[(&str, &str)] = &[
    ("SECRETS_SCAN", "true"),
    ("SCA_SCAN", "true"),
    ("SAST_SCAN", "false"),
    ("SBOM_GENERATE", "true"),
    ("IAC_SCAN", "false"),
    ("DOCKERFILE_SCAN", "false"),
    ("CONTAINER_SCAN", "false"),
    ("CONTAINER_IMAGE", "registry.example/app:1"),
    ("FAIL_ON_HIGH", "false"),
    ("FAIL_ON_CRITICAL", "true"),
    ("CVSS_THRESHOLD", "7.0"),
    ("HELM_CHART_PATH", "./helm-chart"),
    ("DOCKERFILE_PATH", "./Dockerfile"),
    ("WORKING_DIR", "."),
    ("REPORTS_DIR", "security-reports"),
    ("DEBUG", "false"),
];

/// Entries of pipelines that use it: of the design it was written for, of its templates (with names it never knew), and
/// of the pipe that built images.
const ENTRIES: &[&[(&str, &str)]] = &[
    &[("FAIL_ON_HIGH", "true")],
    &[("SECRETS_SCAN", "true"), ("SCA_SCAN", "true"), ("SAST_SCAN", "true"), ("FAIL_ON_HIGH", "true")],
    &[
        ("SBOM_GENERATE", "true"),
        ("SBOM_FORMAT", "cyclonedx-json"),
        ("REPORT_FORMAT", "json,html"),
        ("FAIL_ON_MEDIUM", "false"),
        ("DEBUG", "true"),
    ],
    &[("CONTAINER_SCAN", "true"), ("CONTAINER_IMAGE", "registry.example/app:1"), ("TRIVY_SEVERITY", "CRITICAL,HIGH")],
    &[("CONTAINER_SCAN", "true"), ("IMAGE", "registry.example/app:1"), ("TRIVY_EXIT_CODE", "1")],
    &[("IAC_SCAN", "true"), ("HELM_CHART_PATH", "./helm"), ("HELM_VALUES_FILE", "helm-values-dev.yaml")],
    &[("DOCKERFILE_SCAN", "true"), ("DOCKERFILE_PATH", "docker/Dockerfile"), ("CVSS_THRESHOLD", "7.0")],
];

#[test]
fn every_entry_is_understood_and_each_name_is_shown_with_its_meaning() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("harmless", "1.0")])).commit("first");
    let db = advisories();
    for entry in ENTRIES.iter().chain([&DECLARED]) {
        let outcome = pipe(&repo, &db).envs(*entry).env("DRY_RUN", "true").run().expect(0);
        assert!(!outcome.stderr.contains("is not a variable"), "{}", outcome.stderr);
        assert!(outcome.stdout.contains("\"gate\""), "{}", outcome.stdout);
        for (name, value) in *entry {
            let told = outcome.stdout.lines().find(|line| line.starts_with(&format!("{name}=")));
            let told = told.unwrap_or_else(|| panic!("{name}: {}", outcome.stdout));
            let (_, meaning) = told.split_once(": ").unwrap_or_default();
            assert!(meaning.len() > 10, "{told}");
            let first = value.split(',').next().unwrap_or_default().trim_end_matches(".0");
            assert!(told.contains(first), "{told}");
        }
    }
    let outcome = pipe(&repo, &db).envs(ENTRIES[4]).env("DRY_RUN", "true").run().expect(0);
    assert!(outcome.stdout.contains("IMAGE=\"registry.example/app:1\" (CONTAINER_IMAGE): "), "{}", outcome.stdout);
    assert!(outcome.stderr.contains("CONTAINER_SCAN is not in this version"), "{}", outcome.stderr);
    let outcome = pipe(&repo, &db).envs(ENTRIES[0]).env("DRY_RUN", "true").run().expect(0);
    assert!(outcome.stdout.contains("FAIL_ON_HIGH=true"), "the gate's own words: {}", outcome.stdout);
}

#[test]
fn a_clean_pull_request_of_a_poetry_project_passes_with_its_evidence() {
    let repo = Repo::new();
    let commit = repo
        .write(
            "pyproject.toml",
            "[tool.poetry]\nname = \"shop\"\nversion = \"1.0\"\n[tool.poetry.dependencies]\nharmless = \"*\"\n",
        )
        .write("poetry.lock", poetry_lock(&[("harmless", "1.0")]))
        .write("shop.py", "print('hello')\n")
        .commit("first");
    let outcome = pipe(&repo, &advisories())
        .env("FAIL_ON_HIGH", "false")
        .env("BITBUCKET_BUILD_NUMBER", "12")
        .env("BITBUCKET_COMMIT", &commit)
        .env("BITBUCKET_PR_ID", "7")
        .env("BITBUCKET_PR_DESTINATION_BRANCH", "main")
        .run()
        .expect(0);
    let report = outcome.report();
    assert_eq!((&report["verdict"], &report["context"]["pull_request"]["id"]), (&"passed".into(), &"7".into()));
    assert!(report["pipe"]["version"].is_string());
    for scan in ["secrets", "dependencies", "sbom"] {
        assert_eq!(step(&report, scan)["status"], "ran", "{scan}");
    }
    let sbom: Value = serde_json::from_str(&outcome.file("sbom/sbom-cyclonedx.json")).unwrap();
    let components = sbom["components"].as_array().unwrap();
    assert!(components.iter().any(|one| one["purl"] == "pkg:pypi/harmless@1.0"), "{sbom}");
    let sarif: Value = serde_json::from_str(&outcome.file("results.sarif")).unwrap();
    assert_eq!((&sarif["version"], sarif["runs"][0]["results"].as_array().unwrap().len()), (&"2.1.0".into(), 0));
}

#[test]
fn a_gate_that_is_off_keeps_all_of_the_evidence() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("high", "1.0"), ("medium", "1.0")])).commit("first");
    let db = advisories();
    let off = pipe(&repo, &db).env("FAIL_ON_HIGH", "false").env("FAIL_ON_CRITICAL", "true").run().expect(0);
    let report = off.report();
    assert_eq!(
        (&report["verdict"], &report["counts"]["high"], &report["counts"]["medium"]),
        (&"warned".into(), &1.into(), &1.into())
    );
    for scan in ["secrets", "dependencies", "sbom"] {
        assert_eq!(step(&report, scan)["status"], "ran", "{scan}");
    }
    assert!(off.file("security-summary.txt").contains("WARNED"));
    let (sbom, seen) = (off.file("sbom/sbom-cyclonedx.json"), findings(&report));
    let on = pipe(&repo, &db).env("FAIL_ON_HIGH", "true").run().expect(1);
    assert_eq!(findings(&on.report()), seen);
    assert_eq!(on.file("sbom/sbom-cyclonedx.json"), sbom);
}

fn step<'a>(report: &'a Value, name: &str) -> &'a Value {
    report["steps"].as_array().unwrap().iter().find(|step| step["name"] == name).expect(name)
}

/// What was found, without what the gate made of it.
fn findings(report: &Value) -> Vec<(Value, Value)> {
    let findings = report["findings"].as_array().unwrap();
    findings.iter().map(|finding| (finding["fingerprint"].clone(), finding["severity"].clone())).collect()
}
