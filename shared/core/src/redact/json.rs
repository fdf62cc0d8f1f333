//! The redactor as a filter in front of a file of JSON, which stays JSON.
//!
//! A document goes through in pieces that end between two of its values, so that a large one is never in memory. A piece
//! with a secret in it is taken apart: strings and keys are cleaned one by one, as [`Redactor::json`] cleans those
//! of a parsed document.

use std::collections::HashMap;
use std::io::{self, Write};

use super::{MASK, Redactor, SHORT};

/// The least bytes of a piece. Most documents are one, in which no end of a value is looked for.
const PIECE: usize = if cfg!(test) { 64 * 1024 } else { 2 * 1024 * 1024 };

/// Passes a JSON text on without secrets. [`JsonWriter::finish`] writes what is left.
pub(crate) struct JsonWriter<'a, W: Write> {
    redactor: &'a Redactor,
    inner: W,
    /// Not yet passed on.
    piece: Vec<u8>,
    /// How much of it was looked at, whether that ends in a string, and where the last value before ended.
    seen: usize,
    in_string: bool,
    end: usize,
    keys: Keys,
}

impl<'a, W: Write> JsonWriter<'a, W> {
    pub(crate) fn new(redactor: &'a Redactor, inner: W) -> JsonWriter<'a, W> {
        JsonWriter { redactor, inner, piece: Vec::new(), seen: 0, in_string: false, end: 0, keys: Keys::default() }
    }

    /// Writes the rest of the document.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let rest = std::mem::take(&mut self.piece);
        self.pass(&rest)
    }

    /// Finds the ends of values, which are commas outside of strings.
    fn look(&mut self) {
        while let Some(rest) = self.piece.get(self.seen..).filter(|rest| !rest.is_empty()) {
            if self.in_string {
                match memchr::memchr2(b'"', b'\\', rest) {
                    // What follows a backslash is not looked at, once it is there.
                    Some(at) if rest[at] == b'\\' && at + 1 == rest.len() => return self.seen += at,
                    Some(at) if rest[at] == b'\\' => self.seen += at + 2,
                    Some(at) => (self.seen, self.in_string) = (self.seen + at + 1, false),
                    None => self.seen += rest.len(),
                }
            } else {
                let quote = memchr::memchr(b'"', rest);
                let between = &rest[..quote.unwrap_or(rest.len())];
                if let Some(comma) = memchr::memrchr(b',', between) {
                    self.end = self.seen + comma + 1;
                }
                self.seen += between.len() + usize::from(quote.is_some());
                self.in_string = quote.is_some();
            }
        }
    }

    fn pass(&mut self, piece: &[u8]) -> io::Result<()> {
        match clean(self.redactor, piece, &mut self.keys) {
            Some(clean) => self.inner.write_all(&clean),
            None => self.inner.write_all(piece),
        }
    }
}

impl<W: Write> Write for JsonWriter<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let bytes = &bytes[..bytes.len().min(PIECE)];
        self.piece.extend_from_slice(bytes);
        if self.piece.len() < PIECE {
            return Ok(bytes.len());
        }
        self.look();
        if self.end >= PIECE / 2 {
            let rest = self.piece.split_off(self.end);
            let piece = std::mem::replace(&mut self.piece, rest);
            self.pass(&piece)?;
            (self.seen, self.end) = (self.seen - self.end, 0);
        }
        Ok(bytes.len())
    }

    /// What is held back is not enough to look at yet.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Keys that became equal are numbered.
#[derive(Default)]
pub(super) struct Keys(HashMap<String, u32>);

impl Keys {
    fn number(&mut self, masked: String) -> String {
        let count = self.0.entry(masked.clone()).or_default();
        *count += 1;
        if *count == 1 { masked } else { format!("{masked} {count}") }
    }
}

/// A part of a JSON text without secrets, or `None` if there was none. It begins and ends between two tokens.
pub(super) fn clean(redactor: &Redactor, text: &[u8], keys: &mut Keys) -> Option<Vec<u8>> {
    redactor.replace(text)?;
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.first() {
        let (token, after) = match first {
            b'"' => rest.split_at(string_len(rest)),
            first if is_of_a_number(*first) => rest.split_at(run(rest, is_of_a_number)),
            _ => rest.split_at(run(rest, |byte| byte != b'"' && !is_of_a_number(byte))),
        };
        rest = after;
        let masked = match first {
            b'"' => clean_string(redactor, token).map(|text| match after.trim_ascii_start().first() {
                Some(b':') => keys.number(text),
                _ => text,
            }),
            first if is_of_a_number(*first) && token.len() >= SHORT => redactor.replace(token).map(|_| MASK.to_owned()),
            _ => None,
        };
        match masked.and_then(|text| serde_json::to_vec(&text).ok()) {
            Some(text) => out.extend(text),
            None => out.extend_from_slice(token),
        }
    }
    (out != text).then_some(out)
}

/// The text of a string token without secrets, or `None` if there was none.
fn clean_string(redactor: &Redactor, token: &[u8]) -> Option<String> {
    match serde_json::from_slice::<String>(token) {
        Ok(text) => redactor.json_string(&text),
        // Not one that a serializer wrote.
        Err(_) => redactor.replace(token).map(|_| MASK.to_owned()),
    }
}

/// The length of the string that a text begins with, its quotes included.
fn string_len(text: &[u8]) -> usize {
    let mut at = 1;
    while let Some(found) = text.get(at..).and_then(|rest| memchr::memchr2(b'"', b'\\', rest)) {
        at += found;
        match text[at] {
            b'"' => return at + 1,
            _ => at += 2,
        }
    }
    text.len()
}

fn run(text: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    text.iter().take_while(|byte| belongs(**byte)).count()
}

fn is_of_a_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::{JsonWriter, Keys, PIECE, clean};
    use crate::redact::Redactor;

    fn knowing(secrets: &[&str]) -> Redactor {
        let redactor = Redactor::new();
        secrets.iter().for_each(|secret| redactor.add(secret));
        redactor
    }

    fn written(redactor: &Redactor, text: &[u8], step: usize) -> Vec<u8> {
        let mut out = Vec::new();
        let mut writer = JsonWriter::new(redactor, &mut out);
        text.chunks(step).for_each(|chunk| writer.write_all(chunk).unwrap());
        writer.finish().unwrap();
        out
    }

    #[test]
    fn strings_keys_and_numbers_are_cleaned_where_they_stand() {
        let redactor = knowing(&["hush-hush", "12345678", "line\nother-line"]);
        let text = br#"{ "hush-hush": [12345678, -1.5e3, "x hush-hush\n"], "a": {"hush-hush": true, "b": "line\nother-line"} }"#;
        let clean = clean(&redactor, text, &mut Keys::default()).unwrap();
        assert_eq!(
            String::from_utf8(clean).unwrap(),
            r#"{ "***": ["***", -1.5e3, "x ***\n"], "a": {"*** 2": true, "b": "***"} }"#
        );
        assert_eq!(super::clean(&redactor, b"[1, \"a\"]", &mut Keys::default()), None);
    }

    #[test]
    fn a_large_document_passes_in_pieces_whatever_ends_where() {
        let redactor = knowing(&["hush-hush"]);
        let item = json!({"quote \" and, comma": "back\\slash,\\\"", "secret": "hush-hush", "n": 1});
        let document = Value::Array(vec![item; 4000]);
        let text = serde_json::to_vec(&document).unwrap();
        assert!(text.len() > 4 * PIECE);
        let mut expected = document;
        redactor.json(&mut expected);
        for step in [1, 7, 4096, 100_000, text.len()] {
            let out = written(&redactor, &text, step);
            assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), expected);
        }
        let untouched = written(&Redactor::new(), &text, 1000);
        assert!(untouched == text);
    }

    #[test]
    fn no_more_than_a_piece_is_held() {
        struct Held(usize);
        impl Write for Held {
            fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
                self.0 = self.0.max(bytes.len());
                Ok(bytes.len())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let mut held = Held(0);
        let redactor = Redactor::new();
        let mut writer = JsonWriter::new(&redactor, &mut held);
        for _ in 0..100_000 {
            writer.write_all(br#"["a","b"],"#).unwrap();
        }
        writer.finish().unwrap();
        assert!(held.0 <= 2 * PIECE, "{}", held.0);
    }

    fn any_json() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<i64>().prop_map(Value::from),
            Just(Value::Null),
            "[a-c\"\\\\,:{}\\[\\]\n ]{0,12}".prop_map(Value::from),
            Just(Value::from("the hush-hush one")),
        ];
        leaf.prop_recursive(4, 64, 6, |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
                proptest::collection::btree_map("[a-c\",:]{0,4}", inner, 0..4)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn any_document_is_cleaned_as_a_parsed_one(value in any_json(), pretty in any::<bool>()) {
            let redactor = knowing(&["hush-hush"]);
            let text = if pretty { serde_json::to_vec_pretty(&value) } else { serde_json::to_vec(&value) }.unwrap();
            let out = clean(&redactor, &text, &mut Keys::default()).unwrap_or(text);
            let mut expected = value;
            redactor.json(&mut expected);
            prop_assert_eq!(serde_json::from_slice::<Value>(&out).unwrap(), expected);
        }
    }
}
