use std::collections::BTreeSet;
use std::ops::Range;

use memchr::memmem;
use proptest::collection::vec;
use proptest::prelude::*;

use super::form::FORMS;
use super::sequence::{Runs, items, walk, work};
use super::{find, passwords};

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

/// A text of the sequence: of each set its characters in turn, so that it is as mixed as it can be.
fn sample(sequence: &str) -> String {
    let mut turn = 0;
    let mut text = String::new();
    for item in items(sequence) {
        let characters: Vec<char> = (0..128).filter(|byte| item.set >> byte & 1 == 1).map(char::from).collect();
        for _ in 0..item.min {
            text.push(characters[turn * 7 % characters.len()]);
            turn += 1;
        }
    }
    text
}

/// Every token of a text, each place asked about every keyword.
fn each(text: &[u8]) -> Vec<Range<usize>> {
    let keywords = || FORMS.iter().flat_map(|form| form.keywords.split(' ').map(move |keyword| (form, keyword)));
    let known: Vec<_> = keywords().filter(|(_, keyword)| memmem::find(text, keyword.as_bytes()).is_some()).collect();
    let mut each = Vec::new();
    for at in 0..text.len() {
        for (form, keyword) in known.iter().filter(|(_, keyword)| text[at..].starts_with(keyword.as_bytes())) {
            each.extend(form.around(text, &(at..at + keyword.len()), &mut Runs::default()));
        }
    }
    each
}

#[test]
fn a_token_is_found_at_every_place_of_a_text() {
    let mut rules = BTreeSet::new();
    for (form, sequence) in FORMS.iter().flat_map(|form| form.sequences.iter().map(move |sequence| (form, sequence))) {
        let keyword = form.keywords.split(' ').next().unwrap_or_default();
        let token = sample(sequence);
        let with_keyword = token.replacen(&token[..2], keyword, 1);
        // At an even place and at an odd one.
        for text in [&token, &with_keyword].into_iter().flat_map(|token| [token.clone(), format!("-{token}-")]) {
            let found: Vec<_> = find(text.as_bytes()).into_iter().map(|token| token.range).collect();
            assert_eq!(found, each(text.as_bytes()), "{}: {text}", form.rule());
            rules.extend((!found.is_empty()).then_some(form.rule()));
        }
    }
    assert!(rules.len() > 150, "{}", rules.len());
}

#[test]
fn a_longer_word_is_not_a_token() {
    let token = token();
    for text in [format!("x{token}"), format!("{token}x"), token[..30].to_owned(), token.replace("_", "-")] {
        assert!(hidden(&text).is_empty(), "{text}");
    }
    for text in ["dose-response-curves-analysis.test.py", "sk-learn-models-and-more-of-them", "md-".repeat(9).as_str()]
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

proptest! {
    /// What is remembered changes no answer, in whatever order the text is read.
    #[test]
    fn the_last_place_of_a_character_is_the_same_with_and_without_memory(
        text in vec(prop_oneof![Just(b'a'), Just(b'b'), Just(b'T')], 0..60),
        parts in vec((0_usize..60, 0_usize..60), 1..20),
    ) {
        let mut runs = Runs::default();
        for (start, length) in parts {
            let (start, end) = (start.min(text.len()), (start + length).min(text.len()));
            let expected = text[start..end].iter().rposition(|byte| *byte == b'T').map(|at| start + at);
            prop_assert_eq!(runs.last(b'T', &text, start..end), expected);
        }
    }
}

#[test]
fn passwords_in_urls_are_found_and_blanks_are_not() {
    let found = |text: &str| passwords(text.as_bytes()).map(|range| text[range].to_owned()).collect::<Vec<_>>();
    assert_eq!(found("git+https://ci:s3cr3t@host/x and ftp://a:b:c@d"), ["s3cr3t", "b:c"]);
    for text in ["https://host:80/@x", "https://user@host", "https://u:${PW}@h", "://:@", "https://h/a:b@c"] {
        assert!(found(text).is_empty(), "{text}");
    }
}

/// A crafted text must not hold up a run. Counted without a clock: however often a keyword is repeated, and whatever
/// stands between, a byte of the text is looked at a fixed number of times.
#[test]
fn text_made_of_any_keyword_costs_a_fixed_amount_of_work_for_each_byte() {
    const MOST: usize = 24;
    let keywords = FORMS.iter().flat_map(|form| form.keywords.split(' ')).chain(["://a:", "eyJ-", "AQEa"]);
    let mut units: Vec<String> = Vec::new();
    for keyword in keywords.filter(|keyword| !keyword.is_empty()) {
        units.extend(["", "-", "_", ".", "/", "a", "1-", " ", "="].map(|after| format!("{keyword}{after}")));
    }
    assert!(units.len() > 1_000, "{}", units.len());
    let cost = |unit: &str, size: usize| {
        let text = unit.repeat(size / unit.len());
        work::take();
        super::spans(text.as_bytes());
        work::take()
    };
    let mut costs: Vec<(usize, &String)> = units.iter().map(|unit| (cost(unit, 20_000), unit)).collect();
    costs.sort_unstable_by(|a, b| b.cmp(a));
    let (worst, unit) = costs[0];
    assert!(worst > 20_000, "the work is counted");
    assert!(worst < MOST * 20_000, "{:?}", &costs[..10]);
    assert!(cost(unit, 80_000) < 5 * worst, "{unit}: four times the text is four times the work");
}
