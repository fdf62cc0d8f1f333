//! The version of the report's document.

/// Grows with every field that is added; a change of meaning makes a new schema file.
pub const SCHEMA_VERSION: &str = "1.0";
