//! What can be said without a run: whether the configuration is valid, and the plan.

use super::lines::{header, print_problems};
use crate::context::Context;
use crate::env::Vars;
use crate::exit::Ending;
use crate::pipe::Pipe;
use crate::plan::{self, Effects, Planned};
use crate::publish;
use crate::report::report_name;
use crate::workspace::GITIGNORE;

/// `--check`: the exit code, after the mistakes were printed.
pub(super) fn check(vars: &Vars, ctx: &Context, later: &[String]) -> u8 {
    warn_of_later(ctx, later);
    if vars.problems().is_empty() {
        ctx.console.line("the configuration is valid");
        return 0;
    }
    print_problems(vars, &ctx.console);
    Ending::Misconfigured(String::new()).code()
}

/// `DRY_RUN`: each value with what it does, and the plan.
pub(super) fn dry_run<P: Pipe>(config: Option<&P::Config>, vars: &Vars, ctx: &Context, later: &[String]) -> u8 {
    warn_of_later(ctx, later);
    let Some(config) = config else { return Ending::Misconfigured(String::new()).code() };
    ctx.console.line(header(ctx));
    for input in vars.effective() {
        let Some(from) = &input.from else { continue };
        const MAX_SHOWN: usize = 100;
        let value: String = input.shown.chars().take(MAX_SHOWN).collect();
        let cut = if value.len() < input.shown.len() { "..." } else { "" };
        let name = if from.contains(input.name) { String::new() } else { format!(" ({})", input.name) };
        ctx.console.line(format!("{from}={value:?}{cut}{name}: {}", input.effect));
    }
    match P::plan(config, ctx) {
        Ok(plan) => {
            ctx.console.line(plan::print(&plan, own_effects(ctx, plan.about_code(), later), ctx));
            ctx.console.line("dry run: nothing was done, nothing was written");
            0
        }
        Err(error) => {
            ctx.console.error(format!("{error:#}"));
            Ending::Unable(String::new()).code()
        }
    }
}

/// What a run does whatever the pipe: its report, the steps of variables that this version refuses, the CI's pages.
fn own_effects(ctx: &Context, about_code: bool, later: &[String]) -> Effects {
    let report = ctx.workspace.relative(&ctx.workspace.reports.join(report_name(ctx.spec)));
    let mut effects = Effects { steps: later.to_vec(), files: vec![report], ..Effects::default() };
    if !ctx.workspace.reports.exists() {
        effects.files.push(ctx.workspace.relative(&ctx.workspace.reports.join(GITIGNORE)));
    }
    effects.add(publish::effects(ctx, about_code));
    effects
}

fn warn_of_later(ctx: &Context, later: &[String]) {
    for name in later {
        ctx.console.warning(format!(
            "{name} is not in this version of {}, so a run exits with 3. Unset it to run the rest",
            ctx.spec.name
        ));
    }
}
