use super::super::tests::{find, names, parse, parse_with};
use super::*;

const WORKSPACE: &str = r#"version = 1
revision = 3
requires-python = ">=3.11"

[manifest]
members = [
    "app",
    "lib",
]

[[package]]
name = "app"
version = "0.1.0"
source = { virtual = "." }
dependencies = [
    { name = "lib" },
    { name = "numpy", version = "1.26.4", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version < '3.12'" },
    { name = "numpy", version = "2.1.0", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version >= '3.12'" },
]

[package.optional-dependencies]
fast = [
    { name = "uvloop" },
]

[package.dev-dependencies]
dev = [
    { name = "pytest" },
]

[[package]]
name = "lib"
version = "0.2.0"
source = { editable = "packages/lib" }
dependencies = [{ name = "secret" }]

[package.dev-dependencies]
test = [{ name = "hypothesis" }]

[[package]]
name = "numpy"
version = "1.26.4"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.pythonhosted.org/n.tar.gz", hash = "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", size = 1 }
wheels = [
    { url = "https://files.pythonhosted.org/n.whl", hash = "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", size = 2 },
]

[[package]]
name = "numpy"
version = "2.1.0"
source = { registry = "https://pypi.org/simple" }

[[package]]
name = "secret"
version = "1.0"
source = { registry = "https://user:hunter2@pypi.corp.example/simple" }

[[package]]
name = "uvloop"
version = "0.19"
source = { git = "https://token@host.example/uvloop?rev=v0.19#0a1b2c" }

[[package]]
name = "pytest"
version = "8.0"
source = { registry = "https://pypi.org/simple" }
dependencies = [{ name = "iniconfig" }]

[[package]]
name = "iniconfig"
version = "2"
source = { path = "../wheels/iniconfig-2.whl" }

[[package]]
name = "hypothesis"
version = "6"
source = { url = "https://host.example/h.whl?sig=1" }
"#;

#[test]
fn a_workspace_is_read_whole() {
    let parsed = parse(&Uv, WORKSPACE).unwrap();
    assert_eq!(parsed.root, Some(("app".into(), "0.1.0".into())));
    assert_eq!(names(&parsed), ["lib", "numpy", "numpy", "secret", "uvloop", "pytest", "iniconfig", "hypothesis"]);
    let rows: Vec<_> = parsed.packages.iter().map(|package| (package.line, package.scope, package.direct)).collect();
    use Scope::{Development, Production};
    assert_eq!(
        rows,
        [
            (32, Production, Some(true)),
            (41, Production, Some(true)),
            (50, Production, Some(true)),
            (55, Production, Some(true)),
            (60, Production, Some(true)),
            (65, Development, Some(true)),
            (71, Development, Some(false)),
            (76, Development, Some(true)),
        ]
    );
    assert_eq!(parsed.packages[0].dependencies, [3, 7]);
    assert_eq!(parsed.packages[1].hashes.len(), 2);
    let sources: Vec<&Source> = parsed.packages.iter().map(|package| &package.source).collect();
    assert_eq!(sources[0], &Source::Workspace);
    assert_eq!(sources[1], &Source::Registry);
    assert_eq!(sources[3], &Source::PrivateRegistry("https://pypi.corp.example/simple".into()));
    assert_eq!(sources[4], &Source::Git("https://host.example/uvloop#0a1b2c".into()));
    assert_eq!(sources[6], &Source::Path("../wheels/iniconfig-2.whl".into()));
    assert_eq!(sources[7], &Source::Url("https://host.example/h.whl".into()));
}

#[test]
fn one_of_several_versions_is_meant() {
    let text = WORKSPACE.replace(
        "    { name = \"pytest\" },",
        "    { name = \"pytest\" },\n    { name = \"numpy\", version = \"2.1.0\" },",
    );
    let text = text.replace(
        "    { name = \"numpy\", version = \"2.1.0\", source = { registry = \"https://pypi.org/simple\" }, marker = \"python_full_version >= '3.12'\" },\n",
        "",
    );
    let parsed = parse(&Uv, &text).unwrap();
    assert_eq!((parsed.packages[1].scope, parsed.packages[2].scope), (Scope::Production, Scope::Development));
}

#[test]
fn a_script_has_its_requirements_in_the_manifest() {
    let text = "version = 1\n[manifest]\nrequirements = [{ name = \"a\", specifier = \">=1\" }]\n\
                [manifest.dependency-groups]\ndev = [{ name = \"b\" }]\n\
                [[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"https://pypi.org/simple\" }\n\
                [[package]]\nname = \"b\"\nversion = \"1\"\nsource = { registry = \"https://pypi.org/simple\" }\n";
    let parsed = parse(&Uv, text).unwrap();
    assert_eq!(find(&parsed, "a").direct, Some(true));
    assert_eq!((find(&parsed, "a").scope, find(&parsed, "b").scope), (Scope::Production, Scope::Development));
    let script = Uv.upgrade(&find(&parsed, "a").locked(), "2", "tool.py.lock");
    assert_eq!(script, "uv lock --script tool.py --upgrade-package a");
    assert_eq!(Uv.upgrade(&find(&parsed, "a").locked(), "2", "uv.lock"), "uv lock --upgrade-package a");
}

#[test]
fn a_project_without_its_own_entry_is_named_by_its_manifest() {
    let text = "version = 1\n[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"https://pypi.org/simple\" }\n";
    let parsed = parse_with(&Uv, text, &[("pyproject.toml", "[project]\nname = \"P\"\n")]).unwrap();
    assert_eq!(parsed.root, Some(("p".into(), String::new())));
}

#[test]
fn broken_files_are_errors_with_their_line() {
    let entry = "[[package]]\nname = \"a\"\nversion = \"1\"\nsource = { registry = \"https://pypi.org/simple\" }\n";
    for (text, line, says) in [
        (format!("version = 1\n{entry}{entry}"), Some(7), "twice"),
        (String::new(), Some(1), "version"),
        ("version = 2\n".into(), None, "lock version 2"),
        (format!("version = 1\n{entry}dependencies = [{{ name = \"gone\" }}]\n"), Some(3), "gone"),
        (format!("version = 1\n{entry}\n[[package]]\nname = \"b\"\nversion"), Some(9), ""),
        (
            "version = 1\n[[package]]\nname = \"a\"\nsource = { registry = \"https://pypi.org/simple\" }\n".into(),
            Some(3),
            "version",
        ),
        ("version = 1\n[[package]]\nname = \"a\"\nversion = \"1\"\n".into(), Some(2), "source"),
    ] {
        let error = parse(&Uv, &text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.message.contains(says), "{text}: {error}");
    }
}
