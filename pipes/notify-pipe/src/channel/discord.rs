//! Discord: an embed to an incoming webhook.

use std::time::Duration;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::{Group, Var};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::fit::fit;
use super::markdown::{code_block, cost, escape, link, linked};
use super::{Channel, HttpChannel, Kind, Target, numbered, urls};
use crate::http::Call;
use crate::mention::Wide;
use crate::message::Message;
use crate::pipeline::encode;
use crate::post::{Receipt, Response, Undelivered};
use crate::text::{last_lines, one_line, shorten, thousands, utf16};

const DISCORD_WEBHOOK_URL: Var =
    Var::secrets("DISCORD_WEBHOOK_URL", "Incoming webhooks, one or several; if unset, Discord is not told.")
        .example("https://discord.com/api/webhooks/…");
const DISCORD_USERNAME: Var =
    Var::text("DISCORD_USERNAME", "The name the message comes from; if unset, CI/CD Bot.").default("CI/CD Bot");
const DISCORD_AVATAR_URL: Var = Var::url("DISCORD_AVATAR_URL", "The picture beside it; if unset, the webhook's own.");
const DISCORD_THREAD_ID: Var = Var::text("DISCORD_THREAD_ID", "The thread to write to; if unset, the channel itself.");

pub(crate) const KIND: Kind = Kind {
    name: "discord",
    group: Group {
        title: "Discord",
        vars: &[&DISCORD_WEBHOOK_URL, &DISCORD_USERNAME, &DISCORD_AVATAR_URL, &DISCORD_THREAD_ID],
    },
    needs: &[&DISCORD_WEBHOOK_URL],
    inferred: true,
    from_vars,
};

/// Characters of all texts of a message's embeds together; each has a limit of its own besides.
const LIMIT: usize = 6_000;
const TITLE: usize = 256;
const DESCRIPTION: usize = 4_096;
const TEXT: usize = 2_000;
const FIELDS: usize = 25;
const LABEL: usize = 256;
const VALUE: usize = 1_024;
const LOG: usize = 1_500;
const USERNAME: usize = 80;
const PEOPLE: usize = 20;

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
        // Without `wait` the answer comes before anybody has looked at the message.
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
    fn call(&self, message: &Message) -> Result<Call, Undelivered> {
        let embeds = fit(LIMIT, |scale| embeds(message, scale), size);
        let (content, allowed) = mentions(message);
        let mut payload = json!({
            "username": shorten(&one_line(&self.username), USERNAME, utf16),
            "content": content,
            "embeds": embeds,
            "allowed_mentions": allowed,
        });
        if let Some(avatar) = &self.avatar {
            payload["avatar_url"] = Value::from(avatar.as_str());
        }
        Ok(Call::secret(&self.url).json(&payload).retry_after_in(retry_after))
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
    let mut description = linked(&shorten(&message.text, TEXT / scale, cost), "");
    let links = links(message, scale);
    if !links.is_empty() {
        let gap = if description.is_empty() { "" } else { "\n\n" };
        description.push_str(&format!("{gap}{links}"));
    }
    let mut embed = json!({
        "title": escape(&shorten(&one_line(&message.headline()), TITLE, cost), ""),
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
        let end = last_lines(&log.text, LOG / scale, |c| if c == '`' { 2 } else { utf16(c) });
        embeds.push(json!({
            "title": escape(&shorten(&format!("End of {}", log.name), TITLE, cost), ""),
            "description": code_block(if end.is_empty() { "(empty)" } else { &end }),
        }));
    }
    Value::Array(embeds)
}

/// A webhook has no buttons.
fn links(message: &Message, scale: usize) -> String {
    let mut room = DESCRIPTION - TEXT - 4;
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
    let count = (FIELDS - 1) / scale.min(FIELDS - 1);
    let value = (VALUE / 4 / scale).max(16);
    let shown = |text: &str| {
        let text = escape(&shorten(&one_line(text), value, cost), "");
        if text.trim().is_empty() { "–".to_owned() } else { text }
    };
    let label = |text: &str| {
        let text = escape(&shorten(&one_line(text), LABEL / 4, cost), "");
        if text.trim().is_empty() { "–".to_owned() } else { text }
    };
    let facts = message.fields.iter().map(|field| {
        let text = shown(&field.value);
        let linked = field.url.as_ref().map_or_else(|| text.clone(), |url| link(&text, url));
        let linked = if linked.encode_utf16().count() <= VALUE { linked } else { text };
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
        shown.push(json!({ "name": "…", "value": format!("and {} more", thousands(more)), "inline": false }));
    }
    shown
}

/// Nobody is called but who is meant: everything else that looks like a mention is text.
fn mentions(message: &Message) -> (String, Value) {
    // A 64-bit number, of which none that is given has fewer digits.
    let is_id = |text: &str| (15..=20).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let known: Vec<String> =
        message.mentions.people.iter().filter_map(|person| person.id("discord", is_id)).take(PEOPLE).collect();
    let users: Vec<&String> = known.iter().filter(|id| is_id(id)).collect();
    let mut words: Vec<String> = users.iter().map(|id| format!("<@{id}>")).collect();
    let parse = match message.mentions.wide {
        Some(Wide::Channel) => {
            words.insert(0, "@everyone".to_owned());
            json!(["everyone"])
        }
        Some(Wide::Here) => {
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
