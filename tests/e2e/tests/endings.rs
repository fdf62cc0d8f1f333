//! How a run ends: exit codes, reports, signals, kills, panics, and what is never printed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine;
use pipewright_harness::{Pipe, Repo, files};

fn probe(repo: &Repo) -> Pipe {
    Pipe::at(env!("CARGO_BIN_EXE_probe-pipe"), repo.path())
}

#[test]
fn every_ending_has_its_exit_code_last_line_and_report() {
    for (name, code, verdict, word) in [
        ("pass", 0, "passed", "PASSED"),
        ("warn", 0, "warned", "WARNED"),
        ("skip", 0, "skipped", "SKIPPED"),
        ("fail", 1, "failed", "FAILED"),
        ("unable", 3, "error", "ERROR"),
        ("roll-back", 4, "rolled_back", "ROLLED BACK"),
    ] {
        let repo = Repo::new();
        let outcome = probe(&repo).env("DEED", name).run().expect(code);
        let last = outcome.stdout.lines().last().unwrap();
        assert!(last.starts_with(word) && last.ends_with(&format!("exit {code}")), "{last}");
        let report = outcome.report();
        assert_eq!(report["verdict"], verdict);
        assert_eq!(report["exit_code"], code);
        assert_eq!(report["reason"], name);
    }
}

#[test]
fn a_panic_ends_with_70_a_report_and_no_secret() {
    let repo = Repo::new();
    let outcome = probe(&repo).env("DEED", "panic").env("API_PASSWORD", "correct horse").run().expect(70);
    assert_eq!(outcome.report()["verdict"], "error");
    assert!(outcome.stderr.contains("internal error: with ***"), "{}", outcome.stderr);
    assert!(!outcome.output().contains("correct horse"));
}

#[test]
fn a_part_that_panics_ends_the_run_with_70_after_all_reports() {
    let repo = Repo::new();
    let outcome = probe(&repo).env("DEED", "scanner-panic").run().expect(70);
    let report = outcome.report();
    assert_eq!(report["steps"][0]["detail"], "all the same");
    assert_eq!(report["bugs"][0], "one part of several");
}

#[test]
fn a_wrong_configuration_writes_a_report_that_lists_the_problems() {
    let repo = Repo::new();
    let outcome = probe(&repo).env("DEED", "pas").env("TIMEOUT_", "x").env("INPUT_DRY_RUN", "perhaps").run().expect(2);
    assert!(outcome.stderr.starts_with("error: 2 problems in the configuration\n"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("did you mean pass?"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("help: "), "{}", outcome.stderr);
    let report = outcome.report();
    assert_eq!(report["problems"].as_array().unwrap().len(), 2);
    assert_eq!(report["problems"][0]["variable"], "DEED=\"pas\"");
    assert_eq!(report["exit_code"], 2);
}

#[test]
fn check_looks_at_the_configuration_and_touches_nothing() {
    let repo = Repo::new();
    probe(&repo).arg("--check").env("DEED", "fail").run().expect(0);
    probe(&repo).arg("--check").env("DEED", "nothing").run().expect(2);
    assert!(!repo.join("security-reports").exists());
}

#[test]
fn a_dry_run_prints_the_plan_and_does_nothing() {
    let repo = Repo::new();
    let outcome = probe(&repo).env("DRY_RUN", "true").env("DEED", "fail").env("SAST_SCAN", "true").run().expect(0);
    assert!(outcome.stdout.contains("\"deed\": \"fail\""), "{}", outcome.stdout);
    for effect in [
        "\"steps\": [\n    \"SAST_SCAN\"\n  ]",
        "\"files\": [\n    \"security-reports/probe-pipe-report.json\",\n    \"security-reports/.gitignore\"\n  ]",
    ] {
        assert!(outcome.stdout.contains(effect), "{effect}: {}", outcome.stdout);
    }
    assert!(outcome.stderr.contains("SAST_SCAN is not in this version"), "{}", outcome.stderr);
    assert!(!repo.join("security-reports").exists());
}

#[test]
fn what_is_not_in_this_version_is_never_a_pass() {
    let repo = Repo::new();
    let outcome = probe(&repo).env("SAST_SCAN", "yes").run().expect(3);
    assert!(outcome.stdout.contains("SAST_SCAN is not in this version"), "{}", outcome.stdout);
    assert_eq!(outcome.report()["steps"][0]["status"], "failed");
    // A verdict of no stays no, and both are told.
    let outcome = probe(&repo).env("SAST_SCAN", "yes").env("DEED", "fail").run().expect(1);
    assert!(outcome.stdout.contains("SAST_SCAN is not in this version"), "{}", outcome.stdout);
}

#[test]
fn a_missing_secret_skips_pull_requests_of_forks_and_fails_elsewhere() {
    let repo = Repo::new();
    let outcome = probe(&repo).env("NEEDS_SECRET", "true").run().expect(2);
    assert!(outcome.stderr.contains("API_PASSWORD: required"), "{}", outcome.stderr);
    let event = repo.join("event.json");
    let pull = |fork: bool| {
        format!(
            r#"{{"pull_request": {{"number": 7, "base": {{"ref": "main", "sha": "{0}", "repo": {{"full_name": "o/r"}}}},
                "head": {{"ref": "x", "sha": "{0}", "repo": {{"full_name": "f/r", "fork": {fork}}}}}}}}}"#,
            "0".repeat(40)
        )
    };
    fs::write(&event, pull(true)).unwrap();
    let outcome = probe(&repo)
        .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_REPOSITORY", "o/r")])
        .env("GITHUB_EVENT_PATH", &event)
        .env("NEEDS_SECRET", "true")
        .run()
        .expect(0);
    assert!(outcome.stdout.contains("SKIPPED"), "{}", outcome.stdout);
    assert_eq!(outcome.report()["verdict"], "skipped");
}

#[test]
fn a_run_that_takes_too_long_ends_by_its_timeout() {
    let repo = Repo::new();
    for name in ["sleep", "ignore-cancel"] {
        let outcome = probe(&repo).env("DEED", name).env("TIMEOUT", "1s").run().expect(3);
        assert!(outcome.stdout.contains("did not finish within TIMEOUT"), "{}", outcome.stdout);
        assert!(outcome.elapsed < Duration::from_secs(5));
    }
}

#[test]
fn a_cancelled_run_ends_in_time_with_its_report() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        for name in ["sleep", "ignore-cancel"] {
            let repo = Repo::new();
            let running = probe(&repo).env("DEED", name).spawn();
            wait_for(&repo);
            let sent = Instant::now();
            running.signal(signal);
            let outcome = running.finish().expect(code);
            assert!(sent.elapsed() < Duration::from_secs(2), "{name}: {:?}", sent.elapsed());
            assert_eq!(outcome.report()["verdict"], "interrupted");
        }
    }
}

#[test]
fn a_second_interrupt_ends_at_once_and_a_terminate_after_it_changes_nothing() {
    let repo = Repo::new();
    let running = probe(&repo).env("DEED", "ignore-cancel").spawn();
    wait_for(&repo);
    running.signal("INT");
    thread::sleep(Duration::from_millis(50));
    running.signal("TERM");
    running.finish().expect(130);
    let running = probe(&repo).env("DEED", "ignore-cancel").spawn();
    wait_for(&repo);
    running.signal("INT");
    thread::sleep(Duration::from_millis(50));
    let sent = Instant::now();
    running.signal("INT");
    running.finish().expect(130);
    assert!(sent.elapsed() < Duration::from_millis(400), "{:?}", sent.elapsed());
}

/// Until the pipe has written its first report, and is in the middle of its work.
fn wait_for(repo: &Repo) {
    let report = repo.join("security-reports/probe-pipe-report.json");
    let started = Instant::now();
    while !report.exists() {
        assert!(started.elapsed() < Duration::from_secs(10), "no report appeared");
        thread::sleep(Duration::from_millis(5));
    }
    thread::sleep(Duration::from_millis(100));
}

#[test]
fn a_kill_at_any_moment_leaves_a_report_that_says_so() {
    let mut unfinished = 0;
    for round in 0..40 {
        let repo = Repo::new();
        let running = probe(&repo).env("DEED", "steps").spawn();
        thread::sleep(Duration::from_millis(3 + round * 2));
        running.signal("KILL");
        let outcome = running.finish();
        assert_eq!(outcome.code, None);
        if repo.join("security-reports/probe-pipe-report.json").exists() {
            let report = outcome.report();
            assert_eq!(
                (report["verdict"].as_str(), report["reason"].as_str()),
                (Some("error"), Some("did not finish"))
            );
            unfinished += 1;
        }
    }
    assert!(unfinished > 10, "only {unfinished} of 40 kills came after the first report");
}

#[test]
fn the_report_of_an_earlier_run_is_replaced_before_the_configuration_is_read_and_is_never_absent() {
    let repo = Repo::new();
    let report = repo.join("security-reports/probe-pipe-report.json");
    probe(&repo).run().expect(0);
    let running = probe(&repo).env("SLOW_CONFIG", "true").spawn();
    let started = Instant::now();
    loop {
        let text = fs::read(&report).expect("one report or the other is always there");
        let found: serde_json::Value = serde_json::from_slice(&text).expect("and it is whole");
        if found["reason"] == "did not finish" {
            break;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "the old report stands");
    }
    running.signal("KILL");
    assert_eq!(running.finish().report()["verdict"], "error");
}

#[test]
fn a_run_that_may_write_no_reports_does_the_rest() {
    let repo = Repo::new();
    for value in ["none", "NONE"] {
        probe(&repo).env("REPORTS_DIR", value).run().expect(0);
        probe(&repo).env("REPORTS_DIR", value).env("DEED", "fail").run().expect(1);
        probe(&repo).env("REPORTS_DIR", value).env("DEED", "nothing").run().expect(2);
        let plan = probe(&repo).env("REPORTS_DIR", value).env("DRY_RUN", "true").run().expect(0);
        assert!(plan.stdout.contains("\"files\": []"), "{}", plan.stdout);
    }
    let left: Vec<_> = fs::read_dir(repo.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [".git"]);
    probe(&repo).env("REPORTS_DIR", "./none").reports(&repo.join("none")).run().expect(0).report();
}

#[test]
fn a_report_that_cannot_be_written_ends_with_3_and_names_the_way_out() {
    let repo = Repo::new();
    fs::write(repo.join("file"), "").unwrap();
    let outcome = probe(&repo).env("REPORTS_DIR", "file/reports").run().expect(3);
    assert!(outcome.stderr.contains("or to `none` to write no reports"), "{}", outcome.stderr);
}

#[test]
#[ignore = "needs root: make test"]
fn without_a_mount_a_run_that_may_not_write_to_the_root_passes_with_a_notice() {
    let outcome = Pipe::at(env!("CARGO_BIN_EXE_probe-pipe"), std::path::Path::new("/")).user(65532).run().expect(0);
    assert!(outcome.stderr.contains("notice: no report is written"), "{}", outcome.stderr);
    let asked = Pipe::at(env!("CARGO_BIN_EXE_probe-pipe"), std::path::Path::new("/")).user(65532);
    asked.env("REPORTS_DIR", "security-reports").run().expect(3);
}

#[test]
fn no_form_of_a_secret_leaves_by_any_way() {
    let secret = "s3cr3t \"quoted\" pass/word+1";
    for json in ["text", "json"] {
        let repo = Repo::new();
        let outcome = probe(&repo)
            .env("DEED", "leak")
            .env("API_PASSWORD", secret)
            .env("OTHER_TOKEN", "another-secret-value")
            .env("HTTPS_PROXY", "http://user:proxy-password@127.0.0.1:9")
            .env("DEBUG", "true")
            .env("LOG_FORMAT", json)
            .run()
            .expect(0);
        let mut everything = outcome.output();
        for path in files(repo.path()) {
            if path.is_file() && !path.starts_with(repo.join(".git")) {
                everything.push_str(&fs::read_to_string(path).unwrap());
            }
        }
        let base64 = base64::engine::general_purpose::STANDARD.encode(format!("user:{secret}"));
        let escaped = serde_json::to_string(secret).unwrap();
        for form in [secret, &base64[8..20], escaped.trim_matches('"'), "another-secret-value", "proxy-password"] {
            assert!(!everything.contains(form), "{form} in {everything}");
        }
        assert!(everything.contains("***"));
        outcome.report();
    }
}

#[test]
fn an_unwritable_workspace_is_scanned_and_exits_with_3() {
    let repo = Repo::new();
    repo.write("security-reports", "a file where the folder should be");
    let outcome = probe(&repo).run().expect(3);
    assert!(outcome.stdout.contains("reports are incomplete"), "{}", outcome.stdout);
    let outcome = probe(&repo).env("DEED", "fail").run().expect(1);
    assert!(outcome.stdout.contains("FAILED"), "{}", outcome.stdout);
}

#[test]
fn reports_stay_inside_the_checkout() {
    let outside = Repo::plain();
    let repo = Repo::new();
    std::os::unix::fs::symlink(outside.path(), repo.join("security-reports")).unwrap();
    let outcome = probe(&repo).run().expect(2);
    assert!(outcome.stderr.contains("leads out of the checkout"), "{}", outcome.stderr);
    assert!(repo.join("probe-pipe-report.json").is_file());
    assert!(files(outside.path()).is_empty());
    probe(&repo).env("REPORTS_DIR", outside.path()).reports(outside.path()).run().expect(0).report();
}

#[test]
fn report_name_keeps_runs_apart() {
    let repo = Repo::new();
    for name in ["api", "web"] {
        let dir = repo.join("security-reports").join(name);
        probe(&repo).env("REPORT_NAME", name).reports(&dir).run().expect(0).report();
    }
    probe(&repo).env("REPORT_NAME", "../up").run().expect(2);
}

#[test]
fn the_report_tells_the_commit_and_that_the_tree_was_dirty() {
    let repo = Repo::new();
    repo.write("a", "1");
    let commit = repo.commit("first");
    let outcome = probe(&repo).run().expect(0);
    assert!(outcome.stdout.lines().next().unwrap().contains(&commit[..7]), "{}", outcome.stdout);
    let report = outcome.report();
    assert_eq!(report["subject"], format!("tree:{commit}"));
    assert_eq!(report["context"]["dirty"], false);
    repo.write("a", "2");
    assert_eq!(probe(&repo).run().expect(0).report()["context"]["dirty"], true);
}
