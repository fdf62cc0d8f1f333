//! Whom signatures are verified with, and where signing finds its services.

mod pem;
mod services;
mod tuf;

use std::fmt;

use pipe_core::http::Client;
use sigstore_trust_root::{SigningConfig, TrustedRoot};

pub use sigstore_trust_root::SigstoreInstance;

pub use pem::{LogKey, PemParts};
pub use services::{RekorService, ServiceOverrides, Services};

use crate::keyless::{KeylessError, host};

/// A trusted root, the signing config that belongs to it if there is one, and where both are from.
#[derive(Debug, Clone)]
pub struct Trust {
    root: TrustedRoot,
    signing_config: Option<SigningConfig>,
    source: TrustSource,
}

/// Where trust comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustSource {
    /// This program's release carries it.
    Embedded(&'static str),
    /// Documents of the user's.
    Given,
    /// A TUF repository, at this host.
    Tuf { host: String },
}

/// `the TUF repository at tuf.example`
impl fmt::Display for TrustSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TrustSource::Embedded(name) => write!(f, "the embedded trusted root of {name}"),
            TrustSource::Given => f.write_str("the given trusted root"),
            TrustSource::Tuf { host } => write!(f, "the TUF repository at {host}"),
        }
    }
}

impl Trust {
    /// What this release carries of an instance: no network is needed, and keys that the instance changed since then
    /// are unknown.
    ///
    /// # Errors
    /// None that a test would not have found.
    pub fn embedded(instance: SigstoreInstance) -> Result<Trust, KeylessError> {
        let failed = |error: sigstore_trust_root::Error| KeylessError::Unsupported(error.to_string());
        Ok(Trust {
            root: instance.embedded_trusted_root().map_err(failed)?,
            signing_config: instance.embedded_signing_config().map_err(failed)?,
            source: TrustSource::Embedded(name(instance)),
        })
    }

    /// From the text of a `trusted_root.json` and of a `signing_config.v0.2.json`.
    ///
    /// # Errors
    /// A document of another form.
    pub fn from_json(root: &str, signing_config: Option<&str>) -> Result<Trust, KeylessError> {
        let (root, signing_config) = (read_root(root)?, signing_config.map(read_signing_config).transpose()?);
        Ok(Trust { root, signing_config, source: TrustSource::Given })
    }

    /// From a private instance whose administrator has only keys and certificates in PEM.
    ///
    /// # Errors
    /// PEM that can't be read, or a part that lacks what it needs.
    pub fn from_pem(parts: &PemParts) -> Result<Trust, KeylessError> {
        Ok(Trust { root: pem::root(parts)?, signing_config: None, source: TrustSource::Given })
    }

    /// From a TUF repository, verified from `root_json` on: the root metadata that is trusted, or what this release
    /// carries of the instance whose repository `mirror` is a copy of. Nothing is kept from run to run, since a container
    /// has no place for it.
    ///
    /// # Errors
    /// The repository can't be asked, or what it has is not signed, outdated or of another form.
    pub async fn from_tuf(http: &Client, mirror: &str, trusted: TufRoot<'_>) -> Result<Trust, KeylessError> {
        let targets = tuf::fetch(http, mirror, trusted.json()).await?;
        let root = read_root(&targets.trusted_root)?;
        let signing_config = targets.signing_config.as_deref().map(read_signing_config).transpose()?;
        Ok(Trust { root, signing_config, source: TrustSource::Tuf { host: host(mirror) } })
    }

    /// The same with the root and the repository of an instance.
    ///
    /// # Errors
    /// As [`Trust::from_tuf`].
    pub async fn refreshed(http: &Client, instance: SigstoreInstance) -> Result<Trust, KeylessError> {
        Trust::from_tuf(http, tuf::url(instance), TufRoot::Of(instance)).await
    }

    pub fn root(&self) -> &TrustedRoot {
        &self.root
    }

    pub fn signing_config(&self) -> Option<&SigningConfig> {
        self.signing_config.as_ref()
    }

    pub fn source(&self) -> &TrustSource {
        &self.source
    }
}

/// The root metadata (TUF's, not Sigstore's trusted root) that trust in a repository begins with.
#[derive(Debug, Clone, Copy)]
pub enum TufRoot<'a> {
    /// What this release carries of an instance.
    Of(SigstoreInstance),
    /// A `root.json`.
    Json(&'a [u8]),
}

impl<'a> TufRoot<'a> {
    fn json(self) -> &'a [u8] {
        match self {
            TufRoot::Of(instance) => tuf::embedded(instance),
            TufRoot::Json(json) => json,
        }
    }
}

fn name(instance: SigstoreInstance) -> &'static str {
    match instance {
        SigstoreInstance::Staging => "Sigstore's staging instance",
        SigstoreInstance::GitHub => "GitHub's instance",
        _ => "Sigstore's public instance",
    }
}

fn read_root(json: &str) -> Result<TrustedRoot, KeylessError> {
    let root = TrustedRoot::from_json(json);
    root.map_err(|error| KeylessError::Unsupported(format!("not a trusted root (trusted_root.json): {error}")))
}

fn read_signing_config(json: &str) -> Result<SigningConfig, KeylessError> {
    let config = SigningConfig::from_json(json);
    config
        .map_err(|error| KeylessError::Unsupported(format!("not a signing config (signing_config.v0.2.json): {error}")))
}

#[cfg(test)]
mod tests;
