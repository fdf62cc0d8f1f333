//! The result on the CI's own pages.

use pipe_core::Context;
use pipe_core::platform::escape;
use pipe_core::platform::rendering::{Fact, Rendering};

use crate::delivery::Delivery;
use crate::post::Undelivered;

/// The summary, the outputs and the facts of the run.
pub(crate) fn rendering(deliveries: &[Delivery], ctx: &Context) -> Rendering {
    let delivered = deliveries.iter().filter(|delivery| delivery.outcome.is_ok()).count();
    // By the names of CHANNELS: an output on Bitbucket has no spaces.
    let mut missing: Vec<&str> =
        deliveries.iter().filter(|delivery| !delivery.is_settled()).map(|delivery| delivery.channel).collect();
    missing.dedup();
    let mut summary = String::from("## Notifications\n\n| channel | outcome | |\n|---|---|---|\n");
    for delivery in deliveries {
        let outcome = match delivery.outcome {
            Ok(_) => "delivered",
            Err(Undelivered::Skipped(_)) => "skipped",
            Err(_) => "**not delivered**",
        };
        let reason = escape::markdown(&delivery.reason().unwrap_or_default(), &ctx.redactor);
        summary
            .push_str(&format!("| {} | {outcome} | {reason} |\n", escape::markdown(&delivery.name(), &ctx.redactor)));
    }
    let mut outputs =
        vec![("delivered".to_owned(), delivered.to_string()), ("not_delivered".to_owned(), missing.join(","))];
    outputs.extend(message_ids(deliveries));
    Rendering {
        pipe: ctx.spec.name.to_owned(),
        report_name: ctx.report_name.clone(),
        title: "Notifications".to_owned(),
        passed: missing.is_empty(),
        about_code: false,
        details: String::new(),
        facts: vec![("Delivered".to_owned(), Fact::Text(format!("{delivered} of {}", deliveries.len())))],
        annotations: Vec::new().into(),
        summary_markdown: summary,
        outputs,
    }
}

/// Each output that deliveries give, once: of several targets a list in their order, with `-` for one without a message.
fn message_ids(deliveries: &[Delivery]) -> Vec<(String, String)> {
    let output = |delivery: &Delivery| delivery.outcome.as_ref().ok().and_then(|receipt| receipt.output.clone());
    let mut outputs: Vec<(String, String)> = Vec::new();
    for delivery in deliveries {
        let Some((name, _)) = output(delivery) else { continue };
        if outputs.iter().any(|(known, _)| known == name) {
            continue;
        }
        let of_kind = deliveries.iter().filter(|other| other.channel == delivery.channel);
        let values = of_kind.map(|other| output(other).map_or_else(|| "-".to_owned(), |(_, value)| value));
        outputs.push((name.to_owned(), values.collect::<Vec<_>>().join(",")));
    }
    outputs
}
