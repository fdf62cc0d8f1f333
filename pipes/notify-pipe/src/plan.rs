//! What will be sent, as data: what `DRY_RUN` prints.

use pipe_core::Context;
use pipe_core::plan::{Effects, Planned};
use serde::Serialize;
use serde_json::Value;

use crate::compose::{Gathered, gather};
use crate::config::{Config, Selected};
use crate::status::Status;
use crate::when::When;

/// The message and each request that would carry it. What only the CI's API knows is not in it.
#[derive(Serialize)]
pub struct Plan {
    status: Status,
    title: String,
    notify_on: When,
    requests: Vec<Request>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    warnings: Vec<String>,
    #[serde(flatten)]
    effects: Effects,
    #[serde(skip)]
    pub(crate) gathered: Gathered,
}

#[derive(Serialize)]
struct Request {
    channel: &'static str,
    target: String,
    send: Value,
}

impl Plan {
    pub(crate) fn new(config: &Config, ctx: &Context) -> Plan {
        let gathered = gather(config, ctx);
        let (message, warnings, unable) = gathered.word(config, ctx);
        // Requests are only worth making twice where somebody looks at them.
        let shown = if ctx.dry_run { config.channels.as_slice() } else { &[] };
        let requests = shown
            .iter()
            .map(|selected| Request {
                channel: selected.kind,
                target: selected.channel.target(),
                send: selected.channel.preview(&message),
            })
            .collect();
        Plan {
            status: message.status,
            title: message.headline(),
            notify_on: config.when,
            requests,
            warnings: [&gathered.warnings, &gathered.unable, &warnings, &unable]
                .into_iter()
                .flatten()
                .cloned()
                .collect(),
            effects: Effects { steps: config.channels.iter().map(step).collect(), ..Effects::default() },
            gathered,
        }
    }
}

/// The name of a channel's step.
fn step(selected: &Selected) -> String {
    let (kind, target) = (selected.kind, selected.channel.target());
    if target.is_empty() { kind.to_owned() } else { format!("{kind} {target}") }
}

impl Planned for Plan {
    fn effects(&self) -> &Effects {
        &self.effects
    }
}
