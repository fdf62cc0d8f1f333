//! GitHub: the status of the commit, and a deployment with its status.

use futures_util::future::LocalBoxFuture;
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::Authorization;
use pipe_core::spec::{Group, Var, common};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::{Channel, HttpChannel, Kind, Target};
use crate::http::{Call, host_of};
use crate::message::Message;
use crate::post::{Post, Receipt, Undelivered};
use crate::status::Status;
use crate::text::{one_line, shorten, utf16};

const GITHUB_STATUS_CONTEXT: Var = Var::text(
    "GITHUB_STATUS_CONTEXT",
    "The name of the commit status, by which branch protection knows it; if unset, pipewright/notify.",
)
.default("pipewright/notify");
const GITHUB_REPOSITORY_NAME: Var = Var::text(
    "GITHUB_REPOSITORY_NAME",
    "The repository the status is for, from another CI; if unset, the one of the run.",
)
.example("org/shop");
const ENVIRONMENT_URL: Var =
    Var::url("ENVIRONMENT_URL", "Where the deployed environment is to be seen; if unset, GitHub shows no link to it.");

pub(crate) const KIND: Kind = Kind {
    name: "github",
    group: Group { title: "GitHub", vars: &[&GITHUB_STATUS_CONTEXT, &GITHUB_REPOSITORY_NAME, &ENVIRONMENT_URL] },
    needs: &[&common::GITHUB_TOKEN],
    inferred: false,
    from_vars,
};

const DESCRIPTION: usize = 140;
const ENVIRONMENT: usize = 255;
/// A longer address is left out: it is not worth the status.
const URL: usize = 2_000;

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
        vars.problem(&GITHUB_REPOSITORY_NAME, "needed, since the run tells no repository; e.g. org/shop");
        return Vec::new();
    };
    let Some(token) = ctx.tokens.github.clone() else { return Vec::new() };
    let api = Api { token, repository: format!("{api}/repos/{name}") };
    vec![Box::new(CommitStatus { api: api.clone(), context }), Box::new(DeploymentStatus { api, url })]
}

impl Api {
    fn call(&self, path: &str, body: &Value) -> Call {
        Call::post(format!("{}/{path}", self.repository))
            .json(body)
            .authorize(Authorization::Bearer(self.token.clone()), host_of(&self.repository))
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
    fn call(&self, message: &Message) -> Result<Call, Undelivered> {
        let Some(commit) = &message.run.commit else {
            return Err(Undelivered::Skipped("the run tells no commit".to_owned()));
        };
        let state = match message.status {
            Status::Success | Status::Warning => "success",
            Status::Error => "failure",
            Status::Cancelled => "error",
            Status::Info => "pending",
            Status::Finished => return Err(Undelivered::Skipped("how the pipeline ended is not known".to_owned())),
        };
        let mut body = json!({
            "state": state,
            "description": shorten(&one_line(&message.title), DESCRIPTION, utf16),
            "context": self.context,
        });
        if let Some(url) = message.run.url.as_ref().filter(|url| url.len() <= URL) {
            body["target_url"] = Value::from(url.as_str());
        }
        Ok(self.api.call(&format!("statuses/{commit}"), &body))
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
            return Err(skipped("how the pipeline ended is not known"));
        }
        let deployment = message.run.deployment.as_ref().ok_or_else(|| skipped("nothing was deployed"))?;
        let commit = deployment.commit.as_ref().ok_or_else(|| skipped("the run tells no commit"))?;
        Ok(json!({
            "ref": commit,
            "environment": shorten(&deployment.environment, ENVIRONMENT, utf16),
            "description": shorten(&one_line(&message.title), DESCRIPTION, utf16),
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
            "description": shorten(&one_line(&message.title), DESCRIPTION, utf16),
            "auto_inactive": true,
        });
        for (key, url) in [("log_url", &message.run.url), ("environment_url", &self.url)] {
            if let Some(url) = url.as_ref().filter(|url| url.len() <= URL) {
                body[key] = Value::from(url.as_str());
            }
        }
        body
    }

    async fn tell(&self, message: &Message, post: &Post) -> Result<Receipt, Undelivered> {
        let created = post.send(self.api.call("deployments", &self.deployment(message)?)).await?;
        let created: Value = created.json().unwrap_or_default();
        let Some(id) = created["id"].as_u64() else {
            let why = created["message"].as_str().unwrap_or("the answer has no id");
            return Err(Undelivered::Refused(format!("GitHub made no deployment: {why}")));
        };
        post.send(self.api.call(&format!("deployments/{id}/statuses"), &self.status(message))).await?;
        Ok(Receipt::default())
    }
}

impl Channel for DeploymentStatus {
    fn preview(&self, message: &Message) -> Value {
        match self.deployment(message) {
            Ok(body) => json!([
                self.api.call("deployments", &body).preview(),
                self.api.call("deployments/ID/statuses", &self.status(message)).preview(),
            ]),
            Err(undelivered) => Value::from(undelivered.to_string()),
        }
    }

    fn deliver<'a>(&'a self, message: &'a Message, post: &'a Post) -> LocalBoxFuture<'a, Result<Receipt, Undelivered>> {
        Box::pin(self.tell(message, post))
    }
}
