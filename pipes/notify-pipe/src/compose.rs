//! The message, from what the user wrote and what is known of the run.

use jiff::Timestamp;
use pipe_core::Context;
use pipe_core::platform::Provider;
use pipe_core::workspace::Workspace;

use crate::config::{Config, Said};
use crate::http::tidy;
use crate::message::{Field, Finding, Link, Log, Message};
use crate::reports::Found;
use crate::run::{Person, Pull, Run};
use crate::status::Status;
use crate::text;

/// What is known of the run, before it is put into words.
#[derive(Debug)]
pub(crate) struct Gathered {
    pub(crate) status: Status,
    pub(crate) run: Run,
    pub(crate) findings: Vec<Finding>,
    log: Option<Log>,
    /// Each a sentence; none of them keeps the message from being sent.
    pub(crate) warnings: Vec<String>,
    /// What was asked for and can't be had: exit 3, after the message was sent.
    pub(crate) unable: Vec<String>,
}

/// Reads the checkout and the other pipes' reports; what the CI's API knows is added by [`crate::pipeline`].
pub(crate) fn gather(config: &Config, ctx: &Context) -> Gathered {
    let reports = config.reports.read(ctx);
    let status = match (config.status, reports.status()) {
        // A gate of this run said no, whatever became of the job.
        (Some(Status::Success), Some(_)) if !config.status_is_the_user_s => Status::Warning,
        (Some(status), _) => status,
        (None, failed) => failed.unwrap_or(Status::Finished),
    };
    let mut run = run(config, ctx);
    let (deployment, mut warnings) = config.deployment.settle(&run, status, reports.deployment.as_ref(), ctx);
    run.environment = run.environment.or_else(|| deployment.as_ref().map(|it| it.environment.clone()));
    run.deployment = deployment;
    let Found { findings, refused, unable, .. } = reports;
    warnings.extend(refused);
    let log = match config.log.as_ref().map(crate::log::Wanted::read) {
        Some(Ok(log)) => Some(log),
        Some(Err(problem)) => {
            warnings.push(problem);
            None
        }
        None => None,
    };
    Gathered { status, run, findings, log, warnings, unable }
}

impl Gathered {
    /// The message, and what went wrong in wording it: sentences for `warnings` and for `unable`. A TEMPLATE that can't
    /// be used leaves MESSAGE as it is, since nobody is helped by no message.
    pub(crate) fn word(&self, config: &Config, ctx: &Context) -> (Message, Vec<String>, Vec<String>) {
        let inside = |path: &std::path::Path| Workspace::inside(&ctx.workspace.root, &ctx.workspace.dir, path);
        let (mentions, problem) = config.mentions.settle(self.status, self.run.author.as_ref(), inside);
        let warnings = problem.into_iter().collect();
        let mut message = Message {
            title: config
                .title
                .clone()
                .filter(|title| !title.trim().is_empty())
                .unwrap_or_else(|| title(&self.run, self.status, ctx)),
            status: self.status,
            text: String::new(),
            fields: fields(&self.run, config),
            findings: self.findings.clone(),
            links: links(&self.run, config),
            log: self.log.clone(),
            mentions,
            priority: config.priority,
            color: config.color,
            run: self.run.clone(),
        };
        let mut unable = Vec::new();
        match &config.said {
            Some(Said::Text(text)) => message.text.clone_from(text),
            Some(Said::Template { template, message: text }) => {
                message.text.clone_from(text);
                match template.render(&message) {
                    Ok(text) => message.text = text,
                    Err(problem) => unable.push(format!("TEMPLATE can't be used: {problem}")),
                }
            }
            None => {}
        }
        message.redact(&ctx.redactor);
        (message, warnings, unable)
    }
}

fn run(config: &Config, ctx: &Context) -> Run {
    let ci = &ctx.ci;
    let pull = ci.pull_request.as_ref();
    // On a pull request the CI may have made a commit of its own: the one that somebody wrote is the news.
    let commit = pull.and_then(|pull| pull.head_commit.clone()).or_else(|| ci.commit.clone());
    let head = commit.as_ref().and_then(|commit| ctx.checkout.as_ref()?.commit(commit));
    let pages = Pages::new(ctx);
    Run {
        provider: provider(ci.provider).to_owned(),
        repository: ci.full_name.clone().or_else(|| match (&ci.workspace, &ci.repository) {
            (Some(workspace), Some(repository)) => Some(format!("{workspace}/{repository}")),
            (_, repository) => repository.clone(),
        }),
        repository_url: ci.repository_url.clone(),
        commit_url: commit.as_ref().and_then(|commit| pages.commit(commit)),
        subject: head.as_ref().map(|head| head.subject.clone()).filter(|subject| !subject.is_empty()),
        author: head.map(|head| Person { name: head.author_name, email: head.author_email }),
        branch: ci.branch.clone(),
        tag: ci.tag.clone(),
        pull_request: pull.map(|pull| Pull {
            id: pull.id.clone(),
            target: pull.target_branch.clone(),
            url: pages.pull_request(&pull.id),
        }),
        pipeline: config.pipeline.clone(),
        id: ci.run_id.clone(),
        number: ci.build_number.clone(),
        url: config.pipeline_url.clone().or_else(|| ci.build_url.clone()),
        // Bitbucket gives no name, only an id that tells nobody anything.
        actor: ci.actor.clone().filter(|_| ci.provider != Provider::Bitbucket),
        environment: config.deployment.environment.clone().or_else(|| ci.environment.clone()),
        started_at: config.started_at,
        finished_at: Timestamp::now(),
        deployment: None,
        commit,
    }
}

pub(crate) fn provider(provider: Provider) -> &'static str {
    match provider {
        Provider::Bitbucket => "bitbucket",
        Provider::GitHub => "github",
        Provider::GitLab => "gitlab",
        Provider::Other(name) => name,
        Provider::None => "none",
    }
}

/// `org/shop main failed`, `org/shop v1.2.3 deployed to production`
fn title(run: &Run, status: Status, ctx: &Context) -> String {
    let directory = ctx.workspace.root.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = run.repository.clone().or(directory).unwrap_or_else(|| "Pipeline".to_owned());
    let place = run.place().map(|place| format!(" {place}")).unwrap_or_default();
    let verb = match (&run.deployment, status) {
        (Some(deployment), _) if deployment.rollback => format!("rolled back in {}", deployment.environment),
        (Some(deployment), Status::Success) => format!("deployed to {}", deployment.environment),
        (Some(deployment), Status::Warning) => format!("deployed to {} with warnings", deployment.environment),
        (Some(deployment), Status::Error) => format!("not deployed to {}", deployment.environment),
        _ => status.verb().to_owned(),
    };
    format!("{name}{place} {verb}").trim_end().to_owned()
}

fn fields(run: &Run, config: &Config) -> Vec<Field> {
    let mut fields = Vec::new();
    if let Some(deployment) = &run.deployment {
        fields.push(Field::new("Environment", &deployment.environment));
        fields.extend(deployment.version.as_ref().map(|version| Field::new("Version", version)));
        fields.extend(deployment.revision.as_ref().map(|revision| Field::new("Revision", revision)));
        fields.extend(deployment.image.as_ref().map(|image| Field::new("Image", image)));
    } else if let Some(environment) = &run.environment {
        fields.push(Field::new("Environment", environment));
    }
    fields.extend(config.custom_fields.iter().map(|(label, value)| Field::new(label, value)));
    if config.include_commit {
        fields.extend(commit_fields(run));
    }
    if config.include_build {
        let name = match (&run.pipeline, &run.number) {
            (Some(name), Some(number)) => Some(format!("{name} #{number}")),
            (Some(name), None) => Some(name.clone()),
            (None, number) => number.as_ref().map(|number| format!("#{number}")),
        };
        fields.extend(name.map(|name| Field::link("Build", name, run.url.clone())));
        fields.extend(run.seconds().map(|seconds| Field::new("Duration", text::duration(seconds))));
        fields.extend(run.actor.as_ref().map(|actor| Field::new("Started by", actor)));
    }
    if config.include_repository {
        let repository = run.repository.as_ref();
        fields.extend(repository.map(|name| Field::link("Repository", name, run.repository_url.clone())));
    }
    fields
}

fn commit_fields(run: &Run) -> Vec<Field> {
    let mut fields = Vec::new();
    if let Some(pull) = &run.pull_request {
        let target = pull.target.as_ref().map(|target| format!(" → {target}")).unwrap_or_default();
        fields.push(Field::link("Pull request", format!("#{}{target}", pull.id), pull.url.clone()));
    }
    fields.extend(run.tag.as_ref().map(|tag| Field::new("Tag", tag)));
    fields.extend(run.branch.as_ref().map(|branch| Field::new("Branch", branch)));
    if let Some(commit) = run.short_commit() {
        let subject = run.subject.as_ref().map(|subject| format!(" {subject}")).unwrap_or_default();
        fields.push(Field::link("Commit", format!("{commit}{subject}"), run.commit_url.clone()));
    }
    fields.extend(run.author.as_ref().map(|author| Field::new("Author", &author.name)));
    fields
}

fn links(run: &Run, config: &Config) -> Vec<Link> {
    let mut links = Vec::new();
    let mut add = |text: &str, url: &Option<String>| {
        links.extend(url.as_ref().and_then(|url| tidy(url)).map(|url| Link { text: text.to_owned(), url }));
    };
    add("View pipeline", &run.url);
    add("View pull request", &run.pull_request.as_ref().and_then(|pull| pull.url.clone()));
    if run.url.is_none() && run.pull_request.is_none() {
        add("View commit", &run.commit_url);
    }
    for (text, url) in &config.custom_links {
        add(text, &Some(url.clone()));
    }
    links
}

/// Where a platform shows commits and pull requests.
struct Pages {
    repository: Option<String>,
    provider: Provider,
}

impl Pages {
    /// Without a CI the remote's host tells the platform.
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
