//! The syntax of `yarn.lock`: blocks of fields, two spaces a level. Yarn 1 has its own form of it, later versions write
//! a subset of YAML that differs in little (<https://github.com/yarnpkg/berry>, `packages/yarnpkg-parsers`). One block is
//! held at a time.

use std::borrow::Cow;

use super::super::text::excerpt;
use super::super::{MAX_PACKAGES, ParseError, graph};

/// What stands under one line without indentation.
#[derive(Debug)]
pub(super) struct Block<'a> {
    /// In Yarn 1 several, each a pattern such as `once@^1.4.0`; later one, with commas in it.
    pub(super) keys: Vec<Cow<'a, str>>,
    /// From 1.
    pub(super) line: u32,
    fields: Vec<Field<'a>>,
}

#[derive(Debug)]
struct Field<'a> {
    name: &'a str,
    /// As it is written; empty if members follow.
    value: &'a str,
    line: u32,
    members: Vec<Member<'a>>,
}

/// A line of a field.
#[derive(Debug)]
struct Member<'a> {
    name: &'a str,
    value: &'a str,
    line: u32,
    /// `optional: true` stands under it.
    optional: bool,
}

impl<'a> Block<'a> {
    /// The value of a field without quotes, with its line.
    ///
    /// # Errors
    /// When it is there twice, or its quotes are broken.
    pub(super) fn value(&self, name: &str) -> Result<Option<(Cow<'a, str>, u32)>, ParseError> {
        let Some(field) = self.field(name) else { return Ok(None) };
        Ok(Some((unquoted(field.value, field.line)?, field.line)))
    }

    /// The members of a field without quotes: name, value, line.
    pub(super) fn members(
        &self,
        field: &str,
    ) -> impl Iterator<Item = Result<(Cow<'a, str>, Cow<'a, str>, u32), ParseError>> {
        let members = self.field(field).map(|field| field.members.as_slice()).unwrap_or_default();
        members.iter().map(|member| {
            let (name, value) = (unquoted(member.name, member.line)?, unquoted(member.value, member.line)?);
            Ok((name, value, member.line))
        })
    }

    /// The members under which `optional: true` stands.
    ///
    /// # Errors
    /// When the quotes of one are broken.
    pub(super) fn optional(&self, field: &str) -> Result<Vec<Cow<'a, str>>, ParseError> {
        let members = self.field(field).map(|field| field.members.as_slice()).unwrap_or_default();
        members.iter().filter(|member| member.optional).map(|member| unquoted(member.name, member.line)).collect()
    }

    fn field(&self, name: &str) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// Reads block after block.
pub(super) struct Blocks<'a> {
    rest: &'a str,
    /// Of the line that comes next, from 1.
    line: u32,
}

struct Line<'a> {
    depth: usize,
    number: u32,
    /// Without indentation and line end.
    text: &'a str,
}

impl<'a> Blocks<'a> {
    pub(super) fn new(text: &'a str) -> Blocks<'a> {
        Blocks { rest: text, line: 1 }
    }

    fn read(&mut self) -> Result<Option<Block<'a>>, ParseError> {
        let Some(head) = self.next_line()? else { return Ok(None) };
        if head.depth > 0 {
            return Err(ParseError::at(head.number, "an indented line that belongs to nothing"));
        }
        let mut block = Block { keys: self.keys(&head)?, line: head.number, fields: Vec::new() };
        let mut members = 0;
        while let Some(line) = self.next_line_within()? {
            match (line.depth, block.fields.last_mut()) {
                (1, _) => {
                    let (name, value) = pair(&line)?;
                    if block.fields.iter().any(|field| field.name == name) {
                        return Err(graph::twice(name, line.number));
                    }
                    block.fields.push(Field { name, value, line: line.number, members: Vec::new() });
                }
                (2, Some(field)) if field.value.is_empty() => {
                    members += 1;
                    if members > MAX_PACKAGES {
                        return Err(ParseError::at(line.number, format!("more than {MAX_PACKAGES} lines in an entry")));
                    }
                    // a list, of which none is read
                    if line.text.starts_with("- ") {
                        continue;
                    }
                    let (name, value) = pair(&line)?;
                    field.members.push(Member { name, value, line: line.number, optional: false });
                }
                (3.., Some(Field { members, .. })) => match members.last_mut() {
                    Some(member) if member.value.is_empty() => member.optional |= pair(&line)? == ("optional", "true"),
                    _ => return Err(ParseError::at(line.number, "an indented line that belongs to nothing")),
                },
                _ => return Err(ParseError::at(line.number, "an indented line that belongs to nothing")),
            }
        }
        Ok(Some(block))
    }

    /// `a@1, "b@2":`; in YAML a long one is `? "..."`, with the colon in the next line.
    fn keys(&mut self, head: &Line<'a>) -> Result<Vec<Cow<'a, str>>, ParseError> {
        let cut = || ParseError::at(head.number, format!("`{}` is not the key of an entry", excerpt(head.text)));
        let text = match head.text.strip_prefix("? ") {
            Some(text) => {
                let colon = self.next_line()?.is_some_and(|line| line.depth == 0 && line.text == ":");
                if !colon {
                    return Err(cut());
                }
                text
            }
            None => head.text.strip_suffix(':').ok_or_else(cut)?,
        };
        let mut keys = Vec::with_capacity(1);
        let mut rest = text;
        loop {
            let (key, after) = token(rest, &[','], head.number)?;
            if key.is_empty() {
                return Err(cut());
            }
            keys.push(unquoted(key, head.number)?);
            rest = match after.trim_start().strip_prefix(',') {
                Some(rest) => rest.trim_start(),
                None if after.trim().is_empty() => return Ok(keys),
                None => return Err(cut()),
            };
        }
    }

    /// The next line that is neither empty nor a comment.
    fn next_line(&mut self) -> Result<Option<Line<'a>>, ParseError> {
        loop {
            if self.rest.is_empty() {
                return Ok(None);
            }
            let (line, rest) = self.rest.split_once('\n').unwrap_or((self.rest, ""));
            let number = self.line;
            self.rest = rest;
            self.line = number.saturating_add(1);
            let text = line.trim_start_matches(' ');
            let indent = line.len() - text.len();
            let text = text.trim_end();
            if text.is_empty() || text.starts_with('#') {
                continue;
            }
            if indent % 2 == 1 {
                return Err(ParseError::at(number, "an odd number of spaces before it"));
            }
            return Ok(Some(Line { depth: indent / 2, number, text }));
        }
    }

    /// The next line if it is indented.
    fn next_line_within(&mut self) -> Result<Option<Line<'a>>, ParseError> {
        let before = (self.rest, self.line);
        match self.next_line()? {
            Some(line) if line.depth > 0 => Ok(Some(line)),
            _ => {
                (self.rest, self.line) = before;
                Ok(None)
            }
        }
    }
}

impl<'a> Iterator for Blocks<'a> {
    type Item = Result<Block<'a>, ParseError>;

    fn next(&mut self) -> Option<Self::Item> {
        let block = self.read().transpose();
        if matches!(block, Some(Err(_))) {
            self.rest = "";
        }
        block
    }
}

/// `name value`, `name: value` or `name:`, with quotes as they are written.
fn pair<'a>(line: &Line<'a>) -> Result<(&'a str, &'a str), ParseError> {
    let (name, rest) = token(line.text, &[':', ' '], line.number)?;
    let (value, colon) = match rest.strip_prefix(':') {
        Some(value) => (value.trim_start(), true),
        None => (rest.trim_start(), false),
    };
    match name.is_empty() || (value.is_empty() && !colon) {
        true => Err(ParseError::at(line.number, format!("`{}` has no value: it is cut off", excerpt(line.text)))),
        false => Ok((name, value)),
    }
}

/// A word up to one of the ends, or a text in quotes with them; and what follows.
fn token<'a>(text: &'a str, ends: &[char], line: u32) -> Result<(&'a str, &'a str), ParseError> {
    let length = match text.strip_prefix('"') {
        Some(inner) => {
            let mut escaped = false;
            let close = inner.bytes().position(|byte| {
                let closes = byte == b'"' && !escaped;
                escaped = byte == b'\\' && !escaped;
                closes
            });
            2 + close.ok_or_else(|| ParseError::at(line, "a quote that does not end"))?
        }
        None => text.find(ends).unwrap_or(text.len()),
    };
    Ok(text.split_at_checked(length).unwrap_or((text, "")))
}

fn unquoted(text: &str, line: u32) -> Result<Cow<'_, str>, ParseError> {
    let broken = || ParseError::at(line, format!("`{}` is not in quotes as a whole", excerpt(text)));
    let single = text.strip_prefix('\'').and_then(|text| text.strip_suffix('\''));
    match (text.strip_prefix('"'), single) {
        (Some(rest), _) if !rest.contains('\\') => {
            let inner = rest.strip_suffix('"').filter(|inner| !inner.contains('"')).ok_or_else(broken)?;
            Ok(Cow::Borrowed(inner))
        }
        (Some(_), _) => serde_json::from_str::<String>(text).map(Cow::Owned).map_err(|_| broken()),
        (None, Some(inner)) if !inner.contains('\'') => Ok(Cow::Borrowed(inner)),
        (None, Some(inner)) => Ok(Cow::Owned(inner.replace("''", "'"))),
        (None, None) => Ok(Cow::Borrowed(text)),
    }
}
