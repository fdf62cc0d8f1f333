//! Every lockfile of the tree, read once for all who need packages.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::finding::Container;
use crate::source::{Entry, Source};
use pipe_packages::lockfile::{self, Format, Input, ParseError, Unsupported};
use pipe_packages::package::Package;

/// The largest lockfile that is read, in bytes: a document may take five times its size in memory (DESIGN, promise 5).
const MAX_LOCKFILE: u64 = 32 * 1024 * 1024;
/// The most entries of one lockfile: a file of nothing but `a==1` would take fifty times its size.
const MAX_ENTRIES: usize = 50_000;
/// Bytes; a larger file is not a manifest that a person wrote.
const MAX_MANIFEST: u64 = 2 * 1024 * 1024;

/// What was found where packages are declared.
#[derive(Default)]
pub(crate) struct Inventory {
    pub(crate) lockfiles: Vec<Lockfile>,
    /// Lockfiles that could not be read, each a sentence that names the file: exit 3.
    pub(crate) errors: Vec<String>,
    /// Manifests without a lockfile, requirements without a version.
    pub(crate) warnings: Vec<String>,
}

/// One lockfile's packages.
pub(crate) struct Lockfile {
    /// Relative to the repository's root.
    pub(crate) path: String,
    /// What holds it.
    pub(crate) container: Container,
    pub(crate) format: &'static dyn Format,
    pub(crate) packages: Vec<Package>,
    /// Name and version of the project itself, where the lockfile or its manifest says.
    pub(crate) root: Option<(String, String)>,
}

impl Inventory {
    /// Reads every lockfile of the tree. One that is broken loses only itself.
    pub(crate) fn read(source: &dyn Source, cancelled: &dyn Fn() -> bool) -> Inventory {
        let mut inventory = Inventory::default();
        let mut folders: BTreeMap<&Path, BTreeSet<String>> = BTreeMap::new();
        for entry in source.entries() {
            let (parent, name) = split(entry);
            folders.entry(parent).or_default().insert(name.to_owned());
        }
        let (mut not_covered, mut unknown) = (Vec::new(), Vec::new());
        for entry in source.entries() {
            if cancelled() {
                return inventory;
            }
            let (parent, name) = split(entry);
            let folder = parent.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let exists = |path: &str| {
                let (parent, name) = split_path(path);
                folders.get(parent).is_some_and(|names| names.contains(name))
            };
            let path = &entry.path;
            match lockfile::unsupported(path, &exists) {
                Some(Unsupported::Covered(tool)) => inventory.errors.push(format!(
                    "{path}: lockfiles of {tool} are not supported, so its packages were not looked up. Check it with \
                     another tool, and exclude it with EXCLUDE_PATHS."
                )),
                Some(Unsupported::NotCovered(tool)) => not_covered.push(format!("{path} ({tool})")),
                Some(Unsupported::Unknown) => unknown.push(path.clone()),
                None => match lockfile::FORMATS.iter().find(|format| format.matches(name, &folder)) {
                    Some(format) => inventory.add(source, entry, *format),
                    None => inventory.check_manifest(source, entry, &folders),
                },
            }
        }
        if !not_covered.is_empty() {
            let files = not_covered.join(", ");
            inventory.warnings.push(format!("there are no OSV advisories for the packages of {files}"));
        }
        if !unknown.is_empty() {
            let files = unknown.join(", ");
            inventory.warnings.push(format!("named like a lockfile of no known tool, and not read: {files}"));
        }
        inventory
    }

    fn add(&mut self, source: &dyn Source, entry: &Entry, format: &'static dyn Format) {
        let text = match source.open(entry, MAX_LOCKFILE) {
            Ok(Some(bytes)) if memchr::memchr_iter(format.entry_marker(), &bytes).count() > MAX_ENTRIES => {
                return self.errors.push(format!("{}: more than {MAX_ENTRIES} entries, not read", entry.path));
            }
            Ok(Some(bytes)) => match lockfile::decode(bytes) {
                Ok(text) => text,
                Err(error) => return self.broken(entry, &error),
            },
            Ok(None) => {
                let limit = MAX_LOCKFILE / (1024 * 1024);
                return self.errors.push(format!("{}: larger than {limit} MB, not read", entry.path));
            }
            Err(error) => return self.errors.push(format!("can't read {}: {error:#}", entry.path)),
        };
        let sibling = |name: &str| lockfile::decode(source.beside(entry, name, MAX_MANIFEST)?).ok();
        match format.parse(&Input { path: &entry.path, text: &text, sibling: &sibling }) {
            Ok(parsed) => {
                self.warnings.extend(parsed.warnings);
                self.lockfiles.push(Lockfile {
                    path: entry.path.clone(),
                    container: source.container(),
                    format,
                    packages: parsed.packages,
                    root: parsed.root,
                });
            }
            Err(error) => self.broken(entry, &error),
        }
    }

    fn broken(&mut self, entry: &Entry, error: &ParseError) {
        let line = error.line.map(|line| format!(":{line}")).unwrap_or_default();
        self.errors.push(format!("{}{line}: {error}", entry.path));
    }

    /// A manifest whose lockfile isn't there: its packages can't be known.
    fn check_manifest(&mut self, source: &dyn Source, entry: &Entry, folders: &BTreeMap<&Path, BTreeSet<String>>) {
        let (parent, name) = split(entry);
        if !lockfile::is_manifest_name(name) {
            return;
        }
        let Ok(Some(bytes)) = source.open(entry, MAX_MANIFEST) else { return };
        let Some(manifest) = lockfile::manifest(name, &String::from_utf8_lossy(&bytes)) else { return };
        let locked_in = |folder: &Path| {
            folders.get(folder).is_some_and(|names| manifest.satisfied_by.iter().any(|lock| names.contains(*lock)))
        };
        let locked = if manifest.inherits { parent.ancestors().any(locked_in) } else { locked_in(parent) };
        if !locked {
            self.warnings.push(format!("{}: no lockfile, so its dependencies were not looked at", entry.path));
        }
    }
}

fn split(entry: &Entry) -> (&Path, &str) {
    split_path(&entry.path)
}

fn split_path(path: &str) -> (&Path, &str) {
    let path = Path::new(path);
    let parent = path.parent().unwrap_or_else(|| Path::new(""));
    (parent, path.file_name().and_then(|name| name.to_str()).unwrap_or_default())
}
