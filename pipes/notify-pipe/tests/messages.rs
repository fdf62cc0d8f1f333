//! What a message says: the user's words as typed, the status as it is, and what is known of the run.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::{Pipe, Repo};
use serde_json::{Value, json};

/// Quotes, line breaks, emoji, mentions, markup, right-to-left text and control characters.
const NASTY: &str =
    "\"quoted\" \\ back\nline <!channel> @here @everyone 🎉 *bold* _x_ <b>&amp;</b> \u{202e}rtl \u{7}\u{1b}[31m `c`";

/// What of it is text: control sequences and changes of direction are not.
const SENT: &str = "\"quoted\" \\ back\nline <!channel> @here @everyone 🎉 *bold* _x_ <b>&amp;</b> rtl  `c`";

/// Every text element of Slack's rich text, put together.
fn rich_text(payload: &Value) -> String {
    fn collect(value: &Value, out: &mut String) {
        match value {
            Value::Object(map) if map.get("type") == Some(&json!("text")) => {
                out.push_str(map["text"].as_str().unwrap_or_default());
            }
            Value::Object(map) => map.values().for_each(|value| collect(value, out)),
            Value::Array(items) => items.iter().for_each(|value| collect(value, out)),
            _ => {}
        }
    }
    let mut out = String::new();
    collect(&payload["blocks"], &mut out);
    out
}

#[test]
fn a_message_arrives_as_typed_and_calls_nobody() {
    // The ancestor put texts into JSON by hand (N-3).
    let repo = repo();
    let server = pipewright_harness::Server::start(|_| pipewright_harness::Reply::json(200, r#"{"ok":true,"id":"1"}"#));
    notify(&repo)
        .env("CHANNELS", "slack,teams,discord,mattermost,google-chat,telegram,webhook")
        .env("SLACK_WEBHOOK_URL", format!("{}/slack", server.url()))
        .env("TEAMS_WEBHOOK_URL", format!("{}/teams", server.url()))
        .env("DISCORD_WEBHOOK_URL", format!("{}/discord", server.url()))
        .env("MATTERMOST_WEBHOOK_URL", format!("{}/mattermost", server.url()))
        .env("GOOGLE_CHAT_WEBHOOK_URL", format!("{}/google", server.url()))
        .env("TELEGRAM_API_URL", server.url())
        .env("TELEGRAM_BOT_TOKEN", "1:a")
        .env("TELEGRAM_CHAT_ID", "42")
        .env("WEBHOOK_URL", format!("{}/webhook", server.url()))
        .env("MESSAGE", NASTY)
        .run()
        .expect(0);
    let requests = server.requests();
    assert_eq!(requests.len(), 7);
    let of = |path: &str| body(requests.iter().find(|request| request.path.starts_with(path)).expect(path));
    assert!(rich_text(&of("/slack")).contains(SENT));
    assert_eq!(of("/webhook")["message"], SENT);
    let discord = of("/discord");
    assert_eq!(discord["allowed_mentions"]["parse"], json!([]));
    assert_eq!(discord["content"], "");
    let mattermost = of("/mattermost");
    assert_eq!(mattermost["text"], "");
    assert!(!texts(&mattermost).contains("@here"), "{mattermost}");
    let google = texts(&of("/google"));
    assert!(google.contains("&lt;!channel&gt;") && !google.contains("<b>&amp;</b>"), "{google}");
    let telegram = of("/bot1:a/sendMessage");
    assert!(telegram["text"].as_str().unwrap().contains("&lt;b&gt;&amp;amp;&lt;/b&gt;"), "{telegram}");
    assert!(!telegram["text"].as_str().unwrap().contains("@here"));
    let teams = of("/teams");
    let runs = texts(&teams);
    assert!(runs.contains("line <!channel> @here @everyone 🎉 *bold*"), "{runs}");
    assert_eq!(teams["attachments"][0]["content"]["msteams"]["entities"], json!([]));
}

#[test]
fn an_error_is_red_and_only_success_is_green() {
    // The ancestor's errors were green on Discord (N-4).
    for (status, color, icon) in [
        ("error", 0xcf_22_2e, "❌"),
        ("failure", 0xcf_22_2e, "❌"),
        ("success", 0x1f_88_3d, "✅"),
        ("info", 0x09_69_da, "ℹ️"),
    ] {
        let repo = repo();
        let server = pipewright_harness::Server::start(|_| pipewright_harness::Reply::json(200, r#"{"id":"1"}"#));
        notify(&repo).env("DISCORD_WEBHOOK_URL", server.url()).env("STATUS", status).run().expect(0);
        let embed = &body(&only(&server))["embeds"][0];
        assert_eq!(embed["color"], color, "{status}");
        assert!(embed["title"].as_str().unwrap().starts_with(icon), "{embed}");
    }
}

/// The title of what `run` sends to Slack.
fn title(repo: &Repo, run: impl FnOnce(Pipe) -> Pipe) -> String {
    let server = sink();
    run(slack(repo, &server)).run().expect(0);
    body(&only(&server))["blocks"][0]["text"]["text"].as_str().unwrap().to_owned()
}

#[test]
fn the_status_comes_from_the_ci_and_an_unknown_one_is_not_success() {
    let repo = repo();
    let said = |vars: &[(&str, &str)]| title(&repo, |run| run.env("TITLE", "T").envs(vars));
    assert_eq!(said(&[]), "🏁 T");
    assert_eq!(said(&[("BITBUCKET_BUILD_NUMBER", "1"), ("BITBUCKET_EXIT_CODE", "1")]), "❌ T");
    assert_eq!(said(&[("BITBUCKET_BUILD_NUMBER", "1"), ("BITBUCKET_EXIT_CODE", "0")]), "✅ T");
    assert_eq!(said(&[("GITHUB_ACTIONS", "true"), ("INPUT_JOB_STATUS", "failure")]), "❌ T");
    assert_eq!(said(&[("GITHUB_ACTIONS", "true"), ("INPUT_JOB_STATUS", "cancelled")]), "⏹️ T");
    assert_eq!(said(&[("GITLAB_CI", "true"), ("CI_JOB_STATUS", "success")]), "✅ T");
    assert_eq!(said(&[("GITLAB_CI", "true"), ("CI_JOB_STATUS", "running")]), "🏁 T");
    // What the action passes by itself never hides what the user says.
    assert_eq!(said(&[("INPUT_JOB_STATUS", "success"), ("STATUS", "warning")]), "⚠️ T");
}

#[test]
fn titles_name_repository_place_and_what_happened() {
    let repo = repo();
    let on_bitbucket = |vars: &[(&str, &str)]| title(&repo, |run| run.envs(BITBUCKET).envs(vars));
    assert_eq!(on_bitbucket(&[("STATUS", "success")]), "✅ org/shop main succeeded");
    assert_eq!(on_bitbucket(&[("STATUS", "error"), ("BITBUCKET_PR_ID", "41")]), "❌ org/shop PR 41 failed");
    let deployed = [("STATUS", "success"), ("ENVIRONMENT", "production")];
    assert_eq!(on_bitbucket(&deployed), "✅ org/shop main deployed to production");
    let failed = [("STATUS", "error"), ("ENVIRONMENT", "production"), ("PRIORITY", "urgent")];
    assert_eq!(on_bitbucket(&failed), "🚨 ❌ org/shop main not deployed to production");
    let back = [("STATUS", "error"), ("ENVIRONMENT", "production"), ("ROLLBACK", "true")];
    assert_eq!(on_bitbucket(&back), "❌ org/shop main rolled back in production");
}

#[test]
fn the_name_of_a_folder_is_never_sent() {
    const FOLDER: &str = "some-folder";
    let circle = [
        ("CIRCLECI", "true"),
        ("CIRCLE_PROJECT_USERNAME", "org"),
        ("CIRCLE_PROJECT_REPONAME", "shop"),
        ("CIRCLE_BRANCH", "feature/x"),
    ];
    for (vars, expected) in [
        (&circle[..], "✅ org/shop feature/x succeeded"),
        (&circle[..1], "✅ Pipeline succeeded"),
        (&[("BRANCH", "main")], "✅ Pipeline main succeeded"),
        (&[("REPOSITORY", "org/shop")], "✅ org/shop succeeded"),
        (&[], "✅ Pipeline succeeded"),
    ] {
        let (plain, checkout) = (Repo::plain(), Repo::plain());
        std::fs::create_dir(plain.join(FOLDER)).unwrap();
        checkout.git(&["init", "--quiet", "--initial-branch=main", FOLDER]);
        for (repo, is_checkout) in [(&plain, false), (&checkout, true)] {
            let server = sink();
            Pipe::at(BINARY, &repo.join(FOLDER))
                .env("SLACK_WEBHOOK_URL", hook(&server))
                .env("WEBHOOK_URL", format!("{}/hook", server.url()))
                .env("PUSHGATEWAY_URL", format!("{}/push", server.url()))
                .env("CDEVENTS_URL", format!("{}/events", server.url()))
                .env("CHANNELS", "slack,webhook,pushgateway,cdevents")
                .env("STATUS", "success")
                .envs(vars)
                .run();
            let sent = server.requests();
            for request in &sent {
                let text = String::from_utf8_lossy(&request.body);
                assert!(!request.path.contains(FOLDER) && !text.contains(FOLDER), "{vars:?}: {} {text}", request.path);
            }
            let slack = sent.iter().find(|it| it.path == HOOK).expect("a message to Slack");
            let title = body(slack)["blocks"][0]["text"]["text"].as_str().unwrap().to_owned();
            // A checkout knows its branch by itself.
            assert!(is_checkout || title == expected, "{vars:?}: {title}");
        }
    }
}

#[test]
fn the_thirteen_variables_that_nobody_read_have_an_effect() {
    // N-5: declared and documented by the ancestor, and never looked at.
    let (repo, server) = (repo(), sink());
    repo.write("build.log", "first\nlast line\n");
    slack(&repo, &server)
        .envs(BITBUCKET)
        .envs(&[
            ("SLACK_CHANNEL", "#ops"),
            ("SLACK_USERNAME", "Deploy Bot"),
            ("SLACK_ICON_EMOJI", ":robot_face:"),
            ("CUSTOM_FIELDS", r#"{"Version": "1.2.3", "Replicas": 3}"#),
            ("MENTION_USERS", "U012AB3CD,grace"),
            ("MENTION_CHANNEL", "here"),
            ("PRIORITY", "urgent"),
            ("ATTACH_LOGS", "true"),
            ("LOG_FILE", "build.log"),
            ("INCLUDE_COMMIT_INFO", "false"),
            ("INCLUDE_BUILD_INFO", "false"),
            ("INCLUDE_REPO_INFO", "false"),
        ])
        .run()
        .expect(0);
    let payload = body(&only(&server));
    assert_eq!((&payload["channel"], &payload["username"]), (&json!("#ops"), &json!("Deploy Bot")));
    assert_eq!(payload["icon_emoji"], ":robot_face:");
    assert!(payload["blocks"][0]["text"]["text"].as_str().unwrap().starts_with("🚨"));
    let called = &payload["blocks"][1]["elements"][0]["elements"];
    assert_eq!(called[0], json!({ "type": "broadcast", "range": "here" }));
    assert_eq!(called[2], json!({ "type": "user", "user_id": "U012AB3CD" }));
    let text = texts(&payload);
    for there in ["Version", "1.2.3", "Replicas", "last line", "grace"] {
        assert!(text.contains(there), "{there}: {text}");
    }
    for left_out in ["Author", "#128", "Repository"] {
        assert!(!text.contains(left_out), "{left_out}: {text}");
    }
    let discord = pipewright_harness::Server::start(|_| pipewright_harness::Reply::json(200, r#"{"id":"1"}"#));
    notify(&repo)
        .env("DISCORD_WEBHOOK_URL", discord.url())
        .env("DISCORD_AVATAR_URL", "https://example.com/a.png")
        .run()
        .expect(0);
    assert_eq!(body(&only(&discord))["avatar_url"], "https://example.com/a.png");
    let webhook = sink();
    notify(&repo)
        .env("WEBHOOK_URL", webhook.url())
        .env("WEBHOOK_HEADERS", r#"{"DD-API-KEY": "key-of-datadog", "X-Number": 7}"#)
        .run()
        .expect(0);
    let request = only(&webhook);
    assert_eq!((request.header("dd-api-key"), request.header("x-number")), (Some("key-of-datadog"), Some("7")));
}

#[test]
fn a_payload_template_is_filled_in_and_stays_json() {
    // The ancestor sent it as it was (N-6): the example of its own README.
    let (repo, server) = (repo(), sink());
    let template = r#"{"title": "{{TITLE}}", "text": "{{MESSAGE}}",
        "tags": ["env:{{ENVIRONMENT}}", "status:{{STATUS}}"], "alert_type": "{{STATUS}}"}"#;
    notify(&repo)
        .env("WEBHOOK_URL", server.url())
        .env("WEBHOOK_PAYLOAD_TEMPLATE", template)
        .env("MESSAGE", NASTY)
        .envs(&[("TITLE", "A \"title\""), ("ENVIRONMENT", "production"), ("STATUS", "error")])
        .run()
        .expect(0);
    let payload = body(&only(&server));
    assert_eq!((&payload["text"], &payload["title"]), (&json!(SENT), &json!("A \"title\"")));
    assert_eq!(payload["tags"], json!(["env:production", "status:error"]));
    let outcome = notify(&repo)
        .env("WEBHOOK_URL", server.url())
        .env("WEBHOOK_PAYLOAD_TEMPLATE", "{\"text\": \"{{ MESSAGE }}")
        .run()
        .expect(1);
    assert!(outcome.stdout.contains("not JSON"), "{}", outcome.stdout);
    let outcome =
        notify(&repo).env("WEBHOOK_URL", server.url()).env("WEBHOOK_PAYLOAD_TEMPLATE", "{{ MESAGE }}").run().expect(2);
    assert!(outcome.stderr.contains("unknown name MESAGE"), "{}", outcome.stderr);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn a_webhook_is_signed_over_the_bytes_it_sends() {
    let (repo, server) = (repo(), sink());
    notify(&repo).env("WEBHOOK_URL", server.url()).env("WEBHOOK_SECRET", "It's a Secret").run().expect(0);
    let request = only(&server);
    let signature = request.header("x-hub-signature-256").unwrap();
    assert!(signature.starts_with("sha256=") && signature.len() == 71, "{signature}");
    let standard = sink();
    notify(&repo).env("WEBHOOK_URL", standard.url()).env("WEBHOOK_SECRET", "whsec_MfKQ9r8GKYqrTwjU").run().expect(0);
    let request = only(&standard);
    for header in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
        assert!(request.header(header).is_some(), "{header}");
    }
    assert_eq!(request.header("x-hub-signature-256"), None);
}

#[test]
fn the_values_of_a_template_are_never_templates() {
    let (repo, server) = (repo(), sink());
    notify(&repo)
        .env("WEBHOOK_URL", server.url())
        .env("TEMPLATE", "{{ status }}: {{ message }}")
        .env("MESSAGE", "{{ 7 * 7 }} {% for x in [1] %}")
        .env("STATUS", "warning")
        .run()
        .expect(0);
    assert_eq!(body(&only(&server))["message"], "warning: {{ 7 * 7 }} {% for x in [1] %}");
    let outcome = notify(&repo).env("WEBHOOK_URL", server.url()).env("TEMPLATE", "{{ env.PATH }}").run().expect(2);
    assert!(outcome.stderr.contains("TEMPLATE"), "{}", outcome.stderr);
}

#[test]
fn a_message_and_a_log_can_come_from_files() {
    let (repo, server) = (repo(), sink());
    repo.write("notes.txt", "from a file\n");
    repo.write("build.log", "\u{1b}[32mok\u{1b}[0m\npassword=hunter2-hunter2\nend\n");
    notify(&repo)
        .env("WEBHOOK_URL", server.url())
        .env("MESSAGE_FILE", "notes.txt")
        .env("LOG_FILE", "build.log")
        .env("LOG_LINES", "2")
        .env("DEPLOY_PASSWORD", "hunter2-hunter2")
        .run()
        .expect(0);
    let payload = body(&only(&server));
    assert_eq!(payload["message"], "from a file");
    assert_eq!(payload["log"], json!({ "name": "build.log", "text": "password=***\nend" }));
    // A pipe cannot read the log of its step: ATTACH_LOGS alone is reported and not an error.
    let outcome = notify(&repo).env("WEBHOOK_URL", server.url()).env("ATTACH_LOGS", "true").run().expect(0);
    assert!(outcome.stderr.contains("ATTACH_LOGS has no effect without LOG_FILE"), "{}", outcome.stderr);
    let outcome = notify(&repo).env("WEBHOOK_URL", server.url()).env("LOG_FILE", "nowhere.log").run().expect(2);
    assert!(outcome.stderr.contains("LOG_FILE: expected a file that exists"), "{outcome:?}");
    let outcome = notify(&repo).env("WEBHOOK_URL", server.url()).env("LOG_FILE", "../../etc/passwd").run().expect(2);
    assert!(outcome.stderr.contains("leads out of the checkout"), "{}", outcome.stderr);
}

#[test]
fn a_secret_in_any_text_of_the_user_is_not_sent() {
    let (repo, server) = (repo(), sink());
    repo.write("hunter2-hunter2.log", "line\n");
    notify(&repo)
        .env("CHANNELS", "slack,webhook")
        .env("SLACK_WEBHOOK_URL", hook(&server))
        .env("WEBHOOK_URL", server.url())
        .env("DEPLOY_PASSWORD", "hunter2-hunter2")
        .envs(&[("TITLE", "to hunter2-hunter2"), ("MESSAGE", "is hunter2-hunter2"), ("ENVIRONMENT", "hunter2-hunter2")])
        .envs(&[("MENTION_USERS", "hunter2-hunter2"), ("LOG_FILE", "hunter2-hunter2.log")])
        .envs(&[("CUSTOM_FIELDS", r#"{"hunter2-hunter2": "hunter2-hunter2"}"#)])
        .envs(&[("CUSTOM_LINKS", r#"{"hunter2-hunter2": "https://x.example/hunter2-hunter2"}"#)])
        .run()
        .expect(0);
    assert_eq!(server.requests().len(), 2);
    for request in server.requests() {
        let text = String::from_utf8_lossy(&request.body).into_owned();
        assert!(text.contains("***") && !text.contains("hunter2"), "{text}");
    }
}

#[test]
fn channels_are_inferred_only_where_one_is_meant() {
    let (repo, server) = (repo(), sink());
    let outcome = notify(&repo).run().expect(2);
    assert!(outcome.stderr.contains("CHANNELS: required"), "{}", outcome.stderr);
    let both = |run: Pipe| run.env("SLACK_WEBHOOK_URL", hook(&server)).env("WEBHOOK_URL", server.url());
    let outcome = both(notify(&repo)).run().expect(2);
    assert!(outcome.stderr.contains("slack,webhook"), "{}", outcome.stderr);
    let outcome = both(notify(&repo)).env("CHANNELS", "webhook").run().expect(0);
    assert!(
        outcome.stderr.contains("slack is configured but not listed in CHANNELS; skipping it"),
        "{}",
        outcome.stderr
    );
    let outcome = notify(&repo).env("CHANNELS", "slak").env("SLACK_WEBHOOK_URL", hook(&server)).run().expect(2);
    assert!(outcome.stderr.contains("did you mean slack?"), "{}", outcome.stderr);
    for nobody in [" , ", "[]"] {
        let outcome = notify(&repo).env("CHANNELS", "slack").env("SLACK_WEBHOOK_URL", nobody).run().expect(2);
        assert!(outcome.stderr.contains("SLACK_WEBHOOK_URL: required"), "{}", outcome.stderr);
    }
    let outcome = notify(&repo).env("CHANNELS", "slack,email").run().expect(2);
    assert!(outcome.stderr.contains("SLACK_WEBHOOK_URL: required"), "{}", outcome.stderr);
    assert!(outcome.stderr.contains("EMAIL_TO: required"), "{}", outcome.stderr);
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn the_pull_request_of_a_fork_without_secrets_is_skipped() {
    let repo = repo();
    let event = json!({ "pull_request": { "number": 7,
        "base": { "ref": "main", "sha": "0".repeat(40), "repo": { "full_name": "o/r" } },
        "head": { "ref": "x", "sha": "0".repeat(40), "repo": { "full_name": "f/r", "fork": true } } } });
    repo.write("event.json", event.to_string());
    for channels in ["", "slack"] {
        let outcome = notify(&repo)
            .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_REPOSITORY", "o/r")])
            .env("GITHUB_EVENT_PATH", repo.join("event.json"))
            .env("CHANNELS", channels)
            .run()
            .expect(0);
        assert!(outcome.stdout.contains("SKIPPED"), "{}", outcome.stdout);
    }
}

#[test]
fn a_template_that_fails_costs_no_message() {
    let (repo, server) = (repo(), sink());
    let outcome = notify(&repo)
        .env("WEBHOOK_URL", server.url())
        .env("TEMPLATE", "{{ deployment.environment }} {{ message }}")
        .env("MESSAGE", "it broke")
        .env("STATUS", "error")
        .run()
        .expect(3);
    assert_eq!(body(&only(&server))["message"], "it broke");
    assert!(outcome.stdout.contains("failed to render TEMPLATE"), "{}", outcome.stdout);
    let timed = sink();
    notify(&repo)
        .env("WEBHOOK_URL", timed.url())
        .env("TEMPLATE", "took {{ duration }}")
        .env("STARTED_AT", "2026-01-01T00:00:00Z")
        .run()
        .expect(0);
    assert!(body(&only(&timed))["message"].as_str().unwrap().contains(" h"), "{:?}", timed.requests());
}

#[test]
fn addresses_in_a_message_stay_whole() {
    let repo = repo();
    let server = pipewright_harness::Server::start(|_| pipewright_harness::Reply::json(200, r#"{"ok":true,"id":"1"}"#));
    notify(&repo)
        .env("CHANNELS", "discord,mattermost,telegram")
        .env("DISCORD_WEBHOOK_URL", format!("{}/discord", server.url()))
        .env("MATTERMOST_WEBHOOK_URL", format!("{}/mattermost", server.url()))
        .env("TELEGRAM_API_URL", server.url())
        .envs(&[("TELEGRAM_BOT_TOKEN", "1:a"), ("TELEGRAM_CHAT_ID", "42")])
        .env("MESSAGE", "see https://medium.example/@ada_l, please")
        .run()
        .expect(0);
    for request in server.requests() {
        let text = texts(&body(&request));
        assert!(text.contains("https://medium.example/@ada_l"), "{}: {text}", request.path);
    }
}
