//! Times as both formats accept them.

/// An RFC 3339 time in UTC and whole seconds, the one form that SPDX 2.3 (clause 6.9) accepts; `None` for anything
/// that isn't a time.
pub fn utc(rfc3339: &str) -> Option<String> {
    let time: jiff::Timestamp = rfc3339.parse().ok()?;
    let zoned = time.to_zoned(jiff::tz::TimeZone::UTC);
    // Years beyond four digits are valid for jiff, not for RFC 3339.
    (0..=9999).contains(&zoned.year()).then(|| zoned.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}

#[cfg(test)]
mod tests {
    use super::utc;

    #[test]
    fn offsets_and_fractions_become_whole_utc_seconds() {
        assert_eq!(utc("2026-11-21T10:00:00Z").as_deref(), Some("2026-11-21T10:00:00Z"));
        assert_eq!(utc("2026-11-21T01:30:00.75+02:00").as_deref(), Some("2026-11-20T23:30:00Z"));
        assert_eq!(utc("2026-11-21"), None);
        assert_eq!(utc("yesterday"), None);
        assert_eq!(utc("-002026-11-21T10:00:00Z"), None);
    }
}
