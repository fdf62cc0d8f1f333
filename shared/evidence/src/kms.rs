//! Keys in a key management service, which signs with them. Each service is a file below and a line here.

mod aws;
mod signature;
mod vault;

use std::fmt;
use std::str::FromStr;

use pipe_core::aws::is_region;

use crate::sign::Signer;

pub use aws::AwsKey;
pub use vault::{Vault, VaultKey};

/// The name of a key in a service, in the URIs of cosign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyReference {
    /// `awskms:///KEY` or `awskms://HOST/KEY`.
    Aws {
        /// Another host than the one of the region: `vpce-1.kms.eu-west-1.vpce.amazonaws.com`, `localhost:4566`.
        host: Option<String>,
        /// The id of the key, `alias/NAME`, or its ARN.
        key: String,
    },
    /// `hashivault://KEY`.
    Vault {
        /// The name of the key in the transit engine.
        key: String,
    },
}

/// Text that does not name such a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected awskms:///KEY (an id, alias/NAME or an ARN), awskms://HOST/KEY or hashivault://KEY")]
pub struct KeyReferenceError;

impl FromStr for KeyReference {
    type Err = KeyReferenceError;

    fn from_str(text: &str) -> Result<KeyReference, KeyReferenceError> {
        let plain = |key: &str| {
            let good = |c: char| c.is_ascii_alphanumeric() || "-_:/.".contains(c);
            (!key.is_empty() && key.chars().all(good)).then(|| key.to_owned()).ok_or(KeyReferenceError)
        };
        match text.trim().split_once("://") {
            Some(("awskms", rest)) => {
                let (host, key) = rest.split_once('/').ok_or(KeyReferenceError)?;
                // `awskms://alias/signing` lacks a slash and means no host.
                if !host.is_empty() && !is_host(host) {
                    return Err(KeyReferenceError);
                }
                Ok(KeyReference::Aws { host: (!host.is_empty()).then(|| host.to_owned()), key: plain(key)? })
            }
            Some(("hashivault", rest)) if !rest.contains('/') => Ok(KeyReference::Vault { key: plain(rest)? }),
            _ => Err(KeyReferenceError),
        }
    }
}

impl KeyReference {
    /// The region in an ARN.
    pub fn region(&self) -> Option<&str> {
        match self {
            KeyReference::Aws { key, .. } if key.starts_with("arn:") => {
                key.split(':').nth(3).filter(|part| is_region(part))
            }
            _ => None,
        }
    }
}

impl fmt::Display for KeyReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            KeyReference::Aws { host, key } => write!(f, "awskms://{}/{key}", host.as_deref().unwrap_or_default()),
            KeyReference::Vault { key } => write!(f, "hashivault://{key}"),
        }
    }
}

/// A name with a dot, or one with a port.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let good = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    name.split('.').all(good) && port.map_or_else(|| name.contains('.'), |port| port.parse::<u16>().is_ok())
}

/// A key in any of these services.
pub type KmsKey = Box<dyn Signer>;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vault_tests;
