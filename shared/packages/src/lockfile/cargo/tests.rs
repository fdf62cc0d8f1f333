use super::super::tests::{find, names, parse, parse_with};
use super::*;

const LOCK: &str = r#"# generated
version = 3

[[package]]
name = "app"
version = "0.1.0"
dependencies = [
 "core-lib",
 "insta",
 "rand 0.8.5",
]

[[package]]
name = "core-lib"
version = "0.2.0"
dependencies = [
 "rand 0.7.3",
 "side",
]

[[package]]
name = "insta"
version = "1.0.0"
source = "registry+https://github.com/rust-lang/crates.io-index"
checksum = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
dependencies = [
 "similar",
]

[[package]]
name = "rand"
version = "0.7.3"
source = "registry+https://github.com/rust-lang/crates.io-index"

[[package]]
name = "rand"
version = "0.8.5"
source = "sparse+https://index.crates.io/"

[[package]]
name = "side"
version = "0.0.1"

[[package]]
name = "similar"
version = "2.0.0"
source = "git+https://t0k:x@host.example/similar.git?branch=main#0a1b2c"

[[package]]
name = "vendor"
version = "1.0.0"
source = "registry+https://u:p@crates.corp.example/index"
"#;

const ROOT: &str = "[package]\nname = \"app\"\n[workspace]\nmembers = [\"crates/*\"]\n[dependencies]\ncore-lib.path = \"crates/lib\"\n\
                    rand = \"0.8\"\n[dev-dependencies]\ninsta = \"1\"\n";
const MEMBER: &str = "[package]\nname = \"core-lib\"\n[dependencies]\nrand7 = { package = \"rand\", version = \"0.7\" }\n\
                      side = { path = \"../../../side\" }\n";

#[test]
fn a_workspace_with_its_manifests() {
    let siblings = [("Cargo.toml", ROOT), ("crates/lib/Cargo.toml", MEMBER)];
    let parsed = parse_with(&CargoLock, LOCK, &siblings).unwrap();
    assert_eq!(parsed.root, Some(("app".into(), "0.1.0".into())));
    let rows: Vec<_> = parsed
        .packages
        .iter()
        .map(|p| {
            (p.name.as_str(), p.version.as_str(), p.line, p.scope, p.direct == Some(true), p.dependencies.as_slice())
        })
        .collect();
    use Scope::{Development, Production, Unknown};
    assert_eq!(
        rows,
        [
            ("core-lib", "0.2.0", 14, Production, true, [2, 4].as_slice()),
            ("insta", "1.0.0", 22, Development, true, &[5]),
            ("rand", "0.7.3", 31, Production, true, &[]),
            ("rand", "0.8.5", 36, Production, true, &[]),
            ("side", "0.0.1", 41, Production, true, &[]),
            ("similar", "2.0.0", 45, Development, false, &[]),
            ("vendor", "1.0.0", 50, Unknown, false, &[]),
        ]
    );
    let sources: Vec<_> = parsed.packages.iter().map(|p| p.source.clone()).collect();
    assert_eq!(
        sources,
        [
            Source::Workspace,
            Source::Registry,
            Source::Registry,
            Source::Registry,
            Source::Path("../../../side".into()),
            Source::Git("https://host.example/similar.git#0a1b2c".into()),
            Source::PrivateRegistry("https://crates.corp.example/index".into()),
        ]
    );
    assert_eq!(find(&parsed, "insta").hashes[0].bytes(), [0xaa; 32]);
}

#[test]
fn without_manifests_purposes_are_not_claimed() {
    let parsed = parse(&CargoLock, LOCK).unwrap();
    assert_eq!(parsed.root, None);
    assert_eq!(names(&parsed)[0], "app");
    assert_eq!(find(&parsed, "insta").scope, Scope::Unknown);
    assert_eq!(find(&parsed, "insta").direct, Some(true));
    assert_eq!(find(&parsed, "similar").direct, Some(false));
    // the manifest of one member is missing: only what it alone asks for stays open
    let partly = parse_with(&CargoLock, LOCK, &[("Cargo.toml", ROOT)]).unwrap();
    let scopes: Vec<Scope> = partly.packages.iter().map(|package| package.scope).collect();
    assert_eq!((scopes[1], scopes[2], scopes[3]), (Scope::Development, Scope::Unknown, Scope::Production));
}

#[test]
fn version_1_has_its_checksums_apart() {
    let text = format!(
        "[root]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)\",\n]\n\n\
         [[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\n\
         [metadata]\n\"checksum a 1.0.0 (registry+https://github.com/rust-lang/crates.io-index)\" = \"{}\"\n",
        "b".repeat(64)
    );
    let parsed = parse(&CargoLock, &text).unwrap();
    assert_eq!(parsed.root, Some(("app".into(), "0.1.0".into())));
    assert_eq!(parsed.packages.len(), 1);
    let package = &parsed.packages[0];
    assert_eq!((package.direct, package.line, package.hashes[0].bytes()), (Some(true), 9, &[0xbb; 32][..]));
}

#[test]
fn the_source_tells_equal_versions_apart() {
    let text = "version = 4\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\ndependencies = [\n \"a 1.0.0 (git+https://host.example/a#0a)\",\n]\n\
                [[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\n\
                [[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"git+https://host.example/a#0a\"\n";
    let parsed = parse(&CargoLock, text).unwrap();
    assert_eq!((parsed.packages[0].direct, parsed.packages[1].direct), (Some(false), Some(true)));
}

#[test]
fn a_git_source_is_named_without_its_commit() {
    // what cargo writes for a fork beside the crate, and version 1 for every Git dependency
    let registry = "registry+https://github.com/rust-lang/crates.io-index";
    let git = "git+https://host.example/a?branch=main";
    let text = |dependency: &str| {
        format!(
            "version = 4\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\ndependencies = [\n \"a 1.0.0 ({dependency})\",\n]\n\
             [[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"{registry}\"\n\
             [[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"git+https://host.example/a#0b\"\n\
             [[package]]\nname = \"a\"\nversion = \"1.0.0\"\nsource = \"{git}#0a\"\n"
        )
    };
    for (dependency, meant) in [(registry, 0), ("git+https://host.example/a", 1), (git, 2)] {
        let parsed = parse(&CargoLock, &text(dependency)).unwrap();
        let direct: Vec<bool> = parsed.packages.iter().map(|package| package.direct == Some(true)).collect();
        assert_eq!(direct, [meant == 0, meant == 1, meant == 2], "{dependency}");
    }
    assert!(parse(&CargoLock, &text("git+https://host.example/a?branch=other")).is_err());
}

#[test]
fn what_only_a_feature_needs_is_optional() {
    let siblings = [("Cargo.toml", &*ROOT.replace("rand = \"0.8\"", "rand = { version = \"0.8\", optional = true }"))];
    let parsed = parse_with(&CargoLock, LOCK, &siblings).unwrap();
    let optional: Vec<&str> =
        parsed.packages.iter().filter(|package| package.optional).map(|package| package.version.as_str()).collect();
    assert_eq!(optional, ["0.8.5"]);
}

#[test]
fn a_lockfile_that_names_nothing_says_so() {
    let parsed = parse(&CargoLock, "version = 4\n").unwrap();
    assert_eq!(parsed.warnings, ["Cargo.lock: it names no packages. Remove it, or name it in EXCLUDE_PATHS"]);
}

#[test]
fn broken_files_are_errors_with_their_line() {
    let app = "[[package]]\nname = \"app\"\nversion = \"1.0.0\"\n";
    for (text, line, says) in [
        (String::new(), None, "cut off"),
        ("version = 5\n".into(), None, "version 5"),
        (format!("version = 4\n{app}dependencies = [\n \"gone\",\n]\n"), Some(3), "`gone`"),
        (format!("version = 4\n{app}dependencies = [\n \"gone\","), Some(6), ""),
        (format!("version = 4\n{app}source = \"odd\"\n"), Some(3), "odd"),
        (format!("version = 4\n{app}checksum = \"{}\"\n", "0".repeat(64)), Some(3), "no source"),
        (format!("version = 4\n{app}\n{}checksum = \"00\"\n", app.replace("app", "b")), Some(7), "no source"),
        (format!("version = 4\n{app}version = \"2.0.0\"\n"), Some(5), "duplicate"),
        (format!("version = 4\n{app}{app}"), Some(6), "twice"),
        (format!("version = 4\n{app}>>>>>>> theirs\n"), Some(5), ""),
    ] {
        let error = parse(&CargoLock, &text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.message.contains(says), "{text}: {error}");
    }
}

#[test]
fn the_upgrade_names_the_version_it_replaces() {
    let parsed = parse(&CargoLock, LOCK).unwrap();
    let command = CargoLock.upgrade(&find(&parsed, "insta").locked(), "1.0.1", "Cargo.lock");
    assert_eq!(command, "cargo update -p insta@1.0.0 --precise 1.0.1");
}
