//! The baseline: findings that were there before, which do not gate.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::finding::{Finding, Status};

const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Baseline {
    version: u32,
    findings: Vec<Entry>,
}

/// A finding is known by its fingerprint; the rest is for the people who read the file.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    fingerprint: String,
    rule: String,
    subject: String,
    path: String,
}

impl Baseline {
    /// What is open now.
    pub(crate) fn of(findings: &[Finding]) -> Baseline {
        let mut entries: Vec<Entry> = findings
            .iter()
            .filter(|finding| !matches!(finding.status, Status::Ignored { .. }))
            .map(|finding| Entry {
                fingerprint: finding.fingerprint.clone(),
                rule: finding.rule.id.clone(),
                subject: finding.subject(),
                path: finding.location.path.clone(),
            })
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
        if baseline.version != VERSION {
            return Err(format!("version {} is not supported; this release reads version {VERSION}", baseline.version));
        }
        Ok(baseline)
    }

    /// Marks known findings. Returns how many entries were not found any more.
    pub(crate) fn apply(&self, findings: &mut [Finding]) -> usize {
        let mut gone: BTreeSet<&str> = self.findings.iter().map(|entry| entry.fingerprint.as_str()).collect();
        let known = gone.clone();
        for finding in findings {
            if known.contains(finding.fingerprint.as_str()) {
                gone.remove(finding.fingerprint.as_str());
                if finding.is_open() {
                    finding.status = Status::Known;
                }
            }
        }
        gone.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Baseline;
    use crate::finding::Status;
    use crate::finding::tests::{advisory, secret};
    use pipe_core::severity::Severity;

    #[test]
    fn what_is_written_is_known_when_read_and_the_rest_is_new() {
        let mut ignored = secret(Severity::Critical);
        ignored.fingerprint = "c".repeat(32);
        ignored.status = Status::Ignored { reason: "r".to_owned(), until: None };
        let written = Baseline::of(&[advisory(Some(Severity::High)), ignored.clone()]);
        assert_eq!(written.len(), 1);
        let read = Baseline::parse(std::str::from_utf8(&written.to_json()).unwrap()).unwrap();
        ignored.status = Status::New;
        let mut moved = advisory(Some(Severity::High));
        moved.location.span.line = 999;
        let mut findings = [moved, ignored];
        assert_eq!(read.apply(&mut findings), 0);
        assert_eq!(findings.map(|finding| finding.status), [Status::Known, Status::New]);
        assert_eq!(read.apply(&mut []), 1);
    }

    #[test]
    fn what_is_no_baseline_is_refused() {
        for text in ["", "{}", "[]", r#"{"version": 2, "findings": []}"#] {
            assert!(Baseline::parse(text).is_err(), "{text}");
        }
        assert!(Baseline::parse(std::str::from_utf8(&Baseline::of(&[]).to_json()).unwrap()).is_ok());
    }
}
