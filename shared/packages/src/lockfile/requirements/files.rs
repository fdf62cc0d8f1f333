//! A requirements file with those it includes, as one listing.

use std::collections::{HashMap, HashSet};

use super::super::text::excerpt;
use super::super::{Input, ParseError, paths, python};
use super::line::{self, Line, Wanted};
use super::via::{self, Via};

/// No project has more; a folder full of files that include each other ends here.
const MOST_FILES: usize = 200;

/// Everything the files ask for.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) items: Vec<Item>,
    /// Exact versions of `-c` files by normalised name.
    pub(super) constraints: HashMap<String, String>,
    pub(super) options: Options,
    pub(super) warnings: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Item {
    pub(super) wanted: Wanted,
    pub(super) hashes: Vec<String>,
    pub(super) via: Option<Via>,
    /// Of the file itself, or of its `-r` line for what that brings in.
    pub(super) line: u32,
}

/// What holds for every requirement, in whichever file it stands.
#[derive(Debug, Default)]
pub(super) struct Options {
    pub(super) index: Option<String>,
    pub(super) extra: Vec<String>,
    pub(super) links: Vec<String>,
    pub(super) no_index: bool,
}

/// # Errors
/// For a line that is not a requirement. For an included file, the message names file and line, and the line is that of
/// the include.
pub(super) fn read(input: &Input<'_>) -> Result<Listing, ParseError> {
    let mut reader = Reader { input, listing: Listing::default(), seen: HashSet::new() };
    reader.file(input.body(), &Place { folder: String::new(), from: None, constraints: false })?;
    Ok(reader.listing)
}

struct Reader<'a> {
    input: &'a Input<'a>,
    listing: Listing,
    /// Files by name and by whether they are read for their constraints.
    seen: HashSet<(String, bool)>,
}

/// Where a file stands.
struct Place {
    /// Relative to the lockfile's.
    folder: String,
    /// Its name, and the line of the lockfile that includes it.
    from: Option<(String, u32)>,
    constraints: bool,
}

impl Reader<'_> {
    fn file(&mut self, text: &str, place: &Place) -> Result<(), ParseError> {
        let mut via_open = false;
        let mut last: Option<usize> = None;
        for logical in logical_lines(text) {
            let line = place.from.as_ref().map_or(logical.line, |(_, line)| *line);
            let comment = logical.comment.as_deref();
            if logical.text.is_empty() {
                let item = last.and_then(|last| self.listing.items.get_mut(last));
                via_open = match (item, comment) {
                    (Some(item), Some(comment)) => via::take(&mut item.via, comment, via_open),
                    _ => false,
                };
                continue;
            }
            let read = line::read(&logical.text).map_err(|message| match &place.from {
                None => ParseError::at(line, message),
                Some((name, line)) => {
                    ParseError::at(*line, format!("{} line {}: {message}", excerpt(name), logical.line))
                }
            })?;
            last = None;
            via_open = false;
            match read {
                Line::Requirement { wanted, .. } if place.constraints => {
                    if let Wanted::Pinned { name, version } = wanted {
                        self.listing.constraints.insert(python::normalise(&name), version);
                    }
                }
                Line::Requirement { wanted, hashes } => {
                    let mut via = None;
                    via_open = comment.is_some_and(|comment| via::take(&mut via, comment, false));
                    last = Some(self.listing.items.len());
                    self.listing.items.push(Item { wanted, hashes, via, line });
                }
                Line::Include(file) => self.include(&file, place, line, place.constraints)?,
                Line::Constraints(file) => self.include(&file, place, line, true)?,
                Line::Index(address) => self.listing.options.index = Some(address),
                Line::ExtraIndex(address) => self.listing.options.extra.push(address),
                Line::FindLinks(address) => self.listing.options.links.push(address),
                Line::NoIndex => self.listing.options.no_index = true,
                Line::Unknown(option) => {
                    self.warn(line, &format!("option {option} is not known and was passed over"));
                }
                Line::Other => {}
            }
        }
        Ok(())
    }

    fn include(&mut self, file: &str, place: &Place, line: u32, constraints: bool) -> Result<(), ParseError> {
        let Some(name) = paths::join(&place.folder, file) else {
            self.warn(line, &format!("{} is outside of the file's folder and was not followed", excerpt(file)));
            return Ok(());
        };
        if self.seen.len() >= MOST_FILES {
            return Err(ParseError::at(line, format!("more than {MOST_FILES} files are included")));
        }
        if !self.seen.insert((name.clone(), constraints)) {
            return Ok(());
        }
        let Some(text) = (self.input.sibling)(&name).text() else {
            self.warn(line, &format!("{} can't be read, so what it asks for is not known", excerpt(&name)));
            return Ok(());
        };
        let folder = name.rsplit_once('/').map(|(folder, _)| folder.to_owned()).unwrap_or_default();
        let place = Place { folder, from: Some((name, line)), constraints };
        self.file(text.strip_prefix('\u{feff}').unwrap_or(&text), &place)
    }

    fn warn(&mut self, line: u32, what: &str) {
        self.listing.warnings.push(format!("{} line {line}: {what}", self.input.path));
    }
}

struct Logical {
    text: String,
    comment: Option<String>,
    /// The first of its lines.
    line: u32,
}

/// Joins lines that end with a backslash and takes comments off, as pip does: a comment begins a line or follows a
/// space, and a line that is a comment ends a continuation.
fn logical_lines(text: &str) -> impl Iterator<Item = Logical> {
    let mut lines = text.lines().zip(1_u32..);
    std::iter::from_fn(move || {
        let (first, line) = lines.next()?;
        let mut joined = first.to_owned();
        while joined.ends_with('\\') && !joined.trim_start().starts_with('#') {
            joined.pop();
            let Some((next, _)) = lines.next() else { break };
            if next.trim_start().starts_with('#') {
                joined.push(' ');
                joined.push_str(next);
                break;
            }
            joined.push_str(next);
        }
        let (text, comment) = split_comment(&joined);
        Some(Logical { text: text.trim().to_owned(), comment: comment.map(str::to_owned), line })
    })
}

fn split_comment(line: &str) -> (&str, Option<&str>) {
    let starts =
        |at: &usize| line.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with(char::is_whitespace));
    match line.match_indices('#').map(|(at, _)| at).find(starts) {
        Some(at) => (line.get(..at).unwrap_or_default(), line.get(at + 1..)),
        None => (line, None),
    }
}
