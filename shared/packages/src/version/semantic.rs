//! Semantic Versioning 2.0, section 11, for any text.
//!
//! Leniency: a leading `v` or `=`, fewer or more than three numbers (missing ones are 0), numbers of any length, and
//! Go's toolchain spelling (`1.21rc2` is `1.21.0-rc.2`, as the Go vulnerability database writes it). Build metadata,
//! and with it Go's `+incompatible`, is ignored. Text that begins with no number is a pre-release of 0.0.0.

/// Compared field by field: numbers, then pre-release before release, then the pre-release identifiers.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Without trailing zeros, so that 1, 1.0 and 1.0.0 are the same.
    core: Vec<Number>,
    is_release: bool,
    pre: Vec<Identifier>,
}

/// A number of any length: more digits is larger, so the length stands first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Number {
    length: usize,
    digits: String,
}

/// Numeric identifiers sort before all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Identifier {
    Numeric(Number),
    Text(String),
}

impl Version {
    pub fn parse(text: &str) -> Version {
        let text = text.trim().trim_start_matches(['v', 'V', '=']).trim_start();
        let text = text.split_once('+').map_or(text, |(version, _build)| version);
        let (mut core, rest) = leading_numbers(text);
        while core.last().is_some_and(|number| number.length == 0) {
            core.pop();
        }
        let pre = match rest.strip_prefix('-') {
            Some(pre) => pre.split('.').map(Identifier::new).collect(),
            None => loose_identifiers(rest),
        };
        Version { core, is_release: rest.is_empty(), pre }
    }
}

/// The numbers `text` begins with, and what follows them (a dot that no number follows belongs to the rest).
fn leading_numbers(text: &str) -> (Vec<Number>, &str) {
    let mut numbers = Vec::new();
    let mut rest = text;
    let mut next = text;
    loop {
        let end = next.find(|c: char| !c.is_ascii_digit()).unwrap_or(next.len());
        let (digits, after) = next.split_at(end);
        if digits.is_empty() {
            return (numbers, rest);
        }
        numbers.push(Number::new(digits));
        rest = after;
        match after.strip_prefix('.') {
            Some(following) => next = following,
            None => return (numbers, rest),
        }
    }
}

/// Identifiers of a suffix that no hyphen introduces, split where letters and digits meet: `rc2` is `rc`, `2`.
fn loose_identifiers(text: &str) -> Vec<Identifier> {
    let mut identifiers = Vec::new();
    for part in text.split(['.', '-', '_']).filter(|part| !part.is_empty()) {
        let mut rest = part;
        while let Some(first) = rest.chars().next() {
            let is_digit = first.is_ascii_digit();
            let end = rest.find(|c: char| c.is_ascii_digit() != is_digit).unwrap_or(rest.len());
            let (identifier, after) = rest.split_at(end);
            identifiers.push(Identifier::new(identifier));
            rest = after;
        }
    }
    identifiers
}

impl Number {
    fn new(digits: &str) -> Number {
        let digits = digits.trim_start_matches('0').to_owned();
        Number { length: digits.len(), digits }
    }
}

impl Identifier {
    fn new(text: &str) -> Identifier {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            Identifier::Numeric(Number::new(text))
        } else {
            Identifier::Text(text.to_owned())
        }
    }
}
