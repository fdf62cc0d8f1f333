//! Sending: all channels side by side, without one stopping another, and an end that names each of them.

use std::time::{Duration, Instant};

use futures_util::StreamExt;
use futures_util::stream::FuturesOrdered;
use pipe_core::Context;
use pipe_core::advice::with_advice;
use pipe_core::exit::Ending;
use pipe_core::http::{Client, HttpError};
use pipe_core::report::Recorder;
use pipe_core::text::first_and_more;

use crate::compose::{Worded, draft};
use crate::config::{Config, Fail, Selected};
use crate::delivery::Delivery;
use crate::message::Message;
use crate::plan::Plan;
use crate::post::{Post, Undelivered};
use crate::present::rendering;
use crate::template::Template;
use crate::when::Decision;

pub(crate) async fn execute(config: &Config, plan: Plan, ctx: &Context, report: &Recorder) -> Result<Ending, Ending> {
    let Plan { mut facts, channels, ci_api, decision, state, .. } = plan;
    let client = client(config, ctx)
        .map_err(|error| Ending::Unable(with_advice(error.explain(), "Check CA_CERT and HTTPS_PROXY")))?;
    let deadline = Instant::now() + budget(ctx.timeout);
    let may_lack_rights = config.may_lack_secrets;
    let post = Post { client, attempts: config.retries + 1, deadline, state, may_lack_rights };

    let mut previous = Err("the CI's API does not report it".to_owned());
    if let Some(inquiry) = ci_api {
        let answers = inquiry.ask(&post).await;
        if let Some(notice) = answers.complete(&mut facts) {
            ctx.console.notice(&notice);
            report.notice(notice);
        }
        previous = answers.previous_status;
    }
    let previous = post.state.previous_status(&facts.run).map(Some).map_or(previous, Ok);
    let decision = decision.unwrap_or_else(|| config.when.decide(facts.status, previous));

    let draft = draft(&facts, config, ctx);
    let text = rendered(draft.template, &draft.message, &post, ctx).await?;
    let Worded { mut message, warnings, unable } = draft.finish(text, ctx);
    if !matches!(decision, Decision::Skip(_)) {
        let template = channels.iter().find_map(|selected| selected.channel.template());
        message.payload = rendered(template, &message, &post, ctx).await?;
    }
    let mut warnings: Vec<String> = facts.warnings.into_iter().chain(warnings).collect();
    if !matches!(decision, Decision::Skip(_)) {
        warnings.extend(channels.iter().filter_map(|selected| selected.channel.warning(&message)));
    }
    for warning in &warnings {
        ctx.console.warning(warning);
        report.notice(warning);
    }
    let unable: Vec<String> = facts.unable.into_iter().chain(unable).collect();
    if let Decision::SendAnyway(why) = &decision {
        ctx.console.warning(why);
        report.notice(why);
    }
    let deliveries = deliver(&channels, &message, &decision, &post, report, ctx).await;
    if ctx.cancel.is_cancelled() {
        return Err(Ending::Interrupted);
    }
    // A status that did not arrive everywhere is still news in the next run.
    if deliveries.iter().all(Delivery::is_settled)
        && let Err(problem) = post.state.remember(message.status, &message.run)
    {
        ctx.console.warning(&problem);
        report.notice(problem);
    }
    report.section("status", message.status);
    report.section("title", message.headline());
    report.section("deliveries", &deliveries);
    report.present(rendering(&deliveries, ctx));
    verdict(config.fail, &decision, &deliveries, &unable, !warnings.is_empty(), ctx)
}

/// What a template makes of a message. Half of the time that is left is for what follows.
async fn rendered(
    template: Option<&Template>,
    message: &Message,
    post: &Post,
    ctx: &Context,
) -> Result<Option<Result<String, String>>, Ending> {
    let Some(template) = template else { return Ok(None) };
    tokio::select! {
        rendered = template.render_aside(message, post.remaining() / 2) => Ok(Some(rendered)),
        () = ctx.cancel.cancelled() => Err(Ending::Interrupted),
    }
}

/// The last request ends before the run does, so that every channel has an outcome.
fn budget(timeout: Duration) -> Duration {
    timeout.saturating_sub((timeout / 5).min(Duration::from_secs(2)))
}

fn client(config: &Config, ctx: &Context) -> Result<Client, HttpError> {
    let mut settings = ctx.http_settings();
    settings.attempts = config.retries + 1;
    settings.retry_budget = budget(ctx.timeout);
    settings.read_timeout = Duration::from_secs(15).min(budget(ctx.timeout));
    // These services send short answers.
    settings.max_body = 1024 * 1024;
    Client::new(&settings, ctx.cancel.clone())
}

/// All channels side by side. Lines and steps are in the order of `channels`.
async fn deliver(
    channels: &[Selected],
    message: &Message,
    decision: &Decision,
    post: &Post,
    report: &Recorder,
    ctx: &Context,
) -> Vec<Delivery> {
    let mut deliveries = Vec::new();
    if let Decision::Skip(why) = decision {
        for selected in channels {
            deliveries.push(Delivery::skip(selected, why, report.step(selected.step()), ctx));
        }
        return deliveries;
    }
    let mut sending: FuturesOrdered<_> = channels
        .iter()
        .map(|selected| Delivery::make(selected, message, post, report.step(selected.step()), report, ctx))
        .collect();
    while let Some(delivery) = sending.next().await {
        ctx.console.line(delivery.line(ctx));
        deliveries.push(delivery);
    }
    deliveries
}

/// The last line names every target. One that was not reached fails the run as FAIL_ON_ERROR says.
fn verdict(
    fail: Fail,
    decision: &Decision,
    deliveries: &[Delivery],
    unable: &[String],
    warned: bool,
    ctx: &Context,
) -> Result<Ending, Ending> {
    let fails = |delivery: &Delivery| match (fail, &delivery.outcome) {
        (_, Ok(_) | Err(Undelivered::Skipped(_))) | (Fail::Never, _) => false,
        (Fail::Always, _) | (Fail::Auto, Err(Undelivered::Refused(_) | Undelivered::Forbidden(_))) => true,
        (Fail::Auto, Err(Undelivered::Unreachable(_))) => delivery.is_pager,
    };
    let summary = match decision {
        Decision::Skip(why) => why.clone(),
        _ => summary(deliveries, ctx),
    };
    let settled = deliveries.iter().all(Delivery::is_settled);
    if deliveries.iter().any(fails) {
        let more = if unable.is_empty() { String::new() } else { format!("; {}", first_and_more(unable)) };
        Err(Ending::Failed(format!("{summary}{more}")))
    } else if !unable.is_empty() {
        Err(Ending::Unable(format!("{}; {summary}", first_and_more(unable))))
    } else if deliveries.iter().all(Delivery::is_skipped) {
        Ok(Ending::Skipped(summary))
    } else if settled && !warned {
        Ok(Ending::Passed(summary))
    } else {
        Ok(Ending::Warned(summary))
    }
}

/// Each target of a few. Of more, which stand above it, how many were delivered, and the names of the others.
fn summary(deliveries: &[Delivery], ctx: &Context) -> String {
    const FEW: usize = 3;
    let named = |delivery: &&Delivery| deliveries.len() <= FEW || !delivery.is_settled();
    let count = |which: fn(&Delivery) -> bool| deliveries.iter().filter(|delivery| which(delivery)).count();
    let mut parts = Vec::new();
    if deliveries.len() > FEW {
        let (delivered, skipped) = (count(|it| it.outcome.is_ok()), count(Delivery::is_skipped));
        parts.push(format!("{delivered} of {} delivered", deliveries.len()));
        parts.extend((skipped > 0).then(|| format!("{skipped} skipped")));
    }
    parts.extend(deliveries.iter().filter(named).map(|delivery| delivery.summary(ctx)));
    parts.join(", ")
}

#[cfg(test)]
mod tests;
