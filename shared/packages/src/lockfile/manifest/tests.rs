use super::super::{FORMATS, unsupported};
use super::*;

/// A manifest that asks for something, and one of the same name that doesn't.
const PAIRS: [(&str, &str, &str); 32] = [
    (
        "pyproject.toml",
        "[project]\ndependencies = ['a']",
        "[project]\nname = 'a'\n[build-system]\nrequires = ['hatchling']",
    ),
    ("setup.py", "setup(install_requires=['a'])", "setup(name='a')"),
    ("setup.cfg", "[options]\ninstall_requires =\n    a\n", "[options]\ninstall_requires =\npackages =\n    a\n"),
    ("requirements.in", "a\n", "# a\n\n"),
    ("Pipfile", "[packages]\na = '*'", "[packages]\n[requires]\npython_version = '3'"),
    ("environment.yml", "name: x\ndependencies:\n  - a\n", "name: x\ndependencies: []\n"),
    ("pixi.toml", "[dependencies]\na = '*'", "[project]\nname = 'a'"),
    (
        "package.json",
        "{\"devDependencies\": {\"a\": \"1\"}}",
        "{\"dependencies\": {}, \"peerDependencies\": {\"a\": \"1\"}}",
    ),
    ("deno.json", "{\"imports\": {\"a\": \"npm:a\"}}", "{\"tasks\": {\"a\": \"b\"}}"),
    ("Cargo.toml", "[target.x.dependencies]\na = '1'", "[package]\nname = 'a'\n[dependencies]\n"),
    ("Cargo.toml", "[workspace]\nmembers = ['a']", "[workspace]\nmembers = []\n[features]\na = []"),
    ("Gemfile", "gem 'a'", "source 'x'\n# gem 'a'"),
    ("gems.rb", "gem('a')", "ruby '3'"),
    (
        "composer.json",
        "{\"require\": {\"php\": \"8\", \"a/b\": \"1\"}}",
        "{\"require\": {\"php\": \"8\", \"ext-json\": \"*\"}}",
    ),
    ("pom.xml", "<dependency>", "<project/>"),
    ("build.gradle", "dependencies {\n  implementation 'a:b:1'\n}", "plugins { id 'java' }\n// implementation 'a'"),
    ("build.gradle.kts", "  testImplementation(\"a:b:1\")", "plugins { java }"),
    ("build.sbt", "libraryDependencies += x", "name := \"x\""),
    ("App.csproj", "<PackageReference Include=\"a\" />", "<Project />"),
    ("App.fsproj", "<PackageReference Include=\"a\" />", "<Project />"),
    ("mix.exs", "defp deps do\n[\n{:a, \"~> 1\"}\n]", "defp deps do\n[]\nend"),
    ("rebar.config", "{deps, [a]}.", "{deps, []}."),
    ("pubspec.yaml", "dependencies:\n  a: ^1\n", "name: x\ndependencies:\n\nflutter:\n  a: b\n"),
    ("Package.swift", ".package(url: \"x\", from: \"1\")", "// .package(url:\nlet package = Package(name: \"x\")"),
    ("Podfile", "  pod 'A'", "platform :ios"),
    ("Cartfile", "github \"a/b\"", "# none"),
    ("conanfile.txt", "[requires]\na/1\n", "[requires]\n\n[generators]\nx\n"),
    ("conanfile.py", "requires = 'a/1'", "class A: pass"),
    ("stack.yaml", "resolver: lts", "# none"),
    ("x.cabal", "  build-depends: base", "name: x"),
    ("cpanfile", "requires 'A';", "# requires 'A';"),
    ("shard.yml", "dependencies:\n  a:\n    github: b/a\n", "name: x\n"),
];

#[test]
fn only_what_asks_for_something_needs_a_lockfile() {
    for (name, asks, quiet) in PAIRS {
        assert!(manifest(name, asks).is_some() && is_manifest_name(name), "{name}: {asks}");
        assert_eq!(manifest(name, quiet), None, "{name}: {quiet}");
    }
    for (row, ..) in &TABLE {
        let covered = |name: &str| name == *row || row.strip_prefix('*').is_some_and(|suffix| name.ends_with(suffix));
        assert!(*row == "*.vbproj" || PAIRS.iter().any(|(name, ..)| covered(name)), "{row} is not tested");
    }
    assert_eq!(manifest("go.mod", "module m\nrequire a v1.0.0\n"), None);
    assert_eq!(manifest("README.md", "dependencies"), None);
    assert!(!is_manifest_name("README.md") && !is_manifest_name("go.mod"));
}

#[test]
fn a_lockfile_that_satisfies_is_one_that_is_noticed() {
    let tables = TABLE.iter().map(|(.., manifest)| manifest.clone());
    let python = ["poetry", "pdm", "uv", "x"];
    let python = python
        .iter()
        .filter_map(|tool| manifest("pyproject.toml", &format!("[project]\ndependencies = ['a']\n[tool.{tool}]\n")));
    for lockfile in tables.chain(python).flat_map(|manifest| manifest.satisfied_by) {
        let read = FORMATS.iter().any(|format| format.matches(lockfile, ""));
        assert!(read || unsupported(lockfile, &|_| false).is_some(), "{lockfile} would pass unseen");
    }
}

#[test]
fn the_tool_of_a_python_project_is_known() {
    let of = |tool: &str| {
        let text = format!("[project]\ndependencies = ['a']\n[tool.{tool}]\nx = 1\n");
        let found = manifest("pyproject.toml", &text).unwrap();
        (found.kind, found.satisfied_by[0], found.inherits)
    };
    assert_eq!(of("poetry"), ("Poetry", "poetry.lock", false));
    assert_eq!(of("pdm"), ("PDM", "pdm.lock", false));
    assert_eq!(of("uv"), ("uv", "uv.lock", true));
    assert_eq!(of("ruff"), ("Python project", "requirements.txt", true));
    assert!(manifest("package.json", "{\"dependencies\": {\"a\": \"1\"}}").unwrap().inherits);
}
