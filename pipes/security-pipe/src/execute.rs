//! The run: walk, scan, judge, report.

use std::cell::OnceCell;
use std::sync::Arc;

use pipe_core::advice::with_advice;
use pipe_core::context::Context;
use pipe_core::exit::Ending;
use pipe_core::platform::escape;
use pipe_core::report::{Element, Recorder};
use pipe_core::text::plural;

use crate::finding::Finding;
use crate::gate::Counts;
use crate::ledger::{Class, Ledger, Reason};
use crate::output::{self, Run};
use crate::plan::{Plan, Scan, Work};
use crate::scanner::dependencies::Compile;
use crate::scanner::{self, Input};
use crate::source::Source;
use crate::tree::{self, Filter, Tree};
use crate::{messages, policy, verdict, write};

pub(crate) async fn execute(plan: Plan, ctx: &Context, report: &Recorder) -> Result<Ending, Ending> {
    match plan.work {
        Work::Compile(compile) => {
            let ending = compile_advisories(compile, report).await?;
            let unhonoured = plan.without_effect.iter().fold(String::new(), |text, why| format!("{text}. {why}"));
            Ok(if unhonoured.is_empty() { ending } else { Ending::Warned(format!("{}{unhonoured}", ending.reason())) })
        }
        Work::Scan(ref scan) => run(scan, &plan, ctx, report).await,
    }
}

async fn run(plan: &Scan, whole: &Plan, ctx: &Context, report: &Recorder) -> Result<Ending, Ending> {
    let ledger = Arc::new(Ledger::default());
    let later = whole.not_in_this_version.as_slice();
    for setting in &whole.without_effect {
        ledger.leave_out(tree::STEP, Reason::NoEffect, "", setting);
    }
    let step = report.step(tree::STEP);
    let reports = plan.outputs.iter().map(output::Output::file).collect();
    let tree = walk(&plan.filter, reports, &ledger, ctx).await?;
    for entry in tree.entries().iter().chain(tree.links()) {
        ctx.redactor.add_found_tokens(&entry.path);
    }
    let files = plural(tree.entries().len(), "file");
    match ledger.words(Class::Unable) {
        unable if unable.is_empty() => step.ran(files),
        unable => step.failed(format!("{files}, {unable}")),
    }
    if let Some(notice) = policy::of_other_tools(tree.entries()) {
        ctx.console.notice(&notice);
        report.notice(notice);
    }
    let input = Arc::new(Input::new(Box::new(tree), Arc::clone(&ledger), report.clone(), ctx.cancel.child_token()));
    let (outcomes, mut findings) = scanner::run(&plan.scanners, &input, plan.scan_timeout, report).await;
    if ctx.cancel.is_cancelled() {
        return Err(Ending::Interrupted);
    }

    let applied = plan.policy.apply(ctx, &plan.gate, &mut findings).await;
    let printed =
        messages::print(&messages::of(&ledger, &outcomes, &applied, scanner::speaker(&plan.scanners)), ctx, report);
    match plan.policy.write_baseline {
        true => plan.gate.judge_malware(&mut findings),
        false => plan.gate.judge(&mut findings),
    }
    Finding::sort(&mut findings);
    let counts = Counts::of(&findings);
    report.section("counts", &counts);
    report.section("gate", &plan.gate);
    report.section("left_out", ledger.section());
    let findings = Arc::new(findings);
    let listed = Arc::clone(&findings);
    let listed = move |place: usize| Element::new(listed.get(place).map(output::report::Finding::of));
    report.list("findings", findings.len(), listed);
    report.save();

    let told = verdict::Told { ledger: &ledger, outcomes: &outcomes, findings: &findings, applied: &applied, later };
    let result = verdict::of(plan, &told, ctx);
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
        ledger: &ledger,
        outcomes: &outcomes,
        ending: &ending,
        started_at: &report.started_at(),
        escape: &escape,
        plain: &|text: &str| ctx.console.escape(text),
        summary: OnceCell::new(),
    };
    output::console::print(&ctx.console, &run, printed);
    for output in &plan.outputs {
        output.write(&run, report);
    }
    report.present(write::rendering(&run, Arc::clone(&findings), run.markdown().to_owned(), ctx));
    result
}

async fn walk(filter: &Arc<Filter>, reports: Vec<String>, ledger: &Arc<Ledger>, ctx: &Context) -> Result<Tree, Ending> {
    let (checkout, workspace) = (ctx.checkout.clone(), ctx.workspace.clone());
    let (filter, ledger, cancel) = (Arc::clone(filter), Arc::clone(ledger), ctx.cancel.clone());
    let walk = tokio::task::spawn_blocking(move || {
        Tree::walk(&workspace, checkout.as_deref(), &filter, &reports, &ledger, &|| cancel.is_cancelled())
    });
    match walk.await {
        Ok(Ok(tree)) => Ok(tree),
        Ok(Err(error)) => {
            let advice = "Mount the whole repository with its .git folder, or clone it again";
            Err(Ending::Unable(with_advice(format!("can't read the Git index: {error:#}"), advice)))
        }
        Err(panic) => std::panic::resume_unwind(panic.into_panic()),
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
            let why = with_advice(format!("{error:#}"), "Check OSV_DB_PATH and OSV_DB_COMPILE");
            step.failed(why.clone());
            Err(Ending::Unable(why))
        }
        Err(error) => {
            report.bug(error.to_string());
            Err(Ending::Unable(error.to_string()))
        }
    }
}
