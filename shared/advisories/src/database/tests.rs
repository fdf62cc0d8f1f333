mod equality;

use std::path::Path;

use serde_json::{Value, json};

use crate::fixtures::{put, record, zip_files, zip_of};
use crate::{Lookup, OsvError, Query, compile, open};
use pipe_core::severity::Severity;
use pipe_packages::package::Ecosystem;

const NPM: Ecosystem = Ecosystem::Npm;

/// The same answer from the zips and from their index, which is the only one returned.
fn look_up(folder: &Path, queries: &[Query<'_>]) -> Lookup {
    let from = |path: &Path| open(path).unwrap().lookup(queries, &|| false).unwrap();
    let index = folder.join("index");
    compile(folder, &index).unwrap();
    let (zips, mut compiled) = (from(folder), from(&index));
    assert_eq!(compiled.coverage.description, "OSV index");
    compiled.coverage.description = "OSV zips".to_owned();
    assert_eq!(zips, compiled);
    zips
}

/// What the records of one zip say of the versions of one npm package `p`.
fn of_p(records: &[Value], versions: &[&str]) -> Lookup {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "any", &zip_of(records));
    let queries: Vec<Query<'_>> = versions.iter().map(|version| Query { ecosystem: NPM, name: "p", version }).collect();
    look_up(folder.path(), &queries)
}

fn with(mut record: Value, extra: Value) -> Value {
    for (key, value) in extra.as_object().unwrap() {
        record[key] = value.clone();
    }
    record
}

fn ids(lookup: &Lookup) -> Vec<Vec<&str>> {
    lookup.results.iter().map(|found| found.iter().map(|advisory| advisory.id.as_str()).collect()).collect()
}

#[track_caller]
fn fails(folder: &Path, problem: &str) {
    let query = Query { ecosystem: NPM, name: "p", version: "1" };
    let error = open(folder).and_then(|database| database.lookup(&[query], &|| false)).unwrap_err().to_string();
    assert!(error.contains(problem), "{error}");
    assert!(compile(folder, &folder.join("index")).is_err());
}

#[test]
fn answers_stand_in_the_order_of_the_queries() {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), "npm", &zip_of(&[record("GHSA-n", "npm", "p", "introduced 0 fixed 2.0.0")]));
    put(folder.path(), "python", &zip_of(&[record("PYSEC-p", "PyPI", "P", "introduced 0 fixed 2")]));
    let query = |ecosystem, name, version| Query { ecosystem, name, version };
    let lookup = look_up(
        folder.path(),
        &[
            query(NPM, "none", "1.0.0"),
            query(Ecosystem::PyPi, "P", "1.0"),
            query(NPM, "p", "1.0.0"),
            query(NPM, "P", "1.0.0"),
            query(NPM, "p", "2.0.0"),
            query(NPM, "p", "1.0.0"),
        ],
    );
    assert_eq!(ids(&lookup), [vec![], vec!["PYSEC-p"], vec!["GHSA-n"], vec![], vec![], vec!["GHSA-n"]]);
}

#[test]
fn withdrawn_records_are_dropped() {
    let withdrawn = json!({ "withdrawn": "2026-01-01T00:00:00Z" });
    let lookup = of_p(
        &[with(record("GHSA-1", "npm", "p", "introduced 0"), withdrawn), record("GHSA-2", "npm", "p", "introduced 0")],
        &["1.0.0"],
    );
    assert_eq!(ids(&lookup), [["GHSA-2"]]);
}

#[test]
fn of_two_copies_the_newest_counts_in_whichever_zip_it_is() {
    let old = record("GHSA-1", "npm", "p", "introduced 0");
    let moved = with(record("GHSA-1", "npm", "p", "introduced 5.0.0"), json!({ "modified": "2026-06-01T00:00:00Z" }));
    let withdrawn = json!({ "modified": "2026-07-01T00:00:00Z", "withdrawn": "2026-07-01T00:00:00Z" });
    for new in [moved, with(old.clone(), withdrawn)] {
        for [first, second] in [[&old, &new], [&new, &old]] {
            let folder = tempfile::tempdir().unwrap();
            put(folder.path(), "a", &zip_of(std::slice::from_ref(first)));
            put(folder.path(), "b", &zip_of(std::slice::from_ref(second)));
            let query = Query { ecosystem: NPM, name: "p", version: "1.0.0" };
            assert_eq!(ids(&look_up(folder.path(), &[query])), [[""; 0]]);
        }
    }
}

#[test]
fn of_equally_new_copies_the_first_counts_whichever_thread_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut records: Vec<Value> =
        (0..64).map(|number| record(&format!("GHSA-{number}"), "npm", "other", "introduced 0")).collect();
    // The first zip's copy lies in the second thread's share, the second zip's in the first one's.
    records.push(record("GHSA-x", "npm", "p", "introduced 0 fixed 1.1.0"));
    put(folder.path(), "a", &zip_of(&records));
    put(folder.path(), "b", &zip_of(&[record("GHSA-x", "npm", "p", "introduced 0 fixed 1.2.0")]));
    let query = Query { ecosystem: NPM, name: "p", version: "1.0.0" };
    assert_eq!(look_up(folder.path(), &[query]).results[0][0].fixed, ["1.1.0"]);
}

#[test]
fn a_summary_severity_and_the_rest_reach_the_advisory() {
    let extra = json!({
        "aliases": ["CVE-1"], "published": "2026-01-01T00:00:00Z",
        "severity": [{ "type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H" }],
        "database_specific": { "severity": "LOW", "cwe_ids": ["CWE-79"] },
    });
    let lookup = of_p(&[with(record("GHSA-1", "npm", "p", "introduced 0 fixed 1.2.0"), extra)], &["1.0.0"]);
    let advisory = &lookup.results[0][0];
    assert_eq!(advisory.ids, ["GHSA-1", "CVE-1"]);
    assert_eq!(advisory.summary, "summary of GHSA-1");
    assert_eq!((advisory.severity, advisory.score), (Some(Severity::Critical), Some(9.8)));
    assert_eq!(advisory.severity_source, "CVSS v3.1 9.8, GHSA-1");
    assert_eq!(advisory.fixed, ["1.2.0"]);
    assert_eq!(advisory.url, "https://osv.dev/vulnerability/GHSA-1");
    assert_eq!(advisory.published.as_deref(), Some("2026-01-01T00:00:00Z"));
    assert_eq!(advisory.modified.as_deref(), Some("2026-05-04T03:02:01Z"));
    assert_eq!((advisory.cwes.concat(), &advisory.informational), ("CWE-79".to_owned(), &None));
}

#[test]
fn a_dump_covers_its_own_ecosystem_and_not_those_its_records_name_beside_it() {
    let both = json!({ "affected": [
        { "package": { "ecosystem": "PyPI", "name": "a" }, "versions": ["1"] },
        { "package": { "ecosystem": "npm", "name": "p" }, "versions": ["1.0.0"] },
    ]});
    let both = with(record("GHSA-2", "PyPI", "a", ""), both);
    let lookup = of_p(&[record("GHSA-1", "PyPI", "a", "introduced 0"), both.clone()], &["1.0.0"]);
    assert!(lookup.coverage.covers(Ecosystem::PyPi) && !lookup.coverage.covers(NPM));
    let lookup = of_p(&[both], &["1.0.0"]);
    assert!(lookup.coverage.covers(Ecosystem::PyPi) && lookup.coverage.covers(NPM), "all records name both");
    assert_eq!(ids(&lookup), [["GHSA-2"]]);
}

#[test]
fn a_dump_of_everything_covers_every_ecosystem_it_names_alone() {
    let lookup = of_p(
        &[
            record("GHSA-1", "npm:suffix", "p", "introduced 0"),
            record("GO-1", "Go", "stdlib", "introduced 0"),
            record("DSA-1", "Debian:12", "p", "introduced 0"),
        ],
        &["1.0.0"],
    );
    assert_eq!(lookup.coverage.ecosystems.iter().collect::<Vec<_>>(), ["Go", "npm"]);
    assert_eq!((lookup.coverage.records, ids(&lookup)), (2, vec![vec!["GHSA-1"]]));
}

#[test]
fn dates_are_those_of_records_and_never_the_day_they_were_packed() {
    let modified = |id, ecosystem, date| with(record(id, ecosystem, "p", "introduced 0"), json!({ "modified": date }));
    let coverage = of_p(
        &[
            modified("GHSA-1", "npm", "2026-01-01T00:00:00Z"),
            modified("GHSA-2", "npm", "2026-02-01T00:00:00Z"),
            modified("GHSA-3", "npm", "2026-01-15T00:00:00Z"),
            modified("GO-1", "Go", "0001-01-01T00:00:00Z"),
        ],
        &["1.0.0"],
    )
    .coverage;
    assert_eq!(coverage.dates["npm"], "2026-02-01T00:00:00Z");
    assert_eq!(coverage.dates.get("Go"), None);
    assert_eq!(coverage.date.as_deref(), Some("2026-02-01T00:00:00Z"));
    for date in [json!("yesterday"), json!(null), json!("")] {
        let coverage =
            of_p(&[with(record("GHSA-1", "npm", "p", "introduced 0"), json!({ "modified": date }))], &["1.0.0"]);
        assert_eq!((coverage.coverage.date, coverage.coverage.dates.len()), (None, 0), "{date}");
    }
}

#[test]
fn a_database_is_as_old_as_its_newest_record_of_any_ecosystem() {
    let folder = tempfile::tempdir().unwrap();
    let modified = |id, ecosystem, date| with(record(id, ecosystem, "p", "introduced 0"), json!({ "modified": date }));
    put(folder.path(), "npm", &zip_of(&[modified("GHSA-1", "npm", "2026-01-01T00:00:00Z")]));
    put(folder.path(), "Debian", &zip_of(&[modified("DSA-1", "Debian:12", "2026-02-01T00:00:00Z")]));
    let mut commits_only = modified("OSV-1", "npm", "2026-02-03T00:00:00Z");
    commits_only["affected"] = json!([{ "ranges": [{ "type": "GIT", "events": [{ "introduced": "0" }] }] }]);
    put(folder.path(), "fuzz", &zip_of(&[commits_only]));
    let coverage = look_up(folder.path(), &[]).coverage;
    assert_eq!(coverage.date.as_deref(), Some("2026-02-03T00:00:00Z"));
    assert_eq!(coverage.dates.into_iter().collect::<Vec<_>>(), [("npm".to_owned(), "2026-01-01T00:00:00Z".to_owned())]);
}

#[test]
fn unusable_databases_are_errors_that_name_the_file() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(open(&folder.path().join("none")), Err(OsvError::Read { .. })));
    fails(folder.path(), "holds no <ecosystem>/all.zip");
    std::fs::write(folder.path().join("README"), "beside the folders").unwrap();
    let good = zip_of(&[record("GHSA-1", "npm", "p", "introduced 0")]);
    put(folder.path(), "good", &good);
    put(folder.path(), "bad", &good[..good.len() / 2]);
    fails(folder.path(), "bad/all.zip: no end record");
    put(folder.path(), "bad", b"");
    fails(folder.path(), "bad/all.zip: no end record");
    put(folder.path(), "bad", &zip_of(&[]));
    fails(folder.path(), "bad/all.zip: holds no record");
    put(folder.path(), "bad", &zip_files(&[("x.json".to_owned(), b"{\"id\":".to_vec())]));
    fails(folder.path(), "bad/all.zip: x.json: EOF");
    put(folder.path(), "bad", &zip_of(&[json!({ "id": "X", "affected": [{ "package": "p" }] })]));
    fails(folder.path(), "bad/all.zip: X-0.json: invalid type");
    let not_json = [("x.json".to_owned(), good.clone()), ("y.json".to_owned(), Vec::new())];
    put(folder.path(), "bad", &zip_files(&not_json));
    fails(folder.path(), "bad/all.zip: ");
}

#[test]
fn a_database_that_claims_to_be_endless_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = (0..150).map(|number| (format!("{number}.json"), b"never read".to_vec())).collect();
    let mut zip = zip_files(&files);
    let central: Vec<usize> =
        zip.windows(4).enumerate().filter(|(_, window)| window == b"PK\x01\x02").map(|(at, _)| at).collect();
    assert_eq!(central.len(), 150);
    for at in central {
        zip[at + 24..at + 28].copy_from_slice(&(16_u32 << 20).to_le_bytes());
    }
    put(folder.path(), "a", &zip);
    fails(folder.path(), "a/all.zip: ");
    put(folder.path(), "b", &zip);
    fails(folder.path(), "b/all.zip: the database is larger than 4 GiB");
}

#[test]
fn a_record_made_of_crumbs_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let crumbs = format!(r#"{{"id":"X","other":[{}{{}}]}}"#, "{},".repeat(500_000));
    put(folder.path(), "npm", &zip_files(&[("x.json".to_owned(), crumbs.into_bytes())]));
    fails(folder.path(), "npm/all.zip: x.json: holds more than");
}

#[test]
fn what_is_no_record_is_passed_over() {
    let folder = tempfile::tempdir().unwrap();
    let one = record("GHSA-1", "npm", "p", "introduced 0").to_string().into_bytes();
    let file = |name: &str, content: &[u8]| (name.to_owned(), content.to_vec());
    put(folder.path(), "npm", &zip_files(&[file("readme.txt", b"hello"), file("../../a.json", &one), file("f/", b"")]));
    let query = Query { ecosystem: NPM, name: "p", version: "1.0.0" };
    assert_eq!(ids(&look_up(folder.path(), &[query])), [["GHSA-1"]]);
}
