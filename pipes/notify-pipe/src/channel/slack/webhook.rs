//! Incoming webhooks: one request, no way back to the message.

use pipe_core::http::Request;
use secrecy::SecretString;
use serde_json::Value;

use super::blocks::{Appearance, MentionTarget, content, mention_target};
use crate::channel::target::{Channel, HttpChannel, Target, numbered};
use crate::http::{RequestExt, post_secret};
use crate::message::Message;
use crate::post::Undelivered;

pub(super) struct Webhook {
    url: SecretString,
    /// For older webhooks, which can write to any channel.
    channel: Option<String>,
    appearance: Appearance,
    name: String,
}

impl Webhook {
    pub(super) fn all(urls: Vec<SecretString>, channels: &[String], appearance: &Appearance) -> Vec<Box<dyn Channel>> {
        let count = urls.len();
        let of = |index: usize, url| {
            let channel = if channels.len() == count { channels.get(index) } else { channels.first() }.cloned();
            let name = channel.clone().unwrap_or_else(|| numbered(index, count));
            Box::new(Webhook { url, channel, appearance: appearance.clone(), name }) as Box<dyn Channel>
        };
        urls.into_iter().enumerate().map(|(index, url)| of(index, url)).collect()
    }
}

impl Target for Webhook {
    fn target(&self) -> String {
        self.name.clone()
    }
}

impl HttpChannel for Webhook {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let targets: Vec<MentionTarget> = message.mentions.people.iter().map(mention_target).collect();
        let mut payload = content(message, &targets, true);
        let optional = [
            ("channel", &self.channel),
            ("username", &self.appearance.username),
            ("icon_emoji", &self.appearance.icon),
            ("thread_ts", &self.appearance.thread),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                payload[key] = Value::from(value.as_str());
            }
        }
        Ok(post_secret(&self.url).json_body(&payload))
    }
}
