//! Values of all sizes in texts that arrive in pieces.

use proptest::prelude::*;

use super::super::writer::RedactingWriter;
use super::*;

#[test]
fn overlapping_secrets_leave_nothing_visible() {
    let redactor = knowing(&["abcdef", "abcdefghijkl", "jklmnopq", "abcdef"]);
    assert_eq!(redactor.text("1 abcdefghijklmnopq 2"), "1 *** 2");
    assert_eq!(redactor.text("abcdefabcdef abcdefghijk"), "*** ***ghijk");
}

#[test]
fn a_long_secret_that_was_cut_off() {
    let secret: String = (0..400).map(|i| char::from(b'a' + (i * i % 23) as u8)).collect();
    let redactor = knowing(&[&secret]);
    assert_eq!(redactor.text(&format!("body: {}...", &secret[..300])), "body: ***...");
    // Under 128 bytes of it are not taken for it.
    assert_eq!(redactor.text(&secret[..100]), &secret[..100]);
    // The difference is inside a character: no half of one may remain.
    let (ours, other) = (format!("{}é", "x-y".repeat(50)), format!("{}è!", "x-y".repeat(50)));
    assert_eq!(knowing(&[&ours]).text(&other), "***!");
    for cut in 0..other.len() {
        let (left, right) = other.as_bytes().split_at(cut);
        assert_eq!(written(&knowing(&[&ours]), [left, right]), b"***!");
    }
}

#[test]
fn a_value_of_a_mebibyte_is_bounded() {
    // Random, of one repeated byte, and of a great many lines.
    let mut seed = 1_u64;
    let random: String = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        char::from(b'0' + (seed >> 33) as u8 % 75)
    })
    .take(1 << 20)
    .collect();
    let same = "a".repeat(1 << 18);
    let lines: String =
        random.as_bytes()[..1 << 17].chunks(15).map(|line| String::from_utf8_lossy(line) + "\n").collect();
    for value in [&random, &same, &lines] {
        let redactor = knowing(&[value]);
        assert_eq!(redactor.text(&format!("<{}>", value.trim())), "<***>");
        assert_eq!(written(&redactor, format!("<{}>", value.trim()).as_bytes().chunks(4093)), b"<***>");
    }
    // Everything but the last byte, again and again: no work may be done twice.
    let redactor = knowing(&[&(same.clone() + "b")]);
    assert_eq!(redactor.text(&same.repeat(4)), "***");
    assert_eq!(knowing(&[&lines]).text(&format!("x {} y", &lines[160..175])), "x *** y");
}

#[test]
fn a_writer_holds_back_only_what_could_be_secret() {
    let redactor = knowing(&["secret-one\nsecret-two", "zebra-zebra"]);
    let mut writer = RedactingWriter::new(redactor.clone(), Vec::new());
    let mut step = |piece: &str, want: &str| {
        writer.write_all(piece.as_bytes()).expect("write");
        writer.flush().expect("flush");
        assert_eq!(String::from_utf8_lossy(writer.inner().expect("open")), want, "after {piece:?}");
    };
    step("hello sec\n", "hello sec\n");
    step("hello sec", "hello sec\nhello ");
    step("ond\n", "hello sec\nhello second\n");
    step("zebra-zebr", "hello sec\nhello second\n");
    step("a", "hello sec\nhello second\n***");
    step(" secret-one", "hello sec\nhello second\n*** ");
    step("\nsecret-two!", "hello sec\nhello second\n*** ***!");
}

#[test]
fn a_value_counts_from_the_moment_it_is_added() {
    let redactor = Redactor::new();
    let mut writer = RedactingWriter::new(redactor.clone(), Vec::new());
    writer.write_all(b"late-secret ").expect("write");
    redactor.add("late-secret");
    writer.write_all(b"late-secret late-").expect("write");
    redactor.add("other-secret");
    writer.write_all(b"secret other-secret").expect("write");
    assert_eq!(writer.finish().expect("finish"), b"late-secret *** *** ***");
    // A line of one value may be a value of its own, then in all its forms.
    let many: String = (0..400).map(|i| format!("line-number-{i}\n")).collect();
    let redactor = knowing(&[&many]);
    assert_eq!(redactor.text("line%2Dnumber%2D399"), "line%2Dnumber%2D399");
    redactor.add("line-number-399");
    assert_eq!(redactor.text("%6C%69%6E%65%2D%6E%75%6D%62%65%72%2D%33%39%39"), "***");
}

#[test]
fn threads_share_what_is_known() {
    let redactor = Redactor::new();
    redactor.add("first-secret");
    std::thread::scope(|scope| {
        for i in 0..4 {
            let redactor = redactor.clone();
            scope.spawn(move || {
                let mut writer = RedactingWriter::new(redactor.clone(), Vec::new());
                for j in 0..50 {
                    let secret = format!("secret-of-{i}-{j:02}");
                    redactor.add(&secret);
                    write!(writer, "first-secret {secret};").expect("write");
                }
                let out = writer.finish().expect("finish");
                assert_eq!(String::from_utf8_lossy(&out), "*** ***;".repeat(50));
            });
        }
    });
    assert_eq!(redactor.text("secret-of-3-49"), "***");
}

#[test]
fn a_dropped_writer_loses_nothing() {
    let mut out = Vec::new();
    let mut writer = RedactingWriter::new(knowing(&["secret-value"]), &mut out);
    writer.write_all(b"a secret-val").expect("write");
    drop(writer);
    assert_eq!(out, b"a secret-val");
}

/// Secrets of all lengths, with the characters that encoders treat specially.
fn secret() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-z]{1,5}",
        "[!-)+-~]{6,40}",
        "[a-c]{6,12}",
        "[ab\\n\"/\\\\é😀]{6,20}",
        "[a-z0-9+/=\\n]{100,300}",
        "https://[a-z]{3}:[!-~]{3,9}@h/",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever stands around the secrets and however it is cut, a writer gives what `text` gives, and no form of a
    /// secret is left.
    #[test]
    fn cutting_makes_no_difference_and_no_form_is_left(
        secrets in prop::collection::vec(secret(), 1..5),
        around in prop::collection::vec("[ -)+-~\\né]{0,12}|[a-c]{0,9}", 0..12),
        choices in prop::collection::vec(any::<prop::sample::Index>(), 12),
        cuts in prop::collection::vec(1_usize..40, 1..60),
    ) {
        let redactor = Redactor::new();
        secrets.iter().for_each(|secret| redactor.add(secret));
        let forms: Vec<Form> =
            secrets.iter().filter(|s| !s.trim().is_empty()).flat_map(|s| forms::of(&s.trim().into(), true)).collect();
        let mut text = String::new();
        for (text_around, choice) in around.iter().zip(&choices) {
            text += text_around;
            if let Some(form) = (!forms.is_empty()).then(|| choice.get(&forms)) {
                text += &String::from_utf8_lossy(form.whole());
            }
        }
        let whole = redactor.text(&text).into_owned();

        let mut cuts = cuts.iter().cycle();
        let mut rest = text.as_bytes();
        let pieces = std::iter::from_fn(|| {
            let (piece, tail) = rest.split_at(rest.len().min(*cuts.next()?));
            rest = tail;
            (!piece.is_empty()).then_some(piece)
        });
        let pieces: Vec<&[u8]> = pieces.collect();
        let out = written(&redactor, pieces);
        prop_assert_eq!(String::from_utf8_lossy(&out), whole.as_str());

        for secret in secrets.iter().map(|secret| secret.trim()).filter(|secret| secret.len() >= SHORT) {
            for form in forms::of(&secret.into(), true) {
                let form = String::from_utf8_lossy(form.whole()).into_owned();
                prop_assert!(!whole.contains(&form), "{form:?} is left in {whole:?}");
            }
        }
    }

    /// The same against encoders that are not ours.
    #[test]
    fn encoders_of_others_are_understood(secret in "[ -~é\\n]{6,60}", before in "[ -~]{0,9}", after in "[ -~]{0,9}") {
        let secret = secret.trim();
        prop_assume!(secret.len() >= SHORT);
        let redactor = knowing(&[secret]);
        let plain = format!("{before}{secret}{after}");
        prop_assert!(!redactor.text(&plain).contains(secret));
        let json = serde_json::to_string(&plain).expect("a string");
        let escaped = serde_json::to_string(secret).expect("a string");
        prop_assert!(!redactor.text(&json).contains(escaped.trim_matches('"')));
        let mut url = reqwest::Url::parse("https://h/").expect("a URL");
        url.query_pairs_mut().append_pair("x", secret);
        prop_assert_eq!(redactor.text(url.as_str()), "https://h/?x=***");
        for engine in [&STANDARD, &URL_SAFE_NO_PAD] {
            prop_assert!(redactor.text(&engine.encode(&plain)).contains(MASK));
        }
        let mut value = Value::String(plain);
        redactor.json(&mut value);
        prop_assert!(!value.to_string().contains(secret));
    }

    #[test]
    fn no_value_and_no_text_panics(value in any::<String>(), text in any::<Vec<u8>>(), yaml in "(token|auth|password|private_key): ?[\"'|>{\\\\a-z\\n -]{0,30}") {
        let redactor = knowing(&[&value, &yaml]);
        redactor.bytes(&text);
        redactor.text(&yaml);
    }
}
