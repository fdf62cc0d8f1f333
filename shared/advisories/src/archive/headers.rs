//! The central directory, entry by entry.

use super::Archive;
use super::window::{Window, u16_at, u32_at, u64_at};
use crate::OsvError;

pub(super) const CENTRAL: &[u8] = b"PK\x01\x02";
const CENTRAL_LENGTH: usize = 46;

/// One entry of the central directory.
pub(crate) struct Header<'a> {
    pub(crate) name: &'a [u8],
    /// Bytes once inflated, as declared; more is an error.
    pub(crate) size: u64,
    pub(super) compressed: u64,
    pub(super) crc: u32,
    pub(super) is_deflated: bool,
    pub(super) local: u64,
}

/// A walk over the central directory.
pub(crate) struct Headers<'a> {
    archive: &'a Archive,
    window: Window,
    at: u64,
    seen: u64,
    compressed: u64,
}

impl<'a> Headers<'a> {
    pub(super) fn new(archive: &'a Archive) -> Headers<'a> {
        Headers { archive, window: Window::new(64 << 10), at: archive.directory, seen: 0, compressed: 0 }
    }

    /// The next entry; an error where the directory is not what the end record says.
    pub(crate) fn next(&mut self) -> Result<Option<Header<'_>>, OsvError> {
        let archive = self.archive;
        if self.seen == archive.entries {
            if self.at != archive.directory_end {
                return Err(archive.damaged("the directory is longer than its entries"));
            }
            return Ok(None);
        }
        if self.at + CENTRAL_LENGTH as u64 > archive.directory_end {
            return Err(archive.damaged("the directory ends before its last entry"));
        }
        let fixed = archive.bytes(&mut self.window, self.at, CENTRAL_LENGTH)?;
        if !fixed.starts_with(CENTRAL) {
            return Err(archive.damaged("the directory is damaged"));
        }
        let name_length = usize::from(u16_at(fixed, 28));
        let extra_length = usize::from(u16_at(fixed, 30));
        let length = CENTRAL_LENGTH + name_length + extra_length + usize::from(u16_at(fixed, 32));
        if self.at + length as u64 > archive.directory_end {
            return Err(archive.damaged("the directory ends before its last entry"));
        }
        let at = self.at;
        self.at += length as u64;
        self.seen += 1;
        let bytes = archive.bytes(&mut self.window, at, length)?;
        let name = &bytes[CENTRAL_LENGTH..CENTRAL_LENGTH + name_length];
        let extra = &bytes[CENTRAL_LENGTH + name_length..CENTRAL_LENGTH + name_length + extra_length];
        let header = header(bytes, name, extra).map_err(|problem| archive.damaged_entry(name, problem))?;
        // Entries that share their data are how a small file claims to be endless.
        self.compressed = self.compressed.saturating_add(header.compressed);
        if self.compressed > archive.length {
            return Err(archive.damaged("its entries overlap"));
        }
        Ok(Some(header))
    }
}

fn header<'a>(bytes: &[u8], name: &'a [u8], extra: &[u8]) -> Result<Header<'a>, &'static str> {
    if u16_at(bytes, 8) & 1 != 0 {
        return Err("is encrypted");
    }
    let is_deflated = match u16_at(bytes, 10) {
        0 => false,
        8 => true,
        _ => return Err("is compressed in a way other than deflate"),
    };
    let mut large = zip64_fields(extra);
    let mut field = |at: usize| match u32_at(bytes, at) {
        u32::MAX => large.next().ok_or("lacks its zip64 sizes"),
        small => Ok(u64::from(small)),
    };
    // In the order in which the extra field holds them.
    let (size, compressed, local) = (field(24)?, field(20)?, field(42)?);
    Ok(Header { name, size, compressed, crc: u32_at(bytes, 16), is_deflated, local })
}

/// The values of the zip64 extra field, if there is one.
pub(super) fn zip64_fields(mut extra: &[u8]) -> impl Iterator<Item = u64> {
    let mut values: &[u8] = &[];
    while extra.len() >= 4 {
        let end = (4 + usize::from(u16_at(extra, 2))).min(extra.len());
        if u16_at(extra, 0) == 1 {
            values = &extra[4..end];
            break;
        }
        extra = &extra[end..];
    }
    values.chunks_exact(8).map(|value| u64_at(value, 0))
}
