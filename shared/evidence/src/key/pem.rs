//! PEM in variables, where line ends may be blanks or the two characters `\n`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::KeyError;

/// One block.
pub(super) struct Pem {
    /// `PUBLIC KEY`
    pub(super) label: String,
    pub(super) bytes: Vec<u8>,
}

impl Pem {
    /// The first block of a text other than `EC PARAMETERS`, which `openssl ecparam -genkey` writes before the key.
    pub(super) fn find(text: &str) -> Result<Pem, KeyError> {
        let mut rest = text;
        loop {
            let (pem, after) = Pem::first(rest)?;
            if pem.label != "EC PARAMETERS" {
                return Ok(pem);
            }
            rest = after;
        }
    }

    fn first(text: &str) -> Result<(Pem, &str), KeyError> {
        const EXPECTED: &str = "expected a key in PEM (-----BEGIN ...)";
        let malformed = |why: &str| KeyError::Malformed(why.to_owned());
        let (_, begun) = text.split_once("-----BEGIN ").ok_or_else(|| malformed(EXPECTED))?;
        let (label, body) = begun.split_once("-----").ok_or_else(|| malformed(EXPECTED))?;
        let plain =
            label.len() <= 64 && label.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ');
        if !plain {
            return Err(malformed(EXPECTED));
        }
        let end = format!("-----END {label}-----");
        let (body, after) =
            body.split_once(&end).ok_or_else(|| malformed("the key in PEM is incomplete: the END line is missing"))?;
        if body.contains(':') {
            return Err(malformed(
                "a PEM with headers is not supported. Convert the key with `openssl pkcs8 -topk8 -nocrypt`.",
            ));
        }
        let body: String = body.replace("\\n", "").replace("\\r", "").split_whitespace().collect();
        let bytes =
            STANDARD.decode(body).map_err(|_| malformed("the key in PEM is damaged: its content is not base64"))?;
        Ok((Pem { label: label.to_owned(), bytes }, after))
    }
}

/// With lines of 64 characters.
pub(super) fn encode(label: &str, bytes: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for (index, character) in STANDARD.encode(bytes).chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text + &format!("\n-----END {label}-----\n")
}
