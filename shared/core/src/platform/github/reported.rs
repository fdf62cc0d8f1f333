//! Events that report how something other than this run ended. The sources are GitHub's descriptions of its webhooks:
//! <https://docs.github.com/webhooks/webhook-events-and-payloads>.

use std::path::Path;

use serde_json::Value;

use super::super::context::{Author, Env, Reported};
use super::event::MAX_EVENT;
use crate::fs::{Links, read_bounded};

/// `None` if the event is about this run. If its file can't be read, nothing is known of the other run.
pub(super) fn reported(env: Env<'_>, repository: Option<&str>) -> Option<Reported> {
    let read: fn(&Value) -> Reported = match env("GITHUB_EVENT_NAME")?.as_str() {
        "workflow_run" => workflow_run,
        "deployment_status" => deployment_status,
        "check_run" => check_run,
        "check_suite" => check_suite,
        "status" => commit_status,
        "page_build" => page_build,
        _ => return None,
    };
    let event = env("GITHUB_EVENT_PATH")
        .and_then(|path| read_bounded(Path::new(&path), MAX_EVENT, Links::Follow).ok())
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .unwrap_or(Value::Null);
    let mut reported = read(&event);
    reported.page = reported.page.or_else(|| {
        let (id, repository) = (reported.id.as_ref()?, repository?);
        Some(format!("{repository}/actions/runs/{id}"))
    });
    Some(reported)
}

fn workflow_run(event: &Value) -> Reported {
    let run = &event["workflow_run"];
    let commit = &run["head_commit"];
    Reported {
        title: text(&run["display_title"]).or_else(|| first_line(&commit["message"])),
        author: author(&commit["author"]),
        actor: text(&run["actor"]["login"]),
        // That of the run before its end is `null`.
        status: text(&run["conclusion"]).or_else(|| text(&run["status"])),
        branch: branch(event, run),
        commit: text(&run["head_sha"]),
        attempt: number(&run["run_attempt"]),
        started_at: text(&run["run_started_at"]),
        finished_at: run["conclusion"].as_str().and_then(|_| text(&run["updated_at"])),
        pull_request: number(&run["pull_requests"][0]["number"]),
        target_branch: text(&run["pull_requests"][0]["base"]["ref"]),
        ..by(run)
    }
}

fn deployment_status(event: &Value) -> Reported {
    let (status, deployment) = (&event["deployment_status"], &event["deployment"]);
    let run = &event["workflow_run"];
    // A commit may stand where a branch or a tag does.
    let (reference, commit) = (text(&deployment["ref"]), text(&deployment["sha"]));
    Reported {
        pipeline: text(&event["workflow"]["name"]).or_else(|| text(&run["name"])),
        status: text(&status["state"]),
        environment: text(&status["environment"]).or_else(|| text(&deployment["environment"])),
        branch: reference
            .filter(|name| Some(name) != commit.as_ref())
            .map(|name| name.strip_prefix("refs/heads/").unwrap_or(&name).to_owned()),
        commit,
        actor: text(&status["creator"]["login"]),
        page: text(&status["log_url"]).or_else(|| text(&status["target_url"])).or_else(|| text(&run["html_url"])),
        finished_at: text(&status["created_at"]),
        is_deployment: true,
        ..Reported::default()
    }
}

fn check_run(event: &Value) -> Reported {
    let check = &event["check_run"];
    Reported {
        status: text(&check["conclusion"]).or_else(|| text(&check["status"])),
        branch: branch(event, &check["check_suite"]),
        commit: text(&check["head_sha"]),
        started_at: text(&check["started_at"]),
        finished_at: text(&check["completed_at"]),
        pipeline: text(&check["name"]),
        page: text(&check["html_url"]),
        ..Reported::default()
    }
}

fn check_suite(event: &Value) -> Reported {
    let suite = &event["check_suite"];
    Reported {
        status: text(&suite["conclusion"]).or_else(|| text(&suite["status"])),
        branch: branch(event, suite),
        commit: text(&suite["head_sha"]),
        title: first_line(&suite["head_commit"]["message"]),
        author: author(&suite["head_commit"]["author"]),
        pipeline: text(&suite["app"]["name"]),
        ..Reported::default()
    }
}

fn commit_status(event: &Value) -> Reported {
    let branches = event["branches"].as_array().map_or(&[][..], Vec::as_slice);
    Reported {
        status: text(&event["state"]),
        // A commit that several branches contain belongs to none of them.
        branch: if let [only] = branches { text(&only["name"]) } else { None },
        commit: text(&event["sha"]),
        title: first_line(&event["commit"]["commit"]["message"]),
        author: author(&event["commit"]["commit"]["author"]),
        pipeline: text(&event["context"]),
        page: text(&event["target_url"]),
        ..Reported::default()
    }
}

fn page_build(event: &Value) -> Reported {
    let build = &event["build"];
    Reported {
        status: text(&build["status"]),
        commit: text(&build["commit"]),
        actor: text(&build["pusher"]["login"]),
        pipeline: Some("GitHub Pages".to_owned()),
        ..Reported::default()
    }
}

/// What names a run of a workflow.
fn by(run: &Value) -> Reported {
    Reported {
        id: number(&run["id"]),
        build_number: number(&run["run_number"]),
        pipeline: text(&run["name"]),
        page: text(&run["html_url"]),
        ..Reported::default()
    }
}

/// The branch of a run or a suite. That of a fork has the fork's owner before it, as GitHub writes it (`eve:main`), since
/// its name may be that of one of ours.
fn branch(event: &Value, of: &Value) -> Option<String> {
    let name = text(&of["head_branch"])?;
    let pull = &of["pull_requests"][0];
    let head = text(&of["head_repository"]["full_name"]);
    let own = text(&event["repository"]["full_name"]);
    match (head, own) {
        (Some(head), Some(own)) if !head.eq_ignore_ascii_case(&own) => {
            Some(format!("{}:{name}", head.split('/').next().unwrap_or_default()))
        }
        // A fork that was deleted is `null`; a suite has no such field, but its pull requests have.
        (None, _) if of["head_repository"].is_null() && of.get("head_repository").is_some() => fork(&name),
        (None, _) if pull["head"]["repo"]["id"].as_u64() != pull["base"]["repo"]["id"].as_u64() => fork(&name),
        _ => Some(name),
    }
}

fn fork(name: &str) -> Option<String> {
    Some(format!("fork:{name}"))
}

fn author(person: &Value) -> Option<Author> {
    Some(Author { name: text(&person["name"])?, email: text(&person["email"]) })
}

fn text(value: &Value) -> Option<String> {
    value.as_str().filter(|text| !text.trim().is_empty()).map(str::to_owned)
}

fn first_line(value: &Value) -> Option<String> {
    text(value)?.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
}

fn number(value: &Value) -> Option<String> {
    value.as_u64().map(|number| number.to_string())
}
