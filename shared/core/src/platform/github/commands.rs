//! Workflow commands: lines on standard output that GitHub's runner acts on.

use std::io::{self, Write};

use super::super::escape::{self, workflow_data, workflow_property};
use super::super::rendering::{Annotation, Level, Rendering, cut};

/// The runner keeps so many annotations of each level from one step (its `ExecutionContext`).
const MAX_PER_LEVEL: usize = 10;
/// Characters of a message that the runner keeps.
const MAX_MESSAGE: usize = 4096;
const MAX_TITLE: usize = 200;
/// A line this short would black out half of the log; bytes.
const MIN_MASK: usize = 4;

/// Writes the annotations, one command a line. Of a level with more than the runner keeps, the last one says how many
/// there are.
///
/// # Errors
/// `out` can't be written.
pub fn annotations(rendering: &Rendering, out: &mut dyn Write) -> io::Result<()> {
    for level in [Level::Error, Level::Warning, Level::Notice] {
        let of_level = || rendering.annotations.iter().filter(|annotation| annotation.level == level);
        let count = of_level().count();
        let shown = if count > MAX_PER_LEVEL { MAX_PER_LEVEL - 1 } else { count };
        for annotation in of_level().take(shown) {
            writeln!(out, "{}", command(&annotation))?;
        }
        if let more @ 1.. = count - shown {
            let message = format!("and {more} more: see the job summary and the reports");
            writeln!(
                out,
                "::{} title={}::{}",
                word(level),
                workflow_property(&rendering.key()),
                workflow_data(&message)
            )?;
        }
    }
    Ok(())
}

/// An error without a place: why a run had no result.
pub fn error(title: &str, message: &str) -> String {
    format!("::error title={}::{}", property(title, MAX_TITLE), data(message))
}

/// The commands between which the runner takes output for text, whatever it looks like. `token` is one that the text
/// can't contain: random, and letters and digits only.
pub fn stop_commands(token: &str) -> (String, String) {
    (format!("::stop-commands::{token}"), format!("::{token}::"))
}

/// The commands that make the runner hide a value, as a whole and in each line of it that is long enough to
/// identify it.
pub fn add_mask(value: &str) -> Vec<String> {
    let value = value.trim_matches(['\r', '\n']);
    let mut hidden: Vec<&str> = Vec::new();
    if !value.trim().is_empty() {
        hidden.push(value);
    }
    if value.contains('\n') {
        hidden.extend(value.lines().map(str::trim).filter(|line| line.len() >= MIN_MASK));
    }
    hidden.into_iter().map(|text| format!("::add-mask::{}", workflow_data(text))).collect()
}

fn command(annotation: &Annotation) -> String {
    let mut properties = Vec::new();
    if let Some(path) = &annotation.path {
        properties.push(format!("file={}", property(path, 4096)));
        let line = annotation.line;
        let end_line = annotation.end_line.filter(|end| line.is_some_and(|line| *end >= line));
        let mut number = |name: &str, value: Option<u32>| {
            properties.extend(value.filter(|value| *value > 0).map(|value| format!("{name}={value}")));
        };
        number("line", line);
        number("endLine", end_line);
        // The runner drops columns of an annotation of several lines.
        if line.is_some() && end_line.is_none_or(|end| Some(end) == line) {
            number("col", annotation.column);
            number("endColumn", annotation.end_column.filter(|end| annotation.column.is_some_and(|from| *end >= from)));
        }
    }
    if !annotation.title.is_empty() {
        properties.push(format!("title={}", property(&annotation.title, MAX_TITLE)));
    }
    let mut message = annotation.message.clone();
    if let Some(link) = &annotation.link {
        message.push('\n');
        message.push_str(link);
    }
    // An empty message would make the runner drop the annotation.
    if message.trim().is_empty() {
        message.clone_from(&annotation.title);
    }
    let space = if properties.is_empty() { "" } else { " " };
    format!("::{}{space}{}::{}", word(annotation.level), properties.join(","), data(&message))
}

fn word(level: Level) -> &'static str {
    match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Notice => "notice",
    }
}

fn data(text: &str) -> String {
    workflow_data(&cut(&escape::lines(text), MAX_MESSAGE))
}

fn property(text: &str, max: usize) -> String {
    workflow_property(&cut(&escape::terminal(text), max))
}

#[cfg(test)]
mod tests;
