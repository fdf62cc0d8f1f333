//! Every error of the pipe, with what gets the reader out of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::{Pipe, Repo, Server};

/// The lines that say what is wrong, with the ports of this run hidden.
fn lines(pipe: Pipe, server: &Server) -> String {
    let outcome = pipe.run();
    let wanted =
        |line: &&str| line.starts_with("  ") || line.starts_with("warning: ") || line.contains("not delivered:");
    let lines: Vec<&str> = outcome.stderr.lines().chain(outcome.stdout.lines()).filter(wanted).collect();
    lines.join("\n").replace(&server.url().replace("http://", ""), "SERVER") + "\n"
}

#[test]
fn every_error_says_what_to_do() {
    let repo = repo();
    let (server, mut out) = (answering(&[404]), String::new());
    for vars in [
        &[][..],
        &[("CHANNELS", "slak")],
        &[("CHANNELS", "slack,email,pagerduty,github,bitbucket")],
        &[("SLACK_WEBHOOK_URL", "hooks"), ("WEBHOOK_URL", "https://a.example")],
        &[("SLACK_BOT_TOKEN", "xoxb-token"), ("SLACK_MESSAGE", "nonsense")],
        &[("TELEGRAM_BOT_TOKEN", "a b"), ("STARTED_AT", "noon"), ("NOTIFICATION_COLOR", "blueish")],
        &[
            ("WEBHOOK_URL", "https://a.example"),
            ("TEMPLATE", "{{ env }}"),
            ("CUSTOM_FIELDS", "[]"),
            ("WEBHOOK_HEADERS", "x"),
        ],
        &[("WEBHOOK_URL", "https://a.example"), ("LOG_FILE", "../../etc/passwd"), ("CUSTOM_LINKS", r#"{"a": "b"}"#)],
        &[("WEBHOOK_URL", "https://a.example"), ("WEBHOOK_SIGNATURE", "github"), ("STATE_FILE", "../x")],
        &[("EMAIL_TO", "nobody"), ("EMAIL_FROM", "x"), ("EMAIL_SMTP_HOST", "h"), ("EMAIL_SMTP_USERNAME", "u")],
        &[
            ("EMAIL_TO", "a@example.org"),
            ("EMAIL_FROM", "b@example.org"),
            ("EMAIL_SMTP_HOST", "h"),
            ("EMAIL_TLS", "implicit"),
            ("EMAIL_USE_TLS", "false"),
        ],
        &[("DATADOG_API_KEY", "key-of-datadog"), ("CHANNELS", "datadog"), ("DATADOG_SITE", "https://x")],
        &[("TEAMS_WEBHOOK_URL", "https://a.example"), ("TEAMS_THEME_COLOR", "blue")],
    ] {
        out.push_str(&format!("# {vars:?}\n{}", lines(notify(&repo).envs(vars), &server)));
    }
    let run = |channel: &str, server: &Server| {
        let at = |path: &str| format!("{}/{path}", server.url());
        notify(&repo)
            .envs(BITBUCKET)
            .envs(&[("STATUS", "error"), ("RETRIES", "0"), ("STARTED_AT", "1700000000"), ("ENVIRONMENT", "production")])
            .env("NO_COLOR", "1")
            .env("ROLLBACK", "true")
            .env("CHANNELS", channel)
            .env("SLACK_WEBHOOK_URL", at("slack"))
            .env("TEAMS_WEBHOOK_URL", at("teams"))
            .env("DISCORD_WEBHOOK_URL", at("discord"))
            .env("MATTERMOST_WEBHOOK_URL", at("mattermost"))
            .env("GOOGLE_CHAT_WEBHOOK_URL", at("google"))
            .env("TELEGRAM_API_URL", at("telegram"))
            .envs(&[("TELEGRAM_BOT_TOKEN", "1:a"), ("TELEGRAM_CHAT_ID", "42")])
            .envs(&[("PAGERDUTY_URL", at("pd").as_str()), ("PAGERDUTY_ROUTING_KEY", "routing-key-of-the-service")])
            .envs(&[("JSM_API_URL", at("jsm").as_str()), ("JSM_API_KEY", "key-of-the-integration")])
            .env("WEBHOOK_URL", at("webhook"))
            .envs(&[("GITHUB_API_URL", server.url().as_str()), ("GITHUB_TOKEN", "token-of-github")])
            .env("BITBUCKET_API_URL", server.url())
            .envs(&[("DATADOG_API_URL", at("dd").as_str()), ("DATADOG_API_KEY", "key-of-datadog")])
            .env("CDEVENTS_URL", at("events"))
            .env("OTEL_EXPORTER_OTLP_ENDPOINT", at("otlp"))
            .env("PUSHGATEWAY_URL", at("push"))
            .env("METRICS_ENDPOINT", at("metrics"))
    };
    let commit = repo.git(&["rev-parse", "HEAD"]);
    for channel in [
        "slack",
        "teams",
        "discord",
        "mattermost",
        "google-chat",
        "telegram",
        "pagerduty",
        "jsm",
        "webhook",
        "github",
        "cdevents",
        "otlp",
        "datadog",
        "pushgateway",
        "metrics",
    ] {
        let printed = lines(run(channel, &server), &server);
        let printed: Vec<&str> = printed.lines().filter(|line| line.contains("not delivered:")).collect();
        assert!(printed.iter().all(|line| line.ends_with(&format!("/docs/notify/{channel}.md#errors"))), "{printed:?}");
        assert!(!printed.is_empty(), "{channel}");
        out.push_str(&format!("# {channel}\n{}\n", printed.join("\n").replace(&commit, "COMMIT")));
    }
    let page =
        |channel: &str| std::fs::read_to_string(pipewright_harness::root().join(format!("docs/notify/{channel}.md")));
    for channel in ["slack", "email", "bitbucket", "metrics", "cdevents", "pagerduty", "jsm"] {
        assert!(page(channel).unwrap().contains("\n## Errors\n"), "{channel}: the link leads to a section");
    }
    let plain = Repo::plain();
    plain.write("state.json", "{").write("bad.toml", "not = [toml").write("bad.json", "{").write("logs/a", "");
    let good = sink();
    let warned = notify(&plain).env("WEBHOOK_URL", good.url());
    let warned = warned.envs(&[("STATE_FILE", "state.json"), ("LOG_FILE", "logs"), ("MENTION_USERS", "ada")]);
    let warned = warned.envs(&[("MENTIONS_FILE", "bad.toml"), ("REPORT_FILES", "bad.json"), ("NOTIFY_ON", "change")]);
    let printed = lines(warned, &server).replace(&plain.path().to_string_lossy().into_owned(), "DIR");
    out.push_str(&format!("# warnings\n{printed}"));
    insta::assert_snapshot!(out);
}
