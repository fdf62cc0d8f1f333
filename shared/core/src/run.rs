//! One pipe, start to end: variables, configuration, plan, execution, report, exit code.

mod args;
mod finish;
mod signals;

use std::future::Future;
use std::panic::{self, AssertUnwindSafe};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use serde::Serialize;

use crate::console::Console;
use crate::context::Context;
use crate::env::Vars;
use crate::exit::{Ending, Pass, Stop};
use crate::plan::{self, Effects, Planned};
use crate::platform::publish;
use crate::report::{Recorder, report_name};
use crate::spec::Spec;
use crate::text::{panic_text, plural};
use crate::workspace::ReportDir;
use args::{Args, Request};

/// A pipe: from variables to a configuration, from that to a plan, and from that to effects.
pub trait Pipe: 'static {
    const SPEC: &'static Spec;
    type Config: Send + Sync;
    type Plan: Serialize + Planned;

    /// Takes the pipe's variables. Every mistake is recorded in `vars`; `None` where no configuration can be made.
    fn config(vars: &mut Vars, ctx: &Context) -> Option<Self::Config>;

    /// What will be done, as data. Reads the checkout at most.
    ///
    /// # Errors
    /// The checkout makes a plan impossible: exit 3.
    fn plan(config: &Self::Config, ctx: &Context) -> anyhow::Result<Self::Plan>;

    /// The only step with effects. Must return soon after `ctx.cancel` is set: at the latest after the spec's grace,
    /// when it is dropped.
    fn execute(
        config: &Self::Config,
        plan: Self::Plan,
        ctx: &Context,
        report: &Recorder,
    ) -> impl Future<Output = Result<Pass, Stop>>;
}

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
        return args::fail("can't start: no event loop can be had from the system");
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
            args::fail(&format!("can't use the current directory: {error}"));
            return 3;
        }
    };
    let root = crate::git::Checkout::discover(&cwd).map_or_else(|| cwd.clone(), |checkout| checkout.root().to_owned());
    let mut vars = Vars::from_process(P::SPEC, &cwd, &root);
    let ctx = Context::new(P::SPEC, &mut vars, &cwd);
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
    let report = open_report(&vars, &ctx);
    let config = match config {
        Some(config) if vars.problems().is_empty() => config,
        _ => {
            print_problems(&vars, &ctx.console);
            let count = vars.problems().len();
            let ending = Ending::Misconfigured(format!("{} in the configuration", plural(count, "problem")));
            return finish::finish(&ctx, &report, ending).await;
        }
    };
    if let [first, ..] = vars.missing_secrets() {
        let reason = format!("{first} is not set, and ON_MISSING_SECRET skips such runs");
        return finish::finish(&ctx, &report, Ending::Pass(Pass::Skipped(reason))).await;
    }
    ctx.console.line(header(&ctx));
    let mut ending = guarded::<P>(&config, &ctx, &report, signals).await;
    for name in &later {
        report.step(name.clone()).failed("not in this version");
        ctx.console.error(format!("{name} is not in this version of {}: nothing was checked for it", P::SPEC.name));
        ending = ending.unable(format!("{name} is not in this version"));
    }
    finish::finish(&ctx, &report, ending).await
}

/// Plans and executes under the deadline, the signals and a net for panics.
async fn guarded<P: Pipe>(
    config: &P::Config,
    ctx: &Context,
    report: &Recorder,
    mut signals: signals::Signals,
) -> Ending {
    let work = async {
        let plan = P::plan(config, ctx).map_err(|error| Stop::Unable(format!("{error:#}")))?;
        P::execute(config, plan, ctx, report).await
    };
    let work = AssertUnwindSafe(work).catch_unwind();
    tokio::pin!(work);
    let deadline = tokio::time::sleep(ctx.timeout);
    tokio::pin!(deadline);
    // Why the run is being ended early, and until when it may bring things in order.
    let mut ended: Option<Ending> = None;
    let grace = tokio::time::sleep(Duration::MAX / 4);
    tokio::pin!(grace);
    loop {
        tokio::select! {
            outcome = &mut work => return settle(outcome, ended, report),
            signal = signals.next() => match &ended {
                // The second time somebody insists.
                Some(Ending::Cancelled(crate::exit::Signal::Interrupt)) if signal == crate::exit::Signal::Interrupt => {
                    return Ending::Cancelled(signal);
                }
                Some(Ending::Cancelled(_)) => {}
                _ => {
                    ended = Some(Ending::Cancelled(signal));
                    ctx.cancel.cancel();
                    grace.as_mut().reset(tokio::time::Instant::now() + P::SPEC.grace);
                }
            },
            () = &mut deadline, if ended.is_none() => {
                let limit = ctx.timeout.as_secs_f64();
                ended = Some(Ending::Stop(Stop::Unable(format!("did not finish within TIMEOUT ({limit} s)"))));
                ctx.cancel.cancel();
                grace.as_mut().reset(tokio::time::Instant::now() + P::SPEC.grace);
            }
            () = &mut grace, if ended.is_some() => {
                return ended.unwrap_or(Ending::Stop(Stop::Interrupted));
            }
        }
    }
}

type Outcome = Result<Result<Pass, Stop>, Box<dyn std::any::Any + Send>>;

fn settle(outcome: Outcome, ended: Option<Ending>, report: &Recorder) -> Ending {
    let ending = match (outcome, ended) {
        (Err(payload), _) => Ending::Bug(panic_text(payload.as_ref())),
        // What was brought back is worth more than why it had to be.
        (Ok(Err(stop @ Stop::RolledBack(_))), _) => Ending::Stop(stop),
        (Ok(_), Some(ended)) => ended,
        (Ok(Ok(pass)), None) => Ending::Pass(pass),
        (Ok(Err(stop)), None) => Ending::Stop(stop),
    };
    match (report.first_bug(), ending) {
        (Some(bug), Ending::Pass(_) | Ending::Stop(_)) => Ending::Bug(bug),
        (_, ending) => ending,
    }
}

/// Prints panics like any other error, redacted by the console.
fn hide_panics(console: &Arc<Console>) {
    let console = Arc::clone(console);
    panic::set_hook(Box::new(move |info| {
        let place = info.location().map(|place| format!(" at {}:{}", place.file(), place.line())).unwrap_or_default();
        console.error(format!("{}{place}; please report it with this line", panic_text(info.payload())));
    }));
}

fn open_report(vars: &Vars, ctx: &Context) -> Recorder {
    let owner_of: &Path = if ctx.workspace.reports.starts_with(&ctx.workspace.root) {
        &ctx.workspace.root
    } else {
        ctx.workspace.reports.parent().unwrap_or(&ctx.workspace.reports)
    };
    let report_dir = Arc::new(ReportDir::new(ctx.workspace.reports.clone(), owner_of));
    let report = Recorder::new(ctx.spec, Arc::clone(&report_dir), ctx.redactor.clone());
    report_dir.remove(&report_name(ctx.spec));
    report.context(&ctx.ci);
    report.inputs(&vars.effective());
    report.problems(vars.problems());
    for notice in vars.notices() {
        report.notice(notice);
    }
    report.save();
    report
}

fn announce(vars: &Vars, ctx: &Context) {
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

fn check(vars: &Vars, ctx: &Context, later: &[String]) -> u8 {
    for name in later {
        ctx.console.warning(format!("{name} is not in this version of {}: a run ends with exit 3", ctx.spec.name));
    }
    if vars.problems().is_empty() {
        ctx.console.line("the configuration is valid");
        return 0;
    }
    print_problems(vars, &ctx.console);
    Ending::Misconfigured(String::new()).code()
}

fn dry_run<P: Pipe>(config: Option<&P::Config>, vars: &Vars, ctx: &Context, later: &[String]) -> u8 {
    for name in later {
        ctx.console.warning(format!("{name} is not in this version of {}: a run ends with exit 3", ctx.spec.name));
    }
    let Some(config) = config else { return 2 };
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
            let mut plan = plan::document(&plan, own_effects(ctx, plan.about_code(), later));
            ctx.redactor.json(&mut plan);
            ctx.console.line(serde_json::to_string_pretty(&plan).unwrap_or_default());
            ctx.console.line("dry run: nothing was done, nothing was written");
            0
        }
        Err(error) => {
            ctx.console.error(format!("{error:#}"));
            3
        }
    }
}

/// What a run does whatever the pipe: its report, the steps of variables that this version refuses, the CI's pages.
fn own_effects(ctx: &Context, about_code: bool, later: &[String]) -> Effects {
    let report = ctx.workspace.relative(&ctx.workspace.reports.join(report_name(ctx.spec)));
    let mut effects = Effects { steps: later.to_vec(), files: vec![report], ..Effects::default() };
    effects.add(publish::effects(ctx, about_code));
    effects
}

fn print_problems(vars: &Vars, console: &Console) {
    let mut text = format!("{} in the configuration\n", plural(vars.problems().len(), "problem"));
    for problem in vars.problems() {
        text.push_str(&format!("  {}: {}\n", problem.variable, problem.message));
    }
    text.push_str("help: every variable is described in docs/variables.md and by --help");
    console.error(text);
}

/// `security-pipe 1.2.3  app@4f2c1aa  PR 41 -> main`
fn header(ctx: &Context) -> String {
    let escape = crate::platform::escape::terminal;
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
