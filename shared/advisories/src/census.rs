//! What a zip covers and how new it is.

use super::Coverage;
use super::record::{Summary, ecosystem_of};
use super::text;
use pipe_packages::package::Ecosystem;

const ECOSYSTEMS: usize = Ecosystem::ALL.len();

/// Counted over the records of one zip. Sets of ecosystems are bit masks over [`Ecosystem::ALL`].
#[derive(Debug, Clone, Default)]
pub(super) struct Census {
    /// Records that name a package of an ecosystem we can match.
    records: u64,
    /// Ecosystems that some record names without any other.
    alone: u8,
    /// Ecosystems that every record names; `None` before the first record.
    common: Option<u8>,
    newest: [Option<String>; ECOSYSTEMS],
    /// Of all records, those of other ecosystems included: how old the zip is.
    newest_of_all: Option<String>,
}

impl Census {
    pub(super) fn count(&mut self, record: &Summary<'_>) {
        let modified = record.modified.as_ref().map(|modified| modified.0.as_ref()).filter(|date| text::is_date(date));
        if modified > self.newest_of_all.as_deref() {
            self.newest_of_all = modified.map(str::to_owned);
        }
        let mut named = 0_u8;
        let mut names_others = false;
        for package in record.affected.iter().flatten().filter_map(|affected| affected.package.as_ref()) {
            match ecosystem_of(&package.ecosystem) {
                Some(ecosystem) => named |= 1 << ecosystem as u8,
                None => names_others = true,
            }
        }
        if named == 0 && !names_others {
            return;
        }
        self.common = Some(self.common.map_or(named, |common| common & named));
        if named == 0 {
            return;
        }
        self.records += 1;
        if named.is_power_of_two() && !names_others {
            self.alone |= named;
        }
        for place in (0..ECOSYSTEMS).filter(|place| named & (1 << place) != 0) {
            if modified > self.newest[place].as_deref() {
                self.newest[place] = modified.map(str::to_owned);
            }
        }
    }

    /// Adds what another thread counted of the same zip.
    pub(super) fn add(&mut self, other: &Census) {
        self.records += other.records;
        self.alone |= other.alone;
        self.common = match (self.common, other.common) {
            (Some(a), Some(b)) => Some(a & b),
            (a, b) => a.or(b),
        };
        if other.newest_of_all > self.newest_of_all {
            self.newest_of_all.clone_from(&other.newest_of_all);
        }
        for place in 0..ECOSYSTEMS {
            if other.newest[place] > self.newest[place] {
                self.newest[place].clone_from(&other.newest[place]);
            }
        }
    }

    /// The dump of one ecosystem holds records that name others beside it, and covers none of these. So an ecosystem
    /// is covered where a record names it alone, which only its own dump holds; in a dump without any such record,
    /// where all records name it.
    fn covered(&self) -> u8 {
        if self.alone != 0 { self.alone } else { self.common.unwrap_or(0) }
    }
}

/// What the zips of one folder cover together.
pub(super) fn coverage(zips: &[Census]) -> Coverage {
    let mut coverage = Coverage { description: "OSV zips".to_owned(), ..Coverage::default() };
    for census in zips {
        coverage.records += census.records;
        for (place, ecosystem) in Ecosystem::ALL.into_iter().enumerate() {
            if census.covered() & (1 << ecosystem as u8) == 0 {
                continue;
            }
            let name = ecosystem.osv_name().to_owned();
            coverage.ecosystems.insert(name.clone());
            // The day a record was packed says nothing of how old it is.
            let Some(date) = &census.newest[place] else { continue };
            let known = coverage.dates.entry(name).or_default();
            if date > known {
                known.clone_from(date);
            }
        }
    }
    coverage.date = zips.iter().filter_map(|census| census.newest_of_all.clone()).max();
    coverage
}
