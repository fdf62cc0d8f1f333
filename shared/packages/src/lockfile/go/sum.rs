//! `go.sum`: which modules were downloaded. Its checksums are of a listing of the module's files, not of an archive,
//! so they are not passed on.

use std::cmp::Ordering;
use std::collections::{HashMap, HashSet};

use super::super::text::excerpt;
use super::order;

#[derive(Debug)]
pub(super) struct Sums<'a> {
    /// The modules whose content (not only whose `go.mod`) has a checksum, each with its highest version, in the file's
    /// order.
    pub(super) built: Vec<(&'a str, &'a str)>,
    /// Every module of which the file says anything.
    pub(super) loaded: HashSet<&'a str>,
}

/// `excluded` are modules and versions that `go.mod` rules out.
///
/// # Errors
/// The line that doesn't have three fields, and what is wrong with it.
pub(super) fn read<'a>(text: &'a str, excluded: &[(String, String)]) -> Result<Sums<'a>, (usize, String)> {
    let excluded: HashSet<(&str, &str)> = excluded.iter().map(|(path, out)| (path.as_str(), out.as_str())).collect();
    let mut places: HashMap<&str, usize> = HashMap::new();
    let mut sums = Sums { built: Vec::new(), loaded: HashSet::new() };
    for (index, line) in text.lines().enumerate() {
        let mut fields = line.split_whitespace();
        let (path, version, checksum, more) = (fields.next(), fields.next(), fields.next(), fields.next());
        let (Some(path), Some(version), Some(checksum), None) = (path, version, checksum, more) else {
            if line.trim().is_empty() {
                continue;
            }
            return Err((index + 1, format!("expected module, version and checksum, not `{}`", excerpt(line))));
        };
        if !checksum.starts_with("h1:") || !version.starts_with('v') {
            return Err((index + 1, format!("`{}` is not a checksum line", excerpt(line))));
        }
        sums.loaded.insert(path);
        if version.ends_with("/go.mod") || excluded.contains(&(path, version)) {
            continue;
        }
        match places.get(path).and_then(|place| sums.built.get_mut(*place)) {
            Some(known) if order::module(known.1, version) == Ordering::Less => known.1 = version,
            Some(_) => {}
            None => {
                places.insert(path, sums.built.len());
                sums.built.push((path, version));
            }
        }
    }
    Ok(sums)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_version_with_content_counts() {
        let text = "a.example/x v1.9.0 h1:aa=\na.example/x v1.10.0 h1:bb=\na.example/x v1.11.0/go.mod h1:cc=\n\
                    b.example/y v0.1.0/go.mod h1:dd=\nc.example/z v2.0.0 h1:ee=\nc.example/z v1.0.0 h1:ff=\n";
        let sums = read(text, &[]).unwrap();
        assert_eq!(sums.built, [("a.example/x", "v1.10.0"), ("c.example/z", "v2.0.0")]);
        assert_eq!(sums.loaded, HashSet::from(["a.example/x", "b.example/y", "c.example/z"]));
        let excluded = [("a.example/x".to_owned(), "v1.10.0".to_owned())];
        assert_eq!(read(text, &excluded).unwrap().built[0], ("a.example/x", "v1.9.0"));
    }

    #[test]
    fn a_broken_line_is_named() {
        for (text, line) in [("a v1 h1:x=\n\n<<<<<<< HEAD\n", 3), ("a v1.0.0 zz\n", 1), ("a v1", 1)] {
            assert_eq!(read(text, &[]).unwrap_err().0, line, "{text}");
        }
    }
}
