//! Tokens in text from outside: names of files and branches, lockfiles that are quoted in messages, thousands of them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::collections::HashSet;
use std::time::Duration;

use common::*;
use pipewright_harness::{Repo, advisory};

/// Whether any of `tokens` is in what the run printed or wrote, also in base64.
fn leaks(outcome: &pipewright_harness::Outcome, tokens: &[String]) -> Vec<String> {
    let text = everything(outcome);
    tokens.iter().filter(|token| text.contains(token.as_str())).cloned().collect()
}

fn keys(range: std::ops::Range<u64>) -> Vec<String> {
    range.map(aws_key).collect()
}

#[test]
fn a_token_in_the_name_of_a_file_is_a_finding_and_never_printed() {
    let repo = Repo::new();
    let tokens = keys(0..80);
    for token in &tokens {
        repo.write(&format!("keys/f-{token}.txt"), format!("key {token}\n"));
    }
    repo.commit("first");
    let outcome = pipe(&repo, &advisories()).env("REPORT_FORMAT", "sarif,junit,markdown").run().expect(1);
    assert_eq!(leaks(&outcome, &tokens), [""; 0]);
    assert_eq!(outcome.report()["counts"]["critical"], 160, "one in each name and one in each file");
    let findings = outcome.report()["findings"].as_array().unwrap().clone();
    assert!(findings.iter().all(|finding| finding["location"]["path"] == "keys/f-***.txt"), "{findings:#?}");
    let prints: HashSet<String> = findings.iter().map(|finding| finding["fingerprint"].to_string()).collect();
    assert_eq!(prints.len(), 160);
}

/// Each writer has its own way to write a name: Markdown escapes it, SPDX makes an id of it, a URI encodes it.
#[test]
fn a_token_in_a_name_is_hidden_however_a_report_writes_the_name() {
    // Letters and digits that no writer changes, between the signs that some do.
    let body = "Zq3vT9kLm2Rw8Xy4Bn6Hc1Jd5Pf7Gs0AeUiO";
    let hex = "3f9a1c7e5b2d8064".repeat(4);
    let tokens = [
        format!("gh{}_{body}", "p"),
        format!("n{}_{body}", "pm"),
        format!("sk_{}_{}", "live", &body[..24]),
        format!("dop_{}_{hex}", "v1"),
        format!("123456789:{}{}", "AA", &body[..33]),
    ];
    for scan in ["true", "false"] {
        for token in &tokens {
            let secret = token.rsplit(['_', ':']).next().unwrap();
            let repo = Repo::new();
            repo.write(&format!("{token}/requirements.txt"), "vuln==1.0\n");
            let package = format!(r#""node_modules/{token}": {{"version": "1.0.0"}}"#);
            let lock = format!(r#"{{"name": "{token}", "lockfileVersion": 3, "packages": {{"": {{}}, {package}}}}}"#);
            repo.write("package-lock.json", if token.contains(':') { "{}".to_owned() } else { lock });
            repo.commit("first");
            let db = advisories();
            let vuln = advisory("PYSEC-1", "PyPI", "vuln", "2.0", Some(CRITICAL));
            pipewright_harness::database(db.path(), "PyPI", &[vuln]);
            let outcome = pipe(&repo, &db)
                .env("SECRETS_SCAN", scan)
                .env("REPORT_FORMAT", "json,sarif,junit,markdown")
                .env("SBOM_FORMAT", "cyclonedx-json,spdx-json")
                .run();
            let text = everything(&outcome);
            assert!(text.contains("PYSEC-1") && text.contains("SPDXRef-"), "{text}");
            let at = text.find(secret).map(|at| &text[at.saturating_sub(60)..at]);
            assert_eq!(at, None, "{token} with SECRETS_SCAN={scan}");
        }
    }
}

#[test]
fn a_token_of_any_severity_is_hidden_whatever_scans_are_on() {
    let payload = |text: &str| text.trim_end_matches('=').to_owned();
    let jwt = [
        payload("eyJhbGciOiJIUzI1NiJ9"),
        payload("eyJzdWIiOiJxd2xrdm1haXN1ZG4ifQ"),
        "Zq3vT9kLm2Rw8Xy4Bn6Hc1Jd5Pf7Gs0AeUiOpQrStUv".to_owned(),
    ]
    .join(".");
    let tokens = [jwt, aws_key(7)];
    for scan in ["true", "false"] {
        let repo = Repo::new();
        for token in &tokens {
            repo.write(&format!("n/{token}.txt"), format!("other {}\n", aws_key(1)));
            repo.write(&format!("{token}/requirements.txt"), format!("vuln {token} x\n"));
            repo.write(&format!("{token}/b/requirements.txt"), format!("{token}\n"));
        }
        repo.commit("first");
        for ci in ["BITBUCKET_BRANCH", "NOTHING"] {
            let outcome = pipe(&repo, &advisories())
                .env("SECRETS_SCAN", scan)
                .env("REPORT_FORMAT", "sarif,junit,markdown")
                .env("BITBUCKET_BUILD_NUMBER", "1")
                .env(ci, format!("feature/{}", tokens[1]))
                .run();
            assert!(outcome.stderr.contains("***/requirements.txt"), "{}", outcome.output());
            assert_eq!(leaks(&outcome, &tokens), [""; 0], "SECRETS_SCAN={scan}");
        }
    }
}

#[test]
fn thirty_thousand_secrets_are_hidden_within_the_bounds() {
    let repo = Repo::new();
    let tokens = keys(0..30_000);
    for (number, some) in tokens.chunks(500).enumerate() {
        let text: String = some.iter().map(|token| format!("key {token}\n")).collect();
        repo.write(&format!("keys{number}.txt"), text);
    }
    repo.write("requirements.txt", format!("{} {}\n", tokens[29_999], tokens[0])).commit("first");
    let outcome = pipe(&repo, &advisories()).run().expect(1);
    // A random one may be too regular for the rule.
    assert!(outcome.report()["counts"]["critical"].as_u64().unwrap() > 29_900);
    let (text, known) = (everything(&outcome), tokens.iter().map(String::as_str).collect::<HashSet<_>>());
    let leaked = text
        .match_indices(&tokens[0][..4])
        .filter(|(at, _)| text.get(*at..*at + tokens[0].len()).is_some_and(|token| known.contains(token)));
    assert_eq!(leaked.count(), 0);
    assert!(outcome.elapsed < Duration::from_secs(30), "{:?}", outcome.elapsed);
    // Findings and their reports are most of it.
    assert!(outcome.peak_kb < 128 * 1024, "{} KB", outcome.peak_kb);
}
