use std::fs;
use std::process::Command;

use proptest::prelude::*;

use super::super::super::rendering::example::rendering;
use super::append;

#[test]
fn plain_values_are_passed_on_and_others_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("variables");
    fs::write(&path, "EARLIER=1\n").unwrap();
    let outputs = [
        ("verdict", "failed"),
        ("report", "security-reports/security-pipe-report.json"),
        ("branch", "$(touch owned)"),
        ("tick", "`id`"),
        ("lines", "a\nB=c"),
        ("spaced", "a b"),
        ("empty", ""),
    ];
    let left_out = append(&path, &rendering(Vec::new(), &outputs)).unwrap();
    assert_eq!(
        fs::read_to_string(&path).unwrap(),
        "EARLIER=1\nSECURITY_PIPE_VERDICT=failed\n\
         SECURITY_PIPE_REPORT=security-reports/security-pipe-report.json\nSECURITY_PIPE_EMPTY=\n"
    );
    let expected = ["SECURITY_PIPE_BRANCH", "SECURITY_PIPE_TICK", "SECURITY_PIPE_LINES", "SECURITY_PIPE_SPACED"];
    assert_eq!(left_out, expected);
}

#[test]
fn the_file_and_the_number_of_variables_are_limited() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("variables");
    fs::write(&path, "x".repeat(100 * 1024 - 30)).unwrap();
    let left_out = append(&path, &rendering(Vec::new(), &[("a", "1"), ("b", &"2".repeat(40)), ("c", "3")])).unwrap();
    assert_eq!(left_out, ["SECURITY_PIPE_B", "SECURITY_PIPE_C"]);
    let names: Vec<String> = (0..60).map(|number| format!("n{number}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let left_out = append(&dir.path().join("other"), &rendering(Vec::new(), &many)).unwrap();
    assert_eq!(left_out.len(), 10);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn a_shell_that_sources_the_file_gets_what_was_written(value in "[$`\"'\\\\(){};&|<>*?~!#a-c=/ :.\n-]{0,12}") {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("variables");
        let left_out = append(&path, &rendering(Vec::new(), &[("v", &value)])).unwrap();
        let script = r#"set -e; . ./variables; printf '%s' "${SECURITY_PIPE_V-unset}""#;
        let output = Command::new("sh").arg("-c").arg(script).current_dir(dir.path()).output().unwrap();
        let expected = if left_out.is_empty() { value } else { "unset".to_owned() };
        prop_assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
        prop_assert!(output.stderr.is_empty());
    }
}
