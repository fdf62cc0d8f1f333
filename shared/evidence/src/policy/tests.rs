use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::*;
use crate::key::PrivateKey;
use crate::statement::{Statement, Subject, predicate};
use crate::verify::Signatory;

fn verified(predicate_type: &str, predicate: &Value) -> Verified {
    let raw = RawValue::from_string(predicate.to_string()).unwrap();
    let subjects = vec![Subject::new("", Digest::of(b"image"))];
    let statement = Statement { subjects, predicate_type: predicate_type.to_owned(), predicate: raw };
    let by = Signatory::Key(PrivateKey::generate().unwrap().public_key().clone());
    Verified { content: Content::Attestation(statement), by, time: None, log_index: None }
}

fn judge(checks: Vec<Check>, predicate_type: &str, predicate: &Value) -> Result<(), String> {
    let requirement = Requirement { name: "it".to_owned(), types: vec![predicate_type.to_owned()], checks };
    let now: Timestamp = "2026-02-01T00:00:00Z".parse().unwrap();
    let judgements: Vec<Judgement> =
        requirement.judge(&Digest::of(b"image"), &verified(predicate_type, predicate), now).into_iter().collect();
    requirement.decide(&judgements)
}

#[test]
fn an_sbom_has_the_format_of_its_type_and_lists_something() {
    let cyclonedx = json!({ "bomFormat": "CycloneDX", "components": [{ "name": "a" }] });
    let spdx = json!({ "spdxVersion": "SPDX-2.3", "packages": [{ "name": "a" }] });
    let tag_value = json!("SPDXVersion: SPDX-2.3\nPackageName: a\n");
    let empty = "the SBOM lists no components. Check SBOM_FILE.";
    let other = "its predicate is an SBOM of another format than its type. Attest it with SBOM_FILE.";
    let none = "its predicate is neither CycloneDX nor SPDX JSON. Set SBOM_FILE to a CycloneDX or SPDX document.";
    for (predicate_type, sbom, expected) in [
        (predicate::CYCLONEDX, &cyclonedx, Ok(())),
        (predicate::SPDX, &spdx, Ok(())),
        (predicate::SPDX, &tag_value, Ok(())),
        (predicate::SPDX, &cyclonedx, Err(other)),
        (predicate::CYCLONEDX, &spdx, Err(other)),
        (predicate::CYCLONEDX, &tag_value, Err(other)),
        (predicate::CYCLONEDX, &json!({ "bomFormat": "CycloneDX", "components": [] }), Err(empty)),
        (predicate::SPDX, &json!({ "spdxVersion": "SPDX-2.3" }), Err(empty)),
        (predicate::CYCLONEDX, &json!({ "components": [{ "name": "a" }] }), Err(none)),
        (predicate::SPDX, &json!("no SBOM"), Err(none)),
    ] {
        let judged = judge(vec![Check::Sbom], predicate_type, sbom);
        assert_eq!(judged, expected.map_err(str::to_owned), "{predicate_type} {sbom}");
    }
}

fn scan(result: &Value, target: &Value) -> Value {
    json!({ "scanner": { "result": result }, "target": target })
}

#[test]
fn a_scan_is_of_this_image() {
    let digest = Digest::of(b"image").to_string();
    let of = |result: Value, target: Value| {
        judge(vec![Check::ScanOfImage], predicate::VULNERABILITIES, &scan(&result, &target))
    };
    assert!(of(json!({}), json!({ "kind": "image", "digest": digest })).is_ok());
    assert!(of(json!({ "ArtifactType": "container_image" }), Value::Null).is_ok(), "Trivy's own");
    let told = |result, target| of(result, target).unwrap_err();
    assert_eq!(
        told(json!({}), json!({ "kind": "tree" })),
        "it is the scan of a source tree and not of the image. Attest the SARIF of an image scan with SCAN_TARGET=image."
    );
    let other = Digest::of(b"other").to_string();
    assert!(
        told(json!({}), json!({ "kind": "image", "digest": other })).starts_with("it is the scan of another image")
    );
    assert!(told(json!({}), Value::Null).starts_with("it does not say"));
    // What cosign makes of a SARIF.
    assert_eq!(
        told(Value::Null, json!({ "kind": "image" })),
        "its predicate has no scan result. Set SCAN_FILE to a report of security-pipe, SARIF or JSON of Trivy."
    );
}

#[test]
fn findings_are_counted_in_every_form_that_is_known() {
    let from = |severity, result: Value| {
        judge(vec![Check::NoFindingsFrom(severity)], predicate::VULNERABILITIES, &scan(&result, &Value::Null))
    };
    let ours = |severity: Value, state: &str, informational: Value| {
        json!({ "pipe": { "name": "security-pipe" }, "findings": [
            { "severity": severity, "status": { "state": state }, "informational": informational }] })
    };
    for (finding, critical, high) in [
        (ours(json!("critical"), "new", Value::Null), false, false),
        (ours(json!("critical"), "ignored", Value::Null), true, true),
        (ours(json!("high"), "known", Value::Null), true, false),
        (ours(Value::Null, "new", Value::Null), true, false),
        (ours(Value::Null, "new", json!("unmaintained")), true, true),
        (ours(json!("medium"), "new", Value::Null), true, true),
    ] {
        assert_eq!(from(Severity::Critical, finding.clone()).is_ok(), critical, "{finding}");
        assert_eq!(from(Severity::High, finding.clone()).is_ok(), high, "{finding}");
    }
    let sarif = |result: Value| {
        json!({ "version": "2.1.0", "runs": [{
            "tool": { "driver": { "rules": [
                { "id": "A", "properties": { "security-severity": "9.8" } },
                { "id": "B", "properties": { "security-severity": "7.0" } },
                { "id": "C", "defaultConfiguration": { "level": "error" } },
                { "id": "D", "defaultConfiguration": { "level": "warning" } }] } },
            "results": [result] }] })
    };
    for (result, critical, high) in [
        (json!({ "ruleId": "A" }), false, false),
        (json!({ "ruleIndex": 0 }), false, false),
        (json!({ "ruleId": "A", "suppressions": [{ "kind": "external" }] }), true, true),
        (json!({ "ruleId": "B" }), true, false),
        (json!({ "ruleId": "C" }), false, false),
        (json!({ "ruleId": "D" }), true, true),
        (json!({ "ruleId": "D", "level": "error" }), false, false),
        (json!({ "ruleId": "A", "properties": { "security-severity": 4.0 } }), true, true),
    ] {
        assert_eq!(from(Severity::Critical, sarif(result.clone())).is_ok(), critical, "{result}");
        assert_eq!(from(Severity::High, sarif(result.clone())).is_ok(), high, "{result}");
    }
    let trivy = |severity: &str| json!({ "Results": [{ "Vulnerabilities": [{ "Severity": severity }] }, {}] });
    assert!(from(Severity::Critical, trivy("CRITICAL")).is_err());
    assert!(from(Severity::Critical, trivy("HIGH")).is_ok());
    assert!(from(Severity::High, trivy("HIGH")).is_err());
    assert!(from(Severity::High, trivy("LOW")).is_ok());
    // What can't be judged is no pass.
    assert!(from(Severity::Critical, json!({ "something": "else" })).unwrap_err().contains("is not supported"));
}

#[test]
fn age_is_by_the_proven_time_or_by_the_time_in_the_predicate() {
    const DAY: u64 = 24 * 60 * 60;
    let age =
        |predicate: Value| judge(vec![Check::MaxAge(Duration::from_secs(30 * DAY))], predicate::CYCLONEDX, &predicate);
    assert!(age(json!({ "metadata": { "timestamp": "2026-01-15T00:00:00Z" } })).is_ok());
    assert_eq!(
        age(json!({ "metadata": { "timestamp": "2025-12-15T00:00:00Z" } })).unwrap_err(),
        "it is from 2025-12-15 and older than 30 days. Attest it again, or change MAX_AGE_DAYS."
    );
    assert!(age(json!({ "creationInfo": { "created": "2026-01-15T00:00:00Z" } })).is_ok());
    assert_eq!(
        age(json!({})).unwrap_err(),
        "its time is unknown. Sign it with a log or a timestamp authority, or unset MAX_AGE_DAYS."
    );
}

#[test]
fn the_newest_counts_and_all_where_that_is_not_known() {
    let requirement = Requirement {
        name: "sbom".to_owned(),
        types: vec![predicate::CYCLONEDX.to_owned()],
        checks: vec![Check::Sbom],
    };
    let judge = |time: Option<&str>, components: Value| {
        let sbom = json!({ "bomFormat": "CycloneDX", "metadata": { "timestamp": time }, "components": components });
        requirement.judge(&Digest::of(b"image"), &verified(predicate::CYCLONEDX, &sbom), Timestamp::UNIX_EPOCH).unwrap()
    };
    let empty = |time| judge(time, json!([]));
    let full = |time| judge(time, json!([{}]));
    let (old, new) = (Some("2025-01-01T00:00:00Z"), Some("2026-01-01T00:00:00Z"));
    assert!(requirement.decide(&[empty(old), full(new)]).is_ok());
    assert!(requirement.decide(&[full(old), empty(new)]).is_err());
    assert!(requirement.decide(&[full(None), empty(old)]).is_err());
    assert!(requirement.decide(&[full(None), full(old)]).is_ok());
    assert_eq!(
        requirement.decide(&[]).unwrap_err(),
        "no verified attestation of this type was found. Attest it, or change REQUIRE_ATTESTATIONS."
    );
}
