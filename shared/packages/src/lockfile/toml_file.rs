//! TOML with lines: what the three TOML lockfiles and the manifests beside them share.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

use super::text::{Lines, library_message};
use super::{MAX_PACKAGES, ParseError};

/// The most of `,`, `=` and `[` of a small lockfile: each value that is kept needs one, and takes about 100 bytes.
const MOST_VALUES: usize = 500_000;
/// Bytes for each of which a larger lockfile may have one more value. Its text and what is kept of it share the five
/// times its size that promise 5 allows.
const PER_VALUE: usize = 30;
/// The most pieces of syntax that the parser is given at once: it keeps about 100 bytes for each while it reads.
const MOST_TOKENS: usize = 300_000;
/// Bytes for each of which a larger document may have one more token: promise 5 allows five times its size.
const PER_TOKEN: usize = 50;
/// In bytes; a shorter text has no more tokens than are allowed.
const SMALL: usize = MOST_TOKENS;

/// A lockfile that is mostly `[[package]]` tables.
pub(super) trait Lockfile: DeserializeOwned {
    type Package: DeserializeOwned;

    fn packages(&mut self) -> &mut Vec<Self::Package>;

    /// What a package's line is taken from.
    fn name(package: &mut Self::Package) -> &mut Spanned<String>;
}

macro_rules! lockfile {
    ($lock:ident of $package:ident) => {
        impl $crate::lockfile::toml_file::Lockfile for $lock {
            type Package = $package;

            fn packages(&mut self) -> &mut Vec<$package> {
                &mut self.package
            }

            fn name(package: &mut $package) -> &mut toml::Spanned<String> {
                &mut package.name
            }
        }
    };
}
pub(super) use lockfile;

/// The lines of a lockfile's text.
///
/// # Errors
/// When it has more values than a lockfile of the most packages.
pub(super) fn lines(text: &str) -> Result<Lines<'_>, ParseError> {
    let values = memchr::memchr3_iter(b',', b'=', b'[', text.as_bytes()).count();
    let lines = memchr::memchr_iter(b'\n', text.as_bytes()).count();
    let most = MOST_VALUES + text.len() / PER_VALUE;
    match values.max(lines) <= most {
        true => Ok(Lines::new(text)),
        false => Err(ParseError::new(format!("more than {most} values or lines, the most for a file of its size"))),
    }
}

/// Reads a lockfile. Duplicate keys and deep nesting are the parser's errors.
///
/// # Errors
/// With the line the parser stopped at.
pub(super) fn read<T: Lockfile>(text: &str, lines: &Lines<'_>) -> Result<T, ParseError> {
    // A document that cannot be read table by table is read as a whole, which gives its content or its error.
    in_pieces(text, lines).or_else(|error| if is_bounded(text, text.len()) { whole(text, lines) } else { Err(error) })
}

/// Reads a manifest beside the lockfile: whatever is wrong with it is another tool's business, and only leaves open
/// what it would have said.
pub(super) fn read_manifest<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    is_bounded(text, text.len()).then(|| toml::from_str(text).ok()).flatten()
}

fn whole<T: Lockfile>(text: &str, lines: &Lines<'_>) -> Result<T, ParseError> {
    let mut lock: T = toml::from_str(text).map_err(|error| of_parser(&error, 0, lines))?;
    if lock.packages().len() > MAX_PACKAGES { Err(too_many()) } else { Ok(lock) }
}

/// Whether the parser's notes on a part of a document stay within the promise.
fn is_bounded(part: &str, document: usize) -> bool {
    let most = MOST_TOKENS + document / PER_TOKEN;
    part.len() <= SMALL || toml_parser::Source::new(part).lex().take(most + 1).count() <= most
}

fn of_parser(error: &toml::de::Error, start: usize, lines: &Lines<'_>) -> ParseError {
    ParseError {
        line: error.span().map(|span| lines.at(start + span.start)),
        message: library_message(error.message()),
    }
}

fn too_many() -> ParseError {
    ParseError::new(format!("more than {MAX_PACKAGES} packages"))
}

/// One package after the other, since the parser's notes on a text take many times its size; then everything else
/// together. Places are kept of the packages, and of what stands before them.
fn in_pieces<T: Lockfile>(text: &str, lines: &Lines<'_>) -> Result<T, ParseError> {
    #[derive(Deserialize)]
    struct Piece<P> {
        package: [P; 1],
    }
    let too_large =
        |start: usize| ParseError::at(lines.at(start), "this part of the file has more values than a lockfile holds");
    let starts = memchr::memmem::find_iter(text.as_bytes(), "\n[").map(|newline| newline + 1);
    let mut rest = String::new();
    let mut packages = Vec::new();
    let mut open = is_package(text).then_some(0);
    let mut from = 0;
    for end in starts.chain([text.len()]) {
        let next = text.get(end..).unwrap_or_default();
        // a table below the package is a part of it
        if open.is_some() && (next.starts_with("[package.") || next.starts_with("[[package.")) {
            continue;
        }
        let piece = text.get(from..end).unwrap_or_default();
        match open {
            Some(start) => {
                if packages.len() == MAX_PACKAGES {
                    return Err(too_many());
                }
                if !is_bounded(piece, text.len()) {
                    return Err(too_large(start));
                }
                let Piece { package: [mut package] } =
                    toml::from_str(piece).map_err(|error| of_parser(&error, start, lines))?;
                let name = T::name(&mut package);
                let span = name.span();
                *name = Spanned::new(start + span.start..start + span.end, std::mem::take(name.get_mut()));
                packages.push(package);
            }
            None => rest.push_str(piece),
        }
        open = is_package(next).then_some(end);
        from = end;
    }
    if !is_bounded(&rest, text.len()) {
        return Err(too_large(0));
    }
    let mut lockfile: T = toml::from_str(&rest).map_err(|error| of_parser(&error, 0, lines))?;
    let listed = lockfile.packages();
    if !listed.is_empty() {
        return Err(ParseError::new("packages that are not separate tables"));
    }
    *listed = packages;
    Ok(lockfile)
}

/// Whether a package begins here, in lines that end either way.
fn is_package(text: &str) -> bool {
    let rest = text.strip_prefix("[[package]]");
    rest.is_some_and(|rest| rest.starts_with('\n') || rest.starts_with("\r\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize)]
    struct Lock {
        version: Option<i64>,
        #[serde(default)]
        package: Vec<Entry>,
    }

    #[derive(Deserialize)]
    struct Entry {
        name: Spanned<String>,
        #[serde(default)]
        extras: Vec<String>,
    }

    lockfile!(Lock of Entry);

    fn rows(lock: &Lock) -> Vec<(&str, usize, usize)> {
        let row = |entry: &'_ Entry| (entry.name.span().start, entry.extras.len());
        lock.package.iter().map(|entry| (entry.name.get_ref().as_str(), row(entry).0, row(entry).1)).collect()
    }

    #[test]
    fn in_pieces_reads_what_the_whole_says() {
        let text = "version = 1\n\n[[package]]\nname = \"a\"\nextras = [\n\"x\",\n]\n[package.source]\nurl = 'u'\n\n\
                    [[package.more]]\nk = 1\n\n[metadata]\nk = 1\n[[package]]\nname = \"b\"\n[metadata.files]\nk = []\n";
        let whole = whole::<Lock>(text, &Lines::new(text)).unwrap();
        let pieces = in_pieces::<Lock>(text, &Lines::new(text)).unwrap();
        assert_eq!(rows(&pieces), rows(&whole));
        assert_eq!((rows(&pieces).len(), pieces.version), (2, Some(1)));
    }

    #[test]
    fn what_is_no_document_in_pieces_is_read_as_a_whole() {
        // a line that looks like a table inside of a string, and tables that are there twice
        let text = "version = 1\n[[package]]\nname = \"a\"\nabout = '''\n[[package]]\n'''\n";
        assert!(in_pieces::<Lock>(text, &Lines::new(text)).is_err());
        assert_eq!(read::<Lock>(text, &Lines::new(text)).unwrap().package.len(), 1);
        for (text, line) in [
            ("[metadata]\nk = 1\n[[package]]\nname = \"a\"\n[metadata]\nk = 2\n", 5),
            ("[[package]]\nname = \"a\"\nname = \"b\"\n", 3),
            ("[[package]]\nname = \"a\"\n[package.x]\nk = 1\n[package.x]\nk = 1\n", 5),
        ] {
            assert_eq!(read::<Lock>(text, &Lines::new(text)).map(|_| ()).unwrap_err().line, Some(line), "{text}");
        }
    }
}
