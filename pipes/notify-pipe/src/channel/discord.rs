//! Discord: an embed to an incoming webhook.

use std::time::Duration;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::Request;
use pipe_core::spec::{Group, Var};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::fit::fit;
use super::markdown::{code_block, cost, escape, link, linked};
use super::target::{Channel, ChannelKind, HttpChannel, Target, numbered, urls};
use crate::http::{RequestExt, encode, post_secret};
use crate::mention::Broadcast;
use crate::message::Message;
use crate::post::{Receipt, Response, Undelivered};
use crate::text::{and_more, last_lines, one_line, shorten, utf16};

const DISCORD_WEBHOOK_URL: Var = Var::secrets("DISCORD_WEBHOOK_URL", "One or several incoming webhooks to send to.")
    .unset("nothing is sent to Discord")
    .example("https://discord.com/api/webhooks/…");
const DISCORD_USERNAME: Var = Var::text("DISCORD_USERNAME", "The sender's name.").default("CI/CD Bot");
const DISCORD_AVATAR_URL: Var =
    Var::url("DISCORD_AVATAR_URL", "The sender's picture.").unset("the picture of the webhook is used");
const DISCORD_THREAD_ID: Var =
    Var::text("DISCORD_THREAD_ID", "Writes to this thread.").unset("the message goes to the channel itself");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "discord",
    group: Group {
        title: "Discord",
        vars: &[&DISCORD_WEBHOOK_URL, &DISCORD_USERNAME, &DISCORD_AVATAR_URL, &DISCORD_THREAD_ID],
    },
    needs: &[&DISCORD_WEBHOOK_URL],
    inferred: true,
    from_vars,
};

/// Characters of all texts of a message's embeds together. Each text has a limit, too.
const MAX_SIZE: usize = 6_000;
const MAX_TITLE: usize = 256;
const MAX_DESCRIPTION: usize = 4_096;
const MAX_TEXT: usize = 2_000;
const MAX_FIELDS: usize = 25;
const MAX_LABEL: usize = 256;
const MAX_VALUE: usize = 1_024;
const MAX_LOG: usize = 1_500;
const MAX_USERNAME: usize = 80;
const MAX_PEOPLE: usize = 20;

struct Discord {
    url: SecretString,
    username: String,
    avatar: Option<String>,
    name: String,
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let urls = urls(vars, &DISCORD_WEBHOOK_URL);
    let username = vars.text(&DISCORD_USERNAME).unwrap_or_default();
    let avatar = vars.text(&DISCORD_AVATAR_URL);
    let thread =
        vars.text(&DISCORD_THREAD_ID).map(|id| format!("&thread_id={}", encode(id.trim()))).unwrap_or_default();
    let count = urls.len();
    let of = |(index, url): (usize, SecretString)| {
        // Without `wait` the response comes before Discord has checked the message.
        let url = url.expose_secret();
        let first = if url.contains('?') { "&" } else { "?" };
        let url = SecretString::from(format!("{url}{first}wait=true{thread}"));
        let (username, avatar) = (username.clone(), avatar.clone());
        Box::new(Discord { url, username, avatar, name: numbered(index, count) }) as Box<dyn Channel>
    };
    urls.into_iter().enumerate().map(of).collect()
}

impl Target for Discord {
    fn target(&self) -> String {
        self.name.clone()
    }
}

impl HttpChannel for Discord {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let embeds = fit(MAX_SIZE, |scale| embeds(message, scale), size);
        let (content, allowed) = mentions(message);
        let mut payload = json!({
            "username": shorten(&one_line(&self.username), MAX_USERNAME, utf16),
            "content": content,
            "embeds": embeds,
            "allowed_mentions": allowed,
        });
        if let Some(avatar) = &self.avatar {
            payload["avatar_url"] = Value::from(avatar.as_str());
        }
        Ok(post_secret(&self.url).json_body(&payload).retry_after_in(retry_after))
    }

    fn judge(&self, response: &Response) -> Result<Receipt, Undelivered> {
        let id = response.json::<Value>().ok().and_then(|answer| answer["id"].as_str().map(str::to_owned));
        Ok(Receipt { output: id.map(|id| ("discord_message", id)), remarks: Vec::new() })
    }
}

/// Seconds, as a decimal number.
fn retry_after(body: &[u8]) -> Option<Duration> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    Duration::try_from_secs_f64(answer["retry_after"].as_f64()?).ok()
}

fn size(embeds: &Value) -> usize {
    fn texts(value: &Value) -> usize {
        match value {
            Value::String(text) => text.encode_utf16().count(),
            Value::Array(items) => items.iter().map(texts).sum(),
            Value::Object(map) => map
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), "url" | "timestamp"))
                .map(|(_, value)| texts(value))
                .sum(),
            _ => 0,
        }
    }
    texts(embeds)
}

fn embeds(message: &Message, scale: usize) -> Value {
    let mut description = linked(&shorten(&message.text, MAX_TEXT / scale, cost), "");
    let links = links(message, scale);
    if !links.is_empty() {
        let gap = if description.is_empty() { "" } else { "\n\n" };
        description.push_str(&format!("{gap}{links}"));
    }
    let mut embed = json!({
        "title": escape(&shorten(&one_line(&message.headline()), MAX_TITLE, cost), ""),
        "color": message.color(),
        "fields": fields(message, scale),
        "timestamp": message.run.finished_at.to_string(),
    });
    if !description.trim().is_empty() {
        embed["description"] = Value::from(description);
    }
    if let Some(url) = message.links.first().map(|link| &link.url).filter(|url| url.len() <= 2_000) {
        embed["url"] = Value::from(url.as_str());
    }
    let mut embeds = vec![embed];
    if let Some(log) = &message.log {
        let end = last_lines(&log.text, MAX_LOG / scale, |c| if c == '`' { 2 } else { utf16(c) });
        embeds.push(json!({
            "title": escape(&shorten(&format!("End of {}", log.name), MAX_TITLE, cost), ""),
            "description": code_block(if end.is_empty() { "(empty)" } else { &end }),
        }));
    }
    Value::Array(embeds)
}

/// A webhook has no buttons.
fn links(message: &Message, scale: usize) -> String {
    let mut room = MAX_DESCRIPTION - MAX_TEXT - 4;
    let mut out = Vec::new();
    for message_link in message.links.iter().take((5 / scale).max(1)) {
        let text = escape(&shorten(&one_line(&message_link.text), 100, cost), "");
        let written = link(&text, &message_link.url);
        let length = written.encode_utf16().count() + 3;
        if length <= room.min(800) {
            room -= length;
            out.push(written);
        }
    }
    out.join(" · ")
}

fn fields(message: &Message, scale: usize) -> Vec<Value> {
    let count = (MAX_FIELDS - 1) / scale.min(MAX_FIELDS - 1);
    let value = (MAX_VALUE / 4 / scale).max(16);
    let shown = |text: &str| {
        let text = escape(&shorten(&one_line(text), value, cost), "");
        if text.trim().is_empty() { "–".to_owned() } else { text }
    };
    let label = |text: &str| {
        let text = escape(&shorten(&one_line(text), MAX_LABEL / 4, cost), "");
        if text.trim().is_empty() { "–".to_owned() } else { text }
    };
    let facts = message.fields.iter().map(|field| {
        let text = shown(&field.value);
        let linked = field.url.as_ref().map_or_else(|| text.clone(), |url| link(&text, url));
        let linked = if linked.encode_utf16().count() <= MAX_VALUE { linked } else { text };
        json!({ "name": label(&field.label), "value": linked, "inline": field.value.chars().count() <= 30 })
    });
    let findings = message.findings.iter().map(|finding| {
        let name = label(&format!("{} {}", finding.status.icon(), finding.label));
        json!({ "name": name, "value": shown(&finding.text), "inline": false })
    });
    let all: Vec<Value> = facts.chain(findings).collect();
    let more = all.len().saturating_sub(count);
    let mut shown: Vec<Value> = all.into_iter().take(count).collect();
    if more > 0 {
        shown.push(json!({ "name": "…", "value": and_more(more), "inline": false }));
    }
    shown
}

/// Only people and groups that are meant are mentioned: everything else that looks like a mention is text.
fn mentions(message: &Message) -> (String, Value) {
    // A 64-bit number, of which none that is given has fewer digits.
    let is_id = |text: &str| (15..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let known: Vec<String> =
        message.mentions.people.iter().filter_map(|person| person.id("discord", is_id)).take(MAX_PEOPLE).collect();
    let users: Vec<&String> = known.iter().filter(|id| is_id(id)).collect();
    let mut words: Vec<String> = users.iter().map(|id| format!("<@{id}>")).collect();
    let parse = match message.mentions.broadcast {
        Some(Broadcast::Channel) => {
            words.insert(0, "@everyone".to_owned());
            json!(["everyone"])
        }
        Some(Broadcast::Here) => {
            words.insert(0, "@here".to_owned());
            json!(["everyone"])
        }
        None => json!([]),
    };
    (words.join(" "), json!({ "parse": parse, "users": users }))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::retry_after;

    #[test]
    fn the_body_of_a_429_says_how_long_in_seconds() {
        let body = br#"{"message": "You are being rate limited.", "retry_after": 0.65, "global": false}"#;
        assert_eq!(retry_after(body), Some(Duration::from_millis(650)));
        assert_eq!(retry_after(b"{}"), None);
        assert_eq!(retry_after(br#"{"retry_after": -1}"#), None);
    }
}
