//! docs/errors.md lists messages as the pipes print them: a message that is reworded has to be reworded there.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod sources;

use std::fs;

use pipewright_harness::root;
use sources::sources;

/// Whether a literal holds the parts of a message in their order, with anything between them.
fn holds(literal: &str, message: &str) -> bool {
    let mut rest = literal;
    message.split('…').filter(|part| !part.trim().is_empty()).all(|part| match rest.split_once(part) {
        Some((_, after)) => {
            rest = after;
            true
        }
        None => false,
    })
}

#[test]
fn every_message_on_the_page_is_one_that_a_pipe_prints() {
    let page = fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let messages: Vec<&str> = page.lines().filter_map(|line| line.strip_prefix("### `")?.strip_suffix('`')).collect();
    let headings = page.lines().filter(|line| line.starts_with("### ")).count();
    assert_eq!(messages.len(), headings, "each heading is a message");
    assert!(messages.len() >= 40, "{}", messages.len());
    let literals: Vec<String> = sources().into_iter().flat_map(|(_, said)| said.messages).collect();
    let unknown: Vec<&&str> =
        messages.iter().filter(|message| !literals.iter().any(|literal| holds(literal, message))).collect();
    assert!(unknown.is_empty(), "no pipe prints {unknown:#?}");
}

#[test]
fn every_entry_says_what_to_do_and_names_known_variables() {
    let page = fs::read_to_string(root().join("docs/errors.md")).unwrap();
    let specs = [&security_pipe::SPEC, &sign_pipe::SPEC, &notify_pipe::SPEC];
    let known: Vec<&str> = specs
        .iter()
        .flat_map(|spec| spec.vars())
        .flat_map(|var| std::iter::once(&var.name).chain(var.aliases))
        .copied()
        .collect();
    // Names of the platforms, and a placeholder.
    let others = ["GIT_DEPTH", "X_FILE", "PIPEWRIGHT_", "INPUT_"];
    let mut named = 0;
    for entry in page.split("\n### ").skip(1) {
        let (message, text) = entry.split_once('\n').unwrap();
        assert!(text.trim().split(". ").count() >= 2, "{message}: a cause and what to do");
        for code in text.split('`').skip(1).step_by(2) {
            let name = code.split('=').next().unwrap();
            let variable = name.contains('_') && name.chars().all(|c| c.is_ascii_uppercase() || c == '_');
            if variable && !others.contains(&name) {
                let plain = name.strip_suffix("_FILE").unwrap_or(name);
                assert!(known.contains(&name) || known.contains(&plain), "{message}: {name} is not a variable");
                named += 1;
            }
        }
    }
    assert!(named > 40, "{named}");
}
