//! Tokens of providers, known by their form alone: what stands in the name of a file or a branch is hidden although no
//! variable holds it and no scan found it.
//!
//! `tokens.tsv` lists the forms, made from the rules of pipe-secrets by its test `core_knows_the_forms_of_tokens`. The
//! rules themselves stay there: their regular expressions would add a tenth to the images of pipes that scan nothing.
//! Forms are read more leniently than by a scan, since hiding a word too many costs nothing: a token may follow or
//! precede `_` or `-`, and its checksum may be wrong.

mod form;
mod keywords;
mod sequence;

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem;

pub use form::{Form, entropy};
use keywords::{KNOWN, SECOND};
pub use sequence::Runs;

/// A text of a provider's form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The id of its rule in pipe-secrets.
    pub rule: &'static str,
    /// Where it stands.
    pub range: Range<usize>,
}

/// All tokens in a text, in the order in which their keywords occur. They may overlap.
pub fn find(text: &[u8]) -> Vec<Token> {
    let known = &*KNOWN;
    let (mut tokens, mut runs) = (Vec::new(), Runs::default());
    let mut add = |at: usize| {
        for keyword in known.at(text, at) {
            if let Some((rule, range)) = keyword.token(text, at, &mut runs) {
                tokens.push(Token { rule, range });
            }
        }
    };
    // Two bytes at a time: of a keyword, they are the first and the second byte or the second and the third.
    for (pair, two) in text.as_chunks().0.iter().enumerate() {
        let place = known.place(*two);
        if place == 0 {
            continue;
        }
        let at = 2 * pair;
        if place & SECOND != 0 && at > 0 && known.place([text[at - 1], text[at]]) & !SECOND != 0 {
            add(at - 1);
        }
        if place & !SECOND != 0 {
            add(at);
        }
    }
    // A keyword of two bytes may lie between the last two pairs.
    if text.len() % 2 == 1 && text.len() > 1 {
        add(text.len() - 2);
    }
    tokens
}

/// The forms of the table, in its order.
pub fn forms() -> &'static [Form] {
    &form::FORMS
}

/// Where something is to be hidden: tokens, and passwords in URLs.
pub(super) fn spans(text: &[u8]) -> Vec<Range<usize>> {
    let mut spans: Vec<_> = find(text).into_iter().map(|token| token.range).collect();
    spans.extend(passwords(text));
    spans
}

/// The passwords of `scheme://user:password@host`.
fn passwords(text: &[u8]) -> impl Iterator<Item = Range<usize>> {
    /// Longer ones are text that happens to hold an `@`. Bytes.
    const LONGEST: usize = 1024;
    /// Most texts are short, and a searcher takes longer to make.
    static AUTHORITY: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new(b"://"));
    AUTHORITY.find_iter(text).filter_map(|at| {
        let start = at + b"://".len();
        let part = &text[start..text.len().min(start + LONGEST)];
        let end = part.iter().position(|byte| byte.is_ascii_whitespace() || b"/\"'<>`\\?#".contains(byte));
        let host = memchr::memrchr(b'@', &part[..end.unwrap_or(part.len())])?;
        let colon = memchr::memchr(b':', &part[..host])?;
        let password = &part[colon + 1..host];
        // Signs alone, or a place to be filled in.
        let is_blank = !password.iter().any(u8::is_ascii_alphanumeric) || matches!(password[0], b'$' | b'{');
        (!is_blank).then(|| start + colon + 1..start + host)
    })
}

#[cfg(test)]
mod tests;
