use std::collections::HashSet;

use serde_json::{Value, json};

use super::super::super::rendering::example::{annotation, rendering};
use super::super::super::rendering::{Annotation, Level, Rendering};
use super::{code_quality, dotenv};

fn in_json(rendering: &Rendering) -> Value {
    serde_json::to_value(code_quality(rendering)).unwrap()
}

#[test]
fn the_dotenv_file_has_what_gitlab_can_read_and_the_rest_is_named() {
    let outputs = [("verdict", "failed"), ("spaced", "a b # c"), ("lines", "a\nB=c"), ("edge", " a"), ("empty", "")];
    let (text, left_out) = dotenv(&rendering(Vec::new(), &outputs));
    assert_eq!(text, "SECURITY_PIPE_VERDICT=failed\nSECURITY_PIPE_SPACED=a b # c\nSECURITY_PIPE_EMPTY=\n");
    assert_eq!(left_out, ["SECURITY_PIPE_LINES", "SECURITY_PIPE_EDGE"]);

    let names: Vec<String> = (0..30).map(|number| format!("n{number}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let (text, left_out) = dotenv(&rendering(Vec::new(), &many));
    assert_eq!((text.lines().count(), left_out.len()), (20, 10));
    let long = "x".repeat(3000);
    let (text, left_out) = dotenv(&rendering(Vec::new(), &[("a", &long), ("b", &long), ("c", "1")]));
    assert!(text.len() <= 5 * 1024 && text.ends_with("SECURITY_PIPE_C=1\n"));
    assert_eq!(left_out, ["SECURITY_PIPE_B"]);
}

#[test]
fn annotations_with_a_place_are_code_quality_issues() {
    let given = vec![
        Annotation { end_line: Some(5), ..annotation(1, Level::Error) },
        Annotation { path: None, ..annotation(2, Level::Error) },
        Annotation { severity: "UNSCORED", line: None, title: "a\nb".into(), ..annotation(3, Level::Notice) },
    ];
    assert_eq!(
        in_json(&rendering(given, &[])),
        json!([
            {
                "description": "title 1: message 1",
                "check_name": "title 1",
                "fingerprint": "id-1",
                "severity": "blocker",
                "location": { "path": "src/a.rs", "lines": { "begin": 3, "end": 5 } },
            },
            {
                "description": "a\nb: message 3",
                "check_name": "a\\u{a}b",
                "fingerprint": "id-3",
                "severity": "info",
                "location": { "path": "src/a.rs", "lines": { "begin": 1 } },
            },
        ])
    );
}

#[test]
fn fingerprints_are_unique_and_every_severity_has_its_word() {
    let same = (0..3).map(|_| annotation(1, Level::Error)).collect();
    let issues = in_json(&rendering(same, &[]));
    let prints: HashSet<_> = issues.as_array().unwrap().iter().map(|issue| issue["fingerprint"].to_string()).collect();
    assert_eq!(prints.len(), 3);
    for (severity, level, word) in [
        ("HIGH", Level::Warning, "critical"),
        ("MEDIUM", Level::Error, "major"),
        ("LOW", Level::Error, "minor"),
        ("UNSCORED", Level::Error, "critical"),
        ("UNSCORED", Level::Warning, "major"),
    ] {
        let issues = in_json(&rendering(vec![Annotation { severity, ..annotation(1, level) }], &[]));
        assert_eq!(issues[0]["severity"], word);
    }
}
