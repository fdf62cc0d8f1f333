//! The packages of many lockfiles, each kept once.
//!
//! The lockfiles of a repository name the same packages over and over. A [`Store`] keeps what they share once: texts,
//! then packages (a name, a version, an origin, checksums), then entries (what a lockfile says of a package: its scope,
//! its folder, its dependencies). A lockfile is a [`Listing`] then, of two or three bytes for each of its packages if
//! another lockfile has them as well.

mod distinct;
mod listing;

use std::cmp::Ordering;
use std::fmt;

use crate::package::{Ecosystem, Hash, Locked, Package, Scope, Source};
use distinct::{Distinct, Texts};
pub use listing::Listing;
use listing::{Packer, varint};

/// The most different packages of all lockfiles.
pub const MAX_PACKAGES: usize = 150_000;
/// The most different entries of all lockfiles.
pub const MAX_ENTRIES: usize = 300_000;
/// Bytes of names, versions, addresses, folders, checksums and dependencies, each counted once, beside those of the
/// largest lockfile.
pub const MAX_TEXT: usize = 16 * 1024 * 1024;

/// A package of a [`Store`], by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PackageId(u32);

/// Packages of any number of lockfiles. The numbers of packages begin at 0, without gaps.
#[derive(Debug)]
pub struct Store {
    texts: Texts,
    sources: Distinct<Source>,
    releases: Distinct<Release>,
    packages: Distinct<Record>,
    entries: Distinct<Entry>,
    /// Bytes that [`MAX_TEXT`] counts.
    used: usize,
    /// The size of the largest lockfile, in bytes.
    largest: usize,
}

/// Why a lockfile is not kept: its packages and those of the lockfiles before it are too many.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TooMany {
    /// Passes [`MAX_PACKAGES`].
    Packages,
    /// Passes [`MAX_ENTRIES`].
    Entries,
    /// Passes [`MAX_TEXT`].
    Text,
}

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TooMany::Packages => write!(f, "the lockfiles have more than {MAX_PACKAGES} different packages"),
            TooMany::Entries => write!(f, "the lockfiles have more than {MAX_ENTRIES} different entries"),
            TooMany::Text => {
                let limit = MAX_TEXT / (1024 * 1024);
                write!(f, "the lockfiles have more than {limit} MB of different names, addresses and checksums")
            }
        }
    }
}

/// A package at a version, its texts by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Release {
    ecosystem: Ecosystem,
    name: u32,
    version: u32,
}

/// A package at a version from an origin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Record {
    release: u32,
    source: u32,
    /// The folder of the lockfile, if the source is relative to it.
    base: u32,
    hashes: u32,
}

/// What a lockfile says of a package.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct Entry {
    package: u32,
    scope: Scope,
    optional: bool,
    direct: Option<bool>,
    /// Or [`NOWHERE`].
    folder: u32,
    dependencies: u32,
}

/// In [`Entry::folder`], for none.
const NOWHERE: u32 = u32::MAX;

/// The dependencies of an entry, by their number: lists that are the same have the same one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct DependencyList(u32);

/// One package of one lockfile.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// Of the entry: packages of two lockfiles that differ in nothing but their line have the same one.
    pub(crate) number: u32,
    pub(crate) package: PackageId,
    pub(crate) line: u32,
    pub(crate) scope: Scope,
    pub(crate) optional: bool,
    pub(crate) direct: Option<bool>,
    pub(crate) dependencies: DependencyList,
}

/// What packages that differ only in origin or checksums have in common, by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct ReleaseId(u32);

impl ReleaseId {
    /// For tables by release.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl PackageId {
    /// For tables by package.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

impl Default for Store {
    fn default() -> Store {
        Store {
            texts: Texts::new(2 * MAX_TEXT),
            sources: Distinct::new(0),
            releases: Distinct::new(MAX_PACKAGES + 1),
            packages: Distinct::new(MAX_PACKAGES + 1),
            entries: Distinct::new(MAX_ENTRIES + 1),
            used: 0,
            largest: 0,
        }
    }
}

impl Store {
    /// Keeps the packages of the lockfile at `path`, relative to the repository's root. `size` is that of the lockfile,
    /// in bytes.
    ///
    /// # Errors
    /// When the packages of all lockfiles would pass [`MAX_PACKAGES`], [`MAX_ENTRIES`] or [`MAX_TEXT`]. Then nothing of
    /// this one can be listed.
    pub fn add(&mut self, path: &str, packages: &[Package], size: usize) -> Result<Listing, TooMany> {
        self.largest = self.largest.max(size);
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let ids: Vec<u32> = packages.iter().map(|package| self.record(package, folder)).collect();
        let mut listing = Packer::default();
        for (package, id) in packages.iter().zip(&ids) {
            let dependencies = self.dependency_list(package, &ids);
            let folder = package.folder.as_deref().map_or(NOWHERE, |folder| self.text(folder.as_bytes()));
            let entry = Entry {
                package: *id,
                scope: package.scope,
                optional: package.optional,
                direct: package.direct,
                folder,
                dependencies,
            };
            let (entry, _) = self.entries.insert(entry);
            listing.push(entry, package.line);
            self.check()?;
        }
        Ok(listing.finish())
    }

    /// Gives back what only [`Store::add`] needs; nothing is added any more.
    pub fn seal(&mut self) {
        self.texts.seal();
        self.sources.seal();
        self.releases.seal();
        self.packages.seal();
        self.entries.seal();
    }

    fn check(&self) -> Result<(), TooMany> {
        match () {
            () if self.packages.len() > MAX_PACKAGES => Err(TooMany::Packages),
            () if self.entries.len() > MAX_ENTRIES => Err(TooMany::Entries),
            () if self.used > MAX_TEXT.saturating_add(self.largest) => Err(TooMany::Text),
            () => Ok(()),
        }
    }

    /// How many different packages there are, those of lockfiles that were not kept included.
    pub fn len(&self) -> usize {
        self.packages.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.packages.len() == 0
    }

    /// The packages of one lockfile, in its order.
    pub fn locked<'a>(&'a self, listing: &'a Listing) -> impl Iterator<Item = (PackageId, Locked<'a>)> {
        self.locked_where(listing, |_| true)
    }

    /// Those of [`Store::locked`] that are wanted. The others cost very little.
    pub fn locked_where<'a>(
        &'a self,
        listing: &'a Listing,
        is_wanted: impl Fn(PackageId) -> bool + 'a,
    ) -> impl Iterator<Item = (PackageId, Locked<'a>)> {
        listing.iter().filter_map(move |(entry, line)| {
            let entry = self.entries.get(entry)?;
            let package = is_wanted(PackageId(entry.package)).then(|| self.bare(entry.package))??;
            let folder = (entry.folder != NOWHERE).then(|| self.str(entry.folder));
            let Entry { scope, optional, direct, .. } = *entry;
            Some((PackageId(entry.package), Locked { line, scope, optional, direct, folder, ..package }))
        })
    }

    /// The packages of one lockfile, in its order.
    pub fn ids<'a>(&'a self, listing: &'a Listing) -> impl Iterator<Item = PackageId> + 'a {
        listing.iter().filter_map(|(entry, _)| Some(PackageId(self.entries.get(entry)?.package)))
    }

    /// Whether any package of a lockfile depends on another; if not, the lockfile does not record it.
    pub(crate) fn records_dependencies(&self, listing: &Listing) -> bool {
        self.rows(listing).any(|row| !self.texts.get(row.dependencies.0).is_empty())
    }

    /// The packages of one lockfile with their dependencies, in its order.
    pub(crate) fn rows<'a>(&'a self, listing: &'a Listing) -> impl Iterator<Item = Row> {
        listing.iter().filter_map(|(number, line)| {
            let entry = self.entries.get(number)?;
            let Entry { package, scope, optional, direct, dependencies, .. } = *entry;
            let (package, dependencies) = (PackageId(package), DependencyList(dependencies));
            Some(Row { number, line, package, scope, optional, direct, dependencies })
        })
    }

    /// How many different entries there are.
    pub(crate) fn entries(&self) -> usize {
        self.entries.len()
    }

    /// The packages of a list, sorted.
    pub(crate) fn dependencies(&self, list: DependencyList) -> impl Iterator<Item = PackageId> {
        let (mut rest, mut last) = (self.texts.get(list.0), 0_u32);
        std::iter::from_fn(move || {
            last = last.wrapping_add(varint::read(&mut rest)?);
            Some(PackageId(last))
        })
    }

    /// The checksums of a package, in the lockfile's order, as [`Hash::bytes`].
    pub(crate) fn hashes(&self, id: PackageId) -> impl Iterator<Item = &[u8]> {
        let list = self.packages.get(id.0).map_or(&[][..], |record| self.texts.get(record.hashes));
        let mut rest = list;
        std::iter::from_fn(move || {
            let (len, after) = rest.split_first()?;
            let (hash, after) = after.split_at_checked(usize::from(*len))?;
            rest = after;
            Some(hash)
        })
    }

    /// The folder that the source of a package is relative to, from the repository's root.
    pub(crate) fn base(&self, id: PackageId) -> &str {
        self.packages.get(id.0).map_or("", |record| self.str(record.base))
    }

    /// By ecosystem, name and version, as texts.
    pub(crate) fn compare(&self, a: PackageId, b: PackageId) -> Ordering {
        let key = |id: PackageId| {
            let release = self.releases.get(self.packages.get(id.0)?.release)?;
            Some((release.ecosystem.purl_type(), self.texts.get(release.name), self.texts.get(release.version)))
        };
        key(a).cmp(&key(b))
    }

    /// Every package of every lockfile, each once.
    pub fn all(&self) -> impl Iterator<Item = Locked<'_>> {
        (0..self.packages.len()).filter_map(|id| self.bare(id as u32))
    }

    /// How many different names with a version there are.
    pub fn releases(&self) -> usize {
        self.releases.len()
    }

    /// The name and version of a package.
    pub fn release(&self, id: PackageId) -> Option<ReleaseId> {
        self.packages.get(id.0).map(|record| ReleaseId(record.release))
    }

    /// A package without what one lockfile says of it.
    pub fn package(&self, id: PackageId) -> Option<Locked<'_>> {
        self.bare(id.0)
    }

    fn bare(&self, package: u32) -> Option<Locked<'_>> {
        let record = self.packages.get(package)?;
        let release = self.releases.get(record.release)?;
        Some(Locked {
            ecosystem: release.ecosystem,
            name: self.str(release.name),
            version: self.str(release.version),
            source: self.sources.get(record.source)?,
            line: 0,
            scope: Scope::Unknown,
            optional: false,
            direct: None,
            folder: None,
        })
    }

    fn record(&mut self, package: &Package, folder: &str) -> u32 {
        let is_local = matches!(package.source, Source::Path(_) | Source::Workspace);
        let base = self.text(if is_local { folder.as_bytes() } else { b"" });
        let hashes = self.hash_list(&package.hashes);
        let (source, is_new) = self.sources.insert(package.source.clone());
        self.used += if is_new { size_of_source(&package.source) } else { 0 };
        let name = self.text(package.name.as_bytes());
        let version = self.text(package.version.as_bytes());
        let (release, _) = self.releases.insert(Release { ecosystem: package.ecosystem, name, version });
        self.packages.insert(Record { release, source, base, hashes }).0
    }

    /// Each checksum as its length and its bytes.
    fn hash_list(&mut self, hashes: &[Hash]) -> u32 {
        let mut list = Vec::with_capacity(65 * hashes.len());
        for bytes in hashes.iter().map(Hash::bytes) {
            list.push(bytes.len() as u8);
            list.extend_from_slice(bytes);
        }
        self.text(&list)
    }

    /// The packages that one depends on, sorted, as the differences of their numbers.
    fn dependency_list(&mut self, package: &Package, ids: &[u32]) -> u32 {
        let mut targets: Vec<u32> = package.dependencies.iter().filter_map(|index| ids.get(*index)).copied().collect();
        targets.sort_unstable();
        targets.dedup();
        let mut list = Vec::with_capacity(targets.len() * 3);
        let mut last = 0;
        for target in targets {
            varint::write(&mut list, target - last);
            last = target;
        }
        self.text(&list)
    }

    fn text(&mut self, bytes: &[u8]) -> u32 {
        let (id, is_new) = self.texts.insert(bytes);
        self.used += if is_new { bytes.len() } else { 0 };
        id
    }

    fn str(&self, id: u32) -> &str {
        std::str::from_utf8(self.texts.get(id)).unwrap_or_default()
    }
}

fn size_of_source(source: &Source) -> usize {
    match source {
        Source::Registry | Source::Workspace => 0,
        Source::PrivateRegistry(text) | Source::Git(text) | Source::Url(text) | Source::Path(text) => text.len(),
    }
}

#[cfg(test)]
mod tests;
