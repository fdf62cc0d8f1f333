//! What services have in common: what they are sent, and that their signature is checked.

use sha2::{Digest as _, Sha256, Sha384};

use crate::key::{Algorithm, PublicKey};
use crate::sign::SignError;

/// What a service is asked to sign, since messages are larger than it takes: the hash that belongs to the key.
pub(super) fn digest(algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::EcdsaP384 => Sha384::digest(message).to_vec(),
        _ => Sha256::digest(message).to_vec(),
    }
}

/// A service that signs with another key than it says would be found out only by those who verify.
pub(super) fn checked(key: &PublicKey, message: &[u8], signature: Vec<u8>) -> Result<Vec<u8>, SignError> {
    if key.verifies(message, &signature) {
        return Ok(signature);
    }
    Err(SignError::Refused(format!("the service's signature does not verify with its own key {}", key.fingerprint())))
}
