//! The CI system a run is part of: what is known about the run, and how its pages show the result.
//!
//! Everything is read from the environment and, where that says nothing, from the checkout's Git objects, so that a
//! laptop gives the same answers if possible.

mod base;
pub mod bitbucket;
mod context;
pub mod escape;
pub mod github;
pub mod gitlab;
mod other;
pub mod rendering;
#[cfg(test)]
mod tests;

pub use base::{Base, base_commit, base_without_checkout};
pub use context::{Author, Channels, CiContext, Env, Provider, PullRequest, Reported};

use crate::git::Checkout;

/// Detects the CI and reads what it says about the run. Never fails: what can't be found out is `None`.
pub fn detect(env: Env<'_>, checkout: Option<&Checkout>) -> CiContext {
    // The emulators of Bitbucket's pipes pass unset variables as empty ones.
    let env = |name: &str| env(name).filter(|value| !value.trim().is_empty());
    let head = checkout.and_then(Checkout::head);
    let mut ci = if env("BITBUCKET_BUILD_NUMBER").is_some() {
        bitbucket::context(&env)
    } else if env("GITHUB_ACTIONS").is_some() {
        github::context(&env, head.as_ref())
    } else if env("GITLAB_CI").is_some() {
        gitlab::context(&env)
    } else {
        other::context(&env)
    };
    if let (Some(checkout), Some(head)) = (checkout, head) {
        ci.complete(checkout, head);
    }
    if ci.full_name.is_none() {
        ci.full_name = match (&ci.workspace, &ci.repository) {
            (Some(workspace), Some(repository)) => Some(format!("{workspace}/{repository}")),
            (None, Some(repository)) => Some(repository.clone()),
            _ => None,
        };
    }
    ci
}
