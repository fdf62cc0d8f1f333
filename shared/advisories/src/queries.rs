//! Which packages are asked for: each name once, with the queries that ask for it.

use std::borrow::Cow;
use std::collections::HashMap;

use super::Query;
use pipe_packages::package::Ecosystem;

/// A slot is the place of a package in [`Queries::packages`].
pub(super) struct Queries<'a> {
    slots: [HashMap<Cow<'a, str>, usize>; Ecosystem::ALL.len()],
    packages: Vec<QueriedPackage>,
}

pub(super) struct QueriedPackage {
    pub(super) ecosystem: Ecosystem,
    /// Places in the list of queries.
    pub(super) queries: Vec<usize>,
}

impl<'a> Queries<'a> {
    pub(super) fn new(queries: &[Query<'a>]) -> Queries<'a> {
        let mut wanted = Queries { slots: Default::default(), packages: Vec::new() };
        for (place, query) in queries.iter().enumerate() {
            let ecosystem = query.ecosystem;
            let slots = &mut wanted.slots[ecosystem as usize];
            let slot = *slots.entry(ecosystem.canonical_name(query.name)).or_insert_with(|| {
                wanted.packages.push(QueriedPackage { ecosystem, queries: Vec::new() });
                wanted.packages.len() - 1
            });
            wanted.packages[slot].queries.push(place);
        }
        wanted
    }

    /// `name` must be normalised.
    pub(super) fn slot(&self, ecosystem: Ecosystem, name: &str) -> Option<usize> {
        self.slots[ecosystem as usize].get(name).copied()
    }

    pub(super) fn packages(&self) -> &[QueriedPackage] {
        &self.packages
    }
}

#[cfg(test)]
mod tests {
    use super::{Queries, Query};
    use pipe_packages::package::Ecosystem;

    #[test]
    fn a_package_asked_for_twice_has_one_slot() {
        let query = |ecosystem, name| Query { ecosystem, name, version: "1" };
        let wanted =
            Queries::new(&[query(Ecosystem::PyPi, "A.b"), query(Ecosystem::Npm, "a-b"), query(Ecosystem::PyPi, "a-b")]);
        assert_eq!(wanted.packages().len(), 2);
        assert_eq!(wanted.packages()[0].queries, [0, 2]);
        assert_eq!(wanted.slot(Ecosystem::Npm, "a-b"), Some(1));
        assert_eq!(wanted.slot(Ecosystem::Go, "a-b"), None);
    }
}
