//! What the user says about the run, for CIs that do not say it.

use super::context::{CiContext, Provider, PullRequest};
use super::table;
use crate::env::Vars;
use crate::spec::{Var, common};

/// Fills in what the variables say. Names may be replaced. What decides whose policy files count must not contradict a CI
/// that says it, since a job-wide `env:` would otherwise switch the gate off.
pub(crate) fn given(vars: &mut Vars, ci: &mut CiContext) {
    let recognised = ci.provider != Provider::None;
    let row = table::rows().find(|row| row.id == ci.provider.as_str());
    // Some CIs have variables of these names themselves.
    let is_own = |var: &Var| row.is_some_and(|row| row.reads(var.name));
    let name = |vars: &mut Vars, var: &'static Var| {
        let value = vars.text(var);
        value.filter(|_| !(recognised && vars.is_bare(var)))
    };
    let (repository, pipeline, branch) =
        (name(vars, &common::REPOSITORY), name(vars, &common::PIPELINE), name(vars, &common::BRANCH));
    if let Some(repository) = repository {
        (ci.workspace, ci.repository) = (None, None);
        ci.named(Some(repository));
    }
    ci.pipeline = pipeline.or(ci.pipeline.take());
    ci.branch = branch.or(ci.branch.take());

    let mut fact = |var: &'static Var| {
        let value = vars.text(var).map(|value| value.trim().to_owned());
        value.filter(|_| !(is_own(var) && vars.is_bare(var)))
    };
    let (id, target_branch, target_commit) =
        (fact(&common::PULL_REQUEST), fact(&common::TARGET_BRANCH), fact(&common::TARGET_COMMIT));
    if let Some(id) = &id {
        pull_request(vars, ci, id);
    }
    for (var, value) in [(&common::TARGET_BRANCH, target_branch), (&common::TARGET_COMMIT, target_commit)] {
        if let Some(value) = value {
            target(vars, ci, var, value);
        }
    }
}

fn pull_request(vars: &mut Vars, ci: &mut CiContext, id: &str) {
    let denied = id.eq_ignore_ascii_case("false");
    let plain = id.trim_start_matches(['#', '!']);
    if !denied
        && (plain.is_empty() || !plain.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')))
        || id.eq_ignore_ascii_case("true")
    {
        vars.problem(&common::PULL_REQUEST, "expected the id of a pull request, such as 41, or false");
        return;
    }
    let by = ci.provider.as_str();
    match &mut ci.pull_request {
        Some(known) if denied || (!known.id.is_empty() && known.id != plain) => {
            let message =
                format!("contradicts {by}, by which this run is for pull request {}. Unset PULL_REQUEST", known.id);
            vars.problem(&common::PULL_REQUEST, message);
        }
        Some(known) => plain.clone_into(&mut known.id),
        None if denied => ci.unknown_change = false,
        None if ci.provider != Provider::None && !ci.unknown_change => {
            let message = format!("contradicts {by}, by which this run is not for a pull request. Unset PULL_REQUEST");
            vars.problem(&common::PULL_REQUEST, message);
        }
        None => {
            ci.unknown_change = false;
            ci.pull_request = Some(PullRequest {
                id: plain.to_owned(),
                source_branch: ci.branch.clone(),
                head_commit: ci.commit.clone(),
                ..PullRequest::default()
            });
        }
    }
}

fn target(vars: &mut Vars, ci: &mut CiContext, var: &'static Var, value: String) {
    let (by, unknown) = (ci.provider.as_str(), ci.unknown_change);
    let Some(pull) = &mut ci.pull_request else {
        // Job-wide, it may be there for the pull requests of the job.
        if unknown || !vars.is_bare(var) {
            let advice = if unknown { "Set PULL_REQUEST to its id as well" } else { "Unset it" };
            vars.problem(var, format!("has no effect without a pull request. {advice}"));
        }
        return;
    };
    let value = value.strip_prefix("refs/heads/").map(str::to_owned).unwrap_or(value);
    let is_commit = var.name == common::TARGET_COMMIT.name;
    if is_commit && !(value.len() >= 7 && value.bytes().all(|b| b.is_ascii_hexdigit())) {
        vars.problem(var, "expected at least 7 hexadecimal digits of a commit");
        return;
    }
    let known = if is_commit { &mut pull.target_commit } else { &mut pull.target_branch };
    let agrees = |known: &str| match is_commit {
        true => known.starts_with(&value.to_lowercase()) || value.to_lowercase().starts_with(known),
        false => known == value,
    };
    match known {
        Some(known) if !agrees(known) => {
            vars.problem(var, format!("contradicts {by}, by which it is {known}. Unset {}", var.name));
        }
        _ => *known = Some(value),
    }
}
