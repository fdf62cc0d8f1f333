//! Every error says what the reader can do: at its end, or in the place that prints it.
//!
//! `advice/list.txt` is made from the sources and shows each text with its advice, so that a review sees a new one. A text
//! that has none, and no place that adds it, fails the test.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

#[path = "advice/names.rs"]
mod names;
mod sources;
#[path = "advice/texts.rs"]
mod texts;
#[path = "advice/wrapped.rs"]
mod wrapped;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use pipe_core::advice::{is_advised, is_expectation};
use pipewright_harness::root;
use texts::Text;
use wrapped::{SUMMARIES, WRAPPED, Wrapped};

/// What to do about a text.
enum Way<'a> {
    /// It says so.
    Own,
    /// It follows the name of a variable and says which value is right.
    Expectation,
    /// The expression it stands in adds this.
    Beside(&'a str),
    /// It is a fragment, and the file through which it reaches a reader adds this.
    Wrapped(&'static Wrapped),
    /// It counts what errors say above it.
    Summary,
}

fn way<'a>(path: &str, text: &'a Text) -> Option<Way<'a>> {
    if is_advised(&text.text) {
        return Some(Way::Own);
    }
    if text.problem && is_expectation(&text.text) {
        return Some(Way::Expectation);
    }
    if let Some(advice) = &text.advice {
        return Some(Way::Beside(advice));
    }
    let wrapped = WRAPPED.iter().find(|wrapped| path.starts_with(wrapped.files));
    wrapped.map(Way::Wrapped).or_else(|| SUMMARIES.contains(&path).then_some(Way::Summary))
}

fn all() -> Vec<(String, BTreeSet<Text>)> {
    let files = sources::parsed();
    let makers: BTreeSet<String> = files.iter().flat_map(|(_, file)| names::makers(file)).collect();
    let constants: BTreeMap<String, String> = files.iter().flat_map(|(_, file)| names::constants(file)).collect();
    let texts = |(path, file): &(String, syn::File)| (path.clone(), texts::texts(file, &makers, &constants));
    files.iter().map(texts).filter(|(_, texts)| !texts.is_empty()).collect()
}

#[test]
fn every_error_says_what_to_do() {
    let all = all();
    let without: Vec<String> = all
        .iter()
        .flat_map(|(path, texts)| texts.iter().map(move |text| (path, text)))
        .filter(|(path, text)| way(path, text).is_none())
        .map(|(path, text)| format!("{path}: {}", text.text))
        .collect();
    assert!(
        without.is_empty(),
        "{} texts do not say what to do. End each with the variable, the command or the address that helps, as a sentence \
         that begins with a word of pipe_core::advice. If another file adds it to every text of this one, say so in \
         tests/e2e/tests/advice/wrapped.rs:\n{}",
        without.len(),
        without.join("\n")
    );
}

#[test]
fn the_list_of_errors_is_fresh() {
    let mut list = String::from(
        "Every text of an error, by the file that words it. Made by `make generate`.\n\n\
         A line with + is a fragment: the file in brackets adds to it what to do, in words such as the first line of the\n\
         list. A line with = is part of the last line of a run, which sums up what stands above it.\n",
    );
    let mut count = 0;
    for (path, texts) in all() {
        list.push_str(&format!("\n{path}\n"));
        let mut wrappers = BTreeSet::new();
        let mut lines = String::new();
        for text in &texts {
            count += 1;
            let shown = text.text.replace('\n', "\\n");
            lines.push_str(&match way(&path, text) {
                Some(Way::Own | Way::Expectation) => format!("    {shown}\n"),
                Some(Way::Beside(advice)) => format!("    {shown} + {advice}\n"),
                Some(Way::Wrapped(wrapped)) => {
                    wrappers.insert((wrapped.by, wrapped.advice));
                    format!("  + {shown}\n")
                }
                Some(Way::Summary) => format!("  = {shown}\n"),
                None => format!("??? {shown}\n"),
            });
        }
        for (by, advice) in wrappers {
            list.push_str(&format!("  + {advice} ({by})\n\n"));
        }
        list.push_str(&lines);
    }
    assert!(count > 700, "{count}");
    let path = root().join("tests/e2e/tests/advice/list.txt");
    if std::env::vars_os().any(|(name, _)| name == "UPDATE") {
        fs::write(&path, &list).unwrap();
    }
    assert!(fs::read_to_string(&path).unwrap() == list, "{} is out of date: run `make generate`", path.display());
}

#[test]
fn what_adds_advice_holds_it_and_is_needed() {
    let all = all();
    for wrapped in WRAPPED {
        assert!(is_advised(wrapped.advice), "{}: {}", wrapped.files, wrapped.advice);
        let by = fs::read_to_string(root().join(wrapped.by)).unwrap();
        let flat = by.replace("\\\n", "").split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(flat.contains(wrapped.advice), "{} does not hold {:?}", wrapped.by, wrapped.advice);
        let needed = all.iter().any(|(path, texts)| {
            texts
                .iter()
                .any(|text| matches!(way(path, text), Some(Way::Wrapped(found)) if std::ptr::eq(found, wrapped)))
        });
        assert!(needed, "{}: nothing needs it any more", wrapped.files);
    }
    for path in SUMMARIES {
        let summary = all.iter().find(|(found, _)| found == path).expect(path);
        assert!(summary.1.iter().any(|text| matches!(way(path, text), Some(Way::Summary))), "{path}: not needed");
        let source = fs::read_to_string(root().join(path)).unwrap();
        assert!(source.contains("Ending"), "{path}: the last line of a run is an Ending");
    }
}

#[test]
fn texts_are_found_wherever_they_become_an_error() {
    let source = r#"
        const ADVICE: &str = "Set IT";
        #[derive(Error)]
        enum Error {
            #[error("failed to read {path}")] Read,
            #[error("failed to log in: {}", with_advice(why, "Check TOKEN"))] Login,
        }
        fn of_parser(line: u32) -> ParseError { ParseError::new(format!("line {line} is odd")) }
        fn first() -> Result<(), String> {
            let why = "the first reason";
            let broken = |what: &str| ParseError::new(format!("{what}. {ADVICE}"));
            bail!("a bailed one");
            vars.problem(&IMAGE, "expected one name");
            scan.warnings.push(format!("a pushed one"));
            read().map_err(|error| format!("a mapped {error}"));
            let advice = "Run it again";
            let text = with_advice(format!("it ended early"), advice);
            broken("the called one");
            Err(format!("{why}: {}", tail(1)))
        }
        fn tail(n: u8) -> String { format!("the tail {n}") }
        fn innocent() -> String { println!("no error here"); format!("not an error") }
        #[cfg(test)] mod tests { fn f() { bail!("of a test") } }
    "#;
    let file = syn::parse_file(source).unwrap();
    let found: Vec<String> = texts::texts(&file, &names::makers(&file), &names::constants(&file))
        .into_iter()
        .map(|Text { text, problem, advice }| {
            format!(
                "{}{text}{}",
                if problem { "P " } else { "" },
                advice.map(|it| format!(" => {it}")).unwrap_or_default()
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            "Set IT",
            "a bailed one",
            "a mapped {error}",
            "a pushed one",
            "P expected one name",
            "failed to log in: {} => Check TOKEN",
            "failed to read {path}",
            "it ended early => Run it again",
            "line {line} is odd",
            "the called one",
            "the first reason",
            "the tail {n}",
            "{what}. Set IT",
            "{why}: {}",
        ]
    );
}
