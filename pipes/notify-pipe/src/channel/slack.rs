//! Slack: incoming webhooks, and messages of a bot, which can be updated, answered in a thread and come with a log.

mod blocks;
mod bot;
mod webhook;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::platform::Provider;
use pipe_core::spec::{Group, Var};

use self::blocks::Appearance;
use super::target::{Channel, ChannelKind, urls};

const SLACK_WEBHOOK_URL: Var = Var::secrets("SLACK_WEBHOOK_URL", "One or several incoming webhooks to send to.")
    .aliases(&["SLACK_WEBHOOK"])
    .unset("SLACK_BOT_TOKEN is required")
    .example("https://hooks.slack.com/services/T…/B…/…");
const SLACK_BOT_TOKEN: Var = Var::secret(
    "SLACK_BOT_TOKEN",
    "The token of a bot (xoxb-…) with the scope `chat:write`, `files:write` for logs, and `users:read.email` for mentions \
     by e-mail address.",
)
.unset("SLACK_WEBHOOK_URL is used");
const SLACK_CHANNEL: Var = Var::list(
    "SLACK_CHANNEL",
    "The channels to write to, by id or name. Only bots and webhooks of custom integrations can choose one.",
)
.required("with SLACK_BOT_TOKEN")
.unset("the channel of the webhook is used")
.example("#deployments");
const SLACK_USERNAME: Var = Var::text("SLACK_USERNAME", "The sender's name, if Slack lets it be chosen.")
    .unset("it is `Bitbucket Pipeline` for webhooks on Bitbucket, and the app's name elsewhere");
const SLACK_ICON_EMOJI: Var = Var::text("SLACK_ICON_EMOJI", "The emoji beside the sender's name.")
    .unset("it is `:rocket:` for webhooks on Bitbucket, and the app's icon elsewhere")
    .example(":robot_face:");
const THREAD_TS: Var = Var::text("THREAD_TS", "Answers the message with this time stamp in its thread.")
    .aliases(&["SLACK_THREAD_TS"])
    .unset("the message starts no thread")
    .example("1234567890.123456");
const SLACK_MESSAGE: Var = Var::text(
    "SLACK_MESSAGE",
    "Updates this message of the bot. An earlier run of this pipe returns its id in the output `slack_message`.",
)
.unset("the message that STATE_FILE or Bitbucket's shared storage names for this run is updated, or a new one is sent")
.example("C0123456789:1234567890.123456");
const SLACK_API_URL: Var = Var::url("SLACK_API_URL", "The URL of Slack's API.").default("https://slack.com/api");

pub(crate) const KIND: ChannelKind = ChannelKind {
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

fn from_vars(vars: &mut Vars, ctx: &Context) -> Vec<Box<dyn Channel>> {
    let webhooks = urls(vars, &SLACK_WEBHOOK_URL);
    let token = vars.secret(&SLACK_BOT_TOKEN);
    let channels = vars.list(&SLACK_CHANNEL);
    let appearance = Appearance {
        username: vars.text(&SLACK_USERNAME),
        icon: vars.text(&SLACK_ICON_EMOJI),
        thread: vars.text(&THREAD_TS),
    };
    let update = vars.text(&SLACK_MESSAGE);
    let api = vars.text(&SLACK_API_URL).unwrap_or_default();
    if let Some(token) = token {
        if channels.is_empty() && update.is_none() {
            vars.require(&SLACK_CHANNEL);
        }
        let message =
            update.as_deref().map(|text| text.split_once(':').map(|(channel, ts)| (channel.to_owned(), ts.to_owned())));
        if message == Some(None) {
            vars.problem(
                &SLACK_MESSAGE,
                "expected a channel id and a time stamp. Example: C0123456789:1234567890.123456",
            );
            return Vec::new();
        }
        if !webhooks.is_empty() {
            vars.notice("SLACK_BOT_TOKEN is set; ignoring SLACK_WEBHOOK_URL");
        }
        return bot::Bot::all(&token, &api, channels, message.flatten(), &appearance);
    }
    let bitbucket = ctx.ci.provider == Provider::Bitbucket;
    let appearance = Appearance {
        username: appearance.username.or_else(|| bitbucket.then(|| "Bitbucket Pipeline".to_owned())),
        icon: appearance.icon.or_else(|| bitbucket.then(|| ":rocket:".to_owned())),
        thread: appearance.thread,
    };
    webhook::Webhook::all(webhooks, &channels, &appearance)
}
