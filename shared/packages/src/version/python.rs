//! PEP 440, with the versions that PyPI took before it.

use std::str::FromStr;

use super::legacy;

/// Versions that PEP 440 refuses sort before all that it accepts, and among themselves as setuptools sorted them
/// (PEP 440, "Summary of differences from pkg_resources.parse_version").
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    Legacy(legacy::Version),
    Pep440(Box<pep440_rs::Version>),
}

impl Version {
    pub fn parse(text: &str) -> Version {
        match pep440_rs::Version::from_str(text.trim()) {
            Ok(version) => Version::Pep440(Box::new(version)),
            Err(_) => Version::Legacy(legacy::Version::parse(text)),
        }
    }

    /// Without the local part. `None` if it has no local part.
    pub fn public(&self) -> Option<Version> {
        match self {
            Version::Pep440(version) if version.is_local() => {
                Some(Version::Pep440(Box::new(version.as_ref().clone().without_local())))
            }
            _ => None,
        }
    }
}
