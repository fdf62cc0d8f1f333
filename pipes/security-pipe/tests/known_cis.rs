//! Whose policy files count, in every CI of the table and in every situation that its tests know.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::{Outcome, Repo};

const IGNORE: &str = ".pipewright/ignore.toml";
const SITUATIONS: &str = include_str!("../../../shared/core/src/platform/tests/situations.txt");

struct Situation {
    /// `ci: situation`
    name: String,
    vars: Vec<(&'static str, String)>,
    /// What is read from them.
    read: String,
}

fn situations() -> Vec<Situation> {
    let mut found: Vec<Situation> = Vec::new();
    let (mut ci, mut base) = ("", "");
    for line in SITUATIONS.lines() {
        if let Some(read) = line.strip_prefix("  -> ") {
            found.last_mut().unwrap().read.push_str(read);
        } else if let Some(id) = line.strip_prefix('[') {
            ci = id.trim_end_matches(']');
        } else if let Some(vars) = line.strip_prefix("base") {
            base = vars;
        } else if !line.is_empty() && !line.starts_with('#') {
            let (situation, vars) = line.split_once(' ').unwrap_or((line, ""));
            let pairs = format!("{base} {vars}");
            let pairs = pairs.leak().split_whitespace().map(|pair| pair.split_once('=').unwrap());
            let vars = pairs.map(|(name, value)| (name, value.replace("%20", " "))).collect();
            found.push(Situation { name: format!("{ci}: {situation}"), vars, read: String::new() });
        }
    }
    found
}

/// A repository whose branch `feature` adds an ignore entry for what `main` has.
fn change() -> Repo {
    let origin = Repo::new();
    origin.write("poetry.lock", poetry_lock(&[("critical", "1.0")])).commit("main");
    origin.git(&["checkout", "--quiet", "-b", "feature"]);
    let ignore = "[[ignore]]\nid = \"GHSA-crit-crit-crit\"\nreason = \"accepted\"\nexpires = 2099-01-01\n";
    origin.write(IGNORE, ignore).commit("change");
    origin.git(&["checkout", "--quiet", "main"]);
    Repo::clone_of(&origin, &["--branch", "feature"])
}

#[test]
fn a_pull_request_cannot_switch_its_own_gate_off_in_any_ci() {
    let (repo, db) = (change(), advisories());
    let scan = |vars: &[(&str, String)], more: &[(&str, &str)]| -> Outcome {
        let vars: Vec<(&str, &str)> = vars.iter().map(|(name, value)| (*name, value.as_str())).collect();
        pipe(&repo, &db).env("REPORTS_DIR", "none").envs(&vars).envs(more).run()
    };
    let mut pulls = 0;
    for Situation { name, vars, read } in situations() {
        let outcome = scan(&vars, &[]);
        let advice = outcome.stdout.contains("Set PULL_REQUEST=false");
        if read.contains("pull request") && !read.contains("unknown") {
            pulls += 1;
            assert_eq!((outcome.code, advice), (Some(1), false), "{name}\n{}", outcome.output());
            let denied = scan(&vars, &[("PIPEWRIGHT_PULL_REQUEST", "false")]);
            assert_eq!(denied.code, Some(2), "{name}\n{}", denied.output());
        } else if read.contains("unknown") {
            let last = outcome.stdout.lines().last().unwrap_or_default();
            assert!(
                last.contains("Set PULL_REQUEST=false for a push or a schedule, or PULL_REQUEST=ID"),
                "{name}: {last}"
            );
            assert_eq!(outcome.code, Some(1), "{name}\n{}", outcome.output());
            assert_eq!(scan(&vars, &[("PULL_REQUEST", "false")]).code, Some(0), "{name}");
            let pull = scan(&vars, &[("PULL_REQUEST", "41"), ("TARGET_BRANCH", "main")]);
            assert_eq!(pull.code, Some(1), "{name}\n{}", pull.output());
        } else {
            assert_eq!((outcome.code, advice), (Some(0), false), "{name}\n{}", outcome.output());
        }
    }
    assert!(pulls > 40, "{pulls}");
}

/// On `main` with a baseline.
#[test]
fn an_honest_job_on_main_with_its_baseline_reads_what_to_set() {
    let (repo, db) = (Repo::new(), advisories());
    repo.write("poetry.lock", poetry_lock(&[("critical", "1.0")])).commit("main");
    let scan = |env: &[(&str, &str)]| pipe(&repo, &db).envs(env).run();
    scan(&[("BASELINE_WRITE", "true")]).expect(0);
    repo.commit("baseline");
    scan(&[]).expect(0);
    for ci in
        [&[("CI", "true")][..], &[("TEAMCITY_VERSION", "1")], &[("JENKINS_URL", "x"), ("GIT_BRANCH", "origin/main")]]
    {
        let outcome = scan(ci).expect(1);
        let last = outcome.stdout.lines().last().unwrap();
        assert!(last.contains("Set PULL_REQUEST=false for a push or a schedule"), "{last}");
        let with = |name: &str, value: &str| {
            let vars: Vec<(&str, &str)> = ci.iter().copied().chain([(name, value)]).collect();
            scan(&vars)
        };
        with("PULL_REQUEST", "false").expect(0);
        let refused = with("BASELINE_WRITE", "true").expect(2);
        assert!(refused.stderr.contains("Set PULL_REQUEST=false"), "{}", refused.stderr);
    }
    scan(&[("CI", "false")]).expect(0);
}

/// Nothing that a policy file decides: then nothing needs to be said.
#[test]
fn an_unknown_ci_is_no_reason_to_say_anything_if_nothing_depends_on_it() {
    let (repo, db) = (Repo::new(), advisories());
    repo.write("poetry.lock", poetry_lock(&[("critical", "1.0")])).commit("main");
    let outcome = pipe(&repo, &db).env("CI", "true").run().expect(1);
    assert!(!outcome.output().contains("PULL_REQUEST"), "{}", outcome.output());
}
