//! The options of one line: split into words as Python's `shlex` splits them, and read as its `optparse` reads them.

/// What stands in the options of a line. An option that says nothing of what is installed is checked and left out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    pub(super) requirements: Vec<String>,
    pub(super) constraints: Vec<String>,
    pub(super) editables: Vec<String>,
    /// The last one given.
    pub(super) index: Option<String>,
    pub(super) extra: Vec<String>,
    pub(super) links: Vec<String>,
    pub(super) no_index: bool,
    /// `sha256:aa`
    pub(super) hashes: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Flag,
    NoIndex,
    Requirement,
    Constraint,
    Editable,
    Index,
    ExtraIndex,
    FindLinks,
    Hash,
    /// `KEY=VALUE`
    Setting,
    /// Names of packages.
    Names,
    Value,
}

/// The options of requirements files of pip 26.3 (<https://pip.pypa.io/en/stable/reference/requirements-file-format>).
const OPTIONS: &[(&[&str], Kind)] = &[
    (&["-i", "--index-url", "--pypi-url"], Kind::Index),
    (&["--extra-index-url"], Kind::ExtraIndex),
    (&["--no-index"], Kind::NoIndex),
    (&["-c", "--constraint"], Kind::Constraint),
    (&["-r", "--requirement"], Kind::Requirement),
    (&["-e", "--editable"], Kind::Editable),
    (&["-f", "--find-links"], Kind::FindLinks),
    (&["--no-binary"], Kind::Names),
    (&["--only-binary"], Kind::Names),
    (&["--prefer-binary"], Kind::Flag),
    (&["--require-hashes"], Kind::Flag),
    (&["--no-require-hashes"], Kind::Flag),
    (&["--pre"], Kind::Flag),
    (&["--all-releases"], Kind::Names),
    (&["--only-final"], Kind::Names),
    (&["--trusted-host"], Kind::Value),
    (&["--use-feature"], Kind::Value),
    (&["--hash"], Kind::Hash),
    (&["-C", "--config-settings"], Kind::Setting),
];

const HASHES: [&str; 3] = ["sha256", "sha384", "sha512"];

/// Reads what follows the requirement of a line, or a line without one. The error is a fragment that quotes nothing but
/// names of pip's own options.
pub(super) fn read(text: &str) -> Result<Options, String> {
    let mut words = words(text)?.into_iter();
    let mut options = Options::default();
    while let Some(word) = words.next() {
        match word.strip_prefix("--") {
            // what follows is not for the parser, and pip never looks at it
            Some("") => break,
            Some(_) => {
                let (name, value) = match word.split_once('=') {
                    Some((name, value)) => (name, Some(value.to_owned())),
                    None => (word.as_str(), None),
                };
                let (name, kind) = long(name)?;
                take(&mut options, name, kind, value, &mut words)?;
            }
            None if word.len() > 1 && word.starts_with('-') => {
                let letter = word.chars().nth(1).unwrap_or_default();
                let (name, kind) = short(letter)?;
                let value = word.get(1 + letter.len_utf8()..).filter(|value| !value.is_empty()).map(str::to_owned);
                take(&mut options, name, kind, value, &mut words)?;
            }
            // a word that belongs to no option is nothing to pip
            None => {}
        }
    }
    Ok(options)
}

fn take(
    options: &mut Options,
    name: &'static str,
    kind: Kind,
    value: Option<String>,
    words: &mut impl Iterator<Item = String>,
) -> Result<(), String> {
    if matches!(kind, Kind::Flag | Kind::NoIndex) {
        options.no_index |= kind == Kind::NoIndex;
        return match value {
            Some(_) => Err(format!("option {name} takes no value")),
            None => Ok(()),
        };
    }
    let value = value.or_else(|| words.next()).ok_or_else(|| format!("option {name} without a value"))?;
    match kind {
        Kind::Requirement => options.requirements.push(value),
        Kind::Constraint => options.constraints.push(value),
        Kind::Editable => options.editables.push(value),
        Kind::Index => options.index = Some(value),
        Kind::ExtraIndex => options.extra.push(value),
        Kind::FindLinks => options.links.push(value),
        Kind::Hash => match value.split_once(':') {
            Some((algorithm, _)) if HASHES.contains(&algorithm) => options.hashes.push(value),
            _ => return Err(format!("option {name} expects sha256, sha384 or sha512, a colon and the digest")),
        },
        Kind::Setting if !value.contains('=') => return Err(format!("option {name} expects KEY=VALUE")),
        Kind::Names if value.starts_with('-') => return Err(format!("option {name} without a value")),
        Kind::Setting | Kind::Names | Kind::Value | Kind::Flag | Kind::NoIndex => {}
    }
    Ok(())
}

fn short(letter: char) -> Result<(&'static str, Kind), String> {
    let known = OPTIONS.iter().flat_map(|(names, kind)| names.iter().map(|name| (*name, *kind)));
    let mut named = known.filter(|(name, _)| !name.starts_with("--") && name.ends_with(letter));
    named.next().ok_or_else(unknown)
}

/// A long option, or the start of one that begins no other.
fn long(name: &str) -> Result<(&'static str, Kind), String> {
    let known = || OPTIONS.iter().flat_map(|(names, kind)| names.iter().map(|known| (*known, *kind)));
    if let Some(exact) = known().find(|(known, _)| *known == name) {
        return Ok(exact);
    }
    let mut begun = known().filter(|(known, _)| known.starts_with(name));
    match (begun.next(), begun.next()) {
        (Some(one), None) => Ok(one),
        (Some((one, _)), Some((other, _))) => Err(format!("an option that could be {one} and {other}")),
        (None, _) => Err(unknown()),
    }
}

fn unknown() -> String {
    "an option that pip does not know".to_owned()
}

/// `shlex.split(text)`
fn words(text: &str) -> Result<Vec<String>, String> {
    let (mut words, mut word) = (Vec::new(), None::<String>);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' | '\r' | '\n' => words.extend(word.take()),
            '\\' => {
                let escaped = chars.next().ok_or("a backslash at the end of the options")?;
                word.get_or_insert_default().push(escaped);
            }
            '\'' | '"' => quoted(c, &mut chars, word.get_or_insert_default())?,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Ok(words)
}

fn quoted(quote: char, chars: &mut std::str::Chars<'_>, word: &mut String) -> Result<(), String> {
    const OPEN: &str = "a quote in the options that is not closed";
    loop {
        match chars.next().ok_or(OPEN)? {
            c if c == quote => return Ok(()),
            '\\' if quote == '"' => {
                let escaped = chars.next().ok_or(OPEN)?;
                if !matches!(escaped, '"' | '\\') {
                    word.push('\\');
                }
                word.push(escaped);
            }
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn words_are_those_of_a_shell() {
        for (text, split) in [
            (r#"-r 'a b'"c"\ d e"#, &["-r", "a bc d", "e"][..]),
            (r#""a\"b\c\\" '' '\'"#, &[r#"a"b\c\"#, "", r"\"]),
            ("# no comment", &["#", "no", "comment"]),
            ("a\u{a0}b\u{b}c", &["a\u{a0}b\u{b}c"]),
        ] {
            assert_eq!(words(text), Ok(list(split)), "{text}");
        }
        for text in ["'", "\"a", "a\\", "\"a\\"] {
            assert!(words(text).is_err(), "{text}");
        }
    }

    #[test]
    fn options_in_every_spelling() {
        for text in
            ["-r a.txt", "-ra.txt", "--requirement a.txt", "--requirement=a.txt", "--requirem 'a.txt'", "x -r a.txt"]
        {
            assert_eq!(read(text).unwrap().requirements, ["a.txt"], "{text}");
        }
        let several =
            read("-c a --constraint b -e ./x -i u --extra u1 --extra-index-url=u2 -f l --no-index --pre y").unwrap();
        assert_eq!(
            several,
            Options {
                constraints: list(&["a", "b"]),
                editables: list(&["./x"]),
                index: Some("u".into()),
                extra: list(&["u1", "u2"]),
                links: list(&["l"]),
                no_index: true,
                ..Options::default()
            }
        );
        assert_eq!(read("--hash sha256:aa --hash=sha512:bb -C a=b").unwrap().hashes, ["sha256:aa", "sha512:bb"]);
        assert_eq!(read("-r -c").unwrap().requirements, ["-c"]);
        assert_eq!(read("-- -r a.txt"), Ok(Options::default()));
    }

    #[test]
    fn what_pip_refuses_is_refused() {
        for text in [
            "-r",
            "---",
            "--shiny yes",
            "-x",
            "--re a",
            "--no-index=1",
            "--hash=md5:aa",
            "--hash=aa",
            "-C a",
            "--no-binary -a",
            "--index-url",
            "--use-wheel",
            "--install-option=x",
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
