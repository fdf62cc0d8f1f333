//! Private keys as cosign encrypts them: a JSON document with a PKCS#8 key in NaCl's secretbox, its key derived from
//! the password by scrypt.
//!
//! Source: the documents that cosign 2.5 and 3.1 write, and go-securesystemslib's package `encrypted`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use crypto_secretbox::aead::{Aead, KeyInit};
use crypto_secretbox::{Key, Nonce, XSalsa20Poly1305};
use scrypt::Params;
use secrecy::{ExposeSecret, SecretSlice};
use serde::{Deserialize, Serialize};

use super::error::KeyError;

/// N of the keys that are made here: cosign's of today.
const COST: u32 = 1 << 16;

/// N times r that is still opened: 64 MiB of memory.
const MAX_MEMORY_COST: u64 = 1 << 19;

/// The parallelism that is still opened, which multiplies the time.
const MAX_PARALLELISM: u32 = 4;

#[derive(Serialize, Deserialize)]
struct EncryptedKey {
    kdf: Kdf,
    cipher: Cipher,
    ciphertext: String,
}

#[derive(Serialize, Deserialize)]
struct Kdf {
    name: String,
    params: Cost,
    salt: String,
}

#[derive(Serialize, Deserialize)]
struct Cost {
    #[serde(rename = "N")]
    n: u32,
    r: u32,
    p: u32,
}

#[derive(Serialize, Deserialize)]
struct Cipher {
    name: String,
    nonce: String,
}

/// The DER within.
pub(super) fn open(document: &[u8], password: &[u8]) -> Result<SecretSlice<u8>, KeyError> {
    let damaged =
        || KeyError::Malformed("the encrypted key is damaged. Set the whole file that cosign wrote.".to_owned());
    let document: EncryptedKey = serde_json::from_slice(document).map_err(|_| damaged())?;
    if document.kdf.name != "scrypt" || document.cipher.name != "nacl/secretbox" {
        return Err(KeyError::Unsupported("expected a key that cosign encrypted (scrypt, nacl/secretbox)".into()));
    }
    let salt = STANDARD.decode(&document.kdf.salt).map_err(|_| damaged())?;
    let nonce = STANDARD.decode(&document.cipher.nonce).map_err(|_| damaged())?;
    let nonce: [u8; 24] = nonce.try_into().map_err(|_| damaged())?;
    let ciphertext = STANDARD.decode(&document.ciphertext).map_err(|_| damaged())?;
    let cipher = cipher(&document.kdf.params, &salt, password)?;
    let plain = cipher.decrypt(Nonce::from_slice(&nonce), ciphertext.as_slice());
    Ok(plain.map_err(|_| KeyError::WrongPassword)?.into())
}

/// The document for a DER.
pub(super) fn seal(der: &[u8], password: &[u8]) -> Result<Vec<u8>, KeyError> {
    let failed = || KeyError::Malformed("failed to encrypt the key: no randomness is available".to_owned());
    let (mut salt, mut nonce) = ([0; 32], [0; 24]);
    aws_lc_rs::rand::fill(&mut salt).map_err(|_| failed())?;
    aws_lc_rs::rand::fill(&mut nonce).map_err(|_| failed())?;
    let cost = Cost { n: COST, r: 8, p: 1 };
    let sealed = cipher(&cost, &salt, password)?.encrypt(Nonce::from_slice(&nonce), der).map_err(|_| failed())?;
    let document = EncryptedKey {
        kdf: Kdf { name: "scrypt".to_owned(), params: cost, salt: STANDARD.encode(salt) },
        cipher: Cipher { name: "nacl/secretbox".to_owned(), nonce: STANDARD.encode(nonce) },
        ciphertext: STANDARD.encode(sealed),
    };
    serde_json::to_vec(&document).map_err(|_| failed())
}

fn cipher(cost: &Cost, salt: &[u8], password: &[u8]) -> Result<XSalsa20Poly1305, KeyError> {
    let unsupported = || {
        let Cost { n, r, p } = cost;
        KeyError::Unsupported(format!(
            "the scrypt parameters of the key (N={n}, r={r}, p={p}) exceed the limits. Encrypt the key again with cosign."
        ))
    };
    if !cost.n.is_power_of_two() || u64::from(cost.n) * u64::from(cost.r) > MAX_MEMORY_COST || cost.p > MAX_PARALLELISM
    {
        return Err(unsupported());
    }
    let log_n = u8::try_from(cost.n.trailing_zeros()).map_err(|_| unsupported())?;
    let params = Params::new(log_n, cost.r, cost.p).map_err(|_| unsupported())?;
    let mut key: SecretSlice<u8> = vec![0; 32].into();
    scrypt::scrypt(password, salt, &params, secrecy::ExposeSecretMut::expose_secret_mut(&mut key))
        .map_err(|_| unsupported())?;
    Ok(XSalsa20Poly1305::new(Key::from_slice(key.expose_secret())))
}
