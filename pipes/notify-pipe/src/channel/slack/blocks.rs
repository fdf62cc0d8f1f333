//! A message as Slack's blocks.
//!
//! What people wrote goes into rich text, whose elements are taken as they are: nothing in it becomes markup, a mention or
//! a channel's name. Only links and mentions that are meant are separate elements.

use serde_json::{Value, json};

use crate::mention::{Broadcast, Mention};
use crate::message::Message;
use crate::text::{and_more, last_lines, links, one_line, shorten, utf16};

/// Slack's limits are per element; what all blocks together may hold is not documented, and messages of more than about
/// 13,200 characters were refused (`msg_blocks_too_long`). These add up to less.
const MAX_HEADER: usize = 150;
const MAX_TEXT: usize = 3_500;
const MAX_FIELDS: usize = 16;
const MAX_LABEL: usize = 40;
const MAX_VALUE: usize = 200;
const MAX_FINDINGS: usize = 8;
const MAX_FINDING: usize = 300;
const MAX_LOG: usize = 1_500;
const MAX_PEOPLE: usize = 20;
/// Buttons side by side; more make a second line.
const MAX_BUTTONS: usize = 5;
const MAX_BUTTON: usize = 75;
const MAX_URL: usize = 3_000;

/// The sender and the thread of a message.
#[derive(Debug, Clone, Default)]
pub(super) struct Appearance {
    pub(super) username: Option<String>,
    pub(super) icon: Option<String>,
    pub(super) thread: Option<String>,
    /// Answers in a thread stand in the channel, too.
    pub(super) broadcast: bool,
}

/// A person to mention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MentionTarget {
    User(String),
    /// By name only, without a notification.
    Name(String),
}

/// A person by the id of MENTIONS_FILE or MENTION_USERS, or else by name.
pub(super) fn mention_target(person: &Mention) -> MentionTarget {
    let id = person.id("slack", is_user_id).filter(|id| is_user_id(id));
    id.map_or_else(|| MentionTarget::Name(person.name.clone()), MentionTarget::User)
}

/// `U012AB3CD`, and `W…` of older organisations.
fn is_user_id(text: &str) -> bool {
    text.len() >= 7
        && text.starts_with(['U', 'W'])
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// The parts of a payload that say something: `text` for notifications, `blocks`, and `attachments` with the coloured
/// bar. `with_log` leaves the log out where it comes as a file.
pub(super) fn content(message: &Message, targets: &[MentionTarget], with_log: bool) -> Value {
    let headline = message.headline();
    let header = json!({
        "type": "header",
        "text": { "type": "plain_text", "text": shorten(&headline, MAX_HEADER, utf16), "emoji": false },
    });
    let mut blocks = vec![header];
    let said = said(message, targets);
    if !said.is_empty() {
        blocks.push(rich_text(&[section(said)]));
    }
    let mut details = Vec::new();
    let facts = facts(message);
    if !facts.is_empty() {
        details.push(rich_text(&[section(facts)]));
    }
    let log = message.log.as_ref().filter(|_| with_log);
    if let Some(log) = log {
        let end = last_lines(&log.text, MAX_LOG, utf16);
        let name = shorten(&log.name, MAX_VALUE, utf16);
        let mut elements = vec![section(vec![text(&format!("End of {name}"), Some("bold"))])];
        if !end.is_empty() {
            elements.push(json!({ "type": "rich_text_preformatted", "elements": [text(&end, None)] }));
        }
        details.push(rich_text(&elements));
    }
    let buttons = buttons(message);
    if !buttons.is_empty() {
        details.push(json!({ "type": "actions", "elements": buttons }));
    }
    let fallback = escape(&shorten(&headline, MAX_HEADER, utf16));
    let mut content = json!({ "text": fallback, "blocks": blocks, "unfurl_links": false, "unfurl_media": false });
    if !details.is_empty() {
        let color = format!("#{:06x}", message.color());
        content["attachments"] = json!([{ "color": color, "fallback": fallback, "blocks": details }]);
    }
    content
}

/// For fields that are mrkdwn: the only three characters with a meaning.
pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn rich_text(elements: &[Value]) -> Value {
    json!({ "type": "rich_text", "elements": elements })
}

fn section(elements: Vec<Value>) -> Value {
    json!({ "type": "rich_text_section", "elements": elements })
}

/// One element; Slack takes none without a text.
fn text(text: &str, style: Option<&str>) -> Value {
    let text = if text.is_empty() { " " } else { text };
    match style {
        Some(style) => json!({ "type": "text", "text": text, "style": { style: true } }),
        None => json!({ "type": "text", "text": text }),
    }
}

/// Mentions, then the message's text with its links.
fn said(message: &Message, targets: &[MentionTarget]) -> Vec<Value> {
    let mut elements = mentions(message, targets);
    if message.text.is_empty() {
        return elements;
    }
    if !elements.is_empty() {
        elements.push(text("\n", None));
    }
    elements.extend(linked(&shorten(&message.text, MAX_TEXT, utf16)));
    elements
}

/// The line in the thread of a message that was updated: an update notifies no person, so the mentions stand here.
pub(super) fn answer(message: &Message, targets: &[MentionTarget]) -> Value {
    let headline = shorten(&message.headline(), MAX_VALUE, utf16);
    let mut elements = mentions(message, targets);
    if !elements.is_empty() {
        elements.push(text(" ", None));
    }
    elements.push(text(&headline, None));
    json!({ "text": escape(&headline), "blocks": [rich_text(&[section(elements)])] })
}

fn mentions(message: &Message, targets: &[MentionTarget]) -> Vec<Value> {
    let mut elements = Vec::new();
    match message.mentions.broadcast {
        Some(Broadcast::Channel) => elements.push(json!({ "type": "broadcast", "range": "channel" })),
        Some(Broadcast::Here) => elements.push(json!({ "type": "broadcast", "range": "here" })),
        None => {}
    }
    for target in targets.iter().take(MAX_PEOPLE) {
        if !elements.is_empty() {
            elements.push(text(" ", None));
        }
        elements.push(match target {
            MentionTarget::User(id) => json!({ "type": "user", "user_id": id }),
            MentionTarget::Name(name) => text(&shorten(name, MAX_LABEL, utf16), None),
        });
    }
    elements
}

/// Text with the addresses in it as links.
fn linked(words: &str) -> Vec<Value> {
    let mut elements = Vec::new();
    let mut from = 0;
    for (range, url) in links(words) {
        if range.start > from {
            elements.push(text(&words[from..range.start], None));
        }
        from = range.end;
        elements.push(json!({ "type": "link", "url": url, "text": &words[range] }));
    }
    if from < words.len() {
        elements.push(text(&words[from..], None));
    }
    elements
}

/// Fields and findings, a line each.
fn facts(message: &Message) -> Vec<Value> {
    let mut elements = Vec::new();
    let mut line = |label: &str, value: Value| {
        let start = if elements.is_empty() { "" } else { "\n" };
        elements.push(text(&format!("{start}{label}"), Some("bold")));
        elements.push(text("  ", None));
        elements.push(value);
    };
    for field in message.fields.iter().take(MAX_FIELDS) {
        let value = shorten(&one_line(&field.value), MAX_VALUE, utf16);
        let value = match &field.url {
            Some(url) if url.len() <= MAX_URL && !value.is_empty() => {
                json!({ "type": "link", "url": url, "text": value })
            }
            _ if value.is_empty() => text("–", None),
            _ => text(&value, None),
        };
        line(&shorten(&one_line(&field.label), MAX_LABEL, utf16), value);
    }
    for finding in message.findings.iter().take(MAX_FINDINGS) {
        let value = shorten(&one_line(&finding.text), MAX_FINDING, utf16);
        line(&format!("{} {}", finding.status.icon(), shorten(&finding.label, MAX_LABEL, utf16)), text(&value, None));
    }
    let more = message.fields.len().saturating_sub(MAX_FIELDS) + message.findings.len().saturating_sub(MAX_FINDINGS);
    if more > 0 {
        elements.push(text(&format!("\n{}", and_more(more)), None));
    }
    elements
}

fn buttons(message: &Message) -> Vec<Value> {
    let usable = message.links.iter().filter(|link| link.url.len() <= MAX_URL && !link.text.trim().is_empty());
    usable
        .take(MAX_BUTTONS)
        .map(|link| {
            let text = shorten(&one_line(&link.text), MAX_BUTTON, utf16);
            json!({ "type": "button", "text": { "type": "plain_text", "text": text, "emoji": false }, "url": link.url })
        })
        .collect()
}
