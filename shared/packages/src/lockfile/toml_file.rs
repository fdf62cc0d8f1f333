//! TOML with lines: what the three TOML lockfiles and the manifests beside them share.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::Spanned;

use super::ParseError;
use super::text::{Lines, library_message};

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

/// Reads a lockfile. Duplicate keys and deep nesting are the parser's errors.
///
/// # Errors
/// With the line the parser stopped at.
pub(super) fn read<T: Lockfile>(text: &str, lines: &Lines) -> Result<T, ParseError> {
    // A document that cannot be read table by table is read as a whole, which gives its content or its error.
    in_pieces(text).map_or_else(|| whole(text, lines), Ok)
}

/// Reads a manifest beside the lockfile: whatever is wrong with it is another tool's business, and only leaves open
/// what it would have said.
pub(super) fn read_manifest<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    toml::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()
}

fn whole<T: Lockfile>(text: &str, lines: &Lines) -> Result<T, ParseError> {
    toml::from_str(text).map_err(|error| ParseError {
        line: error.span().map(|span| lines.at(span.start)),
        message: library_message(error.message()),
    })
}

/// One package after the other, since the parser's notes on a text take many times its size; then everything else
/// together. Places are kept of the packages, and of what stands before them.
fn in_pieces<T: Lockfile>(text: &str) -> Option<T> {
    #[derive(Deserialize)]
    struct Piece<P> {
        package: [P; 1],
    }
    const PACKAGE: &str = "[[package]]\n";
    let starts = memchr::memmem::find_iter(text.as_bytes(), "\n[").map(|newline| newline + 1);
    let mut rest = String::new();
    let mut packages = Vec::new();
    let mut open = text.starts_with(PACKAGE).then_some(0);
    let mut from = 0;
    for end in starts.chain([text.len()]) {
        let next = text.get(end..)?;
        // a table below the package is a part of it
        if open.is_some() && (next.starts_with("[package.") || next.starts_with("[[package.")) {
            continue;
        }
        let piece = text.get(from..end)?;
        match open {
            Some(start) => {
                let Piece { package: [mut package] } = toml::from_str(piece).ok()?;
                let name = T::name(&mut package);
                let span = name.span();
                *name = Spanned::new(start + span.start..start + span.end, std::mem::take(name.get_mut()));
                packages.push(package);
            }
            None => rest.push_str(piece),
        }
        open = next.starts_with(PACKAGE).then_some(end);
        from = end;
    }
    let mut lockfile: T = toml::from_str(&rest).ok()?;
    let listed = lockfile.packages();
    listed.is_empty().then(|| *listed = packages)?;
    Some(lockfile)
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
        let pieces = in_pieces::<Lock>(text).unwrap();
        assert_eq!(rows(&pieces), rows(&whole));
        assert_eq!((rows(&pieces).len(), pieces.version), (2, Some(1)));
    }

    #[test]
    fn what_is_no_document_in_pieces_is_read_as_a_whole() {
        // a line that looks like a table inside of a string, and tables that are there twice
        let text = "version = 1\n[[package]]\nname = \"a\"\nabout = '''\n[[package]]\n'''\n";
        assert!(in_pieces::<Lock>(text).is_none());
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
