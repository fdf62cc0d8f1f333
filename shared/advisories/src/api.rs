//! The OSV API (<https://google.github.io/osv.dev/api/>): batches of queries give ids, and each id its record.
//!
//! Package name, ecosystem and version are all that leaves the machine. Retries, timeouts and the size of an answer
//! are the transport's.

mod protocol;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet, HashMap, btree_map};

use anyhow::Context as _;
use futures_util::{StreamExt as _, TryStreamExt as _};

pub use self::protocol::Transport;
use self::protocol::{Page, matches_of};
use super::entry::{Entry, Packed};
use super::matching::{self, Room};
use super::merge::{Hit, advisories};
use super::range::Installed;
use super::{Advisory, Coverage, Lookup, Query, record, text};
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

    let mut results: Vec<Vec<Advisory>> = queries.iter().map(|_| Vec::new()).collect();
    let mut room = Room::new();
    let mut is_whole = true;
    for (place, result) in answers.into_iter().zip(&mut results) {
        let advisories = advisories_of(&unique[place], &ids[place], &records)?;
        is_whole = room.take(advisories.len());
        if !is_whole {
            break;
        }
        *result = advisories;
    }
    Ok(Lookup { coverage: coverage(queries, &records), results, is_whole })
}

fn advisories_of(
    (ecosystem, name, version): &Key<'_>,
    ids: &BTreeSet<String>,
    records: &BTreeMap<String, Fetched<'_>>,
) -> anyhow::Result<Vec<Advisory>> {
    let mut entries = Vec::new();
    for packed in ids.iter().filter_map(|id| records.get(id)?.entries.get(&(*ecosystem, name.as_ref()))) {
        entries.push(packed.open().context("unpack an advisory of the OSV API")?);
    }
    entries.retain(|entry: &Entry| !entry.withdrawn);
    matching::keep_newest(&mut entries);
    let installed = Installed::new(*ecosystem, version);
    let hits: Vec<Hit<'_>> = entries.iter().map(|entry| matching::hit(&installed, entry)).collect();
    Ok(advisories(*ecosystem, &installed, &hits))
}

/// A package as queries name it.
type Name<'a> = (Ecosystem, &'a str);

/// One record, reduced for each package that it answers for.
struct Fetched<'a> {
    modified: Option<String>,
    entries: BTreeMap<Name<'a>, Packed>,
}

async fn fetch<'a, T: Transport>(
    transport: &T,
    queries: &'a [Key<'_>],
    ids: &[BTreeSet<String>],
) -> anyhow::Result<BTreeMap<String, Fetched<'a>>> {
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

async fn fetch_one<'a, T: Transport>(
    transport: &T,
    queries: &'a [Key<'_>],
    id: &str,
    places: Vec<usize>,
) -> anyhow::Result<(String, Fetched<'a>)> {
    let json = transport
        .get(&format!("/v1/vulns/{}", text::path_segment(id)))
        .await
        .with_context(|| format!("fetch advisory {}", text::clean(id)))?;
    let fetched = reduce(id, &json, queries, &places)
        .map_err(anyhow::Error::msg)
        .with_context(|| format!("read advisory {} of the OSV API", text::clean(id)))?;
    Ok((id.to_owned(), fetched))
}

fn reduce<'a>(id: &str, json: &[u8], queries: &'a [Key<'_>], places: &[usize]) -> Result<Fetched<'a>, String> {
    record::check_size(json)?;
    let mut fetched = Fetched { modified: None, entries: BTreeMap::new() };
    for &place in places {
        let (ecosystem, name, _) = &queries[place];
        let btree_map::Entry::Vacant(vacant) = fetched.entries.entry((*ecosystem, name.as_ref())) else { continue };
        let entry = record::entry_for(json, *ecosystem, name)?;
        if entry.id != id {
            return Err(format!("answered with {}", entry.id));
        }
        vacant.insert(Packed::new(&entry).map_err(|error| error.to_string())?);
        fetched.modified = entry.modified;
    }
    Ok(fetched)
}

fn coverage(queries: &[Query<'_>], records: &BTreeMap<String, Fetched<'_>>) -> Coverage {
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
