//! notify-pipe: the people and systems that must know, know, or the run says who does not.
//!
//! Variables become a [`Config`]; [`compose`] makes one neutral [`message::Message`] of it, the checkout and the other
//! pipes' reports; each channel puts that into its service's own form and within its limits; [`execute`] sends them side
//! by side and says of each whether it arrived.

mod channel;
mod compose;
mod config;
mod deployment;
mod execute;
mod http;
mod log;
mod mention;
mod message;
mod pipeline;
mod plan;
mod post;
mod reports;
mod run;
mod state;
mod status;
mod template;
mod text;
mod vars;
mod when;

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
pub struct NotifyPipe;

impl Pipe for NotifyPipe {
    const SPEC: &'static Spec = &SPEC;
    type Config = Config;
    type Plan = Plan;

    fn config(vars: &mut Vars, ctx: &Context) -> Option<Config> {
        Config::from_vars(vars, ctx)
    }

    fn plan(config: &Config, ctx: &Context) -> anyhow::Result<Plan> {
        Ok(Plan::new(config, ctx))
    }

    async fn execute(config: &Config, plan: Plan, ctx: &Context, report: &Recorder) -> Result<Pass, Stop> {
        execute::execute(config, plan, ctx, report).await
    }
}
