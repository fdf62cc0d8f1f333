//! Signatures and attestations.

pub mod certificate;
pub mod find;
pub mod fulcio;
pub mod key;
pub mod keyless;
pub mod legacy;
pub mod policy;
pub mod rekor;
pub mod sign;
pub mod statement;
pub mod store;
pub mod timestamp;
pub mod token;
pub mod trust;
pub mod verify;
