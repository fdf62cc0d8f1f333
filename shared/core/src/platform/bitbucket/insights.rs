//! Code Insights: a report with annotations on a commit, as requests to be sent in order.

use std::collections::HashSet;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::super::context::CiContext;
use super::super::escape;
use super::super::rendering::{Annotation, Fact, Kind, Level, Rendering, cut};
use super::api::API;

const MAX_ANNOTATIONS: usize = 1000;
const MAX_PER_REQUEST: usize = 100;
const MAX_FACTS: usize = 10;
/// Characters.
const MAX_SUMMARY: usize = 450;
const MAX_DETAILS: usize = 2000;
const MAX_TITLE: usize = 450;
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// One request. `path` follows the API's address.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    /// `DELETE`, `PUT` or `POST`.
    pub method: &'static str,
    /// `/repositories/WORKSPACE/REPOSITORY/commit/SHA/reports/ID`.
    pub path: String,
    /// JSON. `None` for a request without a body.
    pub body: Option<Value>,
    /// An answer that is as good as success.
    pub accept: Option<u16>,
}

/// How requests reach Bitbucket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Route {
    /// A forward proxy on the build machine that adds the credentials. It takes plain `http` in absolute form.
    Proxy(String),
    /// `https`, with `ATLASSIAN_API_TOKEN` or `BITBUCKET_ACCESS_TOKEN`.
    Token,
}

impl Route {
    /// The ways to try, in order. A token that was given is meant to be used; else the pipeline's proxy is there.
    pub fn choose(ci: &CiContext, has_token: bool) -> Vec<Route> {
        if has_token {
            return vec![Route::Token];
        }
        ci.channels.proxies.iter().cloned().map(Route::Proxy).collect()
    }

    /// The whole URL of a call.
    pub fn url(&self, call: &Call) -> String {
        let api = match self {
            Route::Proxy(_) => API.replacen("https://", "http://", 1),
            Route::Token => API.to_owned(),
        };
        format!("{api}{}", call.path)
    }
}

/// Deletes the pipe's earlier report on the commit, so that none of its annotations stays, then writes the new one.
/// Nothing where repository or commit are not known.
pub fn calls(rendering: &Rendering, ci: &CiContext) -> Vec<Call> {
    let Some([mut delete, mut put, post]) = planned(&rendering.key(), ci) else { return Vec::new() };
    let annotations = annotations(rendering);
    delete.accept = Some(404);
    put.body = Some(report(rendering, ci, annotations.len()));
    let mut calls = vec![delete, put];
    calls.extend(
        annotations
            .chunks(MAX_PER_REQUEST)
            .map(|chunk| Call { body: Some(Value::Array(chunk.to_vec())), ..post.clone() }),
    );
    calls
}

/// The calls without their content, for the report of this [`Rendering::key`]. The last one is made once for every
/// hundred annotations. `None` if repository or commit are unknown.
pub(crate) fn planned(key: &str, ci: &CiContext) -> Option<[Call; 3]> {
    let encode = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
    let path = format!(
        "/repositories/{}/{}/commit/{}/reports/{}",
        encode(ci.workspace.as_deref()?),
        encode(ci.repository.as_deref()?),
        encode(ci.commit.as_deref()?),
        encode(key)
    );
    let call = |method, path| Call { method, path, body: None, accept: None };
    let annotations = format!("{path}/annotations");
    Some([call("DELETE", path.clone()), call("PUT", path), call("POST", annotations)])
}

fn report(rendering: &Rendering, ci: &CiContext, annotated: usize) -> Value {
    let facts: Vec<Value> =
        rendering.facts.iter().take(MAX_FACTS).filter_map(|(label, fact)| data(label, fact)).collect();
    let mut details = rendering.details.clone();
    if let more @ 1.. = rendering.annotations.iter().count() - annotated {
        details =
            format!("{} The worst {annotated} are annotated, {more} more are in the reports.", cut(&details, 1800));
    }
    let mut report = json!({
        "title": text(&title(rendering), MAX_TITLE),
        "details": text(&details, MAX_DETAILS),
        "report_type": report_type(rendering),
        "reporter": rendering.pipe,
        "external_id": rendering.key(),
        "result": if rendering.passed { "PASSED" } else { "FAILED" },
        "data": facts,
    });
    if let (Some(link), Value::Object(report)) = (&ci.build_url, &mut report) {
        report.insert("link".to_owned(), json!(link));
    }
    report
}

fn title(rendering: &Rendering) -> String {
    match &rendering.report_name {
        Some(name) => format!("{} ({name})", rendering.title),
        None => rendering.title.clone(),
    }
}

fn report_type(rendering: &Rendering) -> &'static str {
    let only_vulnerabilities = rendering.annotations.iter().all(|annotation| annotation.kind == Kind::Vulnerability);
    if only_vulnerabilities { "SECURITY" } else { "BUG" }
}

fn data(label: &str, fact: &Fact) -> Option<Value> {
    let (kind, value) = match fact {
        // JSON has no infinity.
        Fact::Number(number) if !number.is_finite() => return None,
        Fact::Number(number) if number.fract() == 0.0 && number.abs() < 1e15 => {
            #[expect(clippy::cast_possible_truncation, reason = "a whole number well within the range")]
            let whole = *number as i64;
            ("NUMBER", json!(whole))
        }
        Fact::Number(number) => ("NUMBER", json!(number)),
        Fact::Text(value) => ("TEXT", json!(text(value, MAX_SUMMARY))),
        Fact::Bool(value) => ("BOOLEAN", json!(value)),
        Fact::Duration(value) => ("DURATION", json!(u64::try_from(value.as_millis()).unwrap_or(u64::MAX))),
        Fact::Link { text: shown, href } => ("LINK", json!({ "text": text(shown, MAX_SUMMARY), "href": href })),
    };
    Some(json!({ "title": text(label, MAX_SUMMARY), "type": kind, "value": value }))
}

fn annotations(rendering: &Rendering) -> Vec<Value> {
    let mut used = HashSet::new();
    rendering
        .annotations
        .iter()
        .take(MAX_ANNOTATIONS)
        .enumerate()
        .map(|(index, annotation)| {
            let mut id = external_id(&rendering.key(), &annotation.id);
            if !used.insert(id.clone()) {
                id = format!("{id}-{index}");
                used.insert(id.clone());
            }
            one(&annotation, &id)
        })
        .collect()
}

/// Unlike the summary, the id must not be cut so that two become one: [`annotations`] distinguishes those.
fn external_id(key: &str, id: &str) -> String {
    let id: String = id.chars().map(|c| if c.is_ascii_graphic() { c } else { '_' }).take(200).collect();
    format!("{key}-{id}")
}

fn one(annotation: &Annotation, id: &str) -> Value {
    let summary = match (annotation.title.trim(), annotation.message.trim()) {
        ("", message) => message.to_owned(),
        (title, "") => title.to_owned(),
        (title, message) => format!("{title}: {message}"),
    };
    let mut value = json!({
        "external_id": id,
        "annotation_type": match annotation.kind {
            Kind::Vulnerability => "VULNERABILITY",
            Kind::CodeSmell => "CODE_SMELL",
            Kind::Bug => "BUG",
        },
        "summary": text(&summary, MAX_SUMMARY),
        "severity": severity(annotation),
        "result": if annotation.level == Level::Error { "FAILED" } else { "PASSED" },
    });
    let Value::Object(object) = &mut value else { return value };
    if summary.chars().count() > MAX_SUMMARY {
        object.insert("details".to_owned(), json!(text(&annotation.message, MAX_DETAILS)));
    }
    if let Some(path) = &annotation.path {
        object.insert("path".to_owned(), json!(path));
        // A line without a path is refused.
        if let Some(line) = annotation.line.filter(|line| *line > 0) {
            object.insert("line".to_owned(), json!(line));
        }
    }
    if let Some(link) =
        annotation.link.as_ref().filter(|link| link.starts_with("https://") || link.starts_with("http://"))
    {
        object.insert("link".to_owned(), json!(link));
    }
    value
}

fn severity(annotation: &Annotation) -> &'static str {
    match (annotation.severity, annotation.level) {
        (known @ ("CRITICAL" | "HIGH" | "MEDIUM" | "LOW"), _) => known,
        (_, Level::Error) => "HIGH",
        (_, Level::Warning) => "MEDIUM",
        (_, Level::Notice) => "LOW",
    }
}

fn text(text: &str, max: usize) -> String {
    cut(&escape::lines(text), max)
}

#[cfg(test)]
mod tests;
