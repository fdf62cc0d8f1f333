//! The blocks of a PEM that are keys.

use pipe_core::pem::{self, Block, Damage, PemError};

use super::error::KeyError;

/// The only key in a text.
///
/// # Errors
/// [`KeyError::Malformed`] if there is none or more than one.
pub(super) fn one(text: &str) -> Result<Block, KeyError> {
    let mut keys = all(text)?;
    match keys.pop() {
        Some(key) if keys.is_empty() => Ok(key),
        _ => Err(KeyError::Malformed("expected one key in PEM, found several".to_owned())),
    }
}

/// All keys in a text, at least one. `openssl ecparam -genkey` writes `EC PARAMETERS` before the key, which say nothing more.
pub(super) fn all(text: &str) -> Result<Vec<Block>, KeyError> {
    let mut blocks = pem::blocks(text).map_err(malformed)?;
    blocks.retain(|block| block.label != "EC PARAMETERS");
    if blocks.is_empty() { Err(malformed(PemError::Absent)) } else { Ok(blocks) }
}

fn malformed(error: PemError) -> KeyError {
    let text = match error {
        PemError::Absent | PemError::Damaged { why: Damage::Begin, .. } => "expected a key in PEM (-----BEGIN ...)",
        PemError::Damaged { label, .. } if label.starts_with("PGP ") => {
            "expected a key in PEM (cosign, PKCS#8, SEC1 or PKCS#1), found a PGP key. Create a pair with \
             ACTION=generate-key-pair."
        }
        PemError::Damaged { why: Damage::End, .. } => "the key in PEM is incomplete: the END line is missing",
        PemError::Damaged { why: Damage::Headers, .. } => {
            "a PEM with headers is not supported. Convert the key with `openssl pkcs8 -topk8 -nocrypt`."
        }
        PemError::Damaged { why: Damage::Content, .. } => "the key in PEM is damaged: its content is not base64",
    };
    KeyError::Malformed(text.to_owned())
}
