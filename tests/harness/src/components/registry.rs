//! OCI registries: one that keeps lists of referrers and one that doesn't.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Daemon, exchange, get, installed, port, program};
use crate::digest;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// Runs until it is dropped.
pub struct Registry {
    host: String,
    user: Option<(String, String)>,
    secure: Option<(String, Daemon)>,
    _daemon: Daemon,
    dir: TempDir,
}

impl Registry {
    /// go-containerregistry's, with the referrers API.
    pub fn with_referrers() -> Registry {
        let dir = tempfile::tempdir().unwrap();
        let host = format!("127.0.0.1:{}", port());
        let mut daemon = Daemon::start(program("components/helper"), &["registry", &host], &dir.path().join("log"));
        daemon.ready(&host, "/v2/", &[200]);
        Registry { host, user: None, secure: None, _daemon: daemon, dir }
    }

    /// Debian's docker-registry, of the time before that API.
    pub fn without_referrers() -> Registry {
        Registry::distribution(None, false)
    }

    /// The same by TLS besides, with a certificate that [`Registry::authority`] vouches for.
    pub fn with_tls() -> Registry {
        Registry::distribution(None, true)
    }

    /// The same for `user` with the password `sesame`.
    pub fn with_password(user: &str) -> Registry {
        Registry::distribution(Some(user), false)
    }

    fn distribution(user: Option<&str>, tls: bool) -> Registry {
        // bcrypt of `sesame`.
        const HASH: &str = "$2y$05$abcdefghijklmnopqrstuuKcS.CYWVYVaLiiCKrrc0A5s3mGesJ9O";
        let dir = tempfile::tempdir().unwrap();
        let host = format!("127.0.0.1:{}", port());
        let path = |name: &str| dir.path().join(name).display().to_string();
        let auth = user.map_or_else(Value::default, |user| {
            std::fs::write(path("htpasswd"), format!("{user}:{HASH}\n")).unwrap();
            json!({ "htpasswd": { "realm": "test", "path": path("htpasswd") } })
        });
        let mut config = json!({
            "version": 0.1,
            "log": { "level": "error", "accesslog": { "disabled": true } },
            "storage": { "filesystem": { "rootdirectory": path("data") }, "delete": { "enabled": true } },
            "http": { "addr": host },
        });
        if user.is_some() {
            config["auth"] = auth;
        }
        let serve = |config: &Value, name: &str| {
            // JSON is YAML.
            std::fs::write(path(name), config.to_string()).unwrap();
            Daemon::start(
                installed("docker-registry").get_program(),
                &["serve", &path(name)],
                &dir.path().join(format!("{name}.log")),
            )
        };
        let mut daemon = serve(&config, "plain.yml");
        daemon.ready(&host, "/v2/", &[200, 401]);
        let secure = tls.then(|| {
            certificates(dir.path());
            let host = format!("127.0.0.1:{}", port());
            config["http"] =
                json!({ "addr": host, "tls": { "certificate": path("registry.pem"), "key": path("registry.key") } });
            let mut daemon = serve(&config, "tls.yml");
            // A registry that speaks TLS says so to those who don't.
            daemon.ready(&host, "/v2/", &[400]);
            (host, daemon)
        });
        let user = user.map(|user| (user.to_owned(), "sesame".to_owned()));
        Registry { host, user, secure, _daemon: daemon, dir }
    }

    /// Where it is reached by TLS.
    pub fn secure_host(&self) -> &str {
        &self.secure.as_ref().expect("started with TLS").0
    }

    /// The certificate to trust for that.
    pub fn authority(&self) -> PathBuf {
        self.dir.path().join("ca.pem")
    }

    /// `127.0.0.1:5000`
    pub fn host(&self) -> &str {
        &self.host
    }

    /// An image of one layer with this content; its digest.
    pub fn push_image(&self, repository: &str, tag: &str, content: &str) -> String {
        self.image(repository, tag, content, "amd64").0
    }

    /// An index of such images; its digest.
    pub fn push_index(&self, repository: &str, tag: &str, content: &str, architectures: &[&str]) -> String {
        let children: Vec<Value> = architectures
            .iter()
            .map(|architecture| {
                let (digest, size) = self.image(repository, "", content, architecture);
                json!({ "mediaType": MANIFEST, "digest": digest, "size": size,
                        "platform": { "os": "linux", "architecture": architecture } })
            })
            .collect();
        let index = json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": children });
        let bytes = serde_json::to_vec(&index).unwrap();
        self.put_manifest(repository, tag, INDEX, &bytes);
        digest(&bytes)
    }

    /// The manifest at a tag or digest.
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<Value> {
        let headers = [("accept", MANIFEST), ("accept", INDEX)];
        let answer = self.ask("GET", &format!("/v2/{repository}/manifests/{reference}"), &headers, &[]);
        (answer.0 == 200).then(|| serde_json::from_slice(&answer.1).unwrap())
    }

    pub fn blob(&self, repository: &str, digest: &str) -> Option<Vec<u8>> {
        let answer = self.ask("GET", &format!("/v2/{repository}/blobs/{digest}"), &[], &[]);
        (answer.0 == 200).then_some(answer.1)
    }

    /// What refers to a digest: the registry's list, or the one at the fallback tag.
    pub fn referrers(&self, repository: &str, digest: &str) -> Vec<Value> {
        let listed = get(&self.host, &format!("/v2/{repository}/referrers/{digest}"));
        let index = match listed {
            Some((200, body)) => serde_json::from_slice(&body).unwrap(),
            _ => self.manifest(repository, &digest.replace(':', "-")).unwrap_or_default(),
        };
        index["manifests"].as_array().cloned().unwrap_or_default()
    }

    fn image(&self, repository: &str, tag: &str, content: &str, architecture: &str) -> (String, usize) {
        let layer = format!("{content} for {architecture}");
        let layer_digest = self.put_blob(repository, layer.as_bytes());
        let config = json!({ "architecture": architecture, "os": "linux", "config": {},
                             "rootfs": { "type": "layers", "diff_ids": [layer_digest] } })
        .to_string();
        let manifest = json!({
            "schemaVersion": 2, "mediaType": MANIFEST,
            "config": { "mediaType": "application/vnd.oci.image.config.v1+json", "size": config.len(),
                        "digest": self.put_blob(repository, config.as_bytes()) },
            "layers": [{ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": layer_digest, "size": layer.len() }],
        });
        let bytes = serde_json::to_vec(&manifest).unwrap();
        let digest = digest(&bytes);
        self.put_manifest(repository, if tag.is_empty() { &digest } else { tag }, MANIFEST, &bytes);
        (digest, bytes.len())
    }

    fn put_manifest(&self, repository: &str, reference: &str, media_type: &str, bytes: &[u8]) {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let answer = self.ask("PUT", &path, &[("content-type", media_type)], bytes);
        assert_eq!(answer.0, 201, "{path}: {}", String::from_utf8_lossy(&answer.1));
    }

    fn put_blob(&self, repository: &str, bytes: &[u8]) -> String {
        let digest = digest(bytes);
        let begun = self.request("POST", &format!("/v2/{repository}/blobs/uploads/"), &[], &[]);
        let place = begun.header("location").expect("an upload has a place").to_owned();
        let place = place.trim_start_matches(&format!("http://{}", self.host)).to_owned();
        let separator = if place.contains('?') { '&' } else { '?' };
        let headers = [("content-type", "application/octet-stream")];
        let answer = self.ask("PUT", &format!("{place}{separator}digest={digest}"), &headers, bytes);
        assert_eq!(answer.0, 201, "{}", String::from_utf8_lossy(&answer.1));
        digest
    }

    fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> (u16, Vec<u8>) {
        let answer = self.request(method, path, headers, body);
        (answer.status, answer.body)
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> super::Answer {
        use base64::Engine;
        let mut headers = headers.to_vec();
        let basic = self.user.as_ref().map(|(user, password)| {
            format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}")))
        });
        headers.extend(basic.iter().map(|basic| ("authorization", basic.as_str())));
        exchange(&self.host, method, path, &headers, body).unwrap_or_else(|| panic!("{method} {path}: no answer"))
    }
}

/// An authority and a certificate for 127.0.0.1 that it vouches for, in `dir`.
fn certificates(dir: &Path) {
    let make = |name: &str, args: &[&str]| {
        let made = installed("openssl")
            .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc", "-days", "2"])
            .args(["-subj", &format!("/CN={name}"), "-keyout", &format!("{name}.key"), "-out", &format!("{name}.pem")])
            .args(args)
            .current_dir(dir)
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    };
    make("ca", &[]);
    let leaf = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"];
    make("registry", &[&leaf[..], &["-CA", "ca.pem", "-CAkey", "ca.key"]].concat());
}
