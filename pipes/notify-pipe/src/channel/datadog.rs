//! Datadog: deployments for its DORA metrics.

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::Request;
use pipe_core::spec::{Group, Var};
use secrecy::SecretString;
use serde_json::json;

use super::target::{Channel, ChannelKind, HttpChannel, Target};
use crate::http::{RequestExt, host_of, post};
use crate::message::Message;
use crate::post::Undelivered;
use crate::status::Status;

const DATADOG_API_KEY: Var =
    Var::secret("DATADOG_API_KEY", "An API key.").aliases(&["DD_API_KEY"]).unset("nothing is sent to Datadog");
const DATADOG_SITE: Var = Var::text("DATADOG_SITE", "The Datadog site of the organization.")
    .aliases(&["DD_SITE"])
    .default("datadoghq.com")
    .example("datadoghq.eu");
const DATADOG_API_URL: Var =
    Var::url("DATADOG_API_URL", "The URL of the API, for example of a proxy.").unset("it follows from DATADOG_SITE");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "datadog",
    group: Group { title: "Datadog", vars: &[&DATADOG_API_KEY, &DATADOG_SITE, &DATADOG_API_URL] },
    needs: &[&DATADOG_API_KEY],
    inferred: false,
    from_vars,
};

struct Datadog {
    key: SecretString,
    api: String,
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let key = vars.secret(&DATADOG_API_KEY);
    let site = vars.text(&DATADOG_SITE).unwrap_or_default();
    let api = vars.text(&DATADOG_API_URL);
    if !site.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte)) {
        vars.problem(&DATADOG_SITE, "expected a host name such as datadoghq.eu");
    }
    let Some(key) = key else { return Vec::new() };
    let api = api.unwrap_or_else(|| format!("https://api.{site}")).trim_end_matches('/').to_owned();
    vec![Box::new(Datadog { key, api })]
}

impl Target for Datadog {
    fn target(&self) -> String {
        host_of(&self.api)
    }
}

impl HttpChannel for Datadog {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let skipped = |why: &str| Err(Undelivered::Skipped(why.to_owned()));
        let Some(deployment) = &message.run.deployment else {
            return skipped("nothing was deployed. Set ENVIRONMENT if something was");
        };
        if !matches!(message.status, Status::Success | Status::Warning) && !deployment.rollback {
            return skipped("Datadog does not count a failed deployment");
        }
        let finished = deployment.finished_at.unwrap_or(message.run.finished_at);
        let started = deployment.started_at.unwrap_or(finished);
        let mut attributes = json!({
            "service": deployment.service,
            "env": deployment.environment,
            // Nanoseconds.
            "started_at": i64::try_from(started.as_nanosecond()).unwrap_or_default(),
            "finished_at": i64::try_from(finished.as_nanosecond()).unwrap_or_default(),
        });
        if let Some(version) = &deployment.version {
            attributes["version"] = json!(version);
        }
        if deployment.rollback {
            attributes["custom_tags"] = json!(["rollback:true"]);
        }
        if let (Some(commit), Some(url)) = (&deployment.commit, &message.run.repository_url) {
            attributes["git"] = json!({ "commit_sha": commit, "repository_url": url });
        }
        let body = json!({ "data": { "attributes": attributes } });
        Ok(post(&format!("{}/api/v2/dora/deployment", self.api))
            .json_body(&body)
            .secret_header("dd-api-key", &self.key))
    }
}
