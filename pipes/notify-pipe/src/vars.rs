//! The declaration of notify-pipe's variables. A channel's own are declared beside it.

use std::time::Duration;

use pipe_core::spec::{Group, Kind, Output, Spec, Var};

use crate::channel::{self, KINDS};
use crate::{deployment, log, mention, reports, state, status, when};

pub static SPEC: Spec = Spec {
    name: "notify-pipe",
    summary: "Sends one message about a pipeline run to people and systems, and fails if it was not delivered",
    category: "Notifications",
    version: env!("CARGO_PKG_VERSION"),
    groups: &GROUPS,
    outputs: &[
        Output::new("delivered", "How many messages were delivered"),
        Output::new("not_delivered", "The channels whose message was not delivered, separated by commas"),
        Output::new(
            "slack_message",
            "The channels and ids of the messages that SLACK_BOT_TOKEN sent, separated by commas",
        ),
        Output::new("discord_message", "The ids of the messages on Discord, separated by commas"),
    ],
    timeout: "60s",
    grace: Duration::from_millis(1500),
};

const MESSAGE_VARS: &[&Var] = &[
    &MESSAGE,
    &TITLE,
    &TEMPLATE,
    &status::STATUS,
    &status::JOB_STATUS,
    &PRIORITY,
    &CUSTOM_FIELDS,
    &CUSTOM_LINKS,
    &NOTIFICATION_COLOR,
    &INCLUDE_COMMIT_INFO,
    &INCLUDE_BUILD_INFO,
    &INCLUDE_REPO_INFO,
    &STARTED_AT,
    &log::ATTACH_LOGS,
    &log::LOG_FILE,
    &log::LOG_LINES,
    &reports::REPORT_FILES,
];

const DELIVERY: &[&Var] = &[&CHANNELS, &when::NOTIFY_ON, &FAIL_ON_ERROR, &RETRIES, &state::STATE_FILE];

/// The groups that are no channel's, first.
const GENERAL: [Group; 4] = [
    Group { title: "Message", vars: MESSAGE_VARS },
    Group { title: "Delivery", vars: DELIVERY },
    Group { title: "Mentions", vars: mention::VARS },
    Group { title: "Deployments", vars: deployment::VARS },
];

const GROUPS: [Group; GENERAL.len() + KINDS.len()] = {
    let mut groups = [const { Group { title: "", vars: &[] } }; GENERAL.len() + KINDS.len()];
    let mut index = 0;
    while index < groups.len() {
        let group = if index < GENERAL.len() { &GENERAL[index] } else { &KINDS[index - GENERAL.len()].group };
        groups[index] = Group { title: group.title, vars: group.vars };
        index += 1;
    }
    groups
};

pub(crate) const CHANNELS: Var = Var::new(
    "CHANNELS",
    Kind::Choices(&channel::NAMES, &[("mail", "email"), ("opsgenie", "jsm"), ("otel", "otlp")]),
    "Sends the message to these channels.",
)
.required("unless exactly one channel is configured")
.unset("the only configured channel is used")
.example("slack,email");
pub(crate) const FAIL_ON_ERROR: Var = Var::choice(
    "FAIL_ON_ERROR",
    &["auto", "true", "false"],
    "Decides whether a message that was not delivered fails the run.",
)
.values(&[
    (
        "auto",
        "exits with 1 if a service refused the message or a pager was unreachable, and warns if another service was",
    ),
    ("true", "exits with 1"),
    ("false", "warns"),
])
.default("auto");
pub(crate) const RETRIES: Var =
    Var::new("RETRIES", Kind::Integer { min: 0, max: 20 }, "Retries each request this many times within TIMEOUT.")
        .default("3");
pub(crate) const MESSAGE: Var = Var::text("MESSAGE", "The message text, sent verbatim.")
    .unset("the message consists of the title, the status and details of the run")
    .file()
    .elsewhere(&["TEXT", "CONTENT", "BODY", "MESSAGE_TEXT"])
    .example("v1.2.3 is live");
pub(crate) const TITLE: Var = Var::text("TITLE", "The first line of the message.")
    .unset("it names the repository, the branch and how the pipeline ended")
    .elsewhere(&["SLACK_TITLE", "SUBJECT"])
    .example("Production release");
pub(crate) const TEMPLATE: Var = Var::text(
    "TEMPLATE",
    "A Jinja template for the message text. Values are never read as templates. \
     https://github.com/pipewright/pipewright/blob/main/docs/notify/templates.md lists the names.",
)
.unset("MESSAGE is sent verbatim")
.file()
.example("{{ repository }} {{ tag }} is live: {{ message }}");
pub(crate) const PRIORITY: Var =
    Var::choice("PRIORITY", &["low", "normal", "high", "urgent"], "Sets the importance of the message.")
        .values(&[
            ("low", "marks a mail as unimportant, an alert as a warning (P4), and sends to Telegram without a sound"),
            ("normal", "sends an ordinary message (P3)"),
            ("high", "marks a mail as important (P2)"),
            ("urgent", "also marks an alert as critical (P1) and the title with a siren"),
        ])
        .default("normal");
pub(crate) const CUSTOM_FIELDS: Var = Var::text("CUSTOM_FIELDS", "Adds labels with values, as a JSON object of texts.")
    .unset("none are added")
    .file()
    .example(r#"{"Version": "1.2.3", "Region": "eu-west-1"}"#);
pub(crate) const CUSTOM_LINKS: Var = Var::text("CUSTOM_LINKS", "Adds buttons, as a JSON object of texts and URLs.")
    .unset("only the pages of the pipeline and the pull request are linked")
    .file()
    .example(r#"{"Roll back": "https://ci.example/rollback"}"#);
pub(crate) const NOTIFICATION_COLOR: Var =
    Var::text("NOTIFICATION_COLOR", "The color of the message's bar: hexadecimal, `good`, `warning` or `danger`.")
        .unset("the color of the status is used")
        .elsewhere(&["SLACK_COLOR", "COLOR"])
        .example("#36a64f");
pub(crate) const INCLUDE_COMMIT_INFO: Var =
    Var::flag("INCLUDE_COMMIT_INFO", "Includes the branch, tag or pull request, the commit and its author.")
        .or("omits them")
        .default("true");
pub(crate) const INCLUDE_BUILD_INFO: Var =
    Var::flag("INCLUDE_BUILD_INFO", "Includes the build, its duration and who started it.")
        .or("omits them")
        .default("true");
pub(crate) const INCLUDE_REPO_INFO: Var =
    Var::flag("INCLUDE_REPO_INFO", "Includes the repository.").or("omits it").default("true");
pub(crate) const STARTED_AT: Var =
    Var::text("STARTED_AT", "When the pipeline started: seconds since 1970, or RFC 3339.")
        .unset("the CI's API is queried if a token is available")
        .example("2026-01-31T12:00:00Z");
