//! Keys in memory that sign.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair, EcdsaSigningAlgorithm,
    Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use pipe_core::pem::encode;
use secrecy::{ExposeSecret, SecretSlice, SecretString};

use super::encrypted;
use super::error::KeyError;
use super::pem;
use super::public::PublicKey;

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
        let pem = pem::one(text.expose_secret())?;
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
            "OPENSSH PRIVATE KEY" => Err(KeyError::Unsupported(openssh(&pem.bytes).to_owned())),
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
        Ok(encode("ENCRYPTED SIGSTORE PRIVATE KEY", &sealed).into())
    }
}

/// ssh-keygen converts the format of other keys. It keeps Ed25519 keys in its own, and a passphrase would become PKCS#8's.
fn openssh(bytes: &[u8]) -> &'static str {
    const ED25519: &[u8] = b"ssh-ed25519";
    if bytes.windows(ED25519.len()).any(|window| window == ED25519) {
        "an Ed25519 key of OpenSSH is not supported, and ssh-keygen does not convert it. Create a pair with \
         ACTION=generate-key-pair."
    } else {
        "an OpenSSH key is not supported. Convert it with `ssh-keygen -p -m PKCS8 -N \"\" -f <file>`."
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
