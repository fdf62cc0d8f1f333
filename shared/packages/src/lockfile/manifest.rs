//! Manifests: files that ask for dependencies and need a lockfile to say which ones those are.

mod content;
mod kind;

pub use kind::Manifest;
use kind::PYTHON;

/// What a file says by its name, and by its text whether it asks for anything; `None` when it asks for nothing or is not a
/// manifest. `go.mod` is its own lock and isn't one.
pub fn manifest(file_name: &str, text: &str) -> Option<Manifest> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    match file_name {
        PYPROJECT => return content::pyproject(text),
        CARGO => return content::cargo(text),
        _ => {}
    }
    let (_, asks, manifest) = TABLE.iter().find(|(pattern, ..)| is_called(file_name, pattern))?;
    asks(text).then(|| manifest.clone())
}

/// Whether the name is a manifest's, so that the file is worth reading.
pub fn is_manifest_name(file_name: &str) -> bool {
    matches!(file_name, PYPROJECT | CARGO) || TABLE.iter().any(|(pattern, ..)| is_called(file_name, pattern))
}

// Not in the table: what satisfies them depends on their content.
const PYPROJECT: &str = "pyproject.toml";
const CARGO: &str = "Cargo.toml";

/// A pattern is a name, or `*` and the end of one.
fn is_called(file_name: &str, pattern: &str) -> bool {
    match pattern.strip_prefix('*') {
        Some(end) => file_name.ends_with(end),
        None => file_name == pattern,
    }
}

type Row = (&'static str, fn(&str) -> bool, Manifest);

const fn row(
    name: &'static str,
    asks: fn(&str) -> bool,
    kind: &'static str,
    satisfied_by: &'static [&'static str],
    inherits: bool,
) -> Row {
    (name, asks, Manifest { kind, satisfied_by, inherits, name: None })
}

const NODE: &[&str] =
    &["package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb", "deno.lock"];
const NUGET: &[&str] = &["packages.lock.json", "paket.lock"];
const CONDA: &[&str] = &["conda-lock.yml", "conda-lock.yaml", "pixi.lock"];
const JULIA: &[&str] = &["Manifest.toml", "JuliaManifest.toml"];
const GRADLE: &[&str] = &["gradle.lockfile"];

static TABLE: [Row; 43] = [
    row("setup.py", content::setup_py, "setuptools", PYTHON, false),
    row("setup.cfg", content::setup_cfg, "setuptools", PYTHON, false),
    row("requirements.in", content::any_line, "pip-tools", PYTHON, false),
    row("Pipfile", content::pipfile, "Pipenv", &["Pipfile.lock"], false),
    row("environment.yml", content::yaml_dependencies, "conda", CONDA, false),
    row("environment.yaml", content::yaml_dependencies, "conda", CONDA, false),
    row("pixi.toml", content::toml_dependencies, "pixi", &["pixi.lock"], true),
    row("package.json", content::package_json, "npm", NODE, true),
    row("deno.json", content::deno_imports, "Deno", &["deno.lock"], true),
    row("deno.jsonc", content::deno_imports, "Deno", &["deno.lock"], true),
    row("Gopkg.toml", content::dep, "dep", &["Gopkg.lock"], false),
    row("glide.yaml", content::any_line, "Glide", &["glide.lock"], false),
    row("Gemfile", content::gemfile, "Bundler", &["Gemfile.lock"], false),
    row("gems.rb", content::gemfile, "Bundler", &["gems.locked"], false),
    row("*.gemspec", content::gemspec, "RubyGems", &["Gemfile.lock", "gems.locked"], false),
    row("composer.json", content::composer_json, "Composer", &["composer.lock"], false),
    row("pom.xml", content::pom_xml, "Maven", &[], false),
    row("build.gradle", content::gradle, "Gradle", GRADLE, false),
    row("build.gradle.kts", content::gradle, "Gradle", GRADLE, false),
    row("project.clj", content::leiningen, "Leiningen", &[], false),
    row("deps.edn", content::clojure, "Clojure", &["deps-lock.json"], false),
    row("build.sbt", content::sbt, "sbt", &["build.sbt.lock"], false),
    row("*.csproj", content::package_reference, "NuGet", NUGET, false),
    row("*.fsproj", content::package_reference, "NuGet", NUGET, false),
    row("*.vbproj", content::package_reference, "NuGet", NUGET, false),
    row("paket.dependencies", content::any_line, "Paket", &["paket.lock"], false),
    row("mix.exs", content::mix_exs, "Mix", &["mix.lock"], true),
    row("rebar.config", content::rebar_config, "rebar3", &["rebar.lock"], true),
    row("gleam.toml", content::gleam_toml, "Gleam", &["manifest.toml"], false),
    row("Project.toml", content::julia, "Julia", JULIA, false),
    row("JuliaProject.toml", content::julia, "Julia", JULIA, false),
    row("opam", content::opam, "opam", &["opam.locked"], false),
    row("*.opam", content::opam, "opam", &["opam.locked"], false),
    row("pubspec.yaml", content::yaml_dependencies, "Pub", &["pubspec.lock"], true),
    row("Package.swift", content::package_swift, "Swift Package Manager", &["Package.resolved"], false),
    row("Podfile", content::podfile, "CocoaPods", &["Podfile.lock"], false),
    row("Cartfile", content::any_line, "Carthage", &["Cartfile.resolved"], false),
    row("conanfile.txt", content::conanfile_txt, "Conan", &["conan.lock"], false),
    row("conanfile.py", content::conanfile_py, "Conan", &["conan.lock"], false),
    row("stack.yaml", content::any_line, "Stack", &["stack.yaml.lock"], false),
    row("*.cabal", content::cabal, "Cabal", &["cabal.project.freeze", "stack.yaml.lock"], true),
    row("cpanfile", content::cpanfile, "Carton", &["cpanfile.snapshot"], false),
    row("shard.yml", content::yaml_dependencies, "Crystal shards", &["shard.lock"], false),
];

#[cfg(test)]
mod tests;
