//! The grammar of `go.mod` (<https://go.dev/ref/mod#go-mod-file-grammar>).

use std::collections::HashMap;

use super::super::text::{excerpt, word};
use super::super::{MOST_PACKAGES, ParseError};
use super::order;

/// The parts of a `go.mod` that decide what is built.
#[derive(Debug, Default)]
pub(super) struct ModFile {
    pub(super) module: String,
    pub(super) module_line: u32,
    pub(super) go: Option<Line>,
    /// Without its leading `go` and any suffix.
    pub(super) toolchain: Option<Line>,
    /// Each module once, at its highest version.
    pub(super) requires: Vec<Require>,
    pub(super) replaces: Vec<Replace>,
    /// Module and version.
    pub(super) excludes: Vec<(String, String)>,
    /// Line and name of directives of a later Go.
    pub(super) unknown: Vec<(u32, String)>,
}

#[derive(Debug)]
pub(super) struct Line {
    pub(super) value: String,
    pub(super) line: u32,
}

#[derive(Debug)]
pub(super) struct Require {
    pub(super) path: String,
    /// With its leading `v`.
    pub(super) version: String,
    pub(super) indirect: bool,
    pub(super) line: u32,
}

#[derive(Debug)]
pub(super) struct Replace {
    pub(super) old: String,
    pub(super) old_version: Option<String>,
    /// A module, or without a version a folder.
    pub(super) new: String,
    pub(super) new_version: Option<String>,
    pub(super) line: u32,
}

/// # Errors
/// With the line, for anything that isn't a directive.
pub(super) fn read(text: &str) -> Result<ModFile, ParseError> {
    let mut file = ModFile::default();
    let mut places = HashMap::new();
    let mut block: Option<(String, u32)> = None;
    let mut directives = 0;
    for (index, line) in text.lines().enumerate() {
        let number = u32::try_from(index).unwrap_or(u32::MAX - 1) + 1;
        let (mut words, comment) = words(line, number)?;
        if words.is_empty() {
            continue;
        }
        directives += 1;
        if directives > MOST_PACKAGES {
            return Err(ParseError::at(number, format!("more than {MOST_PACKAGES} directives")));
        }
        if block.is_some() && words == [")"] {
            block = None;
            continue;
        }
        let directive = match &block {
            Some((directive, _)) => directive.clone(),
            None => words.remove(0),
        };
        match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["("] if block.is_none() => {
                known_or_note(&mut file, &directive, number)?;
                block = Some((directive, number));
            }
            ["(", ")"] if block.is_none() => {}
            words => file.directive(&directive, words, comment, number, &mut places)?,
        }
    }
    if let Some((directive, line)) = block {
        return Err(ParseError::at(
            line,
            format!("the `{}` block is not closed: the file is cut off", excerpt(&directive)),
        ));
    }
    if file.module.is_empty() {
        return Err(ParseError::new("no module directive: the file is cut off or not a go.mod"));
    }
    Ok(file)
}

/// Those that say nothing of what is built.
const IGNORED: [&str; 4] = ["retract", "godebug", "tool", "ignore"];
const READ: [&str; 6] = ["module", "go", "toolchain", "require", "replace", "exclude"];

/// A word that no Go so far knows is noted once; what isn't a word is an error.
fn known_or_note(file: &mut ModFile, directive: &str, line: u32) -> Result<(), ParseError> {
    if READ.contains(&directive) || IGNORED.contains(&directive) {
        return Ok(());
    }
    if directive.len() > 20 || !directive.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Err(ParseError::at(line, format!("`{}` is not a directive", excerpt(directive))));
    }
    if !file.unknown.iter().any(|(_, known)| known == directive) {
        file.unknown.push((line, directive.to_owned()));
    }
    Ok(())
}

impl ModFile {
    fn directive(
        &mut self,
        directive: &str,
        words: &[&str],
        comment: &str,
        line: u32,
        places: &mut HashMap<String, usize>,
    ) -> Result<(), ParseError> {
        let wrong =
            |expected: &str| Err(ParseError::at(line, format!("`{}`: expected {expected}", excerpt(directive))));
        match (directive, words) {
            ("module", [path]) => {
                word("module path", path, line)?;
                if !self.module.is_empty() {
                    return Err(ParseError::at(line, "a second module directive"));
                }
                self.module = (*path).to_owned();
                self.module_line = line;
            }
            ("go", [version]) if order::is_go(version) && self.go.is_none() => {
                self.go = Some(Line { value: (*version).to_owned(), line });
            }
            ("toolchain", [name]) => {
                // `go1.22.3-custom`; `default` and `local` name no version
                let version = name.strip_prefix("go").map(|name| name.split(['-', '+']).next().unwrap_or_default());
                if let Some(version) = version.filter(|version| order::is_go(version)) {
                    self.toolchain = Some(Line { value: version.to_owned(), line });
                }
            }
            ("require", [path, version]) => {
                check(path, version, line)?;
                let indirect = comment == "indirect" || comment.starts_with("indirect;");
                self.require(
                    Require { path: (*path).to_owned(), version: (*version).to_owned(), indirect, line },
                    places,
                );
            }
            ("exclude", [path, version]) => {
                check(path, version, line)?;
                self.excludes.push(((*path).to_owned(), (*version).to_owned()));
            }
            ("replace", words) => {
                let (old, new) = match words.iter().position(|word| *word == "=>") {
                    Some(arrow) => words.split_at_checked(arrow).unwrap_or_default(),
                    None => return wrong("`old => new`"),
                };
                let (Some((old, old_version)), Some((new, new_version))) =
                    (module(old), module(new.get(1..).unwrap_or_default()))
                else {
                    return wrong("`old [version] => new [version]`");
                };
                word("module path", old, line)?;
                for version in [old_version, new_version].into_iter().flatten() {
                    check(old, version, line)?;
                }
                if new_version.is_some() {
                    word("module path", new, line)?;
                }
                self.replaces.push(Replace {
                    old: old.to_owned(),
                    old_version: old_version.map(str::to_owned),
                    new: new.to_owned(),
                    new_version: new_version.map(str::to_owned),
                    line,
                });
            }
            ("module", _) => return wrong("one path"),
            ("go", _) => return wrong("one version like 1.22.1, once"),
            ("toolchain", _) => return wrong("one name like go1.22.1"),
            ("require" | "exclude", _) => return wrong("a module path and a version"),
            (other, _) => known_or_note(self, other, line)?,
        }
        Ok(())
    }

    /// Of two lines for one module Go takes the higher version.
    fn require(&mut self, require: Require, places: &mut HashMap<String, usize>) {
        match places.get(&require.path).and_then(|place| self.requires.get_mut(*place)) {
            Some(known) if order::module(&known.version, &require.version).is_lt() => *known = require,
            Some(_) => {}
            None => {
                places.insert(require.path.clone(), self.requires.len());
                self.requires.push(require);
            }
        }
    }
}

fn module<'a>(words: &[&'a str]) -> Option<(&'a str, Option<&'a str>)> {
    match words {
        [path] => Some((path, None)),
        [path, version] => Some((path, Some(version))),
        _ => None,
    }
}

fn check(path: &str, version: &str, line: u32) -> Result<(), ParseError> {
    word("module path", path, line)?;
    word("version", version, line)?;
    match version.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit())) {
        true => Ok(()),
        false => Err(ParseError::at(line, format!("`{}` is not a version such as v1.2.3", excerpt(version)))),
    }
}

/// The words of a line and its comment. A quoted string is one word, and so is a bracket.
fn words(line: &str, number: u32) -> Result<(Vec<String>, &str), ParseError> {
    let mut words = Vec::new();
    let mut rest = line.trim();
    while let Some(first) = rest.chars().next() {
        if let Some(comment) = rest.strip_prefix("//") {
            return Ok((words, comment.trim()));
        }
        let (text, after) = match first {
            '"' | '`' => {
                let inner = rest.get(1..).unwrap_or_default();
                inner.split_once(first).ok_or_else(|| ParseError::at(number, "a string that does not end"))?
            }
            '(' | ')' => rest.split_at_checked(1).unwrap_or_default(),
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || matches!(c, '(' | ')' | '"' | '`'));
                let end = [end, rest.find("//")].into_iter().flatten().min().unwrap_or(rest.len());
                rest.split_at_checked(end).unwrap_or_default()
            }
        };
        words.push(text.to_owned());
        rest = after.trim_start();
    }
    Ok((words, ""))
}
