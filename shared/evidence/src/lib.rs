//! Signatures and attestations.

pub mod certificate;
pub mod fulcio;
pub mod key;
pub mod keyless;
pub mod rekor;
pub mod timestamp;
pub mod token;
pub mod trust;
