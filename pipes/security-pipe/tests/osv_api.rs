//! Advisories by the OSV API: what is asked, what leaves the machine, and what happens when it does not answer. The API
//! itself can't be had here; the server answers in its documented form.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use common::*;
use pipewright_harness::{Pipe, Reply, Repo, Request, Server, advisory};
use serde_json::{Value, json};

/// Answers like OSV: `critical` before 2.0 has an advisory.
fn osv(request: &Request) -> Reply {
    if request.path == "/v1/querybatch" {
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        let queries = body["queries"].as_array().unwrap();
        assert!(queries.len() <= 1000);
        let results: Vec<Value> = queries
            .iter()
            .map(|query| match query["package"]["name"].as_str() {
                Some("critical") => {
                    json!({ "vulns": [{ "id": "GHSA-crit-crit-crit", "modified": "2026-11-01T00:00:00Z" }] })
                }
                _ => json!({}),
            })
            .collect();
        return Reply::json(200, json!({ "results": results }).to_string());
    }
    match request.path.strip_prefix("/v1/vulns/") {
        Some(id) => Reply::json(200, advisory(id, "PyPI", "critical", "2.0", Some(CRITICAL)).to_string()),
        None => Reply::json(404, "{}"),
    }
}

fn run(repo: &Repo, server: &Server) -> Pipe {
    Pipe::at(common::BINARY, repo.path()).env("OSV_API_URL", server.url())
}

#[test]
fn packages_are_looked_up_and_only_public_names_and_versions_leave() {
    let repo = Repo::new();
    let lock = poetry_lock(&[("critical", "1.0"), ("harmless", "2.0")])
        + "\n[[package]]\nname = \"private\"\nversion = \"1.0\"\ngroups = [\"main\"]\nfiles = []\n\n[package.source]\n\
           type = \"legacy\"\nurl = \"https://pypi.internal.example/simple\"\nreference = \"internal\"\n";
    repo.write("poetry.lock", lock).write("secret-plans.txt", "plans").commit("first");
    let server = Server::start(osv);
    let outcome = run(&repo, &server).run().expect(1);
    assert!(outcome.stdout.contains("GHSA-crit-crit-crit"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("1 not looked up"), "{}", outcome.stdout);
    let sent: String =
        server.requests().iter().map(|request| String::from_utf8_lossy(&request.body).into_owned()).collect();
    let expected: Value = json!({ "queries": [
        { "package": { "name": "critical", "ecosystem": "PyPI" }, "version": "1.0" },
        { "package": { "name": "harmless", "ecosystem": "PyPI" }, "version": "2.0" },
    ]});
    assert_eq!(serde_json::from_str::<Value>(&sent).unwrap(), expected);
}

#[test]
fn a_service_that_is_busy_is_asked_again() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("critical", "1.0")])).commit("first");
    let count = AtomicUsize::new(0);
    let server = Server::start(move |request| match count.fetch_add(1, Ordering::Relaxed) {
        0 => Reply::Send(429, vec![("retry-after", "0".to_owned())], Vec::new()),
        1 => Reply::Drop,
        _ => osv(request),
    });
    run(&repo, &server).run().expect(1);
}

#[test]
fn every_failure_of_the_service_is_exit_3() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("critical", "1.0")])).commit("first");
    let replies: [fn(&Request) -> Reply; 5] = [
        |_| Reply::json(400, r#"{"code": 3, "message": "bad"}"#),
        |_| Reply::json(200, "not json"),
        |_| Reply::json(200, r#"{"results": []}"#),
        |_| Reply::Send(302, vec![("location", "http://127.0.0.1:9/".to_owned())], Vec::new()),
        |_| Reply::Hang(Duration::from_secs(20)),
    ];
    for reply in replies {
        let server = Server::start(reply);
        let outcome = run(&repo, &server).env("SCAN_TIMEOUT", "3s").run().expect(3);
        assert!(outcome.stdout.contains("ERROR"), "{}", outcome.stdout);
        assert!(outcome.elapsed < Duration::from_secs(15), "{:?}", outcome.elapsed);
    }
}

#[test]
fn a_cancelled_request_does_not_hold_the_run() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("critical", "1.0")])).commit("first");
    let server = Server::start(|_| Reply::Hang(Duration::from_secs(20)));
    let running = run(&repo, &server).spawn();
    while server.requests().is_empty() {
        std::thread::sleep(Duration::from_millis(5));
    }
    let sent = std::time::Instant::now();
    running.signal("TERM");
    running.finish().expect(143);
    assert!(sent.elapsed() < Duration::from_secs(2));
}
