//! The deployment that the run made, with what the four DORA figures need.

use jiff::Timestamp;
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::Var;

use crate::reports::DeploymentReport;
use crate::run::{DeployedCommit, Deployment, Run};
use crate::status::Status;

pub(crate) const EVENT: Var = Var::choice(
    "EVENT",
    &["auto", "pipeline", "deployment"],
    "Which events are sent: the pipeline run only, or a deployment too.",
)
.values(&[
    ("auto", "sends a deployment if ENVIRONMENT is set or a deployment report exists"),
    ("pipeline", "sends the pipeline run only"),
    ("deployment", "sends a deployment too"),
])
.default("auto");
pub(crate) const ENVIRONMENT: Var = Var::text("ENVIRONMENT", "The environment of the deployment.")
    .unset("it is taken from the CI or from a deployment report")
    .example("production");
pub(crate) const SERVICE: Var = Var::text("SERVICE", "The name of the deployed service.")
    .aliases(&["DD_SERVICE"])
    .unset("it is taken from a deployment report, or it is the name of the repository")
    .example("shop");
pub(crate) const VERSION: Var = Var::text("VERSION", "The deployed version.")
    .unset("it is taken from a deployment report, or it is the tag")
    .example("1.2.3");
pub(crate) const IMAGE: Var = Var::text("IMAGE", "The deployed image.")
    .unset("it is taken from a deployment report")
    .example("ghcr.io/org/shop:1.2.3");
pub(crate) const PREVIOUS_COMMIT: Var =
    Var::text("PREVIOUS_COMMIT", "The commit that was deployed before. The commits after it count as deployed.")
        .unset("it is taken from a deployment report");
pub(crate) const ROLLBACK: Var = Var::flag("ROLLBACK", "Reports that the deployment restored an earlier state.")
    .or("reports an ordinary deployment")
    .unset(
        "it is taken from a deployment report, or it is true if the deployed commit is an ancestor of PREVIOUS_COMMIT",
    );
pub(crate) const VARS: &[&Var] = &[&EVENT, &ENVIRONMENT, &SERVICE, &VERSION, &IMAGE, &PREVIOUS_COMMIT, &ROLLBACK];

/// Commits of a deployment that are listed.
const MAX_COMMITS: usize = 200;

/// What the variables say.
#[derive(Debug, Default)]
pub(crate) struct DeploymentOptions {
    /// `Some` where EVENT says so.
    forced: Option<bool>,
    pub(crate) environment: Option<String>,
    service: Option<String>,
    version: Option<String>,
    image: Option<String>,
    previous_commit: Option<String>,
    rollback: Option<bool>,
}

impl DeploymentOptions {
    pub(crate) fn from_vars(vars: &mut Vars) -> DeploymentOptions {
        DeploymentOptions {
            forced: match vars.choice(&EVENT) {
                Some("pipeline") => Some(false),
                Some("deployment") => Some(true),
                _ => None,
            },
            environment: vars.text(&ENVIRONMENT).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty()),
            service: vars.text(&SERVICE),
            version: vars.text(&VERSION),
            image: vars.text(&IMAGE),
            previous_commit: vars.text(&PREVIOUS_COMMIT).map(|text| text.trim().to_owned()),
            rollback: vars.maybe_flag(&ROLLBACK),
        }
    }

    /// The deployment of `run`, if it made one, and what could not be found out about it.
    pub(crate) fn resolve(
        &self,
        run: &Run,
        status: Status,
        deployed: Option<&DeploymentReport>,
        ctx: &Context,
    ) -> (Option<Deployment>, Vec<String>) {
        let environment = self.environment.clone().or_else(|| run.environment.clone());
        let environment = environment.or_else(|| deployed?.environment.clone());
        let made = self.forced.unwrap_or(environment.is_some() || deployed.is_some());
        if !made {
            return (None, Vec::new());
        }
        let told =
            |what: fn(&DeploymentReport) -> &Option<String>| deployed.and_then(|deployed| what(deployed).clone());
        let repository = run.repository.as_deref().map(|name| name.rsplit('/').next().unwrap_or(name).to_owned());
        let commit = told(|it| &it.commit).or_else(|| run.commit.clone());
        let previous_commit = self.previous_commit.clone().or_else(|| told(|it| &it.previous_commit));
        let mut deployment = Deployment {
            environment: environment.unwrap_or_else(|| "production".to_owned()),
            service: self
                .service
                .clone()
                .or_else(|| told(|it| &it.release))
                .or(repository)
                .unwrap_or_else(|| "app".to_owned()),
            version: self.version.clone().or_else(|| told(|it| &it.version)).or_else(|| run.tag.clone()),
            image: self.image.clone().or_else(|| told(|it| &it.image)),
            revision: deployed.and_then(|deployed| deployed.revision).map(|revision| revision.to_string()),
            reason: told(|it| &it.reason),
            rollback: self.rollback.unwrap_or(deployed.is_some_and(|deployed| deployed.rolled_back)),
            started_at: deployed.and_then(|deployed| deployed.started_at).or(run.started_at),
            finished_at: deployed.and_then(|deployed| deployed.finished_at).or(Some(run.finished_at)),
            commit,
            previous_commit,
            commits: Vec::new(),
        };
        let mut warnings = Vec::new();
        if status != Status::Error || deployment.rollback {
            self.history(&mut deployment, ctx, &mut warnings);
        }
        (Some(deployment), warnings)
    }

    /// The commits that the deployment brought.
    fn history(&self, deployment: &mut Deployment, ctx: &Context, warnings: &mut Vec<String>) {
        let (Some(checkout), Some(commit)) = (&ctx.checkout, &deployment.commit) else { return };
        if checkout.is_shallow() {
            warnings.push(
                "the clone is shallow, so deployed commits may be missing and lead times too short. Set `fetch-depth: 0`, \
                 `clone: depth: full` or GIT_DEPTH=0"
                    .to_owned(),
            );
        }
        let Some(previous) = &deployment.previous_commit else {
            deployment.commits = checkout
                .commit(commit)
                .into_iter()
                .filter_map(|head| {
                    Some(DeployedCommit { commit: head.commit, committed_at: head.committer_time.parse().ok()? })
                })
                .collect();
            return;
        };
        match checkout.changes(previous, commit, MAX_COMMITS) {
            Ok(changes) => {
                if changes.more {
                    warnings.push(format!("more than {MAX_COMMITS} commits were deployed, and only the newest are sent. Set PREVIOUS_COMMIT to a later one"));
                }
                let times = changes.commits.into_iter().filter_map(|change| {
                    let committed_at = Timestamp::from_second(change.time).ok()?;
                    Some(DeployedCommit { commit: change.commit, committed_at })
                });
                deployment.commits = times.collect();
                let base = checkout.merge_base(previous, commit);
                let older = deployment.commits.is_empty() && base.is_some() && base == checkout.resolve(commit);
                let same = checkout.resolve(previous) == checkout.resolve(commit);
                if self.rollback.is_none() && older && !same {
                    deployment.rollback = true;
                }
            }
            Err(error) => warnings.push(format!(
                "failed to list the deployed commits: {error:#}. Set PREVIOUS_COMMIT to a commit of this repository"
            )),
        }
    }
}
