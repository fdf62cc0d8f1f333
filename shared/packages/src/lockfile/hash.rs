//! Checksums in the notations of lockfiles.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use pipe_core::text::hex;

use crate::package::Hash;

/// `sha256:<hex>`, as Python's tools write it; `None` for an algorithm that isn't recorded or a malformed value.
pub(super) fn tagged(text: &str) -> Option<Hash> {
    let (algorithm, hex) = text.split_once([':', '='])?;
    hex_hash(algorithm, hex)
}

/// A bare hexadecimal SHA-256.
pub(super) fn sha256(hex: &str) -> Option<Hash> {
    hex_hash("sha256", hex)
}

/// The hashes of a Subresource Integrity string: `sha512-<base64> sha1-<base64>`.
pub(super) fn integrity(text: &str) -> Vec<Hash> {
    text.split_ascii_whitespace()
        .filter_map(|part| {
            let (algorithm, value) = part.split_once('-')?;
            let (name, length) = known(algorithm)?;
            let value = value.split_once('?').map_or(value, |(value, _)| value);
            let bytes = STANDARD.decode(value).ok().filter(|bytes| bytes.len() == length)?;
            Some(Hash { algorithm: name, hex: hex(&bytes) })
        })
        .collect()
}

fn hex_hash(algorithm: &str, hex: &str) -> Option<Hash> {
    let (name, length) = known(algorithm)?;
    let valid = hex.len() == length * 2 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| Hash { algorithm: name, hex: hex.to_ascii_lowercase() })
}

/// CycloneDX's name and the length in bytes.
fn known(algorithm: &str) -> Option<(&'static str, usize)> {
    match algorithm {
        "sha1" => Some(("SHA-1", 20)),
        "sha256" => Some(("SHA-256", 32)),
        "sha384" => Some(("SHA-384", 48)),
        "sha512" => Some(("SHA-512", 64)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_notation_gives_hexadecimal() {
        let hex = "AB".repeat(32);
        assert_eq!(tagged(&format!("sha256:{hex}")).unwrap().hex, "ab".repeat(32));
        assert_eq!(sha256(&hex).unwrap().algorithm, "SHA-256");
        let sri = integrity("sha1-AAECAwQFBgcICQoLDA0ODxAREhM= md5-AA== sha512-short");
        assert_eq!(sri, [Hash { algorithm: "SHA-1", hex: "000102030405060708090a0b0c0d0e0f10111213".into() }]);
    }

    #[test]
    fn malformed_hashes_are_left_out() {
        for bad in ["sha256:", "sha256:zz", "md5:00", "nothing", "sha256:abc"] {
            assert_eq!(tagged(bad), None, "{bad}");
        }
    }
}
