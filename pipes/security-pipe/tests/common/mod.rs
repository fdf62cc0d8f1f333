//! Fixtures of these tests. Tokens are put together here; none stands in the repository.
#![allow(dead_code, unreachable_pub, reason = "each test binary uses some of them")]

use std::path::{Path, PathBuf};

use pipewright_harness::{Pipe, Repo, advisory, database};
use tempfile::TempDir;

pub const CRITICAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";
pub const HIGH: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N";
pub const MEDIUM: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:U/C:L/I:L/A:N";

/// The pipe, as cargo built it for these tests.
pub const BINARY: &str = env!("CARGO_BIN_EXE_security-pipe");

/// A key in the shape of AWS's, another one for each `seed`.
pub fn aws_key(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let alphabet = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let tail: String = (0..16)
        .map(|_| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            char::from(alphabet[(state >> 33) as usize % alphabet.len()])
        })
        .collect();
    format!("{}{tail}", ["AK", "IA"].concat())
}

pub fn poetry_lock(packages: &[(&str, &str)]) -> String {
    let mut text = String::new();
    for (name, version) in packages {
        text.push_str(&format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\ndescription = \"\"\noptional = false\n\
             python-versions = \"*\"\ngroups = [\"main\"]\nfiles = []\n\n"
        ));
    }
    text.push_str("[metadata]\nlock-version = \"2.1\"\npython-versions = \"*\"\ncontent-hash = \"0\"\n");
    text
}

pub fn cargo_lock(packages: &[(&str, &str)]) -> String {
    let mut text = String::from("version = 4\n\n");
    for (name, version) in packages {
        text.push_str(&format!(
            "[[package]]\nname = \"{name}\"\nversion = \"{version}\"\n\
             source = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{}\"\n\n",
            "0".repeat(64)
        ));
    }
    text
}

/// Advisories of PyPI: `critical`, `high`, `medium` and `unscored` before 2.0.
pub fn advisories() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let records = [
        advisory("GHSA-crit-crit-crit", "PyPI", "critical", "2.0", Some(CRITICAL)),
        advisory("GHSA-high-high-high", "PyPI", "high", "2.0", Some(HIGH)),
        advisory("GHSA-medi-medi-medi", "PyPI", "medium", "2.0", Some(MEDIUM)),
        advisory("PYSEC-2099-1", "PyPI", "unscored", "2.0", None),
    ];
    database(dir.path(), "PyPI", &records);
    dir
}

/// security-pipe on `repo` with advisories from `db`.
pub fn pipe(repo: &Repo, db: &TempDir) -> Pipe {
    Pipe::at(BINARY, repo.path()).env("OSV_DB_PATH", db.path())
}

/// Everything a run printed and wrote.
pub fn everything(outcome: &pipewright_harness::Outcome) -> String {
    let mut text = outcome.output();
    for path in pipewright_harness::files(&outcome.reports) {
        if path.is_file() {
            text.push_str(&String::from_utf8_lossy(&std::fs::read(path).unwrap()));
        }
    }
    text
}

pub fn path(dir: &Path, name: &str) -> PathBuf {
    dir.join(name)
}
