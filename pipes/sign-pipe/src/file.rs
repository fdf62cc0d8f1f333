//! A file to sign or verify, and what is known of it before anything is done.

use std::path::{Path, PathBuf};

use pipe_core::fs::{Links, read_bounded, reason};
use pipe_evidence::find::{Evidence, Location};

/// The largest file that is signed.
pub(crate) const MAX_FILE: u64 = 512 * 1024 * 1024;

/// The largest bundle of a file.
pub(crate) const MAX_BUNDLE: u64 = 16 * 1024 * 1024;

/// A file and its bundle; both paths are absolute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct File {
    /// As it was typed.
    pub(crate) name: String,
    pub(crate) path: PathBuf,
    pub(crate) bundle: PathBuf,
}

/// Why a file cannot be signed, before anything is done.
pub(crate) fn readable(path: &Path) -> Result<(), String> {
    let metadata = match path.metadata() {
        Ok(metadata) if metadata.is_dir() => return Err("a directory. Name the files in it".to_owned()),
        Ok(metadata) => metadata,
        Err(_) => return Err("no such file. Write it before this step, or correct the path".to_owned()),
    };
    if metadata.len() > MAX_FILE {
        return Err("larger than 512 MiB. Sign a file with its checksum instead".to_owned());
    }
    match std::fs::File::open(path) {
        Ok(_) if metadata.is_file() => Ok(()),
        Ok(_) => Err("not a regular file. Name a file".to_owned()),
        Err(error) => Err(format!("{}. Allow the user of the container to read it", reason(&error))),
    }
}

/// Whether a file is a bundle, which signing may replace.
pub(crate) fn is_bundle(path: &Path) -> bool {
    let location = Location::File(path.display().to_string());
    read(path, MAX_BUNDLE).is_ok_and(|bytes| Evidence::from_bundle(location, &bytes).is_ok())
}

pub(crate) fn read(path: &Path, limit: u64) -> Result<Vec<u8>, String> {
    read_bounded(path, limit, Links::Follow).map_err(|error| error.to_string())
}
