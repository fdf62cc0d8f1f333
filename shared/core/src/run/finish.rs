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

/// `reports  security-reports/ (security-pipe-report.json, results.sarif and 3 more)`, at most 80 columns if one name fits
fn print_files(ctx: &Context, report: &Recorder) {
    let main = report_name(ctx.spec);
    let others: Vec<String> = report.report_dir().written().into_iter().filter(|name| *name != main).collect();
    if others.is_empty() {
        return;
    }
    let dir = ctx.workspace.relative(report.report_dir().dir());
    let mut shown = format!("reports  {dir}/ ({main}");
    for (at, name) in others.iter().enumerate() {
        let left = others.len() - at;
        // Room for `and 10 more)`, unless it is the last name.
        let more = if left > 1 { 13 } else { 1 };
        if at > 0 && shown.chars().count() + 2 + name.chars().count() + more > 80 {
            shown.push_str(&format!(" and {left} more"));
            break;
        }
        shown.push_str(&format!(", {name}"));
    }
    ctx.console.line(format!("{shown})"));
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
