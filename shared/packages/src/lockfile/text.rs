//! Bytes to text, offsets to lines, and pieces of a file that are fit for a message.

use std::borrow::Cow;

use super::ParseError;

/// The longest piece of a file that a message quotes, in characters.
const EXCERPT: usize = 60;
/// The longest name or version: no registry allows half of it.
const WORD: usize = 1024;

/// The text of a lockfile, without a byte order mark.
///
/// # Errors
/// For UTF-16 (Windows PowerShell's `>` writes it) and for any other bytes that aren't UTF-8, with the line.
pub fn decode(bytes: Vec<u8>) -> Result<String, ParseError> {
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return Err(ParseError::at(1, "the file is UTF-16; save it as UTF-8"));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| {
        let before = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        ParseError::at(newlines(before) + 1, "the file is not UTF-8")
    })?;
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    if let Some(nul) = memchr::memchr(0, text.as_bytes()) {
        let line = newlines(text.as_bytes().get(..nul).unwrap_or_default()) + 1;
        return Err(ParseError::at(line, "the file holds NUL bytes; save it as UTF-8 text"));
    }
    check_merged(&text)?;
    Ok(text)
}

/// Git leaves these marks in a file that it could not merge. They are not a broken line of the format.
///
/// # Errors
/// With the line of the first marker, if all three are there.
pub(super) fn check_merged(text: &str) -> Result<(), ParseError> {
    let begins = |from: usize, marker: &str| {
        let found = memchr::memmem::find_iter(text.as_bytes().get(from..).unwrap_or_default(), marker);
        let mut found = found.map(|at| from + at);
        found.find(|at| *at == 0 || text.as_bytes().get(at - 1) == Some(&b'\n'))
    };
    let Some(ours) = begins(0, "<<<<<<< ") else { return Ok(()) };
    let theirs = begins(ours, "=======").and_then(|middle| begins(middle, ">>>>>>> "));
    match theirs {
        None => Ok(()),
        Some(_) => {
            let line = newlines(text.as_bytes().get(..ours).unwrap_or_default()) + 1;
            Err(ParseError::at(line, "conflict markers of a merge. Resolve the conflict, or write the lockfile anew"))
        }
    }
}

pub(super) fn newlines(bytes: &[u8]) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', bytes).count()).unwrap_or(u32::MAX - 1)
}

/// Line numbers of byte offsets.
pub(super) struct Lines<'t> {
    text: &'t [u8],
    /// The lines that end before each block of the text: far fewer than there are lines.
    before: Vec<u32>,
}

impl<'t> Lines<'t> {
    /// Bytes, which are counted faster than a list of all lines is searched.
    const BLOCK: usize = 256;

    pub(super) fn new(text: &'t str) -> Lines<'t> {
        let text = text.as_bytes();
        let ends = text.chunks(Self::BLOCK).scan(0_u32, |ends, block| {
            *ends = ends.saturating_add(newlines(block));
            Some(*ends)
        });
        Lines { text, before: std::iter::once(0).chain(ends).collect() }
    }

    /// The line of a byte offset, from 1.
    pub(super) fn at(&self, offset: usize) -> u32 {
        let offset = offset.min(self.text.len());
        let block = offset / Self::BLOCK;
        let before = self.before.get(block).copied().unwrap_or_default();
        let rest = newlines(self.text.get(block * Self::BLOCK..offset).unwrap_or_default());
        before.saturating_add(rest).min(u32::MAX - 1) + 1
    }
}

/// A short piece of the file for a message: one line, no control or direction-changing characters, no credentials.
pub(super) fn excerpt(text: &str) -> String {
    let text = text.trim();
    let text: Cow<'_, str> = match text.contains(['@', ':']) {
        true => text.split_whitespace().map(shown).collect::<Vec<_>>().join(" ").into(),
        false => text.into(),
    };
    let mut short: String = text.chars().take(EXCERPT).map(|c| if unprintable(c) { '?' } else { c }).collect();
    if text.chars().nth(EXCERPT).is_some() {
        // never a piece of a word: it could be that of a token, which is hidden by its form only as a whole
        short.truncate(short.rfind(char::is_whitespace).unwrap_or_default());
        short.push_str("...");
    }
    short
}

/// A word without the credentials that an address has.
fn shown(word: &str) -> String {
    if word.contains(['@', ':']) { super::url::clean(word) } else { word.to_owned() }
}

/// What a parser library says, without the values that it quotes: they could be secret.
pub(super) fn library_message(message: &str) -> String {
    let mut out = String::with_capacity(message.len().min(200));
    let mut quoted = false;
    let mut escaped = false;
    for c in message.chars().take(400) {
        match c {
            '"' if !escaped => {
                if !quoted {
                    out.push_str("\"...\"");
                }
                quoted = !quoted;
            }
            _ if quoted => {}
            '\n' | '\r' => out.push(' '),
            c if unprintable(c) => out.push('?'),
            c => out.push(c),
        }
        escaped = c == '\\' && !escaped;
    }
    out.truncate(out.char_indices().nth(160).map_or(out.len(), |(at, _)| at));
    out.trim_end().to_owned()
}

/// A name or a version as a package carries it.
///
/// # Errors
/// When it is empty, too long to be one, or holds whitespace or control characters.
pub(super) fn word(kind: &str, value: &str, line: u32) -> Result<(), ParseError> {
    if value.is_empty() {
        return Err(ParseError::at(line, format!("a package without a {kind}")));
    }
    if value.len() > WORD {
        return Err(ParseError::at(line, format!("a {kind} of {} bytes", value.len())));
    }
    let plain = value.bytes().all(|byte| byte.is_ascii_graphic());
    match !plain && value.chars().any(|c| c.is_whitespace() || unprintable(c)) {
        true => Err(ParseError::at(line, format!("a {kind} that holds spaces or control characters"))),
        false => Ok(()),
    }
}

/// Control characters and those that change how the text around them reads.
fn unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_have_lines() {
        let lines = Lines::new("a\nbc\n\nd");
        let got: Vec<u32> = (0..7).map(|offset| lines.at(offset)).collect();
        assert_eq!(got, [1, 1, 2, 2, 2, 3, 4]);
        assert_eq!(Lines::new("").at(0), 1);
        let long = "0123456789\n".repeat(1024);
        let lines = Lines::new(&long);
        for offset in [0, 255, 256, 257, 5000, long.len() - 1, long.len(), long.len() + 5000] {
            let before = long.bytes().take(offset).filter(|byte| *byte == b'\n').count();
            assert_eq!(lines.at(offset) as usize, before + 1, "{offset}");
        }
    }

    #[test]
    fn text_is_utf8_or_says_where_not() {
        let decode = |bytes: &[u8]| decode(bytes.to_vec());
        assert_eq!(decode(b"\xef\xbb\xbfa\n").unwrap(), "a\n");
        assert!(decode(b"\xff\xfea\0").unwrap_err().message.contains("UTF-16"));
        assert!(decode(b"\xfe\xff\0a").unwrap_err().message.contains("UTF-16"));
        assert_eq!(decode(b"ok\nbad \xff\n").unwrap_err().line, Some(2));
        assert_eq!(decode(b"a\n\nb\0c\0").unwrap_err().line, Some(3));
    }

    #[test]
    fn conflict_markers_are_found_in_whatever_they_stand() {
        let conflict = "<<<<<<< HEAD\n  a\n=======\n  b\n>>>>>>> branch\n";
        for (before, line) in [("", 1), ("{\n", 2), ("\r\n\r\n", 3)] {
            let error = decode(format!("{before}{conflict}").into_bytes()).unwrap_err();
            assert_eq!(error.line, Some(line));
            assert!(error.message.starts_with("conflict markers of a merge"), "{error}");
        }
        for text in [
            "title\n=======\n",
            "x <<<<<<< HEAD\n=======\n>>>>>>> b\n",
            "<<<<<<< HEAD\n",
            ">>>>>>> b\n=======\n<<<<<<< a\n",
        ] {
            assert!(decode(text.into()).is_ok(), "{text}");
        }
    }

    #[test]
    fn excerpts_are_short_and_harmless() {
        assert_eq!(excerpt(" a\u{1b}[31m\u{202e}b\r\n"), "a?[31m?b");
        assert_eq!(excerpt(&"x".repeat(100)), "...");
        assert_eq!(excerpt(&"four ".repeat(40)).len(), 62);
        assert_eq!(excerpt("-i https://user:hunter2@host/simple?token=hunter2"), "-i https://host/simple");
        assert_eq!(
            library_message("invalid type: string \"hunt\\\"er2\", expected a map"),
            "invalid type: string \"...\", expected a map"
        );
    }

    #[test]
    fn words_are_checked() {
        assert!(word("name", "left-pad", 1).is_ok());
        for bad in ["", "a b", "a\nb", "a\u{202e}b", &"x".repeat(2000)] {
            assert_eq!(word("name", bad, 7).unwrap_err().line, Some(7));
        }
    }
}
