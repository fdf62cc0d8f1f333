//! Private keys in memory and the public keys that verify their signatures.

mod encrypted;
mod error;
mod pem;
mod private;
mod public;

pub use error::KeyError;
pub use private::PrivateKey;
pub use public::{Algorithm, PublicKey};

#[cfg(test)]
mod tests;
