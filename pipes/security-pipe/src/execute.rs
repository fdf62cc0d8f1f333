//! The run: walk, scan, judge, report.

use std::path::PathBuf;
use std::sync::Arc;

use pipe_core::context::Context;
use pipe_core::exit::{Ending, Pass, Stop};
use pipe_core::report::Recorder;
use pipe_core::text::plural;
use tokio::runtime::Handle;

use crate::config::Config;
use crate::finding::Finding;
use crate::gate::Counts;
use crate::plan::Plan;
use crate::policy::Applied;
use crate::present;
use crate::scanner::dependencies::{Advisories, AdvisorySource, compile};
use crate::scanner::{self, Input, Outcome, Project};
use crate::tree::Tree;
use crate::write::Finished;

pub(crate) async fn execute(config: &Config, _: Plan, ctx: &Context, report: &Recorder) -> Result<Pass, Stop> {
    if let Some(to) = &config.compile {
        return compile_advisories(config, ctx, report, to.clone()).await;
    }
    let step = report.step("tree");
    let tree = walk(config, ctx).await?;
    step.ran(plural(tree.files.len(), "file"));
    let input =
        Arc::new(Input::new(tree, advisories(config, ctx)?, report.clone(), project(ctx), ctx.cancel.child_token()));
    let mut outcomes = scanner::run(&config.scanners, &input, config.scan_timeout, report, &ctx.console).await;
    if ctx.cancel.is_cancelled() {
        return Err(Stop::Interrupted);
    }

    let mut findings: Vec<Finding> =
        outcomes.iter_mut().flat_map(|outcome| std::mem::take(&mut outcome.scan.findings)).collect();
    let applied = config.policy.apply(ctx, &mut findings).await;
    for warning in &applied.warnings {
        ctx.console.warning(warning);
        report.notice(warning);
    }
    if !config.policy.write_baseline {
        config.gate.judge(&mut findings);
    }
    Finding::sort(&mut findings);
    let counts = Counts::of(&findings);
    report.section("counts", &counts);
    report.section("gate", &config.gate);
    report.section("findings", &findings);
    report.save();

    let ending = verdict(config, ctx, &outcomes, &findings, &applied);
    present::print(&ctx.console, &outcomes, &findings, &counts, applied.baseline);
    let finished = Finished {
        ctx,
        config,
        outcomes: &outcomes,
        findings: &findings,
        counts: &counts,
        baseline: applied.baseline,
        ending: &match &ending {
            Ok(pass) => Ending::Pass(pass.clone()),
            Err(stop) => Ending::Stop(stop.clone()),
        },
    };
    report.present(finished.write(report));
    ending
}

async fn walk(config: &Config, ctx: &Context) -> Result<Tree, Stop> {
    let (checkout, workspace) = (ctx.checkout.clone(), ctx.workspace.clone());
    let (filter, cancel) = (Arc::clone(&config.filter), ctx.cancel.clone());
    let walk = tokio::task::spawn_blocking(move || {
        // The checkout's index is what makes tracked files scanned even where they are ignored.
        let tracked = checkout.map(|checkout| checkout.tracked()).transpose()?.unwrap_or_default();
        anyhow::Ok(Tree::walk(&workspace, &tracked, &filter, &|| cancel.is_cancelled()))
    });
    match walk.await {
        Ok(Ok(tree)) => Ok(tree),
        Ok(Err(error)) => Err(Stop::Unable(format!("can't read the Git index: {error:#}"))),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

fn advisories(config: &Config, ctx: &Context) -> Result<Advisories, Stop> {
    let client = match &config.advisories {
        AdvisorySource::Api(_) => Some(ctx.http().map_err(|error| Stop::Unable(error.to_string()))?),
        AdvisorySource::Database(_) => None,
    };
    let source = match &config.advisories {
        AdvisorySource::Database(path) => AdvisorySource::Database(ctx.workspace.dir.join(path)),
        api => api.clone(),
    };
    Ok(Advisories { source, client, runtime: Handle::current() })
}

fn project(ctx: &Context) -> Project {
    let directory = ctx.workspace.root.file_name().map(|name| name.to_string_lossy().into_owned());
    let head = ctx.checkout.as_ref().and_then(|checkout| checkout.head());
    Project {
        name: ctx.ci.repository.clone().or(directory).unwrap_or_else(|| "project".to_owned()),
        commit: ctx.ci.commit.clone(),
        created: head.map(|head| head.committer_time),
    }
}

/// The end of the run. Everything is in the reports already; this says which of it counts.
fn verdict(
    config: &Config,
    ctx: &Context,
    outcomes: &[Outcome],
    findings: &[Finding],
    applied: &Applied,
) -> Result<Pass, Stop> {
    let mut unable: Vec<String> = outcomes
        .iter()
        .filter(|outcome| !outcome.scan.unable.is_empty())
        .map(|outcome| format!("{}: {}", outcome.name, first(&outcome.scan.unable)))
        .collect();
    let mut tolerated = Vec::new();
    if config.tolerate_errors {
        tolerated = std::mem::take(&mut unable);
    }
    unable.extend(applied.unable.iter().cloned());
    unable.extend(config.later.iter().map(|name| format!("{name} is not in this version")));
    let failing: Vec<&Finding> = findings.iter().filter(|finding| finding.fails()).collect();

    if config.policy.write_baseline && unable.is_empty() && tolerated.is_empty() {
        return match config.policy.write(ctx, findings) {
            Ok(count) => Ok(Pass::Passed(format!("{} written to the baseline", plural(count, "finding")))),
            Err(problem) => Err(Stop::Unable(format!("can't write the baseline: {problem}"))),
        };
    }
    let gated = (!failing.is_empty()).then(|| {
        let mut settings: Vec<&str> = failing.iter().filter_map(|finding| finding.failed_by()).collect();
        settings.sort_unstable();
        settings.dedup();
        format!("{} ({})", Counts::words(&failing), settings.join("; "))
    });
    match (gated, unable.is_empty()) {
        (Some(gated), true) if config.gate.warn_only => {
            Ok(Pass::Warned(format!("{gated}, not blocked: GATE_MODE=warn")))
        }
        (Some(gated), false) if config.gate.warn_only => {
            Err(Stop::Unable(format!("{}; also {gated}, not blocked: GATE_MODE=warn", first(&unable))))
        }
        (Some(gated), true) => Err(Stop::Failed(gated)),
        (Some(gated), false) => Err(Stop::Failed(format!("{gated}; also could not find out: {}", first(&unable)))),
        (None, false) => Err(Stop::Unable(first(&unable))),
        (None, true) => {
            let open: Vec<&Finding> = findings.iter().filter(|finding| finding.is_open()).collect();
            if !tolerated.is_empty() {
                Ok(Pass::Warned(format!("could not find out: {} (ON_SCAN_ERROR=warn)", first(&tolerated))))
            } else if !open.is_empty() {
                Ok(Pass::Warned(format!("{}, none gated", Counts::words(&open))))
            } else if !applied.warnings.is_empty() || outcomes.iter().any(|outcome| !outcome.scan.warnings.is_empty()) {
                Ok(Pass::Warned("nothing found; see the warnings".to_owned()))
            } else if outcomes.iter().all(|outcome| outcome.scan.skipped.is_some()) {
                Ok(Pass::Skipped("nothing to scan".to_owned()))
            } else {
                Ok(Pass::Passed("nothing found".to_owned()))
            }
        }
    }
}

/// The first of several sentences, and how many there are besides.
fn first(sentences: &[String]) -> String {
    match sentences {
        [] => String::new(),
        [one] => one.clone(),
        [one, rest @ ..] => format!("{one} (and {} more)", rest.len()),
    }
}

async fn compile_advisories(config: &Config, ctx: &Context, report: &Recorder, to: PathBuf) -> Result<Pass, Stop> {
    let step = report.step("compile advisories");
    let from = advisories(config, ctx)?.source;
    let to = ctx.workspace.dir.join(to);
    let compiled = tokio::task::spawn_blocking(move || compile(&from, &to)).await;
    match compiled {
        Ok(Ok(summary)) => {
            step.ran(summary.clone());
            Ok(Pass::Passed(summary))
        }
        Ok(Err(error)) => {
            step.failed(format!("{error:#}"));
            Err(Stop::Unable(format!("{error:#}")))
        }
        Err(error) => {
            report.bug(error.to_string());
            Err(Stop::Unable(error.to_string()))
        }
    }
}
