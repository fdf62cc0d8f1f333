//! SARIF 2.1.0 (<https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html>), within what GitHub's code
//! scanning accepts: at most 25,000 results, of rules with at most 20 tags.

mod model;
mod rule;

use std::collections::HashMap;
use std::io::{self, Write};

use pipe_core::manifest::REPOSITORY;
use pipe_core::report::StepStatus;
use pipe_packages::sbom::{uri, utc};
use serde::{Serialize, Serializer};

use crate::finding::{Finding, Kind, Rating, Status};
use crate::output::sarif::model::{
    Artifact, Automation, BaseIds, Description, Driver, Fingerprints, Invocation, Location, Log, Logical, Message,
    Notification, Physical, Properties, Provenance, Region, Report, Run as SarifRun, Suppression, Tool,
};
use crate::output::{Run, text};
use crate::words::{sentence, short};

/// GitHub rejects a run with more.
const MAX_RESULTS: usize = 25_000;
const ROOT: &str = "%SRCROOT%";
/// The reason that an inline comment gives.
const INLINE: &str = "gitleaks:allow";

/// Writes one run, in one line with a line end.
///
/// # Errors
/// Those of `out`.
pub(crate) fn sarif(run: &Run<'_>, out: &mut dyn Write) -> io::Result<()> {
    let shown = run.findings.get(..MAX_RESULTS).unwrap_or(run.findings);
    let mut heads = Vec::new();
    let mut indices: HashMap<&str, usize> = HashMap::new();
    for finding in shown {
        let index = *indices.entry(finding.rule.id.as_str()).or_insert_with(|| {
            heads.push(rule::Head::new(finding));
            heads.len() - 1
        });
        if let Some(head) = heads.get_mut(index) {
            head.raise(finding);
        }
    }
    let category = run.report_name.map(|name| format!("{}/", name.trim_matches('/'))).unwrap_or_default();
    let log = Log {
        schema: "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        version: "2.1.0",
        runs: [SarifRun {
            tool: Tool { driver: driver(run, Rules(heads)) },
            automation_details: Automation { id: format!("security-pipe/{category}") },
            invocations: [invocation(run)],
            version_control_provenance: provenance(run).into_iter().collect(),
            original_uri_base_ids: BaseIds {
                root: Description { description: Message::new("The repository's root.") },
            },
            column_kind: "unicodeCodePoints",
            results: Results { shown, indices },
        }],
    };
    serde_json::to_writer(&mut *out, &log)?;
    out.write_all(b"\n")
}

/// Made one by one, since there may be many.
struct Results<'a> {
    shown: &'a [Finding],
    /// The places of rules, by their ids.
    indices: HashMap<&'a str, usize>,
}

impl Serialize for Results<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let index = |finding: &Finding| self.indices.get(finding.rule.id.as_str()).copied().unwrap_or_default();
        serializer.collect_seq(self.shown.iter().map(|finding| result(finding, index(finding))))
    }
}

/// Made one by one, as [`Results`].
struct Rules<'a>(Vec<rule::Head<'a>>);

impl Serialize for Rules<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(rule::rule))
    }
}

fn driver<'a>(run: &Run<'a>, rules: Rules<'a>) -> Driver<'a, Rules<'a>> {
    Driver {
        name: "security-pipe",
        semantic_version: run.tool_version,
        information_uri: uri::absolute(REPOSITORY),
        rules,
    }
}

fn result(finding: &Finding, rule_index: usize) -> Report<'_> {
    Report {
        rule_id: &finding.rule.id,
        rule_index,
        level: level(finding),
        message: Message { text: placeholders(&short(&message(finding), 1000)) },
        locations: [Location {
            physical_location: Physical {
                artifact_location: Artifact {
                    uri: uri::path(&finding.location.path),
                    uri_base_id: finding.location.checkout_path().map(|_| ROOT),
                },
                region: region(finding),
            },
            logical_locations: finding.location.container().map(Logical::new).into_iter().collect(),
        }],
        partial_fingerprints: Fingerprints { v1: &finding.fingerprint, v2: finding.fingerprint_v2() },
        suppressions: suppression(&finding.status).into_iter().collect(),
        properties: properties(finding),
    }
}

/// `error` for what fails or is high, `warning` for what could be (it has no score), `note` for advice.
fn level(finding: &Finding) -> &'static str {
    match finding.rating() {
        _ if finding.fails() => "error",
        Rating::Critical | Rating::High => "error",
        Rating::Unscored | Rating::Medium => "warning",
        Rating::Low | Rating::Informational => "note",
    }
}

fn message(finding: &Finding) -> String {
    match &finding.kind {
        Kind::Vulnerability(_) | Kind::Malware(_) | Kind::Misconfiguration => {
            format!("{} {}", text::message(finding), finding.remedy().text)
        }
        Kind::Secret { .. } => text::message(finding),
    }
}

/// Exact where the scanner is; never backwards, which viewers refuse.
fn region(finding: &Finding) -> Region {
    let span = &finding.location.span;
    let start_line = span.line.max(1);
    let end_line = span.end_line.filter(|end| *end >= start_line);
    let start_column = span.column.filter(|column| *column > 0);
    let one_line = end_line.unwrap_or(start_line) == start_line;
    let end_column = span.end_column.filter(|end| *end > 0 && (!one_line || *end >= start_column.unwrap_or(1)));
    Region { start_line, start_column, end_line: end_line.filter(|end| *end != start_line), end_column }
}

fn suppression(status: &Status) -> Option<Suppression> {
    let justification = match status {
        Status::New => return None,
        Status::Known => "in the baseline".to_owned(),
        Status::Ignored { reason, until: None } => reason.to_string(),
        Status::Ignored { reason, until: Some(until) } => format!("{reason} (until {until})"),
    };
    let inline = matches!(status, Status::Ignored { reason, .. } if **reason == *INLINE);
    Some(Suppression { kind: if inline { "inSource" } else { "external" }, status: "accepted", justification })
}

fn properties(finding: &Finding) -> Properties<'_> {
    let package = finding.package();
    Properties {
        scanner: finding.scanner,
        severity: finding.rating().as_str(),
        severity_source: &finding.severity_source,
        score: finding.score(),
        ids: &finding.rule.ids,
        standing: text::standing(finding),
        fails: finding.fails(),
        purl: package.map_or("", |package| &package.purl),
        fixed: package.map_or(&[], |package| &package.fixed),
        shown: finding.prefix(),
    }
}

/// A scan that failed makes the run unsuccessful, so that an empty list of results does not look like a pass.
fn invocation(run: &Run<'_>) -> Invocation {
    let mut notifications: Vec<Notification> = run
        .outcomes
        .iter()
        .filter_map(|scan| {
            let (level, word) = match scan.status {
                StepStatus::Ran => return None,
                StepStatus::Skipped => ("note", "was skipped"),
                StepStatus::Failed => ("error", "failed"),
            };
            let text = sentence(&format!("{} {word}: {}", scan.name, scan.detail));
            Some(Notification { level, message: Message::new(&placeholders(&text)) })
        })
        .collect();
    if let Some(more) = run.findings.len().checked_sub(MAX_RESULTS).filter(|more| *more > 0) {
        let text =
            format!("{more} more findings are in security-pipe-report.json: {MAX_RESULTS} is the most a run may have.");
        notifications.push(Notification { level: "warning", message: Message::new(&text) });
    }
    Invocation {
        execution_successful: run.outcomes.iter().all(|scan| scan.status != StepStatus::Failed),
        start_time_utc: utc(run.started_at),
        tool_execution_notifications: notifications,
    }
}

fn provenance<'a>(run: &Run<'a>) -> Option<Provenance<'a>> {
    Some(Provenance {
        repository_uri: uri::absolute(run.ci.repository_url.as_deref()?)?,
        revision_id: run.ci.commit.as_deref(),
        branch: run.ci.branch.as_deref(),
        mapped_to: model::MappedTo { uri_base_id: ROOT },
    })
}

/// Text from outside must not make a link (section 3.11.6) or a placeholder (3.11.5).
fn placeholders(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['[', ']', '\\', '{', '}']) {
        let (before, found) = (&rest[..at], &rest[at..=at]);
        escaped.push_str(before);
        escaped.push_str(if matches!(found, "{" | "}") { found } else { "\\" });
        escaped.push_str(found);
        rest = &rest[at + 1..];
    }
    escaped.push_str(rest);
    escaped
}
