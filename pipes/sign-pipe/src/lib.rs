//! sign-pipe: signs images and files, attests what is known about them, and verifies signatures and attestations.
//!
//! Variables become a [`Config`]. The [`Plan`] says what is signed, attested and verified, and what becomes public by it.
//! `execute` does that: it resolves each image once, signs and attests the digest, and verifies what is at the registry
//! afterwards.

mod attestation;
mod authority;
mod claims;
mod cloud;
mod config;
mod demands;
mod error;
mod execute;
mod file;
mod file_bundle;
mod key_pair;
mod key_text;
mod plan;
mod present;
mod registry;
mod resolve;
mod results;
mod run;
mod signer;
mod signing_options;
mod signing_run;
mod sigstore;
mod targets;
mod vars;
mod verification_options;
mod verification_run;

use pipe_core::Pipe;
use pipe_core::context::Context;
use pipe_core::env::Vars;
use pipe_core::exit::Ending;
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

    fn plan(config: &Config, ctx: &Context) -> anyhow::Result<Plan> {
        Ok(Plan::new(config, ctx))
    }

    async fn execute(config: &Config, plan: Plan, ctx: &Context, report: &Recorder) -> Result<Ending, Ending> {
        execute::execute(config, plan, ctx, report).await
    }
}
