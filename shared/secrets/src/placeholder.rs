//! Values that only look like a secret.

pub(super) use pipe_core::redact::tokens::entropy;

/// Parts of words that people write where a secret goes; four letters and more, which no random token holds often.
const WORDS: &str = "\
    example placeholder changeme change-me change_me your- your_ yourt yourk yours redacted dummy xxxx insert \
    replace sample mysecret my-secret my_secret not-a- notreal fake- fake_ fakefake < ${ {{ }} $( %( %s **** ... \
    ____";

/// A run of one character this long is typed, not random.
const RUN: usize = 6;
/// So is a run of neighbours (`12345678`, `abcdefgh`) of this length.
const SEQUENCE: usize = 8;

pub(super) fn is_placeholder(value: &[u8]) -> bool {
    contains_any(value, WORDS)
        || run(value, 0) >= RUN
        || run(value, 1).max(run(value, -1)) >= SEQUENCE
        || repeats(value)
}

/// ASCII case-insensitive; the words are in lower case, with a space between.
pub(super) fn contains_any(value: &[u8], words: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    words.split(' ').any(|word| memchr::memmem::find(&lower, word.as_bytes()).is_some())
}

/// The longest run in which each character is `step` after the one before.
fn run(value: &[u8], step: i16) -> usize {
    let (mut longest, mut current) = (1, 1);
    for pair in value.windows(2) {
        let next = pair[0].is_ascii_alphanumeric() && i16::from(pair[1]) - i16::from(pair[0]) == step;
        current = if next { current + 1 } else { 1 };
        longest = longest.max(current);
    }
    longest
}

/// The last twenty characters repeat a part of ten or fewer.
fn repeats(value: &[u8]) -> bool {
    let Some(tail) = value.last_chunk::<20>() else {
        return false;
    };
    (1..=10).any(|period| tail.iter().zip(&tail[period..]).all(|(one, other)| one == other))
}

#[cfg(test)]
mod tests {
    use super::{entropy, is_placeholder};

    #[test]
    fn typed_values_are_distinguished_from_random_ones() {
        let typed: &[&[u8]] = &[
            b"AKIAIOSF-EXAMPLE",
            b"xxxxxxxx",
            b"<password>",
            b"${TOKEN}",
            b"{{ token }}",
            b"00000000",
            b"12345678",
            b"zyxwvuts",
            b"deadbeefdeadbeefdeadbeef",
            b"your-token-here",
            b"9cbaf023786cd7...",
        ];
        let random: &[&[u8]] = &[b"q8Zr2LmT0vXk4NcB", b"h4Jw9sPd7aQe", b"aaaa1234bbbb"];
        assert!(typed.iter().all(|value| is_placeholder(value)));
        assert!(!random.iter().any(|value| is_placeholder(value)));
    }

    #[test]
    fn entropy_is_in_bits_a_byte() {
        assert_eq!(entropy(b"aaaa"), 0.0);
        assert_eq!(entropy(b"abab"), 1.0);
        assert_eq!(entropy(b"abcdefgh"), 3.0);
        assert_eq!(entropy(b""), 0.0);
    }
}
