//! Temporary files beside the index.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Removed when dropped; after a rename there is nothing left to remove.
pub(super) struct Temporary(PathBuf);

impl Temporary {
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// A new file in the folder of `to`.
    pub(super) fn beside(to: &Path, purpose: &str) -> io::Result<(Temporary, File)> {
        let name = to.file_name().ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "not a file name"))?;
        let mut hidden = OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".{}.{purpose}", std::process::id()));
        let temporary = Temporary(folder(to).join(hidden));
        // A leftover of a killed run with the same process id; a link there is removed, not followed.
        match fs::remove_file(&temporary.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&temporary.0)?;
        Ok((temporary, file))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // What can't be removed is a leftover beside an error that is reported already.
        let _ = fs::remove_file(&self.0);
    }
}

/// The folder that holds `of`.
pub(super) fn folder(of: &Path) -> &Path {
    of.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
