//! One logical line of a requirements file.

use super::super::text::excerpt;
use super::super::{pep508, url};

/// What a line asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A package and the `--hash` options with it.
    Requirement {
        wanted: Wanted,
        hashes: Vec<String>,
    },
    /// `-r FILE`
    Include(String),
    /// `-c FILE`
    Constraints(String),
    Index(String),
    ExtraIndex(String),
    NoIndex,
    FindLinks(String),
    /// An option that says nothing of what is installed.
    Other,
    /// An option that no known pip has.
    Unknown(String),
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Pinned {
        name: String,
        version: String,
    },
    Open {
        name: String,
    },
    /// An archive, a repository or a folder; the name where the line says.
    Address {
        name: Option<String>,
        address: String,
    },
}

/// Options that take a value and stand on a separate line (<https://pip.pypa.io/en/stable/reference/requirements-file-format>).
const WITH_VALUE: [&str; 5] = ["--no-binary", "--only-binary", "--trusted-host", "--use-feature", "--find-links"];
const WITHOUT_VALUE: [&str; 5] = ["--prefer-binary", "--require-hashes", "--pre", "--no-index", "--always-unzip"];

/// Reads a line without its comment. The error is what was expected.
pub(super) fn read(text: &str) -> Result<Line, String> {
    let text = text.trim();
    if text.starts_with('-') {
        return option(text);
    }
    let (requirement, options) = split_options(text);
    let hashes = hashes(options);
    let wanted = if is_address(requirement) {
        address(requirement)
    } else {
        let read =
            pep508::parse(requirement).ok_or_else(|| format!("`{}` is not a requirement", excerpt(requirement)))?;
        let name = read.name.to_owned();
        match read.what {
            pep508::What::Pinned(version) => Wanted::Pinned { name, version: version.to_owned() },
            pep508::What::Open => Wanted::Open { name },
            pep508::What::Address(address) => Wanted::Address { name: Some(name), address: address.to_owned() },
        }
    };
    Ok(Line::Requirement { wanted, hashes })
}

fn option(text: &str) -> Result<Line, String> {
    let (name, value) = split_option(text);
    let value = || match value.trim().trim_matches(['"', '\'']) {
        "" => Err(format!("`{name}` without a value")),
        value => Ok(value.to_owned()),
    };
    Ok(match name {
        "-r" | "--requirement" => Line::Include(value()?),
        "-c" | "--constraint" => Line::Constraints(value()?),
        "-i" | "--index-url" | "--pypi-url" => Line::Index(value()?),
        "--extra-index-url" => Line::ExtraIndex(value()?),
        "--no-index" => Line::NoIndex,
        "-f" | "--find-links" => Line::FindLinks(value()?),
        "-e" | "--editable" => {
            let value = value()?;
            let (target, _) = split_options(&value);
            let wanted = match pep508::parse(target).map(|read| (read.name.to_owned(), read.what)) {
                Some((name, pep508::What::Address(to))) => Wanted::Address { name: Some(name), address: to.to_owned() },
                _ => address(target),
            };
            Line::Requirement { wanted, hashes: Vec::new() }
        }
        known if WITH_VALUE.contains(&known) => {
            value()?;
            Line::Other
        }
        known if WITHOUT_VALUE.contains(&known) => Line::Other,
        unknown if unknown.trim_matches('-').is_empty() => {
            return Err(format!("`{}` is not a requirement", excerpt(text)));
        }
        unknown => Line::Unknown(excerpt(unknown)),
    })
}

/// `-rfile`, `-r file`, `--requirement file`, `--requirement=file`
fn split_option(text: &str) -> (&str, &str) {
    if text.starts_with("--") {
        return text.split_once(|c: char| c == '=' || c.is_whitespace()).unwrap_or((text, ""));
    }
    let short = text.char_indices().nth(2).map_or(text.len(), |(at, _)| at);
    text.split_at_checked(short).unwrap_or((text, ""))
}

/// Options of one requirement begin with ` --`.
fn split_options(text: &str) -> (&str, &str) {
    let start = text
        .match_indices("--")
        .map(|(at, _)| at)
        .find(|at| text.get(..*at).is_some_and(|before| before.ends_with(char::is_whitespace)));
    match start.and_then(|at| text.split_at_checked(at)) {
        Some((requirement, options)) => (requirement.trim(), options),
        None => (text, ""),
    }
}

fn hashes(options: &str) -> Vec<String> {
    let mut words = options.split_whitespace();
    let mut hashes = Vec::new();
    while let Some(word) = words.next() {
        match word.split_once('=') {
            Some(("--hash", hash)) => hashes.push(hash.to_owned()),
            _ if word == "--hash" => hashes.extend(words.next().map(str::to_owned)),
            _ => {}
        }
    }
    hashes
}

/// An address or a path that stands alone, without `name @`.
fn is_address(text: &str) -> bool {
    let first = text.split(" ;").next().unwrap_or(text).trim();
    if first.contains('@') && pep508::parse(text).is_some() {
        return false;
    }
    let archive = [".whl", ".tar.gz", ".tar.bz2", ".tgz", ".zip"].iter().any(|end| first.ends_with(end));
    first.starts_with(['.', '/', '~'])
        || first.contains("://")
        || first.starts_with("file:")
        || (first.contains(['/', '\\']) && !first.contains([' ', '=', '<', '>']))
        || (archive && !first.contains([' ', '=', '<', '>']))
}

/// `#egg=name[extra]&subdirectory=x` names an address.
fn address(text: &str) -> Wanted {
    let text = text.split(" ;").next().unwrap_or(text).trim();
    let named = url::fragment(text).and_then(|fragment| fragment.split('&').find_map(|part| part.strip_prefix("egg=")));
    let name = named.and_then(|name| name.split('[').next());
    Wanted::Address { name: name.filter(|name| !name.is_empty()).map(str::to_owned), address: text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(text: &str) -> Wanted {
        match read(text) {
            Ok(Line::Requirement { wanted, .. }) => wanted,
            other => panic!("{text}: {other:?}"),
        }
    }

    fn at(name: Option<&str>, address: &str) -> Wanted {
        Wanted::Address { name: name.map(str::to_owned), address: address.to_owned() }
    }

    #[test]
    fn options_in_every_spelling() {
        for text in ["-r base.txt", "-rbase.txt", "--requirement base.txt", "--requirement=base.txt", "-r 'base.txt'"] {
            assert_eq!(read(text), Ok(Line::Include("base.txt".into())), "{text}");
        }
        assert_eq!(read("-i https://host.example"), Ok(Line::Index("https://host.example".into())));
        assert_eq!(read("--no-index"), Ok(Line::NoIndex));
        assert_eq!(read("--require-hashes"), Ok(Line::Other));
        assert_eq!(read("--no-binary :all:"), Ok(Line::Other));
        assert_eq!(read("--shiny=1"), Ok(Line::Unknown("--shiny".into())));
    }

    #[test]
    fn addresses_alone_and_named() {
        assert_eq!(wanted("a @ file:./a-1.whl"), at(Some("a"), "file:./a-1.whl"));
        assert_eq!(
            wanted("git+https://host.example/x@v1#egg=the-name[a]&subdirectory=b"),
            at(Some("the-name"), "git+https://host.example/x@v1#egg=the-name[a]&subdirectory=b")
        );
        assert_eq!(wanted("-e ."), at(None, "."));
        assert_eq!(
            wanted("-e git+ssh://git@host.example/x#egg=x"),
            at(Some("x"), "git+ssh://git@host.example/x#egg=x")
        );
        assert_eq!(wanted("./libs/x ; os_name == 'nt'"), at(None, "./libs/x"));
        assert_eq!(wanted("x-1.0-py3-none-any.whl"), at(None, "x-1.0-py3-none-any.whl"));
        assert_eq!(wanted("https://u:p@host.example/x-1.0.tar.gz"), at(None, "https://u:p@host.example/x-1.0.tar.gz"));
    }

    #[test]
    fn hashes_are_taken_and_never_part_of_the_version() {
        let line = read("a==1.0 --hash=sha256:aa --hash sha256:bb --config-settings x=y").unwrap();
        let wanted = Wanted::Pinned { name: "a".into(), version: "1.0".into() };
        assert_eq!(line, Line::Requirement { wanted, hashes: vec!["sha256:aa".into(), "sha256:bb".into()] });
    }

    #[test]
    fn what_is_nothing_is_refused() {
        for text in ["<<<<<<< HEAD", "=======", "some prose", "-r", "--index-url=", "---", "a=1"] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
