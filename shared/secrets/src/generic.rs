//! Secrets without a format: is this literal random?

use std::path::Path;

use super::candidate::Candidate;
use super::names::names_a_secret;
use super::place;
use super::placeholder::{contains_any, entropy, is_placeholder};
use super::random::{is_text_in_base64, looks_random};

/// Shorter literals are words, longer ones are documents. Bytes.
const LENGTH: std::ops::RangeInclusive<usize> = 10..=180;
/// A longer line was written by a program. Bytes.
const LINE: usize = 1_000;

/// Folders and endings whose values are hashes or output of a program.
const GENERATED: &str = "\
    .lock .sum lock.json lock.yaml .min.js .min.css .map .svg .css .scss .less .html .htm .ipynb .pb.go .snap .po \
    .pot .csv .tsv .patch .diff .pem .crt";

/// Source code, where a bare word is a variable.
const CODE: &str = "\
    rs go py pyi js jsx mjs cjs ts tsx vue svelte java kt kts scala groovy c h cc cpp cxx hpp cs fs vb rb php pl \
    pm lua swift m mm dart ex exs erl hs clj r jl sql proto graphql tf zig nim el lisp tmpl tpl gotmpl jsonnet \
    libsonnet cue md rst txt adoc tex json s asm";

/// Parts of passwords that belong to samples and to databases on a laptop.
const SAMPLES: &str = "\
    pass ssw sword p%40ss pwd secret test user admin root guest postgres mysql mongo redis foo bar token hunter2 $ \
    %7b { [ abc 1234 qwert hello example dev local default demo oauth-basic";

/// For the generic rule: the name says secret, the value is a literal and looks random.
pub(super) fn is_secret_literal(candidate: &Candidate) -> bool {
    let Some(assigned) = candidate.assigned else {
        return false;
    };
    let value = candidate.value;
    LENGTH.contains(&value.len())
        && (assigned.literal || !is_code(candidate.path))
        // The cheapest question first, since a file may be made of assignments.
        && looks_random(value)
        && names_a_secret(&candidate.text[assigned.name.clone()])
        && !is_text_in_base64(value)
        && !is_generated(candidate.path)
        && !is_test(candidate.path)
        && place::near(candidate.text, &assigned.value, LINE).len() <= LINE
}

/// The password of a URL: anything a person or a program chose, but no sample.
pub(super) fn is_password(value: &[u8]) -> bool {
    value.len() >= 6
        && value.iter().filter(|&&byte| byte == b'%').count() * 6 <= value.len()
        && value.iter().any(u8::is_ascii_alphanumeric)
        && entropy(value) >= 2.5
        && !contains_any(value, SAMPLES)
        && !value.iter().all(u8::is_ascii_alphabetic)
}

/// `user:password` as basic authentication and the registries' configuration hold it.
pub(super) fn is_credential_pair(pair: &[u8]) -> bool {
    let Some(colon) = pair.iter().position(|&byte| byte == b':') else {
        return false;
    };
    let password = &pair[colon + 1..];
    colon > 0
        && pair.iter().all(|byte| matches!(byte, 0x20..=0x7e))
        && is_password(password)
        && !is_placeholder(password)
}

fn is_code(path: &str) -> bool {
    Path::new(path)
        .extension()
        .and_then(|end| end.to_str())
        .is_some_and(|end| CODE.split(' ').any(|code| end.eq_ignore_ascii_case(code)))
}

fn is_generated(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    GENERATED.split(' ').any(|end| path.ends_with(end))
}

/// Tests are full of vectors, hashes and passwords made for them; providers' formats are found there all the same.
fn is_test(path: &str) -> bool {
    let folders = ["test", "tests", "testdata", "__tests__", "spec", "fixtures", "testing"];
    let path = path.to_ascii_lowercase();
    let (parents, file) = path.rsplit_once('/').unwrap_or(("", &path));
    let parts = ["_test.", ".test.", ".spec.", "_spec."];
    parents.split('/').any(|folder| folders.contains(&folder))
        || file.starts_with("test_")
        || parts.iter().any(|part| file.contains(part))
}

#[cfg(test)]
mod tests {
    use super::{is_credential_pair, is_password};

    #[test]
    fn sample_passwords_do_not_count() {
        assert!(is_password(b"kT9-vw2Lq"));
        assert!(is_credential_pair(["ci", "kT9-vw2Lq"].join(":").as_bytes()));
        for sample in ["password1", "s3cr3", "postgres", "${PW}", "correcthorse", "x-oauth-basic", "pa%3Fsword"] {
            assert!(!is_password(sample.as_bytes()), "{sample}");
        }
        assert!(!is_credential_pair(b":kT9-vw2Lq"));
        assert!(!is_credential_pair(b"no colon"));
    }
}
