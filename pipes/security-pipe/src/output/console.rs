//! What a person sees: at most 25 lines, worst first, what to do, verdict last.

use pipe_core::console::{Color, Console};
use pipe_core::platform::escape::terminal;
use pipe_core::report::StepStatus;

use super::Run;
use crate::finding::{Finding, Gated, Kind, Status};
use crate::gate::Counts;
use crate::ledger::Class;
use crate::scanner::Outcome;

/// So many findings are listed; with the lines around them a run stays within 25.
const MAX_LISTED: usize = 14;

/// A line as data. Its first word has a colour on a terminal.
struct Line {
    word: Option<(Color, String)>,
    rest: String,
}

/// Prints what was looked at, the worst findings and what was left out.
pub(crate) fn print(console: &Console, run: &Run<'_>) {
    for Line { word, rest } in lines(run) {
        let word = word.map(|(color, word)| console.paint(color, &word)).unwrap_or_default();
        console.line(format!("{word}{rest}"));
    }
}

/// The same without colours, and the verdict: the text summary.
pub(crate) fn text(run: &Run<'_>) -> String {
    let mut text = String::new();
    for Line { word, rest } in lines(run) {
        text.push_str(&word.map(|(_, word)| word).unwrap_or_default());
        text.push_str(&rest);
        text.push('\n');
    }
    text.push_str(&format!("{:<7}  {}\n", run.ending.verdict().headline(), run.ending.reason()));
    text
}

fn lines(run: &Run<'_>) -> Vec<Line> {
    let plain = |rest: String| Line { word: None, rest };
    let mut lines = vec![plain(format!("scanned  {}", scanned(run.outcomes)))];
    let left_out: Vec<String> = [Class::Unable, Class::NotKnown]
        .map(|class| run.ledger.words(class))
        .into_iter()
        .filter(|words| !words.is_empty())
        .collect();
    if !left_out.is_empty() {
        lines.push(plain(format!("not seen {}", left_out.join(", "))));
    }
    let by_rule = run.ledger.words(Class::ByRule);
    if !by_rule.is_empty() {
        lines.push(plain(format!("left out {by_rule}")));
    }
    let groups = group(run.findings);
    lines.extend(groups.iter().take(MAX_LISTED).map(|group| line(group, run.baseline)));
    if groups.len() > MAX_LISTED {
        let rest: Vec<&Finding> = groups[MAX_LISTED..].iter().flatten().copied().collect();
        lines.push(plain(format!("and {} more ({}): see the reports", rest.len(), Counts::words(&rest))));
    }
    let mut also = Vec::new();
    if run.counts.known > 0 {
        also.push(format!("{} known (baseline)", run.counts.known));
    }
    also.extend(ignored(run.findings));
    if run.counts.unscored > 0 {
        also.push(format!("{} unscored", run.counts.unscored));
    }
    if !also.is_empty() {
        lines.push(plain(format!("also     {}", also.join(", "))));
    }
    lines
}

fn scanned(outcomes: &[Outcome]) -> String {
    let parts: Vec<String> = outcomes
        .iter()
        .filter_map(|outcome| match outcome.status {
            StepStatus::Skipped => Some(format!("{}: {}", outcome.name, outcome.detail)),
            StepStatus::Ran | StepStatus::Failed => Some(outcome.looked_at.clone()).filter(|what| !what.is_empty()),
        })
        .collect();
    if parts.is_empty() { "nothing".to_owned() } else { parts.join(", ") }
}

/// Open findings. One advisory about one package is one group, at however many places.
fn group(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let mut groups: Vec<Vec<&Finding>> = Vec::new();
    for finding in findings.iter().filter(|finding| finding.is_open()) {
        let same = |other: &Finding| other.rule.id == finding.rule.id && other.subject() == finding.subject();
        // Only advisories have company, and a tree may hold tens of thousands of secrets.
        let known = finding.package().and_then(|_| groups.iter_mut().find(|group| same(group[0])));
        match known {
            Some(group) => group.push(finding),
            None => groups.push(vec![finding]),
        }
    }
    groups
}

fn line(group: &[&Finding], baseline: bool) -> Line {
    let finding = group[0];
    let color = if finding.fails() { Color::Red } else { Color::Yellow };
    let word = format!("{:<8}", finding.rating().as_str());
    let new = if baseline { " new" } else { "" };
    let places = if group.len() > 1 { format!(" and {} more", group.len() - 1) } else { String::new() };
    let place = format!("{}{places}", terminal(&finding.location.shown()));
    let gated = match &finding.gated {
        Some(Gated::Passes(why)) if why != "below the gate" => format!("  not gated: {why}"),
        Some(Gated::Passes(_)) => "  not gated".to_owned(),
        _ => String::new(),
    };
    let (id, title) = (terminal(&finding.rule.id), terminal(&finding.rule.title));
    let what = match &finding.kind {
        Kind::Vulnerability(_) | Kind::Malware(_) => format!("{:<24}  {id:<19}  {place}", terminal(&finding.subject())),
        Kind::Secret { prefix: Some(prefix) } => format!("{title:<24}  {place}  {}", terminal(prefix)),
        Kind::Secret { prefix: None } => format!("{title:<24}  {place}"),
        Kind::Misconfiguration => format!("{title:<24}  {id:<19}  {place}"),
    };
    Line { word: Some((color, word)), rest: format!("{new} {what}{gated}  {}", terminal(&finding.remedy.brief)) }
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
