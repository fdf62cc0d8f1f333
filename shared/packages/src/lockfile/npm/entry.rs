//! One package as either form of the lockfile describes it.

use std::borrow::Cow;

use serde::Deserialize;

use super::super::text::{excerpt, word};
use super::super::{ParseError, hash};
use super::json::{Names, Text};
use super::notes::check_name;
use super::npmrc::Registries;
use super::origin;
use super::workspaces::Workspaces;
use crate::package::{Ecosystem, Package, Scope, Source};

/// `D` is what stands under `dependencies`: requirements since version 2, the packages installed below in version 1,
/// where requirements are under `requires`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", bound(deserialize = "D: Deserialize<'de>"))]
pub(super) struct Entry<'a, D> {
    /// Set if it differs from the folder: an alias, or a member of the workspace.
    #[serde(borrow)]
    pub(super) name: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) version: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) resolved: Option<Text<'a>>,
    #[serde(borrow)]
    integrity: Option<Text<'a>>,
    #[serde(default)]
    pub(super) link: bool,
    #[serde(default)]
    dev: bool,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    dev_optional: bool,
    #[serde(default)]
    extraneous: bool,
    #[serde(borrow)]
    pub(super) requires: Option<Names<'a>>,
    pub(super) dependencies: Option<D>,
    #[serde(borrow)]
    dev_dependencies: Option<Names<'a>>,
    #[serde(borrow)]
    optional_dependencies: Option<Names<'a>>,
    #[serde(borrow)]
    peer_dependencies: Option<Names<'a>>,
    pub(super) workspaces: Option<Workspaces>,
}

impl<'a> Entry<'a, Names<'a>> {
    /// The names a package asks for. Peers that aren't installed and optional ones that don't fit find nothing later.
    pub(super) fn wants(self) -> Vec<Cow<'a, str>> {
        let mut wants = self.dependencies.unwrap_or_default().0;
        for names in [self.dev_dependencies, self.optional_dependencies, self.peer_dependencies].into_iter().flatten() {
            wants.extend(names.0);
        }
        wants
    }
}

impl<D> Entry<'_, D> {
    /// The package under `name`, which an alias replaces. `local` is where it lies if it is a folder of the project.
    pub(super) fn package(
        &self,
        name: &str,
        local: Option<Source>,
        line: u32,
        registries: &Registries,
    ) -> Result<Package, ParseError> {
        let stated = said(&self.version);
        let (alias, version) = match stated.strip_prefix("npm:").and_then(|alias| alias.rsplit_once('@')) {
            Some((real, version)) if !real.is_empty() => (Some(real), version),
            _ => (None, stated),
        };
        let name = Some(said(&self.name)).filter(|name| !name.is_empty()).or(alias).unwrap_or(name);
        check_name(name, line)?;
        let resolved = said(&self.resolved);
        let source = match local {
            Some(local) => local,
            None if !resolved.is_empty() && !origin::says_where(resolved) => {
                let what = "has a `resolved` that is not an address. Run `npm install --package-lock-only`";
                return Err(ParseError::at(line, format!("`{}` {what}", excerpt(name))));
            }
            None => origin::source(name, version, resolved, registries),
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
            optional: self.is_optional(),
            folder: None,
        })
    }

    /// npm ends up without it if it doesn't fit the machine.
    pub(super) fn is_optional(&self) -> bool {
        self.optional || self.dev_optional
    }

    /// What npm 11 writes for an optional package that a registry answered nothing for: there is nothing to install.
    pub(super) fn is_nothing(&self) -> bool {
        self.is_optional() && !self.link && said(&self.version).is_empty() && said(&self.resolved).is_empty()
    }

    /// Whether `package`, which this entry is, has the address of another one.
    pub(super) fn is_another(&self, package: &Package) -> bool {
        origin::is_another(&package.name, &package.version, said(&self.resolved))
    }

    /// Whether the entry gives it no name.
    pub(super) fn is_unnamed(&self) -> bool {
        said(&self.name).is_empty()
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

fn said<'t>(text: &'t Option<Text<'_>>) -> &'t str {
    text.as_ref().map_or("", |text| &text.0)
}
