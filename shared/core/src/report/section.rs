//! The parts of a report that belong to the pipe.

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

use super::indented;

/// A part of the report that belongs to the pipe.
pub(super) enum Section {
    /// As it stands in the report, which is written many times.
    Value(Box<RawValue>),
    /// A list whose elements are made each time, as they stand in the report.
    List(usize, Box<dyn Fn(usize) -> Element + Send + Sync>),
}

impl Serialize for Section {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Section::Value(value) => value.serialize(serializer),
            Section::List(length, element) => serializer.collect_seq((0..*length).map(|place| element(place).0)),
        }
    }
}

/// An element of [`Recorder::list`](super::Recorder::list).
pub struct Element(Box<RawValue>);

impl Element {
    /// Lays it out.
    pub fn new(value: impl Serialize) -> Element {
        Element(indented::layout(&value, 2))
    }
}
