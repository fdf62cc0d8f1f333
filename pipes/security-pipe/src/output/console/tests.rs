use std::sync::LazyLock;
use std::time::Duration;

use pipe_core::exit::Ending;
use pipe_core::platform::CiContext;
use pipe_core::report::StepStatus;
use pipe_core::severity::Severity;
use proptest::prelude::*;

use super::{MAX_ROWS, OTHER_ROWS, WIDTH, fit, lines, rows, tail};
use crate::finding::tests::{advisory, secret};
use crate::finding::{Finding, Status};
use crate::gate::Counts;
use crate::ledger::{Ledger, Reason};
use crate::output::Run;
use crate::scanner::Outcome;

fn shown(findings: &[Finding], ledger: &Ledger, used: usize, baseline: bool) -> Vec<String> {
    static CI: LazyLock<CiContext> = LazyLock::new(CiContext::default);
    let outcomes = [Outcome {
        name: "secrets",
        status: StepStatus::Ran,
        looked_at: "1,204 files".to_owned(),
        detail: String::new(),
        counts: Vec::new(),
        warnings: Vec::new(),
        elapsed: Duration::ZERO,
    }];
    let run = Run {
        tool_version: "1.2.3",
        report_name: None,
        ci: &CI,
        findings,
        counts: &Counts::of(findings),
        baseline,
        outcomes: &outcomes,
        ledger,
        ending: &Ending::Failed("1 critical (FAIL_ON_CRITICAL=true)".to_owned()),
        started_at: "2026-11-21T10:00:00Z",
        escape: &str::to_owned,
        plain: &str::to_owned,
        summary: std::cell::OnceCell::new(),
    };
    lines(&run, used)
        .into_iter()
        .map(|line| format!("{}{}", line.word.map(|(_, word)| word).unwrap_or_default(), line.rest))
        .collect()
}

fn package(name: &str, path: &str) -> Finding {
    let mut finding = advisory(Some(Severity::Critical));
    finding.vulnerability_mut().package.name = name.to_owned();
    finding.location.path = path.to_owned();
    finding
}

#[test]
fn a_finding_is_what_and_where_and_then_what_to_do() {
    let shown = shown(&[package("requests", "poetry.lock")], &Ledger::default(), 0, false);
    assert_eq!(shown[0], "scanned  1,204 files");
    assert!(shown[1].starts_with("CRITICAL  requests 2.19.0  GHSA-"), "{shown:#?}");
    assert!(shown[1].ends_with("poetry.lock:7") || shown[1].contains("poetry.lock:"), "{shown:#?}");
    assert!(shown[2].starts_with("          fix: "), "{shown:#?}");
}

#[test]
fn many_groups_end_with_the_number_of_the_others() {
    let findings: Vec<Finding> = (0..30).map(|n| package(&format!("package{n}"), "poetry.lock")).collect();
    let shown = shown(&findings, &Ledger::default(), 0, false);
    assert_eq!(shown.iter().filter(|line| line.starts_with("CRITICAL")).count(), 9);
    assert!(shown.last().unwrap().starts_with("and 21 more (21 critical): see the reports"), "{shown:#?}");
}

/// Each of these takes minutes if a finding is compared with all before it.
#[test]
fn thirty_thousand_findings_are_grouped_in_one_pass() {
    const MANY: usize = 30_000;
    let packages: Vec<Finding> = (0..MANY).map(|n| package(&format!("package{n}"), "poetry.lock")).collect();
    let files: Vec<Finding> = (0..MANY)
        .map(|n| {
            let mut finding = secret(Severity::Critical);
            finding.location.path = format!("file{n}");
            finding
        })
        .collect();
    let advisories: Vec<Finding> = (0..MANY)
        .map(|n| {
            let mut finding = package("requests", &format!("{n}/poetry.lock"));
            let mut rule = (*finding.rule).clone();
            rule.id = format!("GHSA-{n}");
            finding.rule = rule.into();
            finding.vulnerability_mut().package.fixed = vec![format!("3.{n}")];
            finding
        })
        .collect();
    let last = |findings: &[Finding]| shown(findings, &Ledger::default(), 0, false).last().unwrap().clone();
    for findings in [&packages, &files] {
        assert_eq!(last(findings), "and 29991 more (29991 critical): see the reports");
    }
    assert!(last(&advisories).contains("fix: 3.29999"), "{}", last(&advisories));
}

#[test]
fn a_place_is_cut_from_its_left_and_a_subject_from_its_right() {
    assert_eq!(tail("services/web/poetry.lock:412", 20), "…/poetry.lock:412");
    assert_eq!(tail("poetry.lock:412", 20), "poetry.lock:412");
    assert_eq!(tail("a-very-long-name.lock:412", 12), "…me.lock:412");
    let line = fit(60, "a".repeat(60), "ID", "services/web/frontend/package-lock.json:9".to_owned(), "", "");
    assert!(line.chars().count() <= 60 && line.ends_with("package-lock.json:9"), "{line}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever is found, a run has at most 25 screen lines, and no line of a finding is wider than the screen.
    #[test]
    fn a_run_fits_a_screen(
        packages in prop::collection::vec(("[a-z@/-]{1,90}", "[a-z/.-]{1,120}", any::<bool>()), 0..40),
        secrets in 0..30_usize,
        left_out in prop::collection::vec(0..Reason::ALL.len(), 0..12),
        used in 0..6_usize,
        baseline in any::<bool>(),
    ) {
        let mut findings: Vec<Finding> = packages.iter().map(|(name, path, known)| {
            let mut finding = package(name, path);
            if *known {
                finding.status = Status::Known;
            }
            finding
        }).collect();
        findings.extend((0..secrets).map(|n| {
            let mut finding = secret(Severity::Critical);
            finding.location.path = format!("config/{n}/{}", "x".repeat(n * 4));
            finding
        }));
        let ledger = Ledger::default();
        for at in left_out {
            ledger.leave_out("tree", Reason::ALL[at], "a", "");
        }
        let shown = shown(&findings, &ledger, used, baseline);
        let total: usize = shown.iter().map(|line| rows(line.chars().count())).sum();
        prop_assert!(total + used + OTHER_ROWS <= MAX_ROWS, "{total} lines: {shown:#?}");
        for line in shown.iter().filter(|line| line.starts_with("CRITICAL") || line.starts_with("    ")) {
            prop_assert!(line.chars().count() <= WIDTH, "{line}");
        }
        let open = findings.iter().filter(|finding| finding.is_open()).count();
        prop_assert!(open == 0 || shown.iter().any(|line| line.starts_with("CRITICAL")));
    }
}
