use super::{refusal_line, refusal_message};

#[test]
fn refusals_are_quoted_in_words() {
    for (body, expected) in [
        (
            r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown","detail":{"Tag":"1"}}]}"#,
            Some("manifest unknown (MANIFEST_UNKNOWN)"),
        ),
        (r#"{"errors":[{"code":"A","message":""},{"message":"b"},{}]}"#, Some("A; b")),
        (r#"{"errors":[{"code":17,"message":["x"]}]}"#, None),
        (r#"{"error":"invalid_grant","error_description":"expired"}"#, Some("expired (invalid_grant)")),
        (r#"{"error":{"code":1}, "message":"m"}"#, Some("m")),
        (r#"{"details":"incorrect username or password"}"#, Some("incorrect username or password")),
        (r#"{"errors":[]}"#, None),
        (r#"{"errors":"x"}"#, None),
        ("<html>", None),
        ("", None),
    ] {
        assert_eq!(refusal_message(body.as_bytes()).as_deref(), expected, "{body}");
    }
    let long = format!(r#"{{"message":"a\n\u001b[31mb\u0000{}"}}"#, "é".repeat(500));
    let line = refusal_line(long.as_bytes());
    assert!(line.starts_with("a [31mb é") && line.ends_with("é...") && line.chars().count() == 203, "{line}");
}
