//! The plainest of metrics: one JSON document with pipeline, status and duration.

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::{Group, Var};
use secrecy::SecretString;
use serde_json::json;

use super::{Channel, HttpChannel, Kind, Target, urls};
use crate::http::{Call, host};
use crate::message::Message;
use crate::post::Undelivered;

const METRICS_ENDPOINT: Var = Var::secrets(
    "METRICS_ENDPOINT",
    "Where `{\"pipeline\", \"status\", \"duration\"}` is posted to; if unset, nowhere.",
)
.example("https://metrics.example.com/api/v1/metrics");
const METRICS_TOKEN: Var =
    Var::secret("METRICS_TOKEN", "A bearer token for METRICS_ENDPOINT; if unset, requests have none.");

pub(crate) const KIND: Kind = Kind {
    name: "metrics",
    group: Group { title: "Metrics endpoint", vars: &[&METRICS_ENDPOINT, &METRICS_TOKEN] },
    needs: &[&METRICS_ENDPOINT],
    inferred: true,
    from_vars,
};

struct Metrics {
    url: SecretString,
    token: Option<SecretString>,
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let urls = urls(vars, &METRICS_ENDPOINT);
    let token = vars.secret(&METRICS_TOKEN);
    urls.into_iter().map(|url| Box::new(Metrics { url, token: token.clone() }) as Box<dyn Channel>).collect()
}

impl Target for Metrics {
    fn target(&self) -> String {
        host(&self.url)
    }
}

impl HttpChannel for Metrics {
    fn call(&self, message: &Message) -> Result<Call, Undelivered> {
        let run = &message.run;
        let body = json!({
            "pipeline": run.pipeline.clone().or_else(|| run.repository.clone()),
            "status": message.status,
            // Seconds; null where nobody knows when it began.
            "duration": run.seconds(),
            "repository": run.repository,
            "branch": run.branch,
            "commit": run.commit,
            "environment": run.environment,
            "finished_at": run.finished_at,
        });
        Ok(Call::secret(&self.url).json(&body).bearer(self.token.as_ref()))
    }
}
