//! The claims of the CI's token about this run, compared with the environment.

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_evidence::token::IdToken;

use crate::error::Error;

/// The run as its token describes it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Claims {
    pub(crate) issuer: String,
    /// `org/app`
    pub(crate) repository: Option<String>,
    /// `https://github.com/org/app`
    pub(crate) repository_url: Option<String>,
    /// `refs/heads/main`
    pub(crate) git_ref: Option<String>,
    pub(crate) commit: Option<String>,
    pub(crate) run_id: Option<String>,
    pub(crate) run_attempt: Option<String>,
    pub(crate) run_url: Option<String>,
    /// The workflow file with its ref: `org/app/.github/workflows/ci.yml@refs/heads/main`.
    pub(crate) workflow_ref: Option<String>,
    /// The builder: the reusable workflow if there is one.
    pub(crate) builder: Option<String>,
    pub(crate) trigger: Option<String>,
    pub(crate) repository_id: Option<String>,
    pub(crate) owner_id: Option<String>,
    pub(crate) runner: Option<String>,
}

/// The run as the environment describes it: each value with the variable that holds it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    repository: Option<(&'static str, String)>,
    git_ref: Option<(&'static str, String)>,
    commit: Option<(&'static str, String)>,
    run_id: Option<(&'static str, String)>,
}

impl Environment {
    pub(crate) fn from_vars(vars: &Vars) -> Environment {
        let get = |names: &[&'static str]| names.iter().find_map(|name| Some((*name, vars.ci(name)?.to_owned())));
        let gitlab_ref = || {
            let tag = vars.ci("CI_COMMIT_TAG").map(|tag| ("CI_COMMIT_TAG", format!("refs/tags/{tag}")));
            tag.or_else(|| Some(("CI_COMMIT_BRANCH", format!("refs/heads/{}", vars.ci("CI_COMMIT_BRANCH")?))))
        };
        Environment {
            repository: get(&["GITHUB_REPOSITORY", "CI_PROJECT_PATH"]),
            git_ref: get(&["GITHUB_REF"]).or_else(gitlab_ref),
            commit: get(&["GITHUB_SHA", "CI_COMMIT_SHA"]),
            run_id: get(&["GITHUB_RUN_ID", "CI_PIPELINE_ID"]),
        }
    }

    /// The first value that differs between token and environment: a variable was changed, or the token belongs to
    /// another run.
    pub(crate) fn contradiction(&self, claims: &Claims) -> Option<Error> {
        let pairs = [
            (&self.repository, &claims.repository),
            (&self.git_ref, &claims.git_ref),
            (&self.commit, &claims.commit),
            (&self.run_id, &claims.run_id),
        ];
        pairs.into_iter().find_map(|(set, claimed)| match (set, claimed) {
            (Some((name, value)), Some(claimed)) if value != claimed => {
                Some(Error::TokenContradicted { name, value: value.clone(), claimed: claimed.clone() })
            }
            _ => None,
        })
    }
}

impl Claims {
    /// From a token of GitHub or GitLab; of other tokens only the issuer is used.
    pub(crate) fn of(token: &IdToken) -> Claims {
        let get = |name: &str| token.claim(name).map(str::to_owned);
        let issuer = token.issuer().to_owned();
        if token.claim("job_workflow_ref").is_some() {
            // A GitHub Enterprise server has its own issuer: https://HOST/_services/token.
            let host = match issuer.strip_prefix("https://").and_then(|rest| rest.split('/').next()) {
                Some("token.actions.githubusercontent.com") | None => "github.com",
                Some(host) => host,
            };
            let server = format!("https://{host}");
            let repository = get("repository");
            let run = repository.as_ref().zip(get("run_id")).map(|(repository, id)| {
                let attempt = get("run_attempt").map(|attempt| format!("/attempts/{attempt}")).unwrap_or_default();
                format!("{server}/{repository}/actions/runs/{id}{attempt}")
            });
            return Claims {
                repository_url: repository.as_ref().map(|repository| format!("{server}/{repository}")),
                repository,
                git_ref: get("ref"),
                commit: get("sha"),
                run_id: get("run_id"),
                run_attempt: get("run_attempt"),
                run_url: run,
                workflow_ref: get("workflow_ref"),
                builder: get("job_workflow_ref").map(|workflow| format!("{server}/{workflow}")),
                trigger: get("event_name"),
                repository_id: get("repository_id"),
                owner_id: get("repository_owner_id"),
                runner: get("runner_environment"),
                issuer,
            };
        }
        if token.claim("project_path").is_some() {
            let prefix = if token.claim("ref_type") == Some("tag") { "refs/tags/" } else { "refs/heads/" };
            let repository = get("project_path");
            let url = repository.as_ref().map(|repository| format!("{issuer}/{repository}"));
            return Claims {
                run_url: url.as_ref().zip(get("job_id")).map(|(url, job)| format!("{url}/-/jobs/{job}")),
                repository_url: url,
                repository,
                git_ref: get("ref_path").or_else(|| get("ref").map(|name| format!("{prefix}{name}"))),
                commit: get("sha"),
                run_id: get("pipeline_id"),
                run_attempt: None,
                builder: get("ci_config_ref_uri").map(|config| format!("https://{config}")),
                workflow_ref: get("ci_config_ref_uri"),
                trigger: get("pipeline_source"),
                repository_id: get("project_id"),
                owner_id: get("namespace_id"),
                runner: get("runner_environment"),
                issuer,
            };
        }
        Claims { issuer, ..Claims::default() }
    }

    /// The run as the environment alone describes it, which no token confirms.
    pub(crate) fn of_environment(ctx: &Context) -> Claims {
        let ci = &ctx.ci;
        let branch = ci.branch.as_ref().map(|branch| format!("refs/heads/{branch}"));
        Claims {
            repository: ci.full_name.clone(),
            repository_url: ci.repository_url.clone(),
            git_ref: ci.tag.as_ref().map(|tag| format!("refs/tags/{tag}")).or(branch),
            commit: ci.commit.clone(),
            run_id: ci.run_id.clone(),
            run_url: ci.build_url.clone(),
            ..Claims::default()
        }
    }
}
