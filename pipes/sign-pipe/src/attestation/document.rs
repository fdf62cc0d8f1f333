//! A document on disk that is attested as it is.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use pipe_core::fs::{Links, read_text};
use pipe_oci::Digest;
use serde::de::IgnoredAny;

use super::predicate::Predicate;

/// The largest document that is attested.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// Checks the documents of a run, and keeps the text of the first one, so that a single document is read once. Memory holds
/// one more document than the one that is signed.
pub(super) struct Documents {
    /// Whether anything is attested.
    pub(super) signs: bool,
    kept: Cell<bool>,
}

/// A JSON document that was checked with the configuration. It is parsed once: a text that is read again must have the same
/// digest.
pub(super) struct Document {
    pub(super) name: String,
    pub(super) path: PathBuf,
    digest: Digest,
    len: u64,
    kept: Mutex<Option<String>>,
}

impl Documents {
    pub(super) fn new(signs: bool) -> Documents {
        Documents { signs, kept: Cell::new(false) }
    }

    /// Reads a document and what `judge` finds in its text. `judge` parses it to its end.
    ///
    /// # Errors
    /// Why it can't be attested, as a fragment that stands after its name.
    pub(super) fn check<T>(
        &self,
        name: String,
        path: PathBuf,
        judge: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<(Document, T), String> {
        let text = read(&path)?;
        let judged = judge(&text).map_err(|why| json(&text).err().unwrap_or(why))?;
        let (digest, len) = (Digest::of(text.as_bytes()), text.len() as u64);
        let kept = Mutex::new(Some(text).filter(|_| !self.kept.replace(true)));
        Ok((Document { name, path, digest, len, kept }, judged))
    }
}

impl Document {
    /// Bytes of the text.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The text that was checked.
    ///
    /// # Errors
    /// Why it is not there any more, as a fragment that stands after its name.
    pub(super) fn text(&self) -> Result<String, String> {
        if let Some(text) = self.kept.lock().ok().and_then(|mut kept| kept.take()) {
            return Ok(text);
        }
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
    use super::{Documents, json};

    #[test]
    fn a_document_is_attested_as_it_was_checked_or_not_at_all() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.json");
        std::fs::write(&path, "\u{feff} {\"b\" : [1e400]}\r\n").unwrap();
        let documents = Documents::new(true);
        let (document, ()) = documents.check("a.json".to_owned(), path.clone(), json).unwrap();
        let predicate = document.predicate("https://type.example").unwrap();
        assert_eq!((predicate.json.as_str(), document.len()), ("{\"b\" : [1e400]}", 15));
        assert_eq!(predicate.digest, pipe_oci::Digest::of(predicate.json.as_bytes()));
        // Only the first text of the first document was kept. Space around it is no change.
        let (other, ()) = documents.check("a.json".to_owned(), path.clone(), json).unwrap();
        std::fs::write(&path, "{\"b\" : [1e400]}").unwrap();
        document.text().unwrap();
        std::fs::write(&path, "{\"b\" : [2e400]}").unwrap();
        assert_eq!(document.text().unwrap_err(), "was changed while this run read it");
        assert_eq!(other.text().unwrap_err(), "was changed while this run read it");
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
            let told = Documents::new(true).check("a.json".to_owned(), path, judge).map(drop).unwrap_err();
            assert!(told.starts_with(why), "{text}: {told}");
        }
    }
}
