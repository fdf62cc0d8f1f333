//! Reading files that others wrote: regular ones only, up to a limit, with the reason in words.

use std::fs::{self, File, Metadata};
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// What happens if the last part of a path is a symbolic link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Its target is read.
    Follow,
    /// It is not a regular file.
    Refuse,
}

/// Why a file was not read. Each text is a fragment that follows the file's name and a colon.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No file of this name exists.
    #[error("no such file")]
    NotFound,
    /// A directory, a device, a pipe, or a link if links are refused.
    #[error("not a regular file")]
    NotRegular,
    /// It has more bytes than the limit.
    #[error("larger than {}", size(*.0))]
    TooLarge(u64),
    /// The text that was asked for is not text.
    #[error("not UTF-8 text")]
    NotText,
    /// Anything else that the system reports.
    #[error("{}", reason(.0))]
    Io(io::Error),
}

impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> ReadError {
        if error.kind() == io::ErrorKind::NotFound { ReadError::NotFound } else { ReadError::Io(error) }
    }
}

/// The bytes of a regular file of at most `limit` bytes. Never waits for a pipe, and never reads more than the limit,
/// whatever size the system reports.
///
/// # Errors
/// See [`ReadError`].
pub fn read_bounded(path: &Path, limit: u64, links: Links) -> Result<Vec<u8>, ReadError> {
    let (file, length) = open(path, links)?;
    if length > limit {
        return Err(ReadError::TooLarge(limit));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit { Err(ReadError::TooLarge(limit)) } else { Ok(bytes) }
}

/// A regular file, open for reading. Never waits for a pipe.
///
/// # Errors
/// See [`ReadError`].
pub fn open_regular(path: &Path, links: Links) -> Result<File, ReadError> {
    open(path, links).map(|(file, _)| file)
}

/// [`read_bounded`] for UTF-8 text.
///
/// # Errors
/// See [`ReadError`].
pub fn read_text(path: &Path, limit: u64, links: Links) -> Result<String, ReadError> {
    String::from_utf8(read_bounded(path, limit, links)?).map_err(|_| ReadError::NotText)
}

/// A file that may be absent: `None` if it is.
///
/// # Errors
/// Every other reason stays.
pub fn if_present<T>(read: Result<T, ReadError>) -> Result<Option<T>, ReadError> {
    match read {
        Ok(content) => Ok(Some(content)),
        Err(ReadError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a regular file. Opening a pipe would wait for its writer, so the kind is looked at first, and again afterwards
/// in case another file has taken the name.
fn open(path: &Path, links: Links) -> Result<(File, u64), ReadError> {
    let look = || match links {
        Links::Follow => fs::metadata(path),
        Links::Refuse => fs::symlink_metadata(path),
    };
    let seen = look()?;
    if !seen.is_file() {
        return Err(ReadError::NotRegular);
    }
    let file = File::open(path)?;
    let opened = file.metadata()?;
    let same = |a: &Metadata, b: &Metadata| (a.dev(), a.ino()) == (b.dev(), b.ino());
    if !opened.is_file() || (links == Links::Refuse && !same(&seen, &opened)) {
        return Err(ReadError::NotRegular);
    }
    Ok((file, opened.len()))
}

/// An I/O error in words, without the system's number: `permission denied`.
pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "no such file".to_owned(),
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::ReadOnlyFilesystem => "read-only file system".to_owned(),
        io::ErrorKind::StorageFull => "no space left on the device".to_owned(),
        // A directory was to be created where a file is.
        io::ErrorKind::NotADirectory | io::ErrorKind::AlreadyExists => {
            "a part of the path is not a directory".to_owned()
        }
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => error.to_string(),
    }
}

/// `1 MiB`, `64 KiB`, `100 bytes`: limits are whole numbers of their unit.
fn size(bytes: u64) -> String {
    const KIB: u64 = 1024;
    match bytes {
        _ if bytes > 0 && bytes.is_multiple_of(KIB * KIB) => format!("{} MiB", bytes / (KIB * KIB)),
        _ if bytes > 0 && bytes.is_multiple_of(KIB) => format!("{} KiB", bytes / KIB),
        1 => "1 byte".to_owned(),
        _ => format!("{bytes} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::os::unix::net::UnixListener;

    use super::{Links, ReadError, if_present, read_bounded, read_text, size};

    #[test]
    fn a_regular_file_is_read_up_to_the_limit() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_bounded(&path, 5, Links::Refuse).unwrap(), b"12345");
        assert_eq!(read_bounded(&path, 4, Links::Refuse).unwrap_err().to_string(), "larger than 4 bytes");
        fs::write(&path, b"\xff").unwrap();
        assert_eq!(read_text(&path, 5, Links::Refuse).unwrap_err().to_string(), "not UTF-8 text");
    }

    #[test]
    fn a_file_that_reports_no_size_is_bounded_all_the_same() {
        let endless = std::path::Path::new("/proc/self/maps");
        assert_eq!(endless.metadata().unwrap().len(), 0);
        assert!(matches!(read_bounded(endless, 10, Links::Follow), Err(ReadError::TooLarge(10))));
    }

    #[test]
    fn links_are_followed_only_if_asked() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("file"), "text").unwrap();
        let link = dir.path().join("link");
        symlink("file", &link).unwrap();
        assert_eq!(read_text(&link, 10, Links::Follow).unwrap(), "text");
        assert_eq!(read_text(&link, 10, Links::Refuse).unwrap_err().to_string(), "not a regular file");
    }

    #[test]
    fn nothing_but_regular_files_is_opened() {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        for path in [dir.path(), &socket, std::path::Path::new("/dev/zero")] {
            let error = read_bounded(path, 10, Links::Follow).unwrap_err();
            assert_eq!(error.to_string(), "not a regular file", "{}", path.display());
        }
    }

    #[test]
    fn an_absent_file_may_be_expected() {
        let dir = tempfile::tempdir().unwrap();
        let absent = || read_text(&dir.path().join("absent"), 10, Links::Follow);
        assert_eq!(absent().unwrap_err().to_string(), "no such file");
        assert_eq!(if_present(absent()).unwrap(), None);
        assert!(if_present(read_text(dir.path(), 10, Links::Follow)).is_err());
    }

    #[test]
    fn limits_are_printed_in_their_unit() {
        assert_eq!(
            [0, 1, 100, 1024, 1024 * 1024, 33 * 1024 * 1024].map(size),
            ["0 bytes", "1 byte", "100 bytes", "1 KiB", "1 MiB", "33 MiB"]
        );
    }
}
