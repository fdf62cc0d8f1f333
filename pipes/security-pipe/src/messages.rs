//! The warnings and errors of a run. The reports have all of them; a person sees at most five lines.

use pipe_core::Context;
use pipe_core::advice::{split, with_advice};
use pipe_core::console::Level;
use pipe_core::report::Recorder;

use crate::inventory;
use crate::ledger::{Class, Ledger, Problem};
use crate::output::console;
use crate::policy::Applied;
use crate::scanner::Outcome;
use crate::tree;
use crate::words::short;

/// Screen lines on the console.
const MAX_ROWS: usize = 5;
/// Characters of a text that is cut before its advice.
const MIN_TEXT: usize = 20;
/// What the ignore file and the baseline have to say.
const POLICY: &str = "policy";
/// Columns of `warning: `.
const PREFIX: usize = 9;

/// One warning or error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    level: Level,
    /// Of what kind it is. Messages of one kind share a line if there are too many.
    kind: String,
    text: String,
    /// What to do, if the text does not say it.
    advice: Option<&'static str>,
}

impl Message {
    /// The text with its advice.
    fn full(&self) -> String {
        self.advice.map_or_else(|| self.text.clone(), |advice| with_advice(self.text.as_str(), advice))
    }

    /// The same in `most` characters. The advice stays if that leaves enough for the text.
    fn within(&self, most: usize) -> String {
        let full = self.full();
        let room = |advice: &str| most.checked_sub(advice.chars().count() + 2).filter(|room| *room >= MIN_TEXT);
        match split(&full).and_then(|(text, advice)| Some((text, advice, room(advice)?))) {
            Some((text, advice, room)) if full.chars().count() > most => format!("{}. {advice}", short(text, room)),
            _ => short(&full, most),
        }
    }
}

/// Errors first. `speaker` is the scanner in whose name the inventory speaks.
pub(crate) fn of(
    ledger: &Ledger,
    outcomes: &[Outcome],
    applied: &Applied,
    speaker: Option<&'static str>,
) -> Vec<Message> {
    let named = |problem: &Problem| match problem.step {
        tree::STEP => problem.text.clone(),
        inventory::STEP => format!("{}: {}", speaker.unwrap_or(inventory::STEP), problem.text),
        step => format!("{step}: {}", problem.text),
    };
    let message = |level, problem: &Problem| Message {
        level,
        kind: problem.reason.key().to_owned(),
        text: named(problem),
        advice: problem.advice(),
    };
    let mut messages: Vec<Message> =
        ledger.problems(Class::Unable).iter().map(|problem| message(Level::Error, problem)).collect();
    messages.extend(ledger.problems(Class::NotKnown).iter().map(|problem| message(Level::Warning, problem)));
    for outcome in outcomes {
        let warning = |text: &String| Message {
            level: Level::Warning,
            kind: outcome.name.to_owned(),
            text: format!("{}: {text}", outcome.name),
            advice: None,
        };
        messages.extend(outcome.warnings.iter().map(warning));
    }
    let policy = |level, text: &String| Message { level, kind: POLICY.to_owned(), text: text.clone(), advice: None };
    messages.extend(applied.warnings.iter().map(|text| policy(Level::Warning, text)));
    messages.splice(..0, applied.unable.iter().map(|text| policy(Level::Error, text)));
    messages
}

/// Prints them, and gives the warnings to the report. Returns how many screen lines that took.
pub(crate) fn print(messages: &[Message], ctx: &Context, report: &Recorder) -> usize {
    // What a scan could not do is in its step.
    for message in messages.iter().filter(|message| message.level == Level::Warning || message.kind == POLICY) {
        report.notice(message.full());
    }
    let lines = lines(messages);
    for (level, line) in &lines {
        match level {
            Level::Error => ctx.console.error(line),
            _ => ctx.console.warning(line),
        }
    }
    lines.iter().map(|(_, line)| rows(line)).sum()
}

fn rows(line: &str) -> usize {
    console::rows(PREFIX + line.chars().count())
}

/// As many messages as fit into [`MAX_ROWS`]: all as they are, or one line a kind.
fn lines(messages: &[Message]) -> Vec<(Level, String)> {
    let full: Vec<(Level, String)> = messages.iter().map(|message| (message.level, message.full())).collect();
    if full.iter().map(|(_, text)| rows(text)).sum::<usize>() <= MAX_ROWS {
        return full;
    }
    let mut kinds: Vec<(&Message, usize)> = Vec::new();
    for message in messages {
        match kinds.iter_mut().find(|(first, _)| first.level == message.level && first.kind == message.kind) {
            Some((_, count)) => *count += 1,
            None => kinds.push((message, 1)),
        }
    }
    let mut lines: Vec<(Level, String)> = Vec::new();
    let mut used = 0;
    for (at, (first, count)) in kinds.iter().enumerate() {
        let more = if *count > 1 { format!(" (and {} more, see the reports)", count - 1) } else { String::new() };
        let last = at + 1 == kinds.len();
        // The last row is for the number of the others.
        let room = MAX_ROWS - used - usize::from(!last);
        if room == 0 {
            let others: usize = kinds[at..].iter().map(|(_, count)| count).sum();
            lines.push((first.level, format!("and {others} more warnings or errors, see the reports")));
            break;
        }
        let most = (room * console::WIDTH).saturating_sub(PREFIX + more.chars().count());
        let line = format!("{}{more}", first.within(most));
        used += rows(&line);
        lines.push((first.level, line));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::{Level, MAX_ROWS, Message, lines, rows};

    fn message(level: Level, kind: &str, text: &str) -> Message {
        Message { level, kind: kind.to_owned(), text: text.to_owned(), advice: None }
    }

    #[test]
    fn few_messages_are_printed_as_they_are() {
        let messages: Vec<Message> =
            (0..MAX_ROWS).map(|n| message(Level::Error, "unreadable", &format!("file {n}"))).collect();
        let printed: Vec<String> = lines(&messages).into_iter().map(|(_, line)| line).collect();
        assert_eq!(printed, ["file 0", "file 1", "file 2", "file 3", "file 4"]);
    }

    #[test]
    fn many_messages_of_one_kind_share_a_line() {
        let mut messages: Vec<Message> =
            (0..60).map(|n| message(Level::Error, "unreadable", &format!("file {n}"))).collect();
        messages.push(message(Level::Warning, "policy", "expired"));
        let printed = lines(&messages);
        assert_eq!(printed[0], (Level::Error, "file 0 (and 59 more, see the reports)".to_owned()));
        assert_eq!(printed[1], (Level::Warning, "expired".to_owned()));
    }

    #[test]
    fn a_text_that_is_cut_keeps_its_advice() {
        let long = |text: &str| Message { advice: Some("Set IT"), ..message(Level::Error, "", text) };
        assert_eq!(long("short").within(30), "short. Set IT");
        assert_eq!(long(&"x".repeat(90)).within(30), format!("{}…. Set IT", "x".repeat(21)));
        assert_eq!(message(Level::Error, "", &format!("{}. Set IT", "x".repeat(90))).within(30).len(), 32);
        assert_eq!(long(&"x".repeat(90)).within(10).chars().count(), 10);
    }

    #[test]
    fn whatever_comes_there_are_at_most_five_rows_and_none_is_lost() {
        for (kinds, each, length) in (1..12).flat_map(|kinds| {
            (1..4).flat_map(move |each| [1, 60, 79, 150, 310, 900].map(|length| (kinds, each, length)))
        }) {
            let text = "x".repeat(length);
            let messages: Vec<Message> =
                (0..kinds).flat_map(|kind| vec![message(Level::Error, &kind.to_string(), &text); each]).collect();
            let printed = lines(&messages);
            let used: usize = printed.iter().map(|(_, line)| rows(line)).sum();
            assert!(used <= MAX_ROWS, "{kinds} kinds of {each} with {length}: {printed:?}");
            let told: usize = printed
                .iter()
                .map(|(_, line)| match line.split_once("and ") {
                    Some((own, more)) => {
                        usize::from(!own.is_empty()) + more.split(' ').next().unwrap().parse::<usize>().unwrap()
                    }
                    None => 1,
                })
                .sum();
            assert_eq!(told, messages.len(), "{printed:?}");
        }
    }
}
