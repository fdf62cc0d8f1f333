mod fallback;

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use wiremock::matchers::{method, path, path_regex};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{NextPage, next_of};
use crate::client::tests::{reference, registry};
use crate::types::media_type;
use crate::{Descriptor, Digest, ErrorKind, Manifest, RegistrySettings};

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
    let found = registry(RegistrySettings::default()).referrers(&repository, &subject()).await.unwrap();
    assert_eq!(found.len(), 10_000);
    let few = registry(RegistrySettings { max_pages: 9, ..RegistrySettings::default() });
    assert_eq!(few.referrers(&repository, &subject()).await.unwrap_err().kind(), ErrorKind::TooLarge);
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
        let error = registry(RegistrySettings::default()).referrers(&repository, &subject()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{error}");
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
        let found = registry(RegistrySettings::default()).referrers(&repository, &subject()).await.unwrap();
        assert_eq!(found.len(), 3 - 1, "each once");
    }
}

#[tokio::test]
async fn both_lists_count_where_there_are_two() {
    let server = MockServer::start().await;
    Mock::given(path_regex("/referrers/")).respond_with(index(vec![entry(1), entry(2)])).mount(&server).await;
    Mock::given(path_regex("/manifests/sha256-")).respond_with(index(vec![entry(2), entry(3)])).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let found = registry(RegistrySettings::default()).referrers(&repository, &subject()).await.unwrap();
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
        assert!(
            registry(RegistrySettings::default()).referrers(&repository, &subject()).await.is_err(),
            "{at} {status}"
        );
    }
    let image = json!({ "schemaVersion": 2, "mediaType": media_type::MANIFEST, "manifests": [] }).to_string();
    for body in ["{\"manifests\":{}}", "{\"schemaVersion\":2}", "[]", "{", &image] {
        let server = MockServer::start().await;
        let broken = ResponseTemplate::new(200).set_body_raw(body, media_type::INDEX);
        Mock::given(path_regex("/referrers/")).respond_with(broken).mount(&server).await;
        let repository = reference(&server, "app").repository;
        let error = registry(RegistrySettings::default()).referrers(&repository, &subject()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{body}");
    }
    // An image at the tag of the list.
    let server = MockServer::start().await;
    Mock::given(path_regex("/referrers/")).respond_with(ResponseTemplate::new(404)).mount(&server).await;
    let image = ResponseTemplate::new(200).set_body_raw("{}", media_type::MANIFEST);
    Mock::given(path_regex("/manifests/sha256-")).respond_with(image).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let error = registry(RegistrySettings::default()).referrers(&repository, &subject()).await.unwrap_err();
    assert!(error.to_string().contains("and not an index of referrers"), "{error}");
}

#[tokio::test]
async fn an_artifact_without_a_type_has_that_of_its_configuration() {
    let fake = crate::fake::Fake::start().await;
    let manifest = Manifest {
        subject: Some(Descriptor::new(media_type::MANIFEST, subject(), 1)),
        ..Manifest::new(Descriptor::of("text/config", b"{}"), Vec::new())
    };
    let registry = fake.registry(RegistrySettings::default());
    registry.attach(&fake.repository(), &manifest).await.unwrap();
    let listed = registry.referrers(&fake.repository(), &subject()).await.unwrap();
    assert_eq!(listed[0].artifact_type.as_deref(), Some("text/config"));
}

#[tokio::test]
async fn a_page_that_cannot_be_followed_is_not_the_last() {
    let commas = "</v2/app/referrers/next?last=a,b>; rel=\"next\"";
    for (links, expected) in [
        (vec![commas], Some(2)),
        (vec!["</first>; rel=first", commas], Some(2)),
        (vec!["</v2/app/referrers/next; rel=next"], None),
        (vec!["</v2/app/referrers/n\u{e4}chste>; rel=next"], None),
    ] {
        let server = MockServer::start().await;
        no_fallback(&server).await;
        let mut first = index(vec![entry(1)]);
        for link in links {
            first = first.append_header("link", link);
        }
        Mock::given(path_regex("/referrers/sha256")).respond_with(first).mount(&server).await;
        Mock::given(path_regex("/referrers/next")).respond_with(index(vec![entry(2)])).mount(&server).await;
        let repository = reference(&server, "app").repository;
        let found = registry(RegistrySettings::default()).referrers(&repository, &subject()).await;
        match (found, expected) {
            (Ok(found), Some(expected)) => assert_eq!(found.len(), expected),
            (Err(error), None) => assert_eq!(error.kind(), ErrorKind::Malformed, "{error}"),
            (outcome, _) => panic!("{outcome:?}"),
        }
    }
    // A page that fails later on.
    for status in [400, 404, 405, 500] {
        let server = MockServer::start().await;
        no_fallback(&server).await;
        let first = index(vec![entry(1)]).insert_header("link", commas);
        Mock::given(path_regex("/referrers/sha256")).respond_with(first).mount(&server).await;
        Mock::given(path_regex("/referrers/next")).respond_with(ResponseTemplate::new(status)).mount(&server).await;
        let repository = reference(&server, "app").repository;
        let error = registry(RegistrySettings::default()).referrers(&repository, &subject()).await.unwrap_err();
        assert!(!error.is_not_found(), "{status}: only a list that is not there is not found");
        assert!(status != 404 || error.to_string().contains("page 2 of the list was not found"), "{error}");
    }
}

#[tokio::test]
async fn all_pages_together_are_bounded() {
    let server = MockServer::start().await;
    no_fallback(&server).await;
    let pages = |request: &Request| {
        let page: usize =
            request.url.query_pairs().find(|(name, _)| name == "n").map_or(0, |(_, page)| page.parse().unwrap());
        let answer = index((page * 5..(page + 1) * 5).map(entry).collect());
        answer.insert_header("link", format!("<?n={}>; rel=\"next\"", page + 1))
    };
    Mock::given(path_regex("/referrers/")).respond_with(pages).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let small = registry(RegistrySettings { max_manifest: 2000, ..RegistrySettings::default() });
    let error = small.referrers(&repository, &subject()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
    assert!(error.to_string().contains("larger than 8000 bytes"), "{error}");
    assert!(server.received_requests().await.unwrap().len() < 20);
}

#[tokio::test]
async fn a_registry_that_lists_needs_no_tag() {
    let server = MockServer::start().await;
    let accepted = ResponseTemplate::new(201).insert_header("oci-subject", subject().to_string());
    Mock::given(method("PUT")).respond_with(accepted.clone()).expect(1).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let manifest = Manifest {
        subject: Some(Descriptor::new(media_type::MANIFEST, subject(), 1)),
        ..Manifest::new(Descriptor::of(media_type::EMPTY, b"{}"), Vec::new())
    };
    let kept = || ResponseTemplate::new(200).set_body_bytes(serde_json::to_vec(&manifest).unwrap());
    Mock::given(method("GET")).and(path_regex("/manifests/")).respond_with(kept()).expect(1).mount(&server).await;
    let attached = registry(RegistrySettings::default()).attach(&repository, &manifest).await.unwrap();
    assert_eq!(attached.fallback_tag, None);

    let silent = MockServer::start().await;
    let descriptor = Descriptor::of(media_type::MANIFEST, &serde_json::to_vec(&manifest).unwrap());
    Mock::given(method("PUT")).respond_with(ResponseTemplate::new(201)).expect(1).mount(&silent).await;
    Mock::given(method("GET")).and(path_regex("/manifests/")).respond_with(kept()).expect(1).mount(&silent).await;
    Mock::given(path_regex("/referrers/"))
        .respond_with(index(vec![entry(1), serde_json::to_value(descriptor).unwrap()]))
        .mount(&silent)
        .await;
    let repository = reference(&silent, "app").repository;
    let attached = registry(RegistrySettings::default()).attach(&repository, &manifest).await.unwrap();
    assert_eq!(attached.fallback_tag, None, "one that doesn't say that it keeps lists");
    let nothing = Manifest::new(Descriptor::of(media_type::EMPTY, b"{}"), Vec::new());
    assert!(registry(RegistrySettings::default()).attach(&repository, &nothing).await.is_err());
}

/// It answers 201, and says that it keeps lists.
#[tokio::test]
async fn a_manifest_that_the_registry_does_not_have_afterwards_is_not_attached() {
    let accepted = || ResponseTemplate::new(201).insert_header("oci-subject", subject().to_string());
    let manifest = Manifest {
        subject: Some(Descriptor::new(media_type::MANIFEST, subject(), 1)),
        ..Manifest::new(Descriptor::of(media_type::EMPTY, b"{}"), Vec::new())
    };
    let kept = ResponseTemplate::new(200).set_body_bytes(serde_json::to_vec(&manifest).unwrap());
    for (lag, answer, expected) in [
        (0, ResponseTemplate::new(404), Some(ErrorKind::Malformed)),
        (0, ResponseTemplate::new(200).set_body_string("{}"), Some(ErrorKind::DigestMismatch)),
        (0, ResponseTemplate::new(403), Some(ErrorKind::Denied)),
        (2, kept, None),
    ] {
        let server = MockServer::start().await;
        Mock::given(method("PUT")).respond_with(accepted()).mount(&server).await;
        let late = ResponseTemplate::new(404);
        if lag > 0 {
            Mock::given(method("GET")).respond_with(late).up_to_n_times(lag).with_priority(1).mount(&server).await;
        }
        Mock::given(method("GET")).respond_with(answer).mount(&server).await;
        let repository = reference(&server, "app").repository;
        let attached = registry(RegistrySettings::default()).attach(&repository, &manifest).await;
        assert_eq!(attached.err().map(|error| error.kind()), expected);
    }
}

#[tokio::test]
async fn a_manifest_that_the_registry_stores_differently_is_an_error() {
    let server = MockServer::start().await;
    let other = ResponseTemplate::new(201).insert_header("docker-content-digest", Digest::of(b"other").to_string());
    Mock::given(method("PUT")).and(path("/v2/app/manifests/1")).respond_with(other).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let error = registry(RegistrySettings::default())
        .push_manifest(&repository, "1", media_type::MANIFEST, Bytes::from_static(b"{}"))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DigestMismatch);
}

#[test]
fn links_are_read_as_they_are_written() {
    let next = |target: &str| NextPage::At(target.to_owned());
    for (header, expected) in [
        ("</v2/a?n=1>; rel=\"next\"", next("/v2/a?n=1")),
        ("</v2/a?last=x,y;z&n=1>; rel=\"next\"", next("/v2/a?last=x,y;z&n=1")),
        ("</v2/a>;REL=Next", next("/v2/a")),
        ("</first>; rel=\"first\", </next>; title=x; rel=next", next("/next")),
        ("</next>; title=\"a, b\"; rel=\"last next\"", next("/next")),
        ("</v2/a>; title=\"a, \\\"b; <c\"; REL=\"last Next\"", next("/v2/a")),
        ("</x>; title=\"x; rel=next\"", NextPage::None),
        ("</x>; rel=\"prev\"", NextPage::None),
        ("</x>; title=\"rel=next\"", NextPage::None),
        ("</x>", NextPage::None),
        ("", NextPage::None),
        ("garbage", NextPage::Unreadable),
        ("</never; rel=next", NextPage::Unreadable),
    ] {
        assert_eq!(next_of(header), expected, "{header}");
    }
}

proptest! {
    #[test]
    fn no_link_panics(header in "[<>;,=\"a-z é]{0,40}") {
        drop(next_of(&header));
    }
}
