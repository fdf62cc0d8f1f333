//! The habits of language that STYLE.md lists, looked for in everything that a user or a developer reads: pages, metadata,
//! messages and documentation comments.
//!
//! A hit is a sentence to write again, not a word to replace. If the word is right where it stands, its sentence goes to
//! [`RIGHT`] with the reason.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod sources;

use std::fs;
use std::path::PathBuf;

use pipe_core::spec::{Spec, common};
use pipewright_harness::{files, root};
use regex::Regex;
use sources::{relative, sources};

/// What to avoid, and what to write instead.
const AVOIDED: &[(&str, &str)] = &[
    (r"\b(tell|tells|telling|told)\b", "report, print, show, include, return"),
    (r"\b(whom|whoever|nobody|somebody|anybody|everybody)\b", "the name of the program, the service or the person"),
    (r"\bcan(no|')t be had\b|\b(is|are|was|were|be|been) had\b", "is not available, could not be fetched"),
    (r"\bbesides\b", "in addition, or nothing"),
    (r"\bof (its|their) own\b", "its own, separate"),
    (r"\bby (itself|themselves)\b", "automatically, or nothing"),
    (r"\b(is|are) exit \d", "exits with"),
    (r"\bthere (is|are) no \w+ of\b", "no X found"),
    (r"\bas far as\b", "if, when"),
    (r"\bis no [a-z]", "is not a"),
    (r"\b(is|are) none\b", "is not one, does not exist"),
    (r"\bleft alone\b", "is not called, is not changed"),
    (r"\bword for it\b", "the name"),
    (
        r"\bwhere (there (is|are)|it is (set|not)|none is|that is not|it (isn't|can't|cannot|may|does not|doesn't))\b",
        "if, when",
    ),
];

/// Phrases with one of these words that are right, and why.
const RIGHT: &[(&str, &str)] = &[
    ("there is no ", "a plain statement, if `of` does not follow"),
    ("is no longer", "an adverb"),
    ("there is none", "a plain statement"),
    ("there are none", "a plain statement"),
    ("tell apart", "the idiom for distinguishing"),
];

struct Avoided {
    pattern: Regex,
    instead: &'static str,
}

fn avoided() -> Vec<Avoided> {
    AVOIDED
        .iter()
        .map(|(pattern, instead)| Avoided { pattern: Regex::new(&format!("(?i){pattern}")).unwrap(), instead })
        .collect()
}

/// One line for each habit in a text.
fn habits(avoided: &[Avoided], place: &str, text: &str) -> Vec<String> {
    let flat = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut hits = Vec::new();
    for Avoided { pattern, instead } in avoided {
        for found in pattern.find_iter(&flat) {
            let (start, end) = (floor(&flat, found.start().saturating_sub(50)), ceil(&flat, found.end() + 30));
            let around = &flat[start..end];
            let right = |phrase: &str| {
                let before = floor(&flat, found.start().saturating_sub(phrase.len()));
                let of_it = flat[before..ceil(&flat, found.end() + phrase.len())].to_lowercase();
                of_it.contains(phrase) && !found.as_str().to_lowercase().ends_with(" of")
            };
            if !RIGHT.iter().any(|(phrase, _)| right(phrase)) {
                hits.push(format!("{place}: `{}` in \"…{around}…\": {instead}", found.as_str()));
            }
        }
    }
    hits
}

fn floor(text: &str, mut at: usize) -> usize {
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

fn ceil(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at += 1;
    }
    at
}

/// A page without its code blocks and inline code: output and names are others' words.
fn prose(markdown: &str) -> String {
    let mut code = false;
    let mut text = String::new();
    for line in markdown.lines() {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        if code || fence || line.starts_with("    ") {
            text.push_str(" . ");
            continue;
        }
        for (index, part) in line.split('`').enumerate() {
            text.push_str(if index % 2 == 0 { part } else { "X" });
        }
        text.push('\n');
    }
    text
}

fn all(folders: &[&str], extension: &str) -> Vec<PathBuf> {
    folders
        .iter()
        .map(|folder| root().join(folder))
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| files(&folder))
        .filter(|path| path.is_file() && path.extension().is_some_and(|ending| ending == extension))
        .collect()
}

/// The declarations of the pipes' variables.
static SPECS: [&Spec; 3] = [&security_pipe::SPEC, &sign_pipe::SPEC, &notify_pipe::SPEC];

#[test]
fn pages_and_metadata_are_plain_english() {
    let avoided = avoided();
    let mut hits = Vec::new();
    let mut pages = all(&["docs", "examples", "bench", ".github"], "md");
    pages.extend(fs::read_dir(root().join("pipes")).unwrap().map(|pipe| pipe.unwrap().path().join("README.md")));
    pages.extend(["README.md", "CHANGELOG.md", "SECURITY.md", "CONTRIBUTING.md"].map(|name| root().join(name)));
    assert!(pages.len() > 30, "{pages:?}");
    for page in pages {
        hits.extend(habits(&avoided, &relative(&page), &prose(&fs::read_to_string(&page).unwrap())));
    }
    let mut metadata = all(&["pipes"], "yml");
    metadata.retain(|path| path.ends_with("action.yml") || path.ends_with("pipe.yml"));
    metadata.extend(all(&["docs/schemas"], "json"));
    metadata.push(root().join("action.yml"));
    assert!(metadata.len() > 10, "{metadata:?}");
    for path in metadata {
        hits.extend(habits(&avoided, &relative(&path), &fs::read_to_string(&path).unwrap()));
    }
    assert!(hits.is_empty(), "{} sentences to rewrite:\n{}", hits.len(), hits.join("\n"));
}

#[test]
fn the_texts_of_every_spec_are_plain_english() {
    let avoided = avoided();
    let mut hits = Vec::new();
    let mut texts = 0;
    for spec in SPECS {
        hits.extend(habits(&avoided, spec.name, spec.summary));
        for group in spec.groups() {
            hits.extend(habits(&avoided, spec.name, group.title));
            for var in group.vars {
                hits.extend(habits(&avoided, var.name, var.effect));
                hits.extend(var.required.into_iter().flat_map(|when| habits(&avoided, var.name, when)));
                texts += 1;
            }
        }
    }
    assert!(texts > 150, "{texts}");
    assert!(hits.is_empty(), "{} sentences to rewrite:\n{}", hits.len(), hits.join("\n"));
}

#[test]
fn every_variable_describes_each_value_and_what_happens_without_one() {
    let vars = || SPECS.iter().flat_map(|spec| spec.vars());
    let missing: Vec<String> = vars().filter_map(|var| var.missing_words()).collect();
    assert!(vars().any(|var| var.name == common::TIMEOUT.name), "the variables of all pipes are among them");
    assert_eq!(missing, [""; 0]);
}

#[test]
fn messages_are_plain_english() {
    let avoided = avoided();
    let mut messages = 0;
    let mut hits = Vec::new();
    for (path, said) in sources() {
        // A literal without a space is a name, a key or a format.
        for message in said.messages.iter().filter(|message| message.trim().contains(' ')) {
            messages += 1;
            hits.extend(habits(&avoided, &path, message));
        }
    }
    assert!(messages > 1000, "{messages}");
    assert!(hits.is_empty(), "{} messages to rewrite:\n{}", hits.len(), hits.join("\n"));
}

#[test]
fn documentation_comments_are_plain_english() {
    let avoided = avoided();
    let mut hits = Vec::new();
    let mut documented = 0;
    for (path, said) in sources() {
        documented += usize::from(!said.comments.is_empty());
        hits.extend(habits(&avoided, &path, &prose(&said.comments)));
    }
    assert!(documented > 100, "{documented}");
    assert!(hits.is_empty(), "{} comments to rewrite:\n{}", hits.len(), hits.join("\n"));
}

#[test]
fn a_habit_is_found_across_lines_and_what_is_right_is_left() {
    let avoided = avoided();
    let found = |text: &str| habits(&avoided, "", text).len();
    assert_eq!(found("the run is\ntold of it"), 1);
    assert_eq!(found("a key of  its own"), 1);
    assert_eq!(found("Setting it is exit 3."), 1);
    assert_eq!(found("there is no token of a CI"), 1);
    assert_eq!(found("it is no bundle"), 1);
    assert_eq!(found("there is no bundle, and it is no longer needed"), 0);
    assert_eq!(found("ähnlich told"), 1);
}
