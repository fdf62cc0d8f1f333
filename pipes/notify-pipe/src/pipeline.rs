//! What only the CI's API knows of the pipeline: when it began, and how the run before it ended.

use std::time::Duration;

use jiff::Timestamp;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pipe_core::Context;
use pipe_core::http::{Authorization, Request};
use pipe_core::platform::Provider;
use serde_json::Value;

use crate::compose::Gathered;
use crate::config::Config;
use crate::http::host_of;
use crate::message::{Finding, Message};
use crate::post::{Post, Undelivered};
use crate::run::Run;
use crate::state::State;
use crate::status::Status;
use crate::when::Decision;

/// For all of the API's answers together: a message is not worth less for not knowing how long a run took.
const LIMIT: Duration = Duration::from_secs(10);
/// For one of them.
const ONE: Duration = Duration::from_secs(4);
/// Earlier runs that are looked at for one that has ended.
const PAGE: u32 = 20;

/// What the API told.
#[derive(Debug, Default, PartialEq, Eq)]
struct Facts {
    started_at: Option<Timestamp>,
    /// `Some(None)`: there was no run before.
    before: Option<Option<Status>>,
    /// Other jobs of the run that failed.
    failed: Vec<String>,
}

/// What is to be found out.
#[derive(Debug, Clone, Copy)]
struct Question {
    before: bool,
    /// Whether other jobs failed: a job of its own for notifications succeeds whatever became of the others.
    jobs: bool,
}

/// Completes what is known with what the API tells, and decides whether a message is sent.
pub(crate) async fn look(config: &Config, gathered: &mut Gathered, ctx: &Context, post: &Post) -> Decision {
    let key = key(&gathered.run);
    let remembered = post.state.get(&key).and_then(|word| Status::parse(&word));
    let question = Question {
        before: config.when.compares() && remembered.is_none(),
        jobs: !config.status_is_the_user_s && gathered.status.went_well() == Some(true),
    };
    let unknown_start = config.include_build && gathered.run.started_at.is_none();
    let asks = question.before || ((question.jobs || unknown_start) && has_token(ctx));
    let mut facts = if asks { ask(config, ctx, post, &gathered.run, question).await } else { Ok(Facts::default()) };
    if let Ok(facts) = &mut facts {
        gathered.learn(facts);
    }
    let before = match (remembered, facts) {
        (Some(status), _) => Ok(Some(status)),
        (None, Ok(Facts { before: Some(before), .. })) => Ok(before),
        (None, Ok(_)) => Err("the CI's API does not tell".to_owned()),
        (None, Err(why)) => {
            ctx.console.debug(&why);
            Err(why)
        }
    };
    config.when.decide(gathered.status, before)
}

impl Gathered {
    fn learn(&mut self, facts: &mut Facts) {
        if let (None, Some(started_at)) = (self.run.started_at, facts.started_at) {
            self.run.started_at = Some(started_at);
            if let Some(deployment) = &mut self.run.deployment {
                deployment.started_at = deployment.started_at.or(Some(started_at));
            }
        }
        if !facts.failed.is_empty() {
            self.status = Status::Error;
            let text = format!("{} failed", facts.failed.join(", "));
            self.findings.push(Finding { label: "Jobs".to_owned(), status: Status::Error, text });
        }
    }
}

/// Keeps how this run ended for the next one.
pub(crate) fn remember(message: &Message, state: &State) -> Result<(), String> {
    match message.status.went_well() {
        Some(_) if state.lasts() => state.set(&key(&message.run), message.status.name()),
        _ => Ok(()),
    }
}

/// One pipeline on one branch has one status.
fn key(run: &Run) -> String {
    let parts = [&run.repository, &run.pipeline, &run.place(), &run.environment];
    let parts: Vec<&str> = parts.iter().map(|part| part.as_deref().unwrap_or("-")).collect();
    format!("status:{}", parts.join("|"))
}

fn has_token(ctx: &Context) -> bool {
    match ctx.ci.provider {
        Provider::GitHub => ctx.tokens.github.is_some(),
        Provider::GitLab => ctx.tokens.gitlab.is_some(),
        Provider::Bitbucket => ctx.tokens.bitbucket_authorization().is_some(),
        Provider::Other(_) | Provider::None => false,
    }
}

async fn ask(config: &Config, ctx: &Context, post: &Post, run: &Run, question: Question) -> Result<Facts, String> {
    let limit = LIMIT.min(post.remaining() / 2);
    let asking = async {
        match ctx.ci.provider {
            Provider::GitHub => github(ctx, post, question).await,
            Provider::GitLab => gitlab(ctx, post, question).await,
            Provider::Bitbucket => bitbucket(&config.bitbucket_api, ctx, post, run, question).await,
            Provider::Other(_) | Provider::None => Err("there is no CI whose API could tell".to_owned()),
        }
    };
    tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| Err("the CI's API did not answer in time".to_owned()))
}

async fn get(post: &Post, url: &str, authorization: &Authorization, api: &str) -> Result<Value, String> {
    let request = Request::get(url).authorize(authorization, &host_of(api)).header("accept", "application/json");
    let request = request.total_timeout(ONE.min(post.remaining()));
    let response = post.client.send(request).await.map_err(|error| Undelivered::from(&error).to_string())?;
    response.json().map_err(|error| format!("the CI's API answered with no JSON: {error}"))
}

async fn github(ctx: &Context, post: &Post, question: Question) -> Result<Facts, String> {
    let ci = &ctx.ci;
    let token = ctx.tokens.github.clone().ok_or("there is no GITHUB_TOKEN to ask with")?;
    let (Some(api), Some(name), Some(id)) = (&ci.api_url, &ci.full_name, &ci.run_id) else {
        return Err("the run has no id".to_owned());
    };
    let authorization = Authorization::Bearer(token);
    let page = format!("{api}/repos/{name}/actions/runs/{id}");
    let run = get(post, &page, &authorization, api).await?;
    let mut facts = Facts { started_at: time(&run["run_started_at"]), ..Facts::default() };
    if question.before {
        let workflow = run["workflow_id"].as_u64().ok_or("the API names no workflow")?;
        let branch = run["head_branch"].as_str().unwrap_or_default();
        let branch = encode(branch);
        let url = format!(
            "{api}/repos/{name}/actions/workflows/{workflow}/runs?branch={branch}&status=completed&per_page={PAGE}"
        );
        let runs = get(post, &url, &authorization, api).await?;
        let number = run["run_number"].as_u64().unwrap_or(u64::MAX);
        let earlier = runs["workflow_runs"].as_array().into_iter().flatten();
        let earlier = earlier.filter(|other| other["run_number"].as_u64().is_some_and(|other| other < number));
        facts.before = Some(ended(earlier.map(|other| (&other["run_number"], &other["conclusion"]))));
    }
    if question.jobs {
        match get(post, &format!("{page}/jobs?filter=latest&per_page=100"), &authorization, api).await {
            Ok(jobs) => facts.failed = failed(jobs["jobs"].as_array().into_iter().flatten(), "conclusion"),
            // What else is known is not worth less for it.
            Err(why) => ctx.console.debug(format!("whether other jobs failed is not known: {why}")),
        }
    }
    Ok(facts)
}

async fn gitlab(ctx: &Context, post: &Post, question: Question) -> Result<Facts, String> {
    let ci = &ctx.ci;
    let token = ctx.tokens.gitlab.clone().ok_or("there is no GITLAB_TOKEN to ask with")?;
    let (Some(api), Some(name), Some(id)) = (&ci.api_url, &ci.full_name, &ci.run_id) else {
        return Err("the pipeline has no id".to_owned());
    };
    let authorization = Authorization::Bearer(token);
    let project = format!("{api}/projects/{}", encode(name));
    let own = get(post, &format!("{project}/pipelines/{id}"), &authorization, api).await?;
    let mut facts = Facts { started_at: time(&own["created_at"]), ..Facts::default() };
    if question.before {
        let reference = encode(own["ref"].as_str().unwrap_or_default());
        let url = format!("{project}/pipelines?ref={reference}&order_by=id&sort=desc&per_page={PAGE}");
        let pipelines = get(post, &url, &authorization, api).await?;
        let number: u64 = id.parse().unwrap_or(u64::MAX);
        let earlier = pipelines.as_array().into_iter().flatten();
        let earlier = earlier.filter(|other| other["id"].as_u64().is_some_and(|other| other < number));
        facts.before = Some(ended(earlier.map(|other| (&other["id"], &other["status"]))));
    }
    if question.jobs {
        match get(post, &format!("{project}/pipelines/{id}/jobs?per_page=100"), &authorization, api).await {
            Ok(jobs) => {
                let jobs = jobs.as_array().into_iter().flatten().filter(|job| job["allow_failure"] != true);
                facts.failed = failed(jobs, "status");
            }
            Err(why) => ctx.console.debug(format!("whether other jobs failed is not known: {why}")),
        }
    }
    Ok(facts)
}

async fn bitbucket(api: &str, ctx: &Context, post: &Post, run: &Run, question: Question) -> Result<Facts, String> {
    let ci = &ctx.ci;
    let authorization = ctx.tokens.bitbucket_authorization().ok_or("there is no BITBUCKET_ACCESS_TOKEN to ask with")?;
    let (Some(name), Some(number)) = (&ci.full_name, &ci.build_number) else {
        return Err("the pipeline has no number".to_owned());
    };
    let pipelines = format!("{api}/repositories/{name}/pipelines");
    let own = get(post, &format!("{pipelines}/{number}"), &authorization, api).await?;
    let mut facts = Facts { started_at: time(&own["created_on"]), ..Facts::default() };
    if question.before {
        let branch = run.tag.clone().or_else(|| run.branch.clone()).unwrap_or_default();
        let url = format!("{pipelines}/?target.ref_name={}&sort=-created_on&pagelen={PAGE}", encode(&branch));
        let page = get(post, &url, &authorization, api).await?;
        let number: u64 = number.parse().unwrap_or(u64::MAX);
        let earlier = page["values"].as_array().into_iter().flatten();
        let earlier = earlier.filter(|other| other["build_number"].as_u64().is_some_and(|other| other < number));
        facts.before = Some(ended(earlier.map(|other| (&other["build_number"], &other["state"]["result"]["name"]))));
    }
    Ok(facts)
}

/// How the newest of several runs ended that came to an end of its own.
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

/// As one part of a path or of a query.
pub(crate) fn encode(text: &str) -> String {
    /// All but the unreserved characters of RFC 3986.
    const SET: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    utf8_percent_encode(text, SET).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::ended;
    use crate::status::Status;

    #[test]
    fn the_newest_run_that_ended_by_itself_counts() {
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
