//! Requirements as PEP 508 writes them, refused and taken as `packaging` 26 (the one inside of pip) does it: what pip
//! installs and what is looked up must not differ.

mod marker;
mod scanner;
mod specifier;

use scanner::Scanner;

pub(super) use scanner::{is_space, is_word};
pub(super) use specifier::{Specifier, is_version};

/// A requirement, borrowed from its line.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Requirement<'a> {
    /// As written.
    pub(super) name: &'a str,
    pub(super) extras: Vec<&'a str>,
    pub(super) specifiers: Vec<Specifier<'a>>,
    /// `name @ address`; there are no specifiers then.
    pub(super) address: Option<&'a str>,
    /// What follows the `;`, as written.
    pub(super) marker: Option<&'a str>,
}

impl<'a> Requirement<'a> {
    /// The only version that it allows.
    pub(super) fn pin(&self) -> Option<&'a str> {
        let mut pins = self.specifiers.iter().filter_map(Specifier::pin);
        let first = pins.next()?;
        // two of them can't both be installed, and neither is known to be
        pins.all(|pin| pin == first).then_some(first)
    }
}

/// Reads a whole requirement; `None` when `packaging` refuses it.
pub(super) fn parse(text: &str) -> Option<Requirement<'_>> {
    let mut scanner = Scanner::new(text);
    let (name, extras) = name(&mut scanner)?;
    scanner.blank();
    let (mut specifiers, mut address) = (Vec::new(), None);
    let separate = if scanner.eat("@") {
        scanner.blank();
        address = Some(scanner.take_while(|c| !matches!(c, ' ' | '\t'))).filter(|address| !address.is_empty());
        address?;
        scanner.blank()
    } else {
        specifiers = self::specifiers(&mut scanner)?;
        scanner.blank();
        true
    };
    let marker = match scanner.is_done() {
        true => None,
        false if !separate || !scanner.eat(";") => return None,
        false => Some(scanner.rest()),
    };
    let valid = marker.is_none_or(is_marker);
    valid.then_some(Requirement { name, extras, specifiers, address, marker })
}

/// Whether the text is a marker from its start to its end.
pub(super) fn is_marker(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    marker::read(&mut scanner).is_some() && scanner.is_done()
}

/// Name and extras alone, whatever follows: manifests and the extras of poetry.lock hold older forms.
pub(super) fn begins(text: &str) -> Option<(&str, Vec<&str>)> {
    name(&mut Scanner::new(text.trim()))
}

fn name<'a>(scanner: &mut Scanner<'a>) -> Option<(&'a str, Vec<&'a str>)> {
    scanner.blank();
    let name = identifier(scanner)?;
    scanner.blank();
    let mut extras = Vec::new();
    if scanner.eat("[") {
        scanner.blank();
        if let Some(first) = identifier(scanner) {
            extras.push(first);
            scanner.blank();
            while scanner.eat(",") {
                scanner.blank();
                extras.push(identifier(scanner)?);
                scanner.blank();
            }
        }
        scanner.eat("]").then_some(())?;
    }
    Some((name, extras))
}

/// A name may end with `_`, which PEP 508 does not allow and `packaging` does.
fn identifier<'a>(scanner: &mut Scanner<'a>) -> Option<&'a str> {
    let mut ahead = *scanner;
    let name = ahead.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let valid = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        && !ahead.rest().starts_with(scanner::is_word);
    valid.then(|| *scanner = ahead)?;
    Some(name)
}

/// `>=1, <2`, with or without parentheses, and with or without a comma at the end.
fn specifiers<'a>(scanner: &mut Scanner<'a>) -> Option<Vec<Specifier<'a>>> {
    let inside = scanner.eat("(");
    scanner.blank();
    let mut found = Vec::new();
    while let Some(text) = specifier::read(scanner) {
        // `===` takes commas as part of the version, and a set of specifiers is split at them
        for part in text.split(',').map(|part| part.trim_matches(is_space)).filter(|part| !part.is_empty()) {
            found.push(Specifier::parse(part)?);
        }
        scanner.blank();
        if !scanner.eat(",") {
            break;
        }
        scanner.blank();
    }
    scanner.blank();
    if inside {
        scanner.eat(")").then_some(())?;
    }
    Some(found)
}

#[cfg(test)]
mod tests;
