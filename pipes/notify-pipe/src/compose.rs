//! The message, from what the user wrote and what is known of the run.

use pipe_core::Context;
use pipe_core::manifest::REPOSITORY;
use pipe_core::workspace::Workspace;

use crate::config::{Body, Config};
use crate::facts::Facts;
use crate::http::tidy;
use crate::message::{Field, Link, Message};
use crate::run::{Run, now};
use crate::status::Status;
use crate::template::Template;
use crate::text;

/// A message, and what went wrong in wording it.
pub(crate) struct Worded {
    pub(crate) message: Message,
    /// Each a sentence. The message is sent all the same.
    pub(crate) warnings: Vec<String>,
    /// Each a fragment. The run exits with 3 after the message was sent.
    pub(crate) unable: Vec<String>,
}

/// A message before its TEMPLATE is rendered.
pub(crate) struct Draft<'a> {
    /// With MESSAGE as its text, clean.
    pub(crate) message: Message,
    pub(crate) template: Option<&'a Template>,
    warnings: Vec<String>,
}

/// Words the message but for TEMPLATE.
pub(crate) fn draft<'a>(facts: &Facts, config: &'a Config, ctx: &Context) -> Draft<'a> {
    let inside = |path: &std::path::Path| Workspace::inside(&ctx.workspace.root, &ctx.workspace.dir, path);
    let (mentions, warnings) = config.mentions.resolve(facts.status, facts.run.author.as_ref(), inside);
    let mut message = Message {
        title: config
            .title
            .clone()
            .filter(|title| !title.trim().is_empty())
            .unwrap_or_else(|| title(&facts.run, facts.status)),
        status: facts.status,
        text: String::new(),
        fields: fields(&facts.run, config),
        findings: facts.findings.clone(),
        links: links(&facts.run, config),
        log: facts.log.clone(),
        mentions,
        priority: config.priority,
        color: config.color,
        run: facts.run.clone(),
        payload: None,
        worded_at: now(),
    };
    let template = match &config.body {
        Some(Body::Text(text)) => {
            message.text.clone_from(text);
            None
        }
        Some(Body::Template { template, message: text }) => {
            message.text.clone_from(text);
            Some(template)
        }
        None => None,
    };
    // A template reads what will be sent. In another case or in parts, a secret would not be recognised any more.
    message.clean(&ctx.redactor);
    Draft { message, template, warnings }
}

impl Draft<'_> {
    /// The message with its TEMPLATE `rendered`. One that fails leaves MESSAGE as it is, so that a message is sent in any
    /// case.
    pub(crate) fn finish(self, rendered: Option<Result<String, String>>, ctx: &Context) -> Worded {
        let Draft { mut message, warnings, .. } = self;
        let mut unable = Vec::new();
        match rendered {
            Some(Ok(text)) => {
                message.text = text;
                message.clean(&ctx.redactor);
            }
            Some(Err(problem)) => unable.push(format!(
                "failed to render TEMPLATE: {problem}. See {REPOSITORY}/blob/main/docs/notify/templates.md"
            )),
            None => {}
        }
        Worded { message, warnings, unable }
    }
}

/// `org/shop main failed`, `org/shop v1.2.3 deployed to production`
fn title(run: &Run, status: Status) -> String {
    // The folder may have any name, that of another repository too.
    let name = run.repository.as_deref().unwrap_or("Pipeline");
    let place = run.ref_name().map(|place| format!(" {place}")).unwrap_or_default();
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
        let title = pull.title.as_ref().map(|title| format!(": {title}")).unwrap_or_default();
        let name = format!("{}{}{target}{title}", pull.mark, pull.id);
        fields.push(Field::link(
            if pull.mark == "!" { "Merge request" } else { "Pull request" },
            name,
            pull.url.clone(),
        ));
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
