//! The forms: what a token of a provider looks like, and what else must hold for it.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use super::sequence::{Item, Runs, items, walk};

/// Shannon entropy in bits a character, from how often each occurs in the value itself.
pub fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    value.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    let total = value.len() as f32;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| count as f32 / total)
        .map(|share| -share * share.log2())
        .sum()
}

pub(super) static FORMS: LazyLock<Vec<Form>> =
    LazyLock::new(|| include_str!("../tokens.tsv").lines().map(Form::read).collect());

/// One line of the table: rule, bytes before the keyword at most and at least, entropy, check, whether only a part of it
/// is the secret, keywords, sequences.
pub struct Form {
    pub(super) rule: &'static str,
    before: Range<usize>,
    entropy: f32,
    pub(super) check: &'static str,
    part: bool,
    pub(super) keywords: &'static str,
    /// `ghp_[0-9A-Za-z]{36}`: literal characters and sets with their counts.
    pub(super) sequences: Vec<&'static str>,
    /// The same, read when the form is first met.
    items: OnceLock<Vec<Vec<Item>>>,
}

impl Form {
    fn read(line: &'static str) -> Form {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        let rule = next();
        let most = next().parse().unwrap_or(0);
        let least = next().parse().unwrap_or(0);
        let (entropy, check, part, keywords) = (next().parse().unwrap_or(0.0), next(), next() == "part", next());
        let sequences = columns.collect();
        Form { rule, before: least..most, entropy, check, part, keywords, sequences, items: OnceLock::new() }
    }

    /// The id of its rule in pipe-secrets.
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// All of a match is the secret, which begins with its keyword.
    pub fn is_whole(&self) -> bool {
        !self.part && self.before.end == 0
    }

    /// The end of the longest text of this form that begins at `start`, whatever stands around it.
    pub fn longest(&self, text: &[u8], start: usize, runs: &mut Runs) -> Option<usize> {
        let read = || self.sequences.iter().map(|sequence| items(sequence)).collect();
        let sequences = self.items.get_or_init(read);
        sequences.iter().filter_map(|sequence| walk(sequence, text, start, runs)).max()
    }

    /// The token whose keyword stands at `hit`.
    pub(super) fn around(&self, text: &[u8], hit: &Range<usize>, runs: &mut Runs) -> Option<Range<usize>> {
        let starts = hit.start.saturating_sub(self.before.end)..=hit.start.checked_sub(self.before.start)?;
        starts.filter(|&start| begins(text, start)).find_map(|start| {
            let end = self.longest(text, start, runs).filter(|&end| end >= hit.end && is_end(text, end))?;
            self.holds(&text[start..end]).then_some(start..end)
        })
    }

    fn holds(&self, value: &[u8]) -> bool {
        let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
        let checked = match self.check {
            "mixed-case" => has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase),
            "alphanumeric" => has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic),
            _ => true,
        };
        checked && (self.entropy <= 0.0 || entropy(value) >= self.entropy)
    }
}

/// Whether a token may begin here: not inside a run of letters and digits, but for a written-out line end or a
/// percent-encoded byte before it.
fn begins(text: &[u8], at: usize) -> bool {
    if !text.get(at).is_some_and(u8::is_ascii_alphanumeric) {
        return true;
    }
    match &text[..at] {
        [] | [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [.., before] => !before.is_ascii_alphanumeric(),
    }
}

fn is_end(text: &[u8], end: usize) -> bool {
    let is_within = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphanumeric);
    !(end > 0 && is_within(end - 1) && is_within(end))
}
