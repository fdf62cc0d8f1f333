//! Text or not, and which encoding. Both are judged by all of the content, in pieces: one NUL byte, or a piece that is not
//! text, takes nothing else out of a scan.

use std::borrow::Cow;

use memchr::{memchr, memchr_iter};

/// The pieces that are judged. Bytes; a multiple of the longest unit.
pub(super) const PIECE: usize = 4 * 1024;
/// So many characters with the same number of NULs between them are UTF-16 or UTF-32 without a mark.
const RUN: usize = 8;
const UTF8_MARK: &[u8] = b"\xEF\xBB\xBF";

/// How much of a content is text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Share {
    All,
    /// Less than half: a program with strings in it, for example.
    Parts,
    None,
}

/// The text of a whole content: UTF-16 and UTF-32 become UTF-8, a byte order mark goes, pieces that are no text become
/// their line ends, everything else is borrowed as it is.
pub(super) fn decode(bytes: &[u8]) -> (Cow<'_, [u8]>, Share) {
    if memchr(0, bytes).is_none() && Units::by_mark(bytes).is_none() {
        return (Cow::Borrowed(bytes.strip_prefix(UTF8_MARK).unwrap_or(bytes)), Share::All);
    }
    let (mut decoder, mark) = Decoder::new(bytes);
    let mut text = Vec::with_capacity(bytes.len());
    for piece in bytes[mark..].chunks(PIECE) {
        decoder.push(piece, &mut text);
    }
    decoder.finish(&mut text);
    (Cow::Owned(text), decoder.share())
}

/// How bytes make a character, where a byte order mark says so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Units {
    Utf16 { little: bool },
    Utf32 { little: bool },
}

impl Units {
    fn by_mark(bytes: &[u8]) -> Option<Units> {
        match bytes {
            [0xFF, 0xFE, 0, 0, ..] => Some(Units::Utf32 { little: true }),
            [0, 0, 0xFE, 0xFF, ..] => Some(Units::Utf32 { little: false }),
            [0xFF, 0xFE, ..] => Some(Units::Utf16 { little: true }),
            [0xFE, 0xFF, ..] => Some(Units::Utf16 { little: false }),
            _ => None,
        }
    }
}

/// Makes text of content that arrives in pieces.
pub(super) struct Decoder {
    units: Option<Units>,
    /// The first half of a character of UTF-16.
    high: Option<u16>,
    gaps: Gaps,
    pieces: usize,
    text: usize,
}

impl Decoder {
    /// For content that begins with `head`, and the length of its mark, which is not pushed.
    pub(super) fn new(head: &[u8]) -> (Decoder, usize) {
        let units = Units::by_mark(head);
        let mark = match units {
            Some(Units::Utf16 { .. }) => 2,
            Some(Units::Utf32 { .. }) => 4,
            None if head.starts_with(UTF8_MARK) => UTF8_MARK.len(),
            None => 0,
        };
        (Decoder { units, high: None, gaps: Gaps::default(), pieces: 0, text: 0 }, mark)
    }

    /// Takes [`PIECE`] bytes; the last piece may be shorter.
    pub(super) fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        if piece.is_empty() {
            return;
        }
        self.pieces += 1;
        match self.units {
            Some(Units::Utf16 { little }) => self.utf16(piece, little, out),
            Some(Units::Utf32 { little }) => utf32(piece, little, out),
            None if memchr(0, piece).is_none() => {
                self.gaps.finish(out);
                out.extend_from_slice(piece);
            }
            None if !is_text(piece) => {
                self.gaps.finish(out);
                out.extend(memchr_iter(b'\n', piece).map(|_| b'\n'));
                return;
            }
            None => piece.iter().for_each(|byte| self.gaps.push(*byte, out)),
        }
        self.text += 1;
    }

    pub(super) fn finish(&mut self, out: &mut Vec<u8>) {
        self.gaps.finish(out);
        if self.high.take().is_some() {
            out.extend_from_slice("\u{FFFD}".as_bytes());
        }
    }

    /// From here on, [`Decoder::share`] is about what follows.
    pub(super) fn count_anew(&mut self) {
        (self.pieces, self.text) = (0, 0);
    }

    /// How much of what was pushed is text.
    pub(super) fn share(&self) -> Share {
        match self.text {
            0 if self.pieces > 0 => Share::None,
            text if text * 2 >= self.pieces => Share::All,
            _ => Share::Parts,
        }
    }

    fn utf16(&mut self, piece: &[u8], little: bool, out: &mut Vec<u8>) {
        let unit = |pair: &[u8]| {
            if little { u16::from_le_bytes([pair[0], pair[1]]) } else { u16::from_be_bytes([pair[0], pair[1]]) }
        };
        let mut units: Vec<u16> = self.high.take().into_iter().chain(piece.chunks_exact(2).map(unit)).collect();
        if units.last().is_some_and(|last| (0xD800..0xDC00).contains(last)) {
            self.high = units.pop();
        }
        let text: String = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER)).collect();
        out.extend_from_slice(text.as_bytes());
    }
}

fn utf32(piece: &[u8], little: bool, out: &mut Vec<u8>) {
    for four in piece.chunks_exact(4) {
        let four = [four[0], four[1], four[2], four[3]];
        let number = if little { u32::from_le_bytes(four) } else { u32::from_be_bytes(four) };
        let c = char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER);
        out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
}

/// Whether a piece with NULs in it is text all the same: among its other bytes, few are control characters. Of random
/// bytes a tenth are.
fn is_text(piece: &[u8]) -> bool {
    // Sparse files are large.
    if piece == &[0; PIECE][..piece.len()] {
        return false;
    }
    let (mut others, mut odd) = (0_usize, 0_usize);
    for byte in piece {
        others += usize::from(*byte != 0);
        odd += usize::from(matches!(byte, 0x01..=0x07 | 0x0E..=0x1A | 0x1C..=0x1F | 0x7F));
    }
    others > 0 && odd * 12 <= others
}

/// Takes the NULs out of UTF-16 and UTF-32 without a mark, where every other byte or three of four are one. NULs that
/// stand alone stay: they separate.
#[derive(Default)]
struct Gaps {
    /// NULs since the last other byte.
    nuls: usize,
    /// NULs between the characters of the run, of which `held` is what could still be something else.
    gap: usize,
    held: Vec<u8>,
    /// The run is long enough.
    is_run: bool,
}

impl Gaps {
    fn push(&mut self, byte: u8, out: &mut Vec<u8>) {
        if byte == 0 {
            self.nuls += 1;
            return;
        }
        let nuls = std::mem::take(&mut self.nuls);
        if !matches!(nuls, 1 | 3) || nuls != self.gap {
            self.release(out);
            self.gap = if matches!(nuls, 1 | 3) { nuls } else { 0 };
            self.is_run = false;
            if self.gap == 0 {
                out.resize(out.len() + nuls, 0);
                out.push(byte);
                return;
            }
        }
        if self.is_run {
            out.push(byte);
            return;
        }
        self.held.push(byte);
        if self.held.len() >= RUN {
            out.append(&mut self.held);
            self.is_run = true;
        }
    }

    /// Puts out what turned out to be no run.
    fn release(&mut self, out: &mut Vec<u8>) {
        for byte in self.held.drain(..) {
            out.resize(out.len() + self.gap, 0);
            out.push(byte);
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.release(out);
        if !self.is_run {
            out.resize(out.len() + self.nuls, 0);
        }
        *self = Gaps::default();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Share, decode};

    fn random(length: usize) -> Vec<u8> {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        };
        (0..length).map(|_| next()).collect()
    }

    #[test]
    fn content_is_judged_as_a_whole() {
        let text = |text: &str| text.as_bytes().to_vec();
        for (content, share) in [
            (text("plain"), Share::All),
            (text(""), Share::All),
            (text("A=1\0\nT=2"), Share::All),
            ([vec![0; 20_000], text("T=2\n")].concat(), Share::Parts),
            ([text(&"T=2\n".repeat(2000)), vec![0; 5000]].concat(), Share::All),
            ([b"\x7FELF\x02\x01\x01".as_slice(), &[0; 20], b"\x03\x01\x06\x02"].concat(), Share::None),
            (vec![0; 100], Share::None),
            (random(40_000), Share::None),
            ([random(40_000), text(&"T=2\n".repeat(2000))].concat(), Share::Parts),
            ([text(&"T=2\n".repeat(20_000)), random(40_000)].concat(), Share::All),
        ] {
            assert_eq!(decode(&content).1, share, "{:?}", &content[..content.len().min(40)]);
        }
    }

    #[test]
    fn lines_stay_where_they_are() {
        let content =
            [b"one\n".to_vec(), b"a\0b\n\x01\x02\x03\x04\0\x05\n".repeat(500), b"last\n".repeat(2000)].concat();
        let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(lines(&decode(&content).0), lines(&content));
    }

    #[test]
    fn every_encoding_is_read_with_its_mark() {
        let text = "é=1\n𝄞 x".repeat(2000);
        let utf16 =
            |unit: fn(u16) -> [u8; 2]| format!("\u{FEFF}{text}").encode_utf16().flat_map(unit).collect::<Vec<_>>();
        let utf32 = |unit: fn(u32) -> [u8; 4]| format!("\u{FEFF}{text}").chars().flat_map(|c| unit(c.into())).collect();
        let plain = format!("\u{FEFF}{text}").into_bytes();
        for bytes in
            [utf16(u16::to_le_bytes), utf16(u16::to_be_bytes), utf32(u32::to_le_bytes), utf32(u32::to_be_bytes), plain]
        {
            assert_eq!(decode(&bytes), (text.as_bytes().into(), Share::All));
        }
        assert_eq!(&*decode(b"\xFF\xFE\x00\xD8").0, "\u{FFFD}".as_bytes(), "a lone surrogate");
    }

    proptest! {
        #[test]
        fn text_without_a_mark_is_read_in_every_encoding(before in "[a-z\n]{0,20}", text in "[ -~\n]{12,60}", little in any::<bool>(), wide in any::<bool>()) {
            let units: Vec<u8> = text.bytes().flat_map(|byte| match (wide, little) {
                (false, true) => vec![byte, 0],
                (false, false) => vec![0, byte],
                (true, true) => vec![byte, 0, 0, 0],
                (true, false) => vec![0, 0, 0, byte],
            }).collect();
            let content = [before.as_bytes(), &units].concat();
            let (decoded, share) = decode(&content);
            prop_assert_eq!(share, Share::All);
            // The first character may keep the NULs before it.
            let decoded: Vec<u8> = String::from_utf8_lossy(&decoded).into_owned().into_bytes();
            let tail = &text.as_bytes()[1..];
            prop_assert!(memchr::memmem::find(&decoded, tail).is_some(), "{:?}", decoded);
        }

        #[test]
        fn a_nul_alone_changes_nothing_else(text in "[ -~\n]{1,40}", at in any::<prop::sample::Index>()) {
            let mut content = text.clone().into_bytes();
            content.insert(at.index(text.len() + 1), 0);
            prop_assert_eq!(&*decode(&content).0, &content[..]);
        }
    }
}
