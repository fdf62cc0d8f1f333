//! Lockfiles of ecosystems that OSV does not cover: a reason to warn only if nothing else was there to look at.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::Repo;
use serde_json::Value;

const TABLE: &str = include_str!("../../../shared/packages/src/lockfile/unsupported/table.rs");

/// One path for each row of the table that OSV does not cover, each in its own folder.
fn uncovered() -> Vec<String> {
    let rows = TABLE.lines().filter(|line| line.trim_start().starts_with('(') && line.contains(", NotCovered("));
    let paths = rows.enumerate().map(|(at, row)| {
        let parts: Vec<&str> = row.split_once("NotCovered").unwrap().0.split('"').skip(1).step_by(2).collect();
        match parts.as_slice() {
            [name] => format!("{at}/{name}"),
            [before, after] => format!("{at}/{before}x{after}"),
            [folder, name, ""] => format!("{at}/{folder}/{name}"),
            [folder, before, after] => format!("{at}/{folder}/{before}x{after}"),
            other => panic!("{other:?}"),
        }
    });
    let by_surroundings = ["chart/requirements.lock", "esp/dependencies.lock"].map(str::to_owned);
    paths.chain(by_surroundings).collect()
}

/// A tree with all of them, and the lockfiles of one more tool.
fn tree(others: &[(&str, &str)]) -> Repo {
    let repo = Repo::new();
    for path in uncovered() {
        repo.write(&path, "# content\n");
    }
    repo.write("chart/requirements.lock", "dependencies: []\ndigest: sha256:aa\n");
    repo.write("chart/requirements.yaml", "").write("esp/CMakeLists.txt", "");
    for (path, content) in others {
        repo.write(path, content);
    }
    repo.commit("first");
    repo
}

/// How many were left out for a reason.
fn left_out(report: &Value, reason: &str) -> u64 {
    let sections = report["left_out"].as_array().unwrap();
    sections.iter().find(|section| section["reason"] == reason).map_or(0, |section| section["count"].as_u64().unwrap())
}

#[test]
fn alone_in_the_tree_they_end_the_run_as_warned() {
    let many = uncovered().len() as u64;
    assert!(many >= 50, "{many}");
    // What is installed or ignored by Git is not looked at either.
    let installed = ("node_modules/a/package-lock.json", "{}");
    for others in [&[][..], &[installed, ("node_modules/a/package.json", "{}")]] {
        let tree = tree(others);
        let outcome = pipe(&tree, &advisories()).run().expect(0);
        let report = outcome.report();
        assert_eq!(report["verdict"], "warned", "{}", outcome.output());
        assert_eq!((left_out(&report, "other-lockfile"), left_out(&report, "no-advisories")), (many, 0));
        let second = outcome.stdout.lines().find(|line| line.starts_with("not seen")).unwrap();
        assert!(second.contains(&format!("{many} lockfiles of no advisories")), "{second}");
    }
}

#[test]
fn beside_a_lockfile_that_was_read_they_are_left_out_by_rule() {
    let many = uncovered().len() as u64;
    let tree = tree(&[("poetry.lock", &poetry_lock(&[("fine", "1.0")]))]);
    let outcome = pipe(&tree, &advisories()).run().expect(0);
    let report = outcome.report();
    assert_eq!(report["verdict"], "passed", "{}", outcome.output());
    assert_eq!((left_out(&report, "other-lockfile"), left_out(&report, "no-advisories")), (0, many));
    assert!(outcome.stdout.contains(&format!("{many} lockfiles without advisories")), "{}", outcome.stdout);
}

#[test]
fn beside_a_lockfile_that_was_not_read_they_are_left_out_by_rule_as_well() {
    let many = uncovered().len() as u64;
    let too_long = format!("# {}\n", "x".repeat(33 << 20));
    for (path, content, reason) in [
        ("poetry.lock", "[[package", "broken-lockfile"),
        ("Cargo.lock", too_long.as_str(), "too-large"),
        ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n", "unsupported-lockfile"),
        ("requirements.txt", "-r missing.txt\n", "include"),
    ] {
        let tree = tree(&[(path, content)]);
        let outcome = pipe(&tree, &advisories()).run().expect(3);
        let report = outcome.report();
        assert_eq!(left_out(&report, reason), 1, "{path}: {}", outcome.output());
        assert_eq!((left_out(&report, "other-lockfile"), left_out(&report, "no-advisories")), (0, many), "{path}");
    }
}

#[test]
fn each_one_is_named() {
    let tree = tree(&[]);
    let report = pipe(&tree, &advisories()).run().expect(0).report();
    let sections = report["left_out"].as_array().unwrap();
    let names = sections.iter().find(|section| section["reason"] == "other-lockfile").unwrap()["names"].clone();
    let mut expected = uncovered();
    expected.sort();
    assert_eq!(names, serde_json::json!(expected));
}
