//! The manifests of a Cargo workspace, found from its root: which dependency is for what.
//!
//! `Cargo.lock` does not distinguish development dependencies, but the manifests do. Only files that can be named are
//! read: literal members, path dependencies, and for members with `*` the folders called like a package of the
//! lockfile (or like the end of its name). A manifest that isn't found this way leaves its dependencies unknown.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;

use super::super::paths::join;
use super::super::{Sibling, toml_file, url};

/// No workspace has more; a manifest that names itself in ever new ways ends here.
const MOST_MANIFESTS: usize = 2_000;

#[derive(Debug, Default)]
pub(super) struct Members {
    root: Option<String>,
    by_name: HashMap<String, Purposes>,
    /// Path dependencies that lie outside of the lockfile's folder, by package name.
    outside: HashMap<String, String>,
}

/// Names of dependencies with `_` read as `-`.
#[derive(Debug, Default)]
struct Purposes {
    production: HashSet<String>,
    /// For production with a feature.
    optional: HashSet<String>,
    development: HashSet<String>,
}

/// What a member uses a dependency for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Production,
    Optional,
    Development,
}

impl Members {
    /// `local` are the names of the lockfile's packages without a source.
    pub(super) fn find(sibling: &dyn Fn(&str) -> Sibling, local: &[&str]) -> Members {
        let mut members = Members::default();
        let Some(root) = read(sibling, "") else { return members };
        members.root = root.package.as_ref().map(|package| package.name.clone());
        let shared = root.workspace.as_ref().map(|workspace| workspace.dependencies.clone()).unwrap_or_default();
        let mut open: Vec<String> = Vec::new();
        let mut seen: HashSet<String> = HashSet::from([String::new()]);
        for pattern in root.workspace.iter().flat_map(|workspace| &workspace.members) {
            open.extend(candidates(pattern, local));
        }
        members.paths("", &shared, &mut open);
        members.add("", root, &shared, &mut open);
        while let Some(folder) = open.pop() {
            if seen.len() >= MOST_MANIFESTS || !seen.insert(folder.clone()) {
                continue;
            }
            if let Some(manifest) = read(sibling, &folder) {
                members.add(&folder, manifest, &shared, &mut open);
            }
        }
        members
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty() && self.root.is_none()
    }

    /// The package of the manifest beside the lockfile.
    pub(super) fn root(&self) -> Option<&String> {
        self.root.as_ref()
    }

    /// The folder of a path dependency outside of the lockfile's own.
    pub(super) fn outside(&self, name: &str) -> Option<&str> {
        self.outside.get(name).map(String::as_str)
    }

    /// What a member uses a dependency for; `None` when its manifest isn't known. Build dependencies run where the
    /// product is made and count as production.
    pub(super) fn purpose(&self, member: &str, dependency: &str) -> Option<Purpose> {
        let purposes = self.by_name.get(member)?;
        let dependency = dashed(dependency);
        let lists = [
            (&purposes.production, Purpose::Production),
            (&purposes.optional, Purpose::Optional),
            (&purposes.development, Purpose::Development),
        ];
        lists.into_iter().find(|(names, _)| names.contains(&dependency)).map(|(_, purpose)| purpose)
    }

    fn add(&mut self, folder: &str, manifest: Manifest, shared: &Dependencies, open: &mut Vec<String>) {
        let Some(package) = manifest.package else { return };
        let purposes = self.by_name.entry(package.name).or_default();
        let mut tables = vec![&manifest.tables];
        tables.extend(manifest.target.values());
        for table in &tables {
            for dependencies in [&table.dependencies, &table.build_dependencies, &table.build_dependencies_old] {
                for (key, spec) in dependencies {
                    let optional = spec.get("optional").and_then(toml::Value::as_bool).unwrap_or(false);
                    let names = if optional { &mut purposes.optional } else { &mut purposes.production };
                    names.insert(real_name(key, spec, shared));
                }
            }
            for dependencies in [&table.dev_dependencies, &table.dev_dependencies_old] {
                purposes.development.extend(dependencies.iter().map(|(key, spec)| real_name(key, spec, shared)));
            }
        }
        for table in tables {
            for dependencies in table.all() {
                self.paths(folder, dependencies, open);
            }
        }
    }

    /// Follows path dependencies inside the lockfile's folder and notes those outside.
    fn paths(&mut self, folder: &str, dependencies: &Dependencies, open: &mut Vec<String>) {
        for (key, spec) in dependencies {
            let Some(path) = text(spec, "path") else { continue };
            match join(folder, path) {
                Some(inside) => open.push(inside),
                None => {
                    let name = text(spec, "package").unwrap_or(key).to_owned();
                    self.outside.insert(name, url::clean(path));
                }
            }
        }
    }
}

/// Folders that a member pattern could mean.
fn candidates(pattern: &str, local: &[&str]) -> Vec<String> {
    let Some((before, after)) = pattern.split_once('*') else {
        return join("", pattern).into_iter().collect();
    };
    let plain = |text: &str| !text.contains(['*', '?', '[']);
    // `crates/*`, `crates/app-*`, `plugins/*/rust`; anything else would need a listing
    if !plain(before) || !plain(after) || (!after.is_empty() && !after.starts_with('/')) {
        return Vec::new();
    }
    let (parent, prefix) = before.rsplit_once('/').unwrap_or(("", before));
    let mut folders = Vec::new();
    for name in local {
        let ends = name.match_indices(['-', '_']).filter_map(|(at, _)| name.get(at + 1..));
        for folder in std::iter::once(*name).chain(ends).filter(|folder| folder.starts_with(prefix)) {
            folders.extend(join(parent, &format!("{folder}{after}")));
        }
    }
    folders
}

fn read(sibling: &dyn Fn(&str) -> Sibling, folder: &str) -> Option<Manifest> {
    let name = if folder.is_empty() { "Cargo.toml".to_owned() } else { format!("{folder}/Cargo.toml") };
    toml_file::read_manifest(&sibling(&name).text()?)
}

/// The package behind a key: renamed here, or in the workspace's table.
fn real_name(key: &str, spec: &toml::Value, shared: &Dependencies) -> String {
    let inherited = spec.get("workspace").and_then(toml::Value::as_bool).unwrap_or(false);
    let renamed =
        if inherited { shared.get(key).and_then(|spec| text(spec, "package")) } else { text(spec, "package") };
    dashed(renamed.unwrap_or(key))
}

fn text<'a>(spec: &'a toml::Value, key: &str) -> Option<&'a str> {
    spec.get(key)?.as_str()
}

fn dashed(name: &str) -> String {
    name.replace('_', "-")
}

type Dependencies = HashMap<String, toml::Value>;

#[derive(Deserialize)]
struct Manifest {
    package: Option<Named>,
    workspace: Option<Workspace>,
    #[serde(flatten)]
    tables: Tables,
    #[serde(default)]
    target: HashMap<String, Tables>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

#[derive(Deserialize)]
struct Workspace {
    #[serde(default)]
    members: Vec<String>,
    #[serde(default)]
    dependencies: Dependencies,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct Tables {
    dependencies: Dependencies,
    build_dependencies: Dependencies,
    dev_dependencies: Dependencies,
    #[serde(rename = "build_dependencies")]
    build_dependencies_old: Dependencies,
    #[serde(rename = "dev_dependencies")]
    dev_dependencies_old: Dependencies,
}

impl Tables {
    fn all(&self) -> [&Dependencies; 5] {
        [
            &self.dependencies,
            &self.build_dependencies,
            &self.dev_dependencies,
            &self.build_dependencies_old,
            &self.dev_dependencies_old,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_give_folders_by_name() {
        assert_eq!(candidates("tools/x", &["a"]), ["tools/x"]);
        assert_eq!(candidates("crates/*", &["app-core"]), ["crates/app-core", "crates/core"]);
        assert_eq!(candidates("crates/app-*", &["app-core", "other"]), ["crates/app-core"]);
        assert_eq!(candidates("p/*/rust", &["a"]), ["p/a/rust"]);
        assert!(candidates("**", &["a"]).is_empty());
    }

    #[test]
    fn each_table_has_its_purpose() {
        let files = HashMap::from([
            (
                "Cargo.toml",
                "[package]\nname='app'\n[workspace]\nmembers=['crates/*']\n[workspace.dependencies]\nshort={package='long-name',version='1'}\n\
                 [dependencies]\nserde='1'\nextra={version='1',optional=true}\nshort={workspace=true}\nside={path='../side'}\n[dev-dependencies]\nserde='1'\ninsta='1'\n\
                 [target.'cfg(unix)'.dev-dependencies]\nnix='1'\n[build-dependencies]\ncc='1'",
            ),
            ("crates/core/Cargo.toml", "[package]\nname='app-core'\n[dev-dependencies]\nproptest_x='1'\n"),
        ]);
        let members =
            Members::find(&|name| files.get(name).map(|text| (*text).to_owned()).into(), &["app", "app-core"]);
        assert_eq!(members.root().map(String::as_str), Some("app"));
        for (member, dependency, purpose) in [
            ("app", "serde", Some(Purpose::Production)),
            ("app", "extra", Some(Purpose::Optional)),
            ("app", "long-name", Some(Purpose::Production)),
            ("app", "insta", Some(Purpose::Development)),
            ("app", "nix", Some(Purpose::Development)),
            ("app", "cc", Some(Purpose::Production)),
            ("app", "absent", None),
            ("app-core", "proptest-x", Some(Purpose::Development)),
            ("elsewhere", "serde", None),
        ] {
            assert_eq!(members.purpose(member, dependency), purpose, "{member} {dependency}");
        }
        assert_eq!(members.outside("side"), Some("../side"));
    }
}
