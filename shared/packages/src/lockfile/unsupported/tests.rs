use super::*;
use Unsupported::{Covered, NotCovered, Unknown};

fn alone(path: &str) -> Option<Unsupported> {
    unsupported(path, &|_| false)
}

#[test]
fn every_tool_has_a_name_and_covered_ones_their_ecosystem() {
    for (path, what) in [
        ("web/bun.lock", Covered("npm (Bun)")),
        (".pnp.cjs", Covered("npm (Yarn)")),
        ("pnpm-lock.feature-x.yaml", Covered("npm (pnpm)")),
        ("src/App/packages.App.lock.json", Covered("NuGet")),
        ("src/App/packages.App.config", Covered("NuGet")),
        ("src/App/obj/project.assets.json", Covered("NuGet")),
        ("bin/App.deps.json", Covered("NuGet")),
        ("Directory.Packages.props", Covered("NuGet (central versions)")),
        ("settings-gradle.lockfile", Covered("Maven (Gradle)")),
        ("buildscript-gradle.lockfile", Covered("Maven (Gradle)")),
        ("gradle/dependency-locks/compileClasspath.lockfile", Covered("Maven (Gradle)")),
        ("gradle/libs.versions.toml", Covered("Maven (Gradle)")),
        ("gradle/verification-metadata.xml", Covered("Maven (Gradle)")),
        ("third_party/rules_maven_install.json", Covered("Maven (Bazel)")),
        ("gemfiles/rails_7.gemfile.lock", Covered("RubyGems (Bundler)")),
        ("Gemfile.next.lock", Covered("RubyGems (Bundler)")),
        ("composer-dev.lock", Covered("Packagist (Composer)")),
        ("Manifest-v1.11.toml", Covered("Julia (Pkg)")),
        ("go.sum", Covered("Go")),
        ("vendor/modules.txt", Covered("Go")),
        ("Gopkg.lock", Covered("Go (dep)")),
        ("app.opam.locked", Covered("opam")),
        ("dune.lock/lock.dune", Covered("opam (Dune)")),
        ("pylock.dev.toml", Covered("PyPI (pylock)")),
        ("pdm.py38.lock", Covered("PyPI (PDM)")),
        ("conda-linux-64.lock", Covered("conda and PyPI (conda-lock)")),
        ("stack-9.2.yaml.lock", Covered("Hackage (Stack)")),
        ("Cargo-minimal.lock", Covered("crates.io (Cargo)")),
        ("deploy/Chart.lock", NotCovered("Helm")),
        (".terraform.lock.hcl", NotCovered("Terraform")),
        ("MODULE.bazel.lock", NotCovered("Bazel")),
        ("elm.json", NotCovered("Elm")),
        ("Berksfile.lock", NotCovered("Chef (Berkshelf)")),
        ("ios/Podfile.lock", NotCovered("CocoaPods")),
        ("PklProject.deps.json", NotCovered("Pkl")),
    ] {
        assert_eq!(alone(path), Some(what), "{path}");
    }
    // what stands before the bracket is an ecosystem of OSV; conda and JSR come with one
    const COVERED: [&str; 20] = [
        "npm",
        "PyPI",
        "crates.io",
        "Go",
        "Maven",
        "NuGet",
        "RubyGems",
        "Packagist",
        "Hex",
        "Pub",
        "SwiftURL",
        "ConanCenter",
        "CRAN",
        "Hackage",
        "Julia",
        "opam",
        "RPM",
        "conda and PyPI",
        "npm and JSR",
        "npm and opam",
    ];
    let tables = NAMES.iter().map(|(.., what)| what).chain(PATTERNS.iter().map(|(.., what)| what));
    for what in tables.chain(PATHS.iter().map(|(.., what)| what)) {
        let (Covered(tool) | NotCovered(tool)) = what else { panic!("{what:?} in a table") };
        let ecosystem = tool.split(" (").next().unwrap();
        assert_eq!(COVERED.contains(&ecosystem), matches!(what, Covered(_)), "{tool}");
    }
}

#[test]
fn the_files_beside_it_say_whose_a_name_is() {
    let beside = |path: &str, other: &str| unsupported(path, &|asked| asked == other);
    for (path, other, what) in [
        ("a/go.sum", "a/go.mod", None),
        ("a/go.sum", "go.mod", Some(Covered("Go"))),
        ("go.work.sum", "go.work", None),
        ("vendor/modules.txt", "go.mod", None),
        ("a/vendor/modules.txt", "a/go.work", None),
        ("a/vendor/modules.txt", "go.mod", Some(Covered("Go"))),
        ("a/.pnp.cjs", "a/yarn.lock", None),
        ("node_modules/.package-lock.json", "package-lock.json", None),
        ("a/node_modules/.package-lock.json", "a/npm-shrinkwrap.json", None),
        ("a/node_modules/.package-lock.json", "package-lock.json", Some(Covered("npm (installed packages)"))),
        ("a/manifest.toml", "a/gleam.toml", Some(Covered("Hex (Gleam)"))),
        ("a/manifest.toml", "gleam.toml", None),
        ("chart/requirements.lock", "chart/requirements.yaml", Some(NotCovered("Helm"))),
        ("dependencies.lock", "CMakeLists.txt", Some(NotCovered("ESP-IDF components"))),
        ("dependencies.lock", "build.gradle", Some(Covered("Maven (Nebula)"))),
    ] {
        assert_eq!(beside(path, other), what, "{path} beside {other}");
    }
}

#[test]
fn a_name_that_looks_like_a_lockfile_never_passes_unseen() {
    for end in [
        ".lock",
        ".LOCK",
        ".lockfile",
        "-lock.json",
        ".lock.json",
        "lock.json",
        "-lock.yml",
        "-lock.yaml",
        ".lock.yml",
        ".lock.toml",
        ".locked",
        ".lock.hcl",
    ] {
        for path in [format!("newtool{end}"), format!("a/b/newtool{end}")] {
            assert_eq!(alone(&path), Some(Unknown), "{path}");
        }
    }
    for other in [
        "README.md",
        "",
        "lock.rs",
        "src/lockfile.rs",
        "clock.json.txt",
        "deadlock.txt",
        "notvendor/modules.txt",
        "vendor/manifest.json",
        ".github/workflows/issue-lock.yml",
        ".github/workflows/agent.lock.yml",
        "requirements.txt",
    ] {
        assert_eq!(alone(other), None, "{other}");
    }
}

#[test]
fn no_lockfile_is_both_read_and_unsupported() {
    assert!(NAMES.len() > 90 && FORMATS.len() > 4, "{} and {}", NAMES.len(), FORMATS.len());
    assert!(NAMES.is_sorted_by(|left, right| left.0 < right.0), "binary search needs the order, and no name twice");
    for (name, _) in NAMES {
        assert!(!FORMATS.iter().any(|format| format.matches(name, "")), "{name} has a reader");
    }
    for read in ["package-lock.json", "Cargo.lock", "go.mod", "poetry.lock", "uv.lock", "requirements.lock"] {
        assert_eq!(alone(read), None, "{read}");
        assert_eq!(FORMATS.iter().filter(|format| format.matches(read, "")).count(), 1, "{read}");
    }
}
