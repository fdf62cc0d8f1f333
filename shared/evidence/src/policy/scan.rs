//! Results of scans: cosign's predicate for vulnerabilities around a report of security-pipe, SARIF, or Trivy's JSON.

use std::fmt;

use pipe_core::text::plural;
use pipe_oci::Digest;
use serde::Deserialize;
use serde_json::Value;

/// The lowest severity that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// CVSS 7.0 to 8.9.
    High,
    /// CVSS 9.0 and above.
    Critical,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Severity::High => "high",
            Severity::Critical => "critical",
        })
    }
}

#[derive(Deserialize)]
struct Predicate {
    scanner: Option<Scanner>,
    target: Option<Target>,
}

#[derive(Deserialize)]
struct Scanner {
    result: Option<Value>,
}

#[derive(Deserialize)]
struct Target {
    kind: Option<String>,
    digest: Option<String>,
}

fn parse(predicate: &str) -> Result<(Value, Option<Target>), String> {
    let no_result = || {
        "its predicate has no scan result. Set SCAN_FILE to a report of security-pipe, SARIF or JSON of Trivy."
            .to_owned()
    };
    let predicate: Predicate = serde_json::from_str(predicate).map_err(|_| no_result())?;
    // `cosign attest --type vuln` stores null for reports of an unknown form.
    let result = predicate.scanner.and_then(|scanner| scanner.result).filter(|result| !result.is_null());
    Ok((result.ok_or_else(no_result)?, predicate.target))
}

pub(super) fn of_image(predicate: &str, subject: &Digest) -> Result<(), String> {
    let (result, target) = parse(predicate)?;
    match target {
        Some(Target { kind: Some(kind), digest }) if kind == "image" => match digest {
            Some(digest) if digest != subject.to_string() => Err(format!("it is the scan of another image, {digest}. Scan this image and attest the result.")),
            _ => Ok(()),
        },
        Some(Target { kind: Some(kind), .. }) if kind == "tree" => {
            Err("it is the scan of a source tree and not of the image. Attest the SARIF of an image scan with SCAN_TARGET=image.".to_owned())
        }
        // Trivy's own JSON.
        _ if result.get("ArtifactType").and_then(Value::as_str) == Some("container_image") => Ok(()),
        _ => Err("it does not say whether the image or the tree was scanned. Attest it with SCAN_TARGET=image.".to_owned()),
    }
}

pub(super) fn nothing_from(least: Severity, predicate: &str) -> Result<(), String> {
    let (result, _) = parse(predicate)?;
    let count = ours(&result, least).or_else(|| sarif(&result, least)).or_else(|| trivy(&result, least)).ok_or(
        "the format of its scan result is not supported. Set SCAN_FILE to a report of security-pipe, SARIF or JSON of Trivy.",
    )?;
    if count == 0 {
        Ok(())
    } else {
        Err(format!(
            "the scan has {} of severity {least} or above. Fix the findings, or change FAIL_ON_{}.",
            plural(count, "finding"),
            least.to_string().to_uppercase()
        ))
    }
}

fn severity(word: &str) -> Option<Severity> {
    match word.to_ascii_lowercase().as_str() {
        "critical" => Some(Severity::Critical),
        "high" => Some(Severity::High),
        _ => None,
    }
}

/// The findings of a security-pipe report that are not ignored. Unscored ones count as high, the default of its gate.
fn ours(result: &Value, least: Severity) -> Option<usize> {
    result.get("pipe")?;
    let findings = result.get("findings")?.as_array()?;
    let counts = |finding: &&Value| {
        let ignored = finding.pointer("/status/state").and_then(Value::as_str) == Some("ignored");
        let informational = finding.get("informational").is_some_and(|kind| !kind.is_null());
        let severity = match finding.get("severity").and_then(Value::as_str) {
            Some(word) => severity(word),
            None if informational => None,
            None => Some(Severity::High),
        };
        !ignored && severity.is_some_and(|severity| severity >= least)
    };
    Some(findings.iter().filter(counts).count())
}

/// SARIF 2.1.0: the rule's `security-severity` as GitHub reads it (critical from 9.0, high from 7.0), or else the level,
/// where an error has an unknown severity and counts as critical. Suppressed results do not count.
fn sarif(result: &Value, least: Severity) -> Option<usize> {
    if result.get("version")?.as_str()? != "2.1.0" {
        return None;
    }
    let mut count = 0;
    for run in result.get("runs")?.as_array()? {
        let rules = run.pointer("/tool/driver/rules").and_then(Value::as_array);
        for found in run.get("results").and_then(Value::as_array).into_iter().flatten() {
            if found.get("suppressions").and_then(Value::as_array).is_some_and(|list| !list.is_empty()) {
                continue;
            }
            let rule = rules.and_then(|rules| {
                let by_index =
                    found.get("ruleIndex").and_then(Value::as_u64).and_then(|index| rules.get(index as usize));
                let id = found.get("ruleId");
                by_index.or_else(|| rules.iter().find(|rule| id.is_some() && rule.get("id") == id))
            });
            let score = [Some(found), rule].into_iter().flatten().find_map(score);
            let level = found.get("level").or_else(|| rule?.pointer("/defaultConfiguration/level"));
            let severity = match (score, level.and_then(Value::as_str)) {
                (Some(score), _) if score >= 9.0 => Some(Severity::Critical),
                (Some(score), _) if score >= 7.0 => Some(Severity::High),
                (Some(_), _) => None,
                (None, Some("error")) => Some(Severity::Critical),
                (None, _) => None,
            };
            count += usize::from(severity.is_some_and(|severity| severity >= least));
        }
    }
    Some(count)
}

fn score(place: &Value) -> Option<f64> {
    let score = place.pointer("/properties/security-severity")?;
    score.as_f64().or_else(|| score.as_str()?.parse().ok())
}

fn trivy(result: &Value, least: Severity) -> Option<usize> {
    let results = result.get("Results")?.as_array()?;
    let found = results.iter().filter_map(|result| result.get("Vulnerabilities")?.as_array()).flatten();
    let words = found.filter_map(|found| severity(found.get("Severity")?.as_str()?));
    Some(words.filter(|severity| *severity >= least).count())
}
