//! From byte offsets to lines and columns.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memrchr};

/// Answers growing offsets of one text without counting any byte twice: a file may be one line with a thousand secrets.
pub(super) struct Places<'t> {
    text: &'t [u8],
    /// Line and column of the text's first byte.
    start: (u32, u32),
    counted: usize,
    line: u32,
    column: u32,
}

impl<'t> Places<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Places::starting(text, (1, 1))
    }

    /// Of a text that begins at this line and column.
    pub(super) fn starting(text: &'t [u8], start: (u32, u32)) -> Self {
        Places { text, start, counted: 0, line: start.0, column: start.1 }
    }

    /// Line and column (code points) of `offset`, both from 1. An offset before the last one asked starts over.
    pub(super) fn at(&mut self, offset: usize) -> (u32, u32) {
        if offset < self.counted {
            *self = Places::starting(self.text, self.start);
        }
        let mut passed = &self.text[self.counted..offset];
        self.counted = offset;
        if let Some(last) = memrchr(b'\n', passed) {
            self.line = self.line.saturating_add(small(memchr_iter(b'\n', passed).count()));
            self.column = 1;
            passed = &passed[last + 1..];
        }
        let points = passed.iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        self.column = self.column.saturating_add(small(points));
        (self.line, self.column)
    }
}

/// The whole lines that `span` touches, without the last line's end.
pub(super) fn lines(text: &[u8], span: &Range<usize>) -> Range<usize> {
    near(text, span, text.len())
}

/// The same, but no more than `limit` bytes on either side of the span.
pub(super) fn near(text: &[u8], span: &Range<usize>, limit: usize) -> Range<usize> {
    let floor = span.start.saturating_sub(limit);
    let ceiling = text.len().min(span.end.saturating_add(limit));
    let start = memrchr(b'\n', &text[floor..span.start]).map_or(floor, |at| floor + at + 1);
    let end = memchr(b'\n', &text[span.end..ceiling]).map_or(ceiling, |at| span.end + at);
    start..end
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Places, lines, near};

    #[test]
    fn columns_count_code_points_from_one() {
        let text = "aé\nßx\r\nlast".as_bytes();
        let mut places = Places::new(text);
        assert_eq!(places.at(0), (1, 1));
        assert_eq!(places.at(1), (1, 2));
        assert_eq!(places.at(3), (1, 3));
        assert_eq!(places.at(6), (2, 2));
        assert_eq!(places.at(text.len()), (3, 5));
        assert_eq!(places.at(1), (1, 2), "an earlier offset starts over");
    }

    #[test]
    fn the_lines_of_a_span_are_whole() {
        let text = b"one\ntwo\nthree";
        assert_eq!(lines(text, &(5..6)), 4..7);
        assert_eq!(lines(text, &(2..9)), 0..13);
        assert_eq!(near(text, &(9..10), 1000), 8..13);
        assert_eq!(near(text, &(10..11), 1), 9..12);
    }
}
