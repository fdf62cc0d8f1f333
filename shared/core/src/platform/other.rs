//! CI systems of which the run, the commit and the pull request are known, and nothing is written to their pages.

use super::context::{CiContext, Env, Provider, PullRequest};

/// The variables of one CI. An empty name stands for "has none".
struct Names {
    provider: &'static str,
    /// Is set to `marker_value`, or to anything if that is empty.
    marker: &'static str,
    marker_value: &'static str,
    run_id: &'static str,
    build_number: &'static str,
    build_url: &'static str,
    commit: &'static str,
    branch: &'static str,
    tag: &'static str,
    actor: &'static str,
    pull_request: &'static str,
    source_branch: &'static str,
    target_branch: &'static str,
}

const KNOWN: &[Names] = &[
    Names {
        provider: "circleci",
        marker: "CIRCLECI",
        marker_value: "",
        run_id: "CIRCLE_WORKFLOW_ID",
        build_number: "CIRCLE_BUILD_NUM",
        build_url: "CIRCLE_BUILD_URL",
        commit: "CIRCLE_SHA1",
        branch: "CIRCLE_BRANCH",
        tag: "CIRCLE_TAG",
        actor: "CIRCLE_USERNAME",
        pull_request: "CIRCLE_PULL_REQUEST",
        source_branch: "CIRCLE_BRANCH",
        target_branch: "",
    },
    Names {
        provider: "azure",
        marker: "TF_BUILD",
        marker_value: "",
        run_id: "BUILD_BUILDID",
        build_number: "BUILD_BUILDNUMBER",
        build_url: "",
        commit: "BUILD_SOURCEVERSION",
        branch: "BUILD_SOURCEBRANCH",
        tag: "",
        actor: "BUILD_REQUESTEDFOR",
        pull_request: "SYSTEM_PULLREQUEST_PULLREQUESTID",
        source_branch: "SYSTEM_PULLREQUEST_SOURCEBRANCH",
        target_branch: "SYSTEM_PULLREQUEST_TARGETBRANCH",
    },
    Names {
        provider: "jenkins",
        marker: "JENKINS_URL",
        marker_value: "",
        run_id: "BUILD_TAG",
        build_number: "BUILD_NUMBER",
        build_url: "BUILD_URL",
        commit: "GIT_COMMIT",
        branch: "BRANCH_NAME",
        tag: "TAG_NAME",
        actor: "",
        pull_request: "CHANGE_ID",
        source_branch: "CHANGE_BRANCH",
        target_branch: "CHANGE_TARGET",
    },
    Names {
        provider: "woodpecker",
        marker: "CI_SYSTEM_NAME",
        marker_value: "woodpecker",
        run_id: "CI_PIPELINE_NUMBER",
        build_number: "CI_PIPELINE_NUMBER",
        build_url: "CI_PIPELINE_URL",
        commit: "CI_COMMIT_SHA",
        branch: "CI_COMMIT_BRANCH",
        tag: "CI_COMMIT_TAG",
        actor: "CI_COMMIT_AUTHOR",
        pull_request: "CI_COMMIT_PULL_REQUEST",
        source_branch: "CI_COMMIT_SOURCE_BRANCH",
        target_branch: "CI_COMMIT_TARGET_BRANCH",
    },
    Names {
        provider: "buildkite",
        marker: "BUILDKITE",
        marker_value: "",
        run_id: "BUILDKITE_BUILD_ID",
        build_number: "BUILDKITE_BUILD_NUMBER",
        build_url: "BUILDKITE_BUILD_URL",
        commit: "BUILDKITE_COMMIT",
        branch: "BUILDKITE_BRANCH",
        tag: "BUILDKITE_TAG",
        actor: "BUILDKITE_BUILD_CREATOR",
        pull_request: "BUILDKITE_PULL_REQUEST",
        source_branch: "BUILDKITE_BRANCH",
        target_branch: "BUILDKITE_PULL_REQUEST_BASE_BRANCH",
    },
];

pub(super) fn context(env: Env<'_>) -> CiContext {
    let is = |names: &&Names| {
        env(names.marker).is_some_and(|value| names.marker_value.is_empty() || value == names.marker_value)
    };
    let Some(names) = KNOWN.iter().find(is) else { return CiContext::default() };
    let get = |name: &str| Some(name).filter(|name| !name.is_empty()).and_then(env);
    let pull_request = get(names.pull_request).and_then(|value| number(&value)).map(|id| PullRequest {
        id,
        source_branch: get(names.source_branch).map(short),
        target_branch: get(names.target_branch).map(short),
        fork: fork(names.provider, env),
        ..PullRequest::default()
    });
    let branch = get(names.branch);
    let tag = get(names.tag).or_else(|| branch.as_deref()?.strip_prefix("refs/tags/").map(str::to_owned));
    let branch = match &pull_request {
        Some(pull) => pull.source_branch.clone(),
        None => branch.filter(|_| tag.is_none()).map(short),
    };
    CiContext {
        provider: Provider::Other(names.provider),
        commit: get(names.commit).filter(|commit| commit != "HEAD"),
        branch,
        tag,
        pull_request,
        build_url: get(names.build_url).or_else(|| azure_url(names.provider, env)),
        build_number: get(names.build_number),
        run_id: get(names.run_id),
        actor: get(names.actor),
        ..CiContext::default()
    }
}

/// `12`, `https://github.com/org/app/pull/12`; Buildkite says `false` outside of one.
fn number(value: &str) -> Option<String> {
    let last = value.trim_end_matches('/').rsplit('/').next()?;
    (!last.is_empty() && last != "false").then(|| last.to_owned())
}

fn short(name: String) -> String {
    name.strip_prefix("refs/heads/").map(str::to_owned).unwrap_or(name)
}

/// Variables that are there for forks only, or say so.
fn fork(provider: &str, env: Env<'_>) -> Option<bool> {
    match provider {
        "azure" => Some(env("SYSTEM_PULLREQUEST_ISFORK")?.eq_ignore_ascii_case("true")),
        "jenkins" => Some(env("CHANGE_FORK").is_some()),
        "circleci" => Some(env("CIRCLE_PR_USERNAME").is_some()),
        _ => None,
    }
}

fn azure_url(provider: &str, env: Env<'_>) -> Option<String> {
    if provider != "azure" {
        return None;
    }
    let (server, project, id) = (env("SYSTEM_COLLECTIONURI")?, env("SYSTEM_TEAMPROJECT")?, env("BUILD_BUILDID")?);
    Some(format!("{}/{}/_build/results?buildId={id}", server.trim_end_matches('/'), project.replace(' ', "%20")))
}
