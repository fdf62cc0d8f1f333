//! OSV's zips, records and API, and the compiled index.

use std::path::Path;
use std::sync::Mutex;

use pipe_advisories::{Query, Transport, lookup_api};
use pipe_packages::package::Ecosystem;

use crate::core::memory;

const QUERIES: [Query<'static>; 4] = [
    Query { ecosystem: Ecosystem::PyPi, name: "requests", version: "2.19.0" },
    Query { ecosystem: Ecosystem::Npm, name: "jquery", version: "3.4.1" },
    Query { ecosystem: Ecosystem::CratesIo, name: "time", version: "0.1.42" },
    Query { ecosystem: Ecosystem::Go, name: "stdlib", version: "1.21.0" },
];

/// A zip as it is.
pub(crate) fn zips(data: &[u8]) -> bool {
    let folder = tempfile::tempdir_in(memory()).expect("a temporary folder");
    let zip = folder.path().join("PyPI/all.zip");
    std::fs::create_dir(folder.path().join("PyPI")).expect("a temporary folder");
    std::fs::write(zip, data).expect("a temporary file");
    look_up(folder.path())
}

/// A record, in a zip that is in order.
pub(crate) fn records(data: &[u8]) -> bool {
    zips(&stored("GHSA-0000-0000-0000.json", data))
}

/// An index. Its length and its checksum are made right: what they guard against is damage, not intent.
pub(crate) fn index(data: &[u8]) -> bool {
    let mut bytes = data.to_owned();
    if bytes.len() < 32 {
        return false;
    }
    let length = bytes.len() as u64 + 4;
    bytes[12..20].copy_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
    let file = tempfile::NamedTempFile::new_in(memory()).expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("a temporary file");
    look_up(file.path())
}

/// The answers of the API, one a line.
pub(crate) fn api(data: &[u8]) -> bool {
    struct Answers(Mutex<std::vec::IntoIter<Vec<u8>>>);

    impl Answers {
        /// After the last one, an empty body.
        fn next(&self) -> anyhow::Result<Vec<u8>> {
            Ok(self.0.lock().expect("no other thread").next().unwrap_or_default())
        }
    }

    impl Transport for Answers {
        async fn post(&self, _: &str, _: String) -> anyhow::Result<Vec<u8>> {
            self.next()
        }

        async fn get(&self, _: &str) -> anyhow::Result<Vec<u8>> {
            self.next()
        }
    }

    let answers: Vec<Vec<u8>> = data.split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    let answers = Answers(Mutex::new(answers.into_iter()));
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let Ok(lookup) = runtime.block_on(lookup_api(&answers, &QUERIES)) else { return false };
    assert_eq!(lookup.results.len(), QUERIES.len());
    lookup.results.iter().any(|advisories| !advisories.is_empty())
}

/// Whether one of the queries has an advisory.
fn look_up(path: &Path) -> bool {
    let Ok(database) = pipe_advisories::open(path) else { return false };
    let Ok(lookup) = database.lookup(&QUERIES, &|| false) else { return false };
    assert_eq!(lookup.results.len(), QUERIES.len());
    for advisory in lookup.results.iter().flatten() {
        for text in advisory.ids.iter().chain(&advisory.fixed).chain([&advisory.summary, &advisory.url]) {
            super::printable(text);
        }
        assert!(advisory.ids.contains(&advisory.id));
    }
    lookup.results.iter().any(|advisories| !advisories.is_empty())
}

/// A zip of one file that is not compressed, by PKWARE's APPNOTE 4.3.
fn stored(name: &str, content: &[u8]) -> Vec<u8> {
    let size = (content.len() as u32).to_le_bytes();
    // Version 2.0, no flags, stored, the first day of 1980.
    let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0];
    common.extend_from_slice(&crc32fast::hash(content).to_le_bytes());
    common.extend_from_slice(&size);
    common.extend_from_slice(&size);
    common.extend_from_slice(&(name.len() as u16).to_le_bytes());
    common.extend_from_slice(&[0, 0]);
    let mut zip = [b"PK\x03\x04", common.as_slice(), name.as_bytes(), content].concat();
    let directory = zip.len() as u32;
    let entry = [b"PK\x01\x02\x14\x00", common.as_slice(), &[0; 14], name.as_bytes()].concat();
    zip.extend_from_slice(&entry);
    zip.extend_from_slice(b"PK\x05\x06\0\0\0\0\x01\0\x01\0");
    zip.extend_from_slice(&(entry.len() as u32).to_le_bytes());
    zip.extend_from_slice(&directory.to_le_bytes());
    zip.extend_from_slice(&[0, 0]);
    zip
}
