//! The Markdown summary for job pages and pull-request comments.

use std::fmt::Write;

use crate::finding::{Finding, Status};
use crate::output::{Run, text};

/// Findings shown; the rest is in the reports.
const ROWS: usize = 100;

/// A heading with the verdict, what was counted, the worst findings, and how each scan ended.
pub(crate) fn markdown(run: &Run<'_>) -> String {
    let escape = |text: &str| (run.escape)(text);
    let name = run.report_name.map(|name| format!(" ({})", escape(name))).unwrap_or_default();
    let mut page = format!("## security-pipe{name}: {}\n\n", escape(&run.verdict.to_uppercase()));
    // Writing to a string can't fail; the same holds below.
    if !run.reason.is_empty() {
        let _ = writeln!(page, "{}\n", escape(run.reason));
    }
    let _ = writeln!(page, "{}\n", counts(run.findings));
    if !run.findings.is_empty() {
        table(&mut page, run);
    }
    if !run.scans.is_empty() {
        page.push_str("| scan | status | detail | seconds |\n|---|---|---|---:|\n");
        for scan in run.scans {
            let counted = scan.counts.iter().map(|(what, number)| format!("{} {}", number, escape(what)));
            let detail: Vec<String> =
                Some(escape(scan.detail)).filter(|detail| !detail.is_empty()).into_iter().chain(counted).collect();
            let (name, status) = (escape(scan.name), scan.status.as_str());
            let _ = writeln!(page, "| {name} | {status} | {} | {:.1} |", detail.join("; "), scan.seconds);
        }
        page.push('\n');
    }
    let commit = run.commit.map(|commit| format!(" at {}", escape(commit))).unwrap_or_default();
    let _ = writeln!(page, "security-pipe {}{commit}", escape(run.tool_version));
    page
}

/// `**5 findings**: 1 critical, 2 high, 1 known (baseline), 1 ignored`.
fn counts(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "No findings.".to_owned();
    }
    let open = ["CRITICAL", "HIGH", "UNSCORED", "MEDIUM", "LOW", "INFO"].into_iter().map(|word| {
        let is_one = |finding: &&Finding| finding.is_open() && finding.severity_word() == word;
        (findings.iter().filter(is_one).count(), word.to_lowercase())
    });
    let is_known = |finding: &&Finding| finding.status == Status::Known;
    let known = findings.iter().filter(is_known).count();
    let is_ignored = |finding: &&Finding| matches!(finding.status, Status::Ignored { .. });
    let ignored = findings.iter().filter(is_ignored).count();
    let rest = [(known, "known (baseline)".to_owned()), (ignored, "ignored".to_owned())];
    let parts = open.chain(rest).filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}"));
    let noun = if findings.len() == 1 { "finding" } else { "findings" };
    format!("**{} {noun}**: {}", findings.len(), parts.collect::<Vec<_>>().join(", "))
}

fn table(page: &mut String, run: &Run<'_>) {
    page.push_str("| severity | what | where | standing | what to do |\n|---|---|---|---|---|\n");
    for finding in run.findings.iter().take(ROWS) {
        let escape = |text: &str| (run.escape)(&text::short(text, 300));
        let what = format!("{} {}", escape(&finding.subject()), title(finding, &escape));
        let place = escape(&format!("{}:{}", finding.location.path, finding.location.line));
        let (standing, remedy) = (escape(&text::standing(finding)), remedy(finding, &escape));
        let _ = writeln!(page, "| {} | {what} | {place} | {standing} | {remedy} |", finding.severity_word());
    }
    if let Some(more) = run.findings.len().checked_sub(ROWS).filter(|more| *more > 0) {
        let _ = writeln!(page, "\nand {more} more in the reports");
    }
    page.push('\n');
}

/// What to do; a command stands as code, so that it can be copied as it is.
fn remedy(finding: &Finding, escape: &dyn Fn(&str) -> String) -> String {
    let command = finding.package.as_ref().and_then(|package| package.upgrade.as_deref());
    let remedy = text::remedy(finding);
    let plain = |command: &&str| command.chars().all(|c| (c == ' ' || c.is_ascii_graphic()) && !matches!(c, '`' | '|'));
    match command.filter(plain).and_then(|command| Some((remedy.split_once(command)?.0, command))) {
        Some((before, command)) => format!("{}`{command}`", escape(before)),
        None => escape(&remedy),
    }
}

fn title(finding: &Finding, escape: &dyn Fn(&str) -> String) -> String {
    let shown = finding.shown.as_deref().map(|shown| format!(" ({})", escape(shown))).unwrap_or_default();
    match &finding.package {
        Some(_) => format!("{}: {}", escape(&text::names(finding)), escape(&finding.title)),
        None => format!("{}{shown}", escape(&finding.title)),
    }
}
