//! Values that were found in files rather than given by a variable: there may be tens of thousands, and nearly none of
//! them turns up again.
//!
//! The forms of all values stand in one buffer, sorted. A text is looked at once: at each place one bit says whether a
//! form may begin there, and the sorted list says which. So a look costs the same for one value as for 100,000, and a
//! value takes some 200 bytes.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;

use super::forms;
use super::mask::SHORT;
use super::parts;

/// So many bytes of a form are kept. A text that agrees with them is hidden to the end of its run of characters.
const KEPT: usize = 64;
/// The same once all forms together take [`ROOM`]. Then a value is kept only as it is.
const KEPT_OF_MANY: usize = 24;
/// How many parts of a value are kept then: the value, and the first lines of one that has several.
const PARTS_OF_MANY: usize = 3;
/// Bytes of forms.
const ROOM: usize = 8 << 20;

/// All values that were found.
#[derive(Default)]
pub(super) struct Values {
    seen: HashSet<u64>,
    hasher: RandomState,
    bytes: Vec<u8>,
    forms: Vec<Kept>,
    /// One bit for each hash of six bytes that a form begins with. Empty until [`Values::sort`].
    beginnings: Vec<u64>,
}

/// A form, or the beginning of one, in [`Values::bytes`].
#[derive(Clone, Copy)]
struct Kept {
    start: u32,
    len: u16,
    /// There is more of it, or its last character holds bits of what follows.
    goes_on: bool,
}

impl Values {
    pub(super) fn len(&self) -> usize {
        self.seen.len()
    }

    pub(super) fn add(&mut self, value: &str) {
        if !self.seen.insert(self.hasher.hash_one(value.trim())) {
            return;
        }
        let is_full = self.bytes.len() >= ROOM;
        for part in parts::of(value).into_iter().take(if is_full { PARTS_OF_MANY } else { usize::MAX }) {
            let text = part.text.as_str();
            if is_full {
                self.keep(text.as_bytes(), KEPT_OF_MANY, false);
                continue;
            }
            let head = &text[..text.floor_char_boundary(KEPT)];
            for (form, is_open) in forms::of_head(head, part.thorough) {
                self.keep(&form, KEPT, is_open || head.len() < text.len());
            }
        }
    }

    fn keep(&mut self, form: &[u8], most: usize, goes_on: bool) {
        let kept = &form[..form.len().min(most)];
        let (Ok(start), Ok(len)) = (u32::try_from(self.bytes.len()), u16::try_from(kept.len())) else { return };
        if kept.len() >= SHORT {
            self.bytes.extend_from_slice(kept);
            self.forms.push(Kept { start, len, goes_on: goes_on || kept.len() < form.len() });
            self.beginnings.clear();
        }
    }

    /// Whether [`Values::spans`] can answer.
    pub(super) fn is_sorted(&self) -> bool {
        self.forms.is_empty() || !self.beginnings.is_empty()
    }

    pub(super) fn sort(&mut self) {
        let Values { bytes, forms, beginnings, .. } = self;
        forms.sort_unstable_by(|a, b| a.of(bytes).cmp(b.of(bytes)).then(b.goes_on.cmp(&a.goes_on)));
        forms.dedup_by(|a, b| a.of(bytes) == b.of(bytes));
        // A quarter of a percent of all places are asked about in vain.
        let bits = (forms.len() * 400).next_power_of_two().clamp(1 << 12, 1 << 24);
        let shift = 64 - bits.trailing_zeros();
        *beginnings = vec![0; bits / 64];
        for form in forms.iter() {
            let word = form.of(bytes)[..SHORT].iter().fold(0, |word, byte| word << 8 | u64::from(*byte));
            let bit = (hash(word) >> shift) as usize;
            beginnings[bit / 64] |= 1 << (bit % 64);
        }
    }

    /// Where values stand in a text, in any of their forms.
    pub(super) fn spans(&self, text: &[u8]) -> Vec<Range<usize>> {
        let bits = self.beginnings.len() * 64;
        let mut spans: Vec<Range<usize>> = Vec::new();
        if bits == 0 {
            return spans;
        }
        let shift = 64 - bits.trailing_zeros();
        let mut word = 0;
        for (last, byte) in text.iter().enumerate() {
            word = word << 8 & SIX_BYTES | u64::from(*byte);
            let bit = (hash(word) >> shift) as usize;
            if self.beginnings[bit / 64] >> (bit % 64) & 1 == 0 || last + 1 < SHORT {
                continue;
            }
            let at = last + 1 - SHORT;
            if let Some(found) = self.longest(&text[at..]) {
                let mut end = at + usize::from(found.len);
                // What the last one was extended over holds nothing new.
                if found.goes_on && spans.last().is_none_or(|last| last.end < end) {
                    end += text[end..].iter().take_while(|byte| is_of_a_token(**byte)).count();
                }
                spans.push(at..end);
            }
        }
        spans
    }

    /// The longest form that `text` begins with.
    fn longest(&self, text: &[u8]) -> Option<Kept> {
        let mut text = &text[..text.len().min(KEPT)];
        loop {
            let after = self.forms.partition_point(|form| form.of(&self.bytes) <= text);
            let before = *self.forms.get(after.checked_sub(1)?)?;
            let form = before.of(&self.bytes);
            if text.starts_with(form) {
                return Some(before);
            }
            // Only a beginning that they share can be a form as well.
            let shared = form.iter().zip(text).take_while(|(a, b)| a == b).count();
            text = &text[..shared];
            if shared < SHORT {
                return None;
            }
        }
    }
}

impl Kept {
    fn of(self, bytes: &[u8]) -> &[u8] {
        let start = self.start as usize;
        &bytes[start..start + usize::from(self.len)]
    }
}

/// The last six bytes, of which [`SHORT`] is the number.
const SIX_BYTES: u64 = 0xFFFF_FFFF_FFFF;
const _: () = assert!(SHORT == 6);

fn hash(word: u64) -> u64 {
    word.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

fn is_of_a_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+/=_-.~%".contains(&byte) || !byte.is_ascii()
}
