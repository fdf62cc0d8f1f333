//! Lockfile versions 2 and 3: a flat table of folders, with the project itself under the empty name.

use std::borrow::Cow;
use std::collections::HashMap;

use super::super::text::excerpt;
use super::super::{Input, MAX_PACKAGES, ParseError, Parsed, graph, url};
use super::entry::Entry;
use super::json::{Key, Members, Names, Reader};
use super::notes::{self, Root, check_name, nothing_to_install, other_files};
use super::npmrc::Registries;
use super::tree::{Folder, MAX_DEPTH, ROOT, Tree, folder};
use super::workspaces::Workspaces;
use crate::package::Source;

/// The longest path of a folder; no file system has more.
const MAX_KEY: usize = 4_096;

/// `packages` of the lockfile.
pub(super) type Table<'a> = Members<'a, Entry<'a, Names<'a>>>;

struct Row<'a> {
    key: Key<'a>,
    line: u32,
    what: What<'a>,
    wants: Vec<Cow<'a, str>>,
}

enum What<'a> {
    Project,
    Link(Cow<'a, str>),
    Package {
        index: usize,
        /// A part of the project: its dependencies are direct.
        own: bool,
        /// Called by its folder until a link says how it is installed.
        unnamed: bool,
    },
}

pub(super) fn read<'a>(
    reader: &Reader<'a>,
    table: Table<'a>,
    mut root: Root<'a>,
    registries: &Registries,
    input: &Input<'_>,
) -> Result<Parsed, ParseError> {
    let mut parsed = Parsed { packages: Vec::with_capacity(table.0.len()), ..Parsed::default() };
    let mut rows: Vec<Row<'_>> = Vec::with_capacity(table.0.len());
    let mut workspaces: Option<Workspaces> = None;
    let (mut absent, mut others) = (Vec::new(), Vec::new());

    for (key, mut entry) in table.0 {
        let line = reader.line(&key);
        let path = key.name.as_ref();
        if path.is_empty() {
            workspaces = entry.workspaces.take();
            root = (entry.name.take().or(root.0), entry.version.take().or(root.1));
            rows.push(Row { key, line, what: What::Project, wants: entry.wants() });
            continue;
        }
        check_folder(path, line)?;
        if entry.link {
            let target = entry.resolved.map(|resolved| resolved.0).unwrap_or_default();
            rows.push(Row { key, line, what: What::Link(target), wants: Vec::new() });
            continue;
        }
        let installed = split(path).map(|(_, name)| name);
        let member = workspaces.as_ref().is_some_and(|workspaces| workspaces.contains(path));
        let local = installed.is_none().then(|| match member {
            true => Source::Workspace,
            false => Source::Path(url::clean(path)),
        });
        if local.is_some() {
            parsed.members.add_folder(path);
        }
        if let Some(name) = installed.filter(|_| entry.is_nothing()) {
            absent.push(name.to_owned());
            continue;
        }
        if parsed.packages.len() == MAX_PACKAGES {
            return Err(ParseError::at(line, format!("more than {MAX_PACKAGES} packages")));
        }
        let own = local == Some(Source::Workspace);
        let unnamed = installed.is_none() && entry.is_unnamed();
        let name = installed.unwrap_or_else(|| folder_name(path));
        let what = What::Package { index: parsed.packages.len(), own, unnamed };
        let mut package = entry.package(name, local, line, registries)?;
        package.folder = folder(path, &package.name);
        if entry.is_another(&package) {
            others.push(package.name.clone());
        }
        parsed.packages.push(package);
        rows.push(Row { key, line, what, wants: entry.wants() });
    }
    link(reader, &rows, &mut parsed)?;
    parsed.warnings.extend(nothing_to_install(input, &absent));
    parsed.warnings.extend(other_files(input, &others, "npm", notes::WRITE_ANEW));
    if rows.is_empty() {
        parsed.warnings.push(super::super::no_packages(input));
    }
    parsed.root = notes::root(root);
    Ok(parsed)
}

fn link(reader: &Reader<'_>, rows: &[Row<'_>], parsed: &mut Parsed) -> Result<(), ParseError> {
    let mut folders = Folders::new(rows.len());
    let mut places: Vec<Folder> = Vec::with_capacity(rows.len());
    // the first link to each package
    let mut links: HashMap<usize, &Row<'_>> = HashMap::new();
    for row in rows {
        places.push(folders.list(row).ok_or_else(|| reader.twice(&row.key))?);
    }
    for (row, folder) in rows.iter().zip(&places) {
        if let What::Link(target) = &row.what {
            let package = folders.package(target.strip_prefix("./").unwrap_or(target)).ok_or_else(|| {
                ParseError::at(row.line, format!("a link to `{}`, which is not in the file", excerpt(target)))
            })?;
            folders.install(*folder, &row.key.name, package);
            links.entry(package).or_insert(row);
        }
    }
    for row in rows {
        let What::Package { index, unnamed: true, .. } = row.what else { continue };
        let link = links.get(&index).and_then(|link| Some((link.line, split(&link.key.name)?.1)));
        if let (Some((line, name)), Some(package)) = (link, parsed.packages.get_mut(index)) {
            check_name(name, line)?;
            package.name = name.to_owned();
        }
    }
    for package in &mut parsed.packages {
        package.direct = Some(false);
    }
    for (row, folder) in rows.iter().zip(&places) {
        let (own, package) = match row.what {
            What::Link(_) => continue,
            What::Project => (true, None),
            What::Package { index, own, .. } => (own, Some(index)),
        };
        let edges: Vec<usize> = row.wants.iter().filter_map(|name| folders.tree.find(*folder, name)).collect();
        if own {
            for index in edges.iter().copied().chain(package) {
                if let Some(package) = parsed.packages.get_mut(index) {
                    package.direct = Some(true);
                }
            }
        }
        if let Some((index, package)) = package.and_then(|index| Some((index, parsed.packages.get_mut(index)?))) {
            package.dependencies = graph::edges(edges, index);
        }
    }
    Ok(())
}

fn check_folder(path: &str, line: u32) -> Result<(), ParseError> {
    if path.len() <= MAX_DEPTH {
        return Ok(());
    }
    if path.len() > MAX_KEY {
        return Err(ParseError::at(line, format!("a folder's path of {} bytes", path.len())));
    }
    let own_part = path.split("node_modules/").next().unwrap_or_default();
    if path.matches("node_modules/").count() > MAX_DEPTH || own_part.matches('/').count() > MAX_DEPTH {
        return Err(ParseError::at(line, format!("packages are nested more than {MAX_DEPTH} deep")));
    }
    Ok(())
}

/// What npm calls a package without a name: its folder, with the scope that it lies in.
fn folder_name(path: &str) -> &str {
    let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
    let scope = above.rsplit('/').next().filter(|scope| scope.starts_with('@'));
    scope.and_then(|scope| path.get(path.len() - scope.len() - 1 - name.len()..)).unwrap_or(name)
}

/// The folder that a package is installed for, and the package's name; `None` for a folder of the project.
pub(super) fn split(path: &str) -> Option<(&str, &str)> {
    let mut end = path.len();
    while let Some(slash) = memchr::memrchr(b'/', path.get(..end)?.as_bytes()) {
        if let Some(name) = path.get(slash..)?.strip_prefix("/node_modules/") {
            return Some((path.get(..slash)?, name));
        }
        end = slash;
    }
    path.strip_prefix("node_modules/").map(|name| ("", name))
}

/// The folders of the table by path, each made once.
struct Folders<'a> {
    tree: Tree<'a>,
    by_path: HashMap<&'a str, Folder>,
    /// By folder: whether the table lists it, and the package that lies in it.
    listed: Vec<(bool, Option<usize>)>,
}

impl<'a> Folders<'a> {
    fn new(count: usize) -> Self {
        let mut by_path = HashMap::with_capacity(count);
        by_path.insert("", ROOT);
        Folders { tree: Tree::new(count), by_path, listed: vec![(false, None)] }
    }

    /// The folder of a row, with its package installed where others look for it; `None` where the table has it twice.
    fn list(&mut self, row: &'a Row<'_>) -> Option<Folder> {
        let path = row.key.name.as_ref();
        let folder = self.folder(path);
        let package = match row.what {
            What::Package { index, .. } => Some(index),
            What::Project | What::Link(_) => None,
        };
        let listed = self.listed.get_mut(folder as usize)?;
        if std::mem::replace(listed, (true, package)).0 {
            return None;
        }
        if let Some(package) = package {
            self.install(folder, path, package);
        }
        Some(folder)
    }

    fn install(&mut self, folder: Folder, path: &'a str, package: usize) {
        if let Some((_, name)) = split(path) {
            self.tree.install(self.tree.above(folder), Cow::Borrowed(name), package);
        }
    }

    /// The package in the folder of that path.
    fn package(&self, path: &str) -> Option<usize> {
        self.listed.get(*self.by_path.get(path)? as usize)?.1
    }

    fn folder(&mut self, path: &'a str) -> Folder {
        // from the nearest known folder above, down to this one
        let mut unknown = Vec::new();
        let mut rest = path;
        let mut folder = loop {
            if let Some(known) = self.by_path.get(rest) {
                break *known;
            }
            unknown.push(rest);
            rest = match split(rest) {
                Some((above, _)) => above,
                None => rest.rsplit_once('/').map_or("", |(above, _)| above),
            };
        };
        while let Some(path) = unknown.pop() {
            folder = self.tree.folder(folder);
            self.listed.push((false, None));
            self.by_path.insert(path, folder);
        }
        folder
    }
}
