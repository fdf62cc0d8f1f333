//! Node's way to find a package: in the folder's own `node_modules`, then in those of the folders above.

use std::borrow::Cow;
use std::collections::HashMap;

/// A folder of the installed tree.
pub(super) type Folder = u32;

/// The project's own folder.
pub(super) const ROOT: Folder = 0;

/// The deepest nesting that is read. Node's own limit on paths stops real trees far earlier.
pub(super) const MAX_DEPTH: usize = 64;

/// In brackets: each level is the entry and its dependencies, and an entry's own values nest little.
pub(super) const DEEPEST: usize = 2 * MAX_DEPTH + 8;

/// The folder of a package if its name does not say it.
pub(super) fn folder(path: &str, name: &str) -> Option<Box<str>> {
    (path.strip_prefix("node_modules/") != Some(name)).then(|| path.into())
}

/// Folders with the packages installed in each.
pub(super) struct Tree<'a> {
    above: Vec<Folder>,
    installed: HashMap<(Folder, Cow<'a, str>), usize>,
}

impl<'a> Tree<'a> {
    /// For so many packages.
    pub(super) fn new(count: usize) -> Self {
        Tree { above: vec![ROOT], installed: HashMap::with_capacity(count) }
    }

    pub(super) fn folder(&mut self, above: Folder) -> Folder {
        self.above.push(above);
        u32::try_from(self.above.len() - 1).unwrap_or(ROOT)
    }

    /// Records the package (by its index) that a name means to what lies in the folder; whether there was one already.
    pub(super) fn install(&mut self, folder: Folder, name: Cow<'a, str>, package: usize) -> bool {
        self.installed.insert((folder, name), package).is_some()
    }

    /// The folder that another one lies in.
    pub(super) fn above(&self, folder: Folder) -> Folder {
        self.above.get(folder as usize).copied().unwrap_or(ROOT)
    }

    /// The package of that name in the project's own `node_modules`.
    pub(super) fn installed_in_root(&self, name: &str) -> Option<usize> {
        self.find(ROOT, name)
    }

    /// The package that a name means to code in the folder.
    pub(super) fn find(&self, folder: Folder, name: &str) -> Option<usize> {
        let mut folder = folder;
        loop {
            if let Some(found) = self.installed.get(&(folder, Cow::Borrowed(name))) {
                return Some(*found);
            }
            if folder == ROOT {
                return None;
            }
            folder = self.above(folder);
        }
    }
}
