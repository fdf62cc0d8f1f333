//! What only the CI's API knows of the pipeline: when it started, how the run before it ended, whether another job failed.

mod bitbucket;
mod github;
mod gitlab;

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
use crate::post::Post;

use crate::status::Status;
use crate::when::When;

/// For all answers together: a message is not worth less without the duration of the run.
const MAX_TOTAL: Duration = Duration::from_secs(10);
/// For one answer.
const MAX_REQUEST: Duration = Duration::from_secs(4);
/// Bytes of one answer: 100 jobs of GitHub with their steps have some hundred KB.
const MAX_PAGE: u64 = 4 * 1024 * 1024;
/// Entries of one page of a list, the most that GitHub and GitLab give.
const PAGE: usize = 100;
/// Pages of earlier runs among which one that has ended is looked for.
const MAX_PAGES: usize = 5;

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
    /// An earlier attempt of this job may have been announced, and the API does not know of it.
    again: bool,
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answers {
    pub(crate) started_at: Option<Timestamp>,
    /// `Ok(None)`: this is the first run. Or a fragment that says why it is unknown.
    pub(crate) previous_status: Result<Option<Status>, String>,
    pub(crate) jobs: Jobs,
}

/// What is known of the other jobs of the run.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Jobs {
    NotAsked,
    /// The names of those that failed. All jobs were seen.
    Failed(Vec<String>),
    /// A fragment that says why not all of them were seen.
    Unknown(String),
    /// The token may not read them, which is a setting of the workflow. A fragment.
    Denied(String),
}

/// Why there is no answer, as a fragment.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// The token may not read it.
    Denied(String),
    Failed(String),
}

impl Answers {
    /// Nothing is known, for one reason.
    fn none(why: &NoAnswer, questions: Questions) -> Answers {
        let jobs = if questions.failed_jobs { Jobs::unknown(why) } else { Jobs::NotAsked };
        Answers { started_at: None, previous_status: Err(why.text().to_owned()), jobs }
    }

    /// Adds what is missing in `facts`. A success stays one only if all other jobs were seen and none failed. Returns what
    /// a person should know without a warning.
    pub(crate) fn complete(&self, facts: &mut Facts) -> Option<String> {
        if let (None, Some(started_at)) = (facts.run.started_at, self.started_at) {
            facts.run.started(started_at);
        }
        match &self.jobs {
            Jobs::Failed(jobs) if !jobs.is_empty() => {
                facts.status = Status::Error;
                let text = format!("{} failed", first_names(jobs));
                facts.findings.push(Finding { label: "Jobs".to_owned(), status: Status::Error, text });
            }
            Jobs::NotAsked | Jobs::Failed(_) => {}
            Jobs::Unknown(why) => {
                facts.status = Status::Finished;
                facts.warnings.push(format!(
                    "it is unknown whether other jobs failed ({why}), so the message reports no success. Set STATUS"
                ));
            }
            // Such a token is no fault of the run: a fork's pull request gets no other.
            Jobs::Denied(why) => {
                facts.status = Status::Finished;
                return Some(format!(
                    "the token may not read the other jobs ({why}), so the message reports no success. Allow the token to \
                     read them (`actions: read` on GitHub, `read_api` on GitLab, `read:pipeline` on Bitbucket), or set STATUS"
                ));
            }
        }
        None
    }
}

/// `a, b and 3 more`
fn first_names(jobs: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown = jobs.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if jobs.len() > SHOWN { format!("{shown} and {} more", jobs.len() - SHOWN) } else { shown }
}

impl Jobs {
    fn unknown(why: &NoAnswer) -> Jobs {
        match why {
            NoAnswer::Denied(why) => Jobs::Denied(why.clone()),
            NoAnswer::Failed(why) => Jobs::Unknown(why.clone()),
        }
    }

    fn of(failed: Result<Vec<String>, NoAnswer>) -> Jobs {
        failed.map_or_else(|why| Jobs::unknown(&why), Jobs::Failed)
    }
}

impl NoAnswer {
    fn failed(why: impl Into<String>) -> NoAnswer {
        NoAnswer::Failed(why.into())
    }

    fn text(&self) -> &str {
        match self {
            NoAnswer::Denied(why) | NoAnswer::Failed(why) => why,
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
        let api = Api::new(config, ctx, facts);
        if let Err(why) = &api {
            ctx.console.debug(format!("the CI's API is not queried: {why}"));
            previous_status?;
        }
        let failed_jobs = other_jobs && api.is_ok();
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

    /// Asks within the time that a message may wait for it.
    pub(crate) async fn ask(self, post: &Post) -> Answers {
        let questions = Questions { previous_status: self.previous_status.is_some(), failed_jobs: self.failed_jobs };
        let api = match self.api {
            Ok(api) => api,
            Err(why) => return Answers::none(&NoAnswer::Failed(why), questions),
        };
        let limit = MAX_TOTAL.min(post.remaining() / 2);
        let asking = async {
            match api.provider {
                Provider::GitHub => api.github(post, questions).await,
                Provider::GitLab => api.gitlab(post, questions).await,
                _ => api.bitbucket(post, questions).await,
            }
        };
        let late = || Err(NoAnswer::failed("the CI's API did not respond in time"));
        let outcome = tokio::time::timeout(limit, asking).await.unwrap_or_else(|_| late());
        outcome.unwrap_or_else(|why| Answers::none(&why, questions))
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
                    unknown.push(
                        "status: `error` if another job of the run failed, `finished` if that is unknown".to_owned(),
                    );
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

#[derive(Debug, Clone, Copy)]
struct Questions {
    previous_status: bool,
    failed_jobs: bool,
}

impl Api {
    fn new(config: &Config, ctx: &Context, facts: &Facts) -> Result<Api, String> {
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
                (api.clone(), format!("{api}/repos/{name}/actions"), &facts.run.id)
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
        let reference = facts.reference.clone().unwrap_or_default();
        let run = run_id.clone().ok_or_else(no_run)?;
        Ok(Api { provider: ci.provider, authorization, base, project, run, reference, again: config.again })
    }

    async fn get(&self, post: &Post, url: &str) -> Result<Value, NoAnswer> {
        self.page(post, url).await.map(|(value, _)| value)
    }

    /// One document, and whether it says that a further page follows.
    async fn page(&self, post: &Post, url: &str) -> Result<(Value, bool), NoAnswer> {
        let request = Request::get(url).authorize(&self.authorization, &host_of(&self.base)).max_body(MAX_PAGE);
        let request = request.header("accept", "application/json").total_timeout(MAX_REQUEST.min(post.remaining()));
        let response = post.client.send(request).await.map_err(|error| {
            let why = error.explain();
            if matches!(error.status(), Some(401 | 403 | 404)) { NoAnswer::Denied(why) } else { NoAnswer::Failed(why) }
        })?;
        let more = response.header("link").is_some_and(|link| link.contains("rel=\"next\""));
        let value = response
            .json()
            .map_err(|error| NoAnswer::Failed(format!("the CI's API returned an invalid JSON response: {error}")))?;
        Ok((value, more))
    }

    /// Page `number` of the list at `url`, which has a query, and whether another one follows. `items` names the list in
    /// the document; empty if the document is the list.
    async fn list(&self, post: &Post, url: &str, items: &str, number: usize) -> Result<(Vec<Value>, bool), NoAnswer> {
        // Pages are asked for by number: no address that an answer gives gets the token.
        let (mut document, more) = self.page(post, &format!("{url}&per_page={PAGE}&page={number}")).await?;
        let total = document["total_count"].as_u64().and_then(|total| usize::try_from(total).ok());
        let list = if items.is_empty() { document } else { document[items].take() };
        let Value::Array(list) = list else {
            return Err(NoAnswer::failed("the CI's API returned no list"));
        };
        let seen = (number - 1) * PAGE + list.len();
        let more = more || list.len() >= PAGE || total.is_some_and(|total| total > seen);
        if more && list.is_empty() {
            return Err(NoAnswer::failed("the CI's API returned only a part of a list"));
        }
        Ok((list, more))
    }

    /// All of a list.
    async fn all(&self, post: &Post, url: &str, items: &str) -> Result<Vec<Value>, NoAnswer> {
        let mut all = Vec::new();
        // The time limit ends it: a matrix of GitHub has 256 jobs, and a pipeline of GitLab has no bound.
        for number in 1.. {
            let (page, more) = self.list(post, url, items, number).await?;
            all.extend(page);
            if !more {
                break;
            }
        }
        Ok(all)
    }

    /// How the newest run of a list ended, newest first, among those that `read` gives a number and a word for.
    async fn newest(
        &self,
        post: &Post,
        url: &str,
        items: &str,
        read: impl Fn(&Value) -> Option<(u64, String)>,
    ) -> Result<Option<Status>, NoAnswer> {
        for number in 1..=MAX_PAGES {
            let (page, more) = self.list(post, url, items, number).await?;
            let status = ended(page.iter().filter_map(&read));
            if status.is_some() || !more {
                return Ok(status);
            }
        }
        Err(NoAnswer::failed("no run among the last 500 says how it ended"))
    }
}

/// How the newest run ended, among those that were not cancelled.
fn ended(runs: impl Iterator<Item = (u64, String)>) -> Option<Status> {
    let known = runs.filter_map(|(number, word)| {
        Some((number, Status::parse(&word).filter(|status| status.went_well().is_some())?))
    });
    known.max_by_key(|(number, _)| *number).map(|(_, status)| status)
}

/// The names of the jobs that failed, whose end is in `field`.
fn failed(jobs: &[Value], field: &str) -> Vec<String> {
    jobs.iter()
        .filter(|job| job[field].as_str().and_then(Status::parse) == Some(Status::Error))
        .filter_map(|job| job["name"].as_str().map(str::to_owned))
        .collect()
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::ended;
    use crate::status::Status;

    #[test]
    fn the_newest_run_that_was_not_cancelled_counts() {
        let runs = [(5, "failure"), (7, "cancelled"), (6, "success"), (8, "neutral")];
        assert_eq!(ended(runs.iter().map(|(number, word)| (*number, (*word).to_owned()))), Some(Status::Success));
        assert_eq!(ended(std::iter::empty()), None);
    }
}
