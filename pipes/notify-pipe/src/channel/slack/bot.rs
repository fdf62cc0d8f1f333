//! Messages of a bot: posted, updated as the pipeline goes on, answered in a thread, with a log as a file.

use futures_util::future::LocalBoxFuture;
use pipe_core::http::{Authorization, Request, Response};
use pipe_core::plan::Effects;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::blocks::{self, Appearance, MentionTarget, content, mention_target};
use crate::channel::target::{Channel, Preview, Target, shown};
use crate::http::{RequestExt, host_of, post, post_secret};
use crate::message::{Log, Message};
use crate::post::{Post, Receipt, Undelivered};
use crate::state::State;
use crate::text::{bytes, last_lines};

const LOOK_UP: &str = "users.lookupByEmail";
const UPLOAD_URL: &str = "files.getUploadURLExternal";
const UPLOAD_END: &str = "files.completeUploadExternal";

/// Bytes of a log that are uploaded.
const MAX_LOG: usize = 512 * 1024;

pub(super) struct Bot {
    token: SecretString,
    api: String,
    channel: String,
    /// The time stamp of a message of ours in the channel, to be updated.
    update: Option<String>,
    appearance: Appearance,
}

/// A message that Slack has.
struct Posted {
    channel: String,
    ts: String,
}

impl Bot {
    pub(super) fn all(
        token: &SecretString,
        api: &str,
        targets: Vec<(String, Option<String>)>,
        appearance: &Appearance,
    ) -> Vec<Box<dyn Channel>> {
        let api = api.trim_end_matches('/').to_owned();
        let of = |(channel, update): (String, Option<String>)| {
            let (token, api, appearance) = (token.clone(), api.clone(), appearance.clone());
            Box::new(Bot { token, api, channel, update, appearance }) as Box<dyn Channel>
        };
        targets.into_iter().map(of).collect()
    }

    fn request(&self, method: &str, body: &Value) -> Request {
        let authorization = Authorization::Bearer(self.token.clone());
        post(&format!("{}/{method}", self.api)).json_body(body).authorize(&authorization, &host_of(&self.api))
    }

    async fn ask(&self, method: &str, body: &Value, post: &Post) -> Result<Value, Undelivered> {
        answer(method, &post.send(self.request(method, body)).await?)
    }

    /// A new message, or one in the thread of `thread`.
    fn posting(&self, message: &Message, targets: &[MentionTarget]) -> Value {
        let mut payload = content(message, targets, false);
        payload["channel"] = Value::from(self.channel.as_str());
        let appearance = &self.appearance;
        for (key, value) in
            [("username", &appearance.username), ("icon_emoji", &appearance.icon), ("thread_ts", &appearance.thread)]
        {
            if let Some(value) = value {
                payload[key] = Value::from(value.as_str());
            }
        }
        if appearance.thread.is_some() && appearance.broadcast {
            payload["reply_broadcast"] = Value::from(true);
        }
        payload
    }

    /// The line in the thread of an updated message.
    fn reply(&self, message: &Message, targets: &[MentionTarget], earlier: &Posted) -> Value {
        let mut payload = blocks::answer(message, targets);
        payload["channel"] = Value::from(earlier.channel.as_str());
        payload["thread_ts"] = Value::from(earlier.ts.as_str());
        if self.appearance.broadcast {
            payload["reply_broadcast"] = Value::from(true);
        }
        payload
    }

    async fn write(&self, message: &Message, post: &Post) -> Result<Receipt, Undelivered> {
        let mut remarks = Vec::new();
        let targets = self.mention_targets(message, post, &mut remarks).await;
        let updated = match self.known(message, &post.state) {
            Some(known) => self.update(message, &targets, known, post, &mut remarks).await?,
            None => None,
        };
        let posted = match updated {
            Some(posted) => posted,
            None => {
                let answer = self.ask("chat.postMessage", &self.posting(message, &targets), post).await?;
                let text = |name: &str| answer[name].as_str().unwrap_or_default().to_owned();
                Posted { channel: text("channel"), ts: text("ts") }
            }
        };
        let id = format!("{}:{}", posted.channel, posted.ts);
        if let Some(key) = self.key(message, &post.state)
            && let Err(problem) = post.state.set(&key, &id)
        {
            remarks.push(format!("the next run cannot update this message: {problem}"));
        }
        if let Some(log) = &message.log
            && let Err(why) = self.upload(log, &posted, post).await
        {
            remarks.push(format!("{} was not uploaded: {why}. Add the scope files:write to the bot", log.name));
        }
        Ok(Receipt { output: Some(("slack_message", id)), remarks })
    }

    /// Where the state keeps the id of this run's message. An answer in a thread is never updated.
    fn key(&self, message: &Message, state: &State) -> Option<String> {
        let run = state.run_key(&message.run).filter(|_| self.appearance.thread.is_none())?;
        Some(format!("slack:{}:{run}", self.channel))
    }

    /// The earlier message of this run.
    fn known(&self, message: &Message, state: &State) -> Option<Posted> {
        if let Some(ts) = &self.update {
            return Some(Posted { channel: self.channel.clone(), ts: ts.clone() });
        }
        let id = state.get(&self.key(message, state)?)?;
        let (channel, ts) = id.split_once(':')?;
        Some(Posted { channel: channel.to_owned(), ts: ts.to_owned() })
    }

    /// Puts the message in the place of the earlier one and answers in its thread, since an update sends no
    /// notification. `None` if the earlier one is gone.
    async fn update(
        &self,
        message: &Message,
        targets: &[MentionTarget],
        earlier: Posted,
        post: &Post,
        remarks: &mut Vec<String>,
    ) -> Result<Option<Posted>, Undelivered> {
        match self.ask("chat.update", &updating(message, targets, &earlier), post).await {
            Ok(_) => {}
            Err(Undelivered::Refused(why)) if is_final(&why) => {
                remarks.push(format!(
                    "sent a new message because the earlier one could not be updated ({why}). Set SLACK_MESSAGE to a \
                     message of this bot"
                ));
                return Ok(None);
            }
            Err(undelivered) => return Err(undelivered),
        }
        if let Err(why) = self.ask("chat.postMessage", &self.reply(message, targets, &earlier), post).await {
            remarks.push(format!(
                "updated without an answer in its thread, so people are not notified: {why}. Invite the bot to the channel"
            ));
        }
        Ok(Some(earlier))
    }

    /// People by their ids, which are looked up for those with an e-mail address.
    async fn mention_targets(&self, message: &Message, post: &Post, remarks: &mut Vec<String>) -> Vec<MentionTarget> {
        let mut targets: Vec<MentionTarget> = message.mentions.people.iter().map(mention_target).collect();
        for (index, email) in looked_up(message) {
            match self.look_up(email, post).await {
                Ok(id) => targets[index] = MentionTarget::User(id),
                Err(why) => remarks.push(format!(
                    "{} was not mentioned: {why}. Set their id in MENTIONS_FILE",
                    message.mentions.people[index].name
                )),
            }
        }
        targets
    }

    fn look_up_request(&self, email: &str) -> Request {
        self.form(LOOK_UP, &[("email", email)])
    }

    async fn look_up(&self, email: &str, post: &Post) -> Result<String, Undelivered> {
        let user = answer(LOOK_UP, &post.send(self.look_up_request(email)).await?)?;
        let id = user["user"]["id"].as_str().map(str::to_owned);
        id.ok_or_else(|| Undelivered::Refused(format!("{LOOK_UP} returned no user")))
    }

    /// For methods that take no JSON.
    fn form(&self, method: &str, fields: &[(&str, &str)]) -> Request {
        let fields: Vec<String> =
            fields.iter().map(|(name, value)| format!("{name}={}", crate::http::encode(value))).collect();
        self.request(method, &Value::Null).body("application/x-www-form-urlencoded", fields.join("&"))
    }

    /// The log as a file in the message's thread: ask for a place, put the bytes there, say where they belong.
    async fn upload(&self, log: &Log, posted: &Posted, post: &Post) -> Result<(), Undelivered> {
        let text = uploaded(log);
        if text.is_empty() {
            return Ok(());
        }
        let length = text.len().to_string();
        let fields = [("filename", log.name.as_str()), ("length", length.as_str())];
        let place = answer(UPLOAD_URL, &post.send(self.form(UPLOAD_URL, &fields)).await?)?;
        let (Some(url), Some(id)) = (place["upload_url"].as_str(), place["file_id"].as_str()) else {
            return Err(Undelivered::Refused(format!("{UPLOAD_URL} returned no upload URL")));
        };
        post.deliver(post_secret(&SecretString::from(url)).body("application/octet-stream", text)).await?;
        let thread = self.appearance.thread.as_deref().unwrap_or(&posted.ts);
        let body = json!({
            "files": [{ "id": id, "title": log.name }],
            "channel_id": posted.channel,
            "thread_ts": thread,
        });
        self.ask(UPLOAD_END, &body, post).await.map(drop)
    }
}

impl Target for Bot {
    fn target(&self) -> String {
        self.channel.clone()
    }
}

impl Channel for Bot {
    /// The message, and the names of the requests around it: look-ups, an answer in the thread, a log.
    fn preview(&self, message: &Message, state: &State) -> Result<Preview, Undelivered> {
        let targets: Vec<MentionTarget> = message.mentions.people.iter().map(mention_target).collect();
        let mut requests: Vec<Request> = looked_up(message).map(|(_, email)| self.look_up_request(email)).collect();
        let first = requests.len();
        match self.known(message, state) {
            Some(earlier) => {
                requests.push(self.request("chat.update", &updating(message, &targets, &earlier)));
                requests.push(self.request("chat.postMessage", &self.reply(message, &targets, &earlier)));
            }
            None => requests.push(self.request("chat.postMessage", &self.posting(message, &targets))),
        }
        let sent = requests.get(first).map(shown).unwrap_or_default();
        let log = message.log.as_ref().filter(|log| !uploaded(log).is_empty());
        if log.is_some() {
            requests.push(self.request(UPLOAD_URL, &Value::Null));
            requests.push(self.request(UPLOAD_END, &Value::Null));
        }
        let mut effects = Preview::of(&requests).effects;
        if log.is_some() {
            // The server that takes the bytes is named by the answer.
            effects.add(Effects {
                hosts: vec!["*".to_owned()],
                writes: vec!["POST *".to_owned()],
                ..Effects::default()
            });
        }
        if self.key(message, state).is_some() {
            effects.add(Effects { files: state.file().into_iter().collect(), ..Effects::default() });
        }
        Ok(Preview { sent, effects })
    }

    fn deliver<'a>(&'a self, message: &'a Message, post: &'a Post) -> LocalBoxFuture<'a, Result<Receipt, Undelivered>> {
        Box::pin(self.write(message, post))
    }
}

/// The people whose id is not known and who have an e-mail address, by their place in the mentions.
fn looked_up(message: &Message) -> impl Iterator<Item = (usize, &str)> {
    let people = message.mentions.people.iter().enumerate();
    people.filter_map(|(index, person)| match mention_target(person) {
        MentionTarget::Name(_) => Some((index, person.email.as_deref()?)),
        MentionTarget::User(_) => None,
    })
}

/// The message in the place of an earlier one.
fn updating(message: &Message, targets: &[MentionTarget], earlier: &Posted) -> Value {
    let mut payload = content(message, targets, false);
    payload["channel"] = Value::from(earlier.channel.as_str());
    payload["ts"] = Value::from(earlier.ts.as_str());
    payload
}

/// The end of the log that is uploaded.
fn uploaded(log: &Log) -> String {
    last_lines(&log.text, MAX_LOG, bytes)
}

/// Slack says no with 200 and `"ok": false`.
fn answer(method: &str, response: &Response) -> Result<Value, Undelivered> {
    let answer: Value = response
        .json()
        .map_err(|error| Undelivered::Unreachable(format!("{method} returned an invalid JSON response: {error}")))?;
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
            Err(Undelivered::Unreachable(text))
        }
        _ => Err(Undelivered::Refused(text)),
    }
}

/// The earlier message can't be updated, and no other try would change that.
fn is_final(why: &str) -> bool {
    ["message_not_found", "cant_update_message", "edit_window_closed", "channel_not_found"]
        .iter()
        .any(|error| why.contains(error))
}
