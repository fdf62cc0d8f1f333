//! What notify-pipe sends, judged by others' code: Slack's block models, Microsoft's card renderer, Discord's and GitHub's
//! OpenAPI descriptions, PagerDuty's client, OpenTelemetry's messages and CDEvents' types.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use cdevents_sdk::CDEvent;
use pipewright_harness::components::installed;
use pipewright_harness::{Pipe, Reply, Repo, Request, Server, root};
use serde_json::{Map, Value, json};

/// Whatever a service could stumble over.
const NASTY: &str = "\"quoted\" \\ back\nline <!channel> @here @everyone 🎉 *bold* _x_ [a](b) <b>&amp;</b> \u{202e}rtl \
                     \u{7}\u{1b}[31m `c` ``` https://shop.example/ä?b=\"c\" http://[ {{ 7 * 7 }} $(id)";

/// What the judge of `kind` has to say against a body; nothing if it is valid.
fn objections(kind: &str, body: &[u8]) -> Option<String> {
    let dir = Repo::plain();
    dir.write("body.json", body);
    let output = installed("python3")
        .arg(root().join("tests/validators/validate.py"))
        .arg(kind)
        .arg(dir.join("body.json"))
        .output()
        .unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(matches!(output.status.code(), Some(0 | 1)), "{text}");
    (!output.status.success()).then_some(text)
}

#[track_caller]
fn valid(kind: &str, request: &Request) {
    assert_eq!(objections(kind, &request.body), None, "{}", String::from_utf8_lossy(&request.body));
}

/// Every service at once, each at its own path.
fn services() -> Server {
    Server::start(|request| match request.path.as_str() {
        "/slack-api/chat.postMessage" => Reply::json(200, r#"{"ok": true, "channel": "C1", "ts": "1.2"}"#),
        path if path.ends_with("/deployments") => Reply::json(201, r#"{"id": 7}"#),
        _ => Reply::json(200, r#"{"ok": true, "id": "1"}"#),
    })
}

/// A repository with a commit and a log.
fn checkout() -> Repo {
    let repo = Repo::new();
    repo.write("build.log", format!("{}\u{1b}[31m<b>failed</b>\u{1b}[0m ```\n", "one more line \u{1}\n".repeat(2_000)));
    repo.commit("Fix the <cart> & *total* of \"shops\"");
    repo
}

/// A run on GitHub that tells every service.
fn telling(repo: &Repo, server: &Server) -> Pipe {
    let at = |path: &str| format!("{}/{path}", server.url());
    let token = "t".repeat(16);
    Pipe::new("notify-pipe", repo.path())
        .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "org/shop"), ("GITHUB_RUN_ID", "1001")])
        .envs(&[("GITHUB_WORKFLOW", "CI"), ("GITHUB_REF_NAME", "main"), ("GITHUB_REF_TYPE", "branch")])
        .env("GITHUB_SHA", repo.git(&["rev-parse", "HEAD"]))
        .env("GITHUB_API_URL", at("github"))
        .env("GITHUB_TOKEN", &token)
        .env("CHANNELS", "slack,teams,discord,pagerduty,github,cdevents,otlp")
        .env("TEAMS_WEBHOOK_URL", at("teams"))
        .env("DISCORD_WEBHOOK_URL", at("discord"))
        .env("PAGERDUTY_ROUTING_KEY", &token)
        .env("PAGERDUTY_URL", at("pagerduty"))
        .env("CDEVENTS_URL", at("cdevents"))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", at("otlp"))
        .env("STARTED_AT", "2026-01-02T03:04:05Z")
}

fn with_webhook(pipe: Pipe, server: &Server) -> Pipe {
    pipe.env("SLACK_WEBHOOK_URL", format!("{}/slack", server.url()))
}

fn with_bot(pipe: Pipe, server: &Server) -> Pipe {
    pipe.env("SLACK_BOT_TOKEN", format!("xoxb-{}", "1".repeat(12)))
        .env("SLACK_CHANNEL", "#ops")
        .env("SLACK_API_URL", format!("{}/slack-api", server.url()))
}

/// Everything a user can say, at its worst.
fn nasty(pipe: Pipe) -> Pipe {
    let object = |of: &dyn Fn(usize) -> (String, String)| {
        let pairs: Map<String, Value> = (0..40).map(of).map(|(key, value)| (key, Value::from(value))).collect();
        Value::from(pairs).to_string()
    };
    pipe.env("TITLE", NASTY)
        .env("MESSAGE", format!("{NASTY}\n{}", NASTY.repeat(100)))
        .env("CUSTOM_FIELDS", object(&|index| (format!("{index} {NASTY}"), NASTY.repeat(8))))
        .env(
            "CUSTOM_LINKS",
            object(&|index| (format!("{index} {NASTY}"), format!("https://x.example/{index}?{NASTY}"))),
        )
        .env("MENTION_USERS", "author,U012AB3CD,123456789012345678,ada@example.com")
        .env("MENTION_CHANNEL", "here")
        .env("LOG_FILE", "build.log")
        .env("PRIORITY", "urgent")
        .env("ENVIRONMENT", format!("prod {NASTY}"))
        .env("SERVICE", NASTY)
        .env("IMAGE", format!("registry.example:5000/org/shop:1@sha256:{}", "a".repeat(64)))
}

#[track_caller]
fn sent(server: &Server, path: &str) -> Request {
    let requests = server.requests();
    let paths: Vec<&String> = requests.iter().map(|request| &request.path).collect();
    requests
        .iter()
        .find(|request| request.path.starts_with(path))
        .unwrap_or_else(|| panic!("{path}: {paths:?}"))
        .clone()
}

/// An event by CDEvents' own types; says which it is.
fn event(request: &Request) -> String {
    let event: CDEvent = serde_json::from_slice(&request.body)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&request.body)));
    assert_eq!(request.header("ce-type"), Some(event.ty()));
    assert_eq!(request.header("ce-id"), Some(event.id().as_str()));
    assert_eq!(request.header("ce-source"), Some(event.source().as_str()));
    event.ty().to_owned()
}

fn events(server: &Server) -> Vec<String> {
    let requests = server.requests();
    let mut events: Vec<String> = requests.iter().filter(|request| request.path == "/cdevents").map(event).collect();
    events.sort();
    events
}

/// What went to every service is valid.
fn all_valid(server: &Server) {
    valid("teams", &sent(server, "/teams"));
    valid("discord", &sent(server, "/discord"));
    valid("pagerduty", &sent(server, "/pagerduty/v2/enqueue"));
    valid("otlp-traces", &sent(server, "/otlp/v1/traces"));
    valid("otlp-metrics", &sent(server, "/otlp/v1/metrics"));
    valid("github-status", &sent(server, "/github/repos/org/shop/statuses/"));
}

#[test]
#[ignore = "needs the services' validators: make test"]
fn plain_messages_are_valid() {
    for status in ["success", "failure"] {
        let (repo, server) = (checkout(), services());
        with_webhook(telling(&repo, &server), &server).env("STATUS", status).run().expect(0);
        valid("slack", &sent(&server, "/slack"));
        all_valid(&server);
        assert_eq!(events(&server), ["dev.cdevents.pipelinerun.finished.0.2.0"]);
    }
}

#[test]
#[ignore = "needs the services' validators: make test"]
fn the_nastiest_message_is_valid() {
    let (repo, server) = (checkout(), services());
    nasty(with_webhook(telling(&repo, &server), &server)).env("STATUS", "success").run().expect(0);
    valid("slack", &sent(&server, "/slack"));
    all_valid(&server);
    valid("pagerduty", &sent(&server, "/pagerduty/v2/change/enqueue"));
    valid("github-deployment", &sent(&server, "/github/repos/org/shop/deployments"));
    valid("github-deployment-status", &sent(&server, "/github/repos/org/shop/deployments/7/statuses"));
    assert_eq!(events(&server), ["dev.cdevents.pipelinerun.finished.0.2.0", "dev.cdevents.service.deployed.0.2.0"]);
}

#[test]
#[ignore = "needs the services' validators: make test"]
fn the_message_of_a_bot_and_a_bare_card_are_valid() {
    let (repo, server) = (checkout(), services());
    let pipe = nasty(with_bot(telling(&repo, &server), &server)).env("TEAMS_PAYLOAD", "card");
    pipe.env("STATUS", "error").run().expect(0);
    valid("slack", &sent(&server, "/slack-api/chat.postMessage"));
    all_valid(&server);
}

#[test]
fn an_upgrade_and_a_way_back_are_events_of_their_own() {
    for (rollback, expected) in
        [("false", "dev.cdevents.service.upgraded.0.2.0"), ("true", "dev.cdevents.service.rolledback.0.2.0")]
    {
        let (repo, server) = (checkout(), services());
        let before = repo.git(&["rev-parse", "HEAD"]);
        repo.commit("second");
        with_webhook(telling(&repo, &server), &server)
            .envs(&[("STATUS", "success"), ("ENVIRONMENT", "production"), ("ROLLBACK", rollback)])
            .env("PREVIOUS_COMMIT", before)
            .run()
            .expect(0);
        assert_eq!(events(&server), ["dev.cdevents.pipelinerun.finished.0.2.0", expected]);
    }
}

#[test]
#[ignore = "needs the services' validators: make test"]
fn each_judge_refuses_what_is_wrong() {
    let long = "x".repeat(300);
    let header = json!({ "type": "header", "text": { "type": "plain_text", "text": long } });
    let cards = |block: Value| json!({ "type": "AdaptiveCard", "version": "1.4", "body": [block] });
    for (kind, wrong) in [
        ("slack", json!({ "blocks": [header] })),
        ("slack", json!({ "blocks": [{ "type": "paragraph", "text": "x" }] })),
        ("teams", cards(json!({ "type": "TextRow", "text": "x" }))),
        ("teams", cards(json!({ "type": "TextBlock", "text": "x", "weight": "Fat" }))),
        ("teams", cards(json!({ "type": "TextBlock", "text": "x", "blinks": true }))),
        ("discord", json!({ "embeds": [{ "title": long }] })),
        ("discord", json!({ "embeds": [{ "title": "x", "colour": 7 }] })),
        ("pagerduty", json!({ "routing_key": "k", "event_action": "resolved", "dedup_key": "d" })),
        ("pagerduty", json!({ "routing_key": "k", "event_action": "resolve", "key": "d" })),
        ("pagerduty", json!({ "routing_key": "k", "payload": { "summary": "s", "source": null } })),
        ("otlp-traces", json!({ "resourceSpans": [{ "spans": [] }] })),
        ("otlp-metrics", json!({})),
        ("github-status", json!({ "state": "finished" })),
        ("github-status", json!({ "state": "success", "target_url": null })),
        ("github-deployment", json!({ "environment": "production" })),
        ("github-deployment-status", json!({ "state": "success", "colour": "green" })),
    ] {
        assert!(objections(kind, wrong.to_string().as_bytes()).is_some(), "{kind}: {wrong}");
    }
    let unknown = json!({ "context": { "type": "dev.cdevents.pipelinerun.baked.0.2.0" }, "subject": {} });
    assert!(serde_json::from_value::<CDEvent>(unknown).is_err());
}
