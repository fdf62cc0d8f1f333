//! Cargo itself judges the reader, on workspaces made up for it: the lockfile that Cargo writes has the same packages,
//! dependencies and purposes for both, and what Cargo can't parse is refused here.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::process::Output;

use fastrand::Rng;
use pipewright_harness::Repo;
use pipewright_harness::components::{installed, machine, seed};
use serde_json::Value;

use super::super::{Format, Input, Parsed, Sibling};
use super::CargoLock;
use crate::package::{Scope, Source};

const WORKSPACES: usize = 8;
const DAMAGED: usize = 5;

/// Crates of the registry, which a folder stands in for, with their versions.
const CRATES: [(&str, &[&str]); 5] = [
    ("alpha", &["1.0.0", "2.1.0"]),
    ("beta", &["0.3.1"]),
    ("gamma_ray", &["1.2.3", "0.9.0"]),
    ("delta", &["2.0.0-rc.1", "1.0.0"]),
    ("eps", &["3.0.0"]),
];
const MEMBERS: [&str; 3] = ["app", "core-lib", "tool"];

/// Name, version and kind of source.
type Id = (String, String, &'static str);

#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    packages: BTreeSet<Id>,
    edges: BTreeSet<(Id, Id)>,
    /// What only development, and what only a feature of a member, needs.
    development: BTreeSet<Id>,
    optional: BTreeSet<Id>,
}

fn cargo(workspace: &Repo, home: &Repo, args: &[&str]) -> Output {
    let mut command = installed("cargo");
    command.env_clear().current_dir(workspace.path());
    for name in ["PATH", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN"] {
        command.envs(machine(name).map(|value| (name, value)));
    }
    let rustup = machine("RUSTUP_HOME").or_else(|| Some(format!("{}/.rustup", machine("HOME")?)));
    command.envs(rustup.map(|folder| ("RUSTUP_HOME", folder)));
    command.env("HOME", home.path()).env("CARGO_HOME", home.path()).args(args).output().unwrap()
}

/// One line of a dependency table.
fn dependency(random: &mut Rng, git: &str) -> (String, String) {
    let (name, versions) = CRATES[random.usize(..CRATES.len())];
    let version = versions[random.usize(..versions.len())];
    let optional = if random.u8(..4) == 0 { ", optional = true" } else { "" };
    match (random.u8(..8), name) {
        (0, _) => ("fork".to_owned(), format!("{{ package = \"eps\", git = \"{git}\"{optional} }}")),
        // one crate under one distinct name, which Cargo asks for
        (_, "alpha") => {
            ("renamed".to_owned(), format!("{{ package = \"{name}\", version = \"={version}\"{optional} }}"))
        }
        _ => (name.to_owned(), format!("{{ version = \"={version}\"{optional} }}")),
    }
}

fn manifest(random: &mut Rng, name: &str, git: &str) -> String {
    let mut text = format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\nedition = \"2021\"\n");
    if name == MEMBERS[0] {
        text.push_str("[workspace]\nmembers = [\"crates/*\"]\nresolver = \"2\"\n");
    }
    for table in ["dependencies", "dev-dependencies", "build-dependencies", "target.'cfg(windows)'.dependencies"] {
        let mut lines = BTreeMap::new();
        let count = if table == "dev-dependencies" { random.usize(1..4) } else { random.usize(..2) };
        for _ in 0..count {
            lines.extend([dependency(random, git)]);
        }
        if name == MEMBERS[0] && table == "dependencies" && random.bool() {
            lines.insert("core-lib".into(), "{ path = \"crates/core-lib\" }".into());
        }
        text.push_str(&format!("[{table}]\n"));
        for (name, specification) in lines {
            let specification = if table == "dev-dependencies" {
                specification.replace(", optional = true", "")
            } else {
                specification
            };
            text.push_str(&format!("{name} = {specification}\n"));
        }
    }
    text
}

/// A registry of made-up crates, each of which asks for a few that stand before it in the list.
fn registry(random: &mut Rng, home: &Repo) {
    for (index, (name, versions)) in CRATES.iter().enumerate() {
        for version in *versions {
            let folder = format!("registry/{name}-{version}");
            let mut text =
                format!("[package]\nname = \"{name}\"\nversion = \"{version}\"\nedition = \"2021\"\n[dependencies]\n");
            for (other, versions) in CRATES.iter().take(index) {
                if random.bool() {
                    continue;
                }
                text.push_str(&format!("{other} = \"={}\"\n", versions[random.usize(..versions.len())]));
            }
            home.write(&format!("{folder}/Cargo.toml"), text).write(&format!("{folder}/src/lib.rs"), "");
            home.write(
                &format!("{folder}/.cargo-checksum.json"),
                format!("{{\"files\":{{}},\"package\":\"{}\"}}", "0".repeat(64)),
            );
        }
    }
    let folder = home.join("registry");
    let config = format!(
        "[source.crates-io]\nreplace-with = \"folder\"\n[source.folder]\ndirectory = \"{}\"\n",
        folder.display()
    );
    home.write("config.toml", config);
}

fn read(workspace: &Repo, text: &str) -> Result<Parsed, String> {
    let sibling = |name: &str| Sibling::from(fs::read_to_string(workspace.join(name)).ok());
    CargoLock
        .parse(&Input { path: "Cargo.lock", text, sibling: &sibling, below: &super::super::tests::nothing_below })
        .map_err(|error| error.to_string())
}

fn ours(parsed: &Parsed) -> Facts {
    let id = |index: usize| {
        let package = &parsed.packages[index];
        let source = match package.source {
            Source::Registry => "registry",
            Source::Git(_) => "git",
            _ => "path",
        };
        (package.name.clone(), package.version.clone(), source)
    };
    let mut facts = Facts::default();
    for (index, package) in parsed.packages.iter().enumerate() {
        facts.packages.insert(id(index));
        facts.edges.extend(package.dependencies.iter().map(|to| (id(index), id(*to))));
        if package.scope == Scope::Development {
            facts.development.insert(id(index));
        }
        if package.optional {
            facts.optional.insert(id(index));
        }
    }
    facts
}

/// From Cargo's own resolution, with every feature. The root is not a package of ours, and a member's dependencies are those of
/// the project.
fn theirs(metadata: &Value) -> Facts {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut ids: HashMap<String, Id> = HashMap::new();
    for package in metadata["packages"].as_array().unwrap() {
        let source = match package["source"].as_str() {
            None => "path",
            Some(source) if source.starts_with("git+") => "git",
            Some(_) => "registry",
        };
        ids.insert(text(&package["id"]), (text(&package["name"]), text(&package["version"]), source));
    }
    let root = (MEMBERS[0].to_owned(), "0.1.0".to_owned(), "path");
    let mut facts = Facts { packages: ids.values().filter(|id| **id != root).cloned().collect(), ..Facts::default() };
    let nodes = metadata["resolve"]["nodes"].as_array().unwrap();
    let mut below: HashMap<&Id, BTreeSet<&Id>> = HashMap::new();
    for node in nodes {
        let from = &ids[node["id"].as_str().unwrap()];
        for to in node["dependencies"].as_array().unwrap() {
            let to = &ids[to.as_str().unwrap()];
            below.entry(from).or_default().insert(to);
            if *from != root && *to != root && from != to {
                facts.edges.insert((from.clone(), to.clone()));
            }
        }
    }
    // What members ask for: a name counts for the strongest of its purposes, whichever version is meant.
    let mut wanted: BTreeMap<(&Id, String), (usize, BTreeSet<&Id>)> = BTreeMap::new();
    for package in metadata["packages"].as_array().unwrap().iter().filter(|package| package["source"].is_null()) {
        let own = &ids[package["id"].as_str().unwrap()];
        for asked in package["dependencies"].as_array().unwrap() {
            let rank = match (asked["kind"].as_str(), asked["optional"] == true) {
                (Some("dev"), _) => 2,
                (_, true) => 1,
                (_, false) => 0,
            };
            let name = text(&asked["name"]);
            let named = below.get(own).into_iter().flatten().filter(|id| id.0 == name);
            let entry = wanted.entry((own, name.clone())).or_insert((rank, BTreeSet::new()));
            entry.0 = entry.0.min(rank);
            entry.1.extend(named);
        }
    }
    let reach = |rank: usize| {
        let start = wanted.values().filter(|(other, _)| *other == rank).flat_map(|(_, start)| start);
        let mut open: Vec<&Id> = start.copied().collect();
        let mut seen: BTreeSet<Id> = BTreeSet::new();
        while let Some(id) = open.pop() {
            // each member's own are roots already
            if id.2 != "path" && seen.insert(id.clone()) {
                open.extend(below.get(id).into_iter().flatten());
            }
        }
        seen
    };
    let (needed, extra, tests) = (reach(0), reach(1), reach(2));
    facts.optional = extra.difference(&needed).cloned().collect();
    facts.development = tests.into_iter().filter(|id| !needed.contains(id) && !extra.contains(id)).collect();
    facts
}

#[test]
#[ignore = "needs cargo, git and half a minute: make test"]
fn cargo_agrees_with_the_reader() {
    let seed = seed();
    println!("SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let (mut damaged, mut optional, mut development) = (0, 0, 0);
    for number in 0..WORKSPACES {
        let home = Repo::plain();
        registry(&mut random, &home);
        // a fork of a crate with the crate's own version
        let fork = Repo::new();
        fork.write("Cargo.toml", "[package]\nname = \"eps\"\nversion = \"3.0.0\"\n")
            .write("src/lib.rs", "")
            .commit("fork");
        let git = format!("file://{}", fork.path().display());
        let workspace = Repo::plain();
        for member in MEMBERS {
            let folder = if member == MEMBERS[0] { String::new() } else { format!("crates/{member}/") };
            workspace.write(&format!("{folder}Cargo.toml"), manifest(&mut random, member, &git));
            workspace.write(&format!("{folder}src/lib.rs"), "");
        }
        let made = cargo(&workspace, &home, &["generate-lockfile"]);
        assert!(made.status.success(), "SEED={seed}: {}", String::from_utf8_lossy(&made.stderr));
        let text = fs::read_to_string(workspace.join("Cargo.lock")).unwrap();
        let metadata = cargo(&workspace, &home, &["metadata", "--locked", "--all-features", "--format-version=1"]);
        assert!(metadata.status.success(), "SEED={seed}: {}", String::from_utf8_lossy(&metadata.stderr));
        let theirs = theirs(&serde_json::from_slice(&metadata.stdout).unwrap());
        let parsed = read(&workspace, &text).unwrap_or_else(|error| panic!("SEED={seed}: {error}\n{text}"));
        let facts = ours(&parsed);
        optional += facts.optional.len();
        development += facts.development.len();
        assert_eq!(facts, theirs, "SEED={seed} workspace {number}\n{text}");

        // what Cargo can't parse is refused
        for _ in 0..DAMAGED {
            let mut lines: Vec<&str> = text.lines().collect();
            let at = random.usize(..lines.len());
            let swap = random.usize(..lines.len());
            match random.u8(..4) {
                0 => lines.truncate(at),
                1 => drop(lines.remove(at)),
                2 => lines.insert(at, lines[swap]),
                _ => lines.swap(at, swap),
            }
            let hurt = lines.join("\n");
            fs::write(workspace.join("Cargo.lock"), &hurt).unwrap();
            let judged = cargo(&workspace, &home, &["metadata", "--locked", "--format-version=1"]);
            let says = String::from_utf8_lossy(&judged.stderr);
            if says.contains("failed to parse lock file") {
                damaged += 1;
                assert!(read(&workspace, &hurt).is_err(), "SEED={seed}: {says}\n{hurt}");
            }
        }
    }
    assert!(damaged > 0 && optional > 0 && development > 0, "SEED={seed}: {damaged}, {optional}, {development}");
}
