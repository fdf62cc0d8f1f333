//! From the text of a variable to its value.

use std::time::Duration;

use secrecy::SecretString;
use serde_json::Value as Json;

use crate::spec::{Kind, Var};

/// Bytes; PATH_MAX of Linux, which opens no longer one.
const MAX_PATH: usize = 4096;

/// The most an `X_FILE` may hold, in bytes.
pub const MAX_FILE: u64 = 1024 * 1024;

/// A value as found, before it is understood.
#[derive(Debug)]
pub(super) struct Raw {
    /// The environment variable it came from.
    pub(super) typed: String,
    pub(super) content: Content,
    /// Found under its bare name, without a prefix.
    pub(super) bare: bool,
    /// The text of the file that it names.
    pub(super) file: bool,
}

#[derive(Debug)]
pub(super) enum Content {
    Text(String),
    /// From `X_COUNT` and `X_0`...
    Items(Vec<String>),
}

#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Bool(bool),
    Integer(u64),
    Number(f64),
    Duration(Duration),
    Word(&'static str),
    List(Vec<String>),
    Secret(SecretString),
    Secrets(Vec<SecretString>),
}

impl Value {
    pub(super) fn lists_nothing(&self) -> bool {
        match self {
            Value::List(items) => items.is_empty(),
            Value::Secrets(items) => items.is_empty(),
            _ => false,
        }
    }

    /// The secrets in it.
    pub(super) fn secrets(&self) -> &[SecretString] {
        match self {
            Value::Secret(value) => std::slice::from_ref(value),
            Value::Secrets(items) => items,
            _ => &[],
        }
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Value::Text(text) => text.clone(),
            Value::Bool(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Number(value) => value.to_string(),
            Value::Duration(value) => format!("{}s", value.as_secs_f64()),
            Value::Word(word) => (*word).to_owned(),
            Value::List(items) => items.join(","),
            Value::Secret(_) => "***".to_owned(),
            Value::Secrets(items) => vec!["***"; items.len()].join(","),
        }
    }
}

/// `NAME="value"` for a message: the value shortened, its control characters escaped; a secret's is left out.
pub(super) fn typed(var: &Var, raw: &Raw) -> String {
    const MAX_SHOWN: usize = 40;
    if var.is_secret() {
        return raw.typed.clone();
    }
    let text = match &raw.content {
        Content::Text(text) => text.clone(),
        Content::Items(items) => items.join(","),
    };
    let mut short: String = text.chars().take(MAX_SHOWN).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    format!("{}={short:?}", raw.typed)
}

/// Whether a value is nothing but a reference that the CI or the shell should have replaced: `$X`, `${X}`, `${{ … }}`,
/// `$(X)`. A secret may look like one by chance, so there only a reference to the variable's own name counts.
pub(super) fn is_unexpanded(var: &Var, raw: &Raw) -> bool {
    let Content::Text(text) = &raw.content else { return false };
    let Some(rest) = text.trim().strip_prefix('$').filter(|_| !raw.file) else { return false };
    let inside = |open: &str, close: &str| rest.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    if inside("{{", "}}").is_some() {
        return true;
    }
    let name = inside("{", "}").or_else(|| inside("(", ")")).unwrap_or(rest);
    let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    is_name && (!var.is_secret() || name == raw.typed || name == var.name || var.aliases.contains(&name))
}

/// The value of `raw`, or what was expected instead.
pub(super) fn value(var: &Var, raw: &Raw) -> Result<Value, String> {
    let items = |content: &Content| match content {
        Content::Items(items) => Ok(items.clone()),
        Content::Text(text) => list(text),
    };
    let text = match &raw.content {
        Content::Text(text) => text.as_str(),
        Content::Items(_) => "",
    };
    let trimmed = text.trim();
    let expected = || var.expectation();
    match var.kind {
        Kind::Text => Ok(Value::Text(text.to_owned())),
        Kind::Path if trimmed.contains('\0') => Err(expected()),
        Kind::Path if trimmed.len() > MAX_PATH => Err(format!("a path of at most {MAX_PATH} bytes")),
        Kind::Path => Ok(Value::Text(trimmed.to_owned())),
        Kind::Url => url(trimmed).map(Value::Text).ok_or_else(expected),
        Kind::Bool => boolean(trimmed).map(Value::Bool).ok_or_else(expected),
        Kind::Integer { min, max } => {
            trimmed.parse().ok().filter(|value| (min..=max).contains(value)).map(Value::Integer).ok_or_else(expected)
        }
        Kind::Number { min, max } => trimmed
            .parse()
            .ok()
            .filter(|value: &f64| value.is_finite() && *value >= min && *value <= max)
            .map(Value::Number)
            .ok_or_else(expected),
        Kind::Duration => duration(trimmed).map(Value::Duration).ok_or_else(expected),
        Kind::Choice(words) => {
            word(words, var.synonyms, trimmed).map(Value::Word).ok_or_else(|| suggest(var, words, trimmed))
        }
        Kind::List if raw.file => items(&Content::Text(without_comments(text))).map(Value::List),
        Kind::List => items(&raw.content).map(Value::List),
        Kind::Choices(words, aliases) => items(&raw.content)?
            .iter()
            .map(|item| word(words, aliases, item).map(str::to_owned).ok_or_else(|| suggest(var, words, item)))
            .collect::<Result<Vec<_>, _>>()
            .map(Value::List),
        Kind::Secrets => Ok(Value::Secrets(items(&raw.content)?.into_iter().map(SecretString::from).collect())),
        Kind::Secret => Ok(Value::Secret(SecretString::from(text.trim_end_matches(['\n', '\r']).to_owned()))),
    }
}

/// The lines of a file with a list, without those that begin with `#`.
fn without_comments(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with('#')).collect::<Vec<_>>().join("\n")
}

fn suggest(var: &Var, words: &[&str], given: &str) -> String {
    let near = words.iter().map(|word| (strsim::damerau_levenshtein(word, &given.to_lowercase()), word)).min();
    match near {
        Some((distance, word)) if distance > 0 && distance <= 2 => {
            format!("{} (did you mean {word}?)", var.expectation())
        }
        _ => var.expectation(),
    }
}

fn word(words: &[&'static str], aliases: &[(&'static str, &'static str)], given: &str) -> Option<&'static str> {
    let aliased = aliases.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(given)).map(|(_, word)| *word);
    aliased.or_else(|| words.iter().find(|word| word.eq_ignore_ascii_case(given)).copied())
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "1" | "yes" | "on" => Some(true),
        "false" | "0" | "no" | "off" => Some(false),
        _ => None,
    }
}

fn url(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    let host = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"))?;
    let valid =
        !host.is_empty() && !host.starts_with('/') && !host.chars().any(|c| c.is_whitespace() || c.is_control());
    valid.then(|| text.to_owned())
}

/// `300` (seconds), `300s`, `500ms`, `1.5m`, `1h30m`; at most 365 days, so that deadlines can be added up.
pub fn duration(text: &str) -> Option<Duration> {
    const MAX: Duration = Duration::from_secs(365 * 24 * 3600);
    let text = text.trim().to_ascii_lowercase();
    let mut rest = text.as_str();
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (amount, after) = rest.split_at(digits);
        let number = !amount.starts_with('.') && !amount.ends_with('.');
        let amount: f64 = amount.parse().ok().filter(|_| number)?;
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let unit = match &after[..end] {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            "d" => 86_400.0,
            // Seconds, if it is the whole text.
            "" if digits == text.len() => 1.0,
            _ => return None,
        };
        total = total.checked_add(Duration::try_from_secs_f64(amount * unit).ok()?)?;
        rest = &after[end..];
    }
    (!text.is_empty() && total <= MAX).then_some(total)
}

fn list(text: &str) -> Result<Vec<String>, String> {
    if !text.trim_start().starts_with('[') {
        return Ok(split(text));
    }
    let items: Vec<Json> = serde_json::from_str(text).map_err(|_| "a JSON array of texts".to_owned())?;
    let texts = items.into_iter().map(|item| match item {
        Json::String(text) => Ok(text),
        Json::Number(number) => Ok(number.to_string()),
        Json::Bool(value) => Ok(value.to_string()),
        _ => Err("a JSON array of texts".to_owned()),
    });
    Ok(tidy(texts.collect::<Result<Vec<_>, _>>()?))
}

/// Items separated by commas or newlines, trimmed, without empty ones.
pub(super) fn split(text: &str) -> Vec<String> {
    tidy(text.split([',', '\n']).map(str::to_owned).collect())
}

pub(super) fn tidy(items: Vec<String>) -> Vec<String> {
    items.into_iter().map(|item| item.trim().to_owned()).filter(|item| !item.is_empty()).collect()
}
