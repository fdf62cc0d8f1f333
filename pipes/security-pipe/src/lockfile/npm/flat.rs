//! Lockfile versions 2 and 3: a flat table of folders, with the project itself under the empty name.

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::value::RawValue;

use super::super::text::excerpt;
use super::super::{ParseError, Parsed, graph, url};
use super::Header;
use super::entry::Entry;
use super::json::{Names, Reader};
use super::nested::DEEPEST;
use super::npmrc::Registries;
use super::tree::{Folder, ROOT, Tree};
use super::workspaces::Workspaces;
use crate::package::Source;

/// The longest path of a folder; no file system has more.
const LONGEST: usize = 4_096;

struct Node<'a> {
    folder: Folder,
    /// `None` for the project itself.
    package: Option<usize>,
    /// A part of the project: its dependencies are direct.
    own: bool,
    wants: Vec<Cow<'a, str>>,
}

pub(super) fn read<'a>(
    reader: &Reader<'a>,
    packages: &'a RawValue,
    mut header: Header,
    registries: &Registries,
) -> Result<Parsed, ParseError> {
    let members = reader.members(packages)?;
    let mut parsed = Parsed::default();
    let mut folders = Folders::new();
    let mut nodes: Vec<Node<'_>> = Vec::new();
    let mut links: Vec<(&str, Cow<'_, str>, u32)> = Vec::new();
    let mut targets: HashMap<&str, usize> = HashMap::new();
    let mut workspaces: Option<Workspaces> = None;

    for (key, value) in &members {
        let key = key.as_ref();
        let line = reader.key_line(value);
        let mut entry: Entry<'_> = reader.value(value)?;
        if key.is_empty() {
            workspaces = entry.workspaces.take();
            header.name = entry.name.as_ref().map(|name| name.0.to_string()).or(header.name.take());
            header.version = entry.version.as_ref().map(|version| version.0.to_string()).or(header.version.take());
            nodes.push(Node { folder: ROOT, package: None, own: true, wants: wants(reader, entry)? });
            continue;
        }
        check_folder(key, line)?;
        if entry.link {
            let target = entry.resolved.map(|resolved| resolved.0).unwrap_or_default();
            links.push((key, target, line));
            continue;
        }
        let installed = split(key).map(|(_, name)| name);
        let member = workspaces.as_ref().is_some_and(|workspaces| workspaces.contains(key));
        let local = installed.is_none().then(|| match member {
            true => Source::Workspace,
            false => Source::Path(url::clean(key)),
        });
        let own = local == Some(Source::Workspace);
        let name = installed.unwrap_or_else(|| key.rsplit('/').next().unwrap_or(key));
        let package = entry.package(name, local, line, registries)?;
        let index = parsed.packages.len();
        parsed.packages.push(package);
        let folder = folders.add(key, Some(index));
        nodes.push(Node { folder, package: Some(index), own, wants: wants(reader, entry)? });
        targets.insert(key, index);
    }
    for (key, target, line) in &links {
        let target = target.strip_prefix("./").unwrap_or(target);
        let Some(index) = targets.get(target) else {
            return Err(ParseError::at(*line, format!("a link to `{}`, which is not in the file", excerpt(target))));
        };
        folders.add(key, Some(*index));
    }
    link(&nodes, &folders.tree, &mut parsed);
    parsed.root = header.root();
    Ok(parsed)
}

fn link(nodes: &[Node<'_>], tree: &Tree<'_>, parsed: &mut Parsed) {
    for package in &mut parsed.packages {
        package.direct = Some(false);
    }
    for node in nodes {
        let edges: Vec<usize> = node.wants.iter().filter_map(|name| tree.find(node.folder, name)).collect();
        if node.own {
            for index in edges.iter().copied().chain(node.package) {
                if let Some(package) = parsed.packages.get_mut(index) {
                    package.direct = Some(true);
                }
            }
        }
        if let Some((index, package)) = node.package.and_then(|index| Some((index, parsed.packages.get_mut(index)?))) {
            package.dependencies = graph::edges(edges, index);
        }
    }
}

/// The names a package asks for. Peers that aren't installed and optional ones that don't fit find nothing later.
fn wants<'a>(reader: &Reader<'a>, entry: Entry<'a>) -> Result<Vec<Cow<'a, str>>, ParseError> {
    let required: Option<Names<'_>> = entry.dependencies.map(|value| reader.value(value)).transpose()?;
    let tables = [required, entry.dev_dependencies, entry.optional_dependencies, entry.peer_dependencies];
    Ok(tables.into_iter().flatten().flat_map(|names| names.0).collect())
}

fn check_folder(key: &str, line: u32) -> Result<(), ParseError> {
    if key.len() > LONGEST {
        return Err(ParseError::at(line, format!("a folder's path of {} bytes", key.len())));
    }
    let own_part = key.split("node_modules/").next().unwrap_or_default();
    if key.matches("node_modules/").count() > DEEPEST || own_part.matches('/').count() > DEEPEST {
        return Err(ParseError::at(line, format!("packages are nested more than {DEEPEST} deep")));
    }
    Ok(())
}

/// The folder that a package is installed for, and the package's name; `None` for a folder of the project.
fn split(key: &str) -> Option<(&str, &str)> {
    match key.rsplit_once("/node_modules/") {
        Some(parts) => Some(parts),
        None => key.strip_prefix("node_modules/").map(|name| ("", name)),
    }
}

/// The folders of the table by path, each made once.
struct Folders<'a> {
    tree: Tree<'a>,
    by_path: HashMap<&'a str, Folder>,
}

impl<'a> Folders<'a> {
    fn new() -> Self {
        Folders { tree: Tree::new(), by_path: HashMap::from([("", ROOT)]) }
    }

    /// The folder of a path, with its package installed where others look for it.
    fn add(&mut self, path: &'a str, package: Option<usize>) -> Folder {
        if let (Some((above, name)), Some(package)) = (split(path), package) {
            let above = self.folder(above);
            self.tree.install(above, Cow::Borrowed(name), package);
        }
        self.folder(path)
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
            self.by_path.insert(path, folder);
        }
        folder
    }
}
