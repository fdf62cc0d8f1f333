//! Pagers, statuses and systems: which requests they get, and when there is none.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::{Pipe, Reply, Repo, Request, Server};
use serde_json::json;

/// A server that gives everything an id.
fn service() -> Server {
    Server::start(|_| Reply::json(201, r#"{"id": 77, "ok": true}"#))
}

fn run(repo: &Repo, channel: &str, server: &Server, vars: &[(&str, &str)]) -> Pipe {
    let url = server.url();
    notify(repo)
        .envs(BITBUCKET)
        .env("CHANNELS", channel)
        .env("PAGERDUTY_URL", &url)
        .env("PAGERDUTY_ROUTING_KEY", "routing-key-of-the-service")
        .env("JSM_API_URL", &url)
        .env("JSM_API_KEY", "key-of-the-integration")
        .env("DATADOG_API_URL", &url)
        .env("DATADOG_API_KEY", "key-of-datadog")
        .env("METRICS_ENDPOINT", format!("{url}/api/v1/metrics"))
        .env("METRICS_TOKEN", "token-of-the-metrics")
        .env("BITBUCKET_API_URL", &url)
        .env("BITBUCKET_ACCESS_TOKEN", "token-of-bitbucket")
        .env("GITHUB_API_URL", &url)
        .env("GITHUB_TOKEN", "token-of-github")
        .envs(vars)
}

fn sent(repo: &Repo, channel: &str, vars: &[(&str, &str)]) -> Vec<Request> {
    let server = service();
    run(repo, channel, &server, vars).run().expect(0);
    // The pipeline's own API is asked as well, where there is a token.
    server.requests().into_iter().filter(|request| request.method != "GET").collect()
}

#[test]
fn a_failure_triggers_an_alert_that_a_success_resolves() {
    let repo = repo();
    let failed = sent(&repo, "pagerduty", &[("STATUS", "error"), ("PRIORITY", "urgent")]);
    let trigger = body(&failed[0]);
    assert_eq!((failed.len(), failed[0].path.as_str()), (1, "/v2/enqueue"));
    assert_eq!((&trigger["event_action"], &trigger["payload"]["severity"]), (&json!("trigger"), &json!("critical")));
    assert_eq!(trigger["routing_key"], "routing-key-of-the-service");
    let resolve = body(&sent(&repo, "pagerduty", &[("STATUS", "success")])[0]);
    assert_eq!((&resolve["event_action"], &resolve["dedup_key"]), (&json!("resolve"), &trigger["dedup_key"]));
    assert!(sent(&repo, "pagerduty", &[]).is_empty(), "an unknown status alerts no one");
}

#[test]
fn a_deployment_is_a_change_and_wakes_nobody() {
    let repo = repo();
    let deployed = [("STATUS", "success"), ("ENVIRONMENT", "production"), ("PAGERDUTY_EVENT", "change")];
    let requests = sent(&repo, "pagerduty", &deployed);
    assert_eq!((requests.len(), requests[0].path.as_str()), (1, "/v2/change/enqueue"));
    assert!(body(&requests[0]).get("event_action").is_none());
}

#[test]
fn a_pager_that_was_not_reached_always_fails_the_run() {
    for channel in ["pagerduty", "jsm"] {
        let (repo, server) = (repo(), answering(&[500]));
        let failing = |vars: &[(&str, &str)]| {
            run(&repo, channel, &server, &[("STATUS", "error"), ("RETRIES", "0")]).envs(vars).run()
        };
        failing(&[]).expect(1);
        failing(&[("FAIL_ON_ERROR", "false")]).expect(0);
    }
}

#[test]
fn alerts_of_jira_and_opsgenie_are_opened_and_closed_by_alias() {
    let repo = repo();
    let opened = &sent(&repo, "jsm", &[("STATUS", "error")])[0];
    assert_eq!(
        (opened.path.as_str(), opened.header("authorization")),
        ("/alerts", Some("GenieKey key-of-the-integration"))
    );
    assert_eq!((&body(opened)["alias"], &body(opened)["priority"]), (&json!("pipewright/org/shop/main"), &json!("P3")));
    let closed = &sent(&repo, "jsm", &[("STATUS", "success")])[0];
    assert_eq!(closed.path, "/alerts/pipewright%2Forg%2Fshop%2Fmain/close?identifierType=alias");
    let server = service();
    let outcome =
        notify(&repo).env("OPSGENIE_API_KEY", "k").env("DRY_RUN", "true").env("STATUS", "error").run().expect(0);
    assert!(outcome.stdout.contains("POST https://api.opsgenie.com/v2/alerts"), "{}", outcome.stdout);
    assert!(server.requests().is_empty());
}

#[test]
fn github_gets_a_commit_status_and_a_deployment_with_its_status() {
    let repo = repo();
    let commit = repo.git(&["rev-parse", "HEAD"]);
    let failed = sent(&repo, "github", &[("STATUS", "error")]);
    assert_eq!(failed.len(), 1, "nothing was deployed: {failed:?}");
    assert_eq!(failed[0].path, format!("/repos/org/shop/statuses/{commit}"));
    assert_eq!(failed[0].header("authorization"), Some("Bearer token-of-github"));
    let status = body(&failed[0]);
    assert_eq!((&status["state"], &status["context"]), (&json!("failure"), &json!("pipewright/notify")));
    assert_eq!(status["target_url"], "https://bitbucket.org/org/shop/pipelines/results/128");
    let deployed = [("STATUS", "success"), ("ENVIRONMENT", "production"), ("ENVIRONMENT_URL", "https://shop.example")];
    let requests = sent(&repo, "github", &deployed);
    let of = |path: &str| {
        body(requests.iter().find(|request| request.path == format!("/repos/org/shop/{path}")).expect(path))
    };
    let deployment = of("deployments");
    assert_eq!((&deployment["ref"], &deployment["environment"]), (&json!(commit), &json!("production")));
    assert_eq!((&deployment["auto_merge"], &deployment["required_contexts"]), (&json!(false), &json!([])));
    let status = of("deployments/77/statuses");
    assert_eq!((&status["state"], &status["environment_url"]), (&json!("success"), &json!("https://shop.example")));
    assert!(sent(&repo, "github", &[("ENVIRONMENT", "production")]).is_empty(), "an unknown end is no status");
}

#[test]
fn bitbucket_gets_a_build_status() {
    let repo = repo();
    let commit = repo.git(&["rev-parse", "HEAD"]);
    let request = &sent(&repo, "bitbucket", &[("STATUS", "failure"), ("MESSAGE", "details")])[0];
    assert_eq!(request.path, format!("/repositories/org/shop/commit/{commit}/statuses/build"));
    assert_eq!(request.header("authorization"), Some("Bearer token-of-bitbucket"));
    let status = body(request);
    assert_eq!((&status["state"], &status["key"]), (&json!("FAILED"), &json!("pipewright-notify")));
    assert_eq!((&status["description"], &status["refname"]), (&json!("details"), &json!("main")));
}

#[test]
fn datadog_hears_of_deployments_only() {
    let repo = repo();
    let commit = repo.git(&["rev-parse", "HEAD"]);
    let deployed =
        [("STATUS", "success"), ("ENVIRONMENT", "production"), ("STARTED_AT", "1700000000"), ("VERSION", "1.2.3")];
    let request = &sent(&repo, "datadog", &deployed)[0];
    assert_eq!(
        (request.path.as_str(), request.header("dd-api-key")),
        ("/api/v2/dora/deployment", Some("key-of-datadog"))
    );
    let attributes = &body(request)["data"]["attributes"];
    assert_eq!((&attributes["service"], &attributes["env"]), (&json!("shop"), &json!("production")));
    assert_eq!(attributes["started_at"], 1_700_000_000_000_000_000_u64);
    assert_eq!((&attributes["git"]["commit_sha"], &attributes["version"]), (&json!(commit), &json!("1.2.3")));
    let server = service();
    let outcome = run(&repo, "datadog", &server, &[("STATUS", "success")]).run().expect(0);
    assert!(outcome.stdout.contains("SKIPPED") && outcome.stdout.contains("nothing was deployed"), "{outcome:?}");
    assert!(sent(&repo, "datadog", &[("STATUS", "error"), ("ENVIRONMENT", "production")]).is_empty());
}

#[test]
fn the_plain_metrics_are_pipeline_status_and_duration() {
    let repo = repo();
    let request = &sent(&repo, "metrics", &[("STATUS", "success"), ("STARTED_AT", "2026-01-01T00:00:00Z")])[0];
    assert_eq!(
        (request.path.as_str(), request.header("authorization")),
        ("/api/v1/metrics", Some("Bearer token-of-the-metrics"))
    );
    let metrics = body(request);
    assert_eq!((&metrics["pipeline"], &metrics["status"]), (&json!("org/shop"), &json!("success")));
    assert!(metrics["duration"].as_u64().unwrap() > 0, "{metrics}");
    assert!(body(&sent(&repo, "metrics", &[("STATUS", "success")])[0])["duration"].is_null(), "nobody knows");
}

#[test]
fn people_are_called_by_their_ids_at_each_service() {
    let repo = repo();
    repo.write(
        ".pipewright/mentions.toml",
        "[\"author@example.com\"]\nslack = \"U0AUTHOR\"\ndiscord = \"123456789012345678\"\nmattermost = \"ada\"\n\
         telegram = \"987654\"\nteams = \"ada@corp.example\"\n",
    );
    let server = Server::start(|_| Reply::json(200, r#"{"ok":true,"id":"1"}"#));
    notify(&repo)
        .env("CHANNELS", "slack,discord,mattermost,telegram,teams")
        .env("SLACK_WEBHOOK_URL", format!("{}/slack", server.url()))
        .env("DISCORD_WEBHOOK_URL", format!("{}/discord", server.url()))
        .env("MATTERMOST_WEBHOOK_URL", format!("{}/mattermost", server.url()))
        .env("TEAMS_WEBHOOK_URL", format!("{}/teams", server.url()))
        .env("TELEGRAM_API_URL", server.url())
        .envs(&[("TELEGRAM_BOT_TOKEN", "1:a"), ("TELEGRAM_CHAT_ID", "42")])
        .env("MENTION_USERS", "author")
        .run()
        .expect(0);
    let of = |path: &str| {
        body(server.requests().iter().find(|request| request.path.starts_with(path)).expect(path)).to_string()
    };
    assert!(of("/slack").contains(r#""user_id":"U0AUTHOR""#));
    assert!(
        of("/discord").contains("<@123456789012345678>")
            && of("/discord").contains(r#""users":["123456789012345678"]"#)
    );
    assert!(of("/mattermost").contains("@ada"));
    assert!(of("/bot").contains("tg://user?id=987654"));
    assert!(of("/teams").contains("<at>Author</at>") && of("/teams").contains("ada@corp.example"));
}
