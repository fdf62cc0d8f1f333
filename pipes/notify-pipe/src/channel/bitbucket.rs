//! Bitbucket: the build status of the commit.

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::http::{Authorization, Request};
use pipe_core::spec::{Group, Var, common};
use serde_json::json;

use super::target::{Channel, ChannelKind, HttpChannel, Target};
use crate::http::{RequestExt, host_of, post};
use crate::message::Message;
use crate::post::Undelivered;
use crate::status::Status;
use crate::text::{one_line, shorten, utf16};

const BITBUCKET_STATUS_KEY: Var = Var::text(
    "BITBUCKET_STATUS_KEY",
    "The key of the build status, at most 40 characters. A status replaces an earlier one with the same key.",
)
.default("pipewright-notify");
const BITBUCKET_REPOSITORY_NAME: Var =
    Var::text("BITBUCKET_REPOSITORY_NAME", "The repository on Bitbucket, for runs on another CI.")
        .unset("it is the repository of the run")
        .example("team/shop");
pub(crate) const BITBUCKET_API_URL: Var =
    Var::url("BITBUCKET_API_URL", "The URL of Bitbucket's API, for statuses and for queries about earlier pipelines.")
        .default("https://api.bitbucket.org/2.0");

pub(crate) const KIND: ChannelKind = ChannelKind {
    name: "bitbucket",
    group: Group { title: "Bitbucket", vars: &[&BITBUCKET_STATUS_KEY, &BITBUCKET_REPOSITORY_NAME, &BITBUCKET_API_URL] },
    needs: &[&common::BITBUCKET_ACCESS_TOKEN, &common::ATLASSIAN_API_TOKEN],
    inferred: false,
    from_vars,
};

const MAX_KEY: usize = 40;
const MAX_NAME: usize = 200;
const MAX_URL: usize = 2_000;

struct BuildStatus {
    authorization: Authorization,
    /// `https://api.bitbucket.org/2.0/repositories/team/shop`
    repository: String,
    key: String,
}

fn from_vars(vars: &mut Vars, ctx: &Context) -> Vec<Box<dyn Channel>> {
    let key = vars.text(&BITBUCKET_STATUS_KEY).unwrap_or_default();
    let named = vars.text(&BITBUCKET_REPOSITORY_NAME);
    let api = vars.text(&BITBUCKET_API_URL).unwrap_or_default();
    if key.chars().count() > MAX_KEY {
        vars.problem(&BITBUCKET_STATUS_KEY, "expected at most 40 characters");
    }
    let Some(authorization) = ctx.tokens.bitbucket_authorization() else {
        vars.require(&common::ATLASSIAN_ACCOUNT_EMAIL);
        return Vec::new();
    };
    let name = named.or_else(|| ctx.ci.full_name.clone());
    let Some(name) = name.filter(|name| name.split('/').filter(|part| !part.is_empty()).count() == 2) else {
        vars.problem(
            &BITBUCKET_REPOSITORY_NAME,
            "required because the CI does not report a repository. Example: team/shop",
        );
        return Vec::new();
    };
    let repository = format!("{}/repositories/{name}", api.trim_end_matches('/'));
    vec![Box::new(BuildStatus { authorization, repository, key })]
}

impl Target for BuildStatus {
    fn target(&self) -> String {
        "build status".to_owned()
    }
}

impl HttpChannel for BuildStatus {
    fn request(&self, message: &Message) -> Result<Request, Undelivered> {
        let run = &message.run;
        let Some(commit) = &run.commit else {
            return Err(Undelivered::Skipped("no commit is known".to_owned()));
        };
        let state = match message.status {
            Status::Success | Status::Warning => "SUCCESSFUL",
            Status::Error => "FAILED",
            Status::Cancelled => "STOPPED",
            Status::Info => "INPROGRESS",
            Status::Finished => {
                return Err(Undelivered::Skipped("the status of the pipeline is unknown. Set STATUS".to_owned()));
            }
        };
        // Bitbucket wants one, of a length that it can keep.
        let page = [&run.url, &run.repository_url].into_iter().flatten().find(|url| url.len() <= MAX_URL).cloned();
        let body = json!({
            "key": self.key,
            "state": state,
            "name": shorten(&one_line(&message.title), MAX_NAME, utf16),
            "description": shorten(&one_line(&message.text), MAX_NAME, utf16),
            "url": page.unwrap_or_else(|| "https://bitbucket.org".to_owned()),
            "refname": run.branch,
        });
        let url = format!("{}/commit/{commit}/statuses/build", self.repository);
        Ok(post(&url).json_body(&body).authorize(&self.authorization, &host_of(&self.repository)))
    }
}
