//! Records about one vulnerability become one finding: those that share an id or alias, directly or through others.

use std::collections::{BTreeSet, HashMap};

use super::Advisory;
use super::entry::{Affected, Entry};
use super::range::Installed;
use super::{rating, text};
use pipe_packages::package::Ecosystem;
use pipe_packages::version::Version;

/// A record that affects the installed version, with the parts of it that do; none where only the API says so.
pub(super) struct Hit<'a> {
    pub(super) entry: &'a Entry,
    pub(super) matched: Vec<&'a Affected>,
}

/// Worst first, then by id.
pub(super) fn advisories(ecosystem: Ecosystem, installed: &Installed, hits: &[Hit<'_>]) -> Vec<Advisory> {
    let mut advisories: Vec<Advisory> =
        groups(hits).into_iter().map(|group| advisory(ecosystem, installed, &group)).collect();
    advisories.sort_by(|a, b| {
        let score = |advisory: &Advisory| advisory.score.unwrap_or(0.0);
        b.severity.cmp(&a.severity).then_with(|| score(b).total_cmp(&score(a))).then_with(|| a.id.cmp(&b.id))
    });
    advisories
}

/// The order in which ids are shown: GitHub's are the best known and best described ones.
fn rank(id: &str) -> (usize, &str) {
    const ORDER: [&str; 5] = ["GHSA-", "CVE-", "RUSTSEC-", "GO-", "PYSEC-"];
    (ORDER.iter().position(|prefix| id.starts_with(prefix)).unwrap_or(ORDER.len()), id)
}

fn ids(entry: &Entry) -> impl Iterator<Item = &str> {
    std::iter::once(entry.id.as_str()).chain(entry.aliases.iter().map(String::as_str))
}

fn groups<'a, 'b>(hits: &'b [Hit<'a>]) -> Vec<Vec<&'b Hit<'a>>> {
    let mut parents: Vec<usize> = (0..hits.len()).collect();
    let mut owners: HashMap<&str, usize> = HashMap::new();
    for (place, hit) in hits.iter().enumerate() {
        for id in ids(hit.entry) {
            let owner = *owners.entry(id).or_insert(place);
            let (a, b) = (root(&parents, owner), root(&parents, place));
            parents[a.max(b)] = a.min(b);
        }
    }
    let mut groups: Vec<Vec<&Hit<'_>>> = hits.iter().map(|_| Vec::new()).collect();
    for (place, hit) in hits.iter().enumerate() {
        groups[root(&parents, place)].push(hit);
    }
    groups.retain(|group| !group.is_empty());
    for group in &mut groups {
        group.sort_by_key(|hit| rank(&hit.entry.id));
    }
    groups
}

/// A parent never lies after its child, so this ends.
fn root(parents: &[usize], mut place: usize) -> usize {
    while parents[place] != place {
        place = parents[place];
    }
    place
}

/// `group` is ordered by [`rank`]; its first record is the one whose words are shown.
fn advisory(ecosystem: Ecosystem, installed: &Installed, group: &[&Hit<'_>]) -> Advisory {
    let all: BTreeSet<(usize, &str)> = group.iter().flat_map(|hit| ids(hit.entry)).map(rank).collect();
    // An index that another program wrote can hold any text, so what is shown is cleaned here, whatever its source.
    let ids: Vec<String> = all.into_iter().map(|(_, id)| text::clean(id)).filter(|id| !id.is_empty()).collect();
    let rated = group.iter().map(|hit| rating::rate(hit.entry, &hit.matched));
    // Of equals the first one, whose id is the better known.
    let rated = rated.reduce(|best, next| if rating::compare(&next, &best).is_gt() { next } else { best });
    let rated = rated.unwrap_or_default();
    let first = |field: fn(&Entry) -> Option<&String>| group.iter().find_map(|hit| field(hit.entry)).cloned();
    let cwes: BTreeSet<&String> = group.iter().flat_map(|hit| &hit.entry.cwes).collect();
    let malicious = group.iter().any(|hit| rating::is_malicious(hit.entry, &hit.matched));
    Advisory {
        id: ids.first().cloned().unwrap_or_default(),
        ids,
        anchor: anchor(group),
        malicious,
        summary: first(|entry| Some(&entry.summary).filter(|summary| !summary.is_empty()))
            .map(|summary| text::one_line(&summary))
            .unwrap_or_default(),
        severity: rated.severity,
        score: rated.score,
        vector: rated.vector.map(|vector| text::clean(&vector)),
        severity_source: text::clean(&rated.source),
        informational: informational(group).filter(|_| !malicious).map(|word| text::one_line(&word)),
        fixed: fixed(ecosystem, installed, group).iter().map(|version| text::clean(version)).collect(),
        url: first(|entry| Some(&entry.url).filter(|url| text::is_url(url))).unwrap_or_default(),
        published: first(|entry| entry.published.as_ref().filter(|date| text::is_date(date))),
        modified: first(|entry| entry.modified.as_ref().filter(|date| text::is_date(date))),
        cwes: cwes.into_iter().map(|cwe| text::clean(cwe)).collect(),
    }
}

/// The databases of one ecosystem know a vulnerability before the ones that collect from them, so of records that were
/// published at once theirs is the one that was there before.
fn anchor(group: &[&Hit<'_>]) -> String {
    const FIRST: [&str; 4] = ["MAL-", "PYSEC-", "RUSTSEC-", "GO-"];
    let order = |entry: &Entry| (entry.published.clone(), !FIRST.iter().any(|prefix| entry.id.starts_with(prefix)));
    let first = group.iter().map(|hit| hit.entry).min_by_key(|entry| (order(entry), entry.id.clone()));
    first.map(|entry| text::clean(&entry.id)).unwrap_or_default()
}

/// One record that calls it a vulnerability is enough to make it one: informational advisories don't gate.
fn informational(group: &[&Hit<'_>]) -> Option<String> {
    let words: Option<Vec<&String>> = group
        .iter()
        .flat_map(|hit| {
            let affected = hit.matched.iter().map(|affected| affected.informational.as_ref());
            let unmatched = hit.matched.is_empty().then_some(None);
            affected.chain(unmatched)
        })
        .collect();
    words?.first().map(|word| (*word).clone())
}

/// Records often disagree about where a fix lies. A version that one of them still calls affected is not a fix, unless
/// that leaves none: then a fix is claimed, and a gate that passes over what can't be fixed must not hear otherwise.
fn fixed(ecosystem: Ecosystem, installed: &Installed, group: &[&Hit<'_>]) -> Vec<String> {
    let mut claimed: Vec<(Version, String)> = Vec::new();
    for hit in group {
        let matched = hit.matched.iter().flat_map(|affected| installed.fixes(affected));
        let fixes: Vec<String> = if hit.matched.is_empty() {
            hit.entry.affected.iter().flat_map(|affected| installed.fixes(affected)).collect()
        } else {
            matched.collect()
        };
        claimed.extend(fixes.into_iter().map(|fix| (Version::parse(ecosystem, &fix), fix)));
    }
    claimed.sort();
    claimed.dedup_by(|b, a| a.0 == b.0);
    let is_still_affected = |version: &str| {
        let version = Installed::new(ecosystem, version);
        group.iter().flat_map(|hit| &hit.entry.affected).any(|affected| version.is_affected(affected))
    };
    let agreed: Vec<String> =
        claimed.iter().map(|(_, fix)| fix).filter(|fix| !is_still_affected(fix)).cloned().collect();
    if agreed.is_empty() { claimed.into_iter().map(|(_, fix)| fix).collect() } else { agreed }
}

#[cfg(test)]
mod tests;
