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
    assert!(outcome.stdout.contains("1 package of a private registry"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("; advisories from 127.0.0.1:"), "{}", outcome.stdout);
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

/// Everything of every request, as it came.
fn sent(server: &Server) -> String {
    server
        .requests()
        .iter()
        .map(|request| {
            format!(
                "{} {} {:?} {}\n",
                request.method,
                request.path,
                request.headers,
                String::from_utf8_lossy(&request.body)
            )
        })
        .collect()
}

/// A lockfile of uv whose packages come from the registries.
fn uv_lock(packages: &[(&str, &str)]) -> String {
    let mut lock = "version = 1\nrequires-python = \">=3.12\"\n".to_owned();
    for (name, registry) in packages {
        lock.push_str(&format!(
            "\n[[package]]\nname = \"{name}\"\nversion = \"1.0\"\nsource = {{ registry = \"{registry}\" }}\n"
        ));
    }
    lock
}

#[test]
fn of_every_byte_that_is_sent_none_is_a_private_name() {
    let repo = Repo::new();
    let mirror = "https://nexus.example/repository/pypi/simple";
    repo.write(
        "uv.lock",
        uv_lock(&[
            ("critical", mirror),
            ("acme-core", mirror),
            ("acme-tool", "https://pypi.org/simple"),
            ("hidden", "https://nexus.example/repository/pypi-private/simple"),
        ]),
    );
    repo.write(
        "web/package-lock.json",
        json!({ "lockfileVersion": 3, "packages": {
            "": {},
            "node_modules/@acme/ui": { "version": "1.0.0", "resolved": "https://registry.npmjs.org/@acme/ui/-/ui-1.0.0.tgz" },
            "node_modules/left": { "version": "1.0.0", "resolved": "https://registry.yarnpkg.com/left/-/left-1.0.0.tgz" },
            "node_modules/archive": { "version": "1.0.0", "resolved": "https://files.corp.example/archive.tgz" },
        }})
        .to_string(),
    );
    repo.write("plans/secret-plans.txt", "plans").commit("first");
    let server = Server::start(osv);
    let outcome = run(&repo, &server)
        .env("PUBLIC_MIRRORS", "https://nexus.example/repository/pypi")
        .env("PRIVATE_PACKAGES", "@acme/*,Acme_*")
        .run()
        .expect(1);
    let sent = sent(&server);
    for name in ["critical", "left"] {
        assert!(sent.contains(&format!("\"{name}\"")), "{sent}");
    }
    for name in ["acme", "hidden", "archive", "nexus", "corp.example", "plans", "uv.lock", "package-lock"] {
        assert!(!sent.to_lowercase().contains(name), "{name} left: {sent}");
    }
    let left_out = outcome.report()["left_out"].clone();
    let of =
        |reason: &str| left_out.as_array().unwrap().iter().find(|entry| entry["reason"] == reason).cloned().unwrap();
    assert_eq!(of("private-name")["count"], 3);
    assert_eq!(of("private-registry")["count"], 2);
    assert!(of("private-name")["names"].to_string().contains("web/package-lock.json: @acme/ui 1.0.0"));
}

#[test]
fn names_of_the_public_registries_are_looked_up() {
    let repo = Repo::new();
    repo.write("a/uv.lock", uv_lock(&[("one", "https://pypi.python.org/simple/"), ("two", "https://pypi.org/simple")]));
    repo.write(
        "Cargo.lock",
        "version = 4\n\n[[package]]\nname = \"three\"\nversion = \"1.0.0\"\n\
         source = \"sparse+https://index.crates.io/\"\n",
    );
    let entry = |host: &str, name: &str| json!({ "version": "1.0.0", "resolved": format!("https://{host}/{name}/-/{name}-1.0.0.tgz") });
    repo.write(
        "package-lock.json",
        json!({ "lockfileVersion": 3, "packages": {
            "": {},
            "node_modules/four": entry("registry.yarnpkg.com", "four"),
            "node_modules/five": entry("registry.npmjs.com", "five"),
        }})
        .to_string(),
    );
    repo.commit("first");
    let server = Server::start(osv);
    let outcome = run(&repo, &server).run().expect(0);
    assert_eq!(outcome.report()["verdict"], "passed", "{}", outcome.output());
    let sent = sent(&server);
    for name in ["one", "two", "three", "four", "five"] {
        assert!(sent.contains(&format!("\"{name}\"")), "{name}: {sent}");
    }
}

#[test]
fn a_lockfile_of_which_nothing_may_be_sent_ends_with_3_and_names_the_ways_out() {
    let repo = Repo::new();
    let private = "https://pypi.corp.example/simple";
    repo.write("uv.lock", uv_lock(&[("critical", private), ("other", private)])).commit("first");
    let server = Server::start(osv);
    let outcome = run(&repo, &server).run().expect(3);
    assert!(server.requests().is_empty());
    for way in ["OSV_DB_PATH", "PUBLIC_MIRRORS", "PRIVATE_PACKAGES"] {
        assert!(outcome.stderr.contains(way), "{way}: {}", outcome.stderr);
    }
    assert!(outcome.stdout.contains("not seen 1 lockfile not looked up, 2 packages of private registries"));
    // Each of them leads out.
    run(&repo, &server).env("PUBLIC_MIRRORS", private).run().expect(1);
    run(&repo, &server).env("OSV_DB_PATH", advisories().path()).run().expect(1);
    let named = run(&repo, &server).env("PRIVATE_PACKAGES", "critical,other").run().expect(0);
    // Nothing was looked up, which is not a pass.
    assert_eq!(named.report()["verdict"], "warned");
    // One that may be sent makes it a part that is not known.
    repo.write("uv.lock", uv_lock(&[("harmless", "https://pypi.org/simple"), ("other", private)]));
    let part = run(&repo, &server).run().expect(0);
    assert_eq!(part.report()["verdict"], "warned");
    assert!(
        part.stderr.contains("uv.lock: other 1.0: from pypi.corp.example, which may be private"),
        "{}",
        part.stderr
    );
}

#[test]
fn a_glob_that_keeps_nothing_back_is_reported() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("harmless", "1.0")])).commit("first");
    let server = Server::start(osv);
    let outcome = run(&repo, &server).env("PRIVATE_PACKAGES", "harmles,@acme/*").run().expect(0);
    assert_eq!(outcome.report()["verdict"], "warned");
    assert!(outcome.stderr.contains("`harmles` in PRIVATE_PACKAGES matches no package"), "{}", outcome.stderr);
    // No value lets a repository pass of which nothing was looked up.
    let all = run(&repo, &server).env("PRIVATE_PACKAGES", "*").run().expect(0);
    assert_eq!(all.report()["verdict"], "warned");
    for (variable, value) in [("PRIVATE_PACKAGES", "[a"), ("PUBLIC_MIRRORS", "https://u:p@nexus.example")] {
        let outcome = run(&repo, &server).env(variable, value).run().expect(2);
        assert!(outcome.stderr.contains(variable), "{}", outcome.stderr);
    }
}

#[test]
fn an_api_that_did_not_answer_a_query_is_exit_3() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("critical", "1.0")])).commit("first");
    for (answer, code) in [("null", 3), (r#"{"error":"try again"}"#, 3), (r#"{"vulns":null}"#, 3), ("{}", 0)] {
        let server = Server::start(move |_| Reply::json(200, format!(r#"{{"results":[{answer}]}}"#)));
        run(&repo, &server).run().expect(code);
    }
}

#[test]
fn a_long_wait_for_the_api_says_what_it_waits_for() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("harmless", "1.0"), ("other", "1.0")])).commit("first");
    let server = Server::start(|request| {
        std::thread::sleep(Duration::from_secs(6));
        osv(request)
    });
    let outcome = run(&repo, &server).run().expect(0);
    assert!(outcome.stdout.contains("asking 127.0.0.1:"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains(" about 2 packages"), "{}", outcome.stdout);
}
