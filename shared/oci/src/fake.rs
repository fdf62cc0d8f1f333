//! A registry for tests. It stores what it receives, and fails on request.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use crate::client::tests::{reference, trying};
use crate::types::media_type;
use crate::{Digest, Registry, RegistrySettings, Repository};

/// A fault of the next request with this method whose path contains this text.
pub(crate) struct Fault {
    method: &'static str,
    path: &'static str,
    what: Trouble,
}

#[derive(Clone)]
pub(crate) enum Trouble {
    /// The request has no effect, and this is the response.
    Refused(ResponseTemplate),
    /// The request has its effect, and this is the response.
    Done(ResponseTemplate),
    /// The request has its effect, and the connection breaks.
    DoneAndLost,
    /// The connection breaks.
    Lost,
    /// This many bytes of the body are stored, and this is the response.
    Cut(usize, ResponseTemplate),
}

#[derive(Default)]
struct State {
    /// By tag and digest.
    manifests: BTreeMap<String, (String, Vec<u8>)>,
    blobs: BTreeMap<String, Vec<u8>>,
    uploads: BTreeMap<String, Vec<u8>>,
    begun: usize,
    faults: VecDeque<Fault>,
    log: Vec<String>,
    /// Milliseconds that an answer takes at most.
    delay: u64,
}

#[derive(Clone)]
pub(crate) struct Fake {
    server: Arc<MockServer>,
    state: Arc<Mutex<State>>,
}

impl Fake {
    pub(crate) async fn start() -> Fake {
        let fake = Fake { server: Arc::new(MockServer::start().await), state: Arc::default() };
        let state = Arc::clone(&fake.state);
        let breaks = move |request: &Request| {
            let state = state.lock().unwrap();
            let next = state.faults.iter().find(|fault| fault.meets(request));
            next.is_some_and(|fault| matches!(fault.what, Trouble::Lost | Trouble::DoneAndLost))
        };
        let state = Arc::clone(&fake.state);
        let broken = move |request: &Request| {
            let mut state = state.lock().unwrap();
            if matches!(state.fault(request), Some(Trouble::DoneAndLost)) {
                state.act(request, &request.body);
            }
            io::Error::from(io::ErrorKind::ConnectionReset)
        };
        Mock::given(breaks).respond_with_err(broken).with_priority(1).mount(&fake.server).await;
        Mock::given(any()).respond_with(Answer(Arc::clone(&fake.state))).mount(&fake.server).await;
        fake
    }

    pub(crate) fn repository(&self) -> Repository {
        reference(&self.server, "app").repository
    }

    pub(crate) fn registry(&self, settings: RegistrySettings) -> Registry {
        trying(4, settings)
    }

    pub(crate) fn fail(&self, method: &'static str, path: &'static str, what: Trouble) -> &Fake {
        self.state.lock().unwrap().faults.push_back(Fault { method, path, what });
        self
    }

    pub(crate) fn delay(&self, most: u64) {
        self.state.lock().unwrap().delay = most;
    }

    pub(crate) fn blob(&self, digest: &Digest) -> Option<Vec<u8>> {
        self.state.lock().unwrap().blobs.get(&digest.to_string()).cloned()
    }

    pub(crate) fn manifest(&self, name: &str) -> Option<Vec<u8>> {
        self.state.lock().unwrap().manifests.get(name).map(|(_, bytes)| bytes.clone())
    }

    pub(crate) fn put(&self, name: &str, bytes: &[u8]) {
        let manifest = (media_type::INDEX.to_owned(), bytes.to_vec());
        self.state.lock().unwrap().manifests.insert(name.to_owned(), manifest);
    }

    /// The requests since the last call, as `PATCH 0-3`.
    pub(crate) fn log(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().unwrap().log)
    }

    /// Whether every fault was used.
    pub(crate) fn is_well(&self) -> bool {
        self.state.lock().unwrap().faults.is_empty()
    }
}

impl Fault {
    fn meets(&self, request: &Request) -> bool {
        request.method.as_str() == self.method && request.url.path().contains(self.path)
    }
}

struct Answer(Arc<Mutex<State>>);

impl Respond for Answer {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut state = self.0.lock().unwrap();
        let answer = match state.fault(request) {
            Some(Trouble::Refused(answer)) => answer,
            Some(Trouble::Cut(kept, answer)) => {
                state.act(request, &request.body[..kept]);
                answer
            }
            Some(Trouble::Done(answer)) => {
                state.act(request, &request.body);
                answer
            }
            _ => state.act(request, &request.body),
        };
        match state.delay {
            0 => answer,
            most => answer.set_delay(Duration::from_millis(fastrand::u64(0..most))),
        }
    }
}

impl State {
    fn fault(&mut self, request: &Request) -> Option<Trouble> {
        let range = request.headers.get("content-range").map_or("", |range| range.to_str().unwrap());
        self.log.push(format!("{} {range}", request.method).trim().to_owned());
        let index = self.faults.iter().position(|fault| fault.meets(request))?;
        self.faults.remove(index).map(|fault| fault.what)
    }

    fn act(&mut self, request: &Request, body: &[u8]) -> ResponseTemplate {
        let path = request.url.path().trim_start_matches("/v2/app/").to_owned();
        let missing = ResponseTemplate::new(404);
        let (kind, name) = path.split_once('/').unwrap_or((&path, ""));
        match (request.method.as_str(), kind, name) {
            ("PUT", "manifests", name) => {
                let digest = Digest::of(body).to_string();
                let media_type = request.headers["content-type"].to_str().unwrap().to_owned();
                for name in [name, &digest] {
                    self.manifests.insert(name.to_owned(), (media_type.clone(), body.to_vec()));
                }
                ResponseTemplate::new(201).insert_header("docker-content-digest", digest)
            }
            (_, "manifests", name) => self.manifests.get(name).map_or(missing, |(media_type, bytes)| {
                ResponseTemplate::new(200)
                    .insert_header("docker-content-digest", Digest::of(bytes).to_string())
                    .set_body_raw(bytes.clone(), media_type)
            }),
            ("POST", "blobs", "uploads/") => {
                self.begun += 1;
                let id = self.begun.to_string();
                self.uploads.insert(id.clone(), Vec::new());
                at(202, &id, 0)
            }
            (method, "blobs", name) => match name.strip_prefix("uploads/") {
                Some(id) => self.upload(method, id, request, body),
                None => {
                    self.blobs.get(name).map_or(missing, |blob| ResponseTemplate::new(200).set_body_bytes(blob.clone()))
                }
            },
            _ => missing,
        }
    }

    fn upload(&mut self, method: &str, id: &str, request: &Request, body: &[u8]) -> ResponseTemplate {
        let Some(kept) = self.uploads.get_mut(id) else { return ResponseTemplate::new(404) };
        match method {
            "GET" => at(204, id, kept.len()),
            "PATCH" => {
                let range = request.headers["content-range"].to_str().unwrap();
                if range.split_once('-').unwrap().0 != kept.len().to_string() {
                    return at(416, id, kept.len());
                }
                kept.extend_from_slice(body);
                at(202, id, kept.len())
            }
            _ => {
                kept.extend_from_slice(body);
                let digest = request.url.query_pairs().find(|(name, _)| name == "digest").unwrap().1.into_owned();
                if Digest::of(kept).to_string() != digest {
                    let told = serde_json::json!({ "errors": [{ "code": "DIGEST_INVALID", "message": "it differs" }] });
                    return ResponseTemplate::new(400).set_body_json(told);
                }
                let blob = self.uploads.remove(id).unwrap();
                self.blobs.insert(digest, blob);
                ResponseTemplate::new(201)
            }
        }
    }
}

/// As in the registry of the distribution project, `0-0` means no byte or one.
fn at(status: u16, id: &str, kept: usize) -> ResponseTemplate {
    ResponseTemplate::new(status)
        .insert_header("location", format!("/v2/app/blobs/uploads/{id}?state={kept}"))
        .insert_header("range", format!("0-{}", kept.saturating_sub(1)))
}
