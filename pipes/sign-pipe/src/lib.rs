//! sign-pipe: this digest is ours, and anyone can check.
//!
//! Variables become a [`Config`]; the plan says what would be signed and what becomes public by it; [`execute`] resolves
//! each image once, signs and attests what it was then, and verifies what is there afterwards.

mod attestation;
mod checker;
mod cloud;
mod config;
mod execute;
mod files;
mod identity;
mod images;
mod keyless;
mod maker;
mod plan;
mod present;
mod registry;
mod signing;
mod targets;
mod vars;
mod verification;
mod verifier;

use pipe_core::Pipe;
use pipe_core::context::Context;
use pipe_core::env::Vars;
use pipe_core::exit::{Pass, Stop};
use pipe_core::report::Recorder;
use pipe_core::spec::Spec;

pub use config::Config;
pub use plan::Plan;
pub use vars::SPEC;

/// The pipe.
pub struct SignPipe;

impl Pipe for SignPipe {
    const SPEC: &'static Spec = &SPEC;
    type Config = Config;
    type Plan = Plan;

    fn config(vars: &mut Vars, ctx: &Context) -> Option<Config> {
        Config::from_vars(vars, ctx)
    }

    fn plan(config: &Config, _: &Context) -> anyhow::Result<Plan> {
        Ok(Plan::new(config))
    }

    async fn execute(config: &Config, _: Plan, ctx: &Context, report: &Recorder) -> Result<Pass, Stop> {
        execute::execute(config, ctx, report).await
    }
}
