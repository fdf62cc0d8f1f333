//! Keys that sign, wherever they are.

use std::pin::Pin;
use std::sync::Arc;

use crate::key::{PrivateKey, PublicKey};
use crate::keyless::KeylessError;

/// Why a signature was not made.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// The key or its service refused, or the certificate expired.
    #[error("{0}")]
    Refused(String),
    /// The service with the key did not answer.
    #[error("{0}")]
    Unavailable(String),
    /// The log or the timestamp authority failed.
    #[error(transparent)]
    Witness(#[from] KeylessError),
}

/// The signature of a [`Signer`], still to come: ASN.1 for ECDSA, otherwise the bytes of the algorithm.
pub type SignatureFuture<'a> = Pin<Box<dyn Future<Output = Result<Vec<u8>, SignError>> + Send + 'a>>;

/// A key that signs, in memory or in a service.
pub trait Signer: Send + Sync {
    /// The key that verifies the signatures.
    fn public_key(&self) -> &PublicKey;

    /// Signs a message, which the signer hashes itself.
    fn sign<'a>(&'a self, message: &'a [u8]) -> SignatureFuture<'a>;
}

impl Signer for PrivateKey {
    fn public_key(&self) -> &PublicKey {
        PrivateKey::public_key(self)
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> SignatureFuture<'a> {
        let signature = PrivateKey::sign(self, message).map_err(|error| SignError::Refused(error.to_string()));
        Box::pin(std::future::ready(signature))
    }
}

impl Signer for Box<dyn Signer> {
    fn public_key(&self) -> &PublicKey {
        (**self).public_key()
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> SignatureFuture<'a> {
        (**self).sign(message)
    }
}

impl<S: Signer + ?Sized> Signer for Arc<S> {
    fn public_key(&self) -> &PublicKey {
        (**self).public_key()
    }

    fn sign<'a>(&'a self, message: &'a [u8]) -> SignatureFuture<'a> {
        (**self).sign(message)
    }
}
