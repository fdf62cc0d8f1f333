//! Sending: all channels side by side, none of them stopping another, and an honest end.

use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;
use pipe_core::Context;
use pipe_core::console::Color;
use pipe_core::exit::{Pass, Stop};
use pipe_core::http::Client;
use pipe_core::platform::escape;
use pipe_core::platform::rendering::{Fact, Rendering};
use pipe_core::report::Recorder;
use pipe_core::text::panic_text;
use serde::Serialize;

use crate::config::{Config, Fail, Selected};
use crate::message::Message;
use crate::pipeline;
use crate::plan::Plan;
use crate::post::{Post, Receipt, Undelivered};
use crate::state::State;
use crate::when::Decision;

/// What became of one channel.
#[derive(Debug, Serialize)]
struct Delivery {
    channel: &'static str,
    target: String,
    outcome: Outcome,
    /// Why it was not delivered, or what is different about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip)]
    output: Option<(&'static str, String)>,
    #[serde(skip)]
    pages: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Outcome {
    Delivered,
    /// The service, or we, said no.
    Refused,
    /// Nobody could be reached within the time.
    Unreachable,
    Skipped,
}

pub(crate) async fn execute(config: &Config, plan: Plan, ctx: &Context, report: &Recorder) -> Result<Pass, Stop> {
    let mut gathered = plan.gathered;
    let (state, problem) = State::open(config.state.clone(), &ctx.workspace.root);
    gathered.warnings.extend(problem);
    let client = client(config, ctx).map_err(|error| Stop::Unable(error.to_string()))?;
    let deadline = Instant::now() + budget(ctx.timeout);
    let post = Post { client, attempts: config.retries + 1, deadline, state };

    let decision = pipeline::look(config, &mut gathered, ctx, &post).await;
    let (message, warnings, unable) = gathered.word(config, ctx);
    for warning in gathered.warnings.iter().chain(&warnings) {
        ctx.console.warning(ctx.redactor.text(warning));
        report.notice(warning);
    }
    let unable: Vec<String> = gathered.unable.into_iter().chain(unable).collect();
    let deliveries = match &decision {
        Decision::Skip(why) => skipped(config, why, report),
        Decision::Send | Decision::SendAnyway(_) => {
            if let Decision::SendAnyway(why) = &decision {
                ctx.console.warning(format!("{why}: sent all the same"));
                report.notice(why);
            }
            deliver(&config.channels, &message, &post, report, ctx).await
        }
    };
    if ctx.cancel.is_cancelled() {
        return Err(Stop::Interrupted);
    }
    // What nobody was told of is news the next time.
    if deliveries.iter().all(Delivery::arrived)
        && let Err(problem) = pipeline::remember(&message, &post.state)
    {
        ctx.console.warning(&problem);
        report.notice(problem);
    }
    report.section("status", message.status);
    report.section("title", message.headline());
    report.section("deliveries", &deliveries);
    report.present(rendering(&deliveries, ctx));
    let warned = gathered.warnings.len() + warnings.len() > 0;
    verdict(config, &deliveries, &unable, warned)
}

/// The run's own end comes after that of the last request, so that each channel can say what became of it.
fn budget(timeout: Duration) -> Duration {
    timeout.saturating_sub((timeout / 5).min(Duration::from_secs(2)))
}

fn client(config: &Config, ctx: &Context) -> Result<Client, pipe_core::http::HttpError> {
    let mut settings = ctx.http_settings();
    settings.attempts = config.retries + 1;
    settings.retry_budget = budget(ctx.timeout);
    settings.read_timeout = Duration::from_secs(15).min(budget(ctx.timeout));
    // Answers of these services are short.
    settings.max_body = 1024 * 1024;
    Client::new(&settings, ctx.cancel.clone())
}

fn skipped(config: &Config, why: &str, report: &Recorder) -> Vec<Delivery> {
    let skip = |selected: &Selected| {
        report.step(selected.kind).skipped(why);
        Delivery {
            channel: selected.kind,
            target: selected.channel.target(),
            outcome: Outcome::Skipped,
            reason: Some(why.to_owned()),
            output: None,
            pages: false,
        }
    };
    config.channels.iter().map(skip).collect()
}

async fn deliver(
    channels: &[Selected],
    message: &Message,
    post: &Post,
    report: &Recorder,
    ctx: &Context,
) -> Vec<Delivery> {
    join_all(channels.iter().map(|selected| one(selected, message, post, report, ctx))).await
}

/// One channel. If it panics it loses only itself, and the run ends with 70 after the others.
async fn one(selected: &Selected, message: &Message, post: &Post, report: &Recorder, ctx: &Context) -> Delivery {
    let (kind, channel) = (selected.kind, &selected.channel);
    let target = ctx.redactor.text(&channel.target()).into_owned();
    let step = report.step(if target.is_empty() { kind.to_owned() } else { format!("{kind} {target}") });
    let sending = AssertUnwindSafe(async { channel.deliver(message, post).await }).catch_unwind();
    let came = match tokio::time::timeout(post.remaining(), sending).await {
        Ok(Ok(came)) => came,
        Ok(Err(payload)) => {
            let text = panic_text(payload.as_ref());
            report.bug(format!("{kind}: {text}"));
            Err(Undelivered::Refused(text))
        }
        Err(_) => Err(Undelivered::Outage("no end within TIMEOUT".to_owned())),
    };
    let clean = |text: String| escape::terminal(&ctx.redactor.text(&text));
    let (outcome, reason, output) = match came {
        Ok(Receipt { output, remarks }) => {
            (Outcome::Delivered, (!remarks.is_empty()).then(|| clean(remarks.join("; "))), output)
        }
        Err(Undelivered::Refused(why)) => (Outcome::Refused, Some(clean(why)), None),
        Err(Undelivered::Outage(why)) => (Outcome::Unreachable, Some(clean(why)), None),
        Err(Undelivered::Skipped(why)) => (Outcome::Skipped, Some(clean(why)), None),
    };
    let why = reason.clone().unwrap_or_default();
    match outcome {
        Outcome::Delivered => {
            step.ran(if why.is_empty() { "delivered".to_owned() } else { format!("delivered; {why}") })
        }
        Outcome::Skipped => step.skipped(why),
        Outcome::Refused | Outcome::Unreachable => step.failed(why),
    }
    let delivery = Delivery { channel: kind, target, outcome, reason, output, pages: channel.pages() };
    ctx.console.line(delivery.line(ctx));
    delivery
}

impl Delivery {
    fn arrived(&self) -> bool {
        matches!(self.outcome, Outcome::Delivered | Outcome::Skipped)
    }

    fn name(&self) -> String {
        if self.target.is_empty() { self.channel.to_owned() } else { format!("{} {}", self.channel, self.target) }
    }

    /// `slack       #ops  delivered`
    fn line(&self, ctx: &Context) -> String {
        let (color, word) = match self.outcome {
            Outcome::Delivered => (Color::Green, "delivered"),
            Outcome::Skipped => (Color::Yellow, "skipped"),
            Outcome::Refused | Outcome::Unreachable => (Color::Red, "not delivered"),
        };
        let target =
            if self.target.is_empty() { String::new() } else { format!("{}  ", escape::terminal(&self.target)) };
        let reason = self.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{:<11} {target}{}{reason}", self.channel, ctx.console.paint(color, word))
    }

    /// For the last line, where the details stand above: `slack not delivered (refused)`.
    fn summary(&self) -> String {
        let name = escape::terminal(&self.name());
        match self.outcome {
            Outcome::Delivered => format!("{name} delivered"),
            Outcome::Refused => format!("{name} not delivered (refused)"),
            Outcome::Unreachable => format!("{name} not delivered (unreachable)"),
            Outcome::Skipped => format!("{name} skipped ({})", self.reason.as_deref().unwrap_or_default()),
        }
    }
}

/// Every channel is in the last line. One that was not reached fails the run as FAIL_ON_ERROR says.
fn verdict(config: &Config, deliveries: &[Delivery], unable: &[String], warned: bool) -> Result<Pass, Stop> {
    let fails = |delivery: &&Delivery| match (config.fail, delivery.outcome) {
        (_, Outcome::Delivered | Outcome::Skipped) | (Fail::Never, _) => false,
        (Fail::Always, _) | (Fail::Auto, Outcome::Refused) => true,
        (Fail::Auto, Outcome::Unreachable) => delivery.pages,
    };
    let told = deliveries.iter().map(Delivery::summary).collect::<Vec<_>>().join(", ");
    let failed = deliveries.iter().any(|delivery| fails(&delivery));
    match (failed, unable) {
        (true, []) => Err(Stop::Failed(told)),
        (true, [first, ..]) => Err(Stop::Failed(format!("{told}; also could not find out: {first}"))),
        (false, [first, ..]) => Err(Stop::Unable(format!("{first}; {told}"))),
        (false, []) if deliveries.iter().all(|delivery| delivery.outcome == Outcome::Skipped) => {
            Ok(Pass::Skipped(told))
        }
        (false, []) if !warned && deliveries.iter().all(Delivery::arrived) => Ok(Pass::Passed(told)),
        (false, []) => Ok(Pass::Warned(told)),
    }
}

fn rendering(deliveries: &[Delivery], ctx: &Context) -> Rendering {
    let delivered = deliveries.iter().filter(|delivery| delivery.outcome == Outcome::Delivered).count();
    // By their kinds: names with spaces can't be passed on everywhere.
    let mut missing: Vec<&str> =
        deliveries.iter().filter(|delivery| !delivery.arrived()).map(|delivery| delivery.channel).collect();
    missing.dedup();
    let mut summary = String::from("## Notifications\n\n| channel | outcome | |\n|---|---|---|\n");
    for delivery in deliveries {
        let outcome = match delivery.outcome {
            Outcome::Delivered => "delivered",
            Outcome::Refused | Outcome::Unreachable => "**not delivered**",
            Outcome::Skipped => "skipped",
        };
        let reason = escape::markdown(delivery.reason.as_deref().unwrap_or_default(), &ctx.redactor);
        summary
            .push_str(&format!("| {} | {outcome} | {reason} |\n", escape::markdown(&delivery.name(), &ctx.redactor)));
    }
    let mut outputs =
        vec![("delivered".to_owned(), delivered.to_string()), ("not_delivered".to_owned(), missing.join(","))];
    outputs.extend(deliveries.iter().filter_map(|delivery| {
        let (name, value) = delivery.output.as_ref()?;
        Some(((*name).to_owned(), value.clone()))
    }));
    Rendering {
        pipe: ctx.spec.name.to_owned(),
        report_name: ctx.report_name.clone(),
        title: "Notifications".to_owned(),
        passed: missing.is_empty(),
        about_code: false,
        details: String::new(),
        facts: vec![("Delivered".to_owned(), Fact::Text(format!("{delivered} of {}", deliveries.len())))],
        annotations: Vec::new(),
        summary_markdown: summary,
        outputs,
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::path::Path;
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use futures_util::future::LocalBoxFuture;
    use pipe_core::Context;
    use pipe_core::env::Vars;
    use pipe_core::report::Recorder;
    use pipe_core::workspace::ReportDir;
    use serde_json::Value;

    use super::{Outcome, budget, deliver};
    use crate::channel::{Channel, Target};
    use crate::config::Selected;
    use crate::message::{Message, example};
    use crate::post::{Post, Receipt, Undelivered};
    use crate::state::State;
    use crate::vars::SPEC;

    struct Fake(&'static str);

    impl Target for Fake {
        fn target(&self) -> String {
            self.0.to_owned()
        }
    }

    impl Channel for Fake {
        fn preview(&self, _: &Message) -> Value {
            Value::Null
        }

        fn deliver<'a>(&'a self, _: &'a Message, post: &'a Post) -> LocalBoxFuture<'a, Result<Receipt, Undelivered>> {
            Box::pin(async move {
                match self.0 {
                    "panics" => panic!("a bug"),
                    "hangs" => std::future::pending().await,
                    "refuses" => Err(Undelivered::Refused("no".to_owned())),
                    _ => {
                        tokio::time::sleep(post.remaining() / 4).await;
                        Ok(Receipt::default())
                    }
                }
            })
        }
    }

    #[tokio::test]
    async fn a_channel_that_panics_hangs_or_is_refused_loses_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let mut vars = Vars::load(&SPEC, std::iter::empty::<(OsString, OsString)>(), dir.path(), dir.path());
        let ctx = Context::new(&SPEC, &mut vars, dir.path());
        let report_dir = Arc::new(ReportDir::new(dir.path().to_owned(), dir.path()));
        let report = Recorder::new(&SPEC, report_dir, ctx.redactor.clone());
        let (state, _) = State::open(None, Path::new("/"));
        let deadline = Instant::now() + Duration::from_millis(400);
        let post = Post { client: ctx.http().unwrap(), attempts: 1, deadline, state };
        let channels: Vec<Selected> = ["panics", "hangs", "refuses", "delivers"]
            .map(|name| Selected { kind: "slack", channel: Box::new(Fake(name)) })
            .into();
        let started = Instant::now();
        let deliveries = deliver(&channels, &example(), &post, &report, &ctx).await;
        assert!(started.elapsed() < Duration::from_secs(2), "they are sent side by side");
        let outcomes: Vec<Outcome> = deliveries.iter().map(|delivery| delivery.outcome).collect();
        assert_eq!(outcomes, [Outcome::Refused, Outcome::Unreachable, Outcome::Refused, Outcome::Delivered]);
        report.save();
        let written = std::fs::read_to_string(dir.path().join("notify-pipe-report.json")).unwrap();
        let written: Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written["bugs"][0], "slack: internal error: a bug", "the run ends with 70");
        assert_eq!(written["steps"].as_array().unwrap().len(), 4);
    }

    #[test]
    fn the_last_request_ends_before_the_run_does() {
        for seconds in [1, 10, 60, 3_600] {
            let timeout = Duration::from_secs(seconds);
            assert!(budget(timeout) < timeout && budget(timeout) >= timeout * 4 / 5);
        }
    }
}
