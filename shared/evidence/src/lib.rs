//! Signatures and attestations.
