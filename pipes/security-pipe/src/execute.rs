//! The run: walk, scan, judge, report.

use std::sync::Arc;

use pipe_core::context::Context;
use pipe_core::exit::Ending;
use pipe_core::platform::escape;
use pipe_core::report::{Recorder, StepStatus};
use pipe_core::text::{first_and_more, plural};

use crate::finding::Finding;
use crate::gate::Counts;
use crate::output::{self, Run};
use crate::plan::{Plan, Scan, Work};
use crate::policy::Applied;
use crate::scanner::dependencies::Compile;
use crate::scanner::{self, Input, Outcome};
use crate::source::Source;
use crate::tree::{Filter, Tree};
use crate::write;

pub(crate) async fn execute(plan: Plan, ctx: &Context, report: &Recorder) -> Result<Ending, Ending> {
    match plan.work {
        Work::Compile(compile) => compile_advisories(compile, report).await,
        Work::Scan(scan) => run(&scan, &plan.not_in_this_version, ctx, report).await,
    }
}

async fn run(plan: &Scan, later: &[String], ctx: &Context, report: &Recorder) -> Result<Ending, Ending> {
    let step = report.step("tree");
    let tree = walk(&plan.filter, ctx).await?;
    step.ran(plural(tree.entries().len(), "file"));
    let input = Arc::new(Input::new(Box::new(tree), report.clone(), ctx.cancel.child_token()));
    let (outcomes, mut findings) = scanner::run(&plan.scanners, &input, plan.scan_timeout, report, &ctx.console).await;
    if ctx.cancel.is_cancelled() {
        return Err(Ending::Interrupted);
    }

    let applied = plan.policy.apply(ctx, &mut findings).await;
    for warning in &applied.warnings {
        ctx.console.warning(warning);
        report.notice(warning);
    }
    if !plan.policy.write_baseline {
        plan.gate.judge(&mut findings);
    }
    Finding::sort(&mut findings);
    let counts = Counts::of(&findings);
    report.section("counts", &counts);
    report.section("gate", &plan.gate);
    report.section("findings", output::report::findings(&findings));
    report.save();

    let result = verdict(plan, later, ctx, &outcomes, &findings, &applied);
    let ending = match &result {
        Ok(ending) | Err(ending) => ending.clone(),
    };
    // Redacted first: an escaped secret would no longer be known as one.
    let escape = |text: &str| escape::markdown(text, &ctx.redactor);
    let run = Run {
        tool_version: ctx.spec.version,
        report_name: ctx.report_name.as_deref(),
        ci: &ctx.ci,
        findings: &findings,
        counts: &counts,
        baseline: applied.baseline,
        outcomes: &outcomes,
        ending: &ending,
        started_at: &report.started_at(),
        escape: &escape,
    };
    output::console::print(&ctx.console, &run);
    for output in &plan.outputs {
        output.write(&run, report);
    }
    report.present(write::rendering(&run, output::markdown(&run), ctx));
    result
}

async fn walk(filter: &Arc<Filter>, ctx: &Context) -> Result<Tree, Ending> {
    let (checkout, workspace) = (ctx.checkout.clone(), ctx.workspace.clone());
    let (filter, cancel) = (Arc::clone(filter), ctx.cancel.clone());
    let walk = tokio::task::spawn_blocking(move || {
        // The checkout's index is what makes tracked files scanned even if they are ignored.
        let tracked = checkout.map(|checkout| checkout.tracked()).transpose()?.unwrap_or_default();
        anyhow::Ok(Tree::walk(&workspace, &tracked, &filter, &|| cancel.is_cancelled()))
    });
    match walk.await {
        Ok(Ok(tree)) => Ok(tree),
        Ok(Err(error)) => Err(Ending::Unable(format!("can't read the Git index: {error:#}"))),
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
    }
}

/// The end of the run. Everything is in the reports already; this says which of it counts.
fn verdict(
    plan: &Scan,
    later: &[String],
    ctx: &Context,
    outcomes: &[Outcome],
    findings: &[Finding],
    applied: &Applied,
) -> Result<Ending, Ending> {
    let mut unable: Vec<String> = outcomes
        .iter()
        .filter(|outcome| !outcome.unable.is_empty())
        .map(|outcome| format!("{}: {}", outcome.name, first_and_more(&outcome.unable)))
        .collect();
    let mut tolerated = Vec::new();
    if plan.tolerate_errors {
        tolerated = std::mem::take(&mut unable);
    }
    unable.extend(applied.unable.iter().cloned());
    unable.extend(later.iter().map(|name| format!("{name} is not in this version")));
    let failing: Vec<&Finding> = findings.iter().filter(|finding| finding.fails()).collect();

    if plan.policy.write_baseline && unable.is_empty() && tolerated.is_empty() {
        return match plan.policy.write(ctx, findings) {
            Ok(count) => Ok(Ending::Passed(format!("{} written to the baseline", plural(count, "finding")))),
            Err(problem) => Err(Ending::Unable(format!("can't write the baseline: {problem}"))),
        };
    }
    let gated = (!failing.is_empty()).then(|| {
        let mut settings: Vec<&str> = failing.iter().filter_map(|finding| finding.failed_by()).collect();
        settings.sort_unstable();
        settings.dedup();
        format!("{} ({})", Counts::words(&failing), settings.join("; "))
    });
    match (gated, unable.is_empty()) {
        (Some(gated), true) if plan.gate.warn_only => {
            Ok(Ending::Warned(format!("{gated}, not blocked: GATE_MODE=warn")))
        }
        (Some(gated), false) if plan.gate.warn_only => {
            Err(Ending::Unable(format!("{}; also {gated}, not blocked: GATE_MODE=warn", first_and_more(&unable))))
        }
        (Some(gated), true) => Err(Ending::Failed(gated)),
        (Some(gated), false) => {
            Err(Ending::Failed(format!("{gated}; also could not find out: {}", first_and_more(&unable))))
        }
        (None, false) => Err(Ending::Unable(first_and_more(&unable))),
        (None, true) => {
            let open: Vec<&Finding> = findings.iter().filter(|finding| finding.is_open()).collect();
            if !tolerated.is_empty() {
                Ok(Ending::Warned(format!("could not find out: {} (ON_SCAN_ERROR=warn)", first_and_more(&tolerated))))
            } else if !open.is_empty() {
                Ok(Ending::Warned(format!("{}, none gated", Counts::words(&open))))
            } else if !applied.warnings.is_empty() || outcomes.iter().any(|outcome| !outcome.warnings.is_empty()) {
                Ok(Ending::Warned("nothing found; see the warnings".to_owned()))
            } else if outcomes.iter().all(|outcome| outcome.status == StepStatus::Skipped) {
                Ok(Ending::Skipped("nothing to scan".to_owned()))
            } else {
                Ok(Ending::Passed("nothing found".to_owned()))
            }
        }
    }
}

async fn compile_advisories(compile: Compile, report: &Recorder) -> Result<Ending, Ending> {
    let step = report.step("compile advisories");
    match tokio::task::spawn_blocking(move || compile.run()).await {
        Ok(Ok(summary)) => {
            step.ran(summary.clone());
            Ok(Ending::Passed(summary))
        }
        Ok(Err(error)) => {
            step.failed(format!("{error:#}"));
            Err(Ending::Unable(format!("{error:#}")))
        }
        Err(error) => {
            report.bug(error.to_string());
            Err(Ending::Unable(error.to_string()))
        }
    }
}
