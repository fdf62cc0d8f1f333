//! From the records that name a package to the advisories of its installed versions.

use std::collections::{BTreeMap, HashMap};

use super::entry::{Entry, Packed};
use super::merge::{Hit, advisories};
use super::queries::Queries;
use super::range::Installed;
use super::{Advisory, MAX_ADVISORIES, Query};
use pipe_packages::package::Ecosystem;

/// The records that name each package, by its slot; none for most packages.
pub(super) type Candidates = BTreeMap<usize, Vec<Packed>>;

/// The advisories of each query, and whether these are all.
pub(super) type Answers = (Vec<Vec<Advisory>>, bool);

pub(super) fn answer(queries: &[Query<'_>], wanted: &Queries<'_>, candidates: Candidates) -> postcard::Result<Answers> {
    let mut results: Vec<Vec<Advisory>> = queries.iter().map(|_| Vec::new()).collect();
    let mut room = Room::new();
    for (slot, packed) in candidates {
        let mut entries = packed.iter().map(Packed::open).collect::<Result<Vec<_>, _>>()?;
        drop(packed);
        keep_newest(&mut entries);
        let mut known: HashMap<&str, usize> = HashMap::new();
        for (place, query) in wanted.of(slot) {
            let advisories = match known.get(query.version) {
                Some(&same) => results[same].clone(),
                None => of_version(query.ecosystem, query.version, &entries),
            };
            if !room.take(advisories.len()) {
                return Ok((results, false));
            }
            results[place] = advisories;
            known.insert(query.version, place);
        }
    }
    Ok((results, true))
}

/// What is left of [`MAX_ADVISORIES`].
pub(super) struct Room(usize);

impl Room {
    pub(super) fn new() -> Room {
        Room(MAX_ADVISORIES)
    }

    /// Whether there is room for so many more.
    pub(super) fn take(&mut self, advisories: usize) -> bool {
        let left = self.0.checked_sub(advisories);
        self.0 = left.unwrap_or(self.0);
        left.is_some()
    }
}

fn of_version(ecosystem: Ecosystem, version: &str, entries: &[Entry]) -> Vec<Advisory> {
    let installed = Installed::new(ecosystem, version);
    let hits: Vec<Hit<'_>> = entries
        .iter()
        .filter(|entry| !entry.withdrawn)
        .map(|entry| hit(&installed, entry))
        .filter(|hit| !hit.matched.is_empty())
        .collect();
    advisories(ecosystem, &installed, &hits)
}

/// The parts of the record that affect the installed version. Empty if none does.
pub(super) fn hit<'a>(installed: &Installed, entry: &'a Entry) -> Hit<'a> {
    Hit { entry, matched: entry.affected.iter().filter(|affected| installed.is_affected(affected)).collect() }
}

/// Of copies of one record, as dumps of several ecosystems hold them, the newest; of equally new ones the first.
pub(super) fn keep_newest(entries: &mut Vec<Entry>) {
    // A stable sort: newest first within an id, and the first of equals stays the first.
    entries.sort_by(|a, b| a.id.cmp(&b.id).then_with(|| b.modified.cmp(&a.modified)));
    entries.dedup_by(|later, kept| later.id == kept.id);
}
