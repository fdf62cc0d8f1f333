//! Requirements on verified attestations.

mod scan;

use std::time::Duration;

use jiff::Timestamp;
use pipe_core::text::plural;
use pipe_oci::Digest;
use serde::Deserialize;

use crate::sbom::{Sbom, SbomFormat};
use crate::verify::{Content, Verified};

pub use scan::Severity;

/// An attestation that an image must have.
#[derive(Debug, Clone)]
pub struct Requirement {
    /// The name from the configuration, for messages.
    pub name: String,
    /// The predicate types that meet it. One of them is enough.
    pub types: Vec<String>,
    /// The conditions on it. All of them have to hold.
    pub checks: Vec<Check>,
}

/// A condition on an attestation.
#[derive(Debug, Clone)]
pub enum Check {
    /// It is an SBOM of the format that its predicate type names, and lists at least one component (CycloneDX), or one
    /// package other than the one it describes (SPDX).
    Sbom,
    /// The scan is of this image, not of the source tree.
    ScanOfImage,
    /// The scan has no finding of this severity or above, apart from ignored ones.
    NoFindingsFrom(Severity),
    /// It is not older, by the time that a log or a timestamp authority proves, or otherwise by the time in its predicate.
    MaxAge(Duration),
}

/// The verdict of a requirement on one attestation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    time: Option<Timestamp>,
    verdict: Result<(), String>,
}

impl Requirement {
    /// Judges one verified attestation at the time `now`. `None` if it is of another type.
    pub fn judge(&self, subject: &Digest, verified: &Verified, now: Timestamp) -> Option<Judgement> {
        let Content::Attestation(statement) = &verified.content else { return None };
        if !self.types.contains(&statement.predicate_type) {
            return None;
        }
        let verdict = self.checks.iter().try_for_each(|check| check.holds(subject, verified, now));
        Some(Judgement { time: time(verified), verdict })
    }

    /// Whether the judged attestations meet the requirement: the newest one, or each of them if the time of one is
    /// unknown.
    ///
    /// # Errors
    /// The reason why they do not, as a fragment with its advice.
    pub fn decide(&self, judgements: &[Judgement]) -> Result<(), String> {
        if judgements.is_empty() {
            return Err(
                "no verified attestation of this type was found. Attest it, or change REQUIRE_ATTESTATIONS.".to_owned()
            );
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
            Check::Sbom => lists_components(&statement.predicate_type, predicate),
            Check::ScanOfImage => scan::of_image(predicate, subject),
            Check::NoFindingsFrom(severity) => scan::nothing_from(*severity, predicate),
            Check::MaxAge(limit) => {
                let time = time(verified).ok_or(
                    "its time is unknown. Sign it with a log or a timestamp authority, or unset MAX_AGE_DAYS.",
                )?;
                let age = now.duration_since(time);
                if age <= jiff::SignedDuration::try_from(*limit).unwrap_or(jiff::SignedDuration::MAX) {
                    return Ok(());
                }
                Err(format!(
                    "it is from {} and older than {}. Attest it again, or change MAX_AGE_DAYS.",
                    time.strftime("%Y-%m-%d"),
                    plural((limit.as_secs() / 86_400) as usize, "day")
                ))
            }
        }
    }
}

fn lists_components(predicate_type: &str, predicate: &str) -> Result<(), String> {
    let sbom = Sbom::of_predicate(predicate)
        .map_err(|error| format!("its predicate {error}. Set SBOM_FILE to a CycloneDX or SPDX document."))?;
    if SbomFormat::of_type(predicate_type) != Some(sbom.format) {
        return Err("its predicate is an SBOM of another format than its type. Attest it with SBOM_FILE.".to_owned());
    }
    if sbom.components == 0 {
        return Err("the SBOM lists no components. Check SBOM_FILE.".to_owned());
    }
    Ok(())
}

/// The time of an attestation: the proven one, or otherwise the one in its predicate.
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
