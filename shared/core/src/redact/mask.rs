//! What a hidden secret looks like, and which ones are short.

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Values with fewer bytes than this are found only between characters other than ASCII letters, digits and `_`.
pub const SHORT: usize = 6;
