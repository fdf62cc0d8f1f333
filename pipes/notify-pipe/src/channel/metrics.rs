//! The plainest of metrics: one JSON document with pipeline, status and duration.

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::Request;
use pipe_core::spec::{Group, Var};
use secrecy::SecretString;
use serde_json::json;

use super::target::{Channel, ChannelKind, HttpChannel, Target, urls};
use crate::http::{RequestExt, host, post_secret};
use crate::message::Message;
use crate::post::Undelivered;

const METRICS_ENDPOINT: Var =
    Var::secrets("METRICS_ENDPOINT", "A URL to post `{\"pipeline\", \"status\", \"duration\"}` to.")
        .unset("nothing is posted")
        .example("https://metrics.example.com/api/v1/metrics");
const METRICS_TOKEN: Var =
    Var::secret("METRICS_TOKEN", "A bearer token for METRICS_ENDPOINT.").unset("requests have none");

pub(crate) const KIND: ChannelKind = ChannelKind {
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
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let run = &message.run;
        let body = json!({
            "pipeline": run.pipeline.clone().or_else(|| run.repository.clone()),
            "status": message.status,
            // Seconds, or null if the start is unknown.
            "duration": run.seconds(),
            "repository": run.repository,
            "branch": run.branch,
            "commit": run.commit,
            "environment": run.environment,
            "finished_at": run.finished_at,
        });
        Ok(post_secret(&self.url).json_body(&body).bearer(self.token.as_ref()))
    }
}
