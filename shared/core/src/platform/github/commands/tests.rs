use proptest::prelude::*;

use super::super::super::rendering::example::{annotation, rendering};
use super::super::super::rendering::{Annotation, Level};
use super::{add_mask, annotations, error, stop_commands};

fn commands(given: Vec<Annotation>) -> Vec<String> {
    let mut out = Vec::new();
    annotations(&rendering(given, &[]), &mut out).unwrap();
    String::from_utf8(out).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn an_annotation_names_its_place() {
    let place = Annotation { end_line: Some(3), column: Some(5), end_column: Some(9), ..annotation(1, Level::Error) };
    assert_eq!(
        commands(vec![place.clone()]),
        ["::error file=src/a.rs,line=3,endLine=3,col=5,endColumn=9,title=title 1::message 1"]
    );
    let several_lines = Annotation { end_line: Some(7), level: Level::Warning, ..place.clone() };
    assert_eq!(commands(vec![several_lines]), ["::warning file=src/a.rs,line=3,endLine=7,title=title 1::message 1"]);
    let backwards = Annotation { end_line: Some(1), end_column: Some(2), ..place.clone() };
    assert_eq!(commands(vec![backwards]), ["::error file=src/a.rs,line=3,col=5,title=title 1::message 1"]);
    let nowhere = Annotation { path: None, level: Level::Notice, link: Some("https://x".into()), ..place };
    assert_eq!(commands(vec![nowhere]), ["::notice title=title 1::message 1%0Ahttps://x"]);
}

#[test]
fn no_more_are_sent_than_the_runner_keeps_and_the_rest_is_counted() {
    let many = |count, level| (0..count).map(move |number| annotation(number, level));
    let lines =
        commands(many(25, Level::Error).chain(many(10, Level::Warning)).chain(many(11, Level::Notice)).collect());
    let of = |word: &str| lines.iter().filter(|line| line.starts_with(word)).collect::<Vec<_>>();
    assert_eq!((of("::error").len(), of("::warning").len(), of("::notice").len()), (10, 10, 10));
    assert!(of("::error")[9].contains("and 16 more") && of("::notice")[9].contains("and 2 more"));
    assert!(of("::error")[0].contains("title 0") && of("::warning")[9].contains("title 9"));
}

#[test]
fn hostile_text_stays_in_its_command() {
    let hostile = Annotation {
        title: "a,line=1::x\n::error::y".to_owned(),
        message: "50%\r\n::set-output name=a::b\u{1b}[2J".to_owned(),
        path: Some("a:b,c\n.rs".to_owned()),
        ..annotation(1, Level::Error)
    };
    assert_eq!(
        commands(vec![hostile]),
        ["::error file=a%3Ab%2Cc\\u{a}.rs,line=3,title=a%2Cline=1%3A%3Ax\\u{a}%3A%3Aerror%3A%3Ay\
          ::50%25%0A::set-output name=a::b\\u{1b}[2J"]
    );
    assert_eq!(error("t\n", "m\n::x"), "::error title=t\\u{a}::m%0A::x");
}

#[test]
fn a_message_is_as_long_as_the_runner_takes() {
    let long = Annotation { message: "%ä".repeat(5000), ..annotation(1, Level::Error) };
    let line = commands(vec![long]).remove(0);
    let message = line.rsplit_once("::").unwrap().1.replace("%25", "%");
    assert_eq!(message.chars().count(), 4096);
    assert!(message.ends_with('…'));
}

#[test]
fn every_line_of_a_value_is_masked() {
    assert_eq!(add_mask("s3cret%"), ["::add-mask::s3cret%25"]);
    let key = "-----BEGIN-----\nabcdef\n}\n  indented\n-----END-----\n";
    assert_eq!(
        add_mask(key),
        [
            "::add-mask::-----BEGIN-----%0Aabcdef%0A}%0A  indented%0A-----END-----",
            "::add-mask::-----BEGIN-----",
            "::add-mask::abcdef",
            "::add-mask::indented",
            "::add-mask::-----END-----",
        ]
    );
    assert!(add_mask("").is_empty() && add_mask(" \n ").is_empty());
}

#[test]
fn commands_are_stopped_and_resumed_by_the_same_token() {
    let (stop, resume) = stop_commands("t0ken");
    assert_eq!((stop.as_str(), resume.as_str()), ("::stop-commands::t0ken", "::t0ken::"));
}

proptest! {
    #[test]
    fn any_annotation_is_one_command(title in any::<String>(), message in any::<String>(), path in any::<Option<String>>()) {
        let lines = commands(vec![Annotation { title, message, path, ..annotation(1, Level::Error) }]);
        prop_assert_eq!(lines.len(), 1);
        let rest = lines[0].strip_prefix("::error").unwrap();
        // The first `::` ends the properties: none of them may bring one.
        let (properties, _) = rest.split_once("::").unwrap();
        prop_assert!(properties.split(',').all(|property| property.is_empty() || property.contains('=')));
        prop_assert!(!lines[0].contains(['\n', '\r']));
    }
}
