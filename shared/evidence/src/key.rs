//! Private keys in memory and the public keys that verify their signatures.

mod encrypted;
mod error;
mod pem;

use std::fmt;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::{ExposeSecret, SecretSlice, SecretString};
use sha2::{Digest as _, Sha256};
use sigstore_crypto::{KeyAlgorithm, SigningScheme, VerificationKey};
use sigstore_types::{DerPublicKey, SignatureBytes};

use pem::Pem;

pub use error::KeyError;

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
    /// A key in PEM (`-----BEGIN PUBLIC KEY-----`).
    ///
    /// # Errors
    /// [`KeyError::Malformed`] if it is not PEM, [`KeyError::Unsupported`] for other types of keys.
    pub fn from_pem(text: &str) -> Result<PublicKey, KeyError> {
        let pem = Pem::find(text)?;
        match pem.label.as_str() {
            "PUBLIC KEY" => PublicKey::from_der(pem.bytes),
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
        pem::encode("PUBLIC KEY", self.der())
    }

    /// The name of the key in bundles: the SHA-256 of its DER in base64, as in cosign.
    pub fn hint(&self) -> String {
        STANDARD.encode(Sha256::digest(self.der()))
    }

    /// `SHA256:1f0c9b...`: the first 16 hexadecimal digits of the SHA-256 of the DER, for messages.
    pub fn fingerprint(&self) -> String {
        let digest = Sha256::digest(self.der());
        digest.iter().take(8).fold("SHA256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
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

/// A private key in memory.
pub struct PrivateKey {
    pair: Pair,
    public: PublicKey,
}

enum Pair {
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

/// Prints only the public half.
impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey({})", self.public)
    }
}

impl PrivateKey {
    /// A key in PEM: encrypted by cosign (opened with `password`, or with the empty one), PKCS#8, SEC1 or PKCS#1. Opening
    /// an encrypted key takes a quarter of a second and 64 MiB of memory, because its format uses scrypt.
    ///
    /// # Errors
    /// [`KeyError::Malformed`], [`KeyError::WrongPassword`], or [`KeyError::Unsupported`] for other types of keys.
    pub fn from_pem(text: &SecretString, password: Option<&SecretString>) -> Result<PrivateKey, KeyError> {
        let pem = Pem::find(text.expose_secret())?;
        match pem.label.as_str() {
            "ENCRYPTED SIGSTORE PRIVATE KEY" | "ENCRYPTED COSIGN PRIVATE KEY" => {
                let password = password.map(ExposeSecret::expose_secret).unwrap_or_default();
                let der = encrypted::open(&pem.bytes, password.as_bytes())?;
                PrivateKey::from_pkcs8(der.expose_secret())
            }
            "PRIVATE KEY" => PrivateKey::from_pkcs8(&pem.bytes),
            "EC PRIVATE KEY" => PrivateKey::ecdsa(&pem.bytes),
            "RSA PRIVATE KEY" => PrivateKey::new(Pair::Rsa(Box::new(rsa(RsaKeyPair::from_der(&pem.bytes))?))),
            "ENCRYPTED PRIVATE KEY" => Err(KeyError::Unsupported(
                "an encrypted PKCS#8 key is not supported. Convert it with `cosign import-key-pair`, or decrypt it."
                    .to_owned(),
            )),
            "OPENSSH PRIVATE KEY" => Err(KeyError::Unsupported(
                "an OpenSSH key is not supported. Convert it with `ssh-keygen -p -m PKCS8`.".to_owned(),
            )),
            "PUBLIC KEY" => Err(KeyError::Malformed("expected a private key, found a public key".to_owned())),
            other => Err(KeyError::Malformed(format!(
                "expected a private key in PEM (cosign's encrypted form, PKCS#8, SEC1 or PKCS#1), found {other}"
            ))),
        }
    }

    /// A new random ECDSA P-256 key, the default of cosign.
    ///
    /// # Errors
    /// The operating system provides no randomness.
    pub fn generate() -> Result<PrivateKey, KeyError> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING);
        PrivateKey::new(Pair::Ecdsa(
            pair.map_err(|_| KeyError::Malformed("failed to generate a key: no randomness is available".to_owned()))?,
        ))
    }

    fn from_pkcs8(der: &[u8]) -> Result<PrivateKey, KeyError> {
        // Each reader refuses the other kinds by their algorithm identifier.
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
            return PrivateKey::new(Pair::Ed25519(pair));
        }
        if let Ok(pair) = RsaKeyPair::from_pkcs8(der) {
            return PrivateKey::new(Pair::Rsa(Box::new(pair)));
        }
        PrivateKey::ecdsa(der)
    }

    /// From PKCS#8 or SEC1.
    fn ecdsa(der: &[u8]) -> Result<PrivateKey, KeyError> {
        const CURVES: [&EcdsaSigningAlgorithm; 2] = [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING];
        let pair = CURVES.iter().find_map(|curve| EcdsaKeyPair::from_private_key_der(curve, der).ok());
        PrivateKey::new(Pair::Ecdsa(pair.ok_or_else(unsupported)?))
    }

    fn new(pair: Pair) -> Result<PrivateKey, KeyError> {
        let spki = match &pair {
            Pair::Ecdsa(pair) => spki(pair.public_key()),
            Pair::Ed25519(pair) => spki(pair.public_key()),
            Pair::Rsa(pair) => spki(pair.public_key()),
        };
        let public = PublicKey::from_der(spki.ok_or_else(unsupported)?)?;
        Ok(PrivateKey { pair, public })
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs a message: ECDSA with the curve's hash (ASN.1), Ed25519, or RSA PKCS#1 v1.5 with SHA-256.
    ///
    /// # Errors
    /// The operating system provides no randomness.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyError> {
        let refused = |_| KeyError::Malformed("the key failed to sign".to_owned());
        let random = SystemRandom::new();
        match &self.pair {
            Pair::Ecdsa(pair) => Ok(pair.sign(&random, message).map_err(refused)?.as_ref().to_vec()),
            Pair::Ed25519(pair) => Ok(pair.try_sign(message).map_err(refused)?.as_ref().to_vec()),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).map_err(refused)?;
                Ok(signature)
            }
        }
    }

    /// The key in the format of `cosign generate-key-pair`, encrypted with `password`.
    ///
    /// # Errors
    /// [`KeyError::Unsupported`] for keys that are not ECDSA. The operating system provides no randomness.
    pub fn to_encrypted_pem(&self, password: &SecretString) -> Result<SecretString, KeyError> {
        let der = match &self.pair {
            Pair::Ecdsa(pair) => pair.to_pkcs8v1().ok(),
            _ => None,
        };
        let der: SecretSlice<u8> = der.ok_or_else(unsupported)?.as_ref().to_vec().into();
        let sealed = encrypted::seal(der.expose_secret(), password.expose_secret().as_bytes())?;
        Ok(pem::encode("ENCRYPTED SIGSTORE PRIVATE KEY", &sealed).into())
    }
}

fn rsa<E>(pair: Result<RsaKeyPair, E>) -> Result<RsaKeyPair, KeyError> {
    pair.map_err(|_| unsupported())
}

fn spki(key: &impl AsDer<PublicKeyX509Der<'static>>) -> Option<Vec<u8>> {
    Some(key.as_der().ok()?.as_ref().to_vec())
}

fn unsupported() -> KeyError {
    KeyError::Unsupported("expected a P-256, P-384, Ed25519 or RSA (2048 to 8192 bits) private key".to_owned())
}

#[cfg(test)]
mod tests;
