use super::{Error, ErrorKind, refusal_line, refusal_message};

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
    assert_eq!(line, "a [31mb...");
}

#[test]
fn errors_end_with_what_the_reader_can_do() {
    let text = |kind| Error::new(kind, "it failed.").to_string();
    for (kind, expected) in [
        (
            ErrorKind::NotFound,
            "it failed. Check the name and the tag, and that DOCKER_USERNAME can read the repository.",
        ),
        (ErrorKind::Unauthorized, "it failed. Set DOCKER_USERNAME and DOCKER_PASSWORD."),
        (
            ErrorKind::Denied,
            "it failed. Set DOCKER_USERNAME and DOCKER_PASSWORD to an account with access to the repository.",
        ),
        (ErrorKind::Refused, "it failed. Check that the host in IMAGE is an OCI registry."),
        (ErrorKind::TooLarge, "it failed. Push smaller content, since the limit is fixed."),
        (ErrorKind::DigestMismatch, "it failed. Push the image again, or check the proxy in HTTPS_PROXY."),
        (ErrorKind::Malformed, "it failed. Check that the host in IMAGE is an OCI registry."),
        (ErrorKind::Unavailable, "it failed. Run the job again."),
        (ErrorKind::Lost, "it failed. Run the job again."),
        (ErrorKind::Cancelled, "it failed."),
    ] {
        assert_eq!(text(kind), expected);
    }
    let other = Error::new(ErrorKind::TooLarge, "it is full").with_advice("Delete old entries").about("the tag");
    assert_eq!(other.to_string(), "the tag: it is full. Delete old entries.");
}
