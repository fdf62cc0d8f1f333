//! A requirements file with those it includes, as one listing.

use std::collections::{HashMap, HashSet};

use super::super::paths::normal;
use super::super::text::excerpt;
use super::super::{Input, MAX_PACKAGES, ParseError, Sibling, python};
use super::encoding;
use super::line::{self, Line};
use super::lines::logical_lines;
use super::options::Options;
use super::target::Wanted;
use super::via::{self, Via};

/// No project has more; a folder full of files that include each other ends here.
const MOST_FILES: usize = 200;

/// Everything the files ask for.
#[derive(Debug, Default)]
pub(super) struct Listing {
    pub(super) items: Vec<Item>,
    /// What `-c` files say of a package, by normalised name. It chooses a version, and brings nothing in.
    pub(super) constraints: HashMap<String, Vec<Item>>,
    pub(super) origins: Origins,
    /// What could not be read of the included files, each beginning with the path.
    pub(super) unable: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Item {
    pub(super) wanted: Wanted,
    pub(super) hashes: Vec<String>,
    pub(super) via: Option<Via>,
    /// Of the file itself, or of its `-r` line for what that brings in.
    pub(super) line: u32,
}

/// Where packages without an address come from, whichever file says so.
#[derive(Debug, Default)]
pub(super) struct Origins {
    pub(super) index: Option<String>,
    /// The first further index that is not a public one.
    pub(super) private: Option<String>,
    /// The first place of archives that is not a public one, or any.
    pub(super) links: Option<String>,
    pub(super) no_index: bool,
    /// A part that was not read may name an index.
    pub(super) unread: bool,
}

impl Origins {
    fn add(&mut self, options: Options) {
        self.no_index |= options.no_index;
        self.index = options.index.filter(|index| !index.is_empty()).or_else(|| self.index.take());
        for link in options.links {
            if self.links.as_deref().is_none_or(|known| python::is_public(known) && !python::is_public(&link)) {
                self.links = Some(link);
            }
        }
        let mut private = options.extra.into_iter().filter(|index| !python::is_public(index));
        self.private = self.private.take().or_else(|| private.next());
    }
}

/// # Errors
/// For a line of the file itself that pip refuses. What is wrong with an included file is in the listing.
pub(super) fn read(input: &Input<'_>) -> Result<Listing, ParseError> {
    let (folder, name) = input.path.rsplit_once('/').unwrap_or(("", input.path));
    let top = Place { name: name.to_owned(), line: None, constraints: false };
    let mut reader =
        Reader { input, folder, listing: Listing::default(), read: HashSet::new(), open: Vec::new(), items: 0 };
    reader.file(input.text, &top).map_err(|wrong| ParseError::at(wrong.line, wrong.message))?;
    Ok(reader.listing)
}

struct Reader<'a> {
    input: &'a Input<'a>,
    /// Of the lockfile, relative to the root.
    folder: &'a str,
    listing: Listing,
    /// Files by name and by whether they are read for their constraints.
    read: HashSet<(String, bool)>,
    /// Those that include the one being read, relative to the root.
    open: Vec<String>,
    items: usize,
}

/// Where a file stands.
struct Place {
    /// Relative to the lockfile's folder.
    name: String,
    /// The line of the lockfile that includes it.
    line: Option<u32>,
    constraints: bool,
}

/// What ends the reading of a file.
struct Wrong {
    /// Of that file.
    line: u32,
    message: String,
}

impl Reader<'_> {
    fn file(&mut self, text: &str, place: &Place) -> Result<(), Wrong> {
        self.open.push(normal(&format!("{}/{}", self.folder, place.name)));
        let mut via_open = false;
        let mut last: Option<usize> = None;
        for logical in logical_lines(text) {
            let line = place.line.unwrap_or(logical.line);
            let comment = logical.comment.as_deref();
            if logical.text.is_empty() {
                let item = last.and_then(|last| self.listing.items.get_mut(last));
                via_open = match (item, comment) {
                    (Some(item), Some(comment)) => via::take(&mut item.via, comment, via_open),
                    _ => false,
                };
                continue;
            }
            let wrong = |message: String| Wrong { line: logical.line, message };
            (last, via_open) = (None, false);
            let read = match line::read(&logical.text) {
                Ok(read) => read,
                // pip puts the value in if there is one
                Err(what) if has_variable(&logical.text) => {
                    let at = self.at(place, logical.line);
                    self.listing.origins.unread = true;
                    self.listing.unable.push(format!(
                        "{at}: {what}. It holds a variable of the environment whose value is not known. Write the value"
                    ));
                    continue;
                }
                Err(what) => return Err(wrong(what)),
            };
            match read {
                Line::Requirement { editable: true, .. } if place.constraints => {
                    return Err(wrong("an editable requirement cannot be a constraint".into()));
                }
                Line::Requirement { wanted, hashes, .. } => {
                    self.items += 1;
                    if self.items > MAX_PACKAGES {
                        return Err(wrong(format!("more than {MAX_PACKAGES} requirements")));
                    }
                    let mut item = Item { wanted, hashes, via: None, line };
                    if place.constraints {
                        let name = python::normalise(item.wanted.name.as_deref().unwrap_or_default());
                        self.listing.constraints.entry(name).or_default().push(item);
                    } else {
                        via_open = comment.is_some_and(|comment| via::take(&mut item.via, comment, false));
                        last = Some(self.listing.items.len());
                        self.listing.items.push(item);
                    }
                }
                // a file of constraints can include one of requirements
                Line::Include(file) => self.include(&file, place, logical.line, false),
                Line::Constraints(file) => self.include(&file, place, logical.line, true),
                Line::Options(options) => self.listing.origins.add(options),
            }
        }
        self.open.pop();
        Ok(())
    }

    /// Whatever is wrong with the file, the rest of the lockfile is read.
    fn include(&mut self, file: &str, place: &Place, line: u32, constraints: bool) {
        let top = place.line.unwrap_or(line);
        let at = self.at(place, line);
        match self.included(file, place, top, constraints) {
            Ok(()) => {}
            Err(what) => {
                self.listing.origins.unread = true;
                self.listing.unable.push(format!("{at}: {what}"));
            }
        }
    }

    /// A line of the lockfile, or of a file that it includes.
    fn at(&self, place: &Place, line: u32) -> String {
        match place.line {
            None => format!("{} line {line}", self.input.path),
            Some(top) => format!("{} line {top}, {} line {line}", self.input.path, excerpt(&place.name)),
        }
    }

    fn included(&mut self, file: &str, place: &Place, top: u32, constraints: bool) -> Result<(), String> {
        let lower = file.to_ascii_lowercase();
        if ["http:", "https:", "file:"].iter().any(|scheme| lower.starts_with(scheme)) {
            return Err("an included file that is an address is not fetched. Put it into the repository".into());
        }
        if file.starts_with('/') {
            return Err("the included file is outside of the repository. Put it into the repository".into());
        }
        let folder = place.name.rsplit_once('/').map_or("", |(folder, _)| folder);
        let name = normal(&format!("{folder}/{file}"));
        let from_root = normal(&format!("{}/{name}", self.folder));
        if self.open.contains(&from_root) {
            return Err("the included file includes itself, which pip refuses".into());
        }
        if self.read.len() >= MOST_FILES {
            return Err(format!("more than {MOST_FILES} files are included"));
        }
        if !self.read.insert((name.clone(), constraints)) {
            return Ok(());
        }
        let bytes = match (self.input.sibling)(&name) {
            Sibling::Content(bytes) => bytes,
            Sibling::Absent => return Err("the included file is not in the repository".into()),
            Sibling::Unreadable(why) => return Err(format!("the included file can't be read: {why}")),
        };
        let within = |line: Option<u32>, what: &str| match line {
            Some(line) => format!("{} line {line}: {what}", excerpt(&name)),
            None => format!("{}: {what}", excerpt(&name)),
        };
        let text = encoding::decode(bytes).map_err(|error| within(error.line, &error.message))?;
        let depth = self.open.len();
        let inner = Place { name: name.clone(), line: Some(top), constraints };
        let read = self.file(&text, &inner).map_err(|wrong| within(Some(wrong.line), &wrong.message));
        self.open.truncate(depth);
        read
    }
}

/// Whether pip would look for a variable of the environment: `${NAME}`.
fn has_variable(line: &str) -> bool {
    line.split("${")
        .skip(1)
        .filter_map(|rest| rest.split_once('}'))
        .any(|(name, _)| !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'_')))
}
