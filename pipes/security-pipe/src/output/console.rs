//! What a person sees: at most 25 screen lines of 80 columns, worst first, what to do, verdict last.

mod group;

use std::collections::BTreeMap;

use jiff::civil::Date;
use pipe_core::console::{Color, Console, Level};
use pipe_core::report::StepStatus;
use serde_json::{Value, json};

use self::group::{Group, group};
use super::Run;
use crate::finding::{Finding, Gated, Status};
use crate::gate::Counts;
use crate::ledger::Class;
use crate::scanner::Outcome;
use crate::words::short;

/// Columns of a screen line.
pub(crate) const WIDTH: usize = 80;
/// Screen lines of a run, its header and its last two lines included.
const MAX_ROWS: usize = 25;
/// Two lines each.
const MAX_GROUPS: usize = 9;
/// The header, `reports` and the verdict, which are printed elsewhere.
const OTHER_ROWS: usize = 3;

/// A line as data. Its first word has a colour on a terminal.
struct Line {
    word: Option<(Color, String)>,
    rest: String,
    /// Of a finding: what LOG_FORMAT=json has beside the text.
    event: Option<(Level, Value)>,
}

impl Line {
    fn plain(rest: String) -> Line {
        Line { word: None, rest, event: None }
    }

    fn rows(&self) -> usize {
        rows(self.word.as_ref().map_or(0, |(_, word)| word.chars().count()) + self.rest.chars().count())
    }
}

/// How many screen lines a text of so many columns takes.
pub(crate) fn rows(columns: usize) -> usize {
    columns.div_ceil(WIDTH).max(1)
}

/// Prints what was looked at, the worst findings and what was left out. `used` are the screen lines of warnings and
/// errors, to which findings give way.
pub(crate) fn print(console: &Console, run: &Run<'_>, used: usize) {
    for Line { word, rest, event } in lines(run, used) {
        let word = word.map(|(color, word)| console.paint(color, &word)).unwrap_or_default();
        let (level, fields) = event.unwrap_or((Level::Info, Value::Null));
        console.event(level, format!("{word}{rest}"), fields);
    }
}

/// The same without colours, and the verdict: the text summary.
pub(crate) fn text(run: &Run<'_>) -> String {
    let mut text = String::new();
    for Line { word, rest, .. } in lines(run, 0) {
        text.push_str(&word.map(|(_, word)| word).unwrap_or_default());
        text.push_str(&rest);
        text.push('\n');
    }
    text.push_str(&format!("{:<7}  {}\n", run.ending.verdict().headline(), run.ending.reason()));
    text
}

fn lines(run: &Run<'_>, used: usize) -> Vec<Line> {
    let mut lines = vec![Line::plain(format!("scanned  {}", scanned(run.outcomes)))];
    let left_out = [Class::Unable, Class::NotKnown].map(|class| run.ledger.words(class));
    let left_out: Vec<String> = left_out.into_iter().filter(|words| !words.is_empty()).collect();
    if !left_out.is_empty() {
        lines.push(Line::plain(short(&format!("not seen {}", left_out.join(", ")), 2 * WIDTH)));
    }
    let by_rule = run.ledger.words(Class::ByRule);
    if !by_rule.is_empty() {
        lines.push(Line::plain(short(&format!("left out {by_rule}"), WIDTH)));
    }
    let also = also(run);
    let groups = group(run.findings);
    let around = OTHER_ROWS
        + used
        + lines.iter().map(Line::rows).sum::<usize>()
        + usize::from(!also.is_empty())
        + rows(run.ending.reason().chars().count() + 30)
        - 1;
    // One for "and 3 more", unless all fit.
    let room = |more: usize| MAX_ROWS.saturating_sub(around + more) / 2;
    let listed = if groups.len() <= room(0).min(MAX_GROUPS) { groups.len() } else { room(1).min(MAX_GROUPS) };
    // However many warnings there are, the worst finding is shown.
    let listed = listed.max(usize::from(!groups.is_empty()));
    for group in &groups[..listed.min(groups.len())] {
        lines.extend(two_lines(group, run));
    }
    if listed < groups.len() {
        let rest: Vec<&Finding> = groups[listed..].iter().flat_map(|group| group.findings.iter().copied()).collect();
        let more = format!("and {} more ({}): see the reports", rest.len(), Counts::words(&rest));
        lines.push(Line::plain(short(&more, WIDTH)));
    }
    if !also.is_empty() {
        lines.push(Line::plain(format!("also     {}", also.join(", "))));
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

/// What and where, then what to do.
fn two_lines(group: &Group<'_>, run: &Run<'_>) -> [Line; 2] {
    let finding = group.first();
    let fails = group.findings.iter().any(|finding| finding.fails());
    let word = format!("{:<8}", finding.rating().as_str());
    let new = if run.baseline { " new" } else { "" };
    let indent = word.chars().count() + new.len() + 2;
    let harmless = |text: &str| (run.plain)(text);
    let (subject, id) = match (finding.package(), finding.prefix()) {
        (Some(_), _) => (harmless(&finding.subject()), and_more(harmless(&finding.rule.id), group.rules().len())),
        (None, Some(prefix)) => (harmless(&finding.rule.title), harmless(prefix)),
        (None, None) => (harmless(&finding.rule.title), harmless(&finding.rule.id)),
    };
    let gated = match &finding.gated {
        _ if fails => String::new(),
        Some(Gated::Passes(why)) if why != "below the gate" => format!("not gated: {why}"),
        Some(Gated::Passes(_)) => "not gated".to_owned(),
        _ => String::new(),
    };
    let places = group.places();
    let place = harmless(places.first().map_or("", String::as_str));
    let more = and_more(String::new(), places.len());
    let what = fit(WIDTH - indent, subject, &id, place, &more, &gated);
    let color = if fails { Color::Red } else { Color::Yellow };
    let event = Some((if fails { Level::Error } else { Level::Warning }, fields(group, fails)));
    let what = Line { word: Some((color, word)), rest: format!("{new}  {what}"), event };
    [what, Line::plain(short(&format!("{:indent$}{}", "", harmless(&group.remedy())), WIDTH))]
}

/// Of the worst finding of a group, and how many it has.
fn fields(group: &Group<'_>, fails: bool) -> Value {
    let finding = group.first();
    json!({
        "severity": finding.rating().as_str().to_lowercase(),
        "rule": finding.rule.id,
        "path": finding.location.path,
        "line": finding.location.span.line,
        "findings": group.findings.len(),
        "fails": fails,
        "fingerprint": finding.fingerprint,
    })
}

/// `GHSA-xxxx-xxxx-xxxx and 2 more`
fn and_more(first: String, count: usize) -> String {
    if count > 1 { format!("{first} and {} more", count - 1) } else { first }
}

/// The parts in one line of at most `width` columns. The place gives way first, from its left, then the subject.
fn fit(width: usize, subject: String, id: &str, place: String, more: &str, gated: &str) -> String {
    /// Columns that a place and a subject keep.
    const MIN_PLACE: usize = 20;
    const MIN_SUBJECT: usize = 16;
    let gap = |text: &str| if text.is_empty() { 0 } else { text.chars().count() + 2 };
    let least = MIN_SUBJECT.min(subject.chars().count()) + MIN_PLACE.min(place.chars().count()) + more.chars().count();
    let tight = least + 2 + gap(id) + gap(gated) > width;
    let (id, more) = if tight { (&plus(id), &plus(more)) } else { (&id.to_owned(), &more.to_owned()) };
    let room = width.saturating_sub(gap(id) + more.chars().count() + gap(gated) + 2);
    let wanted = subject.chars().count().max(MIN_SUBJECT.min(subject.chars().count()));
    let place = tail(&place, room.saturating_sub(wanted).max(MIN_PLACE));
    let subject = short(&subject, room.saturating_sub(place.chars().count()).max(MIN_SUBJECT));
    let place = format!("{place}{more}");
    let parts = [subject.as_str(), id, &place, gated];
    let line = parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("  ");
    short(&line, width)
}

/// `GHSA-xxxx-xxxx-xxxx +2`, in a line that has no room for `and 2 more`.
fn plus(counted: &str) -> String {
    match counted.strip_suffix(" more").and_then(|rest| rest.rsplit_once(" and ")) {
        Some((first, count)) => format!("{first} +{count}"),
        None => counted.to_owned(),
    }
}

/// The end of a place, which says more than its beginning.
fn tail(place: &str, most: usize) -> String {
    let count = place.chars().count();
    if count <= most {
        return place.to_owned();
    }
    let end: String = place.chars().skip(count + 1 - most).collect();
    // From a folder on, if one begins there.
    let end = end.find('/').map_or(end.as_str(), |at| &end[at..]);
    format!("…{end}")
}

/// `14 known (baseline), 2 ignored until 2027-01-01`
fn also(run: &Run<'_>) -> Vec<String> {
    let mut also = Vec::new();
    if run.counts.known > 0 {
        also.push(format!("{} known (baseline)", run.counts.known));
    }
    let mut by_date: BTreeMap<Option<Date>, usize> = BTreeMap::new();
    for finding in run.findings {
        if let Status::Ignored { until, .. } = &finding.status {
            *by_date.entry(*until).or_default() += 1;
        }
    }
    also.extend(by_date.into_iter().map(|(date, count)| match date {
        Some(date) => format!("{count} ignored until {date}"),
        None => format!("{count} allowed in the line"),
    }));
    also
}

#[cfg(test)]
mod tests;
