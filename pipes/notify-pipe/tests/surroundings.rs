//! What the message knows of its surroundings: the runs and jobs beside this one, the other pipes' reports, the history
//! of a deployment.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::Repo;
use serde_json::{Value, json};

#[test]
fn notify_on_decides_by_what_was_before() {
    let (repo, server) = (repo(), sink());
    let run = |status: &str, on: &str| {
        slack(&repo, &server).env("STATUS", status).env("NOTIFY_ON", on).env("STATE_FILE", ".cache/state.json").run()
    };
    // The previous status is unknown: the message is sent, with a warning.
    let outcome = run("success", "change").expect(0);
    assert!(
        outcome
            .stderr
            .contains("the previous status is unknown (no CI whose API could be queried), so the message is sent")
            && server.requests().len() == 1,
        "{}",
        outcome.stderr
    );
    let outcome = run("success", "change").expect(0);
    assert!(outcome.stdout.contains("SKIPPED") && outcome.stdout.contains("succeeded before, too"), "{outcome:?}");
    assert_eq!(server.requests().len(), 1);
    run("error", "recovered").expect(0);
    assert_eq!(server.requests().len(), 1);
    run("error", "change").expect(0);
    assert_eq!(server.requests().len(), 1, "it failed before, too");
    run("success", "recovered").expect(0);
    assert_eq!(server.requests().len(), 2);
    run("success", "failure").expect(0);
    assert_eq!(server.requests().len(), 2);
    run("error", "failure").expect(0);
    assert_eq!(server.requests().len(), 3);
}

#[test]
fn the_api_of_the_ci_reports_the_previous_status_and_the_start() {
    let repo = repo();
    let of = |number: u64, conclusion: &str| json!({ "run_number": number, "conclusion": conclusion, "event": "push", "head_repository": { "full_name": "o/r" } });
    let run = |conclusion: &'static str| {
        let server = pipewright_harness::Server::start(move |request| {
            assert!(!request.path.contains(".."));
            let reply = match request.path.split('?').next().unwrap() {
                "/api/repos/o/r/actions/runs/9" => json!({ "workflow_id": 5, "run_number": 3, "head_branch": "main",
                    "event": "push", "head_repository": { "full_name": "o/r" },
                    "run_started_at": "2026-01-01T00:00:00Z" }),
                "/api/repos/o/r/actions/workflows/5/runs" => json!({ "workflow_runs": [
                    of(4, "failure"),
                    of(3, "failure"),
                    of(2, conclusion),
                    of(1, "failure") ] }),
                _ => return pipewright_harness::Reply::Send(200, Vec::new(), b"ok".to_vec()),
            };
            pipewright_harness::Reply::json(200, reply.to_string())
        });
        let outcome = slack(&repo, &server)
            .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "o/r"), ("GITHUB_RUN_ID", "9")])
            .env("GITHUB_API_URL", format!("{}/api", server.url()))
            .env("INPUT_GITHUB_TOKEN", "token-of-github")
            .env("STATUS", "success")
            .env("NOTIFY_ON", "change")
            .run()
            .expect(0);
        let asked = server
            .requests()
            .iter()
            .filter(|it| it.path.starts_with("/api"))
            .all(|it| it.header("authorization") == Some("Bearer token-of-github"));
        assert!(asked);
        let sent = server.requests().into_iter().filter(|request| request.path == HOOK).collect::<Vec<_>>();
        assert!(sent.iter().all(|it| it.header("authorization").is_none()));
        assert!(server.requests().iter().any(|it| it.path.starts_with("/api")), "the API was not called");
        (outcome, sent)
    };
    let (outcome, sent) = run("success");
    assert!(sent.is_empty() && outcome.stdout.contains("succeeded before, too"), "{outcome:?}");
    let (_, sent) = run("failure");
    assert_eq!(sent.len(), 1);
    assert!(texts(&body(&sent[0])).contains("Duration"));
}

#[test]
fn deployments_carry_what_the_dora_figures_need() {
    let repo = repo();
    let first = repo.git(&["rev-parse", "HEAD"]);
    repo.write("a", "1").commit("second");
    let head = repo.write("a", "2").commit("third");
    let server = sink();
    let deployed = |vars: &[(&str, &str)]| {
        let server = sink();
        notify(&repo)
            .env("WEBHOOK_URL", server.url())
            .env("STATUS", "success")
            .env("ENVIRONMENT", "production")
            .envs(vars)
            .run()
            .expect(0);
        body(&only(&server))["run"]["deployment"].clone()
    };
    let deployment = deployed(&[("PREVIOUS_COMMIT", &first), ("STARTED_AT", "2026-01-02T03:00:00Z")]);
    assert_eq!(deployment["commit"], head.as_str());
    assert_eq!(deployment["previous_commit"], first.as_str());
    assert_eq!(deployment["commits"].as_array().unwrap().len(), 2);
    assert_eq!(deployment["commits"][0]["committed_at"], "2026-01-02T03:04:05Z");
    assert_eq!((&deployment["rollback"], &deployment["environment"]), (&json!(false), &json!("production")));
    assert_eq!(deployment["started_at"], "2026-01-02T03:00:00Z");
    // An older commit than the one before is a rollback.
    repo.git(&["checkout", "--quiet", &first]);
    assert_eq!(deployed(&[("PREVIOUS_COMMIT", &head)])["rollback"], true);
    let clone = Repo::clone_of(&repo, &["--depth=1"]);
    let outcome = notify(&clone).env("WEBHOOK_URL", server.url()).env("ENVIRONMENT", "production").run().expect(0);
    assert!(outcome.stderr.contains("shallow") && outcome.stderr.contains("fetch-depth: 0"), "{}", outcome.stderr);
}

/// A report as another pipe writes it.
fn report(pipe: &str, verdict: &str, reason: &str, commit: &str, sections: &Value) -> String {
    let mut report = json!({
        "schema_version": "1.0", "pipe": { "name": pipe, "version": "0.1.0" }, "verdict": verdict, "reason": reason,
        "exit_code": 1, "run_id": null, "subject": format!("tree:{commit}"), "started_at": "2026-01-02T03:00:00Z",
        "duration_ms": 700, "context": { "commit": commit }, "inputs": {}, "problems": [], "notices": [], "bugs": [],
        "steps": [],
    });
    report.as_object_mut().unwrap().extend(sections.as_object().unwrap().clone());
    report.to_string()
}

#[test]
fn one_message_reports_scans_signatures_and_deployments() {
    let (repo, server) = (repo(), sink());
    let commit = repo.git(&["rev-parse", "HEAD"]);
    let counts = json!({ "counts": { "critical": 2, "high": 1, "medium": 0, "low": 0, "unscored": 3 } });
    let images = json!({ "images": [{ "image": "ghcr.io/org/shop:1", "digest": "sha256:4f2c1aa0b3c14f2c1aa0",
        "signed": true, "attestations": ["https://cyclonedx.org/bom", "https://slsa.dev/provenance/v1"] }] });
    let deployment = json!({ "deployment": { "environment": "production", "release": "shop", "revision": 12,
        "rolled_back": true, "reason": "3 of 3 health checks failed" } });
    repo.write(
        "security-reports/security-pipe-report.json",
        report("security-pipe", "failed", "2 critical (FAIL_ON_CRITICAL=true)", &commit, &counts),
    );
    repo.write("security-reports/sign-pipe-report.json", report("sign-pipe", "passed", "1 image", &commit, &images));
    repo.write(
        "security-reports/deploy-pipe-report.json",
        report("deploy-pipe", "rolled_back", "revision 11 is back", &commit, &deployment),
    );
    notify(&repo).env("WEBHOOK_URL", server.url()).run().expect(0);
    let payload = body(&only(&server));
    let findings = texts(&payload["findings"]);
    for known in [
        "2 critical, 1 high, 3 unscored; gate failed",
        "ghcr.io/org/shop:1@sha256:4f2c1aa0b3c1 signed, with SBOM, provenance",
        "shop, revision 12, 3 of 3 health checks failed; rolled back: revision 11 is back",
    ] {
        assert!(findings.contains(known), "{known}: {findings}");
    }
    assert_eq!(payload["status"], "error", "the reports tell what nobody else does");
    assert!(payload["title"].as_str().unwrap().contains("rolled back in production"), "{payload}");
}

#[test]
fn a_report_of_another_run_is_refused() {
    let (repo, server) = (repo(), sink());
    let commit = repo.git(&["rev-parse", "HEAD"]);
    let other = "0".repeat(40);
    repo.write(
        "security-reports/security-pipe-report.json",
        report("security-pipe", "passed", "x", &other, &json!({})),
    );
    let run = || notify(&repo).env("WEBHOOK_URL", server.url());
    let outcome = run().run().expect(0);
    assert!(outcome.stderr.contains("is from another commit"), "{}", outcome.stderr);
    assert_eq!(body(&only(&server))["findings"], json!([]));
    // Asked for by name, it is what could not be found out.
    let named = run().env("REPORT_FILES", "security-reports/security-pipe-report.json").run().expect(3);
    assert!(named.stdout.contains("is from another commit"), "{}", named.stdout);
    // A named file that is missing is a mistake, whichever it is.
    for name in ["REPORT_FILES", "LOG_FILE", "MENTIONS_FILE"] {
        let outcome = run().env(name, "nowhere").env("MENTION_USERS", "ada").run().expect(2);
        assert!(outcome.stderr.contains(name), "{name}: {}", outcome.stderr);
    }
    // A committed report is somebody's word for it.
    repo.write(
        "security-reports/security-pipe-report.json",
        report("security-pipe", "passed", "x", &commit, &json!({})),
    );
    repo.git(&["add", "-f", "security-reports/security-pipe-report.json"]);
    let outcome = run().run().expect(0);
    assert!(outcome.stderr.contains("tracked by Git"), "{}", outcome.stderr);
}

#[test]
fn a_separate_job_learns_from_the_api_that_another_job_failed() {
    let repo = repo();
    let server = pipewright_harness::Server::start(|request| {
        let reply = match request.path.split('?').next().unwrap() {
            "/api/repos/o/r/actions/runs/9" => json!({ "workflow_id": 5, "run_number": 3, "head_branch": "main" }),
            "/api/repos/o/r/actions/runs/9/jobs" => json!({ "jobs": [
                { "name": "lint", "conclusion": "success" }, { "name": "test (3.12)", "conclusion": "failure" },
                { "name": "notify", "conclusion": null } ] }),
            _ => return pipewright_harness::Reply::Send(200, Vec::new(), b"ok".to_vec()),
        };
        pipewright_harness::Reply::json(200, reply.to_string())
    });
    let run = |vars: &[(&str, &str)]| {
        slack(&repo, &server)
            .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "o/r"), ("GITHUB_RUN_ID", "9")])
            .env("GITHUB_API_URL", format!("{}/api", server.url()))
            .env("INPUT_JOB_STATUS", "success")
            .envs(vars)
            .run()
            .expect(0);
        body(server.requests().iter().rfind(|request| request.path == HOOK).unwrap())
    };
    let payload = run(&[("INPUT_GITHUB_TOKEN", "token-of-github")]);
    let title = payload["blocks"][0]["text"]["text"].as_str().unwrap().to_owned();
    assert!(title.starts_with("❌ o/r") && title.ends_with("failed"), "{title}");
    assert!(texts(&payload).contains("test (3.12) failed"), "{payload}");
    // What the user says stands, and without a token the job's word is all there is.
    let told = run(&[("INPUT_GITHUB_TOKEN", "token-of-github"), ("STATUS", "success")]);
    assert!(told["blocks"][0]["text"]["text"].as_str().unwrap().starts_with("✅"), "{told}");
    assert!(run(&[])["blocks"][0]["text"]["text"].as_str().unwrap().starts_with("✅"));
}

#[test]
fn what_the_api_says_of_jobs_is_not_needed_for_the_rest() {
    let repo = repo();
    let server = pipewright_harness::Server::start(|request| match request.path.split('?').next().unwrap() {
        "/api/repos/o/r/actions/runs/9" => {
            let run = json!({ "workflow_id": 5, "run_number": 3, "run_started_at": "2026-01-01T00:00:00Z" });
            pipewright_harness::Reply::json(200, run.to_string())
        }
        path if path.starts_with("/api") => pipewright_harness::Reply::json(403, r#"{"message": "not accessible"}"#),
        _ => pipewright_harness::Reply::Send(200, Vec::new(), b"ok".to_vec()),
    });
    slack(&repo, &server)
        .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "o/r"), ("GITHUB_RUN_ID", "9")])
        .env("GITHUB_API_URL", format!("{}/api", server.url()))
        .envs(&[("INPUT_GITHUB_TOKEN", "token-of-github"), ("INPUT_JOB_STATUS", "success")])
        .run()
        .expect(0);
    let sent = server.requests().into_iter().find(|request| request.path == HOOK).unwrap();
    assert!(texts(&body(&sent)).contains("Duration"), "when the run began is known all the same");
}

#[test]
fn a_gate_that_failed_keeps_a_job_that_succeeded_from_being_green() {
    let (repo, server) = (repo(), sink());
    let commit = repo.git(&["rev-parse", "HEAD"]);
    repo.write(
        "security-reports/security-pipe-report.json",
        report("security-pipe", "failed", "x", &commit, &json!({})),
    );
    notify(&repo).env("WEBHOOK_URL", server.url()).env("JOB_STATUS", "success").run().expect(0);
    assert_eq!(body(&only(&server))["status"], "warning");
}

#[test]
fn a_status_that_was_not_delivered_is_news_in_the_next_run() {
    let (repo, broken, server) = (repo(), answering(&[500]), sink());
    let run = |url: String| {
        let run = notify(&repo).env("SLACK_WEBHOOK_URL", url).env("STATUS", "error").env("RETRIES", "0");
        run.env("NOTIFY_ON", "change").env("STATE_FILE", "state.json").run().expect(0)
    };
    run(hook(&broken));
    run(hook(&server));
    assert_eq!(server.requests().len(), 1);
    run(hook(&server));
    assert_eq!(server.requests().len(), 1, "it is known now");
}

#[test]
fn on_gitlab_the_page_of_the_pipeline_is_shown_and_no_report_of_another_pipe_is_touched() {
    let (repo, server) = (repo(), sink());
    repo.write("security-reports/gl-code-quality-report.json", "[{\"description\": \"of security-pipe\"}]");
    slack(&repo, &server)
        .envs(&[
            ("GITLAB_CI", "true"),
            ("CI_JOB_STATUS", "failed"),
            ("CI_JOB_URL", "https://gitlab.example/o/r/-/jobs/7"),
            ("CI_PIPELINE_URL", "https://gitlab.example/o/r/-/pipelines/3"),
            ("CI_PROJECT_PATH", "o/r"),
        ])
        .run()
        .expect(0);
    let text = texts(&body(&only(&server)));
    assert!(text.contains("/-/pipelines/3") && !text.contains("/-/jobs/7"), "{text}");
    let kept = std::fs::read_to_string(repo.join("security-reports/gl-code-quality-report.json")).unwrap();
    assert!(kept.contains("of security-pipe"), "{kept}");
}

#[test]
fn the_api_of_bitbucket_reports_the_same() {
    let repo = repo();
    let run = |before: &'static str| {
        let server = pipewright_harness::Server::start(move |request| {
            let reply = match request.path.as_str() {
                "/api/repositories/org/shop/pipelines/128" => json!({ "created_on": "2026-01-01T00:00:00Z" }),
                path if path.starts_with("/api/repositories/org/shop/pipelines/?target.ref_name=main&") => {
                    json!({ "values": [
                        { "build_number": 129, "state": { "result": { "name": "FAILED" } } },
                        { "build_number": 127, "state": { "result": { "name": "STOPPED" } } },
                        { "build_number": 126, "state": { "result": { "name": before } } } ] })
                }
                _ => return pipewright_harness::Reply::Send(200, Vec::new(), b"ok".to_vec()),
            };
            assert_eq!(request.header("authorization"), Some("Bearer token-of-bitbucket"));
            pipewright_harness::Reply::json(200, reply.to_string())
        });
        slack(&repo, &server)
            .envs(BITBUCKET)
            .env("BITBUCKET_API_URL", format!("{}/api", server.url()))
            .env("BITBUCKET_ACCESS_TOKEN", "token-of-bitbucket")
            .envs(&[("STATUS", "error"), ("NOTIFY_ON", "change")])
            .run()
            .expect(0);
        server.requests().into_iter().filter(|request| request.path == HOOK).collect::<Vec<_>>()
    };
    assert!(run("FAILED").is_empty(), "it failed before, too");
    let sent = run("SUCCESSFUL");
    assert!(sent.len() == 1 && texts(&body(&sent[0])).contains("Duration"));
}

#[test]
fn the_api_of_gitlab_reports_earlier_pipelines_and_other_jobs() {
    let repo = repo();
    let server = pipewright_harness::Server::start(|request| {
        let reply = match request.path.split('?').next().unwrap() {
            "/api/projects/o%2Fr/pipelines/30" => json!({ "created_at": "2026-01-01T00:00:00Z", "ref": "main" }),
            "/api/projects/o%2Fr/pipelines" => {
                json!([{ "id": 31, "status": "running" }, { "id": 29, "status": "failed" }])
            }
            "/api/projects/o%2Fr/pipelines/30/bridges" => json!([
                { "name": "child", "status": "success", "downstream_pipeline": { "status": "failed" } },
                { "name": "may", "status": "failed", "allow_failure": true } ]),
            "/api/projects/o%2Fr/pipelines/30/jobs" => json!([
                { "name": "test", "status": "failed" }, { "name": "lint", "status": "failed", "allow_failure": true } ]),
            _ => return pipewright_harness::Reply::Send(200, Vec::new(), b"ok".to_vec()),
        };
        pipewright_harness::Reply::json(200, reply.to_string())
    });
    let run = |vars: &[(&str, &str)]| {
        slack(&repo, &server)
            .envs(&[("GITLAB_CI", "true"), ("CI_PROJECT_PATH", "o/r"), ("CI_PIPELINE_ID", "30")])
            .env("CI_API_V4_URL", format!("{}/api", server.url()))
            .env("GITLAB_TOKEN", "token-of-gitlab")
            .envs(vars)
            .run()
            .expect(0);
        server.requests().into_iter().filter(|request| request.path == HOOK).collect::<Vec<_>>()
    };
    let recovered = run(&[("STATUS", "success"), ("NOTIFY_ON", "recovered")]);
    assert_eq!(recovered.len(), 1, "the pipeline before failed");
    // The job of the notification went well; another one did not.
    let sent = run(&[("CI_JOB_STATUS", "success")]);
    let text = texts(&body(&sent[1]));
    assert!(text.contains("test, child failed") && !text.contains("lint") && !text.contains("may"), "{text}");
}
