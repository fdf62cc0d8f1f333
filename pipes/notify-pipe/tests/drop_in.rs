//! Pipelines that were written for the bash pipes (A12): every entry of the design's and of their README, unchanged.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::Outcome;

const HOOK_URL: &str = "https://hooks.example.com/services/T0/B0/tokentokentokentoken";
const EMAIL: [(&str, &str); 4] = [
    ("EMAIL_TO", "team@example.com,ops@example.com"),
    ("EMAIL_SMTP_HOST", "smtp.example.com"),
    ("EMAIL_SMTP_USERNAME", "ci"),
    ("EMAIL_SMTP_PASSWORD", "password-of-the-account"),
];

fn dry(vars: &[(&str, &str)], more: &[(&str, &str)]) -> Outcome {
    notify(&repo()).envs(BITBUCKET).envs(vars).envs(more).env("DRY_RUN", "true").run()
}

/// No name is unknown, no secret is shown.
#[track_caller]
fn understood(outcome: &Outcome) {
    assert_eq!(outcome.code, Some(0), "{}", outcome.output());
    assert!(!outcome.stderr.contains("is not a variable"), "{}", outcome.stderr);
    for secret in ["tokentoken", "password-of-the-account"] {
        assert!(!outcome.output().contains(secret), "{secret}: {}", outcome.output());
    }
}

#[test]
fn the_entries_of_notify_pipe_run_unchanged() {
    let slack = ("SLACK_WEBHOOK_URL", HOOK_URL);
    understood(&dry(
        &[
            ("CHANNELS", "slack"),
            slack,
            ("MESSAGE", "✅ Deployed to production"),
            ("STATUS", "success"),
            ("ENVIRONMENT", "production"),
        ],
        &[],
    ));
    understood(&dry(
        &[
            ("CHANNELS", "slack,discord"),
            slack,
            ("DISCORD_WEBHOOK_URL", HOOK_URL),
            ("MESSAGE", "❌ Production deployment failed"),
            ("STATUS", "error"),
            ("PRIORITY", "urgent"),
            ("MENTION_USERS", "U123456,U789012"),
        ],
        &[],
    ));
    understood(&dry(
        &[
            ("CHANNELS", "slack"),
            slack,
            ("SLACK_CHANNEL", "#deployments"),
            ("SLACK_USERNAME", "Deploy Bot"),
            ("SLACK_ICON_EMOJI", ":rocket:"),
            ("MENTION_CHANNEL", "channel"),
            ("MESSAGE", "x"),
            ("TEAMS_THEME_COLOR", "0078D7"),
            ("DISCORD_USERNAME", "CI/CD Bot"),
            ("INCLUDE_COMMIT_INFO", "true"),
            ("INCLUDE_BUILD_INFO", "true"),
            ("INCLUDE_REPO_INFO", "true"),
            ("ATTACH_LOGS", "true"),
            ("DEBUG", "true"),
        ],
        &[],
    ));
    let headers = ("WEBHOOK_HEADERS", r#"{"DD-API-KEY":"tokentokentokentoken"}"#);
    let template = (
        "WEBHOOK_PAYLOAD_TEMPLATE",
        "{\n  \"title\": \"{{TITLE}}\",\n  \"text\": \"{{MESSAGE}}\",\n  \"tags\": [\"env:{{ENVIRONMENT}}\", \
         \"status:{{STATUS}}\"],\n  \"alert_type\": \"{{STATUS}}\"\n}\n",
    );
    let webhook = ("WEBHOOK_URL", "https://api.example.com/api/v1/events");
    understood(&dry(
        &[("CHANNELS", "webhook"), webhook, ("WEBHOOK_METHOD", "POST"), headers, template, ("MESSAGE", "x")],
        &[],
    ));
}

#[test]
fn mail_needs_a_sender_of_its_own_and_nothing_else() {
    // One of the three defaults that differ: EMAIL_FROM was an address of somebody else's.
    let entry = [("CHANNELS", "slack,email,teams"), ("SLACK_WEBHOOK_URL", HOOK_URL), ("TEAMS_WEBHOOK_URL", HOOK_URL)];
    let outcome = dry(&entry, &EMAIL);
    assert_eq!(outcome.code, Some(2));
    assert!(outcome.stderr.contains("1 problem in") && outcome.stderr.contains("EMAIL_FROM: required"), "{outcome:?}");
    let all: Vec<_> = EMAIL.into_iter().chain([("EMAIL_FROM", "ci@example.com"), ("EMAIL_SMTP_PORT", "587")]).collect();
    understood(&dry(&entry, &all));
}

#[test]
fn the_entries_of_slack_pipe_run_unchanged() {
    let entry = [
        ("SLACK_WEBHOOK_URL", HOOK_URL),
        ("MESSAGE", "✅ Deployed"),
        ("TITLE", "Production Deployment"),
        ("STATUS", "success"),
        ("CUSTOM_FIELDS", r#"{"Version":"1.2.3","Region":"us-east-1"}"#),
        ("THREAD_TS", "1234567890.123456"),
        ("NOTIFICATION_COLOR", "#36a64f"),
        ("MENTION_USERS", "U123456,U789012"),
        ("MENTION_CHANNEL", "here"),
    ];
    let outcome = dry(&entry, &[]);
    understood(&outcome);
    for effect in ["1234567890.123456", "#36a64f", "U123456", "us-east-1", "Production Deployment"] {
        assert!(outcome.stdout.contains(effect), "{effect}: {}", outcome.stdout);
    }
    // Its alone: no CHANNELS, and the secret's other name.
    understood(&dry(&[("SLACK_WEBHOOK", HOOK_URL), ("MESSAGE", "x")], &[]));
}

#[test]
fn the_effect_of_an_old_name_is_printed() {
    let outcome = dry(&[("SLACK_WEBHOOK", HOOK_URL), ("DEBUG", "true"), ("STATUS", "failure")], &[]);
    assert!(outcome.stderr.contains("SLACK_WEBHOOK_URL=\"***\" (SLACK_WEBHOOK)"), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("\"status\": \"error\""), "{}", outcome.stdout);
}
