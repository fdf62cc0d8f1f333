//! What only the CI's API knows of the pipeline: when it started, how the run before it ended, whether another job failed.

use std::time::Duration;

use jiff::Timestamp;
use pipe_core::Context;
use pipe_core::http::{Authorization, Request};
use pipe_core::platform::Provider;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::Value;

use crate::config::Config;
use crate::facts::Facts;
use crate::http::{encode, host_of};
use crate::message::Finding;
use crate::post::{Post, Undelivered};
use crate::run::Run;
use crate::status::Status;
use crate::when::When;

/// For all answers together: a message is not worth less without the duration of the run.
const MAX_TOTAL: Duration = Duration::from_secs(10);
/// For one answer.
const MAX_REQUEST: Duration = Duration::from_secs(4);
/// Earlier runs among which one that has ended is looked for.
const MAX_RUNS: u32 = 20;

/// What a run asks the API.
pub(crate) struct Inquiry {
    /// Or why it can't be asked.
    api: Result<Api, String>,
    /// When the run started.
    started_at: bool,
    /// How the run before this one ended.
    previous_status: Option<When>,
    /// Whether other jobs failed: a separate job for notifications succeeds whatever became of the others.
    failed_jobs: bool,
}

/// The pipeline run at the API of its platform.
struct Api {
    provider: Provider,
    authorization: Authorization,
    /// `https://api.github.com`
    base: String,
    /// `https://api.github.com/repos/org/shop/actions`, where the runs are.
    project: String,
    /// The run's id or number.
    run: String,
    /// The tag or the branch.
    reference: String,
}

/// What the API answered.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Answers {
    pub(crate) started_at: Option<Timestamp>,
    /// `Some(None)`: this is the first run.
    pub(crate) previous_status: Option<Option<Status>>,
    /// Names of other jobs of the run that failed.
    pub(crate) failed_jobs: Vec<String>,
}

impl Answers {
    /// Adds what is missing in `facts`.
    pub(crate) fn complete(&self, facts: &mut Facts) {
        if let (None, Some(started_at)) = (facts.run.started_at, self.started_at) {
            facts.run.started(started_at);
        }
        if !self.failed_jobs.is_empty() {
            facts.status = Status::Error;
            let text = format!("{} failed", self.failed_jobs.join(", "));
            facts.findings.push(Finding { label: "Jobs".to_owned(), status: Status::Error, text });
        }
    }
}

impl Inquiry {
    /// What to ask for a run of which `facts` are known and the previous status is `remembered` or not. `None` if
    /// nothing is missing, or if the API can't be asked for what is.
    pub(crate) fn new(config: &Config, facts: &Facts, remembered: Option<Status>, ctx: &Context) -> Option<Inquiry> {
        let previous_status = (config.when.compares() && remembered.is_none()).then_some(config.when);
        // An event knows how all jobs of the run that it reports ended.
        let other_jobs =
            config.said.by_user.is_none() && ctx.ci.reported.is_none() && facts.status.went_well() == Some(true);
        let started_at = facts.run.started_at.is_none();
        if previous_status.is_none() && !other_jobs && !(started_at && config.include_build) {
            return None;
        }
        let api = Api::new(config, ctx, &facts.run);
        if let Err(why) = &api {
            ctx.console.debug(format!("the CI's API is not queried: {why}"));
            previous_status?;
        }
        let failed_jobs = other_jobs && api.as_ref().is_ok_and(|api| api.provider != Provider::Bitbucket);
        Some(Inquiry { api, started_at, previous_status, failed_jobs })
    }

    /// `api.github.com`; `None` if the API can't be asked.
    pub(crate) fn host(&self) -> Option<String> {
        self.api.as_ref().ok().map(|api| host_of(&api.base))
    }

    /// Why it can't be asked.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.api.as_ref().err().map(String::as_str)
    }

    /// Whether the answers may change the status of the message.
    pub(crate) fn may_change_status(&self) -> bool {
        self.api.is_ok() && self.failed_jobs
    }

    /// Whether the answers may add when the run started.
    pub(crate) fn may_add_start(&self) -> bool {
        self.api.is_ok() && self.started_at
    }

    /// Whether the answers decide if a message is sent.
    pub(crate) fn decides(&self, when: When) -> bool {
        self.api.is_ok() && when != When::Always && (self.previous_status.is_some() || self.failed_jobs)
    }

    /// # Errors
    /// A fragment that says why nothing is known.
    pub(crate) async fn ask(self, ctx: &Context, post: &Post) -> Result<Answers, String> {
        let api = self.api?;
        let questions = Questions { previous_status: self.previous_status.is_some(), failed_jobs: self.failed_jobs };
        let limit = MAX_TOTAL.min(post.remaining() / 2);
        let asking = async {
            match api.provider {
                Provider::GitHub => api.github(ctx, post, questions).await,
                Provider::GitLab => api.gitlab(ctx, post, questions).await,
                _ => api.bitbucket(post, questions).await,
            }
        };
        let outcome = tokio::time::timeout(limit, asking).await;
        outcome.unwrap_or_else(|_| Err("the CI's API did not respond in time".to_owned()))
    }
}

/// `host`, and `known_only_to_the_api`: the parts of the plan that its answers fill in. Or `error`.
impl Serialize for Inquiry {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        match &self.api {
            Ok(api) => {
                let mut unknown = Vec::new();
                if self.started_at {
                    unknown.push("run.started_at: when the run started, for the field Duration".to_owned());
                }
                if self.failed_jobs {
                    unknown.push("status: `error` if another job of the run failed".to_owned());
                }
                if let Some(when) = self.previous_status {
                    unknown.push(format!("decision: how the previous run ended, for NOTIFY_ON={}", when.name()));
                }
                map.serialize_entry("host", &host_of(&api.base))?;
                map.serialize_entry("known_only_to_the_api", &unknown)?;
            }
            Err(why) => map.serialize_entry("error", why)?,
        }
        map.end()
    }
}

#[derive(Clone, Copy)]
struct Questions {
    previous_status: bool,
    failed_jobs: bool,
}

impl Api {
    fn new(config: &Config, ctx: &Context, run: &Run) -> Result<Api, String> {
        let (ci, tokens) = (&ctx.ci, &ctx.tokens);
        let no_token = |name: &str| format!("no {name} to query the API");
        let no_run = || "the CI does not report the id of the run".to_owned();
        let authorization = match ci.provider {
            Provider::GitHub => Authorization::Bearer(tokens.github.clone().ok_or_else(|| no_token("GITHUB_TOKEN"))?),
            Provider::GitLab => Authorization::Bearer(tokens.gitlab.clone().ok_or_else(|| no_token("GITLAB_TOKEN"))?),
            Provider::Bitbucket => {
                tokens.bitbucket_authorization().ok_or_else(|| no_token("BITBUCKET_ACCESS_TOKEN"))?
            }
            Provider::Other(_) | Provider::None => return Err("no CI whose API could be queried".to_owned()),
        };
        let name = ci.full_name.as_ref().ok_or_else(no_run)?;
        let (base, project, run_id) = match ci.provider {
            Provider::GitHub => {
                let api = ci.api_url.clone().ok_or_else(no_run)?;
                // The run that the message is about, which an event may report.
                (api.clone(), format!("{api}/repos/{name}/actions"), &run.id)
            }
            Provider::GitLab => {
                let api = ci.api_url.clone().ok_or_else(no_run)?;
                (api.clone(), format!("{api}/projects/{}", encode(name)), &ci.run_id)
            }
            _ => {
                let api = config.bitbucket_api.clone();
                (api.clone(), format!("{api}/repositories/{name}"), &ci.build_number)
            }
        };
        let reference = run.tag.clone().or_else(|| run.branch.clone()).unwrap_or_default();
        let run = run_id.clone().ok_or_else(no_run)?;
        Ok(Api { provider: ci.provider, authorization, base, project, run, reference })
    }

    async fn get(&self, post: &Post, url: &str) -> Result<Value, String> {
        let request = Request::get(url).authorize(&self.authorization, &host_of(&self.base));
        let request = request.header("accept", "application/json").total_timeout(MAX_REQUEST.min(post.remaining()));
        let response = post.client.send(request).await.map_err(|error| Undelivered::from(&error).to_string())?;
        response.json().map_err(|error| format!("the CI's API returned an invalid JSON response: {error}"))
    }

    async fn github(&self, ctx: &Context, post: &Post, questions: Questions) -> Result<Answers, String> {
        let page = format!("{}/runs/{}", self.project, self.run);
        let run = self.get(post, &page).await?;
        let mut answers = Answers { started_at: time(&run["run_started_at"]), ..Answers::default() };
        if questions.previous_status {
            let workflow = run["workflow_id"].as_u64().ok_or("the API names no workflow")?;
            let branch = encode(run["head_branch"].as_str().unwrap_or_default());
            let url = format!(
                "{}/workflows/{workflow}/runs?branch={branch}&status=completed&per_page={MAX_RUNS}",
                self.project
            );
            let runs = self.get(post, &url).await?;
            let number = run["run_number"].as_u64().unwrap_or(u64::MAX);
            let earlier = runs["workflow_runs"].as_array().into_iter().flatten();
            let earlier = earlier.filter(|other| other["run_number"].as_u64().is_some_and(|other| other < number));
            answers.previous_status = Some(ended(earlier.map(|other| (&other["run_number"], &other["conclusion"]))));
        }
        if questions.failed_jobs {
            match self.get(post, &format!("{page}/jobs?filter=latest&per_page=100")).await {
                Ok(jobs) => {
                    answers.failed_jobs = failed(jobs["jobs"].as_array().into_iter().flatten(), "conclusion");
                }
                Err(why) => unknown_jobs(ctx, &why),
            }
        }
        Ok(answers)
    }

    async fn gitlab(&self, ctx: &Context, post: &Post, questions: Questions) -> Result<Answers, String> {
        let page = format!("{}/pipelines/{}", self.project, self.run);
        let own = self.get(post, &page).await?;
        let mut answers = Answers { started_at: time(&own["created_at"]), ..Answers::default() };
        if questions.previous_status {
            let reference = encode(own["ref"].as_str().unwrap_or_default());
            let url = format!("{}/pipelines?ref={reference}&order_by=id&sort=desc&per_page={MAX_RUNS}", self.project);
            let pipelines = self.get(post, &url).await?;
            let number: u64 = self.run.parse().unwrap_or(u64::MAX);
            let earlier = pipelines.as_array().into_iter().flatten();
            let earlier = earlier.filter(|other| other["id"].as_u64().is_some_and(|other| other < number));
            answers.previous_status = Some(ended(earlier.map(|other| (&other["id"], &other["status"]))));
        }
        if questions.failed_jobs {
            match self.get(post, &format!("{page}/jobs?per_page=100")).await {
                Ok(jobs) => {
                    let jobs = jobs.as_array().into_iter().flatten().filter(|job| job["allow_failure"] != true);
                    answers.failed_jobs = failed(jobs, "status");
                }
                Err(why) => unknown_jobs(ctx, &why),
            }
        }
        Ok(answers)
    }

    async fn bitbucket(&self, post: &Post, questions: Questions) -> Result<Answers, String> {
        let pipelines = format!("{}/pipelines", self.project);
        let own = self.get(post, &format!("{pipelines}/{}", self.run)).await?;
        let mut answers = Answers { started_at: time(&own["created_on"]), ..Answers::default() };
        if questions.previous_status {
            let reference = encode(&self.reference);
            let url = format!("{pipelines}/?target.ref_name={reference}&sort=-created_on&pagelen={MAX_RUNS}");
            let page = self.get(post, &url).await?;
            let number: u64 = self.run.parse().unwrap_or(u64::MAX);
            let earlier = page["values"].as_array().into_iter().flatten();
            let earlier = earlier.filter(|other| other["build_number"].as_u64().is_some_and(|other| other < number));
            let ends = earlier.map(|other| (&other["build_number"], &other["state"]["result"]["name"]));
            answers.previous_status = Some(ended(ends));
        }
        Ok(answers)
    }
}

/// The other answers are used all the same.
fn unknown_jobs(ctx: &Context, why: &str) {
    ctx.console.debug(format!("it is unknown whether other jobs failed: {why}"));
}

/// How the newest run ended, among those that were not cancelled.
fn ended<'a>(runs: impl Iterator<Item = (&'a Value, &'a Value)>) -> Option<Status> {
    let known = runs.filter_map(|(number, word)| {
        let status = Status::parse(word.as_str()?).filter(|status| status.went_well().is_some())?;
        Some((number.as_u64()?, status))
    });
    known.max_by_key(|(number, _)| *number).map(|(_, status)| status)
}

/// The names of the jobs that failed, whose end is in `field`.
fn failed<'a>(jobs: impl Iterator<Item = &'a Value>, field: &str) -> Vec<String> {
    jobs.filter(|job| job[field].as_str().and_then(Status::parse) == Some(Status::Error))
        .filter_map(|job| job["name"].as_str().map(str::to_owned))
        .collect()
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ended;
    use crate::status::Status;

    #[test]
    fn the_newest_run_that_was_not_cancelled_counts() {
        let runs = [
            (json!(5), json!("failure")),
            (json!(7), json!("cancelled")),
            (json!(6), json!("success")),
            (json!(8), json!(null)),
        ];
        assert_eq!(ended(runs.iter().map(|(number, word)| (number, word))), Some(Status::Success));
        assert_eq!(ended(std::iter::empty()), None);
    }
}
