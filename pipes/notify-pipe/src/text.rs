//! Text within the limits of its receiver.

use pipe_core::text::thousands;

use crate::http::tidy;

/// `text` at `max` units at most, by what each character costs: one, its bytes, or what it is escaped to. One that is
/// longer ends in how much of it is missing. `max` below the length of that note gives the beginning alone.
pub(crate) fn shorten(text: &str, max: usize, cost: impl Fn(char) -> usize) -> String {
    let total: usize = text.chars().map(&cost).sum();
    if total <= max {
        return text.to_owned();
    }
    let all = text.chars().count();
    // The note for what is missing is at most as long as the one for everything.
    let note = |missing: usize| format!("… ({} more characters)", thousands(missing as u64));
    let reserved: usize = note(all).chars().map(&cost).sum();
    let room = max.saturating_sub(reserved);
    let kept = fitting(text, room, &cost);
    if kept == 0 {
        return text.chars().take(fitting(text, max, &cost)).collect();
    }
    let start: String = text.chars().take(kept).collect();
    format!("{}{}", start.trim_end(), note(all - kept))
}

/// How many characters of `text` fit into `room`.
fn fitting(text: &str, room: usize, cost: &impl Fn(char) -> usize) -> usize {
    let mut used = 0;
    text.chars()
        .take_while(|c| {
            used += cost(*c);
            used <= room
        })
        .count()
}

/// The last of `lines` that fit into `max` units, with a first line that says how many are missing.
pub(crate) fn last_lines(text: &str, max: usize, cost: impl Fn(char) -> usize) -> String {
    let weigh = |text: &str| text.chars().map(&cost).sum::<usize>() + cost('\n');
    let lines: Vec<&str> = text.lines().collect();
    if lines.iter().map(|line| weigh(line)).sum::<usize>() <= max {
        return lines.join("\n");
    }
    let note = |missing: usize| format!("… ({} more lines)", thousands(missing as u64));
    let mut room = max.saturating_sub(weigh(&note(lines.len())));
    let mut first = lines.len();
    while first > 0 && weigh(lines[first - 1]) <= room {
        first -= 1;
        room -= weigh(lines[first]);
    }
    if first == lines.len() {
        // Not even the last line fits.
        return lines.last().map(|line| shorten(line, max.saturating_sub(cost('\n')), &cost)).unwrap_or_default();
    }
    format!("{}\n{}", note(first), lines[first..].join("\n"))
}

/// What a carriage return without a line feed does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Return {
    /// The rest of the line takes the place of its beginning, as on a screen.
    Overwrites,
    /// It ends the line.
    EndsLine,
}

/// Without colours and other control sequences (ECMA-48), without control characters except tabs and line feeds, and
/// without what changes the direction of writing: it shows a text that is not there.
pub(crate) fn without_controls(text: &str, carriage: Return) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.peek() {
                Some('[') => skip_csi(&mut chars),
                // A text of a terminal, up to BEL or ST: its title, a link, a sixel.
                Some(']' | 'P' | 'X' | '^' | '_') => {
                    while chars.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}' | '\u{9c}')).is_some() {}
                    // ST is ESC with a backslash.
                    if chars.next() == Some('\u{1b}') {
                        chars.next_if_eq(&'\\');
                    }
                }
                _ => {
                    while chars.next_if(|c| ('\u{20}'..='\u{2f}').contains(c)).is_some() {}
                    chars.next_if(|c| ('\u{30}'..='\u{7e}').contains(c));
                }
            },
            '\u{9b}' => skip_csi(&mut chars),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\r' if carriage == Return::Overwrites => out.truncate(out.rfind('\n').map_or(0, |at| at + 1)),
            '\r' | '\u{85}' | '\u{2028}' | '\u{2029}' => out.push('\n'),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}' | '\u{61c}' => {}
            c if c.is_control() && c != '\n' && c != '\t' => {}
            c => out.push(c),
        }
    }
    out
}

/// Parameters, then one letter.
fn skip_csi(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    chars.next_if_eq(&'[');
    while chars.next_if(|c| ('\u{20}'..='\u{3f}').contains(c)).is_some() {}
    chars.next_if(|c| ('\u{40}'..='\u{7e}').contains(c));
}

/// `text` on one line.
pub(crate) fn one_line(text: &str) -> String {
    text.split(['\n', '\r']).filter(|part| !part.trim().is_empty()).collect::<Vec<_>>().join(" ")
}

/// Every character counts as one.
pub(crate) fn chars(_: char) -> usize {
    1
}

/// As UTF-8.
pub(crate) fn bytes(c: char) -> usize {
    c.len_utf8()
}

/// As UTF-16, which services on JavaScript and .NET count.
pub(crate) fn utf16(c: char) -> usize {
    c.len_utf16()
}

/// `and 1,234 more`
pub(crate) fn and_more(count: usize) -> String {
    format!("and {} more", thousands(count as u64))
}

/// `1 h 2 min`, `3 min 5 s`, `7 s`
pub(crate) fn duration(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, 0) => format!("{m} min"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, 0, _) => format!("{h} h"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

/// 24 bits of red, green and blue from `#36a64f`, `36a64f` or `#3a6`.
pub(crate) fn hex_color(text: &str) -> Option<u32> {
    let digits = text.strip_prefix('#').unwrap_or(text);
    if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    match digits.len() {
        6 => u32::from_str_radix(digits, 16).ok(),
        3 => u32::from_str_radix(&digits.chars().flat_map(|digit| [digit, digit]).collect::<String>(), 16).ok(),
        _ => None,
    }
}

/// The longest address that is made a link.
const MAX_LINK: usize = 2_000;

/// Web addresses in `text`, as byte ranges in order, with what they lead to: what a reader would want to click.
/// Punctuation that ends a sentence is not part of one. An address with a name before an @ is left out, since it hides where it leads.
pub(crate) fn links(text: &str) -> Vec<(std::ops::Range<usize>, String)> {
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = text[from..].find("http").map(|at| from + at) {
        from = at + 4;
        let rest = &text[at..];
        let Some(scheme) = ["https://", "http://"].into_iter().find(|scheme| rest.starts_with(scheme)) else {
            continue;
        };
        if text[..at].ends_with(|c: char| c.is_alphanumeric()) {
            continue;
        }
        let end = rest.find(|c: char| c.is_whitespace() || c.is_control() || "<>\"'`|\\^{}".contains(c));
        let link =
            rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '*', '_']);
        let authority = link.get(scheme.len()..).unwrap_or_default().split(['/', '?', '#']).next();
        if authority.is_some_and(|authority| !authority.is_empty() && !authority.contains('@'))
            && let Some(address) = tidy(link).filter(|address| address.len() <= MAX_LINK)
        {
            found.push((at..at + link.len(), address));
            from = at + link.len();
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{and_more, bytes, chars, duration, last_lines, links, shorten, tidy, utf16};

    #[test]
    fn what_is_too_long_says_how_much_is_missing() {
        assert_eq!(shorten("short", 5, chars), "short");
        let long = "x".repeat(2_000);
        let short = shorten(&long, 100, chars);
        assert_eq!(short, format!("{}… (1,925 more characters)", "x".repeat(75)));
        assert_eq!(shorten("abcdef", 3, chars), "abc");
    }

    #[test]
    fn the_end_of_a_log_is_what_is_kept() {
        let log: String = (1..=100).map(|n| format!("line {n}\n")).collect();
        let tail = last_lines(&log, 60, chars);
        assert!(tail.starts_with("… (95 more lines)\n") && tail.ends_with("line 100"), "{tail}");
        assert_eq!(last_lines("a\nb\n", 10, chars), "a\nb");
        assert_eq!(last_lines(&"y".repeat(50), 10, chars).chars().count(), 9);
    }

    #[test]
    fn numbers_and_times_read_well() {
        assert_eq!(and_more(1_234), "and 1,234 more");
        assert_eq!(
            [7, 60, 185, 3600, 3720].map(duration),
            ["7 s", "1 min", "3 min 5 s", "1 h", "1 h 2 min"].map(str::to_owned)
        );
    }

    #[test]
    fn links_end_where_a_reader_would_end_them() {
        let text =
            "see https://a.example/x?y=1#z, (http://b.example). nothttp://c.example https:// \"https://d.example\"";
        let found: Vec<_> = links(text).into_iter().map(|(range, _)| &text[range]).collect();
        assert_eq!(found, ["https://a.example/x?y=1#z", "http://b.example", "https://d.example"]);
        let led: Vec<_> =
            links("https://ä.example/ö https://- http://[ http://[@b.example https://a.example@b.example")
                .into_iter()
                .map(|(_, to)| to)
                .collect();
        assert_eq!(led, ["https://xn--4ca.example/%C3%B6"]);
        assert_eq!(tidy(&format!("https://{}@a.example/x", "ada:word")).as_deref(), Some("https://a.example/x"));
    }

    proptest! {
        #[test]
        fn nothing_is_ever_over_its_limit(text in "\\PC{0,300}", max in 0_usize..200) {
            prop_assert!(shorten(&text, max, chars).chars().count() <= max);
            prop_assert!(shorten(&text, max, bytes).len() <= max);
            prop_assert!(shorten(&text, max, utf16).encode_utf16().count() <= max);
            prop_assert!(last_lines(&text, max, bytes).len() <= max);
        }

        #[test]
        fn links_are_cut_at_characters(text in "(http://)?\\PC{0,40}(https://\\PC{0,20})?") {
            for (range, _) in links(&text) {
                prop_assert!(text.get(range).is_some());
            }
        }
    }
}
