//! What a run does, as data: `execute` consumes it, and `DRY_RUN` prints it.

use crate::run::now;
use pipe_core::Context;
use pipe_core::plan::{Effects, Planned};
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::ci_api::Inquiry;
use crate::compose::{Worded, draft};
use crate::config::{Config, Selected};
use crate::facts::Facts;
use crate::message::Message;
use crate::state::State;
use crate::status::Status;
use crate::when::{Decision, When};

/// The parts of a run: what is known, what is asked, what decides, and where the message goes.
#[derive(Serialize)]
pub struct Plan {
    notify_on: When,
    /// `None`: the CI's API decides.
    #[serde(serialize_with = "decision")]
    pub(crate) decision: Option<Decision>,
    pub(crate) channels: Vec<Selected>,
    /// What is asked of the CI's API, with the parts of this plan that only its answers fill in.
    pub(crate) ci_api: Option<Inquiry>,
    #[serde(rename = "state_file")]
    pub(crate) state: State,
    pub(crate) facts: Facts,
    /// The message and its requests, for `DRY_RUN`. A run words it after the CI's API has answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Preview>,
    /// `DRY_RUN` names the hosts, the writes and the files of every answer that the CI's API may give.
    #[serde(flatten)]
    effects: Effects,
}

/// The message as it is known without the CI's API.
#[derive(Serialize)]
struct Preview {
    status: Status,
    title: String,
    requests: Vec<Sent>,
    warnings: Vec<String>,
    unable: Vec<String>,
}

/// What one channel sends: a request, or why it sends nothing.
#[derive(Serialize)]
struct Sent {
    channel: &'static str,
    target: String,
    send: Value,
}

fn decision<S: Serializer>(decision: &Option<Decision>, serializer: S) -> Result<S::Ok, S::Error> {
    match decision {
        Some(decision) => decision.serialize(serializer),
        None => serializer.serialize_str("depends on the answers of the CI's API"),
    }
}

impl Plan {
    pub(crate) fn new(config: &Config, ctx: &Context) -> Plan {
        let mut facts = Facts::gather(config, ctx);
        let (state, problem) = State::open(config.state.clone(), &ctx.workspace.root);
        facts.warnings.extend(problem);
        let remembered = state.previous_status(&facts.run);
        let ci_api = Inquiry::new(config, &facts, remembered, ctx);
        let decision = match &ci_api {
            Some(inquiry) if inquiry.decides(config.when) => None,
            inquiry => {
                let problem = inquiry.as_ref().and_then(Inquiry::problem).unwrap_or("it was not needed");
                let previous = remembered.map(Some).ok_or_else(|| problem.to_owned());
                Some(config.when.decide(facts.status, previous))
            }
        };
        let mut plan = Plan {
            notify_on: config.when,
            decision,
            channels: config.channels.clone(),
            ci_api,
            state,
            facts,
            message: None,
            effects: Effects::default(),
        };
        plan.effects.steps = plan.channels.iter().map(Selected::step).collect();
        plan.effects.hosts.extend(plan.ci_api.as_ref().and_then(Inquiry::host));
        if ctx.dry_run {
            plan.preview(config, ctx);
        }
        plan
    }

    /// Words the message and names what sending it does.
    fn preview(&mut self, config: &Config, ctx: &Context) {
        let draft = draft(&self.facts, config, ctx);
        let rendered = draft.template.map(|template| template.render(&draft.message));
        let Worded { mut message, mut warnings, unable } = draft.finish(rendered, ctx);
        let template = self.channels.iter().find_map(|selected| selected.channel.template());
        message.payload = template.map(|template| template.render(&message));
        warnings.extend(self.channels.iter().filter_map(|selected| selected.channel.warning(&message)));
        let requests = self.channels.iter().map(|selected| Sent {
            channel: selected.kind,
            target: selected.channel.target(),
            send: match selected.channel.preview(&message, &self.state) {
                Ok(preview) => preview.sent,
                Err(undelivered) => Value::from(undelivered.to_string()),
            },
        });
        let requests = requests.collect();
        for message in self.possible(&message) {
            self.add_effects(&message);
        }
        self.message = Some(Preview { status: message.status, title: message.headline(), requests, warnings, unable });
    }

    /// The message by every answer that the CI's API may give.
    fn possible(&self, message: &Message) -> Vec<Message> {
        let mut possible = vec![message.clone()];
        let Some(inquiry) = &self.ci_api else { return possible };
        if inquiry.may_add_start() {
            let mut started = message.clone();
            started.run.started(now());
            possible.push(started);
        }
        if inquiry.may_change_status() {
            let failed = possible.iter().map(|message| Message { status: Status::Error, ..message.clone() });
            let failed: Vec<Message> = failed.collect();
            possible.extend(failed);
        }
        possible
    }

    fn add_effects(&mut self, message: &Message) {
        let mut effects = Effects::default();
        if !matches!(self.decision, Some(Decision::Skip(_))) {
            for selected in &self.channels {
                if let Ok(preview) = selected.channel.preview(message, &self.state) {
                    effects.add(preview.effects);
                }
            }
        }
        if self.state.remembers(message.status) {
            effects.add(Effects { files: self.state.file().into_iter().collect(), ..Effects::default() });
        }
        self.effects.add(effects);
    }
}

impl Planned for Plan {
    fn effects(&self) -> &Effects {
        &self.effects
    }
}
