//! What is secret in a value: the value, and parts of it that are used separately.
//!
//! Everything is found leniently: a value that only looks like a kubeconfig costs one more pattern, one that was missed
//! costs the credential.

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use percent_encoding::percent_decode_str;

use super::mask::SHORT;

/// A text to be hidden.
pub(super) struct Part {
    pub(super) text: String,
    /// In all its forms; otherwise only as it is.
    pub(super) thorough: bool,
}

/// How many parts of one value are hidden in all their forms: enough for any private key or kubeconfig, and a bound for
/// a file of 100,000 lines.
const THOROUGH: usize = 256;

/// A field that holds base64 of a URL with a password: deeper than anything real.
const DEPTH: usize = 4;

/// Fields that hold a credential in a kubeconfig, a container registry's `config.json` or a service account's key file.
const FIELDS: [&str; 12] = [
    "token",
    "password",
    "client-key-data",
    "id-token",
    "refresh-token",
    "access-token",
    "client-secret",
    "auth",
    "identitytoken",
    "registrytoken",
    "private_key",
    "private-key",
];

/// The value without surrounding whitespace first, then what is in it; nothing for a blank one.
pub(super) fn of(value: &str) -> Vec<Part> {
    let mut texts = Vec::new();
    let mut lines = Vec::new();
    collect(value, DEPTH, &mut texts, &mut lines);
    texts.append(&mut lines);
    texts.into_iter().enumerate().map(|(i, text)| Part { text, thorough: i < THOROUGH }).collect()
}

fn collect(value: &str, depth: usize, texts: &mut Vec<String>, lines: &mut Vec<String>) {
    let value = value.trim();
    if value.is_empty() {
        return;
    }
    // An address alone is where something is, and in many texts that are no secret.
    if is_origin(value) {
        return;
    }
    texts.push(value.to_owned());
    let Some(depth) = depth.checked_sub(1) else { return };
    if let Some(text) = decoded(value) {
        collect(&text, depth, texts, lines);
    }
    for password in url_passwords(value) {
        texts.push(percent_decode_str(password).decode_utf8_lossy().into_owned());
        texts.push(password.to_owned());
    }
    texts.extend(url_tokens(value).map(str::to_owned));
    for (name, field) in fields(value) {
        if name == "auth"
            && let Some((_, password)) = base64_text(&field).as_deref().and_then(|text| text.split_once(':'))
        {
            texts.push(password.to_owned());
        }
        // The value itself would find the same fields again.
        if field.trim().len() < value.len() {
            collect(&field, depth, texts, lines);
        }
    }
    // Most lines of a kubeconfig are in every other one, and its secrets are fields.
    let kubeconfig = ["clusters", "contexts", "users"].iter().all(|word| value.contains(word));
    if value.contains('\n') && !kubeconfig {
        lines.extend(value.lines().map(str::trim).filter(|line| is_secret_line(line)).map(str::to_owned));
    }
}

/// Not the armour around a key, nor a rule of dashes.
fn is_secret_line(line: &str) -> bool {
    let armour = line.ends_with("-----") && (line.starts_with("-----BEGIN ") || line.starts_with("-----END "));
    line.len() >= SHORT && !armour && line.contains(char::is_alphanumeric)
}

/// What a value in base64 stands for, if that is a text. Sixteen characters or more are not readable by chance.
fn decoded(value: &str) -> Option<String> {
    let text = (value.len() >= 16).then(|| base64_text(value)).flatten()?;
    (!text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t'))).then_some(text)
}

/// Decodes either alphabet, padded or not, broken into lines or not.
fn base64_text(value: &str) -> Option<String> {
    const LENIENT: GeneralPurposeConfig = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    const ENGINE: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
    let compact: String = value
        .chars()
        .filter(|c| !c.is_ascii_whitespace())
        .map(|c| match c {
            '-' => '+',
            '_' => '/',
            c => c,
        })
        .collect();
    String::from_utf8(ENGINE.decode(compact).ok()?).ok()
}

/// The passwords of `scheme://user:password@host`, as written, wherever they are in the text. A user without a password
/// is a token.
fn url_passwords(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices("://").filter_map(move |(at, found)| {
        let rest = &text[at + found.len()..];
        let end = rest.find(|c: char| c.is_whitespace() || "/\"'<>".contains(c)).unwrap_or(rest.len());
        let (credentials, _) = rest[..end].rsplit_once('@')?;
        match credentials.split_once(':') {
            None => Some(credentials),
            // GitHub's way to pass a token as the user.
            Some((user, "" | "x-oauth-basic")) => Some(user),
            Some((_, password)) => Some(password),
        }
        .filter(|password| !password.is_empty())
    })
}

/// `https://host:port`, without user, path or query.
fn is_origin(value: &str) -> bool {
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.trim_end_matches('/').contains(|c: char| "/?#@".contains(c) || c.is_whitespace()))
}

/// What is secret in a value that is a URL as a whole, as an incoming webhook's is: services answer with parts of it. Its
/// path and query, the path from each segment on, each long segment and each long query value, as written.
fn url_tokens(value: &str) -> impl Iterator<Item = &str> {
    /// Shorter ones are words of the API rather than tokens.
    const MIN_LENGTH: usize = 16;
    let rest = value.strip_prefix("https://").or_else(|| value.strip_prefix("http://"));
    let whole = rest.and_then(|rest| rest.split_once('/')).map_or("", |(_, whole)| whole);
    let (path, query) = whole.split_once('?').unwrap_or((whole, ""));
    let values = query.split('&').map(|pair| pair.split_once('=').map_or(pair, |(_, value)| value));
    let rests = path.match_indices('/').map(|(at, _)| &path[at + 1..]);
    [whole, path].into_iter().chain(rests).chain(path.split('/')).chain(values).filter(|part| part.len() >= MIN_LENGTH)
}

/// Fields of [`FIELDS`] in a text that is YAML or JSON, block or flow, whole or damaged: name and value.
fn fields(text: &str) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    for (colon, _) in text.match_indices(':') {
        let before = text[..colon].trim_end_matches([' ', '\t']).trim_end_matches(['"', '\'']);
        let Some(name) = FIELDS.into_iter().find(|name| ends_with_name(before, name)) else {
            continue;
        };
        let value = text[colon + 1..].trim_start_matches([' ', '\t']);
        let line = value.lines().next().unwrap_or_default();
        if line.starts_with(['"', '\'']) {
            found.push((name, quoted(value)));
        } else if line.starts_with(['|', '>']) {
            found.push((name, block(value, indent_at(text, colon))));
        } else {
            let plain = line.split(" #").next().unwrap_or_default();
            // On one line with others, the value ends where the next begins; a block value may hold these too.
            let short = plain.split([',', '}', ']']).next().unwrap_or_default();
            found.push((name, plain.trim().to_owned()));
            if short.len() < plain.len() {
                found.push((name, short.trim().to_owned()));
            }
        }
    }
    found
}

fn ends_with_name(before: &str, name: &str) -> bool {
    let Some(start) = before.len().checked_sub(name.len()) else {
        return false;
    };
    before.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(name))
        && !before[..start].ends_with(|c: char| c.is_alphanumeric() || "-_".contains(c))
}

/// The content of the quoted string that `text` begins with.
fn quoted(text: &str) -> String {
    let mut chars = text.char_indices();
    let Some((_, quote)) = chars.next() else {
        return String::new();
    };
    let mut escaped = false;
    let end = chars
        .find(|&(_, c)| {
            let closes = c == quote && !escaped;
            escaped = c == '\\' && quote == '"' && !escaped;
            closes
        })
        .map_or(text.len(), |(at, _)| at);
    let inner = &text[1..end];
    if quote == '"' {
        serde_json::from_str(&format!("\"{inner}\"")).unwrap_or_else(|_| inner.to_owned())
    } else {
        inner.to_owned()
    }
}

/// The lines after the first that are indented deeper than `indent`: a YAML block scalar.
fn block(text: &str, indent: usize) -> String {
    let lines = text.lines().skip(1).take_while(|line| line.trim().is_empty() || indentation(line) > indent);
    lines.map(str::trim).collect::<Vec<_>>().join("\n")
}

fn indent_at(text: &str, position: usize) -> usize {
    let start = text[..position].rfind('\n').map_or(0, |newline| newline + 1);
    indentation(&text[start..])
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}
