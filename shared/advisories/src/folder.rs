//! A folder of OSV's per-ecosystem dumps, `<any name>/all.zip`, read by two threads.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::OsvError;
use super::archive::{Archive, Workspace};
use super::record::check_size;

/// Bytes of all records of a folder together, inflated.
const MAX_TOTAL: u64 = 4 << 30;
/// More gain nothing on a CI runner and cost the buffers of one entry each.
const THREADS: usize = 2;
/// Entries that one thread takes in a row, so that each reads the file in stretches.
const STRETCH: u64 = 64;

/// One record of a zip.
pub(super) struct Item<'a> {
    /// Place of the zip in the list.
    pub(super) zip: usize,
    /// Place of the record in the zip.
    pub(super) place: u64,
    pub(super) json: &'a [u8],
}

/// The zips of a folder, by name; none is an error.
pub(super) fn zips(folder: &Path) -> Result<Vec<PathBuf>, OsvError> {
    let failed = |source| OsvError::Read { path: folder.to_owned(), source };
    let mut zips = Vec::new();
    for child in std::fs::read_dir(folder).map_err(failed)? {
        let zip = child.map_err(failed)?.path().join("all.zip");
        match zip.try_exists() {
            Ok(true) => zips.push(zip),
            Ok(false) => {}
            // A file beside the folders, not a folder that can't be looked into.
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {}
            Err(source) => return Err(OsvError::Read { path: zip, source }),
        }
    }
    if zips.is_empty() {
        return Err(OsvError::unusable(folder.display(), "holds no <ecosystem>/all.zip"));
    }
    zips.sort();
    Ok(zips)
}

/// Calls `visit` for every record. Each thread has a separate state. The first error ends all threads.
pub(super) fn scan<S: Default + Send>(
    zips: &[PathBuf],
    cancelled: &(dyn Fn() -> bool + Sync),
    visit: &(dyn Fn(&mut S, Item<'_>) -> Result<(), String> + Sync),
) -> Result<Vec<S>, OsvError> {
    let archives = zips.iter().map(|zip| Archive::open(zip)).collect::<Result<Vec<_>, _>>()?;
    let mut total = 0_u64;
    for archive in &archives {
        total = total.saturating_add(measure(archive)?);
        if total > MAX_TOTAL {
            return Err(archive.damaged(format_args!("the database is larger than {} GiB", MAX_TOTAL >> 30)));
        }
    }
    let threads = std::thread::available_parallelism().map_or(1, |cores| cores.get().min(THREADS)) as u64;
    let stop = AtomicBool::new(false);
    let work = |thread: u64| {
        let is_stopped = || stop.load(Ordering::Relaxed) || cancelled();
        let result = scan_share(&archives, (thread, threads), &is_stopped, visit);
        if result.is_err() {
            stop.store(true, Ordering::Relaxed);
        }
        result
    };
    let results: Vec<Result<S, OsvError>> = std::thread::scope(|scope| {
        let work = &work;
        let others: Vec<_> = (1..threads).map(|thread| scope.spawn(move || work(thread))).collect();
        let mut results = vec![work(0)];
        for other in others {
            results.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        results
    });
    // A thread that was stopped by another's error reports a cancellation, which is not what went wrong.
    let mut states = Vec::new();
    let mut was_cancelled = false;
    for result in results {
        match result {
            Ok(state) => states.push(state),
            Err(OsvError::Cancelled) => was_cancelled = true,
            Err(error) => return Err(error),
        }
    }
    if was_cancelled { Err(OsvError::Cancelled) } else { Ok(states) }
}

/// The records a zip holds and their bytes, as its directory declares them; no more than that is ever inflated.
fn measure(archive: &Archive) -> Result<u64, OsvError> {
    let (mut records, mut bytes) = (0_u64, 0_u64);
    let mut headers = archive.headers();
    while let Some(header) = headers.next()? {
        if is_record(header.name) {
            records += 1;
            bytes = bytes.saturating_add(header.size);
        }
    }
    if records == 0 {
        return Err(archive.damaged("holds no record"));
    }
    Ok(bytes)
}

fn is_record(name: &[u8]) -> bool {
    name.ends_with(b".json")
}

/// Every thread walks all directories, which costs little, and reads its own stretches of entries.
fn scan_share<S: Default>(
    archives: &[Archive],
    (thread, threads): (u64, u64),
    is_stopped: &dyn Fn() -> bool,
    visit: &dyn Fn(&mut S, Item<'_>) -> Result<(), String>,
) -> Result<S, OsvError> {
    let mut state = S::default();
    let mut workspace = Workspace::new();
    for (zip, archive) in archives.iter().enumerate() {
        workspace.forget();
        let mut headers = archive.headers();
        let mut records = 0;
        while let Some(header) = headers.next()? {
            if !is_record(header.name) {
                continue;
            }
            let place = records;
            records += 1;
            if (place / STRETCH) % threads != thread {
                continue;
            }
            if is_stopped() {
                return Err(OsvError::Cancelled);
            }
            let json = workspace.read(archive, &header)?;
            check_size(json)
                .and_then(|()| visit(&mut state, Item { zip, place, json }))
                .map_err(|problem| archive.damaged_entry(header.name, problem))?;
        }
    }
    Ok(state)
}
