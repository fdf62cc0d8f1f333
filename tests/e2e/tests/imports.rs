//! Imports run one way: between the crates of the workspace, and between the files of each.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod modules;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use modules::{Modules, circles};
use pipewright_harness::{Repo, metadata, root};
use serde_json::Value;

/// The crates of this workspace that each one may link. A pipe may link every library, but notify-pipe, which stays
/// small; no crate may link a pipe.
const MAY_LINK: &[(&str, &[&str])] = &[
    ("pipe-core", &[]),
    ("pipe-oci", &["pipe-core"]),
    ("pipe-evidence", &["pipe-core", "pipe-oci"]),
    ("pipe-packages", &["pipe-core"]),
    ("pipe-advisories", &["pipe-core", "pipe-packages"]),
    ("pipe-secrets", &["pipe-core"]),
    ("notify-pipe", &["pipe-core"]),
    ("security-pipe", &["pipe-core", "pipe-oci", "pipe-packages", "pipe-advisories", "pipe-secrets"]),
    ("sign-pipe", &["pipe-core", "pipe-oci", "pipe-evidence", "pipe-packages"]),
];

/// The tests' crates, which may use everything, but a pipe's tests use the harness only.
const TESTS: &[&str] = &["pipewright-harness", "pipewright-e2e", "pipewright-parsers"];

/// Modules whose files below may use them: the crate, the module's file, and why. A kind is one file with its trait and
/// its list (DESIGN, "Folders"), and a document is one with the model that it is written through. What else the files
/// below use still has to lead away from it.
const PARENTS: &[(&str, &str, &str)] = &[
    ("pipes/security-pipe", "output.rs", "the trait and the one list of its implementations"),
    ("pipes/security-pipe", "scanner.rs", "the trait and the one list of its implementations"),
    ("shared/advisories", "archive.rs", "the headers of an archive, with its errors"),
    ("shared/packages", "lockfile.rs", "the trait and the one list of its implementations"),
];

fn name(value: &Value) -> &str {
    value["name"].as_str().unwrap()
}

#[test]
fn crates_link_in_one_direction() {
    let metadata = metadata();
    let members: BTreeSet<&str> =
        metadata["workspace_members"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let packages = metadata["packages"].as_array().unwrap();
    let packages = packages.iter().filter(|package| members.contains(package["id"].as_str().unwrap()));
    let mut seen = BTreeSet::new();
    for package in packages.filter(|package| !TESTS.contains(&name(package))) {
        let (_, may) = MAY_LINK
            .iter()
            .find(|(known, _)| *known == name(package))
            .unwrap_or_else(|| panic!("{} is not in MAY_LINK", name(package)));
        seen.insert(name(package));
        let dependencies = package["dependencies"].as_array().unwrap();
        for dependency in dependencies.iter().filter(|dependency| dependency["path"].is_string()) {
            let allowed = match dependency["kind"].as_str() {
                Some("dev") => name(dependency) == "pipewright-harness" || may.contains(&name(dependency)),
                _ => may.contains(&name(dependency)),
            };
            assert!(allowed, "{} uses {}", name(package), name(dependency));
        }
    }
    assert_eq!(seen, MAY_LINK.iter().map(|(name, _)| *name).collect());
}

/// The names of all crates that end up in a program.
fn linked<'a>(metadata: &'a Value, program: &str) -> BTreeSet<&'a str> {
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let nodes: BTreeMap<&str, &Value> = nodes.iter().map(|node| (node["id"].as_str().unwrap(), node)).collect();
    let packages = metadata["packages"].as_array().unwrap();
    let names: BTreeMap<&str, &str> =
        packages.iter().map(|package| (package["id"].as_str().unwrap(), name(package))).collect();
    let (first, _) = names.iter().find(|(_, name)| **name == program).unwrap();
    let (mut found, mut open) = (BTreeSet::new(), vec![*first]);
    while let Some(id) = open.pop() {
        if found.insert(id) {
            let normal = |dependency: &&Value| {
                dependency["dep_kinds"].as_array().unwrap().iter().any(|kind| kind["kind"].is_null())
            };
            let dependencies = nodes[id]["deps"].as_array().unwrap();
            open.extend(dependencies.iter().filter(normal).map(|dependency| dependency["pkg"].as_str().unwrap()));
        }
    }
    found.into_iter().map(|id| names[id]).collect()
}

#[test]
fn notify_pipe_links_neither_sigstore_nor_kubernetes() {
    let metadata = metadata();
    let heavy = |name: &&str| name.starts_with("sigstore") || name.starts_with("kube") || name.starts_with("k8s");
    let found: Vec<&str> = linked(&metadata, "notify-pipe").into_iter().filter(heavy).collect();
    assert_eq!(found, Vec::<&str>::new());
    assert!(linked(&metadata, "sign-pipe").iter().any(heavy), "the search finds what is there");
}

/// The libraries of the workspace, each with its folder of sources.
fn libraries() -> Vec<(String, PathBuf)> {
    let folders = ["shared", "pipes"].map(|folder| root().join(folder));
    let crates =
        folders.iter().flat_map(|folder| std::fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let crates = crates.chain([root().join("tests/harness")]);
    let mut found: Vec<(String, PathBuf)> = crates
        .map(|path| (path.strip_prefix(root()).unwrap().display().to_string(), path.join("src")))
        .filter(|(_, source)| source.join("lib.rs").is_file())
        .collect();
    found.sort();
    assert!(found.len() >= 10, "{found:?}");
    found
}

/// Each file of a library with those that it uses, by their names below its folder of sources.
fn uses(source: &Path) -> BTreeMap<String, BTreeSet<String>> {
    let name = |path: &PathBuf| path.strip_prefix(source).unwrap().display().to_string();
    let uses = Modules::read(&source.join("lib.rs")).uses();
    uses.iter().map(|(file, used)| (name(file), used.iter().map(name).collect())).collect()
}

/// Whether `file` is below the module that `parent` is the file of.
fn is_below(file: &str, parent: &str) -> bool {
    file.strip_prefix(parent.strip_suffix(".rs").unwrap()).is_some_and(|rest| rest.starts_with('/'))
}

#[test]
fn no_file_uses_one_that_uses_it() {
    let (mut unknown, mut stale) = (String::new(), Vec::new());
    for (library, source) in libraries() {
        let mut uses = uses(&source);
        let all = circles(&uses);
        for (_, parent, why) in PARENTS.iter().filter(|(of, ..)| *of == library) {
            let needed = all.iter().any(|circle| {
                circle.contains(*parent)
                    && circle.iter().any(|file| is_below(file, parent) && uses[file].contains(*parent))
            });
            if !needed {
                stale.push(format!("{library}/{parent}: {why}"));
            }
        }
        for (file, used) in &mut uses {
            used.retain(|other| {
                !PARENTS.iter().any(|(of, parent, _)| *of == library && other == parent && is_below(file, parent))
            });
        }
        let circles = circles(&uses);
        for circle in circles {
            unknown.push_str(&format!("{library}: {circle:?}\n"));
            for from in &circle {
                for to in uses[from].intersection(&circle) {
                    unknown.push_str(&format!("    {from} uses {to}\n"));
                }
            }
        }
    }
    assert!(unknown.is_empty() && stale.is_empty(), "\n{unknown}exceptions that are no longer needed: {stale:#?}");
}

#[test]
fn a_circle_is_found_through_re_exports_macros_and_nested_modules() {
    let dir = Repo::plain();
    for (path, text) in [
        ("lib.rs", "mod a; mod b; mod c; mod d; mod e; pub use b::B; #[cfg(test)] mod tests;"),
        ("a.rs", "use crate::B; pub struct A(B);"),
        ("b.rs", "pub struct B; mod inner { fn f() { let _ = format!(\"{}\", crate::c::C); } }"),
        ("c.rs", "pub const C: u8 = 1; use super::a as other; fn f(_: other::A) {}"),
        // Neither tests nor a bare re-export make a circle.
        ("d.rs", "pub use crate::e::E; #[cfg(test)] mod tests { use crate::e; }"),
        ("e.rs", "pub struct E; use crate::d::E as Same;"),
        ("tests.rs", "use crate::a;"),
    ] {
        dir.write(path, text);
    }
    let found = circles(&uses(dir.path()));
    assert_eq!(found, [["a.rs", "b.rs", "c.rs"].map(str::to_owned).into()]);
}
