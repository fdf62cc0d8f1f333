mod bounds;
mod faults;

use std::sync::Arc;
use std::time::Duration;

use pipe_core::http::{Client, Settings};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::settings::RetryPolicy;
use crate::types::media_type;
use crate::{Credentials, Descriptor, Digest, ErrorKind, Reference, Registry, RegistrySettings};

pub(crate) fn registry(settings: RegistrySettings) -> Registry {
    trying(1, settings)
}

/// One that sends a request several times.
pub(crate) fn trying(attempts: u32, settings: RegistrySettings) -> Registry {
    let backoff = Duration::from_millis(2);
    let http = Settings { attempts, backoff, ..Settings::default() };
    let http = Client::new(&http, CancellationToken::new()).unwrap();
    let mut registry = Registry::new(http, Credentials::default(), settings);
    registry.retry_policy = Arc::new(RetryPolicy { first_backoff: backoff, ..RetryPolicy::default() });
    registry
}

pub(crate) fn reference(server: &MockServer, rest: &str) -> Reference {
    Reference::parse(&format!("{}/{rest}", server.uri().trim_start_matches("http://"))).unwrap()
}

async fn serve(server: &MockServer, at: &str, media_type: &str, body: &Value) -> Digest {
    let bytes = serde_json::to_vec(body).unwrap();
    let digest = Digest::of(&bytes);
    for name in [at, &digest.to_string()] {
        let answer = ResponseTemplate::new(200)
            .insert_header("docker-content-digest", digest.to_string())
            .set_body_raw(bytes.clone(), media_type);
        Mock::given(path(format!("/v2/app/manifests/{name}"))).respond_with(answer).mount(server).await;
    }
    digest
}

/// A cache in front of a registry may answer HEAD with what the tag was, and a registry may name no digest or kind.
#[tokio::test]
async fn what_a_reference_names_is_computed_from_content_that_was_read() {
    let bytes = b"{\"a\":1}";
    let now = Descriptor::of(media_type::MANIFEST, bytes);
    let stale = ResponseTemplate::new(200)
        .insert_header("docker-content-digest", Digest::of(b"older").to_string())
        .set_body_raw("older", media_type::MANIFEST);
    for name in ["app:1".to_owned(), format!("app@{}", now.digest)] {
        for kind in [media_type::MANIFEST, "application/vnd.oci.image.manifest.v1+json; charset=x", "text/html"] {
            let server = MockServer::start().await;
            Mock::given(method("HEAD")).respond_with(stale.clone()).mount(&server).await;
            let answer = ResponseTemplate::new(200).set_body_raw(bytes, kind);
            Mock::given(method("GET")).respond_with(answer).expect(1).mount(&server).await;
            let fetched = registry(RegistrySettings::default()).manifest(&reference(&server, &name)).await.unwrap();
            assert_eq!(fetched.descriptor, now, "{name} {kind}");
        }
    }
}

#[tokio::test]
async fn content_that_is_not_what_its_digest_says_is_not_used() {
    let server = MockServer::start().await;
    let wrong = Digest::of(b"something else");
    let lie =
        ResponseTemplate::new(200).insert_header("docker-content-digest", wrong.to_string()).set_body_string("{}");
    Mock::given(path_regex("/manifests/")).respond_with(lie).mount(&server).await;
    Mock::given(path_regex("/blobs/"))
        .respond_with(ResponseTemplate::new(200).set_body_string("abc"))
        .mount(&server)
        .await;
    let registry = registry(RegistrySettings::default());
    for name in ["app:1".to_owned(), format!("app@{wrong}"), format!("app@{}", Digest::of(b"x"))] {
        let error = registry.manifest(&reference(&server, &name)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::DigestMismatch, "{error}");
    }
    let repository = reference(&server, "app").repository;
    let mut descriptor = Descriptor::of("text/plain", b"abc");
    assert_eq!(registry.blob(&repository, &descriptor, 10).await.unwrap(), b"abc");
    descriptor.digest = Digest::of(b"abd");
    assert_eq!(registry.blob(&repository, &descriptor, 10).await.unwrap_err().kind(), ErrorKind::DigestMismatch);
    descriptor.size = 2;
    assert_eq!(registry.blob(&repository, &descriptor, 10).await.unwrap_err().kind(), ErrorKind::TooLarge);
    descriptor.size = 4;
    assert_eq!(registry.blob(&repository, &descriptor, 10).await.unwrap_err().kind(), ErrorKind::DigestMismatch);
    // Announced as too large: not even asked for.
    descriptor.size = 11;
    let before = server.received_requests().await.unwrap().len();
    assert_eq!(registry.blob(&repository, &descriptor, 10).await.unwrap_err().kind(), ErrorKind::TooLarge);
    assert_eq!(server.received_requests().await.unwrap().len(), before);
}

#[tokio::test]
async fn manifests_are_bounded() {
    let server = MockServer::start().await;
    Mock::given(method("GET"))
        .respond_with(ResponseTemplate::new(200).set_body_bytes(vec![b' '; 2000]))
        .mount(&server)
        .await;
    let settings = RegistrySettings { max_manifest: 1999, ..RegistrySettings::default() };
    let error = registry(settings).manifest(&reference(&server, "app:1")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
}

#[tokio::test]
async fn kinds_of_refusals() {
    for (status, kind) in [
        (404, ErrorKind::NotFound),
        (403, ErrorKind::Denied),
        (400, ErrorKind::Refused),
        (413, ErrorKind::TooLarge),
        (408, ErrorKind::Unavailable),
        (429, ErrorKind::Unavailable),
        (500, ErrorKind::Unavailable),
    ] {
        let server = MockServer::start().await;
        let refusal =
            ResponseTemplate::new(status).set_body_json(json!({ "errors": [{ "code": "X", "message": "told" }] }));
        Mock::given(method("GET")).respond_with(refusal).mount(&server).await;
        let error = registry(RegistrySettings::default()).manifest(&reference(&server, "app:1")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains("app:1") && error.to_string().contains(": told (X)"), "{error}");
    }
    let closed = Reference::parse("127.0.0.1:1/app:1").unwrap();
    assert_eq!(
        registry(RegistrySettings::default()).manifest(&closed).await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
}

async fn images_of(registry: &Registry, reference: &Reference) -> Result<Vec<Descriptor>, crate::Error> {
    registry.images(reference, registry.manifest(reference).await?).await
}

fn child(media_type: &str, digest: &Digest, architecture: &str) -> Value {
    let platform =
        json!({ "os": if architecture == "unknown" { "unknown" } else { "linux" }, "architecture": architecture });
    json!({ "mediaType": media_type, "digest": digest, "size": 1, "platform": platform })
}

#[tokio::test]
async fn indexes_are_opened_and_what_build_tools_hide_is_left_out() {
    let server = MockServer::start().await;
    let image = Digest::of(b"image");
    let nested =
        json!({ "schemaVersion": 2, "manifests": [child(media_type::MANIFEST, &Digest::of(b"arm"), "arm64")] });
    let nested = serve(&server, "nested", media_type::INDEX, &nested).await;
    let index = json!({ "schemaVersion": 2, "manifests": [
        child(media_type::MANIFEST, &image, "amd64"),
        child(media_type::MANIFEST, &Digest::of(b"attestation"), "unknown"),
        child(media_type::INDEX, &nested, "arm64"),
        child(media_type::MANIFEST, &image, "amd64"),
    ] });
    serve(&server, "1", media_type::INDEX, &index).await;
    let registry = registry(RegistrySettings::default());
    let images = images_of(&registry, &reference(&server, "app:1")).await.unwrap();
    let digests: Vec<&Digest> = images.iter().map(|image| &image.digest).collect();
    assert_eq!(digests, [&image, &Digest::of(b"arm")]);
    assert_eq!(images[1].platform.as_ref().unwrap().to_string(), "linux/arm64");

    // Deeper than anybody nests them.
    let mut inner = nested;
    for level in 0..5 {
        let index = json!({ "schemaVersion": 2, "manifests": [child(media_type::INDEX, &inner, "arm64")] });
        inner = serve(&server, &format!("level{level}"), media_type::INDEX, &index).await;
    }
    let error = images_of(&registry, &reference(&server, "app:level4")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
}

/// Futures of a registry can be spawned.
#[tokio::test]
async fn every_request_can_be_made_on_another_thread() {
    fn is_send(_: impl Send) {}
    let registry = registry(RegistrySettings::default());
    let image = Reference::parse("127.0.0.1:1/app:1").unwrap();
    let (repository, digest) = (&image.repository, Digest::of(b"x"));
    let descriptor = Descriptor::of("text/plain", b"x");
    let manifest = crate::Manifest::new(descriptor.clone(), Vec::new());
    is_send(images_of(&registry, &image));
    is_send(registry.blob(repository, &descriptor, 1));
    is_send(registry.push_blob(repository, "text/plain", "x".into()));
    is_send(registry.push_manifest(repository, "1", media_type::MANIFEST, "{}".into()));
    is_send(registry.referrers(repository, &digest));
    is_send(registry.attach(repository, &manifest));
    let edit = |_: Option<&crate::Fetched>| Err(crate::Error::new(ErrorKind::Lost, ""));
    is_send(registry.update_tag(&image, edit, |_| true));
}
