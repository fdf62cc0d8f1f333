//! Why a key is not usable.

/// Why a key is not usable. No message contains a part of the key or its password.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum KeyError {
    /// The text is not a key in a supported format.
    #[error("{0}")]
    Malformed(String),
    /// The password does not open the key.
    #[error("the password does not open the key. Set COSIGN_PASSWORD.")]
    WrongPassword,
    /// The type of the key or its encryption is not supported.
    #[error("{0}")]
    Unsupported(String),
}
