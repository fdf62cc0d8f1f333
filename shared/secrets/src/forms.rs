//! The forms of tokens for pipe-core, which hides them in names and messages of every pipe and links no regular
//! expressions: each rule of a provider's token as sequences of characters and sets.

use std::fmt::Write as _;
use std::path::Path;

use pipe_core::redact::tokens::{self, Runs};
use regex_automata::{Anchored, Input};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::Engine;
use super::checks::Check;
use super::rule::{Mode, Rule};
use super::samples::Samples;

/// Rules whose form says too little without their check, or is not a run of characters: armoured keys, base64 of anything,
/// credentials in the syntax of a file.
const LEFT_OUT: [&str; 9] = [
    "private-key",
    "private-key-encrypted",
    "private-key-base64",
    "putty-private-key",
    "gcp-service-account-key",
    "azure-sas-signature",
    "azure-logic-app-url",
    "registry-auth",
    "registry-auth-escaped",
];

fn is_token(rule: &Rule) -> bool {
    rule.mode != Mode::Assigned && !rule.generic && !LEFT_OUT.contains(&rule.id.as_str())
}

fn table(rules: &[Rule]) -> String {
    rules.iter().filter(|rule| is_token(rule)).fold(String::new(), |mut table, rule| {
        let check = match rule.check {
            Some(Check::MixedCase) => "mixed-case",
            Some(Check::Alphanumeric) => "alphanumeric",
            _ => "",
        };
        let least = rule.at_least.unwrap_or(rule.before);
        let (id, most, entropy, keywords) = (&rule.id, rule.before, rule.entropy, rule.keywords.join(" "));
        let part = if rule.regex().captures_len() > 1 { "part" } else { "" };
        let _ = write!(table, "{id}\t{most}\t{least}\t{entropy}\t{check}\t{part}\t{keywords}");
        let hir = regex_syntax::ParserBuilder::new().unicode(false).utf8(false).build().parse(&rule.pattern).unwrap();
        for sequence in sequences(&hir, rule) {
            table.push('\t');
            table.push_str(&sequence);
        }
        table.push('\n');
        table
    })
}

/// All ways through a pattern, each a run of sets.
fn sequences(hir: &Hir, rule: &Rule) -> Vec<String> {
    let sequences = match hir.kind() {
        HirKind::Empty => vec![String::new()],
        HirKind::Literal(literal) => {
            vec![literal.0.iter().map(|byte| if *byte == b'-' { "-".to_owned() } else { written(*byte) }).collect()]
        }
        HirKind::Class(class) => vec![set(class)],
        HirKind::Capture(capture) => sequences(&capture.sub, rule),
        HirKind::Alternation(ways) => ways.iter().flat_map(|way| sequences(way, rule)).collect(),
        HirKind::Concat(parts) => parts.iter().fold(vec![String::new()], |begun, part| {
            let parts = sequences(part, rule);
            begun.iter().flat_map(|begun| parts.iter().map(move |part| format!("{begun}{part}"))).collect()
        }),
        HirKind::Repetition(repeated) => {
            let max = repeated.max.unwrap_or(u32::try_from(rule.reach).unwrap());
            let single = match repeated.sub.kind() {
                HirKind::Class(class) => Some(set(class)),
                HirKind::Literal(literal) if literal.0.len() == 1 => Some(format!("[{}]", written(literal.0[0]))),
                _ => None,
            };
            match single {
                Some(single) if repeated.min == max => vec![format!("{single}{{{max}}}")],
                Some(single) => vec![format!("{single}{{{},{max}}}", repeated.min)],
                None => (repeated.min..=max)
                    .flat_map(|times| sequences(&Hir::concat(vec![(*repeated.sub).clone(); times as usize]), rule))
                    .collect(),
            }
        }
        HirKind::Look(_) => panic!("{}: an assertion is not a run of characters", rule.id),
    };
    assert!(sequences.len() <= 64, "{}: {} ways", rule.id, sequences.len());
    sequences
}

fn set(class: &Class) -> String {
    let Class::Bytes(class) = class else { panic!("a set of characters that are not bytes") };
    let range = |range: &regex_syntax::hir::ClassBytesRange| match (range.start(), range.end().min(127)) {
        (start, end) if start == end => written(start),
        (start, end) => format!("{}-{}", written(start), written(end)),
    };
    format!("[{}]", class.ranges().iter().map(range).collect::<String>())
}

fn written(byte: u8) -> String {
    match byte {
        b'[' | b']' | b'{' | b'}' | b'-' | b'\\' => format!("\\x{byte:02x}"),
        0x21..=0x7e => char::from(byte).to_string(),
        _ => format!("\\x{byte:02x}"),
    }
}

#[test]
fn core_knows_the_forms_of_tokens() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../core/src/redact/tokens.tsv");
    let table = table(Engine::new().rules());
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &table).unwrap();
    }
    let known = std::fs::read_to_string(&path).unwrap();
    assert!(known == table, "run UPDATE=1 cargo test -p pipe-secrets --lib core_knows");
}

#[test]
fn core_hides_what_the_rules_find() {
    let engine = Engine::new();
    let redactor = pipe_core::redact::Redactor::new();
    for rule in engine.rules().iter().filter(|rule| is_token(rule)) {
        let mut tried = 0;
        for seed in 0..20 {
            let line = Samples::new(seed).of(rule);
            for found in
                engine.scan("a.env", line.as_bytes()).iter().filter(|one| engine.rules()[one.rule].id == rule.id)
            {
                let value = secrecy::ExposeSecret::expose_secret(&found.value);
                for text in [line.clone(), format!("\"branch\": \"fix/{line}\",")] {
                    assert!(!redactor.text(&text).contains(value), "{}: {text}", rule.id);
                }
                tried += 1;
            }
        }
        assert!(tried > 0, "{}", rule.id);
    }
}

/// The engine uses the form where it could use the pattern.
#[test]
fn a_form_matches_what_its_pattern_matches() {
    let engine = Engine::new();
    let mut tried = 0;
    for rule in engine.rules() {
        let Some(form) = tokens::forms().iter().find(|form| form.rule() == rule.id && form.is_whole()) else {
            continue;
        };
        for seed in 0..40 {
            let line = Samples::new(seed).of(rule);
            let cut = usize::from(seed) * line.len() / 40;
            let texts =
                [line.clone(), format!("{line}{line}"), line[..cut].to_owned(), format!("{}-{line}", &line[..cut])];
            for text in texts.iter().map(String::as_bytes) {
                let input = Input::new(text).range(..text.len().min(rule.reach)).anchored(Anchored::Yes);
                let by_pattern = rule.regex().search(&input).map(|found| found.end());
                let by_form = form.longest(text, 0, &mut Runs::default());
                assert_eq!(by_form, by_pattern, "{}: {}", rule.id, String::from_utf8_lossy(text));
                tried += usize::from(by_form.is_some());
            }
        }
    }
    assert!(tried > 5_000, "{tried}");
}
