//! Tokens of providers, known by their form alone: what stands in the name of a file or a branch is hidden although no
//! variable holds it and no scan found it.
//!
//! `tokens.tsv` lists the forms, made from the rules of pipe-secrets by its test `core_knows_the_forms_of_tokens`. The
//! rules themselves stay there: their regular expressions would add a tenth to the images of pipes that scan nothing.
//! Forms are read more leniently than by a scan, since hiding a word too many costs nothing: a token may follow or
//! precede `_` or `-`, and its checksum may be wrong.

use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

use memchr::memmem;

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
    let (mut found, mut runs) = (Vec::new(), Runs::default());
    let mut pair = 0;
    for (last, byte) in text.iter().enumerate() {
        pair = (pair << 8 | usize::from(*byte)) & 0xFFFF;
        let Some(keywords) = known.beginning_with(pair) else { continue };
        let Some(at) = last.checked_sub(1) else { continue };
        for (form, keyword) in keywords {
            if text[at..].starts_with(keyword.as_bytes())
                && let Some(range) = form.around(text, &(at..at + keyword.len()), &mut runs)
            {
                found.push(Token { rule: form.rule, range });
            }
        }
    }
    found
}

/// The forms of the table, in its order.
pub fn forms() -> &'static [Form] {
    &FORMS
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
    memmem::find_iter(text, b"://").filter_map(|at| {
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

/// Shannon entropy in bits a character, from how often each occurs in the value itself.
pub fn entropy(value: &[u8]) -> f32 {
    let mut counts = [0_u32; 256];
    value.iter().for_each(|&byte| counts[usize::from(byte)] += 1);
    let total = value.len() as f32;
    counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| count as f32 / total)
        .map(|share| -share * share.log2())
        .sum()
}

struct Known {
    /// For each two bytes, one more than the place in `groups` of the keywords that begin with them; zero, as for nearly
    /// all, if none does.
    group: Vec<u16>,
    groups: Vec<Vec<(&'static Form, &'static str)>>,
}

impl Known {
    fn beginning_with(&self, pair: usize) -> Option<&[(&'static Form, &'static str)]> {
        let group = usize::from(*self.group.get(pair)?).checked_sub(1)?;
        self.groups.get(group).map(Vec::as_slice)
    }
}

static FORMS: LazyLock<Vec<Form>> = LazyLock::new(|| include_str!("tokens.tsv").lines().map(Form::read).collect());

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let mut known = Known { group: vec![0; 1 << 16], groups: Vec::new() };
    for form in FORMS.iter() {
        for keyword in form.keywords.split(' ') {
            let [first, second, ..] = keyword.as_bytes() else { continue };
            let pair = usize::from(*first) << 8 | usize::from(*second);
            if known.group[pair] == 0 {
                known.groups.push(Vec::new());
                known.group[pair] = u16::try_from(known.groups.len()).unwrap_or(0);
            }
            let group = usize::from(known.group[pair]) - 1;
            known.groups[group].push((form, keyword));
        }
    }
    known
});

/// One line of the table: rule, bytes before the keyword at most and at least, entropy, check, whether only a part of it
/// is the secret, keywords, sequences.
pub struct Form {
    rule: &'static str,
    before: Range<usize>,
    entropy: f32,
    check: &'static str,
    part: bool,
    keywords: &'static str,
    /// `ghp_[0-9A-Za-z]{36}`: literal characters and sets with their counts.
    sequences: Vec<&'static str>,
    /// The same, read when the form is first met.
    items: OnceLock<Vec<Vec<Item>>>,
}

impl Form {
    fn read(line: &'static str) -> Form {
        let mut columns = line.split('\t');
        let mut next = || columns.next().unwrap_or_default();
        let rule = next();
        let most = next().parse().unwrap_or(0);
        let least = next().parse().unwrap_or(0);
        let (entropy, check, part, keywords) = (next().parse().unwrap_or(0.0), next(), next() == "part", next());
        let sequences = columns.collect();
        Form { rule, before: least..most, entropy, check, part, keywords, sequences, items: OnceLock::new() }
    }

    /// The id of its rule in pipe-secrets.
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// All of a match is the secret, which begins with its keyword.
    pub fn is_whole(&self) -> bool {
        !self.part && self.before.end == 0
    }

    /// The end of the longest text of this form that begins at `start`, whatever stands around it.
    pub fn longest(&self, text: &[u8], start: usize, runs: &mut Runs) -> Option<usize> {
        let read = || self.sequences.iter().map(|sequence| items(sequence)).collect();
        let sequences = self.items.get_or_init(read);
        sequences.iter().filter_map(|sequence| walk(sequence, text, start, runs)).max()
    }

    /// The token whose keyword stands at `hit`.
    fn around(&self, text: &[u8], hit: &Range<usize>, runs: &mut Runs) -> Option<Range<usize>> {
        let starts = hit.start.saturating_sub(self.before.end)..=hit.start.checked_sub(self.before.start)?;
        starts.filter(|&start| begins(text, start)).find_map(|start| {
            let end = self.longest(text, start, runs).filter(|&end| end >= hit.end && is_end(text, end))?;
            self.holds(&text[start..end]).then_some(start..end)
        })
    }

    fn holds(&self, value: &[u8]) -> bool {
        let has = |kind: fn(&u8) -> bool| value.iter().any(kind);
        let checked = match self.check {
            "mixed-case" => has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase),
            "alphanumeric" => has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic),
            _ => true,
        };
        checked && (self.entropy <= 0.0 || entropy(value) >= self.entropy)
    }
}

/// Whether a token may begin here: not inside a run of letters and digits, but for a written-out line end or a
/// percent-encoded byte before it.
fn begins(text: &[u8], at: usize) -> bool {
    if !text.get(at).is_some_and(u8::is_ascii_alphanumeric) {
        return true;
    }
    match &text[..at] {
        [] | [.., b'\\', b'n' | b'r' | b't'] => true,
        [.., b'%', a, b] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => true,
        [.., before] => !before.is_ascii_alphanumeric(),
    }
}

fn is_end(text: &[u8], end: usize) -> bool {
    let is_within = |at: usize| text.get(at).is_some_and(u8::is_ascii_alphanumeric);
    !(end > 0 && is_within(end - 1) && is_within(end))
}

/// A set of ASCII characters, and how many of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Item {
    set: u128,
    min: usize,
    max: usize,
}

/// The sequence, read. `\xNN` stands for one character; the table writes nothing that does not read.
fn items(sequence: &str) -> Vec<Item> {
    let mut rest = sequence.as_bytes();
    let mut items = Vec::new();
    while let [first, ..] = rest {
        let set = if *first == b'[' { set(&mut rest) } else { 1 << character(&mut rest) };
        let (min, max) = counts(&mut rest);
        items.push(Item { set, min, max });
    }
    items
}

fn character(rest: &mut &[u8]) -> u32 {
    let (byte, length) = match rest {
        [b'\\', b'x', high, low, ..] => {
            let digit = |byte: &u8| char::from(*byte).to_digit(16).unwrap_or(0);
            (digit(high) * 16 + digit(low), 4)
        }
        [byte, ..] => (u32::from(*byte), 1),
        [] => (0, 0),
    };
    *rest = &rest[length..];
    byte.min(127)
}

fn set(rest: &mut &[u8]) -> u128 {
    let mut set = 0;
    *rest = &rest[1..];
    while !matches!(rest, [] | [b']', ..]) {
        let first = character(rest);
        let last = if let [b'-', after @ ..] = rest {
            *rest = after;
            character(rest)
        } else {
            first
        };
        (first..=last).for_each(|byte| set |= 1 << byte);
    }
    *rest = rest.get(1..).unwrap_or_default();
    set
}

fn counts(rest: &mut &[u8]) -> (usize, usize) {
    let [b'{', inner @ ..] = rest else { return (1, 1) };
    let end = inner.iter().position(|byte| *byte == b'}').unwrap_or(inner.len());
    let text = str::from_utf8(&inner[..end]).unwrap_or_default();
    *rest = inner.get(end + 1..).unwrap_or_default();
    let (min, max) = text.split_once(',').unwrap_or((text, text));
    (min.parse().unwrap_or(1), max.parse().unwrap_or(1))
}

/// How far the characters of a set go on, remembered: text made of keywords would be read once for each of them.
#[derive(Default)]
pub struct Runs(Vec<(u128, Range<usize>)>);

impl Runs {
    /// How many characters from `at` on are of the set.
    fn length(&mut self, set: u128, text: &[u8], at: usize) -> usize {
        let holds = |byte: &&u8| byte.is_ascii() && set >> **byte & 1 == 1;
        let known = self.0.iter().position(|(other, _)| *other == set);
        if let Some((_, run)) = known.map(|known| &self.0[known])
            && run.contains(&at)
        {
            return run.end - at;
        }
        let length = text[at..].iter().take_while(holds).count();
        match known {
            Some(known) => self.0[known].1 = at..at + length,
            None => self.0.push((set, at..at + length)),
        }
        length
    }
}

/// The end of the longest match that begins at `at`.
fn walk(items: &[Item], text: &[u8], at: usize, runs: &mut Runs) -> Option<usize> {
    let Some((item, rest)) = items.split_first() else { return Some(at) };
    if item.max == 1 && item.min == 1 {
        let byte = text.get(at).filter(|byte| byte.is_ascii() && item.set >> **byte & 1 == 1);
        return byte.and_then(|_| walk(rest, text, at + 1, runs));
    }
    let most = runs.length(item.set, text, at).min(item.max);
    // Where the next character can't be one of these, only all of them will do.
    let least = if next_of(rest) & item.set == 0 { item.min.max(most) } else { item.min };
    match rest.first() {
        Some(next) if next.min > 0 && next.set.is_power_of_two() && least < most => {
            let byte = u8::try_from(next.set.trailing_zeros()).unwrap_or(0);
            let mut until = text.len().min(at + most + 1);
            while let Some(found) = memchr::memrchr(byte, &text[(at + least).min(until)..until]) {
                let next = (at + least).min(until) + found;
                if let Some(end) = walk(rest, text, next, runs) {
                    return Some(end);
                }
                until = next;
            }
            None
        }
        _ => (least..=most).rev().find_map(|count| walk(rest, text, at + count, runs)),
    }
}

/// What the first character of a text of these may be; everything, if there may be none.
fn next_of(items: &[Item]) -> u128 {
    let mut set = 0;
    for item in items {
        set |= item.set;
        if item.min > 0 {
            return set;
        }
    }
    u128::MAX
}

#[cfg(test)]
mod tests {
    use super::{FORMS, Runs, find, items, passwords, walk};

    fn hidden(text: &str) -> Vec<&str> {
        find(text.as_bytes()).into_iter().map(|token| &text[token.range]).collect()
    }

    fn token() -> String {
        ["gh", "p_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"].concat()
    }

    #[test]
    fn a_token_is_known_in_any_name() {
        let token = token();
        for name in ["{}", "f-{}.txt", "a/{}/b", "feature_{}_x", "feature/{}-2", "x%2F{}", "'{}'"] {
            assert_eq!(hidden(&name.replace("{}", &token)), [token.as_str()], "{name}");
        }
    }

    #[test]
    fn a_longer_word_is_not_a_token() {
        let token = token();
        for text in [format!("x{token}"), format!("{token}x"), token[..30].to_owned(), token.replace("_", "-")] {
            assert!(hidden(&text).is_empty(), "{text}");
        }
        for text in
            ["dose-response-curves-analysis.test.py", "sk-learn-models-and-more-of-them", "md-".repeat(9).as_str()]
        {
            assert!(hidden(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn every_line_of_the_table_reads() {
        assert!(FORMS.len() > 150, "{}", FORMS.len());
        for form in FORMS.iter() {
            assert!(!form.rule.is_empty() && !form.sequences.is_empty(), "{}", form.rule);
            assert!(matches!(form.check, "" | "mixed-case" | "alphanumeric"), "{}: {}", form.rule, form.check);
            assert!(form.keywords.split(' ').all(|word| word.len() >= 2), "{}", form.rule);
            for item in form.sequences.iter().flat_map(|sequence| items(sequence)) {
                assert!(item.set != 0 && item.min <= item.max && item.max > 0, "{}: {item:?}", form.rule);
            }
        }
    }

    #[test]
    fn counts_and_sets_are_matched_greedily_and_give_back() {
        let end = |sequence: &str, text: &str| walk(&items(sequence), text.as_bytes(), 0, &mut Runs::default());
        assert_eq!(end("a[b-d]{2,4}c", "abcdc"), Some(5));
        assert_eq!(end("a[b-d]{2,4}c", "abbc"), Some(4));
        assert_eq!(end("a[b-d]{2,4}e", "abbbbbe"), None);
        assert_eq!(end("\\x5b[x\\x2d]{1}", "[-"), Some(2));
        assert_eq!(end("[=]{0,2}", "é"), Some(0));
    }

    #[test]
    fn passwords_in_urls_are_found_and_blanks_are_not() {
        let found = |text: &str| passwords(text.as_bytes()).map(|range| text[range].to_owned()).collect::<Vec<_>>();
        assert_eq!(found("git+https://ci:s3cr3t@host/x and ftp://a:b:c@d"), ["s3cr3t", "b:c"]);
        for text in ["https://host:80/@x", "https://user@host", "https://u:${PW}@h", "://:@", "https://h/a:b@c"] {
            assert!(found(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn text_made_of_keywords_takes_no_longer_than_other_text() {
        let started = std::time::Instant::now();
        for unit in ["eyJ-", "sk-", "AQEa", "xoxb-1-", "re_", "-us1", "Q~", "://a:"] {
            super::spans(unit.repeat(400_000 / unit.len()).as_bytes());
        }
        // Half a second on a quiet machine, without optimisation.
        assert!(started.elapsed().as_secs() < 10, "{:?}", started.elapsed());
    }
}
