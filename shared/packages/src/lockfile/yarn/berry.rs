//! Entries of Yarn 2 and later, whose lockfile is in YAML (<https://yarnpkg.com/advanced/lexicon>,
//! <https://yarnpkg.com/protocols>).

use std::borrow::Cow;

use super::super::archive::unquote;
use super::super::npm::notes::check_name;
use super::super::npm::npmrc::Registries;
use super::super::npm::origin;
use super::super::text::{excerpt, word};
use super::super::{Input, ParseError, url};
use super::read::{Dialect, Place, Want, package};
use super::syntax::Block;
use super::table::{Table, parts};
use crate::package::Source;

/// The newest `version` of the metadata that is known: that of Yarn 4.
const KNOWN: u32 = 10;

pub(super) struct Berry {
    registries: Registries,
}

impl Berry {
    pub(super) fn new(input: &Input<'_>) -> Berry {
        Berry { registries: super::settings::berry(input.sibling) }
    }

    /// By the reference of a resolution: a protocol, what it leads to, and after `::` parameters.
    fn source(&self, name: &str, version: &str, reference: &str) -> (Source, bool) {
        let (plain, parameters) = reference.split_once("::").unwrap_or((reference, ""));
        let (protocol, rest) = plain.split_once(':').unwrap_or(("", plain));
        let source = match protocol {
            "npm" => {
                let address = parameters.split('&').find_map(|parameter| parameter.strip_prefix("__archiveUrl="));
                let Some(address) = address.map(unquote) else { return (self.registries.of(name), false) };
                let is_another = origin::is_another(name, version, &address);
                return (origin::source(name, version, &address, &self.registries), is_another);
            }
            // the second part is the folder again, with the one that it is relative to
            "file" | "portal" | "link" => Source::Path(url::clean(rest.split('#').next().unwrap_or(rest))),
            _ => match plain.split_once("#commit=") {
                Some((address, commit)) => {
                    Source::Git(url::git(address, Some(commit.split('&').next().unwrap_or(commit))))
                }
                None if origin::is_address(plain) => origin::source(name, version, plain, &self.registries),
                None => Source::Url(url::clean(plain)),
            },
        };
        (source, false)
    }
}

impl Dialect for Berry {
    fn patterns<'a>(&self, block: &Block<'a>) -> Vec<Cow<'a, str>> {
        let mut patterns = Vec::new();
        for key in &block.keys {
            match key {
                Cow::Borrowed(key) => patterns.extend(key.split(", ").map(Cow::Borrowed)),
                Cow::Owned(key) => patterns.extend(key.split(", ").map(|pattern| Cow::Owned(pattern.to_owned()))),
            }
        }
        patterns
    }

    /// The resolution, which patches refer to, and patterns without what binds them to the part of the project that asks.
    fn further_patterns(&self, block: &Block<'_>) -> Vec<String> {
        let patterns = self.patterns(block);
        let bound = patterns.iter().filter_map(|pattern| pattern.split_once("::")).map(|(free, _)| free.to_owned());
        let resolution = block.value("resolution").ok().flatten().map(|(resolution, _)| resolution.into_owned());
        bound.chain(resolution).collect()
    }

    fn place(&self, block: &Block<'_>) -> Result<Place, ParseError> {
        if block.keys == ["__metadata"] {
            return metadata(block).map(|()| Place::Metadata);
        }
        let key = block.keys.first().map(|key| key.as_ref()).unwrap_or_default();
        let cut = |what| ParseError::at(block.line, format!("`{}` has no {what}: the file is cut off", excerpt(key)));
        let (resolution, line) = block.value("resolution")?.ok_or_else(|| cut("resolution"))?;
        let (version, version_line) = block.value("version")?.ok_or_else(|| cut("version"))?;
        let (name, reference) = parts(&resolution, line)?;
        check_name(name, line)?;
        if let Some(folder) = reference.strip_prefix("workspace:") {
            let folder = folder.trim_start_matches("./").trim_end_matches('/');
            let folder = if folder == "." { "" } else { folder };
            let package = package(name, "", Source::Workspace, block.line);
            return Ok(Place::Part(folder.to_owned(), Box::new(package)));
        }
        word("version", &version, version_line)?;
        if let Some(patch) = reference.strip_prefix("patch:") {
            let of = unquote(patch.split('#').next().unwrap_or(patch)).into_owned();
            let package = package(name, &version, self.registries.of(name), block.line);
            return Ok(Place::Patch(of, Box::new(package)));
        }
        let (source, is_another) = self.source(name, &version, reference);
        Ok(Place::Package { package: Box::new(package(name, &version, source, block.line)), is_another })
    }

    fn wants<'a>(&self, block: &Block<'a>) -> Result<Vec<Want<'a>>, ParseError> {
        let optional = block.optional("dependenciesMeta")?;
        let want = |member| {
            let (name, range, line) = member?;
            let optional = optional.contains(&name);
            Ok(Want { name, range, optional, line })
        };
        block.members("dependencies").map(want).collect()
    }

    fn find(&self, table: &Table<'_>, name: &str, range: &str) -> Option<usize> {
        // the protocol of the registry is left out of ranges before Yarn 4
        table.find(&format!("{name}@{range}")).or_else(|| table.find(&format!("{name}@npm:{range}")))
    }

    fn is_outside(&self, range: &str) -> bool {
        range.starts_with("link:")
    }
}

fn metadata(block: &Block<'_>) -> Result<(), ParseError> {
    let Some((version, line)) = block.value("version")? else {
        return Err(ParseError::at(block.line, "the metadata has no version: the file is cut off"));
    };
    match version.parse::<u32>() {
        Ok(version) if version <= KNOWN => Ok(()),
        _ => {
            let version = excerpt(&version);
            Err(ParseError::at(line, format!("lock version {version} is not known to this version (up to {KNOWN} is)")))
        }
    }
}
