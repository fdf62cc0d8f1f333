//! security-pipe: is this tree fit to ship?
//!
//! Variables become a [`Config`], that a [`Plan`], and [`execute`] walks the tree once, runs the scanners side by side,
//! lets the gate judge what they found, and writes the reports.

mod baseline;
mod config;
mod demands;
mod execute;
mod finding;
mod findings;
#[doc(hidden)]
pub mod fuzz;
mod gate;
mod ignore_file;
mod inventory;
mod ledger;
mod messages;
mod output;
mod plan;
mod policy;
mod scanner;
mod source;
mod tree;
mod vars;
mod verdict;
mod words;
mod write;

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
pub struct SecurityPipe;

impl Pipe for SecurityPipe {
    const SPEC: &'static Spec = &SPEC;
    type Config = Config;
    type Plan = Plan;

    fn config(vars: &mut Vars, ctx: &Context) -> Option<Config> {
        Config::from_vars(vars, ctx)
    }

    fn plan(config: &Config, ctx: &Context) -> anyhow::Result<Plan> {
        Ok(Plan::new(config, ctx))
    }

    async fn execute(_: &Config, plan: Plan, ctx: &Context, report: &Recorder) -> Result<Ending, Ending> {
        execute::execute(plan, ctx, report).await
    }
}
