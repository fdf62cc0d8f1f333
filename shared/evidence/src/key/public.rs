//! Keys that verify signatures.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipe_core::pem::{Block, encode};
use pipe_core::text::hex;
use sha2::{Digest as _, Sha256};
use sigstore_crypto::{KeyAlgorithm, SigningScheme, VerificationKey};
use sigstore_types::{DerPublicKey, SignatureBytes};

use super::error::KeyError;
use super::pem;

/// The supported types of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// ECDSA on the curve P-256. The default of cosign and Fulcio.
    EcdsaP256,
    /// ECDSA on the curve P-384.
    EcdsaP384,
    /// Ed25519 (RFC 8032).
    Ed25519,
    /// RSA of 2048 to 8192 bits.
    Rsa,
}

impl Algorithm {
    fn of(key: &DerPublicKey) -> Result<Algorithm, KeyError> {
        match KeyAlgorithm::from_spki(key) {
            Ok(KeyAlgorithm::EcdsaP256) => Ok(Algorithm::EcdsaP256),
            Ok(KeyAlgorithm::EcdsaP384) => Ok(Algorithm::EcdsaP384),
            Ok(KeyAlgorithm::Ed25519) => Ok(Algorithm::Ed25519),
            Ok(KeyAlgorithm::Rsa) => Ok(Algorithm::Rsa),
            Ok(other) => Err(KeyError::Unsupported(format!(
                "{other:?} keys are not supported, expected P-256, P-384, Ed25519 or RSA"
            ))),
            Err(_) => {
                Err(KeyError::Unsupported("expected a P-256, P-384, Ed25519 or RSA (2048 to 8192 bits) key".to_owned()))
            }
        }
    }

    /// The signature schemes of this type of key, the most likely first. cosign 2 uses SHA-256 for every curve, cosign 3
    /// the hash that belongs to the curve.
    fn schemes(self) -> &'static [SigningScheme] {
        match self {
            Algorithm::EcdsaP256 => &[SigningScheme::EcdsaP256Sha256],
            Algorithm::EcdsaP384 => &[SigningScheme::EcdsaP384Sha384, SigningScheme::EcdsaP384Sha256],
            Algorithm::Ed25519 => &[SigningScheme::Ed25519],
            Algorithm::Rsa => &[
                SigningScheme::RsaPkcs1Sha256,
                SigningScheme::RsaPkcs1Sha384,
                SigningScheme::RsaPkcs1Sha512,
                SigningScheme::RsaPssSha256,
            ],
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Algorithm::EcdsaP256 => "ECDSA P-256",
            Algorithm::EcdsaP384 => "ECDSA P-384",
            Algorithm::Ed25519 => "Ed25519",
            Algorithm::Rsa => "RSA",
        })
    }
}

/// A key that verifies signatures.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    spki: DerPublicKey,
    algorithm: Algorithm,
}

impl PublicKey {
    /// A key in PEM (`-----BEGIN PUBLIC KEY-----`), in any form that [`pipe_core::pem`] reads.
    ///
    /// # Errors
    /// [`KeyError::Malformed`] if it is not PEM or more than one key, [`KeyError::Unsupported`] for other types of keys.
    pub fn from_pem(text: &str) -> Result<PublicKey, KeyError> {
        PublicKey::from_block(pem::one(text)?)
    }

    /// One or more keys in PEM, such as the new one and the old one during a rotation.
    ///
    /// # Errors
    /// As [`PublicKey::from_pem`], for any of them.
    pub fn all_from_pem(text: &str) -> Result<Vec<PublicKey>, KeyError> {
        pem::all(text)?.into_iter().map(PublicKey::from_block).collect()
    }

    fn from_block(block: Block) -> Result<PublicKey, KeyError> {
        match block.label.as_str() {
            "PUBLIC KEY" => PublicKey::from_der(block.bytes),
            other => Err(KeyError::Malformed(format!("expected a PUBLIC KEY in PEM, found {other}"))),
        }
    }

    /// A key as `SubjectPublicKeyInfo` in DER.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] if it has another structure or another type of key.
    pub fn from_der(spki: Vec<u8>) -> Result<PublicKey, KeyError> {
        let spki = DerPublicKey::new(spki);
        Ok(PublicKey { algorithm: Algorithm::of(&spki)?, spki })
    }

    /// The 32 bytes of an Ed25519 key alone.
    pub(crate) fn from_ed25519(raw: &[u8]) -> Option<PublicKey> {
        // RFC 8410: the algorithm's identifier and a bit string.
        const PREFIX: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        let raw: [u8; 32] = raw.try_into().ok()?;
        PublicKey::from_der([&PREFIX[..], &raw[..]].concat()).ok()
    }

    /// The type of the key.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The `SubjectPublicKeyInfo` in DER.
    pub fn der(&self) -> &[u8] {
        self.spki.as_bytes()
    }

    pub(crate) fn spki(&self) -> &DerPublicKey {
        &self.spki
    }

    /// The key in PEM (`-----BEGIN PUBLIC KEY-----`).
    pub fn to_pem(&self) -> String {
        encode("PUBLIC KEY", self.der())
    }

    /// The name of the key in bundles: the SHA-256 of its DER in base64, as in cosign.
    pub fn hint(&self) -> String {
        STANDARD.encode(Sha256::digest(self.der()))
    }

    /// `SHA256:1f0c9b...`: the first 16 hexadecimal digits of the SHA-256 of the DER, for messages.
    pub fn fingerprint(&self) -> String {
        format!("SHA256:{}", hex(&Sha256::digest(self.der())[..8]))
    }

    /// Whether this key made `signature` over the message with this SHA-256. Always `false` for Ed25519.
    pub(crate) fn verifies_sha256(&self, digest: &[u8], signature: &[u8]) -> bool {
        const SCHEMES: [SigningScheme; 4] = [
            SigningScheme::EcdsaP256Sha256,
            SigningScheme::EcdsaP384Sha256,
            SigningScheme::RsaPkcs1Sha256,
            SigningScheme::RsaPssSha256,
        ];
        let signature = SignatureBytes::from_bytes(signature);
        SCHEMES.iter().any(|scheme| {
            VerificationKey::from_spki_with_scheme(&self.spki, *scheme)
                .is_ok_and(|key| key.verify_prehashed(digest, &signature).is_ok())
        })
    }

    /// Whether this key made `signature` over `message`, with one of the hashes that cosign uses for its type.
    pub fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        let signature = SignatureBytes::from_bytes(signature);
        self.algorithm.schemes().iter().any(|scheme| {
            VerificationKey::from_spki_with_scheme(&self.spki, *scheme)
                .is_ok_and(|key| key.verify(message, &signature).is_ok())
        })
    }
}

/// `ECDSA P-256 SHA256:1f0c9b...`
impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.algorithm, self.fingerprint())
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({self})")
    }
}
