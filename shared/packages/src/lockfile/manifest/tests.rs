use super::super::{FORMATS, unsupported};
use super::*;

/// A manifest that asks for something, and one of the same name that doesn't.
const PAIRS: [(&str, &str, &str); 59] = [
    (
        "pyproject.toml",
        "[project]\ndependencies = ['a']",
        "[project]\nname = 'a'\n[build-system]\nrequires = ['hatchling']",
    ),
    ("pyproject.toml", "[project]\ndynamic = ['dependencies']", "[project]\ndynamic = ['version']"),
    ("pyproject.toml", "[project]\ndependencies = ['?']", "[project]\ndependencies = []"),
    ("setup.py", "setup(install_requires=['a'])", "setup(name='a')"),
    ("setup.py", "import deps\nsetup(**deps.SETUP)", "import os\n# install_requires=[]\nsetup()"),
    ("setup.py", "setup(install_requires=open('requirements.txt').read().split())", "setup(version='1')"),
    ("setup.cfg", "[options.extras_require]\ndev =\n    a\n", "[options.extras_require]\n\n[metadata]\nname = a\n"),
    ("setup.cfg", "[options]\ninstall_requires =\n    a\n", "[options]\ninstall_requires =\npackages =\n    a\n"),
    ("requirements.in", "a\n", "# a\n\n"),
    ("Pipfile", "[packages]\na = '*'", "[packages]\n[requires]\npython_version = '3'"),
    ("environment.yml", "name: x\ndependencies:\n  - a\n", "name: x\ndependencies: []\n"),
    ("Pipfile", "[docs]\na = '*'", "[source]\nurl = 'x'\n[scripts]\na = 'b'"),
    ("environment.yaml", "dependencies: [a]\n", "name: x\n"),
    ("pixi.toml", "[dependencies]\na = '*'", "[project]\nname = 'a'"),
    ("package.json", "{\"devDependencies\": {\"a\": \"1\"}}", "{\"dependencies\": {}, \"scripts\": {\"a\": \"1\"}}"),
    ("deno.json", "{\"imports\": {\"a\": \"npm:a\"}}", "{\"tasks\": {\"a\": \"b\"}}"),
    ("Cargo.toml", "[target.x.dependencies]\na = '1'", "[package]\nname = 'a'\n[dependencies]\n"),
    ("Cargo.toml", "[workspace]\nmembers = ['a']", "[workspace]\nmembers = []\n[features]\na = []"),
    ("Gemfile", "gem 'a'", "source 'x'\n# gem 'a'"),
    ("Gemfile", "%w[a b].each { |name| gem name }", "source 'https://rubygems.example'"),
    ("a.gemspec", "Gem::Specification.new { |s| s.add_dependency 'a' }", "Gem::Specification.new { |s| s.name = 'x' }"),
    ("gems.rb", "gem('a')", "ruby '3'"),
    (
        "composer.json",
        "{\"require\": {\"php\": \"8\", \"a/b\": \"1\"}}",
        "{\"require\": {\"php\": \"8\", \"ext-json\": \"*\"}}",
    ),
    ("pom.xml", "<dependency>", "<project/>"),
    ("build.gradle", "dependencies {\n  implementation 'a:b:1'\n}", "plugins { id 'java' }\n// implementation 'a'"),
    ("build.gradle", "dependencies\n{\n  kapt 'a:b:1'\n}", "dependencies {\n}\n"),
    ("build.gradle.kts", "dependencies { testFixturesApi(\"a:b:1\") }", "plugins { java }"),
    ("project.clj", "(defproject x \"1\"\n  :dependencies [[a \"1\"]])", "; :dependencies\n(defproject x \"1\")"),
    ("deps.edn", "{:deps {a/b {:mvn/version \"1\"}}}", "{:paths [\"src\"]}"),
    ("build.sbt", "libraryDependencies += x", "name := \"x\""),
    ("build.sbt", "lazy val a = \"g\" %% \"n\" % \"1\"", "// libraryDependencies"),
    ("paket.dependencies", "nuget A", "# none"),
    ("App.csproj", "<PackageReference Include=\"a\" />", "<Project />"),
    ("App.fsproj", "<PackageReference Include=\"a\" />", "<Project />"),
    ("mix.exs", "defp deps do\n[\n{:a, \"~> 1\"}\n]", "defp deps do\n[]\nend"),
    ("mix.exs", "def deps, do: [{:phoenix, \"~> 1.7\"}]", "def project do\n[deps: deps()]\nend\ndefp deps, do: []"),
    (
        "mix.exs",
        "defp deps do\n  Code.eval_file(\"deps.exs\")\nend",
        "defp deps() do\n  [\n    # {:a, \"~> 1\"}\n  ]\nend",
    ),
    ("mix.exs", "def project do [deps: [{:a, \"1\"}]] end", "def project do [app: :x] end"),
    ("gleam.toml", "[dependencies]\na = '1'", "name = 'x'\n[dependencies]\n"),
    ("Project.toml", "[deps]\nA = 'uuid'", "name = 'A'\n[project]\nx = 1"),
    ("JuliaProject.toml", "[extras]\nA = 'uuid'", "[deps]\n"),
    ("opam", "depends: [ \"a\" ]", "name: \"x\""),
    ("x.opam", "depends: [ \"a\" ]", "# depends: []"),
    ("Gopkg.toml", "[[constraint]]\n  name = \"a\"", "[prune]\n  unused-packages = true"),
    ("glide.yaml", "import:\n- package: a", "# none"),
    ("deno.jsonc", "{\"imports\": {\"a\": \"npm:a\"}} // c", "{\"tasks\": {}}"),
    ("rebar.config", "{deps, [a]}.", "{deps, []}."),
    ("pubspec.yaml", "dependencies:\n  a: ^1\n", "name: x\ndependencies:\n\nflutter:\n  a: b\n"),
    ("Podfile", "pods.each { |name| pod name }", "# pod 'A'"),
    ("Package.swift", "[Package.Dependency\n  .package (path: \"x\")]", "let package = Package(name: \"x\")"),
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
fn a_manifest_that_cannot_be_read_asks_for_something() {
    const TOML: [&str; 7] =
        ["pyproject.toml", "Cargo.toml", "Pipfile", "pixi.toml", "gleam.toml", "Project.toml", "JuliaProject.toml"];
    const JSON: [&str; 4] = ["package.json", "deno.json", "deno.jsonc", "composer.json"];
    for name in TOML {
        for broken in ["[", "a = ", "a = 1\na = 2\n", "\u{fffd}[project]", "<<<<<<< ours\n[a]\n"] {
            assert!(manifest(name, broken).is_some(), "{name}: {broken:?}");
        }
    }
    for name in JSON {
        for broken in ["", "{", "{\"a\": }", "\u{fffd}{}", "{} {}"] {
            assert!(manifest(name, broken).is_some(), "{name}: {broken:?}");
        }
    }
    let odd = ["[project]\ndependencies = 7\n", "[project]\nname = 1\n", "project = 1\n", "dependency-groups = 1\n"];
    for text in odd {
        assert!(manifest("pyproject.toml", text).is_some(), "{text}");
    }
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
        assert!(read || unsupported(lockfile, &|path| path == "gleam.toml").is_some(), "{lockfile} would pass unseen");
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
