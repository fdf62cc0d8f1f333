//! A part of a file in memory, moved along as reading moves on.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

pub(super) struct Window {
    bytes: Vec<u8>,
    start: u64,
    /// How much is read at once, in bytes, where less is asked for.
    chunk: usize,
}

impl Window {
    pub(super) fn new(chunk: usize) -> Window {
        Window { bytes: Vec::new(), start: 0, chunk }
    }

    pub(super) fn forget(&mut self) {
        self.bytes.clear();
    }

    /// `length` bytes at `at`, which must lie within the file's `end`.
    pub(super) fn read(&mut self, file: &File, end: u64, at: u64, length: usize) -> io::Result<&[u8]> {
        let held = at.checked_sub(self.start).and_then(|from| usize::try_from(from).ok());
        let held = held.filter(|from| from.checked_add(length).is_some_and(|to| to <= self.bytes.len()));
        let from = match held {
            Some(from) => from,
            None => {
                let left = usize::try_from(end.saturating_sub(at)).unwrap_or(usize::MAX);
                self.bytes.resize(self.chunk.max(length).min(left), 0);
                self.start = at;
                // Nothing half-read may pass for content.
                if let Err(error) = file.read_exact_at(&mut self.bytes, at) {
                    self.forget();
                    return Err(error);
                }
                0
            }
        };
        self.bytes.get(from..from + length).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
    }
}

pub(super) fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(array_at(bytes, at))
}

pub(super) fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(array_at(bytes, at))
}

pub(super) fn u64_at(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(array_at(bytes, at))
}

/// Zeros where `bytes` ends early; callers ask for no more than they read.
fn array_at<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}
