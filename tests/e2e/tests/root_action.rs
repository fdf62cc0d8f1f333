//! The root action hands every input on, those that no version of a pipe honours yet included: a scan that was asked for
//! and does not exist must end with 3, never with a pass because the input was dropped on the way.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::collections::BTreeSet;
use std::fs;

use pipe_core::spec::{Kind, Spec, Var};
use pipewright_harness::{Pipe, Repo, root};

/// The inputs that the root action's step for a pipe forwards, each with the variable that the container gets.
fn forwarded(action: &str, pipe: &str) -> Vec<(String, String)> {
    let (_, step) = action.split_once(&format!("/pipes/{pipe}@")).expect("the root action has a step for each pipe");
    let step = step.split("\n    - ").next().unwrap();
    step.lines()
        .filter_map(|line| {
            let (key, input) = line.trim().split_once(": ${{ inputs.")?;
            let input = input.split([' ', '|']).next()?.to_owned();
            let variable =
                if key.starts_with("INPUT_") { key.to_owned() } else { format!("INPUT_{}", key.to_uppercase()) };
            Some((input, variable))
        })
        .collect()
}

/// A value that is right in form and asks for something.
fn value(var: &Var) -> &'static str {
    match var.kind {
        Kind::Bool => "true",
        Kind::Integer { .. } => "1",
        _ => "something",
    }
}

/// The names that a manifest offers for a variable: its own, its aliases, and those of the files that hold them.
fn names(var: &Var) -> BTreeSet<String> {
    let values = [&[var.name], var.aliases].concat();
    let files = values.iter().filter(|_| var.takes_file()).map(|name| format!("{name}_FILE"));
    values.iter().map(|name| (*name).to_owned()).chain(files).map(|name| name.to_uppercase()).collect()
}

fn specs() -> [&'static Spec; 3] {
    [&security_pipe::SPEC, &sign_pipe::SPEC, &notify_pipe::SPEC]
}

#[test]
fn it_declares_and_forwards_every_variable_of_every_pipe() {
    let action = fs::read_to_string(root().join("action.yml")).unwrap();
    for spec in specs() {
        let forwarded = forwarded(&action, spec.name);
        let all: BTreeSet<String> = specs().iter().flat_map(|spec| spec.vars()).flat_map(names).collect();
        assert_eq!(forwarded.len(), all.len(), "{}: those of other pipes as well, which it refuses", spec.name);
        for variable in spec.vars().flat_map(names) {
            let name = variable.to_lowercase();
            assert!(action.contains(&format!("\n  {name}:\n    description: ")), "{name} is not declared");
            let expected = (name, format!("INPUT_{variable}"));
            assert!(forwarded.contains(&expected), "{}: {variable} is not forwarded", spec.name);
        }
    }
}

#[test]
fn every_manifest_offers_what_the_documentation_offers() {
    let root_action = fs::read_to_string(root().join("action.yml")).unwrap();
    for spec in specs() {
        let expected: BTreeSet<String> = spec.vars().filter(|var| spec.honours(var)).flat_map(names).collect();
        assert!(expected.iter().filter(|name| name.ends_with("_FILE")).count() > 3, "{}", spec.name);
        let folder = root().join("pipes").join(spec.name);
        let between = |text: &str, start: &str, end: &str| {
            let (_, rest) = text.split_once(start).unwrap();
            rest.split(end).next().unwrap().to_owned()
        };
        let action = between(&fs::read_to_string(folder.join("action.yml")).unwrap(), "\ninputs:\n", "\noutputs:\n");
        let inputs = action.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   "));
        let inputs: BTreeSet<String> = inputs.map(|line| line.trim().trim_end_matches(':').to_uppercase()).collect();
        assert_eq!(inputs, expected, "{}: action.yml", spec.name);
        let pipe = fs::read_to_string(folder.join("pipe.yml")).unwrap();
        let variables = pipe.lines().filter_map(|line| line.strip_prefix("  - name: "));
        assert_eq!(variables.map(str::to_uppercase).collect::<BTreeSet<_>>(), expected, "{}: pipe.yml", spec.name);
        let schema = Pipe::new(spec.name, &root()).arg("--print").arg("schema").run().expect(0).stdout;
        let schema: serde_json::Value = serde_json::from_str(&schema).unwrap();
        let properties = schema["properties"].as_object().unwrap().keys().map(|name| name.to_uppercase());
        assert_eq!(properties.collect::<BTreeSet<_>>(), expected, "{}: schema", spec.name);
        let step = between(&root_action, &format!("/pipes/{}@", spec.name), "      env:\n");
        let given = step.lines().filter_map(|line| line.trim().split_once(": ${{ inputs."));
        assert_eq!(
            given.map(|(name, _)| name.to_uppercase()).collect::<BTreeSet<_>>(),
            expected,
            "{}: root",
            spec.name
        );
    }
}

#[test]
fn each_input_that_names_a_file_is_read_from_the_checkout() {
    for spec in specs() {
        let repo = Repo::new();
        let files = || spec.vars().filter(|var| var.takes_file()).map(|var| format!("INPUT_{}_FILE", var.name));
        for (path, why) in [("absent", ""), ("../outside", "leads out of the checkout")] {
            let pipe =
                files().fold(Pipe::new(spec.name, repo.path()).arg("--check"), |pipe, name| pipe.env(name, path));
            let text = pipe.run().expect(2).stderr;
            for name in files() {
                assert!(text.contains(&format!("  {name}: {why}")), "{name}: {text}");
            }
        }
    }
}

#[test]
fn a_misspelt_pipe_runs_the_step_that_fails_and_no_other() {
    let action = fs::read_to_string(root().join("action.yml")).unwrap();
    let (_, steps) = action.split_once("  steps:\n").unwrap();
    let conditions: Vec<&str> = steps
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- ").or(Some(line.trim())))
        .filter_map(|line| line.strip_prefix("if: "))
        .collect();
    let names: Vec<&str> = specs().iter().map(|spec| spec.name).collect();
    assert_eq!(conditions.len(), names.len() + 1, "each step has a condition");
    let list = serde_json::to_string(&names).unwrap();
    assert_eq!(
        conditions[0],
        format!("${{{{ !contains(fromJSON('{list}'), inputs.pipe) }}}}"),
        "the complement of all others"
    );
    for (condition, name) in conditions[1..].iter().zip(&names) {
        assert_eq!(*condition, format!("inputs.pipe == '{name}'"));
    }
    let (first, _) = steps.split_once("- id:").unwrap();
    let (_, script) = first.split_once("run: |\n").unwrap();
    let ran = std::process::Command::new("sh").args(["-c", script]).output().unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stdout).starts_with("::error::pipe: expected "));
}

#[test]
fn an_input_of_another_pipe_is_refused() {
    let action = fs::read_to_string(root().join("action.yml")).unwrap();
    for spec in specs() {
        let own: Vec<&str> = spec.vars().flat_map(|var| [&[var.name], var.aliases].concat()).collect();
        let others = specs().into_iter().flat_map(|other| other.vars()).filter(|var| !own.contains(&var.name));
        let mut tried = 0;
        for var in others {
            let (_, variable) = forwarded(&action, spec.name)
                .into_iter()
                .find(|(input, _)| *input == var.name.to_lowercase())
                .expect(var.name);
            let repo = Repo::new();
            let outcome = Pipe::new(spec.name, repo.path()).arg("--check").env(&variable, "1").run().expect(2);
            assert!(outcome.stderr.contains("Another pipe reads it"), "{}: {}", var.name, outcome.stderr);
            tried += 1;
        }
        assert!(tried > 10, "{}", spec.name);
    }
}

#[test]
fn a_variable_that_no_version_honours_yet_ends_the_run_with_3() {
    let action = fs::read_to_string(root().join("action.yml")).unwrap();
    let mut tried = 0;
    for spec in specs() {
        for var in spec.vars().filter(|var| !spec.honours(var)) {
            // What only configures a scan asks for nothing until that scan is switched on.
            let scan = spec.vars().find(|other| Some(other.name) == var.part_of);
            let needed = spec.vars().filter(|other| {
                let of_it = other.part_of == Some(scan.unwrap_or(var).name);
                of_it && other.required.is_some() && other.name != var.name
            });
            let repo = Repo::new();
            repo.write("a.txt", "text").commit("first");
            let mut pipe = Pipe::new(spec.name, repo.path()).env("SCA_SCAN", "false").env("SBOM_GENERATE", "false");
            for var in [var].into_iter().chain(scan).chain(needed) {
                let (_, variable) = forwarded(&action, spec.name)
                    .into_iter()
                    .find(|(input, _)| *input == var.name.to_lowercase())
                    .expect(var.name);
                pipe = pipe.env(variable, value(var));
            }
            let outcome = pipe.run().expect(3);
            assert!(outcome.output().contains("not in this version"), "{}: {}", var.name, outcome.output());
            tried += 1;
        }
    }
    assert_eq!(tried, 13, "a scan that is now there leaves this count");
}

#[test]
fn no_page_and_no_manifest_of_a_pipe_offers_what_it_does_not_do() {
    for spec in specs() {
        let hidden: Vec<&str> = spec.vars().filter(|var| !spec.honours(var)).map(|var| var.name).collect();
        for what in ["action.yml", "pipe.yml", "variables.md", "schema"] {
            let printed = Pipe::new(spec.name, &root()).arg("--print").arg(what).run().expect(0).stdout;
            let words: Vec<String> =
                printed.split(|c: char| !c.is_alphanumeric() && c != '_').map(str::to_uppercase).collect();
            for name in &hidden {
                assert!(!words.iter().any(|word| word == name), "{}: {what} offers {name}", spec.name);
            }
        }
    }
}
