//! Files: each signed to a bundle beside it, and verified against that.

use std::path::Path;

use pipe_core::fs::reason;
use pipe_core::workspace::ReportDir;
use pipe_evidence::find::{Evidence, Location};
use pipe_evidence::sign::BundleSigner;
use pipe_evidence::verify::Verifier;
use pipe_oci::Digest;

use crate::error::Error;
use crate::file::{File, MAX_BUNDLE, MAX_FILE, read};
use crate::results::{FileResult, SignedBy};

/// Signs a file and writes its bundle.
pub(crate) async fn sign(file: &File, signing: &BundleSigner, result: &mut FileResult) {
    let not_signed = |error: Error| Error::NotSigned(Box::new(error)).to_string();
    let bytes = match read_file(file) {
        Ok(bytes) => bytes,
        Err(error) => return result.unable.push(not_signed(error)),
    };
    result.digest = Some(Digest::of(&bytes).to_string());
    let signed = match signing.message(&bytes).await {
        Ok(signed) => signed,
        Err(error) => return result.unable.push(not_signed(error.into())),
    };
    drop(bytes);
    let written = signed.to_json().map_err(Error::from).and_then(|json| write(&file.bundle, &json));
    match written {
        Ok(()) => {
            result.signed = true;
            result.log_index = signed.log_index();
        }
        Err(error) => result.unable.push(not_signed(error)),
    }
}

/// Verifies a file against its bundle. `variables` name the accepted signer.
pub(crate) fn verify(file: &File, verifier: &Verifier, variables: &'static str, result: &mut FileResult) {
    result.verified = Some(false);
    let path = file.bundle.display().to_string();
    if !file.bundle.is_file() {
        return result.failed.push(Error::NoBundle { path }.to_string());
    }
    let bundle = read(&file.bundle, MAX_BUNDLE).map_err(|why| Error::BundleNotRead { path, why });
    let (bytes, bundle) = match read_file(file).and_then(|bytes| Ok((bytes, bundle?))) {
        Ok(read) => read,
        Err(error) => {
            result.verified = None;
            return result.unable.push(Error::NotVerified(Box::new(error)).to_string());
        }
    };
    let digest = Digest::of(&bytes);
    result.digest = Some(digest.to_string());
    let evidence =
        Evidence::from_bundle(Location::File(file.name.clone()), &bundle).map(|evidence| evidence.of_file(bytes));
    let verified = evidence.and_then(|evidence| verifier.verify(&digest, &evidence).map_err(|why| why.to_string()));
    match verified {
        Ok(verified) => {
            result.verified = Some(true);
            result.by = Some(SignedBy::of(&verified.by));
            result.log_index = result.log_index.or(verified.log_index);
        }
        Err(why) => result.failed.push(Error::FileNotAccepted { why, variables }.to_string()),
    }
}

fn read_file(file: &File) -> Result<Vec<u8>, Error> {
    read(&file.path, MAX_FILE).map_err(|why| Error::FileNotRead { path: file.name.clone(), why })
}

/// Whole or not at all, and owned by the owner of the directory.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let not_written = |why: String| Error::BundleNotWritten { path: path.display().to_string(), why };
    let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(not_written("it has no name".to_owned()));
    };
    let dir = ReportDir::new(dir.to_owned(), dir);
    dir.write(&name.to_string_lossy(), bytes).map_err(|error| not_written(reason(&error)))
}
