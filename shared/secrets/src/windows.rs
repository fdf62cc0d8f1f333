//! A file of any size, in windows of text that overlap: memory is bounded by the window, and no secret is cut.

use std::io::{self, Read};
use std::ops::Range;

use super::text::{Decoder, PIECE, Share};

/// What stands before a window's own part, for names, the starts of lines and what a fingerprint is over. Bytes.
const BEFORE: usize = 4 * 1024;
/// What stands after it, for secrets that begin in it. The longest one is a key of 32 KB.
const AFTER: usize = 64 * 1024;

/// A part of the file's text.
pub(super) struct Window<'w> {
    pub(super) text: &'w [u8],
    /// What begins here belongs to this window.
    pub(super) own: Range<usize>,
    pub(super) share: Share,
    /// Where the next window begins.
    pub(super) next: usize,
}

pub(super) struct Windows<'f> {
    file: &'f mut dyn Read,
    size: usize,
    decoder: Option<Decoder>,
    /// Decoded and not dropped yet.
    text: Vec<u8>,
    /// Where the part that has no window yet begins.
    next: usize,
    share: Share,
    is_text: bool,
    ended: bool,
    bytes: u64,
}

impl<'f> Windows<'f> {
    pub(super) fn new(file: &'f mut dyn Read, size: usize) -> Windows<'f> {
        Windows {
            file,
            size,
            decoder: None,
            text: Vec::new(),
            next: 0,
            share: Share::All,
            is_text: false,
            ended: false,
            bytes: 0,
        }
    }

    /// Bytes read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// A part of what was read is text, or there was nothing to read.
    pub(super) fn is_text(&self) -> bool {
        self.is_text || self.bytes == 0
    }

    pub(super) fn next(&mut self) -> io::Result<Option<Window<'_>>> {
        let from = self.next.saturating_sub(BEFORE);
        self.text.drain(..from);
        self.next -= from;
        let wanted = self.next + self.size + AFTER;
        if let Some(decoder) = &mut self.decoder {
            decoder.count_anew();
        }
        let before = self.bytes;
        while !self.ended && self.text.len() < wanted {
            self.read()?;
        }
        // Where nothing was read, the text was read for the window before.
        if let Some(decoder) = self.decoder.as_ref().filter(|_| self.bytes > before) {
            self.share = decoder.share();
            self.is_text |= self.share != Share::None;
        }
        let own = self.next..if self.ended { self.text.len() } else { self.next + self.size };
        if own.is_empty() {
            return Ok(None);
        }
        self.next = own.end;
        let next = self.next.saturating_sub(BEFORE);
        Ok(Some(Window { text: &self.text, own, share: self.share, next }))
    }

    /// One piece more. Pieces of binary data leave their line ends only, so a window may need many.
    fn read(&mut self) -> io::Result<()> {
        let mut piece = [0; PIECE];
        let mut length = 0;
        while length < PIECE {
            match self.file.read(&mut piece[length..]) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.bytes += length as u64;
        self.ended = length < PIECE;
        let piece = &piece[..length];
        match &mut self.decoder {
            Some(decoder) => decoder.push(piece, &mut self.text),
            None => {
                let (mut first, mark) = Decoder::new(piece);
                first.push(&piece[mark..], &mut self.text);
                self.decoder = Some(first);
            }
        }
        if self.ended
            && let Some(decoder) = &mut self.decoder
        {
            decoder.finish(&mut self.text);
        }
        Ok(())
    }
}
