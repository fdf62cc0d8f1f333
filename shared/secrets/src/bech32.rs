//! The checksum of BIP 173, which age uses for its keys without the limit on length.

const ALPHABET: &[u8; 32] = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
const GENERATOR: [u32; 5] = [0x3b6a_57b2, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];

/// Whether `value` (one case throughout) carries the checksum that its own text asks for.
pub(super) fn verifies(value: &[u8]) -> bool {
    let lower = value.to_ascii_lowercase();
    let Some(separator) = lower.iter().rposition(|&byte| byte == b'1') else {
        return false;
    };
    if separator == 0 {
        return false;
    }
    let (name, data) = (&lower[..separator], &lower[separator + 1..]);
    let digits: Option<Vec<u8>> = data.iter().map(|byte| digit(*byte)).collect();
    digits.is_some_and(|digits| digits.len() >= 6 && polymod(expand(name).chain(digits)) == 1)
}

/// The six characters that complete `name`, `1` and `data`.
#[cfg(test)]
pub(super) fn checksum(name: &[u8], data: &[u8]) -> Vec<u8> {
    let digits = data.iter().filter_map(|byte| digit(*byte)).chain([0; 6]);
    let sum = polymod(expand(name).chain(digits)) ^ 1;
    (0..6).map(|at| ALPHABET[(sum >> (5 * (5 - at)) & 31) as usize]).collect()
}

fn digit(byte: u8) -> Option<u8> {
    ALPHABET.iter().position(|&letter| letter == byte).and_then(|at| u8::try_from(at).ok())
}

fn expand(name: &[u8]) -> impl Iterator<Item = u8> {
    name.iter().map(|byte| byte >> 5).chain([0]).chain(name.iter().map(|byte| byte & 31))
}

fn polymod(values: impl Iterator<Item = u8>) -> u32 {
    values.fold(1, |sum, value| {
        let top = sum >> 25;
        let shifted = (sum & 0x01ff_ffff) << 5 ^ u32::from(value);
        (0..5).filter(|bit| top >> bit & 1 == 1).fold(shifted, |sum, bit| sum ^ GENERATOR[bit])
    })
}

#[cfg(test)]
mod tests {
    use super::verifies;

    /// Test vectors of BIP 173.
    #[test]
    fn the_vectors_of_the_specification() {
        let valid = ["A12UEL5L", "abcdef1qpzry9x8gf2tvdw0s3jn54khce6mua7lmqqqxw", "?1ezyfcl"];
        let invalid = ["A1G7SGD8", "x1b4n0q5v", "10a06t8", "li1dgmt3", ""];
        assert!(valid.iter().all(|text| verifies(text.as_bytes())));
        assert!(!invalid.iter().any(|text| verifies(text.as_bytes())));
    }
}
