use std::collections::{BTreeSet, HashSet};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Bom, Source};
use crate::package::{self, Ecosystem, Hash, Package, Scope};
use crate::store::Store;

fn package(name: &str, version: &str, line: u32, direct: Option<bool>, dependencies: &[usize]) -> Package {
    Package {
        ecosystem: Ecosystem::Npm,
        name: name.to_owned(),
        version: version.to_owned(),
        source: package::Source::Registry,
        line,
        scope: Scope::Production,
        direct,
        dependencies: dependencies.to_vec(),
        hashes: Vec::new(),
        optional: false,
        folder: None,
    }
}

/// Lockfiles by path, and what an SBOM says of the whole.
struct Tree<'a> {
    version: Option<&'a str>,
    created: Option<&'a str>,
    lockfiles: &'a [(&'a str, &'a [Package])],
}

impl Tree<'_> {
    fn written(&self, write: impl FnOnce(&Bom<'_>, &mut Vec<u8>) -> std::io::Result<()>) -> Vec<u8> {
        let mut store = Store::default();
        let listings: Vec<_> =
            self.lockfiles.iter().map(|(path, packages)| store.add(path, packages, 0).unwrap()).collect();
        let sources: Vec<_> = self
            .lockfiles
            .iter()
            .zip(&listings)
            .map(|((path, _), listing)| Source {
                path,
                format: "package-lock.json",
                listing,
                root: Some(("app", "1.0.0")),
            })
            .collect();
        let bom = Bom {
            name: "org/app",
            version: self.version,
            created: self.created,
            tool_version: "1.2.3",
            packages: &store,
            sources: &sources,
        };
        let mut out = Vec::new();
        write(&bom, &mut out).unwrap();
        out
    }
}

fn source<'a>(path: &'a str, packages: &'a [Package]) -> (&'a str, &'a [Package]) {
    (path, packages)
}

fn bom<'a>(lockfiles: &'a [(&'a str, &'a [Package])]) -> Tree<'a> {
    Tree { version: Some("4f2c1aa"), created: Some("2026-11-20T10:00:00+02:00"), lockfiles }
}

fn cyclonedx(tree: &Tree<'_>) -> Vec<u8> {
    let document = tree.written(|bom, out| super::cyclonedx(bom, out));
    assert_eq!(document, tree.written(|bom, out| super::cyclonedx::write(bom, out, 0)), "made once or twice");
    document
}

fn spdx(tree: &Tree<'_>) -> Vec<u8> {
    let document = tree.written(|bom, out| super::spdx(bom, out));
    assert_eq!(document, tree.written(|bom, out| super::spdx::write(bom, out, 0)), "made once or twice");
    document
}

fn read(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("valid JSON")
}

/// The one component or package of that name.
fn named<'a>(list: &'a Value, name: &str) -> &'a Value {
    let mut all = list.as_array().expect("a list").iter().filter(|item| item["name"] == name);
    let one = all.next().unwrap_or_else(|| panic!("no {name}"));
    assert!(all.next().is_none(), "{name} twice");
    one
}

fn edges(document: &Value) -> BTreeSet<(String, String)> {
    let list = document["dependencies"].as_array().expect("a list");
    let edge = |from: &Value, to: &Value| (from.as_str().unwrap().to_owned(), to.as_str().unwrap().to_owned());
    list.iter()
        .flat_map(|item| item["dependsOn"].as_array().unwrap().iter().map(move |to| edge(&item["ref"], to)))
        .collect()
}

fn relationships(document: &Value) -> BTreeSet<String> {
    let text = |value: &Value| {
        let id = value.as_str().expect("an id");
        // Less the hash at the end.
        id.rsplit_once('-').filter(|(_, hash)| hash.len() == 16).map_or(id, |(id, _)| id).replace("SPDXRef-", "")
    };
    let list = document["relationships"].as_array().expect("a list");
    let line = |item: &Value| {
        let kind = item["relationshipType"].as_str().unwrap().to_owned();
        format!("{} {kind} {}", text(&item["spdxElementId"]), text(&item["relatedSpdxElement"]))
    };
    list.iter().map(line).collect()
}

#[test]
fn one_package_of_two_lockfiles_is_one_component_with_both_places() {
    let sha = |byte: u8, length| Hash::new(vec![byte; length]).unwrap();
    let mut one = package("@scope/lib", "1.0.0", 7, Some(false), &[]);
    one.scope = Scope::Development;
    one.hashes = vec![sha(0xaa, 64), sha(0xbb, 20)];
    let mut two = package("@scope/lib", "1.0.0", 9, Some(true), &[]);
    two.hashes = vec![sha(0xaa, 64)];
    let (first, second) = ([one], [two]);
    let sources = [source("web/package-lock.json", &first), source("api/package-lock.json", &second)];

    let document = read(&cyclonedx(&bom(&sources)));
    let component = named(&document["components"], "lib");
    assert_eq!(
        *component,
        json!({
            "type": "library",
            "bom-ref": "pkg:npm/%40scope/lib@1.0.0",
            "group": "@scope",
            "name": "lib",
            "version": "1.0.0",
            "scope": "required",
            "hashes": [{"alg": "SHA-1", "content": "b".repeat(40)}, {"alg": "SHA-512", "content": "a".repeat(128)}],
            "purl": "pkg:npm/%40scope/lib@1.0.0",
            "properties": [
                {"name": "pipewright:source", "value": "registry"},
                {"name": "pipewright:dependency", "value": "direct"},
                {"name": "pipewright:lockfile", "value": "api/package-lock.json"},
                {"name": "pipewright:line", "value": "9"},
                {"name": "pipewright:lockfile", "value": "web/package-lock.json"},
                {"name": "pipewright:line", "value": "7"},
            ],
            "evidence": {"occurrences": [
                {"location": "api/package-lock.json", "line": 9},
                {"location": "web/package-lock.json", "line": 7},
            ]},
        })
    );

    let document = read(&spdx(&bom(&sources)));
    let item = named(&document["packages"], "@scope/lib");
    assert_eq!(item["sourceInfo"], "api/package-lock.json:9, web/package-lock.json:7, from registry");
    assert_eq!(item["licenseDeclared"], "NOASSERTION");
    assert_eq!(item["externalRefs"][0]["referenceLocator"], "pkg:npm/%40scope/lib@1.0.0");
    assert_eq!(item["checksums"][0], json!({"algorithm": "SHA1", "checksumValue": "b".repeat(40)}));
    assert_eq!(item["checksums"].as_array().map(Vec::len), Some(2));
}

#[test]
fn the_graph_is_what_the_lockfile_records_and_says_where_it_ends() {
    let mut tool = package("tool", "2.0.0", 3, Some(true), &[1]);
    tool.scope = Scope::Development;
    let packages = [
        package("top", "1.0.0", 2, Some(true), &[1, 1, 9]),
        package("leaf", "1.0.0", 4, Some(false), &[]),
        tool,
        package("lost", "1.0.0", 5, Some(false), &[]),
        package("free", "1.0.0", 6, None, &[]),
    ];
    let unrecorded = [package("pinned", "1.0.0", 1, None, &[])];
    let sources = [source("package-lock.json", &packages), source("z/requirements.txt", &unrecorded)];

    let document = read(&cyclonedx(&bom(&sources)));
    let edge = |from: &str, to: &str| (from.to_owned(), to.to_owned());
    let expected = [
        edge("repository", "lockfile:package-lock.json"),
        edge("repository", "lockfile:z/requirements.txt"),
        edge("lockfile:package-lock.json", "pkg:npm/top@1.0.0"),
        edge("lockfile:package-lock.json", "pkg:npm/tool@2.0.0"),
        edge("lockfile:package-lock.json", "pkg:npm/free@1.0.0"),
        edge("lockfile:z/requirements.txt", "pkg:npm/pinned@1.0.0"),
        edge("pkg:npm/top@1.0.0", "pkg:npm/leaf@1.0.0"),
        edge("pkg:npm/tool@2.0.0", "pkg:npm/leaf@1.0.0"),
    ];
    assert_eq!(edges(&document), BTreeSet::from(expected));
    assert_eq!(named(&document["components"], "tool")["scope"], "excluded");
    assert_eq!(
        document["compositions"],
        json!([
            {"aggregate": "incomplete", "dependencies": ["lockfile:package-lock.json"]},
            {"aggregate": "unknown", "dependencies": ["pkg:npm/pinned@1.0.0"]},
        ])
    );

    let relationships = relationships(&read(&spdx(&bom(&sources))));
    for line in [
        "DOCUMENT DESCRIBES Repository",
        "Repository CONTAINS Project-app",
        "Project-app DEPENDS_ON Package-npm-top-1.0.0",
        "Package-npm-tool-2.0.0 DEV_DEPENDENCY_OF Project-app",
        "Package-npm-lost-1.0.0 DEPENDENCY_OF Project-app",
        "Package-npm-top-1.0.0 DEPENDS_ON Package-npm-leaf-1.0.0",
    ] {
        assert!(relationships.contains(line), "{line} not in {relationships:#?}");
    }
    assert!(!relationships.contains("Project-app DEPENDS_ON Package-npm-leaf-1.0.0"));
}

#[test]
fn packages_from_elsewhere_are_told_apart_and_keep_their_origin() {
    let from = |source: package::Source| Package { source, ..package("lib", "1.0.0", 1, None, &[]) };
    let git = package::Source::Git("git@host.test:org/lib.git#0a1b2c".to_owned());
    let packages = [
        from(package::Source::Registry),
        from(git),
        from(package::Source::Path("../lib".to_owned())),
        from(package::Source::Workspace),
    ];
    let local = [from(package::Source::Path("lib".to_owned()))];
    // `app/../lib` is the `lib` of the root, which the other lockfile names as `lib`.
    let sources = [source("app/package-lock.json", &packages), source("package-lock.json", &local)];
    let document = read(&cyclonedx(&bom(&sources)));
    let components = document["components"].as_array().expect("a list");
    let purls: Vec<&str> = components.iter().filter_map(|item| item["purl"].as_str()).collect();
    assert_eq!(
        purls,
        [
            "pkg:npm/lib@1.0.0",
            "pkg:npm/lib@1.0.0?vcs_url=git%2Bssh:%2F%2Fgit%40host.test%2Forg%2Flib.git%400a1b2c",
            "pkg:npm/lib@1.0.0?download_url=file:lib",
            "pkg:npm/lib@1.0.0?download_url=file:app",
        ]
    );
    let git = components.iter().find(|item| item["externalReferences"][0]["type"] == "vcs").expect("a reference");
    assert_eq!(git["externalReferences"][0]["url"], "git+ssh://git@host.test/org/lib.git@0a1b2c");
    let document = read(&spdx(&bom(&sources)));
    let locations: Vec<&Value> =
        document["packages"].as_array().unwrap().iter().map(|item| &item["downloadLocation"]).collect();
    assert!(locations.contains(&&json!("git+ssh://git@host.test/org/lib.git@0a1b2c")), "{locations:?}");
}

#[test]
fn names_that_share_a_purl_keep_their_own_references() {
    let packages = [package("Lib", "1.0.0", 1, None, &[]), package("lib", "1.0.0", 2, None, &[])];
    let document = read(&cyclonedx(&bom(&[source("package-lock.json", &packages)])));
    assert_eq!(named(&document["components"], "Lib")["bom-ref"], "pkg:npm/lib@1.0.0");
    assert_eq!(named(&document["components"], "lib")["bom-ref"], "pkg:npm/lib@1.0.0#2");
}

#[test]
fn the_order_of_the_lockfiles_is_no_difference_and_the_commit_is() {
    let packages = [package("a", "1", 1, None, &[1]), package("b", "1", 2, None, &[])];
    let other = [package("b", "1", 3, None, &[])];
    let sources = [source("a/package-lock.json", &packages), source("b/package-lock.json", &other)];
    let turned = [source("b/package-lock.json", &other), source("a/package-lock.json", &packages)];
    assert_eq!(cyclonedx(&bom(&sources)), cyclonedx(&bom(&turned)));
    assert_eq!(spdx(&bom(&sources)), spdx(&bom(&turned)));

    let later = Tree { version: Some("0000000"), ..bom(&sources) };
    let serial = |document: &[u8]| read(document)["serialNumber"].as_str().unwrap().to_owned();
    assert_ne!(serial(&cyclonedx(&bom(&sources))), serial(&cyclonedx(&later)));
    let namespace = |document: &[u8]| read(document)["documentNamespace"].as_str().unwrap().to_owned();
    assert_ne!(namespace(&spdx(&bom(&sources))), namespace(&spdx(&later)));
    assert_eq!(read(&cyclonedx(&bom(&sources)))["metadata"]["timestamp"], "2026-11-20T08:00:00Z");
    assert_eq!(read(&spdx(&bom(&sources)))["creationInfo"]["created"], "2026-11-20T08:00:00Z");
    let unknown = Tree { created: None, ..bom(&sources) };
    assert_eq!(read(&spdx(&unknown))["creationInfo"]["created"], "1970-01-01T00:00:00Z");
    assert_eq!(read(&cyclonedx(&unknown))["metadata"].get("timestamp"), None);
}

fn anything() -> impl Strategy<Value = Package> {
    let source = prop_oneof![
        Just(package::Source::Registry),
        Just(package::Source::Workspace),
        "\\PC{0,30}".prop_map(package::Source::Git),
        "\\PC{0,30}".prop_map(package::Source::Url),
        "[./a]{0,8}".prop_map(package::Source::Path),
        "\\PC{0,30}".prop_map(package::Source::PrivateRegistry),
    ];
    let scope = prop_oneof![Just(Scope::Production), Just(Scope::Development), Just(Scope::Unknown)];
    let rest = (any::<u32>(), scope, any::<Option<bool>>(), prop::collection::vec(0_usize..12, 0..4));
    ("[aA@/_.\\PC]{0,3}", "[0-9v.]{0,3}", 0_usize..4, source, rest).prop_map(
        |(name, version, which, source, (line, scope, direct, dependencies))| Package {
            ecosystem: Ecosystem::ALL[which],
            name,
            version,
            source,
            line,
            scope,
            direct,
            dependencies,
            hashes: Vec::new(),
            optional: false,
            folder: None,
        },
    )
}

proptest! {
    #[test]
    fn whatever_a_lockfile_holds_every_reference_is_unique_and_resolves(
        one in prop::collection::vec(anything(), 0..10),
        two in prop::collection::vec(anything(), 0..10),
    ) {
        let sources = [source("one", &one), source("b/two", &two)];
        let document = read(&cyclonedx(&bom(&sources)));
        let components = document["components"].as_array().unwrap();
        let mut references: HashSet<&str> = components.iter().map(|item| item["bom-ref"].as_str().unwrap()).collect();
        prop_assert_eq!(references.len(), components.len());
        references.insert("repository");
        for (from, to) in edges(&document) {
            prop_assert!(references.contains(from.as_str()) && references.contains(to.as_str()));
            prop_assert_ne!(from, to);
        }

        let document = read(&spdx(&bom(&sources)));
        let items = document["packages"].as_array().unwrap();
        let mut ids: HashSet<&str> = items.iter().map(|item| item["SPDXID"].as_str().unwrap()).collect();
        prop_assert_eq!(ids.len(), items.len());
        prop_assert_eq!(items.len(), components.len() + 1);
        ids.insert("SPDXRef-DOCUMENT");
        for id in &ids {
            prop_assert!(id.chars().all(|c| c.is_ascii_alphanumeric() || ".-".contains(c)), "{}", id);
        }
        for item in document["relationships"].as_array().unwrap() {
            prop_assert!(ids.contains(item["spdxElementId"].as_str().unwrap()));
            prop_assert!(ids.contains(item["relatedSpdxElement"].as_str().unwrap()));
        }
    }
}

#[test]
fn what_a_project_works_without_is_optional_in_every_format() {
    use crate::lockfile::{FORMATS, Input, Sibling};

    let npm = r#"{"lockfileVersion": 3, "packages": {"": {},
        "node_modules/needed": {"version": "1.0.0"}, "node_modules/extra": {"version": "1.0.0", "optional": true}}}"#;
    let poetry = |name: &str, optional: bool| {
        format!("[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\noptional = {optional}\ngroups = [\"main\"]\n\n")
    };
    let poetry = format!("{}{}[metadata]\nlock-version = \"2.1\"\n", poetry("needed", false), poetry("extra", true));
    let pypi = |name: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\nsource = {{ registry = \"https://pypi.org/simple\" }}\n"
        )
    };
    let uv = format!(
        "version = 1\n[[package]]\nname = \"app\"\nversion = \"1\"\nsource = {{ editable = \".\" }}\n\
         dependencies = [{{ name = \"needed\" }}]\n[package.optional-dependencies]\nx = [{{ name = \"extra\" }}]\n{}{}",
        pypi("needed"),
        pypi("extra")
    );
    let crates = |name: &str| {
        format!(
            "[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\n\
             source = \"registry+https://github.com/rust-lang/crates.io-index\"\n"
        )
    };
    let cargo = format!(
        "version = 4\n[[package]]\nname = \"app\"\nversion = \"1.0.0\"\ndependencies = [\"extra\", \"needed\"]\n{}{}",
        crates("needed"),
        crates("extra")
    );
    let manifest =
        "[package]\nname = \"app\"\n[dependencies]\nneeded = \"1\"\nextra = { version = \"1\", optional = true }\n";
    for (path, text) in [("package-lock.json", npm), ("poetry.lock", &poetry), ("uv.lock", &uv), ("Cargo.lock", &cargo)]
    {
        let format = FORMATS.iter().find(|format| format.matches(path, "")).unwrap();
        let sibling = |name: &str| Sibling::from((name == "Cargo.toml").then(|| manifest.to_owned()));
        let parsed = format.parse(&Input { path, text, sibling: &sibling, below: &|_| Vec::new() }).unwrap();
        let sources = [source(path, &parsed.packages)];
        let document = read(&cyclonedx(&bom(&sources)));
        let scope = |name: &str| named(&document["components"], name)["scope"].clone();
        assert_eq!((scope("needed"), scope("extra")), (json!("required"), json!("optional")), "{path}");
        // needed by one of two projects is needed
        let mut other = parsed.packages.clone();
        other.iter_mut().for_each(|package| package.optional = false);
        let sources = [source(path, &parsed.packages), source("b/other", &other)];
        let document = read(&cyclonedx(&bom(&sources)));
        assert_eq!(named(&document["components"], "extra")["scope"], "required", "{path}");
    }
}

#[test]
fn a_tree_with_more_places_than_are_in_memory_at_once_has_them_all() {
    let packages: Vec<Package> = (0..9).map(|n| package(&format!("p{n}"), "1.0.0", n, Some(true), &[])).collect();
    let paths: Vec<String> = (0..6).map(|n| format!("{n}/package-lock.json")).collect();
    let lockfiles: Vec<_> = paths.iter().map(|path| source(path, &packages)).collect();
    let document = read(&cyclonedx(&bom(&lockfiles)));
    let components = document["components"].as_array().unwrap();
    assert_eq!(components.len(), 6 + 9);
    for (component, line) in components[6..].iter().zip(0..) {
        let places = component["evidence"]["occurrences"].as_array().unwrap();
        let found: Vec<&str> = places.iter().map(|place| place["location"].as_str().unwrap()).collect();
        assert_eq!(found, paths);
        assert!(places.iter().all(|place| place["line"] == line));
    }
}
