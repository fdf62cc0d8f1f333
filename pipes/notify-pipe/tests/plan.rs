//! A run does what its plan named: steps, hosts, writes and files of DRY_RUN and of the run are compared.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::thread;

use common::*;
use pipewright_harness::{Outcome, Pipe, Reply, Repo, Server};
use serde_json::{Value, json};

/// Every service, and the API of GitHub with a run whose predecessor ended with `previous`.
fn services(previous: &'static str, job: &'static str) -> Server {
    Server::start(move |request| {
        let host = request.header("host").unwrap_or_default().to_owned();
        let answer = match request.path.split('?').next().unwrap() {
            "/api/repos/o/r/actions/runs/9" => json!({ "workflow_id": 5, "run_number": 3, "head_branch": "main",
                "run_started_at": "2026-01-01T00:00:00Z" }),
            "/api/repos/o/r/actions/workflows/5/runs" => {
                json!({ "workflow_runs": [{ "run_number": 2, "conclusion": previous }] })
            }
            "/api/repos/o/r/actions/runs/9/jobs" => json!({ "jobs": [{ "name": "test", "conclusion": job }] }),
            "/slack/files.getUploadURLExternal" => {
                json!({ "ok": true, "file_id": "F1", "upload_url": format!("http://{host}/upload/place") })
            }
            "/slack/users.lookupByEmail" => json!({ "ok": true, "user": { "id": "U0AUTHOR" } }),
            path if path.starts_with("/refusing") => return Reply::Send(404, Vec::new(), b"no_service".to_vec()),
            _ => json!({ "ok": true, "id": 7, "channel": "C1", "ts": "1.2" }),
        };
        Reply::json(200, answer.to_string())
    })
}

/// An SMTP server that takes every mail.
fn smtp() -> u16 {
    fn serve(stream: TcpStream) -> std::io::Result<()> {
        let mut writer = stream.try_clone()?;
        writer.write_all(b"220 ready\r\n")?;
        let mut in_data = false;
        for line in BufReader::new(stream).lines() {
            let line = line?;
            let reply = match line.split_whitespace().next().unwrap_or_default() {
                "." if in_data => {
                    in_data = false;
                    "250 taken\r\n"
                }
                _ if in_data => continue,
                "DATA" => {
                    in_data = true;
                    "354 go on\r\n"
                }
                _ => "250 ok\r\n",
            };
            writer.write_all(reply.as_bytes())?;
        }
        Ok(())
    }
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || listener.incoming().flatten().for_each(|stream| drop(thread::spawn(|| serve(stream)))));
    port
}

/// The plan that DRY_RUN printed.
fn plan(outcome: &Outcome) -> Value {
    let json: Vec<&str> = outcome.stdout.lines().skip_while(|line| *line != "{").collect();
    let end = json.iter().position(|line| *line == "}").expect("the plan is printed");
    serde_json::from_str(&json[..=end].join("\n")).unwrap()
}

fn list(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

/// Every file outside of `.git`, with its content.
fn contents(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let files = pipewright_harness::files(dir).into_iter().filter(|path| path.is_file());
    files
        .map(|path| (path.strip_prefix(dir).unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .filter(|(name, _)| !name.starts_with(".git/"))
        .collect()
}

/// Whether a request is the one that the plan names: `***` hides a path or a value, `*` is an id that an answer gives.
fn is_named(planned: &str, request: &str) -> bool {
    let ((method, planned), (made, url)) = (planned.split_once(' ').unwrap(), request.split_once(' ').unwrap());
    let parts = |url: &str| {
        let (path, query) = url.split_once('?').map_or((url, ""), |(path, query)| (path, query));
        let keys = query.split('&').map(|pair| pair.split('=').next().unwrap().to_owned()).collect::<Vec<_>>();
        (path.split('/').map(str::to_owned).collect::<Vec<_>>(), keys)
    };
    let same = match planned.strip_suffix("***").filter(|origin| origin.ends_with('/')) {
        Some(origin) => url.starts_with(origin),
        None if planned == "*" => true,
        None => {
            let ((planned, keys), (path, given)) = (parts(planned), parts(url));
            let segments = planned.iter().zip(&path).all(|(planned, segment)| planned == "*" || planned == segment);
            segments && planned.len() == path.len() && keys == given
        }
    };
    method == made && same
}

/// Runs `pipe` with DRY_RUN and for real, and compares.
#[track_caller]
fn compare(name: &str, repo: &Repo, servers: &[&Server], smtp: Option<u16>, pipe: &dyn Fn(&Repo) -> Pipe) -> Value {
    let before = contents(repo.path());
    let dry = pipe(repo).env("DRY_RUN", "true").run().expect(0);
    let plan = plan(&dry);
    assert!(servers.iter().all(|server| server.requests().is_empty()), "{name}: a dry run sends nothing");
    assert_eq!(contents(repo.path()), before, "{name}: a dry run writes nothing");

    let outcome = pipe(repo).run();
    let report = outcome.report();
    let steps: Vec<String> =
        report["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap().to_owned()).collect();
    assert_eq!(steps, list(&plan["steps"]), "{name}");

    let mut hosts = Vec::new();
    let mut writes = Vec::new();
    for server in servers {
        let requests = server.requests();
        if !requests.is_empty() {
            hosts.push(server.url().replace("http://", ""));
        }
        let made = requests.iter().filter(|request| request.method != "GET");
        writes.extend(made.map(|request| format!("{} {}{}", request.method, server.url(), request.path)));
    }
    let mailed = report["deliveries"].as_array().unwrap().iter();
    if mailed.filter(|delivery| delivery["channel"] == "email").any(|delivery| delivery["outcome"] == "delivered") {
        let server = format!("127.0.0.1:{}", smtp.unwrap());
        writes.push(format!("MAIL smtp://{server}"));
        hosts.push(server);
    }
    let after = contents(repo.path());
    let files: Vec<&String> =
        after.iter().filter(|(name, bytes)| before.get(*name) != Some(bytes)).map(|it| it.0).collect();

    let (planned_hosts, planned_writes, planned_files) =
        (list(&plan["hosts"]), list(&plan["writes"]), list(&plan["files"]));
    let seen = format!("{name}: {plan:#}\n{}\n{hosts:?}\n{writes:#?}\n{files:?}", outcome.output());
    assert!(hosts.iter().all(|host| planned_hosts.contains(host)), "a host that the plan does not name: {seen}");
    for write in &writes {
        assert!(planned_writes.iter().any(|planned| is_named(planned, write)), "{write} is not in the plan: {seen}");
    }
    for file in &files {
        assert!(planned_files.contains(file), "{file} is not in the plan: {seen}");
    }
    // If the CI's API has a say, a run may do less.
    if plan["ci_api"]["known_only_to_the_api"].is_null() {
        assert!(planned_hosts.iter().all(|host| host == "*" || hosts.contains(host)), "a host not contacted: {seen}");
        for planned in &planned_writes {
            assert!(writes.iter().any(|write| is_named(planned, write)), "{planned} was not made: {seen}");
        }
        assert!(planned_files.iter().all(|file| files.contains(&file)), "a file not written: {seen}");
    }
    plan
}

const GITHUB: &[(&str, &str)] = &[
    ("GITHUB_ACTIONS", "true"),
    ("GITHUB_REPOSITORY", "o/r"),
    ("GITHUB_RUN_ID", "9"),
    ("GITHUB_WORKFLOW", "CI"),
    ("GITHUB_REF_NAME", "main"),
    ("GITHUB_REF_TYPE", "branch"),
];

/// All channels at `services`, of which CHANNELS chooses.
fn everywhere(repo: &Repo, services: &Server, smtp: u16) -> Pipe {
    let at = |path: &str| format!("{}/{path}", services.url());
    notify(repo)
        .env("SLACK_WEBHOOK_URL", at("hooks/1"))
        .env("TEAMS_WEBHOOK_URL", format!("{}, {}", at("teams/1"), at("teams/2")))
        .env("DISCORD_WEBHOOK_URL", at("discord"))
        .env("MATTERMOST_WEBHOOK_URL", at("mattermost"))
        .env("GOOGLE_CHAT_WEBHOOK_URL", at("google"))
        .env("TELEGRAM_API_URL", at("telegram"))
        .envs(&[("TELEGRAM_BOT_TOKEN", "1:a"), ("TELEGRAM_CHAT_ID", "42,43")])
        .envs(&[("EMAIL_TO", "a@b.example"), ("EMAIL_FROM", "c@d.example"), ("EMAIL_SMTP_HOST", "127.0.0.1")])
        .envs(&[("EMAIL_USE_TLS", "false"), ("EMAIL_SMTP_PORT", &smtp.to_string())])
        .envs(&[("PAGERDUTY_URL", at("pd").as_str()), ("PAGERDUTY_ROUTING_KEY", "routing-key-of-the-service")])
        .envs(&[("JSM_API_URL", at("jsm").as_str()), ("JSM_API_KEY", "key-of-the-integration")])
        .env("WEBHOOK_URL", at("webhook"))
        .envs(&[("DATADOG_API_URL", at("dd").as_str()), ("DATADOG_API_KEY", "key-of-datadog")])
        .env("CDEVENTS_URL", at("events"))
        .env("OTEL_EXPORTER_OTLP_ENDPOINT", at("otlp"))
        .env("PUSHGATEWAY_URL", at("push"))
        .env("METRICS_ENDPOINT", at("metrics"))
        .env("BITBUCKET_API_URL", at("bitbucket"))
        .env("RETRIES", "0")
}

#[test]
fn a_run_does_what_its_plan_named() {
    let smtp = smtp();
    let token = ("GITHUB_TOKEN", "token-of-github");
    let bot = ("SLACK_BOT_TOKEN", "xoxb-token-of-the-bot");
    type Vars = &'static [(&'static str, &'static str)];
    let on_github = |vars: Vars| GITHUB.iter().chain(vars).copied().collect::<Vec<_>>();
    let on_bitbucket = |vars: Vars| BITBUCKET.iter().chain(vars).copied().collect::<Vec<_>>();
    let configurations: Vec<(&str, Vec<(&str, &str)>)> = vec![
        ("webhooks", vec![("CHANNELS", "slack,teams,discord"), ("STATUS", "success")]),
        ("chats and mail", vec![("CHANNELS", "mattermost,google-chat,telegram,email"), ("STATUS", "error")]),
        ("a refusal", vec![("CHANNELS", "slack,email"), ("DISCORD_THREAD_ID", "5"), ("STATUS", "error")]),
        (
            "state, skipped by its status",
            vec![
                ("CHANNELS", "slack,webhook"),
                ("NOTIFY_ON", "failure"),
                ("STATUS", "success"),
                ("STATE_FILE", "s/a.json"),
            ],
        ),
        (
            "state, nothing remembered",
            vec![
                ("CHANNELS", "slack,teams"),
                ("NOTIFY_ON", "change"),
                ("STATUS", "error"),
                ("STATE_FILE", "state.json"),
            ],
        ),
        (
            "an unknown end",
            vec![("CHANNELS", "slack,pagerduty,cdevents,bitbucket,metrics"), ("STATE_FILE", "state.json")],
        ),
        ("pagers, failed", on_bitbucket(&[("CHANNELS", "pagerduty,jsm"), ("STATUS", "error"), ("PRIORITY", "high")])),
        ("pagers, succeeded", on_bitbucket(&[("CHANNELS", "pagerduty,jsm"), ("STATUS", "success")])),
        (
            "a deployment",
            on_bitbucket(&[
                ("CHANNELS", "github,bitbucket,cdevents,datadog,pagerduty"),
                ("ENVIRONMENT", "production"),
                ("STATUS", "success"),
                ("STARTED_AT", "1700000000"),
            ]),
        ),
        (
            "metrics",
            on_github(&[
                ("CHANNELS", "otlp,pushgateway,metrics"),
                ("STATUS", "success"),
                ("STARTED_AT", "1700000000"),
                ("GITHUB_STEP_SUMMARY", "summary.md"),
                ("GITHUB_OUTPUT", "outputs"),
            ]),
        ),
        (
            "a bot with look-ups and a log",
            on_github(&[
                ("CHANNELS", "slack,webhook"),
                ("SLACK_CHANNEL", "#ops,C2"),
                ("MENTION_USERS", "author"),
                ("LOG_FILE", "build.log"),
                ("STATUS", "success"),
                ("STARTED_AT", "1700000000"),
                ("STATE_FILE", "state.json"),
            ]),
        ),
        (
            "a bot that updates",
            on_github(&[
                ("CHANNELS", "slack"),
                ("SLACK_MESSAGE", "C1:1.2"),
                ("STATUS", "success"),
                ("STARTED_AT", "1700000000"),
            ]),
        ),
        (
            "a bot in a thread",
            on_github(&[
                ("CHANNELS", "slack,discord"),
                ("SLACK_CHANNEL", "C1"),
                ("THREAD_TS", "1.2"),
                ("STATUS", "error"),
                ("STARTED_AT", "1700000000"),
            ]),
        ),
        (
            "the API decides: sent",
            on_github(&[("CHANNELS", "slack,otlp"), ("NOTIFY_ON", "change"), ("STATUS", "error")]),
        ),
        (
            "the API decides: skipped",
            on_github(&[("CHANNELS", "slack,jsm"), ("NOTIFY_ON", "change"), ("STATUS", "success")]),
        ),
        ("the API knows of a failed job", on_github(&[("CHANNELS", "jsm,pagerduty,otlp"), ("JOB_STATUS", "success")])),
    ];
    assert!(configurations.len() >= 12);
    for (name, vars) in configurations {
        let (repo, services) = (repo(), services("success", "failure"));
        repo.write("build.log", "one\ntwo\n");
        let uses = |variable: &str| vars.iter().any(|(name, _)| *name == variable);
        let plan = compare(name, &repo, &[&services], Some(smtp), &|repo| {
            let mut pipe = everywhere(repo, &services, smtp);
            if name.starts_with("the API") || name == "a deployment" {
                pipe = pipe.envs(&[token]);
            }
            if name == "a deployment" {
                pipe = pipe.env("BITBUCKET_ACCESS_TOKEN", "token-of-bitbucket");
            }
            if name == "an unknown end" {
                pipe = pipe
                    .envs(&[("BITBUCKET_ACCESS_TOKEN", "token-of-bitbucket"), ("BITBUCKET_REPOSITORY_NAME", "o/r")]);
            }
            if name == "a refusal" {
                pipe = pipe.env("SLACK_WEBHOOK_URL", format!("{}/refusing", services.url()));
            }
            if name.starts_with("a bot") {
                pipe = pipe.envs(&[bot]).env("SLACK_API_URL", format!("{}/slack", services.url()));
            }
            let github = if uses("GITHUB_ACTIONS") { "api" } else { "github" };
            pipe.env("GITHUB_API_URL", format!("{}/{github}", services.url())).envs(&vars)
        });
        let asked = !plan["ci_api"]["known_only_to_the_api"].is_null();
        assert_eq!(asked, name.starts_with("the API"), "{name}: {plan:#}");
    }
}

#[test]
fn a_remembered_message_is_updated_as_planned() {
    let (repo, services) = (repo(), services("success", "success"));
    let state = json!({ "slack:#ops:o/r|CI|9": "C1:1.2", "status:o/r|CI|main|-": "success" });
    repo.write("state.json", state.to_string());
    let vars =
        [("STATUS", "error"), ("NOTIFY_ON", "change"), ("STATE_FILE", "state.json"), ("STARTED_AT", "1700000000")];
    let plan = compare("an update", &repo, &[&services], None, &|repo| {
        notify(repo)
            .envs(GITHUB)
            .env("SLACK_API_URL", format!("{}/slack", services.url()))
            .envs(&[("SLACK_BOT_TOKEN", "xoxb-token-of-the-bot"), ("SLACK_CHANNEL", "#ops")])
            .envs(&vars)
    });
    assert_eq!(plan["decision"], "send");
    assert!(plan["writes"][0].as_str().unwrap().ends_with("/slack/chat.update"), "{plan:#}");
}

#[test]
fn what_only_the_api_knows_is_marked() {
    let repo = repo();
    let printed = |vars: &[(&str, &str)]| {
        let run = slack(&repo, &sink()).envs(GITHUB).env("GITHUB_API_URL", "https://api.example/v3");
        plan(&run.envs(vars).env("DRY_RUN", "true").run().expect(0))
    };
    let asked = printed(&[("GITHUB_TOKEN", "token-of-github"), ("NOTIFY_ON", "change"), ("JOB_STATUS", "success")]);
    assert_eq!(asked["decision"], "depends on the answers of the CI's API");
    assert_eq!(
        asked["ci_api"],
        json!({ "host": "api.example", "known_only_to_the_api": [
            "run.started_at: when the run started, for the field Duration",
            "status: `error` if another job of the run failed, `finished` if that is unknown",
            "decision: how the previous run ended, for NOTIFY_ON=change" ] })
    );
    assert_eq!(asked["hosts"][0], "api.example");
    let unable = printed(&[("NOTIFY_ON", "change"), ("STATUS", "success")]);
    assert_eq!(unable["ci_api"], json!({ "error": "no GITHUB_TOKEN to query the API" }));
    assert!(unable["decision"]["send_anyway"].as_str().unwrap().contains("the previous status is unknown"), "{unable}");
    let skipped = printed(&[("NOTIFY_ON", "failure"), ("STATUS", "success")]);
    assert_eq!(skipped["decision"], json!({ "skip": "NOTIFY_ON=failure and the pipeline succeeded" }));
    assert_eq!(skipped["writes"], json!([]));
}
