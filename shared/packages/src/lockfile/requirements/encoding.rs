//! Bytes to text as pip does it: by a byte order mark, by a comment that names the encoding, and as UTF-8
//! (<https://pip.pypa.io/en/stable/reference/requirements-file-format/#encoding>).

use super::super::ParseError;
use super::super::text::newlines;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Utf8,
    /// Whether the high byte comes first.
    Utf16(bool),
    Utf32(bool),
    Ascii,
    Latin1,
    Windows1252,
}

/// The order counts: UTF-16's mark begins UTF-32's.
const MARKS: [(&[u8], Encoding); 5] = [
    (b"\xef\xbb\xbf", Encoding::Utf8),
    (b"\xff\xfe\0\0", Encoding::Utf32(false)),
    (b"\0\0\xfe\xff", Encoding::Utf32(true)),
    (b"\xff\xfe", Encoding::Utf16(false)),
    (b"\xfe\xff", Encoding::Utf16(true)),
];

/// The text of a requirements file, without its byte order mark.
///
/// # Errors
/// When the bytes are not of their encoding, or it is one that is not read here.
pub(super) fn decode(bytes: Vec<u8>) -> Result<String, ParseError> {
    for (mark, encoding) in MARKS {
        if let Some(text) = bytes.strip_prefix(mark) {
            // Python's "utf-16" and "utf-32", which pip asks for in its own byte order, look for a mark once more
            let again = MARKS.iter().find(|(mark, again)| same_width(encoding, *again) && text.starts_with(mark));
            return match (encoding, again) {
                (Encoding::Utf16(false) | Encoding::Utf32(false), Some((mark, again))) => {
                    read(text.get(mark.len()..).unwrap_or_default(), *again)
                }
                _ => read(text, encoding),
            };
        }
    }
    match named(&bytes) {
        None => String::from_utf8(bytes).map_err(|error| {
            let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
            ParseError::at(newlines(before) + 1, "the file is not UTF-8")
        }),
        Some(name) => match encoding(name) {
            Some((encoding, mark)) => {
                let text = MARKS.iter().find(|(of, is)| mark && same_width(encoding, *is) && bytes.starts_with(of));
                match text {
                    Some((of, is)) => read(bytes.get(of.len()..).unwrap_or_default(), *is),
                    None => read(&bytes, encoding),
                }
            }
            None => {
                Err(ParseError::at(1, "the encoding that the file names is not read by this version. Save it as UTF-8"))
            }
        },
    }
}

fn same_width(one: Encoding, other: Encoding) -> bool {
    std::mem::discriminant(&one) == std::mem::discriminant(&other)
}

/// The name in `coding: name` of a comment in the first two lines.
fn named(bytes: &[u8]) -> Option<&[u8]> {
    bytes.split(|byte| *byte == b'\n').take(2).filter(|line| line.first() == Some(&b'#')).find_map(|line| {
        memchr::memmem::find_iter(line, b"coding").find_map(|at| {
            let rest = line.get(at + "coding".len()..)?;
            let rest = rest.strip_prefix(b":").or_else(|| rest.strip_prefix(b"="))?;
            let rest = rest.get(rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t'..=b'\r')).count()..)?;
            let is_name = |byte: &&u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
            rest.get(..rest.iter().take_while(is_name).count()).filter(|name| !name.is_empty())
        })
    })
}

/// What a name of Python's means, and whether a byte order mark is looked for.
fn encoding(name: &[u8]) -> Option<(Encoding, bool)> {
    let name: String = name.iter().map(|byte| char::from(*byte).to_ascii_lowercase()).collect();
    Some(match name.replace(['-', '.'], "_").as_str() {
        "utf_8" | "utf8" | "u8" | "utf" | "cp65001" => (Encoding::Utf8, false),
        "utf_8_sig" => (Encoding::Utf8, true),
        "utf_16" | "utf16" | "u16" => (Encoding::Utf16(false), true),
        "utf_16_le" | "utf_16le" | "unicodelittleunmarked" => (Encoding::Utf16(false), false),
        "utf_16_be" | "utf_16be" | "unicodebigunmarked" => (Encoding::Utf16(true), false),
        "utf_32" | "utf32" | "u32" => (Encoding::Utf32(false), true),
        "utf_32_le" | "utf_32le" => (Encoding::Utf32(false), false),
        "utf_32_be" | "utf_32be" => (Encoding::Utf32(true), false),
        "ascii" | "us_ascii" | "us" | "646" => (Encoding::Ascii, false),
        "latin_1" | "latin1" | "latin" | "l1" | "iso_8859_1" | "iso8859_1" | "8859" | "iso8859" | "cp819" => {
            (Encoding::Latin1, false)
        }
        "cp1252" | "windows_1252" | "1252" => (Encoding::Windows1252, false),
        _ => return None,
    })
}

fn read(bytes: &[u8], encoding: Encoding) -> Result<String, ParseError> {
    let text = match encoding {
        Encoding::Utf8 => str::from_utf8(bytes).ok().map(str::to_owned),
        Encoding::Utf16(big) => {
            let (units, rest) = bytes.as_chunks::<2>();
            let unit = |pair: &[u8; 2]| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
            let text = char::decode_utf16(units.iter().map(unit)).collect::<Result<String, _>>();
            text.ok().filter(|_| rest.is_empty())
        }
        Encoding::Utf32(big) => {
            let (units, rest) = bytes.as_chunks::<4>();
            let unit = |four: &[u8; 4]| if big { u32::from_be_bytes(*four) } else { u32::from_le_bytes(*four) };
            let text = units.iter().map(|four| char::from_u32(unit(four))).collect::<Option<String>>();
            text.filter(|_| rest.is_empty())
        }
        Encoding::Ascii => str::from_utf8(bytes).ok().filter(|text| text.is_ascii()).map(str::to_owned),
        Encoding::Latin1 => Some(bytes.iter().copied().map(char::from).collect()),
        Encoding::Windows1252 => bytes.iter().copied().map(windows_1252).collect(),
    };
    text.ok_or_else(|| ParseError::new("the file is not of the encoding that its beginning names. Save it as UTF-8"))
}

fn windows_1252(byte: u8) -> Option<char> {
    const FROM_80: [char; 32] = [
        '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“', '”',
        '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
    ];
    match byte {
        0x80..=0x9f => FROM_80.get(usize::from(byte - 0x80)).copied().filter(|c| *c != '\0'),
        _ => Some(char::from(byte)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(text: &str, unit: fn(u16) -> [u8; 2]) -> Vec<u8> {
        text.encode_utf16().flat_map(unit).collect()
    }

    #[test]
    fn marks_and_names_choose_the_encoding() {
        let text = "é==1\nb==2";
        for bytes in [
            text.into(),
            format!("\u{feff}{text}").into_bytes(),
            wide(&format!("\u{feff}{text}"), u16::to_le_bytes),
            wide(&format!("\u{feff}{text}"), u16::to_be_bytes),
            wide(&format!("\u{feff}\u{feff}{text}"), u16::to_le_bytes),
            format!("\u{feff}{text}").chars().flat_map(|c| u32::from(c).to_le_bytes()).collect(),
            format!("\u{feff}{text}").chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
        ] {
            assert_eq!(decode(bytes.clone()).as_deref(), Ok(text), "{bytes:?}");
        }
        for (bytes, read) in [
            (&b"# coding: latin-1\n\xe9"[..], "# coding: latin-1\n\u{e9}"),
            (b"#\n# -*- encoding=  CP1252 -*-\n\x80", "#\n# -*- encoding=  CP1252 -*-\n\u{20ac}"),
            (b"# coding: utf_8-sig\nx", "# coding: utf_8-sig\nx"),
            (b" # coding: latin-1\nx", " # coding: latin-1\nx"),
        ] {
            assert_eq!(decode(bytes.to_vec()).as_deref(), Ok(read));
        }
    }

    #[test]
    fn what_is_not_of_its_encoding_is_refused() {
        for bytes in [
            &b"a\n\xff"[..],
            b"# coding: ascii\n\xe9",
            b"# coding: cp1252\n\x81",
            b"# coding: utf-7\n",
            b"#\n#coding:rot13\n",
            b"\xff\xfea",
            b"\xff\xfe\x00\xd8",
            b"\xff\xfe\0\0a\0\0",
            b"# coding: utf-16\n",
        ] {
            assert!(decode(bytes.to_vec()).is_err(), "{bytes:?}");
        }
        assert_eq!(decode(b"ok\nbad \xff\n".to_vec()).unwrap_err().line, Some(2));
    }
}
