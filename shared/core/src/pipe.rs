//! What a pipe implements.

use std::future::Future;

use serde::Serialize;

use crate::context::Context;
use crate::env::Vars;
use crate::exit::Ending;
use crate::plan::Planned;
use crate::report::Recorder;
use crate::spec::Spec;

/// A pipe: from variables to a configuration, from that to a plan, and from that to effects.
pub trait Pipe: 'static {
    /// Its name and its variables.
    const SPEC: &'static Spec;
    /// The variables, understood.
    type Config: Send + Sync;
    /// What will be done.
    type Plan: Serialize + Planned;

    /// Takes the pipe's variables. Every mistake is recorded in `vars`. `None` if no configuration can be made.
    fn config(vars: &mut Vars, ctx: &Context) -> Option<Self::Config>;

    /// What will be done, as data. Reads the checkout at most.
    ///
    /// # Errors
    /// The checkout makes a plan impossible: exit 3.
    fn plan(config: &Self::Config, ctx: &Context) -> anyhow::Result<Self::Plan>;

    /// The only step with effects. `Err` is an ending that `?` reached early, and counts like one that was returned. Must
    /// return soon after `ctx.cancel` is set: at the latest after the spec's grace,
    /// when it is dropped.
    fn execute(
        config: &Self::Config,
        plan: Self::Plan,
        ctx: &Context,
        report: &Recorder,
    ) -> impl Future<Output = Result<Ending, Ending>>;
}
