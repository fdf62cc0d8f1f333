//! Bitbucket Pipelines: what its variables say, Code Insights, and variables for later steps.

mod api;
pub mod insights;
pub mod variables;

use std::path::PathBuf;

pub use api::API;

use super::context::{Channels, CiContext, Env, Provider, PullRequest};

/// The context of a step or a pipe.
pub(super) fn context(env: Env<'_>) -> CiContext {
    let mut ci = CiContext {
        provider: Provider::Bitbucket,
        workspace: env("BITBUCKET_WORKSPACE"),
        repository: env("BITBUCKET_REPO_SLUG"),
        api_url: Some(API.to_owned()),
        commit: env("BITBUCKET_COMMIT"),
        branch: env("BITBUCKET_BRANCH"),
        tag: env("BITBUCKET_TAG"),
        build_number: env("BITBUCKET_BUILD_NUMBER"),
        // `{uuid}`; a step that runs again keeps it.
        run_id: env("BITBUCKET_PIPELINE_UUID").map(|id| id.trim_matches(['{', '}']).to_owned()),
        actor: env("BITBUCKET_STEP_TRIGGERER_UUID"),
        environment: env("BITBUCKET_DEPLOYMENT_ENVIRONMENT"),
        channels: Channels {
            pipeline_variables: env("BITBUCKET_PIPELINES_VARIABLES_PATH").map(PathBuf::from),
            proxies: proxies(env),
            ..Channels::default()
        },
        ..CiContext::default()
    };
    ci.named(env("BITBUCKET_REPO_FULL_NAME"));
    ci.pull_request = env("BITBUCKET_PR_ID").map(|id| PullRequest {
        id,
        source_branch: ci.branch.clone(),
        target_branch: env("BITBUCKET_PR_DESTINATION_BRANCH"),
        target_commit: env("BITBUCKET_PR_DESTINATION_COMMIT"),
        head_commit: ci.commit.clone(),
        // There are no pipelines for pull requests of forks.
        fork: Some(false),
        ..PullRequest::default()
    });
    if let (Some(workspace), Some(repository)) = (&ci.workspace, &ci.repository) {
        let page = format!("https://bitbucket.org/{workspace}/{repository}");
        ci.build_url = ci.build_number.as_ref().map(|number| format!("{page}/pipelines/results/{number}"));
        ci.repository_url = Some(page);
    }
    // A pipeline has one number, so that it can stand in for the id.
    if ci.run_id.is_none() {
        ci.run_id.clone_from(&ci.build_number);
    }
    ci
}

/// The proxy listens on the machine's own loopback address: a step reaches it as `localhost`, a pipe, which is a
/// container started by the step, as the Docker host.
fn proxies(env: Env<'_>) -> Vec<String> {
    const PORT: u16 = 29418;
    let host = env("BITBUCKET_DOCKER_HOST_INTERNAL").unwrap_or_else(|| "host.docker.internal".to_owned());
    let outside = format!("http://{host}:{PORT}");
    let local = format!("http://localhost:{PORT}");
    let pipe = env("BITBUCKET_PIPE_STORAGE_DIR").is_some()
        || env("DOCKER_HOST").is_some_and(|daemon| daemon.contains("host.docker.internal"));
    if pipe { vec![outside, local] } else { vec![local, outside] }
}
