//! Incoming webhooks: one request, no way back to the message.

use secrecy::SecretString;
use serde_json::Value;

use super::Looks;
use super::blocks::{Called, content};
use crate::channel::{Channel, HttpChannel, Target, numbered};
use crate::http::Call;
use crate::mention::Mention;
use crate::message::Message;
use crate::post::Undelivered;

pub(super) struct Webhook {
    url: SecretString,
    /// For older webhooks, which can write to any channel.
    room: Option<String>,
    looks: Looks,
    name: String,
}

impl Webhook {
    pub(super) fn all(urls: Vec<SecretString>, rooms: &[String], looks: &Looks) -> Vec<Box<dyn Channel>> {
        let count = urls.len();
        let of = |index: usize, url| {
            let room = if rooms.len() == count { rooms.get(index) } else { rooms.first() }.cloned();
            let name = room.clone().unwrap_or_else(|| numbered(index, count));
            Box::new(Webhook { url, room, looks: looks.clone(), name }) as Box<dyn Channel>
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
    fn call(&self, message: &Message) -> Result<Call, Undelivered> {
        let called: Vec<Called> = message.mentions.people.iter().map(called).collect();
        let mut payload = content(message, &called, true);
        let optional = [
            ("channel", &self.room),
            ("username", &self.looks.username),
            ("icon_emoji", &self.looks.icon),
            ("thread_ts", &self.looks.thread),
        ];
        for (key, value) in optional {
            if let Some(value) = value {
                payload[key] = Value::from(value.as_str());
            }
        }
        Ok(Call::secret(&self.url).json(&payload))
    }
}

/// Whom a webhook can mention: those whose id is known.
pub(super) fn called(person: &Mention) -> Called {
    let id = person.id("slack", is_user_id).filter(|id| is_user_id(id));
    id.map_or_else(|| Called::Name(person.name.clone()), Called::User)
}

/// `U012AB3CD`, and `W…` of older organisations.
fn is_user_id(text: &str) -> bool {
    text.len() >= 7
        && text.starts_with(['U', 'W'])
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}
