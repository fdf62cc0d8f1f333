//! `uv.lock` (version 1, any revision) and the `<script>.py.lock` files of the same form.

mod schema;

use std::collections::{HashMap, HashSet};

use super::graph::{self, Roots};
use super::text::{Lines, word};
use super::{Format, Input, ParseError, Parsed, files, pyproject, python, shell, toml_file, url};
use crate::package::{Ecosystem, Locked, Package, Scope, Source};
use schema::{Dependency, Entry, Lock, Origin};

#[derive(Debug)]
pub(crate) struct Uv;

impl Format for Uv {
    fn name(&self) -> &'static str {
        "uv.lock"
    }

    fn matches(&self, file_name: &str, _parent: &str) -> bool {
        file_name == "uv.lock" || file_name.ends_with(".py.lock")
    }

    fn parse(&self, input: &Input<'_>) -> Result<Parsed, ParseError> {
        let text = files::shortened(input.body());
        let lines = toml_file::lines(&text)?;
        let lock: Lock = toml_file::read(&text, &lines)?;
        if lock.version != 1 {
            let message = format!("lock version {} is not known to this version (1 is)", lock.version);
            return Err(ParseError::new(message));
        }
        let mut parsed = Parsed::default();
        // where each entry went; the project itself isn't a package
        let mut places: Vec<Option<usize>> = Vec::with_capacity(lock.package.len());
        for entry in &lock.package {
            let line = lines.at(entry.name.span().start);
            if let Some(folder) = entry.source.folder() {
                parsed.members.add_folder(folder);
            }
            if entry.source.is_project() && parsed.root.is_none() {
                parsed.root =
                    Some((python::normalise(entry.name.get_ref()), entry.version.clone().unwrap_or_default()));
                places.push(None);
            } else {
                places.push(Some(parsed.packages.len()));
                parsed.packages.push(package(entry, &lock, line)?);
            }
        }
        link(&lock, &places, &lines, &mut parsed)?;
        if lock.package.is_empty() {
            parsed.warnings.push(super::no_packages(input));
        }
        if parsed.root.is_none() && input.path.ends_with("uv.lock") {
            let project = (input.sibling)("pyproject.toml").text().and_then(|text| pyproject::read(&text));
            parsed.root = project.and_then(|project| Some((project.name?, project.version.unwrap_or_default())));
        }
        Ok(parsed)
    }

    fn upgrade(&self, package: &Locked<'_>, _fixed: &str, lockfile: &str) -> String {
        let name = shell::word(package.name);
        match lockfile.strip_suffix(".lock").filter(|script| script.ends_with(".py")) {
            Some(script) => format!("uv lock --script {} --upgrade-package {name}", shell::word(script)),
            None => format!("uv lock --upgrade-package {name}"),
        }
    }
}

fn package(entry: &Entry, lock: &Lock, line: u32) -> Result<Package, ParseError> {
    let name = entry.name.get_ref();
    word("name", name, line)?;
    let version = entry.version.clone().unwrap_or_default();
    let source = source(&entry.source, name, &version, lock);
    if !matches!(source, Source::Workspace | Source::Path(_)) || !version.is_empty() {
        word("version", &version, line)?;
    }
    let files = entry.sdist.iter().filter_map(|file| file.0.as_ref()).chain(&entry.wheels.0);
    Ok(Package {
        ecosystem: Ecosystem::PyPi,
        name: python::normalise(name),
        version,
        source,
        line,
        scope: Scope::Unknown,
        direct: None,
        dependencies: Vec::new(),
        hashes: files.cloned().collect(),
        optional: false,
        folder: None,
    })
}

fn source(origin: &Origin, name: &str, version: &str, lock: &Lock) -> Source {
    if let Some(index) = &origin.registry {
        return python::index(index);
    }
    if let Some(address) = &origin.git {
        return Source::Git(url::git(address, url::fragment(address)));
    }
    if let Some(address) = &origin.url {
        return python::file(address, name, version);
    }
    let member = lock.manifest.members.iter().any(|member| member == name);
    match origin.folder() {
        Some(_) if member => Source::Workspace,
        Some(folder) => Source::Path(url::clean(folder)),
        None => Source::Path(url::clean(origin.path.as_deref().unwrap_or_default())),
    }
}

/// Dependencies, and from them what is direct and what is for development: the lockfile holds the members of the
/// project with their groups.
fn link(lock: &Lock, places: &[Option<usize>], lines: &Lines<'_>, parsed: &mut Parsed) -> Result<(), ParseError> {
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, entry) in lock.package.iter().enumerate() {
        let (name, line) = (entry.name.get_ref(), lines.at(entry.name.span().start));
        let mut same = by_name.get(name.as_str()).into_iter().flatten().filter_map(|known| lock.package.get(*known));
        if same.any(|known| known.version == entry.version && known.source == entry.source) {
            return Err(graph::twice(name, line));
        }
        graph::note(&mut by_name, name, index, line)?;
    }
    let find = |dependency: &Dependency, line: Option<u32>| -> Result<Vec<usize>, ParseError> {
        let named = by_name.get(dependency.name.as_str()).ok_or_else(|| graph::missing(&dependency.name, line))?;
        let fits = |index: &&usize| lock.package.get(**index).is_some_and(|entry| dependency.fits(entry));
        let fitting: Vec<usize> = named.iter().filter(fits).copied().collect();
        let chosen = if fitting.is_empty() { named.clone() } else { fitting };
        Ok(chosen.into_iter().filter_map(|index| places.get(index).copied().flatten()).collect())
    };

    let members: HashSet<&str> = lock.manifest.members.iter().map(String::as_str).collect();
    let mut roots = Roots::default();
    let mut own = Vec::new();
    for (entry, place) in lock.package.iter().zip(places) {
        let line = Some(lines.at(entry.name.span().start));
        let (mut production, mut optional, mut development) = (Vec::new(), Vec::new(), Vec::new());
        for dependency in &entry.dependencies {
            production.extend(find(dependency, line)?);
        }
        for dependency in entry.optional_dependencies.values().flatten() {
            optional.extend(find(dependency, line)?);
        }
        for dependency in entry.dev_dependencies.values().flatten() {
            development.extend(find(dependency, line)?);
        }
        if place.is_none() || members.contains(entry.name.get_ref().as_str()) {
            roots.production.extend(&production);
            roots.optional.extend(&optional);
            roots.development.extend(&development);
            own.extend(*place);
        }
        let package = place.and_then(|index| Some((index, parsed.packages.get_mut(index)?)));
        if let Some((index, package)) = package {
            production.extend(optional);
            production.extend(development);
            package.dependencies = graph::edges(production, index);
        }
    }
    for dependency in &lock.manifest.requirements {
        roots.production.extend(find(dependency, None)?);
    }
    for dependency in lock.manifest.dependency_groups.values().flatten() {
        roots.development.extend(find(dependency, None)?);
    }
    graph::assign_direct(&mut parsed.packages, &roots, &own);
    graph::assign_scopes(&mut parsed.packages, &roots, &own);
    Ok(())
}

#[cfg(test)]
mod tests;
