//! The index must answer as the zips do, over generated databases.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{NPM, look_up};
use crate::Query;
use crate::fixtures::{put, zip_of};
use pipe_packages::package::Ecosystem;

fn any_record() -> impl Strategy<Value = Value> {
    let versions = vec!["0", "1", "1.0.0", "1.5", "2.0.0-rc.1", "2.0.0", "2.0.0+x.1", "2.0", "3.1.1", "4x", "1.0.dev1"];
    let version = prop::sample::select(versions);
    let kind = prop::sample::select(vec!["introduced", "fixed", "last_affected", "limit"]);
    let event = (kind, version.clone()).prop_map(|(kind, version)| json!({ kind: version }));
    let range = prop::collection::vec(event, 0..5);
    let kinds = prop::sample::select(vec!["SEMVER", "ECOSYSTEM", "GIT"]);
    let range = (kinds, range).prop_map(|(kind, events)| json!({ "type": kind, "events": events }));
    let package =
        prop::sample::select(vec![("npm", "p"), ("PyPI", "p"), ("PyPI", "P_q"), ("Go", "p"), ("Debian", "p")]);
    let affected = (package, prop::collection::vec(range, 0..3), prop::collection::vec(version, 0..4)).prop_map(
        |((ecosystem, name), ranges, versions)| {
            let category = if versions.len() == 3 { "malicious" } else { "thread-safety" };
            json!({
                "package": { "ecosystem": ecosystem, "name": name }, "ranges": ranges, "versions": versions,
                "database_specific": { "categories": [category] },
            })
        },
    );
    let id = || prop::sample::select(vec!["GHSA-1", "GHSA-2", "CVE-1", "CVE-2", "PYSEC-1", "GO-1", "MAL-1", "X-1"]);
    let word = prop::sample::select(vec!["HIGH", "LOW", "none"]);
    let dates = prop::sample::select(vec!["2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "0001-01-01T00:00:00Z"]);
    (
        id(),
        prop::collection::vec(id(), 0..2),
        prop::collection::vec(affected, 0..3),
        word,
        dates,
        prop::bool::weighted(0.1),
    )
        .prop_map(|(id, aliases, affected, word, date, withdrawn)| {
            json!({
                "id": id, "aliases": aliases, "affected": affected, "modified": date,
                "withdrawn": withdrawn.then_some(date), "database_specific": { "severity": word },
            })
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// [`look_up`] compares the two sources.
    #[test]
    fn the_index_answers_as_the_zips_do(
        zips in prop::collection::vec(prop::collection::vec(any_record(), 1..8), 1..4),
    ) {
        let folder = tempfile::tempdir().unwrap();
        for (place, records) in zips.iter().enumerate() {
            put(folder.path(), &place.to_string(), &zip_of(records));
        }
        let mut queries = Vec::new();
        for version in ["0", "1.0.0", "1.4", "2.0.0-rc.1", "2.0.0", "2.0.0+x.1", "2.0.0+y", "3.1.1", "3", "4x", "9"] {
            for (ecosystem, name) in [(NPM, "p"), (Ecosystem::PyPi, "p"), (Ecosystem::PyPi, "p-q"), (Ecosystem::Go, "p")] {
                queries.push(Query { ecosystem, name, version });
            }
        }
        let lookup = look_up(folder.path(), &queries);
        for (query, found) in queries.iter().zip(&lookup.results) {
            for advisory in found {
                prop_assert_eq!(&advisory.ids[0], &advisory.id);
                for fixed in &advisory.fixed {
                    let parse = |text| pipe_packages::version::Version::parse(query.ecosystem, text);
                    prop_assert!(parse(fixed) > parse(query.version), "{fixed} fixes {query:?}");
                }
            }
            let mut all: Vec<&String> = found.iter().flat_map(|advisory| &advisory.ids).collect();
            let count = all.len();
            all.sort();
            all.dedup();
            prop_assert_eq!(all.len(), count, "an id is in one advisory only");
        }
    }
}
