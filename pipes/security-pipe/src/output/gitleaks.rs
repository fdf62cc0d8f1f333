//! `gitleaks-report.json`, in the shape gitleaks 8 writes, for tools that read the ancestor's. The secrets themselves
//! are never in it.

use serde::Serialize;

use crate::finding::{Container, Finding, Kind};
use crate::output::Run;
use crate::words::sentence;

const REDACTED: &str = "REDACTED";

/// The open findings of the secrets scan: gitleaks leaves out what is allowed or in its baseline, and so does this.
pub(crate) fn gitleaks(run: &Run<'_>) -> Vec<u8> {
    let entries = run
        .findings
        .iter()
        .filter(|finding| matches!(finding.kind, Kind::Secret { .. }) && finding.is_open())
        .map(entry);
    let entries: Vec<Entry<'_>> = entries.collect();
    let mut bytes = Vec::new();
    // Writing to memory what has only string keys can't fail.
    let _ = serde_json::to_writer_pretty(&mut bytes, &entries);
    bytes.push(b'\n');
    bytes
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Entry<'a> {
    #[serde(rename = "RuleID")]
    rule_id: &'a str,
    description: String,
    start_line: u32,
    end_line: u32,
    start_column: u32,
    end_column: u32,
    #[serde(rename = "Match")]
    matched: &'static str,
    secret: &'static str,
    file: &'a str,
    symlink_file: &'static str,
    // Empty for the working tree, as are the fields about the commit.
    commit: &'a str,
    entropy: u8,
    author: &'static str,
    email: &'static str,
    date: &'static str,
    message: &'static str,
    tags: [&'static str; 0],
    fingerprint: String,
}

fn entry(finding: &Finding) -> Entry<'_> {
    let (path, span) = (&finding.location.path, &finding.location.span);
    let start_column = span.column.unwrap_or(1);
    Entry {
        rule_id: &finding.rule.id,
        description: sentence(&finding.rule.title),
        start_line: span.line,
        end_line: span.end_line.unwrap_or(span.line),
        start_column,
        // Its last column is part of the match, ours is not.
        end_column: span.end_column.map_or(start_column, |end| end.saturating_sub(1)),
        matched: REDACTED,
        secret: REDACTED,
        file: path,
        symlink_file: "",
        commit: match &finding.location.container {
            Container::Commit(id) => id,
            Container::Checkout | Container::Layer(_) | Container::Archive(_) => "",
        },
        entropy: 0,
        author: "",
        email: "",
        date: "",
        message: "",
        tags: [],
        // As `.gitleaksignore` names a finding of a tree.
        fingerprint: format!("{path}:{}:{}", finding.rule.id, span.line),
    }
}
