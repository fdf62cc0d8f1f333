//! Prometheus, by its Pushgateway: gauges of the last run and of the last deployment.
//!
//! Runs can't be counted this way: a push replaces the one before.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE;
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::{Method, Request};
use pipe_core::spec::{Group, Var};
use secrecy::{ExposeSecret, SecretString};

use super::target::{Channel, ChannelKind, HttpChannel, Target, urls};
use crate::http::{host, secret};
use crate::message::Message;
use crate::post::Undelivered;
use crate::run::{Deployment, Run};
use crate::status::Status;

const PUSHGATEWAY_URL: Var =
    Var::secrets("PUSHGATEWAY_URL", "One or several Pushgateways, with user and password if they require them.")
        .unset("nothing is pushed")
        .example("http://pushgateway:9091");
const PUSHGATEWAY_JOB: Var =
    Var::text("PUSHGATEWAY_JOB", "The label `job`.").unset("it is the name of the pipeline, or `pipeline`");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "pushgateway",
    group: Group { title: "Prometheus Pushgateway", vars: &[&PUSHGATEWAY_URL, &PUSHGATEWAY_JOB] },
    needs: &[&PUSHGATEWAY_URL],
    inferred: true,
    from_vars,
};

struct Pushgateway {
    url: SecretString,
    job: Option<String>,
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let urls = urls(vars, &PUSHGATEWAY_URL);
    let job = vars.text(&PUSHGATEWAY_JOB);
    urls.into_iter().map(|url| Box::new(Pushgateway { url, job: job.clone() }) as Box<dyn Channel>).collect()
}

impl Target for Pushgateway {
    fn target(&self) -> String {
        host(&self.url)
    }

    fn warning(&self, message: &Message) -> Option<String> {
        let missing = self.unknown(message)?.join(" and ");
        Some(format!("the {missing} of this run is unknown, so its metrics are not pushed. Set PUSHGATEWAY_JOB"))
    }
}

impl Pushgateway {
    /// The facts that are missing to distinguish these metrics from those of another pipeline, if nothing else does.
    fn unknown(&self, message: &Message) -> Option<Vec<&'static str>> {
        if self.job.is_some() { None } else { message.run.identity().err() }
    }
}

impl HttpChannel for Pushgateway {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let run = &message.run;
        if self.unknown(message).is_some() {
            let why = "it would replace the metrics of another pipeline. Set PUSHGATEWAY_JOB".to_owned();
            return Err(Undelivered::Skipped(why));
        }
        let job = self.job.clone().or_else(|| run.pipeline.clone()).unwrap_or_else(|| "pipeline".to_owned());
        let mut path = format!("/metrics{}", label("job", &job));
        // A pull request's branch may have the name of one of ours.
        let place = run.ref_name();
        for (name, value) in [
            ("repository", run.repository.as_ref()),
            ("branch", place.as_ref()),
            ("environment", run.environment.as_ref()),
        ] {
            path.push_str(&value.map(|value| label(name, value)).unwrap_or_default());
        }
        let url = SecretString::from(format!("{}{path}", self.url.expose_secret().trim_end_matches('/')));
        let text = metrics(run, message.status);
        Ok(secret(Method::PUT, &url).body("text/plain; version=0.0.4", text))
    }
}

/// A label of the group, in the form that takes any value.
fn label(name: &str, value: &str) -> String {
    // An empty value has to be something that decodes to nothing.
    let encoded = if value.is_empty() { "=".to_owned() } else { URL_SAFE.encode(value) };
    format!("/{name}@base64/{encoded}")
}

fn metrics(run: &Run, status: Status) -> String {
    let mut text = String::new();
    let mut gauge = |name: &str, help: &str, value: f64| {
        // Writing to a string can't fail.
        let _ = write!(text, "# HELP {name} {help}\n# TYPE {name} gauge\n{name} {value}\n");
    };
    if let Some(well) = status.went_well() {
        gauge("cicd_pipeline_run_success", "Whether the last run succeeded.", f64::from(u8::from(well)));
    }
    if let Some(seconds) = run.seconds() {
        gauge("cicd_pipeline_run_duration_seconds", "How long the last run took.", seconds as f64);
    }
    gauge(
        "cicd_pipeline_run_finished_seconds",
        "When the last run ended, since 1970.",
        run.finished_at.as_second() as f64,
    );
    if let Some(deployment) = &run.deployment {
        let well = status.went_well() == Some(true);
        gauge("cicd_deployment_success", "Whether the last deployment succeeded.", f64::from(u8::from(well)));
        gauge(
            "cicd_deployment_rollback",
            "Whether it restored an earlier state.",
            f64::from(u8::from(deployment.rollback)),
        );
        let finished = deployment.finished_at.unwrap_or(run.finished_at);
        gauge("cicd_deployment_finished_seconds", "When it ended, since 1970.", finished.as_second() as f64);
        if let Some(seconds) = deployment.seconds() {
            gauge("cicd_deployment_duration_seconds", "How long it took.", seconds as f64);
        }
        if let Some(seconds) = lead_time(deployment) {
            gauge(
                "cicd_deployment_lead_time_seconds",
                "From commit to deployment, the median of its commits.",
                seconds,
            );
        }
    }
    text
}

/// The median time from a commit to its deployment, in seconds; `None` without commits.
pub(super) fn lead_time(deployment: &Deployment) -> Option<f64> {
    let finished = deployment.finished_at?;
    let mut times: Vec<i64> = deployment
        .commits
        .iter()
        .map(|commit| (finished.as_second() - commit.committed_at.as_second()).max(0))
        .collect();
    times.sort_unstable();
    let middle = times.len() / 2;
    match times.len() {
        0 => None,
        count if count % 2 == 1 => Some(times[middle] as f64),
        _ => Some((times[middle - 1] + times[middle]) as f64 / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::lead_time;
    use crate::run::{DeployedCommit, Deployment};

    #[test]
    fn the_lead_time_is_the_median_over_all_commits() {
        let deployment = |times: &[&str]| Deployment {
            finished_at: "2026-01-02T00:00:00Z".parse().ok(),
            commits: times
                .iter()
                .map(|time| DeployedCommit { commit: String::new(), committed_at: time.parse().unwrap() })
                .collect(),
            ..Deployment::default()
        };
        assert_eq!(lead_time(&deployment(&[])), None);
        assert_eq!(lead_time(&deployment(&["2026-01-01T00:00:00Z"])), Some(86_400.0));
        let two = ["2026-01-01T23:00:00Z", "2026-01-01T21:00:00Z"];
        assert_eq!(lead_time(&deployment(&two)), Some(7_200.0));
    }
}
