//! What a person sees: at most 25 lines, worst first, what to do, verdict last.

use pipe_core::console::{Color, Console};
use pipe_core::platform::escape::terminal;

use crate::finding::{Finding, Gated, Status};
use crate::gate::Counts;
use crate::scanner::Outcome;

/// So many findings are listed; with the lines around them a run stays within 25.
const LISTED: usize = 14;

/// Prints what was looked at, the worst findings and what was left out.
pub(crate) fn print(console: &Console, outcomes: &[Outcome], findings: &[Finding], counts: &Counts, baseline: bool) {
    for line in lines(console, outcomes, findings, counts, baseline) {
        console.line(line);
    }
}

/// The same, for the text summary.
pub(crate) fn lines(
    console: &Console,
    outcomes: &[Outcome],
    findings: &[Finding],
    counts: &Counts,
    baseline: bool,
) -> Vec<String> {
    let mut lines = vec![format!("scanned  {}", scanned(outcomes))];
    let groups = group(findings);
    for group in groups.iter().take(LISTED) {
        lines.push(line(console, group, baseline));
    }
    if groups.len() > LISTED {
        let rest: Vec<&Finding> = groups[LISTED..].iter().flatten().copied().collect();
        lines.push(format!("and {} more ({}): see the reports", rest.len(), Counts::words(&rest)));
    }
    let mut also = Vec::new();
    if counts.known > 0 {
        also.push(format!("{} known (baseline)", counts.known));
    }
    also.extend(ignored(findings));
    if counts.unscored > 0 {
        also.push(format!("{} unscored", counts.unscored));
    }
    if !also.is_empty() {
        lines.push(format!("also     {}", also.join(", ")));
    }
    lines
}

fn scanned(outcomes: &[Outcome]) -> String {
    let parts: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| match (&outcome.scan.skipped, outcome.scan.detail.as_str()) {
            (Some(why), _) => Some(format!("{}: {why}", outcome.name)),
            (None, "") => None,
            (None, detail) => Some(detail.to_owned()),
        })
        .collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// Open findings, the same thing at several places as one.
fn group(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings.iter().filter(|finding| finding.is_open()) {
        let same = |other: &Finding| {
            finding.package.is_some() && other.rule == finding.rule && other.subject() == finding.subject()
        };
        match groups.iter_mut().find(|group| same(group[0])) {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

fn line(console: &Console, group: &[&Finding], baseline: bool) -> String {
    let finding = group[0];
    let word = finding.severity_word();
    let color = if finding.fails() { Color::Red } else { Color::Yellow };
    let severity = console.paint(color, &format!("{word:<8}"));
    let new = if baseline { " new" } else { "" };
    let places = if group.len() > 1 { format!(" and {} more", group.len() - 1) } else { String::new() };
    let place = format!("{}:{}{places}", terminal(&finding.location.path), finding.location.line);
    let gated = match &finding.gated {
        Some(Gated::Passes(why)) if why != "below the gate" => format!("  not gated: {why}"),
        Some(Gated::Passes(_)) => "  not gated".to_owned(),
        _ => String::new(),
    };
    match &finding.package {
        Some(package) => {
            let subject = format!("{} {}", terminal(&package.name), terminal(&package.version));
            let fix = match (package.fixed.first(), &package.upgrade) {
                (Some(fixed), Some(upgrade)) => format!("fix: {} ({})", terminal(fixed), terminal(upgrade)),
                (Some(fixed), None) => format!("fix: {}", terminal(fixed)),
                (None, _) => "no fix yet".to_owned(),
            };
            format!("{severity}{new} {subject:<24}  {:<19}  {place}{gated}  {fix}", terminal(&finding.rule))
        }
        None => {
            let shown = finding.shown.as_ref().map(|shown| format!("  {}", terminal(shown))).unwrap_or_default();
            format!("{severity}{new} {:<24}  {place}{shown}{gated}  fix: revoke it, then remove it", finding.title)
        }
    }
}

/// `2 ignored until 2027-01-01`
fn ignored(findings: &[Finding]) -> Vec<String> {
    let mut by_date: Vec<(Option<&str>, usize)> = Vec::new();
    for finding in findings {
        if let Status::Ignored { until, .. } = &finding.status {
            match by_date.iter_mut().find(|(date, _)| *date == until.as_deref()) {
                Some((_, count)) => *count += 1,
                None => by_date.push((until.as_deref(), 1)),
            }
        }
    }
    by_date.sort_unstable();
    by_date
        .into_iter()
        .map(|(date, count)| match date {
            Some(date) => format!("{count} ignored until {date}"),
            None => format!("{count} allowed in the line"),
        })
        .collect()
}
