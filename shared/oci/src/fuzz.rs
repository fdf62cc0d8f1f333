//! Parsers of what registries send that are not part of the library's interface, for fuzz targets.

/// `WWW-Authenticate`. Returns whether it names a scheme that is known.
pub fn challenge(header: &str) -> bool {
    !crate::auth::Challenge::parse(header).is_empty()
}
