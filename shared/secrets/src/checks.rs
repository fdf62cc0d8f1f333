//! What can be verified of a format without a network. A value that fails its check is not a finding.

use bech32::primitives::decode::CheckedHrpstring;
use pipe_core::text::hex;
use serde::Deserialize;

use super::candidate::{Candidate, decode};
use super::{generic, pem};

/// Named in a rule's `check`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Check {
    /// Last six characters: CRC32 of what stands between them and the last `_`, in base62 (GitHub and npm).
    Base62Crc,
    /// Last seven characters: CRC32 of everything before, in base36 (GitLab's routable tokens; others have no dot).
    GitlabCrc,
    /// Last eight characters: CRC32 of everything before the last `_`, as hex of the little-endian bytes.
    GrafanaCrc,
    /// BIP 173, the encoding of age's keys.
    Bech32,
    /// The header is JSON with an `alg`, the payload JSON.
    Jwt,
    /// A private key in clear.
    Pem,
    /// A private key under a passphrase.
    PemEncrypted,
    /// A PEM private key in base64.
    PemBase64,
    /// The private lines of a PuTTY key file are base64 of at least an Ed25519 key.
    Putty,
    /// Base64 of `user:password`.
    BasicAuth,
    /// Base64 of 64 bytes.
    Base64Of64,
    /// The part before the first dot is base64 of a decimal number (Discord's user id).
    SnowflakeFirst,
    /// Upper case, lower case and digits are all there.
    MixedCase,
    /// Digits and letters are both there.
    Alphanumeric,
    /// A letter, a digit and three kinds of the punctuation that Django uses.
    Django,
    /// A password in use rather than one in a sample.
    Password,
    /// A random literal, assigned to a name that says secret.
    Literal,
}

impl Check {
    /// Key material is judged by its own check: long runs of `A` are part of it.
    pub(super) fn is_key_material(self) -> bool {
        matches!(self, Check::Pem | Check::PemEncrypted | Check::PemBase64 | Check::Putty)
    }

    pub(super) fn holds(self, candidate: &Candidate) -> bool {
        let value = candidate.value;
        match self {
            Check::Base62Crc => base62_crc(value),
            Check::GitlabCrc => gitlab_crc(value),
            Check::GrafanaCrc => grafana_crc(value),
            Check::Bech32 => bech32(value),
            Check::Jwt => jwt(value),
            Check::Pem => pem::inspect(value) == Some(pem::Key::Clear),
            Check::PemEncrypted => pem::inspect(value) == Some(pem::Key::Encrypted),
            Check::PemBase64 => decode(value).is_some_and(|inner| pem::inspect(&inner).is_some()),
            Check::Putty => pem::is_putty(value),
            Check::BasicAuth => decode(value).is_some_and(|pair| generic::is_credential_pair(&pair)),
            Check::Base64Of64 => decode(value).is_some_and(|key| key.len() == 64),
            Check::SnowflakeFirst => snowflake_first(value),
            Check::MixedCase => {
                value.iter().any(u8::is_ascii_digit)
                    && value.iter().any(u8::is_ascii_lowercase)
                    && value.iter().any(u8::is_ascii_uppercase)
            }
            Check::Alphanumeric => value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic),
            Check::Django => django(value),
            Check::Password => generic::is_password(value),
            Check::Literal => generic::is_secret_literal(candidate),
        }
    }
}

pub(super) const BASE62: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// `number` in the base of the alphabet's length, padded with its zero to `width`.
pub(super) fn in_base(mut number: u32, alphabet: &[u8], width: usize) -> Vec<u8> {
    let base = u32::try_from(alphabet.len()).unwrap_or(u32::MAX);
    let mut digits = Vec::with_capacity(width);
    while number > 0 {
        digits.push(alphabet[(number % base) as usize]);
        number /= base;
    }
    digits.resize(digits.len().max(width), alphabet[0]);
    digits.reverse();
    digits
}

fn base62_crc(value: &[u8]) -> bool {
    let body = value.rsplit(|&byte| byte == b'_').next().unwrap_or(value);
    let Some((random, sum)) = body.split_last_chunk::<6>() else {
        return false;
    };
    in_base(crc32fast::hash(random), BASE62, 6) == sum
}

fn gitlab_crc(value: &[u8]) -> bool {
    if !value.contains(&b'.') {
        return true;
    }
    let Some((before, sum)) = value.split_last_chunk::<7>() else {
        return false;
    };
    in_base(crc32fast::hash(before), &BASE36, 7) == sum
}

pub(super) const BASE36: [u8; 36] = *b"0123456789abcdefghijklmnopqrstuvwxyz";

fn grafana_crc(value: &[u8]) -> bool {
    let Some((before, sum)) = value.split_last_chunk::<8>() else {
        return false;
    };
    let Some(key) = before.strip_suffix(b"_") else {
        return false;
    };
    hex(&crc32fast::hash(key).to_le_bytes()).as_bytes() == sum
}

fn bech32(value: &[u8]) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| CheckedHrpstring::new::<bech32::Bech32>(text).is_ok())
}

fn jwt(value: &[u8]) -> bool {
    let mut parts = value.split(|&byte| byte == b'.');
    let mut object = || {
        let json: serde_json::Value = serde_json::from_slice(&decode(parts.next()?)?).ok()?;
        json.is_object().then_some(json)
    };
    let (Some(header), Some(payload)) = (object(), object()) else {
        return false;
    };
    let signed = header.get("alg").and_then(|alg| alg.as_str()).is_some_and(|alg| !alg.eq_ignore_ascii_case("none"));
    // The payload that every introduction to the format shows.
    let shown_everywhere = payload.get("sub").is_some_and(|sub| sub == "1234567890");
    signed && !shown_everywhere
}

fn django(value: &[u8]) -> bool {
    let kinds = b"!@#$%^&*(_=+)-".iter().filter(|kind| value.contains(kind)).count();
    kinds >= 3 && value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_lowercase)
}

fn snowflake_first(value: &[u8]) -> bool {
    let first = value.split(|&byte| byte == b'.').next().unwrap_or_default();
    decode(first).is_some_and(|id| id.len() >= 15 && id.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::{BASE62, in_base};

    #[test]
    fn a_number_is_padded_with_zeros() {
        assert_eq!(in_base(0, BASE62, 6), b"000000");
        assert_eq!(in_base(61, BASE62, 2), b"0z");
        assert_eq!(in_base(u32::MAX, BASE62, 6), b"4gfFC3");
    }
}
