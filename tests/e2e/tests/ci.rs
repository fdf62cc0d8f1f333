//! `make test` leaves no test out, and the marks of those that need more than a Rust toolchain say what they need.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::fs;
use std::process::{Command, Output};

use pipewright_harness::{Repo, files, root};

/// What `.ci/all-ran` says about the output of a run.
fn all_ran(log: &str) -> Output {
    let dir = Repo::plain();
    dir.write("log", log);
    Command::new(root().join(".ci/all-ran")).arg(dir.join("log")).output().unwrap()
}

const RUN: &str = "
     Running unittests src/lib.rs (target/debug/deps/a-1)

running 2 tests
test one ... ok
test two ... ok

test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s

   Doc-tests a

running 1 test
test src/lib.rs - (line 3) ... ok

test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
";

#[test]
fn a_run_of_every_test_is_counted() {
    let output = all_ran(RUN);
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "all-ran: 3 tests in 2 test binaries, none left out\n");
}

#[test]
fn a_test_that_was_left_out_fails_the_run() {
    for (from, to, why) in [
        ("2 passed; 0 failed; 0 ignored", "1 passed; 0 failed; 1 ignored", "did not run"),
        ("0 measured; 0 filtered", "0 measured; 4 filtered", "did not run"),
        ("running 2 tests", "running 3 tests", "4 tests announced, but 3 passed"),
        ("   Doc-tests a\n", "   Doc-tests a\n     Running unittests (x)\n", "3 test binaries, but 2 results"),
        ("test result: ok.", "\u{1b}[1mtest result: ok.", "no test results"),
        ("Running unittests", "Compiled", "no test results"),
    ] {
        // Both blocks, where one would leave the other to be counted.
        let text = RUN.replace(from, to).replace(if why == "no test results" { "Doc-tests" } else { "\0" }, "Tests of");
        let output = all_ran(&text);
        assert!(!output.status.success(), "{to}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(why), "{to}: {said}");
    }
    assert!(!all_ran("").status.success());
}

#[test]
fn a_mark_says_what_the_test_needs_and_how_to_run_it() {
    let folders = ["shared", "pipes", "tests"].map(|name| root().join(name));
    let mut marks = 0;
    for path in folders.iter().flat_map(|folder| files(folder)) {
        if path.extension().is_none_or(|extension| extension != "rs") || path.ends_with("e2e/tests/ci.rs") {
            continue;
        }
        for line in fs::read_to_string(&path).unwrap().lines().filter(|line| line.trim_start().starts_with("#[ignore"))
        {
            let reason =
                line.trim().strip_prefix("#[ignore = \"needs ").and_then(|rest| rest.strip_suffix(": make test\"]"));
            assert!(reason.is_some_and(|reason| !reason.is_empty()), "{}: {line}", path.display());
            marks += 1;
        }
    }
    assert!(marks > 30, "{marks}");
}
