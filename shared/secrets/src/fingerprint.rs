//! What stays the same about a finding when lines move.

use std::collections::HashMap;
use std::ops::Range;

use pipe_core::text::hex;
use sha2::{Digest, Sha256};

use super::place;
use super::rule::Rule;

/// How much of a line counts on either side of a value. Bytes; a program's output may be one line.
const CONTEXT: usize = 256;

/// Numbers the equal findings of one file.
pub(super) struct Fingerprints<'a> {
    path: &'a str,
    seen: HashMap<(&'a str, Vec<u8>), u32>,
}

impl<'a> Fingerprints<'a> {
    pub(super) fn new(path: &'a str) -> Self {
        Fingerprints { path, seen: HashMap::new() }
    }

    /// Rule, path, number among equal ones, and: 20 bits of the value's SHA-256 for provider formats, so that a fresh
    /// secret in a known place is new; for generic ones the lines without the value, whitespace collapsed.
    pub(super) fn next(&mut self, rule: &'a Rule, text: &[u8], value: &Range<usize>) -> String {
        let trait_of_it = if rule.generic { line_without(text, value) } else { few_bits(&text[value.clone()]) };
        let number = self.seen.entry((&rule.id, trait_of_it.clone())).or_insert(0);
        *number += 1;
        hex_digest(&[rule.id.as_bytes(), self.path.as_bytes(), &number.to_le_bytes(), &trait_of_it])
    }
}

/// The first 32 hex digits of the SHA-256 over the parts, each with its length before it.
pub(super) fn hex_digest(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    hex(&hash.finalize()[..16])
}

/// 20 bits distinguish a fresh value from the known one, and are too few to test guesses of the value.
fn few_bits(value: &[u8]) -> Vec<u8> {
    let hash = Sha256::digest(value);
    vec![hash[0], hash[1], hash[2] >> 4]
}

fn line_without(text: &[u8], value: &Range<usize>) -> Vec<u8> {
    let lines = place::near(text, value, CONTEXT);
    let rest = [&text[lines.start..value.start], b" ", &text[value.end..lines.end]].concat();
    let words = rest.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b' ')
}
