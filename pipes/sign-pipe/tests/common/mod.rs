//! Keys, and sign-pipe about to run with one.
#![allow(dead_code, reason = "each test file uses what it needs")]

use std::path::Path;

pub(crate) use pipewright_harness::Keys;
use pipewright_harness::{MemoryRegistry, Pipe, Repo};
use serde_json::Value;

/// The pipe, as cargo built it for these tests.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_sign-pipe");

/// A token of no CI, valid until 2100.
pub(crate) const TOKEN: &str =
    "e30.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCIsImV4cCI6NDEwMjQ0NDgwMH0.e30";

/// sign-pipe in `dir`, which signs `image` with `keys`.
pub(crate) fn signing(dir: &Path, keys: &Keys, image: &str) -> Pipe {
    Pipe::at(BINARY, dir).env("IMAGE", image).env("COSIGN_PRIVATE_KEY", &keys.private)
}

/// sign-pipe in `dir`, which verifies `image` with `keys`.
pub(crate) fn verifying(dir: &Path, keys: &Keys, image: &str) -> Pipe {
    Pipe::at(BINARY, dir).env("SIGN", "false").env("IMAGE", image).env("COSIGN_PUBLIC_KEY", &keys.public)
}

/// The statements in all bundles that refer to `digest`, oldest format left out.
pub(crate) fn statements(registry: &MemoryRegistry, repository: &str, digest: &str) -> Vec<Value> {
    registry.payloads(repository, digest).iter().map(|payload| serde_json::from_str(payload).unwrap()).collect()
}

pub(crate) fn base64_decode(text: &str) -> Vec<u8> {
    use base64::Engine;
    base64::engine::general_purpose::STANDARD.decode(text).unwrap()
}

/// A directory that is no checkout.
pub(crate) fn plain() -> Repo {
    Repo::plain()
}
