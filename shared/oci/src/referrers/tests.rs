use bytes::Bytes;
use serde_json::{Value, json};
use wiremock::matchers::{method, path, path_regex, query_param};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::next_link;
use crate::client::tests::{reference, registry};
use crate::types::media_type;
use crate::{Descriptor, Digest, Kind, Manifest, Settings};

fn subject() -> Digest {
    Digest::of(b"image")
}

fn entry(number: usize) -> Value {
    json!({ "mediaType": media_type::MANIFEST, "digest": Digest::of(number.to_string().as_bytes()), "size": 1, "annotations": null })
}

fn index(entries: Vec<Value>) -> ResponseTemplate {
    let body = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": entries });
    ResponseTemplate::new(200).set_body_raw(body.to_string(), media_type::INDEX)
}

async fn no_fallback(server: &MockServer) {
    Mock::given(path_regex("/manifests/sha256-")).respond_with(ResponseTemplate::new(404)).mount(server).await;
}

#[tokio::test]
async fn ten_thousand_referrers_come_in_pages() {
    let server = MockServer::start().await;
    no_fallback(&server).await;
    let pages = |request: &Request| {
        let page: usize =
            request.url.query_pairs().find(|(name, _)| name == "n").map_or(0, |(_, page)| page.parse().unwrap());
        let answer = index((page * 1000..(page + 1) * 1000).map(entry).collect());
        if page == 9 {
            return answer;
        }
        answer.insert_header("link", format!("<{}?n={}>; rel=\"next\"", request.url.path(), page + 1))
    };
    Mock::given(path_regex("/referrers/")).respond_with(pages).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let found = registry(Settings::default()).referrers(&repository, &subject()).await.unwrap();
    assert_eq!(found.len(), 10_000);
    let few = registry(Settings { max_pages: 9, ..Settings::default() });
    assert_eq!(few.referrers(&repository, &subject()).await.unwrap_err().kind(), Kind::TooLarge);
}

#[tokio::test]
async fn pages_that_lead_astray_are_an_error() {
    for link in ["</v2/app/referrers/SUBJECT>; rel=next", "<https://elsewhere.example/x>; rel=\"next\""] {
        let server = MockServer::start().await;
        no_fallback(&server).await;
        let link = link.replace("SUBJECT", &subject().to_string());
        Mock::given(path_regex("/referrers/"))
            .respond_with(index(vec![entry(1)]).insert_header("link", link))
            .mount(&server)
            .await;
        let repository = reference(&server, "app").repository;
        let error = registry(Settings::default()).referrers(&repository, &subject()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Malformed, "{error}");
    }
}

#[tokio::test]
async fn a_registry_without_a_list_has_the_tag() {
    for none in [
        ResponseTemplate::new(404),
        ResponseTemplate::new(405),
        ResponseTemplate::new(200).set_body_raw("<html>welcome</html>", "text/html"),
    ] {
        let server = MockServer::start().await;
        Mock::given(path_regex("/referrers/")).respond_with(none).mount(&server).await;
        let tag = format!("/v2/app/manifests/{}", subject().tag_prefix());
        Mock::given(path(tag)).respond_with(index(vec![entry(1), entry(2), entry(1)])).mount(&server).await;
        let repository = reference(&server, "app").repository;
        let found = registry(Settings::default()).referrers(&repository, &subject()).await.unwrap();
        assert_eq!(found.len(), 3 - 1, "each once");
    }
}

#[tokio::test]
async fn both_lists_count_where_there_are_two() {
    let server = MockServer::start().await;
    Mock::given(path_regex("/referrers/")).respond_with(index(vec![entry(1), entry(2)])).mount(&server).await;
    Mock::given(path_regex("/manifests/sha256-")).respond_with(index(vec![entry(2), entry(3)])).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let found = registry(Settings::default()).referrers(&repository, &subject()).await.unwrap();
    assert_eq!(found.len(), 3);
}

#[tokio::test]
async fn a_failure_is_never_none() {
    for (at, status) in [("/referrers/", 500), ("/referrers/", 403), ("/referrers/", 429), ("/manifests/sha256-", 502)]
    {
        let server = MockServer::start().await;
        Mock::given(path_regex(at)).respond_with(ResponseTemplate::new(status)).mount(&server).await;
        Mock::given(method("GET")).respond_with(ResponseTemplate::new(404)).with_priority(9).mount(&server).await;
        let repository = reference(&server, "app").repository;
        assert!(registry(Settings::default()).referrers(&repository, &subject()).await.is_err(), "{at} {status}");
    }
    for body in ["{\"manifests\":{}}", "[]", "{"] {
        let server = MockServer::start().await;
        let broken = ResponseTemplate::new(200).set_body_raw(body, media_type::INDEX);
        Mock::given(path_regex("/referrers/")).respond_with(broken).mount(&server).await;
        let repository = reference(&server, "app").repository;
        let error = registry(Settings::default()).referrers(&repository, &subject()).await.unwrap_err();
        assert_eq!(error.kind(), Kind::Malformed, "{body}");
    }
    // An image at the tag of the list.
    let server = MockServer::start().await;
    Mock::given(path_regex("/referrers/")).respond_with(ResponseTemplate::new(404)).mount(&server).await;
    let image = ResponseTemplate::new(200).set_body_raw("{}", media_type::MANIFEST);
    Mock::given(path_regex("/manifests/sha256-")).respond_with(image).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let error = registry(Settings::default()).referrers(&repository, &subject()).await.unwrap_err();
    assert!(error.to_string().contains("should list what refers to an image"), "{error}");
}

#[tokio::test]
async fn what_others_listed_stays_as_they_wrote_it() {
    let server = MockServer::start().await;
    let foreign = json!({ "mediaType": "text/x", "digest": Digest::of(b"x"), "size": 3, "data": "eA==", "urls": ["https://a.example"],
                          "annotations": { "a": "b" }, "platform": { "os": "linux", "architecture": "arm", "os.features": ["x"] } });
    let before = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [foreign], "annotations": { "kept": "yes" } });
    let answer = ResponseTemplate::new(200).set_body_raw(before.to_string(), media_type::INDEX);
    Mock::given(method("GET")).and(path_regex("/manifests/sha256-")).respond_with(answer.clone()).mount(&server).await;
    Mock::given(method("HEAD")).and(path_regex("/manifests/sha256-")).respond_with(answer).mount(&server).await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(201)).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let manifest = Manifest {
        subject: Some(Descriptor::new(media_type::MANIFEST, subject(), 1)),
        ..Manifest::new(Descriptor::of(media_type::EMPTY, b"{}"), Vec::new())
    };
    // This server never has what was written, so it is lost in the end; what was written is what matters here.
    let lost = registry(Settings::default());
    let outcome =
        tokio::time::timeout(std::time::Duration::from_millis(700), lost.attach(&repository, &manifest)).await;
    assert!(outcome.is_err() || outcome.is_ok_and(|outcome| outcome.is_err()));
    let requests = server.received_requests().await.unwrap();
    let written = requests
        .iter()
        .find(|request| request.method.as_str() == "PUT" && request.url.path().contains("/manifests/sha256-"))
        .expect("the index is written");
    let written: Value = serde_json::from_slice(&written.body).unwrap();
    assert_eq!(written["manifests"][0], foreign);
    assert_eq!(written["annotations"], before["annotations"]);
    let ours = &written["manifests"][1];
    assert_eq!(ours["artifactType"], media_type::EMPTY, "the configuration's, as the specification has it");
}

#[tokio::test]
async fn a_list_that_could_not_be_read_back_is_not_written() {
    let server = MockServer::start().await;
    let entries: Vec<Descriptor> = (0..9).map(|number| serde_json::from_value(entry(number)).unwrap()).collect();
    let full = serde_json::to_vec(&crate::Index { manifests: entries, ..crate::Index::default() }).unwrap();
    let most = full.len() as u64;
    let full = ResponseTemplate::new(200).set_body_raw(full, media_type::INDEX);
    Mock::given(path_regex("/manifests/sha256-")).and(method("GET")).respond_with(full.clone()).mount(&server).await;
    Mock::given(path_regex("/manifests/sha256-")).and(method("HEAD")).respond_with(full).mount(&server).await;
    let written = ResponseTemplate::new(201);
    Mock::given(path_regex("/manifests/sha256:")).respond_with(written.clone()).expect(1).mount(&server).await;
    Mock::given(path_regex("/manifests/sha256-"))
        .and(method("PUT"))
        .respond_with(written)
        .expect(0)
        .mount(&server)
        .await;
    let repository = reference(&server, "app").repository;
    let manifest = Manifest {
        subject: Some(Descriptor::new(media_type::MANIFEST, subject(), 1)),
        ..Manifest::new(Descriptor::of(media_type::EMPTY, b"{}"), Vec::new())
    };
    let small = registry(Settings { max_manifest: most, ..Settings::default() });
    let error = small.attach(&repository, &manifest).await.unwrap_err();
    assert_eq!(error.kind(), Kind::TooLarge, "{error}");
    assert!(error.to_string().contains(&format!("at most {most} are read")), "{error}");
}

#[tokio::test]
async fn dockers_kind_of_list_becomes_an_index() {
    let server = MockServer::start().await;
    let list = json!({ "schemaVersion": 2, "mediaType": media_type::DOCKER_LIST, "manifests": [entry(1)] });
    let list = ResponseTemplate::new(200).set_body_raw(list.to_string(), media_type::DOCKER_LIST);
    Mock::given(path_regex("/manifests/sha256-"))
        .and(method("PUT"))
        .respond_with(ResponseTemplate::new(403))
        .mount(&server)
        .await;
    Mock::given(path_regex("/manifests/sha256-")).respond_with(list).with_priority(9).mount(&server).await;
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(201)).with_priority(9).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let manifest = Manifest {
        subject: Some(Descriptor::new(media_type::MANIFEST, subject(), 1)),
        ..Manifest::new(Descriptor::of(media_type::EMPTY, b"{}"), Vec::new())
    };
    let error = registry(Settings::default()).attach(&repository, &manifest).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Denied, "what the tag says to it: {error}");
    let requests = server.received_requests().await.unwrap();
    let written = requests.iter().rfind(|request| request.method.as_str() == "PUT").unwrap();
    assert_eq!(written.headers["content-type"], media_type::INDEX);
    let written: Value = serde_json::from_slice(&written.body).unwrap();
    assert_eq!(written["mediaType"], media_type::INDEX, "as its header says");
}

#[tokio::test]
async fn a_registry_that_lists_needs_no_tag() {
    let server = MockServer::start().await;
    let accepted = ResponseTemplate::new(201).insert_header("oci-subject", subject().to_string());
    Mock::given(method("PUT")).respond_with(accepted).expect(1).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let manifest = Manifest {
        subject: Some(Descriptor::new(media_type::MANIFEST, subject(), 1)),
        ..Manifest::new(Descriptor::of(media_type::EMPTY, b"{}"), Vec::new())
    };
    let attached = registry(Settings::default()).attach(&repository, &manifest).await.unwrap();
    assert_eq!(attached.fallback_tag, None);
    let nothing = Manifest::new(Descriptor::of(media_type::EMPTY, b"{}"), Vec::new());
    assert!(registry(Settings::default()).attach(&repository, &nothing).await.is_err());
}

#[tokio::test]
async fn a_manifest_that_the_registry_has_differently_is_told() {
    let server = MockServer::start().await;
    let other = ResponseTemplate::new(201).insert_header("docker-content-digest", Digest::of(b"other").to_string());
    Mock::given(method("PUT")).and(path("/v2/app/manifests/1")).respond_with(other).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let error = registry(Settings::default())
        .push_manifest(&repository, "1", media_type::MANIFEST, Bytes::from_static(b"{}"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), Kind::DigestMismatch);
}

#[tokio::test]
async fn the_next_page_is_in_any_link_header() {
    let server = MockServer::start().await;
    no_fallback(&server).await;
    let next = format!("</v2/app/referrers/{}?last=a,b>; rel=\"next\"", subject());
    let first = index(vec![entry(1)]).append_header("link", "</help>; rel=help").append_header("link", next.as_str());
    let second = Mock::given(query_param("last", "a,b")).respond_with(index(vec![entry(2)]));
    second.with_priority(1).expect(1).mount(&server).await;
    Mock::given(path_regex("/referrers/")).respond_with(first).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let found = registry(Settings::default()).referrers(&repository, &subject()).await.unwrap();
    assert_eq!(found.len(), 2);
}

#[tokio::test]
async fn a_page_that_is_gone_is_not_the_end_of_the_list() {
    let server = MockServer::start().await;
    no_fallback(&server).await;
    let next = format!("</v2/app/referrers/{}?n=1>; rel=\"next\"", subject());
    let gone = Mock::given(query_param("n", "1")).respond_with(ResponseTemplate::new(404));
    gone.with_priority(1).mount(&server).await;
    let first = index(vec![entry(1)]).insert_header("link", next);
    Mock::given(path_regex("/referrers/")).respond_with(first).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let error = registry(Settings::default()).referrers(&repository, &subject()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::Malformed, "only a list that is not there is not found");
    assert!(error.to_string().ends_with("page 2 of them is gone"), "{error}");
}

#[tokio::test]
async fn all_pages_together_are_bounded() {
    let server = MockServer::start().await;
    no_fallback(&server).await;
    let pages = |request: &Request| {
        let page: usize = request.url.query().map_or(0, |query| query.trim_start_matches("n=").parse().unwrap());
        let next = format!("<{}?n={}>; rel=\"next\"", request.url.path(), page + 1);
        index((page * 10..(page + 1) * 10).map(entry).collect()).insert_header("link", next)
    };
    Mock::given(path_regex("/referrers/")).respond_with(pages).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let small = registry(Settings { max_manifest: 4096, ..Settings::default() });
    let error = small.referrers(&repository, &subject()).await.unwrap_err();
    assert_eq!(error.kind(), Kind::TooLarge, "{error}");
    let asked = server.received_requests().await.unwrap().len();
    assert!(asked < 12, "{asked} pages of about 2000 bytes, and 16384 bytes are read");
}

#[test]
fn links_are_read_as_they_are_written() {
    assert_eq!(next_link("</v2/a?n=1>; rel=\"next\"").as_deref(), Some("/v2/a?n=1"));
    assert_eq!(next_link("</first>; rel=\"first\", </next>; title=x; rel=next").as_deref(), Some("/next"));
    assert_eq!(next_link("</v2/a?last=x,y;z>; rel=\"next\"").as_deref(), Some("/v2/a?last=x,y;z"));
    assert_eq!(next_link("</v2/a>; title=\"a, \\\"b; <c\"; REL=\"last Next\"").as_deref(), Some("/v2/a"));
    assert_eq!(next_link("</x>; rel=\"prev\""), None);
    assert_eq!(next_link("</x>; title=\"rel=next\""), None);
    assert_eq!(next_link("garbage"), None);
}
