//! Mattermost: a message attachment to an incoming webhook.

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::{Group, Var};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::fit::fit;
use super::markdown::{code_block, cost, escape, link, linked};
use super::{Channel, HttpChannel, Kind, Target, urls};
use crate::http::{Call, host};
use crate::mention::Wide;
use crate::message::Message;
use crate::post::Undelivered;
use crate::text::{chars, last_lines, one_line, shorten, thousands};

const MATTERMOST_WEBHOOK_URL: Var =
    Var::secrets("MATTERMOST_WEBHOOK_URL", "Incoming webhooks, one or several; if unset, Mattermost is not told.")
        .example("https://chat.example.com/hooks/…");
const MATTERMOST_CHANNEL: Var = Var::text(
    "MATTERMOST_CHANNEL",
    "The channel to write to, where the webhook allows it; if unset, the webhook's own.",
);
const MATTERMOST_USERNAME: Var = Var::text(
    "MATTERMOST_USERNAME",
    "The name the message comes from, where the server allows it; if unset, the webhook's.",
);

pub(crate) const KIND: Kind = Kind {
    name: "mattermost",
    group: Group { title: "Mattermost", vars: &[&MATTERMOST_WEBHOOK_URL, &MATTERMOST_CHANNEL, &MATTERMOST_USERNAME] },
    needs: &[&MATTERMOST_WEBHOOK_URL],
    inferred: true,
    from_vars,
};

/// Characters of a post; attachments are held to the same.
const LIMIT: usize = 14_000;
const TITLE: usize = 250;
const TEXT: usize = 6_000;
const FIELDS: usize = 24;
const VALUE: usize = 300;
const LOG: usize = 4_000;
/// A backslash keeps these from being markup, but not from calling people, linking channels or tagging.
const BROKEN: &str = "@~#:";

struct Mattermost {
    url: SecretString,
    room: Option<String>,
    username: Option<String>,
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let urls = urls(vars, &MATTERMOST_WEBHOOK_URL);
    let (room, username) = (vars.text(&MATTERMOST_CHANNEL), vars.text(&MATTERMOST_USERNAME));
    let of = |url| Box::new(Mattermost { url, room: room.clone(), username: username.clone() }) as Box<dyn Channel>;
    urls.into_iter().map(of).collect()
}

impl Target for Mattermost {
    fn target(&self) -> String {
        self.room.clone().unwrap_or_else(|| host(&self.url))
    }
}

impl HttpChannel for Mattermost {
    fn call(&self, message: &Message) -> Result<Call, Undelivered> {
        let mut payload = fit(LIMIT, |scale| payload(message, scale), |payload| payload.to_string().chars().count());
        for (key, value) in [("channel", &self.room), ("username", &self.username)] {
            if let Some(value) = value {
                payload[key] = Value::from(value.trim_start_matches('#'));
            }
        }
        Ok(Call::secret(&self.url).json(&payload))
    }
}

fn text(text: &str) -> String {
    escape(text, BROKEN)
}

fn payload(message: &Message, scale: usize) -> Value {
    let headline = shorten(&one_line(&message.headline()), TITLE, cost);
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
        parts.push(linked(&shorten(&message.text, TEXT / scale, cost), BROKEN));
    }
    if let Some(log) = &message.log {
        let name = text(&shorten(&one_line(&log.name), VALUE, cost));
        parts.push(format!("**End of {name}**\n{}", code_block(&last_lines(&log.text, LOG / scale, chars))));
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
    let count = FIELDS / scale.min(FIELDS);
    let value = VALUE / scale.min(16);
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
        shown.push(json!({ "short": false, "title": "…", "value": format!("and {} more", thousands(more)) }));
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
    let wide = match message.mentions.wide {
        Some(Wide::Channel) => Some("channel".to_owned()),
        Some(Wide::Here) => Some("here".to_owned()),
        None => None,
    };
    let names: Vec<String> =
        wide.into_iter().chain(people.filter(|name| is_name(name))).map(|name| format!("@{name}")).collect();
    names.join(" ")
}
