//! Lockfiles that are known but can't be read yet. Meeting one is said aloud: a project whose lockfile is passed over
//! in silence looks clean.

/// The tool and its ecosystem.
pub fn unsupported(file_name: &str) -> Option<&'static str> {
    let exact = TABLE.iter().find(|(name, _)| *name == file_name);
    exact.or_else(|| SUFFIXES.iter().find(|(suffix, _)| file_name.ends_with(suffix))).map(|(_, tool)| *tool).or_else(
        || {
            // PEP 751 allows a name between the two
            (file_name.starts_with("pylock.") && file_name.ends_with(".toml")).then_some("Python (pylock)")
        },
    )
}

const TABLE: [(&str, &str); 39] = [
    ("yarn.lock", "npm (Yarn)"),
    ("pnpm-lock.yaml", "npm (pnpm)"),
    ("shrinkwrap.yaml", "npm (pnpm)"),
    ("bun.lock", "npm (Bun)"),
    ("bun.lockb", "npm (Bun)"),
    ("deno.lock", "npm and JSR (Deno)"),
    ("Pipfile.lock", "PyPI (Pipenv)"),
    ("pdm.lock", "PyPI (PDM)"),
    ("conda-lock.yml", "conda (conda-lock)"),
    ("conda-lock.yaml", "conda (conda-lock)"),
    ("pixi.lock", "conda and PyPI (pixi)"),
    ("Gemfile.lock", "RubyGems (Bundler)"),
    ("gems.locked", "RubyGems (Bundler)"),
    ("composer.lock", "Packagist (Composer)"),
    ("packages.lock.json", "NuGet"),
    ("packages.config", "NuGet"),
    ("paket.lock", "NuGet (Paket)"),
    ("gradle.lockfile", "Maven (Gradle)"),
    ("buildscript-gradle.lockfile", "Maven (Gradle)"),
    ("maven_install.json", "Maven (Bazel)"),
    ("build.sbt.lock", "Maven (sbt)"),
    ("mix.lock", "Hex (Mix)"),
    ("rebar.lock", "Hex (rebar3)"),
    ("pubspec.lock", "Pub (Dart)"),
    ("Package.resolved", "SwiftURL (Swift Package Manager)"),
    ("Podfile.lock", "CocoaPods"),
    ("Cartfile.resolved", "Carthage"),
    ("conan.lock", "ConanCenter (Conan)"),
    ("renv.lock", "CRAN (renv)"),
    ("packrat.lock", "CRAN (packrat)"),
    ("stack.yaml.lock", "Hackage (Stack)"),
    ("cabal.project.freeze", "Hackage (Cabal)"),
    ("cpanfile.snapshot", "CPAN (Carton)"),
    ("shard.lock", "Crystal shards"),
    ("nimble.lock", "Nimble"),
    ("spago.lock", "PureScript (Spago)"),
    ("Manifest.toml", "Julia (Pkg)"),
    ("JuliaManifest.toml", "Julia (Pkg)"),
    ("vcpkg-lock.json", "vcpkg"),
];

const SUFFIXES: [(&str, &str); 3] =
    [(".opam.locked", "opam"), (".conda-lock.yml", "conda (conda-lock)"), (".gradle.lockfile", "Maven (Gradle)")];

#[cfg(test)]
mod tests {
    use super::super::FORMATS;
    use super::*;

    #[test]
    fn known_lockfiles_are_named() {
        assert_eq!(unsupported("yarn.lock"), Some("npm (Yarn)"));
        assert_eq!(unsupported("app.opam.locked"), Some("opam"));
        assert_eq!(unsupported("pylock.toml"), Some("Python (pylock)"));
        assert_eq!(unsupported("pylock.dev.toml"), Some("Python (pylock)"));
        for other in ["flake.lock", "Cargo.lock", "README.md", "", ".lock"] {
            assert_eq!(unsupported(other), None, "{other}");
        }
    }

    #[test]
    fn no_lockfile_is_both_read_and_unsupported() {
        assert!(TABLE.len() > 10 && FORMATS.len() > 4, "{} and {}", TABLE.len(), FORMATS.len());
        for (index, (name, _)) in TABLE.iter().enumerate() {
            assert!(!FORMATS.iter().any(|format| format.matches(name, "")), "{name}");
            assert!(!TABLE[..index].iter().any(|(other, _)| other == name), "{name} twice");
        }
    }
}
