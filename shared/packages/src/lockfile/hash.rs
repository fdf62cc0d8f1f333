//! Checksums in the notations of lockfiles.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

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
    let mut hashes = Vec::with_capacity(1);
    for part in text.split_ascii_whitespace() {
        let Some((algorithm, value)) = part.split_once('-') else { continue };
        let value = value.split_once('?').map_or(value, |(value, _)| value);
        hashes.extend(STANDARD.decode(value).ok().and_then(|bytes| of_algorithm(algorithm, bytes)));
    }
    hashes
}

fn hex_hash(algorithm: &str, hex: &str) -> Option<Hash> {
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let (pairs, rest) = hex.as_bytes().as_chunks::<2>();
    let bytes: Option<Vec<u8>> = pairs.iter().map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?)).collect();
    of_algorithm(algorithm, bytes.filter(|_| rest.is_empty())?)
}

/// `None` for an algorithm that is not recorded, or if the length is not that of its checksums.
fn of_algorithm(algorithm: &str, bytes: Vec<u8>) -> Option<Hash> {
    let length = match algorithm {
        "sha1" => 20,
        "sha256" => 32,
        "sha384" => 48,
        "sha512" => 64,
        _ => return None,
    };
    Hash::new(bytes).filter(|hash| hash.bytes().len() == length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_notation_gives_the_bytes() {
        let hex = "AB".repeat(32);
        assert_eq!(tagged(&format!("sha256:{hex}")).unwrap().bytes(), [0xab; 32]);
        assert_eq!(sha256(&hex).unwrap().bytes(), [0xab; 32]);
        let sri = integrity("sha1-AAECAwQFBgcICQoLDA0ODxAREhM= md5-AA== sha512-short");
        assert_eq!(sri, [Hash::new((0..20).collect::<Vec<u8>>()).unwrap()]);
    }

    #[test]
    fn malformed_hashes_are_left_out() {
        for bad in ["sha256:", "sha256:zz", "md5:00", "nothing", "sha256:abc", &format!("sha1:{}", "a".repeat(64))] {
            assert_eq!(tagged(bad), None, "{bad}");
        }
    }
}
