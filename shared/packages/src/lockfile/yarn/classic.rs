//! Entries of Yarn 1 (<https://classic.yarnpkg.com/lang/en/docs/yarn-lock/>).

use std::borrow::Cow;

use super::super::npm::notes::check_name;
use super::super::npm::npmrc::Registries;
use super::super::npm::origin;
use super::super::text::{excerpt, word};
use super::super::{Input, ParseError, hash, url};
use super::read::{Dialect, Place, Want, package};
use super::settings;
use super::syntax::Block;
use super::table::{Table, parts, split};
use crate::package::{Package, Source};

pub(super) struct Classic {
    registries: Registries,
}

impl Classic {
    pub(super) fn new(input: &Input<'_>) -> Classic {
        Classic { registries: settings::classic(input.sibling) }
    }

    fn source(&self, name: &str, version: &str, range: &str, resolved: &str) -> Source {
        if is_folder(range) {
            return Source::Path(url::clean(range.strip_prefix("file:").unwrap_or(range)));
        }
        // a mirror without a network has the names of files, and old versions of Yarn wrote no address
        match origin::is_address(resolved) {
            true => origin::source(name, version, resolved, &self.registries),
            false if origin::is_address(range) => origin::source(name, range, "", &self.registries),
            false => self.registries.of(name),
        }
    }
}

impl Dialect for Classic {
    fn patterns<'a>(&self, block: &Block<'a>) -> Vec<Cow<'a, str>> {
        block.keys.clone()
    }

    fn further_patterns(&self, _block: &Block<'_>) -> Vec<String> {
        Vec::new()
    }

    fn place(&self, block: &Block<'_>) -> Result<Place, ParseError> {
        let (key, others) =
            block.keys.split_first().ok_or_else(|| ParseError::at(block.line, "an entry without a name"))?;
        let (name, range) = real(key, block.line)?;
        for other in others {
            let (other, _) = real(other, block.line)?;
            if other != name {
                let message = format!("`{}` and `{}` have one entry: badly merged", excerpt(name), excerpt(other));
                return Err(ParseError::at(block.line, message));
            }
        }
        check_name(name, block.line)?;
        let version = block.value("version")?;
        let (version, line) = version.ok_or_else(|| {
            ParseError::at(block.line, format!("`{}` has no version: the file is cut off", excerpt(name)))
        })?;
        word("version", &version, line)?;
        let resolved = block.value("resolved")?.map(|(resolved, _)| resolved).unwrap_or_default();
        let source = self.source(name, &version, range, &resolved);
        let mut hashes = match block.value("integrity")? {
            Some((integrity, _)) => hash::integrity(&integrity),
            None => Vec::new(),
        };
        if matches!(source, Source::Registry | Source::PrivateRegistry(_)) {
            let sha1 = url::fragment(&resolved).and_then(|sha1| hash::tagged(&format!("sha1:{sha1}")));
            hashes.extend(sha1.filter(|sha1| !hashes.contains(sha1)));
        }
        let is_another = origin::is_another(name, &version, &resolved);
        let package = Package { hashes, ..package(name, &version, source, block.line) };
        Ok(Place::Package { package: Box::new(package), is_another })
    }

    fn wants<'a>(&self, block: &Block<'a>) -> Result<Vec<Want<'a>>, ParseError> {
        let list = |field: &'static str, optional| {
            let want = move |member| {
                let (name, range, line) = member?;
                Ok(Want { name, range, optional, line })
            };
            block.members(field).map(want)
        };
        list("dependencies", false).chain(list("optionalDependencies", true)).collect()
    }

    fn find(&self, table: &Table<'_>, name: &str, range: &str) -> Option<usize> {
        table.find(&format!("{name}@{range}"))
    }

    fn is_outside(&self, range: &str) -> bool {
        range.starts_with("link:")
    }
}

/// The name that a package has at its registry, and the range. An alias is `short@npm:name@range`.
fn real(pattern: &str, line: u32) -> Result<(&str, &str), ParseError> {
    let (name, range) = parts(pattern, line)?;
    Ok(match range.strip_prefix("npm:") {
        Some(real) => split(real).unwrap_or((real, "")),
        None => (name, range),
    })
}

fn is_folder(range: &str) -> bool {
    ["file:", "./", "../", "/", "~/"].iter().any(|start| range.starts_with(start))
}
