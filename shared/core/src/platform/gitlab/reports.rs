//! Report files that a GitLab job hands in: `artifacts:reports:dotenv` and `artifacts:reports:codequality`.

use std::collections::HashSet;

use serde::ser::SerializeSeq;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use super::super::escape;
use super::super::rendering::{self, Annotation, Annotations, Level, Rendering, cut};

/// Bytes; GitLab refuses a larger dotenv file as a whole.
const MAX_DOTENV: usize = 5 * 1024;
/// Variables that an instance accepts by default.
const MAX_VARIABLES: usize = 20;
const MAX_DESCRIPTION: usize = 1000;

/// The outputs as `SECURITY_PIPE_CRITICAL=2`, and the names of those that can't be passed on.
///
/// GitLab takes quotes and `#` as they are, strips spaces around a value, has no way to write a line break, and refuses
/// a file with an empty line.
pub fn dotenv(rendering: &Rendering) -> (String, Vec<String>) {
    let (mut text, mut left_out, mut count) = (String::new(), Vec::new(), 0);
    for (name, value) in rendering::variables(rendering) {
        let line = format!("{name}={value}\n");
        let faithful = value.trim() == value && !value.chars().any(char::is_control);
        if faithful && count < MAX_VARIABLES && text.len() + line.len() <= MAX_DOTENV {
            text.push_str(&line);
            count += 1;
        } else {
            left_out.push(name);
        }
    }
    (text, left_out)
}

/// The annotations that have a place, as GitLab's subset of the Code Climate format.
pub fn code_quality(rendering: &Rendering) -> impl Serialize {
    Issues(&rendering.annotations)
}

/// Made one by one, since there may be many.
struct Issues<'a>(&'a Annotations);

impl Serialize for Issues<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut used = HashSet::new();
        let mut issues = serializer.serialize_seq(None)?;
        for (index, annotation) in self.0.iter().enumerate() {
            if let Some(path) = &annotation.path {
                let mut fingerprint = annotation.id.clone();
                if !used.insert(fingerprint.clone()) {
                    fingerprint = format!("{fingerprint}-{index}");
                    used.insert(fingerprint.clone());
                }
                issues.serialize_element(&issue(&annotation, path, &fingerprint))?;
            }
        }
        issues.end()
    }
}

fn issue(annotation: &Annotation, path: &str, fingerprint: &str) -> Value {
    let begin = annotation.line.unwrap_or(1).max(1);
    let mut lines = json!({ "begin": begin });
    if let (Some(end), Value::Object(lines)) = (annotation.end_line.filter(|end| *end >= begin), &mut lines) {
        lines.insert("end".to_owned(), json!(end));
    }
    json!({
        "description": description(annotation),
        "check_name": cut(&escape::terminal(&annotation.title), 200),
        "fingerprint": fingerprint,
        "severity": severity(annotation),
        "location": { "path": path, "lines": lines },
    })
}

fn description(annotation: &Annotation) -> String {
    let text = match (annotation.title.trim(), annotation.message.trim()) {
        (title, "") => title.to_owned(),
        ("", message) => message.to_owned(),
        (title, message) => format!("{title}: {message}"),
    };
    cut(&escape::lines(&text), MAX_DESCRIPTION)
}

fn severity(annotation: &Annotation) -> &'static str {
    match (annotation.severity, annotation.level) {
        ("CRITICAL", _) => "blocker",
        ("HIGH", _) => "critical",
        ("MEDIUM", _) => "major",
        ("LOW", _) => "minor",
        (_, Level::Error) => "critical",
        (_, Level::Warning) => "major",
        (_, Level::Notice) => "info",
    }
}

#[cfg(test)]
mod tests;
