use std::fs;

use proptest::prelude::*;

use super::{MAX_SUMMARY, append_outputs, append_summary};

/// Reads the file as the runner does: `name<<delimiter`, lines, the delimiter; or `name=value`.
fn runner(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.split('\n');
    while let Some(line) = lines.next() {
        if let Some((name, delimiter)) = line.split_once("<<").filter(|(name, _)| !name.contains('=')) {
            let value: Vec<&str> = lines.by_ref().take_while(|line| *line != delimiter).collect();
            found.push((name.to_owned(), value.join("\n")));
        } else if let Some((name, value)) = line.split_once('=') {
            found.push((name.to_owned(), value.to_owned()));
        }
    }
    found
}

fn outputs(given: &[(&str, &str)]) -> Vec<(String, String)> {
    given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn outputs_are_appended_and_never_add_others() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("output");
    fs::write(&path, "earlier=1").unwrap();
    append_outputs(&path, &outputs(&[("verdict", "failed"), ("list", "a\nb\n")])).unwrap();
    // A value that tries to end itself with the delimiter of the one before it.
    let written = fs::read_to_string(&path).unwrap();
    let seen = written.lines().find_map(|line| line.strip_prefix("list<<")).unwrap().to_owned();
    let attack = format!("x\n{seen}\nadmin<<{seen}\ntrue\n{seen}\nEOF\nadmin=true");
    append_outputs(&path, &outputs(&[("branch", &attack), ("last", "")])).unwrap();
    let expected =
        [("earlier", "1"), ("verdict", "failed"), ("list", "a\nb\n"), ("branch", attack.as_str()), ("last", "")];
    assert_eq!(runner(&fs::read_to_string(&path).unwrap()), outputs(&expected));
}

#[test]
fn a_name_that_is_none_is_refused_before_anything_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("output");
    for name in ["", "a b", "a<<EOF", "a\nb", "a=b"] {
        assert!(append_outputs(&path, &outputs(&[("good", "1"), (name, "x")])).is_err(), "{name:?}");
    }
    assert!(!path.exists());
    assert!(append_outputs(&dir.path().join("no/such"), &outputs(&[("good", "1")])).is_err());
}

#[test]
fn a_summary_is_cut_at_a_line_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("summary");
    append_summary(&path, "first").unwrap();
    append_summary(&path, &"| row ä |\n".repeat(200_000)).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.len() <= MAX_SUMMARY && text.len() > MAX_SUMMARY - 200, "{}", text.len());
    assert!(text.starts_with("first\n| row ä |\n"));
    assert!(text.ends_with("| row ä |\n\n\n_The rest did not fit into the job summary: see the reports._\n"));
    append_summary(&path, &"x".repeat(1000)).unwrap();
    assert_eq!(fs::read_to_string(&path).unwrap(), text, "there is no room for a note either");
}

proptest! {
    #[test]
    fn any_values_come_out_as_they_went_in(values in prop::collection::vec("[a-z<=\n]{0,20}|\\PC{0,20}", 0..5)) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("output");
        let given: Vec<_> = values.into_iter().enumerate().map(|(at, value)| (format!("n{at}"), value)).collect();
        append_outputs(&path, &given).unwrap();
        prop_assert_eq!(runner(&fs::read_to_string(&path).unwrap()), given);
    }
}
