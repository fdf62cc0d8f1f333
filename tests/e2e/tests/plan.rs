//! The plan that DRY_RUN prints is what a run does: its steps, the hosts it contacts, what it writes there, and the files
//! that appear.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::collections::BTreeSet;

use pipewright_harness::{Keys, MemoryRegistry, Pipe, Proxy, Reply, Repo, Server, advisory, database, files};
use serde_json::Value;

/// Requests that only ask, although their method could change something.
const QUESTIONS: &[&str] = &["/v1/query", "/v1/querybatch"];

/// What differs between the plan of a run and the run.
fn difference(repo: &Repo, pipe: impl Fn() -> Pipe) -> Vec<String> {
    let proxy = Proxy::start();
    let through = |pipe: Pipe| pipe.env("HTTP_PROXY", proxy.url()).env("HTTPS_PROXY", proxy.url());
    let printed = through(pipe()).env("DRY_RUN", "true").run().expect(0).stdout;
    assert_eq!(proxy.hosts(), BTreeSet::new(), "a dry run contacts no server");
    let start = printed.find("\n{\n").expect("a plan is printed") + 1;
    let plan: Value =
        serde_json::Deserializer::from_str(&printed[start..]).into_iter().next().unwrap().expect("the plan is JSON");
    let planned = |what: &str| -> Vec<String> {
        let list = plan[what].as_array().unwrap_or_else(|| panic!("the plan has no {what}: {plan}"));
        list.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
    };

    let before = all_files(repo);
    let outcome = through(pipe()).run();
    assert!(outcome.code.is_some_and(|code| [0, 1, 3].contains(&code)), "{outcome:?}");
    let mut differences = Vec::new();
    let mut compare = |what: &str, expected: Vec<String>, actual: Vec<String>| {
        if expected != actual {
            differences.push(format!("{what}: planned {expected:?}, done {actual:?}"));
        }
    };
    let report = outcome.report();
    let steps = report["steps"].as_array().unwrap().iter().map(|step| step["name"].as_str().unwrap().to_owned());
    compare("steps", planned("steps"), steps.collect());
    let sorted = |list: Vec<String>| -> Vec<String> { BTreeSet::from_iter(list).into_iter().collect() };
    compare("hosts", sorted(planned("hosts")), proxy.hosts().into_iter().collect());
    let appeared: Vec<String> = all_files(repo).difference(&before).cloned().collect();
    compare("files", sorted(planned("files")), appeared);

    // Each write by the first pattern that it fits, so that both sides read alike.
    let patterns = sorted(planned("writes"));
    let is_question = |url: &str| QUESTIONS.iter().any(|path| url.ends_with(path));
    let writes = proxy.writes().into_iter().filter(|(_, url)| !is_question(url)).map(|(method, url)| {
        let done = format!("{method} {url}");
        patterns.iter().find(|pattern| fits(pattern, &done)).cloned().unwrap_or(done)
    });
    let writes = sorted(writes.collect());
    compare("writes", patterns.clone(), writes);
    differences
}

/// Whether `done` is what `pattern` says, `*` for any id, `***` for a hidden rest. The query is left out if the pattern has
/// none.
fn fits(pattern: &str, done: &str) -> bool {
    if let Some((shown, "")) = pattern.split_once("***") {
        return done.len() > shown.len() && done.starts_with(shown);
    }
    let done = if pattern.contains('?') { done } else { done.split('?').next().unwrap() };
    let (pattern, done): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), done.split('/').collect());
    pattern.len() == done.len()
        && pattern.iter().zip(&done).all(|(pattern, part)| match pattern.split_once('*') {
            Some((before, after)) => {
                part.len() > before.len() + after.len() && part.starts_with(before) && part.ends_with(after)
            }
            None => pattern == part,
        })
}

/// Every file of a checkout but Git's.
fn all_files(repo: &Repo) -> BTreeSet<String> {
    let name = |path: std::path::PathBuf| path.strip_prefix(repo.path()).unwrap().display().to_string();
    let all = files(repo.path()).into_iter().filter(|path| path.is_file()).map(name);
    all.filter(|name| !name.starts_with(".git/")).collect()
}

fn probe(repo: &Repo, server: &Server) -> Pipe {
    Pipe::at(env!("CARGO_BIN_EXE_probe-pipe"), repo.path()).env("DEED", "effects").env("SERVER", server.url())
}

fn sink() -> Server {
    Server::start(|_| Reply::json(200, r#"{"ok": true, "id": "1"}"#))
}

fn repo() -> Repo {
    let repo = Repo::new();
    repo.write("file.txt", "text").commit("first");
    repo
}

#[test]
fn a_run_does_what_its_plan_says() {
    let server = sink();
    let repo = repo();
    assert_eq!(difference(&repo, || probe(&repo, &server)), Vec::<String>::new());
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn an_effect_that_is_missing_or_invented_is_found() {
    for variable in ["UNPLANNED", "INVENTED"] {
        for what in ["steps", "hosts", "writes", "files"] {
            let (repo, server) = (repo(), sink());
            let found = difference(&repo, || probe(&repo, &server).env(variable, what));
            let [found] = &found[..] else { panic!("{variable}={what}: {found:?}") };
            assert!(found.starts_with(what), "{variable}={what}: {found}");
        }
    }
}

/// Holds a pipe to its plan in each configuration, and collects what differs.
fn holds(name: &str, configurations: &[&[(&str, &str)]], prepare: impl Fn(&Repo, Pipe) -> Pipe) {
    assert!(configurations.len() >= 12, "a dozen configurations");
    let mut wrong = Vec::new();
    for vars in configurations {
        let repo = repo();
        let of_name = vars.iter().find(|(variable, _)| *variable == "REPORT_NAME").map_or("", |(_, value)| value);
        let reports = repo.join("security-reports").join(of_name);
        let found = difference(&repo, || prepare(&repo, Pipe::new(name, repo.path())).envs(*vars).reports(&reports));
        wrong.extend(found.into_iter().map(|what| format!("{vars:?}\n    {what}\n")));
    }
    assert!(wrong.is_empty(), "{name}\n{}", wrong.concat());
}

const GITHUB: (&str, &str) = ("GITHUB_ACTIONS", "true");

#[test]
fn security_pipe_does_what_its_plan_says() {
    let db = tempfile::tempdir().unwrap();
    database(db.path(), "PyPI", &[advisory("GHSA-crit-crit-crit", "PyPI", "critical", "2.0", None)]);
    let osv = Server::start(|_| Reply::json(200, r#"{"results": [{}]}"#));
    let api = osv.url();
    let database = db.path().display().to_string();
    let offline = ("OSV_DB_PATH", database.as_str());
    let configurations: &[&[(&str, &str)]] = &[
        &[offline],
        &[offline, ("SECRETS_SCAN", "false")],
        &[offline, ("SCA_SCAN", "false")],
        &[offline, ("SBOM_GENERATE", "false")],
        &[("SCA_SCAN", "false"), ("SBOM_GENERATE", "false")],
        &[offline, ("SBOM_FORMAT", "cyclonedx,spdx")],
        &[offline, ("GATE_MODE", "warn")],
        &[offline, ("REPORT_NAME", "web")],
        &[offline, GITHUB],
        &[offline, ("GITLAB_CI", "true")],
        &[("OSV_API_URL", api.as_str())],
        &[("OSV_API_URL", api.as_str()), ("SECRETS_SCAN", "false"), ("SBOM_GENERATE", "false")],
    ];
    holds("security-pipe", configurations, |repo, pipe| {
        let packages = "[[package]]\nname = \"critical\"\nversion = \"1.0\"\ngroups = [\"main\"]\nfiles = []\n\n";
        repo.write(
            "poetry.lock",
            format!("{packages}[metadata]\nlock-version = \"2.1\"\npython-versions = \"*\"\ncontent-hash = \"0\"\n"),
        );
        pipe
    });
}

#[test]
fn notify_pipe_does_what_its_plan_says() {
    let server = sink();
    let at = |path: &str| format!("{}{path}", server.url());
    let (slack, teams, discord, hook, events) =
        (at("/services/x"), at("/teams"), at("/discord"), at("/hook"), at("/ce"));
    let base = server.url();
    let configurations: &[&[(&str, &str)]] = &[
        &[("SLACK_WEBHOOK_URL", &slack)],
        &[("TEAMS_WEBHOOK_URL", &teams)],
        &[("DISCORD_WEBHOOK_URL", &discord)],
        &[("WEBHOOK_URL", &hook)],
        &[("CDEVENTS_URL", &events)],
        &[
            ("CHANNELS", "slack,teams,webhook"),
            ("SLACK_WEBHOOK_URL", &slack),
            ("TEAMS_WEBHOOK_URL", &teams),
            ("WEBHOOK_URL", &hook),
        ],
        &[("SLACK_WEBHOOK_URL", &slack), ("REPORT_NAME", "web")],
        &[("TELEGRAM_API_URL", &base), ("TELEGRAM_BOT_TOKEN", "1:a"), ("TELEGRAM_CHAT_ID", "42")],
        &[("PAGERDUTY_URL", &base), ("PAGERDUTY_ROUTING_KEY", "routing-key"), ("PAGERDUTY_EVENT", "alert")],
        &[("PUSHGATEWAY_URL", &base)],
        &[("METRICS_ENDPOINT", &hook)],
        &[("JSM_API_URL", &base), ("JSM_API_KEY", "integration-key")],
        &[GITHUB, ("SLACK_WEBHOOK_URL", &slack)],
    ];
    holds("notify-pipe", configurations, |_, pipe| pipe.envs(&[("STATUS", "error"), ("RETRIES", "0")]));
}

#[test]
fn sign_pipe_does_what_its_plan_says() {
    let keys = Keys::new();
    let registry = MemoryRegistry::start();
    // Each configuration has its own images, since an equal signature is not written twice.
    let images: Vec<String> = (0..16)
        .map(|number| {
            registry.push_image(&format!("app{number}"), "1", &format!("image {number}"));
            format!("{}/app{number}:1", registry.host())
        })
        .collect();
    let both = images[14..].join(",");
    let key = ("COSIGN_PRIVATE_KEY", keys.private.as_str());
    let public = ("COSIGN_PUBLIC_KEY", keys.public.as_str());
    let configurations: &[&[(&str, &str)]] = &[
        &[("IMAGE", &images[0]), key],
        &[("IMAGE", &images[1]), key, ("VERIFY", "false")],
        &[("IMAGE", &images[2]), ("SIGN", "false"), public],
        &[("IMAGE", &both), key],
        &[("IMAGE", &images[3]), key, ("SIGNATURE_FORMAT", "legacy")],
        &[("IMAGE", &images[4]), key, ("SIGNATURE_FORMAT", "bundle,legacy")],
        &[("IMAGE", &images[5]), key, ("ATTEST_PROVENANCE", "false")],
        &[("FILES", "file.txt"), key],
        &[("FILES", "file.txt"), key, ("BUNDLE_DIR", "bundles")],
        &[("IMAGE", &images[6]), ("FILES", "file.txt"), key],
        &[("IMAGE", &images[7]), key, ("REPORT_NAME", "web")],
        &[("ACTION", "generate-key-pair"), ("COSIGN_PASSWORD", "sesame"), ("KEY_DIR", ".")],
    ];
    holds("sign-pipe", configurations, |_, pipe| pipe);
}
