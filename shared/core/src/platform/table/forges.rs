//! The CIs that are parts of a platform for repositories.

use super::row::{Fork, Marker, Row};

pub(super) const ROWS: &[Row] = &[
    Row {
        id: "bitbucket",
        title: "Bitbucket Pipelines",
        docs: "https://support.atlassian.com/bitbucket-cloud/docs/variables-and-secrets/",
        markers: &[Marker::Set("BITBUCKET_BUILD_NUMBER")],
        says: &["{BITBUCKET_BUILD_NUMBER}"],
        repository: &["{BITBUCKET_REPO_FULL_NAME}", "{BITBUCKET_WORKSPACE}/{BITBUCKET_REPO_SLUG}"],
        repository_url: &["https://bitbucket.org/{BITBUCKET_WORKSPACE}/{BITBUCKET_REPO_SLUG}"],
        branch: &["{BITBUCKET_BRANCH}"],
        tag: &["{BITBUCKET_TAG}"],
        commit: &["{BITBUCKET_COMMIT}"],
        run_id: &["{BITBUCKET_PIPELINE_UUID}", "{BITBUCKET_BUILD_NUMBER}"],
        number: &["{BITBUCKET_BUILD_NUMBER}"],
        attempt: &["{BITBUCKET_STEP_RUN_NUMBER}"],
        url: &[
            "https://bitbucket.org/{BITBUCKET_WORKSPACE}/{BITBUCKET_REPO_SLUG}/pipelines/results/{BITBUCKET_BUILD_NUMBER}",
        ],
        status: &["{BITBUCKET_EXIT_CODE}"],
        actor: &["{BITBUCKET_STEP_TRIGGERER_UUID}"],
        environment: &["{BITBUCKET_DEPLOYMENT_ENVIRONMENT}"],
        is_pull_request: &["{BITBUCKET_PR_DESTINATION_BRANCH}"],
        pull_request: &["{BITBUCKET_PR_ID}"],
        pull_request_url: &[
            "https://bitbucket.org/{BITBUCKET_WORKSPACE}/{BITBUCKET_REPO_SLUG}/pull-requests/{BITBUCKET_PR_ID}",
        ],
        source_branch: &["{BITBUCKET_BRANCH}"],
        target_branch: &["{BITBUCKET_PR_DESTINATION_BRANCH}"],
        target_commit: &["{BITBUCKET_PR_DESTINATION_COMMIT}"],
        head_commit: &["{BITBUCKET_COMMIT}"],
        fork: Fork::Never,
        ..Row::EMPTY
    },
    Row {
        id: "forgejo",
        title: "Forgejo Actions",
        docs: "https://forgejo.org/docs/latest/user/actions/reference/",
        markers: &[Marker::Set("FORGEJO_ACTIONS")],
        ..GITEA
    },
    GITEA,
    Row {
        id: "github",
        title: "GitHub Actions",
        docs: "https://docs.github.com/en/actions/reference/workflows-and-actions/variables",
        markers: &[Marker::Set("GITHUB_ACTIONS")],
        ..ACTIONS
    },
    Row {
        id: "gitlab",
        title: "GitLab CI/CD",
        docs: "https://docs.gitlab.com/ci/variables/predefined_variables/",
        markers: &[Marker::Set("GITLAB_CI")],
        says: &["{GITLAB_CI}"],
        repository: &["{CI_PROJECT_PATH}", "{CI_PROJECT_NAMESPACE}/{CI_PROJECT_NAME}"],
        repository_url: &["{CI_PROJECT_URL}"],
        pipeline: &["{CI_PIPELINE_NAME}"],
        job: &["{CI_JOB_NAME}"],
        branch: &["{CI_COMMIT_BRANCH}"],
        tag: &["{CI_COMMIT_TAG}"],
        commit: &["{CI_COMMIT_SHA}"],
        default_branch: &["{CI_DEFAULT_BRANCH}"],
        run_id: &["{CI_PIPELINE_ID}"],
        number: &["{CI_PIPELINE_IID}", "{CI_PIPELINE_ID}"],
        url: &["{CI_JOB_URL}", "{CI_PIPELINE_URL}"],
        status: &["{CI_JOB_STATUS}"],
        actor: &["{GITLAB_USER_LOGIN}"],
        environment: &["{CI_ENVIRONMENT_NAME}"],
        // The second one is for a pull request of a repository elsewhere, which GitLab mirrors.
        is_pull_request: &[
            "{CI_PIPELINE_SOURCE=merge_request_event}",
            "{CI_PIPELINE_SOURCE=external_pull_request_event}",
        ],
        pull_request: &["{CI_MERGE_REQUEST_IID}", "{CI_EXTERNAL_PULL_REQUEST_IID}"],
        // A fork's pipeline may run in the fork, while the merge request is in the target project.
        pull_request_url: &[
            "{CI_MERGE_REQUEST_PROJECT_URL}/-/merge_requests/{CI_MERGE_REQUEST_IID}",
            "{CI_PROJECT_URL}/-/merge_requests/{CI_MERGE_REQUEST_IID}",
            "https://github.com/{CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY}/pull/{CI_EXTERNAL_PULL_REQUEST_IID}",
        ],
        source_branch: &["{CI_MERGE_REQUEST_SOURCE_BRANCH_NAME}", "{CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME}"],
        target_branch: &["{CI_MERGE_REQUEST_TARGET_BRANCH_NAME}", "{CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME}"],
        target_commit: &[
            "{CI_MERGE_REQUEST_TARGET_BRANCH_SHA}",
            "{CI_MERGE_REQUEST_DIFF_BASE_SHA}",
            "{CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA}",
        ],
        head_commit: &[
            "{CI_MERGE_REQUEST_SOURCE_BRANCH_SHA}",
            "{CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA}",
            "{CI_COMMIT_SHA}",
        ],
        fork: Fork::Differ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "CI_MERGE_REQUEST_PROJECT_ID"),
        ..Row::EMPTY
    },
];

/// What GitHub's runner and those that follow it set. The event's file says more.
const ACTIONS: Row = Row {
    says: &["{GITHUB_EVENT_NAME}"],
    repository: &["{GITHUB_REPOSITORY}"],
    repository_url: &["{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}"],
    pipeline: &["{GITHUB_WORKFLOW}"],
    job: &["{GITHUB_JOB}"],
    branch: &["{GITHUB_REF_TYPE=branch}{GITHUB_REF_NAME}"],
    tag: &["{GITHUB_REF_TYPE=tag}{GITHUB_REF_NAME}"],
    commit: &["{GITHUB_SHA}"],
    run_id: &["{GITHUB_RUN_ID}"],
    number: &["{GITHUB_RUN_NUMBER}"],
    attempt: &["{GITHUB_RUN_ATTEMPT}"],
    url: &["{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}"],
    actor: &["{GITHUB_ACTOR}", "{GITHUB_TRIGGERING_ACTOR}"],
    is_pull_request: &["{GITHUB_EVENT_NAME<pull_request}", "{GITHUB_EVENT_NAME=merge_group}"],
    reference: &["{GITHUB_REF}"],
    source_branch: &["{GITHUB_HEAD_REF}"],
    target_branch: &["{GITHUB_BASE_REF}"],
    ..Row::EMPTY
};

const GITEA: Row = Row {
    id: "gitea",
    title: "Gitea Actions",
    docs: "https://docs.gitea.com/usage/actions/comparison",
    markers: &[Marker::Set("GITEA_ACTIONS")],
    // A page there has the number of the run and not its id.
    url: &["{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_NUMBER}"],
    ..ACTIONS
};
