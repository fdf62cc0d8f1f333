//! Identifiers made from content, so that the same input has the same ones.

use std::io::{self, Write};

use pipe_core::redact::tokens;
use pipe_core::text::hex;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Bytes of a document that is kept as it is hashed.
pub(super) const MAX_KEPT: usize = 4 * 1024 * 1024;
/// Bytes that are hashed at once of a larger one.
const PIECE: usize = 64 * 1024;

/// A UUID of version 8 (RFC 9562 section 5.8: ours to define) over the JSON form of `value`, and that form if it has at
/// most `limit` bytes. What is larger is never held.
pub(super) fn identify(value: &impl Serialize, limit: usize) -> (String, Option<Vec<u8>>) {
    let mut out = Hashed { hasher: Sha256::new(), text: Vec::new(), is_whole: true, limit };
    // Neither the writer nor a value with string keys can fail; a part of it would still be a deterministic input.
    let _ = serde_json::to_writer(&mut out, value);
    out.hasher.update(&out.text);
    let digest = out.hasher.finalize();
    let mut bytes = [0_u8; 16];
    bytes.iter_mut().zip(digest.iter()).for_each(|(byte, from)| *byte = *from);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex(&bytes);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    let uuid = format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32));
    (uuid, out.is_whole.then_some(out.text))
}

/// Writes `text` with `what` before the first `place` in it.
pub(super) fn insert(out: &mut impl Write, text: &[u8], place: &str, what: &str) -> io::Result<()> {
    let at = memchr::memmem::find(text, place.as_bytes()).unwrap_or(text.len());
    let (before, after) = text.split_at(at);
    out.write_all(before)?;
    out.write_all(what.as_bytes())?;
    out.write_all(after)
}

/// An SPDX identifier (clause 3.2: letters, digits, `.` and `-`) that is readable and differs wherever `reference`
/// does. A word that holds a token of a provider is left out: with dashes in it
/// no redactor knows it again. So is a long one, which would have to be cut.
pub(super) fn spdx_id(kind: &str, words: &[&str], reference: &str) -> String {
    let mut id = format!("SPDXRef-{kind}");
    for word in words.iter().filter(|word| is_shown(word)) {
        id.push('-');
        id.extend(word.chars().map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }));
    }
    id.push('-');
    let digest = Sha256::digest(reference.as_bytes());
    id.push_str(&hex(digest.get(..8).unwrap_or_default()));
    id
}

fn is_shown(word: &str) -> bool {
    (1..=80).contains(&word.len()) && tokens::find(word.as_bytes()).is_empty()
}

/// Hashes what it is given, and keeps it as long as it is short.
struct Hashed {
    hasher: Sha256,
    /// Not yet hashed.
    text: Vec<u8>,
    is_whole: bool,
    limit: usize,
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(bytes);
        if self.text.len() > self.limit {
            self.hasher.update(&self.text);
            self.text.clear();
            (self.is_whole, self.limit) = (false, PIECE);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_KEPT, PIECE, identify, insert, spdx_id};

    fn uuid(value: &str) -> String {
        identify(&value, MAX_KEPT).0
    }

    #[test]
    fn a_uuid_has_its_version_and_variant_and_follows_the_content() {
        let one = uuid("one");
        assert_eq!(one, uuid("one"));
        assert_ne!(one, uuid("two"));
        assert_eq!((one.len(), one.get(14..15)), (36, Some("8")));
        assert!(matches!(one.get(19..20), Some("8" | "9" | "a" | "b")), "{one}");
    }

    #[test]
    fn what_is_not_kept_has_the_same_uuid() {
        let long = "x".repeat(3 * PIECE + 7);
        let (uuid, text) = identify(&long, MAX_KEPT);
        assert_eq!(text.map(|text| text.len()), Some(long.len() + 2));
        assert_eq!(identify(&long, 10), (uuid, None));
    }

    #[test]
    fn the_first_place_counts() {
        let mut out = Vec::new();
        insert(&mut out, b"a,b,c", ",", "!").unwrap();
        assert_eq!(out, b"a!,b,c");
    }

    #[test]
    fn an_spdx_id_has_only_letters_digits_dots_and_dashes() {
        let id = spdx_id("Package", &["npm", "@scope/näme_x", ""], "a");
        assert!(id.starts_with("SPDXRef-Package-npm--scope-n-me-x-"), "{id}");
        assert_ne!(id, spdx_id("Package", &["npm", "@scope/näme_x", ""], "b"));
    }
}
