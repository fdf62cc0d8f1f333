//! pip's requirements files with exact versions (`requirements*.txt`, `requirements/*.txt`, `*requirements.txt`).

mod files;
mod found;
mod line;
mod local;
mod via;

use std::collections::HashSet;

use super::text::excerpt;
use super::{Format, Input, ParseError, Parsed, python, shell, url};
use crate::package::{Package, Source};
use files::Listing;
use found::Found;
use line::Wanted;

/// The most names that one warning lists.
const NAMED: usize = 10;

pub(crate) struct Requirements;

impl Format for Requirements {
    fn name(&self) -> &'static str {
        "requirements.txt"
    }

    fn entry_marker(&self) -> u8 {
        b'\n'
    }

    fn matches(&self, file_name: &str, parent: &str) -> bool {
        let Some(stem) = file_name.strip_suffix(".txt") else {
            // Rye's lockfiles have pip's format
            return matches!(file_name, "requirements.lock" | "requirements-dev.lock");
        };
        let folder = parent.trim_end_matches('/').rsplit('/').next().unwrap_or(parent);
        let named = stem.starts_with("requirements") || stem.ends_with("requirements") || folder == "requirements";
        named && !stem.contains("constraints")
    }

    fn parse(&self, input: &Input<'_>) -> Result<Parsed, ParseError> {
        let listing = files::read(input)?;
        let mut warnings = Vec::new();
        let origin = origin(&listing, input, &mut warnings);
        let mut open: Vec<&str> = Vec::new();
        let mut named = HashSet::new();
        let mut found = Found::default();
        for item in &listing.items {
            match &item.wanted {
                Wanted::Pinned { name, version } => found.add(item, name, version, origin.clone())?,
                Wanted::Open { name } => match listing.constraints.get(&python::normalise(name)) {
                    Some(version) => found.add(item, name, version, origin.clone())?,
                    // the same one for another environment is not a second one
                    None if !named.insert(python::normalise(name)) => {}
                    None => open.push(name),
                },
                Wanted::Address { name, address } => {
                    if let Some((name, version, source)) = local::identify(name.as_deref(), address, input.sibling) {
                        found.add(item, &name, &version, source)?;
                    }
                }
            }
        }
        found.link();
        warnings.extend(unpinned(&open, input));
        warnings.extend(listing.warnings);
        Ok(Parsed { packages: found.packages, warnings, ..Parsed::default() })
    }

    fn upgrade(&self, package: &Package, fixed: &str, lockfile: &str) -> String {
        let pin = shell::word(&format!("{}=={fixed}", package.name));
        format!("pin {pin} in {}", shell::word(lockfile))
    }
}

/// The origin of packages without an address. With a private index beside the public one, either may be the origin of a
/// package. So all of them stay private, with a warning.
fn origin(listing: &Listing, input: &Input<'_>, warnings: &mut Vec<String>) -> Source {
    let options = &listing.options;
    let main = match &options.index {
        _ if options.no_index => options.links.first().map_or(Source::Path(String::new()), |link| python::index(link)),
        Some(index) => python::index(index),
        None => Source::Registry,
    };
    if main != Source::Registry {
        return main;
    }
    let private = options.extra.iter().find(|index| python::index(index) != Source::Registry);
    let Some(private) = private else {
        return Source::Registry;
    };
    let address = url::clean(private);
    warnings.push(format!(
        "{}: packages could come from {} as well as from PyPI, so they are taken as private",
        input.path,
        excerpt(&address)
    ));
    Source::PrivateRegistry(address)
}

fn unpinned(open: &[&str], input: &Input<'_>) -> Option<String> {
    let mut names: Vec<String> = open.iter().take(NAMED).map(|name| excerpt(name)).collect();
    if open.len() > NAMED {
        names.push(format!("and {} more", open.len() - NAMED));
    }
    let what = if open.len() == 1 { "requirement" } else { "requirements" };
    let (count, names) = (open.len(), names.join(", "));
    (count > 0).then(|| format!("{}: {count} {what} without an exact version: {names}", input.path))
}

#[cfg(test)]
mod tests;
