//! Text or not, and which encoding.

use std::borrow::Cow;

use memchr::memchr;

/// How far a NUL is looked for. Bytes; Git looks as far.
const PEEK: usize = 8 * 1024;
const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// A NUL in the first 8 KB, unless a byte order mark says UTF-16.
pub fn is_binary(bytes: &[u8]) -> bool {
    utf16(bytes).is_none() && memchr(0, &bytes[..bytes.len().min(PEEK)]).is_some()
}

/// The bytes to scan: UTF-16 becomes UTF-8, a byte order mark goes, everything else is borrowed as it is.
pub(super) fn decode(bytes: &[u8]) -> Cow<'_, [u8]> {
    let Some(unit) = utf16(bytes) else {
        return Cow::Borrowed(bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes));
    };
    let units = bytes[2..].chunks_exact(2).map(|pair| unit([pair[0], pair[1]]));
    let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
    Cow::Owned(text.into_bytes())
}

/// How two bytes make a unit, where a byte order mark says UTF-16 (and not UTF-32, which begins alike).
fn utf16(bytes: &[u8]) -> Option<fn([u8; 2]) -> u16> {
    match bytes {
        [0xFF, 0xFE, 0, 0, ..] => None,
        [0xFF, 0xFE, ..] => Some(u16::from_le_bytes),
        [0xFE, 0xFF, ..] => Some(u16::from_be_bytes),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::{decode, is_binary};

    #[test]
    fn a_nul_early_on_makes_a_file_binary_and_a_late_one_does_not() {
        assert!(is_binary(b"\x7FELF\x02\0\0"));
        assert!(!is_binary(b"plain"));
        let mut late = vec![b'a'; 8 * 1024];
        late.push(0);
        assert!(!is_binary(&late));
        assert!(is_binary(b"\xFF\xFE\0\0a\0\0\0"), "UTF-32 is not read");
    }

    #[test]
    fn utf_16_is_read_in_both_byte_orders_and_marks_are_dropped() {
        let little: Vec<u8> = "\u{FEFF}é=1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = "\u{FEFF}é=1".encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [little, big] {
            assert!(!is_binary(&bytes));
            assert_eq!(&*decode(&bytes), "é=1".as_bytes());
        }
        assert_eq!(&*decode(b"\xEF\xBB\xBFa"), b"a");
        assert_eq!(&*decode(b"\xFF\xFE\x00\xD8"), "\u{FFFD}".as_bytes(), "a lone surrogate");
    }
}
