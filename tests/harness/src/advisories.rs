//! Small advisory databases in OSV's published layout.

use std::fs;
use std::io::{Cursor, Write};
use std::path::Path;

use serde_json::{Value, json};
use zip::write::SimpleFileOptions;

/// The day of the advisories, so that a database of them is fresh: `2026-11-28`.
pub fn today() -> String {
    jiff::Timestamp::now().strftime("%Y-%m-%d").to_string()
}

/// An advisory that affects every version of a package before `fixed`.
pub fn advisory(id: &str, ecosystem: &str, package: &str, fixed: &str, vector: Option<&str>) -> Value {
    let severity: Vec<Value> = vector.iter().map(|score| json!({ "type": "CVSS_V3", "score": score })).collect();
    let kind = if ecosystem == "PyPI" { "ECOSYSTEM" } else { "SEMVER" };
    json!({
        "schema_version": "1.6.0",
        "id": id,
        "modified": format!("{}T00:00:00Z", today()),
        "summary": format!("{package} does what it should not"),
        "severity": severity,
        "affected": [{
            "package": { "ecosystem": ecosystem, "name": package },
            "ranges": [{ "type": kind, "events": [{ "introduced": "0" }, { "fixed": fixed }] }],
        }],
    })
}

/// Writes `records` as `dir/<folder>/all.zip`.
pub fn database(dir: &Path, folder: &str, records: &[Value]) {
    let files: Vec<(String, Vec<u8>)> = records
        .iter()
        .map(|record| (format!("{}.json", record["id"].as_str().unwrap()), serde_json::to_vec(record).unwrap()))
        .collect();
    fs::create_dir_all(dir.join(folder)).unwrap();
    fs::write(dir.join(folder).join("all.zip"), zip(&files)).unwrap();
}

/// A zip archive; the same files give the same bytes.
pub fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        archive.write_all(content).unwrap();
    }
    archive.finish().unwrap().into_inner()
}
