//! `poetry.lock`, lock versions 1.0 to 2.x and the files before there were any.

mod schema;

use std::collections::{HashMap, HashSet};

use super::graph::{self, Roots};
use super::pyproject::{self, Pyproject, Wanted};
use super::text::{Lines, word};
use super::{Format, Input, ParseError, Parsed, files, hash, pep508, python, shell, toml_file, url};
use crate::package::{Ecosystem, Hash, Locked, Package, Scope, Source};
use schema::{Entry, Lock, Origin};

#[derive(Debug)]
pub(crate) struct Poetry;

impl Format for Poetry {
    fn name(&self) -> &'static str {
        "poetry.lock"
    }

    fn matches(&self, file_name: &str, _parent: &str) -> bool {
        file_name == "poetry.lock"
    }

    fn parse(&self, input: &Input<'_>) -> Result<Parsed, ParseError> {
        let text = files::shortened(input.body());
        let lines = toml_file::lines(&text)?;
        let lock: Lock = toml_file::read(&text, &lines)?;
        check_complete(&lock)?;
        let mut parsed = Parsed::default();
        let project = project(input, &mut parsed);

        if lock.package.is_empty() && project.as_ref().is_none_or(Pyproject::has_dependencies) {
            parsed.warnings.push(super::no_packages(input));
        }
        for entry in &lock.package {
            parsed.packages.push(package(entry, &lock, &lines)?);
        }
        link(&lock.package, &mut parsed.packages, project.as_ref())?;
        let roots = project.as_ref().map(|project| roots(project, &parsed.packages));
        if let Some(roots) = &roots {
            graph::assign_direct(&mut parsed.packages, roots, &[]);
        }
        let stated = lock.package.iter().any(|entry| stated_scope(entry).is_some());
        match roots {
            _ if stated => {
                for (package, entry) in parsed.packages.iter_mut().zip(&lock.package) {
                    package.scope = stated_scope(entry).unwrap_or(Scope::Unknown);
                }
            }
            // between 1.5 and 2.0 Poetry wrote neither categories nor groups
            Some(roots) => graph::assign_scopes(&mut parsed.packages, &roots, &[]),
            None => {}
        }
        Ok(parsed)
    }

    fn upgrade(&self, package: &Locked<'_>, _fixed: &str, _lockfile: &str) -> String {
        format!("poetry update {}", shell::word(package.name))
    }
}

/// Poetry writes `[metadata]` last, so a file that was cut off between two packages has none.
fn check_complete(lock: &Lock) -> Result<(), ParseError> {
    let Some(metadata) = &lock.metadata else {
        return Err(ParseError::new("no [metadata] section: the file is cut off or not a poetry.lock"));
    };
    let version = metadata.lock_version.as_deref().unwrap_or("0");
    match version.split('.').next().unwrap_or_default().parse::<u32>() {
        Ok(0..=2) => Ok(()),
        _ => Err(ParseError::new(format!(
            "lock-version {} is not known to this version (1 and 2 are)",
            super::text::excerpt(version)
        ))),
    }
}

fn project(input: &Input<'_>, parsed: &mut Parsed) -> Option<Pyproject> {
    let text = (input.sibling)("pyproject.toml").text()?;
    let Some(project) = pyproject::read(&text) else {
        let warning = "the pyproject.toml beside it can't be read, so direct dependencies are not known";
        parsed.warnings.push(format!("{}: {warning}", input.path));
        return None;
    };
    parsed.root = project.name.clone().map(|name| (name, project.version.clone().unwrap_or_default()));
    Some(project)
}

fn package(entry: &Entry, lock: &Lock, lines: &Lines<'_>) -> Result<Package, ParseError> {
    let line = lines.at(entry.name.span().start);
    let name = entry.name.get_ref();
    word("name", name, line)?;
    word("version", &entry.version, line)?;
    Ok(Package {
        ecosystem: Ecosystem::PyPi,
        name: python::normalise(name),
        version: entry.version.clone(),
        source: entry.source.as_ref().map_or(Source::Registry, |origin| source(origin, name, &entry.version)),
        line,
        scope: Scope::Unknown,
        direct: None,
        dependencies: Vec::new(),
        hashes: hashes(entry, lock),
        optional: entry.optional,
        folder: None,
    })
}

fn source(origin: &Origin, name: &str, version: &str) -> Source {
    match origin.kind.as_str() {
        "git" | "hg" => {
            let commit = origin.resolved_reference.as_deref().or(origin.reference.as_deref());
            Source::Git(url::git(&origin.url, commit))
        }
        "url" => python::file(&origin.url, name, version),
        "file" | "directory" => Source::Path(url::clean(&origin.url)),
        _ => python::index(&origin.url),
    }
}

/// In the package itself, or by its name in `[metadata.files]` (1.x), or bare in `[metadata.hashes]` (before 1.0).
fn hashes(entry: &Entry, lock: &Lock) -> Vec<Hash> {
    let name = entry.name.get_ref();
    let metadata = lock.metadata.as_ref();
    let central = metadata.and_then(|metadata| metadata.files.get(name));
    let files = if entry.files.0.is_empty() { central } else { Some(&entry.files) };
    match files {
        Some(files) => files.0.clone(),
        None => {
            let bare = metadata.and_then(|metadata| metadata.hashes.get(name));
            bare.into_iter().flatten().filter_map(|hex| hash::sha256(hex)).collect()
        }
    }
}

/// What the entry itself says: `groups` since 2.0, `category` until 1.4.
fn stated_scope(entry: &Entry) -> Option<Scope> {
    let main = match (&entry.groups, &entry.category) {
        (Some(groups), _) if !groups.is_empty() => groups.iter().any(|group| group == "main"),
        (_, Some(category)) => category == "main",
        _ => return None,
    };
    Some(if main { Scope::Production } else { Scope::Development })
}

/// Sets each package's dependencies. An optional one counts when an extra that holds it is asked for anywhere, or when
/// the project, which could ask, isn't there.
fn link(entries: &[Entry], packages: &mut [Package], project: Option<&Pyproject>) -> Result<(), ParseError> {
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    let names: Vec<String> = packages.iter().map(|package| package.name.clone()).collect();
    for (index, (name, package)) in names.iter().zip(packages.iter()).enumerate() {
        graph::note(&mut by_name, name, index, package.line)?;
    }
    let asked = asked_extras(entries, project);
    for (index, (entry, package)) in entries.iter().zip(packages).enumerate() {
        let extras: HashSet<String> = entry
            .extras
            .iter()
            .filter(|(extra, _)| asked.contains(&(package.name.clone(), python::normalise(extra))))
            .flat_map(|(_, requirements)| requirements)
            .filter_map(|requirement| Some(python::normalise(pep508::begins(requirement)?.0)))
            .collect();
        let mut edges = Vec::new();
        for (name, dependency) in &entry.dependencies {
            let name = python::normalise(name);
            if dependency.required() || project.is_none() || extras.contains(&name) {
                edges.extend(by_name.get(name.as_str()).into_iter().flatten());
            }
        }
        package.dependencies = graph::edges(edges, index);
    }
    Ok(())
}

fn asked_extras(entries: &[Entry], project: Option<&Pyproject>) -> HashSet<(String, String)> {
    let mut asked = HashSet::new();
    let wanted = project.into_iter().flat_map(|project| project.production.iter().chain(&project.development));
    for Wanted { name, extras } in wanted {
        asked.extend(extras.iter().map(|extra| (name.clone(), extra.clone())));
    }
    for (name, dependency) in entries.iter().flat_map(|entry| &entry.dependencies) {
        for extra in dependency.extras() {
            asked.insert((python::normalise(name), python::normalise(extra)));
        }
    }
    asked
}

fn roots(project: &Pyproject, packages: &[Package]) -> Roots {
    let find = |wanted: &[Wanted]| -> Vec<usize> {
        let names: HashSet<&str> = wanted.iter().map(|wanted| wanted.name.as_str()).collect();
        let named = packages.iter().enumerate().filter(|(_, package)| names.contains(package.name.as_str()));
        named.map(|(index, _)| index).collect()
    };
    Roots { production: find(&project.production), development: find(&project.development), ..Roots::default() }
}

#[cfg(test)]
mod tests;
