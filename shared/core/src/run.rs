//! One pipe, start to end: variables, configuration, plan, execution, report, exit code.

mod args;
mod dry_run;
mod finish;
mod guard;
mod lines;
mod opening;
mod signals;

use std::panic::AssertUnwindSafe;
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::FutureExt;

use crate::context::Context;
use crate::env::Vars;
use crate::exit::Ending;
use crate::git::Checkout;
use crate::pipe::Pipe;
use crate::place::Place;
use crate::redact::Redactor;
use crate::report::Recorder;
use args::{Args, Request};
use dry_run::{check, dry_run};
use guard::guarded;
use lines::{announce, header, hide_panics, how_many_problems, print_problems};

/// Runs `P` with the process's arguments and environment: the whole of a pipe's `main`.
pub fn run<P: Pipe>() -> ExitCode {
    let args = match Args::for_pipe(P::SPEC) {
        Ok(args) => args,
        Err(code) => return code,
    };
    if let Request::Print(text) = args.request {
        return args::print(&text);
    }
    let Ok(runtime) = tokio::runtime::Builder::new_current_thread().enable_all().build() else {
        return args::fail("failed to start the event loop. Raise the limits of open files and processes");
    };
    let main = AssertUnwindSafe(main::<P>(matches!(args.request, Request::Check))).catch_unwind();
    let code = runtime.block_on(main).unwrap_or_else(|_| Ending::Bug(String::new()).code());
    // Whatever a cancelled pipe left behind on other threads ends with the process.
    runtime.shutdown_background();
    ExitCode::from(code)
}

async fn main<P: Pipe>(check_only: bool) -> u8 {
    let signals = signals::Signals::install();
    let cwd = match std::env::current_dir().and_then(|dir| dir.canonicalize()) {
        Ok(cwd) => cwd,
        Err(error) => {
            let reason = crate::fs::reason(&error);
            args::fail(&format!(
                "failed to open the current directory: {reason}. Start the pipe in a mounted directory"
            ));
            return 3;
        }
    };
    let around = Checkout::discover(&cwd).map(Arc::new);
    let root = around.as_ref().map_or_else(|| cwd.clone(), |checkout| checkout.root().to_owned());
    // The report of an earlier run must not stand for this one, whatever the configuration takes to read.
    let redactor = Redactor::default();
    let early = opening::Opening::read::<P>(&cwd, &root, around.as_ref());
    let opened = early.writes(check_only).then(|| early.report::<P>(&redactor));
    let mut vars = Vars::from_process(P::SPEC, &cwd, &root);
    if check_only {
        vars.judge_near_misses();
    }
    let place = Place::find(&mut vars, &cwd, around);
    let ctx = Context::of(P::SPEC, &mut vars, place, redactor);
    hide_panics(&ctx.console);
    let config = P::config(&mut vars, &ctx);
    debug_assert!(config.is_none() || vars.unread().is_empty(), "declared but never read: {:?}", vars.unread());
    announce(&vars, &ctx);
    let later = vars.not_in_this_version();

    if check_only {
        return check(&vars, &ctx, &later);
    }
    if ctx.dry_run && vars.problems().is_empty() {
        return dry_run::<P>(config.as_ref(), &vars, &ctx, &later);
    }
    let report = opened.unwrap_or_else(|| early.report::<P>(&ctx.redactor));
    if vars.is_unmounted() {
        report.report_dir().retract();
    }
    if early.has_no_place(&report) {
        ctx.console.notice(
            "no report is written, because nothing is mounted. Run docker with -v \"$PWD:/work\" -w /work to keep it",
        );
    }
    describe(&report, &vars, &ctx);
    let config = match config {
        Some(config) if vars.problems().is_empty() => config,
        _ => {
            print_problems(&vars, &ctx.console);
            let ending = Ending::Misconfigured(how_many_problems(&vars));
            return finish::finish(&ctx, &report, ending).await;
        }
    };
    if let [first, ..] = vars.missing_secrets() {
        let reason = format!("{first} is not set, and ON_MISSING_SECRET skips such runs. Set {first} to run");
        return finish::finish(&ctx, &report, Ending::Skipped(reason)).await;
    }
    ctx.console.line(header(&ctx));
    let mut ending = guarded::<P>(&config, &ctx, &report, signals).await;
    for name in &later {
        report.step(name.clone()).failed("not in this version. Unset it to run the rest");
        ctx.console.error(format!("{name} is not in this version of {}. Unset it to run the rest", P::SPEC.name));
        ending = ending.unable(format!("{name} is not in this version. Unset it"));
    }
    finish::finish(&ctx, &report, ending).await
}

/// Adds what is known of the run by now.
fn describe(report: &Recorder, vars: &Vars, ctx: &Context) {
    report.context(&ctx.ci);
    report.inputs(&vars.effective());
    report.problems(vars.problems());
    for notice in vars.notices() {
        report.notice(notice);
    }
    report.save();
}
