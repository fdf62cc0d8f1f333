//! One delivery: a channel's target gets the message, and its step, its line and its entry in the report say what came of
//! it.

use std::panic::AssertUnwindSafe;

use futures_util::FutureExt;
use pipe_core::Context;
use pipe_core::console::Color;
use pipe_core::manifest::REPOSITORY;
use pipe_core::report::{Recorder, Step};
use pipe_core::text::panic_text;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::config::Selected;
use crate::message::Message;
use crate::post::{Post, Receipt, Undelivered};

/// What came of one target.
#[derive(Debug)]
pub(crate) struct Delivery {
    pub(crate) channel: &'static str,
    /// Empty if the channel has no other.
    pub(crate) target: String,
    pub(crate) is_pager: bool,
    /// Its texts may be printed: redacted, on one line, without control characters.
    pub(crate) outcome: Result<Receipt, Undelivered>,
}

impl Delivery {
    /// Nothing is sent, for a reason that is the same for all targets.
    pub(crate) fn skip(selected: &Selected, why: &str, step: Step, ctx: &Context) -> Delivery {
        Delivery::end(selected, Err(Undelivered::Skipped(why.to_owned())), step, ctx)
    }

    /// Sends the message. A channel that panics loses only its own message, and the run exits with 70 after the others.
    pub(crate) async fn make(
        selected: &Selected,
        message: &Message,
        post: &Post,
        step: Step,
        report: &Recorder,
        ctx: &Context,
    ) -> Delivery {
        let sending = AssertUnwindSafe(async { selected.channel.deliver(message, post).await }).catch_unwind();
        let outcome = match tokio::time::timeout(post.remaining(), sending).await {
            // By design the token of such a pull request reads only.
            Ok(Ok(Err(Undelivered::Forbidden(why)))) if post.may_lack_rights && selected.is_platform => {
                Err(Undelivered::Skipped(format!("the token of this pull request may not write ({why})")))
            }
            Ok(Ok(outcome)) => outcome.map_err(|undelivered| with_help(undelivered, selected.kind)),
            Ok(Err(payload)) => {
                let text = panic_text(payload.as_ref());
                report.bug(format!("{}: {text}", selected.kind));
                Err(Undelivered::Refused(text))
            }
            Err(_) => Err(Undelivered::Unreachable("not finished within TIMEOUT. Set a longer TIMEOUT".to_owned())),
        };
        Delivery::end(selected, outcome, step, ctx)
    }

    fn end(selected: &Selected, outcome: Result<Receipt, Undelivered>, step: Step, ctx: &Context) -> Delivery {
        let clean = |text: String| ctx.console.escape(&text);
        let outcome = match outcome {
            Ok(Receipt { output, remarks }) => {
                Ok(Receipt { output, remarks: remarks.into_iter().map(clean).collect() })
            }
            Err(undelivered) => Err(undelivered.map(clean)),
        };
        let target = ctx.redactor.text(&selected.channel.target()).into_owned();
        let is_pager = selected.channel.is_pager();
        let delivery = Delivery { channel: selected.kind, target, is_pager, outcome };
        let reason = delivery.reason().unwrap_or_default();
        match &delivery.outcome {
            Ok(_) if reason.is_empty() => step.ran("delivered"),
            Ok(_) => step.ran(format!("delivered; {reason}")),
            Err(Undelivered::Skipped(_)) => step.skipped(reason),
            Err(_) => step.failed(reason),
        }
        delivery
    }

    /// The message was sent, or there was none to send.
    pub(crate) fn is_settled(&self) -> bool {
        matches!(self.outcome, Ok(_) | Err(Undelivered::Skipped(_)))
    }

    pub(crate) fn is_skipped(&self) -> bool {
        matches!(self.outcome, Err(Undelivered::Skipped(_)))
    }

    /// Why it was not delivered, or what was left out of it.
    pub(crate) fn reason(&self) -> Option<String> {
        match &self.outcome {
            Ok(receipt) if receipt.remarks.is_empty() => None,
            Ok(receipt) => Some(receipt.remarks.join("; ")),
            Err(undelivered) => Some(undelivered.reason().to_owned()),
        }
    }

    /// `slack #ops`
    pub(crate) fn name(&self) -> String {
        if self.target.is_empty() { self.channel.to_owned() } else { format!("{} {}", self.channel, self.target) }
    }

    /// `slack       #ops  delivered`
    pub(crate) fn line(&self, ctx: &Context) -> String {
        let (color, word) = match &self.outcome {
            Ok(_) => (Color::Green, "delivered"),
            Err(Undelivered::Skipped(_)) => (Color::Yellow, "skipped"),
            Err(_) => (Color::Red, "not delivered"),
        };
        let target =
            if self.target.is_empty() { String::new() } else { format!("{}  ", ctx.console.escape(&self.target)) };
        let reason = self.reason().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!("{:<11} {target}{}{reason}", self.channel, ctx.console.paint(color, word))
    }

    /// For the last line, with the details above it: `slack not delivered (refused)`.
    pub(crate) fn summary(&self, ctx: &Context) -> String {
        let name = ctx.console.escape(&self.name());
        match &self.outcome {
            Ok(_) => format!("{name} delivered"),
            Err(Undelivered::Skipped(why)) => format!("{name} skipped ({why})"),
            Err(undelivered) => format!("{name} not delivered ({})", undelivered.word()),
        }
    }
}

/// As the report has it: docs/schemas/notify-pipe-report.v1.schema.json.
impl Serialize for Delivery {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("channel", self.channel)?;
        map.serialize_entry("target", &self.target)?;
        map.serialize_entry("outcome", self.outcome.as_ref().err().map_or("delivered", Undelivered::word))?;
        if let Some(reason) = self.reason() {
            map.serialize_entry("reason", &reason)?;
        }
        map.end()
    }
}

/// The page that lists the channel's errors with what to do.
fn with_help(undelivered: Undelivered, kind: &str) -> Undelivered {
    match undelivered {
        Undelivered::Skipped(_) => undelivered,
        other => other.map(|why| {
            format!("{}. See {REPOSITORY}/blob/main/docs/notify/{kind}.md#errors", why.trim_end_matches('.'))
        }),
    }
}
