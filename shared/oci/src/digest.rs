//! Content digests (OCI image specification 1.1, "Digests").

use std::fmt;
use std::str::FromStr;

use pipe_core::text::hex;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest as _, Sha256, Sha512};

/// `sha256:<64 hexadecimal digits>` or `sha512:<128>`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest {
    text: String,
    colon: usize,
}

/// Text that is not one of the two forms of a [`Digest`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected a digest, sha256: and 64 hexadecimal digits")]
pub struct DigestError;

impl Digest {
    /// The SHA-256 of `bytes`.
    pub fn of(bytes: &[u8]) -> Digest {
        Digest { text: format!("sha256:{}", hex(&Sha256::digest(bytes))), colon: 6 }
    }

    /// Reads `sha256:` and 64 or `sha512:` and 128 hexadecimal digits in lower case.
    ///
    /// # Errors
    /// The text has another form.
    pub fn parse(text: &str) -> Result<Digest, DigestError> {
        let (algorithm, hex) = text.split_once(':').ok_or(DigestError)?;
        let length = match algorithm {
            "sha256" => 64,
            "sha512" => 128,
            _ => return Err(DigestError),
        };
        let plain = hex.len() == length && hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if !plain {
            return Err(DigestError);
        }
        Ok(Digest { text: text.to_owned(), colon: algorithm.len() })
    }

    /// Whether `bytes` have this digest.
    pub fn verify(&self, bytes: &[u8]) -> bool {
        let actual = match self.algorithm() {
            "sha512" => hex(&Sha512::digest(bytes)),
            _ => hex(&Sha256::digest(bytes)),
        };
        actual == self.hex()
    }

    /// `sha256`
    pub fn algorithm(&self) -> &str {
        &self.text[..self.colon]
    }

    /// The hexadecimal digits after the colon.
    pub fn hex(&self) -> &str {
        &self.text[self.colon + 1..]
    }

    /// `sha256-<hex>`: how tags about this digest begin (OCI's referrers tag and cosign's `.sig` and `.att`).
    pub fn tag_prefix(&self) -> String {
        format!("{}-{}", self.algorithm(), self.hex())
    }

    /// `sha256:` and the first 12 digits, for messages.
    pub fn short(&self) -> &str {
        &self.text[..self.colon + 13]
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(text: &str) -> Result<Digest, DigestError> {
        Digest::parse(text)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Digest, D::Error> {
        let text = String::deserialize(deserializer)?;
        Digest::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Digest;

    #[test]
    fn digests_are_of_two_kinds_and_in_lower_case() {
        let digest = Digest::of(b"hello");
        assert_eq!(digest.to_string(), "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
        assert_eq!(digest.tag_prefix(), format!("sha256-{}", digest.hex()));
        assert_eq!(digest.short(), "sha256:2cf24dba5fb0");
        assert!(digest.verify(b"hello") && !digest.verify(b"hallo"));
        let long = Digest::parse(&format!("sha512:{}", "a".repeat(128))).unwrap();
        assert_eq!((long.algorithm(), long.hex().len()), ("sha512", 128));
        assert!(!long.verify(b"hello"));
        for wrong in ["", "sha256:", "sha256:abc", "md5:abc", &digest.to_string().to_uppercase(), &format!("{digest}0")]
        {
            assert!(Digest::parse(wrong).is_err(), "{wrong}");
        }
    }
    proptest! {
        #[test]
        fn what_is_a_digest_is_written_as_it_was_read(text in "(sha256:|sha512:)?[0-9a-fA-Fg:é]{0,140}") {
            if let Ok(digest) = Digest::parse(&text) {
                prop_assert_eq!(digest.to_string(), text);
                prop_assert!(digest.short().len() < digest.to_string().len());
            }
        }

        #[test]
        fn bytes_have_their_digest_and_no_other(one: Vec<u8>, other: Vec<u8>) {
            let digest = Digest::of(&one);
            prop_assert!(digest.verify(&one));
            prop_assert_eq!(digest.verify(&other), one == other);
            let json = serde_json::to_string(&digest).unwrap();
            prop_assert_eq!(serde_json::from_str::<Digest>(&json).unwrap(), digest);
        }
    }
}
