//! A message as Slack's blocks.
//!
//! What people wrote goes into rich text, whose elements are taken as they are: nothing in it becomes markup, a mention or
//! a channel's name. Only links and mentions that are meant are elements of their own.

use serde_json::{Value, json};

use crate::mention::Wide;
use crate::message::Message;
use crate::text::{last_lines, links, one_line, shorten, thousands, utf16};

/// Slack's limits are per element; what all blocks together may hold is not documented, and messages of more than about
/// 13,200 characters were refused (`msg_blocks_too_long`). These add up to less.
const HEADER: usize = 150;
const TEXT: usize = 3_500;
const FIELDS: usize = 16;
const LABEL: usize = 40;
const VALUE: usize = 200;
const FINDINGS: usize = 8;
const FINDING: usize = 300;
const LOG: usize = 1_500;
const PEOPLE: usize = 20;
/// Buttons side by side; more make a second line.
const BUTTONS: usize = 5;
const BUTTON: usize = 75;
const URL: usize = 3_000;

/// Somebody to mention, as far as Slack knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Called {
    User(String),
    /// By name only: nobody is notified.
    Name(String),
}

/// The parts of a payload that say something: `text` for notifications, `blocks`, and `attachments` with the coloured
/// bar. `with_log` leaves the log out where it comes as a file.
pub(super) fn content(message: &Message, called: &[Called], with_log: bool) -> Value {
    let headline = message.headline();
    let header = json!({
        "type": "header",
        "text": { "type": "plain_text", "text": shorten(&headline, HEADER, utf16), "emoji": false },
    });
    let mut blocks = vec![header];
    let said = said(message, called);
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
        let end = last_lines(&log.text, LOG, utf16);
        let name = shorten(&log.name, VALUE, utf16);
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
    let fallback = escape(&shorten(&headline, HEADER, utf16));
    let mut content = json!({ "text": fallback, "blocks": blocks, "unfurl_links": false, "unfurl_media": false });
    if !details.is_empty() {
        let color = format!("#{:06x}", message.color());
        content["attachments"] = json!([{ "color": color, "fallback": fallback, "blocks": details }]);
    }
    content
}

/// For fields that are mrkdwn: the only three characters that mean something by themselves.
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
fn said(message: &Message, called: &[Called]) -> Vec<Value> {
    let mut elements = Vec::new();
    match message.mentions.wide {
        Some(Wide::Channel) => elements.push(json!({ "type": "broadcast", "range": "channel" })),
        Some(Wide::Here) => elements.push(json!({ "type": "broadcast", "range": "here" })),
        None => {}
    }
    for called in called.iter().take(PEOPLE) {
        if !elements.is_empty() {
            elements.push(text(" ", None));
        }
        elements.push(match called {
            Called::User(id) => json!({ "type": "user", "user_id": id }),
            Called::Name(name) => text(&shorten(name, LABEL, utf16), None),
        });
    }
    if message.text.is_empty() {
        return elements;
    }
    if !elements.is_empty() {
        elements.push(text("\n", None));
    }
    elements.extend(linked(&shorten(&message.text, TEXT, utf16)));
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
    for field in message.fields.iter().take(FIELDS) {
        let value = shorten(&one_line(&field.value), VALUE, utf16);
        let value = match &field.url {
            Some(url) if url.len() <= URL && !value.is_empty() => json!({ "type": "link", "url": url, "text": value }),
            _ if value.is_empty() => text("–", None),
            _ => text(&value, None),
        };
        line(&shorten(&one_line(&field.label), LABEL, utf16), value);
    }
    for finding in message.findings.iter().take(FINDINGS) {
        let value = shorten(&one_line(&finding.text), FINDING, utf16);
        line(&format!("{} {}", finding.status.icon(), shorten(&finding.label, LABEL, utf16)), text(&value, None));
    }
    let more = message.fields.len().saturating_sub(FIELDS) + message.findings.len().saturating_sub(FINDINGS);
    if more > 0 {
        elements.push(text(&format!("\nand {} more", thousands(more)), None));
    }
    elements
}

fn buttons(message: &Message) -> Vec<Value> {
    let usable = message.links.iter().filter(|link| link.url.len() <= URL && !link.text.trim().is_empty());
    usable
        .take(BUTTONS)
        .map(|link| {
            let text = shorten(&one_line(&link.text), BUTTON, utf16);
            json!({ "type": "button", "text": { "type": "plain_text", "text": text, "emoji": false }, "url": link.url })
        })
        .collect()
}
