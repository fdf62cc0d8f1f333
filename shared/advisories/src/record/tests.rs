use proptest::prelude::*;
use serde_json::{Value, json};

use super::{LARGE, check_size, entries, entry_for};
use crate::entry::{Entry, Event};
use pipe_core::severity::Severity;
use pipe_packages::package::Ecosystem;

/// A record of one npm package `p`, with what `extra` adds or replaces.
fn record(extra: Value) -> Value {
    let mut record = json!({
        "id": "GHSA-1",
        "modified": "2026-01-02T03:04:05Z",
        "affected": [{ "package": { "ecosystem": "npm", "name": "p" }, "versions": ["1.0.0"] }],
    });
    for (key, value) in extra.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

fn read(record: &Value) -> Result<Vec<(Ecosystem, String, Entry)>, String> {
    entries(record.to_string().as_bytes(), |_, _| true)
}

fn only(extra: Value) -> Entry {
    let mut found = read(&record(extra)).unwrap();
    assert_eq!(found.len(), 1);
    found.remove(0).2
}

#[test]
fn one_entry_a_package_whatever_the_record_calls_it() {
    let affected = json!([
        { "package": { "ecosystem": "PyPI", "name": "Zope.Interface" }, "versions": ["1"] },
        { "package": { "ecosystem": "PyPI:https://example.org/simple", "name": "zope_interface" }, "versions": ["2"] },
        { "package": { "ecosystem": "Go", "name": "Zope.Interface" }, "versions": ["3"] },
        { "package": { "ecosystem": "Debian:12", "name": "zope" }, "versions": ["4"] },
        { "ranges": [{ "type": "GIT", "events": [{ "introduced": "0" }] }] },
    ]);
    let found = read(&record(json!({ "affected": affected }))).unwrap();
    let names: Vec<_> = found.iter().map(|(ecosystem, name, _)| (*ecosystem, name.as_str())).collect();
    assert_eq!(names, [(Ecosystem::PyPi, "zope-interface"), (Ecosystem::Go, "Zope.Interface")]);
    let versions: Vec<_> = found[0].2.affected.iter().map(|affected| affected.versions.concat()).collect();
    assert_eq!(versions, ["1", "2"]);
}

#[test]
fn only_wanted_packages_are_kept() {
    let json = record(json!({})).to_string();
    assert!(entries(json.as_bytes(), |_, name| name == "q").unwrap().is_empty());
}

#[test]
fn commit_ranges_are_left_out_and_every_event_is_kept() {
    let affected = json!([{
        "package": { "ecosystem": "npm", "name": "p" },
        "ranges": [
            { "type": "GIT", "repo": "https://example.org/r", "events": [{ "introduced": "0" }] },
            { "type": "SEMVER", "events": [{ "introduced": "1" }, { "last_affected": "2" }, { "limit": "*" }] },
            { "type": "ECOSYSTEM", "events": [{ "introduced": "4", "fixed": "5" }, { "unknown": "6" }] },
        ],
    }]);
    let entry = only(json!({ "affected": affected }));
    let owned = |text: &str| text.to_owned();
    assert_eq!(
        entry.affected[0].ranges,
        [
            vec![Event::Introduced(owned("1")), Event::LastAffected(owned("2")), Event::Limit(owned("*"))],
            vec![Event::Introduced(owned("4")), Event::Fixed(owned("5"))],
        ]
    );
}

#[test]
fn null_and_missing_lists_are_empty() {
    let nothing = json!({
        "aliases": null, "severity": null, "references": null, "database_specific": null, "summary": null,
        "withdrawn": null, "published": null, "details": null,
    });
    let entry = only(nothing);
    assert_eq!((entry.aliases.len(), entry.summary.as_str(), entry.withdrawn), (0, "", false));
    assert!(read(&record(json!({ "affected": null }))).unwrap().is_empty());
    let empty = json!([{ "package": null }, { "package": { "ecosystem": "npm", "name": "p" }, "ranges": null, "versions": null }]);
    assert!(only(json!({ "affected": empty })).affected[0].ranges.is_empty());
}

#[test]
fn the_summary_is_the_first_line_that_says_something() {
    let summary = |summary, details| only(json!({ "summary": summary, "details": details })).summary;
    assert_eq!(summary("short", "# long"), "short");
    assert_eq!(summary(" \u{1b} ", "\n# Impact\nmore"), "# Impact");
}

#[test]
fn ids_hold_no_control_characters_and_no_repetition() {
    let entry = only(json!({ "id": "X-1\u{1b}[2J", "aliases": ["CVE-2", "CVE-1", "CVE-2", "X-1[2J", ""] }));
    assert_eq!(entry.id, "X-1[2J");
    assert_eq!(entry.aliases, ["CVE-1", "CVE-2"]);
}

#[test]
fn each_place_of_a_severity_is_read() {
    let severity = json!([{ "type": "CVSS_V3", "score": "v3" }, { "type": "CVSS_V9", "score": "v9" }]);
    assert_eq!(only(json!({ "severity": severity })).rating.vectors, ["v3", "v9"]);
    let word = |word| only(json!({ "database_specific": { "severity": word } })).rating.word;
    assert_eq!(word("CRITICAL"), Some(Severity::Critical));
    assert_eq!(word("HIGH"), Some(Severity::High));
    assert_eq!(word("MODERATE"), Some(Severity::Medium));
    assert_eq!(word("Medium"), Some(Severity::Medium));
    assert_eq!(word("low"), Some(Severity::Low));
    assert_eq!(word("REVIEWED"), None);
    let ubuntu = json!([{ "type": "Ubuntu", "score": "medium" }]);
    assert_eq!(only(json!({ "severity": ubuntu })).rating.word, Some(Severity::Medium));
    for number in [json!(7.5), json!("7.5")] {
        assert_eq!(only(json!({ "database_specific": { "cvss_v3_score": number } })).rating.number, Some(7.5));
    }
    assert_eq!(only(json!({ "database_specific": { "cvss_v3_score": 99 } })).rating.number, None);
    let package = json!([{
        "package": { "ecosystem": "npm", "name": "p" },
        "severity": [{ "type": "CVSS_V2", "score": "v2" }],
        "database_specific": { "severity": "HIGH", "informational": "unsound" },
    }]);
    let affected = only(json!({ "affected": package })).affected.remove(0);
    assert_eq!((affected.rating.vectors.concat(), affected.rating.word), ("v2".to_owned(), Some(Severity::High)));
    assert_eq!(affected.informational.as_deref(), Some("unsound"));
}

#[test]
fn database_specific_may_hold_anything() {
    let odd = [
        json!(null),
        json!(7),
        json!(-7),
        json!(7.5),
        json!("text"),
        json!(true),
        json!(["a", { "b": [] }]),
        json!({ "severity": { "deep": [1] }, "cwe_ids": "CWE-79", "informational": null, "cvss_v3_score": [1] }),
        json!({ "severity": 3, "cwe_ids": [["CWE-1"], {}, 1, null, -1, 0.5, true], "informational": false }),
    ];
    for odd in odd {
        let entry = only(json!({ "database_specific": odd }));
        assert_eq!((entry.rating.word, entry.rating.number), (None, None), "{odd}");
    }
    let cwes = json!({ "cwe_ids": ["CWE-79", "CWE-20", "CWE-79", "CWE-x", "79", {}] });
    assert_eq!(only(json!({ "database_specific": cwes })).cwes, ["CWE-20", "CWE-79"]);
}

#[test]
fn an_unknown_database_is_linked_by_its_own_reference() {
    let url = |id: &str, references| only(json!({ "id": id, "references": references })).url;
    let references = json!([
        { "type": "WEB", "url": "https://example.org/web" },
        { "type": "ADVISORY", "url": "javascript:alert(1)" },
        { "type": "ADVISORY", "url": "https://example.org/advisory" },
    ]);
    assert_eq!(url("GHSA-1", references.clone()), "https://osv.dev/vulnerability/GHSA-1");
    assert_eq!(url("FOP-a/b", references), "https://example.org/advisory");
    assert_eq!(
        url("FOP-a/b", json!([{ "url": "https://example.org/x y" }])),
        "https://osv.dev/vulnerability/FOP-a%2Fb"
    );
    assert_eq!(url("FOP-a", json!([{ "type": null, "url": "http://example.org" }])), "http://example.org");
}

#[test]
fn a_field_of_the_wrong_type_is_an_error() {
    for wrong in [
        json!({ "id": 7 }),
        json!({ "id": "" }),
        json!({ "id": "\u{7}" }),
        json!({ "aliases": "CVE-1" }),
        json!({ "affected": {} }),
        json!({ "affected": [{ "package": { "name": "p" } }] }),
        json!({ "affected": [{ "package": { "ecosystem": "npm", "name": "p" }, "versions": [1] }] }),
        json!({ "severity": [{ "type": "CVSS_V3" }] }),
    ] {
        assert!(read(&record(wrong.clone())).is_err(), "{wrong}");
    }
    assert!(entries(b"", |_, _| true).is_err());
    assert!(entries(b"[]", |_, _| true).is_err());
    assert!(entries(br#"{"id":"a"} {"id":"b"}"#, |_, _| true).is_err());
}

#[test]
fn a_date_that_is_none_is_dropped() {
    let entry = only(json!({ "modified": "0001-01-01T00:00:00Z", "published": "2022-02-02T00:00:00Z" }));
    assert_eq!((entry.modified, entry.published.as_deref()), (None, Some("2022-02-02T00:00:00Z")));
}

#[test]
fn nesting_is_skipped_or_refused_but_never_followed() {
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    let skipped = format!(r#"{{"id":"X","unknown":{deep},"database_specific":{{"severity":{deep},"x":{deep}}}}}"#);
    assert!(entries(skipped.as_bytes(), |_, _| true).is_ok());
    let followed = format!(r#"{{"id":"X","affected":{deep}}}"#);
    assert!(entries(followed.as_bytes(), |_, _| true).is_err());
}

#[test]
fn a_record_made_of_crumbs_is_refused_before_it_is_read() {
    let crumbs = |crumb: &str, count: usize| format!(r#"{{"id":"X","affected":[{}{{}}]}}"#, crumb.repeat(count));
    assert!(check_size(crumbs("{},", 1_000_000).as_bytes()).unwrap_err().contains("objects"));
    assert!(check_size(crumbs("\"\",", 1_000_001).as_bytes()).is_err());
    assert!(check_size(crumbs("{},", LARGE / 3 - 100).as_bytes()).is_ok(), "small enough whatever it is made of");
    assert!(check_size(format!(r#"{{"id":"{}"}}"#, "x".repeat(15 << 20)).as_bytes()).is_ok());
    assert_eq!(check_size(&vec![b' '; (16 << 20) + 1]).unwrap_err(), "larger than 16 MiB");
}

#[test]
fn a_record_that_does_not_name_the_package_still_has_an_entry() {
    let json = record(json!({ "summary": "s" })).to_string();
    let other = entry_for(json.as_bytes(), Ecosystem::Npm, "another").unwrap();
    assert_eq!((other.id.as_str(), other.summary.as_str(), other.affected.len()), ("GHSA-1", "s", 0));
    assert_eq!(entry_for(json.as_bytes(), Ecosystem::Npm, "p").unwrap().affected.len(), 1);
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        "\\PC{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["npm", "GHSA-1", "1.0.0", "CVSS_V3", "SEMVER"]).prop_map(Value::from),
    ];
    let keys = vec![
        "id",
        "affected",
        "package",
        "ecosystem",
        "name",
        "ranges",
        "type",
        "events",
        "introduced",
        "fixed",
        "versions",
        "severity",
        "score",
        "database_specific",
        "cwe_ids",
        "aliases",
        "references",
        "url",
        "other",
    ];
    leaf.prop_recursive(5, 64, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map(prop::sample::select(keys.clone()).prop_map(str::to_owned), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_panics(value in any_json()) {
        let _ = read(&value);
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert!(entries(&bytes, |_, _| true).is_err());
    }
}
