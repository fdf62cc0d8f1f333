//! What a channel is: a kind with its variables, and a target that messages are delivered to.

use futures_util::future::LocalBoxFuture;
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::Request;
use pipe_core::plan::Effects;
use pipe_core::spec::{Group, Var};
use secrecy::SecretString;
use serde_json::Value;

use crate::http::{host_of, is_url};
use crate::message::Message;
use crate::post::{Post, Receipt, Response, Undelivered};
use crate::state::State;
use crate::template::Template;

/// A kind of channel and how to get one from the variables.
pub(crate) struct ChannelKind {
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
    /// The name that distinguishes it from others of its kind, without secrets: `#ops`, `hooks.example.com`.
    fn target(&self) -> String;

    /// What a person should know of a message that can't be delivered as it should, as a sentence.
    fn warning(&self, _message: &Message) -> Option<String> {
        None
    }

    /// The template of its payload, which [`Message::payload`] is rendered from.
    fn template(&self) -> Option<&Template> {
        None
    }

    /// It pages people: if it is unreachable, the run fails.
    fn is_pager(&self) -> bool {
        false
    }
}

/// What a channel does for a message.
#[derive(Debug, Default)]
pub(crate) struct Preview {
    /// What is sent: a request, or a list of them.
    pub(crate) sent: Value,
    /// The hosts, the writes and the files that belong to it.
    pub(crate) effects: Effects,
}

impl Preview {
    /// One request, or several in their order.
    pub(crate) fn of(requests: &[Request]) -> Preview {
        let mut sent: Vec<Value> = requests.iter().map(shown).collect();
        let sent = if sent.len() == 1 { sent.remove(0) } else { Value::Array(sent) };
        let mut effects = Effects::default();
        for request in requests {
            effects.add(Effects {
                hosts: request.url().map(|url| host_of(url.as_str())).into_iter().collect(),
                writes: vec![request.to_string()],
                ..Effects::default()
            });
        }
        Preview { sent, effects }
    }
}

/// A request as a plan prints it.
pub(super) fn shown(request: &Request) -> Value {
    serde_json::to_value(request.preview()).unwrap_or_default()
}

/// A target and how to reach it.
pub(crate) trait Channel: Target {
    /// What would be sent, or why nothing would, for `DRY_RUN`. `state` has the ids of earlier messages.
    fn preview(&self, message: &Message, state: &State) -> Result<Preview, Undelivered>;

    /// Sends the message. Ends within the post's deadline.
    fn deliver<'a>(&'a self, message: &'a Message, post: &'a Post) -> LocalBoxFuture<'a, Result<Receipt, Undelivered>>;
}

/// A channel that makes one HTTP request for a message.
pub(crate) trait HttpChannel: Target {
    /// The request, or why this message needs no request: [`Undelivered::Skipped`].
    fn request(&self, message: &Message) -> Result<Request, Undelivered>;

    /// What an answer of 2xx means. Services that say no with 200 say it here. Of a long or slow body only the beginning
    /// is there.
    fn judge(&self, _response: &Response) -> Result<Receipt, Undelivered> {
        Ok(Receipt::default())
    }
}

impl<T: HttpChannel> Channel for T {
    fn preview(&self, message: &Message, _: &State) -> Result<Preview, Undelivered> {
        Ok(Preview::of(&[self.request(message)?]))
    }

    fn deliver<'a>(&'a self, message: &'a Message, post: &'a Post) -> LocalBoxFuture<'a, Result<Receipt, Undelivered>> {
        Box::pin(async move {
            let request = self.request(message)?;
            self.judge(&post.deliver(request).await?)
        })
    }
}

/// The addresses of a variable. One that nothing can be sent to is a mistake.
pub(super) fn urls(vars: &mut Vars, var: &'static Var) -> Vec<SecretString> {
    let urls = vars.secrets_of(var);
    if urls.iter().any(|url| !is_url(url)) {
        vars.problem(var, "expected URLs that begin with https:// or http://");
    }
    urls
}

/// The name of one of several targets without names: `2 of 3`.
pub(super) fn numbered(index: usize, count: usize) -> String {
    if count > 1 { format!("{} of {count}", index + 1) } else { String::new() }
}
