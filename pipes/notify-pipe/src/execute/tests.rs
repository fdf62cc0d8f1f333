//! Channels that fail side by side, and the words for every end.

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

use super::{budget, deliver, verdict};
use crate::channel::{Channel, Preview, Target};
use crate::config::{Fail, Selected};
use crate::delivery::Delivery;
use crate::message::{Message, example};
use crate::post::{Post, Receipt, Undelivered};
use crate::present::rendering;
use crate::state::State;
use crate::vars::SPEC;
use crate::when::Decision;

struct Fake(&'static str);

impl Target for Fake {
    fn target(&self) -> String {
        self.0.to_owned()
    }
}

impl Channel for Fake {
    fn preview(&self, _: &Message, _: &State) -> Result<Preview, Undelivered> {
        Ok(Preview::default())
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
    let post = Post { client: ctx.http().unwrap(), attempts: 1, deadline, state, may_lack_rights: false };
    let channels: Vec<Selected> = ["panics", "hangs", "refuses", "delivers"]
        .map(|name| Selected { kind: "slack", is_platform: false, channel: Arc::new(Fake(name)) })
        .into();
    let started = Instant::now();
    let deliveries = deliver(&channels, &example(), &Decision::Send, &post, &report, &ctx).await;
    assert!(started.elapsed() < Duration::from_secs(2), "they are sent side by side");
    let outcomes: Vec<&str> = deliveries
        .iter()
        .map(|delivery| delivery.outcome.as_ref().err().map_or("delivered", Undelivered::word))
        .collect();
    assert_eq!(outcomes, ["refused", "unreachable", "refused", "delivered"]);
    report.save();
    let written = std::fs::read_to_string(dir.path().join("notify-pipe-report.json")).unwrap();
    let written: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(written["bugs"][0], "slack: internal error: a bug", "the run ends with 70");
    let steps: Vec<&Value> = written["steps"].as_array().unwrap().iter().map(|step| &step["name"]).collect();
    assert_eq!(steps, ["slack panics", "slack hangs", "slack refuses", "slack delivers"], "in the order of the list");
}

#[test]
fn the_last_request_ends_before_the_run_does() {
    for seconds in [1, 10, 60, 3_600] {
        let timeout = Duration::from_secs(seconds);
        assert!(budget(timeout) < timeout && budget(timeout) >= timeout * 4 / 5);
    }
}

fn context(dir: &Path) -> Context {
    let mut vars = Vars::load(&SPEC, std::iter::empty::<(OsString, OsString)>(), dir, dir);
    Context::new(&SPEC, &mut vars, dir)
}

/// The lines, the last line and the summary, for none, one and several of each outcome.
#[test]
fn the_words_for_every_end() {
    let ctx = context(tempfile::tempdir().unwrap().path());
    let text = str::to_owned;
    let delivery = |target: &str, outcome: Result<Receipt, Undelivered>| Delivery {
        channel: "slack",
        target: text(target),
        is_pager: target == "pager",
        outcome,
    };
    let arrived = || delivery("#a", Ok(Receipt::default()));
    let remarked = |remarks: &[&str]| {
        delivery("#b", Ok(Receipt { output: None, remarks: remarks.iter().map(|remark| text(remark)).collect() }))
    };
    let refused = |target: &str| delivery(target, Err(Undelivered::Refused(text("404 Not Found"))));
    let unreachable = |target: &str| delivery(target, Err(Undelivered::Unreachable(text("no connection"))));
    let skipped = |target: &str| delivery(target, Err(Undelivered::Skipped(text("nothing was deployed"))));
    let ends: Vec<(&str, Vec<Delivery>)> = vec![
        ("one delivered", vec![arrived()]),
        ("several delivered", vec![arrived(), remarked(&["one remark"]), remarked(&["a remark", "another"])]),
        ("one refused", vec![arrived(), refused("#c")]),
        ("several refused", vec![refused("#c"), refused("")]),
        ("one unreachable", vec![arrived(), unreachable("#d")]),
        ("several unreachable", vec![unreachable("#d"), unreachable("#e")]),
        ("an unreachable pager", vec![arrived(), unreachable("pager")]),
        ("one skipped", vec![arrived(), skipped("#f")]),
        ("all skipped", vec![skipped("#f"), skipped("#g")]),
    ];
    let mut out = String::new();
    for (name, deliveries) in &ends {
        out.push_str(&format!("# {name}\n"));
        for delivery in deliveries {
            out.push_str(&format!("{}\n", delivery.line(&ctx)));
        }
        for fail in [Fail::Auto, Fail::Always, Fail::Never] {
            let end = verdict(fail, &Decision::Send, deliveries, &[], false, &ctx);
            out.push_str(&format!("{fail:?}: {end:?}\n"));
        }
        for unable in [vec![text("no template")], vec![text("no template"), text("no report")]] {
            out.push_str(&format!(
                "unable: {:?}\n",
                verdict(Fail::Auto, &Decision::Send, deliveries, &unable, false, &ctx)
            ));
        }
        out.push_str(&format!("warned: {:?}\n", verdict(Fail::Auto, &Decision::Send, deliveries, &[], true, &ctx)));
        let rendering = rendering(deliveries, &ctx);
        out.push_str(&format!("{}{:?}\n{:?}\n\n", rendering.summary_markdown, rendering.facts, rendering.outputs));
    }
    let why = Decision::Skip(text("NOTIFY_ON=failure and the pipeline succeeded"));
    let end = verdict(Fail::Auto, &why, &[skipped("#f"), skipped("#g")], &[], false, &ctx);
    out.push_str(&format!("# skipped by NOTIFY_ON\n{end:?}\n"));
    insta::assert_snapshot!(out);
}
