//! `gitleaks:allow` on a line. Whether it counts is the caller's to decide: in a pull request only one that stood in
//! the target branch does.

use std::collections::HashSet;
use std::ops::Range;

use memchr::memmem;

use super::fingerprint::hex_digest;
use super::{place, text};

const MARK: &[u8] = b"gitleaks:allow";

/// The keys of all lines of a file that carry an inline allow.
pub fn inline_allows(bytes: &[u8]) -> HashSet<String> {
    let allows = Allows::new(&text::decode(bytes).0);
    allows.0.into_iter().map(|(_, key)| key).collect()
}

/// The lines of a text that carry an inline allow, in their order, each with its key.
pub(super) struct Allows(Vec<(Range<usize>, String)>);

impl Allows {
    pub(super) fn new(text: &[u8]) -> Allows {
        let mut allows: Vec<(Range<usize>, String)> = Vec::new();
        let mut blocks = Blocks { text, next: None, from: 0 };
        let mut last = 0..0;
        let mut from = 0;
        while let Some(at) = memmem::find(&text[from..], MARK).map(|at| from + at) {
            let line = place::lines(text, &(at..at + MARK.len()));
            from = line.end;
            let covered = blocks.around(&line).unwrap_or_else(|| line.clone());
            let key = match allows.last() {
                Some((_, key)) if last == covered => key.clone(),
                _ => key(&text[covered.clone()]),
            };
            last = covered;
            allows.push((line, key));
        }
        Allows(allows)
    }

    /// Of a text that can't carry one.
    pub(super) fn none() -> Allows {
        Allows(Vec::new())
    }

    /// The key of the first allow on the lines that `span` touches.
    pub(super) fn of(&self, span: &Range<usize>) -> Option<&str> {
        let first = self.0.partition_point(|(line, _)| line.end < span.start);
        self.0.get(first).filter(|(line, _)| line.start < span.end).map(|(_, key)| key.as_str())
    }
}

/// Over all of the lines, value included: an old allow does not cover a new value. Indentation does not count.
fn key(lines: &[u8]) -> String {
    hex_digest(&[b"allow", lines.trim_ascii()])
}

/// The PEM blocks of a text, asked for in growing order. An allow on one of a block's lines is about all of them, or a
/// new key could stand below an old `-----BEGIN PRIVATE KEY----- gitleaks:allow`.
struct Blocks<'t> {
    text: &'t [u8],
    next: Option<Range<usize>>,
    from: usize,
}

impl Blocks<'_> {
    /// The whole lines of the block that `line` is one of.
    fn around(&mut self, line: &Range<usize>) -> Option<Range<usize>> {
        while self.from < self.text.len() && self.next.as_ref().is_none_or(|block| block.end < line.end) {
            self.next = self.find();
            self.from = self.next.as_ref().map_or(self.text.len(), |block| block.end);
        }
        self.next.clone().filter(|block| block.start <= line.start && line.end <= block.end)
    }

    fn find(&self) -> Option<Range<usize>> {
        let begin = self.from + memmem::find(&self.text[self.from..], b"-----BEGIN ")?;
        let end = begin + memmem::find(&self.text[begin..], b"-----END")?;
        Some(place::lines(self.text, &(begin..end)))
    }
}

#[cfg(test)]
mod tests {
    use super::{Allows, inline_allows};

    #[test]
    fn an_allow_is_known_by_its_line_wherever_that_stands() {
        let base = inline_allows(b"a\n  x = 1 # gitleaks:allow\n");
        let head = Allows::new(b"x = 1 # gitleaks:allow\ny = 2 # gitleaks:allow\nz");
        assert_eq!(base.len(), 1);
        assert!(base.contains(head.of(&(4..5)).unwrap()));
        assert!(!base.contains(head.of(&(27..28)).unwrap()), "another value is another allow");
        assert_eq!(head.of(&(46..47)), None);
        assert_eq!(head.of(&(27..47)), head.of(&(27..28)), "a span of several lines");
    }

    #[test]
    fn an_allow_in_a_block_is_about_the_whole_block() {
        let block = |first: &str, body: &str, last: &str| {
            format!("a\n-----BEGIN X----- {first}\n{body}\n-----END X----- {last}\nb # gitleaks:allow")
        };
        for (first, last) in [("gitleaks:allow", ""), ("", "# gitleaks:allow")] {
            let (old, new) = (block(first, "one", last), block(first, "two", last));
            let base = inline_allows(old.as_bytes());
            let head = Allows::new(new.as_bytes());
            assert_eq!(base.len(), 2);
            assert!(!base.contains(head.of(&(2..30)).unwrap()), "another body is another allow");
            assert!(base.contains(head.of(&(new.len() - 18..new.len())).unwrap()), "the line below is not of it");
            assert!(base.contains(Allows::new(format!("\n\n{old}").as_bytes()).of(&(4..30)).unwrap()));
        }
    }
}
