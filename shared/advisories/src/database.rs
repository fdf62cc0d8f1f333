//! The offline sources: a folder of zips, or the index made of one.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use super::census::{Census, coverage};
use super::entry::Packed;
use super::index::{self, Index};
use super::matching::{self, Candidates};
use super::queries::Queries;
use super::range::drop_redundant_versions;
use super::record::{self, Summary, ecosystem_of};
use super::{Coverage, Lookup, OsvError, Query, folder};

/// An opened advisory database.
pub struct Database(Source);

enum Source {
    Zips(Vec<PathBuf>),
    Index(Index),
}

/// What [`compile`] wrote.
#[derive(Debug, Clone, PartialEq)]
pub struct CompileSummary {
    pub coverage: Coverage,
    pub packages: u64,
    /// Of the index file.
    pub bytes: u64,
}

/// Opens a folder of `<any name>/all.zip`, or an index file, whose checksum is verified here. What is wrong inside a
/// zip shows in [`Database::lookup`].
pub fn open(path: &Path) -> Result<Database, OsvError> {
    let metadata = std::fs::metadata(path).map_err(|source| OsvError::Read { path: path.to_owned(), source })?;
    let source = if metadata.is_dir() { Source::Zips(folder::zips(path)?) } else { Source::Index(Index::open(path)?) };
    Ok(Database(source))
}

/// Writes an index of the zips in the folder `from` to the file `to`, whole or not at all.
pub fn compile(from: &Path, to: &Path) -> Result<CompileSummary, OsvError> {
    let metadata = std::fs::metadata(from).map_err(|source| OsvError::Read { path: from.to_owned(), source })?;
    if !metadata.is_dir() {
        return Err(OsvError::unusable(from.display(), "not a folder; an index is made from a folder of zips"));
    }
    let zips = folder::zips(from)?;
    let failed = |source| OsvError::Write { path: to.to_owned(), source };
    let builder = index::Builder::new(to).map_err(failed)?;
    let collected = folder::scan(&zips, &|| false, &|state: &mut Collected, item| {
        let summary: Summary<'_> = serde_json::from_slice(item.json).map_err(|error| error.to_string())?;
        state.census.of(item.zip).count(&summary);
        for (ecosystem, name, mut entry) in record::entries(item.json, |_, _| true)? {
            entry.affected.iter_mut().for_each(|affected| drop_redundant_versions(affected, ecosystem));
            builder.push(&mut state.share, (ecosystem, &name), (item.zip, item.place), &entry)?;
        }
        Ok(())
    })?;
    let (censuses, shares): (Vec<_>, Vec<_>) = collected.into_iter().map(|state| (state.census, state.share)).unzip();
    let coverage = Censuses::coverage(censuses);
    let written = builder.finish(to, &coverage, shares).map_err(failed)?;
    Ok(CompileSummary { coverage, packages: written.packages, bytes: written.bytes })
}

impl Database {
    /// `cancelled` is asked now and then, from any thread. A query of an ecosystem that [`Lookup::coverage`] doesn't
    /// cover has an empty result that means nothing: that is for the caller to refuse.
    pub fn lookup(&self, queries: &[Query<'_>], cancelled: &(dyn Fn() -> bool + Sync)) -> Result<Lookup, OsvError> {
        let wanted = Queries::new(queries);
        let (coverage, candidates) = match &self.0 {
            Source::Zips(zips) => from_zips(zips, &wanted, cancelled)?,
            Source::Index(index) => (index.coverage(), index.entries(&wanted, cancelled)?),
        };
        let (results, is_whole) = matching::answer(queries, &wanted, candidates)
            .map_err(|error| OsvError::unusable("advisories in memory", error))?;
        Ok(Lookup { coverage, results, is_whole })
    }
}

/// A census of each zip, by its place.
#[derive(Default)]
struct Censuses(Vec<Census>);

#[derive(Default)]
struct Collected {
    census: Censuses,
    share: index::Share,
}

#[derive(Default)]
struct Found {
    census: Censuses,
    /// Slot of the package, and place among all records, which must not depend on which thread was faster.
    entries: Vec<(usize, (usize, u64), Packed)>,
}

impl Censuses {
    fn of(&mut self, zip: usize) -> &mut Census {
        if self.0.len() <= zip {
            self.0.resize_with(zip + 1, Census::default);
        }
        &mut self.0[zip]
    }

    fn coverage(all: Vec<Censuses>) -> Coverage {
        let mut together = Censuses::default();
        for (zip, census) in all.iter().flat_map(|one| one.0.iter().enumerate()) {
            together.of(zip).add(census);
        }
        coverage(&together.0)
    }
}

fn from_zips(
    zips: &[PathBuf],
    wanted: &Queries<'_>,
    cancelled: &(dyn Fn() -> bool + Sync),
) -> Result<(Coverage, Candidates), OsvError> {
    let found = folder::scan(zips, cancelled, &|state: &mut Found, item| {
        let summary: Summary<'_> = serde_json::from_slice(item.json).map_err(|error| error.to_string())?;
        state.census.of(item.zip).count(&summary);
        let is_wanted = |ecosystem, name: &str| wanted.slot(ecosystem, name).is_some();
        let names_wanted =
            summary.affected.iter().flatten().filter_map(|affected| affected.package.as_ref()).any(|package| {
                ecosystem_of(&package.ecosystem)
                    .is_some_and(|ecosystem| is_wanted(ecosystem, &ecosystem.canonical_name(&package.name)))
            });
        if names_wanted {
            for (ecosystem, name, entry) in record::entries(item.json, is_wanted)? {
                if let Some(slot) = wanted.slot(ecosystem, &name) {
                    let entry = Packed::new(&entry).map_err(|error| error.to_string())?;
                    state.entries.push((slot, (item.zip, item.place), entry));
                }
            }
        }
        Ok(())
    })?;
    let (censuses, entries): (Vec<_>, Vec<_>) = found.into_iter().map(|state| (state.census, state.entries)).unzip();
    let mut entries: Vec<_> = entries.into_iter().flatten().collect();
    entries.sort_by_key(|(slot, place, _)| (*slot, *place));
    let mut candidates = Candidates::new();
    for (slot, _, entry) in entries {
        candidates.entry(slot).or_default().push(entry);
    }
    Ok((Censuses::coverage(censuses), candidates))
}
