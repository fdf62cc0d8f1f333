//! `gitleaks:allow` on a line. Whether it counts is the caller's to decide: in a pull request only one that stood in
//! the target branch does.

use std::collections::HashSet;
use std::ops::Range;

use memchr::memmem;

use super::fingerprint::hex_digest;
use super::{place, text};

const MARK: &[u8] = b"gitleaks:allow";

/// The keys of all lines of a file that carry an inline allow.
pub(crate) fn inline_allows(bytes: &[u8]) -> HashSet<String> {
    let text = text::decode(bytes);
    memmem::find_iter(&text, MARK).map(|at| key(&text[place::lines(&text, &(at..at + 1))])).collect()
}

/// The key of the first allow on the lines of a match, given as whole lines.
pub(super) fn key_within(text: &[u8], lines: Range<usize>) -> Option<String> {
    let at = lines.start + memmem::find(&text[lines], MARK)?;
    Some(key(&text[place::lines(text, &(at..at + 1))]))
}

/// Over the whole line, value included: an old allow does not cover a new value. Indentation does not count.
fn key(line: &[u8]) -> String {
    hex_digest(&[b"allow", line.trim_ascii()])
}

#[cfg(test)]
mod tests {
    use super::{inline_allows, key_within};

    #[test]
    fn an_allow_is_known_by_its_line_wherever_that_stands() {
        let base = inline_allows(b"a\n  x = 1 # gitleaks:allow\n");
        let head = b"x = 1 # gitleaks:allow\ny = 2 # gitleaks:allow\nz";
        assert_eq!(base.len(), 1);
        assert!(base.contains(&key_within(head, 0..22).unwrap()));
        assert!(!base.contains(&key_within(head, 23..45).unwrap()), "another value is another allow");
        assert_eq!(key_within(head, 46..47), None);
    }
}
