//! `package-lock.json` and `npm-shrinkwrap.json`, lockfile versions 1 to 3.

mod document;
mod entry;
mod flat;
mod halves;
mod json;
mod nested;
mod npmrc;
mod origin;
mod registry;
mod tree;
mod workspaces;

use super::text::{Lines, excerpt};
use super::{Format, Input, ParseError, Parsed, shell};
use crate::package::Package;
use document::Document;
use halves::Nested;
use json::{Reader, Text};

/// One of npm's two lockfiles, by its name; both have one form.
pub(crate) struct Npm(pub(super) &'static str);

impl Format for Npm {
    fn name(&self) -> &'static str {
        self.0
    }

    fn matches(&self, file_name: &str, _parent: &str) -> bool {
        file_name == self.0
    }

    fn parse(&self, input: &Input<'_>) -> Result<Parsed, ParseError> {
        let text = input.body();
        let lines = Lines::new(text);
        let reader = Reader::new(text, &lines);
        let document = Document::read(&reader)?;
        let root = (document.name, document.version);
        let registries = npmrc::Registries::read(input.sibling);
        // version 2 repeats the whole tree under `dependencies` for npm 6
        match (document.packages, document.dependencies) {
            (Some(packages), older) => {
                match older {
                    Some(Nested::Unread(older)) => halves::check(&reader, &packages, older)?,
                    Some(Nested::Checked(result)) => result?,
                    None => {}
                }
                flat::read(&reader, packages, root, &registries, input)
            }
            (None, _) if document.lockfile_version.is_some_and(|version| version > 1) => {
                Err(ParseError::new("no packages, which this lockfileVersion has: the file is cut off"))
            }
            // npm before 5 shrinkwrapped without a version
            (None, dependencies) if dependencies.is_some() || document.lockfile_version.is_some() => {
                // without packages, nothing is held against them
                let dependencies = dependencies.and_then(|dependencies| match dependencies {
                    Nested::Unread(value) => Some(value),
                    Nested::Checked(_) => None,
                });
                nested::read(&reader, dependencies, root, &registries, input)
            }
            _ => Err(ParseError::new("no lockfileVersion and no packages: not an npm lockfile")),
        }
    }

    fn upgrade(&self, package: &Package, fixed: &str, _lockfile: &str) -> String {
        match package.direct {
            Some(true) => format!("npm install {}", shell::word(&format!("{}@{fixed}", package.name))),
            _ => format!("npm update {}", shell::word(&package.name)),
        }
    }
}

/// Name and version of the project, each if it is given.
type Root<'a> = (Option<Text<'a>>, Option<Text<'a>>);

fn is_nameless((name, _): &Root<'_>) -> bool {
    name.as_ref().is_none_or(|name| name.0.is_empty())
}

/// The first few names, with how many more there are.
fn listed(names: &[String]) -> Option<(String, bool)> {
    const NAMED: usize = 3;
    let first: Vec<String> = names.iter().take(NAMED).map(|name| excerpt(name)).collect();
    let text = match names.len() {
        0 => return None,
        1..=NAMED => first.join(", "),
        all => format!("{} and {} more", first.join(", "), all - NAMED),
    };
    Some((text, names.len() > 1))
}

/// A warning about optional packages that are listed and not installed.
fn nothing_to_install(input: &Input<'_>, absent: &[String]) -> Option<String> {
    let (names, many) = listed(absent)?;
    let what = if many { "are optional and have" } else { "is optional and has" };
    Some(format!("{}: {names} {what} no version, so npm installs nothing", input.path))
}

/// A warning about packages that are called otherwise than the file they are installed from.
fn other_files(input: &Input<'_>, others: &[String]) -> Option<String> {
    let (names, many) = listed(others)?;
    let what = if many { "have the addresses of other packages" } else { "has the address of another package" };
    let way_out = "Run `npm install --package-lock-only`, and look at what changes.";
    Some(format!("{}: {names} {what} or version, which npm installs. {way_out}", input.path))
}

fn root((name, version): Root<'_>) -> Option<(String, String)> {
    let name = name.map(Text::into_string).filter(|name| !name.is_empty())?;
    Some((name, version.map(Text::into_string).unwrap_or_default()))
}

/// A package's name, by those of npm's rules that matter here (<https://docs.npmjs.com/cli/configuring-npm>).
fn check_name(name: &str, line: u32) -> Result<(), ParseError> {
    super::text::word("name", name, line)?;
    let slashes = name.bytes().filter(|byte| *byte == b'/').count();
    match slashes == usize::from(name.starts_with('@')) {
        true => Ok(()),
        false => Err(ParseError::at(line, format!("`{}` is not a package's name", excerpt(name)))),
    }
}

#[cfg(test)]
mod judge;
#[cfg(test)]
mod tests;
