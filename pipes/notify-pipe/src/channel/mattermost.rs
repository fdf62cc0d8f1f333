//! Mattermost: a message attachment to an incoming webhook.

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::Request;
use pipe_core::spec::{Group, Var};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::fit::fit;
use super::markdown::{code_block, cost, escape, link, linked};
use super::target::{Channel, ChannelKind, HttpChannel, Target, urls};
use crate::http::{RequestExt, host, post_secret};
use crate::mention::Broadcast;
use crate::message::Message;
use crate::post::Undelivered;
use crate::text::{and_more, chars, last_lines, one_line, shorten};

const MATTERMOST_WEBHOOK_URL: Var =
    Var::secrets("MATTERMOST_WEBHOOK_URL", "One or several incoming webhooks to send to.")
        .unset("nothing is sent to Mattermost")
        .example("https://chat.example.com/hooks/…");
const MATTERMOST_CHANNEL: Var =
    Var::text("MATTERMOST_CHANNEL", "Writes to this channel, if the webhook is not locked to another.")
        .unset("the channel of the webhook is used");
const MATTERMOST_USERNAME: Var = Var::text("MATTERMOST_USERNAME", "The sender's name, if the server allows it.")
    .unset("the name of the webhook is used");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "mattermost",
    group: Group { title: "Mattermost", vars: &[&MATTERMOST_WEBHOOK_URL, &MATTERMOST_CHANNEL, &MATTERMOST_USERNAME] },
    needs: &[&MATTERMOST_WEBHOOK_URL],
    inferred: true,
    from_vars,
};

/// Characters of a post; attachments are held to the same.
const MAX_SIZE: usize = 14_000;
const MAX_TITLE: usize = 250;
const MAX_TEXT: usize = 6_000;
const MAX_FIELDS: usize = 24;
const MAX_VALUE: usize = 300;
const MAX_LOG: usize = 4_000;
/// A backslash keeps these from being markup, but not from calling people, linking channels or tagging.
const BROKEN: &str = "@~#:";

struct Mattermost {
    url: SecretString,
    channel: Option<String>,
    username: Option<String>,
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let urls = urls(vars, &MATTERMOST_WEBHOOK_URL);
    let (channel, username) = (vars.text(&MATTERMOST_CHANNEL), vars.text(&MATTERMOST_USERNAME));
    let of =
        |url| Box::new(Mattermost { url, channel: channel.clone(), username: username.clone() }) as Box<dyn Channel>;
    urls.into_iter().map(of).collect()
}

impl Target for Mattermost {
    fn target(&self) -> String {
        self.channel.clone().unwrap_or_else(|| host(&self.url))
    }
}

impl HttpChannel for Mattermost {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let mut payload = fit(MAX_SIZE, |scale| payload(message, scale), |payload| payload.to_string().chars().count());
        for (key, value) in [("channel", &self.channel), ("username", &self.username)] {
            if let Some(value) = value {
                payload[key] = Value::from(value.trim_start_matches('#'));
            }
        }
        Ok(post_secret(&self.url).json_body(&payload))
    }
}

fn text(text: &str) -> String {
    escape(text, BROKEN)
}

fn payload(message: &Message, scale: usize) -> Value {
    let headline = shorten(&one_line(&message.headline()), MAX_TITLE, cost);
    let mut attachment = json!({
        "fallback": headline,
        "color": format!("#{:06x}", message.color()),
        "title": text(&headline),
        "text": body(message, scale),
        "fields": fields(message, scale),
    });
    if let Some(link) = message.links.first().filter(|link| link.url.len() <= 2_000) {
        attachment["title_link"] = Value::from(link.url.as_str());
    }
    json!({ "text": mentions(message), "attachments": [attachment] })
}

fn body(message: &Message, scale: usize) -> String {
    let mut parts = Vec::new();
    if !message.text.is_empty() {
        parts.push(linked(&shorten(&message.text, MAX_TEXT / scale, cost), BROKEN));
    }
    if let Some(log) = &message.log {
        let name = text(&shorten(&one_line(&log.name), MAX_VALUE, cost));
        parts.push(format!("**End of {name}**\n{}", code_block(&last_lines(&log.text, MAX_LOG / scale, chars))));
    }
    let links: Vec<String> = message
        .links
        .iter()
        .take((6 / scale).max(1))
        .filter(|it| it.url.len() <= 500)
        .map(|it| link(&text(&shorten(&one_line(&it.text), 80, cost)), &it.url))
        .collect();
    if !links.is_empty() {
        parts.push(links.join(" · "));
    }
    parts.join("\n\n")
}

fn fields(message: &Message, scale: usize) -> Vec<Value> {
    let count = MAX_FIELDS / scale.min(MAX_FIELDS);
    let value = MAX_VALUE / scale.min(16);
    let facts = message.fields.iter().map(|field| {
        let shown = text(&shorten(&one_line(&field.value), value, cost));
        let shown = if shown.trim().is_empty() { "–".to_owned() } else { shown };
        let linked = field.url.as_ref().filter(|url| url.len() <= 500).map(|url| link(&shown, url));
        let title = label(&field.label);
        json!({ "short": field.value.chars().count() <= 30, "title": title, "value": linked.unwrap_or(shown) })
    });
    let findings = message.findings.iter().map(|finding| {
        let title = format!("{} {}", finding.status.icon(), label(&finding.label));
        let shown = text(&shorten(&one_line(&finding.text), value, cost));
        let shown = if shown.trim().is_empty() { "–".to_owned() } else { shown };
        json!({ "short": false, "title": title, "value": shown })
    });
    let all: Vec<Value> = facts.chain(findings).collect();
    let more = all.len().saturating_sub(count);
    let mut shown: Vec<Value> = all.into_iter().take(count).collect();
    if more > 0 {
        shown.push(json!({ "short": false, "title": "…", "value": and_more(more) }));
    }
    shown
}

fn label(label: &str) -> String {
    let label = text(&shorten(&one_line(label), 60, cost));
    if label.trim().is_empty() { "–".to_owned() } else { label }
}

/// Users are called by their name on the server.
fn mentions(message: &Message) -> String {
    let is_name = |name: &str| {
        (1..=64).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
    };
    let people = message.mentions.people.iter().take(20).filter_map(|person| person.id("mattermost", is_name));
    let broadcast = match message.mentions.broadcast {
        Some(Broadcast::Channel) => Some("channel".to_owned()),
        Some(Broadcast::Here) => Some("here".to_owned()),
        None => None,
    };
    let names: Vec<String> =
        broadcast.into_iter().chain(people.filter(|name| is_name(name))).map(|name| format!("@{name}")).collect();
    names.join(" ")
}
