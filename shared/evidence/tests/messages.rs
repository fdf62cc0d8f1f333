//! The texts of pipe-oci and pipe-evidence that a user can read. A new one shows up in the snapshot, where a review sees
//! whether it says what happened and how to proceed.

#![expect(clippy::unwrap_used, reason = "a file of the sources that cannot be read fails the test")]

use std::fs;
use std::path::{Path, PathBuf};

/// Words that these messages do not use (`STYLE.md`, "English").
const AVOIDED: [&str; 12] = [
    "can't",
    "doesn't",
    "nobody",
    "somebody",
    "whom",
    "whoever",
    "told",
    " is no ",
    " are no ",
    "there is no",
    "by itself",
    "asked for",
];

/// The string literals of a source file that are sentences or parts of one. Comments and a test module at the end are
/// left out.
fn texts(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut texts = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['"', '\'', '/']) {
        let (before, found) = rest.split_at(at);
        let raw = before.ends_with('r') && found.starts_with('"');
        let mut characters = found.chars();
        match characters.next() {
            Some('/') if found.starts_with("//") => rest = found.split_once('\n').map_or("", |(_, after)| after),
            // A character in quotes, unless it is a lifetime.
            Some('\'') if found[1..].starts_with('\\') => {
                rest = found[3..].split_once('\'').map_or("", |(_, after)| after);
            }
            Some('\'') if characters.nth(1) == Some('\'') => {
                rest = &found[found.char_indices().nth(3).map_or(found.len(), |(end, _)| end)..];
            }
            Some('"') => {
                let mut text = String::new();
                let mut escaped = false;
                let mut end = found.len();
                for (at, character) in found.char_indices().skip(1) {
                    match character {
                        _ if escaped => {
                            escaped = false;
                            text.push(character);
                        }
                        '\\' if !raw => escaped = true,
                        '"' => {
                            end = at + 1;
                            break;
                        }
                        _ => text.push(character),
                    }
                }
                texts.push(text.split_whitespace().collect::<Vec<_>>().join(" "));
                rest = &found[end..];
            }
            _ => rest = &found[1..],
        }
    }
    let is_words = |text: &String| {
        let lower = |byte: &u8| byte.is_ascii_lowercase();
        text.contains(' ') && text.as_bytes().windows(2).any(|pair| pair.iter().all(lower))
    };
    texts.retain(is_words);
    texts
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "tests" {
            sources(&path, found);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && name != "fake.rs" {
            found.push(path);
        }
    }
}

/// `oci/src/client.rs: {what}: larger than {limit} bytes`
fn messages() -> Vec<String> {
    let shared = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = Vec::new();
    for name in ["oci", "evidence"] {
        sources(&shared.join(name).join("src"), &mut files);
    }
    files.sort();
    files
        .iter()
        .flat_map(|file| {
            let name = file.strip_prefix(shared).unwrap().display().to_string();
            texts(&fs::read_to_string(file).unwrap()).into_iter().map(move |text| format!("{name}: {text}"))
        })
        .collect()
}

#[test]
fn every_message_is_in_the_snapshot() {
    insta::assert_snapshot!(messages().join("\n"));
}

#[test]
fn messages_use_none_of_the_words_to_avoid() {
    let messages = messages();
    assert!(messages.len() > 150, "{} messages found", messages.len());
    let bad: Vec<&String> =
        messages.iter().filter(|text| AVOIDED.iter().any(|words| text.to_lowercase().contains(words))).collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn strings_are_found_between_comments_characters_and_lifetimes() {
    let source = r#"
        // "not a message"
        fn first<'a>(text: &'a str) -> &'a str { text.split('"').next().unwrap_or("one message") }
        const QUOTE: char = '\''; const TWO: &str = "two \
            lines"; const OTHER: &str = "short"; const THREE: &str = "an \"escaped\" quote";
    "#;
    assert_eq!(texts(source), ["one message", "two lines", "an \"escaped\" quote"]);
}
