//! An OCI registry in memory: for the demo, which needs nothing but a Rust toolchain, and for faults that no real
//! registry has on demand. What a user would have is tested against real ones.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::server::{Reply, Request, Server};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// `sha256:...`
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
}

/// Runs until it is dropped.
pub struct MemoryRegistry {
    server: Server,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    referrers: bool,
    /// By repository and digest.
    blobs: HashMap<(String, String), Vec<u8>>,
    /// By repository and digest, with the media type.
    manifests: HashMap<(String, String), (String, Vec<u8>)>,
    /// By repository and tag.
    tags: HashMap<(String, String), String>,
    uploads: HashMap<String, Vec<u8>>,
    count: u64,
}

impl MemoryRegistry {
    /// One that keeps lists of referrers (OCI 1.1).
    pub fn start() -> MemoryRegistry {
        MemoryRegistry::with(true, |_| None)
    }

    /// One that may keep none, and that answers to what `fault` says before it looks itself.
    pub fn with(referrers: bool, fault: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static) -> MemoryRegistry {
        MemoryRegistry::on(0, referrers, fault)
    }

    /// [`MemoryRegistry::with`] on a port that is not ours to choose.
    pub fn on(
        port: u16,
        referrers: bool,
        fault: impl Fn(&Request) -> Option<Reply> + Send + Sync + 'static,
    ) -> MemoryRegistry {
        let state = Arc::new(Mutex::new(State { referrers, ..State::default() }));
        let shared = Arc::clone(&state);
        let server = Server::start_on(port, move |request| {
            fault(request).unwrap_or_else(|| shared.lock().unwrap().answer(request))
        });
        MemoryRegistry { server, state }
    }

    /// `127.0.0.1:5000`
    pub fn host(&self) -> String {
        self.server.url().trim_start_matches("http://").to_owned()
    }

    /// Everything that arrived so far.
    pub fn requests(&self) -> Vec<Request> {
        self.server.requests()
    }

    /// An image of one layer with this content; its digest.
    pub fn push_image(&self, repository: &str, tag: &str, content: &str) -> String {
        let mut state = self.state.lock().unwrap();
        let digest = state.image(repository, content, "amd64");
        state.tags.insert((repository.to_owned(), tag.to_owned()), digest.clone());
        digest
    }

    /// An index of such images; its digest.
    pub fn push_index(&self, repository: &str, tag: &str, content: &str, architectures: &[&str]) -> String {
        let mut state = self.state.lock().unwrap();
        let children: Vec<Value> = architectures
            .iter()
            .map(|architecture| {
                let digest = state.image(repository, content, architecture);
                let size = state.manifests[&(repository.to_owned(), digest.clone())].1.len();
                json!({ "mediaType": MANIFEST, "digest": digest, "size": size,
                        "platform": { "os": "linux", "architecture": architecture } })
            })
            .collect();
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": children });
        state.store(repository, Some(tag), INDEX, serde_json::to_vec(&index).unwrap())
    }

    /// Any manifest, under a tag or only its digest.
    pub fn push_manifest(&self, repository: &str, tag: Option<&str>, media_type: &str, bytes: Vec<u8>) -> String {
        self.state.lock().unwrap().store(repository, tag, media_type, bytes)
    }

    pub fn push_blob(&self, repository: &str, bytes: &[u8]) -> String {
        self.state.lock().unwrap().blob(repository, bytes)
    }

    /// The manifest at a tag or digest.
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<Value> {
        let state = self.state.lock().unwrap();
        let (_, bytes) = state.find(repository, reference)?;
        serde_json::from_slice(bytes).ok()
    }

    pub fn blob(&self, repository: &str, digest: &str) -> Option<Vec<u8>> {
        self.state.lock().unwrap().blobs.get(&(repository.to_owned(), digest.to_owned())).cloned()
    }

    /// Replaces a blob's bytes under its old digest: what a damaged or lying registry has.
    pub fn tamper(&self, repository: &str, digest: &str, bytes: &[u8]) {
        self.state.lock().unwrap().blobs.insert((repository.to_owned(), digest.to_owned()), bytes.to_vec());
    }

    /// The manifests that refer to a digest.
    pub fn referrers(&self, repository: &str, subject: &str) -> Vec<Value> {
        self.state.lock().unwrap().referrers_of(repository, subject)
    }

    /// The payload of every envelope in a bundle that refers to `digest`; cosign's older form is left out.
    pub fn payloads(&self, repository: &str, digest: &str) -> Vec<String> {
        let payload = |referrer: &Value| {
            let manifest = self.manifest(repository, referrer["digest"].as_str().unwrap()).unwrap();
            let layer = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();
            let bundle: Value = serde_json::from_slice(&self.blob(repository, &layer).unwrap()).unwrap();
            String::from_utf8(STANDARD.decode(bundle["dsseEnvelope"]["payload"].as_str().unwrap()).unwrap()).unwrap()
        };
        self.referrers(repository, digest).iter().map(payload).collect()
    }

    /// The tags of a repository, sorted.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        let state = self.state.lock().unwrap();
        let mut tags: Vec<String> =
            state.tags.keys().filter(|(name, _)| name == repository).map(|(_, tag)| tag.clone()).collect();
        tags.sort();
        tags
    }
}

impl State {
    fn blob(&mut self, repository: &str, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        self.blobs.insert((repository.to_owned(), digest.clone()), bytes.to_vec());
        digest
    }

    fn image(&mut self, repository: &str, content: &str, architecture: &str) -> String {
        let layer = format!("{content} for {architecture}");
        let layer_digest = self.blob(repository, layer.as_bytes());
        let config = json!({ "architecture": architecture, "os": "linux", "config": {},
                             "rootfs": { "type": "layers", "diff_ids": [layer_digest] } });
        let config = serde_json::to_vec(&config).unwrap();
        let config_digest = self.blob(repository, &config);
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": { "mediaType": CONFIG, "digest": config_digest, "size": config.len() },
            "layers": [{ "mediaType": LAYER, "digest": layer_digest, "size": layer.len() }],
        });
        self.store(repository, None, MANIFEST, serde_json::to_vec(&manifest).unwrap())
    }

    fn store(&mut self, repository: &str, tag: Option<&str>, media_type: &str, bytes: Vec<u8>) -> String {
        let digest = digest(&bytes);
        self.manifests.insert((repository.to_owned(), digest.clone()), (media_type.to_owned(), bytes));
        if let Some(tag) = tag {
            self.tags.insert((repository.to_owned(), tag.to_owned()), digest.clone());
        }
        digest
    }

    fn find(&self, repository: &str, reference: &str) -> Option<&(String, Vec<u8>)> {
        let name = repository.to_owned();
        let digest = self.tags.get(&(name.clone(), reference.to_owned())).map_or(reference, String::as_str);
        self.manifests.get(&(name, digest.to_owned()))
    }

    fn referrers_of(&self, repository: &str, subject: &str) -> Vec<Value> {
        let mut found: Vec<(&str, Value)> = Vec::new();
        for ((name, digest), (media_type, bytes)) in &self.manifests {
            let manifest: Value = serde_json::from_slice(bytes).unwrap_or_default();
            if name != repository || manifest["subject"]["digest"] != subject {
                continue;
            }
            found.push((
                digest,
                json!({ "mediaType": media_type, "digest": digest, "size": bytes.len(),
                        "artifactType": manifest["artifactType"], "annotations": manifest["annotations"] }),
            ));
        }
        found.sort_by(|one, other| one.0.cmp(other.0));
        found.into_iter().map(|(_, value)| value).collect()
    }

    fn answer(&mut self, request: &Request) -> Reply {
        let (path, query) = request.path.split_once('?').unwrap_or((&request.path, ""));
        // As a proxy it is asked for whole URLs, of whatever host.
        let path = path.strip_prefix("http://").map_or(path, |rest| &rest[rest.find('/').unwrap_or(rest.len())..]);
        let Some(rest) = path.strip_prefix("/v2/") else { return error(404, "NOT_FOUND") };
        if let Some((name, upload)) = rest.split_once("/blobs/uploads/") {
            return self.upload(request, name, upload, query);
        }
        if let Some((name, digest)) = rest.split_once("/blobs/") {
            let blob = self.blobs.get(&(name.to_owned(), digest.to_owned()));
            return match blob {
                Some(bytes) => Reply::Send(200, vec![("docker-content-digest", digest.to_owned())], bytes.clone()),
                None => error(404, "BLOB_UNKNOWN"),
            };
        }
        if let Some((name, digest)) = rest.split_once("/referrers/") {
            if !self.referrers {
                return error(404, "NOT_FOUND");
            }
            let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": self.referrers_of(name, digest) });
            let headers = vec![("content-type", INDEX.to_owned())];
            return Reply::Send(200, headers, serde_json::to_vec(&index).unwrap());
        }
        match rest.split_once("/manifests/") {
            Some((name, reference)) if request.method == "PUT" => self.put(request, name, reference),
            Some((name, reference)) => match self.find(name, reference) {
                Some((media_type, bytes)) => Reply::Send(
                    200,
                    vec![("content-type", media_type.clone()), ("docker-content-digest", digest(bytes))],
                    bytes.clone(),
                ),
                None => error(404, "MANIFEST_UNKNOWN"),
            },
            None => error(404, "NOT_FOUND"),
        }
    }

    fn put(&mut self, request: &Request, name: &str, reference: &str) -> Reply {
        let manifest: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let parts = manifest["layers"].as_array().into_iter().flatten().chain(manifest.get("config"));
        for part in parts {
            let digest = part["digest"].as_str().unwrap_or_default().to_owned();
            if !self.blobs.contains_key(&(name.to_owned(), digest)) {
                return error(400, "MANIFEST_BLOB_UNKNOWN");
            }
        }
        let media_type = request.header("content-type").unwrap_or(MANIFEST).to_owned();
        let tag = (!reference.starts_with("sha256:")).then_some(reference);
        let digest = self.store(name, tag, &media_type, request.body.clone());
        if tag.is_none() && digest != reference {
            return error(400, "DIGEST_INVALID");
        }
        let mut headers = vec![("docker-content-digest", digest)];
        if let (true, Some(subject)) = (self.referrers, manifest["subject"]["digest"].as_str()) {
            headers.push(("oci-subject", subject.to_owned()));
        }
        Reply::Send(201, headers, Vec::new())
    }

    fn upload(&mut self, request: &Request, name: &str, upload: &str, query: &str) -> Reply {
        let location = |id: &str| vec![("location", format!("/v2/{name}/blobs/uploads/{id}?state=1"))];
        match request.method.as_str() {
            "POST" => {
                self.count += 1;
                let id = self.count.to_string();
                self.uploads.insert(id.clone(), Vec::new());
                Reply::Send(202, location(&id), Vec::new())
            }
            "PATCH" => {
                let Some(bytes) = self.uploads.get_mut(upload) else { return error(404, "BLOB_UPLOAD_UNKNOWN") };
                bytes.extend_from_slice(&request.body);
                Reply::Send(202, location(upload), Vec::new())
            }
            "PUT" => {
                let Some(mut bytes) = self.uploads.remove(upload) else { return error(404, "BLOB_UPLOAD_UNKNOWN") };
                bytes.extend_from_slice(&request.body);
                let wanted = query.split('&').find_map(|pair| pair.strip_prefix("digest=")).unwrap_or_default();
                if digest(&bytes) != wanted.replace("%3A", ":") {
                    return error(400, "DIGEST_INVALID");
                }
                let digest = self.blob(name, &bytes);
                Reply::Send(201, vec![("docker-content-digest", digest)], Vec::new())
            }
            _ => error(405, "UNSUPPORTED"),
        }
    }
}

fn error(status: u16, code: &str) -> Reply {
    Reply::json(
        status,
        json!({ "errors": [{ "code": code, "message": code.to_lowercase().replace('_', " ") }] }).to_string(),
    )
}
