//! Every seed of the fuzz targets, on stable Rust. `make fuzz` looks for more of them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pipewright_parsers::TARGETS;

fn fuzz() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz")
}

fn seeds(target: &str) -> Vec<PathBuf> {
    let folder = fuzz().join("corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut seeds: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    seeds.sort();
    seeds
}

#[test]
fn every_seed_passes_and_each_parser_accepts_some_and_refuses_some() {
    let mut problems = Vec::new();
    for target in TARGETS {
        let mut accepted = BTreeSet::new();
        for seed in seeds(target.name) {
            let data = fs::read(&seed).unwrap();
            let name = format!("{}/{}", target.name, seed.file_name().unwrap().display());
            if data.len() > 16 << 10 {
                problems.push(format!("{name} is larger than a seed should be"));
            }
            match std::panic::catch_unwind(|| (target.run)(&data)) {
                Ok(verdict) => drop(accepted.insert(verdict)),
                Err(_) => problems.push(format!("{name} crashes its parser")),
            }
        }
        // A corpus that is refused as a whole, or never, does not reach the parser's branches.
        for (verdict, word) in [(true, "accepted"), (false, "refused")] {
            if !accepted.contains(&verdict) {
                problems.push(format!("no seed of {} is {word}", target.name));
            }
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
}

#[test]
fn each_parser_has_a_fuzz_target_and_a_corpus() {
    let names: BTreeSet<String> = TARGETS.iter().map(|target| target.name.to_owned()).collect();
    let listed = |folder: &str| -> BTreeSet<String> {
        let entries = fs::read_dir(fuzz().join(folder)).unwrap();
        entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect()
    };
    assert_eq!(listed("corpus"), names);
    assert_eq!(listed("fuzz_targets"), names);
    let manifest = fs::read_to_string(fuzz().join("Cargo.toml")).unwrap();
    for name in &names {
        let binary = format!("[[bin]]\nname = \"{name}\"\npath = \"fuzz_targets/{name}.rs\"\n");
        assert!(manifest.contains(&binary), "fuzz/Cargo.toml: {name}");
        let target = fs::read_to_string(fuzz().join(format!("fuzz_targets/{name}.rs"))).unwrap();
        assert!(target.contains(&format!("pipewright_parsers::run(\"{name}\", data)")), "{name} runs another target");
    }
}
