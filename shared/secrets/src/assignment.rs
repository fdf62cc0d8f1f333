//! `NAME = "value"` in the languages people keep secrets in, read by hand at a keyword's hit: keywords such as `token`
//! stand on every page, and most hits end after a few bytes.

use std::ops::Range;

/// A name and the literal that goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assigned {
    pub(super) name: Range<usize>,
    pub(super) value: Range<usize>,
    /// Quoted, an element's text or after `Bearer`: certainly a literal. The rest may be a variable in source code.
    pub(super) literal: bool,
}

/// How far a name reaches on either side of its keyword.
const NAME: usize = 60;
/// Spaces around an operator; more is a table.
const SPACES: usize = 24;
/// The longest literal. Bytes.
const VALUE: usize = 512;

/// Reads assignments at growing hits, and remembers the runs of characters it has read: text made of keywords would be
/// read once for each of them.
#[derive(Default)]
pub(super) struct Reader {
    name: Range<usize>,
    bare: Range<usize>,
}

impl Reader {
    /// The assignment in whose name the keyword at `hit` stands. `None` if its line has no assignment.
    pub(super) fn at(&mut self, text: &[u8], hit: Range<usize>) -> Option<Assigned> {
        let name = self.name(text, &hit);
        let end = name.end;
        let (operator, value) = operator(text, end)?;
        let quoted_name = text.get(end).is_some_and(|byte| is_quote(*byte));
        match operator {
            Operator::Element => element(text, name, value),
            Operator::Comma if !quoted_name => None,
            Operator::Space if !text[..name.start].ends_with(b"-") && !text[name.clone()].starts_with(b"-") => None,
            Operator::Comma | Operator::Call => quoted(text, name, value),
            Operator::Space | Operator::Colon | Operator::Equals => {
                quoted(text, name.clone(), value).or_else(|| self.bare(text, name, value, operator))
            }
        }
    }

    /// The name around a keyword.
    fn name(&mut self, text: &[u8], hit: &Range<usize>) -> Range<usize> {
        if !(self.name.start <= hit.start && hit.end <= self.name.end) {
            let before = text[..hit.start].iter().rev().take_while(|byte| is_name(**byte)).count();
            let after = text[hit.end..].iter().take_while(|byte| is_name(**byte)).count();
            self.name = hit.start - before..hit.end + after;
        }
        self.name.start.max(hit.start.saturating_sub(NAME))..self.name.end.min(hit.end + NAME)
    }

    /// A literal without quotes, as in env files, YAML and properties.
    fn bare(&mut self, text: &[u8], name: Range<usize>, from: usize, operator: Operator) -> Option<Assigned> {
        let start = skip_scheme(text, from);
        if !self.bare.contains(&start) {
            let stop = |byte: &u8| byte.is_ascii_whitespace() || is_quote(*byte) || b",;)}]><&|\\".contains(byte);
            let length = text[start..].iter().position(stop).unwrap_or(text.len() - start);
            self.bare = start..start + length;
        }
        let length = (self.bare.end - start).min(VALUE);
        let end = start + length;
        let tight = operator == Operator::Equals && text[..from].ends_with(b"=");
        let rest = &text[skip_spaces(text, end)..];
        let alone = match rest {
            [] | [b'\n' | b'\r' | b'#', ..] | [b'/', b'/', ..] => true,
            _ => tight || start > from || operator == Operator::Space,
        };
        (length > 0 && alone).then_some(Assigned { name, value: start..end, literal: start > from })
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equals,
    Colon,
    Comma,
    Call,
    Space,
    Element,
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn is_quote(byte: u8) -> bool {
    matches!(byte, b'"' | b'\'' | b'`')
}

/// The operator after a name that ends at `end`, and where the value begins.
fn operator(text: &[u8], end: usize) -> Option<(Operator, usize)> {
    let mut at = end;
    while text.get(at).is_some_and(|byte| is_quote(*byte) || matches!(byte, b']' | b')' | b'\\')) && at < end + 4 {
        at += 1;
    }
    let spaced = skip_spaces(text, at);
    let rest = &text[spaced..];
    let (operator, length) = match rest {
        [b'=', b'=', b'=', ..] => (Operator::Equals, 3),
        [b'=', b'=' | b'>', ..] | [b':' | b'?' | b'|' | b'+', b'=', ..] => (Operator::Equals, 2),
        [b'=', ..] => (Operator::Equals, 1),
        [b':', b':', ..] => return None,
        [b':', ..] => return Some(after_colon(text, spaced + 1)),
        [b',', ..] => (Operator::Comma, 1),
        [b'(', ..] if at == end => (Operator::Call, 1),
        [b'>', ..] if at == end => (Operator::Element, 1),
        _ if spaced > at && at == end => (Operator::Space, 0),
        _ => return None,
    };
    Some((operator, skip_spaces(text, spaced + length)))
}

/// A colon may announce a type (`token: &str = "..."`) before the value.
fn after_colon(text: &[u8], colon: usize) -> (Operator, usize) {
    let value = skip_spaces(text, colon);
    let word = text[value..].iter().take(40).take_while(|&&b| is_name(b) || b"&[]<>?|' ".contains(&b)).count();
    match text.get(value + word..) {
        Some([b'=', next, ..]) if word > 0 && *next == b' ' => (Operator::Equals, skip_spaces(text, value + word + 1)),
        _ => (Operator::Colon, value),
    }
}

fn skip_spaces(text: &[u8], from: usize) -> usize {
    from + text[from..].iter().take(SPACES).take_while(|byte| matches!(byte, b' ' | b'\t')).count()
}

/// A quoted literal on one line, with a string prefix as languages have them (`b"..."`, `@"..."`, `\"...\"`).
fn quoted(text: &[u8], name: Range<usize>, from: usize) -> Option<Assigned> {
    let prefix =
        text[from..].iter().take(2).take_while(|byte| matches!(byte, b'b' | b'r' | b'u' | b'@' | b'\\')).count();
    let open = from + prefix;
    let quote = *text.get(open).filter(|byte| is_quote(**byte))?;
    let start = skip_scheme(text, open + 1);
    let length = memchr::memchr3(quote, b'\n', b'\r', &text[start..text.len().min(start + VALUE)])?;
    let escaped = text[open - 1] == b'\\' && prefix > 0;
    let end = start + length - usize::from(escaped && length > 0 && text[start + length - 1] == b'\\');
    (text[start + length] == quote && end > start).then_some(Assigned { name, value: start..end, literal: true })
}

/// `<password>value</password>`
fn element(text: &[u8], name: Range<usize>, from: usize) -> Option<Assigned> {
    let length = memchr::memchr2(b'<', b'\n', &text[from..text.len().min(from + VALUE)])?;
    let closed = length > 0 && text[from + length..].starts_with(b"</");
    closed.then(|| Assigned { name, value: from..from + length, literal: true })
}

/// What stands before the credential in an HTTP header.
fn skip_scheme(text: &[u8], from: usize) -> usize {
    let schemes: [&[u8]; 4] = [b"bearer ", b"basic ", b"token ", b"apikey "];
    let rest = &text[from..];
    let scheme = schemes.iter().find(|scheme| rest.get(..scheme.len()).is_some_and(|s| s.eq_ignore_ascii_case(scheme)));
    from + scheme.map_or(0, |scheme| scheme.len())
}

#[cfg(test)]
mod tests {
    use super::{Assigned, Reader};
    use proptest::prelude::*;

    fn at(text: &[u8], hit: std::ops::Range<usize>) -> Option<Assigned> {
        Reader::default().at(text, hit)
    }

    fn read(line: &str) -> Option<(&str, &str, bool)> {
        let hit = line.to_ascii_lowercase().find("token")?;
        let found = at(line.as_bytes(), hit..hit + 5)?;
        Some((&line[found.name], &line[found.value], found.literal))
    }

    #[test]
    fn assignments_of_many_languages_are_read() {
        for (line, name) in [
            ("API_TOKEN=\"abc\"", "API_TOKEN"),
            ("let token: &str = \"abc\";", "token"),
            ("const apiToken: string = 'abc'", "apiToken"),
            ("  \"token\": \"abc\",", "token"),
            ("x['token'] = 'abc'", "token"),
            (":token => 'abc'", "token"),
            ("token := `abc`", "token"),
            ("setenv('MY_TOKEN', 'abc')", "MY_TOKEN"),
            ("client.setToken(\"abc\")", "client.setToken"),
            ("<token>abc</token>", "token"),
            ("{\\\"token\\\": \\\"abc\\\"}", "token"),
            ("token = b'abc'", "token"),
            ("if token == \"abc\" {", "token"),
            ("tokenHeader: 'Bearer abc'", "tokenHeader"),
        ] {
            assert_eq!(read(line), Some((name, "abc", true)), "{line}");
        }
        for line in ["TOKEN=abc", "token: abc", "token: abc # why", "token = abc", "x --token abc -v", "?token=abc&x=1"]
        {
            assert_eq!(read(line).map(|(_, value, literal)| (value, literal)), Some(("abc", false)), "{line}");
        }
    }

    #[test]
    fn prose_types_and_lists_are_not_assignments() {
        for line in [
            "the token of abc",
            "token: a word and more",
            "token::new()",
            "token, abc",
            "f(token, \"abc\")",
            "token(abc)",
            "token -> abc",
            "token = \"abc",
            "token\n= 'abc'",
            "token",
            "<token>abc\n</token>",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_a_panic(text in proptest::collection::vec(any::<u8>(), 0..80), start in 0_usize..80, length in 0_usize..8) {
            let start = start.min(text.len());
            let end = (start + length).min(text.len());
            if let Some(found) = at(&text, start..end) {
                prop_assert!(found.value.start < found.value.end && found.value.end <= text.len());
            }
        }

        #[test]
        fn text_of_operators_is_read_without_a_panic(text in "[token=:>\"'\\\\ ,(b@\n-]{0,40}", start in 0_usize..40) {
            let start = start.min(text.len());
            at(text.as_bytes(), start..start);
        }
    }
}
