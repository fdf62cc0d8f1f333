//! Lockfiles brought together: one component for a package wherever it is named, and the graph between them.
//!
//! Only what all lockfiles share is in memory: components, and the different lists of dependencies. Places, and what each
//! project asks for, are read from the listings when they are written.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};

use hashbrown::HashTable;
use hashbrown::hash_table;

use crate::package::{Locked, Scope};
use crate::sbom::arena::Arena;
use crate::sbom::purl::{self, Origin};
use crate::sbom::{Bom, Source};
use crate::store::{DependencyList, PackageId, Row, Store};

/// How many places are in memory at once. So few in tests that every tree needs more than one load.
const MAX_PLACES: usize = if cfg!(test) { 3 } else { 128 * 1024 };

/// A tree's components, sorted, and what depends on what.
pub(super) struct Merged<'a> {
    pub(super) store: &'a Store,
    pub(super) components: Vec<Component<'a>>,
    /// One for each lockfile, by path.
    pub(super) projects: Vec<Project<'a>>,
    /// Of each component, in their order; may be empty, and several may share one.
    purls: Arena,
    /// The component of each package.
    moved: Vec<u32>,
    /// The packages of each component (several if their checksums differ), by component.
    packages: Vec<(u32, PackageId)>,
    /// The different lists of dependencies of each component, sorted.
    edges: Vec<(u32, DependencyList)>,
}

/// One package at one version from one origin.
pub(super) struct Component<'a> {
    /// Any of those that it stands for. They differ in their checksums only.
    pub(super) package: PackageId,
    pub(super) origin: Origin<'a>,
    /// Production if it is so anywhere.
    pub(super) scope: Scope,
    /// If it is so everywhere.
    pub(super) optional: bool,
    /// `Some(true)` if it is named by any project.
    pub(super) direct: Option<bool>,
    /// Whether any lockfile that names it records dependencies.
    pub(super) has_graph: bool,
    /// From 1: which of those with the same package URL it is.
    number: u32,
    /// How often lockfiles name it.
    places: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) path: &'a str,
    pub(super) line: u32,
}

/// The project that a lockfile belongs to.
pub(super) struct Project<'a> {
    pub(super) source: &'a Source<'a>,
    /// Unique.
    pub(super) reference: String,
}

/// What a project asks for itself, as indices of components, each list sorted.
#[derive(Default)]
pub(super) struct Asked {
    pub(super) direct: Vec<usize>,
    /// For development only.
    pub(super) development: Vec<usize>,
    /// What it locks although neither the project nor another package is known to ask for it.
    pub(super) indirect: Vec<usize>,
}

impl Project<'_> {
    /// The project's name, or its lockfile's path.
    pub(super) fn name(&self) -> &str {
        self.source.root.map(|(name, _)| name).filter(|name| !name.is_empty()).unwrap_or(self.source.path)
    }

    pub(super) fn version(&self) -> &str {
        self.source.root.map_or("", |(_, version)| version)
    }
}

pub(super) fn merge<'a>(bom: &'a Bom<'a>) -> Merged<'a> {
    let mut sources: Vec<&Source<'_>> = bom.sources.iter().collect();
    sources.sort_by(|a, b| (a.path, a.format).cmp(&(b.path, b.format)));
    let projects: Vec<Project<'_>> =
        sources.into_iter().map(|source| Project { source, reference: format!("lockfile:{}", source.path) }).collect();
    let mut merged = Merged {
        store: bom.packages,
        components: Vec::new(),
        projects,
        purls: Arena::default(),
        moved: vec![0; bom.packages.len()],
        packages: Vec::new(),
        edges: Vec::new(),
    };
    merged.make_components();
    merged.name();
    merged.collect();
    merged
}

impl<'a> Merged<'a> {
    /// One component for all packages that share name, version and origin.
    fn make_components(&mut self) {
        let mut named: Vec<PackageId> = Vec::with_capacity(self.moved.len());
        let mut seen = vec![false; self.moved.len()];
        for project in &self.projects {
            for row in self.store.rows(project.source.listing) {
                if seen.get_mut(row.package.index()).is_some_and(|seen| !std::mem::replace(seen, true)) {
                    named.push(row.package);
                }
            }
        }
        let origin =
            |id: PackageId| self.store.package(id).map(|package| Origin::new(package.source, self.store.base(id)));
        named.sort_by(|a, b| self.store.compare(*a, *b).then_with(|| origin(*a).cmp(&origin(*b))));
        let mut last: Option<PackageId> = None;
        for id in named {
            let Some(package) = self.store.package(id) else { continue };
            let origin = Origin::new(package.source, self.store.base(id));
            let is_same = |last: PackageId| {
                self.store.compare(last, id).is_eq() && self.components.last().is_some_and(|last| last.origin == origin)
            };
            if !last.is_some_and(is_same) {
                self.purls.push(&purl::of(&package, &origin));
                self.components.push(Component::new(id, origin));
            }
            let component = self.components.len() as u32 - 1;
            if let Some(slot) = self.moved.get_mut(id.index()) {
                *slot = component;
            }
            self.packages.push((component, id));
            last = Some(id);
        }
    }

    /// The purl is the reference; the few that share one (names that differ only in case, say) are numbered.
    fn name(&mut self) {
        let hasher = RandomState::new();
        // The last component of each purl.
        let mut taken: HashTable<u32> = HashTable::with_capacity(self.components.len());
        for index in 0..self.components.len() {
            let purl = self.purls.get(index);
            let is_same = |other: &u32| self.purls.get(*other as usize) == purl;
            let rehash = |other: &u32| hasher.hash_one(self.purls.get(*other as usize));
            let number = match taken.entry(hasher.hash_one(purl), is_same, rehash) {
                hash_table::Entry::Occupied(mut before) => {
                    let before = std::mem::replace(before.get_mut(), index as u32);
                    self.components.get(before as usize).map_or(1, |before| before.number + 1)
                }
                hash_table::Entry::Vacant(vacant) => {
                    vacant.insert(index as u32);
                    1
                }
            };
            if let Some(component) = self.components.get_mut(index) {
                component.number = number;
            }
        }
    }

    /// Brings together what the lockfiles say of each component.
    fn collect(&mut self) {
        let mut seen = vec![false; self.store.entries()];
        for project in &self.projects {
            let listing = project.source.listing;
            let has_graph = self.store.records_dependencies(listing);
            for row in self.store.rows(listing) {
                let at = self.component_of(row.package);
                if seen.get_mut(row.number as usize).is_some_and(|seen| !std::mem::replace(seen, true)) {
                    self.edges.push((at as u32, row.dependencies));
                }
                if let Some(component) = self.components.get_mut(at) {
                    component.add(&row, has_graph);
                }
            }
        }
        self.edges.sort_unstable();
        self.edges.dedup();
    }

    fn component_of(&self, package: PackageId) -> usize {
        self.moved.get(package.index()).map_or(0, |component| *component as usize)
    }

    /// Empty if the component has no name.
    pub(super) fn purl(&self, component: usize) -> &str {
        self.purls.get(component)
    }

    /// Unique among components.
    pub(super) fn reference(&self, component: usize) -> Cow<'_, str> {
        let number = self.components.get(component).map_or(0, |component| component.number);
        match (self.purl(component), number) {
            ("", number) => format!("unnamed#{number}").into(),
            (purl, 1) => purl.into(),
            (purl, number) => format!("{purl}#{number}").into(),
        }
    }

    /// The name and version of a component.
    pub(super) fn package(&self, component: &Component<'_>) -> Option<Locked<'a>> {
        self.store.package(component.package)
    }

    /// The checksums of a component from all lockfiles, sorted.
    pub(super) fn hashes(&self, component: usize) -> Vec<&'a [u8]> {
        let packages = range(&self.packages, |(of, _)| *of as usize, component);
        let mut hashes: Vec<&[u8]> = packages.iter().flat_map(|(_, package)| self.store.hashes(*package)).collect();
        hashes.sort_unstable_by_key(|hash| (hash.len(), *hash));
        hashes.dedup();
        hashes
    }

    /// What a component depends on, as sorted indices of components; `None` if no lockfile that names it knows.
    pub(super) fn depends_on(&self, component: usize) -> Option<Vec<usize>> {
        self.components.get(component).filter(|component| component.has_graph)?;
        let mut targets: Vec<usize> = range(&self.edges, |(of, _)| *of as usize, component)
            .iter()
            .flat_map(|(_, list)| self.store.dependencies(*list))
            .map(|package| self.component_of(package))
            .filter(|target| *target != component)
            .collect();
        targets.sort_unstable();
        targets.dedup();
        Some(targets)
    }

    /// What the project of a lockfile asks for.
    pub(super) fn asked(&self, project: usize) -> Asked {
        let mut asked = Asked::default();
        let Some(listing) = self.projects.get(project).map(|project| project.source.listing) else { return asked };
        let mut wanted = vec![false; self.components.len()];
        for row in self.store.rows(listing) {
            let own = self.component_of(row.package);
            let targets = self.store.dependencies(row.dependencies).map(|target| self.component_of(target));
            for target in targets.filter(|target| *target != own) {
                if let Some(wanted) = wanted.get_mut(target) {
                    *wanted = true;
                }
            }
        }
        for row in self.store.rows(listing) {
            let component = self.component_of(row.package);
            let is_wanted = wanted.get(component) == Some(&true);
            match (row.direct, row.scope) {
                (Some(false), _) if is_wanted => {}
                (Some(false), _) => asked.indirect.push(component),
                // Nothing else asks for it, so the project does.
                (None, _) if is_wanted => {}
                (_, Scope::Development) => asked.development.push(component),
                (_, Scope::Production | Scope::Unknown) => asked.direct.push(component),
            }
        }
        for list in [&mut asked.direct, &mut asked.development, &mut asked.indirect] {
            list.sort_unstable();
            list.dedup();
        }
        asked.development.retain(|index| asked.direct.binary_search(index).is_err());
        asked
    }

    /// Every component with its places, by path and line. Only some of all places are in memory at a time.
    pub(super) fn placed(&self) -> impl Iterator<Item = (usize, &Component<'a>, Vec<Place<'a>>)> {
        let mut loaded: Vec<(u32, u32, u32)> = Vec::new();
        let mut end = 0;
        self.components.iter().enumerate().map(move |(index, component)| {
            if index >= end {
                end = self.load(index, &mut loaded);
            }
            let own = range(&loaded, |(component, ..)| *component as usize, index).iter();
            let place = |(_, project, line): &(u32, u32, u32)| {
                let path = self.projects.get(*project as usize)?.source.path;
                Some(Place { path, line: *line })
            };
            (index, component, own.filter_map(place).collect())
        })
    }

    /// Reads the places of a component and as many after it as fit; gives the first that does not.
    fn load(&self, start: usize, loaded: &mut Vec<(u32, u32, u32)>) -> usize {
        let mut count = 0;
        let beyond = |component: &Component<'_>| {
            let is_first = count == 0;
            count += component.places;
            !is_first && count > MAX_PLACES
        };
        let rest = self.components.get(start..).unwrap_or_default();
        let end = rest.iter().position(beyond).map_or(self.components.len(), |more| start + more);
        loaded.clear();
        for (project, number) in self.projects.iter().zip(0..) {
            for row in self.store.rows(project.source.listing) {
                let component = self.component_of(row.package);
                if (start..end).contains(&component) {
                    loaded.push((component as u32, number, row.line));
                }
            }
        }
        loaded.sort_unstable();
        loaded.dedup();
        end
    }
}

impl<'a> Component<'a> {
    fn new(package: PackageId, origin: Origin<'a>) -> Component<'a> {
        Component {
            package,
            origin,
            scope: Scope::Development,
            optional: true,
            direct: Some(false),
            has_graph: false,
            number: 1,
            places: 0,
        }
    }

    fn add(&mut self, row: &Row, has_graph: bool) {
        self.places += 1;
        self.has_graph |= has_graph;
        self.optional &= row.optional;
        self.scope = match (self.scope, row.scope) {
            (Scope::Production, _) | (_, Scope::Production) => Scope::Production,
            (Scope::Unknown, _) | (_, Scope::Unknown) => Scope::Unknown,
            (Scope::Development, Scope::Development) => Scope::Development,
        };
        self.direct = match (self.direct, row.direct) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (None, _) | (_, None) => None,
            (Some(false), Some(false)) => Some(false),
        };
    }
}

/// The part of a list that belongs to `component`, by which it is sorted.
fn range<T>(list: &[T], of: impl Fn(&T) -> usize, component: usize) -> &[T] {
    let start = list.partition_point(|item| of(item) < component);
    let rest = list.get(start..).unwrap_or_default();
    rest.get(..rest.partition_point(|item| of(item) == component)).unwrap_or_default()
}
