//! Building the index in the memory of a few packages, and putting it in its place.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;

use super::spill::{Buffers, Row, Spill};
use super::temporary::{Temporary, folder};
use super::{DESCRIPTION, HEADER_LENGTH, Line, MAGIC, MAX_DIRECTORY, Meta, VERSION, checksum};
use crate::Coverage;
use crate::entry::Entry;
use crate::matching::keep_newest;
use pipe_packages::package::Ecosystem;

/// An index that is being made: entries come from several threads, in any order.
pub(crate) struct Builder(Spill);

/// What one thread holds of it.
#[derive(Default)]
pub(crate) struct Share(Buffers);

/// What was written.
pub(crate) struct Written {
    pub(crate) packages: u64,
    /// Of the file.
    pub(crate) bytes: u64,
}

impl Builder {
    /// For the index `to`; what waits lies beside it.
    pub(crate) fn new(to: &Path) -> io::Result<Builder> {
        Spill::beside(to).map(Builder)
    }

    pub(crate) fn push(
        &self,
        share: &mut Share,
        package: (Ecosystem, &str),
        origin: (usize, u64),
        entry: &Entry,
    ) -> Result<(), String> {
        self.0.push(&mut share.0, package, origin, entry)
    }

    /// Writes the index through a file beside `to`, so that `to` is at any moment the old one or the new one.
    pub(crate) fn finish(self, to: &Path, coverage: &Coverage, shares: Vec<Share>) -> io::Result<Written> {
        for share in shares {
            self.0.flush(share.0).map_err(io::Error::other)?;
        }
        let (temporary, file) = Temporary::beside(to, "tmp")?;
        let written = write(&file, coverage, self.0)?;
        file.sync_all()?;
        fs::rename(temporary.path(), to)?;
        File::open(folder(to))?.sync_all()?;
        Ok(written)
    }
}

fn write(file: &File, coverage: &Coverage, spill: Spill) -> io::Result<Written> {
    let coverage = Coverage { description: DESCRIPTION.to_owned(), ..coverage.clone() };
    let ecosystems: Vec<String> = Ecosystem::ALL.iter().map(|ecosystem| ecosystem.osv_name().to_owned()).collect();
    let meta = postcard::to_stdvec(&Meta { coverage, ecosystems }).map_err(io::Error::other)?;

    let mut out = BufWriter::new(file);
    out.write_all(&[0; HEADER_LENGTH])?;
    let (mut directory, mut blocks_length, mut packages) = (Vec::new(), 0, 0);
    for part in spill.parts() {
        let part = part?;
        let mut rows = rows(&part)?;
        rows.sort_by_key(|row| (row.ecosystem, row.name, row.origin));
        for package in rows.chunk_by(|a, b| a.ecosystem == b.ecosystem && a.name == b.name) {
            let entries: Result<Vec<Entry>, _> = package.iter().map(|row| postcard::from_bytes(row.entry)).collect();
            let mut entries = entries.map_err(io::Error::other)?;
            keep_newest(&mut entries);
            entries.retain(|entry| !entry.withdrawn);
            let (Some(Row { ecosystem, name, .. }), false) = (package.first(), entries.is_empty()) else { continue };
            let block = postcard::to_stdvec(&entries).map_err(io::Error::other)?;
            out.write_all(&block)?;
            blocks_length += block.len() as u64;
            let line = Line { ecosystem: *ecosystem, name, length: block.len() as u64 };
            directory = postcard::to_extend(&line, directory).map_err(io::Error::other)?;
            if directory.len() as u64 > MAX_DIRECTORY {
                return Err(io::Error::other(format!("the packages' names are more than {} MiB", MAX_DIRECTORY >> 20)));
            }
            packages += 1;
        }
    }
    out.write_all(&meta)?;
    out.write_all(&directory)?;
    out.flush()?;

    let end = HEADER_LENGTH as u64 + blocks_length + meta.len() as u64 + directory.len() as u64;
    let bytes = end + super::CHECKSUM_LENGTH;
    let mut header = Vec::with_capacity(HEADER_LENGTH);
    header.extend_from_slice(MAGIC);
    header.extend_from_slice(&VERSION.to_le_bytes());
    header.extend_from_slice(&bytes.to_le_bytes());
    header.extend_from_slice(&u32::try_from(meta.len()).map_err(io::Error::other)?.to_le_bytes());
    header.extend_from_slice(&(directory.len() as u64).to_le_bytes());
    file.write_all_at(&header, 0)?;
    file.write_all_at(&checksum(file, end)?.to_le_bytes(), end)?;
    Ok(Written { packages, bytes })
}

fn rows(part: &[u8]) -> io::Result<Vec<Row<'_>>> {
    let mut rows = Vec::new();
    let mut rest = part;
    while !rest.is_empty() {
        let (row, after) = postcard::take_from_bytes(rest).map_err(io::Error::other)?;
        rows.push(row);
        rest = after;
    }
    Ok(rows)
}
