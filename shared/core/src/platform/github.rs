//! GitHub Actions: what its variables and the event say, annotations, job summary and outputs.

pub mod commands;
mod event;
pub mod files;
mod reported;

use std::path::{Path, PathBuf};

use crate::git::Head;

use super::context::{Channels, CiContext, Env, Provider, PullRequest};
use event::Event;

/// The context of a step.
pub(super) fn context(env: Env<'_>, head: Option<&Head>) -> CiContext {
    let event = env("GITHUB_EVENT_PATH").and_then(|path| Event::read(Path::new(&path))).unwrap_or_default();
    let server = env("GITHUB_SERVER_URL").unwrap_or_else(|| "https://github.com".to_owned());
    let (name, kind) = (env("GITHUB_REF_NAME"), env("GITHUB_REF_TYPE"));
    let of_kind = |wanted: &str| name.clone().filter(|_| kind.as_deref() == Some(wanted));
    let pull_request = pull_request(env, &event, head);
    let source = pull_request.as_ref().map(|pull| pull.source_branch.clone());
    let mut ci = CiContext {
        provider: Provider::GitHub,
        api_url: Some(env("GITHUB_API_URL").unwrap_or_else(|| "https://api.github.com".to_owned())),
        commit: env("GITHUB_SHA"),
        branch: source.unwrap_or_else(|| of_kind("branch")),
        tag: of_kind("tag"),
        default_branch: event.default_branch(),
        title: event.title(),
        author: event.author(),
        pull_request,
        build_number: env("GITHUB_RUN_NUMBER"),
        run_id: env("GITHUB_RUN_ID"),
        actor: env("GITHUB_ACTOR").or_else(|| env("GITHUB_TRIGGERING_ACTOR")),
        channels: Channels {
            step_summary: env("GITHUB_STEP_SUMMARY").map(PathBuf::from),
            outputs: env("GITHUB_OUTPUT").map(PathBuf::from),
            ..Channels::default()
        },
        ..CiContext::default()
    };
    ci.named(env("GITHUB_REPOSITORY"));
    if let Some(full_name) = &ci.full_name {
        let page = format!("{}/{full_name}", server.trim_end_matches('/'));
        ci.build_url = ci.run_id.as_ref().map(|run| format!("{page}/actions/runs/{run}"));
        ci.repository_url = Some(page);
    }
    ci.reported = reported::reported(env, ci.repository_url.as_deref()).map(Box::new);
    if let (Some(pull), Some(page)) = (&mut ci.pull_request, &ci.repository_url) {
        pull.url = Some(format!("{page}/pull/{}", pull.id)).filter(|_| !pull.id.is_empty());
    }
    ci
}

/// A runner that follows GitHub's: Gitea's and Forgejo's. Their pages have other addresses.
pub(super) fn follower(mut ci: CiContext) -> CiContext {
    ci.api_url = None;
    if let (Some(pull), Some(page)) = (&mut ci.pull_request, &ci.repository_url) {
        pull.url = Some(format!("{page}/pulls/{}", pull.id)).filter(|_| !pull.id.is_empty());
    }
    ci
}

/// From the event, or from the variables where the event's file is not mounted or not readable.
fn pull_request(env: Env<'_>, event: &Event, head: Option<&Head>) -> Option<PullRequest> {
    let name = env("GITHUB_EVENT_NAME").unwrap_or_default();
    let sha = env("GITHUB_SHA");
    // Only for this event is GITHUB_SHA the merge of both sides; for `pull_request_target` it is of the target.
    let merge_commit = sha.clone().filter(|_| name == "pull_request");
    let actor_is_bot = env("GITHUB_ACTOR").is_some_and(|actor| event::is_bot(&actor));
    // These events run on the default branch, whatever they are about; a change is here only if it was checked out.
    let checked_out_another = head.is_some_and(|head| Some(&head.commit) != sha.as_ref());
    let found = event
        .pull_request()
        .or_else(|| event.merge_group())
        .or_else(|| event.other_pull_request().filter(|_| checked_out_another))
        .or_else(|| from_variables(env, &name))?;
    Some(PullRequest { bot: found.bot || actor_is_bot, merge_commit, ..found })
}

fn from_variables(env: Env<'_>, event: &str) -> Option<PullRequest> {
    if !event.starts_with("pull_request") && event != "merge_group" {
        return None;
    }
    let reference = env("GITHUB_REF").unwrap_or_default();
    let id = reference.strip_prefix("refs/pull/").and_then(|rest| rest.split('/').next());
    Some(PullRequest {
        id: id.unwrap_or_default().to_owned(),
        source_branch: env("GITHUB_HEAD_REF"),
        target_branch: env("GITHUB_BASE_REF"),
        ..PullRequest::default()
    })
}
