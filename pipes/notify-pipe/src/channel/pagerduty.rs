//! PagerDuty: alerts that a failure triggers and a success resolves, and change events for deployments (Events API v2).

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::Request;
use pipe_core::spec::{Group, Var};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};

use super::fit::fit;
use super::target::{Channel, ChannelKind, HttpChannel, Target};
use crate::http::{RequestExt, post};
use crate::message::{Message, Priority};
use crate::post::Undelivered;
use crate::status::Status;
use crate::text::{last_lines, one_line, shorten, utf16};

const PAGERDUTY_ROUTING_KEY: Var =
    Var::secret("PAGERDUTY_ROUTING_KEY", "The integration key of a service or of an event orchestration.")
        .unset("nothing is sent to PagerDuty");
const PAGERDUTY_EVENT: Var =
    Var::choice("PAGERDUTY_EVENT", &["auto", "alert", "change"], "Sets which events are sent.")
        .values(&[
            ("auto", "sends alerts and changes"),
            ("alert", "triggers an alert on a failure and resolves it on a success"),
            ("change", "reports deployments as changes, which notify no one"),
        ])
        .default("auto");
const PAGERDUTY_DEDUP_KEY: Var = Var::text(
    "PAGERDUTY_DEDUP_KEY",
    "The key that a failure and the success after it share, so that one resolves the other.",
)
.unset("it consists of repository, pipeline, branch and environment");
const PAGERDUTY_URL: Var =
    Var::url("PAGERDUTY_URL", "The URL of the Events API. In the EU it is https://events.eu.pagerduty.com.")
        .default("https://events.pagerduty.com");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "pagerduty",
    group: Group {
        title: "PagerDuty",
        vars: &[&PAGERDUTY_ROUTING_KEY, &PAGERDUTY_EVENT, &PAGERDUTY_DEDUP_KEY, &PAGERDUTY_URL],
    },
    needs: &[&PAGERDUTY_ROUTING_KEY],
    inferred: true,
    from_vars,
};

const MAX_SUMMARY: usize = 1_024;
const MAX_KEY: usize = 255;
const MAX_NAME: usize = 255;
/// Bytes of an event: 512 KB are taken.
const MAX_SIZE: usize = 400_000;
const MAX_VALUE: usize = 1_000;
const MAX_DETAILS: usize = 50;
const MAX_LOG: usize = 20_000;
const MAX_LINKS: usize = 10;

struct Alerts {
    key: SecretString,
    url: String,
    dedup: Option<String>,
}

struct Changes {
    key: SecretString,
    url: String,
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let key = vars.secret(&PAGERDUTY_ROUTING_KEY);
    let url = vars.text(&PAGERDUTY_URL).unwrap_or_default().trim_end_matches('/').to_owned();
    let dedup = vars.text(&PAGERDUTY_DEDUP_KEY);
    let event = vars.choice(&PAGERDUTY_EVENT);
    let Some(key) = key else { return Vec::new() };
    let mut channels: Vec<Box<dyn Channel>> = Vec::new();
    if event != Some("change") {
        channels.push(Box::new(Alerts { key: key.clone(), url: url.clone(), dedup }));
    }
    if event != Some("alert") {
        channels.push(Box::new(Changes { key, url }));
    }
    channels
}

impl Target for Alerts {
    fn target(&self) -> String {
        "alerts".to_owned()
    }

    fn warning(&self, message: &Message) -> Option<String> {
        if self.dedup.is_some() { None } else { unknown_subject(message, "PAGERDUTY_DEDUP_KEY") }
    }

    fn is_pager(&self) -> bool {
        true
    }
}

impl HttpChannel for Alerts {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let action = match message.status {
            Status::Error => "trigger",
            Status::Success | Status::Warning => "resolve",
            other => return Err(Undelivered::Skipped(format!("no alert for the status {}", other.name()))),
        };
        let mut event = json!({ "routing_key": self.key.expose_secret(), "event_action": action });
        match self.dedup.clone().or_else(|| subject_key(message)) {
            Some(key) => event["dedup_key"] = Value::from(shorten(&key, MAX_KEY, utf16)),
            // PagerDuty makes up a key for an alert without one.
            None if action == "trigger" => {}
            None => {
                return Err(Undelivered::Skipped(
                    "no key says which alert it closes. Set PAGERDUTY_DEDUP_KEY".to_owned(),
                ));
            }
        }
        if action == "trigger" {
            event["payload"] = json!({
                "summary": shorten(&one_line(&message.headline()), MAX_SUMMARY, utf16),
                "source": source(message, MAX_NAME),
                "severity": severity(message.priority),
                "timestamp": message.run.finished_at.to_string(),
                "custom_details": details(message, MAX_SIZE),
            });
            // What is not known is left out: PagerDuty's description has no null.
            for (key, name) in [("component", &message.run.environment), ("group", &message.run.pipeline)] {
                if let Some(name) = name {
                    event["payload"][key] = Value::from(shorten(name, MAX_NAME, utf16));
                }
            }
            event["links"] = links(message);
        }
        Ok(post(&format!("{}/v2/enqueue", self.url)).json_body(&event))
    }
}

impl Target for Changes {
    fn target(&self) -> String {
        "changes".to_owned()
    }
}

impl HttpChannel for Changes {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        if message.run.deployment.is_none() {
            return Err(Undelivered::Skipped("nothing was deployed. Set ENVIRONMENT if something was".to_owned()));
        }
        let event = json!({
            "routing_key": self.key.expose_secret(),
            "payload": {
                "summary": shorten(&one_line(&message.headline()), MAX_SUMMARY, utf16),
                "source": source(message, MAX_NAME),
                "timestamp": message.run.finished_at.to_string(),
                "custom_details": details(message, MAX_SIZE),
            },
            "links": links(message),
        });
        Ok(post(&format!("{}/v2/change/enqueue", self.url)).json_body(&event))
    }
}

fn severity(priority: Priority) -> &'static str {
    match priority {
        Priority::Urgent => "critical",
        Priority::High | Priority::Normal => "error",
        Priority::Low => "warning",
    }
}

/// What stays the same from a pipeline's failure to its success: for services that close what they opened. `None` if not
/// all of its facts are known.
pub(super) fn subject_key(message: &Message) -> Option<String> {
    Some(format!("pipewright/{}", message.run.identity().ok()?.join("/")))
}

/// What it means that there is no [`subject_key`], for a message that opens or closes an alert. `var` sets the key.
pub(super) fn unknown_subject(message: &Message, var: &str) -> Option<String> {
    let missing = message.run.identity().err()?.join(" and ");
    let what = match message.status {
        Status::Error => "a later success cannot close this alert",
        Status::Success | Status::Warning => "this success closes no alert",
        _ => return None,
    };
    Some(format!("the {missing} of this run is unknown, so {what}. Set {var}"))
}

/// Where the event comes from, by a name that is never empty.
pub(super) fn source(message: &Message, max: usize) -> String {
    shorten(message.run.repository.as_deref().unwrap_or("pipeline"), max, utf16)
}

/// All that is known, by label, within so many bytes.
pub(super) fn details(message: &Message, limit: usize) -> Map<String, Value> {
    let size = |details: &Map<String, Value>| Value::from(details.clone()).to_string().len();
    fit(limit, |scale| scaled(message, scale), size)
}

fn scaled(message: &Message, scale: usize) -> Map<String, Value> {
    let value = MAX_VALUE / scale;
    let mut details = Map::new();
    if !message.text.is_empty() {
        details.insert("Message".to_owned(), json!(shorten(&message.text, value * 4, utf16)));
    }
    let fields = message.fields.iter().map(|field| (&field.label, &field.value));
    let findings = message.findings.iter().map(|finding| (&finding.label, &finding.text));
    for (label, text) in fields.chain(findings).take((MAX_DETAILS / scale).max(4)) {
        details.insert(shorten(&one_line(label), 100, utf16), json!(shorten(text, value, utf16)));
    }
    if let Some(log) = &message.log {
        details.insert("Log".to_owned(), json!(last_lines(&log.text, MAX_LOG / scale, utf16)));
    }
    details
}

fn links(message: &Message) -> Value {
    let usable = message.links.iter().filter(|link| link.url.len() <= 2_000 && !link.text.trim().is_empty());
    let text = |text: &str| shorten(&one_line(text), MAX_NAME, utf16);
    usable.take(MAX_LINKS).map(|link| json!({ "href": link.url, "text": text(&link.text) })).collect()
}
