use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};

use super::{CONCURRENCY, Transport, lookup_api};
use crate::fixtures::{put, record, zip_of};
use crate::{Lookup, Query, compile, open};
use pipe_core::severity::Severity;
use pipe_packages::package::Ecosystem;

/// A server in memory: it answers a query by name, in pages, and later requests sooner than earlier ones.
#[derive(Default)]
struct Server {
    /// Package name to pages of ids.
    pages: BTreeMap<String, Vec<Vec<String>>>,
    records: BTreeMap<String, Value>,
    /// Replaces every answer to a batch.
    batch_answer: Option<String>,
    posts: Mutex<Vec<Value>>,
    gets: Mutex<Vec<String>>,
    open: AtomicUsize,
    most_open: AtomicUsize,
}

impl Server {
    fn new(records: &[Value], pages: &[(&str, &[&[&str]])]) -> Server {
        let owned = |page: &&[&str]| page.iter().map(|id| (*id).to_owned()).collect();
        Server {
            records: records.iter().map(|record| (record["id"].as_str().unwrap().to_owned(), record.clone())).collect(),
            pages: pages.iter().map(|(name, pages)| ((*name).to_owned(), pages.iter().map(owned).collect())).collect(),
            ..Server::default()
        }
    }

    fn answer(&self, query: &Value) -> Value {
        let Some(pages) = self.pages.get(query["package"]["name"].as_str().unwrap()) else {
            return json!({});
        };
        let page: usize = query["page_token"].as_str().map_or(0, |token| token.parse().unwrap());
        let vulns: Vec<Value> =
            pages[page].iter().map(|id| json!({ "id": id, "modified": "2026-01-01T00:00:00Z" })).collect();
        match pages.get(page + 1) {
            Some(_) => json!({ "vulns": vulns, "next_page_token": (page + 1).to_string() }),
            None => json!({ "vulns": vulns }),
        }
    }
}

impl Transport for Server {
    async fn post(&self, path: &str, body: String) -> anyhow::Result<Vec<u8>> {
        assert_eq!(path, "/v1/querybatch");
        let request: Value = serde_json::from_str(&body).unwrap();
        let results: Vec<Value> =
            request["queries"].as_array().unwrap().iter().map(|query| self.answer(query)).collect();
        self.posts.lock().unwrap().push(request);
        Ok(self.batch_answer.clone().unwrap_or_else(|| json!({ "results": results }).to_string()).into_bytes())
    }

    async fn get(&self, path: &str) -> anyhow::Result<Vec<u8>> {
        let id = path.strip_prefix("/v1/vulns/").unwrap().to_owned();
        let earlier = {
            let mut gets = self.gets.lock().unwrap();
            gets.push(id.clone());
            gets.len() as u64
        };
        self.most_open.fetch_max(self.open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(100 / earlier)).await;
        self.open.fetch_sub(1, Ordering::SeqCst);
        match self.records.get(&id) {
            Some(record) => Ok(record.to_string().into_bytes()),
            None => anyhow::bail!("404"),
        }
    }
}

fn ask(server: &Server, queries: &[Query<'_>]) -> anyhow::Result<Lookup> {
    fn is_send<T: Send>(future: T) -> T {
        future
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(is_send(lookup_api(server, queries)))
}

fn npm<'a>(name: &'a str, version: &'a str) -> Query<'a> {
    Query { ecosystem: Ecosystem::Npm, name, version }
}

fn ids(lookup: &Lookup) -> Vec<Vec<&str>> {
    lookup.results.iter().map(|found| found.iter().map(|advisory| advisory.id.as_str()).collect()).collect()
}

#[test]
fn only_name_ecosystem_and_version_leave_the_machine() {
    let server = Server::default();
    let queries = [npm("@a/b", "1.0.0"), Query { ecosystem: Ecosystem::PyPi, name: "Zope.Interface", version: "5.0" }];
    let lookup = ask(&server, &queries).unwrap();
    assert_eq!(ids(&lookup), [[""; 0], [""; 0]]);
    let expected = json!({ "queries": [
        { "package": { "ecosystem": "npm", "name": "@a/b" }, "version": "1.0.0" },
        { "package": { "ecosystem": "PyPI", "name": "zope-interface" }, "version": "5.0" },
    ]});
    assert_eq!(*server.posts.lock().unwrap(), [expected]);
    assert_eq!(lookup.coverage.ecosystems.into_iter().collect::<Vec<_>>(), ["PyPI", "npm"]);
    assert_eq!((lookup.coverage.date, lookup.coverage.description.as_str()), (None, "OSV API"));
}

#[test]
fn nothing_is_asked_about_nothing() {
    let server = Server::default();
    assert_eq!(ask(&server, &[]).unwrap().results.len(), 0);
    assert!(server.posts.lock().unwrap().is_empty());
}

#[test]
fn a_batch_holds_a_thousand_queries_and_no_query_twice() {
    let server = Server::new(&[record("GHSA-1", "npm", "p2400", "introduced 0")], &[("p2400", &[&["GHSA-1"]])]);
    let names: Vec<String> = (0..2_500).map(|number| format!("p{number}")).collect();
    let queries: Vec<Query<'_>> = names.iter().chain(&names).map(|name| npm(name, "1.0.0")).collect();
    let lookup = ask(&server, &queries).unwrap();
    let sizes: Vec<usize> =
        server.posts.lock().unwrap().iter().map(|request| request["queries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [1_000, 1_000, 500]);
    let hits: Vec<usize> = (0..5_000).filter(|&place| !lookup.results[place].is_empty()).collect();
    assert_eq!(hits, [2_400, 4_900]);
}

#[test]
fn every_page_is_fetched_for_its_own_query() {
    let records: Vec<Value> =
        (1..=4).map(|number| record(&format!("GHSA-{number}"), "npm", "p", "introduced 0")).collect();
    let server =
        Server::new(&records, &[("p", &[&["GHSA-1"], &["GHSA-3", "GHSA-2"], &["GHSA-4"]]), ("q", &[&[], &[]])]);
    let lookup = ask(&server, &[npm("o", "1.0.0"), npm("p", "1.0.0"), npm("q", "1.0.0")]).unwrap();
    assert_eq!(ids(&lookup), [vec![], vec!["GHSA-1", "GHSA-2", "GHSA-3", "GHSA-4"], vec![]]);
    let posts = server.posts.lock().unwrap();
    let sizes: Vec<usize> = posts.iter().map(|request| request["queries"].as_array().unwrap().len()).collect();
    assert_eq!(sizes, [3, 2, 1]);
    assert_eq!(posts[2]["queries"][0]["page_token"], "2");
}

#[test]
fn a_record_is_fetched_once_and_a_few_at_a_time() {
    let names: Vec<String> = (0..40).map(|number| format!("GHSA-{number:02}")).collect();
    let records: Vec<Value> = names.iter().map(|id| record(id, "npm", "p", "introduced 0")).collect();
    let all: Vec<&str> = names.iter().map(String::as_str).collect();
    let server = Server::new(&records, &[("p", &[&all]), ("q", &[&all])]);
    let lookup = ask(&server, &[npm("p", "1.0.0"), npm("q", "1.0.0"), npm("p", "2.0.0")]).unwrap();
    assert_eq!(ids(&lookup), [all.clone(), all.clone(), all], "in order, whichever came back first");
    assert_eq!(server.gets.lock().unwrap().len(), 40);
    assert_eq!(server.most_open.load(Ordering::SeqCst), CONCURRENCY);
}

#[test]
fn what_the_api_matched_counts_even_where_the_ranges_do_not_confirm_it() {
    let mut rated = record("GHSA-1", "npm", "p", "introduced 5.0.0 fixed 6.0.0");
    rated["database_specific"] = json!({ "severity": "HIGH" });
    let mut elsewhere = record("GHSA-2", "npm", "another name", "introduced 0");
    elsewhere["aliases"] = json!(["MAL-1"]);
    let server = Server::new(&[rated, elsewhere], &[("p", &[&["GHSA-1", "GHSA-2"]])]);
    let lookup = ask(&server, &[npm("p", "1.0.0")]).unwrap();
    assert_eq!(ids(&lookup), [["GHSA-2", "GHSA-1"]]);
    assert_eq!(lookup.results[0][0].severity, Some(Severity::Critical));
    assert_eq!(
        (lookup.results[0][1].severity, lookup.results[0][1].fixed.concat()),
        (Some(Severity::High), "6.0.0".to_owned())
    );
    assert_eq!(lookup.coverage.date.as_deref(), Some("2026-05-04T03:02:01Z"));
    assert_eq!(lookup.coverage.records, 2);
}

#[test]
fn withdrawn_records_are_dropped_and_aliases_merged() {
    let mut withdrawn = record("GHSA-1", "npm", "p", "introduced 0");
    withdrawn["withdrawn"] = json!("2026-01-01T00:00:00Z");
    let mut alias = record("CVE-2", "npm", "p", "introduced 0");
    alias["aliases"] = json!(["GHSA-2"]);
    let other = record("GHSA-2", "npm", "p", "introduced 0 fixed 1.1.0");
    let server = Server::new(&[withdrawn, alias, other], &[("p", &[&["GHSA-1", "GHSA-2", "CVE-2"]])]);
    let lookup = ask(&server, &[npm("p", "1.0.0")]).unwrap();
    assert_eq!(lookup.results[0].len(), 1);
    assert_eq!(lookup.results[0][0].ids, ["GHSA-2", "CVE-2"]);
}

#[test]
fn a_failed_record_fails_the_look_up() {
    let server = Server::new(&[], &[("p", &[&["GHSA-1"]])]);
    let error = format!("{:#}", ask(&server, &[npm("p", "1.0.0")]).unwrap_err());
    assert_eq!(error, "fetch advisory GHSA-1: 404");
}

#[test]
fn an_answer_with_another_record_is_refused() {
    let mut server = Server::new(&[], &[("p", &[&["GHSA-1"]])]);
    server.records.insert("GHSA-1".to_owned(), record("GHSA-9", "npm", "p", "introduced 0"));
    let error = format!("{:#}", ask(&server, &[npm("p", "1.0.0")]).unwrap_err());
    assert_eq!(error, "read advisory GHSA-1 of the OSV API: answered with GHSA-9");
}

#[test]
fn an_id_stays_in_its_path_segment() {
    let server = Server::new(&[], &[("p", &[&["../x?y"]])]);
    assert!(ask(&server, &[npm("p", "1.0.0")]).is_err());
    assert_eq!(*server.gets.lock().unwrap(), ["..%2Fx%3Fy"]);
}

#[test]
fn an_answer_that_is_not_one_result_a_query_is_refused() {
    for (answer, problem) in [
        (r#"{"results":[{}]}"#, "the OSV API gave 1 answers to 2 queries"),
        (r#"{"results":[{},{},{}]}"#, "gave 3 answers to 2"),
        ("{}", "gave 0 answers to 2"),
        ("<html>", "read the OSV API's answer"),
        (r#"{"results":[{"vulns":[{}]},{}]}"#, "missing field `id`"),
    ] {
        let server = Server { batch_answer: Some(answer.to_owned()), ..Server::default() };
        let error = format!("{:#}", ask(&server, &[npm("p", "1.0.0"), npm("q", "1.0.0")]).unwrap_err());
        assert!(error.contains(problem), "{error}");
    }
}

#[test]
fn only_what_the_documentation_calls_an_answer_is_one() {
    let ask_with = |answer: &str| {
        let server = Server { batch_answer: Some(format!(r#"{{"results":[{answer}]}}"#)), ..Server::default() };
        ask(&server, &[npm("p", "1.0.0")]).map(|lookup| ids(&lookup).concat().len())
    };
    for answer in ["{}", r#"{"vulns":[]}"#, r#"{"next_page_token":""}"#, r#"{"vulns":[],"new":1}"#] {
        assert_eq!(ask_with(answer).unwrap(), 0, "{answer}");
    }
    for answer in [
        "null",
        r#"{"error":"try again"}"#,
        r#"{"vulns":null}"#,
        r#"{"next_page_token":null}"#,
        r#"{"vulns":[null]}"#,
        r#"{"vulns":[{"id":""}]}"#,
        r#"{"vuln":[]}"#,
        r#"{"code":8,"message":"exhausted"}"#,
        "[]",
        "{},{}",
        "false",
        r#""""#,
    ] {
        assert!(ask_with(answer).is_err(), "{answer}");
    }
    for whole in ["null", "[]", "[[{}]]", r#"{"results":null}"#, r#"{"code":3,"message":"bad"}"#, "{}", ""] {
        let server = Server { batch_answer: Some(whole.to_owned()), ..Server::default() };
        assert!(ask(&server, &[npm("p", "1.0.0")]).is_err(), "{whole}");
    }
}

#[test]
fn pages_without_end_are_refused() {
    let endless = r#"{"results":[{"next_page_token":"again"}]}"#.to_owned();
    let server = Server { batch_answer: Some(endless), ..Server::default() };
    let error = ask(&server, &[npm("p", "1.0.0")]).unwrap_err().to_string();
    assert_eq!(error, "the OSV API has more than 100 pages for p");
    assert_eq!(server.posts.lock().unwrap().len(), 100);
}

/// The forms of every database that we know, and what only looks like one.
#[test]
fn malware_is_recognised_in_every_form_and_by_every_source() {
    let of_record = |specific: Value| json!({ "database_specific": specific });
    let of_versions = |specific: Value| {
        json!({ "affected": [{
            "package": { "ecosystem": "npm", "name": "p" }, "versions": ["1.0.0"], "database_specific": specific,
        }]})
    };
    let low = json!([{ "type": "CVSS_V3", "score": "CVSS:3.0/AV:P/AC:H/PR:H/UI:R/S:U/C:L/I:N/A:N" }]);
    let weaknesses = ["CWE-506", "CWE-507", "CWE-508", "CWE-509", "CWE-510", "CWE-511", "CWE-512"];
    let mut forms = vec![
        ("MAL-2026-1", json!({})),
        ("GHSA-1", json!({ "aliases": ["CVE-1", "MAL-2026-1"] })),
        ("RUSTSEC-1", of_versions(json!({ "categories": ["malicious"], "cvss": null, "informational": null }))),
        ("RUSTSEC-1", of_versions(json!({ "categories": ["x", "malicious"], "informational": "notice" }))),
        ("RUSTSEC-1", of_record(json!({ "categories": ["malicious"] }))),
        ("X-1", of_record(json!({ "malicious-packages-origins": [{ "source": "s", "sha256": "0" }] }))),
        ("X-1", of_versions(json!({ "cwes": [{ "cweId": "CWE-506", "name": "Embedded Malicious Code" }] }))),
        ("GHSA-1", of_record(json!({ "cwe_ids": "CWE-506" }))),
    ];
    forms.extend(weaknesses.map(|id| ("GHSA-1", of_record(json!({ "cwe_ids": ["CWE-20", id], "severity": "LOW" })))));
    let harmless = [
        ("X-1", json!({ "related": ["MAL-2026-1"] })),
        ("RUSTSEC-1", of_versions(json!({ "categories": ["denial-of-service"] }))),
        ("GHSA-1", of_record(json!({ "cwe_ids": ["CWE-50", "CWE-5060", "CWE-505"] }))),
        ("X-1", of_record(json!({ "malicious-packages-origins": null }))),
        ("MALICE-1", json!({})),
    ];
    let forms = forms.into_iter().map(|form| (form, true)).chain(harmless.map(|form| (form, false)));
    for ((id, extra), malicious) in forms {
        let mut record = record(id, "npm", "p", "introduced 0");
        record["severity"] = low.clone();
        for (key, value) in extra.as_object().unwrap() {
            record[key] = value.clone();
        }
        let folder = tempfile::tempdir().unwrap();
        put(folder.path(), "npm", &zip_of(std::slice::from_ref(&record)));
        let index = folder.path().join("index");
        compile(folder.path(), &index).unwrap();
        let query = npm("p", "1.0.0");
        let from = |path: &std::path::Path| open(path).unwrap().lookup(&[query], &|| false).unwrap().results;
        let of_zips = from(folder.path());
        assert_eq!((of_zips[0].len(), of_zips[0][0].malicious), (1, malicious), "{record}");
        let severity = if malicious { Severity::Critical } else { Severity::Low };
        assert_eq!((of_zips[0][0].severity, &of_zips[0][0].informational), (Some(severity), &None), "{record}");
        assert_eq!(from(&index), of_zips, "{record}");
        let server = Server::new(&[record.clone()], &[("p", &[&[id]])]);
        assert_eq!(ask(&server, &[query]).unwrap().results, of_zips, "{record}");
        // The API may match a package that the record calls by another name.
        record["affected"][0]["package"]["name"] = json!("other");
        let server = Server::new(&[record.clone()], &[("p", &[&[id]])]);
        assert_eq!(ask(&server, &[query]).unwrap().results[0][0].malicious, malicious, "{record}");
    }
}
