//! What the file names of Python's archives say.

use std::borrow::Cow;

use super::pep508;

/// Suffixes of files that pip installs from.
const SUFFIXES: [&str; 12] =
    [".zip", ".whl", ".tar.bz2", ".tbz", ".tar.gz", ".tgz", ".tar", ".tar.xz", ".txz", ".tlz", ".tar.lz", ".tar.lzma"];

/// Whether pip takes a path with this file name for an archive.
pub(super) fn is_archive(file: &str) -> bool {
    SUFFIXES.iter().any(|known| suffix(file).eq_ignore_ascii_case(known))
}

/// Whether pip takes an address with this file name for a wheel.
pub(super) fn is_wheel(file: &str) -> bool {
    suffix(file) == ".whl"
}

/// The last suffix, and `.tar` with it. A file name that begins with its only dots has none.
fn suffix(file: &str) -> &str {
    let last = |text: &str| {
        let dot = text
            .rfind('.')
            .filter(|dot| text.get(..*dot).is_some_and(|before| !before.trim_start_matches('.').is_empty()));
        dot.unwrap_or(text.len())
    };
    let end = last(file);
    let base = file.get(..end).unwrap_or(file);
    let tar = base
        .len()
        .checked_sub(".tar".len())
        .filter(|at| base.get(*at..).is_some_and(|end| end.eq_ignore_ascii_case(".tar")));
    file.get(tar.unwrap_or(end)..).unwrap_or_default()
}

/// The file name that an address or a path ends with, without its percent escapes.
pub(super) fn file_name(address: &str) -> Cow<'_, str> {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    let path = match path.split_once("://") {
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => path,
    };
    let file = path.trim_end_matches('/').rsplit('/').next().unwrap_or(path);
    match unquote(file) {
        // a separator that was hidden
        Cow::Owned(plain) if plain.contains('/') => {
            Cow::Owned(plain.trim_end_matches('/').rsplit('/').next().unwrap_or_default().to_owned())
        }
        other => other,
    }
}

/// The text with `%40` as the byte that it stands for.
pub(super) fn unquote(text: &str) -> Cow<'_, str> {
    if !text.contains('%') {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let hex = |at: usize| after.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        match (first, hex(0), hex(1)) {
            (b'%', Some(high), Some(low)) => {
                out.push(u8::try_from(high * 16 + low).unwrap_or_default());
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    Cow::Owned(String::from_utf8_lossy(&out).into_owned())
}

/// Name and version of a wheel or a source archive: `name-1.2.3-py3-none-any.whl`, `name-1.2.3.tar.gz`.
pub(super) fn name_and_version(file: &str) -> Option<(&str, &str)> {
    if file.ends_with(".whl") {
        return wheel(file);
    }
    let stem = file.get(..file.len() - suffix(file).len()).filter(|_| is_archive(file))?;
    let (name, version) = stem.rsplit_once('-')?;
    (!name.is_empty() && pep508::is_version(version)).then_some((name, version))
}

/// Name and version of a wheel's file name; `None` if pip refuses it
/// (<https://packaging.python.org/en/latest/specifications/binary-distribution-format/>).
pub(super) fn wheel(file: &str) -> Option<(&str, &str)> {
    let parts: Vec<&str> = file.strip_suffix(".whl")?.split('-').collect();
    let (name, version, build, interpreters, others) = match parts.as_slice() {
        [name, version, python, abi, platform] => (*name, *version, "0", *python, [*abi, *platform]),
        [name, version, build, python, abi, platform] => (*name, *version, *build, *python, [*abi, *platform]),
        _ => return None,
    };
    let named = !name.is_empty() && name.chars().all(|c| pep508::is_word(c) || c == '.') && !name.contains("__");
    let identifier = |part: &str| !part.starts_with(|c: char| c.is_numeric()) && part.chars().all(pep508::is_word);
    let valid = named
        && pep508::is_version(version)
        && build.starts_with(|c: char| c.is_ascii_digit())
        && interpreters.split('.').all(|part| !part.is_empty() && identifier(part))
        && others.iter().all(|tag| tag.split('.').all(|part| !part.is_empty()));
    valid.then_some((name, version))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn archives_are_known_by_their_suffix() {
        for file in ["a.zip", "a.WHL", "a.tar.gz", "a.tar.lzma", "vuln==1.0.tbz", ".tar.gz"] {
            assert!(is_archive(file), "{file}");
        }
        for file in [".zip", "a.gz", "a.tar.zip", "a.tar.whl", "a", "a.zip.txt", ""] {
            assert!(!is_archive(file), "{file}");
        }
        assert!(is_wheel("a.whl") && !is_wheel("a.WHL") && !is_wheel("a.tar.whl") && !is_wheel(".whl"));
    }

    #[test]
    fn file_names_are_the_end_of_an_address() {
        for (address, file) in [
            ("https://host.example/x/a-1%2Bcpu-py3-none-any.whl?token=x#egg=a", "a-1+cpu-py3-none-any.whl"),
            ("./a.zip", "a.zip"),
            ("https://host.example/x%2Fa.zip/", "a.zip"),
            ("https://host.example", ""),
            ("a%zz%4", "a%zz%4"),
        ] {
            assert_eq!(file_name(address), file, "{address}");
        }
    }

    #[test]
    fn names_and_versions_are_in_file_names() {
        for (file, found) in [
            ("My_Lib-1.2.3-py3-none-any.whl", Some(("My_Lib", "1.2.3"))),
            ("a-1-2b-cp39.cp310-abi3-linux_x86_64.whl", Some(("a", "1"))),
            ("my-lib-2.0.tar.gz", Some(("my-lib", "2.0"))),
            ("a-1.0.tar.xz", Some(("a", "1.0"))),
            ("main.zip", None),
            ("-1.0.zip", None),
            ("a-b.zip", None),
            ("a-1.0.txt", None),
            ("a-x-py3-none-any.whl", None),
            ("a__b-1-py3-none-any.whl", None),
            ("a-1-py3-none.whl", None),
            ("a-1-b2-py3-none-any.whl", None),
            ("a-1-3py-none-any.whl", None),
            ("a-1-py3..py2-none-any.whl", None),
        ] {
            assert_eq!(name_and_version(file), found, "{file}");
        }
    }
}
