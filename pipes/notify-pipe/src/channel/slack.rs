//! Slack: incoming webhooks, and messages of a bot, which can be updated, answered in a thread and come with a log.

mod blocks;
mod bot;
mod webhook;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::platform::Provider;
use pipe_core::spec::{Group, Var};

use super::{Channel, Kind, urls};

const SLACK_WEBHOOK_URL: Var = Var::secrets(
    "SLACK_WEBHOOK_URL",
    "Incoming webhooks to send to, one or several; if unset, SLACK_BOT_TOKEN is needed.",
)
.aliases(&["SLACK_WEBHOOK"])
.example("https://hooks.slack.com/services/T…/B…/…");
const SLACK_BOT_TOKEN: Var = Var::secret(
    "SLACK_BOT_TOKEN",
    "A bot's token (xoxb-…) with chat:write, files:write for logs and users:read.email for mentions by e-mail address; \
     if unset, SLACK_WEBHOOK_URL is used.",
);
const SLACK_CHANNEL: Var = Var::list(
    "SLACK_CHANNEL",
    "The channels to write to, by id or name, with SLACK_BOT_TOKEN; older webhooks take one as well. If unset, the \
     webhook's own.",
)
.required("with SLACK_BOT_TOKEN")
.example("#deployments");
const SLACK_USERNAME: Var = Var::text(
    "SLACK_USERNAME",
    "The name the message comes from, where Slack lets it be chosen; if unset, `Bitbucket Pipeline` for webhooks on \
     Bitbucket, the app's own elsewhere.",
);
const SLACK_ICON_EMOJI: Var = Var::text(
    "SLACK_ICON_EMOJI",
    "The emoji beside that name; if unset, `:rocket:` for webhooks on Bitbucket, the app's own elsewhere.",
)
.example(":robot_face:");
const THREAD_TS: Var =
    Var::text("THREAD_TS", "The message to answer in its thread; if unset, the message stands by itself.")
        .aliases(&["SLACK_THREAD_TS"])
        .example("1234567890.123456");
const SLACK_MESSAGE: Var = Var::text(
    "SLACK_MESSAGE",
    "The message of a bot to update, as an earlier run of this pipe gave it in its output `slack_message`; if unset, the \
     one STATE_FILE or Bitbucket's shared storage has for this pipeline, or a new one.",
)
.example("C0123456789:1234567890.123456");
const SLACK_API_URL: Var =
    Var::url("SLACK_API_URL", "Slack's API; if unset, https://slack.com/api.").default("https://slack.com/api");

pub(crate) const KIND: Kind = Kind {
    name: "slack",
    group: Group {
        title: "Slack",
        vars: &[
            &SLACK_WEBHOOK_URL,
            &SLACK_BOT_TOKEN,
            &SLACK_CHANNEL,
            &SLACK_USERNAME,
            &SLACK_ICON_EMOJI,
            &THREAD_TS,
            &SLACK_MESSAGE,
            &SLACK_API_URL,
        ],
    },
    needs: &[&SLACK_WEBHOOK_URL, &SLACK_BOT_TOKEN],
    inferred: true,
    from_vars,
};

/// How a message looks, besides what it says.
#[derive(Debug, Clone, Default)]
struct Looks {
    username: Option<String>,
    icon: Option<String>,
    thread: Option<String>,
}

fn from_vars(vars: &mut Vars, ctx: &Context) -> Vec<Box<dyn Channel>> {
    let webhooks = urls(vars, &SLACK_WEBHOOK_URL);
    let token = vars.secret(&SLACK_BOT_TOKEN);
    let rooms = vars.list(&SLACK_CHANNEL);
    let looks = Looks {
        username: vars.text(&SLACK_USERNAME),
        icon: vars.text(&SLACK_ICON_EMOJI),
        thread: vars.text(&THREAD_TS),
    };
    let update = vars.text(&SLACK_MESSAGE);
    let api = vars.text(&SLACK_API_URL).unwrap_or_default();
    if let Some(token) = token {
        if rooms.is_empty() && update.is_none() {
            vars.require(&SLACK_CHANNEL);
        }
        let message =
            update.as_deref().map(|text| text.split_once(':').map(|(room, ts)| (room.to_owned(), ts.to_owned())));
        if message == Some(None) {
            vars.problem(
                &SLACK_MESSAGE,
                "expected a channel's id and a time stamp, e.g. C0123456789:1234567890.123456",
            );
            return Vec::new();
        }
        if !webhooks.is_empty() {
            vars.notice("SLACK_BOT_TOKEN is set: SLACK_WEBHOOK_URL is not used");
        }
        return bot::Bot::all(&token, &api, rooms, message.flatten(), &looks);
    }
    let bitbucket = ctx.ci.provider == Provider::Bitbucket;
    let looks = Looks {
        username: looks.username.or_else(|| bitbucket.then(|| "Bitbucket Pipeline".to_owned())),
        icon: looks.icon.or_else(|| bitbucket.then(|| ":rocket:".to_owned())),
        thread: looks.thread,
    };
    webhook::Webhook::all(webhooks, &rooms, &looks)
}
