//! What a `pyproject.toml` says of its project: name, version, and the dependencies by purpose.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{pep508, python, toml_file};

/// A project's own dependencies; names and extras are normalised.
#[derive(Debug, Default)]
pub(super) struct Pyproject {
    pub(super) name: Option<String>,
    pub(super) version: Option<String>,
    /// The main dependencies and the project's extras.
    pub(super) production: Vec<Wanted>,
    /// Every other group (Poetry's groups, PEP 735, uv's and PDM's older tables).
    pub(super) development: Vec<Wanted>,
    /// It has dependencies that are not in the lists: the build computes them, or they are not readable.
    others: bool,
}

/// One dependency and the extras asked of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) extras: Vec<String>,
}

/// `None` when the text isn't a `pyproject.toml`.
pub(super) fn read(text: &str) -> Option<Pyproject> {
    let doc: Doc = toml_file::read_manifest(text)?;
    let poetry = doc.tool.poetry;
    let mut out = Pyproject {
        name: doc.project.name.or(poetry.name).map(|name| python::normalise(&name)),
        version: doc.project.version.or(poetry.version),
        others: doc.project.dynamic.iter().any(|field| field.ends_with("dependencies")),
        ..Pyproject::default()
    };
    let listed = doc.project.dependencies.iter().chain(doc.project.optional_dependencies.values().flatten());
    out.others |= listed.clone().any(|text| wanted(text).is_none());
    out.production.extend(listed.filter_map(|text| wanted(text)));
    // with a [project] table, this one only adds details to those dependencies
    out.production.extend(poetry.dependencies.iter().filter_map(|(name, spec)| poetry_wanted(name, spec)));
    let groups = poetry.group.into_values().map(|group| group.dependencies);
    for table in groups.chain([poetry.dev_dependencies]) {
        out.development.extend(table.iter().filter_map(|(name, spec)| poetry_wanted(name, spec)));
    }
    let items = doc.dependency_groups.values().flatten().filter_map(toml::Value::as_str);
    out.development.extend(items.filter_map(wanted));
    let older = doc.tool.uv.dev_dependencies.iter().chain(doc.tool.pdm.dev_dependencies.values().flatten());
    out.development.extend(older.filter_map(|text| wanted(text)));
    Some(out)
}

impl Pyproject {
    /// Whether it names any dependency at all.
    pub(super) fn has_dependencies(&self) -> bool {
        !self.production.is_empty() || !self.development.is_empty() || self.others
    }
}

fn wanted(text: &str) -> Option<Wanted> {
    let (name, extras) = pep508::begins(text)?;
    Some(Wanted { name: python::normalise(name), extras: extras.into_iter().map(python::normalise).collect() })
}

fn poetry_wanted(name: &str, spec: &toml::Value) -> Option<Wanted> {
    let name = python::normalise(name);
    if name == "python" {
        return None;
    }
    let tables: Vec<&toml::Value> = match spec {
        toml::Value::Array(many) => many.iter().collect(),
        one => vec![one],
    };
    let extras = tables.iter().filter_map(|table| table.get("extras")?.as_array()).flatten();
    let extras = extras.filter_map(toml::Value::as_str).map(python::normalise).collect();
    Some(Wanted { name, extras })
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct Doc {
    project: Project,
    tool: Tool,
    dependency_groups: BTreeMap<String, Vec<toml::Value>>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct Project {
    name: Option<String>,
    version: Option<String>,
    /// Fields that the build computes.
    dynamic: Vec<String>,
    dependencies: Vec<String>,
    optional_dependencies: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Tool {
    poetry: PoetryTable,
    uv: UvTable,
    pdm: PdmTable,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct PoetryTable {
    name: Option<String>,
    version: Option<String>,
    dependencies: BTreeMap<String, toml::Value>,
    dev_dependencies: BTreeMap<String, toml::Value>,
    group: BTreeMap<String, Group>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Group {
    dependencies: BTreeMap<String, toml::Value>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct UvTable {
    dev_dependencies: Vec<String>,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "kebab-case")]
struct PdmTable {
    dev_dependencies: BTreeMap<String, Vec<String>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(wanted: &[Wanted]) -> Vec<&str> {
        wanted.iter().map(|wanted| wanted.name.as_str()).collect()
    }

    #[test]
    fn every_way_to_name_a_dependency() {
        let project = read(
            r#"
[project]
name = "My.App"
version = "1.0"
dependencies = ["Requests[socks] >= 2"]
[project.optional-dependencies]
fast = ["uvloop"]
[tool.poetry.dependencies]
python = "^3.11"
django = { version = "^4", extras = ["Bcrypt"] }
attrs = [{ version = "1", markers = "x", extras = ["a"] }, { version = "2" }]
[tool.poetry.dev-dependencies]
old = "*"
[tool.poetry.group.docs.dependencies]
sphinx = "*"
[dependency-groups]
test = ["pytest>=8", { include-group = "docs" }]
[tool.uv]
dev-dependencies = ["ruff"]
[tool.pdm.dev-dependencies]
lint = ["mypy"]
"#,
        )
        .unwrap();
        assert_eq!(project.name.as_deref(), Some("my-app"));
        assert_eq!(names(&project.production), ["requests", "uvloop", "attrs", "django"]);
        assert_eq!(project.production[0].extras, ["socks"]);
        assert_eq!(project.production[2].extras, ["a"]);
        assert_eq!(project.production[3].extras, ["bcrypt"]);
        assert_eq!(names(&project.development), ["sphinx", "old", "pytest", "ruff", "mypy"]);
    }

    #[test]
    fn no_dependencies_or_no_project() {
        assert!(
            !read("[project]\nname = 'x'\n[tool.poetry.dependencies]\npython = '^3'\n").unwrap().has_dependencies()
        );
        assert!(read("[project\n").is_none());
    }
}
