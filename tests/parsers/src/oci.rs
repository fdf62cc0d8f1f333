//! What registries answer, what people call an image, and Docker's configuration.

use pipe_oci::{Credentials, Digest, Index, Manifest, Reference, Repository};

/// A manifest and an index. What is written again reads as the same.
pub(crate) fn manifests(data: &[u8]) -> bool {
    let mut read = false;
    if let Ok(manifest) = serde_json::from_slice::<Manifest>(data) {
        let written = serde_json::to_vec(&manifest).expect("a manifest is JSON");
        assert!(serde_json::from_slice::<Manifest>(&written).is_ok(), "a manifest that does not read again");
        read = true;
    }
    if let Ok(index) = serde_json::from_slice::<Index>(data) {
        let written = serde_json::to_vec(&index).expect("an index is JSON");
        assert!(serde_json::from_slice::<Index>(&written).is_ok(), "an index that does not read again");
        read = true;
    }
    read
}

/// An image, a repository, a digest, and the header in which a registry says how to log in.
pub(crate) fn references(data: &[u8]) -> bool {
    let Some(text) = super::text(data) else { return false };
    let mut read = text.parse::<Repository>().is_ok();
    if let Ok(reference) = Reference::parse(text) {
        let shown = reference.to_string();
        let again = Reference::parse(&shown).expect("what is shown can be typed");
        assert_eq!(again.to_string(), shown);
        read = true;
    }
    if let Ok(digest) = Digest::parse(text) {
        assert_eq!(digest.to_string(), text);
        read = true;
    }
    pipe_oci::fuzz::challenge(text) || read
}

/// `config.json`. No part of it may stand in an error, and a password is in none of what `Debug` shows.
pub(crate) fn docker_config(data: &[u8]) -> bool {
    let Some(text) = super::text(data) else { return false };
    let mut credentials = Credentials::default();
    let read = credentials.add_docker_config(&text.to_owned().into()).is_ok();
    let _ = format!("{credentials:?}");
    if let Ok(reference) = Reference::parse("ghcr.io/org/app:1.2.3") {
        let _ = credentials.know(&reference.repository);
    }
    read
}
