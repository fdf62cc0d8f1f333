//! The examples of `docs/ci/` are what their CI reads, and name the variables that the pipes and the CI have.

use std::collections::BTreeSet;
use std::process::Command;

use pipe_core::platform::table::{Row, rows};
use pipe_core::spec::Spec;
use pipewright_harness::Repo;
use pipewright_harness::components::linter;
use regex::Regex;
use serde_json::Value;

use super::ci::Template;

const SPECS: [&Spec; 3] = [&security_pipe::SPEC, &sign_pipe::SPEC, &notify_pipe::SPEC];

fn documents(yaml: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(yaml).unwrap_or_else(|error| panic!("{error}\n{yaml}"))
}

/// Every string of a document, with the mapping that it is in.
fn strings<'a>(value: &'a Value, visit: &mut impl FnMut(&'a str)) {
    match value {
        Value::String(text) => visit(text),
        Value::Array(list) => list.iter().for_each(|it| strings(it, visit)),
        Value::Object(map) => map.values().for_each(|it| strings(it, visit)),
        _ => {}
    }
}

/// The scripts of an example that the shell reads.
fn scripts(template: &Template) -> Vec<String> {
    let mut found = Vec::new();
    match template.language.as_str() {
        "sh" => found.push(template.example.clone()),
        "yaml" => {
            for document in documents(&template.example) {
                strings(&document, &mut |text| {
                    if text.contains('\n') {
                        found.push(text.replace("$$", "$"));
                    }
                });
            }
        }
        _ => {
            let quotes = if template.language == "groovy" { "'''" } else { "\"\"\"" };
            let text = template.example.replace("${'$'}", "$");
            found.extend(text.split(quotes).skip(1).step_by(2).map(str::to_owned));
        }
    }
    found
}

#[test]
fn every_example_is_parsed() {
    let in_quotes = Regex::new("(?s)'''.*?'''|\"\"\".*?\"\"\"").unwrap();
    let ours = Regex::new("<<[a-z]+>>").unwrap();
    // JSON-e and CircleCI fill these in before the shell sees them.
    let theirs = Regex::new(r"<< [a-z._]+ >>|\$\{event[a-z._]+\}").unwrap();
    for row in rows() {
        let template = Template::of(row);
        assert!(!ours.is_match(&template.text()), "{}", row.id);
        match template.language.as_str() {
            "yaml" => assert!(documents(&template.example)[0].is_object() || row.id == "buddy", "{}", row.id),
            "sh" => {}
            _ => {
                let code = in_quotes.replace_all(&template.example, "");
                for (open, close) in [('{', '}'), ('(', ')'), ('[', ']')] {
                    assert_eq!(code.matches(open).count(), code.matches(close).count(), "{}: {open}", row.id);
                }
                assert_eq!(code.matches('\'').count() % 2, 0, "{}", row.id);
                assert_eq!(code.matches('"').count() % 2, 0, "{}", row.id);
            }
        }
        for script in scripts(&template) {
            let script = theirs.replace_all(&script, "x").into_owned();
            let outcome = Command::new("sh").args(["-n", "-c", &script]).output().unwrap();
            assert!(outcome.status.success(), "{}: {}\n{script}", row.id, String::from_utf8_lossy(&outcome.stderr));
        }
    }
}

/// What is written like a variable.
fn names(text: &str) -> BTreeSet<String> {
    let variable =
        Regex::new(r"\b(?:[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+|[A-Z]{4,}|_[A-Z]+_[A-Z]+|(?:bamboo|ghprb|gitlab)_?\w+)\b")
            .unwrap();
    variable.find_iter(text).map(|it| it.as_str().to_owned()).collect()
}

/// What is written like a variable and is a word of the syntax.
const WORDS: &[&str] = &[
    "ALLOW_LOOSE",
    "BUILD",
    "ENCRYPTED",
    "EXIT",
    "HEAD",
    "JUNITXML",
    "ON_FAILURE",
    "PULL_REQUEST",
    "PUSH",
    "RUN_ONLY_ON_FAILURE",
    "SHELL",
    "VAR_IS",
    "ACTOR_ACCOUNT_ID",
    "SUCCESS",
    "UNSTABLE",
    "FAILURE",
    "ABORTED",
    "SAST",
    "SARIF",
];

fn declared(name: &str, specs: &[&Spec]) -> bool {
    let name = name.strip_prefix("PIPEWRIGHT_").unwrap_or(name);
    specs
        .iter()
        .any(|spec| spec.vars().any(|var| var.name == name || var.name == name.strip_suffix("_FILE").unwrap_or(name)))
}

#[test]
fn every_variable_of_a_page_is_the_pipes_or_in_the_table() {
    let mut seen = 0;
    for row in rows() {
        let template = Template::of(row);
        for name in names(&template.text()) {
            let known = declared(&name, &SPECS)
                || row.variables().any(|variable| variable == name)
                || template.also.contains(&name)
                || WORDS.contains(&name.as_str());
            assert!(known, "{}: {name}", row.id);
            seen += 1;
        }
        for name in &template.also {
            assert!(names(&template.text()).contains(name), "{}: {name} is not there", row.id);
        }
    }
    assert!(seen > 500, "{seen}");
}

/// The variables that a part of a document gives the pipe that it runs, and those that it hands to a container.
fn given<'a>(value: &'a Value, found: &mut Vec<(&'static Spec, &'a str)>) {
    match value {
        Value::Array(list) => list.iter().for_each(|it| given(it, found)),
        Value::Object(map) => {
            let mut images = String::new();
            ["image", "uses", "pipe", "docker_image_name", "image_resource"]
                .iter()
                .filter_map(|key| map.get(*key))
                .for_each(|it| match it {
                    Value::String(text) => images.push_str(text),
                    other => images.push_str(&other.to_string()),
                });
            if let Some(spec) = SPECS.iter().find(|spec| images.contains(spec.name)) {
                for key in ["env", "envVariables", "environment", "params", "variables", "with"] {
                    match map.get(key) {
                        Some(Value::Object(map)) => found.extend(map.keys().map(|name| (*spec, name.as_str()))),
                        Some(Value::Array(list)) => {
                            let named =
                                list.iter().filter_map(|it| it["name"].as_str().or(it.as_str()?.split('=').next()));
                            found.extend(named.map(|name| (*spec, name)));
                        }
                        _ => {}
                    }
                }
            }
            map.values().for_each(|it| given(it, found));
        }
        _ => {}
    }
}

#[test]
fn a_pipe_gets_variables_that_it_declares() {
    let mut seen = 0;
    for row in rows() {
        let template = Template::of(row);
        let check = |spec: &'static Spec, name: &str| {
            let upper = name.to_uppercase();
            let known = declared(&upper, &[spec])
                || row.variables().any(|variable| variable == name)
                || template.also.contains(&upper)
                || upper == "CI";
            assert!(known, "{}: {} does not read {name}", row.id, spec.name);
        };
        // `docker run -e X ... IMAGE`
        let text = template.example.replace("\\\n", " ");
        for command in text.lines().filter_map(|line| Some(line.split_once("docker run ")?.1)) {
            let spec = SPECS.iter().find(|spec| command.contains(spec.name)).expect("a pipe");
            for name in command.split(" -e ").skip(1).filter_map(|rest| rest.split_whitespace().next()) {
                check(spec, name);
                seen += 1;
            }
        }
        if template.language == "yaml" {
            let documents = documents(&template.example);
            let mut found = Vec::new();
            documents.iter().for_each(|document| given(document, &mut found));
            seen += found.len();
            found.into_iter().for_each(|(spec, name)| check(spec, name));
        }
    }
    assert!(seen > 200, "{seen}");
}

#[test]
fn every_example_scans_signs_and_announces_a_failure_as_well() {
    for row in rows() {
        let template = Template::of(row);
        for spec in SPECS {
            let signs_nothing = spec.name == "sign-pipe" && template.language == "sh";
            assert!(signs_nothing || template.example.contains(spec.name), "{}: {}", row.id, spec.name);
        }
        assert!(template.example.contains(&template.after_failure), "{}", row.id);
        // A word, unless the pipe reads it from the CI.
        let says = |name: &str| Regex::new(&format!(r"\b{name}\b")).unwrap().is_match(&template.example);
        let read =
            !row.status.is_empty() || ["STATUS", "JOB_STATUS", "CODEBUILD_BUILD_SUCCEEDING"].iter().any(|it| says(it));
        assert!(read || follows_github(row), "{}: no status", row.id);
    }
}

/// The action passes the status of the job.
fn follows_github(row: &Row) -> bool {
    ["forgejo", "gitea", "github"].contains(&row.id)
}

#[test]
#[ignore = "needs the linters: make test"]
fn every_example_is_valid_by_the_schema_of_its_platform() {
    let folder = Repo::plain();
    let mut judged = 0;
    for row in rows() {
        let template = Template::of(row);
        let Some(schema) = &template.schema else { continue };
        let name = format!("{}.yml", row.id);
        folder.write(&name, &template.example);
        let outcome = linter("check-jsonschema")
            .arg("--builtin-schema")
            .args(schema.split(' '))
            .arg(folder.join(&name))
            .output()
            .unwrap();
        assert!(outcome.status.success(), "{}: {}", row.id, String::from_utf8_lossy(&outcome.stdout));
        judged += 1;
    }
    assert!(judged >= 10, "{judged}");
    folder.write(".github/workflows/example.yml", Template::of(rows().find(|row| row.id == "github").unwrap()).example);
    let outcome = linter("actionlint")
        .args(["-shellcheck=", "-pyflakes="])
        .arg(folder.join(".github/workflows/example.yml"))
        .output()
        .unwrap();
    assert!(outcome.status.success(), "{}", String::from_utf8_lossy(&outcome.stdout));
}

/// A machine with programs that do nothing but write down that they ran.
fn machine(row: &Row) -> Repo {
    let machine = Repo::plain();
    let docker = "#!/bin/sh\nfor pipe in security sign notify; do\n  case \"$*\" in *pipewright/$pipe-pipe:*)\n    \
                  echo \"$pipe $STATUS$JOB_STATUS\" >>\"$LOG\"\n    [ \"$pipe\" = \"$FAILS\" ] && exit 1 ;;\n  esac\ndone\nexit 0\n";
    machine.write("bin/docker", docker);
    for pipe in ["security", "sign", "notify"] {
        let script = format!("#!/bin/sh\necho \"{pipe} $STATUS\" >>\"$LOG\"\n[ {pipe} != \"$FAILS\" ]\n");
        machine.write(&format!("bin/{pipe}-pipe"), script);
    }
    for name in ["apk", "cargo", "curl", "git", "jq", "sudo"] {
        machine.write(&format!("bin/{name}"), "#!/bin/sh\nexit 0\n");
    }
    let bin = machine.join("bin");
    let all = Command::new("sh").args(["-c", "chmod +x \"$0\"/*", bin.to_str().unwrap()]).status().unwrap();
    assert!(all.success(), "{}", row.id);
    machine.write("app/.security", "").write(".security", "");
    machine
}

/// The exit code of a script on that machine, and what it ran.
fn outcome(row: &Row, script: &str, fails: &str) -> (Option<i32>, Vec<String>, String) {
    let machine = machine(row);
    let script = Regex::new(r"\$\{event[a-z._]+\}").unwrap().replace_all(script, "x").into_owned();
    let script = script.replace("/tmp/", &format!("{}/", machine.path().display()));
    machine.write("secrets", "");
    let path = std::env::vars_os().find(|(name, _)| name == "PATH").unwrap().1.into_string().unwrap();
    let ran = Command::new("sh")
        .args(["-c", &script])
        .current_dir(machine.path())
        .env_clear()
        .env("PATH", format!("{}:{path}", machine.join("bin").display()))
        .env("HOME", machine.path())
        .env("LOG", machine.join("log"))
        .env("FAILS", fails)
        .env("GIT_REF", "refs/heads/main")
        .env("BRANCH_NAME", "main")
        .output()
        .unwrap();
    let read = |name: &str| std::fs::read_to_string(machine.join(name)).unwrap_or_default();
    (ran.status.code(), read("log").lines().map(|line| line.trim().to_owned()).collect(), read("ci.env"))
}

#[test]
fn a_script_for_everything_announces_how_it_ended_and_ends_so() {
    let mut tried = 0;
    for row in rows() {
        let template = Template::of(row);
        for script in scripts(&template).iter().filter(|script| script.contains("trap announce EXIT")) {
            let (code, ran, _) = outcome(row, script, "none");
            let all = if template.language == "sh" { vec!["security"] } else { vec!["security", "sign"] };
            let well: Vec<&str> = all.iter().copied().chain(["notify success"]).collect();
            assert_eq!((code, ran), (Some(0), well.iter().map(|it| (*it).to_owned()).collect()), "{}", row.id);
            for (index, pipe) in all.iter().enumerate() {
                let (code, ran, _) = outcome(row, script, pipe);
                let badly: Vec<&str> = all[..=index].iter().copied().chain(["notify failure"]).collect();
                assert_eq!((code, ran), (Some(1), badly.iter().map(|it| (*it).to_owned()).collect()), "{}", row.id);
            }
            tried += 1;
        }
    }
    assert!(tried > 7, "{tried}");
}

#[test]
fn a_container_gets_the_variables_of_the_table_and_those_that_the_ci_lacks() {
    let mut tried = 0;
    for row in rows() {
        let template = Template::of(row);
        let Some(script) = scripts(&template).into_iter().find(|script| script.contains("/tmp/ci.env")) else {
            continue;
        };
        let names = outcome(row, &script, "none").2;
        let names: BTreeSet<&str> = names.lines().collect();
        let missing: Vec<&str> = row.variables().filter(|name| !names.contains(name)).collect();
        assert_eq!(missing, [""; 0], "{}", row.id);
        assert!(row.says.is_empty() <= names.contains("PULL_REQUEST"), "{}", row.id);
        for name in names {
            let known = row.variables().any(|it| it == name)
                || declared(name, &SPECS)
                || template.also.iter().any(|it| it == name);
            assert!(known, "{}: {name}", row.id);
        }
        tried += 1;
    }
    assert!(tried > 15, "{tried}");
}
