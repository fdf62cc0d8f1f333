//! What a result's rule says: everything that is the same wherever the rule fires.

use pipe_core::severity::Severity;
use pipe_packages::sbom::uri;

use crate::finding::{Finding, Precision};
use crate::output::sarif::model::{Help, Message, Rule, RuleProperties};
use crate::words::{sentence, short};

/// GitHub cuts what is longer.
const MAX_DESCRIPTION: usize = 1024;
/// GitHub refuses a rule with more.
const MAX_TAGS: usize = 20;

pub(super) fn rule<'a>(head: &Head<'a>) -> Rule<'a> {
    let finding = head.finding;
    let rule = &*finding.rule;
    let title = sentence(&short(&rule.title, MAX_DESCRIPTION - 1));
    let explained = rule.explanation.as_deref().map_or_else(|| title.clone(), |text| format!("{title} {text}"));
    let full = match rule.ids.as_slice() {
        [_, aliases @ ..] if !aliases.is_empty() => format!("{explained} Also known as {}.", aliases.join(", ")),
        _ => explained,
    };
    let remedy = finding.remedy().text;
    let link = rule.link.as_deref().and_then(uri::absolute).filter(|url| url.starts_with("http"));
    let more = link.as_deref().map(|url| format!(" More: <{url}>")).unwrap_or_default();
    Rule {
        id: &rule.id,
        name: &rule.name,
        short_description: Message::new(&title),
        full_description: Message::new(&short(&full, MAX_DESCRIPTION)),
        help: Help { text: remedy.to_string(), markdown: format!("{}{more}", plain(&remedy)) },
        help_uri: link,
        properties: RuleProperties {
            tags: tags(finding),
            precision: match rule.precision {
                Precision::High => "high",
                Precision::Medium => "medium",
            },
            security_severity: head.score.map(|score| format!("{score:.1}")),
        },
    }
}

/// What a rule is made of when it is written.
pub(super) struct Head<'a> {
    finding: &'a Finding,
    /// A rule has one severity for GitHub: the worst of its results.
    score: Option<f32>,
}

impl<'a> Head<'a> {
    /// The rule of its first finding, which still counts for nothing.
    pub(super) fn new(finding: &'a Finding) -> Head<'a> {
        Head { finding, score: None }
    }

    pub(super) fn raise(&mut self, finding: &Finding) {
        if finding.informational().is_some() {
            return;
        }
        let score = finding.score().filter(|score| score.is_finite() && (0.1..=10.0).contains(score));
        // GitHub has CVSS' own bands, and a rating alone says no more than the lowest score of its band.
        let score = score.or(finding.severity.map(Severity::lowest_score));
        if let Some(score) = score.filter(|score| self.score.is_none_or(|known| *score > known)) {
            self.score = Some(score);
        }
    }
}

fn tags(finding: &Finding) -> Vec<String> {
    let mut tags = vec!["security".to_owned(), finding.scanner.to_owned()];
    tags.extend(finding.rule.tags.iter().map(|tag| tag.clone().into_owned()));
    tags.extend(finding.rule.ids.iter().map(|id| short(id, 200)));
    tags.dedup();
    tags.truncate(MAX_TAGS);
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
