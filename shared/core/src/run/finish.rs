//! The end of a run: the report for the last time, the CI's own pages, the last line, the exit code.

use crate::console::Color;
use crate::context::Context;
use crate::exit::{Ending, Verdict};
use crate::publish::publish;
use crate::report::{Recorder, report_name};

/// Ends the run with `ending`, or with 3 if it would pass but its reports could not be written.
pub(super) async fn finish(ctx: &Context, report: &Recorder, ending: Ending) -> u8 {
    report.finish(&ending);
    let ending = match report.report_dir().failure() {
        Some(failure) => {
            ctx.console.error(&failure);
            let ending = ending.unable(format!("the reports are incomplete: {failure}"));
            // If only one of the files failed, the report can still say so.
            report.finish(&ending);
            ending
        }
        None => ending,
    };
    publish(ctx, report, &ending).await;
    print_files(ctx, report);
    ctx.console.line(last_line(ctx, report, &ending));
    ending.code()
}

/// `reports  security-reports/ (json, sarif)`
fn print_files(ctx: &Context, report: &Recorder) {
    let main = report_name(ctx.spec);
    let others: Vec<String> = report.report_dir().written().into_iter().filter(|name| *name != main).collect();
    if others.is_empty() {
        return;
    }
    let dir = ctx.workspace.relative(report.report_dir().dir());
    ctx.console.line(format!("reports  {dir}/ ({main}, {})", others.join(", ")));
}

/// `FAILED   1 critical (FAIL_ON_CRITICAL=true)   0.7 s   exit 1`
fn last_line(ctx: &Context, report: &Recorder, ending: &Ending) -> String {
    let verdict = ending.verdict();
    let color = match ending {
        Ending::Passed(_) => Color::Green,
        Ending::Warned(_) | Ending::Skipped(_) | Ending::Interrupted | Ending::Cancelled(_) => Color::Yellow,
        Ending::Failed(_) | Ending::Unable(_) | Ending::RolledBack(_) | Ending::Misconfigured(_) | Ending::Bug(_) => {
            Color::Red
        }
    };
    let word = ctx.console.paint(color, &format!("{:<7}", verdict.headline()));
    let seconds = report.elapsed().as_secs_f64();
    let reason = ending.reason();
    let gap = if reason.is_empty() { "" } else { "   " };
    debug_assert!(verdict != Verdict::Error || !reason.is_empty());
    format!("{word}  {reason}{gap}{seconds:.1} s   exit {}", ending.code())
}
