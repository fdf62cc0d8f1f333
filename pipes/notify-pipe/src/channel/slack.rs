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
.elsewhere(&["CHANNEL", "CHANNEL_ID", "SLACK_CHANNEL_ID"])
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
const SLACK_REPLY_BROADCAST: Var =
    Var::flag("SLACK_REPLY_BROADCAST", "Shows the bot's answers in a thread in the channel, too.")
        .or("shows them in the thread only")
        .default("false");
const SLACK_MESSAGE: Var = Var::list(
    "SLACK_MESSAGE",
    "Updates these messages of the bot. An earlier run of this pipe returns their ids in the output `slack_message`, one \
     for each channel, and `-` for a channel without a message.",
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
            &SLACK_REPLY_BROADCAST,
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
        broadcast: vars.flag(&SLACK_REPLY_BROADCAST),
    };
    let earlier = vars.list(&SLACK_MESSAGE);
    let api = vars.text(&SLACK_API_URL).unwrap_or_default();
    if let Some(token) = token {
        if channels.is_empty() && earlier.is_empty() {
            vars.require(&SLACK_CHANNEL);
        }
        let Some(targets) = targets(channels, &earlier) else {
            vars.problem(
                &SLACK_MESSAGE,
                "expected channel ids with time stamps. Example: C0123456789:1234567890.123456",
            );
            return Vec::new();
        };
        if !webhooks.is_empty() {
            vars.notice("SLACK_BOT_TOKEN is set; ignoring SLACK_WEBHOOK_URL");
        }
        return bot::Bot::all(&token, &api, targets, &appearance);
    }
    let bitbucket = ctx.ci.provider == Provider::Bitbucket;
    let appearance = Appearance {
        username: appearance.username.or_else(|| bitbucket.then(|| "Bitbucket Pipeline".to_owned())),
        icon: appearance.icon.or_else(|| bitbucket.then(|| ":rocket:".to_owned())),
        thread: appearance.thread,
        broadcast: false,
    };
    webhook::Webhook::all(webhooks, &channels, &appearance)
}

/// Each channel with the time stamp of the message that is updated there. `None` if one of `earlier` is not an id.
///
/// The output of an earlier run has one entry for each channel, which it may have known by its name. In any other list
/// the ids themselves name their channels.
fn targets(channels: Vec<String>, earlier: &[String]) -> Option<Vec<(String, Option<String>)>> {
    let ids: Option<Vec<Option<(String, String)>>> = earlier.iter().map(|entry| id(entry)).collect();
    let ids = ids?;
    if ids.len() == channels.len() {
        let of = |(channel, id): (String, Option<(String, String)>)| match id {
            Some((channel, ts)) => (channel, Some(ts)),
            None => (channel, None),
        };
        return Some(channels.into_iter().zip(ids).map(of).collect());
    }
    let mut targets: Vec<(String, Option<String>)> =
        ids.into_iter().flatten().map(|(channel, ts)| (channel, Some(ts))).collect();
    for channel in channels {
        if !targets.iter().any(|(known, _)| *known == channel) {
            targets.push((channel, None));
        }
    }
    Some(targets)
}

/// `C0123456789:1234567890.123456`, or `-` for a channel without a message.
fn id(entry: &str) -> Option<Option<(String, String)>> {
    if entry == "-" {
        return Some(None);
    }
    let (channel, ts) = entry.split_once(':').filter(|(channel, ts)| !channel.is_empty() && !ts.is_empty())?;
    Some(Some((channel.to_owned(), ts.to_owned())))
}

#[cfg(test)]
mod tests {
    use super::targets;

    #[test]
    fn every_channel_is_updated_or_gets_a_new_message() {
        let table = [
            ("C1,C2", "C1:1,C2:2", "C1=1 C2=2"),
            ("#ops,#dev", "C1:1,C2:2", "C1=1 C2=2"),
            ("#ops,#dev", "-,C2:2", "#ops=- C2=2"),
            ("#ops", "C1:1", "C1=1"),
            ("C1,C2", "C2:2", "C2=2 C1=-"),
            ("", "C1:1,C2:2", "C1=1 C2=2"),
            ("C1,C2", "", "C1=- C2=-"),
        ];
        let list = |text: &str| text.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect::<Vec<_>>();
        for (channels, earlier, expected) in table {
            let found = targets(list(channels), &list(earlier)).unwrap();
            let found: Vec<String> =
                found.into_iter().map(|(name, ts)| format!("{name}={}", ts.as_deref().unwrap_or("-"))).collect();
            assert_eq!(found.join(" "), expected, "{channels} {earlier}");
        }
        for wrong in ["C1", ":1", "C1:"] {
            assert_eq!(targets(list("C1"), &list(wrong)), None, "{wrong}");
        }
    }
}
