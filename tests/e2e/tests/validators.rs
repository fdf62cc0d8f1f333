//! What security-pipe writes, judged by others' code: CycloneDX, SPDX, SARIF and JUnit.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::path::Path;

use pipewright_harness::components::installed;
use pipewright_harness::{Pipe, Repo, root};

/// Runs a validator on a file.
#[track_caller]
fn valid(kind: &str, file: &Path) {
    let output =
        installed("python3").arg(root().join("tests/validators/validate.py")).arg(kind).arg(file).output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{kind}: {text}");
}

/// Every kind of file a run writes.
fn all_valid(repo: &Repo, envs: &[(&str, &str)], code: i32) {
    let outcome = Pipe::new("security-pipe", repo.path())
        .env("OSV_DB_PATH", root().join("examples/demo/advisories"))
        .env("SBOM_FORMAT", "cyclonedx,spdx")
        .envs(envs)
        .run()
        .expect(code);
    valid("cyclonedx", &outcome.reports.join("sbom/sbom-cyclonedx.json"));
    valid("spdx", &outcome.reports.join("sbom/sbom-spdx.json"));
    valid("sarif", &outcome.reports.join("results.sarif"));
    valid("junit", &outcome.reports.join("junit.xml"));
    let report = outcome.report();
    for schema in ["report.v1.schema.json", "security-pipe-report.v1.schema.json"] {
        let schema = std::fs::read(root().join("docs/schemas").join(schema)).unwrap();
        let validator = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
        let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}");
    }
}

fn copy(from: &Path, repo: &Repo) {
    for path in pipewright_harness::files(from) {
        if path.is_file() {
            let name = path.strip_prefix(from).unwrap().to_str().unwrap().to_owned();
            repo.write(&name, std::fs::read(path).unwrap());
        }
    }
}

#[test]
#[ignore = "needs the validators of reports: make test"]
fn files_of_the_demo_are_valid() {
    let repo = Repo::new();
    copy(&root().join("examples/demo/app"), &repo);
    repo.commit("first");
    all_valid(&repo, &[], 1);
}

#[test]
#[ignore = "needs the validators of reports: make test"]
fn files_of_a_hostile_repository_are_valid() {
    let repo = Repo::new();
    copy(&root().join("examples/demo/app"), &repo);
    let odd = "dir \u{202e}\"'<&>]]> %2e\u{1f600}";
    let lock = std::fs::read(root().join("examples/demo/app/poetry.lock")).unwrap();
    repo.write(&format!("{odd}/poetry.lock"), lock);
    repo.write("broken/poetry.lock", "[[package]]\nname = <![CDATA[\u{7}\n");
    repo.commit("first");
    all_valid(&repo, &[("GATE_MODE", "warn")], 3);
}

#[test]
#[ignore = "needs the validators of reports: make test"]
fn a_validator_refuses_what_is_wrong() {
    let repo = Repo::plain();
    repo.write("wrong.json", r#"{"bomFormat": "CycloneDX", "specVersion": "1.6", "components": 7}"#);
    let status = installed("python3")
        .arg(root().join("tests/validators/validate.py"))
        .args([Path::new("cyclonedx"), &repo.join("wrong.json")])
        .output()
        .unwrap()
        .status;
    assert_eq!(status.code(), Some(1));
}
