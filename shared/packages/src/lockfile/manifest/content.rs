//! Whether a manifest asks for dependencies. Manifests that are programs are looked through for the call that does;
//! a comment that holds one causes a warning too many, never one too few.

use serde_json::Value;

use super::super::{pyproject, toml_file};
use super::{Manifest, PYTHON};

/// The tool that owns the project is known from its table.
pub(super) fn pyproject(text: &str) -> Option<Manifest> {
    let asks = pyproject::read(text)?.has_dependencies();
    let doc: toml::Table = toml_file::read_manifest(text)?;
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
    let asks = tables(text, &["dependencies", "dev-dependencies", "build-dependencies", "target", "workspace"]);
    let doc: toml::Table = toml_file::read_manifest(text).unwrap_or_default();
    let name = doc.get("package").and_then(|package| package.get("name")?.as_str()).map(str::to_owned);
    let inherits = !doc.contains_key("workspace");
    asks.then_some(Manifest { kind: "Cargo", satisfied_by: &["Cargo.lock"], inherits, name })
}

pub(super) fn setup_py(text: &str) -> bool {
    lines(text, "#").any(|line| line.contains("install_requires") || line.contains("setup_requires"))
}

pub(super) fn setup_cfg(text: &str) -> bool {
    let mut after = false;
    lines(text, "#").any(|line| {
        let (key, value) = line.split_once('=').unwrap_or((line, ""));
        if key.trim() == "install_requires" {
            after = true;
            return !value.trim().is_empty();
        }
        // the values stand indented on the lines below
        let value = after && line.starts_with(char::is_whitespace) && !line.trim().is_empty();
        after = after && line.starts_with(char::is_whitespace);
        value
    })
}

pub(super) fn any_line(text: &str) -> bool {
    lines(text, "#").any(|line| !line.trim().is_empty())
}

pub(super) fn pipfile(text: &str) -> bool {
    tables(text, &["packages", "dev-packages"])
}

pub(super) fn toml_dependencies(text: &str) -> bool {
    tables(text, &["dependencies", "pypi-dependencies", "feature"])
}

pub(super) fn package_json(text: &str) -> bool {
    members(text, &["dependencies", "devDependencies", "optionalDependencies"], |_| true)
}

pub(super) fn deno_imports(text: &str) -> bool {
    members(text, &["imports"], |_| true)
}

/// PHP itself and its extensions aren't packages.
pub(super) fn composer_json(text: &str) -> bool {
    members(text, &["require", "require-dev"], |name| name.contains('/'))
}

pub(super) fn gemfile(text: &str) -> bool {
    lines(text, "#").any(|line| starts(line, "gem") || starts(line, "gemspec"))
}

pub(super) fn pom_xml(text: &str) -> bool {
    text.contains("<dependency>")
}

pub(super) fn gradle(text: &str) -> bool {
    const CONFIGURATIONS: [&str; 9] = [
        "implementation",
        "api",
        "compile",
        "compileOnly",
        "runtimeOnly",
        "runtime",
        "testImplementation",
        "testCompile",
        "classpath",
    ];
    lines(text, "//").any(|line| CONFIGURATIONS.iter().any(|name| starts(line, name)))
}

pub(super) fn sbt(text: &str) -> bool {
    lines(text, "//").any(|line| line.contains("libraryDependencies"))
}

pub(super) fn package_reference(text: &str) -> bool {
    text.contains("<PackageReference")
}

pub(super) fn mix_exs(text: &str) -> bool {
    lines(text, "#").any(|line| line.trim_start().trim_start_matches('[').starts_with("{:"))
}

pub(super) fn rebar_config(text: &str) -> bool {
    let Some((_, deps)) = text.split_once("{deps,") else {
        return false;
    };
    deps.trim_start().strip_prefix('[').is_some_and(|list| !list.trim_start().starts_with(']'))
}

pub(super) fn package_swift(text: &str) -> bool {
    lines(text, "//").any(|line| line.contains(".package("))
}

pub(super) fn podfile(text: &str) -> bool {
    lines(text, "#").any(|line| starts(line, "pod"))
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
    lines(text, "#").any(|line| line.contains("requires"))
}

pub(super) fn cabal(text: &str) -> bool {
    lines(text, "--").any(|line| line.trim_start().to_ascii_lowercase().starts_with("build-depends"))
}

pub(super) fn cpanfile(text: &str) -> bool {
    lines(text, "#").any(|line| starts(line, "requires"))
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

/// Whether the line is a call of this word.
fn starts(line: &str, word: &str) -> bool {
    let rest = line.trim_start().strip_prefix(word);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '(', '\'', '"', '\t']))
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
