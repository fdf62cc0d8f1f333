//! Over HTTP; the timing is tested in `simulated`.

mod simulated;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use wiremock::matchers::path;
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::Edit;
use crate::client::tests::{reference, registry};
use crate::types::media_type;
use crate::{Fetched, Registry, RegistrySettings};

/// A tag as a registry has it: a set of lines.
#[derive(Clone, Default)]
struct Tag {
    now: Arc<Mutex<Option<Vec<u8>>>>,
}

impl wiremock::Respond for Tag {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let delay = Duration::from_millis(fastrand::u64(0..12));
        let mut now = self.now.lock().unwrap();
        if request.method.as_str() == "PUT" {
            *now = Some(request.body.clone());
            return ResponseTemplate::new(201).set_delay(delay);
        }
        let answer = match &*now {
            Some(bytes) => ResponseTemplate::new(200).set_body_raw(bytes.clone(), media_type::INDEX),
            None => ResponseTemplate::new(404),
        };
        answer.set_delay(delay)
    }
}

async fn add(registry: &Registry, server: &MockServer, line: &str) -> Result<(), crate::Error> {
    let lines = |fetched: &Fetched| -> BTreeSet<String> {
        String::from_utf8_lossy(&fetched.bytes).lines().map(str::to_owned).collect()
    };
    let edit = |current: Option<&Fetched>| {
        let mut lines = current.map(lines).unwrap_or_default();
        lines.insert(line.to_owned());
        let text = lines.into_iter().collect::<Vec<_>>().join("\n");
        Ok(Edit { blobs: Vec::new(), media_type: media_type::INDEX, manifest: Bytes::from(text) })
    };
    registry.update_tag(&reference(server, "app:list"), edit, |fetched| lines(fetched).contains(line)).await
}

#[tokio::test]
async fn what_many_add_at_once_is_all_there() {
    for _ in 0..3 {
        let server = MockServer::start().await;
        let tag = Tag::default();
        Mock::given(path("/v2/app/manifests/list")).respond_with(tag.clone()).mount(&server).await;
        let registry = registry(RegistrySettings::default());
        let lines: Vec<String> = (0..8).map(|number| format!("line {number}")).collect();
        for outcome in futures_util::future::join_all(lines.iter().map(|line| add(&registry, &server, line))).await {
            outcome.unwrap();
        }
        let text = String::from_utf8(tag.now.lock().unwrap().clone().unwrap()).unwrap();
        assert_eq!(text.lines().collect::<Vec<_>>(), lines);
    }
}

#[tokio::test]
async fn alone_it_takes_four_requests() {
    let server = MockServer::start().await;
    Mock::given(path("/v2/app/manifests/list")).respond_with(Tag::default()).mount(&server).await;
    add(&registry(RegistrySettings::default()), &server, "a").await.unwrap();
    let methods: Vec<String> =
        server.received_requests().await.unwrap().iter().map(|request| request.method.to_string()).collect();
    // One more on a machine that is too busy to answer at once.
    assert_eq!(methods[..4], ["GET", "GET", "PUT", "GET"]);
    assert!(methods.len() <= 5, "{methods:?}");
}
