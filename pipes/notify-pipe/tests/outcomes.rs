//! What counts as delivered, refused and unreachable, and what a message says of people and texts.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::io::{Read, Write};
use std::net::TcpListener;
use std::thread;
use std::time::{Duration, Instant};

use common::*;
use pipewright_harness::{Outcome, Pipe, Reply, Repo, Server};
use serde_json::{Value, json};

/// A server that answers 200 at once and then sends `chunk` every `pause`, of which it announces ten megabytes.
fn endless(chunk: usize, pause: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            thread::spawn(move || {
                let _ = stream.set_read_timeout(Some(Duration::from_millis(300)));
                let mut buffer = [0; 65536];
                while stream.read(&mut buffer).is_ok_and(|count| count == buffer.len()) {}
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10000000\r\n\r\n");
                while stream.write_all(&vec![b'x'; chunk]).is_ok() {
                    thread::sleep(pause);
                }
            });
        }
    });
    url
}

/// Every channel of HTTP with its services at `base`. Slack's bot has the same name as Slack's webhook, and Datadog's
/// servers have fixed names.
fn everywhere(repo: &Repo, base: &str) -> (Pipe, Vec<&'static str>) {
    let channels = vec![
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
        "bitbucket",
        "cdevents",
        "otlp",
        "pushgateway",
        "metrics",
    ];
    let pipe = notify(repo).env("CHANNELS", channels.join(",")).env("STATUS", "failure").env("RETRIES", "0");
    let addresses = [
        "SLACK_WEBHOOK_URL",
        "TEAMS_WEBHOOK_URL",
        "DISCORD_WEBHOOK_URL",
        "MATTERMOST_WEBHOOK_URL",
        "GOOGLE_CHAT_WEBHOOK_URL",
        "TELEGRAM_API_URL",
        "PAGERDUTY_URL",
        "JSM_API_URL",
        "WEBHOOK_URL",
        "GITHUB_API_URL",
        "BITBUCKET_API_URL",
        "CDEVENTS_URL",
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "PUSHGATEWAY_URL",
        "METRICS_ENDPOINT",
    ];
    let pipe = addresses.iter().fold(pipe, |pipe, name| pipe.env(name, base));
    let more = [
        ("TELEGRAM_BOT_TOKEN", "1:k"),
        ("TELEGRAM_CHAT_ID", "1"),
        ("PAGERDUTY_ROUTING_KEY", "kkkkkkkk"),
        ("JSM_API_KEY", "kkkkkkkk"),
        ("GITHUB_TOKEN", "kkkkkkkk"),
        ("GITHUB_REPOSITORY_NAME", "org/shop"),
        ("BITBUCKET_ACCESS_TOKEN", "kkkkkkkk"),
        ("BITBUCKET_REPOSITORY_NAME", "org/shop"),
        ("PUSHGATEWAY_JOB", "x"),
        ("BUILD_URL", "https://ci.example/7"),
        ("REPOSITORY", "org/shop"),
        ("PIPELINE", "ci"),
        ("PIPELINE_URL", "https://ci.example/7"),
    ];
    (pipe.envs(&more), channels)
}

/// What was printed of the first target of a channel.
#[track_caller]
fn line_of<'a>(outcome: &'a Outcome, channel: &str) -> &'a str {
    outcome.stdout.lines().find(|line| line.starts_with(&format!("{channel} "))).expect(channel)
}

#[test]
fn an_answer_of_2xx_is_a_delivery_however_its_body_goes_on() {
    let repo = repo();
    for (chunk, pause) in [(100_000, Duration::ZERO), (1, Duration::from_millis(200))] {
        let (run, channels) = everywhere(&repo, &endless(chunk, pause));
        let started = Instant::now();
        let outcome = run.env("TIMEOUT", "6").run();
        for channel in channels {
            let line = line_of(&outcome, channel);
            assert!(line.contains("delivered") && !line.contains("not delivered"), "{}", outcome.stdout);
        }
        assert_eq!(outcome.code, Some(0), "{}", outcome.stdout);
        assert!(started.elapsed() < Duration::from_secs(4), "{:?}", started.elapsed());
    }
}

#[test]
fn a_status_of_2xx_is_a_delivery_whatever_the_body_says() {
    let repo = repo();
    for (status, body) in
        [(200, ""), (202, "{}"), (204, ""), (200, "<html>It works</html>"), (201, "[1, 2"), (299, "null")]
    {
        let server = Server::start(move |_| Reply::Send(status, Vec::new(), body.as_bytes().to_vec()));
        let (run, channels) = everywhere(&repo, &server.url());
        let outcome = run.run().expect(0);
        for channel in channels {
            let line = line_of(&outcome, channel);
            assert!(line.contains("delivered") && !line.contains("not delivered"), "{status} {body}: {line}");
        }
    }
}

#[test]
fn a_host_that_does_not_exist_is_refused() {
    let repo = repo();
    let run = |vars: &[(&str, &str)]| notify(&repo).envs(vars).env("RETRIES", "1").env("TIMEOUT", "20").run();
    let (all, channels) = everywhere(&repo, "https://hooks.slak.invalid/x");
    let outcome = all.run().expect(1);
    for channel in channels {
        assert!(line_of(&outcome, channel).contains("Correct the host name"), "{}", outcome.stdout);
    }
    let bot = [("SLACK_API_URL", "https://slak.invalid/api"), ("SLACK_BOT_TOKEN", "kkkkkkkk"), ("SLACK_CHANNEL", "C1")];
    run(&bot).expect(1);
    let outcome = run(&[("SLACK_WEBHOOK_URL", "https://hooks.slak.invalid/services/x")]).expect(1);
    assert!(outcome.stdout.contains("Correct the host name"), "{}", outcome.stdout);
    let mail = [("EMAIL_TO", "a@example.com"), ("EMAIL_FROM", "b@example.com")];
    let outcome = run(&[&mail[..], &[("EMAIL_SMTP_HOST", "mail.nowhere.invalid")]].concat()).expect(1);
    assert!(outcome.stdout.contains("Set EMAIL_SMTP_HOST"), "{}", outcome.stdout);
    for (host, advice) in [
        ("mail.example.com:2525", "Set EMAIL_SMTP_HOST=mail.example.com and EMAIL_SMTP_PORT=2525"),
        ("smtp://mail.example.com", "expected a host name such as smtp.example.com"),
        ("mail example com", "expected a host name such as smtp.example.com"),
    ] {
        let outcome = run(&[&mail[..], &[("EMAIL_SMTP_HOST", host)]].concat()).expect(2);
        assert!(outcome.stderr.contains(advice) && !outcome.stderr.contains("required"), "{}", outcome.stderr);
    }
    // A port that nothing listens on is an outage.
    run(&[&mail[..], &[("EMAIL_SMTP_HOST", "127.0.0.1"), ("EMAIL_SMTP_PORT", "1")]].concat()).expect(0);
}

#[test]
fn a_comma_in_a_quoted_name_does_not_split_an_address() {
    let repo = repo();
    let plan = |to: &str| {
        let run = notify(&repo).env("EMAIL_TO", to).env("EMAIL_FROM", "b@example.com").env("DRY_RUN", "true");
        run.env("EMAIL_SMTP_HOST", "mail.example.com").run()
    };
    let outcome = plan("\"Doe, J\" <j@example.com>, ops@example.com").expect(0);
    assert!(outcome.stdout.contains("Doe, J") && outcome.stdout.contains("ops@example.com"), "{}", outcome.stdout);
    plan("\"Doe, J <j@example.com>, ops@example.com").expect(2);
}

/// Slack's API, by which every message has another id.
fn bots() -> Server {
    let count = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |request| {
        let count = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let channel = serde_json::from_slice::<Value>(&request.body).unwrap_or_default()["channel"].clone();
        if channel == "CLOST" {
            return Reply::json(200, r#"{"ok": false, "error": "channel_not_found"}"#);
        }
        let id = channel.as_str().unwrap_or_default().replace('#', "C");
        Reply::json(200, json!({ "ok": true, "channel": id, "ts": format!("17.{count:04}") }).to_string())
    })
}

#[test]
fn the_messages_of_all_channels_are_one_output_and_are_all_updated() {
    for (channels, ids) in [("CAAA,CBBB", 2), ("#aaa,#bbb,#ccc", 3), ("CAAA,CLOST,CBBB", 3), ("CAAA", 1)] {
        let (repo, server) = (repo(), bots());
        repo.write(".git/outputs", "");
        let run = |status: &str, earlier: &str| {
            notify(&repo)
                .envs(&[("SLACK_BOT_TOKEN", "token-of-a-bot"), ("SLACK_CHANNEL", channels)])
                .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "o/r"), ("GITHUB_RUN_ID", "1")])
                .env("GITHUB_OUTPUT", repo.join(".git/outputs").to_str().unwrap())
                .env("SLACK_API_URL", server.url())
                .env("SLACK_MESSAGE", earlier)
                .env("STATUS", status)
                .run()
        };
        run("info", "");
        let outputs = std::fs::read_to_string(repo.join(".git/outputs")).unwrap();
        assert_eq!(outputs.matches("slack_message").count(), 1, "{outputs}");
        let lines: Vec<&str> = outputs.lines().collect();
        let at = lines.iter().position(|line| line.starts_with("slack_message")).unwrap();
        let value = lines[at].strip_prefix("slack_message=").unwrap_or_else(|| lines[at + 1]).to_owned();
        assert_eq!(value.split(',').count(), ids, "{value}");
        let before = server.requests().len();
        run("failure", &value);
        let after: Vec<String> = server.requests().into_iter().skip(before).map(|request| request.path).collect();
        let updates = after.iter().filter(|path| path.ends_with("chat.update")).count();
        assert_eq!(updates, value.split(',').filter(|id| *id != "-").count(), "{channels}: {after:?}");
    }
}

#[test]
fn an_update_calls_people_in_its_thread() {
    let (repo, server) = (repo(), bots());
    notify(&repo)
        .envs(&[("SLACK_BOT_TOKEN", "token-of-a-bot"), ("SLACK_CHANNEL", "C1"), ("SLACK_MESSAGE", "C1:1.2")])
        .envs(&[("STATUS", "failure"), ("MENTION_USERS", "U012AB3CD"), ("MENTION_CHANNEL", "here")])
        .env("SLACK_API_URL", server.url())
        .run()
        .expect(0);
    let requests = server.requests();
    let reply = body(requests.iter().find(|it| it.path.ends_with("chat.postMessage")).unwrap());
    let elements = &reply["blocks"][0]["elements"][0]["elements"];
    assert!(elements.to_string().contains("U012AB3CD") && elements.to_string().contains("here"), "{reply}");
}

/// A pull request on GitHub as `actions/checkout` leaves it: only the merge commit is there.
#[test]
fn what_the_event_says_of_a_change_is_used_where_the_checkout_has_none() {
    let (repo, server) = (Repo::plain(), sink());
    let event = |payload: Value| {
        repo.write("event.json", payload.to_string());
        repo.join("event.json").to_str().unwrap().to_owned()
    };
    let run = |name: &str, path: &str| {
        notify(&repo)
            .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "org/shop"), ("GITHUB_RUN_ID", "1")])
            .envs(&[("MENTION_USERS", "author"), ("STATUS", "failure"), ("GITHUB_SHA", "c0ffee")])
            .envs(&[("GITHUB_EVENT_NAME", name), ("GITHUB_EVENT_PATH", path)])
            .env("WEBHOOK_URL", server.url())
            .run()
            .expect(0)
    };
    let pull = json!({ "number": 41, "title": "Fix rounding of totals", "user": { "login": "grace" },
        "head": { "ref": "x", "sha": "4ead" }, "base": { "ref": "main", "sha": "ba5e" } });
    run("pull_request", &event(json!({ "pull_request": pull })));
    let push = json!({ "message": "Fix\n\nmore", "author": { "name": "Ada", "email": "ada@example.com" } });
    run("push", &event(json!({ "head_commit": push })));
    let outcome = run("schedule", &event(json!({})));
    assert!(outcome.stderr.contains("MENTION_USERS=author mentions no person"), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("WARNED"), "{}", outcome.stdout);
    let sent: Vec<Value> = server.requests().iter().map(body).collect();
    assert_eq!(sent[0]["run"]["pull_request"]["title"], "Fix rounding of totals");
    assert!(texts(&sent[0]["fields"]).contains("#41 → main: Fix rounding of totals"), "{}", sent[0]["fields"]);
    assert_eq!(sent[0]["run"]["author"]["name"], "grace");
    assert_eq!(
        (&sent[1]["run"]["subject"], &sent[1]["run"]["author"]["email"]),
        (&json!("Fix"), &json!("ada@example.com"))
    );
    assert_eq!(sent[2]["run"]["author"], Value::Null);
}

#[test]
fn no_control_character_and_no_change_of_direction_reaches_a_service() {
    let repo = Repo::new();
    repo.write("a", "1").commit("Fix \u{1b}[1mthis\u{1b}[0m\u{202e}txt");
    let server = sink();
    let nasty = "\u{1b}[31mred\u{1b}[0m\r\ntwo\rthree\u{7}\u{202e}x\u{2066}y\u{200f}\u{200e}\u{61c} \u{9b}1mz \u{1b}]8;;http://x\u{1b}\\link\u{1b}(B\u{0}";
    let nasty = nasty.trim_end_matches('\u{0}');
    notify(&repo)
        .env("MESSAGE", nasty)
        .env("TITLE", format!("{nasty}\nsecond"))
        .env("CUSTOM_FIELDS", json!({ nasty: nasty }).to_string())
        .env("CUSTOM_LINKS", json!({ nasty: "https://shop.example/" }).to_string())
        .env("STATUS", "success")
        .envs(&[("CHANNELS", "webhook,slack,discord,teams,mattermost")])
        .env("WEBHOOK_URL", server.url())
        .env("SLACK_WEBHOOK_URL", hook(&server))
        .env("DISCORD_WEBHOOK_URL", server.url())
        .env("TEAMS_WEBHOOK_URL", server.url())
        .env("MATTERMOST_WEBHOOK_URL", server.url())
        .run()
        .expect(0);
    assert_eq!(server.requests().len(), 5);
    for request in server.requests() {
        let text = texts(&body(&request));
        let wrong = |c: &char| {
            (c.is_control() && *c != '\n')
                || "\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}\u{200e}\u{200f}\u{61c}"
                    .contains(*c)
        };
        assert_eq!(text.chars().find(wrong), None, "{text:?}");
        assert!(!text.contains("[31m") && !text.contains("[1m") && !text.contains("]8;"), "{text:?}");
        assert!(text.contains("red") && text.contains("three") && text.contains("link"), "{text:?}");
    }
    let whole = body(server.requests().iter().find(|it| body(it)["title"].is_string()).unwrap());
    assert!(!whole["title"].as_str().unwrap().contains('\n'), "{whole}");
    assert_eq!(whole["run"]["subject"], "Fix thistxt");
}

#[test]
fn a_read_only_token_of_an_outsiders_pull_request_is_a_skip_and_any_other_403_a_failure() {
    let repo = repo();
    let event = |head: &str, user: &str| {
        let pull = json!({ "number": 7, "user": { "login": user }, "base": { "ref": "main", "sha": "ba5e",
            "repo": { "full_name": "org/shop" } }, "head": { "ref": "x", "sha": "4ead", "repo": { "full_name": head } } });
        repo.write(".git/event.json", json!({ "pull_request": pull }).to_string());
        repo.join(".git/event.json").to_str().unwrap().to_owned()
    };
    for (head, user, missing, code) in [
        ("eve/shop", "eve", "", 0),
        ("org/shop", "dependabot[bot]", "", 0),
        ("org/shop", "ada", "", 1),
        ("eve/shop", "eve", "fail", 1),
        ("org/shop", "ada", "skip", 0),
    ] {
        let server = answering(&[403]);
        let outcome = notify(&repo)
            .envs(&[
                ("GITHUB_ACTIONS", "true"),
                ("GITHUB_REPOSITORY", "org/shop"),
                ("GITHUB_EVENT_NAME", "pull_request"),
            ])
            .env("GITHUB_EVENT_PATH", event(head, user))
            .envs(&[("CHANNELS", "github"), ("INPUT_GITHUB_TOKEN", "token-of-github"), ("STATUS", "success")])
            .envs(&[("ON_MISSING_SECRET", missing)])
            .env("GITHUB_API_URL", server.url())
            .run()
            .expect(code);
        let skipped = outcome.stdout.contains("may not write");
        assert_eq!(skipped, code == 0, "{head} {user} {missing}: {}", outcome.stdout);
    }
    // A webhook's 403 is no matter of the platform's token.
    let hook = answering(&[403]);
    notify(&repo)
        .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "org/shop"), ("GITHUB_EVENT_NAME", "pull_request")])
        .env("GITHUB_EVENT_PATH", event("eve/shop", "eve"))
        .env("WEBHOOK_URL", hook.url())
        .run()
        .expect(1);
}

#[test]
fn the_words_of_every_ci_are_understood_by_status_and_job_status() {
    let (repo, server) = (repo(), sink());
    let sent = |vars: &[(&str, &str)]| {
        let outcome = notify(&repo).env("WEBHOOK_URL", server.url()).envs(vars).run().expect(0);
        (body(server.requests().last().unwrap())["status"].as_str().unwrap().to_owned(), outcome)
    };
    for (word, status) in [
        ("UNSTABLE", "warning"),
        ("SucceededWithIssues", "warning"),
        ("Completed", "success"),
        ("Succeeded", "success"),
        ("ABORTED", "cancelled"),
        ("timed_out", "error"),
    ] {
        assert_eq!(sent(&[("STATUS", word)]).0, status, "STATUS={word}");
        assert_eq!(sent(&[("JOB_STATUS", word)]).0, status, "JOB_STATUS={word}");
    }
    let markers = [
        ("AGENT_JOBSTATUS", "TF_BUILD", "True"),
        ("DRONE_BUILD_STATUS", "DRONE", "true"),
        ("CI_PIPELINE_STATUS", "CI", "woodpecker"),
        ("SEMAPHORE_JOB_RESULT", "SEMAPHORE", "true"),
        ("BITRISE_BUILD_STATUS", "BITRISE_IO", "true"),
        ("TRAVIS_TEST_RESULT", "TRAVIS", "true"),
        ("CODEBUILD_BUILD_SUCCEEDING", "CODEBUILD_BUILD_ID", "x:1"),
    ];
    for (name, word, status) in [
        ("AGENT_JOBSTATUS", "SucceededWithIssues", "warning"),
        ("AGENT_JOBSTATUS", "Failed", "error"),
        ("DRONE_BUILD_STATUS", "failure", "error"),
        ("CI_PIPELINE_STATUS", "success", "success"),
        ("SEMAPHORE_JOB_RESULT", "failed", "error"),
        ("BITRISE_BUILD_STATUS", "1", "error"),
        ("TRAVIS_TEST_RESULT", "0", "success"),
        ("CODEBUILD_BUILD_SUCCEEDING", "0", "error"),
        ("CODEBUILD_BUILD_SUCCEEDING", "1", "success"),
        ("AGENT_JOBSTATUS", "a word of tomorrow", "finished"),
    ] {
        let marker = markers.iter().find(|(known, _, _)| *known == name).map(|(_, marker, value)| (*marker, *value));
        assert_eq!(sent(&[(name, word), marker.unwrap()]).0, status, "{name}={word}");
    }
    let (status, outcome) = sent(&[("JOB_STATUS", "NOT_BUILT")]);
    assert!(status == "finished" && outcome.stderr.contains("JOB_STATUS=\"NOT_BUILT\" is not a status"), "{outcome:?}");
    notify(&repo).env("WEBHOOK_URL", server.url()).env("STATUS", "a word of tomorrow").run().expect(2);
}

#[test]
fn an_event_has_every_attribute_of_the_binding() {
    let (repo, server) = (repo(), sink());
    notify(&repo)
        .env("CDEVENTS_URL", server.url())
        .envs(&[("STATUS", "success"), ("ENVIRONMENT", "production"), ("SERVICE", "a \"shop\" ü")])
        .run()
        .expect(0);
    assert!(server.requests().len() > 1);
    for request in server.requests() {
        let document = body(&request);
        let context = &document["context"];
        for (name, value) in [
            ("ce-specversion", &json!("1.0")),
            ("ce-id", &context["id"]),
            ("ce-source", &context["source"]),
            ("ce-type", &context["type"]),
            ("ce-time", &context["timestamp"]),
            ("ce-subject", &document["subject"]["id"]),
        ] {
            let header = request.header(name).expect("the binding demands it");
            assert!(!header.is_empty() && header.is_ascii() && !header.contains([' ', '"']), "{name}: {header}");
            // A receiver decodes a header.
            assert_eq!(header.replace("%25", "%"), value.as_str().unwrap(), "{name}");
        }
    }
}

#[test]
fn headers_that_no_request_can_have_are_mistakes_before_anything_is_sent() {
    let (repo, server) = (repo(), sink());
    for headers in [r#"{"a b": "x"}"#, r#"{"": "x"}"#, r#"{"x-key": "a\nb"}"#, r#"{"content-type": "a\u0000"}"#] {
        let run = notify(&repo).env("CHANNELS", "webhook,slack").env("SLACK_WEBHOOK_URL", hook(&server));
        let outcome = run.env("WEBHOOK_URL", server.url()).env("WEBHOOK_HEADERS", headers).run().expect(2);
        assert!(outcome.stderr.contains("WEBHOOK_HEADERS"), "{headers}: {}", outcome.stderr);
    }
    let run = notify(&repo).env("CHANNELS", "otlp").env("OTEL_EXPORTER_OTLP_ENDPOINT", server.url());
    run.env("OTEL_EXPORTER_OTLP_HEADERS", "a b=x").run().expect(2);
    assert_eq!(server.requests().len(), 0);
}

#[test]
fn the_last_line_of_many_channels_counts_them_and_names_those_that_failed() {
    let (repo, server, broken) = (repo(), sink(), answering(&[400]));
    let urls: Vec<String> = (0..9).map(|index| format!("{}/{index}", server.url())).collect();
    let run = notify(&repo).env("CHANNELS", "webhook,slack").env("WEBHOOK_URL", urls.join(","));
    let outcome = run.env("SLACK_WEBHOOK_URL", hook(&broken)).env("STATUS", "success").run().expect(1);
    let last = outcome.stdout.lines().last().unwrap();
    assert!(last.contains("9 of 10 delivered, slack not delivered (refused)"), "{last}");
    assert!(!last.contains("webhook"), "{last}");
}

#[test]
fn a_reference_that_was_not_expanded_is_a_mistake_for_every_variable() {
    let (repo, server) = (repo(), sink());
    let run = |name: &str, value: &str| slack(&repo, &server).env(name, value).env("STATUS", "success").run();
    for (name, value) in [
        ("MESSAGE", "$MESSAGE"),
        ("MESSAGE", "${DETAILS}"),
        ("TITLE", "$(Build.Title)"),
        ("TITLE", "${{ github.title }}"),
        ("SLACK_WEBHOOK_URL", "$SLACK_WEBHOOK_URL"),
        ("MENTION_USERS", "$WHO"),
        ("RETRIES", "$RETRIES"),
    ] {
        let outcome = run(name, value).expect(2);
        assert!(outcome.stderr.contains("it was not expanded"), "{name}={value}: {}", outcome.stderr);
    }
    for value in ["$5", "costs $5", "$HOME/x", "a $MESSAGE", "$"] {
        run("MESSAGE", value).expect(0);
    }
}

#[test]
fn the_names_of_other_tools_lead_to_ours() {
    let (repo, server) = (repo(), sink());
    for (name, ours) in
        [("INPUT_TEXT", "MESSAGE"), ("INPUT_CHANNEL", "SLACK_CHANNEL"), ("INPUT_COLOR", "NOTIFICATION_COLOR")]
    {
        let outcome = slack(&repo, &server).env(name, "x").run().expect(2);
        assert!(outcome.stderr.contains(&format!("Did you mean {ours}?")), "{name}: {}", outcome.stderr);
    }
    let outcome = slack(&repo, &server).env("CHANNEL", "x").run().expect(0);
    assert!(outcome.stderr.contains("Did you mean SLACK_CHANNEL?"), "{}", outcome.stderr);
}
