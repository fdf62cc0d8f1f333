//! Whatever a message says, each service gets a payload that it takes.
//!
//! The payloads are read here by the limits that the services publish, not by the code that made them.

mod limits;
mod markup;

use std::ffi::OsString;
use std::path::Path;
use std::sync::LazyLock;

use pipe_core::Context;
use pipe_core::env::Vars;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use serde_json::Value;

use super::{Channel, KINDS, NAMES};
use crate::http::tidy;
use crate::mention::{Broadcast, Mention};
use crate::message::{Field, Finding, Link, Log, Message, Priority, example};
use crate::post::Undelivered;
use crate::run::{DeployedCommit, Deployment, Person, Pull, Run};
use crate::state::State;
use crate::status::Status;
use crate::vars::SPEC;

const STATUSES: [Status; 6] =
    [Status::Success, Status::Warning, Status::Error, Status::Info, Status::Cancelled, Status::Finished];

/// What is known to hurt somewhere: markup, mentions, commands, quoting, wide and invisible characters.
const NASTY: [&str; 31] = [
    "\"",
    "\\",
    "<",
    ">",
    "&",
    "'",
    "`",
    "```",
    "\n",
    "\r\n",
    "\t",
    "\u{1}",
    "\u{7f}",
    "\u{1b}[31m",
    "\u{202e}",
    "\u{200b}",
    "\u{feff}",
    "🎉",
    "👩‍👩‍👧",
    "é",
    "<!channel>",
    "@everyone",
    "<@U0123456>",
    "{{ 7 }}",
    "](https://x.example)",
    "</pre><script>",
    "&lt;",
    "*bold*",
    "https://x.example/a?b=<c>&d=\"",
    "12345678901234567890123",
    "http://[",
];

static CHANNELS: LazyLock<Vec<(&str, Box<dyn Channel>)>> = LazyLock::new(channels);

/// Every kind's channels, once with Slack's webhook and once with its bot.
fn channels() -> Vec<(&'static str, Box<dyn Channel>)> {
    // Nothing here is a credential, and nothing looks like one to a scanner.
    let key = "k".repeat(20);
    let url = |path: &str| format!("https://hooks.example.com/{path}");
    let mut vars: Vec<(&str, String)> = vec![
        ("SLACK_WEBHOOK_URL", url("slack")),
        ("TEAMS_WEBHOOK_URL", url("teams")),
        ("DISCORD_WEBHOOK_URL", url("discord")),
        ("MATTERMOST_WEBHOOK_URL", url("mattermost")),
        ("GOOGLE_CHAT_WEBHOOK_URL", url("google")),
        ("TELEGRAM_BOT_TOKEN", key.clone()),
        ("TELEGRAM_CHAT_ID", "42".to_owned()),
        ("EMAIL_TO", "a@example.com".to_owned()),
        ("EMAIL_FROM", "ci@example.com".to_owned()),
        ("EMAIL_SMTP_HOST", "smtp.example.com".to_owned()),
        ("PAGERDUTY_ROUTING_KEY", key.clone()),
        ("JSM_API_KEY", key.clone()),
        ("WEBHOOK_URL", url("webhook")),
        ("GITHUB_TOKEN", key.clone()),
        ("GITHUB_REPOSITORY_NAME", "org/shop".to_owned()),
        ("BITBUCKET_ACCESS_TOKEN", key.clone()),
        ("BITBUCKET_REPOSITORY_NAME", "org/shop".to_owned()),
        ("CDEVENTS_URL", url("events")),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", url("otlp")),
        ("DATADOG_API_KEY", key.clone()),
        ("PUSHGATEWAY_URL", url("push")),
        ("METRICS_ENDPOINT", url("metrics")),
    ];
    let mut channels = from(&vars);
    vars.retain(|(name, _)| *name != "SLACK_WEBHOOK_URL");
    vars.extend([("SLACK_BOT_TOKEN", key), ("SLACK_CHANNEL", "#ops".to_owned())]);
    channels.extend(from(&vars).into_iter().filter(|(kind, _)| *kind == "slack"));
    channels
}

fn from(vars: &[(&str, String)]) -> Vec<(&'static str, Box<dyn Channel>)> {
    let dir = tempfile::tempdir().unwrap();
    let env = vars.iter().map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let mut vars = Vars::load(&SPEC, env, dir.path(), dir.path());
    let ctx = Context::new(&SPEC, &mut vars, dir.path());
    let mut channels = Vec::new();
    for kind in KINDS {
        channels.extend((kind.from_vars)(&mut vars, &ctx).into_iter().map(|channel| (kind.name, channel)));
    }
    assert!(vars.problems().is_empty(), "{:?}", vars.problems());
    channels
}

/// Each request that the message becomes at `kind`, judged; says how many there were.
fn judged(channels: &[(&'static str, Box<dyn Channel>)], message: &Message) -> Result<usize, String> {
    let (state, _) = State::open(None, Path::new("/"));
    let mut count = 0;
    let mut problems = Vec::new();
    for (kind, channel) in channels {
        let requests = match channel.preview(message, &state).map(|preview| preview.sent) {
            Err(Undelivered::Skipped(_)) => continue,
            Err(undelivered) => vec![Value::from(undelivered.to_string())],
            Ok(Value::Array(requests)) => requests,
            Ok(request) => vec![request],
        };
        for request in requests {
            let body = if *kind == "email" { &request } else { &request["body"] };
            problems.extend(limits::judge(kind, body, message).err().map(|why| format!("{kind}: {why}")));
            count += 1;
        }
    }
    if problems.is_empty() { Ok(count) } else { Err(problems.join("; ")) }
}

/// A message with `words` wherever people or their CI have a say. Names, which are never blank, get a letter if need be.
fn filled(mut words: impl FnMut() -> String, count: usize, status: Status) -> Message {
    let mut url = || tidy(&format!("https://x.example/{}", words()));
    let urls: Vec<Option<String>> = (0..4).map(|_| url()).collect();
    let links: Vec<Option<String>> = (0..count).map(|_| url()).collect();
    let mut run = Run {
        provider: "github".to_owned(),
        repository: Some(named(words())),
        repository_url: urls[0].clone(),
        commit: Some("4f2c1aa0b3c14f2c1aa0b3c14f2c1aa0b3c14f2c".to_owned()),
        commit_url: urls[1].clone(),
        subject: Some(words()),
        author: Some(Person { name: words(), email: words() }),
        branch: Some(words()),
        tag: None,
        pull_request: Some(Pull {
            id: named(words()),
            target: Some(words()),
            url: urls[2].clone(),
            title: Some(words()),
            mark: "#",
        }),
        pipeline: Some(named(words())),
        id: Some(named(words())),
        number: Some(words()),
        url: urls[3].clone(),
        actor: Some(words()),
        environment: Some(named(words())),
        ..example().run
    };
    run.deployment = Some(Deployment {
        environment: named(words()),
        service: named(words()),
        version: Some(words()),
        image: Some(words()),
        revision: Some(words()),
        commit: run.commit.clone(),
        previous_commit: Some(words()),
        commits: vec![DeployedCommit { commit: words(), committed_at: run.finished_at }],
        rollback: count.is_multiple_of(2),
        reason: Some(words()),
        started_at: run.started_at,
        finished_at: Some(run.finished_at),
    });
    let mut message = Message { status, run, ..example() };
    message.title = named(words());
    message.text = words();
    message.fields = links.iter().map(|url| Field::link(&words(), words(), url.clone())).collect();
    message.findings = (0..count).map(|_| Finding { label: words(), status, text: words() }).collect();
    message.links = links.into_iter().flatten().map(|url| Link { text: words(), url }).collect();
    message.log = Some(Log { name: words(), text: words() });
    let ids = |word: String| NAMES.iter().map(|name| ((*name).to_owned(), word.clone())).collect();
    message.mentions.people = (0..count)
        .map(|index| Mention {
            name: words(),
            email: Some(words()),
            ids: if index.is_multiple_of(3) { ids(words()) } else { Default::default() },
        })
        .collect();
    message.mentions.broadcast = Some(Broadcast::Here);
    message.priority = Priority::Urgent;
    message
}

fn named(words: String) -> String {
    if words.trim().is_empty() { format!("{words}x") } else { words }
}

#[test]
fn what_is_sent_for_an_ordinary_message_is_within_all_limits() {
    for status in STATUSES {
        let count = judged(&CHANNELS, &Message { status, ..example() }).unwrap();
        // Nobody says nothing about a failure; what is deployed is not in this message.
        assert!(status != Status::Error || count >= 15, "{count}");
    }
}

#[test]
fn texts_of_one_character_too_many_times_fit_everywhere() {
    let mut failures = Vec::new();
    for (index, unit) in NASTY.into_iter().enumerate() {
        let long = if index.is_multiple_of(8) { 50_000 } else { 5_000 };
        let short = unit.repeat((600 / unit.chars().count()).max(50));
        let long = unit.repeat(long / unit.chars().count());
        for count in [1, 40] {
            let mut place = 0;
            // Every place is long once, by its own turn, and all are where there are few.
            let words = || {
                place += 1;
                if count == 1 && place % 4 == index % 4 { long.clone() } else { short.clone() }
            };
            let message = filled(words, count, Status::Error);
            failures.extend(judged(&CHANNELS, &message).err().map(|why| format!("{unit:?} x{count}: {why}")));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// What the property below found once: names of people and addresses are long too.
#[test]
fn long_names_and_addresses_fit_everywhere() {
    for (words, count) in [("\"\u{1}&lt;".repeat(42), 20), ("https://x.example/path".repeat(3_000), 40)] {
        judged(&CHANNELS, &filled(|| words.clone(), count, Status::Error)).unwrap();
    }
}

#[test]
fn a_message_of_nothing_but_empty_texts_is_taken_too() {
    for status in STATUSES {
        for (words, count) in ["", " ", "\n", "\u{200b}"].into_iter().flat_map(|words| [(words, 0), (words, 2)]) {
            let message = filled(|| words.to_owned(), count, status);
            judged(&CHANNELS, &message).map_err(|why| format!("{words:?} x{count} {status:?}: {why}")).unwrap();
        }
    }
}

/// Any characters at all, what is known to hurt, and sometimes a lot of it.
fn words() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        3 => vec(any::<char>(), 0..12).prop_map(String::from_iter),
        3 => prop::sample::select(&NASTY[..]).prop_map(str::to_owned),
        1 => Just("https://x.example/path".to_owned()),
    ];
    let times = prop_oneof![12 => Just(1_usize), 2 => 2_usize..60, 1 => 60_usize..600];
    (vec(piece, 0..5), times).prop_map(|(pieces, times)| pieces.concat().repeat(times))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_in_any_place_gives_a_payload_that_is_taken(
        texts in vec(words(), 1..12),
        count in 0_usize..40,
        status in prop::sample::select(&STATUSES[..]),
        deployed in option::of(Just(())),
    ) {
        let mut next = texts.iter().cycle().cloned();
        let mut message = filled(|| next.next().unwrap_or_default(), count, status);
        if deployed.is_none() {
            message.run.deployment = None;
        }
        let outcome = judged(&CHANNELS, &message);
        prop_assert!(outcome.is_ok(), "{}", outcome.unwrap_err());
    }
}
