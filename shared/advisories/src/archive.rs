//! Reading a zip whose every entry is one record, in the memory of one entry.
//!
//! Our own because the `zip` crate keeps a few hundred bytes of every entry: the npm dump has more than 200,000. Here
//! the central directory is read as a stream, and the buffers of one entry serve all. Only what OSV's dumps use is
//! known: entries stored or deflated, zip64. Names are shown in errors and used for nothing else
//! (layout: PKWARE's APPNOTE.TXT, sections 4.3 and 4.4).

mod headers;
#[cfg(test)]
mod tests;
mod window;

use std::fs::File;
use std::path::{Path, PathBuf};

use flate2::{Decompress, FlushDecompress, Status};

use self::headers::{Header, Headers};
use self::window::{Window, u16_at, u32_at, u64_at};
use super::{MAX_RECORD, OsvError};

const END: &[u8] = b"PK\x05\x06";
const END_LENGTH: usize = 22;
const END64: &[u8] = b"PK\x06\x06";
const LOCATOR64: &[u8] = b"PK\x06\x07";
const LOCAL: &[u8] = b"PK\x03\x04";
const LOCAL_LENGTH: usize = 30;

pub(super) struct Archive {
    path: PathBuf,
    file: File,
    length: u64,
    directory: u64,
    directory_end: u64,
    entries: u64,
}

/// The buffers that reading reuses from entry to entry and from zip to zip.
pub(super) struct Workspace {
    window: Window,
    inflate: Decompress,
    output: Vec<u8>,
}

impl Archive {
    pub(super) fn open(path: &Path) -> Result<Archive, OsvError> {
        let failed = |source| OsvError::Read { path: path.to_owned(), source };
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        if !metadata.is_file() {
            return Err(OsvError::unusable(path.display(), "not a regular file"));
        }
        let mut archive =
            Archive { path: path.to_owned(), file, length: metadata.len(), directory: 0, directory_end: 0, entries: 0 };
        archive.find_directory()?;
        Ok(archive)
    }

    pub(super) fn headers(&self) -> Headers<'_> {
        Headers::new(self)
    }

    fn find_directory(&mut self) -> Result<(), OsvError> {
        // The end record is followed by nothing but its own comment.
        let tail_length = self.length.min((END_LENGTH + usize::from(u16::MAX)) as u64);
        let tail_start = self.length - tail_length;
        let mut window = Window::new(0);
        let tail = self.bytes(&mut window, tail_start, tail_length as usize)?;
        let end = tail
            .windows(END_LENGTH)
            .rposition(|end| end.starts_with(END))
            .filter(|&at| tail.len() - at - END_LENGTH == usize::from(u16_at(tail, at + 20)));
        let Some(end) = end else {
            return Err(self.damaged("no end record: not a zip, or cut short"));
        };
        let (entries, size, directory) =
            (u64::from(u16_at(tail, end + 10)), u64::from(u32_at(tail, end + 12)), u64::from(u32_at(tail, end + 16)));
        let is_split = u16_at(tail, end + 4) != 0 && u16_at(tail, end + 4) != u16::MAX;
        let needs_zip64 =
            entries == u64::from(u16::MAX) || size == u64::from(u32::MAX) || directory == u64::from(u32::MAX);
        if is_split {
            return Err(self.damaged("one part of a split zip"));
        }
        let end_position = tail_start + end as u64;
        let (entries, size, directory, limit) = match self.end64(end_position)? {
            Some((entries, size, directory, at)) if needs_zip64 => (entries, size, directory, at),
            None if needs_zip64 => return Err(self.damaged("the zip64 end record is missing")),
            _ => (entries, size, directory, end_position),
        };
        let directory_end = directory.checked_add(size).filter(|&after| after <= limit);
        self.directory_end = directory_end.ok_or_else(|| self.damaged("the directory lies outside the file"))?;
        self.directory = directory;
        self.entries = entries;
        Ok(())
    }

    /// Entries, size and offset of the directory, and where the zip64 end record lies, if there is one.
    fn end64(&self, end: u64) -> Result<Option<(u64, u64, u64, u64)>, OsvError> {
        let Some(locator) = end.checked_sub(20) else {
            return Ok(None);
        };
        let mut window = Window::new(0);
        let bytes = self.bytes(&mut window, locator, 20)?;
        if !bytes.starts_with(LOCATOR64) {
            return Ok(None);
        }
        let at = u64_at(bytes, 8);
        if at.checked_add(56).is_none_or(|after| after > locator) {
            return Err(self.damaged("the zip64 end record lies outside the file"));
        }
        let bytes = self.bytes(&mut window, at, 56)?;
        if !bytes.starts_with(END64) {
            return Err(self.damaged("the zip64 end record is damaged"));
        }
        Ok(Some((u64_at(bytes, 32), u64_at(bytes, 40), u64_at(bytes, 48), at)))
    }

    fn bytes<'w>(&self, window: &'w mut Window, at: u64, length: usize) -> Result<&'w [u8], OsvError> {
        match at.checked_add(length as u64) {
            Some(end) if end <= self.length => window
                .read(&self.file, self.length, at, length)
                .map_err(|source| OsvError::Read { path: self.path.clone(), source }),
            _ => Err(self.damaged("cut short")),
        }
    }

    pub(super) fn damaged(&self, problem: impl std::fmt::Display) -> OsvError {
        OsvError::unusable(self.path.display(), problem)
    }

    /// An error about one entry; its name is shown escaped and cut.
    pub(super) fn damaged_entry(&self, name: &[u8], problem: impl std::fmt::Display) -> OsvError {
        let shown: String = String::from_utf8_lossy(name).chars().take(100).collect();
        OsvError::unusable(format_args!("{}: {}", self.path.display(), shown.escape_debug()), problem)
    }
}

impl Workspace {
    pub(super) fn new() -> Workspace {
        Workspace { window: Window::new(256 << 10), inflate: Decompress::new(false), output: Vec::new() }
    }

    /// Before the first entry of another zip.
    pub(super) fn forget(&mut self) {
        self.window.forget();
    }

    /// The content of an entry, checked against its size and checksum.
    pub(super) fn read(&mut self, archive: &Archive, header: &Header<'_>) -> Result<&[u8], OsvError> {
        let damaged = |problem: &str| archive.damaged_entry(header.name, problem);
        // A deflated record that is larger than the record itself would be a strange one.
        if header.size > MAX_RECORD as u64 || header.compressed > MAX_RECORD as u64 {
            return Err(damaged(&format!("larger than {} MiB", MAX_RECORD >> 20)));
        }
        let (size, compressed) = (header.size as usize, header.compressed as usize);
        let local = archive.bytes(&mut self.window, header.local, LOCAL_LENGTH)?;
        if !local.starts_with(LOCAL) {
            return Err(damaged("its local header is damaged"));
        }
        let skipped = LOCAL_LENGTH + usize::from(u16_at(local, 26)) + usize::from(u16_at(local, 28));
        let data = archive.bytes(&mut self.window, header.local, skipped + compressed)?;
        let data = &data[skipped..];
        // One byte more than declared, to notice that there is more.
        if self.output.len() <= size {
            self.output.resize(size + 1, 0);
        }
        let content = if header.is_deflated {
            self.inflate.reset(false);
            let status = self.inflate.decompress(data, &mut self.output[..=size], FlushDecompress::Finish);
            if !matches!(status, Ok(Status::StreamEnd)) || self.inflate.total_out() != header.size {
                return Err(damaged("can't be inflated to its declared size"));
            }
            &self.output[..size]
        } else {
            data
        };
        if content.len() != size || crc32fast::hash(content) != header.crc {
            return Err(damaged("fails its checksum"));
        }
        Ok(content)
    }
}
