//! What attestations have to say.

mod sbom;
mod scan;

use std::time::Duration;

use jiff::Timestamp;
use pipe_oci::Digest;
use serde::Deserialize;

use crate::verify::{Verified, What};

pub use scan::Severity;

/// An attestation that must be there.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// As the user named it.
    pub name: String,
    /// The predicate types that meet it, any of them.
    pub types: Vec<String>,
    pub checks: Vec<Check>,
}

/// What such an attestation must say.
#[derive(Debug, Clone)]
pub enum Check {
    /// Lists at least one component (CycloneDX) or package besides the one it describes (SPDX).
    SbomNotEmpty,
    /// The scan looked at this image, not at the tree it was built from.
    ScanOfImage,
    /// The scan found nothing of this severity or above that is not ignored.
    NoFindingsFrom(Severity),
    /// It is younger, by the time that a log or a timestamp authority vouches for, or else by the time it names itself.
    MaxAge(Duration),
}

impl Requirement {
    /// Whether one of the attestations in `verified` meets this: the newest one of its types, or, where their times are
    /// not known, each of them.
    ///
    /// # Errors
    /// Why it is not met, as a fragment.
    pub fn check(&self, subject: &Digest, verified: &[Verified], now: Timestamp) -> Result<(), String> {
        let mut candidates: Vec<&Verified> = verified
            .iter()
            .filter(|one| matches!(one.what, What::Attestation(_)))
            .filter(|one| self.types.iter().any(|wanted| wanted == one.what.predicate_type()))
            .collect();
        if candidates.is_empty() {
            return Err("there is none that verifies".to_owned());
        }
        if let Some(newest) = candidates.iter().filter_map(|one| time(one)).max()
            && candidates.iter().all(|one| time(one).is_some())
        {
            candidates.retain(|one| time(one) == Some(newest));
        }
        candidates.iter().try_for_each(|one| self.checks.iter().try_for_each(|check| check.holds(subject, one, now)))
    }
}

impl Check {
    fn holds(&self, subject: &Digest, verified: &Verified, now: Timestamp) -> Result<(), String> {
        let What::Attestation(statement) = &verified.what else { return Ok(()) };
        let predicate = statement.predicate.get();
        match self {
            Check::SbomNotEmpty => sbom::not_empty(predicate),
            Check::ScanOfImage => scan::of_image(predicate, subject),
            Check::NoFindingsFrom(severity) => scan::nothing_from(*severity, predicate),
            Check::MaxAge(limit) => {
                let time = time(verified).ok_or("nothing says when it was made")?;
                let age = now.duration_since(time);
                if age <= jiff::SignedDuration::try_from(*limit).unwrap_or(jiff::SignedDuration::MAX) {
                    return Ok(());
                }
                Err(format!("it is of {}, older than {} days", time.strftime("%Y-%m-%d"), limit.as_secs() / 86_400))
            }
        }
    }
}

/// When an attestation was made: as somebody vouches for, or else as it says itself.
fn time(verified: &Verified) -> Option<Timestamp> {
    #[derive(Deserialize)]
    struct Dated {
        metadata: Option<Metadata>,
        #[serde(rename = "creationInfo")]
        creation: Option<Creation>,
    }
    #[derive(Deserialize)]
    struct Metadata {
        #[serde(rename = "scanFinishedOn")]
        scan: Option<String>,
        /// CycloneDX.
        timestamp: Option<String>,
    }
    #[derive(Deserialize)]
    struct Creation {
        created: Option<String>,
    }
    if verified.time.is_some() {
        return verified.time;
    }
    let What::Attestation(statement) = &verified.what else { return None };
    let dated: Dated = serde_json::from_str(statement.predicate.get()).ok()?;
    let named = dated.metadata.and_then(|metadata| metadata.scan.or(metadata.timestamp));
    named.or_else(|| dated.creation?.created)?.parse().ok()
}
