//! A document on disk that is attested as it is.

use std::path::{Path, PathBuf};

use pipe_core::fs::{Links, read_text};
use pipe_oci::Digest;
use serde::de::IgnoredAny;

use super::predicate::Predicate;

/// The largest document that is attested.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A JSON document that was checked with the configuration. Its text is read again for each image, so that memory holds one
/// document at a time, and parsed only once: a text with another digest is refused.
pub(super) struct Document {
    pub(super) name: String,
    pub(super) path: PathBuf,
    digest: Digest,
    len: u64,
}

impl Document {
    /// Reads a document and what `judge` finds in its text. `judge` parses it to its end, so that an error of it comes last.
    ///
    /// # Errors
    /// Why it can't be attested, as a fragment that stands after its name.
    pub(super) fn check<T>(
        name: String,
        path: PathBuf,
        judge: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<(Document, T), String> {
        let text = read(&path)?;
        let judged = judge(&text).map_err(|why| json(&text).err().unwrap_or(why))?;
        let (digest, len) = (Digest::of(text.as_bytes()), text.len() as u64);
        Ok((Document { name, path, digest, len }, judged))
    }

    /// Bytes of the text.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The text that was checked.
    ///
    /// # Errors
    /// Why it is not there any more, as a fragment that stands after its name.
    pub(super) fn text(&self) -> Result<String, String> {
        let text = read(&self.path)?;
        if Digest::of(text.as_bytes()) == self.digest {
            Ok(text)
        } else {
            Err("was changed while this run read it".to_owned())
        }
    }

    /// The document itself as a predicate.
    ///
    /// # Errors
    /// Those of [`Document::text`].
    pub(super) fn predicate(&self, predicate_type: &str) -> Result<Predicate, String> {
        let json = self.text()?;
        Ok(Predicate { predicate_type: predicate_type.to_owned(), json, digest: self.digest.clone() })
    }
}

/// # Errors
/// The text is not JSON, as a fragment that stands after the document's name.
pub(super) fn json(text: &str) -> Result<(), String> {
    serde_json::from_str::<IgnoredAny>(text).map(drop).map_err(|error| format!("is not valid JSON: {error}"))
}

/// The text without a byte order mark and without space around it, as verifiers find it in the statement.
fn read(path: &Path) -> Result<String, String> {
    const SPACE: [char; 4] = [' ', '\t', '\n', '\r'];
    let mut text = read_text(path, MAX_BYTES, Links::Follow).map_err(|error| format!("can't be read: {error}"))?;
    text.truncate(text.trim_end_matches(SPACE).len());
    let rest = text.strip_prefix('\u{feff}').unwrap_or(&text).trim_start_matches(SPACE);
    text.drain(..text.len() - rest.len());
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::{Document, json};

    #[test]
    fn a_document_is_attested_as_it_was_checked_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        std::fs::write(&path, "\u{feff} {\"b\" : [1e400]}\r\n").unwrap();
        let (document, ()) = Document::check("a.json".to_owned(), path.clone(), json).unwrap();
        let predicate = document.predicate("https://type.example").unwrap();
        assert_eq!((predicate.json.as_str(), document.len()), ("{\"b\" : [1e400]}", 15));
        assert_eq!(predicate.digest, pipe_oci::Digest::of(predicate.json.as_bytes()));
        // Space around it is no change.
        std::fs::write(&path, "{\"b\" : [1e400]}").unwrap();
        document.text().unwrap();
        std::fs::write(&path, "{\"b\" : [2e400]}").unwrap();
        assert_eq!(document.text().unwrap_err(), "was changed while this run read it");
        std::fs::remove_file(&path).unwrap();
        assert!(document.text().unwrap_err().starts_with("can't be read"));
    }

    #[test]
    fn what_is_not_json_is_told_as_such_whatever_else_is_wrong() {
        let dir = tempfile::tempdir().unwrap();
        for (text, why) in [("{", "is not valid JSON: EOF"), ("{}", "is another"), ("", "is not valid JSON: EOF")] {
            let path = dir.path().join("a.json");
            std::fs::write(&path, text).unwrap();
            let judge = |_: &str| Err::<(), _>("is another".to_owned());
            let told = Document::check("a.json".to_owned(), path, judge).map(drop).unwrap_err();
            assert!(told.starts_with(why), "{text}: {told}");
        }
    }
}
