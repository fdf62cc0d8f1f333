//! The ignore file: what is let pass, why, and until when.
//!
//! ```toml
//! [[ignore]]
//! id = "GHSA-xxxx-xxxx-xxxx"        # an advisory's id or alias, or a secret rule's id
//! package = "requests"              # optional, narrows
//! path = "services/**/poetry.lock"  # optional, narrows
//! reason = "we never follow redirects"
//! expires = 2027-01-01              # the last day it applies
//! ```
//!
//! Instead of `id`, a `fingerprint` names one finding: any that a report shows, of either version.

use std::borrow::Cow;
use std::sync::Arc;

use globset::{Glob, GlobMatcher};
use jiff::civil::Date;
use pipe_packages::package::Ecosystem;
use serde::Deserialize;

use crate::finding::{AffectedPackage, Finding, Status};

#[derive(Debug, Default)]
pub(crate) struct IgnoreFile {
    entries: Vec<Entry>,
}

#[derive(Debug)]
struct Entry {
    id: Option<String>,
    fingerprint: Option<String>,
    package: Option<String>,
    path: Option<GlobMatcher>,
    reason: String,
    expires: Date,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    #[serde(default)]
    ignore: Vec<RawEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEntry {
    id: Option<String>,
    fingerprint: Option<String>,
    package: Option<String>,
    path: Option<String>,
    reason: Option<String>,
    expires: Option<toml::Value>,
}

impl IgnoreFile {
    /// # Errors
    /// The text is not TOML, or an entry lacks a required field. The message names the entry.
    pub(crate) fn parse(text: &str) -> Result<IgnoreFile, String> {
        let document: Document = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
            let line = line.map(|line| format!("line {line}: ")).unwrap_or_default();
            format!("{line}{}", error.message())
        })?;
        let entries = document.ignore.into_iter().enumerate().map(|(index, raw)| {
            let named = raw.id.clone().or_else(|| raw.fingerprint.clone());
            let named = named.map(|name| format!(" ({name})")).unwrap_or_default();
            entry(raw).map_err(|problem| format!("entry {}{named}: {problem}", index + 1))
        });
        Ok(IgnoreFile { entries: entries.collect::<Result<_, _>>()? })
    }

    /// Marks the findings that an entry applies to on `today`. Returns what a person should know of the file: expired
    /// and unused entries.
    pub(crate) fn apply(&self, findings: &mut [Finding], today: Date) -> Vec<String> {
        let mut notes = Vec::new();
        for entry in &self.entries {
            let expired = entry.expires < today;
            let reason: Arc<str> = entry.reason.as_str().into();
            let mut used = false;
            for finding in findings.iter_mut().filter(|finding| entry.matches(finding)) {
                used = true;
                if !expired && finding.is_open() {
                    finding.status = Status::Ignored { reason: Arc::clone(&reason), until: Some(entry.expires) };
                }
            }
            let name = entry.id.as_deref().or(entry.fingerprint.as_deref()).unwrap_or_default();
            if expired {
                notes.push(format!(
                    "the ignore entry for {name} expired on {}. Remove it, or set a later expiry",
                    entry.expires
                ));
            } else if !used {
                notes.push(format!("the ignore entry for {name} matches nothing. Remove it"));
            }
        }
        notes
    }
}

fn entry(raw: RawEntry) -> Result<Entry, String> {
    let trimmed = |text: Option<String>| text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let (id, fingerprint, package) = (trimmed(raw.id), trimmed(raw.fingerprint), trimmed(raw.package));
    if id.is_some() == fingerprint.is_some() {
        return Err("needs either an id or a fingerprint".to_owned());
    }
    let reason = raw.reason.filter(|reason| !reason.trim().is_empty()).ok_or("needs a reason")?;
    let expires = raw.expires.ok_or("needs an expiry, e.g. expires = 2027-01-01")?;
    let date = match &expires {
        toml::Value::Datetime(date) => date.to_string(),
        toml::Value::String(text) => text.clone(),
        _ => String::new(),
    };
    let expires = date.trim().parse().map_err(|_| "expires must be a date such as 2027-01-01")?;
    let path = raw.path.map(|path| Glob::new(path.trim_start_matches("./")).map(|glob| glob.compile_matcher()));
    let path = path.transpose().map_err(|error| format!("path: {}", error.kind()))?;
    Ok(Entry { id, fingerprint, package, path, reason, expires })
}

impl Entry {
    fn matches(&self, finding: &Finding) -> bool {
        let id = match (&self.id, &self.fingerprint) {
            (Some(id), _) => finding.has_id(id),
            (None, Some(fingerprint)) => finding.has_fingerprint(&fingerprint.to_ascii_lowercase()),
            (None, None) => false,
        };
        let package =
            self.package.as_ref().is_none_or(|name| finding.package().is_some_and(|package| same_name(package, name)));
        let path = self.path.as_ref().is_none_or(|glob| glob.is_match(&finding.location.path));
        id && package && path
    }
}

/// By the rules of the package's registry: `zope.interface` is PyPI's `zope-interface`.
fn same_name(package: &AffectedPackage, name: &str) -> bool {
    let canonical = |name| match Ecosystem::from_osv_name(package.ecosystem) {
        Some(ecosystem) => ecosystem.canonical_name(name),
        None => Cow::Borrowed(name),
    };
    canonical(&package.name).eq_ignore_ascii_case(&canonical(name))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::IgnoreFile;
    use crate::finding::Status;
    use crate::finding::tests::{advisory, malware, secret};
    use pipe_core::severity::Severity;

    fn apply(text: &str) -> (Vec<bool>, Vec<String>) {
        let mut findings = [advisory(Some(Severity::High)), secret(Severity::Critical)];
        let notes = IgnoreFile::parse(text).unwrap().apply(&mut findings, date(2026, 11, 21));
        (findings.iter().map(|finding| matches!(finding.status, Status::Ignored { .. })).collect(), notes)
    }

    #[test]
    fn an_entry_names_an_advisory_by_any_id_or_a_finding_by_fingerprint() {
        let entry = |selector: &str| format!("[[ignore]]\n{selector}\nreason = \"r\"\nexpires = 2027-01-01\n");
        assert_eq!(apply(&entry("id = 'cve-2099-1'")).0, [true, false]);
        assert_eq!(apply(&entry("id = 'aws-access-key'\npath = 'config/**'")).0, [false, true]);
        assert_eq!(apply(&entry("id = 'aws-access-key'\npath = 'other/**'")).0, [false, false]);
        assert_eq!(apply(&entry("id = 'CVE-2099-1'\npackage = 'Requests'")).0, [true, false]);
        assert_eq!(apply(&entry("id = 'CVE-2099-1'\npackage = 'flask'")).0, [false, false]);
        assert_eq!(apply(&entry(&format!("fingerprint = '{}'", "a".repeat(32)))).0, [false, true]);
    }

    #[test]
    fn names_and_ids_are_compared_by_the_rules_of_their_registry() {
        let mut findings = [advisory(Some(Severity::High))];
        findings[0].vulnerability_mut().package.name = "zope-interface".to_owned();
        let mut matches = |ecosystem: &'static str, name: &str| {
            findings[0].status = Status::New;
            findings[0].vulnerability_mut().package.ecosystem = ecosystem;
            let text =
                format!("[[ignore]]\nid = ' CVE-2099-1\t'\npackage = '{name}'\nreason = 'r'\nexpires = 2027-01-01");
            IgnoreFile::parse(&text).unwrap().apply(&mut findings, date(2026, 11, 21)).is_empty()
        };
        for spelling in ["zope.interface", "Zope_Interface", " zope-interface ", "zope-_.interface"] {
            assert!(matches("PyPI", spelling), "{spelling}");
        }
        assert!(!matches("npm", "zope.interface") && !matches("PyPI", "zope"));
    }

    #[test]
    fn a_fingerprint_of_either_version_and_under_any_id_names_a_finding() {
        let entry = |digit: &str| {
            let fingerprint = digit.repeat(32);
            format!("[[ignore]]\nfingerprint = '{fingerprint}'\nreason = 'r'\nexpires = 2027-01-01\n")
        };
        for digit in ["f", "F", "e", "d"] {
            assert_eq!(apply(&entry(digit)).0, [true, false], "{digit}");
        }
        assert_eq!(apply(&entry("c")).0, [false, false]);
    }

    #[test]
    fn an_entry_with_reason_and_expiry_lets_malware_pass() {
        let mut findings = [malware()];
        let text = "[[ignore]]\nid = 'GHSA-aaaa-bbbb-cccc'\nreason = 'a fixture'\nexpires = 2027-01-01\n";
        assert!(IgnoreFile::parse(text).unwrap().apply(&mut findings, date(2026, 11, 21)).is_empty());
        assert!(matches!(findings[0].status, Status::Ignored { .. }));
    }

    #[test]
    fn an_entry_applies_up_to_its_last_day_and_is_reported_after_it() {
        let entry = |expires: &str| format!("[[ignore]]\nid = 'CVE-2099-1'\nreason = 'r'\nexpires = {expires}\n");
        assert_eq!(apply(&entry("2026-11-21")).0, [true, false]);
        let (applied, notes) = apply(&entry("'2026-11-20'"));
        assert_eq!(applied, [false, false]);
        assert_eq!(notes, ["the ignore entry for CVE-2099-1 expired on 2026-11-20. Remove it, or set a later expiry"]);
    }

    #[test]
    fn an_entry_that_matches_nothing_is_reported() {
        let (_, notes) = apply("[[ignore]]\nid = 'CVE-2000-0'\nreason = 'r'\nexpires = 2027-01-01\n");
        assert_eq!(notes, ["the ignore entry for CVE-2000-0 matches nothing. Remove it"]);
    }

    #[test]
    fn what_every_entry_must_have_is_asked_for() {
        let problem = |text: &str| IgnoreFile::parse(text).unwrap_err();
        assert!(problem("[[ignore]]\nid = 'x'\nexpires = 2027-01-01").contains("entry 1 (x): needs a reason"));
        assert!(problem("[[ignore]]\nid = 'x'\nreason = ' '\nexpires = 2027-01-01").contains("needs a reason"));
        assert!(problem("[[ignore]]\nid = 'x'\nreason = 'r'").contains("needs an expiry"));
        assert!(problem("[[ignore]]\nid = 'x'\nreason = 'r'\nexpires = 'soon'").contains("must be a date"));
        assert_eq!(
            problem("[[ignore]]\nreason = 'r'\nexpires = 2027-01-01"),
            "entry 1: needs either an id or a fingerprint"
        );
        assert!(problem("[[ignore]]\nid = ' '\nreason = 'r'\nexpires = 2027-01-01").contains("either an id"));
        assert!(problem("[[ignore]]\nid = 'x'\npath = '['\nreason = 'r'\nexpires = 2027-01-01").contains("path"));
        assert!(problem("[[ignore]]\nidd = 'x'").contains("line 2"));
        assert!(problem("not toml").contains("line 1"));
    }
}
