//! Keys that a service keeps and signs with. A service is a file below and a line here.

mod aws;
mod vault;

use std::fmt;
use std::str::FromStr;

use pipe_core::aws::is_region;
use sha2::{Digest as _, Sha256, Sha384};

use crate::key::{Algorithm, PublicKey};
use crate::sign::{SignError, Signer};

pub use aws::AwsKey;
pub use vault::{Vault, VaultKey};

/// A key at a service, as cosign writes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reference {
    /// `awskms:///alias/signing`, `awskms:///arn:aws:kms:...`: the key's id, alias or ARN. In `awskms://HOST/KEY`, the
    /// service is asked at another host (`vpce-1.kms.eu-west-1.vpce.amazonaws.com`, `localhost:4566`).
    Aws { host: Option<String>, key: String },
    /// `hashivault://signing`: the key's name in the transit engine.
    Vault { key: String },
}

/// Not the name of such a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected awskms:///KEY (an id, alias/NAME or an ARN), awskms://HOST/KEY or hashivault://KEY")]
pub struct ReferenceError;

impl FromStr for Reference {
    type Err = ReferenceError;

    fn from_str(text: &str) -> Result<Reference, ReferenceError> {
        let plain = |key: &str| {
            let good = |c: char| c.is_ascii_alphanumeric() || "-_:/.".contains(c);
            (!key.is_empty() && key.chars().all(good)).then(|| key.to_owned()).ok_or(ReferenceError)
        };
        match text.trim().split_once("://") {
            Some(("awskms", rest)) => {
                let (host, key) = rest.split_once('/').ok_or(ReferenceError)?;
                // `awskms://alias/signing` lacks a slash and means no host.
                if !host.is_empty() && !is_host(host) {
                    return Err(ReferenceError);
                }
                Ok(Reference::Aws { host: (!host.is_empty()).then(|| host.to_owned()), key: plain(key)? })
            }
            Some(("hashivault", rest)) if !rest.contains('/') => Ok(Reference::Vault { key: plain(rest)? }),
            _ => Err(ReferenceError),
        }
    }
}

impl Reference {
    /// The region in an ARN.
    pub fn region(&self) -> Option<&str> {
        match self {
            Reference::Aws { key, .. } if key.starts_with("arn:") => {
                key.split(':').nth(3).filter(|part| is_region(part))
            }
            _ => None,
        }
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reference::Aws { host, key } => write!(f, "awskms://{}/{key}", host.as_deref().unwrap_or_default()),
            Reference::Vault { key } => write!(f, "hashivault://{key}"),
        }
    }
}

/// A name with a dot, or one with a port.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let good = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    name.split('.').all(good) && port.map_or_else(|| name.contains('.'), |port| port.parse::<u16>().is_ok())
}

/// What a service is asked to sign, since messages are larger than it takes: the hash that belongs to the key.
fn digest(algorithm: Algorithm, message: &[u8]) -> Vec<u8> {
    match algorithm {
        Algorithm::EcdsaP384 => Sha384::digest(message).to_vec(),
        _ => Sha256::digest(message).to_vec(),
    }
}

/// A service that signs with another key than it says would be found out only by those who verify.
fn checked(key: &PublicKey, message: &[u8], signature: Vec<u8>) -> Result<Vec<u8>, SignError> {
    if key.verifies(message, &signature) {
        return Ok(signature);
    }
    Err(SignError::Refused(format!("the service's signature does not verify with its own key {}", key.fingerprint())))
}

/// Any of these.
pub type Key = Box<dyn Signer>;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vault_tests;
