//! Identifiers made from content, so that the same input has the same ones.

use std::io::{self, BufWriter, Write};

use pipe_core::text::hex;
use serde::Serialize;
use sha2::{Digest, Sha256};

/// A UUID of version 8 (RFC 9562 section 5.8: ours to define) over the JSON form of `value`, which is hashed as it is
/// written and never held.
pub(super) fn uuid(value: &impl Serialize) -> String {
    let mut hasher = Hasher(Sha256::new());
    let mut out = buffered(&mut hasher);
    // Neither the writer nor a value with string keys can fail; a part of it would still be a deterministic input.
    let _ = serde_json::to_writer(&mut out, value);
    let _ = out.flush();
    drop(out);
    let digest = hasher.0.finalize();
    let mut bytes = [0_u8; 16];
    bytes.iter_mut().zip(digest.iter()).for_each(|(byte, from)| *byte = *from);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let hex = hex(&bytes);
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default();
    format!("{}-{}-{}-{}-{}", part(0, 8), part(8, 12), part(12, 16), part(16, 20), part(20, 32))
}

/// A document comes in pieces of a few bytes. The one type keeps the code that writes a document from being there once
/// for its identifier and once for its file.
pub(super) fn buffered(out: &mut dyn Write) -> BufWriter<&mut dyn Write> {
    BufWriter::with_capacity(16 * 1024, out)
}

/// An SPDX identifier (clause 3.2: letters, digits, `.` and `-`) that is readable and differs wherever `reference`
/// does.
pub(super) fn spdx_id(kind: &str, words: &[&str], reference: &str) -> String {
    let mut id = format!("SPDXRef-{kind}");
    for word in words.iter().filter(|word| !word.is_empty()) {
        id.push('-');
        id.extend(word.chars().take(80).map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' }));
    }
    id.push('-');
    let digest = Sha256::digest(reference.as_bytes());
    id.push_str(&hex(digest.get(..8).unwrap_or_default()));
    id
}

struct Hasher(Sha256);

impl Write for Hasher {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{spdx_id, uuid};

    #[test]
    fn a_uuid_has_its_version_and_variant_and_follows_the_content() {
        let one = uuid(&"one");
        assert_eq!(one, uuid(&"one"));
        assert_ne!(one, uuid(&"two"));
        assert_eq!((one.len(), one.get(14..15)), (36, Some("8")));
        assert!(matches!(one.get(19..20), Some("8" | "9" | "a" | "b")), "{one}");
    }

    #[test]
    fn an_spdx_id_has_only_letters_digits_dots_and_dashes() {
        let id = spdx_id("Package", &["npm", "@scope/näme_x", ""], "a");
        assert!(id.starts_with("SPDXRef-Package-npm--scope-n-me-x-"), "{id}");
        assert_ne!(id, spdx_id("Package", &["npm", "@scope/näme_x", ""], "b"));
    }
}
