//! Small pieces of sentences.

/// `1 problem`, `2 problems`: the count with its noun, whose plural ends in `s`.
pub fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// `1,234`: the digits in groups of three.
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// [`plural`] with [`thousands`]: `1 file`, `1,204 files`.
pub fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", thousands(number), if number == 1 { "" } else { "s" })
}

/// The first of several sentences and the number of the others: `no lockfile (and 2 more)`. Empty if there is none.
pub fn first_and_more(sentences: &[String]) -> String {
    match sentences {
        [] => String::new(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

/// A text from outside on one line without control characters, and of at most `max` characters: it ends with a whole word
/// and an ellipsis then. A piece of a word could be that of a secret, which is known to the redactor only as a whole.
pub fn line_excerpt(text: &str, max: usize) -> String {
    let text = text.replace(char::is_control, " ");
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let Some((end, _)) = line.char_indices().nth(max) else { return line };
    let cut = &line[..end];
    let whole = if line[end..].starts_with(' ') { cut } else { cut.rsplit_once(' ').map_or("", |(words, _)| words) };
    format!("{whole}...")
}

/// `a, b or c`: a list of alternatives. Empty if there is none.
pub fn enumerate(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [init @ .., last] => format!("{} or {last}", init.join(", ")),
    }
}

/// Bytes as lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let mut digits = vec![0; 2 * bytes.len()];
    for (pair, byte) in digits.as_chunks_mut().0.iter_mut().zip(bytes) {
        *pair = [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]];
    }
    // They are ASCII.
    String::from_utf8(digits).unwrap_or_default()
}

/// The message of a panic, from the payload that `catch_unwind` or a thread's `join` returns.
pub fn panic_text(payload: &(dyn std::any::Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    format!("internal error: {}", text.unwrap_or("no details"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_excerpt_never_ends_within_a_word() {
        use super::line_excerpt;

        assert_eq!(line_excerpt("a\r\n b\u{1b}[1m  c ", 20), "a b [1m c");
        let secret = "hunter2-hunter2-hunter2";
        for filler in 0..60 {
            let text = format!("{} \"{secret}\" and more", "é".repeat(filler));
            for max in 0..text.len() {
                let shown = line_excerpt(&text, max);
                assert!(shown.contains(secret) || !shown.contains("hunter2"), "{shown}");
                assert!(shown.chars().count() <= max + 3, "{shown}");
            }
        }
    }

    use super::{count, enumerate, first_and_more, hex, panic_text, plural, thousands};

    #[test]
    fn counts_have_their_plural() {
        assert_eq!([0, 1, 2].map(|count| plural(count, "file")), ["0 files", "1 file", "2 files"]);
    }

    #[test]
    fn each_byte_has_two_digits() {
        assert_eq!(hex(&[0, 9, 0x1f, 0xa0, 0xff]), "00091fa0ff");
    }

    #[test]
    fn digits_are_grouped_from_the_right() {
        assert_eq!(
            [0, 1, 1204].map(|number| count(number, "file")),
            ["0 files", "1 file", "1,204 files"].map(str::to_owned)
        );
        assert_eq!(
            [0, 999, 1000, 1_234_567, u64::MAX].map(thousands),
            ["0", "999", "1,000", "1,234,567", "18,446,744,073,709,551,615"]
        );
    }

    #[test]
    fn the_first_sentence_stands_for_all() {
        let sentences = ["a", "b", "c"].map(str::to_owned);
        assert_eq!([0, 1, 3].map(|count| first_and_more(&sentences[..count])), ["", "a", "a (and 2 more)"]);
    }

    #[test]
    fn words_are_listed_as_alternatives() {
        assert_eq!(enumerate(&[]), "");
        assert_eq!(enumerate(&["a"]), "a");
        assert_eq!(enumerate(&["a", "b"]), "a or b");
        assert_eq!(enumerate(&["a", "b", "c"]), "a, b or c");
    }

    #[test]
    fn a_panic_keeps_its_words() {
        assert_eq!(panic_text(&"index 7"), "internal error: index 7");
        assert_eq!(panic_text(&"index 7".to_owned()), "internal error: index 7");
        assert_eq!(panic_text(&7), "internal error: no details");
    }
}
