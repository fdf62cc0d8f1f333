//! `POST /v1/querybatch`: at most 1,000 queries a request; each may be answered in pages.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context as _, bail};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, Serialize};

use crate::text;
use pipe_packages::package::Ecosystem;

/// The HTTP client that this module needs. `path` begins with `/`; an answer other than 2xx is an error.
pub trait Transport {
    /// The body of the answer to a POST of a JSON document.
    fn post(&self, path: &str, body: String) -> impl Future<Output = anyhow::Result<Vec<u8>>> + Send;
    /// The body of the answer to a GET.
    fn get(&self, path: &str) -> impl Future<Output = anyhow::Result<Vec<u8>>> + Send;
}

/// Queries of one request, by the API's documentation.
const MAX_QUERIES: usize = 1_000;
/// Pages of one query. The API's pages hold hundreds of ids, so more is a server that never ends.
const MAX_PAGES: u32 = 100;

/// One query at one of its pages.
pub(super) struct Page<'a> {
    request: RequestQuery<'a>,
    number: u32,
}

#[derive(Serialize)]
struct Request<'a> {
    queries: Vec<&'a RequestQuery<'a>>,
}

#[derive(Serialize)]
struct RequestQuery<'a> {
    package: RequestPackage<'a>,
    version: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    page_token: Option<String>,
}

#[derive(Serialize)]
struct RequestPackage<'a> {
    ecosystem: &'static str,
    name: &'a str,
}

/// The documented answer. `others` makes it an object: a list of the same values is something else.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    results: Vec<Matches>,
    #[serde(flatten)]
    _others: HashMap<String, IgnoredAny>,
}

/// An empty object is "no match". A service that could not look may answer with anything else, so `null`, and an object
/// that has neither member, is not an answer.
#[derive(Deserialize)]
struct Matches {
    #[serde(default, deserialize_with = "present")]
    vulns: Option<Vec<Match>>,
    #[serde(default, deserialize_with = "present")]
    next_page_token: Option<String>,
    #[serde(flatten)]
    others: HashMap<String, IgnoredAny>,
}

#[derive(Deserialize)]
struct Match {
    id: String,
}

impl Matches {
    fn is_answer(&self) -> bool {
        self.vulns.is_some() || self.next_page_token.is_some() || self.others.is_empty()
    }
}

/// Unlike an optional value, one that may not be `null`.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

impl<'a> Page<'a> {
    pub(super) fn new(ecosystem: Ecosystem, name: &'a str, version: &'a str) -> Page<'a> {
        let package = RequestPackage { ecosystem: ecosystem.osv_name(), name };
        Page { request: RequestQuery { package, version, page_token: None }, number: 1 }
    }
}

/// The ids of the records that affect each query.
pub(super) async fn matches_of<T: Transport>(
    transport: &T,
    queries: Vec<Page<'_>>,
) -> anyhow::Result<Vec<BTreeSet<String>>> {
    let mut ids: Vec<BTreeSet<String>> = queries.iter().map(|_| BTreeSet::new()).collect();
    let mut open: Vec<(usize, Page<'_>)> = queries.into_iter().enumerate().collect();
    while !open.is_empty() {
        let mut unfinished = Vec::new();
        let mut rest = open.into_iter();
        loop {
            let batch: Vec<(usize, Page<'_>)> = rest.by_ref().take(MAX_QUERIES).collect();
            if batch.is_empty() {
                break;
            }
            let answers = ask(transport, &batch).await?;
            for ((place, mut page), matches) in batch.into_iter().zip(answers) {
                ids[place].extend(matches.vulns.into_iter().flatten().map(|found| found.id));
                let Some(token) = matches.next_page_token.filter(|token| !token.is_empty()) else {
                    continue;
                };
                if page.number == MAX_PAGES {
                    bail!("the OSV API has more than {MAX_PAGES} pages for {}", page.request.package.name);
                }
                page.number += 1;
                page.request.page_token = Some(token);
                unfinished.push((place, page));
            }
        }
        open = unfinished;
    }
    Ok(ids)
}

/// One answer for each query, in order.
async fn ask<T: Transport>(transport: &T, batch: &[(usize, Page<'_>)]) -> anyhow::Result<Vec<Matches>> {
    let request = Request { queries: batch.iter().map(|(_, page)| &page.request).collect() };
    let body = serde_json::to_string(&request).context("write the OSV query")?;
    let json = transport.post("/v1/querybatch", body).await.context("query the OSV API")?;
    let answer: Answer = serde_json::from_slice(&json).context("read the OSV API's answer")?;
    let results = answer.results;
    if results.len() != batch.len() {
        bail!("the OSV API gave {} answers to {} queries", results.len(), batch.len());
    }
    if let Some(place) = results.iter().position(|matches| !matches.is_answer()) {
        let name = batch.get(place).map_or("", |(_, page)| page.request.package.name);
        bail!("the OSV API gave no answer about {}: neither `vulns` nor an empty object", text::clean(name));
    }
    Ok(results)
}
