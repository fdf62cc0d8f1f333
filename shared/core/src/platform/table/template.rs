//! `{CIRCLE_PROJECT_USERNAME}/{CIRCLE_PROJECT_REPONAME}`: how a fact is made of variables.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::platform::context::Env;

enum Part<'a> {
    Text(&'a str),
    Value(&'a str, Rule<'a>),
}

enum Rule<'a> {
    AsItIs,
    Without(&'a str),
    Equals(&'a str),
}

/// The names of the variables in a template.
pub(super) fn variables(template: &'static str) -> Vec<&'static str> {
    let name = |part| match part {
        Part::Value(name, _) => Some(name),
        Part::Text(_) => None,
    };
    parts(template).into_iter().filter_map(name).collect()
}

fn parts(template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = template;
    while let Some((text, after)) = rest.split_once('{') {
        let (value, after) = after.split_once('}').unwrap_or((after, ""));
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        parts.push(match (value.split_once('<'), value.split_once('=')) {
            (Some((name, prefix)), _) => Part::Value(name, Rule::Without(prefix)),
            (None, Some((name, wanted))) => Part::Value(name, Rule::Equals(wanted)),
            (None, None) => Part::Value(value, Rule::AsItIs),
        });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    parts
}

/// In an address everything after its beginning is encoded; slashes stay.
const IN_URL: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~').remove(b'/').remove(b':').remove(b'=');

/// The text of a template, or `None` if a variable is not set as it wants.
pub(super) fn fill(template: &str, env: Env<'_>, is_url: bool) -> Option<String> {
    let mut filled = String::new();
    for part in parts(template) {
        match part {
            Part::Text(text) => filled.push_str(text),
            Part::Value(name, rule) => {
                let value = match (env(name), &rule) {
                    (None, Rule::Equals("")) => continue,
                    (value, _) => value?,
                };
                let value = match rule {
                    Rule::AsItIs => value.as_str(),
                    Rule::Without("*/") => value.split_once('/')?.1,
                    Rule::Without(prefix) => value.strip_prefix(prefix)?,
                    Rule::Equals(wanted) if value.eq_ignore_ascii_case(wanted) => "",
                    Rule::Equals(_) => return None,
                };
                match (is_url, filled.is_empty()) {
                    (false, _) => filled.push_str(value),
                    (true, true) => filled.push_str(value.trim_end_matches('/')),
                    (true, false) => filled.extend(utf8_percent_encode(value, IN_URL)),
                }
            }
        }
    }
    Some(filled)
}
