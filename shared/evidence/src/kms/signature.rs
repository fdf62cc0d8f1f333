//! What services have in common: what they are sent, and that their signature is checked.

use sha2::{Digest as _, Sha256, Sha384};

use crate::key::{Algorithm, PublicKey};
use crate::sign::SignError;

/// The digest that a service signs, with the hash that belongs to the key. Messages are larger than services accept.
pub(super) fn digest(algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::EcdsaP384 => Sha384::digest(message).to_vec(),
        _ => Sha256::digest(message).to_vec(),
    }
}

/// The signature, if it verifies. A service that signed with another key would otherwise be noticed at verification.
pub(super) fn checked(key: &PublicKey, message: &[u8], signature: Vec<u8>) -> Result<Vec<u8>, SignError> {
    if key.verifies(message, &signature) {
        return Ok(signature);
    }
    Err(SignError::Refused(format!(
        "the signature of the service does not verify with its own key {}. Check KMS_KEY.",
        key.fingerprint()
    )))
}
