//! The same verdict on every platform, and what each one's pages show.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::fs;
use std::sync::Mutex;

use common::*;
use pipewright_harness::{Pipe, Reply, Repo, Server};
use serde_json::Value;

/// The proxy's port is given, and both tests about it need it.
static PROXY: Mutex<()> = Mutex::new(());

fn vulnerable() -> Repo {
    let repo = Repo::new();
    repo.write("api/poetry.lock", poetry_lock(&[("critical", "1.0"), ("high", "1.0")])).commit("first");
    repo
}

#[test]
fn github_gets_annotations_a_summary_and_outputs() {
    let repo = vulnerable();
    let db = advisories();
    let (summary, output) = (db.path().join("summary"), db.path().join("output"));
    let outcome = pipe(&repo, &db)
        .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "org/app"), ("GITHUB_RUN_ID", "77")])
        .env("GITHUB_STEP_SUMMARY", &summary)
        .env("GITHUB_OUTPUT", &output)
        .run()
        .expect(1);
    let error = outcome.stdout.lines().find(|line| line.starts_with("::error ")).expect("an annotation");
    assert!(error.contains("file=api/poetry.lock") && error.contains("line="), "{error}");
    assert!(outcome.stdout.lines().any(|line| line.starts_with("::warning ")), "{}", outcome.stdout);
    assert!(outcome.stdout.lines().last().unwrap().contains("FAILED"), "{}", outcome.stdout);
    assert!(fs::read_to_string(summary).unwrap().contains("GHSA-crit-crit-crit"));
    let output = fs::read_to_string(output).unwrap();
    for expected in ["verdict", "failed", "critical", "security-reports/security-pipe-report.json"] {
        assert!(output.contains(expected), "{output}");
    }
    assert_eq!(outcome.report()["run_id"], "77");
}

#[test]
fn bitbucket_gets_a_code_insights_report_through_its_proxy() {
    let repo = vulnerable();
    let db = advisories();
    let variables = db.path().join("variables");
    let _port = PROXY.lock().unwrap();
    let proxy = Server::start_on(29418, |_| Reply::json(200, "{}"));
    let commit = repo.git(&["rev-parse", "HEAD"]);
    pipe(&repo, &db)
        .envs(&[("BITBUCKET_BUILD_NUMBER", "7"), ("BITBUCKET_WORKSPACE", "org"), ("BITBUCKET_REPO_SLUG", "app")])
        .env("BITBUCKET_COMMIT", &commit)
        .env("BITBUCKET_DOCKER_HOST_INTERNAL", "127.0.0.1")
        .env("BITBUCKET_PIPELINES_VARIABLES_PATH", &variables)
        .run()
        .expect(1);
    let requests = proxy.requests();
    let start = format!("http://api.bitbucket.org/2.0/repositories/org/app/commit/{commit}/reports/");
    assert!(requests.iter().all(|request| request.path.starts_with(&start)), "{requests:?}");
    let put = requests.iter().find(|request| request.method == "PUT").expect("a report");
    let report: Value = serde_json::from_slice(&put.body).unwrap();
    assert_eq!((report["report_type"].as_str(), report["result"].as_str()), (Some("SECURITY"), Some("FAILED")));
    let post = requests.iter().find(|request| request.method == "POST").expect("annotations");
    let annotations: Value = serde_json::from_slice(&post.body).unwrap();
    assert_eq!(annotations[0]["path"], "api/poetry.lock");
    assert_eq!(annotations[0]["severity"], "CRITICAL");
    assert!(fs::read_to_string(variables).unwrap().contains("failed"));
}

#[test]
fn gitlab_gets_variables_and_a_code_quality_report() {
    let repo = vulnerable();
    let db = advisories();
    let outcome = pipe(&repo, &db).envs(&[("GITLAB_CI", "true"), ("CI_PIPELINE_ID", "9")]).run().expect(1);
    assert!(outcome.file("security-pipe.env").lines().any(|line| line.ends_with("=failed")));
    let quality: Value = serde_json::from_str(&outcome.file("gl-code-quality-report.json")).unwrap();
    assert_eq!(quality[0]["location"]["path"], "api/poetry.lock");
    assert_eq!(outcome.report()["run_id"], "9");
}

#[test]
fn a_platform_that_does_not_answer_changes_no_verdict() {
    let repo = vulnerable();
    let db = advisories();
    let _port = PROXY.lock().unwrap();
    let outcome = pipe(&repo, &db)
        .envs(&[("BITBUCKET_BUILD_NUMBER", "7"), ("BITBUCKET_WORKSPACE", "org"), ("BITBUCKET_REPO_SLUG", "app")])
        .env("BITBUCKET_DOCKER_HOST_INTERNAL", "127.0.0.2")
        .run()
        .expect(1);
    assert!(outcome.stderr.contains("failed to publish Code Insights"), "{}", outcome.stderr);
    assert!(outcome.elapsed.as_secs() < 30);
    let repo = Repo::new();
    repo.write("a.txt", "text").commit("first");
    pipe(&repo, &db).envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_OUTPUT", "/nonexistent/file")]).run().expect(0);
}

#[test]
fn findings_are_the_same_on_every_platform_and_in_every_folder() {
    let repo = vulnerable();
    let db = advisories();
    let findings = |envs: &[(&str, &str)]| {
        let pipe = Pipe::at(common::BINARY, repo.path()).env("OSV_DB_PATH", db.path()).envs(envs);
        pipe.run().expect(1).report()["findings"].clone()
    };
    let laptop = findings(&[]);
    assert_eq!(laptop.as_array().unwrap().len(), 2);
    for platform in [("GITHUB_ACTIONS", "true"), ("GITLAB_CI", "true"), ("BITBUCKET_BUILD_NUMBER", "1")] {
        assert_eq!(findings(&[platform]), laptop, "{platform:?}");
    }
    // Paths start at the repository's root, whatever the working directory.
    let outcome = Pipe::at(common::BINARY, repo.path())
        .env("OSV_DB_PATH", db.path())
        .env("WORKING_DIR", "api")
        .reports(&repo.join("api/security-reports"))
        .run()
        .expect(1);
    assert_eq!(outcome.report()["findings"], laptop);
}

#[test]
fn text_from_the_repository_never_becomes_a_command() {
    let repo = Repo::new();
    let odd = "::error::x\u{1b}[31m/poetry.lock";
    repo.write(odd, poetry_lock(&[("critical", "1.0")])).commit("first");
    let outcome = pipe(&repo, &advisories()).env("GITHUB_ACTIONS", "true").env("NO_COLOR", "1").run().expect(1);
    for line in outcome.output().lines() {
        assert!(!line.starts_with("::error::x"), "{line}");
        assert!(!line.contains('\u{1b}'), "{line:?}");
    }
}

#[test]
fn a_finding_in_a_log_of_json_has_its_level_and_fields() {
    let (repo, db) = (Repo::new(), advisories());
    repo.write("a.env", format!("key {}\n", aws_key(1))).commit("first");
    let outcome = pipe(&repo, &db).env("LOG_FORMAT", "json").run().expect(1);
    let lines: Vec<serde_json::Value> =
        outcome.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let finding = lines.iter().find(|line| line["rule"] == "aws-access-key-id").expect("the finding is an event");
    assert_eq!((&finding["level"], &finding["severity"]), (&"error".into(), &"critical".into()));
    assert_eq!((&finding["path"], &finding["line"], &finding["fails"]), (&"a.env".into(), &1.into(), &true.into()));
}
