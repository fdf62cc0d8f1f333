//! Text from records, made fit for a terminal line, a report and a URL.

/// Characters in a summary.
const SUMMARY: usize = 200;

/// The first line of `text` that says something: at most [`SUMMARY`] characters, an ellipsis where it was cut.
pub(super) fn one_line(text: &str) -> String {
    let line = text.lines().map(clean).find(|line| !line.is_empty()).unwrap_or_default();
    match line.char_indices().nth(SUMMARY) {
        None => line,
        Some(_) => line.chars().take(SUMMARY - 1).chain(['\u{2026}']).collect(),
    }
}

/// Without control characters and those that reorder or hide text; runs of blanks become one space.
pub(super) fn clean(text: &str) -> String {
    // Ids, versions and dates, which most texts are.
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return text.to_owned();
    }
    let mut cleaned = String::with_capacity(text.len().min(4 * SUMMARY));
    let mut blank = false;
    for c in text.chars() {
        if c.is_whitespace() {
            blank = !cleaned.is_empty();
        } else if !is_unprintable(c) {
            if blank {
                cleaned.push(' ');
                blank = false;
            }
            cleaned.push(c);
        }
    }
    cleaned
}

/// Controls, zero-width characters and the bidirectional overrides.
fn is_unprintable(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

/// The page of a record at osv.dev.
pub(super) fn page(id: &str) -> String {
    format!("https://osv.dev/vulnerability/{}", path_segment(id))
}

/// Whether it is an address that can stand in a page as it is.
pub(super) fn is_url(text: &str) -> bool {
    text.len() <= 2_000
        && (text.starts_with("https://") || text.starts_with("http://"))
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// Percent-encodes all but the unreserved characters of RFC 3986 and the colon that Red Hat's ids hold.
pub(super) fn path_segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b':' => {
                encoded.push(char::from(byte))
            }
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}

/// Whether it begins like an RFC 3339 date of our time. The Go database publishes `0001-01-01` for "not known".
pub(super) fn is_date(text: &str) -> bool {
    let digits = |range: std::ops::Range<usize>| {
        text.get(range).is_some_and(|part| part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let bytes = text.as_bytes();
    digits(0..4)
        && digits(5..7)
        && digits(8..10)
        && bytes.get(4) == Some(&b'-')
        && bytes.get(7) == Some(&b'-')
        && matches!(bytes.get(10), None | Some(b'T'))
        && text.len() <= 40
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && text.get(0..4) >= Some("1970")
        && text.get(5..7).is_some_and(|month| ("01"..="12").contains(&month))
        && text.get(8..10).is_some_and(|day| ("01"..="31").contains(&day))
}

#[cfg(test)]
mod tests {
    use super::{SUMMARY, is_date, one_line, path_segment};

    #[test]
    fn a_summary_is_one_clean_line() {
        assert_eq!(one_line("\n\n  a\t b\u{7}\u{1b}[31mc \nsecond"), "a b[31mc");
        assert_eq!(one_line("gnp\u{202e}.exe\u{200b}"), "gnp.exe");
        assert_eq!(one_line(""), "");
    }

    #[test]
    fn a_long_summary_is_cut_at_a_character() {
        let cut = one_line(&"ä".repeat(500));
        assert_eq!(cut.chars().count(), SUMMARY);
        assert!(cut.ends_with("ä…"));
        assert_eq!(one_line(&"ä".repeat(SUMMARY)), "ä".repeat(SUMMARY));
    }

    #[test]
    fn an_id_cannot_leave_its_path_segment() {
        assert_eq!(path_segment("ALSA-2021:1234"), "ALSA-2021:1234");
        assert_eq!(path_segment("../x?y#z é"), "..%2Fx%3Fy%23z%20%C3%A9");
    }

    #[test]
    fn only_plausible_dates_count() {
        assert!(is_date("2024-10-01T00:00:00Z"));
        assert!(is_date("2024-10-01"));
        assert!(!is_date("0001-01-01T00:00:00Z"));
        assert!(!is_date("2024-10-01 or so"));
        assert!(!is_date("2024/10/01"));
        assert!(!is_date("2024-99-01") && !is_date("2024-10-00") && !is_date("2024-10-32"));
        assert!(!is_date("zzzz"));
        assert!(!is_date(""));
    }
}
