//! Messages of a bot: posted, updated as the pipeline goes on, answered in a thread, with a log as a file.

use futures_util::future::LocalBoxFuture;
use pipe_core::http::{Authorization, Response};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::Looks;
use super::blocks::{Called, content, escape};
use super::webhook::called;
use crate::channel::{Channel, Target};
use crate::http::{Call, host_of};
use crate::message::{Log, Message};
use crate::post::{Post, Receipt, Undelivered};
use crate::text::{shorten, utf16};

/// Bytes of a log that are uploaded.
const LOG: usize = 512 * 1024;

pub(super) struct Bot {
    token: SecretString,
    api: String,
    room: String,
    /// The time stamp of a message of ours in the room, to be updated.
    update: Option<String>,
    looks: Looks,
}

/// A message that Slack has.
struct Posted {
    room: String,
    ts: String,
}

impl Bot {
    pub(super) fn all(
        token: &SecretString,
        api: &str,
        rooms: Vec<String>,
        update: Option<(String, String)>,
        looks: &Looks,
    ) -> Vec<Box<dyn Channel>> {
        let api = api.trim_end_matches('/').to_owned();
        let of = |room: String, update: Option<String>| {
            let (token, api, looks) = (token.clone(), api.clone(), looks.clone());
            Box::new(Bot { token, api, room, update, looks }) as Box<dyn Channel>
        };
        match update {
            Some((room, ts)) => vec![of(room, Some(ts))],
            None => rooms.into_iter().map(|room| of(room, None)).collect(),
        }
    }

    fn call(&self, method: &str, body: &Value) -> Call {
        let authorization = Authorization::Bearer(self.token.clone());
        Call::post(format!("{}/{method}", self.api)).json(body).authorize(authorization, host_of(&self.api))
    }

    async fn ask(&self, method: &str, body: &Value, post: &Post) -> Result<Value, Undelivered> {
        answer(method, &post.send(self.call(method, body)).await?)
    }

    /// A new message, or one in the thread of `thread`.
    fn posting(&self, message: &Message, called: &[Called]) -> Value {
        let mut payload = content(message, called, false);
        payload["channel"] = Value::from(self.room.as_str());
        let looks = &self.looks;
        for (key, value) in [("username", &looks.username), ("icon_emoji", &looks.icon), ("thread_ts", &looks.thread)] {
            if let Some(value) = value {
                payload[key] = Value::from(value.as_str());
            }
        }
        payload
    }

    async fn write(&self, message: &Message, post: &Post) -> Result<Receipt, Undelivered> {
        let mut remarks = Vec::new();
        let called = self.called(message, post, &mut remarks).await;
        let key = message.run.id.as_ref().map(|run| format!("slack:{}:{run}", self.room));
        let known = self.known(key.as_deref(), post);
        let updated = match known {
            Some(known) => self.update(message, &called, known, post, &mut remarks).await?,
            None => None,
        };
        let posted = match updated {
            Some(posted) => posted,
            None => {
                let answer = self.ask("chat.postMessage", &self.posting(message, &called), post).await?;
                let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
                Posted { room: text("channel"), ts: text("ts") }
            }
        };
        let id = format!("{}:{}", posted.room, posted.ts);
        if let Some(key) = key.filter(|_| self.looks.thread.is_none())
            && let Err(problem) = post.state.set(&key, &id)
        {
            remarks.push(format!("the next run can't update this message: {problem}"));
        }
        if let Some(log) = &message.log
            && let Err(why) = self.upload(log, &posted, post).await
        {
            remarks.push(format!("{} was not uploaded: {why}", log.name));
        }
        Ok(Receipt { output: Some(("slack_message", id)), remarks })
    }

    fn known(&self, key: Option<&str>, post: &Post) -> Option<Posted> {
        if let Some(ts) = &self.update {
            return Some(Posted { room: self.room.clone(), ts: ts.clone() });
        }
        if self.looks.thread.is_some() {
            return None;
        }
        let (room, ts) = post.state.get(key?)?.split_once(':').map(|(room, ts)| (room.to_owned(), ts.to_owned()))?;
        Some(Posted { room, ts })
    }

    /// Puts the message in the place of the earlier one, and tells in its thread what happened: an update notifies
    /// nobody. `None` where the earlier one is gone.
    async fn update(
        &self,
        message: &Message,
        called: &[Called],
        earlier: Posted,
        post: &Post,
        remarks: &mut Vec<String>,
    ) -> Result<Option<Posted>, Undelivered> {
        let mut payload = content(message, called, false);
        payload["channel"] = Value::from(earlier.room.as_str());
        payload["ts"] = Value::from(earlier.ts.as_str());
        match self.ask("chat.update", &payload, post).await {
            Ok(_) => {}
            Err(Undelivered::Refused(why)) if is_gone(&why) => {
                remarks.push(format!("a new message, since the earlier one could not be updated ({why})"));
                return Ok(None);
            }
            Err(undelivered) => return Err(undelivered),
        }
        let text = escape(&shorten(&message.headline(), 3_000, utf16));
        let reply = json!({ "channel": earlier.room, "thread_ts": earlier.ts, "text": text, "mrkdwn": false });
        if let Err(why) = self.ask("chat.postMessage", &reply, post).await {
            remarks.push(format!("updated, without a word in its thread: {why}"));
        }
        Ok(Some(earlier))
    }

    /// Those with an e-mail address are looked up.
    async fn called(&self, message: &Message, post: &Post, remarks: &mut Vec<String>) -> Vec<Called> {
        let mut all = Vec::new();
        for person in &message.mentions.people {
            let known = called(person);
            let (Called::Name(name), Some(email)) = (&known, &person.email) else {
                all.push(known);
                continue;
            };
            all.push(match self.look_up(email, post).await {
                Ok(id) => Called::User(id),
                Err(why) => {
                    remarks.push(format!("{name} was not mentioned: {why}"));
                    known
                }
            });
        }
        all
    }

    async fn look_up(&self, email: &str, post: &Post) -> Result<String, Undelivered> {
        let method = "users.lookupByEmail";
        let response = post.send(self.form(method, &[("email", email)])).await?;
        let user = answer(method, &response)?;
        let id = user["user"]["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| Undelivered::Refused(format!("{method} named no user")))
    }

    /// For methods that take no JSON.
    fn form(&self, method: &str, fields: &[(&str, &str)]) -> Call {
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", crate::pipeline::encode(value))).collect();
        self.call(method, &Value::Null).body("application/x-www-form-urlencoded", fields.join("&"))
    }

    /// The log as a file in the message's thread: ask for a place, put the bytes there, say where they belong.
    async fn upload(&self, log: &Log, posted: &Posted, post: &Post) -> Result<(), Undelivered> {
        let text = crate::text::last_lines(&log.text, LOG, crate::text::bytes);
        if text.is_empty() {
            return Ok(());
        }
        let method = "files.getUploadURLExternal";
        let length = text.len().to_string();
        let fields = [("filename", log.name.as_str()), ("length", length.as_str())];
        let place = answer(method, &post.send(self.form(method, &fields)).await?)?;
        let (Some(url), Some(id)) = (place["upload_url"].as_str(), place["file_id"].as_str()) else {
            return Err(Undelivered::Refused(format!("{method} gave no place")));
        };
        post.send(Call::secret(&SecretString::from(url)).body("application/octet-stream", text)).await?;
        let thread = self.looks.thread.as_deref().unwrap_or(&posted.ts);
        let body = json!({
            "files": [{ "id": id, "title": log.name }],
            "channel_id": posted.room,
            "thread_ts": thread,
        });
        self.ask("files.completeUploadExternal", &body, post).await.map(drop)
    }
}

impl Target for Bot {
    fn target(&self) -> String {
        self.room.clone()
    }
}

impl Channel for Bot {
    fn preview(&self, message: &Message) -> Value {
        let called: Vec<Called> = message.mentions.people.iter().map(called).collect();
        let method = if self.update.is_some() { "chat.update" } else { "chat.postMessage" };
        let mut payload = self.posting(message, &called);
        if let Some(ts) = &self.update {
            payload["ts"] = Value::from(ts.as_str());
        }
        self.call(method, &payload).preview()
    }

    fn deliver<'a>(&'a self, message: &'a Message, post: &'a Post) -> LocalBoxFuture<'a, Result<Receipt, Undelivered>> {
        Box::pin(self.write(message, post))
    }
}

/// Slack says no with 200 and `"ok": false`.
fn answer(method: &str, response: &Response) -> Result<Value, Undelivered> {
    let answer: Value =
        response.json().map_err(|error| Undelivered::Outage(format!("{method} answered with no JSON: {error}")))?;
    if answer["ok"] == true {
        return Ok(answer);
    }
    let error = answer["error"].as_str().unwrap_or("an error without a name");
    let details = answer["response_metadata"]["messages"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let needed = answer["needed"].as_str().map(|scope| format!("the token lacks {scope}"));
    let details: Vec<String> = details.map(str::to_owned).chain(needed).collect();
    let details = if details.is_empty() { String::new() } else { format!(" ({})", details.join("; ")) };
    let text = format!("{method}: {error}{details}");
    match error {
        "ratelimited" | "internal_error" | "fatal_error" | "service_unavailable" | "request_timeout" => {
            Err(Undelivered::Outage(text))
        }
        _ => Err(Undelivered::Refused(text)),
    }
}

/// The earlier message can't be updated, and no other try would change that.
fn is_gone(why: &str) -> bool {
    ["message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"]
        .iter()
        .any(|error| why.contains(error))
}
