//! The declaration of notify-pipe's variables. A channel's own are declared beside it.

use std::time::Duration;

use pipe_core::spec::{Group, Kind, Spec, Var};

use crate::channel::{self, KINDS};
use crate::{deployment, log, mention, reports, state, status, when};

pub static SPEC: Spec = Spec {
    name: "notify-pipe",
    summary: "Tells people and systems what a pipeline did, and fails where they were not told",
    category: "Notifications",
    version: env!("CARGO_PKG_VERSION"),
    groups: &GROUPS,
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
    "Where the message goes; if unset, the one channel that is configured.",
)
.required("unless exactly one channel is configured")
.example("slack,email");
pub(crate) const FAIL_ON_ERROR: Var = Var::choice(
    "FAIL_ON_ERROR",
    &["auto", "true", "false"],
    "What a message that was not delivered does to the run: `true` is exit 1, `false` is a warning; if unset, `auto`: a \
     refusal is exit 1, an outage after all attempts a warning, and for a pager it is always exit 1.",
)
.default("auto");
pub(crate) const RETRIES: Var = Var::new(
    "RETRIES",
    Kind::Integer { min: 0, max: 20 },
    "How often each request is tried again within TIMEOUT; if unset, 3 times.",
)
.default("3");
pub(crate) const MESSAGE: Var = Var::text(
    "MESSAGE",
    "What to say; it arrives as typed. If unset, title, status and what is known of the run say it all.",
)
.file()
.example("v1.2.3 is live");
pub(crate) const TITLE: Var =
    Var::text("TITLE", "The first line; if unset, the repository, its branch and how the pipeline ended.")
        .example("Production release");
pub(crate) const TEMPLATE: Var = Var::text(
    "TEMPLATE",
    "A Jinja template for the message's text instead of MESSAGE, with the names of docs/notify/templates.md; values in \
     it are never templates themselves. If unset, MESSAGE is taken as it is.",
)
.file()
.example("{{ repository }} {{ tag }} is live: {{ message }}");
pub(crate) const PRIORITY: Var = Var::choice(
    "PRIORITY",
    &["low", "normal", "high", "urgent"],
    "How much it matters: a mail's importance, an alert's severity, a mark in the headline; if unset, normal.",
)
.default("normal");
pub(crate) const CUSTOM_FIELDS: Var =
    Var::text("CUSTOM_FIELDS", "More labels and values, as a JSON object of texts; if unset, none.")
        .file()
        .example(r#"{"Version": "1.2.3", "Region": "eu-west-1"}"#);
pub(crate) const CUSTOM_LINKS: Var = Var::text(
    "CUSTOM_LINKS",
    "More buttons, as a JSON object of texts and URLs, e.g. one that starts a rollback; if unset, the pipeline's and the \
     pull request's pages only.",
)
.file()
.example(r#"{"Roll back": "https://ci.example/rollback"}"#);
pub(crate) const NOTIFICATION_COLOR: Var = Var::text(
    "NOTIFICATION_COLOR",
    "The colour of the message's bar: hexadecimal, or good, warning or danger; if unset, the status's.",
)
.example("#36a64f");
pub(crate) const INCLUDE_COMMIT_INFO: Var =
    Var::flag("INCLUDE_COMMIT_INFO", "Tells branch, tag or pull request, commit and author; if unset, true.")
        .default("true");
pub(crate) const INCLUDE_BUILD_INFO: Var =
    Var::flag("INCLUDE_BUILD_INFO", "Tells the build and how long it took; if unset, true.").default("true");
pub(crate) const INCLUDE_REPO_INFO: Var =
    Var::flag("INCLUDE_REPO_INFO", "Tells the repository; if unset, true.").default("true");
pub(crate) const STARTED_AT: Var = Var::text(
    "STARTED_AT",
    "When the pipeline began: seconds since 1970, or RFC 3339; if unset, the CI's API is asked where a token allows it.",
)
.example("2026-01-31T12:00:00Z");
