//! What holds for every rule, and for the engine as a whole.

use proptest::prelude::*;
use secrecy::ExposeSecret;

use super::rule::Mode;
use super::samples::Samples;
use super::{Engine, Match, inline_allows};

fn scan(engine: &Engine, text: &str) -> Vec<Match> {
    engine.scan("config/settings.env", text.as_bytes())
}

fn ids<'e>(engine: &'e Engine, found: &[Match]) -> Vec<&'e str> {
    found.iter().map(|one| engine.rules()[one.rule].id.as_str()).collect()
}

/// A sample of the rule named, from the first seed at or after ten times `number` that gives one the rule finds.
fn sample(engine: &Engine, id: &str, number: u8) -> String {
    let rule = engine.rules().iter().find(|rule| rule.id == id).unwrap();
    let lines = (number * 10..number * 10 + 10).map(|seed| Samples::new(seed).of(rule));
    lines.into_iter().find(|line| ids(engine, &scan(engine, line)) == [id]).unwrap()
}

#[test]
fn every_rule_is_whole_and_stands_once() {
    let engine = Engine::new();
    let mut ids: Vec<&str> = engine.rules().iter().map(|rule| rule.id.as_str()).collect();
    assert!(ids.len() >= 120, "{} rules", ids.len());
    ids.sort_unstable();
    let repeated: Vec<_> = ids.windows(2).filter(|pair| pair[0] == pair[1]).collect();
    assert!(repeated.is_empty(), "{repeated:?}");
    for rule in engine.rules() {
        rule.regex();
        assert!(rule.doc.starts_with("https://"), "{}", rule.id);
        assert!(!rule.title.is_empty() && !rule.title.ends_with('.'), "{}", rule.id);
        assert!(!rule.keywords.is_empty() && rule.keywords.iter().all(|word| word.len() >= 2), "{}", rule.id);
        assert!((rule.before > 0) == (rule.mode == Mode::Inside), "{}", rule.id);
    }
}

#[test]
fn every_rule_finds_its_samples_and_each_holds_a_keyword() {
    let engine = Engine::new();
    let mut failed = Vec::new();
    for (index, rule) in engine.rules().iter().enumerate() {
        let mut hits = 0;
        for seed in 0..20 {
            let line = Samples::new(seed).of(rule);
            let fold = |text: &str| {
                if rule.ignore_case || rule.mode == Mode::Assigned {
                    text.to_ascii_lowercase()
                } else {
                    text.to_owned()
                }
            };
            let folded = fold(&line).replace('_', "-");
            let held = rule.keywords.iter().any(|word| folded.contains(&fold(word).replace('_', "-")));
            if !held {
                failed.push(format!("{}: no keyword in a sample", rule.id));
            }
            let found = scan(&engine, &format!("first\n{line}\nlast\n"));
            hits += usize::from(found.len() == 1 && found[0].rule == index && found[0].start_line == 2);
        }
        // A random sample may miss the entropy, or a digit, that the format of a real one always has.
        if hits < 12 {
            failed.push(format!("{} {hits}/20", rule.id));
        }
    }
    assert!(failed.is_empty(), "{failed:#?}");
}

#[test]
fn every_rule_refuses_what_is_not_its_format() {
    let engine = Engine::new();
    for rule in engine.rules() {
        for seed in 0..4 {
            let line = Samples::new(seed).of(rule);
            let found = scan(&engine, &line);
            for one in found.iter().filter(|one| engine.rules()[one.rule].id == rule.id) {
                let value = one.value.expose_secret();
                let typed = "x".repeat(value.len() - value.len() / 4);
                let covered = line.replace(value, &format!("{}{typed}", &value[..value.len() / 4]));
                let cut = line.replace(value, &value[..(value.len() / 4).min(12)]);
                for changed in [covered, cut] {
                    let again = scan(&engine, &changed);
                    assert!(!ids(&engine, &again).contains(&rule.id.as_str()), "{}: {changed}", rule.id);
                }
            }
        }
    }
}

#[test]
fn a_token_inside_a_longer_word_is_none() {
    let engine = Engine::new();
    let whole = |rule: &&super::rule::Rule| {
        rule.mode == Mode::Token
            && !rule.pattern.contains(['(', '|'])
            && rule.keywords[0].as_bytes()[0].is_ascii_alphanumeric()
    };
    let mut tried = 0;
    for rule in engine.rules().iter().filter(whole) {
        let token = Samples::new(3).of(rule);
        let wrapped = scan(&engine, &format!("q{token}"));
        assert!(!ids(&engine, &wrapped).contains(&rule.id.as_str()), "{}", rule.id);
        tried += 1;
    }
    assert!(tried > 40, "{tried}");
}

#[test]
fn a_wrong_checksum_is_no_finding() {
    let engine = Engine::new();
    for id in [
        "github-pat",
        "github-oauth-token",
        "github-app-token",
        "npm-access-token",
        "age-secret-key",
        "grafana-service-account-token",
    ] {
        let good = sample(&engine, id, 7);
        assert_eq!(ids(&engine, &scan(&engine, &good)), [id]);
        let at = good.len() - 12;
        let other = if good.as_bytes()[at].is_ascii_digit() { "4" } else { "L" };
        let other = if &good[at..=at] == other { "2" } else { other };
        let bad = format!("{}{other}{}", &good[..at], &good[at + 1..]);
        assert!(!ids(&engine, &scan(&engine, &bad)).contains(&id), "{id}");
    }
}

/// The revoked token that GitHub's users quote when they explain the checksum, in two parts.
#[test]
fn the_checksum_is_the_one_that_github_computes() {
    let engine = Engine::new();
    let quoted = ["ghp_zQWBuTSOoRi4A9spHc", "VY5ncnsDkxkJ0mLq17"].concat();
    assert_eq!(ids(&engine, &scan(&engine, &quoted)), ["github-pat"]);
}

#[test]
fn a_value_never_leaves_but_for_the_redactor() {
    let engine = Engine::new();
    for rule in engine.rules() {
        let line = Samples::new(1).of(rule);
        for one in scan(&engine, &line) {
            let value = one.value.expose_secret();
            let told = format!("{one:?} {} {} {:?}", one.shown, one.fingerprint, one.allow_key);
            assert!(!told.contains(value), "{}", rule.id);
            let prefix = one.shown.trim_end_matches('…');
            assert!(prefix.len() <= 32 && value.len() >= prefix.len() + 6 && value.starts_with(prefix), "{}", rule.id);
        }
    }
}

#[test]
fn the_public_prefix_is_shown() {
    let engine = Engine::new();
    for (id, shown) in [
        ("github-pat", "ghp_…"),
        ("aws-access-key-id", "A"),
        ("postgres-url", ""),
        ("datadog-api-key", ""),
        ("jwt", "eyJ…"),
    ] {
        let found = scan(&engine, &sample(&engine, id, 2));
        assert!(
            found[0].shown.starts_with(shown) && found[0].shown.is_empty() == shown.is_empty(),
            "{id}: {}",
            found[0].shown
        );
    }
}

#[test]
fn places_are_lines_and_code_points() {
    let engine = Engine::new();
    let token = sample(&engine, "github-pat", 1);
    let found = scan(&engine, &format!("é\nßß = {token} # é\n"));
    let [one] = &found[..] else { panic!("{found:?}") };
    assert_eq!((one.start_line, one.start_column, one.end_line, one.end_column), (2, 6, 2, 46));
    let key = sample(&engine, "private-key", 1);
    let found = scan(&engine, &format!("\n{key}\n"));
    assert_eq!((found[0].start_line, found[0].end_line), (2, 8));
}

#[test]
fn utf_16_is_scanned() {
    let engine = Engine::new();
    let token = sample(&engine, "npm-access-token", 1);
    let bytes: Vec<u8> = format!("\u{FEFF}é\nx {token}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    let found = engine.scan("a.txt", &bytes);
    assert_eq!(ids(&engine, &found), ["npm-access-token"]);
    assert_eq!((found[0].start_line, found[0].start_column), (2, 3));
}

#[test]
fn one_value_is_reported_once_and_by_its_provider() {
    let engine = Engine::new();
    for id in ["github-pat", "stripe-secret-key", "azure-devops-pat", "datadog-api-key", "slack-bot-token"] {
        let line = sample(&engine, id, 5);
        let line = if line.contains(" = ") { line } else { format!("API_TOKEN=\"{line}\"") };
        assert_eq!(ids(&engine, &scan(&engine, &line)), [id]);
    }
}

#[test]
fn an_inline_allow_marks_its_own_line_only() {
    let engine = Engine::new();
    let (one, two) = (sample(&engine, "github-pat", 1), sample(&engine, "github-pat", 2));
    let head = format!("a = {one} # gitleaks:allow\nb = {two}\n");
    let found = scan(&engine, &head);
    assert_eq!(found.iter().map(|one| one.allowed).collect::<Vec<_>>(), [true, false]);
    let key = found[0].allow_key.as_deref().unwrap();
    assert!(inline_allows(format!("moved\n\n{head}").as_bytes()).contains(key));
    assert!(!inline_allows(format!("a = {two} # gitleaks:allow").as_bytes()).contains(key));
    assert_eq!(found[1].allow_key, None);
}

#[test]
fn a_fingerprint_survives_moved_lines_and_tells_fresh_secrets() {
    let engine = Engine::new();
    let print = |path: &str, text: &str| {
        engine.scan(path, text.as_bytes()).into_iter().map(|one| one.fingerprint).collect::<Vec<_>>()
    };
    let (old, new) = (sample(&engine, "github-pat", 1), sample(&engine, "github-pat", 2));
    let base = print("a", &old);
    assert_eq!(base[0].len(), 32);
    assert_eq!(print("a", &format!("\n\n  moved {old}")), base);
    assert_ne!(print("a", &new), base);
    assert_ne!(print("b", &old), base);
    let twice = print("a", &format!("{old}\n{old}"));
    assert_eq!((twice[0] == base[0], twice[1] == base[0]), (true, false), "equal ones are numbered");
}

#[test]
fn a_generic_fingerprint_is_over_the_line_without_the_value() {
    let engine = Engine::new();
    let value = |seed: u8| Samples::new(seed).draw("([a-z][0-9][A-Z]){9}");
    let print = |text: String| scan(&engine, &text)[0].fingerprint.clone();
    let base = print(format!("db_password = \"{}\"  # a", value(1)));
    assert_eq!(print(format!("\n  db_password   =  \"{}\" # a", value(2))), base);
    assert_ne!(print(format!("db2_password = \"{}\"  # a", value(1))), base);
}

#[test]
fn what_only_looks_like_a_secret_is_none() {
    let engine = Engine::new();
    let mut draw = Samples::new(9);
    let (hex40, hex64, base64) =
        (draw.draw("[a-f0-9]{40}"), draw.draw("[a-f0-9]{64}"), draw.draw("[A-Za-z0-9+/]{86}=="));
    let lines = [
        format!("commit {hex40}"),
        format!("\"integrity\": \"sha512-{base64}\""),
        format!("checksum = \"{hex64}\""),
        format!("app.{}.js", &hex40[..20]),
        format!("src=\"data:image/png;base64,{base64}\""),
        "id: 3f2b8c1e-9d47-4c55-8e0a-6b1d2f7a9c34".to_owned(),
        "password = os.environ[\"DB_PASSWORD_V2\"]".to_owned(),
        "password: ${{ secrets.DB_PASSWORD_2024 }}".to_owned(),
        "token = \"{{ .Values.token1.A9b8 }}\"".to_owned(),
        "secretName: argocd-repo-server-tls-v1a2b3".to_owned(),
        "postgres://user:password@localhost/db".to_owned(),
        "https://user:${TOKEN}@example.com/".to_owned(),
        ["AKIA", "IOSFODNN7", "EXAMPLE"].concat(),
        format!("password_hash: '{hex64}'"),
        "const token = nextToken9(a1, b2)".to_owned(),
    ];
    for line in lines {
        let found = scan(&engine, &line);
        assert!(found.is_empty(), "{line}: {:?}", ids(&engine, &found));
    }
}

/// A crafted file must not hold up a run: each keyword, over and over, in the surroundings that make a rule look furthest.
#[test]
fn text_made_of_any_keyword_takes_no_longer_than_other_text() {
    let engine = Engine::new();
    let size = 16 * 1024;
    let mut units: Vec<String> = Vec::new();
    for keyword in engine.rules().iter().flat_map(|rule| &rule.keywords) {
        for end in ["", "-", " ", "=", "\"", "=\"", "/", ".", ": ", ">", "\n", ";"] {
            units.push(format!("{keyword}{end}"));
        }
    }
    let key = sample(&engine, "aws-access-key-id", 1);
    let begin = ["-----BEGIN PRIVATE", "KEY-----"].join(" ");
    units.extend([
        format!("{begin}\nMIIE\n"),
        "LS0tLS1CRUdJTi/".to_owned(),
        format!("{key} "),
        format!("{key} gitleaks:allow "),
        format!("{begin} gitleaks:allow\n"),
    ]);
    units.sort_unstable();
    units.dedup();
    let usual = "the quick brown fox keeps its password in a secret place; see http://example.com/a?token=1\n";
    let time = |unit: &str| {
        let text = unit.repeat(size / unit.len());
        let started = std::time::Instant::now();
        scan(&engine, &text);
        started.elapsed()
    };
    let base = time(usual).max(time(usual));
    let mut slow: Vec<(std::time::Duration, &String)> = units.iter().map(|unit| (time(unit), unit)).collect();
    slow.sort_unstable_by(|a, b| b.cmp(a));
    // Other programs run beside the test: one that is slow is asked again.
    let slow: Vec<_> = slow.iter().take(12).map(|(_, unit)| (time(unit).min(time(unit)), unit)).collect();
    println!("usual {base:?}, slowest {slow:?}");
    assert!(slow.iter().all(|(took, _)| *took < base * 60), "usual {base:?}: {slow:?}");
}

#[test]
fn windows_find_what_a_whole_file_holds() {
    let engine = Engine::new();
    let mut text = String::new();
    for (number, rule) in engine.rules().iter().enumerate().filter(|(_, rule)| !rule.generic) {
        text.push_str(&"words without a secret, é ß\n".repeat(number % 7));
        text.push_str(&format!(
            "{}# {}\n",
            Samples::new(1).of(rule),
            if number % 5 == 0 { "gitleaks:allow" } else { "" }
        ));
    }
    let told = |found: &[Match]| -> Vec<String> {
        found.iter().map(|one| format!("{one:?} {:?}", one.value.expose_secret())).collect()
    };
    let utf16: Vec<u8> = format!("\u{FEFF}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
    for bytes in [text.clone().into_bytes(), utf16, text.replace("words", "wor\0ds").into_bytes()] {
        let whole = engine.scan_bytes("a.env", &bytes);
        assert!(whole.matches.len() > 100 && whole.is_text);
        for size in [1_000, 7_777, 20_000] {
            let windows = engine.scan_windows("a.env", &mut bytes.as_slice(), &|| true, size).unwrap();
            assert_eq!(told(&windows.matches), told(&whole.matches), "windows of {size}");
            assert_eq!((windows.is_text, windows.bytes), (true, bytes.len() as u64));
        }
    }
    let binary = engine.scan_windows("a", &mut [3; 50_000].as_slice(), &|| true, 1_000).unwrap();
    assert!(binary.is_text, "no NUL: judged as text");
    let nuls = engine.scan_windows("a", &mut [0, 3].repeat(50_000).as_slice(), &|| true, 1_000).unwrap();
    assert!(!nuls.is_text && nuls.matches.is_empty());
}

#[test]
fn a_nul_or_an_encoding_hides_no_text() {
    let engine = Engine::new();
    let token = sample(&engine, "github-pat", 1);
    let line = format!("T={token}\n");
    let wide = |unit: fn(u16) -> [u8; 2]| line.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
    for (name, content) in [
        ("a NUL before", [b"A=1\0\n".as_slice(), line.as_bytes()].concat()),
        ("NULs after", [line.as_bytes(), &[0; 9000]].concat()),
        ("NULs between", format!("A=1\0{line}").replace('\n', "\0").into_bytes()),
        ("UTF-16LE without a mark", wide(u16::to_le_bytes)),
        ("UTF-16BE without a mark", wide(u16::to_be_bytes)),
        ("UTF-16 appended to ASCII", [b"A=1\n".as_slice(), &wide(u16::to_le_bytes)].concat()),
        ("a program with a text in it", [[0, 1, 2, 3].repeat(4096), line.repeat(900).into_bytes()].concat()),
    ] {
        let scanned = engine.scan_bytes("a.env", &content);
        assert!(scanned.is_text && ids(&engine, &scanned.matches).contains(&"github-pat"), "{name}");
    }
}

#[test]
fn an_allow_of_a_key_does_not_cover_another_key_under_the_same_header() {
    let engine = Engine::new();
    let allowed = |seed| sample(&engine, "private-key", seed).replacen("KEY-----", "KEY----- gitleaks:allow", 1);
    let (old, new) = (allowed(1), allowed(2));
    let base = inline_allows(old.as_bytes());
    let key = |text: &str| scan(&engine, text).first().and_then(|one| one.allow_key.clone()).unwrap();
    assert!(base.contains(&key(&old)));
    assert!(!base.contains(&key(&new)));
}

#[test]
fn a_token_in_a_name_is_found_wherever_it_stands() {
    let engine = Engine::new();
    for id in ["github-pat", "aws-access-key-id", "jwt", "slack-bot-token", "gitlab-pat", "telegram-bot-token"] {
        let token = sample(&engine, id, 3);
        for name in [format!("{token}.txt"), format!("keys/f-{token}"), format!("old_{token}_copy/a.env")] {
            let found = engine.scan_name(&name);
            assert_eq!(ids(&engine, &found), [id], "{name}");
            // A format without a length takes in what follows.
            assert!(found[0].value.expose_secret().starts_with(&token) && found[0].start_line == 1, "{name}");
            assert_ne!(
                found[0].fingerprint,
                engine.scan(&name, token.as_bytes())[0].fingerprint,
                "its content is another"
            );
        }
    }
    let wrong = format!("ghp_{}.txt", "a1B2".repeat(9));
    for name in ["src/secrets/token_test.rs", "password=hunter2hunter2.txt", wrong.as_str()] {
        assert!(engine.scan_name(name).is_empty(), "{name}");
    }
}

#[test]
fn a_bare_word_is_a_literal_in_data_and_a_variable_in_code() {
    let engine = Engine::new();
    let line = format!("api_secret = {}", Samples::new(4).draw("([a-z][0-9][A-Z]){9}"));
    assert_eq!(engine.scan("app.properties", line.as_bytes()).len(), 1);
    assert_eq!(engine.scan("app.go", line.as_bytes()).len(), 0);
    assert_eq!(engine.scan("web/yarn.lock", line.as_bytes()).len(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_are_scanned_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        thread_local!(static ENGINE: Engine = Engine::new());
        ENGINE.with(|engine| engine.scan("x.env", &bytes));
        inline_allows(&bytes);
    }

    #[test]
    fn keywords_in_any_surroundings_are_scanned_without_a_panic(picks in proptest::collection::vec((any::<prop::sample::Index>(), "[\\PC\n]{0,12}", any::<u8>()), 1..12)) {
        thread_local!(static ENGINE: Engine = Engine::new());
        ENGINE.with(|engine| {
            let words: Vec<&String> = engine.rules().iter().flat_map(|rule| &rule.keywords).collect();
            let text: String = picks.iter().map(|(pick, noise, _)| format!("{}{noise}", pick.get(&words))).collect();
            let mut bytes = text.into_bytes();
            bytes.extend(picks.iter().map(|(_, _, byte)| *byte));
            engine.scan("x.env", &bytes);
        });
    }
}
