//! A whole OSV record, and its reduction to what matching needs of it. Unknown fields and unknown values of known ones
//! are passed over; a field of the wrong type is an error, save in `database_specific`, where anything goes.

mod loose;
mod schema;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use self::loose::DatabaseSpecific;
use self::schema::{RawAffected, RawEvent, Record, Score};
use super::entry::{Affected, Entry, Event, Rating};
use super::{MAX_RECORD, text};
use pipe_core::severity::Severity;
use pipe_packages::package::Ecosystem;

pub(super) use self::schema::{Summary, ecosystem_of};

/// Above this size (bytes) a record is refused when it is made of very many very small parts, each of which takes up
/// far more memory than text. The largest real ones are lists of some ten thousand versions.
const LARGE: usize = 1 << 20;
const MAX_OBJECTS: usize = 100_000;
const MAX_VALUES: usize = 1_000_000;

/// Refuses what can't be read within the memory a pipe may take.
pub(super) fn check_size(json: &[u8]) -> Result<(), String> {
    if json.len() > MAX_RECORD {
        return Err(format!("larger than {} MiB", MAX_RECORD >> 20));
    }
    let count = |wanted: u8| json.iter().filter(|&&byte| byte == wanted).count();
    if json.len() > LARGE && (count(b'{') + count(b'[') > MAX_OBJECTS || count(b',') > MAX_VALUES) {
        return Err(format!("holds more than {MAX_OBJECTS} objects or {MAX_VALUES} values"));
    }
    Ok(())
}

/// What `json` says of each package that `is_wanted`, with the package's normalised name.
pub(super) fn entries(
    json: &[u8],
    is_wanted: impl Fn(Ecosystem, &str) -> bool,
) -> Result<Vec<(Ecosystem, String, Entry)>, String> {
    let mut record: Record = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let mut entries: Vec<(Ecosystem, String, Entry)> = Vec::new();
    for affected in std::mem::take(&mut record.affected).unwrap_or_default() {
        let Some(package) = &affected.package else { continue };
        let Some(ecosystem) = ecosystem_of(&package.ecosystem) else {
            continue;
        };
        let name = ecosystem.canonical_name(&package.name).into_owned();
        if !is_wanted(ecosystem, &name) {
            continue;
        }
        let affected = reduce_affected(affected);
        match entries.iter_mut().find(|known| known.0 == ecosystem && known.1 == name) {
            Some((_, _, entry)) => entry.affected.push(affected),
            None => entries.push((ecosystem, name, reduce(&record, affected)?)),
        }
    }
    Ok(entries)
}

/// The record as the API returns it for a package: what it says of that package, or, where it names the package in
/// another way, an entry that affects no version.
pub(super) fn entry_for(json: &[u8], ecosystem: Ecosystem, name: &str) -> Result<Entry, String> {
    let found = entries(json, |candidate, candidate_name| candidate == ecosystem && candidate_name == name)?;
    match found.into_iter().next() {
        Some((_, _, entry)) => Ok(entry),
        None => {
            let record: Record = serde_json::from_slice(json).map_err(|error| error.to_string())?;
            let malicious = record
                .affected
                .iter()
                .flatten()
                .any(|affected| affected.database_specific.as_ref().is_some_and(says_malicious));
            let mut entry = reduce(&record, reduce_affected(RawAffected::default()))?;
            entry.malicious |= malicious;
            entry.affected.clear();
            Ok(entry)
        }
    }
}

fn reduce(record: &Record, affected: Affected) -> Result<Entry, String> {
    let id = text::clean(&record.id);
    if id.is_empty() {
        return Err("has an empty id".to_owned());
    }
    let aliases: BTreeSet<String> = record
        .aliases
        .iter()
        .flatten()
        .map(|alias| text::clean(alias))
        .filter(|alias| !alias.is_empty() && *alias != id)
        .collect();
    let own_words = [record.summary.as_deref(), record.details.as_deref()];
    let summary = own_words.into_iter().flatten().map(text::one_line).find(|line| !line.is_empty());
    let date = |date: &Option<String>| date.clone().filter(|date| text::is_date(date));
    let specific = record.database_specific.as_ref();
    let malicious = is_malicious_id(&id)
        || aliases.iter().any(|alias| is_malicious_id(alias))
        || specific.is_some_and(says_malicious);
    Ok(Entry {
        url: url(&id, record),
        malicious,
        aliases: aliases.into_iter().collect(),
        published: date(&record.published),
        modified: date(&record.modified),
        withdrawn: record.withdrawn.is_some(),
        summary: summary.unwrap_or_default(),
        cwes: cwes(specific),
        rating: rating(record.severity.as_deref(), specific),
        affected: vec![affected],
        id,
    })
}

fn reduce_affected(raw: RawAffected) -> Affected {
    // A commit range says nothing about a published version; databases list the versions beside it.
    let ranges = raw.ranges.unwrap_or_default().into_iter().filter(|range| range.kind != "GIT");
    let malicious = raw.database_specific.as_ref().is_some_and(says_malicious);
    Affected {
        malicious,
        ranges: ranges.map(|range| range.events.unwrap_or_default().into_iter().flat_map(events).collect()).collect(),
        versions: raw.versions.unwrap_or_default(),
        rating: rating(raw.severity.as_deref(), raw.database_specific.as_ref()),
        informational: raw
            .database_specific
            .and_then(|specific| specific.informational)
            .map(|word| text::one_line(&word))
            .filter(|word| !word.is_empty()),
    }
}

/// One object, one event, says the schema; an object with two is two.
fn events(raw: RawEvent) -> impl Iterator<Item = Event> {
    let RawEvent { introduced, fixed, last_affected, limit } = raw;
    [
        introduced.map(Event::Introduced),
        fixed.map(Event::Fixed),
        last_affected.map(Event::LastAffected),
        limit.map(Event::Limit),
    ]
    .into_iter()
    .flatten()
}

fn rating(scores: Option<&[Score]>, specific: Option<&DatabaseSpecific>) -> Rating {
    let mut rating = Rating::default();
    for score in scores.unwrap_or_default() {
        if score.kind.starts_with("CVSS_") {
            rating.vectors.push(text::clean(&score.score));
        } else {
            // `Ubuntu` and others that rate by a word.
            rating.word = rating.word.max(word(&score.score));
        }
    }
    if let Some(specific) = specific {
        rating.word = rating.word.max(specific.severity.as_deref().and_then(word));
        rating.number = specific.cvss_v3_score.map(|score| score as f32).filter(|score| (0.0..=10.0).contains(score));
    }
    rating
}

fn word(word: &str) -> Option<Severity> {
    match word.trim().to_ascii_lowercase().as_str() {
        "critical" => Some(Severity::Critical),
        "high" | "important" => Some(Severity::High),
        "moderate" | "medium" => Some(Severity::Medium),
        "low" | "negligible" | "minor" => Some(Severity::Low),
        _ => None,
    }
}

fn cwes(specific: Option<&DatabaseSpecific>) -> Vec<String> {
    let is_cwe = |id: &&String| {
        id.strip_prefix("CWE-").is_some_and(|number| {
            !number.is_empty() && number.len() <= 6 && number.bytes().all(|byte| byte.is_ascii_digit())
        })
    };
    let found: BTreeSet<String> =
        specific.into_iter().flat_map(|specific| &specific.cwe_ids).filter(is_cwe).cloned().collect();
    found.into_iter().collect()
}

/// An id of <https://github.com/ossf/malicious-packages>.
fn is_malicious_id(id: &str) -> bool {
    id.starts_with("MAL-")
}

/// Whether a database says, in its own place and words, that a package does harm on purpose: RustSec by a category,
/// GitHub by a weakness of its malware records, Malicious Packages by a weakness and by who reported it.
fn says_malicious(specific: &DatabaseSpecific) -> bool {
    /// Embedded Malicious Code, and the kinds of it: Trojan horse, non-replicating, replicating, trapdoor, logic
    /// bomb, spyware (<https://cwe.mitre.org/data/definitions/506.html>).
    const WEAKNESSES: [&str; 7] = ["CWE-506", "CWE-507", "CWE-508", "CWE-509", "CWE-510", "CWE-511", "CWE-512"];
    let is_weakness = |id: &String| WEAKNESSES.iter().any(|known| id.trim().eq_ignore_ascii_case(known));
    let is_category = |word: &String| word.trim().eq_ignore_ascii_case("malicious");
    specific.has_malicious_origins
        || specific.categories.iter().any(is_category)
        || specific.cwe_ids.iter().chain(&specific.cwes).any(is_weakness)
}

/// The record's page at osv.dev where that has one, else the first reference that is an advisory, or any.
fn url(id: &str, record: &Record) -> String {
    const PUBLISHED: [&str; 8] = ["GHSA-", "CVE-", "RUSTSEC-", "GO-", "PYSEC-", "MAL-", "OSV-", "RSEC-"];
    let page = || text::page(id);
    if PUBLISHED.iter().any(|prefix| id.starts_with(prefix)) {
        return page();
    }
    let references = || record.references.iter().flatten();
    let of_kind = |wanted: &str| {
        references()
            .filter(|reference| wanted.is_empty() || reference.kind.as_deref() == Some(wanted))
            .filter_map(|reference| reference.url.as_deref())
            .find(|url| text::is_url(url))
    };
    of_kind("ADVISORY").or_else(|| of_kind("")).map_or_else(page, str::to_owned)
}
