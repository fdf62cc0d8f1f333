mod sarif;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Run, ScanOutcome, ScanStatus, gitleaks, junit, markdown};
use crate::finding::{AffectedPackage, Finding, Gated, Location, Status};
use pipe_core::severity::Severity;
use pipe_packages::package::Scope;

fn secret(rule: &str, line: u32) -> Finding {
    Finding {
        scanner: "secrets",
        rule: rule.to_owned(),
        ids: Vec::new(),
        title: "AWS access key".to_owned(),
        severity: Some(Severity::Critical),
        severity_source: "rule".to_owned(),
        score: None,
        informational: None,
        location: Location {
            path: "src/a b.py".to_owned(),
            line,
            end_line: None,
            column: Some(5),
            end_column: Some(25),
        },
        fingerprint: format!("secrets:{line}"),
        shown: Some("AKIA".to_owned()),
        package: None,
        url: None,
        inline_allow: None,
        status: Status::New,
        gated: Some(Gated::Fails("FAIL_ON_CRITICAL=true".to_owned())),
    }
}

fn advisory(id: &str, severity: Option<Severity>) -> Finding {
    Finding {
        scanner: "dependencies",
        rule: id.to_owned(),
        ids: vec![id.to_owned(), "CVE-2026-0001".to_owned()],
        title: "Header leak".to_owned(),
        severity,
        severity_source: "CVSS 3.1 8.1".to_owned(),
        location: Location {
            path: "poetry.lock".to_owned(),
            line: 412,
            end_line: None,
            column: None,
            end_column: None,
        },
        fingerprint: format!("dependencies:{id}"),
        shown: None,
        package: Some(AffectedPackage {
            ecosystem: "PyPI",
            name: "requests".to_owned(),
            version: "2.19.0".to_owned(),
            purl: "pkg:pypi/requests@2.19.0".to_owned(),
            scope: Scope::Production,
            direct: Some(true),
            fixed: vec!["2.31.0".to_owned()],
            upgrade: Some("poetry update requests".to_owned()),
        }),
        url: Some("https://advisories.test/a b".to_owned()),
        gated: Some(Gated::Passes("not gated".to_owned())),
        ..secret("", 1)
    }
}

fn scan(name: &'static str, status: ScanStatus, detail: &'static str) -> ScanOutcome<'static> {
    ScanOutcome { name, status, detail, seconds: 0.25, counts: &[("files", 1204)] }
}

/// Stands for the caller's: shows that every text from outside goes through it.
fn bracketed(text: &str) -> String {
    format!("<{text}>")
}

fn run<'a>(findings: &'a [Finding], scans: &'a [ScanOutcome<'a>]) -> Run<'a> {
    Run {
        tool_version: "1.2.3",
        report_name: None,
        findings,
        scans,
        verdict: "failed",
        reason: "1 critical (FAIL_ON_CRITICAL=true)",
        information_url: None,
        repository_url: None,
        commit: None,
        branch: None,
        started_at: "2026-11-21T10:00:00Z",
        escape: &bracketed,
    }
}

fn hostile(text: &str, numbers: (u32, Option<u32>, Option<u32>, Option<u32>)) -> [Finding; 2] {
    let (line, end_line, column, end_column) = numbers;
    let with = |finding: Finding| Finding {
        title: text.to_owned(),
        severity_source: text.to_owned(),
        location: Location { path: text.to_owned(), line, end_line, column, end_column },
        status: Status::Ignored { reason: text.to_owned(), until: Some(text.to_owned()) },
        url: Some(text.to_owned()),
        ..finding
    };
    [with(secret(text, 1)), with(advisory(text, None))]
}

#[test]
fn junit_has_a_suite_for_each_scan_and_never_hides_a_failed_one() {
    let findings = [secret("aws", 3), advisory("GHSA-1", Some(Severity::High))];
    let scans = [
        scan("secrets", ScanStatus::Ran, "1,204 files"),
        scan("dependencies", ScanStatus::Failed, "poetry.lock:3: broken"),
        scan("sbom", ScanStatus::Ran, "12 packages"),
        scan("licences", ScanStatus::Skipped, "no lockfile"),
    ];
    let xml = String::from_utf8(junit(&run(&findings, &scans))).expect("UTF-8");
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
        let scans = [ScanOutcome { seconds, ..scan("secrets", ScanStatus::Ran, "") }];
        let xml = String::from_utf8(junit(&run(&[], &scans))).expect("UTF-8");
        xml.split("time=\"").nth(1).and_then(|rest| rest.split('"').next()).map(str::to_owned)
    };
    assert_eq!(time(1234.5678).as_deref(), Some("1234.568"));
    for odd in [-0.0, -1.0, f64::NAN, f64::INFINITY] {
        assert_eq!(time(odd).as_deref(), Some("0.000"), "{odd}");
    }
    let none = String::from_utf8(junit(&run(&[], &[]))).expect("UTF-8");
    assert!(none.contains(r#"time="0.000""#), "{none}");
}

#[test]
fn gitleaks_json_has_its_fields_and_only_what_is_open() {
    let known = Finding { status: Status::Known, ..secret("b", 4) };
    let findings = [secret("aws", 3), known, advisory("GHSA-1", None)];
    let report: Value = serde_json::from_slice(&gitleaks(&run(&findings, &[]))).expect("valid JSON");
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
    assert_eq!(gitleaks(&run(&[], &[])), b"[]\n");
}

#[test]
fn the_summary_has_the_verdict_the_worst_findings_and_every_scan() {
    let known = Finding { status: Status::Known, ..secret("b", 4) };
    let findings = [secret("aws", 3), advisory("GHSA-1", Some(Severity::High)), known];
    let scans = [scan("secrets", ScanStatus::Failed, "stopped")];
    let page = markdown(&run(&findings, &scans));
    for line in [
        "## security-pipe: <FAILED>",
        "**3 findings**: 1 critical, 1 high, 1 known (baseline)",
        "| CRITICAL | <aws> <AWS access key> (<AKIA>) | <src/a b.py:3> | <new, fails (FAIL_ON_CRITICAL=true)> |",
        "| HIGH | <requests 2.19.0> <GHSA-1, CVE-2026-0001>: <Header leak> | <poetry.lock:412> |",
        "<Upgrade requests to 2.31.0: >`poetry update requests` |",
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
        let xml = String::from_utf8(junit(&run(&findings, &[]))).unwrap();
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
