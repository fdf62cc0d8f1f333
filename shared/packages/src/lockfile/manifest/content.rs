//! Whether a manifest asks for dependencies. Its name alone is enough for a warning, unless the content surely asks for
//! nothing: programs are looked through for any word that could ask, wherever it stands.

use serde_json::Value;

use super::super::{pyproject, toml_file};
use super::kind::{Manifest, PYTHON};

/// The tool that owns the project is known from its table.
pub(super) fn pyproject(text: &str) -> Option<Manifest> {
    // what cannot be read is no project without dependencies
    let asks = pyproject::read(text).is_none_or(|project| project.has_dependencies());
    let doc: toml::Table = toml_file::read_manifest(text).unwrap_or_default();
    let tools = doc.get("tool").and_then(toml::Value::as_table);
    let has = |tool: &str| tools.is_some_and(|tools| tools.contains_key(tool));
    let (kind, satisfied_by, inherits): (_, &[&str], _) = match () {
        () if has("poetry") => ("Poetry", &["poetry.lock", "requirements.txt", "pylock.toml"], false),
        () if has("pdm") => ("PDM", &["pdm.lock", "requirements.txt", "pylock.toml"], false),
        // any other may be a member of a uv workspace
        () if has("uv") => ("uv", &["uv.lock", "requirements.txt", "pylock.toml"], true),
        () => ("Python project", PYTHON, true),
    };
    asks.then_some(Manifest { kind, satisfied_by, inherits, name: None })
}

/// The root of a workspace has its lockfile beside it, and members have theirs there.
pub(super) fn cargo(text: &str) -> Option<Manifest> {
    const NAMES: [&str; 7] = [
        "dependencies",
        "dev-dependencies",
        "dev_dependencies",
        "build-dependencies",
        "build_dependencies",
        "target",
        "workspace",
    ];
    let asks = tables(text, &NAMES);
    let doc: toml::Table = toml_file::read_manifest(text).unwrap_or_default();
    let name = doc.get("package").and_then(|package| package.get("name")?.as_str()).map(str::to_owned);
    let inherits = !doc.contains_key("workspace");
    asks.then_some(Manifest { kind: "Cargo", satisfied_by: &["Cargo.lock"], inherits, name })
}

pub(super) fn setup_py(text: &str) -> bool {
    // what it asks for may come from a file or a table too
    lines(text, "#").any(|line| line.contains("require") || line.contains("**"))
}

pub(super) fn setup_cfg(text: &str) -> bool {
    let (mut extras, mut asked) = (false, false);
    lines(text, "#").any(|line| {
        if line.starts_with('[') {
            extras = line.trim() == "[options.extras_require]";
            asked = false;
            return false;
        }
        // the values may stand indented on the lines below
        let value = if line.starts_with(char::is_whitespace) {
            line
        } else {
            let (key, value) = line.split_once('=').unwrap_or((line, ""));
            asked = extras || matches!(key.trim(), "install_requires" | "setup_requires" | "tests_require");
            value
        };
        asked && !value.trim().is_empty()
    })
}

pub(super) fn any_line(text: &str) -> bool {
    lines(text, "#").any(|line| !line.trim().is_empty())
}

pub(super) fn pipfile(text: &str) -> bool {
    // a table for each category of packages, whose names are free
    toml_file::read_manifest::<toml::Table>(text).is_none_or(|doc| {
        let known = ["source", "requires", "scripts", "pipenv"];
        doc.iter().any(|(name, table)| {
            !known.contains(&name.as_str()) && table.as_table().is_some_and(|table| !table.is_empty())
        })
    })
}

pub(super) fn toml_dependencies(text: &str) -> bool {
    const NAMES: [&str; 6] =
        ["dependencies", "pypi-dependencies", "host-dependencies", "build-dependencies", "feature", "target"];
    tables(text, &NAMES)
}

pub(super) fn package_json(text: &str) -> bool {
    members(text, &["dependencies", "devDependencies", "optionalDependencies", "peerDependencies"], |_| true)
}

pub(super) fn deno_imports(text: &str) -> bool {
    members(text, &["imports"], |_| true)
}

/// PHP itself and its extensions aren't packages.
pub(super) fn composer_json(text: &str) -> bool {
    members(text, &["require", "require-dev"], |name| name.contains('/'))
}

pub(super) fn gemfile(text: &str) -> bool {
    words(text, "#", &["gem", "gemspec", "eval_gemfile"])
}

pub(super) fn gemspec(text: &str) -> bool {
    words(text, "#", &["add_dependency", "add_runtime_dependency", "add_development_dependency"])
}

pub(super) fn pom_xml(text: &str) -> bool {
    text.contains("<dependency")
}

/// Names of configurations are free, the block around them has one.
pub(super) fn gradle(text: &str) -> bool {
    let text: String = lines(text, "//").flat_map(|line| line.split_whitespace()).collect();
    text.replace("dependencies{}", "").contains("dependencies{")
}

pub(super) fn sbt(text: &str) -> bool {
    lines(text, "//").any(|line| line.contains("ependencies") || line.contains('%') || line.contains("addSbtPlugin"))
}

pub(super) fn package_reference(text: &str) -> bool {
    text.contains("<PackageReference")
}

/// Without every form of an empty list and of what refers to it, nothing is left that speaks of dependencies.
pub(super) fn mix_exs(text: &str) -> bool {
    const NOTHING: [&str; 7] =
        ["deps:deps()", "deps:[]", "depsdo[]end", "deps()do[]end", "deps,do:[]", "deps(),do:[]", "depsdoend"];
    let mut text: String = lines(text, "#").flat_map(|line| line.split_whitespace()).collect();
    for nothing in NOTHING {
        text = text.replace(nothing, "");
    }
    text.contains("deps")
}

pub(super) fn rebar_config(text: &str) -> bool {
    let Some((_, deps)) = text.split_once("{deps,") else {
        return false;
    };
    deps.trim_start().strip_prefix('[').is_some_and(|list| !list.trim_start().starts_with(']'))
}

pub(super) fn package_swift(text: &str) -> bool {
    lines(text, "//").any(|line| line.contains(".package"))
}

pub(super) fn podfile(text: &str) -> bool {
    words(text, "#", &["pod", "podspec"])
}

pub(super) fn conanfile_txt(text: &str) -> bool {
    let mut inside = false;
    lines(text, "#").any(|line| {
        let line = line.trim();
        if line.starts_with('[') {
            inside = matches!(line, "[requires]" | "[tool_requires]" | "[build_requires]");
            return false;
        }
        inside && !line.is_empty()
    })
}

pub(super) fn conanfile_py(text: &str) -> bool {
    lines(text, "#").any(|line| line.contains("require"))
}

pub(super) fn cabal(text: &str) -> bool {
    lines(text, "--").any(|line| line.trim_start().to_ascii_lowercase().starts_with("build-depends"))
}

pub(super) fn cpanfile(text: &str) -> bool {
    words(text, "#", &["requires", "recommends"])
}

pub(super) fn leiningen(text: &str) -> bool {
    lines(text, ";").any(|line| line.contains(":dependencies") || line.contains(":plugins"))
}

pub(super) fn clojure(text: &str) -> bool {
    lines(text, ";").any(|line| line.contains(":mvn/version") || line.contains(":git/"))
}

pub(super) fn opam(text: &str) -> bool {
    lines(text, "#").any(|line| line.trim_start().starts_with("depends"))
}

/// `[dependencies]` and `[dev-dependencies]` of Gleam, `[deps]` and `[extras]` of Julia.
pub(super) fn gleam_toml(text: &str) -> bool {
    tables(text, &["dependencies", "dev-dependencies", "dev_dependencies"])
}

/// Only a file with a table of Julia's is hers: the name is a plain one.
pub(super) fn julia(text: &str) -> bool {
    tables(text, &["deps", "extras", "weakdeps"])
}

pub(super) fn dep(text: &str) -> bool {
    lines(text, "#").any(|line| matches!(line.trim(), "[[constraint]]" | "[[override]]") || line.contains("required"))
}

/// A `dependencies:` (or `dev_dependencies:`) key at the margin with something below it.
pub(super) fn yaml_dependencies(text: &str) -> bool {
    let mut inside = false;
    lines(text, "#").any(|line| {
        let blank = line.trim().is_empty();
        if line.starts_with(|c: char| !c.is_whitespace() && c != '-') {
            let (key, value) = line.split_once(':').unwrap_or((line, ""));
            inside = matches!(key.trim(), "dependencies" | "dev_dependencies" | "development_dependencies");
            return inside && !matches!(value.trim(), "" | "{}" | "[]" | "null" | "~");
        }
        inside && !blank
    })
}

/// The lines, each without a comment that fills it.
fn lines<'a>(text: &'a str, comment: &'a str) -> impl Iterator<Item = &'a str> {
    text.lines().filter(move |line| !line.trim_start().starts_with(comment))
}

/// Whether one of the words stands anywhere outside of comments, as a whole word.
fn words(text: &str, comment: &str, words: &[&str]) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | ':');
    lines(text, comment).flat_map(|line| line.split(|c| !part(c))).any(|word| words.contains(&word.trim_matches(':')))
}

/// Whether one of these tables has entries. A table that can't be read asks for something: its own tool will say what.
fn tables(text: &str, names: &[&str]) -> bool {
    let Some(doc) = toml_file::read_manifest::<toml::Table>(text) else {
        return true;
    };
    names.iter().any(|name| match doc.get(*name) {
        Some(toml::Value::Table(table)) if matches!(*name, "target" | "workspace" | "feature") => nested(table),
        Some(toml::Value::Table(table)) => !table.is_empty(),
        _ => false,
    })
}

/// `[target.x.dependencies]`, `[workspace] members`
fn nested(table: &toml::Table) -> bool {
    let is_list = |key: &str| key == "members" || key.ends_with("dependencies");
    table.iter().any(|(key, value)| match value {
        toml::Value::Table(inner) => (is_list(key) && !inner.is_empty()) || nested(inner),
        toml::Value::Array(list) => is_list(key) && !list.is_empty(),
        _ => false,
    })
}

fn members(text: &str, names: &[&str], counts: fn(&str) -> bool) -> bool {
    let Ok(doc) = serde_json::from_str::<Value>(text) else {
        return true;
    };
    let tables = names.iter().filter_map(|name| doc.get(*name)?.as_object());
    tables.flat_map(|table| table.keys()).any(|name| counts(name))
}
