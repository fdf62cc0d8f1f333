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

/// What is known of the text already: text made of keywords would be read once for each of them.
#[derive(Default)]
pub struct Runs {
    /// How far the characters of a set go on.
    sets: Vec<(u128, Range<usize>)>,
    /// Where a character does not occur.
    without: Vec<(u8, Range<usize>)>,
}

impl Runs {
    /// How many characters from `at` on are of the set.
    fn length(&mut self, set: u128, text: &[u8], at: usize) -> usize {
        let holds = |byte: &&u8| byte.is_ascii() && set >> **byte & 1 == 1;
        let known = self.sets.iter().position(|(other, _)| *other == set);
        if let Some((_, run)) = known.map(|known| &self.sets[known])
            && run.contains(&at)
        {
            return run.end - at;
        }
        let length = text[at..].iter().take_while(holds).count();
        work::count(length + 1);
        match known {
            Some(known) => self.sets[known].1 = at..at + length,
            None => self.sets.push((set, at..at + length)),
        }
        length
    }

    /// The last place of a character in a part of the text.
    pub(super) fn last(&mut self, byte: u8, text: &[u8], part: Range<usize>) -> Option<usize> {
        let known = self.without.iter().position(|(other, _)| *other == byte);
        let without = known.map_or(0..0, |known| self.without[known].1.clone());
        let start = if without.contains(&part.start) { without.end.min(part.end) } else { part.start };
        let found = memchr::memrchr(byte, &text[start..part.end]).map(|at| start + at);
        work::count(part.end - found.unwrap_or(start));
        if found.is_none() && part.end > without.end {
            // What was left out of the search joins what was searched.
            let without = if start > part.start { without.start } else { part.start }..part.end;
            match known {
                Some(known) => self.without[known].1 = without,
                None => self.without.push((byte, without)),
            }
        }
        found
    }
}

/// How many characters were looked at, for a test that needs no clock.
pub(super) mod work {
    #[cfg(test)]
    thread_local! {
        static DONE: std::cell::Cell<usize> = const { std::cell::Cell::new(0) };
    }

    #[inline]
    pub(super) fn count(_characters: usize) {
        #[cfg(test)]
        DONE.with(|done| done.set(done.get() + _characters));
    }

    /// Since the last time.
    #[cfg(test)]
    pub(in crate::redact::tokens) fn take() -> usize {
        DONE.with(|done| done.take())
    }
}

/// The end of the longest match that begins at `at`.
pub(super) fn walk(mut items: &[Item], text: &[u8], mut at: usize, runs: &mut Runs) -> Option<usize> {
    // From a character that stands alone there is no way but one.
    while let [Item { set, min: 1, max: 1 }, rest @ ..] = items {
        let byte = text.get(at).filter(|byte| byte.is_ascii() && set >> **byte & 1 == 1);
        work::count(1);
        byte?;
        (items, at) = (rest, at + 1);
    }
    let Some((item, rest)) = items.split_first() else { return Some(at) };
    work::count(1);
    let most = runs.length(item.set, text, at).min(item.max);
    // Where the next character can't be one of these, only all of them will do.
    let least = if next_of(rest) & item.set == 0 { item.min.max(most) } else { item.min };
    match rest.first() {
        Some(next) if next.min > 0 && next.set.is_power_of_two() && least < most => {
            let byte = u8::try_from(next.set.trailing_zeros()).unwrap_or(0);
            let mut until = text.len().min(at + most + 1);
            while let Some(next) = runs.last(byte, text, (at + least).min(until)..until) {
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
