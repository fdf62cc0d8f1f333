use std::sync::Arc;

use pipe_core::severity::Severity;
use pipe_packages::package::Scope;

use super::Vulnerability;
use super::{AffectedPackage, Finding, Gated, Identity, Kind, Location, Precision, Rating, Rule, Span, Status};

/// An advisory about `requests 2.19.0` in `poetry.lock`.
pub(crate) fn advisory(severity: Option<Severity>) -> Finding {
    Finding {
        scanner: "dependencies",
        rule: Arc::new(Rule {
            id: "GHSA-aaaa-bbbb-cccc".to_owned(),
            ids: vec!["GHSA-aaaa-bbbb-cccc".to_owned(), "CVE-2099-1".to_owned()],
            name: "VulnerableDependency".into(),
            title: "credentials leak on redirect".to_owned(),
            explanation: None,
            link: Some("https://osv.dev/vulnerability/GHSA-aaaa-bbbb-cccc".to_owned()),
            tags: vec!["vulnerability".into(), "PyPI".into()],
            precision: Precision::High,
        }),
        kind: Kind::Vulnerability(Vulnerability {
            package: AffectedPackage {
                ecosystem: "PyPI",
                name: "requests".to_owned(),
                version: "2.19.0".to_owned(),
                purl: "pkg:pypi/requests@2.19.0".to_owned(),
                scope: Scope::Production,
                direct: Some(true),
                fixed: vec!["2.20.0".to_owned()],
                upgrade: Some("poetry update requests".to_owned()),
                places: Vec::new(),
                identity: Identity { stable: u128::MAX / 15 * 14, under_any_id: [u128::MAX / 15 * 13].into() },
            },
            score: None,
            informational: None,
        }),
        severity,
        severity_source: "test".to_owned(),
        location: Location::in_checkout("poetry.lock", Span::line(412)),
        remedy: crate::scanner::dependencies::remedy,
        fingerprint: "f".repeat(32),
        inline_allow: None,
        status: Status::New,
        gated: None,
    }
}

/// A malicious `evil 1.0.0` in `package-lock.json`.
pub(crate) fn malware() -> Finding {
    let Kind::Vulnerability(Vulnerability { mut package, .. }) = advisory(None).kind else {
        panic!("not a vulnerability")
    };
    package.ecosystem = "npm";
    package.name = "evil".to_owned();
    package.version = "1.0.0".to_owned();
    package.fixed.clear();
    package.upgrade = None;
    package.places = vec!["node_modules/evil".to_owned()];
    Finding {
        kind: Kind::Malware(package),
        fingerprint: "b".repeat(32),
        location: Location::in_checkout("package-lock.json", Span::line(7)),
        remedy: crate::scanner::dependencies::malware_remedy,
        ..advisory(Some(Severity::Critical))
    }
}

pub(crate) fn secret(severity: Severity) -> Finding {
    Finding {
        scanner: "secrets",
        rule: Arc::new(Rule {
            id: "aws-access-key".to_owned(),
            ids: Vec::new(),
            name: "AwsAccessKey".into(),
            title: "AWS access key".to_owned(),
            explanation: None,
            link: None,
            tags: vec!["secret".into()],
            precision: Precision::High,
        }),
        kind: Kind::Secret { prefix: Some("AKIA…".to_owned()) },
        location: Location::in_checkout(
            "config/settings.py",
            Span { line: 3, end_line: Some(3), column: Some(8), end_column: Some(28) },
        ),
        remedy: |_| crate::scanner::secrets::remedy(),
        fingerprint: "a".repeat(32),
        ..advisory(Some(severity))
    }
}

impl Finding {
    /// The vulnerability of a finding that has one.
    pub(crate) fn vulnerability_mut(&mut self) -> &mut Vulnerability {
        let Kind::Vulnerability(vulnerability) = &mut self.kind else { panic!("not a vulnerability") };
        vulnerability
    }
}

#[test]
fn the_worst_comes_first() {
    let mut low = advisory(Some(Severity::Low));
    low.gated = Some(Gated::Fails("FAIL_ON_SECRETS=true".into()));
    let mut known = advisory(Some(Severity::Critical));
    known.status = Status::Known;
    let mut findings =
        vec![known, advisory(Some(Severity::Medium)), advisory(None), advisory(Some(Severity::High)), low];
    Finding::sort(&mut findings);
    let order: Vec<_> = findings.iter().map(|finding| finding.rating().as_str()).collect();
    assert_eq!(order, ["LOW", "HIGH", "UNSCORED", "MEDIUM", "CRITICAL"]);
}

#[test]
fn malware_comes_before_what_is_as_severe() {
    let mut findings = vec![advisory(Some(Severity::Critical)), secret(Severity::Critical), malware()];
    Finding::sort(&mut findings);
    assert!(findings[0].is_malware());
    assert_eq!(findings[0].rating(), Rating::Critical);
}

#[test]
fn ratings_are_listed_from_the_worst_to_the_least() {
    let mut sorted = Rating::ALL;
    sorted.sort_by(|a, b| b.cmp(a));
    assert_eq!(sorted, Rating::ALL);
}
