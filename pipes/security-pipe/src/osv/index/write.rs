//! Building the index and putting it in its place.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::{CHECKSUM_LENGTH, HEADER_LENGTH, Line, MAGIC, Meta, VERSION};
use crate::osv::Coverage;
use crate::osv::entry::Entry;
use crate::osv::matching::keep_newest;
use crate::package::Ecosystem;

/// Entries as they are found, serialised at once: as text in memory they take up several times as much.
#[derive(Default)]
pub(in crate::osv) struct Blocks {
    bytes: Vec<u8>,
    places: Vec<Place>,
}

struct Place {
    ecosystem: Ecosystem,
    name: String,
    /// Zip and record, which decide between equally new copies as they do in a look-up.
    origin: (usize, u64),
    range: std::ops::Range<usize>,
}

impl Blocks {
    pub(in crate::osv) fn push(
        &mut self,
        ecosystem: Ecosystem,
        name: &str,
        origin: (usize, u64),
        entry: &Entry,
    ) -> Result<(), String> {
        let start = self.bytes.len();
        self.bytes = postcard::to_extend(entry, std::mem::take(&mut self.bytes)).map_err(|error| error.to_string())?;
        self.places.push(Place { ecosystem, name: name.to_owned(), origin, range: start..self.bytes.len() });
        Ok(())
    }
}

/// The index file's bytes, and how many packages are in it.
pub(in crate::osv) fn build(coverage: &Coverage, parts: Vec<Blocks>) -> Result<(Vec<u8>, u64), String> {
    let failed = |error: postcard::Error| error.to_string();
    let coverage = Coverage { description: "OSV index".to_owned(), ..coverage.clone() };
    let ecosystems: Vec<String> = Ecosystem::ALL.iter().map(|ecosystem| ecosystem.osv_name().to_owned()).collect();
    let meta = postcard::to_stdvec(&Meta { coverage, ecosystems }).map_err(failed)?;

    let mut places: Vec<(&Place, &[u8])> = Vec::new();
    for part in &parts {
        places.extend(part.places.iter().map(|place| (place, &part.bytes[place.range.clone()])));
    }
    places.sort_by_key(|(place, _)| (place.ecosystem, place.name.as_str(), place.origin));
    let (mut directory, mut blocks, mut packages) = (Vec::new(), Vec::new(), 0);
    for package in places.chunk_by(|(a, _), (b, _)| a.ecosystem == b.ecosystem && a.name == b.name) {
        let Some((Place { ecosystem, name, .. }, _)) = package.first() else {
            continue;
        };
        let entries: Result<Vec<Entry>, _> = package.iter().map(|(_, bytes)| postcard::from_bytes(bytes)).collect();
        let mut entries = entries.map_err(failed)?;
        keep_newest(&mut entries);
        entries.retain(|entry| !entry.withdrawn);
        if entries.is_empty() {
            continue;
        }
        let start = blocks.len();
        blocks = postcard::to_extend(&entries, blocks).map_err(failed)?;
        let number = Ecosystem::ALL.iter().position(|known| known == ecosystem).unwrap_or_default() as u8;
        let line = Line { ecosystem: number, name, length: (blocks.len() - start) as u64 };
        directory = postcard::to_extend(&line, directory).map_err(failed)?;
        packages += 1;
    }

    let length = HEADER_LENGTH + meta.len() + directory.len() + blocks.len() + CHECKSUM_LENGTH as usize;
    let meta_length = u32::try_from(meta.len()).map_err(|error| error.to_string())?;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend_from_slice(MAGIC);
    bytes.extend_from_slice(&VERSION.to_le_bytes());
    bytes.extend_from_slice(&(length as u64).to_le_bytes());
    bytes.extend_from_slice(&meta_length.to_le_bytes());
    bytes.extend_from_slice(&(directory.len() as u64).to_le_bytes());
    for part in [meta, directory, blocks] {
        bytes.extend_from_slice(&part);
    }
    let checksum = crc32fast::hash(&bytes);
    bytes.extend_from_slice(&checksum.to_le_bytes());
    Ok((bytes, packages))
}

/// Through a file beside `to`, so that `to` is at any moment the old one or the new one.
pub(in crate::osv) fn write_atomically(to: &Path, bytes: &[u8]) -> io::Result<()> {
    let name = to.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = std::ffi::OsString::from(".");
    temporary.push(name);
    temporary.push(format!(".{}.tmp", std::process::id()));
    let temporary = Temporary(folder.join(temporary));
    // A leftover of a killed run with the same process id; a link there is removed, not followed.
    match fs::remove_file(&temporary.0) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&temporary.0)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary.0, to)?;
    File::open(folder)?.sync_all()
}

/// Removed when dropped; after the rename there is nothing left to remove.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        // What can't be removed is a leftover beside an error that is reported already.
        let _ = fs::remove_file(&self.0);
    }
}
