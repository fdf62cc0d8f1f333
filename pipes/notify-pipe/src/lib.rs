//! notify-pipe sends one message about a pipeline run to people and systems, and fails if it was not delivered.
//!
//! Variables become a [`Config`], and [`facts`] adds what the checkout and the other pipes' reports say. [`compose`] words
//! one neutral [`message::Message`]. Each channel puts it into its service's own form and within its limits, and
//! [`execute`] sends them in parallel and reports whether each of them arrived.

mod channel;
mod ci_api;
mod compose;
mod config;
mod delivery;
mod deployment;
mod execute;
mod facts;
mod http;
mod log;
mod mention;
mod message;
mod plan;
mod post;
mod present;
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
use pipe_core::exit::Ending;
use pipe_core::report::Recorder;
use pipe_core::spec::Spec;

pub use config::Config;
pub use plan::Plan;
pub use template::renderer;
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

    async fn execute(config: &Config, plan: Plan, ctx: &Context, report: &Recorder) -> Result<Ending, Ending> {
        execute::execute(config, plan, ctx, report).await
    }
}
