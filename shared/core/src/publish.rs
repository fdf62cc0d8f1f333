//! The end of a run on the CI's own pages. What can't be delivered is a warning and changes no verdict: the reports are on
//! disk, and the exit code says the rest.
//!
//! Text leaves through the CI's files and API here, past Console and Recorder, so [`complete`] redacts it.

use std::io;
use std::path::Path;
use std::time::Duration;

use secrecy::SecretString;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::advice::with_advice;
use crate::context::Context;
use crate::exit::Ending;
use crate::http::{Client, HttpError, Kind, Method, Request, Url};
use crate::plan::Effects;
use crate::platform::bitbucket::insights::{self, Call, Route};
use crate::platform::bitbucket::{self, variables};
use crate::platform::github::{commands, files};
use crate::platform::gitlab::reports;
use crate::platform::rendering::{Annotation, Fact, Rendering, key};
use crate::platform::{Provider, escape};
use crate::report::{Recorder, report_name};

/// For all requests together.
const MAX_TIME: Duration = Duration::from_secs(60);
/// For one of them, with its second attempt.
const MAX_REQUEST_TIME: Duration = Duration::from_secs(20);

/// Shows the run's result where its platform's users look for it.
pub async fn publish(ctx: &Context, report: &Recorder, ending: &Ending) {
    let given = report.take_rendering();
    let without_result = given.is_none();
    let mut rendering = complete(ctx, given, ending);
    if report.report_dir().is_disabled() {
        rendering.outputs.retain(|(name, _)| name != "report");
    }
    match ctx.ci.provider {
        Provider::GitHub => {
            if without_result && !ending.passes() {
                ctx.console.command(&commands::error(&rendering.key(), &rendering.details));
            }
            warn_if_failed(ctx, "the job summary and outputs", github(ctx, &rendering));
        }
        Provider::Bitbucket => {
            if let Some(path) = &ctx.ci.channels.pipeline_variables {
                let left_out = variables::append(path, &rendering);
                warn_if_failed(ctx, "pipeline variables", left_out.map(|names| notice_left_out(ctx, &names)));
            }
            // A cancelled run ends soon: its report is not sent.
            if rendering.about_code && !matches!(ending, Ending::Cancelled(_)) {
                warn_if_failed(ctx, "Code Insights", code_insights(ctx, &rendering).await);
            }
        }
        Provider::GitLab => gitlab(ctx, report, &rendering),
        // Runners that follow GitHub's take the same files. What its own annotations are, they do not know.
        Provider::Other(_) => warn_if_failed(ctx, "the job summary and outputs", files_of_the_runner(ctx, &rendering)),
        Provider::None => {}
    }
}

/// What [`publish`] does after a run that comes to its end: files, requests and the servers they go to.
pub(crate) fn effects(ctx: &Context, about_code: bool) -> Effects {
    let mut effects = Effects::default();
    let channels = &ctx.ci.channels;
    let path = |path: &Path| ctx.workspace.relative(path);
    match ctx.ci.provider {
        Provider::GitHub | Provider::Other(_) => {
            effects.files.extend(channels.step_summary.iter().chain(&channels.outputs).map(|file| path(file)));
        }
        Provider::Bitbucket => {
            effects.files.extend(channels.pipeline_variables.iter().map(|file| path(file)));
            if about_code {
                insights_effects(ctx, &mut effects);
            }
        }
        Provider::GitLab => {
            let mut report = |name: &str| effects.files.push(path(&ctx.workspace.reports.join(name)));
            report(&dotenv_name(ctx.spec.name));
            if about_code {
                report(CODE_QUALITY);
            }
        }
        Provider::None => {}
    }
    effects
}

/// By the first route, which the others stand in for.
fn insights_effects(ctx: &Context, effects: &mut Effects) {
    let key = key(ctx.spec.name, ctx.report_name.as_deref());
    let routes = Route::choose(&ctx.ci, ctx.tokens.bitbucket_authorization().is_some());
    let (Some(route), Some(calls)) = (routes.first(), insights::planned(&key, &ctx.ci)) else { return };
    effects.hosts.extend(Url::parse(bitbucket::API).ok().map(|api| api.authority().to_owned()));
    effects.writes.extend(calls.iter().map(|call| format!("{} {}", call.method, route.url(call))));
}

const CODE_QUALITY: &str = "gl-code-quality-report.json";

/// `security-pipe.env`
fn dotenv_name(pipe: &str) -> String {
    format!("{pipe}.env")
}

fn github(ctx: &Context, rendering: &Rendering) -> io::Result<()> {
    let mut lines = Vec::new();
    commands::annotations(rendering, &mut lines)?;
    for line in String::from_utf8_lossy(&lines).lines() {
        ctx.console.command(line);
    }
    files_of_the_runner(ctx, rendering)
}

fn files_of_the_runner(ctx: &Context, rendering: &Rendering) -> io::Result<()> {
    if let Some(path) = &ctx.ci.channels.step_summary
        && !rendering.summary_markdown.is_empty()
    {
        files::append_summary(path, &rendering.summary_markdown)?;
    }
    match &ctx.ci.channels.outputs {
        Some(path) => files::append_outputs(path, &rendering.outputs),
        None => Ok(()),
    }
}

async fn code_insights(ctx: &Context, rendering: &Rendering) -> Result<(), String> {
    let mut calls = insights::calls(rendering, &ctx.ci);
    for body in calls.iter_mut().filter_map(|call| call.body.as_mut()) {
        ctx.redactor.json(body);
    }
    let routes = Route::choose(&ctx.ci, ctx.tokens.bitbucket_authorization().is_some());
    tokio::select! {
        outcome = tokio::time::timeout(MAX_TIME, deliver(ctx, &routes, &calls)) => {
            outcome.unwrap_or_else(|_| Err(format!("not finished within {} s", MAX_TIME.as_secs())))
        }
        () = cancelled() => Err("the run was cancelled".to_owned()),
    }
}

/// By the first route that responds.
async fn deliver(ctx: &Context, routes: &[Route], calls: &[Call]) -> Result<(), String> {
    let mut problem = "neither a token nor the proxy of the pipeline is available".to_owned();
    'routes: for route in routes {
        let client = client(ctx, route).map_err(|error| error.explain())?;
        for (index, call) in calls.iter().enumerate() {
            match client.send(request(ctx, route, call)).await {
                Ok(_) => {}
                Err(error)
                    if index == 0
                        && matches!(error.kind(), Kind::Proxy | Kind::Connect | Kind::UnknownHost | Kind::Timeout) =>
                {
                    problem = error.explain();
                    continue 'routes;
                }
                Err(error) => return Err(error.explain()),
            }
        }
        return Ok(());
    }
    Err(format!("{problem}. Set BITBUCKET_ACCESS_TOKEN to call the API directly"))
}

fn client(ctx: &Context, route: &Route) -> Result<Client, HttpError> {
    let mut settings = ctx.http_settings();
    settings.attempts = 2;
    settings.total_timeout = MAX_REQUEST_TIME;
    if let Route::Proxy(address) = route {
        settings.http_proxy = Some(SecretString::from(address.clone()));
        settings.no_proxy = None;
        settings.connect_timeout = Duration::from_secs(3);
    }
    Client::new(&settings, CancellationToken::new())
}

fn request(ctx: &Context, route: &Route, call: &Call) -> Request {
    let method = Method::from_bytes(call.method.as_bytes()).unwrap_or(Method::POST);
    let mut request = Request::new(method, &route.url(call));
    if let Some(body) = &call.body {
        request = request.json(body);
    }
    if let Some(status) = call.accept {
        request = request.accept(status);
    }
    match (route, ctx.tokens.bitbucket_authorization()) {
        (Route::Token, Some(authorization)) => request.authorize(&authorization, "api.bitbucket.org"),
        _ => request,
    }
}

fn gitlab(ctx: &Context, report: &Recorder, rendering: &Rendering) {
    let (dotenv, left_out) = reports::dotenv(rendering);
    report.write(&dotenv_name(&rendering.pipe), dotenv.as_bytes());
    notice_left_out(ctx, &left_out);
    if rendering.about_code {
        report.write_json(CODE_QUALITY, |file| {
            Ok(serde_json::to_writer_pretty(file, &reports::code_quality(rendering))?)
        });
    }
    if let Some(failure) = report.report_dir().failure() {
        ctx.console.warning(format!("failed to publish the reports of GitLab: {failure}"));
    }
}

/// The rendering as it leaves: redacted, with the verdict that the run ended with, and the outputs that all pipes have.
fn complete(ctx: &Context, given: Option<Rendering>, ending: &Ending) -> Rendering {
    let redact = |text: String| ctx.redactor.text(&text).into_owned();
    let redactor = ctx.redactor.clone();
    let verdict = ending.verdict();
    let details = redact(format!("{} {}", verdict.headline(), ending.reason()).trim().to_owned());
    let mut rendering = given.unwrap_or_else(|| Rendering {
        pipe: ctx.spec.name.to_owned(),
        report_name: ctx.report_name.clone(),
        title: ctx.spec.name.to_owned(),
        passed: ending.passes(),
        about_code: false,
        details: String::new(),
        facts: Vec::new(),
        annotations: Vec::new().into(),
        summary_markdown: format!(
            "## {}\n\n{}\n",
            escape::markdown(ctx.spec.name, &ctx.redactor),
            escape::markdown(&details, &ctx.redactor)
        ),
        outputs: Vec::new(),
    });
    // The pipe rendered its own result; what came after it counts as well.
    if rendering.passed && !ending.passes() {
        rendering.summary_markdown.insert_str(0, &format!("**{}**\n\n", escape::markdown(&details, &ctx.redactor)));
    }
    let path = ctx.workspace.relative(&ctx.workspace.reports.join(report_name(ctx.spec)));
    let common = [("verdict", verdict.as_str().to_owned()), ("exit_code", ending.code().to_string()), ("report", path)];
    let declared = |name: &str| ctx.spec.outputs().any(|output| output.name == name);
    debug_assert!(rendering.outputs.iter().all(|(name, _)| declared(name)), "an output that the SPEC lacks");
    rendering.outputs.retain(|(name, _)| common.iter().all(|(common, _)| common != name));
    rendering.outputs.extend(common.map(|(name, value)| (name.to_owned(), value)));
    Rendering {
        passed: ending.passes(),
        details,
        title: redact(rendering.title),
        facts: rendering.facts.into_iter().map(|(label, fact)| (label, redacted_fact(fact, &redact))).collect(),
        annotations: rendering
            .annotations
            .map(move |annotation| redacted(annotation, &|text: String| redactor.text(&text).into_owned())),
        summary_markdown: redact(rendering.summary_markdown),
        outputs: rendering.outputs.into_iter().map(|(name, value)| (name, redact(value))).collect(),
        ..rendering
    }
}

fn redacted(annotation: Annotation, redact: &impl Fn(String) -> String) -> Annotation {
    Annotation {
        title: redact(annotation.title),
        message: redact(annotation.message),
        path: annotation.path.map(redact),
        id: redact(annotation.id),
        link: annotation.link.map(redact),
        ..annotation
    }
}

fn redacted_fact(fact: Fact, redact: &impl Fn(String) -> String) -> Fact {
    match fact {
        Fact::Text(text) => Fact::Text(redact(text)),
        Fact::Link { text, href } => Fact::Link { text: redact(text), href: redact(href) },
        Fact::Number(_) | Fact::Bool(_) | Fact::Duration(_) => fact,
    }
}

fn warn_if_failed(ctx: &Context, what: &str, outcome: Result<(), impl ToString>) {
    if let Err(error) = outcome {
        let why = format!("failed to publish {what}: {}", error.to_string());
        ctx.console
            .warning(with_advice(why, "The files in REPORTS_DIR are complete. Run the job again to publish them"));
    }
}

fn notice_left_out(ctx: &Context, names: &[String]) {
    if !names.is_empty() {
        let names = names.join(", ");
        ctx.console.notice(format!(
            "these outputs are not passed to later steps, because of their values or their number: {names}"
        ));
    }
}

async fn cancelled() {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()))
    else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(test)]
mod tests;
