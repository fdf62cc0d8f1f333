//! Uploads that break.

use bytes::Bytes;
use wiremock::ResponseTemplate;

use crate::fake::{Fake, Trouble};
use crate::{Digest, Error, ErrorKind, RegistrySettings};

const BLOB: &[u8] = b"abcdefghij";

/// Writes ten bytes in pieces of `chunk`, and gives what was asked for after the first `HEAD`.
async fn push(fake: &Fake, chunk: usize) -> (Result<(), Error>, Vec<String>) {
    let registry = fake.registry(RegistrySettings { chunk, ..RegistrySettings::default() });
    let outcome = registry.push_blob(&fake.repository(), "text/plain", Bytes::from_static(BLOB)).await;
    (outcome.map(drop), fake.log().split_off(1))
}

fn status(status: u16) -> ResponseTemplate {
    ResponseTemplate::new(status)
}

#[tokio::test]
async fn a_piece_that_fails_goes_on_where_the_registry_is() {
    let again = ["POST", "PATCH 0-3", "PATCH 4-7", "GET", "PATCH 4-7", "PATCH 8-9", "PUT"];
    let done = ["POST", "PATCH 0-3", "PATCH 4-7", "GET", "PATCH 8-9", "PUT"];
    let half = ["POST", "PATCH 0-3", "PATCH 4-7", "GET", "PATCH 6-9", "PUT"];
    for (trouble, expected) in [
        (Trouble::Refused(status(500)), &again[..]),
        (Trouble::Refused(status(429).insert_header("retry-after", "0")), &again),
        (Trouble::Refused(status(416)), &again),
        (Trouble::Lost, &again),
        (Trouble::Done(status(502)), &done),
        (Trouble::DoneAndLost, &done),
        (Trouble::Cut(2, status(500)), &half),
        (Trouble::Cut(2, status(408)), &half),
    ] {
        let fake = Fake::start().await;
        // Not the first piece, but the second.
        fake.fail(
            "PATCH",
            "/uploads/",
            Trouble::Done(
                status(202).insert_header("location", "/v2/app/blobs/uploads/1").insert_header("range", "0-3"),
            ),
        );
        fake.fail("PATCH", "/uploads/", trouble);
        let (outcome, log) = push(&fake, 4).await;
        outcome.unwrap();
        assert_eq!(log, expected);
        assert_eq!(fake.blob(&Digest::of(BLOB)).as_deref(), Some(BLOB));
    }
}

#[tokio::test]
async fn a_piece_that_is_taken_in_part_goes_on_there() {
    let fake = Fake::start().await;
    let part = status(202).insert_header("location", "/v2/app/blobs/uploads/1").insert_header("range", "0-1");
    fake.fail("PATCH", "/uploads/", Trouble::Cut(2, part));
    let (outcome, log) = push(&fake, 4).await;
    outcome.unwrap();
    assert_eq!(log, ["POST", "PATCH 0-3", "PATCH 2-5", "PATCH 6-9", "PUT"]);
}

#[tokio::test]
async fn an_upload_that_is_forgotten_begins_again() {
    let fake = Fake::start().await;
    fake.fail("PATCH", "/uploads/", Trouble::Refused(status(404)));
    let (outcome, log) = push(&fake, 5).await;
    outcome.unwrap();
    assert_eq!(log, ["POST", "PATCH 0-4", "HEAD", "POST", "PATCH 0-4", "PATCH 5-9", "PUT"]);
    assert_eq!(fake.blob(&Digest::of(BLOB)).as_deref(), Some(BLOB));
}

#[tokio::test]
async fn one_request_that_breaks_begins_again_and_adds_nothing_to_what_was_kept() {
    for trouble in [
        Trouble::Lost,
        Trouble::Refused(status(500)),
        Trouble::Refused(status(429).insert_header("retry-after", "0")),
        Trouble::Cut(5, status(500)),
        Trouble::Refused(status(404)),
    ] {
        let fake = Fake::start().await;
        fake.fail("PUT", "/uploads/", trouble);
        let (outcome, log) = push(&fake, 100).await;
        outcome.unwrap();
        assert_eq!(log, ["POST", "PUT", "HEAD", "POST", "PUT"]);
        assert_eq!(fake.blob(&Digest::of(BLOB)).as_deref(), Some(BLOB));
    }
}

#[tokio::test]
async fn an_answer_that_is_lost_is_no_failure() {
    for chunk in [4, 100] {
        for trouble in [Trouble::DoneAndLost, Trouble::Done(status(504)), Trouble::Done(status(404))] {
            let fake = Fake::start().await;
            fake.fail("PUT", "/uploads/", trouble);
            let (outcome, log) = push(&fake, chunk).await;
            outcome.unwrap();
            assert_eq!(log[log.len() - 2..], ["PUT", "HEAD"]);
            assert!(fake.is_well() && fake.blob(&Digest::of(BLOB)).is_some());
        }
    }
}

#[tokio::test]
async fn what_is_refused_is_not_sent_again() {
    let told = serde_json::json!({ "errors": [{ "code": "SIZE_INVALID", "message": "too\nlarge" }] });
    for (answer, kind, requests) in [
        (status(400).set_body_json(&told), ErrorKind::Refused, 3),
        (status(403).set_body_json(&told), ErrorKind::Denied, 2),
        (status(413).set_body_json(&told), ErrorKind::TooLarge, 2),
    ] {
        let fake = Fake::start().await;
        fake.fail("PUT", "/uploads/", Trouble::Refused(answer));
        let (outcome, log) = push(&fake, 100).await;
        let error = outcome.unwrap_err();
        assert_eq!((error.kind(), log.len()), (kind, requests), "{error} {log:?}");
        assert!(error.to_string().starts_with("failed to write the blob sha256:"), "{error}");
        assert!(error.to_string().contains(": too large (SIZE_INVALID). "), "{error}");
    }
}

#[tokio::test]
async fn a_wait_that_is_too_long_is_an_error_at_once() {
    for chunk in [4, 100] {
        let fake = Fake::start().await;
        let busy = status(429).insert_header("retry-after", "3600");
        fake.fail(if chunk == 4 { "PATCH" } else { "PUT" }, "/uploads/", Trouble::Refused(busy));
        let (outcome, _) = push(&fake, chunk).await;
        assert_eq!(outcome.unwrap_err().kind(), ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn pieces_are_as_large_as_the_registry_wants_them() {
    let fake = Fake::start().await;
    let begun = status(202)
        .insert_header("location", "/v2/app/blobs/uploads/1?state=0")
        .insert_header("oci-chunk-min-length", "6");
    fake.fail("POST", "/uploads/", Trouble::Done(begun));
    let (outcome, log) = push(&fake, 4).await;
    outcome.unwrap();
    assert_eq!(log, ["POST", "PATCH 0-5", "PATCH 6-9", "PUT"]);
}

#[tokio::test]
async fn unusable_upload_locations_are_an_error() {
    for place in ["ftp://elsewhere.example/x", "http://[", "mailto:a"] {
        let fake = Fake::start().await;
        fake.fail("POST", "/uploads/", Trouble::Done(status(202).insert_header("location", place)));
        let (outcome, _) = push(&fake, 4).await;
        let error = outcome.unwrap_err();
        assert!(
            error.kind() == ErrorKind::Malformed
                && error.to_string().contains("did not return a valid upload location"),
            "{error}"
        );
    }
}
