//! The OSV API (<https://google.github.io/osv.dev/api/>): batches of queries give ids, and each id its record.
//!
//! Package name, ecosystem and version are all that leaves the machine. Retries, timeouts and the size of an answer
//! are the transport's.

mod protocol;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _};

pub use self::protocol::Transport;
use self::protocol::{Page, matches_of};
use super::entry::Entry;
use super::merge::{Hit, advisories};
use super::range::Installed;
use super::{Advisory, Coverage, Lookup, Query, matching, record, text};
use pipe_packages::package::Ecosystem;

/// Requests for records under way at once.
const CONCURRENCY: usize = 8;

/// What makes two queries the same to the API.
type Key<'a> = (Ecosystem, std::borrow::Cow<'a, str>, &'a str);

/// Asks the API. It has matched already: a record that it returns for a version counts as affecting it, even where our
/// own evaluation of the ranges can't confirm it. Our matcher then says how severe it is and what fixes it.
pub async fn lookup_api<T: Transport>(transport: &T, queries: &[Query<'_>]) -> anyhow::Result<Lookup> {
    let mut places: HashMap<Key<'_>, usize> = HashMap::new();
    let mut unique: Vec<Key<'_>> = Vec::new();
    let mut answers = Vec::with_capacity(queries.len());
    for query in queries {
        let key = (query.ecosystem, query.ecosystem.canonical_name(query.name), query.version);
        let place = *places.entry(key.clone()).or_insert_with(|| {
            unique.push(key);
            unique.len() - 1
        });
        answers.push(place);
    }
    let pages: Vec<Page<'_>> =
        unique.iter().map(|(ecosystem, name, version)| Page::new(*ecosystem, name, version)).collect();
    let ids = matches_of(transport, pages).await?;
    let records = fetch(transport, &unique, &ids).await?;

    let results: Vec<Vec<Advisory>> = unique
        .iter()
        .enumerate()
        .map(|(place, (ecosystem, _, version))| {
            let mut entries: Vec<Entry> = ids[place]
                .iter()
                .filter_map(|id| records.get(id)?.entries.get(&place).cloned())
                .filter(|entry| !entry.withdrawn)
                .collect();
            matching::keep_newest(&mut entries);
            let installed = Installed::new(*ecosystem, version);
            let hits: Vec<Hit<'_>> = entries.iter().map(|entry| matching::hit(&installed, entry)).collect();
            advisories(*ecosystem, &installed, &hits)
        })
        .collect();
    Ok(Lookup {
        coverage: coverage(queries, &records),
        results: answers.into_iter().map(|place| results[place].clone()).collect(),
    })
}

/// One record, reduced for each of the (unique) queries that it answers.
struct Fetched {
    modified: Option<String>,
    entries: BTreeMap<usize, Entry>,
}

async fn fetch<T: Transport>(
    transport: &T,
    queries: &[Key<'_>],
    ids: &[BTreeSet<String>],
) -> anyhow::Result<BTreeMap<String, Fetched>> {
    let mut wanted: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
    for (place, ids) in ids.iter().enumerate() {
        for id in ids {
            wanted.entry(id).or_default().push(place);
        }
    }
    let mut requests = Vec::new();
    for (id, places) in wanted {
        requests.push(fetch_one(transport, queries, id, places));
    }
    futures_util::stream::iter(requests).buffer_unordered(CONCURRENCY).try_collect().await
}

async fn fetch_one<T: Transport>(
    transport: &T,
    queries: &[Key<'_>],
    id: &str,
    places: Vec<usize>,
) -> anyhow::Result<(String, Fetched)> {
    let json = transport
        .get(&format!("/v1/vulns/{}", text::path_segment(id)))
        .await
        .with_context(|| format!("fetch advisory {}", text::clean(id)))?;
    let fetched = reduce(id, &json, queries, &places)
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("read advisory {} of the OSV API", text::clean(id)))?;
    Ok((id.to_owned(), fetched))
}

fn reduce(id: &str, json: &[u8], queries: &[Key<'_>], places: &[usize]) -> Result<Fetched, String> {
    record::check_size(json)?;
    let mut entries = BTreeMap::new();
    for &place in places {
        let (ecosystem, name, _) = &queries[place];
        let entry = record::entry_for(json, *ecosystem, name)?;
        if entry.id != id {
            return Err(format!("answered with {}", entry.id));
        }
        entries.insert(place, entry);
    }
    let modified = entries.values().next().and_then(|entry| entry.modified.clone());
    Ok(Fetched { modified, entries })
}

fn coverage(queries: &[Query<'_>], records: &BTreeMap<String, Fetched>) -> Coverage {
    // An ecosystem that the API does not know is an error, so it covers every ecosystem that it answered for.
    let ecosystems: BTreeSet<String> = queries.iter().map(|query| query.ecosystem.osv_name().to_owned()).collect();
    Coverage {
        ecosystems,
        date: records.values().filter_map(|record| record.modified.clone()).max(),
        dates: BTreeMap::new(),
        records: records.len() as u64,
        description: "OSV API".to_owned(),
    }
}
