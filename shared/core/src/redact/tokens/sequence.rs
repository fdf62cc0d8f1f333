//! Sequences of sets of characters, which is all that the form of a token needs of a regular expression.

use std::ops::Range;

/// A set of ASCII characters, and how many of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) set: u128,
    pub(super) min: usize,
    pub(super) max: usize,
}

/// The sequence, read. `\xNN` stands for one character; the table writes nothing that does not read.
pub(super) fn items(sequence: &str) -> Vec<Item> {
    let mut rest = sequence.as_bytes();
    let mut items = Vec::new();
    while let [first, ..] = rest {
        let set = if *first == b'[' { set(&mut rest) } else { 1 << character(&mut rest) };
        let (min, max) = counts(&mut rest);
        items.push(Item { set, min, max });
    }
    items
}

fn character(rest: &mut &[u8]) -> u32 {
    let (byte, length) = match rest {
        [b'\\', b'x', high, low, ..] => {
            let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0);
            (digit(high) * 16 + digit(low), 4)
        }
        [byte, ..] => (u32::from(*byte), 1),
        [] => (0, 0),
    };
    *rest = &rest[length..];
    byte.min(127)
}

fn set(rest: &mut &[u8]) -> u128 {
    let mut set = 0;
    *rest = &rest[1..];
    while !matches!(rest, [] | [b']', ..]) {
        let first = character(rest);
        let last = if let [b'-', after @ ..] = rest {
            *rest = after;
            character(rest)
        } else {
            first
        };
        (first..=last).for_each(|byte| set |= 1 << byte);
    }
    *rest = rest.get(1..).unwrap_or_default();
    set
}

fn counts(rest: &mut &[u8]) -> (usize, usize) {
    let [b'{', inner @ ..] = rest else { return (1, 1) };
    let end = inner.iter().position(|byte| *byte == b'}').unwrap_or(inner.len());
    let text = str::from_utf8(&inner[..end]).unwrap_or_default();
    *rest = inner.get(end + 1..).unwrap_or_default();
    let (min, max) = text.split_once(',').unwrap_or((text, text));
    (min.parse().unwrap_or(1), max.parse().unwrap_or(1))
}

/// How far the characters of a set go on, remembered: text made of keywords would be read once for each of them.
#[derive(Default)]
pub struct Runs(Vec<(u128, Range<usize>)>);

impl Runs {
    /// How many characters from `at` on are of the set.
    fn length(&mut self, set: u128, text: &[u8], at: usize) -> usize {
        let holds = |byte: &&u8| byte.is_ascii() && set >> **byte & 1 == 1;
        let known = self.0.iter().position(|(other, _)| *other == set);
        if let Some((_, run)) = known.map(|known| &self.0[known])
            && run.contains(&at)
        {
            return run.end - at;
        }
        let length = text[at..].iter().take_while(holds).count();
        match known {
            Some(known) => self.0[known].1 = at..at + length,
            None => self.0.push((set, at..at + length)),
        }
        length
    }
}

/// The end of the longest match that begins at `at`.
pub(super) fn walk(items: &[Item], text: &[u8], at: usize, runs: &mut Runs) -> Option<usize> {
    let Some((item, rest)) = items.split_first() else { return Some(at) };
    if item.max == 1 && item.min == 1 {
        let byte = text.get(at).filter(|byte| byte.is_ascii() && item.set >> **byte & 1 == 1);
        return byte.and_then(|_| walk(rest, text, at + 1, runs));
    }
    let most = runs.length(item.set, text, at).min(item.max);
    // Where the next character can't be one of these, only all of them will do.
    let least = if next_of(rest) & item.set == 0 { item.min.max(most) } else { item.min };
    match rest.first() {
        Some(next) if next.min > 0 && next.set.is_power_of_two() && least < most => {
            let byte = u8::try_from(next.set.trailing_zeros()).unwrap_or(0);
            let mut until = text.len().min(at + most + 1);
            while let Some(found) = memchr::memrchr(byte, &text[(at + least).min(until)..until]) {
                let next = (at + least).min(until) + found;
                if let Some(end) = walk(rest, text, next, runs) {
                    return Some(end);
                }
                until = next;
            }
            None
        }
        _ => (least..=most).rev().find_map(|count| walk(rest, text, at + count, runs)),
    }
}

/// What the first character of a text of these may be; everything, if there may be none.
fn next_of(items: &[Item]) -> u128 {
    let mut set = 0;
    for item in items {
        set |= item.set;
        if item.min > 0 {
            return set;
        }
    }
    u128::MAX
}
