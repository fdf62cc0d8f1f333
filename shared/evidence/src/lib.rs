//! Signatures and attestations.

pub mod key;
