//! Which findings a baseline knows.
//!
//! A finding of a package is known where the same package, with an advisory that shares an id, was known at the same
//! place: the folder it is installed in, or else the lockfile. The version does not matter there, so that an upgrade
//! that does not help stays known. A copy at another place is a new one, whichever stands first in the file.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use super::entry::Entry;
use crate::finding::{AffectedPackage, Finding, Status};

/// What came of applying a baseline.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Matched {
    /// Entries that nothing corresponds to any more.
    pub(crate) gone: usize,
    /// Malware that an entry lists, which stays new: `evil 1.0.0`.
    pub(crate) malware: Vec<String>,
}

/// What the entries of one package, or its findings, have in common.
type Key<'a> = (&'a str, &'a str);

struct Matching<'a> {
    entries: &'a [Entry],
    /// By entry: whether something corresponds to it.
    used: Vec<bool>,
    /// By finding: whether it is known.
    known: Vec<bool>,
}

pub(super) fn apply(entries: &[Entry], findings: &mut [Finding], is_gone: &dyn Fn(&str) -> bool) -> Matched {
    let mut matching = Matching { entries, used: vec![false; entries.len()], known: vec![false; findings.len()] };
    matching.by_fingerprint(findings);
    matching.by_place(findings);
    matching.by_lockfile(findings);
    matching.moved(findings, is_gone);
    let mut matched = Matched { gone: matching.used.iter().filter(|used| !**used).count(), ..Matched::default() };
    for (finding, known) in findings.iter_mut().zip(matching.known) {
        if known && finding.is_malware() {
            matched.malware.push(finding.subject());
        } else if known && finding.is_open() {
            finding.status = Status::Known;
        }
    }
    matched
}

impl Matching<'_> {
    /// Everything but packages, and all entries of version 1. There a fingerprint counts the copies of a package in the
    /// file's order, so the words say which copy is meant if that one is still there.
    fn by_fingerprint(&mut self, findings: &[Finding]) {
        let mut by_fingerprint: HashMap<Cow<'_, str>, Vec<usize>> = HashMap::new();
        let mut by_words: HashMap<(&str, String), Vec<usize>> = HashMap::new();
        for (place, finding) in findings.iter().enumerate() {
            let former = finding.former_fingerprints().map(Cow::Owned);
            for fingerprint in former.chain([Cow::Borrowed(finding.fingerprint.as_str())]) {
                by_fingerprint.entry(fingerprint).or_default().push(place);
            }
            if finding.package().is_some() {
                by_words.entry((&finding.location.path, finding.subject())).or_default().push(place);
            }
        }
        for (at, entry) in self.entries.iter().enumerate().filter(|(_, entry)| entry.package.is_none()) {
            let same_words = by_words.get(&(entry.path.as_str(), entry.subject.clone())).into_iter().flatten();
            let meant: Vec<usize> = same_words.copied().filter(|place| findings[*place].has_id(&entry.rule)).collect();
            let places = match meant.is_empty() {
                false => Some(&meant),
                true => by_fingerprint.get(entry.fingerprint.as_str()),
            };
            for place in places.into_iter().flatten() {
                self.known[*place] = true;
                self.used[at] = true;
            }
        }
    }

    /// Packages whose lockfile says where they are installed: known if every one of their folders was.
    fn by_place(&mut self, findings: &[Finding]) {
        let mut places: HashMap<(&str, Key<'_>, &str), Vec<usize>> = HashMap::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let Some(package) = &entry.package else { continue };
            for place in &package.places {
                let key = (package.ecosystem.as_str(), package.name.as_str());
                places.entry((&entry.path, key, place)).or_default().push(at);
            }
        }
        for (index, finding) in findings.iter().enumerate() {
            let Some(package) = finding.package().filter(|package| !package.places.is_empty()) else { continue };
            let mut all = true;
            for place in &package.places {
                let listed = places.get(&(finding.location.path.as_str(), key(package), place.as_str()));
                let mut found = false;
                for at in listed.into_iter().flatten().filter(|at| shares_id(&self.entries[**at], finding)) {
                    self.used[*at] = true;
                    found = true;
                }
                all &= found;
            }
            self.known[index] |= all;
        }
    }

    /// Packages of lockfiles that do not say where they are installed: the same version first. What is left over is an
    /// upgrade, unless there are more of them than entries: then one of them is new, and nothing says which.
    fn by_lockfile(&mut self, findings: &[Finding]) {
        type Sides<'a> = HashMap<(&'a str, Key<'a>), (Vec<usize>, Vec<usize>)>;
        let mut sides: Sides<'_> = HashMap::new();
        for (at, entry) in self.entries.iter().enumerate() {
            let Some(package) = entry.package.as_ref().filter(|package| package.places.is_empty()) else { continue };
            sides.entry((&entry.path, (&package.ecosystem, &package.name))).or_default().0.push(at);
        }
        for (index, finding) in findings.iter().enumerate() {
            let Some(package) = finding.package().filter(|package| package.places.is_empty()) else { continue };
            if let Some((_, found)) = sides.get_mut(&(finding.location.path.as_str(), key(package))) {
                found.push(index);
            }
        }
        for (entries, found) in sides.into_values() {
            for &index in &found {
                for &at in entries.iter().filter(|at| same_version(&self.entries[**at], &findings[index])) {
                    if shares_id(&self.entries[at], &findings[index]) {
                        (self.known[index], self.used[at]) = (true, true);
                    }
                }
            }
            let entries: Vec<usize> = entries.into_iter().filter(|at| !self.used[*at]).collect();
            let found: Vec<usize> = found.into_iter().filter(|index| !self.known[*index]).collect();
            for &index in &found {
                let former: Vec<usize> =
                    entries.iter().copied().filter(|at| shares_id(&self.entries[*at], &findings[index])).collect();
                let rivals = found.iter().filter(|rival| share_id(&findings[**rival], &findings[index]));
                if !former.is_empty() && rivals.take(former.len() + 1).count() <= former.len() {
                    self.known[index] = true;
                    former.iter().for_each(|at| self.used[*at] = true);
                }
            }
        }
    }

    /// Packages of lockfiles that are gone, found in another one. An entry vouches for one finding only: a lockfile
    /// that was copied twice has a new copy.
    fn moved(&mut self, findings: &[Finding], is_gone: &dyn Fn(&str) -> bool) {
        let mut gone: HashMap<&str, bool> = HashMap::new();
        let mut former: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, entry) in self.entries.iter().enumerate().filter(|(at, _)| !self.used[*at]) {
            if *gone.entry(&entry.path).or_insert_with(|| is_gone(&entry.path)) {
                former.entry(name(entry)).or_default().push(at);
            }
        }
        if former.is_empty() {
            return;
        }
        // The same version first, so that an upgrade does not take the place of what only moved.
        for any_version in [false, true] {
            for (index, finding) in findings.iter().enumerate() {
                let Some(package) = finding.package().filter(|_| !self.known[index]) else { continue };
                let fits = |at: &&usize| {
                    let entry = &self.entries[**at];
                    !self.used[**at]
                        && shares_id(entry, finding)
                        && (same_version(entry, finding) || any_version && entry.package.is_some())
                        && is_same_package(entry, package)
                };
                if let Some(at) = former.get(package.name.as_str()).and_then(|at| at.iter().find(fits)) {
                    self.used[*at] = true;
                    self.known[index] = true;
                }
            }
        }
    }
}

fn key(package: &AffectedPackage) -> Key<'_> {
    (package.ecosystem, &package.name)
}

/// The package's name; in version 1 the subject's first word.
fn name(entry: &Entry) -> &str {
    match &entry.package {
        Some(package) => &package.name,
        None => entry.subject.rsplit_once(' ').map_or("", |(name, _)| name),
    }
}

/// The package in another lockfile. A folder that was not known there is a new copy.
fn is_same_package(entry: &Entry, package: &AffectedPackage) -> bool {
    match &entry.package {
        Some(known) => {
            let folders: HashSet<&String> = known.places.iter().collect();
            known.ecosystem == package.ecosystem
                && (known.places.is_empty() || package.places.iter().all(|place| folders.contains(place)))
        }
        None => true,
    }
}

fn same_version(entry: &Entry, finding: &Finding) -> bool {
    match (&entry.package, finding.package()) {
        (Some(known), Some(package)) => known.version == package.version,
        _ => entry.subject == finding.subject(),
    }
}

fn shares_id(entry: &Entry, finding: &Finding) -> bool {
    finding.has_id(&entry.rule) || entry.ids.iter().any(|id| finding.has_id(id))
}

fn share_id(a: &Finding, b: &Finding) -> bool {
    a.rule.ids.iter().chain([&a.rule.id]).any(|id| b.has_id(id))
}
