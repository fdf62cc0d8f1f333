//! `package.json`, for what the lockfiles of other tools leave to it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::workspaces::Workspaces;

/// What a project says of itself and asks for: ranges by name.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(in crate::lockfile) struct Project {
    pub(in crate::lockfile) name: Option<String>,
    pub(in crate::lockfile) version: Option<String>,
    pub(in crate::lockfile) dependencies: BTreeMap<String, String>,
    pub(in crate::lockfile) dev_dependencies: BTreeMap<String, String>,
    pub(in crate::lockfile) optional_dependencies: BTreeMap<String, String>,
    /// By pattern, such as `a/**/b`: Yarn's way to force a version.
    pub(in crate::lockfile) resolutions: BTreeMap<String, String>,
    pub(in crate::lockfile) workspaces: Option<Workspaces>,
}

/// What a dependency is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::lockfile) enum Purpose {
    Production,
    Optional,
    Development,
}

impl Project {
    /// `None` for a text that is not a manifest.
    pub(in crate::lockfile) fn parse(text: &str) -> Option<Project> {
        serde_json::from_str(text).ok()
    }

    /// Each name and range once. A name that stands in several lists has the purpose that the package managers give it:
    /// optional before production, and both before development.
    pub(in crate::lockfile) fn asks(&self) -> impl Iterator<Item = (&str, &str, Purpose)> {
        let lists = [
            (&self.optional_dependencies, Purpose::Optional),
            (&self.dependencies, Purpose::Production),
            (&self.dev_dependencies, Purpose::Development),
        ];
        lists.into_iter().flat_map(move |(list, purpose)| {
            list.iter()
                .filter(move |(name, _)| self.purpose(name) == Some(purpose))
                .map(move |(name, range)| (name.as_str(), range.as_str(), purpose))
        })
    }

    /// What a dependency is for; `None` if the project does not ask for it.
    pub(in crate::lockfile) fn purpose(&self, name: &str) -> Option<Purpose> {
        if self.optional_dependencies.contains_key(name) {
            Some(Purpose::Optional)
        } else if self.dependencies.contains_key(name) {
            Some(Purpose::Production)
        } else if self.dev_dependencies.contains_key(name) {
            Some(Purpose::Development)
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_purpose() {
        let project = Project::parse(
            r#"{"dependencies": {"a": "1", "b": "1"}, "devDependencies": {"b": "2", "c": "3"},
                "optionalDependencies": {"a": "2"}, "workspaces": ["x"]}"#,
        )
        .unwrap();
        let asks: Vec<_> = project.asks().collect();
        use Purpose::{Development, Optional, Production};
        assert_eq!(asks, [("a", "2", Optional), ("b", "1", Production), ("c", "3", Development)]);
        assert!(Project::parse("{").is_none());
    }
}
