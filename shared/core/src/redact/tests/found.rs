//! Values found in files, and tokens known by their form.

use std::time::{Duration, Instant};

use proptest::prelude::*;
use secrecy::SecretString;

use super::*;

fn finding<'a>(values: impl IntoIterator<Item = &'a str>) -> Redactor {
    let redactor = Redactor::new();
    values.into_iter().for_each(|value| redactor.add_found(&SecretString::from(value)));
    redactor
}

/// A GitHub token, in two parts.
fn token() -> String {
    ["gh", "p_", "zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ0mLq17"].concat()
}

#[test]
fn a_value_found_in_a_file_is_hidden_in_every_form() {
    for value in ["kT9vw2LqkT9vw2Lq", "a b\"c\\d/e&f", "pässwörd+/=", &"Zq3".repeat(60)] {
        let redactor = finding([value]);
        let json = serde_json::to_string(value).unwrap();
        let percent = percent_encoding::utf8_percent_encode(value, percent_encoding::NON_ALPHANUMERIC).to_string();
        let base64 = ["", "x", "xy"].map(|before| STANDARD.encode(format!("{before}{value}")));
        for form in [value, json.trim_matches('"'), &percent, &URL_SAFE.encode(value)].into_iter().map(str::to_owned) {
            assert_eq!(redactor.text(&format!("x {form} y")), "x *** y", "{value}");
        }
        for form in base64 {
            let hidden = redactor.text(&form).into_owned();
            assert!(hidden.len() <= "eHh***".len(), "{value}: {hidden}");
        }
    }
    assert_eq!(finding(["short"]).text("a short, shorter one"), "a ***, shorter one");
}

#[test]
fn found_values_and_registered_ones_hide_each_other_whole() {
    let redactor = finding(["kT9vw2LqkT9vw2Lq"]);
    redactor.add("w2LqkT9vw2LqANDMORE");
    redactor.add("2Lqk");
    assert_eq!(redactor.text("<kT9vw2LqkT9vw2LqANDMORE>"), "<***>");
    let mut json = serde_json::json!({ "kT9vw2LqkT9vw2Lq": ["a", "kT9vw2LqkT9vw2Lq"] });
    redactor.json(&mut json);
    assert_eq!(json, serde_json::json!({ "***": ["a", "***"] }));
}

#[test]
fn a_long_value_is_hidden_to_its_end() {
    let lines = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nQ1xhZ3ZlbnZ1dGh2Z2JxcGxraGdm";
    let key = ["-----BEGIN PRIVATE", " KEY-----\n", lines, "\n-----END PRIVATE", " KEY-----"].concat();
    let redactor = finding([key.as_str()]);
    assert!(!redactor.text(&key).contains("MIIE"));
    assert_eq!(redactor.text("at QQ1xhZ3ZlbnZ1dGh2Z2JxcGxraGdm."), "at Q***.");
    let long = "Zq3".repeat(400);
    assert_eq!(finding([long.as_str()]).text(&format!("a {long} b {} c", &long[..100])), "a *** b *** c");
}

#[test]
fn tens_of_thousands_of_values_cost_no_more_than_one() {
    let value = |number: usize| format!("value-{number:06}-{}", STANDARD_NO_PAD.encode(format!("{number:x}-secret")));
    let values: Vec<String> = (0..40_000).map(value).collect();
    let started = Instant::now();
    let redactor = finding(values.iter().map(String::as_str));
    let text = values.join(" and ");
    let hidden = redactor.text(&text);
    assert_eq!(hidden.matches("***").count(), values.len());
    assert!(!hidden.contains("value"), "all are hidden");
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[test]
fn a_token_is_hidden_although_nothing_has_found_it() {
    let redactor = Redactor::new();
    let token = token();
    assert_eq!(redactor.text(&format!("feature/{token}-x")), "feature/***-x");
    assert_eq!(redactor.text("git+https://ci:s3cr3t@host/x"), "git+https://ci:***@host/x");
    redactor.add_tokens(&format!("feature/{token}"));
    assert_eq!(redactor.text(&STANDARD.encode(&token)), "***");
}

proptest! {
    #[test]
    fn no_found_value_is_left_in_any_text(
        values in proptest::collection::vec("[a-c%+/ é]{6,12}", 1..20),
        pieces in proptest::collection::vec((any::<prop::sample::Index>(), "[a-c ]{0,4}"), 1..12),
    ) {
        let redactor = finding(values.iter().map(String::as_str));
        let text: String = pieces.iter().map(|(pick, noise)| format!("{}{noise}", pick.get(&values))).collect();
        let hidden = redactor.text(&text);
        for value in values.iter().map(|value| value.trim()).filter(|value| value.len() >= SHORT) {
            prop_assert!(!hidden.contains(value), "{hidden:?} holds {value:?}");
        }
    }
}
