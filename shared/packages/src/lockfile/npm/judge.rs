//! npm itself judges the reader, on lockfiles made to hurt: what npm refuses is refused here, and everything else has
//! the same packages at the same places, with the same dependencies.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;
use pipewright_harness::components::{installed, machine, seed};
use pipewright_harness::root;
use serde_json::{Map, Value, json};

use super::super::tests::{agreed, parse};
use super::Npm;

const CASES: usize = 600;

/// What differs on purpose: why, and the message by which it is known. npm reads these.
const STRICTER: [(&str, &str); 7] = [
    ("npm takes the last of two equal keys, and a person may see the first", "occurs twice"),
    ("npm 6 and npm 7 install different things", "badly merged"),
    ("a file without its packages is cut off", "no packages"),
    ("a package that has to be there has a version", "a package without a version"),
    ("npm guesses what a later version means", "is not known to this version"),
    ("npm names no package so", "is not a package's name"),
    ("npm asks a registry for a version that the file does not name", "is not an address"),
];

#[derive(Debug, PartialEq, Eq)]
struct Facts {
    /// Place, name and version.
    packages: BTreeSet<(String, String, String)>,
    /// Places of a package and of one that it depends on.
    edges: BTreeSet<(String, String)>,
}

fn ours(text: &str) -> Result<Facts, String> {
    let parsed = parse(&Npm("package-lock.json"), text).map_err(|error| error.to_string())?;
    let place = |index: usize| parsed.packages[index].locked().installed_in().unwrap().into_owned();
    let row = |index: usize| {
        let package = &parsed.packages[index];
        (place(index), package.name.clone(), package.version.clone())
    };
    let edge = |index: usize| parsed.packages[index].dependencies.iter().map(move |to| (place(index), place(*to)));
    let all = 0..parsed.packages.len();
    Ok(Facts { packages: all.clone().map(row).collect(), edges: all.flat_map(edge).collect() })
}

fn theirs(answer: &Value) -> Result<Facts, String> {
    if let Some(error) = answer["error"].as_str() {
        return Err(error.to_owned());
    }
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let rows = |name: &str| answer[name].as_array().unwrap().clone();
    Ok(Facts {
        packages: rows("nodes").iter().map(|row| (text(&row[0]), text(&row[1]), text(&row[2]))).collect(),
        edges: rows("edges").iter().map(|row| (text(&row[0]), text(&row[1]))).collect(),
    })
}

const NAMES: [&str; 6] = ["a", "b", "c", "@s/d", "@s/e", "f.js"];

fn name(random: &mut Rng) -> &'static str {
    NAMES[random.usize(..NAMES.len())]
}

fn wanted(random: &mut Rng) -> Value {
    (0..random.usize(..4)).map(|_| (name(random).to_owned(), json!("*"))).collect::<Map<_, _>>().into()
}

/// One package of the flat table.
fn entry(random: &mut Rng, name: &str) -> Map<String, Value> {
    let version = format!("{}.0.{}", random.u8(1..4), random.u8(..3));
    let mut entry = Map::new();
    if random.u8(..12) == 0 {
        entry.insert("name".into(), json!("real"));
    }
    let short = name.rsplit('/').next().unwrap();
    match random.u8(..12) {
        0 => drop(entry.insert("resolved".into(), json!("git+ssh://git@host.example/o/r.git#0a1b2c"))),
        1 => drop(entry.insert("resolved".into(), json!("https://host.example/x.tgz"))),
        2 => {}
        _ => {
            let address = format!("https://registry.npmjs.org/{name}/-/{short}-{version}.tgz");
            entry.insert("resolved".into(), json!(address));
        }
    }
    entry.insert("version".into(), json!(version));
    for table in ["dependencies", "optionalDependencies", "peerDependencies"] {
        if random.u8(..3) == 0 {
            entry.insert(table.into(), wanted(random));
        }
    }
    for flag in ["dev", "optional", "devOptional", "peer", "inBundle"] {
        if random.u8(..8) == 0 {
            entry.insert(flag.into(), json!(true));
        }
    }
    if random.u8(..60) == 0 {
        for key in ["version", "optional", "devOptional"] {
            entry.remove(key);
        }
    }
    entry
}

fn flat(random: &mut Rng) -> Map<String, Value> {
    let mut table = BTreeMap::new();
    let mut project = Map::from_iter([("dependencies".to_owned(), wanted(random))]);
    if random.bool() {
        project.insert("workspaces".into(), json!(["packages/*"]));
        for member in ["one", "two"].into_iter().take(random.usize(..3)) {
            let folder = format!("packages/{member}");
            let mut own = Map::from_iter([
                ("dependencies".to_owned(), wanted(random)),
                ("devDependencies".to_owned(), wanted(random)),
            ]);
            if random.bool() {
                own.insert("version".into(), json!("0.1.0"));
            }
            let called = if random.bool() { format!("@own/{member}") } else { member.to_owned() };
            if random.bool() {
                own.insert("name".into(), json!(called));
            }
            table.insert(format!("node_modules/{called}"), json!({"resolved": folder, "link": true}));
            if random.u8(..4) == 0 {
                let name = name(random);
                table.insert(format!("{folder}/node_modules/{name}"), Value::Object(entry(random, name)));
            }
            if random.u8(..20) > 0 {
                table.insert(folder, Value::Object(own));
            }
        }
    }
    let mut places = vec![String::new()];
    for _ in 0..random.usize(..8) {
        let name = name(random);
        let place = format!("{}node_modules/{name}", places[random.usize(..places.len())]);
        table.insert(place.clone(), Value::Object(entry(random, name)));
        places.push(format!("{place}/"));
    }
    if random.u8(..8) == 0 {
        // a separate name: npm would take a dependency on it for one on the nothing that it stands for
        table.insert("node_modules/absent".to_owned(), json!({"optional": true}));
    }
    table.insert(String::new(), Value::Object(project));
    table.into_iter().collect()
}

/// Lockfile version 1.
fn nested(random: &mut Rng, depth: usize) -> Value {
    let mut level = Map::new();
    for _ in 0..random.usize(..4) {
        let name = name(random);
        let version = match random.u8(..10) {
            0 => json!("git+ssh://git@host.example/o/r.git#0a1b2c"),
            1 => json!("npm:real@3.0.0"),
            2 => json!("https://host.example/x.tgz"),
            _ => json!(format!("{}.0.0", random.u8(1..4))),
        };
        let mut entry = Map::from_iter([("version".to_owned(), version), ("requires".to_owned(), wanted(random))]);
        if depth < 3 && random.u8(..3) == 0 {
            entry.insert("dependencies".into(), nested(random, depth + 1));
        }
        level.insert(name.to_owned(), Value::Object(entry));
    }
    Value::Object(level)
}

struct Case {
    lock: String,
    /// `package.json` beside it.
    manifest: String,
    /// Whether a sign was lost or added. Then only refusals are compared: npm takes text that is not a version for a path,
    /// and a folder without the one above it for another project.
    hurt: bool,
}

fn case(random: &mut Rng) -> Case {
    let version = random.u8(1..4);
    let mut lock = Map::from_iter([("name".to_owned(), json!("p")), ("lockfileVersion".to_owned(), json!(version))]);
    let mut manifest = json!({"name": "p"});
    if version == 1 {
        lock.insert("dependencies".into(), nested(random, 1));
    } else {
        let packages = flat(random);
        manifest = packages[""].clone();
        manifest["name"] = json!("p");
        lock.insert("packages".into(), Value::Object(packages));
        if version == 2 && random.u8(..4) == 0 {
            lock.insert("dependencies".into(), nested(random, 1));
        }
    }
    let mut text = Value::Object(lock).to_string();
    let hurt = random.u8(..6) == 0;
    if hurt {
        let at = text.char_indices().map(|(at, _)| at).nth(random.usize(..text.chars().count())).unwrap();
        match random.u8(..3) {
            0 => text.truncate(at),
            1 => drop(text.remove(at)),
            _ => text.insert_str(at, ["\"", "{", "}", ",", "\n", "1"][random.usize(..6)]),
        }
    }
    Case { lock: text, manifest: manifest.to_string(), hurt }
}

#[test]
#[ignore = "needs npm: make test"]
fn npm_agrees_with_the_reader() {
    let seed = seed();
    println!("SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let cases: Vec<Case> = (0..CASES).map(|_| case(&mut random)).collect();
    let ask = |case: &Case| json!({"package-lock.json": case.lock, "package.json": case.manifest});
    let asked: Vec<Value> = cases.iter().map(ask).collect();
    let folder = pipewright_harness::Repo::plain();
    folder.write("cases.json", json!(asked).to_string());
    let mut judge = installed("node");
    judge.env_clear().env("PATH", machine("PATH").unwrap_or_default());
    judge.envs(["HOME", "TMPDIR"].map(|name| (name, folder.path())));
    let output = judge.arg(root().join("tests/components/npm.cjs")).arg(folder.join("cases.json")).output().unwrap();
    assert!(output.status.success(), "SEED={seed}: {}", String::from_utf8_lossy(&output.stderr));
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(answers.len(), CASES);

    let (mut read, mut wrong, mut met) = (0, Vec::new(), BTreeSet::new());
    for (case, answer) in cases.iter().zip(&answers) {
        let lock = &case.lock;
        match (ours(lock), theirs(answer)) {
            (Ok(ours), Ok(theirs)) if ours == theirs => read += 1,
            (Ok(_), Ok(_)) if case.hurt => {}
            (Err(_), Err(_)) => {}
            (Err(why), Ok(_)) if STRICTER.iter().any(|(_, known)| why.contains(known)) => {
                met.extend(STRICTER.iter().filter(|(_, known)| why.contains(known)).map(|(why, _)| *why));
            }
            (ours, theirs) => wrong.push(format!("{lock}\n  reader: {ours:?}\n  npm: {theirs:?}")),
        }
    }
    agreed(seed, CASES, &wrong);
    assert!((CASES / 4..CASES).contains(&read), "{read} of {CASES} files are read: too many or too few hurt");
    println!("{read} of {CASES} were read; intended differences that were met: {met:#?}");
}
