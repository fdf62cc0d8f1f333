//! Files: each signed to a bundle beside it, and verified against that.

use std::io::Read;
use std::path::Path;

use pipe_evidence::find::{Evidence, Location};
use pipe_evidence::sign::BundleSigner;
use pipe_evidence::verify::Verifier;
use pipe_oci::Digest;
use serde::Serialize;

use crate::images::By;
use crate::targets::File;

/// The largest file that is signed.
const MAX_FILE: u64 = 512 * 1024 * 1024;

/// The largest bundle of a file.
const MAX_BUNDLE: u64 = 16 * 1024 * 1024;

/// What came of a file; the report's entry.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Outcome {
    pub(crate) file: String,
    pub(crate) digest: Option<String>,
    pub(crate) bundle: String,
    pub(crate) signed: bool,
    pub(crate) log_index: Option<u64>,
    pub(crate) verified: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) by: Option<By>,
    pub(crate) failed: Vec<String>,
    pub(crate) unable: Vec<String>,
}

impl Outcome {
    pub(crate) fn new(file: &File) -> Outcome {
        Outcome {
            file: file.name.clone(),
            digest: None,
            bundle: file.bundle.display().to_string(),
            signed: false,
            log_index: None,
            verified: None,
            by: None,
            failed: Vec::new(),
            unable: Vec::new(),
        }
    }
}

/// Signs a file and writes its bundle.
pub(crate) async fn make(file: &File, signing: &BundleSigner, outcome: &mut Outcome) {
    let bytes = match read(&file.path, MAX_FILE) {
        Ok(bytes) => bytes,
        Err(why) => return outcome.unable.push(format!("not signed: {why}")),
    };
    outcome.digest = Some(Digest::of(&bytes).to_string());
    let signed = match signing.message(&bytes).await {
        Ok(signed) => signed,
        Err(error) => return outcome.unable.push(format!("not signed: {error}")),
    };
    drop(bytes);
    let written = signed.to_json().map_err(|error| error.to_string()).and_then(|json| write(&file.bundle, &json));
    match written {
        Ok(()) => {
            outcome.signed = true;
            outcome.log_index = signed.log_index();
        }
        Err(why) => outcome.unable.push(format!("the bundle can't be written: {why}")),
    }
}

/// Verifies a file against its bundle.
pub(crate) fn check(file: &File, verifier: &Verifier, outcome: &mut Outcome) {
    outcome.verified = Some(false);
    if !file.bundle.is_file() {
        return outcome.failed.push(format!("there is no signature: {} is not there", file.bundle.display()));
    }
    let read = read(&file.path, MAX_FILE).and_then(|bytes| Ok((bytes, read(&file.bundle, MAX_BUNDLE)?)));
    let (bytes, bundle) = match read {
        Ok(read) => read,
        Err(why) => {
            outcome.verified = None;
            return outcome.unable.push(format!("not verified: {why}"));
        }
    };
    let digest = Digest::of(&bytes);
    outcome.digest = Some(digest.to_string());
    let evidence =
        Evidence::from_bundle(Location::File(file.name.clone()), &bundle).map(|evidence| evidence.of_file(bytes));
    let verified = evidence.and_then(|evidence| verifier.verify(&digest, &evidence).map_err(|why| why.to_string()));
    match verified {
        Ok(verified) => {
            outcome.verified = Some(true);
            outcome.by = Some(By::of(&verified.by));
            outcome.log_index = outcome.log_index.or(verified.log_index);
        }
        Err(why) => outcome.failed.push(format!("the signature is not accepted: {why}")),
    }
}

fn read(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    let named = |error: std::io::Error| format!("{} can't be read: {error}", path.display());
    let file = std::fs::File::open(path).map_err(named)?;
    let mut bytes = Vec::new();
    file.take(limit + 1).read_to_end(&mut bytes).map_err(named)?;
    if bytes.len() as u64 > limit {
        return Err(format!("{} is larger than {} MiB", path.display(), limit >> 20));
    }
    Ok(bytes)
}

/// Whole or not at all, and owned by whoever owns the directory.
fn write(path: &Path, bytes: &[u8]) -> Result<(), String> {
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else { return Err("it has no name".to_owned()) };
    let evidence = pipe_core::workspace::ReportDir::new(dir.to_owned(), dir);
    evidence.write(&name.to_string_lossy(), bytes).map_err(|error| error.to_string())
}
