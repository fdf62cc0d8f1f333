//! The logical lines of a requirements file, as pip joins and strips them.

use super::super::pep508::is_space;

/// A line with those that continue it, without the comment.
pub(super) struct Logical {
    pub(super) text: String,
    /// What follows the `#`.
    pub(super) comment: Option<String>,
    /// The first of its lines, from 1, counted by newlines as editors and CI systems count them.
    pub(super) line: u32,
}

/// Lines end where Python's `str.splitlines` ends them. One that ends with a backslash goes on in the next, unless it is
/// a comment; a comment begins a line or follows white space, and ends a continuation.
pub(super) fn logical_lines(text: &str) -> impl Iterator<Item = Logical> {
    let mut lines = physical_lines(text);
    std::iter::from_fn(move || {
        let (first, line) = lines.next()?;
        let mut joined = String::new();
        let mut next = Some(first);
        while let Some(part) = next {
            if is_comment(part) {
                joined.push(' ');
                joined.push_str(part);
                break;
            }
            if !part.ends_with('\\') {
                joined.push_str(part);
                break;
            }
            // pip takes every backslash off, at the start of the line too
            joined.push_str(part.trim_matches('\\'));
            next = lines.next().map(|(part, _)| part);
        }
        let (text, comment) = split_comment(&joined);
        Some(Logical { text: text.trim_matches(is_space).to_owned(), comment: comment.map(str::to_owned), line })
    })
}

fn physical_lines(text: &str) -> impl Iterator<Item = (&str, u32)> {
    let (mut rest, mut line) = (text, 1);
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let number = line;
        let end = rest.find(ends_line).unwrap_or(rest.len());
        let (this, from) = rest.split_at_checked(end)?;
        let ending = if from.starts_with("\r\n") { 2 } else { from.chars().next().map_or(0, char::len_utf8) };
        line += u32::from(from.as_bytes().get(..ending).is_some_and(|ending| ending.contains(&b'\n')));
        rest = from.get(ending..)?;
        Some((this, number))
    })
}

/// <https://docs.python.org/3/library/stdtypes.html#str.splitlines>
fn ends_line(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\x1c'..='\x1e' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_comment(line: &str) -> bool {
    line.trim_start_matches(is_space).starts_with('#')
}

fn split_comment(line: &str) -> (&str, Option<&str>) {
    let starts = |at: &usize| line.get(..*at).is_some_and(|before| before.is_empty() || before.ends_with(is_space));
    match line.match_indices('#').map(|(at, _)| at).find(starts) {
        Some(at) => (line.get(..at).unwrap_or_default(), line.get(at + 1..)),
        None => (line, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(text: &str) -> Vec<String> {
        logical_lines(text).map(|line| line.text).filter(|text| !text.is_empty()).collect()
    }

    #[test]
    fn lines_end_where_python_ends_them() {
        for end in
            ["\n", "\r", "\r\n", "\u{b}", "\u{c}", "\u{1c}", "\u{1d}", "\u{1e}", "\u{85}", "\u{2028}", "\u{2029}"]
        {
            assert_eq!(texts(&format!("# pinned by us{end}a==1{end}b==1")), ["a==1", "b==1"], "{end:?}");
        }
        assert_eq!(texts("a\u{1f}b\u{a0}c\td"), ["a\u{1f}b\u{a0}c\td"]);
    }

    #[test]
    fn continuations_and_comments() {
        assert_eq!(texts("a\\\n==\\\n1"), ["a==1"]);
        assert_eq!(texts("a==1 \\\n# over\nb==2"), ["a==1", "b==2"]);
        assert_eq!(texts("a==1 \\\n \t# over \\\nb==2"), ["a==1", "b==2"]);
        assert_eq!(texts("# comment \\\na==1"), ["a==1"]);
        assert_eq!(texts("a#b\na\u{1f}#b\n#c"), ["a#b", "a"]);
        assert_eq!(texts("\\\\a\\\\\n==1\\"), ["a==1"]);
        let lines: Vec<u32> = logical_lines("a\r\nb\\\n1\rc\n\n\u{85}d").map(|line| line.line).collect();
        assert_eq!(lines, [1, 2, 3, 4, 5, 5]);
    }
}
