//! What the tests of notify-pipe share.
#![allow(dead_code, reason = "not every test uses everything")]

use pipewright_harness::{Outcome, Pipe, Reply, Repo, Request, Server};
use serde_json::Value;

/// The pipe, as cargo built it for these tests.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_notify-pipe");

/// The path of an incoming webhook, as secret as its like.
pub(crate) const HOOK: &str = "/services/T000SECRET/B000SECRET/tokentokentokentoken";

/// notify-pipe in `repo`, on no CI.
pub(crate) fn notify(repo: &Repo) -> Pipe {
    Pipe::at(BINARY, repo.path())
}

/// notify-pipe with one Slack webhook at `server`.
pub(crate) fn slack(repo: &Repo, server: &Server) -> Pipe {
    notify(repo).env("SLACK_WEBHOOK_URL", hook(server))
}

pub(crate) fn hook(server: &Server) -> String {
    format!("{}{HOOK}", server.url())
}

/// A repository with one commit.
pub(crate) fn repo() -> Repo {
    let repo = Repo::new();
    repo.write("file.txt", "text").commit("Fix the <cart> & *total*");
    repo
}

/// A server that takes everything.
pub(crate) fn sink() -> Server {
    Server::start(|_| Reply::Send(200, Vec::new(), b"ok".to_vec()))
}

/// A server that answers the first requests with these codes and every further one with the last.
pub(crate) fn answering(codes: &'static [u16]) -> Server {
    let count = std::sync::atomic::AtomicUsize::new(0);
    Server::start(move |_| {
        let index = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst).min(codes.len() - 1);
        Reply::Send(codes[index], Vec::new(), b"answer".to_vec())
    })
}

pub(crate) fn body(request: &Request) -> Value {
    serde_json::from_slice(&request.body).expect("the body is JSON")
}

/// The only request that arrived.
#[track_caller]
pub(crate) fn only(server: &Server) -> Request {
    let requests = server.requests();
    assert_eq!(requests.len(), 1, "{requests:?}");
    requests.into_iter().next().unwrap()
}

/// All texts of a document, for looking for words wherever a service has them.
pub(crate) fn texts(value: &Value) -> String {
    match value {
        Value::String(text) => format!("{text}\n"),
        Value::Array(items) => items.iter().map(texts).collect(),
        Value::Object(map) => map.values().map(texts).collect(),
        _ => String::new(),
    }
}

/// The variables of a step on Bitbucket.
pub(crate) const BITBUCKET: &[(&str, &str)] = &[
    ("CI", "true"),
    ("BITBUCKET_BUILD_NUMBER", "128"),
    ("BITBUCKET_WORKSPACE", "org"),
    ("BITBUCKET_REPO_SLUG", "shop"),
    ("BITBUCKET_REPO_FULL_NAME", "org/shop"),
    ("BITBUCKET_BRANCH", "main"),
    ("BITBUCKET_PIPELINE_UUID", "{1111-2222}"),
];

/// Everything printed and written.
pub(crate) fn everything(outcome: &Outcome) -> String {
    let mut text = outcome.output();
    if outcome.reports.exists() {
        for path in pipewright_harness::files(&outcome.reports) {
            if path.is_file() {
                text.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap()));
            }
        }
    }
    text
}
