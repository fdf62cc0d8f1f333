//! `package-lock.json` and `npm-shrinkwrap.json`, lockfile versions 1 to 3.

mod document;
mod entry;
mod flat;
mod halves;
mod json;
mod nested;
pub(super) mod notes;
pub(super) mod npmrc;
pub(super) mod origin;
pub(super) mod project;
mod registry;
mod tree;
pub(super) mod workspaces;

use super::text::Lines;
use super::{Format, Input, ParseError, Parsed, shell};
use crate::package::Locked;
use document::Document;
use halves::Nested;
use json::Reader;

/// One of npm's two lockfiles, by its name; both have one form.
#[derive(Debug)]
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

    fn upgrade(&self, package: &Locked<'_>, fixed: &str, _lockfile: &str) -> String {
        match package.direct {
            Some(true) => format!("npm install {}", shell::word(&format!("{}@{fixed}", package.name))),
            _ => format!("npm update {}", shell::word(package.name)),
        }
    }
}

#[cfg(test)]
mod judge;
#[cfg(test)]
mod tests;
