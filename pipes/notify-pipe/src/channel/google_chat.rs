//! Google Chat: a card to a space's incoming webhook.

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::Request;
use pipe_core::spec::{Group, Var};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::fit::fit;
use super::html::{escape, linked};
use super::target::{Channel, ChannelKind, HttpChannel, Target, numbered, urls};
use crate::http::{RequestExt, post_secret};
use crate::message::Message;
use crate::post::Undelivered;
use crate::text::{and_more, bytes, last_lines, one_line, shorten};

const GOOGLE_CHAT_WEBHOOK_URL: Var =
    Var::secrets("GOOGLE_CHAT_WEBHOOK_URL", "One or several incoming webhooks of spaces to send to.")
        .unset("nothing is sent to Google Chat")
        .example("https://chat.googleapis.com/v1/spaces/…");
const GOOGLE_CHAT_THREAD_KEY: Var =
    Var::text("GOOGLE_CHAT_THREAD_KEY", "Puts all messages with the same key into one thread.")
        .unset("each message starts its own")
        .example("shop-main");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "google-chat",
    group: Group { title: "Google Chat", vars: &[&GOOGLE_CHAT_WEBHOOK_URL, &GOOGLE_CHAT_THREAD_KEY] },
    needs: &[&GOOGLE_CHAT_WEBHOOK_URL],
    inferred: true,
    from_vars,
};

/// Bytes of a message: 32,000 with everything around it.
const MAX_SIZE: usize = 28_000;
const MAX_TITLE: usize = 400;
const MAX_TEXT: usize = 8_000;
const MAX_FIELDS: usize = 24;
const MAX_VALUE: usize = 400;
const MAX_LOG: usize = 8_000;
const MAX_BUTTONS: usize = 6;

struct GoogleChat {
    url: SecretString,
    thread: Option<String>,
    name: String,
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let urls = urls(vars, &GOOGLE_CHAT_WEBHOOK_URL);
    let thread = vars.text(&GOOGLE_CHAT_THREAD_KEY);
    let count = urls.len();
    let of = |(index, url): (usize, SecretString)| {
        let url = match &thread {
            Some(_) => {
                let url = url.expose_secret();
                let first = if url.contains('?') { "&" } else { "?" };
                SecretString::from(format!("{url}{first}messageReplyOption=REPLY_MESSAGE_FALLBACK_TO_NEW_THREAD"))
            }
            None => url,
        };
        Box::new(GoogleChat { url, thread: thread.clone(), name: numbered(index, count) }) as Box<dyn Channel>
    };
    urls.into_iter().enumerate().map(of).collect()
}

impl Target for GoogleChat {
    fn target(&self) -> String {
        self.name.clone()
    }
}

impl HttpChannel for GoogleChat {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let mut payload = fit(MAX_SIZE, |scale| payload(message, scale), |payload| payload.to_string().len());
        if let Some(thread) = &self.thread {
            payload["thread"] = json!({ "threadKey": thread });
        }
        Ok(post_secret(&self.url).json_body(&payload))
    }
}

fn payload(message: &Message, scale: usize) -> Value {
    let headline = shorten(&one_line(&message.headline()), MAX_TITLE, bytes);
    let mut widgets = Vec::new();
    if !message.text.is_empty() {
        let text = shorten(&message.text, MAX_TEXT / scale, bytes);
        widgets.push(json!({ "textParagraph": { "text": linked(&text, escape).replace('\n', "<br>") } }));
    }
    widgets.extend(facts(message, scale));
    if let Some(log) = &message.log {
        let end = last_lines(&log.text, MAX_LOG / scale, bytes);
        let name = escape(&shorten(&one_line(&log.name), MAX_VALUE, bytes));
        let lines = escape(&end).replace('\n', "<br>");
        widgets.push(json!({ "textParagraph": { "text": format!("<b>End of {name}</b><br>{lines}") } }));
    }
    let buttons: Vec<Value> = message
        .links
        .iter()
        .take((MAX_BUTTONS / scale).max(1))
        .filter(|link| link.url.len() <= 2_000 && !link.text.trim().is_empty())
        .map(|link| {
            json!({ "text": shorten(&one_line(&link.text), 80, bytes), "onClick": { "openLink": { "url": link.url } } })
        })
        .collect();
    if !buttons.is_empty() {
        widgets.push(json!({ "buttonList": { "buttons": buttons } }));
    }
    if widgets.is_empty() {
        widgets.push(json!({ "textParagraph": { "text": escape(message.status.name()) } }));
    }
    let mut payload = json!({
        "fallbackText": headline,
        "cardsV2": [{
            "cardId": "pipewright",
            "card": { "header": { "title": headline }, "sections": [{ "widgets": widgets }] },
        }],
    });
    let mentions = mentions(message);
    if !mentions.is_empty() {
        payload["text"] = Value::from(mentions);
    }
    payload
}

fn facts(message: &Message, scale: usize) -> Vec<Value> {
    let count = MAX_FIELDS / scale.min(MAX_FIELDS);
    let value = MAX_VALUE / scale.min(16);
    let fact = |label: &str, text: &str| {
        let text = escape(&shorten(&one_line(text), value, bytes));
        let seen = |text: String| if text.trim().is_empty() { "–".to_owned() } else { text };
        json!({ "topLabel": seen(shorten(&one_line(label), 80, bytes)), "text": seen(text), "wrapText": true })
    };
    let fields = message.fields.iter().map(|field| {
        let mut decorated = fact(&field.label, &field.value);
        if let Some(url) = field.url.as_ref().filter(|url| url.len() <= 2_000) {
            decorated["onClick"] = json!({ "openLink": { "url": url } });
        }
        decorated
    });
    let findings = message
        .findings
        .iter()
        .map(|finding| fact(&format!("{} {}", finding.status.icon(), finding.label), &finding.text));
    let all: Vec<Value> = fields.chain(findings).collect();
    let more = all.len().saturating_sub(count);
    let mut shown: Vec<Value> = all.into_iter().take(count).map(|fact| json!({ "decoratedText": fact })).collect();
    if more > 0 {
        shown.push(json!({ "textParagraph": { "text": and_more(more) } }));
    }
    shown
}

/// The one part of a message in which Chat reads mentions; only ids that we wrote ourselves are in it.
fn mentions(message: &Message) -> String {
    let is_id = |id: &str| (15..=30).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    let people = message.mentions.people.iter().filter_map(|person| person.id("google-chat", is_id));
    let all = message.mentions.broadcast.map(|_| "all".to_owned());
    let ids: Vec<String> = all
        .into_iter()
        .chain(people.take(20).filter(|id| id.len() <= 64 && id.bytes().all(|byte| byte.is_ascii_alphanumeric())))
        .map(|id| format!("<users/{id}>"))
        .collect();
    ids.join(" ")
}
