//! What a hidden secret looks like, and which ones are short.

/// What stands in the place of a secret.
pub const MASK: &str = "***";

/// Values with fewer bytes than this are found only between characters other than ASCII letters, digits and `_`.
pub const SHORT: usize = 6;

/// Words of ordinary text have fewer bytes than this.
const COMMON: usize = 12;

/// Whether the mask of a value is likely to stand in for other text as well, since the value is short, a number or what
/// could be a word. It is masked all the same.
pub(crate) fn masks_other_text(value: &str) -> bool {
    let value = value.trim();
    let is_word = || value.bytes().skip(1).all(|byte| byte.is_ascii_lowercase());
    let is_capitals = || value.bytes().all(|byte| byte.is_ascii_uppercase());
    let is_number = || value.bytes().all(|byte| byte.is_ascii_digit());
    let starts_as_word = value.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_common = (starts_as_word && is_word()) || is_capitals() || is_number();
    !value.is_empty() && (value.len() < SHORT || (value.len() < COMMON && is_common))
}
