use std::io::Write as _;

use proptest::prelude::*;
use tempfile::NamedTempFile;

use super::headers::{CENTRAL, zip64_fields};
use super::{Archive, Workspace};
use crate::fixtures::zip_files;
use crate::{MAX_RECORD, OsvError};

/// Every entry's name and content.
fn read(zip: &[u8]) -> Result<Vec<(String, Vec<u8>)>, OsvError> {
    let mut file = NamedTempFile::new().unwrap();
    file.write_all(zip).unwrap();
    let archive = Archive::open(file.path())?;
    let mut workspace = Workspace::new();
    let mut headers = archive.headers();
    let mut found = Vec::new();
    while let Some(header) = headers.next()? {
        let content = workspace.read(&archive, &header)?.to_vec();
        found.push((String::from_utf8_lossy(header.name).into_owned(), content));
    }
    Ok(found)
}

#[track_caller]
fn refused(zip: &[u8], problem: &str) {
    let error = read(zip).unwrap_err().to_string();
    assert!(error.contains(problem), "{error}");
}

fn file(name: &str, content: impl Into<Vec<u8>>) -> (String, Vec<u8>) {
    (name.to_owned(), content.into())
}

fn set(zip: &mut [u8], marker: &[u8], offset: usize, bytes: &[u8]) {
    let at = zip.windows(marker.len()).rposition(|window| window == marker).unwrap() + offset;
    zip[at..at + bytes.len()].copy_from_slice(bytes);
}

#[test]
fn stored_and_deflated_entries_are_read() {
    let files = vec![
        file("a.json", "a"),
        file("empty.json", ""),
        file("stored.json", "stored ".repeat(50)),
        file("large.json", "large ".repeat(200_000)),
        file("folder/ü.json", (0..=255).collect::<Vec<u8>>()),
        file("../../etc/passwd.json", "a name is only a name"),
    ];
    assert_eq!(read(&zip_files(&files)).unwrap(), files);
    assert_eq!(read(&zip_files(&[])).unwrap(), []);
}

#[test]
fn more_entries_than_a_plain_zip_can_count_are_read() {
    let mut writer = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for number in 0..66_000 {
        writer.start_file(format!("{number}"), options).unwrap();
        writer.write_all(b"x").unwrap();
    }
    let mut zip = writer.finish().unwrap().into_inner();
    let found = read(&zip).unwrap();
    assert_eq!(found.len(), 66_000);
    assert_eq!(found[65_999], file("65999", "x"));
    set(&mut zip, super::END64, 32, &65_999_u64.to_le_bytes());
    refused(&zip, "the directory is longer than its entries");
    set(&mut zip, super::END64, 32, &u64::MAX.to_le_bytes());
    refused(&zip, "the directory ends before its last entry");
    set(&mut zip, super::END64, 40, &u64::MAX.to_le_bytes());
    refused(&zip, "outside the file");
    set(&mut zip, super::LOCATOR64, 8, &u64::MAX.to_le_bytes());
    refused(&zip, "the zip64 end record lies outside the file");
    set(&mut zip, super::LOCATOR64, 0, b"xxxx");
    refused(&zip, "the zip64 end record is missing");
}

#[test]
fn sizes_in_the_zip64_field_are_read() {
    let values = [7_u64, 5, 3].map(u64::to_le_bytes).concat();
    let extra = [&[9, 0, 2, 0, 1, 1][..], &[1, 0, 24, 0], &values].concat();
    assert_eq!(zip64_fields(&extra).collect::<Vec<_>>(), [7, 5, 3]);
    assert_eq!(zip64_fields(&extra[..20]).collect::<Vec<_>>(), [7]);
    assert_eq!(zip64_fields(&[1, 0, 255, 255]).count(), 0);
}

#[test]
fn a_cut_zip_is_an_error_wherever_it_is_cut() {
    let zip = zip_files(&[file("a.json", "first"), file("b.json", "second ".repeat(20))]);
    for length in 0..zip.len() {
        assert!(read(&zip[..length]).is_err(), "cut to {length} bytes");
    }
    refused(&zip[..zip.len() - 1], "not a zip, or cut short");
}

#[test]
fn damage_to_an_entry_names_the_file_and_the_entry() {
    let content = "some advisory ".repeat(20);
    let good = zip_files(&[file("a\n.json", content.as_str())]);
    let start = 30 + "a\n.json".len();
    let mut found = 0;
    for at in start..start + 20 {
        let mut zip = good.clone();
        zip[at] ^= 0x10;
        let error = read(&zip).unwrap_err().to_string();
        assert!(error.contains(": a\\n.json: "), "{error}");
        found += usize::from(error.contains("inflated") || error.contains("checksum"));
    }
    assert_eq!(found, 20);
}

#[test]
fn an_entry_that_inflates_to_more_or_less_than_declared_is_an_error() {
    let good = zip_files(&[file("a.json", vec![b'x'; 100_000])]);
    for size in [0_u32, 10, 99_999, 100_001, 1_000_000] {
        let mut zip = good.clone();
        set(&mut zip, CENTRAL, 24, &size.to_le_bytes());
        refused(&zip, "can't be inflated to its declared size");
    }
}

#[test]
fn a_gigantic_entry_is_refused_before_it_is_read() {
    let mut zip = zip_files(&[file("a.json", vec![b'x'; MAX_RECORD + 1])]);
    assert!(zip.len() < 100_000, "a bomb");
    refused(&zip, "a.json: larger than 16 MiB");
    set(&mut zip, CENTRAL, 20, &0x7fff_ffff_u32.to_le_bytes());
    refused(&zip, "its entries overlap");
}

#[test]
fn entries_that_share_their_data_are_refused() {
    let content = (0..60_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect::<Vec<u8>>();
    let zip = zip_files(&[file("a.json", content), file("b.json", "b")]);
    let mut overlapping = zip.clone();
    // The second entry claims the first one's data.
    let first = zip.windows(4).position(|window| window == CENTRAL).unwrap();
    let sizes = zip[first + 16..first + 28].to_vec();
    set(&mut overlapping, CENTRAL, 16, &sizes);
    set(&mut overlapping, CENTRAL, 42, &0_u32.to_le_bytes());
    refused(&overlapping, "its entries overlap");
}

#[test]
fn what_no_dump_uses_is_refused() {
    let good = zip_files(&[file("a.json", "a")]);
    let mut encrypted = good.clone();
    set(&mut encrypted, CENTRAL, 8, &[1]);
    refused(&encrypted, "is encrypted");
    let mut other = good.clone();
    set(&mut other, CENTRAL, 10, &[12]);
    refused(&other, "compressed in a way other than deflate");
    let mut split = good.clone();
    set(&mut split, super::END, 4, &[1]);
    refused(&split, "one part of a split zip");
    let mut local = good;
    local[0] = b'X';
    refused(&local, "its local header is damaged");
}

#[test]
fn a_missing_file_and_a_folder_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    assert!(matches!(Archive::open(&folder.path().join("none")), Err(OsvError::Read { .. })));
    assert!(Archive::open(folder.path()).is_err());
}

proptest! {
    #[test]
    fn no_damage_panics_and_content_is_never_wrong(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let files = [file("a.json", "first ".repeat(30)), file("b.json", "second"), file("c.json", "third")];
        let mut zip = zip_files(&files);
        for (at, byte) in damage {
            let at = at.index(zip.len());
            zip[at] = byte;
        }
        if let Ok(found) = read(&zip) {
            for (found, expected) in found.iter().zip(&files) {
                prop_assert_eq!(&found.1, &expected.1);
            }
        }
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let end = [super::END, &bytes].concat();
        let _ = read(&bytes);
        let _ = read(&end);
    }
}
