use std::collections::BTreeSet;
use std::ops::Range;

use memchr::memmem;

use super::form::FORMS;
use super::sequence::{Runs, items, walk};
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
