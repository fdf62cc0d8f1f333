//! The baseline: findings that were there before, which do not gate.
//!
//! Version 2 names what makes a finding of a package the same one: the package, the folders it is installed in, and
//! every id of the advisory. Version 1 has its fingerprint and its words only, and is read as well as they allow.

mod entry;
mod matching;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Status};
use entry::Entry;

pub(crate) use matching::Matched;

const VERSION: u32 = 2;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Baseline {
    version: u32,
    findings: Vec<Entry>,
}

impl Baseline {
    /// What is open now. Malware is not: a baseline does not apply to it.
    pub(crate) fn of(findings: &[Finding]) -> Baseline {
        let mut entries: Vec<Entry> = findings
            .iter()
            .filter(|finding| !matches!(finding.status, Status::Ignored { .. }) && !finding.is_malware())
            .map(Entry::of)
            .collect();
        // One line a finding, sorted by place: the file merges well.
        entries.sort_by(|a, b| (&a.path, &a.rule, &a.fingerprint).cmp(&(&b.path, &b.rule, &b.fingerprint)));
        Baseline { version: VERSION, findings: entries }
    }

    pub(crate) fn len(&self) -> usize {
        self.findings.len()
    }

    /// The file's bytes.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let mut text = format!("{{\n  \"version\": {},\n  \"findings\": [\n", self.version);
        for (index, entry) in self.findings.iter().enumerate() {
            let comma = if index + 1 < self.findings.len() { "," } else { "" };
            text.push_str(&format!("    {}{comma}\n", serde_json::to_string(entry).unwrap_or_default()));
        }
        text.push_str("  ]\n}\n");
        text.into_bytes()
    }

    /// # Errors
    /// It is not a baseline, or one of a later version.
    pub(crate) fn parse(text: &str) -> Result<Baseline, String> {
        let baseline: Baseline = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if !(1..=VERSION).contains(&baseline.version) {
            let version = baseline.version;
            return Err(format!("version {version} is not supported, and versions 1 to {VERSION} are"));
        }
        Ok(baseline)
    }

    /// Marks known findings. `is_gone` says of a path, relative to the repository's root, that nothing lies there any
    /// more: a lockfile that moved keeps its findings.
    pub(crate) fn apply(&self, findings: &mut [Finding], is_gone: &dyn Fn(&str) -> bool) -> Matched {
        matching::apply(&self.findings, findings, is_gone)
    }
}

#[cfg(test)]
mod tests;
