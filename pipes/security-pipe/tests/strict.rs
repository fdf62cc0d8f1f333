//! A setting that can only make the verdict stricter is applied, or the run does not pass.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::collections::BTreeSet;

use pipewright_harness::stricter::OF_SECURITY;
use pipewright_harness::{Outcome, Pipe, Repo, root};

/// The variables that name a source, a place or a way, that only make the verdict more lenient, or that this version does
/// not honour: with those the run ends with 3, or warned.
const OTHERS: &[&str] = &[
    "BASELINE_FILE",
    "BASELINE_WRITE",
    "CONTAINER_IMAGE",
    "CONTAINER_SCAN",
    "DB_MAX_AGE_DAYS",
    "DEV_DEPENDENCIES",
    "DOCKERFILE_PATH",
    "DOCKERFILE_SCAN",
    "EXCLUDE_PATHS",
    "GATE_MODE",
    "HELM_CHART_PATH",
    "HELM_VALUES_FILE",
    "IAC_SCAN",
    "IGNORE_FILE",
    "IGNORE_UNFIXED",
    "LICENSE_ALLOW",
    "LICENSE_DENY",
    "ON_SCAN_ERROR",
    "OSV_API_URL",
    "OSV_DB_COMPILE",
    "OSV_DB_PATH",
    "OSV_SOURCE",
    "PRIVATE_PACKAGES",
    "PUBLIC_MIRRORS",
    "REPORT_FORMAT",
    "SARIF_FILE",
    "SAST_SCAN",
    "SBOM_FILE",
    "SBOM_FORMAT",
    "SBOM_GENERATE",
    "SCAN_PATHS",
    "SCAN_TIMEOUT",
    "SCA_SCAN",
    "SECRETS_SCAN",
    "TRIVY_EXIT_CODE",
    "TRIVY_SEVERITY",
];

/// A new variable has to be looked at: can it only make the verdict stricter?
#[test]
fn every_variable_is_a_demand_or_none() {
    let declared: BTreeSet<&str> =
        security_pipe::SPEC.groups.iter().flat_map(|group| group.vars).map(|var| var.name).collect();
    let known: BTreeSet<&str> = OF_SECURITY.iter().map(|(name, _)| *name).chain(OTHERS.iter().copied()).collect();
    assert_eq!(declared, known);
}

/// With a generic secret, and packages with an advisory of high severity and one without a score, from an old database.
fn scanned() -> Repo {
    let repo = Repo::plain();
    repo.write("requirements.txt", "requests==2.19.0\n");
    repo.write("app.py", "password = \"Xq7Lw2Rt9VbKd83hfPz5\"\n");
    repo
}

fn run(repo: &Repo, mode: &[(&str, &str)], name: &str, value: &str) -> Outcome {
    let advisories = root().join("examples/demo/advisories");
    let pipe = Pipe::at(env!("CARGO_BIN_EXE_security-pipe"), repo.path()).env("OSV_DB_PATH", advisories);
    pipe.envs(mode).env(name, value).run()
}

#[test]
fn an_impossible_demand_is_never_passed_in_any_mode() {
    let off = "false";
    let modes: [&[(&str, &str)]; 5] = [
        &[],
        &[("SECRETS_SCAN", off)],
        &[("SCA_SCAN", off)],
        &[("SECRETS_SCAN", off), ("SCA_SCAN", off)],
        &[("OSV_DB_COMPILE", "advisories.idx")],
    ];
    let mut dropped = Vec::new();
    for mode in modes {
        for (name, value) in OF_SECURITY {
            for prefix in ["", "INPUT_", "PIPEWRIGHT_"] {
                let repo = scanned();
                let outcome = run(&repo, mode, &format!("{prefix}{name}"), value);
                let told = outcome.output().contains(&format!("{name} has no effect"));
                let shared = security_pipe::SPEC.vars().any(|var| var.name == *name && var.shared);
                let right = match outcome.code {
                    // Applied, and not met: a stale database is 3.
                    Some(1 | 3) => true,
                    Some(2) => outcome.stderr.contains(&format!("{prefix}{name}: has no effect")),
                    Some(0) if told => shared && prefix.is_empty() && outcome.report()["verdict"] == "warned",
                    // There is no finding that they are about.
                    Some(0) => {
                        let met = ["FAIL_ON_CRITICAL", "INFORMATIONAL_SEVERITY"].contains(name)
                            || (mode == &[("SCA_SCAN", off)][..] && *name == "FAIL_ON_HIGH");
                        met && mode.iter().all(|(scan, _)| *scan != "OSV_DB_COMPILE") && mode.len() < 2
                    }
                    _ => false,
                };
                if !right {
                    dropped.push(format!("{mode:?}: {prefix}{name}: {:?} {}", outcome.code, outcome.output()));
                }
            }
        }
    }
    assert!(dropped.is_empty(), "dropped without a word:\n{}", dropped.join("\n"));
}
