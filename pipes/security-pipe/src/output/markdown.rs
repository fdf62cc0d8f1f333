//! The Markdown summary for job pages and pull-request comments.

use std::fmt::Write;

use crate::finding::{Finding, Kind, Rating, Status};
use crate::output::{Run, text};
use crate::words::short;

/// Findings shown; the rest is in the reports.
const MAX_ROWS: usize = 100;

/// A heading with the verdict, what was counted, the worst findings, and how each scan ended.
pub(crate) fn markdown(run: &Run<'_>) -> String {
    let escape = |text: &str| (run.escape)(text);
    let name = run.report_name.map(|name| format!(" ({})", escape(name))).unwrap_or_default();
    let mut page = format!("## security-pipe{name}: {}\n\n", escape(&run.ending.verdict().as_str().to_uppercase()));
    // Writing to a string can't fail; the same holds below.
    if !run.ending.reason().is_empty() {
        let _ = writeln!(page, "{}\n", escape(run.ending.reason()));
    }
    let _ = writeln!(page, "{}\n", counts(run.findings));
    if !run.findings.is_empty() {
        table(&mut page, run);
    }
    if !run.outcomes.is_empty() {
        page.push_str("| scan | status | detail | seconds |\n|---|---|---|---:|\n");
        for scan in run.outcomes {
            let counted = scan.counts.iter().map(|(what, number)| format!("{} {}", number, escape(what)));
            let detail: Vec<String> =
                Some(escape(&scan.detail)).filter(|detail| !detail.is_empty()).into_iter().chain(counted).collect();
            let (name, status) = (escape(scan.name), scan.status.as_str());
            let _ = writeln!(page, "| {name} | {status} | {} | {:.1} |", detail.join("; "), scan.elapsed.as_secs_f64());
        }
        page.push('\n');
    }
    let commit = run.ci.commit.as_deref().map(|commit| format!(" at {}", escape(commit))).unwrap_or_default();
    let _ = writeln!(page, "security-pipe {}{commit}", escape(run.tool_version));
    page
}

/// `**5 findings**: 1 critical, 2 high, 1 known (baseline), 1 ignored`.
fn counts(findings: &[Finding]) -> String {
    if findings.is_empty() {
        return "No findings.".to_owned();
    }
    let open = Rating::ALL.into_iter().map(|rating| {
        let is_one = |finding: &&Finding| finding.is_open() && finding.rating() == rating;
        (findings.iter().filter(is_one).count(), rating.as_str().to_lowercase())
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
    for finding in run.findings.iter().take(MAX_ROWS) {
        let escape = |text: &str| (run.escape)(&short(text, 300));
        let what = format!("{} {}", escape(&finding.subject()), title(finding, &escape));
        let place = escape(&finding.location.shown());
        let (standing, remedy) = (escape(&text::standing(finding)), remedy(finding, &escape));
        let _ = writeln!(page, "| {} | {what} | {place} | {standing} | {remedy} |", finding.rating().as_str());
    }
    if let Some(more) = run.findings.len().checked_sub(MAX_ROWS).filter(|more| *more > 0) {
        let _ = writeln!(page, "\nand {more} more in the reports");
    }
    page.push('\n');
}

/// What to do; a command stands as code, so that it can be copied as it is.
fn remedy(finding: &Finding, escape: &dyn Fn(&str) -> String) -> String {
    let remedy = finding.remedy();
    let plain = |command: &&str| command.chars().all(|c| (c == ' ' || c.is_ascii_graphic()) && !matches!(c, '`' | '|'));
    let command = remedy.command.as_deref().filter(plain);
    match command.and_then(|command| Some((remedy.text.split_once(command)?.0, command))) {
        Some((before, command)) => format!("{}`{command}`", escape(before)),
        None => escape(&remedy.text),
    }
}

fn title(finding: &Finding, escape: &dyn Fn(&str) -> String) -> String {
    let title = escape(&finding.rule.title);
    match &finding.kind {
        Kind::Vulnerability(_) | Kind::Malware(_) => format!("{}: {title}", escape(&finding.names())),
        Kind::Secret { prefix: Some(prefix) } => format!("{title} ({})", escape(prefix)),
        Kind::Secret { prefix: None } | Kind::Misconfiguration => title,
    }
}
