//! Which run a message is about: on an event that reports the end of something else, that one.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::{Pipe, Repo};
use serde_json::{Value, json};

/// A step on GitHub whose own job succeeded, on main.
fn step(repo: &Repo, event: &str, payload: &Value) -> Pipe {
    let mut whole = json!({ "repository": { "full_name": "org/shop", "default_branch": "main" } });
    whole.as_object_mut().unwrap().extend(payload.as_object().unwrap().clone());
    let path = repo.write(".git/event.json", whole.to_string()).join(".git/event.json");
    notify(repo)
        .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "org/shop"), ("GITHUB_RUN_ID", "1001")])
        .envs(&[("GITHUB_RUN_NUMBER", "128"), ("GITHUB_WORKFLOW", "Notify"), ("GITHUB_ACTOR", "ada")])
        .envs(&[("GITHUB_REF_NAME", "main"), ("GITHUB_REF_TYPE", "branch"), ("INPUT_JOB_STATUS", "success")])
        .env("GITHUB_SHA", repo.git(&["rev-parse", "HEAD"]))
        .env("GITHUB_EVENT_NAME", event)
        .env("GITHUB_EVENT_PATH", path.to_str().unwrap())
}

fn sent(pipe: Pipe) -> Value {
    let server = sink();
    pipe.env("WEBHOOK_URL", server.url()).run().expect(0);
    body(&only(&server))
}

fn built(conclusion: &Value) -> Value {
    json!({ "action": "completed", "workflow_run": {
        "id": 555, "name": "Build", "run_number": 9, "status": "completed", "conclusion": conclusion, "event": "push",
        "head_branch": "feature/y", "head_sha": "c0ffee0000000000000000000000000000c0ffee",
        "html_url": "https://github.com/org/shop/actions/runs/555", "display_title": "Fix rounding",
        "run_started_at": "2026-01-02T03:00:00Z", "updated_at": "2026-01-02T03:04:05Z", "actor": { "login": "grace" },
        "head_commit": { "message": "Fix rounding\n\nmore", "author": { "name": "Grace", "email": "g@example.com" } },
        "head_repository": { "full_name": "org/shop" }, "pull_requests": [] } })
}

#[test]
fn a_message_about_another_run_has_its_facts_and_nothing_of_this_one() {
    let repo = repo();
    let payload = sent(step(&repo, "workflow_run", &built(&json!("failure"))));
    let run = &payload["run"];
    let facts = [
        &payload["status"],
        &run["branch"],
        &run["commit"],
        &run["pipeline"],
        &run["id"],
        &run["number"],
        &run["url"],
        &run["subject"],
        &run["author"]["name"],
        &run["actor"],
        &run["started_at"],
        &run["finished_at"],
    ];
    let expected = [
        "error",
        "feature/y",
        "c0ffee0000000000000000000000000000c0ffee",
        "Build",
        "555",
        "9",
        "https://github.com/org/shop/actions/runs/555",
        "Fix rounding",
        "Grace",
        "grace",
        "2026-01-02T03:00:00Z",
        "2026-01-02T03:04:05Z",
    ];
    assert_eq!(facts.map(|fact| fact.as_str().unwrap_or("-")), expected);
    assert_eq!(payload["title"], "org/shop feature/y failed");
}

#[test]
fn the_success_of_this_job_is_never_that_of_another_run() {
    let repo = repo();
    let run = |word: Value| ("workflow_run", built(&word));
    let deployment = |state: &str| {
        let status = json!({ "state": state, "environment": "production", "log_url": "https://ci.example/1" });
        ("deployment_status", json!({ "deployment_status": status, "deployment": { "ref": "main", "sha": "c0ffee" } }))
    };
    let of = |event: &'static str, field: &str, payload: Value| (event, json!({ field: payload }));
    for ((event, payload), status) in [
        (run(json!("success")), "success"),
        (run(json!("failure")), "error"),
        (run(json!("timed_out")), "error"),
        (run(json!("startup_failure")), "error"),
        (run(json!("cancelled")), "cancelled"),
        (run(json!("neutral")), "finished"),
        (run(json!("skipped")), "finished"),
        (run(json!("action_required")), "finished"),
        (run(json!("stale")), "finished"),
        (run(json!("a word of tomorrow")), "finished"),
        (("workflow_run", json!({ "workflow_run": { "status": "in_progress", "conclusion": null } })), "info"),
        (("workflow_run", json!({})), "finished"),
        (deployment("success"), "success"),
        (deployment("failure"), "error"),
        (deployment("error"), "error"),
        (deployment("inactive"), "finished"),
        (deployment("pending"), "info"),
        (("deployment_status", json!({})), "finished"),
        (of("check_run", "check_run", json!({ "name": "lint", "conclusion": "failure" })), "error"),
        (of("check_run", "check_run", json!({})), "finished"),
        (of("check_suite", "check_suite", json!({ "conclusion": "failure" })), "error"),
        (of("check_suite", "check_suite", json!({})), "finished"),
        (of("status", "state", json!("failure")), "error"),
        (of("status", "sha", json!("c0ffee")), "finished"),
        (of("page_build", "build", json!({ "status": "errored" })), "error"),
        (of("page_build", "build", json!({})), "finished"),
    ] {
        let payload_sent = sent(step(&repo, event, &payload));
        assert_eq!(payload_sent["status"], status, "{event} {payload}");
        assert_ne!(payload_sent["run"]["pipeline"], "Notify", "{event} {payload}");
    }
    // An event whose file is not mounted is about another run all the same.
    let missing = step(&repo, "workflow_run", &built(&json!("success"))).env("GITHUB_EVENT_PATH", "/nowhere");
    assert_eq!(sent(missing)["status"], "finished");
}

#[test]
fn a_deployment_of_another_run_is_named_and_not_created_again() {
    let repo = repo();
    let payload = json!({
        "deployment_status": { "state": "failure", "environment": "production", "log_url": "https://ci.example/1" },
        "deployment": { "ref": "refs/heads/main", "sha": "c0ffee0000000000000000000000000000c0ffee" },
    });
    let payload_sent = sent(step(&repo, "deployment_status", &payload));
    assert_eq!(payload_sent["title"], "org/shop main not deployed to production");
    assert_eq!(payload_sent["run"]["url"], "https://ci.example/1");
    let server = sink();
    step(&repo, "deployment_status", &payload)
        .env("CHANNELS", "github")
        .env("INPUT_GITHUB_TOKEN", "token-of-github")
        .env("GITHUB_API_URL", server.url())
        .run()
        .expect(0);
    assert!(only(&server).path.contains("/statuses/c0ffee"), "{:?}", only(&server));
}

#[test]
fn what_this_job_and_the_user_say_still_counts() {
    let repo = repo();
    let success = built(&json!("success"));
    let failed = sent(step(&repo, "workflow_run", &success).env("INPUT_JOB_STATUS", "failure"));
    assert_eq!(failed["status"], "error");
    assert!(texts(&failed["findings"]).contains("This job"), "{failed}");
    let told = sent(step(&repo, "workflow_run", &success).env("STATUS", "warning"));
    assert_eq!((&told["status"], &told["run"]["branch"]), (&json!("warning"), &json!("feature/y")));
}

#[test]
fn the_branch_of_a_fork_is_never_taken_for_our_own() {
    let repo = repo();
    for (head, branch) in [
        (json!({ "full_name": "eve/shop" }), "eve:main"),
        (Value::Null, "fork:main"),
        (json!({ "full_name": "Org/Shop" }), "main"),
    ] {
        let mut event = built(&json!("success"));
        event["workflow_run"]["head_branch"] = json!("main");
        event["workflow_run"]["event"] = json!("pull_request");
        event["workflow_run"]["head_repository"] = head;
        assert_eq!(sent(step(&repo, "workflow_run", &event))["run"]["branch"], branch);
    }
}
