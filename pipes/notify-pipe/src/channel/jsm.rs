//! Jira Service Management's alerts, and Opsgenie's, which have the same form.

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::{Authorization, Request};
use pipe_core::spec::{Group, Var};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};

use super::pagerduty::{details, source, subject_key, unknown_subject};
use super::target::{Channel, ChannelKind, HttpChannel, Target};
use crate::http::{RequestExt, encode, host_of, post};
use crate::message::{Message, Priority};
use crate::post::Undelivered;
use crate::status::Status;
use crate::text::{one_line, shorten, utf16};

const JSM_API_KEY: Var = Var::secret("JSM_API_KEY", "The API key of an integration in Jira Service Management.")
    .unset("OPSGENIE_API_KEY is used");
const OPSGENIE_API_KEY: Var =
    Var::secret("OPSGENIE_API_KEY", "The API key of an integration in Opsgenie, whose API ends in April 2027.")
        .unset("JSM_API_KEY is used");
const JSM_API_URL: Var =
    Var::url("JSM_API_URL", "The URL of the API. Opsgenie's in the EU is https://api.eu.opsgenie.com/v2.")
        .unset("it is that of Jira Service Management, or of Opsgenie with OPSGENIE_API_KEY");
const JSM_ALIAS: Var =
    Var::text("JSM_ALIAS", "The alias that a failure and the success after it share, so that one closes the other.")
        .aliases(&["OPSGENIE_ALIAS"])
        .unset("it consists of repository, pipeline, branch and environment");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "jsm",
    group: Group {
        title: "Jira Service Management and Opsgenie",
        vars: &[&JSM_API_KEY, &OPSGENIE_API_KEY, &JSM_API_URL, &JSM_ALIAS],
    },
    needs: &[&JSM_API_KEY, &OPSGENIE_API_KEY],
    inferred: true,
    from_vars,
};

const MAX_MESSAGE: usize = 130;
const MAX_ALIAS: usize = 512;
const MAX_DESCRIPTION: usize = 15_000;
const MAX_SOURCE: usize = 100;
/// Characters of all details together, of which 8,000 are taken.
const MAX_DETAILS: usize = 7_800;

struct Jsm {
    key: SecretString,
    api: String,
    alias: Option<String>,
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let (jsm, opsgenie) = (vars.secret(&JSM_API_KEY), vars.secret(&OPSGENIE_API_KEY));
    let api = vars.text(&JSM_API_URL);
    let alias = vars.text(&JSM_ALIAS);
    let (key, own) = match (jsm, opsgenie) {
        (Some(key), _) => (key, "https://api.atlassian.com/jsm/ops/integration/v2"),
        (None, Some(key)) => (key, "https://api.opsgenie.com/v2"),
        (None, None) => return Vec::new(),
    };
    let api = api.unwrap_or_else(|| own.to_owned()).trim_end_matches('/').to_owned();
    vec![Box::new(Jsm { key, api, alias })]
}

impl Target for Jsm {
    fn target(&self) -> String {
        host_of(&self.api)
    }

    fn warning(&self, message: &Message) -> Option<String> {
        if self.alias.is_some() { None } else { unknown_subject(message, "JSM_ALIAS") }
    }

    fn is_pager(&self) -> bool {
        true
    }
}

impl HttpChannel for Jsm {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let alias = self.alias.clone().or_else(|| subject_key(message)).map(|key| shorten(&key, MAX_ALIAS, utf16));
        let headline = one_line(&message.headline());
        let request = match (message.status, alias) {
            (Status::Error, alias) => post(&format!("{}/alerts", self.api)).json_body(&without_null(json!({
                "message": shorten(&headline, MAX_MESSAGE, utf16),
                "alias": alias,
                "description": shorten(&message.plain(), MAX_DESCRIPTION, utf16),
                "details": details(message, MAX_DETAILS)
                    .into_iter()
                    .filter(|(label, _)| label != "Log" && label != "Message")
                    .collect::<serde_json::Map<_, _>>(),
                "priority": priority(message.priority),
                "source": source(message, MAX_SOURCE),
                "tags": ["pipewright"],
            }))),
            (Status::Success | Status::Warning, None) => {
                return Err(Undelivered::Skipped("no alias says which alert it closes. Set JSM_ALIAS".to_owned()));
            }
            (Status::Success | Status::Warning, Some(alias)) => {
                post(&format!("{}/alerts/{}/close?identifierType=alias", self.api, encode(&alias)))
                    .json_body(&json!({ "note": shorten(&headline, MAX_MESSAGE, utf16), "source": "pipewright" }))
            }
            (other, _) => return Err(Undelivered::Skipped(format!("no alert for the status {}", other.name()))),
        };
        let authorization = Authorization::Header(SecretString::from(format!("GenieKey {}", self.key.expose_secret())));
        Ok(request.authorize(&authorization, &host_of(&self.api)))
    }
}

/// An alert without an alias gets one from the service.
fn without_null(mut document: Value) -> Value {
    if let Some(map) = document.as_object_mut() {
        map.retain(|_, value| !value.is_null());
    }
    document
}

fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Urgent => "P1",
        Priority::High => "P2",
        Priority::Normal => "P3",
        Priority::Low => "P4",
    }
}
