//! CDEvents over HTTP, as CloudEvents in binary mode: the end of a pipeline run, and what happened to a service.
//!
//! Version 0.4.1 of the specification, https://cdevents.dev.

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::Request;
use pipe_core::spec::{Group, Var};
use secrecy::SecretString;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::target::{Channel, ChannelKind, HttpChannel, Target, urls};
use crate::http::{RequestExt, encode, host, post_secret};
use crate::message::Message;
use crate::post::Undelivered;
use crate::run::{Deployment, Run};
use crate::status::Status;
use crate::text::one_line;

const CDEVENTS_URL: Var = Var::secrets("CDEVENTS_URL", "One or several URLs to post events to.")
    .aliases(&["CDEVENTS_TARGET"])
    .unset("no events are sent")
    .example("https://events.example.com");
const CDEVENTS_TOKEN: Var =
    Var::secret("CDEVENTS_TOKEN", "A bearer token for CDEVENTS_URL.").unset("requests have none");
const CDEVENTS_SOURCE: Var = Var::text("CDEVENTS_SOURCE", "The `source` of events.")
    .unset("it is the page of the repository")
    .example("/ci/shop");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "cdevents",
    group: Group { title: "CDEvents", vars: &[&CDEVENTS_URL, &CDEVENTS_TOKEN, &CDEVENTS_SOURCE] },
    needs: &[&CDEVENTS_URL],
    inferred: true,
    from_vars,
};

const VERSION: &str = "0.4.1";

/// Which event of a run.
#[derive(Clone, Copy)]
enum Event {
    PipelineRun,
    Service,
}

struct CdEvents {
    url: SecretString,
    token: Option<SecretString>,
    source: Option<String>,
    event: Event,
}

fn from_vars(vars: &mut Vars, _: &Context) -> Vec<Box<dyn Channel>> {
    let urls = urls(vars, &CDEVENTS_URL);
    let (token, source) = (vars.secret(&CDEVENTS_TOKEN), vars.text(&CDEVENTS_SOURCE));
    let mut channels: Vec<Box<dyn Channel>> = Vec::new();
    for url in urls {
        for event in [Event::PipelineRun, Event::Service] {
            let (url, token, source) = (url.clone(), token.clone(), source.clone());
            channels.push(Box::new(CdEvents { url, token, source, event }));
        }
    }
    channels
}

impl Target for CdEvents {
    fn target(&self) -> String {
        let event = match self.event {
            Event::PipelineRun => "pipelinerun",
            Event::Service => "service",
        };
        format!("{} {event}", host(&self.url))
    }
}

impl HttpChannel for CdEvents {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let run = &message.run;
        let (kind, subject) = match self.event {
            Event::PipelineRun => ("pipelinerun.finished.0.2.0", self.pipeline_run(message)?),
            Event::Service => self.service(message)?,
        };
        let kind = format!("dev.cdevents.{kind}");
        let subject_id = subject["id"].as_str().unwrap_or_default();
        let source = self.source(run);
        // The same event has the same id, however often it is sent.
        let digest = Sha256::new()
            .chain_update(&kind)
            .chain_update(subject.to_string())
            .chain_update(run.finished_at.to_string())
            .finalize();
        let id: String = digest[..16].iter().map(|byte| format!("{byte:02x}")).collect();
        let time = run.finished_at.to_string();
        let body = json!({
            "context": { "version": VERSION, "id": id, "source": source, "type": kind, "timestamp": time },
            "subject": subject,
            "customData": { "repository": run.repository, "commit": run.commit, "deployment": run.deployment },
            "customDataContentType": "application/json",
        });
        Ok(post_secret(&self.url)
            .json_body(&body)
            .header("ce-specversion", "1.0")
            .header("ce-id", &id)
            .header("ce-source", &attribute(&source))
            .header("ce-type", &kind)
            .header("ce-time", &time)
            // The binding of CDEvents to CloudEvents: MUST be the id of the subject.
            .header("ce-subject", &attribute(subject_id))
            .bearer(self.token.as_ref()))
    }
}

/// The value of an attribute as a header has it (CloudEvents, HTTP binding 3.1.3.2).
fn attribute(text: &str) -> String {
    const SET: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'%');
    utf8_percent_encode(text, SET).to_string()
}

impl CdEvents {
    /// A URI reference.
    fn source(&self, run: &Run) -> String {
        let source = self.source.clone().or_else(|| run.repository_url.clone());
        let source = source.unwrap_or_else(|| format!("/{}", run.repository.as_deref().unwrap_or("pipewright")));
        if source.contains("://") { source } else { source.split('/').map(encode).collect::<Vec<_>>().join("/") }
    }

    fn pipeline_run(&self, message: &Message) -> Result<Value, Undelivered> {
        let run = &message.run;
        let outcome = match message.status {
            Status::Success | Status::Warning => "success",
            Status::Error => "failure",
            Status::Cancelled => "error",
            Status::Info | Status::Finished => {
                return Err(Undelivered::Skipped("the status of the pipeline is unknown. Set STATUS".to_owned()));
            }
        };
        let mut content = json!({ "outcome": outcome });
        let name = run.pipeline.clone().or_else(|| run.repository.clone());
        for (key, value) in [("pipelineName", &name), ("url", &run.url)] {
            if let Some(value) = value {
                content[key] = Value::from(value.as_str());
            }
        }
        if outcome != "success" {
            content["errors"] = Value::from(one_line(&message.title));
        }
        let id = run.id.clone().or_else(|| run.commit.clone()).unwrap_or_else(|| "run".to_owned());
        Ok(json!({ "id": id, "source": self.source(run), "type": "pipelineRun", "content": content }))
    }

    fn service(&self, message: &Message) -> Result<(&'static str, Value), Undelivered> {
        let skipped = |why: &str| Undelivered::Skipped(why.to_owned());
        let run = &message.run;
        let deployment =
            run.deployment.as_ref().ok_or_else(|| skipped("nothing was deployed. Set ENVIRONMENT if something was"))?;
        let kind = match (deployment.rollback, message.status) {
            (true, _) => "service.rolledback.0.2.0",
            (false, Status::Success | Status::Warning) if deployment.previous_commit.is_some() => {
                "service.upgraded.0.2.0"
            }
            (false, Status::Success | Status::Warning) => "service.deployed.0.2.0",
            (false, _) => return Err(skipped("CDEvents has no event for a failed deployment")),
        };
        let content = json!({
            "environment": { "id": deployment.environment, "source": self.source(run) },
            "artifactId": artifact(deployment, run),
        });
        let id = format!("{}/{}", encode(&deployment.environment), encode(&deployment.service));
        Ok((kind, json!({ "id": id, "source": self.source(run), "type": "service", "content": content })))
    }
}

/// The package URL of what was deployed: an image by its digest, or else the commit.
fn artifact(deployment: &Deployment, run: &Run) -> String {
    if let Some(image) = &deployment.image {
        let (reference, digest) =
            image.split_once('@').map_or((image.as_str(), None), |(name, digest)| (name, Some(digest)));
        let slash = reference.rfind('/').map_or(0, |at| at + 1);
        let (path, tag) = match reference[slash..].rfind(':') {
            Some(colon) => (&reference[..slash + colon], Some(&reference[slash + colon + 1..])),
            None => (reference, None),
        };
        let name = path.rsplit('/').next().unwrap_or(path);
        let version = digest.or(tag).map(|version| format!("@{}", encode(version))).unwrap_or_default();
        let tag = tag.filter(|_| digest.is_some()).map(|tag| format!("&tag={}", encode(tag))).unwrap_or_default();
        return format!("pkg:oci/{}{version}?repository_url={}{tag}", encode(&name.to_lowercase()), encode(path));
    }
    let version = deployment.commit.as_ref().or(deployment.version.as_ref());
    let version = version.map(|version| format!("@{}", encode(version))).unwrap_or_default();
    let name = run.repository.clone().unwrap_or_else(|| deployment.service.clone());
    let name: Vec<String> = name.split('/').map(encode).collect();
    format!("pkg:generic/{}{version}", name.join("/"))
}

#[cfg(test)]
mod tests {
    use super::artifact;
    use crate::run::{Deployment, Run};

    #[test]
    fn an_artifact_is_an_image_or_a_commit() {
        let of = |image: Option<&str>| {
            let deployment = Deployment {
                image: image.map(str::to_owned),
                commit: Some("4f2c1aa".to_owned()),
                service: "shop".to_owned(),
                ..Deployment::default()
            };
            artifact(&deployment, &Run { repository: Some("org/shop".to_owned()), ..Run::default() })
        };
        assert_eq!(of(None), "pkg:generic/org/shop@4f2c1aa");
        assert_eq!(
            of(Some("localhost:5000/org/shop:1.2@sha256:ab")),
            "pkg:oci/shop@sha256%3Aab?repository_url=localhost%3A5000%2Forg%2Fshop&tag=1.2"
        );
        assert_eq!(of(Some("shop:1")), "pkg:oci/shop@1?repository_url=shop");
    }
}
