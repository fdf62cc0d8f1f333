//! The compact index: the same entries that the zips give, by package, in one file.
//!
//! ```text
//! magic            8 bytes, "PWOSVIDX"
//! version          u32, little-endian like all numbers here
//! length           u64, of the whole file
//! meta, directory  u32 and u64, their lengths
//! blocks           the packages' entries (postcard), in the directory's order
//! meta             what the index covers (postcard)
//! directory        one postcard `Line` a package, in an order that depends on nothing but the packages
//! checksum         u32, CRC-32 of all before it
//! ```
//!
//! The checksum finds damage, not intent: who can write the file can write another checksum. It is verified over the
//! whole file before anything is believed.

mod spill;
mod temporary;
#[cfg(test)]
mod tests;
mod write;

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::entry::{Entry, Packed};
use super::matching::Candidates;
use super::queries::Queries;
use super::{Coverage, OsvError, text};
use pipe_packages::package::Ecosystem;

pub(super) use self::write::{Builder, Share};

/// Of the file's layout, [`Entry`] included.
pub(super) const VERSION: u32 = 3;
/// What [`Coverage::description`] says.
const DESCRIPTION: &str = "OSV index";
const MAGIC: &[u8; 8] = b"PWOSVIDX";
const HEADER_LENGTH: usize = 32;
const CHECKSUM_LENGTH: u64 = 4;
/// Bytes of the directory, which a look-up holds as a whole.
const MAX_DIRECTORY: u64 = 32 << 20;

pub(super) struct Index {
    path: PathBuf,
    file: File,
    meta: Meta,
    directory_at: u64,
    directory_length: u64,
    blocks_length: u64,
}

#[derive(Serialize, Deserialize)]
struct Meta {
    coverage: Coverage,
    /// What the directory's numbers stand for.
    ecosystems: Vec<String>,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    ecosystem: u8,
    name: &'a str,
    /// Of the package's block, in bytes.
    length: u64,
}

impl Index {
    pub(super) fn open(path: &Path) -> Result<Index, OsvError> {
        let failed = |source| OsvError::Read { path: path.to_owned(), source };
        let damaged = |problem: &str| OsvError::unusable(path.display(), problem);
        let file = File::open(path).map_err(failed)?;
        let metadata = file.metadata().map_err(failed)?;
        let mut header = [0; HEADER_LENGTH];
        let is_whole = metadata.is_file() && metadata.len() >= HEADER_LENGTH as u64 + CHECKSUM_LENGTH;
        if is_whole {
            file.read_exact_at(&mut header, 0).map_err(failed)?;
        }
        let mut fields = header.as_slice();
        if take::<8>(&mut fields) != *MAGIC {
            return Err(damaged(kind_of(&header)));
        }
        let version = u32::from_le_bytes(take(&mut fields));
        if version != VERSION {
            return Err(damaged(&format!(
                "index version {version}, expected {VERSION}: compile it again from the zips"
            )));
        }
        if u64::from_le_bytes(take(&mut fields)) != metadata.len() {
            return Err(damaged("the index is not as long as it says: cut short, or damaged"));
        }
        verify(&file, metadata.len())
            .map_err(failed)?
            .then_some(())
            .ok_or_else(|| damaged("the index fails its checksum"))?;
        let meta_length = u64::from(u32::from_le_bytes(take(&mut fields)));
        let directory_length = u64::from_le_bytes(take(&mut fields));
        let directory_at = (metadata.len() - CHECKSUM_LENGTH).checked_sub(directory_length);
        let meta_at = directory_at.and_then(|at| at.checked_sub(meta_length));
        let blocks_length = meta_at.and_then(|at| at.checked_sub(HEADER_LENGTH as u64));
        let (Some(directory_at), Some(meta_at), Some(blocks_length), ..=MAX_DIRECTORY) =
            (directory_at, meta_at, blocks_length, directory_length)
        else {
            return Err(damaged("the index contradicts itself"));
        };
        let mut meta = vec![0; meta_length as usize];
        file.read_exact_at(&mut meta, meta_at).map_err(failed)?;
        let meta = postcard::from_bytes(&meta).map_err(|_| damaged("the index contradicts itself"))?;
        Ok(Index { path: path.to_owned(), file, meta, directory_at, directory_length, blocks_length })
    }

    /// Without what another program could have written there: text that is not a date, names we do not know.
    pub(super) fn coverage(&self) -> Coverage {
        let mut coverage = self.meta.coverage.clone();
        coverage.date = coverage.date.filter(|date| text::is_date(date));
        coverage.dates.retain(|name, date| Ecosystem::from_osv_name(name).is_some() && text::is_date(date));
        coverage.ecosystems.retain(|name| Ecosystem::from_osv_name(name).is_some());
        coverage.description = DESCRIPTION.to_owned();
        coverage
    }

    /// The entries of each package of `wanted`.
    pub(super) fn entries(
        &self,
        wanted: &Queries<'_>,
        cancelled: &(dyn Fn() -> bool + Sync),
    ) -> Result<Candidates, OsvError> {
        let contradiction = || OsvError::unusable(self.path.display(), "the index contradicts itself");
        let ecosystems: Vec<Option<Ecosystem>> =
            self.meta.ecosystems.iter().map(|name| Ecosystem::from_osv_name(name)).collect();
        let mut found = Candidates::new();
        let directory = self.read(self.directory_at, self.directory_length)?;
        let mut rest = directory.as_slice();
        let mut at = 0_u64;
        while !rest.is_empty() {
            let (line, after) = postcard::take_from_bytes::<Line<'_>>(rest).map_err(|_| contradiction())?;
            rest = after;
            let end = at.checked_add(line.length).filter(|&end| end <= self.blocks_length).ok_or_else(contradiction)?;
            let ecosystem = ecosystems.get(usize::from(line.ecosystem)).ok_or_else(contradiction)?;
            if let Some(slot) = ecosystem.and_then(|ecosystem| wanted.slot(ecosystem, line.name)) {
                if cancelled() {
                    return Err(OsvError::Cancelled);
                }
                let block = self.read(HEADER_LENGTH as u64 + at, line.length)?;
                let entries: Vec<Entry> = postcard::from_bytes(&block).map_err(|_| contradiction())?;
                let packed = entries.iter().map(Packed::new).collect::<Result<_, _>>();
                found.insert(slot, packed.map_err(|_| contradiction())?);
            }
            at = end;
        }
        Ok(found)
    }

    /// Only lengths that were checked against the file's own get here.
    fn read(&self, at: u64, length: u64) -> Result<Vec<u8>, OsvError> {
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, at).map_err(|source| OsvError::Read { path: self.path.clone(), source })?;
        Ok(bytes)
    }
}

fn take<const N: usize>(bytes: &mut &[u8]) -> [u8; N] {
    match bytes.split_first_chunk::<N>() {
        Some((taken, rest)) => {
            *bytes = rest;
            *taken
        }
        None => [0; N],
    }
}

fn kind_of(header: &[u8]) -> &'static str {
    if header.starts_with(b"PK") {
        "a zip; the path is the folder that holds <ecosystem>/all.zip"
    } else {
        "neither a folder of OSV zips nor an index of ours, or an index cut short"
    }
}

/// Whether the last four bytes are the checksum of all before them.
fn verify(file: &File, length: u64) -> std::io::Result<bool> {
    let end = length - CHECKSUM_LENGTH;
    let mut stated = [0; CHECKSUM_LENGTH as usize];
    file.read_exact_at(&mut stated, end)?;
    Ok(u32::from_le_bytes(stated) == checksum(file, end)?)
}

/// Of the file up to `end`.
fn checksum(file: &File, end: u64) -> std::io::Result<u32> {
    let mut hasher = crc32fast::Hasher::new();
    let mut buffer = vec![0; 64 << 10];
    let mut at = 0;
    while at < end {
        let part = &mut buffer[..(64 << 10).min((end - at) as usize)];
        file.read_exact_at(part, at)?;
        hasher.update(part);
        at += part.len() as u64;
    }
    Ok(hasher.finalize())
}
