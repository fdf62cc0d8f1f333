//! The order setuptools gave to any text before PEP 440: words and numbers alternate, words that announce a release
//! (`a`, `beta`, `rc`) come before its end, all others after it.

/// The parts in comparable spelling: a number padded to eight digits, a word behind `*`, and [`END`] last.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(Vec<String>);

/// Words below this one are pre-releases, words above it post-releases.
const END: &str = "*final";
/// A hyphen: what follows is a patch of the release, so it sorts just after [`END`].
const PATCH: &str = "*final-";
const ZERO: &str = "00000000";

impl Version {
    pub fn parse(text: &str) -> Version {
        let text = text.trim().to_lowercase();
        let mut parts: Vec<String> = Vec::new();
        for part in split(&text).into_iter().filter_map(comparable).chain([END.to_owned()]) {
            if part.starts_with('*') {
                // A hyphen before a pre-release means nothing, and neither do zeros before any word: 1.0-rc1 is 1rc1.
                if part.as_str() < END {
                    drop_trailing(&mut parts, PATCH);
                }
                drop_trailing(&mut parts, ZERO);
            }
            parts.push(part);
        }
        Version(parts)
    }
}

fn drop_trailing(parts: &mut Vec<String>, unwanted: &str) {
    while parts.last().is_some_and(|last| last == unwanted) {
        parts.pop();
    }
}

/// Runs of digits, runs of a to z, single dots and hyphens, and whatever lies between them.
fn split(text: &str) -> Vec<&str> {
    #[derive(PartialEq, Clone, Copy)]
    enum Kind {
        Digits,
        Letters,
        Single,
        Other,
    }
    let kind = |c: char| match c {
        '0'..='9' => Kind::Digits,
        'a'..='z' => Kind::Letters,
        '.' | '-' => Kind::Single,
        _ => Kind::Other,
    };
    let mut parts = Vec::new();
    let mut start = 0;
    let mut previous = None;
    for (at, c) in text.char_indices() {
        let kind = kind(c);
        if previous.is_some_and(|previous| previous != kind || kind == Kind::Single) {
            parts.push(&text[start..at]);
            start = at;
        }
        previous = Some(kind);
    }
    parts.push(&text[start..]);
    parts
}

fn comparable(part: &str) -> Option<String> {
    match part {
        "" | "." => None,
        "-" => Some(PATCH.to_owned()),
        "pre" | "preview" | "rc" => Some("*c".to_owned()),
        "dev" => Some("*@".to_owned()),
        number if number.starts_with(|c: char| c.is_ascii_digit()) => Some(format!("{number:0>8}")),
        word => Some(format!("*{word}")),
    }
}
