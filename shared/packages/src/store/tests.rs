use proptest::prelude::*;

use super::{Listing, MAX_ENTRIES, MAX_PACKAGES, MAX_TEXT, Store, TooMany};
use crate::package::{Ecosystem, Hash, Locked, Package, Scope, Source};

fn package(name: &str) -> Package {
    Package {
        ecosystem: Ecosystem::Npm,
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        source: Source::Registry,
        line: 1,
        scope: Scope::Production,
        optional: false,
        direct: None,
        dependencies: Vec::new(),
        hashes: Vec::new(),
        folder: None,
    }
}

fn back(store: &Store, listing: &Listing) -> Vec<(String, u32, Vec<String>)> {
    let name = |package: Locked<'_>| format!("{}@{}", package.name, package.version);
    let row = |row: super::Row| {
        let targets = store.dependencies(row.dependencies).map(|id| name(store.package(id).unwrap())).collect();
        (name(store.package(row.package).unwrap()), row.line, targets)
    };
    store.rows(listing).map(row).collect()
}

#[test]
fn what_lockfiles_share_is_kept_once() {
    let mut packages: Vec<Package> = (0..1000).map(|n| package(&format!("p{n}"))).collect();
    for (n, package) in packages.iter_mut().enumerate() {
        (package.line, package.dependencies) = (10 * n as u32, vec![(n + 1) % 1000, (n + 7) % 1000]);
        package.dependencies.sort_unstable();
        package.source = Source::Url("https://registry.example/foo".to_owned());
    }
    let mut store = Store::default();
    let one = store.add("a/package-lock.json", &packages, 0).unwrap();
    let (used, entries) = (store.used, store.entries());
    let two = store.add("b/package-lock.json", &packages, 0).unwrap();
    assert_eq!((store.len(), store.used, store.entries()), (1000, used, entries));
    assert_eq!(back(&store, &one), back(&store, &two));
    assert_eq!(back(&store, &one)[3].2, ["p4@1.0.0", "p10@1.0.0"]);
}

#[test]
fn packages_that_lie_beside_a_lockfile_are_those_of_its_folder() {
    let member = |name| Package { source: Source::Path("../lib".to_owned()), ..package(name) };
    let mut store = Store::default();
    store.add("a/package-lock.json", &[member("lib")], 0).unwrap();
    store.add("a/npm-shrinkwrap.json", &[member("lib")], 0).unwrap();
    assert_eq!(store.len(), 1);
    let other = store.add("b/package-lock.json", &[member("lib")], 0).unwrap();
    assert_eq!(store.len(), 2);
    let (id, _) = store.locked(&other).next().unwrap();
    assert_eq!(store.base(id), "b");
}

#[test]
fn each_bound_is_met_and_named() {
    let named = |range: std::ops::Range<usize>| range.map(|n| package(&n.to_string())).collect::<Vec<_>>();
    let mut store = Store::default();
    store.add("a", &named(0..MAX_PACKAGES), 0).unwrap();
    store.add("b", &named(0..MAX_PACKAGES), 0).unwrap();
    let error = store.add("c", &named(MAX_PACKAGES..MAX_PACKAGES + 1), 0).unwrap_err();
    assert_eq!(error, TooMany::Packages);
    assert_eq!(error.to_string(), "the lockfiles have more than 150000 different packages");

    let mut store = Store::default();
    let folder = |n: usize| Package { folder: Some(n.to_string().into()), ..package("a") };
    store.add("a", &(0..MAX_ENTRIES).map(folder).collect::<Vec<_>>(), 0).unwrap();
    assert_eq!(store.add("b", &[folder(MAX_ENTRIES)], 0).unwrap_err(), TooMany::Entries);

    let text = "x".repeat(MAX_TEXT);
    for long in [package(&text), Package { source: Source::Git(text.clone()), ..package("a") }] {
        assert_eq!(Store::default().add("a", std::slice::from_ref(&long), 0).unwrap_err(), TooMany::Text);
        let mut store = Store::default();
        assert!(store.add("a", &[long], 100).is_ok(), "a lockfile alone is never too large");
        assert!(store.add("b", &[package("b")], 10).is_ok(), "nor is a small one after it");
    }
}

fn any_package() -> impl Strategy<Value = Package> {
    let source = prop_oneof![
        Just(Source::Registry),
        Just(Source::Workspace),
        "[ab]{0,2}".prop_map(Source::Path),
        "[ab]{0,2}".prop_map(Source::Url),
        "[ab]{0,2}".prop_map(Source::Git),
    ];
    let scope = prop_oneof![Just(Scope::Production), Just(Scope::Development), Just(Scope::Unknown)];
    let place = (any::<u32>(), scope, any::<bool>(), any::<Option<bool>>());
    let folder = proptest::option::of("[ab]{0,2}".prop_map(Into::into));
    let edges = proptest::collection::btree_set(0..8_usize, 0..4);
    let hashes = proptest::collection::vec(
        prop_oneof![Just(20), Just(64)].prop_map(|length| Hash::new(vec![7; length]).unwrap()),
        0..3,
    );
    (0..4_usize, "[ab]{0,2}", "[12]{0,1}", source, place, folder, edges, hashes).prop_map(
        |(ecosystem, name, version, source, (line, scope, optional, direct), folder, edges, hashes)| Package {
            ecosystem: Ecosystem::ALL[ecosystem],
            name,
            version,
            source,
            line,
            scope,
            optional,
            direct,
            dependencies: edges.into_iter().collect(),
            hashes,
            folder,
        },
    )
}

proptest! {
    #[test]
    fn lockfiles_come_back_as_they_were(
        lockfiles in proptest::collection::vec(proptest::collection::vec(any_package(), 0..8), 0..4),
    ) {
        let mut store = Store::default();
        let listings: Vec<Listing> =
            lockfiles.iter().enumerate().map(|(n, all)| store.add(&format!("{n}/x"), all, 0).unwrap()).collect();
        for (packages, listing) in lockfiles.iter().zip(&listings) {
            let locked: Vec<_> = store.locked(listing).collect();
            prop_assert_eq!(locked.len(), listing.len());
            prop_assert_eq!(
                locked.iter().map(|(_, locked)| *locked).collect::<Vec<_>>(),
                packages.iter().map(Package::locked).collect::<Vec<_>>()
            );
            for (row, package) in store.rows(listing).zip(packages) {
                let mut expected: Vec<_> =
                    package.dependencies.iter().filter_map(|index| locked.get(*index)).map(|(id, _)| *id).collect();
                expected.sort_unstable();
                expected.dedup();
                prop_assert_eq!(store.dependencies(row.dependencies).collect::<Vec<_>>(), expected);
                prop_assert_eq!(
                    store.hashes(row.package).collect::<Vec<_>>(),
                    package.hashes.iter().map(Hash::bytes).collect::<Vec<_>>()
                );
            }
        }
    }
}
