//! The index at a tag, at a registry that keeps what it is sent.

use futures_util::future::join_all;
use serde_json::{Value, json};
use wiremock::matchers::{method, path_regex};
use wiremock::{Mock, MockServer, ResponseTemplate};

use super::{entry, subject};
use crate::client::tests::{reference, registry};
use crate::fake::{Fake, Trouble};
use crate::types::media_type;
use crate::{Descriptor, ErrorKind, Manifest, RegistrySettings};

/// An artifact that differs from others by its name.
fn artifact(name: &str) -> Manifest {
    Manifest {
        artifact_type: Some(format!("text/{name}")),
        subject: Some(Descriptor::new(media_type::MANIFEST, subject(), 1)),
        ..Manifest::new(Descriptor::of(media_type::EMPTY, b"{}"), Vec::new())
    }
}

#[tokio::test]
async fn eight_who_attach_at_once_are_all_listed() {
    for delay in [1, 5, 15, 40] {
        let fake = Fake::start().await;
        fake.delay(delay);
        let names: Vec<String> = (0..8).map(|number| number.to_string()).collect();
        // Each its own client, as jobs are.
        let attached = join_all(names.iter().map(async |name| {
            fake.registry(RegistrySettings::default()).attach(&fake.repository(), &artifact(name)).await
        }))
        .await;
        for outcome in attached {
            assert_eq!(outcome.unwrap().fallback_tag, Some(subject().tag_prefix()));
        }
        let listed =
            fake.registry(RegistrySettings::default()).referrers(&fake.repository(), &subject()).await.unwrap();
        let mut types: Vec<String> = listed.into_iter().filter_map(|listed| listed.artifact_type).collect();
        types.sort();
        assert_eq!(types, names.iter().map(|name| format!("text/{name}")).collect::<Vec<_>>(), "delay {delay}");
    }
}

#[tokio::test]
async fn whatever_breaks_on_the_way_it_is_listed_once() {
    let busy = || ResponseTemplate::new(429).insert_header("retry-after", "0");
    for trouble in [
        Trouble::Refused(busy()),
        Trouble::Refused(ResponseTemplate::new(500)),
        Trouble::Done(ResponseTemplate::new(500)),
        Trouble::Lost,
        Trouble::DoneAndLost,
    ] {
        let fake = Fake::start().await;
        fake.fail("PUT", "/manifests/sha256-", trouble);
        let registry = fake.registry(RegistrySettings::default());
        registry.attach(&fake.repository(), &artifact("a")).await.unwrap();
        assert!(fake.is_well());
        // A write that failed is not repeated without looking: who knows what was written meanwhile.
        let log = fake.log();
        let writes: Vec<usize> = (1..log.len()).filter(|at| log[*at] == "PUT").collect();
        assert!(writes.iter().all(|at| *at == 1 || log[at - 1] == "GET"), "{log:?}");
        // And again, as a job that is run once more.
        registry.attach(&fake.repository(), &artifact("a")).await.unwrap();
        assert_eq!(registry.referrers(&fake.repository(), &subject()).await.unwrap().len(), 1);
    }
    // What is refused is not tried again, nor what takes longer than there is time.
    for (answer, kind) in [
        (ResponseTemplate::new(403), ErrorKind::Denied),
        (ResponseTemplate::new(400), ErrorKind::Refused),
        (ResponseTemplate::new(429).insert_header("retry-after", "3600"), ErrorKind::Unavailable),
    ] {
        let fake = Fake::start().await;
        fake.fail("PUT", "/manifests/sha256-", Trouble::Refused(answer));
        let error =
            fake.registry(RegistrySettings::default()).attach(&fake.repository(), &artifact("a")).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[tokio::test]
async fn what_others_wrote_stays_whatever_it_is() {
    let unknown =
        json!({ "mediaType": "text/x", "digest": "sha384:unknown", "size": -1, "annotations": { "a": null } });
    let known = json!({ "mediaType": "text/y", "digest": subject(), "size": 3, "data": "eA==", "platform": { "os": null },
                        "annotations": null });
    let before = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": [unknown, known, 7],
                         "annotations": { "kept": "yes" }, "x": [1, 2.5] });
    let fake = Fake::start().await;
    let tag = subject().tag_prefix();
    fake.put(&tag, before.to_string().as_bytes());
    let registry = fake.registry(RegistrySettings::default());
    registry.attach(&fake.repository(), &artifact("a")).await.unwrap();
    let mut after: Value = serde_json::from_slice(&fake.manifest(&tag).unwrap()).unwrap();
    let added = after["manifests"].as_array_mut().unwrap().pop().unwrap();
    assert_eq!(after, before);
    assert_eq!(added["artifactType"], "text/a");
    // To read it is another matter: what can't be read may be what is looked for.
    let error = registry.referrers(&fake.repository(), &subject()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Malformed);
    assert!(error.to_string().contains(&tag), "{error}");

    // An index without a list has none to add to.
    fake.put(&tag, br#"{"schemaVersion":2,"manifests":null}"#);
    registry.attach(&fake.repository(), &artifact("a")).await.unwrap();
    for damaged in ["{}", "[]", r#"{"manifests":{}}"#, "{"] {
        fake.put(&tag, damaged.as_bytes());
        let error = registry.attach(&fake.repository(), &artifact("a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Malformed, "{damaged}: {error}");
        assert_eq!(fake.manifest(&tag).unwrap(), damaged.as_bytes());
    }
}

#[tokio::test]
async fn an_index_that_is_full_stays_as_it_is() {
    let tag = subject().tag_prefix();
    let index = json!({ "schemaVersion": 2, "mediaType": media_type::INDEX, "manifests": (0..20).map(entry).collect::<Vec<_>>() });
    let index = index.to_string();
    for (limit, told) in [(index.len() as u64 + 10, "is full"), (index.len() as u64 - 1, "larger than")] {
        let fake = Fake::start().await;
        fake.put(&tag, index.as_bytes());
        let registry = fake.registry(RegistrySettings { max_manifest: limit, ..RegistrySettings::default() });
        let error = registry.attach(&fake.repository(), &artifact("a")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooLarge);
        assert!(error.to_string().contains(told) && error.to_string().contains(&tag), "{error}");
        assert_eq!(fake.manifest(&tag).unwrap(), index.as_bytes());
    }
}

#[tokio::test]
async fn a_long_digest_has_a_tag_that_is_not_too_long() {
    let fake = Fake::start().await;
    let digest = crate::Digest::parse(&format!("sha512:{}", "ab".repeat(64))).unwrap();
    let manifest =
        Manifest { subject: Some(Descriptor::new(media_type::MANIFEST, digest.clone(), 1)), ..artifact("a") };
    let registry = fake.registry(RegistrySettings::default());
    let tag = registry.attach(&fake.repository(), &manifest).await.unwrap().fallback_tag.unwrap();
    assert_eq!(tag, format!("sha512-{}", "ab".repeat(32)));
    assert_eq!(registry.referrers(&fake.repository(), &digest).await.unwrap().len(), 1);
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
    let kept = ResponseTemplate::new(200).set_body_bytes(serde_json::to_vec(&manifest).unwrap());
    Mock::given(path_regex("/manifests/sha256:")).respond_with(kept).mount(&server).await;
    let error = registry(RegistrySettings::default()).attach(&repository, &manifest).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "what the tag says to it: {error}");
    let requests = server.received_requests().await.unwrap();
    let written = requests.iter().rfind(|request| request.method.as_str() == "PUT").unwrap();
    assert_eq!(written.headers["content-type"], media_type::INDEX);
    let written: Value = serde_json::from_slice(&written.body).unwrap();
    assert_eq!(written["mediaType"], media_type::INDEX, "as its header says");
}
