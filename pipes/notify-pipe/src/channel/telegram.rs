//! Telegram: a message of a bot.

use std::time::Duration;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::Request;
use pipe_core::spec::{Group, Kind, Var};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::fit::fit;
use super::html::{escape, link, linked};
use super::target::{Channel, ChannelKind, HttpChannel, Target};
use crate::http::{RequestExt, post_secret};
use crate::message::{Message, Priority};
use crate::post::{Receipt, Response, Undelivered};
use crate::text::{and_more, last_lines, one_line, shorten, utf16};

const TELEGRAM_BOT_TOKEN: Var =
    Var::secret("TELEGRAM_BOT_TOKEN", "The token of a bot, from @BotFather.").unset("nothing is sent to Telegram");
const TELEGRAM_CHAT_ID: Var = Var::list("TELEGRAM_CHAT_ID", "The chats to write to: ids, or names of public channels.")
    .required("with TELEGRAM_BOT_TOKEN")
    .example("-1001234567890");
const TELEGRAM_THREAD_ID: Var =
    Var::new("TELEGRAM_THREAD_ID", Kind::Integer { min: 1, max: i64::MAX as u64 }, "Writes to this topic of a forum.")
        .unset("the general topic is used");
const TELEGRAM_API_URL: Var =
    Var::url("TELEGRAM_API_URL", "The URL of the Bot API.").default("https://api.telegram.org");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "telegram",
    group: Group {
        title: "Telegram",
        vars: &[&TELEGRAM_BOT_TOKEN, &TELEGRAM_CHAT_ID, &TELEGRAM_THREAD_ID, &TELEGRAM_API_URL],
    },
    needs: &[&TELEGRAM_BOT_TOKEN],
    inferred: true,
    from_vars,
};

/// Characters of a message, in UTF-16, once its markup is gone.
const MAX_SIZE: usize = 4_096;
const MAX_TITLE: usize = 250;
const MAX_TEXT: usize = 2_400;
const MAX_FIELDS: usize = 16;
const MAX_VALUE: usize = 150;
const MAX_LOG: usize = 1_200;
const MAX_BUTTONS: usize = 6;

struct Telegram {
    /// With the token in it.
    url: SecretString,
    chat: String,
    thread: Option<u64>,
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let token = vars.secret(&TELEGRAM_BOT_TOKEN);
    let chats = vars.list(&TELEGRAM_CHAT_ID);
    let thread = vars.integer(&TELEGRAM_THREAD_ID);
    let api = vars.text(&TELEGRAM_API_URL).unwrap_or_default();
    let Some(token) = token else { return Vec::new() };
    let text = token.expose_secret();
    if text.contains(|c: char| !(c.is_ascii_alphanumeric() || ":_-".contains(c))) {
        vars.problem(&TELEGRAM_BOT_TOKEN, "expected a token such as 123456:ABC-DEF");
    }
    if chats.is_empty() {
        vars.require(&TELEGRAM_CHAT_ID);
    }
    let url = SecretString::from(format!("{}/bot{text}/sendMessage", api.trim_end_matches('/')));
    chats.into_iter().map(|chat| Box::new(Telegram { url: url.clone(), chat, thread }) as Box<dyn Channel>).collect()
}

impl Target for Telegram {
    fn target(&self) -> String {
        self.chat.clone()
    }
}

impl HttpChannel for Telegram {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let text = fit(MAX_SIZE, |scale| html(message, scale), |text| visible(text));
        let mut payload = json!({
            "chat_id": self.chat,
            "text": text,
            "parse_mode": "HTML",
            "link_preview_options": { "is_disabled": true },
            "disable_notification": message.priority == Priority::Low,
        });
        if let Some(thread) = self.thread {
            payload["message_thread_id"] = Value::from(thread);
        }
        let buttons: Vec<Value> = message
            .links
            .iter()
            .take(MAX_BUTTONS)
            .filter(|link| link.url.len() <= 2_000 && !link.text.trim().is_empty())
            .map(|link| json!([{ "text": shorten(&one_line(&link.text), 60, utf16), "url": link.url }]))
            .collect();
        if !buttons.is_empty() {
            payload["reply_markup"] = json!({ "inline_keyboard": buttons });
        }
        Ok(post_secret(&self.url).json_body(&payload).retry_after_in(retry_after))
    }

    fn judge(&self, response: &Response) -> Result<Receipt, Undelivered> {
        let answer: Value = response.json().unwrap_or_default();
        if answer["ok"] != false {
            return Ok(Receipt::default());
        }
        let why = answer["description"].as_str().unwrap_or("the response says that the message was not sent");
        Err(Undelivered::Refused(format!("Telegram: {why}")))
    }
}

/// Whole seconds, among the parameters of the answer.
fn retry_after(body: &[u8]) -> Option<Duration> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    answer["parameters"]["retry_after"].as_u64().map(Duration::from_secs)
}

/// What is left of our own markup when it is read.
fn visible(html: &str) -> usize {
    let mut count = 0;
    let mut chars = html.chars();
    while let Some(c) = chars.next() {
        match c {
            '<' => drop(chars.by_ref().find(|c| *c == '>')),
            '&' => {
                chars.by_ref().find(|c| *c == ';');
                count += 1;
            }
            c => count += c.len_utf16(),
        }
    }
    count
}

/// A name behind `@` would be called, and one behind `/` is a command that a click sends, wherever a word may begin: tdlib
/// takes one after anything but a part of a word, `/`, `<` and `>` (`match_bot_commands`).
fn defused(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        out.push(c);
        let in_word = before.is_alphanumeric() || matches!(before, '_' | '/' | '<' | '>');
        let is_name = chars.peek().is_some_and(|next| next.is_ascii_alphanumeric() || *next == '_');
        if c == '@' || (c == '/' && !in_word && is_name) {
            out.push('\u{200b}');
        }
        before = c;
    }
    out
}

fn html(message: &Message, scale: usize) -> String {
    let mut out = String::new();
    let mentions = mentions(message);
    if !mentions.is_empty() {
        out.push_str(&format!("{mentions}\n"));
    }
    let headline = shorten(&one_line(&message.headline()), MAX_TITLE / scale.min(2), utf16);
    out.push_str(&format!("<b>{}</b>", escape(&defused(&headline))));
    if !message.text.is_empty() {
        out.push_str(&format!(
            "\n\n{}",
            linked(&shorten(&message.text, MAX_TEXT / scale, utf16), |text| escape(&defused(text)))
        ));
    }
    let facts = facts(message, scale);
    if !facts.is_empty() {
        out.push_str(&format!("\n\n{facts}"));
    }
    if let Some(log) = &message.log {
        let end = last_lines(&log.text, MAX_LOG / scale, utf16);
        let name = escape(&defused(&shorten(&one_line(&log.name), 80, utf16)));
        out.push_str(&format!("\n\n<b>End of {name}</b>\n<pre>{}</pre>", escape(&end)));
    }
    out
}

fn facts(message: &Message, scale: usize) -> String {
    let count = MAX_FIELDS / scale.min(MAX_FIELDS);
    let value = MAX_VALUE / scale.min(16);
    let label = |text: &str| escape(&defused(&shorten(&one_line(text), 40, utf16)));
    let fields = message.fields.iter().map(|field| {
        let text = defused(&shorten(&one_line(&field.value), value, utf16));
        let shown = field.url.as_ref().map_or_else(|| escape(&text), |url| link(&text, url));
        format!("<b>{}</b> {shown}", label(&field.label))
    });
    let findings = message.findings.iter().map(|finding| {
        let text = escape(&defused(&shorten(&one_line(&finding.text), value, utf16)));
        format!("{} <b>{}</b> {text}", finding.status.icon(), label(&finding.label))
    });
    let all: Vec<String> = fields.chain(findings).collect();
    let more = all.len().saturating_sub(count);
    let mut lines: Vec<String> = all.into_iter().take(count).collect();
    if more > 0 {
        lines.push(and_more(more));
    }
    lines.join("\n")
}

fn mentions(message: &Message) -> String {
    let is_id = |id: &str| (5..=20).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_digit());
    let words = message.mentions.people.iter().take(10).filter_map(|person| {
        let id = person.id("telegram", is_id)?;
        if is_id(&id) {
            return Some(link(&shorten(&one_line(&person.name), 60, utf16), &format!("tg://user?id={id}")));
        }
        let name = id.trim_start_matches('@');
        let plain =
            !name.is_empty() && name.len() <= 32 && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        plain.then(|| format!("@{name}"))
    });
    words.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{defused, retry_after, visible};

    #[test]
    fn no_word_is_a_command_or_calls_a_person() {
        let text = "/start to /srv on host; run /stop@some_bot (/a) x/y https://a.example/b //c 1/2 -/d";
        let mut after = String::new();
        let mut before = ' ';
        for c in defused(text).chars() {
            let begins = c.is_ascii_alphanumeric() && before == '/';
            let word = after.trim_end_matches('/').chars().next_back().is_some_and(char::is_alphanumeric);
            assert!(!begins || word || after.ends_with("//"), "a command after {after:?}");
            assert!(!(before == '@' && c != '\u{200b}'), "{after:?}");
            after.push(c);
            before = c;
        }
        assert_eq!(after.replace('\u{200b}', ""), text);
        assert!(defused("x/y https://a.example/b").contains("https://a.example/b"));
    }

    #[test]
    fn the_body_of_a_429_says_how_long() {
        let body = br#"{"ok": false, "error_code": 429, "parameters": {"retry_after": 7}}"#;
        assert_eq!(retry_after(body), Some(Duration::from_secs(7)));
        assert_eq!(retry_after(b"no"), None);
    }

    #[test]
    fn what_counts_is_what_is_seen() {
        assert_eq!(visible("<b>a&lt;b</b>🎉"), 5);
    }
}
