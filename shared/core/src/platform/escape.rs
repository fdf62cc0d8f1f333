//! Text from outside (names of files and branches, messages of tools) made harmless for the place it goes to.
//!
//! Each function gives text that reads the same to a person and is nothing but text to the reader of that format.
//!
//! The rule for secrets: what is escaped is redacted first, by the function that escapes, since no secret can be found in
//! its escaped form. Everything else is redacted once, where it leaves, by Console, Recorder and the publisher.

use std::borrow::Cow;
use std::fmt::Write;

use crate::redact::Redactor;

/// Breaks up what a renderer would take for a mention or a link. It has no width, and no one types it.
const BREAK: char = '\u{200b}';

/// For one line of a terminal or a log: what would move the cursor, change colours, hide text or turn its direction
/// is shown as `\u{1b}`, line breaks included.
///
/// Text with secrets goes through [`crate::console::Console::escape`], which hides them first.
pub fn terminal(text: &str) -> String {
    visible(text, |c| c == ' ')
}

/// For Markdown as GitHub, GitLab and Bitbucket read it, in a paragraph or a table's cell: one line on which nothing is
/// markup, HTML, a formula, a link, a mention or a quick action. Line breaks become spaces. Secrets are hidden first.
pub fn markdown(text: &str, redactor: &Redactor) -> String {
    let text = redactor.text(text);
    let line = text.split(['\n', '\r', '\t']).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
    let line = visible(line.trim_matches(' '), |_| false);
    let mut out = String::with_capacity(line.len() + 16);
    let mut previous = ' ';
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A backslash would not keep GitHub from reading a formula.
            '$' => out.push_str("&#36;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '~' | '{' | '}' | '"' | '\'' => {
                out.push('\\');
                out.push(c);
            }
            // Mentions and addresses, references to issues and merge requests.
            '@' | '#' | '!' | '%' if next.is_some_and(|next| !next.is_whitespace()) => {
                if matches!(c, '#' | '!') {
                    out.push('\\');
                }
                out.push(c);
                out.push(BREAK);
            }
            // `https://`, `mailto:x`, `:smile:`
            ':' if next == Some('/') || next.is_some_and(char::is_alphabetic) => {
                out.push(c);
                out.push(BREAK);
            }
            '.' if previous == 'w' || previous == 'W' => {
                out.push(BREAK);
                out.push(c);
            }
            // What only means something at the start of a line: headings, lists, rules, quick actions.
            '#' | '+' | '-' | '=' | '/' if out.is_empty() => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')' if !out.is_empty() && out.bytes().all(|byte| byte.is_ascii_digit()) => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
        previous = c;
    }
    out
}

/// For one line of a log that a CI's agent may read: text in which no CI finds a command.
///
/// - `##vso[`, `##[`, `##teamcity[`, `##octopus[` and whatever else is written like them, anywhere in a line: Azure
///   Pipelines (`Command.cs` of its agent), GitHub's runner and Gitea's, TeamCity, Octopus Deploy.
/// - [`AT_START`] at the start of a line.
pub(crate) fn no_command(line: &str) -> Cow<'_, str> {
    let mut breaks: Vec<usize> = Vec::new();
    for (at, _) in line.match_indices('[') {
        let before = line[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric() || c == '-');
        if before.ends_with("##") {
            breaks.push(before.len() - 1);
        }
    }
    let mut start = 0;
    for part in line.split_inclusive(['\r', '\n']) {
        let text = part.trim_start();
        if AT_START.iter().any(|command| text.starts_with(command)) {
            breaks.push(start + part.len() - text.len() + 1);
        }
        start += part.len();
    }
    if breaks.is_empty() {
        return Cow::Borrowed(line);
    }
    breaks.sort_unstable();
    let mut out = String::with_capacity(line.len() + breaks.len() * BREAK.len_utf8());
    let mut from = 0;
    for at in breaks {
        out.push_str(&line[from..at]);
        out.push(BREAK);
        from = at;
    }
    out.push_str(&line[from..]);
    Cow::Owned(out)
}

/// What a CI acts on at the start of a line. All begin with a character of one byte.
const AT_START: [&str; 9] = [
    // Workflow commands of GitHub, Gitea and Forgejo.
    "::",
    // Sections of GitLab's log.
    "section_start:",
    "section_end:",
    // Folds and timers of Travis CI.
    "travis_fold:",
    "travis_time:",
    // Groups of Buildkite's log.
    "--- ",
    "+++ ",
    "~~~ ",
    "^^^ ",
];

/// For the message of a GitHub workflow command; line breaks stay line breaks.
pub fn workflow_data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// For a property of a GitHub workflow command.
pub fn workflow_property(text: &str) -> String {
    workflow_data(text).replace(':', "%3A").replace(',', "%2C")
}

/// Like [`terminal`] for text of several lines.
pub(super) fn lines(text: &str) -> String {
    visible(&text.replace("\r\n", "\n"), |c| c == '\n' || c == '\t')
}

fn visible(text: &str, keep: impl Fn(char) -> bool) -> String {
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if deceives(c) && !keep(c) {
            // Writing to a string can't fail.
            let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out
}

/// Controls, changes of direction, other line breaks, and what can't be seen. The joiners of emoji and of Persian stay.
fn deceives(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{61c}' | '\u{180e}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests;
