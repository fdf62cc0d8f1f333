//! Datadog: deployments for its DORA metrics.

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::{Group, Var};
use secrecy::SecretString;
use serde_json::json;

use super::{Channel, HttpChannel, Kind, Target};
use crate::http::{Call, host_of};
use crate::message::Message;
use crate::post::Undelivered;
use crate::status::Status;

const DATADOG_API_KEY: Var =
    Var::secret("DATADOG_API_KEY", "An API key; if unset, Datadog is not told.").aliases(&["DD_API_KEY"]);
const DATADOG_SITE: Var = Var::text("DATADOG_SITE", "The site of the organisation; if unset, datadoghq.com.")
    .aliases(&["DD_SITE"])
    .default("datadoghq.com")
    .example("datadoghq.eu");
const DATADOG_API_URL: Var = Var::url("DATADOG_API_URL", "The API, for a proxy of one's own; if unset, the site's.");

pub(crate) const KIND: Kind = Kind {
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
        vars.problem(&DATADOG_SITE, "expected a host's name such as datadoghq.eu");
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
    fn call(&self, message: &Message) -> Result<Call, Undelivered> {
        let skipped = |why: &str| Err(Undelivered::Skipped(why.to_owned()));
        let Some(deployment) = &message.run.deployment else { return skipped("nothing was deployed") };
        if !matches!(message.status, Status::Success | Status::Warning) && !deployment.rollback {
            return skipped("what failed is no deployment to Datadog");
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
        Ok(Call::post(format!("{}/api/v2/dora/deployment", self.api))
            .json(&body)
            .header("dd-api-key", self.key.clone()))
    }
}
