//! Lockfiles brought together: one component for a package wherever it is named, and the graph between them.

use std::collections::HashMap;

use crate::package::{Hash, Package, Scope};
use crate::sbom::purl::{self, Origin};
use crate::sbom::{Bom, Source};

/// A tree's components, sorted, and what depends on what.
pub(super) struct Merged<'a> {
    pub(super) components: Vec<Component<'a>>,
    /// One for each lockfile, by path.
    pub(super) projects: Vec<Project<'a>>,
}

/// One package at one version from one origin.
pub(super) struct Component<'a> {
    /// As the first lockfile (by path) has it.
    pub(super) package: &'a Package,
    pub(super) origin: Origin<'a>,
    /// May be empty.
    pub(super) purl: String,
    /// Unique among components.
    pub(super) reference: String,
    /// By path and line.
    pub(super) places: Vec<Place<'a>>,
    /// Production if it is so anywhere.
    pub(super) scope: Scope,
    /// If it is so everywhere.
    pub(super) optional: bool,
    /// `Some(true)` if it is named by any project.
    pub(super) direct: Option<bool>,
    /// Of all lockfiles, sorted.
    pub(super) hashes: Vec<&'a Hash>,
    /// Indices of components; `None` where no lockfile that names it knows.
    pub(super) depends_on: Option<Vec<usize>>,
}

pub(super) struct Place<'a> {
    pub(super) path: &'a str,
    pub(super) line: u32,
}

/// The project that a lockfile belongs to.
pub(super) struct Project<'a> {
    pub(super) source: &'a Source<'a>,
    /// Unique.
    pub(super) reference: String,
    /// What it asks for itself, as indices of components: for production, and for development only.
    pub(super) direct: Vec<usize>,
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

type Key<'a> = (&'static str, &'a str, &'a str, Origin<'a>);

pub(super) fn merge<'a>(bom: &'a Bom<'a>) -> Merged<'a> {
    let mut sources: Vec<&Source<'_>> = bom.sources.iter().collect();
    sources.sort_by(|a, b| (a.path, a.format).cmp(&(b.path, b.format)));

    let mut seen: HashMap<Key<'a>, usize> = HashMap::new();
    let mut components: Vec<Component<'a>> = Vec::new();
    // For each source, where its packages have gone.
    let mut moved: Vec<Vec<usize>> = Vec::with_capacity(sources.len());
    for source in &sources {
        let indices = source.packages.iter().map(|package| {
            let origin = Origin::new(&package.source, source.path);
            let key = (package.ecosystem.purl_type(), package.name.as_str(), package.version.as_str(), origin.clone());
            let index = *seen.entry(key).or_insert_with(|| {
                components.push(Component::new(package, origin));
                components.len() - 1
            });
            if let Some(component) = components.get_mut(index) {
                component.add(source.path, package);
            }
            index
        });
        moved.push(indices.collect());
    }
    drop(seen);

    let order = sort(&mut components);
    for index in moved.iter_mut().flatten() {
        *index = order.get(*index).copied().unwrap_or_default();
    }
    name(&mut components);

    let projects = sources.iter().zip(&moved).map(|(source, moved)| connect(source, moved, &mut components)).collect();
    for component in &mut components {
        component.finish();
    }
    Merged { components, projects }
}

impl<'a> Component<'a> {
    fn new(package: &'a Package, origin: Origin<'a>) -> Component<'a> {
        let (scope, optional, direct) = (package.scope, package.optional, package.direct);
        let (purl, reference) = (purl::of(package, &origin), String::new());
        Component {
            package,
            origin,
            purl,
            reference,
            places: Vec::new(),
            scope,
            optional,
            direct,
            hashes: Vec::new(),
            depends_on: None,
        }
    }

    fn add(&mut self, path: &'a str, package: &'a Package) {
        self.places.push(Place { path, line: package.line });
        self.hashes.extend(package.hashes.iter().filter(|hash| is_sound(hash)));
        self.optional &= package.optional;
        self.scope = match (self.scope, package.scope) {
            (Scope::Production, _) | (_, Scope::Production) => Scope::Production,
            (Scope::Unknown, _) | (_, Scope::Unknown) => Scope::Unknown,
            (Scope::Development, Scope::Development) => Scope::Development,
        };
        self.direct = match (self.direct, package.direct) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (None, _) | (_, None) => None,
            (Some(false), Some(false)) => Some(false),
        };
    }

    fn finish(&mut self) {
        self.places.sort_by_key(|place| (place.path, place.line));
        self.places.dedup_by_key(|place| (place.path, place.line));
        self.hashes.sort_by_key(|hash| (hash.algorithm, hash.hex.as_str()));
        self.hashes.dedup();
        if let Some(depends_on) = &mut self.depends_on {
            depends_on.sort_unstable();
            depends_on.dedup();
        }
    }
}

/// Sorts, and gives for each old index the new one.
fn sort(components: &mut Vec<Component<'_>>) -> Vec<usize> {
    let mut numbered: Vec<(usize, Component<'_>)> = std::mem::take(components).into_iter().enumerate().collect();
    numbered.sort_by(|(_, a), (_, b)| {
        let key = |component: &Component<'_>| component.package.ecosystem.purl_type();
        key(a)
            .cmp(key(b))
            .then_with(|| a.package.name.cmp(&b.package.name))
            .then_with(|| a.package.version.cmp(&b.package.version))
            .then_with(|| a.origin.cmp(&b.origin))
    });
    let mut order = vec![0; numbered.len()];
    for (new, (old, component)) in numbered.into_iter().enumerate() {
        if let Some(slot) = order.get_mut(old) {
            *slot = new;
        }
        components.push(component);
    }
    order
}

/// The purl is the reference; the few that share one (names that differ only in case, say) are numbered.
fn name(components: &mut [Component<'_>]) {
    let mut taken: HashMap<&str, usize> = HashMap::with_capacity(components.len());
    let numbers: Vec<usize> = components
        .iter()
        .map(|component| {
            let count = taken.entry(component.purl.as_str()).or_insert(0);
            *count += 1;
            *count
        })
        .collect();
    for (component, number) in components.iter_mut().zip(numbers) {
        component.reference = match (component.purl.as_str(), number) {
            ("", number) => format!("unnamed#{number}"),
            (purl, 1) => purl.to_owned(),
            (purl, number) => format!("{purl}#{number}"),
        };
    }
}

/// Adds one lockfile's edges. `moved` says which component each of its packages is.
fn connect<'a>(source: &'a Source<'a>, moved: &[usize], components: &mut [Component<'_>]) -> Project<'a> {
    let mut wanted = vec![false; source.packages.len()];
    // A lockfile in which nothing depends on anything is one that doesn't record it.
    let records = source.packages.iter().any(|package| !package.dependencies.is_empty());
    for (package, from) in source.packages.iter().zip(moved) {
        let targets = package.dependencies.iter().filter_map(|index| Some((*index, *moved.get(*index)?)));
        let mut edges = Vec::new();
        for (index, target) in targets.filter(|(_, target)| target != from) {
            edges.push(target);
            if let Some(wanted) = wanted.get_mut(index) {
                *wanted = true;
            }
        }
        if let (true, Some(component)) = (records, components.get_mut(*from)) {
            component.depends_on.get_or_insert_default().append(&mut edges);
        }
    }
    let mut project = Project {
        source,
        reference: format!("lockfile:{}", source.path),
        direct: Vec::new(),
        development: Vec::new(),
        indirect: Vec::new(),
    };
    for ((package, index), wanted) in source.packages.iter().zip(moved).zip(wanted) {
        match (package.direct, package.scope) {
            (Some(false), _) if wanted => {}
            (Some(false), _) => project.indirect.push(*index),
            // Nothing else asks for it, so the project does.
            (None, _) if wanted => {}
            (_, Scope::Development) => project.development.push(*index),
            (_, Scope::Production | Scope::Unknown) => project.direct.push(*index),
        }
    }
    for list in [&mut project.direct, &mut project.development, &mut project.indirect] {
        list.sort_unstable();
        list.dedup();
    }
    project.development.retain(|index| project.direct.binary_search(index).is_err());
    project
}

/// Both formats reject a checksum of the wrong length, and with it the whole document.
fn is_sound(hash: &Hash) -> bool {
    let length = match hash.algorithm {
        "SHA-1" => 40,
        "SHA-256" => 64,
        "SHA-384" => 96,
        "SHA-512" => 128,
        _ => return false,
    };
    hash.hex.len() == length && hash.hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
