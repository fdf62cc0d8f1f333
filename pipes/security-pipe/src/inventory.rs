//! Every lockfile of the tree, read once for all who need packages.

mod installed;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::finding::Container;
use crate::ledger::{Ledger, Reason};
use crate::source::{Entry, Source};
use pipe_packages::lockfile::{self, Format, Input, Manifest, Members, ParseError, Shared, Sibling, Unsupported};
use pipe_packages::store::{Listing, Store};

/// The largest lockfile that is read, in bytes: a document may take five times its size in memory (DESIGN, promise 5).
const MAX_LOCKFILE: u64 = 32 * 1024 * 1024;
/// Bytes; a larger file is not a manifest that a person wrote.
const MAX_MANIFEST: u64 = 2 * 1024 * 1024;

/// The step in whose name the inventory records what it leaves out.
pub(crate) const STEP: &str = "lockfiles";

/// What was found where packages are declared.
#[derive(Default)]
pub(crate) struct Inventory {
    /// Those of all lockfiles.
    pub(crate) packages: Store,
    pub(crate) lockfiles: Vec<Lockfile>,
    /// How many lockfiles could not be read, or not as a whole.
    pub(crate) incomplete: usize,
}

/// The names of the files in each folder.
type Folders<'a> = BTreeMap<&'a Path, BTreeSet<String>>;

/// One lockfile's packages.
pub(crate) struct Lockfile {
    /// Relative to the repository's root.
    pub(crate) path: String,
    /// What holds it.
    pub(crate) container: Container,
    pub(crate) format: &'static dyn Format,
    pub(crate) listing: Listing,
    /// Name and version of the project itself, where the lockfile or its manifest says.
    pub(crate) root: Option<(String, String)>,
}

impl Inventory {
    /// Reads every lockfile of the tree. One that is broken loses only itself. `named` is called with each name that a
    /// lockfile gives, before anything shows it.
    pub(crate) fn read(
        source: &dyn Source,
        ledger: &Ledger,
        named: &dyn Fn(&str),
        cancelled: &dyn Fn() -> bool,
    ) -> Inventory {
        let inventory = Inventory::default();
        let (manifests, shared, members) = (Vec::new(), Shared::default(), BTreeMap::new());
        let mut reader = Reader { source, ledger, named, inventory, manifests, shared, members };
        let mut folders = Folders::new();
        let files = || source.entries().iter().chain(source.links());
        for path in files().map(|entry| &entry.path).chain(source.ignored_lockfiles()) {
            let (parent, name) = split_path(path);
            folders.entry(parent).or_default().insert(name.to_owned());
        }
        let mut without_advisories: Vec<(&str, String)> = Vec::new();
        for entry in files() {
            if cancelled() {
                return reader.inventory;
            }
            let (parent, name) = split(entry);
            let folder = parent.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let exists = |path: &str| {
                let (parent, name) = split_path(path);
                folders.get(parent).is_some_and(|names| names.contains(name))
            };
            let content = || source.open(entry, MAX_LOCKFILE).ok().flatten();
            let mut named = lockfile::FORMATS.iter().filter(|format| format.matches(name, &folder));
            let format = named.find(|format| format.claims(name, &content));
            let unsupported = format.is_none().then(|| lockfile::unsupported(&entry.path, &exists)).flatten();
            let manifest = lockfile::is_manifest_name(name);
            if unsupported.is_none() && format.is_none() && !manifest {
                continue;
            }
            if installed::is_installed(&entry.path, &exists) {
                ledger.leave_out(STEP, Reason::Installed, &entry.path, "");
                continue;
            }
            let winner = lockfile::superseded_by(name);
            if let Some(winner) = winner.filter(|name| folders.get(parent).is_some_and(|names| names.contains(*name))) {
                ledger.leave_out(STEP, Reason::Superseded, &entry.path, &format!("{winner} is beside it"));
                continue;
            }
            match unsupported {
                Some(Unsupported::Covered(tool)) => {
                    let why = format!(
                        "lockfiles of {tool} are not supported. Check it with another tool, and name it in \
                         EXCLUDE_PATHS"
                    );
                    reader.unable(Reason::Unsupported, entry, &why);
                }
                Some(Unsupported::NotCovered(tool)) => {
                    let why = format!("OSV has no advisories for the packages of {tool}");
                    without_advisories.push((entry.path.as_str(), why));
                }
                Some(Unsupported::Unknown) => {
                    ledger.leave_out(STEP, Reason::Unclaimed, &entry.path, "named like a lockfile of no known tool");
                }
                None => match format {
                    Some(format) => reader.add(entry, *format, &folders),
                    None => reader.manifests.push(entry),
                },
            }
        }
        reader.inventory.packages.seal();
        for entry in std::mem::take(&mut reader.manifests) {
            reader.check_manifest(entry, &folders);
        }
        // By rule, unless nothing else was looked at.
        let alone = reader.inventory.lockfiles.is_empty() && reader.inventory.incomplete == 0;
        let reason = if alone { Reason::Unclaimed } else { Reason::NoAdvisories };
        for (path, why) in without_advisories {
            ledger.leave_out(STEP, reason, path, &why);
        }
        for path in source.ignored_lockfiles() {
            let why = "Git ignores it, so it was not read. Track it, or name it in SCAN_PATHS";
            ledger.leave_out(STEP, Reason::IgnoredLockfile, path, why);
        }
        reader.inventory
    }
}

struct Reader<'a> {
    source: &'a dyn Source,
    ledger: &'a Ledger,
    named: &'a dyn Fn(&str),
    inventory: Inventory,
    /// Looked at after every lockfile.
    manifests: Vec<&'a Entry>,
    shared: Shared,
    /// Of each lockfile that was read, by its path.
    members: BTreeMap<String, Members>,
}

impl Reader<'_> {
    fn unable(&mut self, reason: Reason, entry: &Entry, why: &str) {
        self.inventory.incomplete += 1;
        self.ledger.leave_out(STEP, reason, &entry.path, why);
    }

    fn add(&mut self, entry: &Entry, format: &'static dyn Format, folders: &Folders<'_>) {
        let text = match self.source.open(entry, MAX_LOCKFILE) {
            Ok(Some(bytes)) => match format.decode(bytes) {
                Ok(text) => text,
                Err(error) => return self.broken(entry, &error),
            },
            Ok(None) => {
                let limit = MAX_LOCKFILE / (1024 * 1024);
                return self.unable(Reason::TooLarge, entry, &format!("larger than {limit} MB, not read"));
            }
            Err(error) => return self.unable(Reason::Unreadable, entry, &format!("can't be read: {error:#}")),
        };
        let sibling = |name: &str| match self.source.beside(entry, name, MAX_MANIFEST) {
            Ok(None) => Sibling::Absent,
            Ok(Some(bytes)) => Sibling::Content(bytes),
            Err(error) => Sibling::Unreadable(format!("{error:#}")),
        };
        let below = |name: &str| below(folders, split(entry).0, name);
        let input = Input { path: &entry.path, text: &text, sibling: &sibling, below: &below };
        match format.parse_one_of(&input, &mut self.shared) {
            Ok(mut parsed) => {
                let root = parsed.root.iter().flat_map(|(name, version)| [name, version]);
                let names = parsed.packages.iter().flat_map(|package| [&package.name, &package.version]);
                names.chain(root).for_each(|name| (self.named)(name));
                let listing = match self.inventory.packages.add(&entry.path, &parsed.packages, text.len()) {
                    Ok(listing) => listing,
                    Err(too_many) => {
                        let why = format!("not read, because {too_many}. Scan parts of the tree with SCAN_PATHS");
                        return self.unable(Reason::TooMany, entry, &why);
                    }
                };
                self.members.insert(entry.path.clone(), parsed.take_members());
                for warning in parsed.warnings {
                    self.ledger.leave_out(STEP, Reason::Open, &warning, "");
                }
                self.inventory.incomplete += usize::from(!parsed.unable.is_empty());
                for part in parsed.unable {
                    self.ledger.leave_out(STEP, Reason::Include, &part, "");
                }
                self.inventory.lockfiles.push(Lockfile {
                    path: entry.path.clone(),
                    container: self.source.container(),
                    format: parsed.format.unwrap_or(format),
                    listing,
                    root: parsed.root,
                });
            }
            Err(error) => self.broken(entry, &error),
        }
    }

    fn broken(&mut self, entry: &Entry, error: &ParseError) {
        let line = error.line.map(|line| format!(":{line}")).unwrap_or_default();
        self.inventory.incomplete += 1;
        let reason = if error.is_too_many() { Reason::TooMany } else { Reason::Broken };
        self.ledger.leave_out(STEP, reason, &format!("{}{line}", entry.path), &error.to_string());
    }

    /// A manifest whose lockfile isn't there: its packages can't be known.
    fn check_manifest(&mut self, entry: &Entry, folders: &Folders<'_>) {
        let (parent, name) = split(entry);
        let Ok(Some(bytes)) = self.source.open(entry, MAX_MANIFEST) else {
            let why = "can't be read, so its dependencies were not looked at";
            return self.ledger.leave_out(STEP, Reason::NoLockfile, &entry.path, why);
        };
        let Some(manifest) = lockfile::manifest(name, &String::from_utf8_lossy(&bytes)) else { return };
        let locked_in = |folder: &Path| {
            let Some(names) = folders.get(folder) else { return false };
            let mut locks = manifest.satisfied_by.iter().filter(|lock| names.contains(**lock));
            locks.any(|lock| self.is_for(&folder.join(lock), folder, parent, &manifest))
        };
        let locked = if manifest.inherits { parent.ancestors().any(locked_in) } else { locked_in(parent) };
        if !locked {
            let why = "no lockfile, so its dependencies were not looked at";
            self.ledger.leave_out(STEP, Reason::NoLockfile, &entry.path, why);
        }
    }

    /// Whether a lockfile is that of a manifest: one beside it is, one above has to name its folder. One that was not read
    /// is an error already.
    fn is_for(&self, lock: &Path, folder: &Path, parent: &Path, manifest: &Manifest) -> bool {
        let below = parent.strip_prefix(folder).unwrap_or(parent).to_string_lossy();
        let members = lock.to_str().and_then(|lock| self.members.get(lock));
        below.is_empty() || members.is_none_or(|members| members.include(&below, manifest.name.as_deref()))
    }
}

/// The folders below `folder` that hold a file of this name and are no installed packages, relative to it.
fn below<'a>(folders: &Folders<'a>, folder: &'a Path, name: &str) -> Vec<String> {
    let inside = folders.range(folder..).take_while(|(path, _)| path.starts_with(folder));
    let held = inside.filter(|(_, names)| names.contains(name)).filter_map(|(path, _)| path.strip_prefix(folder).ok());
    let own = held.filter(|path| !path.as_os_str().is_empty() && !path.iter().any(|part| part == "node_modules"));
    own.map(|path| path.to_string_lossy().into_owned()).collect()
}

fn split(entry: &Entry) -> (&Path, &str) {
    split_path(&entry.path)
}

fn split_path(path: &str) -> (&Path, &str) {
    let path = Path::new(path);
    let parent = path.parent().unwrap_or_else(|| Path::new(""));
    (parent, path.file_name().and_then(|name| name.to_str()).unwrap_or_default())
}
