//! What matching needs of one record for one package. This is also what the index stores, so a change here is a new
//! [`super::index::VERSION`].

use serde::{Deserialize, Serialize};

use pipe_core::severity::Severity;

/// An entry as the index stores it, in about a fifth of its memory.
pub(super) struct Packed(Box<[u8]>);

impl Packed {
    pub(super) fn new(entry: &Entry) -> postcard::Result<Packed> {
        Ok(Packed(postcard::to_stdvec(entry)?.into_boxed_slice()))
    }

    pub(super) fn open(&self) -> postcard::Result<Entry> {
        postcard::from_bytes(&self.0)
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) id: String,
    pub(super) aliases: Vec<String>,
    pub(super) published: Option<String>,
    pub(super) modified: Option<String>,
    pub(super) withdrawn: bool,
    /// The record as a whole is about a package that does harm on purpose.
    pub(super) malicious: bool,
    pub(super) summary: String,
    pub(super) url: String,
    pub(super) cwes: Vec<String>,
    pub(super) rating: Rating,
    pub(super) affected: Vec<Affected>,
}

/// One element of `affected[]` that names the package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Affected {
    pub(super) versions: Vec<String>,
    pub(super) ranges: Vec<Vec<Event>>,
    pub(super) rating: Rating,
    pub(super) informational: Option<String>,
    /// The record says of these versions that they do harm on purpose.
    pub(super) malicious: bool,
}

/// Everything a record says about its severity, in any of the places OSV allows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Rating {
    /// CVSS vectors of any version, in the record's order.
    pub(super) vectors: Vec<String>,
    /// The database's own word.
    pub(super) word: Option<Severity>,
    /// The database's own number, where it gives no vector.
    pub(super) number: Option<f32>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Event {
    Introduced(String),
    Fixed(String),
    LastAffected(String),
    Limit(String),
}

impl Rating {
    pub(super) fn is_empty(&self) -> bool {
        self.vectors.is_empty() && self.word.is_none() && self.number.is_none()
    }
}

impl Event {
    pub(super) fn version(&self) -> &str {
        match self {
            Event::Introduced(version)
            | Event::Fixed(version)
            | Event::LastAffected(version)
            | Event::Limit(version) => version,
        }
    }
}
