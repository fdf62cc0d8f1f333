//! Where entries wait until all of one package are there: a file without a name, in parts by the packages' names. Only
//! one part is in memory at a time, however large the database is.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::temporary::Temporary;
use crate::entry::Entry;
use pipe_packages::package::Ecosystem;

/// Parts: a name's checksum chooses one.
const PARTS: usize = 256;
/// Bytes of one part that each thread collects before they are written.
const BUFFER: usize = 8 << 10;
/// Bytes of one part; all of OSV together are a small fraction of 256 times this.
const MAX_PART: u64 = 16 << 20;

pub(super) struct Spill {
    file: File,
    chunks: Mutex<Chunks>,
}

#[derive(Default)]
struct Chunks {
    end: u64,
    /// By part: where in the file, and how many bytes.
    places: Vec<Vec<(u64, usize)>>,
}

/// What one thread has found and not yet written.
#[derive(Default)]
pub(super) struct Buffers(Vec<Vec<u8>>);

/// An entry as it waits.
#[derive(Serialize, Deserialize)]
pub(super) struct Row<'a> {
    /// Place in [`Ecosystem::ALL`].
    pub(super) ecosystem: u8,
    pub(super) name: &'a str,
    /// Zip and record, which decide between equally new copies as they do in a look-up.
    pub(super) origin: (usize, u64),
    /// The entry (postcard).
    pub(super) entry: &'a [u8],
}

impl Spill {
    /// In the folder of `to`, and of no name there once it is open.
    pub(super) fn beside(to: &Path) -> io::Result<Spill> {
        let (_, file) = Temporary::beside(to, "spill")?;
        Ok(Spill { file, chunks: Mutex::default() })
    }

    pub(super) fn push(
        &self,
        buffers: &mut Buffers,
        (ecosystem, name): (Ecosystem, &str),
        origin: (usize, u64),
        entry: &Entry,
    ) -> Result<(), String> {
        let entry = postcard::to_stdvec(entry).map_err(|error| error.to_string())?;
        let row = Row { ecosystem: ecosystem as u8, name, origin, entry: &entry };
        let part = crc32fast::hash(name.as_bytes()) as usize % PARTS;
        buffers.0.resize_with(PARTS, Vec::new);
        let buffer = &mut buffers.0[part];
        *buffer = postcard::to_extend(&row, std::mem::take(buffer)).map_err(|error| error.to_string())?;
        if buffer.len() < BUFFER {
            return Ok(());
        }
        self.write(part, buffer)
    }

    /// Writes what is left of one thread's.
    pub(super) fn flush(&self, mut buffers: Buffers) -> Result<(), String> {
        buffers.0.iter_mut().enumerate().try_for_each(|(part, buffer)| self.write(part, buffer))
    }

    fn write(&self, part: usize, buffer: &mut Vec<u8>) -> Result<(), String> {
        let at = {
            let mut chunks = self.chunks.lock().unwrap_or_else(PoisonError::into_inner);
            let at = chunks.end;
            chunks.end += buffer.len() as u64;
            chunks.places.resize_with(PARTS, Vec::new);
            chunks.places[part].push((at, buffer.len()));
            at
        };
        self.file.write_all_at(buffer, at).map_err(|error| format!("can't keep entries on disk: {error}"))?;
        buffer.clear();
        Ok(())
    }

    /// The rows of each part, in no order, one part after the other.
    pub(super) fn parts(self) -> impl Iterator<Item = io::Result<Vec<u8>>> {
        let chunks = self.chunks.into_inner().unwrap_or_else(PoisonError::into_inner);
        chunks.places.into_iter().map(move |places| {
            let length: u64 = places.iter().map(|(_, length)| *length as u64).sum();
            if length > MAX_PART {
                return Err(io::Error::other(format!("more than {} MiB of records for few packages", MAX_PART >> 20)));
            }
            let mut part = vec![0; length as usize];
            let mut rest = part.as_mut_slice();
            for (at, length) in places {
                let (chunk, after) = rest.split_at_mut(length);
                self.file.read_exact_at(chunk, at)?;
                rest = after;
            }
            Ok(part)
        })
    }
}
