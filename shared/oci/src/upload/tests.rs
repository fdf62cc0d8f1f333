mod faults;

use bytes::Bytes;
use wiremock::matchers::{method, query_param};
use wiremock::{Mock, MockServer, ResponseTemplate};

use crate::client::tests::{reference, registry};
use crate::{Descriptor, ErrorKind, RegistrySettings};

async fn missing(server: &MockServer) {
    Mock::given(method("HEAD")).respond_with(ResponseTemplate::new(404)).mount(server).await;
}

fn at(place: &str) -> ResponseTemplate {
    ResponseTemplate::new(202).insert_header("location", place)
}

#[tokio::test]
async fn a_blob_that_is_there_is_not_sent() {
    let server = MockServer::start().await;
    Mock::given(method("HEAD")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let repository = reference(&server, "app").repository;
    registry(RegistrySettings::default())
        .push_blob(&repository, "text/plain", Bytes::from_static(b"abc"))
        .await
        .unwrap();
    assert_eq!(server.received_requests().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_small_blob_goes_at_once_and_a_large_one_in_pieces() {
    let server = MockServer::start().await;
    missing(&server).await;
    Mock::given(method("POST")).respond_with(at("/v2/app/blobs/uploads/1?state=a")).mount(&server).await;
    // Each piece has its own place, one of them given in full.
    Mock::given(method("PATCH"))
        .and(query_param("state", "a"))
        .respond_with(at(&format!("{}/v2/app/blobs/uploads/1?state=b", server.uri())))
        .mount(&server)
        .await;
    Mock::given(method("PATCH"))
        .and(query_param("state", "b"))
        .respond_with(at("/v2/app/blobs/uploads/1?state=c"))
        .mount(&server)
        .await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(201)).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let registry = registry(RegistrySettings { chunk: 4, ..RegistrySettings::default() });
    registry.push_blob(&repository, "text/plain", Bytes::from_static(b"abcd")).await.unwrap();
    registry.push_blob(&repository, "text/plain", Bytes::from_static(b"abcdefg")).await.unwrap();
    let requests = server.received_requests().await.unwrap();
    let told: Vec<String> = requests
        .iter()
        .filter(|request| matches!(request.method.as_str(), "PATCH" | "PUT"))
        .map(|request| {
            let range = request.headers.get("content-range").map_or("", |range| range.to_str().unwrap());
            let state = request.url.query().unwrap().split('&').next().unwrap();
            format!("{} {state} {range} {}", request.method, String::from_utf8_lossy(&request.body))
        })
        .collect();
    assert_eq!(told, ["PUT state=a  abcd", "PATCH state=a 0-3 abcd", "PATCH state=b 4-6 efg", "PUT state=c  "]);
    let digest = Descriptor::of("text/plain", b"abcdefg").digest.to_string();
    assert!(requests.last().unwrap().url.query().unwrap().ends_with(&format!("digest={digest}")));
}

#[tokio::test]
async fn an_upload_that_broke_begins_again_and_not_for_ever() {
    let server = MockServer::start().await;
    missing(&server).await;
    Mock::given(method("POST")).respond_with(at("/v2/app/blobs/uploads/1")).expect(2).mount(&server).await;
    Mock::given(method("PATCH")).respond_with(ResponseTemplate::new(500)).up_to_n_times(1).mount(&server).await;
    Mock::given(method("PATCH")).respond_with(at("/v2/app/blobs/uploads/1")).with_priority(9).mount(&server).await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(201)).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let registry = registry(RegistrySettings { chunk: 4, ..RegistrySettings::default() });
    registry.push_blob(&repository, "text/plain", Bytes::from_static(b"abcdefg")).await.unwrap();

    let server = MockServer::start().await;
    missing(&server).await;
    Mock::given(method("POST")).respond_with(at("/v2/app/blobs/uploads/1")).expect(4).mount(&server).await;
    Mock::given(method("PATCH")).respond_with(ResponseTemplate::new(500)).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let error = registry.push_blob(&repository, "text/plain", Bytes::from_static(b"abcdefg")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable);
}

#[tokio::test]
async fn an_upload_without_a_place_is_an_error() {
    let server = MockServer::start().await;
    missing(&server).await;
    Mock::given(method("POST")).respond_with(ResponseTemplate::new(202)).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let error = registry(RegistrySettings::default())
        .push_blob(&repository, "text/plain", Bytes::from_static(b"a"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
}

#[tokio::test]
async fn an_upload_that_the_registry_forgot_begins_again_and_not_for_ever() {
    for status in [404, 416] {
        let server = MockServer::start().await;
        missing(&server).await;
        Mock::given(method("POST")).respond_with(at("/v2/app/blobs/uploads/1")).expect(2).mount(&server).await;
        Mock::given(method("PATCH")).respond_with(ResponseTemplate::new(status)).up_to_n_times(1).mount(&server).await;
        Mock::given(method("PATCH")).respond_with(at("/v2/app/blobs/uploads/1")).with_priority(9).mount(&server).await;
        Mock::given(method("PUT")).respond_with(ResponseTemplate::new(201)).mount(&server).await;
        let repository = reference(&server, "app").repository;
        let registry = registry(RegistrySettings { chunk: 4, ..RegistrySettings::default() });
        registry.push_blob(&repository, "text/plain", Bytes::from_static(b"abcdefg")).await.unwrap();
    }
    // In one request too, where several servers share the work.
    let server = MockServer::start().await;
    missing(&server).await;
    Mock::given(method("POST")).respond_with(at("/v2/app/blobs/uploads/1")).expect(4).mount(&server).await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(404)).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let registry = registry(RegistrySettings::default());
    let error = registry.push_blob(&repository, "text/plain", Bytes::from_static(b"abc")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
}

#[tokio::test]
async fn an_upload_whose_answer_was_lost_is_finished() {
    let server = MockServer::start().await;
    // Not there at first, and there after the request that says it knows no such upload.
    Mock::given(method("HEAD")).respond_with(ResponseTemplate::new(404)).up_to_n_times(1).mount(&server).await;
    Mock::given(method("HEAD")).respond_with(ResponseTemplate::new(200)).with_priority(9).mount(&server).await;
    Mock::given(method("POST")).respond_with(at("/v2/app/blobs/uploads/1")).expect(1).mount(&server).await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(404)).expect(1).mount(&server).await;
    let repository = reference(&server, "app").repository;
    registry(RegistrySettings::default())
        .push_blob(&repository, "text/plain", Bytes::from_static(b"abc"))
        .await
        .unwrap();
}

#[tokio::test]
async fn a_blob_that_the_registry_stores_differently_is_an_error() {
    let server = MockServer::start().await;
    missing(&server).await;
    Mock::given(method("POST")).respond_with(at("/v2/app/blobs/uploads/1")).mount(&server).await;
    let other = crate::Digest::of(b"other").to_string();
    let written = ResponseTemplate::new(201).insert_header("docker-content-digest", other);
    Mock::given(method("PUT")).respond_with(written).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let registry = registry(RegistrySettings::default());
    let error = registry.push_blob(&repository, "text/plain", Bytes::from_static(b"abc")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DigestMismatch, "{error}");
}
