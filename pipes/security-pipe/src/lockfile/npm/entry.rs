//! One package as either form of the lockfile describes it.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::text::word;
use super::super::{ParseError, hash};
use super::json::{Names, Text};
use super::npmrc::Registries;
use super::workspaces::Workspaces;
use super::{check_name, origin};
use crate::package::{Ecosystem, Package, Scope, Source};

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Entry<'a> {
    /// Only where it isn't what the folder says: an alias, or a member of the workspace.
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) version: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) resolved: Option<Text<'a>>,
    #[serde(borrow)]
    integrity: Option<Text<'a>>,
    pub(super) link: bool,
    dev: bool,
    extraneous: bool,
    /// The requirements of version 1, where `dependencies` are the packages installed below.
    #[serde(borrow)]
    pub(super) requires: Option<Names<'a>>,
    /// Requirements since version 2; the packages installed below in version 1.
    #[serde(borrow)]
    pub(super) dependencies: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) dev_dependencies: Option<Names<'a>>,
    #[serde(borrow)]
    pub(super) optional_dependencies: Option<Names<'a>>,
    #[serde(borrow)]
    pub(super) peer_dependencies: Option<Names<'a>>,
    pub(super) workspaces: Option<Workspaces>,
}

impl Entry<'_> {
    /// The package under `name`, which an alias replaces. `local` is where it lies if it is a folder of the project.
    pub(super) fn package(
        &self,
        name: &str,
        local: Option<Source>,
        line: u32,
        registries: &Registries,
    ) -> Result<Package, ParseError> {
        let said =
            |text: &'_ Option<Text<'_>>| text.as_ref().map(|text| text.0.clone().into_owned()).unwrap_or_default();
        let stated = said(&self.version);
        let (alias, version) = match stated.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
            Some((real, version)) if !real.is_empty() => (Some(real), version),
            _ => (None, stated.as_str()),
        };
        let name =
            self.name.as_ref().map(|name| name.0.as_ref()).filter(|name| !name.is_empty()).or(alias).unwrap_or(name);
        check_name(name, line)?;
        let source = match local {
            Some(local) => local,
            None => origin::source(name, version, &said(&self.resolved), registries),
        };
        // version 1 has the address in place of the version
        let version = if origin::is_address(version) { "" } else { version };
        let may_lack = !matches!(source, Source::Registry | Source::PrivateRegistry(_));
        if !(may_lack && version.is_empty()) {
            word("version", version, line)?;
        }
        Ok(Package {
            ecosystem: Ecosystem::Npm,
            name: name.to_owned(),
            version: version.to_owned(),
            source,
            line,
            scope: self.scope(),
            direct: None,
            dependencies: Vec::new(),
            hashes: self.integrity.as_ref().map(|text| hash::integrity(&text.0)).unwrap_or_default(),
        })
    }

    /// `devOptional` is reached by an optional dependency too, which ships.
    fn scope(&self) -> Scope {
        match (self.dev, self.extraneous) {
            (_, true) => Scope::Unknown,
            (true, false) => Scope::Development,
            (false, false) => Scope::Production,
        }
    }
}
