//! What both forms of the lockfile share: from entries to packages and the graph of them.

use std::borrow::Cow;

use super::super::npm::notes::other_files;
use super::super::text::excerpt;
use super::super::{Input, MAX_PACKAGES, ParseError, Parsed, graph, no_packages};
use super::syntax::{Block, Blocks};
use super::table::Table;
use crate::package::{Ecosystem, Package, Scope, Source};
use pipe_core::text::first_and_more;

/// What differs between the versions of Yarn.
pub(super) trait Dialect {
    /// The patterns of an entry, each once.
    fn patterns<'a>(&self, block: &Block<'a>) -> Vec<Cow<'a, str>>;

    /// Patterns that lead to the entry as well, unless another one has them.
    fn further_patterns(&self, block: &Block<'_>) -> Vec<String>;

    /// # Errors
    /// When the entry is broken.
    fn place(&self, block: &Block<'_>) -> Result<Place, ParseError>;

    /// What an entry asks for.
    ///
    /// # Errors
    /// When a line of it is broken.
    fn wants<'a>(&self, block: &Block<'a>) -> Result<Vec<Want<'a>>, ParseError>;

    /// The entry that a name and a range lead to.
    fn find(&self, table: &Table<'_>, name: &str, range: &str) -> Option<usize>;

    /// Whether what a range leads to has no entry: a folder of the machine.
    fn is_outside(&self, range: &str) -> bool;
}

/// A dependency of an entry.
pub(super) struct Want<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) range: Cow<'a, str>,
    pub(super) optional: bool,
    pub(super) line: u32,
}

/// What an entry is.
pub(super) enum Place {
    Metadata,
    Package {
        package: Box<Package>,
        /// What is installed is called otherwise.
        is_another: bool,
    },
    /// A part of the project in this folder; the project itself if that is empty.
    Part(String, Box<Package>),
    /// A package with changes: the pattern of what is changed, and the package if no entry has the pattern.
    Patch(String, Box<Package>),
}

/// The project, or a member of it.
pub(super) struct Part {
    /// Relative to the lockfile's folder; empty for the project itself.
    pub(super) folder: String,
    /// The number of its entry in the lockfile, if that lists the parts of the project.
    pub(super) entry: Option<usize>,
    /// The package that it is.
    pub(super) package: Option<usize>,
    /// By its entry: name, whether it may be absent, and the packages that it leads to.
    pub(super) wanted: Vec<(String, bool, Vec<usize>)>,
}

/// The entries by their patterns.
pub(super) struct Lock<'a> {
    pub(super) dialect: &'a dyn Dialect,
    table: Table<'a>,
    /// Of each entry, the package that it is.
    places: Vec<Option<usize>>,
    /// Names for which the project forces a version, whatever is asked for.
    pub(super) forced: Vec<String>,
}

impl Lock<'_> {
    /// The packages that a dependency leads to; `None` if there is no entry for it. The project itself is not a package.
    pub(super) fn find(&self, name: &str, range: &str) -> Option<Vec<usize>> {
        let by_name = || match range.starts_with("catalog:") || self.forced.iter().any(|forced| forced == name) {
            true => self.table.named(name).to_vec(),
            false => Vec::new(),
        };
        let blocks = self.dialect.find(&self.table, name, range).map_or_else(by_name, |block| vec![block]);
        let packages = || blocks.iter().filter_map(|block| self.places.get(*block).copied().flatten()).collect();
        (!blocks.is_empty()).then(packages)
    }
}

/// What every entry of a registry has.
pub(super) fn package(name: &str, version: &str, source: Source, line: u32) -> Package {
    Package {
        ecosystem: Ecosystem::Npm,
        name: name.to_owned(),
        version: version.to_owned(),
        source,
        line,
        scope: Scope::Unknown,
        direct: None,
        dependencies: Vec::new(),
        hashes: Vec::new(),
        optional: false,
        // not in the lockfile
        folder: Some("".into()),
    }
}

/// The packages, the table of patterns, and the parts of the project that have entries.
pub(super) fn entries<'a>(
    dialect: &'a dyn Dialect,
    input: &Input<'a>,
) -> Result<(Parsed, Lock<'a>, Vec<Part>), ParseError> {
    let mut parsed = Parsed::default();
    let mut lock = Lock { dialect, table: Table::default(), places: Vec::new(), forced: Vec::new() };
    let (mut patches, mut parts, mut others, mut further) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (number, block) in Blocks::new(input.body()).enumerate() {
        let block = block?;
        if parsed.packages.len() == MAX_PACKAGES {
            return Err(ParseError::at(block.line, format!("more than {MAX_PACKAGES} packages")));
        }
        let place = dialect.place(&block)?;
        if !matches!(place, Place::Metadata) {
            for pattern in dialect.patterns(&block) {
                lock.table.add(pattern, number, block.line)?;
            }
            for pattern in dialect.further_patterns(&block) {
                further.push((pattern, number));
            }
        }
        let mut index = None;
        match place {
            Place::Metadata => {}
            Place::Part(folder, package) => {
                if !folder.is_empty() {
                    index = Some(parsed.packages.len());
                    parsed.packages.push(*package);
                }
                parts.push(Part { folder, entry: Some(number), package: index, wanted: Vec::new() });
            }
            Place::Package { package, is_another } => {
                if is_another {
                    others.push(package.name.clone());
                }
                index = Some(parsed.packages.len());
                parsed.packages.push(*package);
            }
            Place::Patch(of, package) => patches.push((number, of, package)),
        }
        lock.places.push(index);
    }
    for (pattern, number) in further {
        lock.table.add_if_free(pattern, number);
    }
    for (number, of, package) in patches {
        let base = lock.table.find(&of).and_then(|block| lock.places.get(block).copied().flatten());
        let index = base.unwrap_or(parsed.packages.len());
        if base.is_none() {
            parsed.packages.push(*package);
        }
        if let Some(place) = lock.places.get_mut(number) {
            *place = Some(index);
        }
    }
    let way_out = "Remove their entries, run `yarn install`, and look at what changes.";
    parsed.warnings.extend(other_files(input, &others, "Yarn", way_out));
    if parsed.packages.is_empty() {
        parsed.warnings.push(no_packages(input));
    }
    Ok((parsed, lock, parts))
}

/// Gives each package what it depends on, and each part of the project that has an entry what it asks for.
pub(super) fn link(
    lock: &Lock<'_>,
    input: &Input<'_>,
    parsed: &mut Parsed,
    parts: &mut [Part],
) -> Result<(), ParseError> {
    let mut absent = Vec::new();
    let mut parts = parts.iter_mut().peekable();
    for (number, block) in Blocks::new(input.body()).enumerate() {
        let mut part = parts.next_if(|part| part.entry == Some(number));
        let own = lock.places.get(number).copied().flatten();
        let mut edges = Vec::new();
        for want in lock.dialect.wants(&block?)? {
            let found = match lock.find(&want.name, &want.range) {
                Some(found) => found,
                None if lock.dialect.is_outside(&want.range) => continue,
                None if want.optional => {
                    absent.push(excerpt(&want.name));
                    continue;
                }
                None => return Err(graph::missing(&want.name, want.line)),
            };
            if let Some(part) = &mut part {
                part.wanted.push((want.name.into_owned(), want.optional, found.clone()));
            }
            edges.extend(found);
        }
        if let Some((own, package)) = own.and_then(|own| Some((own, parsed.packages.get_mut(own)?))) {
            edges.append(&mut package.dependencies);
            package.dependencies = graph::edges(edges, own);
        }
    }
    if !absent.is_empty() {
        let names = first_and_more(&absent);
        parsed
            .warnings
            .push(format!("{}: no entry for {names}, so Yarn does not install what is optional", input.path));
    }
    Ok(())
}
