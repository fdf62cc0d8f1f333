mod sarif;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use pipe_core::exit::Ending;
use pipe_core::platform::CiContext;
use pipe_core::report::StepStatus;
use pipe_core::severity::Severity;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::markdown::markdown;
use super::{Run, gitleaks, junit};
use crate::finding::{Container, Finding, Gated, Kind, Location, Rule, Span, Status, tests as examples};
use crate::gate::Counts;
use crate::ledger::Ledger;
use crate::scanner::Outcome;

fn secret(rule: &str, line: u32) -> Finding {
    let example = examples::secret(Severity::Critical);
    Finding {
        rule: Arc::new(Rule {
            id: rule.to_owned(),
            name: crate::words::pascal(rule).into(),
            ..(*example.rule).clone()
        }),
        kind: Kind::Secret { prefix: Some("AKIA".to_owned()) },
        severity_source: "rule".to_owned(),
        location: Location::in_checkout(
            "src/a b.py",
            Span { line, end_line: None, column: Some(5), end_column: Some(25) },
        ),
        fingerprint: format!("secrets:{line}"),
        gated: Some(Gated::Fails("FAIL_ON_CRITICAL=true".into())),
        ..example
    }
}

fn advisory(id: &str, severity: Option<Severity>) -> Finding {
    let example = examples::advisory(severity);
    Finding {
        rule: Arc::new(Rule {
            id: id.to_owned(),
            ids: vec![id.to_owned(), "CVE-2026-0001".to_owned()],
            title: "Header leak".to_owned(),
            link: Some("https://advisories.test/a b".to_owned()),
            ..(*example.rule).clone()
        }),
        severity_source: "CVSS 3.1 8.1".to_owned(),
        fingerprint: format!("dependencies:{id}"),
        gated: Some(Gated::Passes("not gated".into())),
        ..example
    }
}

/// The finding with another title.
fn titled(finding: Finding, title: &str) -> Finding {
    Finding { rule: Arc::new(Rule { title: title.to_owned(), ..(*finding.rule).clone() }), ..finding }
}

fn scan(name: &'static str, status: StepStatus, detail: &str) -> Outcome {
    Outcome {
        name,
        status,
        looked_at: String::new(),
        detail: detail.to_owned(),
        counts: vec![("files", 1204)],
        warnings: Vec::new(),
        elapsed: Duration::from_millis(250),
    }
}

/// Stands for the caller's: shows that every text from outside goes through it.
fn bracketed(text: &str) -> String {
    format!("<{text}>")
}

fn run<'a>(findings: &'a [Finding], outcomes: &'a [Outcome]) -> Run<'a> {
    static CI: LazyLock<CiContext> = LazyLock::new(CiContext::default);
    static LEDGER: LazyLock<Ledger> = LazyLock::new(Ledger::default);
    static COUNTS: LazyLock<Counts> = LazyLock::new(Counts::default);
    static ENDING: LazyLock<Ending> = LazyLock::new(|| Ending::Failed("1 critical (FAIL_ON_CRITICAL=true)".to_owned()));
    Run {
        tool_version: "1.2.3",
        report_name: None,
        ci: &CI,
        findings,
        counts: &COUNTS,
        baseline: false,
        outcomes,
        ledger: &LEDGER,
        ending: &ENDING,
        started_at: "2026-11-21T10:00:00Z",
        escape: &bracketed,
        plain: &str::to_owned,
        summary: std::cell::OnceCell::new(),
    }
}

fn hostile(
    text: &str,
    (line, end_line, column, end_column): (u32, Option<u32>, Option<u32>, Option<u32>),
) -> [Finding; 2] {
    let with = |finding: Finding| Finding {
        rule: Arc::new(Rule {
            title: text.to_owned(),
            explanation: Some(text.to_owned().into()),
            link: Some(text.to_owned()),
            ..(*finding.rule).clone()
        }),
        severity_source: text.to_owned(),
        location: Location {
            path: text.to_owned(),
            span: Span { line, end_line, column, end_column },
            container: Container::Archive(text.to_owned()),
        },
        status: Status::Ignored { reason: text.into(), until: Some("2027-01-01".parse().unwrap()) },
        ..finding
    };
    [with(secret(text, 1)), with(advisory(text, None))]
}

fn junit(run: &Run<'_>) -> String {
    let mut xml = Vec::new();
    let mut write = |part: &[u8]| -> std::io::Result<()> {
        xml.extend_from_slice(part);
        Ok(())
    };
    junit::junit(run, &mut write).unwrap();
    String::from_utf8(xml).unwrap()
}

#[test]
fn junit_has_a_suite_for_each_scan_and_never_hides_a_failed_one() {
    let findings = [secret("aws", 3), advisory("GHSA-1", Some(Severity::High))];
    let scans = [
        scan("secrets", StepStatus::Ran, "1,204 files"),
        scan("dependencies", StepStatus::Failed, "poetry.lock:3: broken"),
        scan("sbom", StepStatus::Ran, "12 packages"),
        scan("licences", StepStatus::Skipped, "no lockfile"),
    ];
    let xml = junit(&run(&findings, &scans));
    for line in [
        r#"<testsuites name="security-pipe" tests="5" failures="1" errors="1" time="1.000">"#,
        r#"<testsuite name="secrets" tests="1" failures="1" errors="0" skipped="0" time="0.250" timestamp="2026-11-21T10:00:00">"#,
        r#"<testcase classname="secrets.src/a b.py" name="aws at src/a b.py:3">"#,
        r#"<failure message="CRITICAL AWS access key (AKIA).">"#,
        r#"<testsuite name="dependencies" tests="2" failures="0" errors="1" skipped="1""#,
        r#"<error message="poetry.lock:3: broken"></error>"#,
        r#"<skipped message="HIGH requests 2.19.0: Header leak (GHSA-1, CVE-2026-0001). new, does not fail (not gated)">"#,
        r#"<testcase classname="sbom" name="no findings"/>"#,
        r#"<skipped message="no lockfile"></skipped>"#,
    ] {
        assert!(xml.contains(line), "{line} not in\n{xml}");
    }
}

#[test]
fn junit_times_are_what_the_schema_takes() {
    let time = |seconds| {
        let scans = [Outcome { elapsed: Duration::from_secs_f64(seconds), ..scan("secrets", StepStatus::Ran, "") }];
        let xml = junit(&run(&[], &scans));
        xml.split("time=\"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned)
    };
    assert_eq!(time(1234.5678).as_deref(), Some("1234.568"));
    assert_eq!(time(0.0).as_deref(), Some("0.000"));
    assert_eq!(time(2_000_000.0).as_deref(), Some("999999.000"));
    let none = junit(&run(&[], &[]));
    assert!(none.contains(r#"time="0.000""#), "{none}");
}

#[test]
fn gitleaks_json_has_its_fields_and_only_what_is_open() {
    let known = Finding { status: Status::Known, ..secret("b", 4) };
    let findings = [secret("aws", 3), known, advisory("GHSA-1", None)];
    let report: Value = serde_json::from_slice(&gitleaks::gitleaks(&run(&findings, &[]))).expect("valid JSON");
    assert_eq!(
        report,
        json!([{
            "RuleID": "aws",
            "Description": "AWS access key.",
            "StartLine": 3,
            "EndLine": 3,
            "StartColumn": 5,
            "EndColumn": 24,
            "Match": "REDACTED",
            "Secret": "REDACTED",
            "File": "src/a b.py",
            "SymlinkFile": "",
            "Commit": "",
            "Entropy": 0,
            "Author": "",
            "Email": "",
            "Date": "",
            "Message": "",
            "Tags": [],
            "Fingerprint": "src/a b.py:aws:3",
        }])
    );
    assert_eq!(gitleaks::gitleaks(&run(&[], &[])), b"[]\n");
}

#[test]
fn the_summary_has_the_verdict_the_worst_findings_and_every_scan() {
    let known = Finding { status: Status::Known, ..secret("b", 4) };
    let findings = [secret("aws", 3), advisory("GHSA-1", Some(Severity::High)), known];
    let scans = [scan("secrets", StepStatus::Failed, "stopped")];
    let page = markdown(&run(&findings, &scans));
    for line in [
        "## security-pipe: <FAILED>",
        "**3 findings**: 1 critical, 1 high, 1 known (baseline)",
        "| CRITICAL | <aws> <AWS access key> (<AKIA>) | <src/a b.py:3> | <new, fails (FAIL_ON_CRITICAL=true)> |",
        "| HIGH | <requests 2.19.0> <GHSA-1, CVE-2026-0001>: <Header leak> | <poetry.lock:412> |",
        "<Upgrade requests to 2.20.0: >`poetry update requests` |",
        "| <secrets> | failed | <stopped>; 1204 <files> | 0.2 |",
    ] {
        assert!(page.contains(line), "{line} not in\n{page}");
    }
    let many: Vec<Finding> = (1..=103).map(|line| secret("a", line)).collect();
    let page = markdown(&run(&many, &[]));
    assert_eq!(page.matches("| CRITICAL |").count(), 100);
    assert!(page.contains("\nand 3 more in the reports\n"), "{page}");
}

proptest! {
    #[test]
    fn whatever_a_finding_says_the_xml_is_well_formed(text in "(?s).{0,40}") {
        let findings = hostile(&text, (1, None, None, None));
        let xml = junit(&run(&findings, &[]));
        let legal = |c| matches!(c, '\t' | '\n' | ' '..) && !matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}');
        let clean = xml.chars().all(legal);
        prop_assert!(clean);
        // Only our own elements, attributes and references are left once the text is taken out.
        prop_assert_eq!(xml.matches('<').count(), xml.matches('>').count());
        prop_assert_eq!(xml.matches("<testcase").count(), 2);
        prop_assert_eq!(xml.matches("</testcase>").count(), 2);
        for reference in xml.split('&').skip(1) {
            let name = reference.split(';').next().unwrap();
            prop_assert!(["amp", "lt", "gt", "quot", "#9", "#10", "#13"].contains(&name), "{}", name);
        }
    }
}
