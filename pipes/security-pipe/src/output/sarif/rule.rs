//! What a result's rule says: everything that is the same wherever the rule fires.

use crate::finding::Finding;
use crate::output::sarif::model::{Help, Message, Rule, RuleProperties};
use crate::output::text;
use pipe_core::severity::Severity;
use pipe_packages::sbom::uri;

/// GitHub cuts what is longer.
const DESCRIPTION: usize = 1024;
/// GitHub refuses a rule with more.
const TAGS: usize = 20;

pub(super) fn rule(finding: &Finding) -> Rule<'_> {
    let title = text::sentence(&text::short(&finding.title, DESCRIPTION - 1));
    let full = match finding.ids.as_slice() {
        [_, aliases @ ..] if !aliases.is_empty() => format!("{title} Also known as {}.", aliases.join(", ")),
        _ => title.clone(),
    };
    let remedy = text::remedy(finding);
    let link = finding.url.as_deref().and_then(uri::absolute).filter(|url| url.starts_with("http"));
    let more = link.as_deref().map(|url| format!(" More: <{url}>")).unwrap_or_default();
    Rule {
        id: &finding.rule,
        name: name(finding),
        short_description: Message::new(&title),
        full_description: Message::new(&text::short(&full, DESCRIPTION)),
        help: Help { text: remedy.clone(), markdown: format!("{}{more}", plain(&remedy)) },
        help_uri: link,
        properties: RuleProperties {
            tags: tags(finding),
            precision: if finding.package.is_some() || finding.severity == Some(Severity::Critical) {
                "high"
            } else {
                // Entropy alone is a guess.
                "medium"
            },
            security_severity: None,
        },
    }
}

/// A rule has one severity for GitHub: the worst of its results.
pub(super) fn raise(rule: &mut Rule<'_>, finding: &Finding) {
    if finding.informational.is_some() {
        return;
    }
    let score = finding.score.filter(|score| score.is_finite() && (0.1..=10.0).contains(score));
    let score = score.or(finding.severity.map(|severity| match severity {
        // The lowest score of each band (GitHub has CVSS' own): a rating alone says no more than that.
        Severity::Critical => 9.0,
        Severity::High => 7.0,
        Severity::Medium => 4.0,
        Severity::Low => 0.1,
    }));
    let known = rule.properties.security_severity.as_deref().and_then(|text| text.parse::<f32>().ok());
    if let Some(score) = score.filter(|score| known.is_none_or(|known| *score > known)) {
        rule.properties.security_severity = Some(format!("{score:.1}"));
    }
}

/// In the style of other tools' rules, and never the id itself.
fn name(finding: &Finding) -> String {
    match (&finding.package, finding.informational.as_deref()) {
        (None, _) => pascal(&finding.rule),
        (Some(_), Some(kind)) => format!("{}Dependency", pascal(kind)),
        (Some(_), None) => "VulnerableDependency".to_owned(),
    }
}

fn pascal(words: &str) -> String {
    let mut name = String::from(if words.starts_with(|c: char| c.is_ascii_digit()) { "Rule" } else { "" });
    for word in words.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()) {
        let (first, rest) = word.split_at_checked(1).unwrap_or((word, ""));
        name.push_str(&first.to_ascii_uppercase());
        name.push_str(rest);
    }
    name
}

fn tags(finding: &Finding) -> Vec<String> {
    let kind = if finding.package.is_some() { "vulnerability" } else { "secret" };
    let kind = if finding.informational.is_some() { "advice" } else { kind };
    let mut tags = vec!["security".to_owned(), finding.scanner.to_owned(), kind.to_owned()];
    tags.extend(finding.package.iter().map(|package| package.ecosystem.to_owned()));
    tags.extend(finding.ids.iter().map(|id| text::short(id, 200)));
    tags.dedup();
    tags.truncate(TAGS);
    tags
}

/// Markdown that shows `text` and does nothing else.
fn plain(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            // A zero-width space keeps a name from being called.
            '@' => escaped.push_str("@\u{200b}"),
            '\r' | '\n' => escaped.push(' '),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '(' | ')' | '#' | '+' | '!' | '|' | '~' => {
                escaped.extend(['\\', c]);
            }
            c => escaped.push(c),
        }
    }
    escaped
}
