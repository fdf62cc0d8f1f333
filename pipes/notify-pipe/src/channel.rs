//! Where messages go. A channel is one file here and one line in [`KINDS`].

mod fit;
mod html;
mod markdown;

pub(crate) mod bitbucket;
mod cdevents;
mod datadog;
mod discord;
mod email;
mod github;
mod google_chat;
mod jsm;
mod mattermost;
mod metrics;
mod otlp;
mod pagerduty;
mod pushgateway;
mod slack;
mod teams;
mod telegram;
mod webhook;

use futures_util::future::LocalBoxFuture;
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::{Group, Var};
use secrecy::SecretString;
use serde_json::Value;

use crate::http::{Call, is_url};
use crate::message::Message;
use crate::post::{Post, Receipt, Response, Undelivered};

/// Every kind of channel, in the order of the documentation.
pub(crate) const KINDS: &[Kind] = &[
    slack::KIND,
    teams::KIND,
    discord::KIND,
    mattermost::KIND,
    google_chat::KIND,
    telegram::KIND,
    email::KIND,
    pagerduty::KIND,
    jsm::KIND,
    webhook::KIND,
    github::KIND,
    bitbucket::KIND,
    cdevents::KIND,
    otlp::KIND,
    datadog::KIND,
    pushgateway::KIND,
    metrics::KIND,
];

/// A kind of channel and how to get one from the variables.
pub(crate) struct Kind {
    /// As CHANNELS names it.
    pub(crate) name: &'static str,
    /// Its variables, with their headline.
    pub(crate) group: Group,
    /// The variables of which one at least has to be set.
    pub(crate) needs: &'static [&'static Var],
    /// Whether one of `needs` makes it the channel that is meant when CHANNELS is not set. Not for what is often set
    /// for the whole job, such as a platform's token.
    pub(crate) inferred: bool,
    /// One channel for each target that is configured. Mistakes go to `vars`. Called only for channels that are wanted
    /// and have one of `needs`.
    pub(crate) from_vars: fn(&mut Vars, &Context) -> Vec<Box<dyn Channel>>,
}

/// One target.
pub(crate) trait Target: Send + Sync {
    /// What a person tells it from others of its kind by, and nothing secret: `#ops`, `hooks.example.com`.
    fn target(&self) -> String;

    /// It wakes somebody up: that it was not reached always fails the run.
    fn pages(&self) -> bool {
        false
    }
}

/// A target and how to reach it.
pub(crate) trait Channel: Target {
    /// What would be sent, for `DRY_RUN`.
    fn preview(&self, message: &Message) -> Value;

    /// Sends the message. Ends within the post's deadline.
    fn deliver<'a>(&'a self, message: &'a Message, post: &'a Post) -> LocalBoxFuture<'a, Result<Receipt, Undelivered>>;
}

/// A channel that makes one HTTP request for a message.
pub(crate) trait HttpChannel: Target {
    /// The request, or why there is none for this message: [`Undelivered::Skipped`].
    fn call(&self, message: &Message) -> Result<Call, Undelivered>;

    /// What an answer of 2xx means. Services that say no with 200 say it here.
    fn judge(&self, _response: &Response) -> Result<Receipt, Undelivered> {
        Ok(Receipt::default())
    }
}

impl<T: HttpChannel> Channel for T {
    fn preview(&self, message: &Message) -> Value {
        match self.call(message) {
            Ok(call) => call.preview(),
            Err(undelivered) => Value::from(undelivered.to_string()),
        }
    }

    fn deliver<'a>(&'a self, message: &'a Message, post: &'a Post) -> LocalBoxFuture<'a, Result<Receipt, Undelivered>> {
        Box::pin(async move { self.judge(&post.send(self.call(message)?).await?) })
    }
}

/// How many kinds there are.
const COUNT: usize = KINDS.len();

/// The names CHANNELS may hold.
pub(crate) const NAMES: [&str; COUNT] = {
    let mut names = [""; COUNT];
    let mut index = 0;
    while index < COUNT {
        names[index] = KINDS[index].name;
        index += 1;
    }
    names
};

/// The addresses of a variable. One that nothing can be sent to is a mistake.
fn urls(vars: &mut Vars, var: &'static Var) -> Vec<SecretString> {
    let urls = vars.secrets_of(var);
    if urls.iter().any(|url| !is_url(url)) {
        vars.problem(var, "expected URLs that begin with https:// or http://");
    }
    urls
}

/// What tells one of several nameless targets from the others: `2 of 3`.
fn numbered(index: usize, count: usize) -> String {
    if count > 1 { format!("{} of {count}", index + 1) } else { String::new() }
}

#[cfg(test)]
mod tests;
