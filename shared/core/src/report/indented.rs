//! A part of the report, laid out as it stands in it.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

/// `value` as it stands at a depth of the report. One that can't be serialized says so.
pub(super) fn layout(value: &impl Serialize, depth: usize) -> Box<RawValue> {
    let mut text = Indented { text: Vec::new(), depth };
    let written = serde_json::to_writer_pretty(&mut text, value);
    written
        .and_then(|()| RawValue::from_string(String::from_utf8(text.text).unwrap_or_default()))
        .or_else(|error| to_raw_value(&json!({ "error": error.to_string() })))
        .unwrap_or_else(|_| RawValue::NULL.to_owned())
}

/// Puts what is written deeper.
struct Indented {
    text: Vec<u8>,
    depth: usize,
}

impl Write for Indented {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A line end in JSON is never part of a string.
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            self.text.extend_from_slice(line);
            if line.ends_with(b"\n") {
                self.text.extend(std::iter::repeat_n(b"  ", self.depth).flatten());
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
