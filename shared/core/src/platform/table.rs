//! What each CI says about a run, as data: one row for each, made from the list of variables in its own documentation.

mod builders;
mod forges;
mod hosted;
mod reference;
mod row;
mod servers;
mod template;

use std::path::Path;

use super::context::{CiContext, Env, Provider, PullRequest};
use crate::git::Remote;
use reference::Proposed;
pub use row::{Field, Fork, Marker, Row};
use template::fill;

/// Every known CI. The first that is recognised counts: what runs on another's syntax stands before that one.
pub fn rows() -> impl Iterator<Item = &'static Row> {
    forges::ROWS.iter().chain(hosted::ROWS).chain(builders::ROWS).chain(servers::ROWS)
}

/// The CI of this environment.
pub(super) fn recognise(env: Env<'_>) -> Option<&'static Row> {
    let marks = |marker: &Marker| match marker {
        Marker::Set(name) => env(name).is_some(),
        Marker::Is(name, value) => env(name).is_some_and(|found| found.eq_ignore_ascii_case(value)),
        Marker::Mount(path) => Path::new(path).exists(),
    };
    rows().find(|row| row.markers.iter().any(marks))
}

/// What the CI of `row` says.
pub(super) fn read(row: &Row, env: Env<'_>) -> CiContext {
    let get = |field: Field| field.iter().find_map(|template| fill(template, env, false));
    let page = |field: Field| field.iter().find_map(|template| fill(template, env, true));
    let branch = |field: Field| get(field).and_then(branch_name);
    let pull_request = pull_request(row, env);
    let tag = get(row.tag).map(|tag| tag.strip_prefix("refs/tags/").map(str::to_owned).unwrap_or(tag));
    let tag = tag.filter(|_| pull_request.is_none());
    let mut ci = CiContext {
        provider: Provider::Other(row.id),
        branch: match &pull_request {
            Some(pull) => pull.source_branch.clone(),
            None => branch(row.branch).filter(|_| tag.is_none()),
        },
        tag,
        commit: get(row.commit).filter(|commit| commit != "HEAD"),
        default_branch: branch(row.default_branch),
        pipeline: get(row.pipeline),
        job: get(row.job),
        run_id: get(row.run_id),
        build_number: get(row.number),
        attempt: get(row.attempt),
        build_url: page(row.url),
        status: get(row.status),
        actor: get(row.actor),
        environment: get(row.environment),
        repository_url: page(row.repository_url).filter(|url| url.starts_with("http")),
        unknown_change: pull_request.is_none() && get(row.says).is_none(),
        pull_request,
        ..CiContext::default()
    };
    ci.named(get(row.repository));
    if let Some(remote) = get(row.remote).and_then(|url| Remote::parse(&url)) {
        ci.of_remote(remote);
    }
    ci
}

fn pull_request(row: &Row, env: Env<'_>) -> Option<PullRequest> {
    let get = |field: Field| field.iter().find_map(|template| fill(template, env, false));
    let branch = |field: Field| get(field).and_then(branch_name);
    let id = row.pull_request.iter().find_map(|template| number(&fill(template, env, false)?));
    let named = row.reference.iter().chain(row.branch).find_map(|template| Proposed::of(&fill(template, env, false)?));
    if id.is_none() && named.is_none() && get(row.is_pull_request).is_none() {
        return None;
    }
    let (named_id, queue) = named.map(|it| (it.id, it.queue_of)).unwrap_or_default();
    Some(PullRequest {
        id: id.or(named_id).unwrap_or_default(),
        url: row.pull_request_url.iter().find_map(|template| fill(template, env, true)),
        source_branch: branch(row.source_branch),
        target_branch: branch(row.target_branch).or(queue),
        target_commit: get(row.target_commit),
        head_commit: get(row.head_commit),
        fork: fork(row.fork, env),
        ..PullRequest::default()
    })
}

fn fork(fork: Fork, env: Env<'_>) -> Option<bool> {
    match fork {
        Fork::Unsaid => None,
        Fork::Never => Some(false),
        Fork::Set(name, by) => env(name).map(|_| true).or_else(|| env(by).map(|_| false)),
        Fork::Flag(name) => Some(env(name)?.eq_ignore_ascii_case("true")),
        Fork::Differ(source, target) => Some(repository(&env(source)?) != repository(&env(target)?)),
    }
}

/// Host and path of an address for Git in one form, or a name.
fn repository(text: &str) -> (Option<String>, String) {
    let Some(remote) = Remote::parse(text) else { return (None, text.to_lowercase()) };
    let name = remote.workspace.iter().chain([&remote.repository]).cloned().collect::<Vec<_>>().join("/");
    let name = if remote.host.is_some() { name } else { text.to_owned() };
    (remote.host.map(|host| host.to_lowercase()), name.to_lowercase())
}

/// `12`, `https://github.com/org/app/pull/12`. Some say `false` outside of one.
fn number(value: &str) -> Option<String> {
    let last = value.trim().trim_end_matches('/').rsplit('/').next()?;
    (!last.is_empty() && !last.eq_ignore_ascii_case("false")).then(|| last.to_owned())
}

/// Without what Git calls it in full. A checkout without a branch has none.
fn branch_name(name: String) -> Option<String> {
    let short = ["refs/heads/", "refs/remotes/origin/"].iter().find_map(|prefix| name.strip_prefix(prefix));
    let short = short.map(str::to_owned).unwrap_or(name);
    (short != "HEAD" && short != "detached").then_some(short)
}
