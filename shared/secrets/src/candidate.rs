//! A value that matched its rule's pattern, and what checks read of it.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::assignment::Assigned;

/// What a check may look at.
pub(super) struct Candidate<'a> {
    pub(super) path: &'a str,
    pub(super) text: &'a [u8],
    pub(super) value: &'a [u8],
    pub(super) assigned: Option<&'a Assigned>,
}

/// Base64 in either alphabet, with padding or without: people shorten and convert. `None` if it is not base64.
pub(super) fn decode(value: &[u8]) -> Option<Vec<u8>> {
    let config = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let url = value.iter().any(|byte| matches!(byte, b'-' | b'_'));
    let alphabet = if url { &alphabet::URL_SAFE } else { &alphabet::STANDARD };
    GeneralPurpose::new(alphabet, config).decode(value).ok()
}
