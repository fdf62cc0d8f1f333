//! `.npmrc` beside the lockfile: which registry a package without an address came from.

use super::super::{Sibling, url};
use super::registry::is_public;
use crate::package::Source;

/// The registries other than the public one.
#[derive(Debug, Default)]
pub(super) struct Registries {
    default: Option<String>,
    /// By scope, with its `@`.
    scoped: Vec<(String, String)>,
}

impl Registries {
    pub(super) fn read(sibling: &dyn Fn(&str) -> Sibling) -> Registries {
        let mut registries = Registries::default();
        for line in sibling(".npmrc").text().unwrap_or_default().lines() {
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let (key, value) = (key.trim(), value.trim().trim_matches(['"', '\'']));
            let private = (!is_public(value)).then(|| url::clean(value));
            match key.strip_suffix(":registry") {
                Some(scope) if scope.starts_with('@') => {
                    registries.scoped.push((scope.to_owned(), private.unwrap_or_default()));
                }
                None if key == "registry" => registries.default = private,
                _ => {}
            }
        }
        registries
    }

    pub(super) fn of(&self, name: &str) -> Source {
        let scope = name.split_once('/').map(|(scope, _)| scope);
        let scoped = self.scoped.iter().rev().find(|(known, _)| Some(known.as_str()) == scope);
        match scoped.map(|(_, registry)| registry).or(self.default.as_ref()) {
            Some(registry) if !registry.is_empty() => Source::PrivateRegistry(registry.clone()),
            _ => Source::Registry,
        }
    }
}
