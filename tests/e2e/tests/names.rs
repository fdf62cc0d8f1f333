//! Tokens in names: what the author of a change writes (a branch, a tag, a title, a name, a file's name) leaves no pipe as
//! it is, on any CI: not on the console, in a report, in a payload, nor in an output.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipewright_harness::{Keys, MemoryRegistry, Outcome, Pipe, Reply, Repo, Server, files, pipes, root};

/// Tokens of several providers, in no list of known samples, and a password in an address.
fn tokens() -> Vec<String> {
    let jwt = ["eyJhbGciOiJIUzI1NiJ9", "eyJzdWIiOiJxd2xrdm1haXN1ZG4ifQ", "Zq3vT9kLm2Rw8Xy4Bn6Hc1Jd5Pf7Gs0AeUiOpQrStUv"];
    vec![
        ["gh", "p_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"].concat(),
        ["AK", "IA", "Q3EGRZ6YM7TB5XWD"].concat(),
        ["gl", "pat-", "Zq3vT9kLm2Rw8Xy4Bn6H"].concat(),
        ["np", "m_", "Zq3vT9kLm2Rw8Xy4Bn6Hc1Jd5Pf7Gs0AeUi1"].concat(),
        jwt.join("."),
    ]
}

/// Where the payloads of a pipe go.
struct Services {
    /// How many requests were looked at already.
    seen: Cell<(usize, usize)>,
    sink: Server,
    registry: MemoryRegistry,
    keys: Keys,
}

impl Services {
    fn start() -> Services {
        let sink = Server::start(|_| Reply::json(200, r#"{"ok": true, "id": "1", "ts": "1", "channel": "C1"}"#));
        let registry = MemoryRegistry::start();
        registry.push_image("app", "1", "layer");
        Services { seen: Cell::default(), sink, registry, keys: Keys::new() }
    }

    /// The pipe with work to do, all of it here.
    fn pipe(&self, name: &str, repo: &Repo, file: &str) -> Pipe {
        let pipe = Pipe::new(name, repo.path()).env("DEBUG", "true").env("TIMEOUT", "20s");
        match name {
            "security-pipe" => pipe.env("SCA_SCAN", "false").env("REPORT_FORMAT", "sarif,junit,markdown"),
            "sign-pipe" => pipe
                .env("IMAGE", format!("{}/app:1", self.registry.host()))
                .env("FILES", file)
                .env("COSIGN_PRIVATE_KEY", &self.keys.private),
            "notify-pipe" => {
                let hooks = ["SLACK", "TEAMS", "DISCORD", "MATTERMOST", "GOOGLE_CHAT"];
                let hook = |pipe: Pipe, service: &&str| {
                    pipe.env(format!("{service}_WEBHOOK_URL"), format!("{}/hook/{service}", self.sink.url()))
                };
                let at = |path: &str| format!("{}/{path}", self.sink.url());
                hooks
                    .iter()
                    .fold(pipe, hook)
                    .env("CHANNELS", "slack,teams,discord,mattermost,google-chat,telegram,pagerduty,jsm,webhook,cdevents,otlp,pushgateway,metrics")
                    .env("WEBHOOK_URL", at("webhook"))
                    .env("TELEGRAM_API_URL", self.sink.url())
                    .env("TELEGRAM_BOT_TOKEN", "123:k")
                    .env("TELEGRAM_CHAT_ID", "42")
                    .env("PAGERDUTY_URL", self.sink.url())
                    .env("PAGERDUTY_ROUTING_KEY", "routing-key-of-a-test")
                    .env("JSM_API_URL", self.sink.url())
                    .env("JSM_API_KEY", "api-key-of-a-test")
                    .env("CDEVENTS_URL", at("events"))
                    .env("OTEL_EXPORTER_OTLP_ENDPOINT", at("otlp"))
                    .env("PUSHGATEWAY_URL", at("push"))
                    .env("METRICS_ENDPOINT", at("metrics"))
                    .env("STATE_FILE", "state.json")
                    .env("NOTIFY_ON", "change")
                    .env("STATUS", "failure")
                    .env("MENTION_USERS", "author")
                    .env("TEMPLATE", "{{ title }} {{ branch | upper }} {{ run | tojson }}")
                    .env("LOG_FILE", file)
            }
            _ => panic!("{name}: give it work here"),
        }
    }

    /// Every request and every payload that arrived since the last time, those in base64 in clear as well.
    fn received(&self) -> String {
        let (sent, pushed) = (self.sink.requests(), self.registry.requests());
        let seen = self.seen.replace((sent.len(), pushed.len()));
        let mut text = String::new();
        for request in sent.iter().skip(seen.0).chain(pushed.iter().skip(seen.1)) {
            text.push_str(&format!("{} {:?}\n", request.path, request.headers));
            let body = String::from_utf8_lossy(&request.body).into_owned();
            let words = body.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=".contains(c)));
            let decoded = words.filter(|word| word.len() >= 16).filter_map(|word| STANDARD.decode(word).ok());
            decoded.for_each(|bytes| text.push_str(&String::from_utf8_lossy(&bytes)));
            text.push_str(&body);
        }
        text
    }
}

/// Everything that a run printed and wrote. What stood there before is not its work.
fn left(outcome: &Outcome, repo: &Repo, before: &BTreeMap<std::path::PathBuf, Vec<u8>>) -> String {
    let mut text = outcome.output();
    for (path, bytes) in contents(repo) {
        if before.get(&path) != Some(&bytes) {
            text.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    text
}

fn contents(repo: &Repo) -> BTreeMap<std::path::PathBuf, Vec<u8>> {
    let files = files(repo.path()).into_iter().filter(|path| path.is_file() && !path.starts_with(repo.join(".git")));
    files.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

/// The files that runners give for outputs.
const OUTPUTS: [&str; 3] = ["GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY", "BITBUCKET_PIPELINES_VARIABLES_PATH"];

/// Runs the pipe and a dry run of it, and names the tokens that any of them let out. A test that gives no work would pass
/// with a pipe that prints nothing: `shown` is what must have been hidden.
#[track_caller]
fn holds(services: &Services, name: &str, repo: &Repo, file: &str, env: &[(String, String)], shown: bool) {
    let before = contents(repo);
    let mut text = String::new();
    // The situations are many, and a plan is printed by the same console.
    let runs: &[&str] = if shown { &["true", "false"] } else { &["false"] };
    for dry in runs {
        let mut pipe = services.pipe(name, repo, file).env("DRY_RUN", dry);
        for output in OUTPUTS {
            fs::write(repo.join(output), "").unwrap();
            pipe = pipe.env(output, repo.join(output));
        }
        let outcome = env.iter().fold(pipe, |pipe, (name, value)| pipe.env(name, value)).run();
        assert_ne!(outcome.code, Some(2), "{name} {env:?}: {}", outcome.output());
        text.push_str(&left(&outcome, repo, &before));
    }
    text.push_str(&services.received());
    let lower = text.to_lowercase();
    for token in tokens() {
        let at = text.find(&token).or_else(|| lower.find(&token.to_lowercase()));
        let around = at.map(|at| text.get(at.saturating_sub(200)..at + 20).unwrap_or_default());
        assert_eq!(around, None, "{name} with {env:?} lets a token out");
    }
    assert!(!shown || text.contains("***"), "{name} with {env:?}: nothing was hidden\n{text}");
}

/// Each situation of each CI with its variables.
fn situations() -> Vec<(String, Vec<(String, String)>)> {
    let text = fs::read_to_string(root().join("shared/core/src/platform/tests/situations.txt")).unwrap();
    let (mut found, mut id, mut base) = (Vec::new(), "", Vec::new());
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with(['#', ' '])) {
        let (situation, vars) = line.split_once(' ').unwrap_or((line, ""));
        let vars = vars.split(' ').filter_map(|pair| pair.split_once('='));
        let vars = vars.map(|(name, value)| (name.to_owned(), value.replace("%20", " "))).collect::<Vec<_>>();
        if let Some(name) = line.strip_prefix('[') {
            id = name.trim_end_matches(']');
        } else if situation == "base" {
            base = vars;
        } else {
            let all: BTreeMap<String, String> = base.iter().cloned().chain(vars).collect();
            found.push((format!("{id} {situation}"), all.into_iter().collect()));
        }
    }
    found
}

/// The situation with a token in every name that a person chose: of branches, tags, people, pipelines and jobs.
fn with_tokens(vars: &[(String, String)]) -> (Vec<(String, String)>, bool) {
    const NAMES: [&str; 9] = ["feature", "main", "v1", "ada", "eve", "staging", "nightly", "scan", "release/2"];
    // Ids and numbers of runs, which projects compose of other names.
    const COMPOSED: [&str; 5] = ["BUILD_TAG", "BUILD_BUILDNUMBER", "BUILD_NUMBER", "GO_PIPELINE_LABEL", "BUILD_ID"];
    let (tokens, mut turn, mut any) = (tokens(), 0, false);
    let changed = vars.iter().map(|(name, value)| {
        let last = value.rsplit(['/', ':']).next().unwrap_or_default();
        let is_name = (NAMES.contains(&last) || NAMES.contains(&value.as_str())) && !value.contains("://");
        if !is_name && !COMPOSED.contains(&name.as_str()) {
            return (name.clone(), value.clone());
        }
        any = true;
        turn += 1;
        (name.clone(), format!("{value}-{}", tokens[turn % tokens.len()]))
    });
    let changed = changed.collect();
    (changed, any)
}

fn repo() -> Repo {
    let repo = Repo::new();
    repo.write("a.txt", "text").commit("first");
    repo
}

#[test]
fn a_token_in_a_name_of_any_ci_leaves_no_pipe() {
    let situations = situations();
    assert!(situations.len() > 140, "{}", situations.len());
    for name in pipes() {
        let (services, repo) = (Services::start(), repo());
        let mut tried = 0;
        for (situation, vars) in &situations {
            // What a CI says is read in one place. The pipe that passes on most of it is tried in every situation.
            let usual = ["branch", "tag", "pull-request"].iter().any(|kind| situation.ends_with(&format!(" {kind}")));
            let (vars, any) = with_tokens(vars);
            if any && (usual || name == "notify-pipe") {
                holds(&services, &name, &repo, "a.txt", &vars, false);
                tried += 1;
            }
        }
        assert!(tried > 50, "{name}: {tried}");
    }
}

#[test]
fn a_token_in_the_event_of_github_leaves_no_pipe() {
    let [one, two, three, ..] = &tokens()[..] else { panic!("there are several") };
    let pull = serde_json::json!({ "pull_request": {
        "number": 41, "title": format!("Use {one}"), "user": { "login": format!("eve-{two}") },
        "head": { "ref": format!("feature/{three}"), "sha": "c0ffee", "repo": { "full_name": "org/app" } },
        "base": { "ref": format!("release/{one}"), "sha": "ba5e", "repo": { "full_name": "org/app" } },
    }});
    let push = serde_json::json!({ "head_commit": {
        "message": format!("Use {one}"), "author": { "name": format!("Eve {two}"), "email": format!("{three}@example.com") },
    }, "ref": format!("refs/heads/{three}") });
    let run = serde_json::json!({ "workflow_run": {
        "id": 7, "name": format!("CI {one}"), "head_branch": format!("feature/{two}"), "head_sha": "c0ffee", "conclusion": "failure",
        "display_title": format!("Use {three}"), "actor": { "login": format!("eve-{one}") },
        "head_commit": { "message": format!("Use {one}"), "author": { "name": format!("Eve {two}"), "email": "e@example.com" } },
        "head_repository": { "full_name": "org/app" }, "pull_requests": [],
    }});
    for name in pipes() {
        let (services, repo) = (Services::start(), repo());
        for (event, content) in [("pull_request", &pull), ("push", &push), ("workflow_run", &run)] {
            fs::write(repo.join("event.json"), content.to_string()).unwrap();
            let env = [
                ("GITHUB_ACTIONS", "true".to_owned()),
                ("GITHUB_EVENT_NAME", event.to_owned()),
                ("GITHUB_EVENT_PATH", repo.join("event.json").display().to_string()),
                ("GITHUB_REPOSITORY", "org/app".to_owned()),
                ("GITHUB_SERVER_URL", "https://github.com".to_owned()),
                ("GITHUB_RUN_ID", "900".to_owned()),
                ("GITHUB_WORKFLOW", "CI".to_owned()),
                ("GITHUB_REF_TYPE", "branch".to_owned()),
                ("GITHUB_REF_NAME", format!("feature/{three}")),
                ("GITHUB_ACTOR", format!("eve-{two}")),
            ];
            let env = env.map(|(name, value)| (name.to_owned(), value));
            holds(&services, &name, &repo, "a.txt", &env, true);
        }
    }
}

#[test]
fn a_token_in_git_or_in_the_name_of_a_file_leaves_no_pipe() {
    for name in pipes() {
        for (turn, token) in tokens().iter().enumerate() {
            let services = Services::start();
            let repo = Repo::new();
            let file = format!("{token}.txt");
            repo.write(&file, "text").write(&format!("{token}/b.txt"), format!("key {token}\n"));
            repo.git(&["add", "--all"]);
            repo.git(&[
                "commit",
                "--quiet",
                "-m",
                &format!("Use {token}"),
                &format!("--author=Eve {token} <e@example.com>"),
            ]);
            repo.git(&["checkout", "--quiet", "-b", &format!("feature/{token}")]);
            if turn % 2 == 1 {
                repo.git(&["tag", &format!("v1-{token}")]);
                repo.git(&["checkout", "--quiet", "--detach"]);
            }
            holds(&services, &name, &repo, &file, &[], true);
        }
    }
}
