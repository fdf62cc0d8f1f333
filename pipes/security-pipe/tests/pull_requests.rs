//! A pull request can't switch its own gate off: ignore file, baseline and inline comments are those of the target
//! branch, whatever the change makes of them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::{Outcome, Pipe, Reply, Repo, Server};
use serde_json::json;

const IGNORE: &str = ".pipewright/ignore.toml";
const BASELINE: &str = ".pipewright/baseline.json";

fn ignore(id: &str) -> String {
    format!("[[ignore]]\nid = \"{id}\"\nreason = \"accepted\"\nexpires = 2099-01-01\n")
}

/// A repository with a critical dependency on `main`, and a branch `change`.
struct Fixture {
    origin: Repo,
    base: String,
    head: String,
}

impl Fixture {
    /// `main` and `change` add what they are given to the repository.
    fn new(main: impl Fn(&Repo), change: impl Fn(&Repo)) -> Fixture {
        let origin = Repo::new();
        origin.write("poetry.lock", poetry_lock(&[("critical", "1.0")]));
        main(&origin);
        let base = origin.commit("main");
        origin.git(&["checkout", "--quiet", "-b", "change"]);
        change(&origin);
        let head = origin.commit("change");
        origin.git(&["checkout", "--quiet", "main"]);
        origin.write("later.txt", "main goes on").commit("later on main");
        Fixture { origin, base, head }
    }

    fn clone(&self, args: &[&str]) -> Repo {
        Repo::clone_of(&self.origin, &[&["--branch", "change"], args].concat())
    }

    fn event(&self, repo: &Repo) -> std::path::PathBuf {
        let event = json!({ "pull_request": {
            "number": 41,
            "base": { "ref": "main", "sha": self.origin.git(&["rev-parse", "main"]), "repo": { "full_name": "org/app" } },
            "head": { "ref": "change", "sha": self.head, "repo": { "full_name": "org/app", "fork": false } },
        }});
        let path = repo.join(".git/event.json");
        std::fs::write(&path, event.to_string()).unwrap();
        path
    }

    fn github(&self, repo: &Repo) -> Pipe {
        pipe(repo, &advisories())
            .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_BASE_REF", "main")])
            .envs(&[("GITHUB_REPOSITORY", "org/app"), ("GITHUB_REF", "refs/pull/41/merge")])
            .env("GITHUB_EVENT_PATH", self.event(repo))
    }
}

/// `pipe` keeps its database only as long as the caller; these tests run at once.
fn run(build: impl Fn(&tempfile::TempDir) -> Pipe) -> Outcome {
    let db = advisories();
    build(&db).run()
}

fn full(fixture: &Fixture) -> Outcome {
    let repo = fixture.clone(&[]);
    run(|db| fixture.github(&repo).env("OSV_DB_PATH", db.path()))
}

fn shallow(fixture: &Fixture, more: &[(&str, &str)]) -> Outcome {
    let repo = fixture.clone(&["--depth=1", "--single-branch"]);
    run(|db| fixture.github(&repo).env("OSV_DB_PATH", db.path()).envs(more))
}

#[test]
fn an_ignore_file_of_the_target_branch_applies() {
    let fixture = Fixture::new(
        |repo| {
            repo.write(IGNORE, ignore("GHSA-crit-crit-crit"));
        },
        |repo| {
            repo.write("a", "b");
        },
    );
    let outcome = full(&fixture).expect(0);
    assert!(outcome.stdout.contains("1 ignored until 2099-01-01"), "{}", outcome.stdout);
}

#[test]
fn an_ignore_that_the_change_brings_does_not_apply() {
    let fixture = Fixture::new(
        |_| (),
        |repo| {
            repo.write(IGNORE, ignore("GHSA-crit-crit-crit"));
        },
    );
    let outcome = full(&fixture).expect(1);
    assert!(outcome.stderr.contains("is added by this pull request"), "{}", outcome.stderr);
    let fixture = Fixture::new(
        |repo| {
            repo.write(IGNORE, ignore("GHSA-othe-othe-othe"));
        },
        |repo| {
            repo.write(IGNORE, ignore("GHSA-crit-crit-crit"));
        },
    );
    let outcome = full(&fixture).expect(1);
    assert!(outcome.stderr.contains("is changed by this pull request"), "{}", outcome.stderr);
    // On the branch itself, outside of a pull request, the file is the branch's own.
    let repo = fixture.clone(&[]);
    run(|db| pipe(&repo, db)).expect(0);
}

#[test]
fn in_a_shallow_clone_no_policy_applies_and_the_missing_line_is_printed() {
    let main = |repo: &Repo| {
        repo.write(IGNORE, ignore("GHSA-crit-crit-crit"));
    };
    let fixture = Fixture::new(main, |repo| {
        repo.write("a", "b");
    });
    let outcome = shallow(&fixture, &[]).expect(1);
    assert!(outcome.stderr.contains("fetch-depth: 0"), "{}", outcome.stderr);
    let repo = fixture.clone(&["--depth=1", "--single-branch"]);
    let bitbucket = [
        ("BITBUCKET_BUILD_NUMBER", "7"),
        ("BITBUCKET_PR_ID", "41"),
        ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
        ("BITBUCKET_PR_DESTINATION_COMMIT", &fixture.base[..12]),
    ];
    let outcome = run(|db| pipe(&repo, db).envs(&bitbucket)).expect(1);
    assert!(outcome.stderr.contains("depth: full"), "{}", outcome.stderr);
    let gitlab = [
        ("GITLAB_CI", "true"),
        ("CI_MERGE_REQUEST_IID", "41"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", fixture.base.as_str()),
    ];
    let outcome = run(|db| pipe(&repo, db).envs(&gitlab)).expect(1);
    assert!(outcome.stderr.contains("GIT_DEPTH"), "{}", outcome.stderr);
}

#[test]
fn in_a_shallow_clone_the_api_of_the_platform_gives_the_policies_of_the_target() {
    let main = |repo: &Repo| {
        repo.write("a", "b");
    };
    let fixture = Fixture::new(main, |repo| {
        repo.write(IGNORE, ignore("GHSA-othe-othe-othe"));
    });
    let server = Server::start(|request| {
        if request.path.contains("/contents/.pipewright/ignore.toml?ref=") {
            Reply::Send(200, vec![], ignore("GHSA-crit-crit-crit").into_bytes())
        } else {
            Reply::json(404, "{}")
        }
    });
    let token = "a-token-for-the-api";
    let url = server.url();
    let outcome = shallow(&fixture, &[("GITHUB_API_URL", &url), ("INPUT_GITHUB_TOKEN", token)]).expect(0);
    assert!(outcome.stdout.contains("1 ignored"), "{}", outcome.stdout);
    let requests = server.requests();
    assert!(requests.iter().all(|request| request.header("authorization") == Some("Bearer a-token-for-the-api")));
    assert!(requests[0].path.starts_with("/repos/org/app/contents/"), "{}", requests[0].path);
    assert!(!outcome.output().contains(token));
    // An API that fails is no reason to trust the change.
    let broken = Server::start(|_| Reply::json(403, "{}"));
    let url = broken.url();
    let outcome = shallow(&fixture, &[("GITHUB_API_URL", &url), ("INPUT_GITHUB_TOKEN", token)]).expect(1);
    assert!(outcome.stderr.contains("failed to read the target branch"), "{}", outcome.stderr);
}

/// The baseline of `repo` as it is now.
fn write_baseline(repo: &Repo) {
    run(|db| pipe(repo, db).env("BASELINE_WRITE", "true")).expect(0);
    std::fs::remove_dir_all(repo.join("security-reports")).unwrap();
}

#[test]
fn a_baseline_of_the_target_branch_lets_known_findings_pass_and_new_ones_fail() {
    let fixture = Fixture::new(write_baseline, |repo| {
        repo.write("a", "b");
    });
    let outcome = full(&fixture).expect(0);
    assert!(outcome.stdout.contains("1 known (baseline)"), "{}", outcome.stdout);
    let fixture = Fixture::new(write_baseline, |repo| {
        // Moved by two lines, and another one beside it.
        let lock = poetry_lock(&[("high", "3.0"), ("critical", "1.0")]);
        repo.write("poetry.lock", lock).write("key.txt", format!("x {}\n", aws_key(7)));
    });
    let outcome = full(&fixture).expect(1);
    assert!(outcome.stdout.contains("1 known (baseline)"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains(" new "), "{}", outcome.stdout);
}

#[test]
fn a_baseline_that_the_change_brings_does_not_apply() {
    let fixture = Fixture::new(|_| (), write_baseline);
    let outcome = full(&fixture).expect(1);
    assert!(outcome.stderr.contains("baseline.json is added by this pull request"), "{}", outcome.stderr);
    let fixture = Fixture::new(write_baseline, |repo| {
        repo.write("a", "b");
    });
    let outcome = shallow(&fixture, &[]).expect(1);
    assert!(outcome.stderr.contains("baseline.json does not apply"), "{}", outcome.stderr);
    assert!(fixture.origin.join(BASELINE).is_file());
}

#[test]
fn an_inline_comment_counts_if_the_target_branch_has_it() {
    let line = format!("x {} # gitleaks:allow\n", aws_key(8));
    let clean = |repo: &Repo| {
        repo.write("poetry.lock", poetry_lock(&[]));
    };
    let with = |repo: &Repo| {
        repo.write("poetry.lock", poetry_lock(&[])).write("key.txt", &line);
    };
    let known = Fixture::new(with, |repo| {
        repo.write("a", "b");
    });
    let outcome = full(&known).expect(0);
    assert!(outcome.stdout.contains("1 allowed in the line"), "{}", outcome.stdout);
    let outcome = shallow(&known, &[]).expect(1);
    assert!(outcome.stderr.contains("fetch-depth: 0"), "{}", outcome.stderr);
    let new = Fixture::new(clean, with);
    let outcome = full(&new).expect(1);
    assert!(outcome.stderr.contains("key.txt:1: gitleaks:allow is new in"), "{}", outcome.stderr);
    // Outside of a pull request the comment counts.
    let repo = new.clone(&[]);
    run(|db| pipe(&repo, db)).expect(0);
}

#[test]
fn a_policy_that_is_named_has_to_be_there_and_to_be_readable() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[])).commit("first");
    let outcome = run(|db| pipe(&repo, db).env("IGNORE_FILE", "ignores.toml")).expect(3);
    assert!(outcome.stderr.contains("IGNORE_FILE: ignores.toml does not exist in"), "{}", outcome.stderr);
    repo.write("ignores.toml", "[[ignore]]\nid = \"x\"\n");
    let outcome = run(|db| pipe(&repo, db).env("IGNORE_FILE", "ignores.toml")).expect(3);
    assert!(outcome.stderr.contains("needs a reason"), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("ERROR    1 policy file not applied"), "{}", outcome.stdout);
    let outcome = run(|db| pipe(&repo, db).env("BASELINE_FILE", "nothing.json")).expect(3);
    assert!(outcome.stderr.contains("BASELINE_FILE"), "{}", outcome.stderr);
    repo.write(BASELINE, "{");
    run(|db| pipe(&repo, db)).expect(3);
}

#[test]
fn an_expired_ignore_no_longer_applies_and_an_unused_one_is_reported() {
    let repo = Repo::new();
    repo.write("poetry.lock", poetry_lock(&[("critical", "1.0")]));
    repo.write(IGNORE, ignore("GHSA-crit-crit-crit").replace("2099", "2020") + &ignore("CVE-0000-0")).commit("first");
    let outcome = run(|db| pipe(&repo, db)).expect(1);
    assert!(
        outcome.stderr.contains("the ignore entry for GHSA-crit-crit-crit expired on 2020-01-01"),
        "{}",
        outcome.stderr
    );
    assert!(outcome.stderr.contains("the ignore entry for CVE-0000-0 matches nothing"), "{}", outcome.stderr);
}

#[test]
fn a_baseline_is_not_written_if_something_could_not_be_found_out() {
    let repo = Repo::new();
    repo.write("poetry.lock", "broken").commit("first");
    run(|db| pipe(&repo, db).env("BASELINE_WRITE", "true")).expect(3);
    assert!(!repo.join(BASELINE).exists());
}
