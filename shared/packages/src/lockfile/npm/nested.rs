//! Lockfile version 1: packages nested as their folders are, with `requires` for the edges.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::text::excerpt;
use super::super::{Input, MAX_PACKAGES, ParseError, Parsed, graph};
use super::entry::Entry;
use super::json::{Members, Names, Reader};
use super::notes::{self, Root, is_nameless, nothing_to_install, other_files};
use super::npmrc::Registries;
use super::tree::{DEEPEST, Folder, MAX_DEPTH, ROOT, Tree, folder};

struct Node<'a> {
    folder: Folder,
    requires: Vec<Cow<'a, str>>,
}

pub(super) fn read<'a>(
    reader: &Reader<'a>,
    dependencies: Option<&'a RawValue>,
    root: Root<'_>,
    registries: &Registries,
    input: &Input<'_>,
) -> Result<Parsed, ParseError> {
    if let Some(value) = dependencies {
        reader.check_depth(value, DEEPEST)?;
    }
    let mut parsed = Parsed::default();
    let (mut absent, mut others) = (Vec::new(), Vec::new());
    let mut tree = Tree::new(0);
    let mut nodes: Vec<Node<'_>> = Vec::new();
    let mut open: Vec<(&RawValue, Folder, usize, String)> =
        dependencies.map(|value| (value, ROOT, 1, String::new())).into_iter().collect();
    while let Some((value, above, depth, parent)) = open.pop() {
        let level: Members<'_, Entry<'_, &RawValue>> = reader.value(value)?;
        for (key, entry) in level.0 {
            let line = reader.line(&key);
            if nodes.len() == MAX_PACKAGES {
                return Err(ParseError::at(line, format!("more than {MAX_PACKAGES} packages")));
            }
            if entry.is_nothing() {
                absent.push(key.name.into_owned());
                continue;
            }
            let mut package = entry.package(&key.name, None, line, registries)?;
            package.direct = (depth > 1).then_some(false);
            let path = format!("{parent}node_modules/{}", key.name);
            package.folder = folder(&path, &package.name);
            if entry.is_another(&package) {
                others.push(package.name.clone());
            }
            if tree.install(above, key.name.clone(), parsed.packages.len()) {
                return Err(reader.twice(&key));
            }
            let folder = tree.folder(above);
            nodes.push(Node { folder, requires: entry.requires.unwrap_or_default().0 });
            parsed.packages.push(package);
            if let Some(below) = entry.dependencies {
                if depth == MAX_DEPTH {
                    return Err(ParseError::at(line, format!("dependencies are nested more than {MAX_DEPTH} deep")));
                }
                open.push((below, folder, depth + 1, path + "/"));
            }
        }
    }
    for (index, node) in nodes.iter().enumerate() {
        let edges = node.requires.iter().filter_map(|name| tree.find(node.folder, name)).collect();
        if let Some(package) = parsed.packages.get_mut(index) {
            package.dependencies = graph::edges(edges, index);
        }
    }
    mark_direct(&tree, &mut parsed, input);
    in_file_order(&mut parsed);
    parsed.warnings.extend(nothing_to_install(input, &absent));
    parsed.warnings.extend(other_files(input, &others, "npm", notes::WRITE_ANEW));
    if parsed.packages.is_empty() && is_nameless(&root) {
        parsed.warnings.push(super::super::no_packages(input));
    }
    parsed.root = notes::root(root);
    Ok(parsed)
}

/// Version 1 doesn't say what the project itself asks for, its `package.json` does.
fn mark_direct(tree: &Tree<'_>, parsed: &mut Parsed, input: &Input<'_>) {
    let Some(text) = (input.sibling)("package.json").text() else {
        return;
    };
    let Ok(manifest) = serde_json::from_str::<Manifest<'_>>(text.strip_prefix('\u{feff}').unwrap_or(&text)) else {
        let path = excerpt(input.path);
        parsed
            .warnings
            .push(format!("{path}: the package.json beside it can't be read, so direct dependencies are not known"));
        return;
    };
    for package in &mut parsed.packages {
        package.direct = Some(false);
    }
    let tables = [manifest.dependencies, manifest.dev_dependencies, manifest.optional_dependencies];
    for name in tables.into_iter().flatten().flat_map(|names| names.0) {
        let found = tree.installed_in_root(&name);
        if let Some(package) = found.and_then(|index| parsed.packages.get_mut(index)) {
            package.direct = Some(true);
        }
    }
}

/// The walk takes one level at a time; readers of the result expect the file's order.
fn in_file_order(parsed: &mut Parsed) {
    let mut order: Vec<usize> = (0..parsed.packages.len()).collect();
    let line = |index: &usize| parsed.packages.get(*index).map(|package| package.line);
    order.sort_by_key(line);
    let mut place = vec![0; order.len()];
    for (new, old) in order.iter().enumerate() {
        if let Some(place) = place.get_mut(*old) {
            *place = new;
        }
    }
    for package in &mut parsed.packages {
        let edges = package.dependencies.iter().filter_map(|edge| place.get(*edge).copied());
        package.dependencies = edges.collect();
        package.dependencies.sort_unstable();
    }
    parsed.packages.sort_by_key(|package| package.line);
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Manifest<'a> {
    #[serde(borrow)]
    dependencies: Option<Names<'a>>,
    #[serde(borrow)]
    dev_dependencies: Option<Names<'a>>,
    #[serde(borrow)]
    optional_dependencies: Option<Names<'a>>,
}
