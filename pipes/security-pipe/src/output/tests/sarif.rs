use std::collections::HashSet;

use pipe_core::platform::CiContext;
use pipe_core::report::StepStatus;
use pipe_core::severity::Severity;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{advisory, hostile, run, scan, secret, titled};
use crate::finding::{Finding, Status};
use crate::output::{Run, sarif};

fn sarif_run(run: &Run<'_>) -> Value {
    let mut bytes = Vec::new();
    sarif::sarif(run, &mut bytes).expect("written to memory");
    let log: Value = serde_json::from_slice(&bytes).expect("valid JSON");
    log["runs"][0].clone()
}

#[test]
fn a_secret_becomes_a_result_with_its_exact_region_and_rule() {
    let findings = [secret("aws-access-key", 3)];
    let run = sarif_run(&run(&findings, &[]));
    assert_eq!(
        run["results"][0],
        json!({
            "ruleId": "aws-access-key",
            "ruleIndex": 0,
            "level": "error",
            "message": {"text": "AWS access key (AKIA)."},
            "locations": [{"physicalLocation": {
                "artifactLocation": {"uri": "src/a%20b.py", "uriBaseId": "%SRCROOT%"},
                "region": {"startLine": 3, "startColumn": 5, "endColumn": 25},
            }}],
            "partialFingerprints": {"pipewright/v1": "secrets:3", "pipewright/v2": "secrets:3"},
            "properties": {
                "scanner": "secrets",
                "severity": "CRITICAL",
                "severitySource": "rule",
                "standing": "new, fails (FAIL_ON_CRITICAL=true)",
                "fails": true,
                "shown": "AKIA",
            },
        })
    );
    let rule = &run["tool"]["driver"]["rules"][0];
    assert_eq!((&rule["id"], &rule["name"]), (&json!("aws-access-key"), &json!("AwsAccessKey")));
    assert_eq!(rule["properties"]["security-severity"], "9.0");
    assert_eq!(rule["properties"]["precision"], "high");
    assert!(rule["help"]["text"].as_str().unwrap().starts_with("Revoke the credential"), "{rule}");
}

#[test]
fn results_share_a_rule_that_has_the_worst_score_of_them() {
    let scored = |score| {
        let mut finding = advisory("GHSA-1", Some(Severity::High));
        finding.vulnerability_mut().score = Some(score);
        finding
    };
    let findings = [scored(7.5), scored(9.8), scored(8.0), advisory("GHSA-2", None)];
    let run = sarif_run(&run(&findings, &[]));
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    let of = |index: usize| &rules[index]["properties"];
    assert_eq!(rules.len(), 2);
    assert_eq!(of(0)["security-severity"], "9.8");
    assert_eq!(of(0)["tags"], json!(["security", "dependencies", "vulnerability", "PyPI", "GHSA-1", "CVE-2026-0001"]));
    // Nobody scored it: no number of ours, and a warning as long as it doesn't fail.
    assert_eq!(of(1).get("security-severity"), None);
    assert_eq!((&run["results"][3]["ruleIndex"], &run["results"][3]["level"]), (&json!(1), &json!("warning")));
    assert_eq!(rules[0]["helpUri"], "https://advisories.test/a%20b");
    assert_eq!(rules[0]["fullDescription"]["text"], "Header leak. Also known as CVE-2026-0001.");
    let text = run["results"][0]["message"]["text"].as_str().unwrap();
    assert_eq!(
        text,
        "requests 2.19.0: Header leak (GHSA-1, CVE-2026-0001). Upgrade requests to 2.20.0: poetry update requests."
    );
}

#[test]
fn a_finding_that_does_not_count_is_suppressed_with_its_reason() {
    let known = Finding { status: Status::Known, ..secret("a", 1) };
    let ignored = |reason: &str, until: Option<&str>| Finding {
        status: Status::Ignored { reason: reason.into(), until: until.map(|date| date.parse().unwrap()) },
        ..secret("a", 1)
    };
    let findings = [secret("a", 1), known, ignored("a test key", Some("2027-01-01")), ignored("gitleaks:allow", None)];
    let run = sarif_run(&run(&findings, &[]));
    let of = |index: usize| run["results"][index].get("suppressions").cloned();
    let one = |kind: &str, why: &str| Some(json!([{"kind": kind, "status": "accepted", "justification": why}]));
    assert_eq!(of(0), None);
    assert_eq!(of(1), one("external", "in the baseline"));
    assert_eq!(of(2), one("external", "a test key (until 2027-01-01)"));
    assert_eq!(of(3), one("inSource", "gitleaks:allow"));
}

#[test]
fn a_failed_scan_makes_the_run_unsuccessful() {
    let scans = [
        scan("secrets", StepStatus::Ran, "1,204 files"),
        scan("sbom", StepStatus::Skipped, "no lockfile"),
        scan("dependencies", StepStatus::Failed, "poetry.lock:3: broken"),
    ];
    let run = sarif_run(&Run { report_name: Some("api"), ..run(&[], &scans) });
    assert_eq!(
        run["invocations"],
        json!([{
            "executionSuccessful": false,
            "startTimeUtc": "2026-11-21T10:00:00Z",
            "toolExecutionNotifications": [
                {"level": "note", "message": {"text": "sbom was skipped: no lockfile."}},
                {"level": "error", "message": {"text": "dependencies failed: poetry.lock:3: broken."}},
            ],
        }])
    );
    assert_eq!(run["automationDetails"]["id"], "security-pipe/api/");
    assert_eq!(run["results"], json!([]));
}

#[test]
fn text_from_outside_makes_no_link_and_no_placeholder() {
    let findings = [titled(secret("a", 1), "see [this](https://x.test) {0}")];
    let scans = [scan("dependencies", StepStatus::Failed, "[a](1)")];
    let run = sarif_run(&run(&findings, &scans));
    assert_eq!(run["results"][0]["message"]["text"], r"see \[this\](https://x.test) {{0}} (AKIA).");
    let notice = &run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"];
    assert_eq!(*notice, r"dependencies failed: \[a\](1).");
}

#[test]
fn where_the_code_is_from_is_told_without_credentials() {
    let provenance = |url: Option<&str>| {
        let ci = CiContext {
            repository_url: url.map(str::to_owned),
            commit: Some("4f2c1aa".to_owned()),
            branch: Some("main".to_owned()),
            ..CiContext::default()
        };
        sarif_run(&Run { ci: &ci, ..run(&[], &[]) }).get("versionControlProvenance").cloned()
    };
    let expected = json!([{
        "repositoryUri": "https://host.test/org/app",
        "revisionId": "4f2c1aa",
        "branch": "main",
        "mappedTo": {"uriBaseId": "%SRCROOT%"},
    }]);
    assert_eq!(provenance(Some("https://user:token@host.test/org/app")), Some(expected));
    assert_eq!(provenance(None), None);
}

#[test]
fn more_results_than_a_run_may_have_are_counted() {
    let findings: Vec<Finding> = (1..=25_003).map(|line| secret("a", line)).collect();
    let run = sarif_run(&run(&findings, &[]));
    assert_eq!(run["results"].as_array().map(Vec::len), Some(25_000));
    let notice = run["invocations"][0]["toolExecutionNotifications"][0]["message"]["text"].as_str().unwrap();
    assert!(notice.starts_with("3 more findings"), "{notice}");
}

proptest! {
    #[test]
    fn whatever_a_finding_says_the_sarif_holds_to_its_rules(
        text in "(?s).{0,40}",
        numbers in any::<(u32, Option<u32>, Option<u32>, Option<u32>)>(),
    ) {
        let findings = hostile(&text, numbers);
        let run = sarif_run(&run(&findings, &[]));
        let ids: HashSet<&str> = run["tool"]["driver"]["rules"].as_array().unwrap().iter().map(|rule| rule["id"].as_str().unwrap()).collect();
        for result in run["results"].as_array().unwrap() {
            prop_assert!(ids.contains(result["ruleId"].as_str().unwrap()));
            let region = &result["locations"][0]["physicalLocation"]["region"];
            let number = |name: &str| region[name].as_u64();
            let start = (number("startLine").unwrap(), number("startColumn").unwrap_or(1));
            let end_line = number("endLine").unwrap_or(start.0);
            prop_assert!(start.0 >= 1 && start.1 >= 1);
            prop_assert!((end_line, number("endColumn").unwrap_or(u64::MAX)) >= start, "{}", region);
            let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
            let clean = uri.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"<>\\^`{|}:?#[]".contains(&byte));
            prop_assert!(clean, "{}", uri);
        }
    }
}
