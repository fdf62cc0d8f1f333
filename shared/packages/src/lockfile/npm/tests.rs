use super::super::tests::{find, names, parse, parse_with};
use super::tree::MAX_DEPTH;
use super::*;
use crate::package::{Scope, Source};
use serde_json::json;

const LOCK: Npm = Npm("package-lock.json");

const FLAT: &str = r#"{
  "name": "shop",
  "version": "1.0.0",
  "lockfileVersion": 3,
  "requires": true,
  "packages": {
    "": {
      "name": "shop",
      "version": "1.0.0",
      "workspaces": ["packages/*"],
      "dependencies": { "left": "^1.0.0", "alias": "npm:real@2" },
      "devDependencies": { "tool": "^1" },
      "peerDependencies": { "absent": "*" }
    },
    "node_modules/alias": {
      "name": "real",
      "version": "2.0.0",
      "resolved": "https://registry.npmjs.org/real/-/real-2.0.0.tgz",
      "integrity": "sha1-AAECAwQFBgcICQoLDA0ODxAREhM="
    },
    "node_modules/left": {
      "version": "1.3.0",
      "resolved": "https://registry.npmjs.org/left/-/left-1.3.0.tgz",
      "dependencies": { "deep": "^1" },
      "optionalDependencies": { "not-here": "1" }
    },
    "node_modules/left/node_modules/deep": {
      "version": "1.0.0",
      "resolved": "https://registry.npmjs.org/deep/-/deep-1.0.0.tgz"
    },
    "node_modules/deep": {
      "version": "2.0.0",
      "resolved": "https://u:hunter2@npm.corp.example/api/deep/-/deep-2.0.0.tgz"
    },
    "node_modules/tool": {
      "version": "1.0.0",
      "resolved": "git+ssh://git@host.example/o/tool.git#0a1b2c",
      "dev": true,
      "dependencies": { "deep": "^2", "bundled": "*" }
    },
    "node_modules/tool/node_modules/bundled": {
      "version": "0.1.0",
      "inBundle": true,
      "devOptional": true
    },
    "node_modules/ui": {
      "resolved": "packages/ui",
      "link": true
    },
    "packages/ui": {
      "name": "@shop/ui",
      "version": "0.5.0",
      "dependencies": { "tool": "*", "shared": "file:../../shared" },
      "devDependencies": { "deep": "^3" }
    },
    "packages/ui/node_modules/deep": {
      "version": "3.0.0",
      "resolved": "https://host.example/archive/deep.tgz?token=hunter2",
      "dev": true
    },
    "node_modules/shared":
    {
      "resolved": "../shared",
      "link": true
    },
    "../shared": {}
  }
}
"#;

#[test]
fn a_workspace_of_version_3() {
    let parsed = parse(&LOCK, FLAT).unwrap();
    assert_eq!(parsed.root, Some(("shop".into(), "1.0.0".into())));
    let rows: Vec<_> = parsed
        .packages
        .iter()
        .map(|p| {
            (p.name.as_str(), p.version.as_str(), p.line, p.scope, p.direct == Some(true), p.dependencies.as_slice())
        })
        .collect();
    use Scope::{Development, Production};
    assert_eq!(
        rows,
        [
            ("real", "2.0.0", 15, Production, true, [].as_slice()),
            ("left", "1.3.0", 21, Production, true, &[2]),
            ("deep", "1.0.0", 27, Production, false, &[]),
            ("deep", "2.0.0", 31, Production, false, &[]),
            ("tool", "1.0.0", 35, Development, true, &[3, 5]),
            ("bundled", "0.1.0", 41, Production, false, &[]),
            ("@shop/ui", "0.5.0", 50, Production, true, &[4, 7, 8]),
            ("deep", "3.0.0", 56, Development, true, &[]),
            ("shared", "", 66, Production, true, &[]),
        ]
    );
    let sources: Vec<_> = parsed.packages.iter().map(|p| p.source.clone()).collect();
    assert_eq!(sources[0], Source::Registry);
    assert_eq!(sources[3], Source::PrivateRegistry("https://npm.corp.example/api/".into()));
    assert_eq!(sources[4], Source::Git("ssh://host.example/o/tool.git#0a1b2c".into()));
    assert_eq!(sources[5], Source::Registry);
    assert_eq!(sources[6], Source::Workspace);
    assert_eq!(sources[7], Source::Url("https://host.example/archive/deep.tgz".into()));
    assert_eq!(sources[8], Source::Path("../shared".into()));
    assert_eq!(parsed.packages[0].hashes[0].bytes(), (0..20).collect::<Vec<u8>>());
}

const NESTED: &str = r#"{
  "name": "old",
  "version": "0.1.0",
  "lockfileVersion": 1,
  "requires": true,
  "dependencies": {
    "a": {
      "version": "1.0.0",
      "resolved": "https://registry.npmjs.org/a/-/a-1.0.0.tgz",
      "requires": { "b": "^1", "c": "*" },
      "dependencies": {
        "b": {
          "version": "1.0.0",
          "bundled": true,
          "requires": { "c": "*" }
        }
      }
    },
    "b": { "version": "2.0.0", "resolved": false, "dev": true },
    "c": { "version": "npm:real-c@3.0.0", "requires": {} },
    "d": { "version": "git+https://t:k@host.example/d.git#0a1b", "from": "d" },
    "e": { "version": "file:../e" },
    "f": { "version": "https://host.example/f.tgz" },
    "g": { "version": "github:o/g#0a1b" }
  }
}
"#;

#[test]
fn version_1_nests() {
    let manifest = r#"{ "dependencies": { "a": "1", "e": "file:../e" }, "devDependencies": { "b": "2" } }"#;
    let parsed = parse_with(&LOCK, NESTED, &[("package.json", manifest)]).unwrap();
    assert_eq!(parsed.root, Some(("old".into(), "0.1.0".into())));
    let rows: Vec<_> = parsed
        .packages
        .iter()
        .map(|p| (p.name.as_str(), p.version.as_str(), p.line, p.direct, p.dependencies.as_slice()))
        .collect();
    assert_eq!(
        rows,
        [
            ("a", "1.0.0", 7, Some(true), [1, 3].as_slice()),
            ("b", "1.0.0", 12, Some(false), &[3]),
            ("b", "2.0.0", 19, Some(true), &[]),
            ("real-c", "3.0.0", 20, Some(false), &[]),
            ("d", "", 21, Some(false), &[]),
            ("e", "", 22, Some(true), &[]),
            ("f", "", 23, Some(false), &[]),
            ("g", "", 24, Some(false), &[]),
        ]
    );
    assert_eq!(parsed.packages[2].scope, Scope::Development);
    let sources: Vec<_> = parsed.packages[4..].iter().map(|p| p.source.clone()).collect();
    assert_eq!(
        sources,
        [
            Source::Git("https://host.example/d.git#0a1b".into()),
            Source::Path("../e".into()),
            Source::Url("https://host.example/f.tgz".into()),
            Source::Git("https://github.com/o/g#0a1b".into()),
        ]
    );
    let alone = parse(&LOCK, NESTED).unwrap();
    assert_eq!((alone.packages[0].direct, alone.packages[1].direct), (None, Some(false)));
    let broken = parse_with(&LOCK, NESTED, &[("package.json", "{")]).unwrap();
    assert!(broken.warnings[0].contains("package.json"));
}

#[test]
fn a_copy_is_known_by_the_folder_it_is_installed_in() {
    let folders = |lock: &str| -> Vec<String> {
        let parsed = parse(&LOCK, lock).unwrap();
        parsed.packages.iter().map(|package| package.locked().installed_in().unwrap().into_owned()).collect()
    };
    let flat = folders(FLAT);
    let expected =
        ["node_modules/alias", "node_modules/left", "node_modules/left/node_modules/deep", "node_modules/deep"];
    assert_eq!(flat[..4], expected);
    assert_eq!(flat[7], "packages/ui/node_modules/deep");
    // The same folders in the form of version 1, so that a lockfile in another form has the same copies.
    let nested = folders(NESTED);
    assert!(nested.contains(&"node_modules/a/node_modules/b".to_owned()), "{nested:?}");
    assert!(nested.contains(&"node_modules/a".to_owned()), "{nested:?}");
}

#[test]
fn version_2_counts_each_package_once() {
    let text = FLAT.replace("\"lockfileVersion\": 3", "\"lockfileVersion\": 2").replacen(
        "\"packages\": {",
        "\"dependencies\": { \"left\": { \"version\": \"1.3.0\" } },\n  \"packages\": {",
        1,
    );
    assert_eq!(parse(&LOCK, &text).unwrap().packages.len(), 9);
}

#[test]
fn the_nested_half_is_read_at_any_depth_and_no_deeper_than_real() {
    let error = |depth: usize, innermost: &str| {
        let nested = r#""a":{"version":"1","dependencies":{"#.repeat(depth - 1);
        let (packages, end) = (r#"{"node_modules/a":{"version":"1"}}"#, "}}".repeat(depth - 1));
        let text = format!(
            "{{\"lockfileVersion\":2,\"packages\":{packages},\n\"dependencies\":{{{nested}\n\"a\":{innermost}{end}}}}}"
        );
        parse(&LOCK, &text).err().map(|error| (error.line, error.message))
    };
    for depth in [1, 2, 31, 32, 33, 63, 64] {
        assert_eq!(error(depth, r#"{"version":"1"}"#), None, "{depth}");
        let (line, message) = error(depth, r#"{"version":"2"}"#).unwrap();
        assert!(line == Some(3) && message.contains("badly merged"), "{depth}: {line:?} {message}");
        let (line, message) = error(depth, r#"{"version":2}"#).unwrap();
        assert!(line == Some(3) && message.contains("expected a string"), "{depth}: {line:?} {message}");
    }
    let (line, message) = error(65, r#"{"version":"1"}"#).unwrap();
    assert!(line == Some(2) && message.contains("too deep"), "{line:?} {message}");
}

#[test]
fn the_halves_of_version_2_have_to_agree() {
    let text = |nested: &str| {
        format!(
            "{{\"lockfileVersion\": 2, \"packages\": {{\"\": {{}}, \"node_modules/a\": {{\"version\": \"1.0.0\"}},\n\
             \"node_modules/x\": {{\"name\": \"real\", \"version\": \"2.0.0\"}}, \"lib\": {{}},\n\
             \"node_modules/lib\": {{\"resolved\": \"lib\", \"link\": true}},\n\
             \"lib/node_modules/b\": {{\"version\": \"3.0.0\"}}}},\n\"dependencies\": {{\n{nested}\n}}}}"
        )
    };
    let same = "\"a\": {\"version\": \"1.0.0\"}, \"x\": {\"version\": \"npm:real@2.0.0\"},\n\
                \"lib\": {\"version\": \"file:lib\", \"dependencies\": {\"b\": {\"version\": \"3.0.0\"}}}";
    assert_eq!(parse(&LOCK, &text(same)).unwrap().packages.len(), 4);
    for (nested, line) in [
        ("\"vuln\": {\"version\": \"1.0.0\"}", 6),
        ("\"a\": {\"version\": \"1.0.1\"}", 6),
        ("\"a\": {\"version\": \"1.0.0\", \"dependencies\": {\n\"vuln\": {\"version\": \"1.0.0\"}}}", 7),
        ("\"x\": {\"version\": \"npm:real@2.0.1\"}", 6),
        ("\"gone\": {\"version\": \"file:gone\"}", 6),
    ] {
        let error = parse(&LOCK, &text(nested)).unwrap_err();
        assert!(error.message.contains("badly merged"), "{nested}: {error}");
        assert_eq!(error.line, Some(line), "{nested}");
    }
}

#[test]
fn a_lockfile_that_names_nothing_says_so() {
    for (text, silent) in [
        (r#"{"lockfileVersion": 3, "packages": {}}"#, false),
        (r#"{"lockfileVersion": 1}"#, false),
        (r#"{"lockfileVersion": 1, "dependencies": {}}"#, false),
        // a project without dependencies
        (r#"{"lockfileVersion": 3, "packages": {"": {}}}"#, true),
        (r#"{"name": "p", "lockfileVersion": 1}"#, true),
    ] {
        let parsed = parse(&LOCK, text).unwrap();
        let warnings: &[&str] = if silent {
            &[]
        } else {
            &["package-lock.json: it names no packages. Remove it, or name it in EXCLUDE_PATHS"]
        };
        assert_eq!(parsed.warnings, warnings, "{text}");
    }
}

#[test]
fn an_optional_package_without_a_version_is_nothing_to_install() {
    let flat = r#"{"lockfileVersion": 3, "packages": {
"node_modules/@esbuild/aix-ppc64": {"optional": true},
"node_modules/a": {"version": "1.0.0", "optionalDependencies": {"@esbuild/aix-ppc64": "1"}},
"node_modules/b": {"version": "1.0.0", "optional": true},
"node_modules/c": {"version": "1.0.0", "devOptional": true}
}}"#;
    let nested = r#"{"lockfileVersion": 1, "dependencies": {
"@esbuild/aix-ppc64": {"optional": true},
"a": {"version": "1.0.0"},
"b": {"version": "1.0.0", "optional": true},
"c": {"version": "1.0.0", "dev": true}
}}"#;
    for (text, optional) in [(flat, [false, true, true]), (nested, [false, true, false])] {
        let parsed = parse(&LOCK, text).unwrap();
        assert_eq!(names(&parsed), ["a", "b", "c"]);
        assert_eq!(parsed.packages.iter().map(|package| package.optional).collect::<Vec<_>>(), optional);
        let expected = "package-lock.json: @esbuild/aix-ppc64 is optional and has no version, so npm installs nothing";
        assert_eq!(parsed.warnings, [expected]);
    }
    // one that is asked for has to be there
    let required = flat.replacen("{\"optional\": true}", "{}", 1);
    assert!(parse(&LOCK, &required).unwrap_err().message.contains("version"));
}

#[test]
fn the_key_of_a_link_names_what_has_no_name() {
    let text = |own: &str| {
        format!(
            r#"{{"lockfileVersion": 3, "packages": {{"": {{"workspaces": ["functions/*"]}},
"functions/func1": {{{own}}},
"node_modules/@s/function1": {{"resolved": "functions/func1", "link": true}}
}}}}"#
        )
    };
    assert_eq!(names(&parse(&LOCK, &text("\"version\": \"1.0.0\"")).unwrap()), ["@s/function1"]);
    assert_eq!(names(&parse(&LOCK, &text("\"name\": \"own\"")).unwrap()), ["own"]);
    let alone = r#"{"lockfileVersion": 3, "packages": {"libs/@s/x": {}, "@t/y": {}, "z": {}}}"#;
    assert_eq!(names(&parse(&LOCK, alone).unwrap()), ["@s/x", "@t/y", "z"]);
}

#[test]
fn without_an_address_npmrc_decides() {
    let text = "{\"lockfileVersion\":3,\"packages\":{\"node_modules/@corp/x\":{\"version\":\"1\"},\"node_modules/y\":{\"version\":\"1\"}}}";
    let of = |npmrc: &str| {
        let parsed = parse_with(&LOCK, text, &[(".npmrc", npmrc)]).unwrap();
        (parsed.packages[0].source.clone(), parsed.packages[1].source.clone())
    };
    let corp = || Source::PrivateRegistry("https://npm.corp.example/".into());
    assert_eq!(
        of("@corp:registry=https://npm.corp.example/\n//npm.corp.example/:_authToken=x"),
        (corp(), Source::Registry)
    );
    assert_eq!(of("registry = \"https://u:p@npm.corp.example/\""), (corp(), corp()));
    assert_eq!(
        of("registry=https://npm.corp.example/\n@corp:registry=https://registry.npmjs.org/"),
        (Source::Registry, corp())
    );
    assert_eq!(of(""), (Source::Registry, Source::Registry));
}

#[test]
fn the_nearest_folder_above_wins() {
    let text = r#"{"lockfileVersion": 3, "packages": {
"node_modules/x": {"version": "1"},
"node_modules/x/node_modules/y": {"version": "1", "dependencies": {"z": "*"}},
"node_modules/x/node_modules/z": {"version": "1"},
"node_modules/z": {"version": "2"}
}}"#;
    assert_eq!(parse(&LOCK, text).unwrap().packages[1].dependencies, [2]);
}

#[test]
fn a_package_with_the_file_of_another_is_told() {
    let registry = "https://registry.npmjs.org";
    for (name, version, resolved, other) in [
        ("a", "1.0.0", format!("{registry}/a/-/a-1.0.0.tgz"), false),
        ("@s/n", "1.0.0", format!("{registry}/@s/n/-/n-1.0.0.tgz"), false),
        ("@s/n", "1.0.0", format!("{registry}/@s%2fn/-/n-1.0.0.tgz?x"), false),
        ("@s/n", "1.0.0", format!("{registry}/@s/n/-/@s/n-1.0.0.tgz"), false),
        ("a", "1.0.0+b", format!("{registry}/a/-/a-1.0.0.tgz"), false),
        ("a", "1.0.0", "https://host.example/b/-/b-1.0.0.tgz".to_owned(), false),
        ("a", "1.0.0", format!("{registry}/b/-/b-1.0.0.tgz"), true),
        ("a", "2.0.0", format!("{registry}/a/-/a-1.0.0.tgz"), true),
        ("a", "1.0.0", format!("{registry}/a/-/b-1.0.0.tgz"), true),
        ("n", "1.0.0", format!("{registry}/@s/n/-/n-1.0.0.tgz"), true),
    ] {
        assert_eq!(origin::is_another(name, version, &resolved), other, "{name} {version} {resolved}");
        let entry = format!(r#""version": "{version}", "resolved": "{resolved}""#);
        let flat = format!(r#"{{"lockfileVersion": 3, "packages": {{"node_modules/{name}": {{{entry}}}}}}}"#);
        let nested = format!(r#"{{"lockfileVersion": 1, "dependencies": {{"{name}": {{{entry}}}}}}}"#);
        for text in [flat, nested] {
            let warnings = parse(&LOCK, &text).unwrap().warnings;
            assert_eq!(warnings.iter().any(|warning| warning.contains("address of another package")), other, "{text}");
        }
    }
}

#[test]
fn registries_are_told_from_archives() {
    let source = |resolved: &str| origin::source("@s/n", "1.0.0", resolved, &npmrc::Registries::default());
    for public in ["https://registry.npmjs.org/@s/n/-/n-1.0.0.tgz", "https://registry.yarnpkg.com/@s/n/-/n-1.0.0.tgz"] {
        assert_eq!(source(public), Source::Registry);
    }
    for (address, registry) in [
        ("https://r.example/npm/@s/n/-/n-1.0.0.tgz", "https://r.example/npm/"),
        ("https://r.example/npm/@s%2fn/-/n-1.0.0.tgz", "https://r.example/npm/"),
        ("https://npm.pkg.github.com/download/@s/n/1.0.0/0a1b", "https://npm.pkg.github.com/download/@s/n/1.0.0/0a1b"),
        ("https://registry.npmjs.org.evil.example/@s/n/-/n-1.0.0.tgz", "https://registry.npmjs.org.evil.example/"),
    ] {
        assert_eq!(source(address), Source::PrivateRegistry(registry.into()));
    }
    assert_eq!(source("file:vendor/n.tgz"), Source::Path("vendor/n.tgz".into()));
}

#[test]
fn nesting_has_a_limit() {
    let nested = |depth: usize| {
        format!(
            "{{\"lockfileVersion\":1,\n\"dependencies\":{}{}}}",
            "{\n\"a\":{\"version\":\"1\",\"dependencies\":".repeat(depth - 1) + "{\n\"a\":{\"version\":\"1\"}}",
            "}}".repeat(depth - 1)
        )
    };
    assert_eq!(parse(&LOCK, &nested(MAX_DEPTH)).unwrap().packages.len(), MAX_DEPTH);
    let error = parse(&LOCK, &nested(MAX_DEPTH + 1)).unwrap_err();
    assert_eq!(error.line, Some(u32::try_from(MAX_DEPTH).unwrap() + 2), "{error}");
}

#[test]
fn broken_files_are_errors_with_their_line() {
    for (text, line, says) in [
        ("", Some(1), "EOF"),
        ("{\n\"lockfileVersion\": 3,\n\"packages\": {", Some(3), "EOF"),
        ("{\n\"lockfileVersion\": 4,\n\"packages\": []\n}", Some(2), "lockfileVersion 4"),
        ("{\n\"lockfileVersion\": 3,\n\"packages\": null\n}", Some(3), "null"),
        ("{\n\"lockfileVersion\": 3,\n\"packages\": {},\n\"packages\": {}\n}", Some(4), "duplicate"),
        (
            "{\"lockfileVersion\": 1,\n\"dependencies\": {\n\"a\": {\"version\": \"1\"},\n\"a\": {\"version\": \"2\"}}}",
            Some(4),
            "`a` occurs twice",
        ),
        ("{\"lockfileVersion\": 3,\n\"packages\": {\n\"a\\u002fb\": {},\n\"a/b\": {}}}", Some(4), "`a/b` occurs twice"),
        ("{\n\"name\": \"x\"\n}", None, "lockfileVersion"),
        ("{\n\"lockfileVersion\": 3\n}", None, "no packages"),
        ("{\n\"lockfileVersion\": 2, \"dependencies\": {}\n}", None, "no packages"),
        ("{\"lockfileVersion\": 3,\n\"packages\": {\n\"node_modules/a\": {\"version\": 1}\n}}", Some(3), "string"),
        (
            "{\"lockfileVersion\": 3,\n\"packages\": {\n\"node_modules/a\": {\"version\": \"1\"},\n\"node_modules/a\": {\"version\": \"2\"}\n}}",
            Some(4),
            "node_modules/a",
        ),
        (
            "{\"lockfileVersion\": 3,\n\"packages\": {\n\"node_modules/a\": {\n\"version\": \"1\",\n\"version\": \"2\"}\n}}",
            Some(5),
            "duplicate",
        ),
        (
            "{\"lockfileVersion\": 3,\n\"packages\": {\n\"node_modules/a\": {\"resolved\": \"w\", \"link\": true}\n}}",
            Some(3),
            "link",
        ),
        ("{\"lockfileVersion\": 3,\n\"packages\": {\n\"node_modules/a\": {}\n}}", Some(3), "version"),
        ("{\"lockfileVersion\": 1,\n\"dependencies\": {\n\"a;b c\": {\"version\": \"1\"}\n}}", Some(3), "spaces"),
        ("{\"lockfileVersion\": 1,\n\"dependencies\": {\n\"a/b\": {\"version\": \"1\"}\n}}", Some(3), "name"),
        ("{\"lockfileVersion\": 1,\n\"dependencies\": []\n}", Some(2), "object"),
        ("{\"lockfileVersion\": 2,\n\"packages\": {},\n\"dependencies\": null}", Some(3), "null"),
        (
            "{\"lockfileVersion\": 2,\n\"packages\": {},\n\"dependencies\": {},\n\"dependencies\": {}}",
            Some(4),
            "duplicate",
        ),
        (
            "{\"lockfileVersion\": 2, \"dependencies\": {\n\"a\": {\"version\": \"1\"}},\n\"packages\": {}}",
            Some(2),
            "badly merged",
        ),
        ("{\"lockfileVersion\": 3,\n<<<<<<< HEAD\n}", Some(2), ""),
    ] {
        let error = parse(&LOCK, text).unwrap_err();
        assert_eq!(error.line, line, "{text}: {error}");
        assert!(error.message.contains(says), "{text}: {error}");
    }
}

#[test]
fn the_upgrade_depends_on_who_asks() {
    let parsed = parse(&LOCK, FLAT).unwrap();
    assert_eq!(names(&parsed)[1], "left");
    assert_eq!(LOCK.upgrade(&find(&parsed, "left").locked(), "1.4.0", "package-lock.json"), "npm install left@1.4.0");
    assert_eq!(LOCK.upgrade(&parsed.packages[2].locked(), "1.4.0", "package-lock.json"), "npm update deep");
    let mut evil = parsed.packages[2].clone();
    evil.name = "$(reboot)".into();
    assert_eq!(LOCK.upgrade(&evil.locked(), "1", "x"), "npm update '$(reboot)'");
}

#[test]
fn a_resolved_that_is_not_an_address_is_never_local() {
    let read = |resolved: &str| {
        let entry = json!({"version": "1.0.0", "resolved": resolved});
        let flat = json!({"lockfileVersion": 3, "packages": {"": {}, "node_modules/vuln": entry}});
        let nested = json!({"lockfileVersion": 1, "dependencies": {"vuln": entry}});
        [flat, nested].map(|lock| parse(&LOCK, &lock.to_string()).map(|parsed| parsed.packages[0].source.clone()))
    };
    // what npm asks a registry for, or does not install
    for resolved in [
        "npm:vuln@1.0.0",
        " ",
        "1.0.0",
        "latest",
        "^1",
        "vuln",
        "a/b",
        "x.tgz",
        "./x.tgz",
        "https:",
        " https://registry.npmjs.org/vuln/-/vuln-1.0.0.tgz",
        "//bot:hunter2@n.example/x",
    ] {
        for error in read(resolved).map(|read| read.unwrap_err()) {
            assert!(
                error.message.contains("not an address") && !error.message.contains("hunter2"),
                "{resolved}: {error}"
            );
        }
    }
    for (resolved, source) in [
        ("https:/registry.npmjs.org/vuln/-/vuln-1.0.0.tgz", Source::Registry),
        ("https:registry.npmjs.org/vuln/-/vuln-1.0.0.tgz", Source::Registry),
        ("HTTPS://registry.npmjs.org/vuln/-/vuln-1.0.0.tgz", Source::Registry),
        ("http:host.example/x.tgz", Source::Url("http://host.example/x.tgz".into())),
        ("https:bot:hunter2@n.example/x", Source::Url("https://n.example/x".into())),
        ("file:x.tgz", Source::Path("x.tgz".into())),
        ("github:o/r#0a1b", Source::Git("https://github.com/o/r#0a1b".into())),
    ] {
        assert_eq!(read(resolved), [Ok(source.clone()), Ok(source)], "{resolved}");
    }
}
