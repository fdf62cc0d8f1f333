//! From byte offsets to lines and columns.

use std::ops::Range;

use memchr::{memchr, memchr_iter, memrchr};

/// Answers growing offsets of one text without counting any line twice.
pub(super) struct Places<'t> {
    text: &'t [u8],
    counted: usize,
    line: u32,
}

impl<'t> Places<'t> {
    pub(super) fn new(text: &'t [u8]) -> Self {
        Places { text, counted: 0, line: 1 }
    }

    /// Line and column (code points) of `offset`, both from 1. An offset before the last one asked starts over.
    pub(super) fn at(&mut self, offset: usize) -> (u32, u32) {
        if offset < self.counted {
            *self = Places::new(self.text);
        }
        let passed = memchr_iter(b'\n', &self.text[self.counted..offset]).count();
        self.line = self.line.saturating_add(small(passed));
        self.counted = offset;
        let start = line_start(self.text, offset);
        let points = self.text[start..offset].iter().filter(|&&byte| byte & 0xC0 != 0x80).count();
        (self.line, small(points).saturating_add(1))
    }
}

/// The whole lines that `span` touches, without the last line's end.
pub(super) fn lines(text: &[u8], span: &Range<usize>) -> Range<usize> {
    let end = memchr(b'\n', &text[span.end..]).map_or(text.len(), |at| span.end + at);
    line_start(text, span.start)..end
}

pub(super) fn line_start(text: &[u8], offset: usize) -> usize {
    memrchr(b'\n', &text[..offset]).map_or(0, |at| at + 1)
}

fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::{Places, lines};

    #[test]
    fn columns_count_code_points_from_one() {
        let text = "aé\nßx\r\nlast".as_bytes();
        let mut places = Places::new(text);
        assert_eq!(places.at(0), (1, 1));
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
    }
}
