//! `Cargo.lock`, versions 1 to 4.

mod members;
mod schema;

use std::collections::HashMap;

use super::graph::{self, Roots};
use super::text::{Lines, excerpt, word};
use super::{Format, Input, ParseError, Parsed, hash, shell, toml_file, url};
use crate::package::{Ecosystem, Hash, Locked, Package, Scope, Source};
use members::{Members, Purpose};
use schema::{Entry, Lock};

#[derive(Debug)]
pub(crate) struct CargoLock;

impl Format for CargoLock {
    fn name(&self) -> &'static str {
        "Cargo.lock"
    }

    fn matches(&self, file_name: &str, _parent: &str) -> bool {
        file_name == "Cargo.lock"
    }

    fn parse(&self, input: &Input<'_>) -> Result<Parsed, ParseError> {
        let text = input.body();
        let lines = toml_file::lines(text)?;
        let mut lock: Lock = toml_file::read(text, &lines)?;
        check(&lock)?;
        lock.package.extend(lock.root.take());
        let local = lock.package.iter().filter(|entry| entry.source.is_none());
        let local: Vec<&str> = local.map(|entry| entry.name.get_ref().as_str()).collect();
        let members = Members::find(input.sibling, &local);

        let mut parsed = Parsed::default();
        for name in &local {
            parsed.members.add_name(name);
        }
        let mut places: Vec<Option<usize>> = Vec::with_capacity(lock.package.len());
        for entry in &lock.package {
            let name = entry.name.get_ref();
            let only = local.len() == 1;
            let own = entry.source.is_none() && entry.checksum.is_none();
            if own && (members.root() == Some(name) || (members.is_empty() && only)) {
                parsed.root = Some((name.clone(), entry.version.clone()));
                places.push(None);
            } else {
                places.push(Some(parsed.packages.len()));
                parsed.packages.push(package(entry, &lock.metadata, &members, lines.at(entry.name.span().start))?);
            }
        }
        link(&lock, &places, &lines, &members, &mut parsed)?;
        if lock.package.is_empty() {
            parsed.warnings.push(super::no_packages(input));
        }
        Ok(parsed)
    }

    fn upgrade(&self, package: &Locked<'_>, fixed: &str, _lockfile: &str) -> String {
        // with the version the name is unambiguous where the lockfile holds several
        let spec = shell::word(&format!("{}@{}", package.name, package.version));
        format!("cargo update -p {spec} --precise {}", shell::word(fixed))
    }
}

fn check(lock: &Lock) -> Result<(), ParseError> {
    match lock.version {
        Some(version) if !(1..=4).contains(&version) => {
            Err(ParseError::new(format!("lockfile version {version} is not known to this version (1 to 4 are)")))
        }
        // versions 1 and 2 don't write theirs, but list the project at least
        None if lock.package.is_empty() && lock.root.is_none() => {
            Err(ParseError::new("no packages and no version: the file is cut off or not a Cargo.lock"))
        }
        _ => Ok(()),
    }
}

fn package(
    entry: &Entry,
    metadata: &HashMap<String, String>,
    members: &Members,
    line: u32,
) -> Result<Package, ParseError> {
    let name = entry.name.get_ref();
    word("name", name, line)?;
    word("version", &entry.version, line)?;
    let source = match entry.source.as_deref() {
        Some(source) => source_of(source).ok_or_else(|| {
            ParseError::at(line, format!("source `{}` of `{}` is of no known kind", excerpt(source), excerpt(name)))
        })?,
        // Cargo has no archive of a folder that it could have a checksum of.
        None if entry.checksum.is_some() => {
            let what = format!("`{}` has a checksum and no source: badly merged", excerpt(name));
            return Err(ParseError::at(line, format!("{what}. Run `cargo generate-lockfile`")));
        }
        None => members.outside(name).map_or(Source::Workspace, |path| Source::Path(path.to_owned())),
    };
    Ok(Package {
        ecosystem: Ecosystem::CratesIo,
        name: name.clone(),
        version: entry.version.clone(),
        source,
        line,
        scope: Scope::Unknown,
        direct: None,
        dependencies: Vec::new(),
        hashes: checksum(entry, metadata).into_iter().collect(),
        optional: false,
        folder: None,
    })
}

/// `None` for a kind that isn't known.
fn source_of(source: &str) -> Option<Source> {
    let (kind, address) = source.split_once('+')?;
    match kind {
        // a folder or an index on this machine is a registry too
        "registry" | "sparse" | "directory" | "local-registry" => Some(match public(kind, address) {
            true => Source::Registry,
            false => Source::PrivateRegistry(url::clean(address)),
        }),
        "git" => Some(Source::Git(url::git(address, url::fragment(address)))),
        "path" => Some(Source::Path(url::clean(address))),
        _ => None,
    }
}

/// The two names of the public registry's index.
fn public(kind: &str, address: &str) -> bool {
    let address = address.trim_end_matches('/').trim_end_matches(".git");
    match kind {
        "registry" => address == "https://github.com/rust-lang/crates.io-index",
        "sparse" => address == "https://index.crates.io",
        _ => false,
    }
}

/// Of the package itself, or (version 1) of `[metadata]`.
fn checksum(entry: &Entry, metadata: &HashMap<String, String>) -> Option<Hash> {
    if let Some(checksum) = &entry.checksum {
        return hash::sha256(checksum);
    }
    let source = entry.source.as_deref()?;
    let key = format!("checksum {} {} ({source})", entry.name.get_ref(), entry.version);
    hash::sha256(metadata.get(&key)?)
}

fn link(
    lock: &Lock,
    places: &[Option<usize>],
    lines: &Lines<'_>,
    members: &Members,
    parsed: &mut Parsed,
) -> Result<(), ParseError> {
    let mut by_name: HashMap<&str, Vec<usize>> = HashMap::new();
    for (index, entry) in lock.package.iter().enumerate() {
        let (name, line) = (entry.name.get_ref(), lines.at(entry.name.span().start));
        let mut same = by_name.get(name.as_str()).into_iter().flatten().filter_map(|known| lock.package.get(*known));
        if same.any(|known| known.version == entry.version && known.source == entry.source) {
            return Err(ParseError::at(
                line,
                format!("`{}` {} is there twice", excerpt(name), excerpt(&entry.version)),
            ));
        }
        graph::note(&mut by_name, name, index, line)?;
    }
    let mut roots = Roots::default();
    let mut own = Vec::new();
    for (entry, place) in lock.package.iter().zip(places) {
        let name = entry.name.get_ref();
        let mut edges = Vec::with_capacity(entry.dependencies.len());
        for dependency in &entry.dependencies {
            let found = find(dependency, lock, &by_name).ok_or_else(|| {
                let what = format!("dependency `{}` of `{}`", excerpt(dependency), excerpt(name));
                let line = lines.at(entry.name.span().start);
                ParseError::at(line, format!("{what} is not in the file: it is cut off or badly merged"))
            })?;
            let Some(target) = places.get(found).copied().flatten() else {
                continue;
            };
            edges.push(target);
            if entry.source.is_none() {
                let called = lock.package.get(found).map(|entry| entry.name.get_ref().as_str());
                match members.purpose(name, called.unwrap_or_default()) {
                    Some(Purpose::Production) => roots.production.push(target),
                    Some(Purpose::Optional) => roots.optional.push(target),
                    Some(Purpose::Development) => roots.development.push(target),
                    None => roots.unknown.push(target),
                }
            }
        }
        if let Some((index, package)) = place.and_then(|index| Some((index, parsed.packages.get_mut(index)?))) {
            if entry.source.is_none() {
                own.push(index);
            }
            package.dependencies = graph::edges(edges, index);
        }
    }
    graph::assign_direct(&mut parsed.packages, &roots, &own);
    graph::assign_scopes(&mut parsed.packages, &roots, &own);
    Ok(())
}

/// The entry that `name`, `name version` or `name version (source)` means. Of a Git repository the dependency names the
/// branch or tag, and the entry the commit too.
fn find(dependency: &str, lock: &Lock, by_name: &HashMap<&str, Vec<usize>>) -> Option<usize> {
    let mut parts = dependency.splitn(3, ' ');
    let named = by_name.get(parts.next()?)?;
    let version = parts.next();
    let source = parts.next().map(|source| source.trim_start_matches('(').trim_end_matches(')'));
    let fits = |index: &&usize, same: fn(&str, &str) -> bool| {
        lock.package.get(**index).is_some_and(|entry| {
            version.is_none_or(|version| entry.version == version)
                && source.is_none_or(|source| entry.source.as_deref().is_some_and(|known| same(known, source)))
        })
    };
    let exact = named.iter().find(|index| fits(index, |known, source| known == source));
    let repository = || named.iter().find(|index| fits(index, |known, source| without_commit(known) == source));
    exact.or_else(repository).copied()
}

fn without_commit(source: &str) -> &str {
    source.split_once('#').map_or(source, |(repository, _)| repository)
}

#[cfg(test)]
mod judge;
#[cfg(test)]
mod tests;
