//! PEM (RFC 7468) as people keep it in variables.
//!
//! Masked variables of GitLab and the settings of Bitbucket hold one line, so a text is read in four forms: as it is, with
//! spaces for its line breaks, with the two characters `\n` for them, and as base64 of the whole.

use base64::Engine as _;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};

const BEGIN: &str = "-----BEGIN ";

/// A base64 that may lack its padding, as secrets that were copied by hand do.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One block of a PEM.
#[derive(Clone, PartialEq, Eq)]
pub struct Block {
    /// `PUBLIC KEY`, `CERTIFICATE`
    pub label: String,
    /// The decoded content.
    pub bytes: Vec<u8>,
}

/// Its content may be a private key: only the label is shown.
impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Block({})", self.label)
    }
}

/// Why a text is not PEM. No message contains a part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PemError {
    /// It has no block.
    #[error("expected PEM (-----BEGIN ...). Set the variable to the content of the file.")]
    Absent,
    /// A block that cannot be read, counted from 1.
    #[error("block {block} is {why}. Set the variable to the whole file, with its BEGIN and END lines.")]
    Damaged {
        /// The number of the block.
        block: usize,
        /// Its label. Empty if that is damaged too.
        label: String,
        /// What is wrong with it.
        why: Damage,
    },
}

/// What is wrong with a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damage {
    /// The line `-----BEGIN` has no second half.
    Begin,
    /// The END line is missing, or names another label.
    End,
    /// It has headers (`Proc-Type: 4,ENCRYPTED`), as in RFC 1421.
    Headers,
    /// The content is not base64.
    Content,
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Damage::Begin => "damaged PEM: its BEGIN line is incomplete",
            Damage::End => "damaged PEM: the END line is missing",
            Damage::Headers => "PEM with headers, which is not supported",
            Damage::Content => "damaged PEM: its content is not base64",
        })
    }
}

/// All blocks of a text in order. Text between them is ignored.
///
/// # Errors
/// There is none, or one of them is damaged.
pub fn blocks(text: &str) -> Result<Vec<Block>, PemError> {
    let decoded = if text.contains(BEGIN) { None } else { whole(text) };
    let mut rest = decoded.as_deref().unwrap_or(text);
    let mut blocks = Vec::new();
    while let Some((_, begun)) = rest.split_once(BEGIN) {
        let damaged =
            |label: &str, why: Damage| PemError::Damaged { block: blocks.len() + 1, label: label.to_owned(), why };
        let (label, body) = begun.split_once("-----").ok_or_else(|| damaged("", Damage::Begin))?;
        let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == ' ';
        if label.len() > 64 || !label.chars().all(plain) {
            return Err(damaged("", Damage::Begin));
        }
        let (body, after) =
            body.split_once(&format!("-----END {label}-----")).ok_or_else(|| damaged(label, Damage::End))?;
        if body.contains(':') {
            return Err(damaged(label, Damage::Headers));
        }
        let body: String = body.replace("\\n", "").replace("\\r", "").split_whitespace().collect();
        let bytes = LENIENT.decode(body).map_err(|_| damaged(label, Damage::Content))?;
        blocks.push(Block { label: label.to_owned(), bytes });
        rest = after;
    }
    if blocks.is_empty() { Err(PemError::Absent) } else { Ok(blocks) }
}

/// The PEM that a text is the base64 of.
fn whole(text: &str) -> Option<String> {
    let joined: String = text.replace("\\n", "").split_whitespace().collect();
    let text = String::from_utf8(LENIENT.decode(joined).ok()?).ok()?;
    text.contains(BEGIN).then_some(text)
}

/// One block with lines of 64 characters.
pub fn encode(label: &str, bytes: &[u8]) -> String {
    let mut text = format!("-----BEGIN {label}-----\n");
    for (index, character) in STANDARD.encode(bytes).chars().enumerate() {
        if index > 0 && index % 64 == 0 {
            text.push('\n');
        }
        text.push(character);
    }
    text + &format!("\n-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    /// Every form in which a variable may hold this text.
    fn forms(text: &str) -> Vec<String> {
        let encoded = STANDARD.encode(text);
        vec![
            text.to_owned(),
            text.replace('\n', "\r\n"),
            text.replace('\n', " "),
            text.replace('\n', "\\n"),
            text.replace('\n', "\\r\\n"),
            encoded.clone(),
            STANDARD_NO_PAD.encode(text),
            encoded.as_bytes().chunks(76).map(|line| String::from_utf8_lossy(line) + "\n").collect(),
            format!("  {text}\n\n"),
        ]
    }

    proptest! {
        #[test]
        fn blocks_survive_every_form(contents in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..200), 1..4)) {
            let text: String = contents.iter().map(|bytes| encode("SOME KEY", bytes)).collect();
            for form in forms(&text) {
                let read = blocks(&form).unwrap();
                prop_assert_eq!(read.iter().map(|block| &block.bytes).collect::<Vec<_>>(), contents.iter().collect::<Vec<_>>());
            }
        }

        #[test]
        fn garbage_is_an_error_or_nothing_is_lost(text in ".{0,200}") {
            drop(blocks(&text));
        }
    }

    #[test]
    fn a_damaged_block_is_named_and_never_skipped() {
        let good = encode("CERTIFICATE", b"one");
        let at = |text: &str, told: &str| {
            let error = blocks(text).unwrap_err().to_string();
            assert!(error.starts_with(told), "{error}");
        };
        at("hunter2", "expected PEM (-----BEGIN ...)");
        at(&STANDARD.encode("hunter2"), "expected PEM (-----BEGIN ...)");
        at(&(good.clone() + "-----BEGIN x"), "block 2 is damaged PEM: its BEGIN line is incomplete");
        at(&good.replace("-----END", ""), "block 1 is damaged PEM: the END line is missing");
        at(&(good.clone() + &good.replace("b25l", "b2*l")), "block 2 is damaged PEM: its content is not base64");
        at(&good.replace("b25l", "A: b"), "block 1 is PEM with headers, which is not supported");
        assert!(!format!("{:?}", blocks(&good).unwrap()).contains("one"));
    }
}
