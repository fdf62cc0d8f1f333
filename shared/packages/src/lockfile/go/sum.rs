//! `go.sum`: which modules were downloaded. Its checksums are of a listing of the module's files, not of an archive,
//! so they are not passed on.

use std::cmp::Ordering;
use std::collections::HashMap;

use super::super::ParseError;
use super::super::text::excerpt;
use super::order;

/// The modules whose content (not only whose `go.mod`) has a checksum, each with its highest version, in the file's
/// order. `excluded` are modules and versions that `go.mod` rules out.
///
/// # Errors
/// For a line that doesn't have three fields; the message names `go.sum` and its line.
pub(super) fn built<'a>(text: &'a str, excluded: &[(String, String)]) -> Result<Vec<(&'a str, &'a str)>, ParseError> {
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut modules: Vec<(&str, &str)> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let mut fields = line.split_whitespace();
        let (path, version, checksum, more) = (fields.next(), fields.next(), fields.next(), fields.next());
        let (Some(path), Some(version), Some(checksum), None) = (path, version, checksum, more) else {
            if line.trim().is_empty() {
                continue;
            }
            let what =
                format!("go.sum line {}: expected module, version and checksum, not `{}`", index + 1, excerpt(line));
            return Err(ParseError::new(what));
        };
        if !checksum.starts_with("h1:") || !version.starts_with('v') {
            let what = format!("go.sum line {}: `{}` is not a checksum line", index + 1, excerpt(line));
            return Err(ParseError::new(what));
        }
        if version.ends_with("/go.mod") || excluded.iter().any(|(module, out)| module == path && out == version) {
            continue;
        }
        match places.get(path).and_then(|place| modules.get_mut(*place)) {
            Some(known) if order::module(known.1, version) == Ordering::Less => known.1 = version,
            Some(_) => {}
            None => {
                places.insert(path, modules.len());
                modules.push((path, version));
            }
        }
    }
    Ok(modules)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_with_content_counts() {
        let text = "a.example/x v1.9.0 h1:aa=\na.example/x v1.10.0 h1:bb=\na.example/x v1.11.0/go.mod h1:cc=\n\
                    b.example/y v0.1.0/go.mod h1:dd=\nc.example/z v2.0.0 h1:ee=\nc.example/z v1.0.0 h1:ff=\n";
        assert_eq!(built(text, &[]).unwrap(), [("a.example/x", "v1.10.0"), ("c.example/z", "v2.0.0")]);
        let excluded = [("a.example/x".to_owned(), "v1.10.0".to_owned())];
        assert_eq!(built(text, &excluded).unwrap()[0], ("a.example/x", "v1.9.0"));
    }

    #[test]
    fn a_broken_line_is_named() {
        for (text, line) in
            [("a v1 h1:x=\n\n<<<<<<< HEAD\n", "line 3"), ("a v1.0.0 zz\n", "line 1"), ("a v1", "line 1")]
        {
            let error = built(text, &[]).unwrap_err();
            assert!(error.message.contains(line), "{error}");
        }
    }
}
