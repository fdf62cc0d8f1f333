use super::{Hit, advisories};
use crate::Advisory;
use crate::entry::{Entry, Event};
use crate::fixtures;
use crate::matching::hit;
use crate::range::Installed;
use pipe_core::severity::Severity;
use pipe_packages::package::Ecosystem;

/// Every entry counts as a hit, as the API's do.
fn merge(version: &str, entries: &[Entry]) -> Vec<Advisory> {
    let installed = Installed::new(Ecosystem::Npm, version);
    let hits: Vec<Hit<'_>> = entries.iter().map(|entry| hit(&installed, entry)).collect();
    advisories(Ecosystem::Npm, &installed, &hits)
}

fn entry(id: &str, aliases: &[&str], range: &str) -> Entry {
    let aliases = aliases.iter().map(|alias| (*alias).to_owned()).collect();
    Entry {
        aliases,
        summary: format!("of {id}"),
        url: format!("https://x.example/{id}"),
        ..fixtures::entry(id, &[range])
    }
}

fn rated(mut entry: Entry, word: Severity) -> Entry {
    entry.rating.word = Some(word);
    entry
}

fn informational(mut entry: Entry, word: &str) -> Entry {
    entry.affected[0].informational = Some(word.to_owned());
    entry
}

fn ids(advisories: &[Advisory]) -> Vec<Vec<&str>> {
    advisories.iter().map(|advisory| advisory.ids.iter().map(String::as_str).collect()).collect()
}

#[test]
fn records_that_share_an_alias_are_one_finding_in_any_order() {
    let mut entries = [
        entry("PYSEC-1", &["CVE-1"], "introduced 0"),
        entry("GHSA-2", &[], "introduced 0"),
        entry("GHSA-1", &["CVE-1"], "introduced 0"),
        entry("X-3", &["GHSA-3", "CVE-3"], "introduced 0"),
        entry("GO-3", &["GHSA-3"], "introduced 0"),
        entry("RUSTSEC-3", &["CVE-3"], "introduced 0"),
    ];
    for _ in 0..entries.len() {
        entries.rotate_left(1);
        let merged = merge("1.0.0", &entries);
        assert_eq!(
            ids(&merged),
            [vec!["GHSA-1", "CVE-1", "PYSEC-1"], vec!["GHSA-2"], vec!["GHSA-3", "CVE-3", "RUSTSEC-3", "GO-3", "X-3"],]
        );
        assert_eq!((merged[0].summary.as_str(), merged[0].url.as_str()), ("of GHSA-1", "https://x.example/GHSA-1"));
        assert_eq!(merged[2].url, "https://x.example/RUSTSEC-3", "the best known one that is a record");
    }
}

#[test]
fn the_worst_severity_of_the_merged_records_counts_and_says_whose_it_is() {
    let merged = merge(
        "1.0.0",
        &[
            rated(entry("GHSA-1", &["CVE-1"], "introduced 0"), Severity::Low),
            rated(entry("PYSEC-1", &["CVE-1"], "introduced 0"), Severity::High),
            entry("CVE-1", &[], "introduced 0"),
        ],
    );
    assert_eq!((merged[0].severity, merged[0].severity_source.as_str()), (Some(Severity::High), "database, PYSEC-1"));
}

#[test]
fn worst_first_and_unscored_last() {
    let merged = merge(
        "1.0.0",
        &[
            entry("GHSA-1", &[], "introduced 0"),
            rated(entry("GHSA-2", &[], "introduced 0"), Severity::Low),
            rated(entry("GHSA-4", &[], "introduced 0"), Severity::Critical),
            rated(entry("GHSA-3", &[], "introduced 0"), Severity::Critical),
        ],
    );
    assert_eq!(ids(&merged), [["GHSA-3"], ["GHSA-4"], ["GHSA-2"], ["GHSA-1"]]);
    assert_eq!((merged[3].severity, merged[3].severity_source.as_str()), (None, ""));
}

#[test]
fn one_record_that_calls_it_a_vulnerability_is_enough() {
    let unsound = || informational(entry("RUSTSEC-1", &["GHSA-1"], "introduced 0"), "unsound");
    let vulnerability = || entry("GHSA-1", &[], "introduced 0");
    let word = |entries: &[Entry]| merge("1.0.0", entries)[0].informational.clone();
    assert_eq!(word(&[unsound()]).as_deref(), Some("unsound"));
    assert_eq!(word(&[unsound(), vulnerability()]), None);
    assert_eq!(word(&[unsound(), informational(vulnerability(), "notice")]).as_deref(), Some("notice"));
    let mut unmatched = unsound();
    unmatched.affected.clear();
    assert_eq!(word(&[unsound(), unmatched]), None);
}

#[test]
fn fixes_are_sorted_by_version_and_said_once() {
    let merged = merge(
        "1.9.0",
        &[
            entry("GHSA-1", &["CVE-1"], "introduced 0 fixed 1.10.0 introduced 2.0.0 fixed 2.2.0"),
            entry("CVE-1", &[], "introduced 0 fixed 1.10 introduced 2.0.0 fixed 2.1.0"),
        ],
    );
    assert_eq!(merged[0].fixed.len(), 2);
    assert!(["1.10", "1.10.0"].contains(&merged[0].fixed[0].as_str()));
    assert_eq!(merged[0].fixed[1], "2.2.0", "2.1.0 is still affected, says the other record");
}

#[test]
fn a_fix_that_only_one_record_knows_is_still_a_fix() {
    let open_ended = entry("GHSA-1", &["CVE-1"], "introduced 0");
    let fixed = entry("CVE-1", &[], "introduced 0 fixed 1.1.0");
    assert_eq!(merge("1.0.0", &[open_ended.clone(), fixed])[0].fixed, ["1.1.0"]);
    assert_eq!(merge("1.0.0", &[open_ended])[0].fixed, [""; 0]);
}

#[test]
fn dates_and_cwes_come_from_all_records() {
    let mut first = entry("GHSA-1", &["CVE-1"], "introduced 0");
    let mut second = entry("CVE-1", &[], "introduced 0");
    first.summary = String::new();
    first.cwes = vec!["CWE-79".to_owned()];
    second.cwes = vec!["CWE-20".to_owned(), "CWE-79".to_owned()];
    second.published = Some("2026-01-01T00:00:00Z".to_owned());
    let merged = merge("1.0.0", &[second, first]);
    assert_eq!(merged[0].summary, "of CVE-1");
    assert_eq!(merged[0].published.as_deref(), Some("2026-01-01T00:00:00Z"));
    assert_eq!(merged[0].cwes, ["CWE-20", "CWE-79"]);
}

#[test]
fn the_anchor_outlives_new_aliases_and_new_records() {
    let published = |mut entry: Entry, day: &str| {
        entry.published = Some(format!("2026-01-{day}T00:00:00Z"));
        entry
    };
    let anchor = |entries: &[Entry]| {
        let merged = merge("1.0.0", entries);
        assert_eq!(merged.len(), 1);
        (merged[0].anchor.clone(), merged[0].id.clone())
    };
    for database in ["PYSEC-1", "RUSTSEC-1", "GO-1", "MAL-1", "GHSA-9"] {
        let first = published(entry(database, &[], "introduced 0"), "05");
        assert_eq!(anchor(std::slice::from_ref(&first)).0, database);
        let aliased = Entry { aliases: vec!["CVE-1".to_owned(), "GHSA-1".to_owned()], ..first };
        assert_eq!(anchor(std::slice::from_ref(&aliased)).0, database);
        let same_day = if database == "GHSA-9" { "06" } else { "05" };
        let later = published(entry("GHSA-1", &[database], "introduced 0"), same_day);
        assert_eq!(anchor(&[later, aliased]), (database.to_owned(), "GHSA-1".to_owned()));
    }
}

#[test]
fn nothing_that_is_shown_holds_a_control_character() {
    const DIRT: &str = "a\r\n\u{1b}[2Jb\u{202e}";
    let mut dirty = fixtures::entry(DIRT, &[]);
    dirty.aliases = vec![DIRT.to_owned(), "\u{7}".to_owned()];
    dirty.summary = DIRT.repeat(100);
    dirty.url = format!("https://x.example/{DIRT}");
    dirty.cwes = vec![DIRT.to_owned()];
    dirty.published = Some(DIRT.to_owned());
    dirty.modified = Some(format!("2026-01-01T{DIRT}"));
    dirty.rating.vectors = vec![DIRT.to_owned()];
    dirty.rating.word = Some(Severity::High);
    let mut advice = dirty.clone();
    dirty.affected[0].ranges = vec![vec![Event::Introduced("0".to_owned()), Event::Fixed(format!("2.0{DIRT}"))]];
    advice.affected[0].informational = Some(DIRT.to_owned());
    for advisory in [dirty, advice].iter().flat_map(|entry| merge("1.0.0", std::slice::from_ref(entry))) {
        // `Debug` escapes control characters, and the escapes are looked for.
        let shown = format!("{advisory:?}");
        assert!(!shown.contains("\\r") && !shown.contains("\\n") && !shown.contains("\\u{"), "{shown}");
        assert!(advisory.summary.chars().count() <= 200);
    }
}
