//! What a baseline keeps of a finding.

use serde::{Deserialize, Serialize};

use crate::finding::Finding;

/// What is not of a package is known by its fingerprint. Rule and subject are for the people who read the file.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) fingerprint: String,
    pub(super) rule: String,
    /// Of a package: its name, a space, and its version.
    pub(super) subject: String,
    /// Relative to the repository's root.
    pub(super) path: String,
    /// Of an advisory, all that it was known by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) ids: Vec<String>,
    /// Absent in version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) package: Option<Package>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Package {
    pub(super) ecosystem: String,
    pub(super) name: String,
    pub(super) version: String,
    /// The folders it is installed in, relative to the lockfile's; empty if the lockfile does not say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) places: Vec<String>,
}

impl Entry {
    pub(super) fn of(finding: &Finding) -> Entry {
        Entry {
            fingerprint: finding.fingerprint_v2().into_owned(),
            rule: finding.rule.id.clone(),
            subject: finding.subject(),
            path: finding.location.path.clone(),
            ids: finding.rule.ids.clone(),
            package: finding.package().map(|package| Package {
                ecosystem: package.ecosystem.to_owned(),
                name: package.name.clone(),
                version: package.version.clone(),
                places: package.places.clone(),
            }),
        }
    }
}
