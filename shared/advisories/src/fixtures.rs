//! Records and zips for the tests of this module, made at run time.

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

use super::entry::{Affected, Entry, Event, Rating};

/// An entry whose ranges are written as `introduced 1 fixed 2`.
pub(super) fn entry(id: &str, ranges: &[&str]) -> Entry {
    Entry {
        id: id.to_owned(),
        aliases: Vec::new(),
        published: None,
        modified: None,
        withdrawn: false,
        malicious: false,
        summary: String::new(),
        url: String::new(),
        cwes: Vec::new(),
        rating: Rating::default(),
        affected: vec![Affected {
            versions: Vec::new(),
            ranges: ranges.iter().map(|range| events(range)).collect(),
            rating: Rating::default(),
            informational: None,
            malicious: false,
        }],
    }
}

pub(super) fn events(text: &str) -> Vec<Event> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let event = |pair: &[&str]| match *pair {
        ["introduced", version] => Event::Introduced(version.to_owned()),
        ["fixed", version] => Event::Fixed(version.to_owned()),
        ["last_affected", version] => Event::LastAffected(version.to_owned()),
        ["limit", version] => Event::Limit(version.to_owned()),
        _ => panic!("not an event: {pair:?}"),
    };
    words.chunks(2).map(event).collect()
}

/// An OSV record for one package, with one range written as for [`entry`].
pub(super) fn record(id: &str, ecosystem: &str, name: &str, range: &str) -> Value {
    let words: Vec<&str> = range.split_whitespace().collect();
    let events: Vec<Value> = words.chunks(2).map(|pair| json!({ pair[0]: pair[1] })).collect();
    json!({
        "schema_version": "1.6.0",
        "id": id,
        "modified": "2026-05-04T03:02:01Z",
        "summary": format!("summary of {id}"),
        "affected": [{
            "package": { "ecosystem": ecosystem, "name": name },
            "ranges": [{ "type": "ECOSYSTEM", "events": events }],
        }],
    })
}

pub(super) fn zip_of(records: &[Value]) -> Vec<u8> {
    let files: Vec<(String, Vec<u8>)> = records
        .iter()
        .enumerate()
        .map(|(place, record)| {
            (format!("{}-{place}.json", record["id"].as_str().unwrap_or("none")), record.to_string().into_bytes())
        })
        .collect();
    zip_files(&files)
}

pub(super) fn zip_files(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (place, (name, content)) in files.iter().enumerate() {
        // Both ways of storing are read, so both are written.
        let method = if place % 3 == 2 { zip::CompressionMethod::Stored } else { zip::CompressionMethod::Deflated };
        let options = SimpleFileOptions::default().compression_method(method);
        writer.start_file(name.as_str(), options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// `<folder>/<name>/all.zip`.
pub(super) fn put(folder: &Path, name: &str, zip: &[u8]) -> PathBuf {
    let directory = folder.join(name);
    std::fs::create_dir_all(&directory).unwrap();
    let path = directory.join("all.zip");
    std::fs::write(&path, zip).unwrap();
    path
}
