//! Parsers of policy files, for fuzz targets. Each returns whether it accepted the text.

use crate::baseline::Baseline;
use crate::ignore_file::IgnoreFile;

/// An ignore file, applied to nothing.
pub fn ignore_file(text: &str) -> bool {
    let Ok(file) = IgnoreFile::parse(text) else { return false };
    let _ = file.apply(&mut [], jiff::civil::Date::constant(2026, 1, 1));
    true
}

/// A baseline, which reads the same after it is written.
///
/// # Panics
/// It does not.
pub fn baseline(text: &str) -> bool {
    let Ok(baseline) = Baseline::parse(text) else { return false };
    let _ = baseline.apply(&mut [], &|_| true);
    let written = String::from_utf8(baseline.to_json()).unwrap_or_default();
    assert!(Baseline::parse(&written).is_ok(), "a baseline that does not read again");
    true
}
