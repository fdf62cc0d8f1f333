//! GitLab CI: what its variables say, and the report files its jobs can hand in.

pub mod reports;

use super::context::{CiContext, Env, Provider, PullRequest};

/// The context of a job.
pub(super) fn context(env: Env<'_>) -> CiContext {
    let mut ci = CiContext {
        provider: Provider::GitLab,
        workspace: env("CI_PROJECT_NAMESPACE"),
        repository: env("CI_PROJECT_NAME"),
        repository_url: env("CI_PROJECT_URL"),
        api_url: env("CI_API_V4_URL"),
        commit: env("CI_COMMIT_SHA"),
        tag: env("CI_COMMIT_TAG"),
        default_branch: env("CI_DEFAULT_BRANCH"),
        pull_request: merge_request(env),
        build_url: env("CI_JOB_URL").or_else(|| env("CI_PIPELINE_URL")),
        build_number: env("CI_PIPELINE_IID").or_else(|| env("CI_PIPELINE_ID")),
        run_id: env("CI_PIPELINE_ID"),
        actor: env("GITLAB_USER_LOGIN"),
        environment: env("CI_ENVIRONMENT_NAME"),
        ..CiContext::default()
    };
    ci.branch = env("CI_COMMIT_BRANCH").or_else(|| ci.pull_request.as_ref()?.source_branch.clone());
    ci.named(env("CI_PROJECT_PATH"));
    ci
}

fn merge_request(env: Env<'_>) -> Option<PullRequest> {
    let id = env("CI_MERGE_REQUEST_IID")?;
    // The pipeline of a fork's merge request runs in the fork, or in the target's project when a member starts it.
    let target = env("CI_MERGE_REQUEST_PROJECT_ID").or_else(|| env("CI_PROJECT_ID"));
    let fork = env("CI_MERGE_REQUEST_SOURCE_PROJECT_ID").zip(target).map(|(source, target)| source != target);
    // There is a target SHA only in pipelines for merged results, and only these run on a merge that GitLab made.
    let target_tip = env("CI_MERGE_REQUEST_TARGET_BRANCH_SHA");
    let source_tip = env("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA");
    Some(PullRequest {
        id,
        url: None,
        repository: env("CI_MERGE_REQUEST_PROJECT_PATH"),
        source_branch: env("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
        target_branch: env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
        merge_commit: target_tip.as_ref().and_then(|_| env("CI_COMMIT_SHA")),
        target_commit: target_tip.or_else(|| env("CI_MERGE_REQUEST_DIFF_BASE_SHA")),
        head_commit: source_tip.or_else(|| env("CI_COMMIT_SHA")),
        fork,
        bot: env("GITLAB_USER_LOGIN").is_some_and(|login| is_bot(&login)),
    })
}

/// Renovate's usual account, and the accounts behind project and group access tokens.
fn is_bot(login: &str) -> bool {
    login == "renovate-bot"
        || ["project_", "group_"].iter().any(|kind| {
            login
                .strip_prefix(kind)
                .and_then(|rest| rest.split_once("_bot"))
                .is_some_and(|(number, _)| !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit()))
        })
}
