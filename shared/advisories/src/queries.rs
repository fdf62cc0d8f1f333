//! Which packages are asked for: each name once, with the queries that ask for it.

use std::hash::BuildHasher;
use std::iter::successors;

use hashbrown::hash_table::Entry;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::Query;
use pipe_packages::package::Ecosystem;

/// A package that is asked for is known by its slot: the place of one of its queries in the list.
pub(super) struct Queries<'a> {
    queries: &'a [Query<'a>],
    slots: HashTable<u32>,
    /// By query: another one of the same package.
    others: Vec<Option<u32>>,
    hasher: DefaultHashBuilder,
}

impl<'a> Queries<'a> {
    pub(super) fn new(queries: &'a [Query<'a>]) -> Queries<'a> {
        let hasher = DefaultHashBuilder::default();
        let key = |place: u32| {
            let query = &queries[place as usize];
            (query.ecosystem, query.ecosystem.canonical_name(query.name))
        };
        let mut slots: HashTable<u32> = HashTable::with_capacity(queries.len());
        let mut others = vec![None; queries.len()];
        for (place, other) in (0..).zip(&mut others) {
            let same = |slot: &u32| key(*slot) == key(place);
            match slots.entry(hasher.hash_one(key(place)), same, |slot| hasher.hash_one(key(*slot))) {
                Entry::Occupied(mut slot) => *other = Some(std::mem::replace(slot.get_mut(), place)),
                Entry::Vacant(slot) => drop(slot.insert(place)),
            }
        }
        Queries { queries, slots, others, hasher }
    }

    /// `name` must be normalised.
    pub(super) fn slot(&self, ecosystem: Ecosystem, name: &str) -> Option<usize> {
        let same = |slot: &u32| {
            let query = &self.queries[*slot as usize];
            query.ecosystem == ecosystem && query.ecosystem.canonical_name(query.name) == name
        };
        self.slots.find(self.hasher.hash_one((ecosystem, name)), same).map(|slot| *slot as usize)
    }

    /// Every query of the package in a slot, with its place.
    pub(super) fn of(&self, slot: usize) -> impl Iterator<Item = (usize, &'a Query<'a>)> {
        successors(Some(slot), |place| self.others[*place].map(|other| other as usize))
            .map(|place| (place, &self.queries[place]))
    }
}

#[cfg(test)]
mod tests {
    use super::{Queries, Query};
    use pipe_packages::package::Ecosystem;

    #[test]
    fn a_package_asked_for_twice_has_one_slot() {
        let query = |ecosystem, name| Query { ecosystem, name, version: "1" };
        let queries = [query(Ecosystem::PyPi, "A.b"), query(Ecosystem::Npm, "a-b"), query(Ecosystem::PyPi, "a-b")];
        let wanted = Queries::new(&queries);
        let slot = wanted.slot(Ecosystem::PyPi, "a-b").unwrap();
        let mut places: Vec<usize> = wanted.of(slot).map(|(place, _)| place).collect();
        places.sort_unstable();
        assert_eq!(places, [0, 2]);
        assert_eq!(wanted.slot(Ecosystem::Npm, "a-b"), Some(1));
        assert_eq!(wanted.of(1).count(), 1);
        assert_eq!(wanted.slot(Ecosystem::Go, "a-b"), None);
    }
}
