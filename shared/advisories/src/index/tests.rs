use std::io::Read as _;
use std::path::Path;

use super::{Index, VERSION};
use crate::fixtures::{put, record, zip_of};
use crate::queries::Queries;
use crate::{OsvError, Query, compile, open};
use pipe_packages::package::Ecosystem;

/// A folder with zips, and an index of two packages.
fn index() -> (tempfile::TempDir, Vec<u8>) {
    let folder = tempfile::tempdir().unwrap();
    let zip = zip_of(&[record("GHSA-1", "npm", "p", "introduced 0"), record("GHSA-2", "npm", "q", "introduced 0")]);
    put(folder.path(), "npm", &zip);
    let to = folder.path().join("index");
    let summary = compile(folder.path(), &to).unwrap();
    let bytes = std::fs::read(&to).unwrap();
    assert_eq!((summary.packages, summary.bytes), (2, bytes.len() as u64));
    (folder, bytes)
}

fn opened(folder: &Path, bytes: &[u8]) -> Result<Index, OsvError> {
    let path = folder.join("copy");
    std::fs::write(&path, bytes).unwrap();
    Index::open(&path)
}

#[track_caller]
fn refused(folder: &Path, bytes: &[u8], problem: &str) {
    let error = opened(folder, bytes).err().map(|error| error.to_string()).unwrap_or_default();
    assert!(error.contains("copy: ") && error.contains(problem), "{error:?}");
}

#[test]
fn any_flipped_bit_is_an_error() {
    let (folder, bytes) = index();
    assert!(opened(folder.path(), &bytes).is_ok());
    for at in 0..bytes.len() {
        let mut damaged = bytes.clone();
        damaged[at] ^= 1 << (at % 8);
        assert!(opened(folder.path(), &damaged).is_err(), "byte {at}");
    }
}

#[test]
fn any_truncation_or_extension_is_an_error() {
    let (folder, bytes) = index();
    for length in 0..bytes.len() {
        assert!(opened(folder.path(), &bytes[..length]).is_err(), "{length} bytes");
    }
    refused(folder.path(), &[&bytes[..], &[0]].concat(), "not as long as it says");
    refused(folder.path(), &bytes[..bytes.len() - 1], "not as long as it says");
    refused(folder.path(), &bytes[..20], "an index cut short");
}

#[test]
fn another_version_and_another_kind_of_file_are_told() {
    let (folder, mut bytes) = index();
    bytes[8..12].copy_from_slice(&(VERSION + 1).to_le_bytes());
    refused(folder.path(), &bytes, "compile it again");
    refused(folder.path(), &zip_of(&[record("GHSA-1", "npm", "p", "introduced 0")]), "a zip; the path is the folder");
    refused(folder.path(), &[b'x'; 100], "neither a folder of OSV zips nor an index");
}

/// Who writes a matching checksum gets an error or an answer, never a panic or a gigantic allocation.
#[test]
fn a_forged_index_does_no_harm() {
    let (folder, bytes) = index();
    let queries = [Query { ecosystem: Ecosystem::Npm, name: "q", version: "1" }];
    let wanted = Queries::new(&queries);
    let body = bytes.len() - 4;
    let mut refusals = 0;
    for at in 20..body {
        for value in [0, 0x7f, 0xff] {
            let mut forged = bytes.clone();
            forged[at] = value;
            let checksum = crc32fast::hash(&forged[..body]);
            forged[body..].copy_from_slice(&checksum.to_le_bytes());
            let answer = opened(folder.path(), &forged).and_then(|index| index.entries(&wanted, &|| false));
            refusals += usize::from(answer.is_err());
        }
    }
    assert!(refusals > 0);
}

#[test]
fn an_index_is_replaced_whole_or_not_at_all() {
    let (folder, bytes) = index();
    let to = folder.path().join("index");
    put(folder.path(), "npm", b"damaged");
    assert!(compile(folder.path(), &to).is_err());
    assert_eq!(std::fs::read(&to).unwrap(), bytes, "the old one is still there");
    put(folder.path(), "npm", &zip_of(&[record("GHSA-3", "npm", "r", "introduced 0")]));
    let mut reader = std::fs::File::open(&to).unwrap();
    assert_eq!(compile(folder.path(), &to).unwrap().packages, 1);
    assert_ne!(std::fs::read(&to).unwrap(), bytes);
    let mut read = Vec::new();
    reader.read_to_end(&mut read).unwrap();
    assert_eq!(read, bytes, "who reads the old one reads it to its end");
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|child| child.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "no temporary file is left: {names:?}");
}

#[test]
fn what_cannot_be_written_is_an_error() {
    let (folder, _) = index();
    let error = compile(folder.path(), &folder.path().join("none/index")).unwrap_err();
    assert!(matches!(error, OsvError::Write { .. }), "{error}");
    assert!(matches!(compile(folder.path(), Path::new("/")), Err(OsvError::Write { .. })));
    let error = compile(&folder.path().join("index"), &folder.path().join("second")).unwrap_err().to_string();
    assert!(error.contains("not a folder"), "{error}");
}

#[test]
fn an_index_is_the_same_whatever_the_threads_do() {
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<_> = (0..500)
        .map(|number| record(&format!("GHSA-{number}"), "npm", &format!("p{}", number % 40), "introduced 0"))
        .collect();
    put(folder.path(), "npm", &zip_of(&records));
    let compiled = |name: &str| {
        compile(folder.path(), &folder.path().join(name)).unwrap();
        std::fs::read(folder.path().join(name)).unwrap()
    };
    let first = compiled("first");
    assert!((0..10).all(|_| compiled("again") == first));
}

#[test]
fn a_look_up_can_be_cancelled() {
    let (folder, _) = index();
    let query = Query { ecosystem: Ecosystem::Npm, name: "p", version: "1" };
    for path in [folder.path().to_owned(), folder.path().join("index")] {
        let database = open(&path).unwrap();
        assert!(matches!(database.lookup(&[query], &|| true), Err(OsvError::Cancelled)));
        assert_eq!(database.lookup(&[query], &|| false).unwrap().results[0].len(), 1);
    }
}
