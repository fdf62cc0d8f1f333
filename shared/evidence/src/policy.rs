//! What attestations have to say.

mod sbom;
mod scan;

use std::time::Duration;

use jiff::Timestamp;
use pipe_oci::Digest;
use serde::Deserialize;

use crate::verify::{Content, Verified};

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

/// What a requirement makes of one attestation of its types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    time: Option<Timestamp>,
    verdict: Result<(), String>,
}

impl Requirement {
    /// Judges one verified attestation; `None` where it is of another type.
    pub fn judge(&self, subject: &Digest, verified: &Verified, now: Timestamp) -> Option<Judgement> {
        let Content::Attestation(statement) = &verified.content else { return None };
        if !self.types.contains(&statement.predicate_type) {
            return None;
        }
        let verdict = self.checks.iter().try_for_each(|check| check.holds(subject, verified, now));
        Some(Judgement { time: time(verified), verdict })
    }

    /// Whether this is met by the attestations that were judged: by the newest one, or, where the time of any is not
    /// known, by each of them.
    ///
    /// # Errors
    /// Why it is not, as a fragment.
    pub fn decide(&self, judgements: &[Judgement]) -> Result<(), String> {
        if judgements.is_empty() {
            return Err("there is none that verifies".to_owned());
        }
        let times: Option<Vec<Timestamp>> = judgements.iter().map(|judgement| judgement.time).collect();
        let newest = times.and_then(|times| times.into_iter().max());
        let counts = |judgement: &&Judgement| newest.is_none() || judgement.time == newest;
        judgements.iter().filter(counts).try_for_each(|judgement| judgement.verdict.clone())
    }
}

impl Check {
    fn holds(&self, subject: &Digest, verified: &Verified, now: Timestamp) -> Result<(), String> {
        let Content::Attestation(statement) = &verified.content else { return Ok(()) };
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
    let Content::Attestation(statement) = &verified.content else { return None };
    let dated: Dated = serde_json::from_str(statement.predicate.get()).ok()?;
    let named = dated.metadata.and_then(|metadata| metadata.scan.or(metadata.timestamp));
    named.or_else(|| dated.creation?.created)?.parse().ok()
}

#[cfg(test)]
mod tests;
