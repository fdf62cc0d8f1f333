//! pip's requirements files with exact versions (`requirements*.txt`, `requirements/*.txt`, `*requirements.txt`).

mod encoding;
mod files;
mod found;
mod line;
mod lines;
mod local;
mod options;
mod target;
mod via;

use std::collections::HashSet;

use super::text::{check_merged, excerpt};
use super::{Format, Input, ParseError, Parsed, python, shell, url};
use crate::package::{Locked, Source};
use files::{Item, Origins};
use found::Found;
use target::Wanted;

/// The most names that one warning lists.
const NAMED: usize = 10;
/// Characters. A longer name is shown by its line: no name of PyPI is longer, and a part of a token may not be shown.
const LONGEST: usize = 50;

#[derive(Debug)]
pub(crate) struct Requirements;

impl Format for Requirements {
    fn name(&self) -> &'static str {
        "requirements.txt"
    }

    fn decode(&self, bytes: Vec<u8>) -> Result<String, ParseError> {
        let text = encoding::decode(bytes)?;
        check_merged(&text)?;
        Ok(text)
    }

    fn matches(&self, file_name: &str, parent: &str) -> bool {
        let Some(stem) = file_name.strip_suffix(".txt") else {
            // Rye's lockfiles have pip's format
            return matches!(file_name, "requirements.lock" | "requirements-dev.lock");
        };
        let folder = parent.trim_end_matches('/').rsplit('/').next().unwrap_or(parent);
        let named = stem.starts_with("requirements") || stem.ends_with("requirements") || folder == "requirements";
        named && !stem.contains("constraints")
    }

    /// Helm's lockfile, which pip refuses, has the name of Rye's.
    fn claims(&self, file_name: &str, content: &dyn Fn() -> Option<Vec<u8>>) -> bool {
        if file_name != "requirements.lock" {
            return true;
        }
        let content = content().unwrap_or_default();
        let has = |start: &[u8]| content.split(|byte| *byte == b'\n').any(|line| line.starts_with(start));
        !(has(b"dependencies:") && has(b"digest: sha256:"))
    }

    fn parse(&self, input: &Input<'_>) -> Result<Parsed, ParseError> {
        let listing = match files::read(input) {
            Ok(listing) => listing,
            Err(_) if is_prose(input) => {
                let warning = format!(
                    "{}: its name could be that of a requirements file, and its content is other text. Leave it out with \
                     EXCLUDE_PATHS",
                    input.path
                );
                return Ok(Parsed { warnings: vec![warning], ..Parsed::default() });
            }
            Err(error) => return Err(error),
        };
        let mut parsed = Parsed::default();
        let origin = origin(&listing.origins);
        let mut open = Open::default();
        let mut found = Found::default();
        for item in &listing.items {
            let constraints = match (&item.wanted.address, &item.wanted.pin, &item.wanted.name) {
                (None, None, Some(name)) => listing.constraints.get(&python::normalise(name)),
                _ => None,
            };
            let chosen = constraints.into_iter().flatten().filter(|constraint| constraint.wanted.is_exact());
            let mut chosen = chosen.map(|constraint| &constraint.wanted).peekable();
            if chosen.peek().is_none() {
                take(item, &item.wanted, &origin, input, &mut found, &mut open)?;
            }
            for wanted in chosen {
                take(item, wanted, &origin, input, &mut found, &mut open)?;
            }
        }
        found.link();
        parsed.warnings.extend(open.warning(input));
        // options alone, or files that hold nothing, install no more than comments do
        if listing.items.is_empty() && listing.unable.is_empty() {
            parsed
                .warnings
                .push(format!("{}: it names no requirements. Remove it, or name it in EXCLUDE_PATHS", input.path));
        }
        parsed.packages = found.packages;
        parsed.unable = listing.unable;
        Ok(parsed)
    }

    fn upgrade(&self, package: &Locked<'_>, fixed: &str, lockfile: &str) -> String {
        let pin = shell::word(&format!("{}=={fixed}", package.name));
        format!("pin {pin} in {}", shell::word(lockfile))
    }
}

/// Adds what is known of one requirement: a package, or the name of one whose version is not known.
fn take(
    item: &Item,
    wanted: &Wanted,
    origin: &Source,
    input: &Input<'_>,
    found: &mut Found,
    open: &mut Open,
) -> Result<(), ParseError> {
    match (&wanted.address, &wanted.name, &wanted.pin) {
        (Some(address), ..) => {
            if let Some((name, version, source)) = local::identify(wanted, address, input.sibling) {
                found.add(item, &name, &version, source)?;
            }
        }
        (None, Some(name), Some(version)) => found.add(item, name, version, origin.clone())?,
        (None, name, _) => open.add(name.as_deref().unwrap_or_default(), item.line),
    }
    Ok(())
}

/// Whether the content of a file whose name says little is not written for pip.
fn is_prose(input: &Input<'_>) -> bool {
    let name = input.path.rsplit('/').next().unwrap_or(input.path);
    let mut lines = lines::logical_lines(input.text).filter(|line| !line.text.is_empty());
    let first = lines.next().is_some_and(|first| line::read(&first.text).is_ok());
    name != Requirements.name() && !first && !input.text.contains("==")
}

/// The origin of packages without an address. With a private index beside the public one, either may be the origin of a
/// package, so all of them count as private. Without any index pip still installs what lies in a folder that its own
/// settings name.
fn origin(origins: &Origins) -> Source {
    let main = match &origins.index {
        _ if origins.no_index => python::index(origins.links.as_deref().unwrap_or_default()),
        Some(index) => python::index(index),
        None => Source::Registry,
    };
    match &origins.private {
        _ if main != Source::Registry => main,
        Some(private) => Source::PrivateRegistry(url::clean(private)),
        None if origins.unread => Source::PrivateRegistry(String::new()),
        None => main,
    }
}

/// Requirements without a version of which no package is known either.
#[derive(Default)]
struct Open {
    names: HashSet<String>,
    shown: Vec<String>,
}

impl Open {
    /// The same name for another environment is not a second one.
    fn add(&mut self, name: &str, line: u32) {
        if self.names.insert(python::normalise(name)) && self.shown.len() < NAMED {
            self.shown.push(if name.chars().count() <= LONGEST { excerpt(name) } else { format!("line {line}") });
        }
    }

    fn warning(self, input: &Input<'_>) -> Option<String> {
        let (count, mut names) = (self.names.len(), self.shown);
        if count > names.len() {
            names.push(format!("and {} more", count - names.len()));
        }
        let (what, them) = if count == 1 { ("requirement", "it") } else { ("requirements", "them") };
        let names = names.join(", ");
        (count > 0)
            .then(|| format!("{}: {count} {what} without an exact version: {names}. Pin {them} with ==", input.path))
    }
}

#[cfg(test)]
mod judge;
#[cfg(test)]
mod tests;
