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
mod given;
pub mod rendering;
pub mod table;
#[cfg(test)]
mod tests;

pub use base::{Base, SAY_WHETHER, base_commit, base_without_checkout};
pub use context::{Author, Channels, CiContext, Env, Provider, PullRequest, Reported};
pub(crate) use given::given;

use crate::git::Checkout;

/// Detects the CI and reads what it says about the run. Never fails: what can't be found out is `None`.
pub fn detect(env: Env<'_>, checkout: Option<&Checkout>) -> CiContext {
    // The emulators of Bitbucket's pipes pass unset variables as empty ones.
    let env = |name: &str| env(name).filter(|value| !value.trim().is_empty());
    let head = checkout.and_then(Checkout::head);
    let mut ci = match table::recognise(&env) {
        Some(row) => {
            let said = table::read(row, &env);
            // These say more than variables can hold.
            match row.id {
                "bitbucket" => bitbucket::context(&env).or(said),
                "github" => github::context(&env, head.as_ref()).or(said),
                "gitea" | "forgejo" => github::follower(github::context(&env, head.as_ref()).or_pages_of(said)),
                "gitlab" => gitlab::context(&env).or(said),
                _ => said,
            }
        }
        None => CiContext { unknown_change: in_a_ci(&env), ..CiContext::default() },
    };
    if let (Some(checkout), Some(head)) = (checkout, head) {
        ci.complete(checkout, head);
    }
    ci.name();
    ci
}

/// Whether the environment says that it is a CI's, whichever that is.
fn in_a_ci(env: Env<'_>) -> bool {
    env("CI").is_some_and(|value| !["false", "0", "no", "off"].contains(&value.trim().to_lowercase().as_str()))
}
