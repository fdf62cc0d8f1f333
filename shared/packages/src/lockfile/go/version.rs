//! Which versions a module can have (<https://go.dev/ref/mod#versions>).

use super::super::ParseError;
use super::super::text::{excerpt, word};

/// A module's version in full: `v1.2` is `v1.2.0`.
///
/// # Errors
/// With the line, for what isn't a semantic version, and for one whose major version isn't that of the module's path.
pub(super) fn of_module(path: &str, version: &str, line: u32) -> Result<String, ParseError> {
    path_word(path, line)?;
    word("version", version, line)?;
    let canonical = canonical(version).ok_or_else(|| {
        ParseError::at(line, format!("`{}` is not a version such as v1.2.3. Run `go mod tidy`", excerpt(version)))
    })?;
    match major_fits(path, &canonical) {
        true => Ok(canonical),
        false => {
            let what = format!("`{}` can't have version {}", excerpt(path), excerpt(version));
            Err(ParseError::at(line, format!("{what}: the path names another major version")))
        }
    }
}

/// `None` for what isn't a version. Of build metadata only `+incompatible` stays.
fn canonical(version: &str) -> Option<String> {
    let rest = version.strip_prefix('v')?;
    let (rest, build) = rest.split_once('+').map_or((rest, None), |(rest, build)| (rest, Some(build)));
    let (numbers, pre) = rest.split_once('-').map_or((rest, None), |(rest, pre)| (rest, Some(pre)));
    let parts: Vec<&str> = numbers.split('.').collect();
    let number = |part: &&str| {
        !part.is_empty()
            && part.bytes().all(|byte| byte.is_ascii_digit())
            && (part.len() == 1 || !part.starts_with('0'))
    };
    let identifiers = |text: &str, zeros: bool| {
        text.split('.').all(|part| {
            let plain = part.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
            let numeric = part.bytes().all(|byte| byte.is_ascii_digit());
            !part.is_empty() && plain && (zeros || !numeric || number(&part))
        })
    };
    let short = parts.len() < 3;
    if parts.len() > 3 || !parts.iter().all(number) || (short && (pre.is_some() || build.is_some())) {
        return None;
    }
    if pre.is_some_and(|pre| !identifiers(pre, false)) || build.is_some_and(|build| !identifiers(build, true)) {
        return None;
    }
    let numbers = format!("v{numbers}{}", ".0".repeat(3 - parts.len()));
    let pre = pre.map(|pre| format!("-{pre}")).unwrap_or_default();
    let build = build.filter(|build| *build == "incompatible").map(|_| "+incompatible").unwrap_or_default();
    Some(format!("{numbers}{pre}{build}"))
}

/// # Errors
/// With the line, for a path that no module can have.
pub(super) fn check_path(path: &str, line: u32) -> Result<(), ParseError> {
    path_word(path, line)?;
    match major_of(path) {
        Some(_) => Ok(()),
        None => Err(ParseError::at(line, format!("`{}` is not a module's path", excerpt(path)))),
    }
}

/// Go loads no module whose path has these, and they make an account of what stands before a host.
pub(super) fn path_word(path: &str, line: u32) -> Result<(), ParseError> {
    word("module path", path, line)?;
    match path.contains([':', '@']) {
        true => Err(ParseError::at(line, "a module path with `:` or `@`, which Go refuses")),
        false => Ok(()),
    }
}

/// The major version that a path ends with, empty without such an end; `None` for an end that no module has.
/// gopkg.in writes `.v2` for `/v2` (<https://go.dev/ref/mod#major-version-suffixes>).
fn major_of(path: &str) -> Option<&str> {
    let gopkg = path.starts_with("gopkg.in/");
    let stem = path.strip_suffix("-unstable").filter(|_| gopkg).unwrap_or(path);
    let before = stem.trim_end_matches(|c: char| c.is_ascii_digit() || (c == '.' && !gopkg));
    let number = stem.get(before.len()..).unwrap_or_default();
    let suffixed = !number.is_empty() && before.ends_with(if gopkg { ".v" } else { "/v" });
    match (suffixed, gopkg) {
        (false, false) => Some(""),
        // every path of gopkg.in ends so
        (false, true) => None,
        (true, true) => (!number.starts_with('0') || path.ends_with(".v0")).then_some(number),
        (true, false) => (!number.contains('.') && !number.starts_with('0') && number != "1").then_some(number),
    }
}

/// A path that ends with `/v2` has versions v2, one without such an end v0 and v1, or older ones marked
/// `+incompatible`.
fn major_fits(path: &str, version: &str) -> bool {
    let major = version.split('.').next().unwrap_or(version);
    match major_of(path) {
        None => false,
        Some("") => matches!(major, "v0" | "v1") || version.ends_with("+incompatible"),
        // pseudo-versions of before modules
        Some("1") if version.starts_with("v0.0.0-") => true,
        Some(number) => major.strip_prefix('v') == Some(number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_written_in_full() {
        for (version, full) in [
            ("v1", Some("v1.0.0")),
            ("v1.2", Some("v1.2.0")),
            ("v1.2.3", Some("v1.2.3")),
            ("v1.2.3-rc.1+meta", Some("v1.2.3-rc.1")),
            ("v4.0.0+incompatible", Some("v4.0.0+incompatible")),
            ("v0.0.0-20210220032951-036812b2e83c", Some("v0.0.0-20210220032951-036812b2e83c")),
            ("v1.2.3-01", None),
            ("v1.02.3", None),
            ("v1.2.3.4", None),
            ("v1.2-rc1", None),
            ("v1.2.3-", None),
            ("v1.2.3+", None),
            ("1.2.3", None),
            ("master", None),
            ("v", None),
            ("", None),
        ] {
            assert_eq!(canonical(version).as_deref(), full, "{version}");
        }
    }

    #[test]
    fn the_path_names_the_major_version() {
        for (path, version, fits) in [
            ("a.example/x", "v1.0.0", true),
            ("a.example/x", "v2.0.0", false),
            ("a.example/x", "v2.0.0+incompatible", true),
            ("a.example/x/v2", "v2.1.0", true),
            ("a.example/x/v2", "v3.0.0", false),
            ("a.example/x/v2", "v2.0.0+incompatible", true),
            ("a.example/x/v1", "v1.0.0", false),
            ("a.example/x/v02", "v2.0.0", false),
            ("a.example/x/v2.1", "v2.1.0", false),
            ("a.example/x2", "v1.0.0", true),
            ("v2", "v1.0.0", true),
            ("gopkg.in/yaml.v2", "v2.4.0", true),
            ("gopkg.in/yaml.v2", "v3.0.0", false),
            ("gopkg.in/check.v1", "v0.0.0-20161208181325-20d25e280405", true),
            ("gopkg.in/check.v1-unstable", "v1.0.0", true),
            ("gopkg.in/check", "v1.0.0", false),
            ("gopkg.in/check.v0", "v0.1.0", true),
        ] {
            assert_eq!(major_fits(path, version), fits, "{path} {version}");
        }
    }
}
