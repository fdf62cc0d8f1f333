//! The work of a run under its deadline, the signals and a net for panics.

use std::any::Any;
use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

use super::signals::Signals;
use crate::context::Context;
use crate::exit::{Ending, Signal};
use crate::pipe::Pipe;
use crate::report::Recorder;
use crate::text::panic_text;

/// Plans and executes under the deadline, the signals and a net for panics.
pub(super) async fn guarded<P: Pipe>(
    config: &P::Config,
    ctx: &Context,
    report: &Recorder,
    mut signals: Signals,
) -> Ending {
    let work = async {
        let plan = P::plan(config, ctx).map_err(|error| Ending::Unable(format!("{error:#}")))?;
        P::execute(config, plan, ctx, report).await
    };
    let work = AssertUnwindSafe(work).catch_unwind();
    tokio::pin!(work);
    let deadline = tokio::time::sleep(ctx.timeout);
    tokio::pin!(deadline);
    // Why the run ends early, and until when it may clean up.
    let mut ended: Option<Ending> = None;
    let grace = tokio::time::sleep(Duration::MAX / 4);
    tokio::pin!(grace);
    loop {
        tokio::select! {
            outcome = &mut work => return settle(outcome, ended, report),
            signal = signals.next() => match &ended {
                // A second interrupt ends the run at once.
                Some(Ending::Cancelled(Signal::Interrupt)) if signal == Signal::Interrupt => {
                    return Ending::Cancelled(signal);
                }
                Some(Ending::Cancelled(_)) => {}
                _ => {
                    ended = Some(Ending::Cancelled(signal));
                    ctx.cancel.cancel();
                    grace.as_mut().reset(tokio::time::Instant::now() + P::SPEC.grace);
                }
            },
            () = &mut deadline, if ended.is_none() => {
                let limit = ctx.timeout.as_secs_f64();
                ended = Some(Ending::Unable(format!("did not finish within TIMEOUT ({limit} s). Set a longer TIMEOUT")));
                ctx.cancel.cancel();
                grace.as_mut().reset(tokio::time::Instant::now() + P::SPEC.grace);
            }
            () = &mut grace, if ended.is_some() => {
                return ended.unwrap_or(Ending::Interrupted);
            }
        }
    }
}

type Outcome = Result<Result<Ending, Ending>, Box<dyn Any + Send>>;

fn settle(outcome: Outcome, ended: Option<Ending>, report: &Recorder) -> Ending {
    let ending = match (outcome, ended) {
        (Err(payload), _) => Ending::Bug(panic_text(payload.as_ref())),
        // A verified rollback is worth more than why it was needed.
        (Ok(Err(ending @ Ending::RolledBack(_))), _) => ending,
        (Ok(_), Some(ended)) => ended,
        (Ok(Ok(ending) | Err(ending)), None) => ending,
    };
    match (report.first_bug(), ending) {
        (_, ending @ (Ending::Bug(_) | Ending::Misconfigured(_) | Ending::Cancelled(_))) => ending,
        (Some(bug), _) => Ending::Bug(bug),
        (None, ending) => ending,
    }
}
