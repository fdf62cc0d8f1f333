//! `package-lock.json` and `npm-shrinkwrap.json`, lockfile versions 1 to 3.

mod entry;
mod flat;
mod json;
mod nested;
mod npmrc;
mod origin;
mod tree;
mod workspaces;

use super::text::{Lines, excerpt};
use super::{Format, Input, ParseError, Parsed, shell};
use crate::package::Package;
use json::{Reader, Text};

/// One of npm's two lockfiles, by its name; both have one form.
pub(crate) struct Npm(pub(super) &'static str);

impl Format for Npm {
    fn name(&self) -> &'static str {
        self.0
    }

    fn entry_marker(&self) -> u8 {
        b'{'
    }

    fn matches(&self, file_name: &str, _parent: &str) -> bool {
        file_name == self.0
    }

    fn parse(&self, input: &Input<'_>) -> Result<Parsed, ParseError> {
        let text = input.body();
        let lines = Lines::new(text);
        let reader = Reader::new(text, &lines);
        let mut header = Header::default();
        let (mut packages, mut dependencies) = (None, None);
        for (key, value) in reader.document()? {
            match key.as_ref() {
                "name" => header.name = reader.value::<Option<Text<'_>>>(value)?.map(Text::into_string),
                "version" => header.version = reader.value::<Option<Text<'_>>>(value)?.map(Text::into_string),
                "lockfileVersion" => header.lockfile_version = Some(reader.value(value)?),
                "packages" => packages = Some(value),
                "dependencies" => dependencies = Some(value),
                _ => {}
            }
        }
        header.check(packages.is_some() || dependencies.is_some())?;
        let registries = npmrc::Registries::read(input.sibling);
        // version 2 repeats the whole tree under `dependencies` for npm 6
        match (packages, dependencies) {
            (Some(packages), _) => flat::read(&reader, packages, header, &registries),
            (None, dependencies) => nested::read(&reader, dependencies, header, &registries, input),
        }
    }

    fn upgrade(&self, package: &Package, fixed: &str, _lockfile: &str) -> String {
        match package.direct {
            Some(true) => format!("npm install {}", shell::word(&format!("{}@{fixed}", package.name))),
            _ => format!("npm update {}", shell::word(&package.name)),
        }
    }
}

/// What the lockfile says of itself.
#[derive(Default)]
struct Header {
    name: Option<String>,
    version: Option<String>,
    lockfile_version: Option<u64>,
}

impl Header {
    fn check(&self, has_packages: bool) -> Result<(), ParseError> {
        match self.lockfile_version {
            Some(1..=3) => Ok(()),
            Some(version) => {
                Err(ParseError::new(format!("lockfileVersion {version} is not known to this version (1 to 3 are)")))
            }
            // npm before 5 shrinkwrapped without a version
            None if has_packages => Ok(()),
            None => Err(ParseError::new("no lockfileVersion and no packages: not an npm lockfile")),
        }
    }

    fn root(&mut self) -> Option<(String, String)> {
        let name = self.name.take().filter(|name| !name.is_empty())?;
        Some((name, self.version.take().unwrap_or_default()))
    }
}

/// A package's name: that of npm's rules as far as it matters here (<https://docs.npmjs.com/cli/configuring-npm>).
fn check_name(name: &str, line: u32) -> Result<(), ParseError> {
    super::text::word("name", name, line)?;
    let slashes = name.bytes().filter(|byte| *byte == b'/').count();
    match slashes == usize::from(name.starts_with('@')) {
        true => Ok(()),
        false => Err(ParseError::at(line, format!("`{}` is not a package's name", excerpt(name)))),
    }
}

#[cfg(test)]
mod tests;
