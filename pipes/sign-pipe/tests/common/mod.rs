//! Keys, and sign-pipe about to run with one.
#![allow(dead_code, reason = "each test file uses what it needs")]

use std::path::Path;
use std::process::Command;

use pipewright_harness::{MemoryRegistry, Pipe, Repo};
use serde_json::Value;

/// A pair of keys in PEM.
pub(crate) struct Keys {
    pub(crate) private: String,
    pub(crate) public: String,
}

impl Keys {
    /// A P-256 pair by OpenSSL, in PKCS#8.
    pub(crate) fn new() -> Keys {
        let openssl = |args: &[&str], input: &[u8]| {
            use std::io::Write;
            let mut child = Command::new("openssl")
                .args(args)
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .spawn()
                .expect("openssl is installed (tests/install.sh)");
            child.stdin.take().unwrap().write_all(input).unwrap();
            let output = child.wait_with_output().unwrap();
            assert!(output.status.success());
            String::from_utf8(output.stdout).unwrap()
        };
        let private = openssl(&["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"], b"");
        let public = openssl(&["pkey", "-pubout"], private.as_bytes());
        Keys { private, public }
    }
}

/// sign-pipe in `dir`, which signs `image` with `keys`.
pub(crate) fn signing(dir: &Path, keys: &Keys, image: &str) -> Pipe {
    Pipe::new("sign-pipe", dir).env("IMAGE", image).env("COSIGN_PRIVATE_KEY", &keys.private)
}

/// sign-pipe in `dir`, which verifies `image` with `keys`.
pub(crate) fn verifying(dir: &Path, keys: &Keys, image: &str) -> Pipe {
    Pipe::new("sign-pipe", dir).env("SIGN", "false").env("IMAGE", image).env("COSIGN_PUBLIC_KEY", &keys.public)
}

/// The statements in all bundles that refer to `digest`, oldest format left out.
pub(crate) fn statements(registry: &MemoryRegistry, repository: &str, digest: &str) -> Vec<Value> {
    envelopes(registry, repository, digest)
        .iter()
        .map(|envelope| serde_json::from_slice(&base64_decode(envelope["payload"].as_str().unwrap())).unwrap())
        .collect()
}

/// The payloads of those statements as they are.
pub(crate) fn payloads(registry: &MemoryRegistry, repository: &str, digest: &str) -> Vec<String> {
    envelopes(registry, repository, digest)
        .iter()
        .map(|envelope| String::from_utf8(base64_decode(envelope["payload"].as_str().unwrap())).unwrap())
        .collect()
}

fn envelopes(registry: &MemoryRegistry, repository: &str, digest: &str) -> Vec<Value> {
    let referrers = registry.referrers(repository, digest);
    let bundles = referrers.iter().map(|referrer| {
        let manifest = registry.manifest(repository, referrer["digest"].as_str().unwrap()).unwrap();
        let layer = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();
        let bundle: Value = serde_json::from_slice(&registry.blob(repository, &layer).unwrap()).unwrap();
        bundle["dsseEnvelope"].clone()
    });
    bundles.collect()
}

pub(crate) fn base64_decode(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

/// A directory that is no checkout.
pub(crate) fn plain() -> Repo {
    Repo::plain()
}
