//! From variables to a configuration.

use std::path::PathBuf;
use std::sync::Arc;

use jiff::Timestamp;
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::platform::PullRequest;
use pipe_core::spec::{Var, common};
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};

use crate::channel::bitbucket::BITBUCKET_API_URL;
use crate::channel::{Channel, KINDS};
use crate::message::Priority;
use crate::status::{Said, Status};
use crate::template::{Form, Template};
use crate::text::hex_color;
use crate::vars::{
    CHANNELS, CUSTOM_FIELDS, CUSTOM_LINKS, FAIL_ON_ERROR, INCLUDE_BUILD_INFO, INCLUDE_COMMIT_INFO, INCLUDE_REPO_INFO,
    MESSAGE, NOTIFICATION_COLOR, PRIORITY, RETRIES, STARTED_AT, TEMPLATE, TITLE,
};
use crate::when::When;
use crate::{deployment, log, mention, reports, state};

/// What a run of notify-pipe does.
pub struct Config {
    pub(crate) channels: Vec<Selected>,
    pub(crate) body: Option<Body>,
    pub(crate) title: Option<String>,
    pub(crate) said: Said,
    pub(crate) priority: Priority,
    pub(crate) custom_fields: Vec<(String, String)>,
    pub(crate) custom_links: Vec<(String, String)>,
    pub(crate) color: Option<u32>,
    pub(crate) include_commit: bool,
    pub(crate) include_build: bool,
    pub(crate) include_repository: bool,
    pub(crate) started_at: Option<Timestamp>,
    /// The pipeline's page, where that of the run is only this job's.
    pub(crate) pipeline_url: Option<String>,
    pub(crate) log: Option<log::LogOptions>,
    pub(crate) reports: reports::ReportOptions,
    pub(crate) mentions: mention::MentionOptions,
    pub(crate) deployment: deployment::DeploymentOptions,
    pub(crate) when: When,
    pub(crate) fail: Fail,
    pub(crate) retries: u32,
    pub(crate) state: Option<PathBuf>,
    pub(crate) bitbucket_api: String,
    /// A secret that is missing is a reason to skip what needs it.
    pub(crate) may_lack_secrets: bool,
    /// Bitbucket runs this step again.
    pub(crate) again: bool,
}

/// A channel and the name of its kind.
#[derive(Clone)]
pub(crate) struct Selected {
    pub(crate) kind: &'static str,
    /// Its token is the one that the CI gives a run.
    pub(crate) is_platform: bool,
    pub(crate) channel: Arc<dyn Channel>,
}

impl Selected {
    /// The name of its step in the report: `slack #ops`.
    pub(crate) fn step(&self) -> String {
        let target = self.channel.target();
        if target.is_empty() { self.kind.to_owned() } else { format!("{} {target}", self.kind) }
    }
}

/// `channel` and `target`.
impl Serialize for Selected {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(2))?;
        map.serialize_entry("channel", self.kind)?;
        map.serialize_entry("target", &self.channel.target())?;
        map.end()
    }
}

/// The text of the user.
pub(crate) enum Body {
    Text(String),
    /// With MESSAGE as its `message`.
    Template {
        template: Template,
        message: String,
    },
}

/// `FAIL_ON_ERROR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fail {
    Auto,
    Always,
    Never,
}

impl Config {
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> Option<Config> {
        let channels = channels(vars, ctx);
        Some(Config {
            channels,
            body: body(vars),
            title: vars.text(&TITLE),
            said: Said::from_vars(vars, ctx),
            priority: match vars.choice(&PRIORITY) {
                Some("low") => Priority::Low,
                Some("high") => Priority::High,
                Some("urgent") => Priority::Urgent,
                _ => Priority::Normal,
            },
            custom_fields: object(vars, &CUSTOM_FIELDS),
            custom_links: links(vars),
            color: color(vars),
            include_commit: vars.flag(&INCLUDE_COMMIT_INFO),
            include_build: vars.flag(&INCLUDE_BUILD_INFO),
            include_repository: vars.flag(&INCLUDE_REPO_INFO),
            started_at: started_at(vars),
            pipeline_url: vars.ci("CI_PIPELINE_URL").map(str::to_owned),
            log: log::LogOptions::from_vars(vars, ctx),
            reports: reports::ReportOptions::from_vars(vars, ctx),
            mentions: mention::MentionOptions::from_vars(vars, ctx),
            deployment: deployment::DeploymentOptions::from_vars(vars),
            when: When::from_vars(vars),
            fail: match vars.choice(&FAIL_ON_ERROR) {
                Some("true") => Fail::Always,
                Some("false") => Fail::Never,
                _ => Fail::Auto,
            },
            retries: vars.integer(&RETRIES).and_then(|retries| u32::try_from(retries).ok()).unwrap_or(3),
            state: state::state_file(vars, ctx),
            may_lack_secrets: match vars.choice(&common::ON_MISSING_SECRET) {
                Some("skip") => true,
                Some("auto") => ctx.ci.pull_request.as_ref().is_some_and(PullRequest::may_lack_secrets),
                _ => false,
            },
            again: vars.ci("BITBUCKET_STEP_RUN_NUMBER").is_some_and(|number| number.trim() != "1"),
            bitbucket_api: vars.text(&BITBUCKET_API_URL).unwrap_or_default().trim_end_matches('/').to_owned(),
        })
    }
}

/// The channels that CHANNELS names, or the one that is configured.
fn channels(vars: &mut Vars, ctx: &Context) -> Vec<Selected> {
    let untrusted = ctx.ci.pull_request.as_ref().is_some_and(|pull| pull.may_lack_secrets());
    let mut named = vars.list(&CHANNELS);
    let configured: Vec<&'static str> = KINDS
        .iter()
        .filter(|kind| kind.inferred && kind.needs.iter().any(|var| vars.is_set(var)))
        .map(|kind| kind.name)
        .collect();
    if named.is_empty() {
        match configured.as_slice() {
            [one] => named.push((*one).to_owned()),
            [] => vars.lacks_secret(&CHANNELS, untrusted),
            several => {
                let which = several.join(",");
                vars.problem(&CHANNELS, format!("required because several channels are configured. Example: {which}"));
            }
        }
    } else {
        for name in configured.iter().filter(|name| !named.iter().any(|known| known == *name)) {
            vars.notice(format!("{name} is configured but not listed in CHANNELS; skipping it"));
        }
    }
    let mut selected = Vec::new();
    for kind in KINDS {
        let wanted = named.iter().any(|name| name == kind.name);
        if wanted && kind.needs.iter().any(|var| vars.is_set(var)) {
            let channels = (kind.from_vars)(vars, ctx);
            selected.extend(channels.into_iter().map(|channel| Selected {
                kind: kind.name,
                is_platform: matches!(kind.name, "github" | "bitbucket"),
                channel: Arc::from(channel),
            }));
        } else {
            if wanted && let [first, ..] = kind.needs {
                if first.is_secret() { vars.lacks_secret(first, untrusted) } else { vars.require(first) }
            }
            vars.pass_over(kind.group.vars);
        }
    }
    selected
}

fn body(vars: &mut Vars) -> Option<Body> {
    let message = vars.text(&MESSAGE).map(|text| text.trim_end().to_owned());
    let Some(source) = vars.text(&TEMPLATE) else { return message.map(Body::Text) };
    match Template::new(source, Form::Text) {
        Ok(template) => Some(Body::Template { template, message: message.unwrap_or_default() }),
        Err(problem) => {
            vars.problem(&TEMPLATE, problem);
            None
        }
    }
}

/// The labels and texts of a JSON object, in its order.
fn object(vars: &mut Vars, var: &'static Var) -> Vec<(String, String)> {
    let Some(text) = vars.text(var) else { return Vec::new() };
    match serde_json::from_str::<Map<String, Value>>(&text) {
        Ok(object) => object
            .into_iter()
            .map(|(label, value)| match value {
                Value::String(text) => (label, text),
                other => (label, other.to_string()),
            })
            .collect(),
        Err(_) => {
            vars.problem(var, format!("expected a JSON object of texts. Example: {}", var.example.unwrap_or("{}")));
            Vec::new()
        }
    }
}

fn links(vars: &mut Vars) -> Vec<(String, String)> {
    let links = object(vars, &CUSTOM_LINKS);
    if links.iter().any(|(_, url)| !crate::http::is_url(&url.as_str().into())) {
        vars.problem(&CUSTOM_LINKS, "expected URLs that begin with https:// or http://");
    }
    links
}

fn color(vars: &mut Vars) -> Option<u32> {
    let text = vars.text(&NOTIFICATION_COLOR)?;
    let color = match text.trim().to_ascii_lowercase().as_str() {
        "good" | "success" => Some(Status::Success.color()),
        "warning" => Some(Status::Warning.color()),
        "danger" | "error" => Some(Status::Error.color()),
        other => hex_color(other),
    };
    if color.is_none() {
        vars.problem(&NOTIFICATION_COLOR, "expected a color such as #36a64f, or good, warning or danger");
    }
    color
}

fn started_at(vars: &mut Vars) -> Option<Timestamp> {
    let Some(text) = vars.text(&STARTED_AT) else {
        return vars.ci("CI_PIPELINE_CREATED_AT").and_then(|text| text.parse().ok());
    };
    let text = text.trim();
    let seconds = text.parse::<i64>().ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let time = seconds.or_else(|| text.parse().ok());
    if time.is_none() {
        vars.problem(&STARTED_AT, "expected seconds since 1970 or a time such as 2026-01-31T12:00:00Z");
    }
    time
}
