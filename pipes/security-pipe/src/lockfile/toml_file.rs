//! TOML with lines: what the three TOML lockfiles and the manifests beside them share.

use serde::Deserialize;

use super::ParseError;
use super::text::{Lines, library_message};

/// Reads a document. Duplicate keys and deep nesting are the parser's errors.
///
/// # Errors
/// With the line the parser stopped at.
pub(super) fn read<'a, T: Deserialize<'a>>(text: &'a str, lines: &Lines) -> Result<T, ParseError> {
    toml::from_str(text).map_err(|error| ParseError {
        line: error.span().map(|span| lines.at(span.start)),
        message: library_message(error.message()),
    })
}

/// Reads a manifest beside the lockfile: whatever is wrong with it is another tool's business, and only leaves open
/// what it would have said.
pub(super) fn read_manifest<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    toml::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()
}
