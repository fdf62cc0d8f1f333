//! Finds forms in a text that arrives in pieces.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;
use std::sync::Arc;

use aho_corasick::{AhoCorasick, AhoCorasickKind};

use super::forms::Form;
use super::mask::MASK;

/// What is known about the bytes that forms begin with.
#[derive(Clone)]
pub(super) struct Entry {
    /// Counts only as a whole token.
    pub(super) token: bool,
    /// The forms that go on after these bytes.
    pub(super) long: Vec<Arc<Form>>,
}

const BEGINNINGS: usize = 1 << 16;

/// Where the first three bytes are noted, if there are three.
fn beginning(bytes: &[u8]) -> Option<usize> {
    let &[a, b, c, ..] = bytes else { return None };
    Some((usize::from(a) * 4099 + usize::from(b) * 257 + usize::from(c)) % BEGINNINGS)
}

/// All patterns of a moment.
pub(super) struct Matcher {
    /// In order, so that "does any begin with this" is a binary search.
    patterns: Vec<(Arc<[u8]>, Entry)>,
    longest: usize,
    /// One entry for each hash of three bytes that a pattern begins with: says no for nearly every place in a text.
    beginnings: Vec<bool>,
    /// `None` if they are too many for an automaton; then nothing at all gets through.
    automaton: Option<AhoCorasick>,
}

impl Matcher {
    pub(super) fn build(patterns: &BTreeMap<Arc<[u8]>, Entry>) -> Matcher {
        let automaton = AhoCorasick::builder()
            // The only kind whose size is a small multiple of the patterns'.
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(patterns.keys())
            .ok();
        let mut beginnings = vec![false; BEGINNINGS];
        for slot in patterns.keys().filter_map(|bytes| beginning(bytes)) {
            beginnings[slot] = true;
        }
        Matcher {
            beginnings,
            longest: patterns.keys().map(|bytes| bytes.len()).max().unwrap_or(0),
            patterns: patterns.iter().map(|(bytes, entry)| (bytes.clone(), entry.clone())).collect(),
            automaton,
        }
    }

    /// Quick answer for the usual case.
    pub(super) fn finds_any(&self, bytes: &[u8]) -> bool {
        self.automaton.as_ref().is_none_or(|automaton| automaton.is_match(bytes))
    }

    /// Where the part of `bytes` begins that more bytes could complete to a match.
    fn undecided(&self, bytes: &[u8]) -> usize {
        (bytes.len().saturating_sub(self.longest)..bytes.len())
            .find(|&start| {
                let tail = &bytes[start..];
                if beginning(tail).is_some_and(|slot| !self.beginnings[slot]) {
                    return false;
                }
                let from = self.patterns.partition_point(|(pattern, _)| pattern.as_ref() < tail);
                // Only the first can be the tail itself, which is settled unless it has to be a whole token.
                self.patterns[from..]
                    .iter()
                    .take(2)
                    .any(|(pattern, entry)| pattern.starts_with(tail) && (pattern.len() > tail.len() || entry.token))
            })
            .unwrap_or(bytes.len())
    }
}

/// A text on its way through. Positions count from its beginning, so that the outcome can't depend on how it was cut.
#[derive(Default)]
pub(super) struct Stream {
    /// What could still become part of a match.
    held: Vec<u8>,
    /// Position of `held`, and the byte before it.
    at: u64,
    before: Option<u8>,
    /// Matches that reach beyond `at`: begin and end.
    found: Vec<(u64, u64)>,
    /// The end of what the last mask stands for.
    masked: Option<u64>,
    /// By the address of the form.
    follows: HashMap<usize, Follow>,
}

/// A long form whose beginning was met.
struct Follow {
    form: Arc<Form>,
    /// Bytes of the form that the text agreed with so far; `None` behind a difference, until the character ends.
    agreed: Option<usize>,
    /// Where that ends in the text.
    end: u64,
    over: bool,
}

impl Stream {
    /// A text of which these places are known to be secret.
    pub(super) fn with(known: Vec<Range<usize>>) -> Stream {
        let found = known.into_iter().map(|span| (span.start as u64, span.end as u64)).collect();
        Stream { found, ..Stream::default() }
    }

    /// Takes a whole text in which nothing else is to be looked for.
    pub(super) fn pass(&mut self, whole: &[u8], out: &mut Vec<u8>) {
        self.held.extend_from_slice(whole);
        self.put(whole.len(), out);
    }

    /// Takes more text and puts out what is certain; everything if this is the `last` of it.
    pub(super) fn feed(&mut self, matcher: &Matcher, more: &[u8], last: bool, out: &mut Vec<u8>) {
        self.held.extend_from_slice(more);
        self.search(matcher, last);
        let keep = if last { self.held.len() } else { matcher.undecided(&self.held) };
        self.put(keep, out);
    }

    fn search(&mut self, matcher: &Matcher, last: bool) {
        let Stream { held, at, found, follows, .. } = self;
        for follow in follows.values_mut().filter(|follow| !follow.over) {
            let from = follow.end;
            follow.advance(&held[index(from, *at)..]);
            found.push((from, follow.end));
        }
        let Some(automaton) = &matcher.automaton else {
            found.push((*at, *at + held.len() as u64));
            return;
        };
        for hit in automaton.find_overlapping_iter(&*held) {
            let Some((_, entry)) = matcher.patterns.get(hit.pattern().as_usize()) else {
                continue;
            };
            if entry.token {
                let left = if hit.start() == 0 { self.before } else { held.get(hit.start() - 1).copied() };
                let right = held.get(hit.end()).copied();
                // At the end of what there is, only the next byte can tell.
                if left.is_some_and(is_word) || right.is_some_and(is_word) || (right.is_none() && !last) {
                    continue;
                }
            }
            let (begin, end) = (*at + hit.start() as u64, *at + hit.end() as u64);
            found.push((begin, end));
            for form in &entry.long {
                let address = Arc::as_ptr(form).addr();
                // A form that repeats itself is followed once at a time: otherwise `aaaa...` would be quadratic.
                if follows.get(&address).is_some_and(|follow| follow.end >= end) {
                    continue;
                }
                let mut follow = Follow { form: form.clone(), agreed: Some(form.anchor().len()), end, over: false };
                follow.advance(&held[hit.end()..]);
                found.push((begin, follow.end));
                follows.insert(address, follow);
            }
        }
    }

    /// Puts out the first `count` bytes of what is held.
    fn put(&mut self, count: usize, out: &mut Vec<u8>) {
        let stop = self.at + count as u64;
        let mut position = self.at;
        self.found.sort_unstable();
        self.found.dedup();
        for &(begin, end) in self.found.iter().take_while(|(begin, _)| *begin < stop) {
            if begin > position {
                out.extend_from_slice(&self.held[index(position, self.at)..index(begin, self.at)]);
            }
            if self.masked.is_none_or(|masked| begin > masked) {
                out.extend_from_slice(MASK.as_bytes());
            }
            self.masked = self.masked.max(Some(end));
            position = position.max(end.min(stop));
        }
        out.extend_from_slice(&self.held[index(position, self.at)..count]);
        if count > 0 {
            self.before = self.held.get(count - 1).copied();
        }
        self.held.drain(..count);
        self.at = stop;
        self.found.retain(|(_, end)| *end > stop);
        self.follows.retain(|_, follow| !follow.over || follow.end >= stop);
    }
}

impl Follow {
    /// Goes on along `text`, which begins where it stopped.
    fn advance(&mut self, mut text: &[u8]) {
        if let Some(agreed) = self.agreed {
            let whole = self.form.whole();
            let same = whole[agreed..].iter().zip(text).take_while(|(a, b)| a == b).count();
            text = &text[same..];
            self.end += same as u64;
            self.over = agreed + same == whole.len();
            self.agreed = (self.over || text.is_empty()).then_some(agreed + same);
        }
        if self.agreed.is_none() {
            // A difference inside a character hides all of it: half a character would not be valid UTF-8.
            let broken = text.iter().take_while(|byte| is_continuation(**byte)).count();
            self.end += broken as u64;
            self.over = broken < text.len();
        }
    }
}

fn index(position: u64, at: u64) -> usize {
    usize::try_from(position.saturating_sub(at)).unwrap_or(usize::MAX)
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn is_continuation(byte: u8) -> bool {
    byte & 0b1100_0000 == 0b1000_0000
}
