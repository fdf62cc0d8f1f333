//! The commit whose policy files a pull request can't have changed (promise 7).

use crate::git::{Checkout, Head};

use super::context::{CiContext, Provider, PullRequest};

/// What a user does about [`Base::Unknown`].
pub const SAY_WHETHER: &str = "Set PULL_REQUEST=false for a push or a schedule, or PULL_REQUEST=ID with TARGET_BRANCH or \
     TARGET_COMMIT for a pull request";

/// Where to read policy files from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Base {
    /// The working tree is as good as anything.
    NotAPullRequest,
    /// Nothing says whether it is one.
    Unknown,
    /// This commit, which is in the checkout.
    Commit(String),
    /// The checkout is too shallow.
    Absent {
        /// What to ask the platform for instead.
        target_commit: Option<String>,
        /// What to change in the pipeline, as a sentence without its full stop: "Add `fetch-depth: 0` ...".
        hint: String,
    },
}

/// The merge base of the pull request's target and HEAD; the target itself where the history between them is missing.
///
/// Only names that the change's author has no hand in are followed: commits that the platform names, the first parent
/// of a merge that the platform made, and branches of the checkout only where it is known to be of the target's
/// repository (a workflow may well check out a fork, whose `main` is then `origin/main`).
pub fn base_commit(ci: &CiContext, checkout: &Checkout) -> Base {
    let Some(pull) = &ci.pull_request else { return base_without_checkout(ci) };
    let Some(head) = checkout.head() else { return base_without_checkout(ci) };
    let merged_into = merged_into(pull, &head);
    let mut targets: Vec<String> = [&merged_into, &pull.target_commit].into_iter().flatten().cloned().collect();
    // A branch is not proposed for itself, so that this is another one of the name, or no answer.
    let default = ci.default_branch.as_ref().filter(|branch| Some(*branch) != pull.source_branch.as_ref());
    if branches_are_of_the_target(ci.provider, pull)
        && let Some(branch) = pull.target_branch.as_ref().or(default)
    {
        targets.push(format!("refs/remotes/origin/{branch}"));
        if head.branch.as_ref() != Some(branch) {
            targets.push(format!("refs/heads/{branch}"));
        }
    }
    match targets.iter().find_map(|target| checkout.resolve(target)) {
        Some(target) => Base::Commit(checkout.merge_base(&target, &head.commit).unwrap_or(target)),
        None => Base::Absent { target_commit: merged_into.or_else(|| pull.target_commit.clone()), hint: hint(ci) },
    }
}

/// [`base_commit`] without a repository to look into.
pub fn base_without_checkout(ci: &CiContext) -> Base {
    match &ci.pull_request {
        None if ci.unknown_change => Base::Unknown,
        None => Base::NotAPullRequest,
        Some(pull) => Base::Absent { target_commit: pull.target_commit.clone(), hint: hint(ci) },
    }
}

/// The target's tip, if HEAD is the merge that the platform made and no commit of the author's that looks like one.
fn merged_into(pull: &PullRequest, head: &Head) -> Option<String> {
    let made = pull.merge_commit.as_ref() == Some(&head.commit);
    match head.parents.as_slice() {
        [target, source] if made && pull.head_commit.as_ref().is_none_or(|tip| tip == source) => Some(target.clone()),
        _ => None,
    }
}

fn branches_are_of_the_target(provider: Provider, pull: &PullRequest) -> bool {
    match (pull.fork, provider) {
        (Some(fork), _) => !fork,
        (None, Provider::GitHub | Provider::GitLab) => false,
        // These clone the target's repository whatever the source is.
        (None, Provider::Bitbucket | Provider::Other(_) | Provider::None) => true,
    }
}

fn hint(ci: &CiContext) -> String {
    match ci.provider {
        Provider::GitHub => "Add `fetch-depth: 0` under `with:` of the actions/checkout step",
        Provider::Bitbucket => {
            "Add `clone: depth: full` to bitbucket-pipelines.yml (`clone:` at its top, `depth: full` indented below)"
        }
        Provider::GitLab => "Add `GIT_DEPTH: \"0\"` under `variables:` of the job",
        Provider::Other(_) | Provider::None => "Clone with full history and fetch the target branch",
    }
    .to_owned()
}
