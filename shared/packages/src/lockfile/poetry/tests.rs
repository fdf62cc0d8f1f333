use super::super::tests::{find, names, parse, parse_with};
use super::*;

const OPEN: &str = r#"# generated
[[package]]
name = "Django"
version = "4.2.1"
optional = false
files = [
    {file = "d.whl", hash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    {file = "d.tar.gz", hash = "md5:bbbb"},
]

[package.dependencies]
sqlparse = ">=0.3"
bcrypt = {version = "*", optional = true, markers = "extra == 'bcrypt'"}
argon2-cffi = {version = "*", optional = true}

[package.extras]
argon2 = ["argon2-cffi (>=19)"]
bcrypt = ["bcrypt"]

[[package]]
name = "sqlparse"
version = "0.4"

[[package]]
name = "bcrypt"
version = "4.0"

[[package]]
name = "argon2-cffi"
version = "21"

[[package]]
name = "pytest"
version = "8.0"

[package.dependencies]
SQLparse = [{version = "*", markers = "a"}, {version = "*", markers = "b"}]
argon2_cffi = "*"

[[package]]
name = "stray"
version = "1"

[metadata]
lock-version = "2.0"
content-hash = "x"
"#;

const PROJECT: &str = r#"
[tool.poetry]
name = "My_App"
version = "1.2"
[tool.poetry.dependencies]
python = "^3.11"
django = {version = "^4", extras = ["bcrypt"]}
[tool.poetry.group.test.dependencies]
pytest = "*"
"#;

#[test]
fn without_groups_the_project_decides() {
    let parsed = parse_with(&Poetry, OPEN, &[("pyproject.toml", PROJECT)]).unwrap();
    assert_eq!(parsed.root, Some(("my-app".into(), "1.2".into())));
    assert_eq!(names(&parsed), ["django", "sqlparse", "bcrypt", "argon2-cffi", "pytest", "stray"]);
    let of = |name: &str| {
        let package = find(&parsed, name);
        (package.scope, package.direct)
    };
    assert_eq!(of("django"), (Scope::Production, Some(true)));
    assert_eq!(of("sqlparse"), (Scope::Production, Some(false)));
    // asked for by django[bcrypt], while nobody asks for django[argon2]
    assert_eq!(of("bcrypt"), (Scope::Production, Some(false)));
    assert_eq!(of("argon2-cffi"), (Scope::Development, Some(false)));
    assert_eq!(of("pytest"), (Scope::Development, Some(true)));
    assert_eq!(of("stray"), (Scope::Unknown, Some(false)));
    let django = find(&parsed, "django");
    assert_eq!((django.line, django.dependencies.as_slice()), (3, [1, 2].as_slice()));
    assert_eq!(django.hashes.len(), 1);
    assert_eq!(find(&parsed, "pytest").dependencies, [1, 3]);
}

#[test]
fn without_a_project_nothing_is_claimed() {
    let parsed = parse(&Poetry, OPEN).unwrap();
    assert!(parsed.packages.iter().all(|package| package.scope == Scope::Unknown && package.direct.is_none()));
    assert_eq!(find(&parsed, "django").dependencies, [1, 2, 3]);
    let broken = parse_with(&Poetry, OPEN, &[("pyproject.toml", "[tool")]).unwrap();
    assert!(broken.warnings[0].contains("pyproject.toml"));
}

#[test]
fn groups_and_categories_are_believed() {
    let text = r#"
[[package]]
name = "a"
version = "1"
groups = ["main", "dev"]
[[package]]
name = "b"
version = "1"
groups = ["dev"]
[[package]]
name = "c"
version = "1"
category = "main"
[[package]]
name = "d"
version = "1"
category = "dev"
[metadata]
lock-version = "2.1"
"#;
    let parsed = parse_with(&Poetry, text, &[("pyproject.toml", PROJECT)]).unwrap();
    let scopes: Vec<Scope> = parsed.packages.iter().map(|package| package.scope).collect();
    use Scope::{Development, Production};
    assert_eq!(scopes, [Production, Development, Production, Development]);
}

#[test]
fn checksums_of_older_files_are_found() {
    let hash = "c".repeat(64);
    let one = format!(
        "[[package]]\nname = \"a\"\nversion = \"1\"\n[metadata]\nlock-version = \"1.1\"\n\
         [metadata.files]\na = [{{file = \"x\", hash = \"sha256:{hash}\"}}]\n"
    );
    let oldest =
        format!("[[package]]\nname = \"a\"\nversion = \"1\"\n[metadata]\n[metadata.hashes]\na = [\"{hash}\"]\n");
    for text in [one, oldest] {
        let parsed = parse(&Poetry, &text).unwrap();
        assert_eq!(pipe_core::text::hex(parsed.packages[0].hashes[0].bytes()), hash);
    }
}

#[test]
fn every_source_is_kept() {
    let package = |name: &str, source: &str| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"1\"\n[package.source]\n{source}\n")
    };
    let text = [
        package("a", "type = \"git\"\nurl = \"https://t:k@host.example/a.git\"\nreference = \"main\"\nresolved_reference = \"0a1b\""),
        package("b", "type = \"legacy\"\nurl = \"https://u:p@pypi.corp.example/simple\"\nreference = \"corp\""),
        package("c", "type = \"directory\"\nurl = \"../c\""),
        package("d", "type = \"url\"\nurl = \"https://host.example/d.whl?sig=x\""),
        package("e", "type = \"legacy\"\nurl = \"https://pypi.org/simple\"\nreference = \"x\""),
    ]
    .concat()
        + "[metadata]\nlock-version = \"2.0\"\n";
    let parsed = parse(&Poetry, &text).unwrap();
    let sources: Vec<Source> = parsed.packages.into_iter().map(|package| package.source).collect();
    assert_eq!(
        sources,
        [
            Source::Git("https://host.example/a.git#0a1b".into()),
            Source::PrivateRegistry("https://pypi.corp.example/simple".into()),
            Source::Path("../c".into()),
            Source::Url("https://host.example/d.whl".into()),
            Source::Registry,
        ]
    );
}

#[test]
fn broken_files_are_errors_with_their_line() {
    for (text, line, says) in [
        ("[[package]]\nname = \"a\"\nversion = \"1\"\n", None, "cut off"),
        ("", None, "cut off"),
        ("[metadata]\nlock-version = \"3.0\"\n", None, "3.0"),
        ("[[package]]\nname = \"a\"\nversion = \"1\n", Some(3), ""),
        ("[[package]]\nname = \"a\"\nname = \"b\"\n", Some(3), "duplicate"),
        ("[[package]]\nname = \"a\"\nversion = \"1\"\n<<<<<<< HEAD\n", Some(4), ""),
        ("[[package]]\nname = \"a\\nb\"\nversion = \"1\"\n[metadata]\n", Some(2), "control"),
        ("[[package]]\nname = \"a\"\nversion = 1\n[metadata]\n", Some(3), "string"),
        ("[[package]]\nversion = \"1\"\n[metadata]\n", Some(1), "name"),
    ] {
        let error = parse(&Poetry, text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.message.contains(says), "{text}: {error}");
    }
}

#[test]
fn the_upgrade_names_the_package() {
    let parsed = parse(&Poetry, OPEN).unwrap();
    assert_eq!(Poetry.upgrade(&find(&parsed, "django").locked(), "4.2.9", "poetry.lock"), "poetry update django");
}
