//! Versions and their specifiers as PEP 440 writes them.

use super::scanner::{Scanner, is_space};

/// The longest first: the first that fits is the one.
const OPERATORS: [&str; 8] = ["===", "==", "~=", "!=", "<=", ">=", "<", ">"];

/// `>=1.2`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) struct Specifier<'a> {
    pub(in super::super) operator: &'a str,
    pub(in super::super) version: &'a str,
}

impl<'a> Specifier<'a> {
    /// One specifier from the start to the end of the text.
    pub(super) fn parse(text: &'a str) -> Option<Specifier<'a>> {
        let mut scanner = Scanner::new(text);
        read(&mut scanner).filter(|_| scanner.is_done())?;
        let operator = OPERATORS.into_iter().find(|operator| text.starts_with(operator))?;
        let (operator, version) = text.split_at_checked(operator.len())?;
        Some(Specifier { operator, version: version.trim_matches(is_space) })
    }

    /// The one version it allows. A variable of the environment is not a version.
    pub(super) fn pin(&self) -> Option<&'a str> {
        let exact = match self.operator {
            "===" => !self.version.is_empty() && !self.version.contains('$'),
            "==" => !self.version.ends_with(".*"),
            _ => false,
        };
        exact.then_some(self.version)
    }
}

/// Takes the specifier that the text begins with: as much of it as fits, what follows is the caller's to judge.
pub(super) fn read<'a>(scanner: &mut Scanner<'a>) -> Option<&'a str> {
    let text = scanner.rest();
    let operator = OPERATORS.into_iter().find(|operator| text.starts_with(operator))?;
    let mut ahead = *scanner;
    ahead.take(operator.len());
    ahead.take_while(is_space);
    match operator {
        // an escape hatch: anything
        "===" => drop(ahead.take_while(|c| !is_space(c) && !matches!(c, ';' | ')'))),
        "==" | "!=" => version(&mut ahead, Form { wildcard: true, local: true, parts: 1 })?,
        "~=" => version(&mut ahead, Form { wildcard: false, local: false, parts: 2 })?,
        _ => version(&mut ahead, Form { wildcard: false, local: false, parts: 1 })?,
    }
    Some(scanner.take(text.len() - ahead.rest().len()))
}

/// Whether the text is a version, without a wildcard.
pub(in super::super) fn is_version(text: &str) -> bool {
    let mut scanner = Scanner::new(text);
    version(&mut scanner, Form { wildcard: false, local: true, parts: 1 }).is_some() && scanner.is_done()
}

/// What an operator allows of a version, and the least numbers of the release.
struct Form {
    wildcard: bool,
    local: bool,
    parts: usize,
}

fn version(scanner: &mut Scanner<'_>, form: Form) -> Option<()> {
    any(scanner, &["v"]);
    let mut epoch = *scanner;
    if digits(&mut epoch) && epoch.eat("!") {
        *scanner = epoch;
    }
    digits(scanner).then_some(())?;
    let mut parts = 1;
    loop {
        let mut ahead = *scanner;
        if !(ahead.eat(".") && digits(&mut ahead)) {
            break;
        }
        *scanner = ahead;
        parts += 1;
    }
    if parts < form.parts {
        return None;
    }
    if form.wildcard && scanner.eat(".*") {
        return Some(());
    }
    suffix(scanner, &["alpha", "beta", "preview", "pre", "a", "b", "c", "rc"]);
    let mut number = *scanner;
    match number.eat("-") && digits(&mut number) {
        true => *scanner = number,
        false => suffix(scanner, &["post", "rev", "r"]),
    }
    suffix(scanner, &["dev"]);
    if form.local {
        local(scanner);
    }
    Some(())
}

/// `rc1`, `.post.2`, `-dev`
fn suffix(scanner: &mut Scanner<'_>, names: &[&str]) {
    let mut ahead = *scanner;
    separator(&mut ahead);
    if any(&mut ahead, names) {
        separator(&mut ahead);
        digits(&mut ahead);
        *scanner = ahead;
    }
}

fn local(scanner: &mut Scanner<'_>) {
    let part = |scanner: &mut Scanner<'_>| !scanner.take_while(|c| c.is_ascii_alphanumeric()).is_empty();
    let mut ahead = *scanner;
    if !(ahead.eat("+") && part(&mut ahead)) {
        return;
    }
    loop {
        *scanner = ahead;
        if !(separator(&mut ahead) && part(&mut ahead)) {
            return;
        }
    }
}

fn separator(scanner: &mut Scanner<'_>) -> bool {
    ["-", "_", "."].into_iter().any(|separator| scanner.eat(separator))
}

fn digits(scanner: &mut Scanner<'_>) -> bool {
    !scanner.take_while(|c| c.is_ascii_digit()).is_empty()
}

/// The first of the names that fits, in any case.
fn any(scanner: &mut Scanner<'_>, names: &[&str]) -> bool {
    let fits = |name: &&&str| {
        scanner.rest().as_bytes().get(..name.len()).is_some_and(|text| text.eq_ignore_ascii_case(name.as_bytes()))
    };
    let name = names.iter().find(fits);
    name.is_some_and(|name| !scanner.take(name.len()).is_empty())
}
