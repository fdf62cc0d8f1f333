//! A new pair of keys in two files, as `cosign generate-key-pair` writes them.

use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::Path;

use pipe_core::fs::reason;
use pipe_evidence::key::{PrivateKey, PublicKey};
use secrecy::{ExposeSecret, SecretString};

use crate::error::Error;

/// The private key, encrypted.
pub(crate) const PRIVATE: &str = "cosign.key";

/// The public key.
pub(crate) const PUBLIC: &str = "cosign.pub";

/// Writes a new pair of keys to `dir`, the private one encrypted with `password`.
///
/// # Errors
/// One of the files exists, which is never overwritten, or can't be written.
pub(crate) fn generate(dir: &Path, password: &SecretString) -> Result<PublicKey, Error> {
    let path = |name: &str| dir.join(name).display().to_string();
    let not_made = |why: String| Error::KeyNotMade { why };
    let key = PrivateKey::generate().map_err(|error| not_made(error.to_string()))?;
    let private = key.to_encrypted_pem(password).map_err(|error| not_made(error.to_string()))?;
    let public = key.public_key().to_pem();
    if let Some(name) = [PRIVATE, PUBLIC].into_iter().find(|name| dir.join(name).symlink_metadata().is_ok()) {
        return Err(Error::KeyFileExists { path: path(name) });
    }
    let not_written =
        |name: &str, error: std::io::Error| Error::KeyFileNotWritten { path: path(name), why: reason(&error) };
    let owner = std::fs::metadata(dir).map_err(|error| not_written(PRIVATE, error))?;
    for (name, text, mode) in [(PRIVATE, private.expose_secret(), 0o600), (PUBLIC, public.as_str(), 0o644)] {
        let failed = |error| not_written(name, error);
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(mode).open(dir.join(name)).map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
        // Root in a container writes for the owner of the workspace.
        let _ = chown(dir.join(name), Some(owner.uid()), Some(owner.gid()));
    }
    Ok(key.public_key().clone())
}
