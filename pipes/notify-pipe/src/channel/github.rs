//! GitHub: the status of the commit, and a deployment with its status.

use futures_util::future::LocalBoxFuture;
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::{Authorization, Request};
use pipe_core::spec::{Group, Var, common};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::target::{Channel, ChannelKind, HttpChannel, Preview, Target};
use crate::http::{RequestExt, host_of, post};
use crate::message::Message;
use crate::post::{Post, Receipt, Undelivered};
use crate::state::State;
use crate::status::Status;
use crate::text::{one_line, shorten, utf16};

const GITHUB_STATUS_CONTEXT: Var =
    Var::text("GITHUB_STATUS_CONTEXT", "The name of the commit status, which branch protection rules refer to.")
        .default("pipewright/notify");
const GITHUB_REPOSITORY_NAME: Var =
    Var::text("GITHUB_REPOSITORY_NAME", "The repository on GitHub, for runs on another CI.")
        .unset("it is the repository of the run")
        .example("org/shop");
const ENVIRONMENT_URL: Var =
    Var::url("ENVIRONMENT_URL", "The page of the deployed environment.").unset("GitHub shows no link to it");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "github",
    group: Group { title: "GitHub", vars: &[&GITHUB_STATUS_CONTEXT, &GITHUB_REPOSITORY_NAME, &ENVIRONMENT_URL] },
    needs: &[&common::GITHUB_TOKEN],
    inferred: false,
    from_vars,
};

const MAX_DESCRIPTION: usize = 140;
const MAX_ENVIRONMENT: usize = 255;
/// A longer address is left out: it is not worth the status.
const MAX_URL: usize = 2_000;

#[derive(Clone)]
struct Api {
    token: SecretString,
    /// `https://api.github.com/repos/org/shop`
    repository: String,
}

struct CommitStatus {
    api: Api,
    context: String,
}

struct DeploymentStatus {
    api: Api,
    url: Option<String>,
}

fn from_vars(vars: &mut Vars, ctx: &Context) -> Vec<Box<dyn Channel>> {
    let context = vars.text(&GITHUB_STATUS_CONTEXT).unwrap_or_default();
    let named = vars.text(&GITHUB_REPOSITORY_NAME);
    let url = vars.text(&ENVIRONMENT_URL);
    let api = vars.ci("GITHUB_API_URL").unwrap_or("https://api.github.com").trim_end_matches('/').to_owned();
    let name = named.or_else(|| ctx.ci.full_name.clone());
    let Some(name) = name.filter(|name| name.split('/').filter(|part| !part.is_empty()).count() == 2) else {
        vars.problem(
            &GITHUB_REPOSITORY_NAME,
            "required because the CI does not report a repository. Example: org/shop",
        );
        return Vec::new();
    };
    let Some(token) = ctx.tokens.github.clone() else { return Vec::new() };
    let api = Api { token, repository: format!("{api}/repos/{name}") };
    let mut channels: Vec<Box<dyn Channel>> = vec![Box::new(CommitStatus { api: api.clone(), context })];
    // GitHub knows a deployment whose status it reports. Another one would start the next event.
    if !ctx.ci.reported.as_ref().is_some_and(|reported| reported.is_deployment) {
        channels.push(Box::new(DeploymentStatus { api, url }));
    }
    channels
}

impl Api {
    fn request(&self, path: &str, body: &Value) -> Request {
        post(&format!("{}/{path}", self.repository))
            .json_body(body)
            .authorize(&Authorization::Bearer(self.token.clone()), &host_of(&self.repository))
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
    }
}

impl Target for CommitStatus {
    fn target(&self) -> String {
        "commit status".to_owned()
    }
}

impl HttpChannel for CommitStatus {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let Some(commit) = &message.run.commit else {
            return Err(Undelivered::Skipped("no commit is known".to_owned()));
        };
        let state = match message.status {
            Status::Success | Status::Warning => "success",
            Status::Error => "failure",
            Status::Cancelled => "error",
            Status::Info => "pending",
            Status::Finished => {
                return Err(Undelivered::Skipped("the status of the pipeline is unknown. Set STATUS".to_owned()));
            }
        };
        let mut body = json!({
            "state": state,
            "description": shorten(&one_line(&message.title), MAX_DESCRIPTION, utf16),
            "context": self.context,
        });
        if let Some(url) = message.run.url.as_ref().filter(|url| url.len() <= MAX_URL) {
            body["target_url"] = Value::from(url.as_str());
        }
        Ok(self.api.request(&format!("statuses/{commit}"), &body))
    }
}

impl Target for DeploymentStatus {
    fn target(&self) -> String {
        "deployment".to_owned()
    }
}

impl DeploymentStatus {
    /// The deployment's own document; its status needs the id that the answer gives.
    fn deployment(&self, message: &Message) -> Result<Value, Undelivered> {
        let skipped = |why: &str| Undelivered::Skipped(why.to_owned());
        if message.status == Status::Finished {
            return Err(skipped("the status of the pipeline is unknown. Set STATUS"));
        }
        let deployment = message
            .run
            .deployment
            .as_ref()
            .ok_or_else(|| skipped("nothing was deployed. Set ENVIRONMENT if something was"))?;
        let commit = deployment.commit.as_ref().ok_or_else(|| skipped("no commit is known"))?;
        Ok(json!({
            "ref": commit,
            "environment": shorten(&deployment.environment, MAX_ENVIRONMENT, utf16),
            "description": shorten(&one_line(&message.title), MAX_DESCRIPTION, utf16),
            // What is deployed already is not for GitHub to merge or to wait for.
            "auto_merge": false,
            "required_contexts": [],
        }))
    }

    fn status(&self, message: &Message) -> Value {
        let state = match message.status {
            Status::Success | Status::Warning => "success",
            Status::Error => "failure",
            Status::Cancelled | Status::Finished => "error",
            Status::Info => "in_progress",
        };
        let mut body = json!({
            "state": state,
            "description": shorten(&one_line(&message.title), MAX_DESCRIPTION, utf16),
            "auto_inactive": true,
        });
        for (key, url) in [("log_url", &message.run.url), ("environment_url", &self.url)] {
            if let Some(url) = url.as_ref().filter(|url| url.len() <= MAX_URL) {
                body[key] = Value::from(url.as_str());
            }
        }
        body
    }

    async fn create(&self, message: &Message, post: &Post) -> Result<Receipt, Undelivered> {
        let created = post.send(self.api.request("deployments", &self.deployment(message)?)).await?;
        let created: Value = created.json().unwrap_or_default();
        let Some(id) = created["id"].as_u64() else {
            let why = created["message"].as_str().unwrap_or("the response has no id");
            return Err(Undelivered::Refused(format!("GitHub did not create a deployment: {why}")));
        };
        post.deliver(self.api.request(&format!("deployments/{id}/statuses"), &self.status(message))).await?;
        Ok(Receipt::default())
    }
}

impl Channel for DeploymentStatus {
    fn preview(&self, message: &Message, _: &State) -> Result<Preview, Undelivered> {
        Ok(Preview::of(&[
            self.api.request("deployments", &self.deployment(message)?),
            self.api.request("deployments/*/statuses", &self.status(message)),
        ]))
    }

    fn deliver<'a>(&'a self, message: &'a Message, post: &'a Post) -> LocalBoxFuture<'a, Result<Receipt, Undelivered>> {
        Box::pin(self.create(message, post))
    }
}
