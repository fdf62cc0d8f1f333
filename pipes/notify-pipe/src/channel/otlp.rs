//! OpenTelemetry: the run as a span and as metrics, by OTLP over HTTP in JSON, with the CI/CD semantic conventions.

use percent_encoding::percent_decode_str;
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::Request;
use pipe_core::spec::{Group, Var};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::target::{Channel, ChannelKind, HttpChannel, Target};
use crate::http::{host, is_header, is_url, post_secret};
use crate::message::Message;
use crate::post::{Receipt, Response, Undelivered};
use crate::run::Run;
use crate::status::Status;
use crate::text::one_line;

const OTEL_EXPORTER_OTLP_ENDPOINT: Var = Var::secret(
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "The base URL of the collector, to which `/v1/traces` and `/v1/metrics` are added.",
)
.unset("only the two endpoints below are used")
.example("http://collector:4318");
const OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: Var =
    Var::secret("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "The complete URL for traces.")
        .unset("it follows from OTEL_EXPORTER_OTLP_ENDPOINT");
const OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: Var =
    Var::secret("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "The complete URL for metrics.")
        .unset("it follows from OTEL_EXPORTER_OTLP_ENDPOINT");
const OTEL_EXPORTER_OTLP_HEADERS: Var = Var::secret(
    "OTEL_EXPORTER_OTLP_HEADERS",
    "Headers for the collector, as `name=value,name=value` with percent-encoded values.",
)
.unset("none are sent")
.example("authorization=Basic%20…");
const OTEL_SERVICE_NAME: Var =
    Var::text("OTEL_SERVICE_NAME", "The `service.name` of the data.").unset("it is the name of the repository");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "otlp",
    group: Group {
        title: "OpenTelemetry",
        vars: &[
            &OTEL_EXPORTER_OTLP_ENDPOINT,
            &OTEL_EXPORTER_OTLP_TRACES_ENDPOINT,
            &OTEL_EXPORTER_OTLP_METRICS_ENDPOINT,
            &OTEL_EXPORTER_OTLP_HEADERS,
            &OTEL_SERVICE_NAME,
        ],
    },
    needs: &[&OTEL_EXPORTER_OTLP_ENDPOINT, &OTEL_EXPORTER_OTLP_TRACES_ENDPOINT, &OTEL_EXPORTER_OTLP_METRICS_ENDPOINT],
    // Jobs that are traced have these set for their own ends.
    inferred: false,
    from_vars,
};

#[derive(Clone, Copy)]
enum Signal {
    Traces,
    Metrics,
}

struct Otlp {
    url: SecretString,
    headers: Vec<(String, SecretString)>,
    service: Option<String>,
    signal: Signal,
    /// Trace and span that the run is part of, both hexadecimal.
    parent: Option<(String, String)>,
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let base = vars.secret(&OTEL_EXPORTER_OTLP_ENDPOINT);
    let own = [vars.secret(&OTEL_EXPORTER_OTLP_TRACES_ENDPOINT), vars.secret(&OTEL_EXPORTER_OTLP_METRICS_ENDPOINT)];
    let headers = headers(vars);
    let service = vars.text(&OTEL_SERVICE_NAME);
    let parent = vars.ci("TRACEPARENT").and_then(parent);
    let mut channels: Vec<Box<dyn Channel>> = Vec::new();
    for (signal, path, own) in
        [Signal::Traces, Signal::Metrics].into_iter().zip(["traces", "metrics"]).zip(own).map(|((a, b), c)| (a, b, c))
    {
        let from_base = base
            .as_ref()
            .map(|url| SecretString::from(format!("{}/v1/{path}", url.expose_secret().trim_end_matches('/'))));
        let Some(url) = own.or(from_base) else { continue };
        if !is_url(&url) {
            vars.problem(&OTEL_EXPORTER_OTLP_ENDPOINT, "expected a URL that begins with https:// or http://");
            break;
        }
        let (headers, service, parent) = (headers.clone(), service.clone(), parent.clone());
        channels.push(Box::new(Otlp { url, headers, service, signal, parent }));
    }
    channels
}

fn headers(vars: &mut Vars) -> Vec<(String, SecretString)> {
    let Some(text) = vars.secret(&OTEL_EXPORTER_OTLP_HEADERS) else { return Vec::new() };
    let pairs: Option<Vec<_>> = text
        .expose_secret()
        .split(',')
        .filter(|pair| !pair.trim().is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
            is_header(name.trim(), &value).then(|| (name.trim().to_owned(), SecretString::from(value.into_owned())))
        })
        .collect();
    if pairs.is_none() {
        vars.problem(&OTEL_EXPORTER_OTLP_HEADERS, "expected name=value pairs, separated by commas");
    }
    pairs.unwrap_or_default()
}

/// W3C Trace Context: `00-<32 digits>-<16 digits>-<2 digits>`.
fn parent(text: &str) -> Option<(String, String)> {
    let parts: Vec<&str> = text.trim().split('-').collect();
    let hex = |text: &str, length| text.len() == length && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    match parts.as_slice() {
        [version, trace, span, _, ..] if hex(version, 2) && hex(trace, 32) && hex(span, 16) => {
            Some(((*trace).to_lowercase(), (*span).to_lowercase()))
        }
        _ => None,
    }
}

impl Target for Otlp {
    fn target(&self) -> String {
        let signal = match self.signal {
            Signal::Traces => "traces",
            Signal::Metrics => "metrics",
        };
        format!("{} {signal}", host(&self.url))
    }
}

impl HttpChannel for Otlp {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let body = match self.signal {
            Signal::Traces => self.traces(message),
            Signal::Metrics => self.metrics(message)?,
        };
        let mut request = post_secret(&self.url).body("application/json", body.to_string());
        for (name, value) in &self.headers {
            request = request.secret_header(name, value);
        }
        Ok(request)
    }

    /// A collector takes a request and may still refuse what is in it.
    fn judge(&self, response: &Response) -> Result<Receipt, Undelivered> {
        let partial = response.json::<Value>().unwrap_or_default()["partialSuccess"].clone();
        let rejected = ["rejectedSpans", "rejectedDataPoints"].into_iter().any(|key| match &partial[key] {
            Value::String(count) => count != "0",
            Value::Number(count) => count.as_u64() != Some(0),
            _ => false,
        });
        if rejected {
            let why = partial["errorMessage"].as_str().unwrap_or("no reason given");
            return Err(Undelivered::Refused(format!("the collector rejected the data: {why}")));
        }
        Ok(Receipt::default())
    }
}

impl Otlp {
    fn traces(&self, message: &Message) -> Value {
        let run = &message.run;
        let (start, end) = times(run);
        let identity = identity(run);
        let trace = self.parent.as_ref().map_or_else(|| digest("trace", &identity, 16), |(trace, _)| trace.clone());
        let mut span = json!({
            "traceId": trace,
            // One span for each notification of a run, in one trace.
            "spanId": digest("span", &format!("{identity}|{}", run.finished_at), 8),
            "name": format!("RUN {}", name(run)),
            // SPAN_KIND_SERVER
            "kind": 2,
            "startTimeUnixNano": start,
            "endTimeUnixNano": end,
            "attributes": attributes(run_attributes(message)),
            "status": status(message),
        });
        if let Some((_, parent)) = &self.parent {
            span["parentSpanId"] = Value::from(parent.as_str());
        }
        json!({ "resourceSpans": [{
            "resource": self.resource(run),
            "scopeSpans": [{ "scope": scope(), "spans": [span] }],
        }] })
    }

    fn metrics(&self, message: &Message) -> Result<Value, Undelivered> {
        let run = &message.run;
        let Some(seconds) = run.seconds() else {
            return Err(Undelivered::Skipped("the duration of the pipeline is unknown. Set STARTED_AT".to_owned()));
        };
        let (start, end) = times(run);
        let labels = [
            Some(("cicd.pipeline.name", name(run))),
            Some(("cicd.pipeline.run.state", "finalizing".to_owned())),
            result(message.status).map(|result| ("cicd.pipeline.result", result.to_owned())),
        ];
        let labels = attributes(labels.into_iter().flatten().collect());
        let bounds = [10, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200];
        let bucket = bounds.iter().position(|bound| seconds <= *bound).unwrap_or(bounds.len());
        let counts: Vec<&str> = (0..=bounds.len()).map(|index| if index == bucket { "1" } else { "0" }).collect();
        let mut metrics = vec![json!({
            "name": "cicd.pipeline.run.duration",
            "description": "Duration of a pipeline run.",
            "unit": "s",
            // AGGREGATION_TEMPORALITY_DELTA
            "histogram": { "aggregationTemporality": 1, "dataPoints": [{
                "startTimeUnixNano": start, "timeUnixNano": end, "attributes": labels,
                "count": "1", "sum": seconds, "bucketCounts": counts, "explicitBounds": bounds,
            }] },
        })];
        if message.status == Status::Error {
            let labels = vec![("cicd.pipeline.name", name(run)), ("error.type", "failure".to_owned())];
            metrics.push(json!({
                "name": "cicd.pipeline.run.errors",
                "description": "The number of errors in pipeline runs.",
                "unit": "{error}",
                "sum": { "aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [{
                    "startTimeUnixNano": start, "timeUnixNano": end, "attributes": attributes(labels), "asInt": "1",
                }] },
            }));
        }
        Ok(json!({ "resourceMetrics": [{
            "resource": self.resource(run),
            "scopeMetrics": [{ "scope": scope(), "metrics": metrics }],
        }] }))
    }

    fn resource(&self, run: &Run) -> Value {
        let service = self.service.clone().or_else(|| run.repository.clone()).unwrap_or_else(|| "pipeline".to_owned());
        json!({ "attributes": attributes(vec![("service.name", service)]) })
    }
}

fn scope() -> Value {
    json!({ "name": "pipewright.notify-pipe", "version": env!("CARGO_PKG_VERSION") })
}

fn name(run: &Run) -> String {
    run.pipeline.clone().or_else(|| run.repository.clone()).unwrap_or_else(|| "pipeline".to_owned())
}

/// Nanoseconds as texts, which is how OTLP's JSON has large numbers. A run whose start is unknown has no length.
fn times(run: &Run) -> (String, String) {
    let end = run.finished_at.as_nanosecond();
    let start = run.started_at.map_or(end, |start| start.as_nanosecond().min(end));
    (start.to_string(), end.to_string())
}

fn run_attributes(message: &Message) -> Vec<(&'static str, String)> {
    let run = &message.run;
    let deployment = run.deployment.as_ref();
    let values = [
        ("cicd.pipeline.name", Some(name(run))),
        ("cicd.pipeline.action.name", Some("RUN".to_owned())),
        ("cicd.pipeline.run.id", run.id.clone()),
        ("cicd.pipeline.run.url.full", run.url.clone()),
        ("cicd.pipeline.result", result(message.status).map(str::to_owned)),
        ("error.type", (message.status == Status::Error).then(|| "failure".to_owned())),
        ("vcs.repository.url.full", run.repository_url.clone()),
        ("vcs.ref.head.name", run.tag.clone().or_else(|| run.branch.clone())),
        ("vcs.ref.head.revision", run.commit.clone()),
        ("vcs.change.id", run.pull_request.as_ref().map(|pull| pull.id.clone())),
        ("deployment.environment.name", deployment.map(|it| it.environment.clone())),
        ("deployment.name", deployment.map(|it| it.service.clone())),
    ];
    values.into_iter().filter_map(|(key, value)| Some((key, value?))).collect()
}

fn result(status: Status) -> Option<&'static str> {
    match status {
        Status::Success | Status::Warning => Some("success"),
        Status::Error => Some("failure"),
        Status::Cancelled => Some("cancellation"),
        Status::Info | Status::Finished => None,
    }
}

fn status(message: &Message) -> Value {
    match message.status {
        // STATUS_CODE_ERROR
        Status::Error => json!({ "code": 2, "message": one_line(&message.title) }),
        _ => json!({}),
    }
}

fn attributes(pairs: Vec<(&'static str, String)>) -> Value {
    pairs.into_iter().map(|(key, value)| json!({ "key": key, "value": { "stringValue": value } })).collect()
}

/// What every notification of one run has in common, so that all of them are about the same trace.
fn identity(run: &Run) -> String {
    let parts = [Some(&run.provider), run.repository.as_ref(), run.id.as_ref().or(run.commit.as_ref())];
    parts.into_iter().flatten().cloned().collect::<Vec<_>>().join("|")
}

fn digest(what: &str, identity: &str, bytes: usize) -> String {
    let digest = Sha256::new().chain_update(what).chain_update(identity).finalize();
    digest[..bytes].iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::parent;

    #[test]
    fn a_trace_that_is_there_already_is_joined() {
        let text = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let (trace, span) = parent(text).unwrap();
        assert_eq!((trace.as_str(), span.as_str()), ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"));
        assert_eq!(parent("00-xyz-1-1"), None);
        assert_eq!(parent(""), None);
    }
}
