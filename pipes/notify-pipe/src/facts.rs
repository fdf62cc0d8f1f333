//! What is known of the run before its message is worded: from the variables, the checkout and the other pipes' reports.

use pipe_core::Context;
use pipe_core::platform::{Author, Provider, Reported};
use serde::Serialize;

use crate::config::Config;
use crate::log::LogOptions;
use crate::message::{Finding, Log, clean_line};
use crate::reports::Reports;
use crate::run::{Person, Pull, Run, now};
use crate::status::{Said, Status};

/// What a message is made from.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Facts {
    pub(crate) status: Status,
    pub(crate) run: Run,
    pub(crate) findings: Vec<Finding>,
    pub(crate) log: Option<Log>,
    /// Each a sentence. The message is sent all the same.
    pub(crate) warnings: Vec<String>,
    /// What was asked for and is not available, each a fragment. The run exits with 3 after the message was sent.
    pub(crate) unable: Vec<String>,
    /// The tag or the branch by which the CI's API knows the run. Only that API is given it: it may hold a secret.
    #[serde(skip)]
    pub(crate) reference: Option<String>,
}

impl Facts {
    /// Reads the checkout and the other pipes' reports.
    pub(crate) fn gather(config: &Config, ctx: &Context) -> Facts {
        let mut reports = config.reports.read(ctx);
        let failed = reports.status();
        let (status, finding) = status(&config.said, ctx.ci.reported.as_deref(), failed);
        reports.findings.extend(finding);
        let mut run = run(config, ctx);
        let (deployment, mut warnings) = config.deployment.resolve(&run, status, reports.deployment.as_ref(), ctx);
        run.environment = run.environment.or_else(|| deployment.as_ref().map(|it| it.environment.clone()));
        run.deployment = deployment;
        let Reports { findings, refused, unable, .. } = reports;
        warnings.extend(refused);
        if let Some(word) = &config.said.unknown {
            let shown: String = word.chars().take(40).collect();
            warnings.push(format!(
                "JOB_STATUS={shown:?} is not a status that is known. Set it to the status of the job, such as success or failure"
            ));
        }
        let log = match config.log.as_ref().map(LogOptions::read) {
            Some(Ok(log)) => Some(log),
            Some(Err(problem)) => {
                warnings.push(problem);
                None
            }
            None => None,
        };
        if config.when.compares() && config.state.is_some() && is_unsure(ctx) {
            let why = "it is unknown whether this run is for a pull request, so STATE_FILE is not read. Set PULL_REQUEST=false \
                       or PULL_REQUEST to its number";
            warnings.push(why.to_owned());
        }
        let reference = run.tag.clone().or_else(|| run.branch.clone());
        // From here on, also what is compared with an earlier run is what was kept of it.
        run.clean(&|text| clean_line(text, &ctx.redactor));
        Facts { status, run, findings, log, warnings, unable, reference }
    }
}

/// How the run ended that the message is about, from what is said and from the reports, which know of failures only. The
/// status of this job is that of its pipeline only if the message is about this pipeline.
fn status(said: &Said, reported: Option<&Reported>, failed: Option<Status>) -> (Status, Option<Finding>) {
    let known = match (said, reported) {
        (Said { by_user: Some(status), .. }, _) => return (*status, None),
        (Said { by_job: Some(Status::Error), .. }, Some(_)) => {
            return (Status::Error, Some(Finding::of_failed_job()));
        }
        (_, Some(reported)) => Some(Status::of_event(reported.status.as_deref())),
        (Said { by_job, .. }, None) => *by_job,
    };
    let status = match (known, failed) {
        // A gate of this run failed, whatever became of the job.
        (Some(Status::Success), Some(_)) => Status::Warning,
        (Some(status), _) => status,
        (None, failed) => failed.unwrap_or(Status::Finished),
    };
    (status, None)
}

/// The run that the message is about: the one that an event reports, or this one.
fn run(config: &Config, ctx: &Context) -> Run {
    let ci = &ctx.ci;
    if let Some(reported) = &ci.reported {
        return reported_run(reported, config, ctx);
    }
    let pull = ci.pull_request.as_ref();
    // On a pull request the CI may have made a merge commit: the message is about the commit that a person wrote.
    let commit = pull.and_then(|pull| pull.head_commit.clone()).or_else(|| ci.commit.clone());
    let head = commit.as_ref().and_then(|commit| ctx.checkout.as_ref()?.commit(commit));
    let pages = Pages::new(ctx);
    Run {
        provider: ci.provider.as_str().to_owned(),
        repository: repository(ctx),
        repository_url: ci.repository_url.clone(),
        commit_url: commit.as_ref().and_then(|commit| pages.commit(commit)),
        subject: head
            .as_ref()
            .map(|head| head.subject.clone())
            .filter(|subject| !subject.is_empty())
            // The title of a pull request is not that of its last commit.
            .or_else(|| ci.title.clone().filter(|_| pull.is_none())),
        author: head
            .map(|head| Person { name: head.author_name, email: head.author_email })
            .or_else(|| ci.author.as_ref().map(person)),
        // A merge queue's own branch means nothing to a reader.
        branch: ci
            .branch
            .clone()
            .filter(|branch| !branch.starts_with("gh-readonly-queue/"))
            .or_else(|| pull?.target_branch.clone()),
        tag: ci.tag.clone(),
        pull_request: pull.map(|pull| Pull {
            id: pull.id.clone(),
            target: pull.target_branch.clone(),
            url: pull.url.clone().or_else(|| pages.pull_request(&pull.id)),
            title: ci.title.clone(),
            mark: mark(ci.provider),
        }),
        pipeline: ci.pipeline.clone(),
        // Their pipelines are parts of one file. GitLab's have a name only if `workflow: name` gives one.
        has_one_pipeline: matches!(ci.provider, Provider::Bitbucket | Provider::GitLab),
        id: ci.run_id.clone(),
        number: ci.build_number.clone(),
        url: config.pipeline_url.clone().or_else(|| ci.build_url.clone()),
        // Bitbucket gives an id instead of a name, which means nothing to a reader.
        actor: ci.actor.clone().filter(|_| ci.provider != Provider::Bitbucket),
        environment: config.deployment.environment.clone().or_else(|| ci.environment.clone()),
        started_at: config.started_at,
        finished_at: now(),
        deployment: None,
        unsure: if is_unsure(ctx) { vec!["pull request"] } else { Vec::new() },
        commit,
    }
}

/// Whether the run may be for a pull request without the CI saying it: an outsider's branch may have the name of one of
/// ours. The three that are known best say it in every run.
fn is_unsure(ctx: &Context) -> bool {
    ctx.ci.unknown_change && matches!(ctx.ci.provider, Provider::Other(_) | Provider::None)
}

/// What an event says of another run. What it does not say is not known: nothing of this run stands in for it.
fn reported_run(reported: &Reported, config: &Config, ctx: &Context) -> Run {
    let pages = Pages::new(ctx);
    let head = reported.commit.as_ref().and_then(|commit| ctx.checkout.as_ref()?.commit(commit));
    let time = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
    Run {
        provider: ctx.ci.provider.as_str().to_owned(),
        repository: repository(ctx),
        repository_url: ctx.ci.repository_url.clone(),
        commit_url: reported.commit.as_ref().and_then(|commit| pages.commit(commit)),
        commit: reported.commit.clone(),
        subject: reported.title.clone().or_else(|| Some(head.as_ref()?.subject.clone())),
        author: reported
            .author
            .as_ref()
            .map(person)
            .or_else(|| head.map(|head| Person { name: head.author_name, email: head.author_email })),
        branch: reported.branch.clone(),
        tag: None,
        pull_request: reported.pull_request.as_ref().map(|id| Pull {
            id: id.clone(),
            target: reported.target_branch.clone(),
            url: pages.pull_request(id),
            title: reported.title.clone(),
            mark: mark(ctx.ci.provider),
        }),
        pipeline: reported.pipeline.clone(),
        has_one_pipeline: false,
        id: reported.id.clone(),
        number: reported.build_number.clone(),
        url: reported.page.clone(),
        actor: reported.actor.clone(),
        environment: config.deployment.environment.clone().or_else(|| reported.environment.clone()),
        started_at: config.started_at.or_else(|| time(&reported.started_at)),
        finished_at: time(&reported.finished_at).unwrap_or_else(now),
        deployment: None,
        unsure: Vec::new(),
    }
}

fn person(author: &Author) -> Person {
    Person { name: author.name.clone(), email: author.email.clone().unwrap_or_default() }
}

/// What stands before the number of a pull request.
fn mark(provider: Provider) -> &'static str {
    if provider == Provider::GitLab { "!" } else { "#" }
}

/// `org/shop`. A fork's pipeline may run in the fork; the change is for the target's repository.
fn repository(ctx: &Context) -> Option<String> {
    let target = ctx.ci.pull_request.as_ref().and_then(|pull| pull.repository.clone());
    target.or_else(|| ctx.ci.full_name.clone())
}

/// Where a platform shows commits and pull requests.
struct Pages {
    repository: Option<String>,
    provider: Provider,
}

impl Pages {
    /// Without a CI the platform follows from the host of the remote.
    fn new(ctx: &Context) -> Pages {
        let repository = ctx.ci.repository_url.as_ref().map(|url| url.trim_end_matches('/').to_owned());
        let on = |host: &str| repository.as_ref().is_some_and(|url| url.contains(&format!("://{host}/")));
        let provider = match ctx.ci.provider {
            Provider::None | Provider::Other(_) if on("github.com") => Provider::GitHub,
            Provider::None | Provider::Other(_) if on("bitbucket.org") => Provider::Bitbucket,
            Provider::None | Provider::Other(_) if on("gitlab.com") => Provider::GitLab,
            provider => provider,
        };
        Pages { repository, provider }
    }

    fn commit(&self, commit: &str) -> Option<String> {
        self.page(["commits", "commit", "-/commit"], commit)
    }

    fn pull_request(&self, id: &str) -> Option<String> {
        self.page(["pull-requests", "pull", "-/merge_requests"], id)
    }

    fn page(&self, [bitbucket, github, gitlab]: [&str; 3], what: &str) -> Option<String> {
        let folder = match self.provider {
            Provider::Bitbucket => bitbucket,
            Provider::GitHub => github,
            Provider::GitLab => gitlab,
            Provider::Other(_) | Provider::None => return None,
        };
        Some(format!("{}/{folder}/{what}", self.repository.as_ref()?))
    }
}
