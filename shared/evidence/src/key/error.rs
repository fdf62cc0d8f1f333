//! Why a key can't be used.

/// Why a key can't be used. No text holds a part of the key or its password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// Not a key in a form that is read here.
    #[error("{0}")]
    Malformed(String),
    /// The password doesn't open the key.
    #[error("the password does not open the key")]
    WrongPassword,
    /// A key of a kind that nothing here signs or verifies with.
    #[error("{0}")]
    Unsupported(String),
}
