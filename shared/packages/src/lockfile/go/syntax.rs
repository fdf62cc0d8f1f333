//! The grammar that `go.mod` and `go.work` share (<https://go.dev/ref/mod#go-mod-file-grammar>): directives, each on a
//! separate line or one of several in a block.

use super::super::text::excerpt;
use super::super::{MAX_PACKAGES, ParseError};

/// One directive.
pub(super) struct Directive<'a> {
    pub(super) verb: &'a str,
    /// What follows the verb; strings keep their quotes.
    pub(super) words: Vec<&'a str>,
    /// Of the same line, without its slashes.
    pub(super) comment: &'a str,
    /// From 1.
    pub(super) line: u32,
}

impl<'a> Directive<'a> {
    /// A word that may be quoted.
    ///
    /// # Errors
    /// For quotes that Go refuses, and for escapes, which no module's path needs.
    pub(super) fn text(&self, word: &'a str) -> Result<&'a str, ParseError> {
        let inner = match word.strip_prefix('"') {
            Some(rest) => rest.strip_suffix('"').unwrap_or(rest),
            None if word.contains(['"', '\'', '`']) => {
                return Err(ParseError::at(self.line, format!("`{}` holds a quote", excerpt(word))));
            }
            None => return Ok(word),
        };
        match inner.contains('\\') {
            true => Err(ParseError::at(self.line, format!("`{}` holds an escape", excerpt(inner)))),
            false => Ok(inner),
        }
    }

    pub(super) fn wrong(&self, expected: &str) -> ParseError {
        ParseError::at(self.line, format!("`{}`: expected {expected}", excerpt(self.verb)))
    }
}

/// The directives in their order. `blocks` are the verbs that may have one.
///
/// # Errors
/// With the line, for whatever Go's own parser refuses before it looks at the verbs, and for a block of another verb.
pub(super) fn directives<'a>(text: &'a str, blocks: &[&str]) -> Result<Vec<Directive<'a>>, ParseError> {
    let mut directives = Vec::new();
    let mut open: Option<(&str, u32)> = None;
    for (index, line) in text.split('\n').enumerate() {
        let number = u32::try_from(index).unwrap_or(u32::MAX - 1) + 1;
        let (mut words, comment) = words(line, number)?;
        let Some(first) = words.first().copied() else { continue };
        if directives.len() == MAX_PACKAGES {
            return Err(ParseError::at(number, format!("more than {MAX_PACKAGES} directives")));
        }
        if let Some((verb, _)) = open {
            match (first, words.len()) {
                (")", 1) => open = None,
                (")", _) => return Err(ParseError::at(number, "text after a closing bracket")),
                _ => directives.push(Directive { verb, words, comment, line: number }),
            }
            continue;
        }
        let header = match words.as_slice() {
            [header @ .., "("] if !header.is_empty() => Some((header, true)),
            [header @ .., "(", ")"] if !header.is_empty() => Some((header, false)),
            _ => None,
        };
        match header {
            Some(([verb], opens)) if blocks.contains(verb) => open = opens.then_some((first, number)),
            Some((header, _)) => {
                let header = header.join(" ");
                return Err(ParseError::at(number, format!("`{}` is not a directive with a block", excerpt(&header))));
            }
            None => {
                words.remove(0);
                directives.push(Directive { verb: first, words, comment, line: number });
            }
        }
    }
    match open {
        Some((verb, line)) => {
            Err(ParseError::at(line, format!("the `{}` block is not closed: the file is cut off", excerpt(verb))))
        }
        None => Ok(directives),
    }
}

/// The words of a line, and its comment. A quoted string is one word, and so is each bracket and comma.
fn words(line: &str, number: u32) -> Result<(Vec<&str>, &str), ParseError> {
    const SPACE: [char; 3] = [' ', '\t', '\r'];
    const SINGLE: [char; 7] = ['(', ')', '[', ']', '{', '}', ','];
    let mut words = Vec::new();
    let mut rest = line.trim_start_matches(SPACE);
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("//") {
            return Ok((words, comment.trim()));
        }
        let end = match first {
            first if SINGLE.contains(&first) => 1,
            '"' | '`' => string(rest, first).ok_or_else(|| ParseError::at(number, "a string that does not end"))?,
            _ => {
                let stops = |c: char| SINGLE.contains(&c) || c.is_whitespace() || c.is_control();
                let end = [rest.find(stops), rest.find("//"), rest.find("/*")].into_iter().flatten().min();
                end.unwrap_or(rest.len())
            }
        };
        let (word, after) = rest.split_at_checked(end).unwrap_or_default();
        if word.is_empty() || after.starts_with("/*") {
            let what = rest.chars().take(2).collect::<String>();
            return Err(ParseError::at(number, format!("`{}` is not expected here", excerpt(&what))));
        }
        words.push(word);
        rest = after.trim_start_matches(SPACE);
    }
    Ok((words, ""))
}

/// The length of a string, quotes included.
fn string(text: &str, quote: char) -> Option<usize> {
    let mut escaped = false;
    let end = text.char_indices().skip(1).find(|(_, c)| {
        let ends = *c == quote && !escaped;
        escaped = *c == '\\' && quote == '"' && !escaped;
        ends
    });
    end.map(|(at, _)| at + 1)
}
