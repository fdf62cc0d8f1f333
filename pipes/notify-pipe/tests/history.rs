//! What the CI's API says of earlier runs, attempts and other jobs, and what of it decides.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::*;
use pipewright_harness::{Outcome, Reply, Request, Server};
use serde_json::{Value, json};

/// What the API of a run knows.
#[derive(Clone)]
struct Api {
    run: Value,
    runs: Vec<Value>,
    attempts: Vec<Value>,
    jobs: Vec<Value>,
    /// The page of jobs from which on the API fails, and with what.
    jobs_fail: Option<(usize, u16)>,
}

impl Api {
    fn new() -> Api {
        Api { run: run(128, "push", "org/shop", None), runs: vec![], attempts: vec![], jobs: vec![], jobs_fail: None }
    }

    fn answer(&self, request: &Request) -> Reply {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let given = |name: &str| query.split('&').find_map(|part| part.strip_prefix(name)?.strip_prefix('='));
        let page: usize = given("page").and_then(|page| page.parse().ok()).unwrap_or(1);
        let size: usize = given("per_page").and_then(|size| size.parse().ok()).unwrap_or(30);
        let cut = |items: &[Value]| items.iter().skip(size * (page - 1)).take(size).cloned().collect::<Vec<_>>();
        if let Some(attempt) = path.strip_prefix("/repos/org/shop/actions/runs/1001/attempts/") {
            let attempt: usize = attempt.parse().unwrap();
            return Reply::json(200, self.attempts[attempt - 1].to_string());
        }
        match path {
            "/repos/org/shop/actions/runs/1001" => Reply::json(200, self.run.to_string()),
            "/repos/org/shop/actions/workflows/7/runs" => {
                let kept: Vec<Value> = self
                    .runs
                    .iter()
                    .filter(|run| given("event").is_none_or(|event| run["event"] == event))
                    .cloned()
                    .collect();
                Reply::json(200, json!({ "total_count": kept.len(), "workflow_runs": cut(&kept) }).to_string())
            }
            "/repos/org/shop/actions/runs/1001/jobs" => match self.jobs_fail {
                Some((from, code)) if page >= from => Reply::json(code, r#"{"message": "no"}"#),
                _ => {
                    let body = json!({ "total_count": self.jobs.len(), "jobs": cut(&self.jobs) });
                    Reply::json(200, body.to_string())
                }
            },
            _ => Reply::Send(200, Vec::new(), b"ok".to_vec()),
        }
    }

    /// What is sent by a run whose own job ended with `status`.
    fn sent(&self, status: &str, vars: &[(&str, &str)]) -> (Outcome, Vec<Value>) {
        let (repo, api) = (repo(), self.clone());
        let server = Server::start(move |request| api.answer(request));
        let outcome = notify(&repo)
            .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "org/shop"), ("GITHUB_RUN_ID", "1001")])
            .envs(&[("GITHUB_REF_NAME", "main"), ("GITHUB_REF_TYPE", "branch"), ("GITHUB_EVENT_NAME", "push")])
            .env("GITHUB_API_URL", server.url())
            .env("INPUT_GITHUB_TOKEN", "token-of-github")
            .env("INPUT_JOB_STATUS", status)
            .env("WEBHOOK_URL", hook(&server))
            .env("RETRIES", "0")
            .envs(vars)
            .run()
            .expect(0);
        let sent = server.requests().into_iter().filter(|request| request.path == HOOK);
        (outcome, sent.map(|request| body(&request)).collect())
    }
}

fn run(number: u64, event: &str, repository: &str, conclusion: Option<&str>) -> Value {
    json!({ "id": number, "workflow_id": 7, "run_number": number, "run_attempt": 1, "event": event, "head_branch": "main",
        "head_repository": { "full_name": repository }, "status": "completed", "conclusion": conclusion })
}

fn jobs(count: usize, failed_from: usize) -> Vec<Value> {
    let word = |index| if index < failed_from { "success" } else { "failure" };
    (0..count).map(|index| json!({ "name": format!("test ({index})"), "conclusion": word(index) })).collect()
}

#[test]
fn no_run_of_an_outsider_and_no_run_of_another_kind_suppresses_a_message() {
    let before = run(120, "push", "org/shop", Some("success"));
    let elsewhere = |branch: &str| {
        let mut run = run(127, "push", "org/shop", Some("failure"));
        run["head_branch"] = json!(branch);
        run
    };
    let noise = [
        vec![elsewhere("release")],
        vec![run(127, "pull_request", "eve/shop", Some("failure"))],
        vec![run(127, "push", "eve/shop", Some("failure"))],
        vec![run(127, "schedule", "org/shop", Some("failure"))],
        vec![run(127, "push", "org/shop", Some("cancelled"))],
        (0..250).map(|_| run(127, "push", "eve/shop", Some("failure"))).collect(),
    ];
    for runs in noise {
        let api = Api { runs: runs.iter().cloned().chain([before.clone()]).collect(), ..Api::new() };
        let (_, sent) = api.sent("failure", &[("NOTIFY_ON", "change")]);
        assert_eq!(sent.len(), 1, "{}", runs[0]);
    }
    // So many that the end is not seen is not "the first run".
    let api = Api { runs: vec![run(127, "push", "eve/shop", Some("failure")); 600], ..Api::new() };
    let (outcome, sent) = api.sent("success", &[("NOTIFY_ON", "change")]);
    assert_eq!(sent.len(), 1);
    assert!(outcome.stderr.contains("the previous status is unknown"), "{}", outcome.stderr);
    // The control: a failure of the same event in the same repository does.
    let api = Api { runs: vec![run(127, "push", "Org/Shop", Some("failure")), before], ..Api::new() };
    assert!(api.sent("failure", &[("NOTIFY_ON", "change")]).1.is_empty());
}

#[test]
fn a_run_that_is_repeated_is_compared_with_its_earlier_attempt() {
    let before = vec![run(127, "push", "org/shop", Some("success"))];
    let attempt = |conclusion: &str| run(128, "push", "org/shop", Some(conclusion));
    for (attempts, recovered) in [
        (vec!["failure"], 1),
        (vec!["success"], 0),
        (vec!["failure", "cancelled"], 1),
        (vec!["failure", "success"], 0),
        (vec!["cancelled"], 0),
    ] {
        let mut own = run(128, "push", "org/shop", None);
        own["run_attempt"] = json!(attempts.len() + 1);
        let words = attempts.iter().map(|word| attempt(word)).collect();
        let api = Api { run: own, runs: before.clone(), attempts: words, ..Api::new() };
        for on in ["change", "recovered"] {
            assert_eq!(api.sent("success", &[("NOTIFY_ON", on)]).1.len(), recovered, "{attempts:?} {on}");
        }
    }
}

#[test]
fn every_job_is_seen_or_the_message_reports_no_success() {
    let table = [
        (jobs(150, 120), None, "error"),
        (jobs(256, 255), None, "error"),
        (jobs(100, 100), None, "success"),
        (jobs(256, 256), None, "success"),
        (jobs(256, 256), Some((2, 500)), "finished"),
        (jobs(256, 256), Some((1, 502)), "finished"),
        // A workflow may give its token no right to read jobs.
        (jobs(3, 3), Some((1, 401)), "finished"),
        (jobs(3, 3), Some((1, 403)), "finished"),
        (jobs(3, 3), Some((1, 404)), "finished"),
        (jobs(256, 256), Some((2, 403)), "finished"),
    ];
    for (jobs, jobs_fail, status) in table {
        let count = jobs.len();
        let (outcome, sent) = Api { jobs, jobs_fail, ..Api::new() }.sent("success", &[]);
        assert_eq!(sent[0]["status"], status, "{count} {jobs_fail:?}");
        let said = outcome.stderr.contains("so the message reports no success");
        assert_eq!(said, jobs_fail.is_some(), "{}", outcome.stderr);
        // A token that may read less is no warning: the builds of outside contributors have no other.
        let warned = jobs_fail.is_some_and(|(_, code)| code >= 500);
        assert_eq!(outcome.stdout.contains("WARNED"), warned, "{count} {jobs_fail:?}: {}", outcome.stdout);
        assert!(texts(&sent[0]).len() < 3_000, "a matrix that failed is named in a line");
    }
    // A list that is shorter than it says was not seen.
    let short = Server::start(|request| match request.path.split('?').next().unwrap() {
        "/repos/org/shop/actions/runs/1001" => Reply::json(200, run(128, "push", "org/shop", None).to_string()),
        "/repos/org/shop/actions/runs/1001/jobs" => {
            let first = request.path.contains("page=1") && !request.path.contains("page=10");
            let list = if first { jobs(10, 10) } else { vec![] };
            Reply::json(200, json!({ "total_count": 11, "jobs": list }).to_string())
        }
        _ => Reply::Send(200, Vec::new(), b"ok".to_vec()),
    });
    notify(&repo())
        .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "org/shop"), ("GITHUB_RUN_ID", "1001")])
        .envs(&[("INPUT_GITHUB_TOKEN", "token-of-github"), ("INPUT_JOB_STATUS", "success")])
        .env("GITHUB_API_URL", short.url())
        .env("WEBHOOK_URL", hook(&short))
        .run()
        .expect(0);
    assert_eq!(body(short.requests().iter().find(|it| it.path == HOOK).unwrap())["status"], "finished");
}

#[test]
fn a_step_of_bitbucket_that_runs_again_is_never_taken_for_old_news() {
    let repo = repo();
    let run = |number: &str| {
        let server = Server::start(move |request| match request.path.as_str() {
            "/api/repositories/org/shop/pipelines/128" => Reply::json(200, r#"{"created_on": "2026-01-01T00:00:00Z"}"#),
            path if path.starts_with("/api/") => {
                let before = json!({ "build_number": 127, "state": { "result": { "name": "SUCCESSFUL" } } });
                Reply::json(200, json!({ "values": [before] }).to_string())
            }
            _ => Reply::Send(200, Vec::new(), b"ok".to_vec()),
        });
        slack(&repo, &server)
            .envs(BITBUCKET)
            .env("BITBUCKET_API_URL", format!("{}/api", server.url()))
            .envs(&[("BITBUCKET_ACCESS_TOKEN", "token-of-bitbucket"), ("BITBUCKET_STEP_RUN_NUMBER", number)])
            .envs(&[("STATUS", "success"), ("NOTIFY_ON", "change")])
            .run()
            .expect(0);
        server.requests().iter().filter(|request| request.path == HOOK).count()
    };
    assert_eq!((run("1"), run("2")), (0, 1));
}

/// What one run of Bitbucket sends, whose own pipeline and whose lists are these.
fn on_bitbucket(own: Value, earlier: Vec<Value>, steps: Vec<Value>, vars: &[(&str, &str)]) -> (Outcome, Vec<Value>) {
    let repo = repo();
    let server = Server::start(move |request| {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        let page: usize = query.rsplit_once("page=").and_then(|(_, page)| page.parse().ok()).unwrap_or(1);
        let list = |items: &[Value]| {
            let some: Vec<Value> = items.iter().skip(100 * (page - 1)).take(100).cloned().collect();
            let next = (items.len() > 100 * page).then_some("https://elsewhere.example/");
            Reply::json(200, json!({ "values": some, "next": next }).to_string())
        };
        match path {
            "/api/repositories/org/shop/pipelines/128" => Reply::json(200, own.to_string()),
            "/api/repositories/org/shop/pipelines/" => list(&earlier),
            "/api/repositories/org/shop/pipelines/128/steps/" if steps.is_empty() => Reply::json(500, "{}"),
            "/api/repositories/org/shop/pipelines/128/steps/" => list(&steps),
            HOOK => Reply::Send(200, Vec::new(), b"ok".to_vec()),
            other => panic!("{other}"),
        }
    });
    let outcome = notify(&repo)
        .envs(BITBUCKET)
        .env("BITBUCKET_API_URL", format!("{}/api", server.url()))
        .env("BITBUCKET_ACCESS_TOKEN", "token-of-bitbucket")
        .env("WEBHOOK_URL", hook(&server))
        .env("RETRIES", "0")
        .envs(vars)
        .run()
        .expect(0);
    let sent = server.requests().into_iter().filter(|request| request.path == HOOK);
    (outcome, sent.map(|request| body(&request)).collect())
}

#[test]
fn a_step_of_bitbucket_announces_no_success_beside_one_that_failed() {
    let steps = |count: usize, last: &str| -> Vec<Value> {
        let word = |index| if index + 1 == count { last } else { "SUCCESSFUL" };
        (0..count)
            .map(|index| json!({ "name": format!("step {index}"), "state": { "result": { "name": word(index) } } }))
            .collect()
    };
    let table = [
        (steps(3, "SUCCESSFUL"), "success"),
        (steps(3, "FAILED"), "error"),
        (steps(3, "ERROR"), "error"),
        (steps(150, "FAILED"), "error"),
        (vec![], "finished"),
    ];
    for (steps, expected) in table {
        let count = steps.len();
        let (outcome, sent) = on_bitbucket(json!({}), vec![], steps, &[("BITBUCKET_EXIT_CODE", "0")]);
        assert_eq!(sent[0]["status"], expected, "{count}: {}", outcome.output());
    }
}

#[test]
fn no_pipeline_of_another_kind_on_bitbucket_suppresses_a_message() {
    let target = |kind: &str, name: Option<&str>, selector: Value| json!({ "type": kind, "ref_name": name, "selector": selector });
    let branch = || target("pipeline_ref_target", Some("main"), json!({ "type": "branches" }));
    let failed =
        |target: Value| json!({ "build_number": 127, "target": target, "state": { "result": { "name": "FAILED" } } });
    let sent = |own: Value, other: Value| {
        let vars = [("STATUS", "failure"), ("NOTIFY_ON", "change")];
        on_bitbucket(json!({ "target": own }), vec![failed(other)], vec![], &vars).1.len()
    };
    assert_eq!(sent(branch(), branch()), 0, "the control");
    for other in [
        target("pipeline_ref_target", Some("other"), json!({ "type": "branches" })),
        target("pipeline_ref_target", Some("main"), json!({ "type": "custom", "pattern": "nightly" })),
        target("pipeline_pullrequest_target", None, json!({ "type": "branches" })),
    ] {
        assert_eq!(sent(branch(), other.clone()), 1, "{other}");
    }
    let default = || target("pipeline_ref_target", Some("main"), Value::Null);
    assert_eq!(sent(default(), target("pipeline_ref_target", Some("main"), json!({ "type": "custom" }))), 1);
    let pull = || target("pipeline_pullrequest_target", None, Value::Null);
    assert_eq!(sent(pull(), pull()), 1, "a list by the name of a branch says nothing of a pull request");
}

#[test]
fn a_run_that_may_be_an_outsiders_is_compared_with_none_and_closes_nothing() {
    let (repo, server) = (repo(), sink());
    let run = |vars: &[(&str, &str)]| {
        let pipe = slack(&repo, &server).env("CI", "true").envs(&[("STATUS", "failure"), ("NOTIFY_ON", "change")]);
        pipe.env("STATE_FILE", "state.json").envs(vars).run().expect(0)
    };
    for _ in 0..2 {
        let outcome = run(&[]);
        assert!(outcome.stderr.contains("Set PULL_REQUEST=false"), "{}", outcome.stderr);
    }
    assert_eq!(server.requests().len(), 2, "each is sent");
    (0..2).for_each(|_| drop(run(&[("PULL_REQUEST", "false")])));
    assert_eq!(server.requests().len(), 3, "the control");
    let pager = |vars: &[(&str, &str)]| {
        let server = sink();
        let pipe = notify(&repo).env("CI", "true").env("PAGERDUTY_URL", server.url()).env("STATUS", "success");
        let names = [("INPUT_REPOSITORY", "org/shop"), ("INPUT_PIPELINE", "ci"), ("PAGERDUTY_ROUTING_KEY", "kkkkkkkk")];
        pipe.envs(&names).envs(vars).run();
        server.requests().len()
    };
    assert_eq!((pager(&[]), pager(&[("PULL_REQUEST", "false")])), (0, 1), "a success resolves only what is known");
}

/// Its branch may be called like one of ours. A CI that says no number, or an event file that a container lacks.
#[test]
fn a_pull_request_without_a_number_closes_and_silences_nothing() {
    let repo = repo();
    let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "org/shop"), ("GITHUB_WORKFLOW", "ci")];
    let github = [&github[..], &[("GITHUB_EVENT_NAME", "pull_request_target"), ("GITHUB_HEAD_REF", "main")]].concat();
    let render = [("RENDER", "true"), ("RENDER_GIT_BRANCH", "main"), ("RENDER_GIT_REPO_SLUG", "org/shop")];
    let render = [&render[..], &[("RENDER_SERVICE_NAME", "ci"), ("IS_PULL_REQUEST", "true")]].concat();
    for vars in [github, render] {
        let server = sink();
        let pager = notify(&repo).env("PAGERDUTY_URL", server.url()).env("PAGERDUTY_ROUTING_KEY", "kkkkkkkk");
        pager.env("STATUS", "success").envs(&vars).run();
        assert_eq!(server.requests().len(), 0, "{vars:?}");
        for _ in 0..2 {
            let pipe = slack(&repo, &server).envs(&[("STATUS", "failure"), ("NOTIFY_ON", "change")]);
            pipe.env("STATE_FILE", "state.json").envs(&vars).run().expect(0);
        }
        assert_eq!(server.requests().len(), 2, "each is sent: {vars:?}");
    }
}

type Vars = Vec<(&'static str, &'static str)>;

/// Runs of pairs of pipelines that differ in one fact.
#[test]
fn no_success_closes_the_alert_of_another_pipeline() {
    let jenkins = [("JENKINS_URL", "https://ci.example/"), ("BUILD_NUMBER", "12"), ("BRANCH_NAME", "main")];
    let azure = [("TF_BUILD", "True"), ("BUILD_BUILDID", "9"), ("BUILD_SOURCEBRANCH", "refs/heads/main")];
    let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_REF_NAME", "main"), ("GITHUB_REF_TYPE", "branch")];
    let pull = [("GITHUB_ACTIONS", "true"), ("GITHUB_EVENT_NAME", "pull_request"), ("GITHUB_HEAD_REF", "main")];
    let pairs: [(&str, Vars, Vars); 6] = [
        ("jobs", [&jenkins[..], &[("JOB_NAME", "build")]].concat(), [&jenkins[..], &[("JOB_NAME", "deploy")]].concat()),
        (
            "definitions",
            [&azure[..], &[("BUILD_DEFINITIONNAME", "a")]].concat(),
            [&azure[..], &[("BUILD_DEFINITIONNAME", "b")]].concat(),
        ),
        (
            "repositories",
            [&github[..], &[("GITHUB_WORKFLOW", "CI"), ("GITHUB_REPOSITORY", "o/a")]].concat(),
            [&github[..], &[("GITHUB_WORKFLOW", "CI"), ("GITHUB_REPOSITORY", "o/b")]].concat(),
        ),
        (
            "a pull request from a branch of that name",
            [&github[..], &[("GITHUB_WORKFLOW", "CI"), ("GITHUB_REPOSITORY", "o/a")]].concat(),
            [
                &pull[..],
                &[("GITHUB_WORKFLOW", "CI"), ("GITHUB_REPOSITORY", "o/a"), ("GITHUB_REF", "refs/pull/7/merge")],
            ]
            .concat(),
        ),
        ("nothing known", vec![], vec![]),
        ("an unknown CI", vec![("CI", "true")], vec![("CI", "true")]),
    ];
    for (what, first, second) in pairs {
        let run = |kind: &[(&str, &str)], vars: &[(&str, &str)], status: &str, server: &Server| {
            let folder = pipewright_harness::Repo::plain();
            let run = notify(&folder).envs(vars).envs(kind).env("STATUS", status);
            run.env("PAGERDUTY_URL", server.url()).env("JSM_API_URL", server.url()).run().expect(0)
        };
        let pager = sink();
        run(&[("PAGERDUTY_ROUTING_KEY", "a-routing-key")], &first, "failure", &pager);
        let outcome = run(&[("PAGERDUTY_ROUTING_KEY", "a-routing-key")], &second, "success", &pager);
        let sent: Vec<Value> = pager.requests().iter().map(body).collect();
        assert_eq!(sent[0]["event_action"], "trigger", "{what}: the failure is reported in any case");
        let closed = sent.iter().any(|it| it["event_action"] == "resolve" && it["dedup_key"] == sent[0]["dedup_key"]);
        assert!(!closed, "{what}: {sent:?}");
        if sent.len() == 1 {
            assert!(outcome.stderr.contains("Set PAGERDUTY_DEDUP_KEY"), "{what}: {}", outcome.stderr);
        }
        let jsm = sink();
        run(&[("JSM_API_KEY", "an-api-key")], &first, "failure", &jsm);
        run(&[("JSM_API_KEY", "an-api-key")], &second, "success", &jsm);
        let requests = jsm.requests();
        let alias = body(&requests[0])["alias"].as_str().map(|alias| alias.replace('/', "%2F").replace(' ', "%20"));
        let closed =
            requests.iter().skip(1).any(|it| alias.as_ref().is_some_and(|alias| it.path.contains(alias.as_str())));
        assert!(!closed, "{what}: {requests:?}");
        let gateway = sink();
        run(&[("PUSHGATEWAY_URL", &gateway.url())], &first, "failure", &gateway);
        run(&[("PUSHGATEWAY_URL", &gateway.url())], &second, "success", &gateway);
        let groups: Vec<String> = gateway.requests().into_iter().map(|request| request.path).collect();
        assert!(groups.len() < 2 || groups[0] != groups[1], "{what}: {groups:?}");
    }
}
