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
mod target;
mod teams;
mod telegram;
mod webhook;

pub(crate) use target::{Channel, ChannelKind};
#[cfg(test)]
pub(crate) use target::{Preview, Target};

/// Every kind of channel, in the order of the documentation.
pub(crate) const KINDS: &[ChannelKind] = &[
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

#[cfg(test)]
mod tests;
