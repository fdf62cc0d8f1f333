//! The examples of the README run as written.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::{Keys, signing};
use pipewright_harness::{MemoryRegistry, Pipe, Repo};
use serde_json::json;

/// The part of the README that people write.
fn page() -> String {
    let text = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    text.split_once("<!-- variables -->").unwrap().0.to_owned()
}

/// The variables of each `docker run`: `-e NAME=VALUE`, or `-e NAME` for one of the environment.
fn commands(page: &str) -> Vec<Vec<(String, Option<String>)>> {
    let joined = page.replace("\\\n", " ");
    let lines = joined.lines().filter(|line| line.starts_with("    docker run "));
    lines
        .map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let variables = words.windows(2).filter(|pair| pair[0] == "-e").map(|pair| pair[1].split_once('='));
            let names = words.windows(2).filter(|pair| pair[0] == "-e").map(|pair| pair[1]);
            variables
                .zip(names)
                .map(|(pair, name)| match pair {
                    Some((name, value)) => (name.to_owned(), Some(value.to_owned())),
                    None => (name.to_owned(), None),
                })
                .collect()
        })
        .collect()
}

fn with(pipe: Pipe, variables: &[(String, Option<String>)], keys: &Keys) -> Pipe {
    variables.iter().fold(pipe, |pipe, (name, value)| match (name.as_str(), value) {
        (_, Some(value)) => pipe.env(name, value),
        ("COSIGN_PRIVATE_KEY", None) => pipe.env(name, &keys.private),
        // The key is not encrypted.
        ("COSIGN_PASSWORD", None) => pipe,
        (_, None) => pipe.env(name, "sesame-sesame"),
    })
}

#[test]
fn every_command_has_a_plan() {
    let (dir, keys) = (Repo::plain(), Keys::new());
    dir.write("cosign.pub", &keys.public);
    let commands = commands(&page());
    assert!(commands.len() >= 4, "{commands:?}");
    for command in commands {
        with(Pipe::at(common::BINARY, dir.path()).env("DRY_RUN", "true"), &command, &keys).run().expect(0);
    }
}

#[test]
fn pipelines_name_variables_that_exist() {
    let known: Vec<String> = sign_pipe::SPEC.vars().map(|var| var.name.to_owned()).collect();
    let page = page();
    let blocks: Vec<&str> = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    let mut checked = 0;
    for line in blocks.iter().flat_map(|block| block.lines()) {
        let Some((name, _)) = line.trim().split_once(':') else { continue };
        let variable = name.contains('_') || name.eq_ignore_ascii_case("image");
        // GitLab's own keys.
        let own = ["id_tokens", "runs_on"].contains(&name) || (name == "image" && line.contains("sign-pipe:"));
        if variable && !own && !name.contains(' ') {
            assert!(known.contains(&name.to_uppercase()), "{line}");
            checked += 1;
        }
    }
    assert!(checked >= 10, "{checked}");
}

/// The page once asked for `vuln`, which no scan of security-pipe can meet.
#[test]
fn what_the_first_command_signs_the_verifying_one_accepts() {
    let (registry, dir, keys) = (MemoryRegistry::start(), Repo::plain(), Keys::new());
    registry.push_image("org/app", "1.2.3", "one");
    let now = jiff::Timestamp::now().to_string();
    let sbom = json!({ "bomFormat": "CycloneDX", "metadata": { "timestamp": now }, "components": [{ "name": "a" }] });
    dir.write("cosign.pub", &keys.public).write("sbom.json", sbom.to_string());
    let image = format!("{}/org/app:1.2.3", registry.host());
    signing(dir.path(), &keys, &image).run().expect(0);
    let commands = commands(&page());
    let verify = commands.iter().find(|command| command.iter().any(|(name, _)| name == "COSIGN_PUBLIC_KEY_FILE"));
    let verify = verify.expect("a command that verifies with a key");
    with(Pipe::at(common::BINARY, dir.path()), verify, &keys).env("IMAGE", &image).run().expect(0);
}
