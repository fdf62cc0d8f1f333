//! The keys and certificates that verification trusts, and the services that signing uses.
//!
//! Sources: `sigstore_trustroot.proto` of protobuf-specs, and the TUF specification 1.0.

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

/// A trusted root, its signing config if there is one, and the source of both.
#[derive(Debug, Clone)]
pub struct Trust {
    root: TrustedRoot,
    signing_config: Option<SigningConfig>,
    source: TrustSource,
}

/// The source of a trusted root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TrustSource {
    /// It is part of this release, for the named instance.
    Embedded(&'static str),
    /// It was set in the configuration.
    Given,
    /// It was fetched from a TUF repository.
    Tuf {
        /// The host of the repository.
        host: String,
    },
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
    /// The trusted root of an instance in this release. It needs no network, but it lacks keys that the instance changed
    /// since the release.
    ///
    /// # Errors
    /// The embedded documents are damaged, which a test rules out.
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
    /// [`KeylessError::Unsupported`] if a document has another form.
    pub fn from_json(root: &str, signing_config: Option<&str>) -> Result<Trust, KeylessError> {
        let (root, signing_config) = (read_root(root)?, signing_config.map(read_signing_config).transpose()?);
        Ok(Trust { root, signing_config, source: TrustSource::Given })
    }

    /// From a private instance whose administrator has only keys and certificates in PEM.
    ///
    /// # Errors
    /// [`KeylessError::Unsupported`] if a part is not valid PEM.
    pub fn from_pem(parts: &PemParts) -> Result<Trust, KeylessError> {
        Ok(Trust { root: pem::root(parts)?, signing_config: None, source: TrustSource::Given })
    }

    /// From the TUF repository at the URL `mirror`, verified from the root metadata `trusted` on. Nothing is cached, since
    /// a container keeps no files between runs.
    ///
    /// # Errors
    /// [`KeylessError::Unavailable`] if the repository does not answer within 120 seconds,
    /// [`KeylessError::Malformed`] if its metadata is not signed or expired.
    pub async fn from_tuf(http: &Client, mirror: &str, trusted: TufRoot<'_>) -> Result<Trust, KeylessError> {
        let targets = tuf::fetch(http, mirror, trusted.json()).await?;
        let root = read_root(&targets.trusted_root)?;
        let signing_config = targets.signing_config.as_deref().map(read_signing_config).transpose()?;
        Ok(Trust { root, signing_config, source: TrustSource::Tuf { host: host(mirror) } })
    }

    /// From the TUF repository of an instance, verified from the root metadata in this release on.
    ///
    /// # Errors
    /// The errors of [`Trust::from_tuf`].
    pub async fn refreshed(http: &Client, instance: SigstoreInstance) -> Result<Trust, KeylessError> {
        Trust::from_tuf(http, tuf::url(instance), TufRoot::Of(instance)).await
    }

    /// The URL of the TUF repository that [`Trust::refreshed`] asks.
    pub fn tuf_repository(instance: SigstoreInstance) -> &'static str {
        tuf::url(instance)
    }

    /// The keys and certificates that signatures are verified with.
    pub fn root(&self) -> &TrustedRoot {
        &self.root
    }

    /// The services of the instance, if they are known.
    pub fn signing_config(&self) -> Option<&SigningConfig> {
        self.signing_config.as_ref()
    }

    /// Where both are from, for messages.
    pub fn source(&self) -> &TrustSource {
        &self.source
    }
}

/// The root metadata of TUF that verification of a repository begins with. It is not the trusted root of Sigstore.
#[derive(Debug, Clone, Copy)]
pub enum TufRoot<'a> {
    /// The root metadata of an instance in this release.
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
    root.map_err(|error| KeylessError::Unsupported(format!("not a valid trusted root (trusted_root.json): {error}")))
}

fn read_signing_config(json: &str) -> Result<SigningConfig, KeylessError> {
    let config = SigningConfig::from_json(json);
    config.map_err(|error| {
        KeylessError::Unsupported(format!("not a valid signing config (signing_config.v0.2.json): {error}"))
    })
}

#[cfg(test)]
mod tests;
