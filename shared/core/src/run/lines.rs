//! What a run prints about itself: its header, the configuration, mistakes and panics.

use std::panic;
use std::sync::Arc;

use crate::console::Console;
use crate::context::Context;
use crate::env::Vars;
use crate::manifest::REPOSITORY;
use crate::text::{panic_text, plural};

/// Prints panics like any other error, redacted by the console.
pub(super) fn hide_panics(console: &Arc<Console>) {
    let console = Arc::clone(console);
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        console.error(format!("{}{place}. Report this line at {REPOSITORY}/issues", panic_text(info.payload())));
    }));
}

pub(super) fn announce(vars: &Vars, ctx: &Context) {
    for notice in vars.notices() {
        ctx.console.warning(notice);
    }
    for input in vars.effective() {
        let from = input.from.as_deref().unwrap_or("default");
        ctx.console.debug(format!("{}={:?} ({from})", input.name, input.shown));
    }
    let ci = &ctx.ci;
    ctx.console.debug(format!(
        "{} {} on {}",
        ctx.spec.name,
        ctx.spec.version,
        ci.build_url.as_deref().unwrap_or("no CI")
    ));
    ctx.console.debug(format!(
        "root {}, working directory {}, reports {}",
        ctx.workspace.root.display(),
        ctx.workspace.dir.display(),
        ctx.workspace.reports.display()
    ));
}

/// `2 problems in the configuration`
pub(super) fn how_many_problems(vars: &Vars) -> String {
    format!("{} in the configuration", plural(vars.problems().len(), "problem"))
}

pub(super) fn print_problems(vars: &Vars, console: &Console) {
    let mut text = format!("{}\n", how_many_problems(vars));
    for problem in vars.problems() {
        text.push_str(&format!("  {}: {}\n", problem.variable, problem.message));
    }
    text.push_str(&format!(
        "help: every variable is described at {REPOSITORY}/blob/main/docs/variables.md and by --help"
    ));
    console.error(text);
}

/// `security-pipe 1.2.3  app@4f2c1aa  PR 41 -> main`
pub(super) fn header(ctx: &Context) -> String {
    let escape = |text: &str| ctx.console.escape(text);
    let ci = &ctx.ci;
    let mut header = format!("{} {}", ctx.spec.name, ctx.spec.version);
    let directory = ctx.workspace.dir.file_name().map(|name| name.to_string_lossy().into_owned());
    let subject = ci.repository.clone().or(directory).unwrap_or_default();
    header.push_str(&format!("  {}", escape(&subject)));
    if let Some(commit) = &ci.commit {
        header.push_str(&format!("@{}", escape(&commit.chars().take(7).collect::<String>())));
        if ci.dirty == Some(true) {
            header.push_str(" (uncommitted changes)");
        }
    }
    if let Some(pull) = &ci.pull_request {
        let target = pull.target_branch.as_deref().map(|branch| format!(" -> {}", escape(branch))).unwrap_or_default();
        header.push_str(&format!("  PR {}{target}", escape(&pull.id)));
    } else if let Some(name) = ci.tag.as_ref().or(ci.branch.as_ref()) {
        header.push_str(&format!("  {}", escape(name)));
    }
    header
}
