//! Whether this is a message worth sending.

use pipe_core::env::Vars;
use pipe_core::spec::Var;
use serde::Serialize;

use crate::status::Status;

pub(crate) const NOTIFY_ON: Var = Var::choice(
    "NOTIFY_ON",
    &["always", "success", "failure", "change", "recovered"],
    "When a message is sent: `change` is the first failure and the first success after one, `recovered` that success \
     only; what happened before comes from STATE_FILE or the CI's API, and where neither knows, the message is sent and \
     says so. If unset, always.",
)
.default("always");

/// `NOTIFY_ON`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum When {
    Always,
    Success,
    Failure,
    Change,
    Recovered,
}

/// What to do with a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Decision {
    Send,
    /// It is sent since nobody can say that it is not wanted, and this is why.
    SendAnyway(String),
    Skip(String),
}

impl When {
    pub(crate) fn from_vars(vars: &mut Vars) -> When {
        match vars.choice(&NOTIFY_ON) {
            Some("success") => When::Success,
            Some("failure") => When::Failure,
            Some("change") => When::Change,
            Some("recovered") => When::Recovered,
            _ => When::Always,
        }
    }

    /// Whether the decision depends on the run before.
    pub(crate) fn compares(self) -> bool {
        matches!(self, When::Change | When::Recovered)
    }

    fn name(self) -> &'static str {
        match self {
            When::Always => "always",
            When::Success => "success",
            When::Failure => "failure",
            When::Change => "change",
            When::Recovered => "recovered",
        }
    }

    /// `before` is how the run before ended, or why that is not known.
    pub(crate) fn decide(self, status: Status, before: Result<Option<Status>, String>) -> Decision {
        let skip = |what: &str| Decision::Skip(format!("NOTIFY_ON={}, and the pipeline {what}", self.name()));
        let unknown =
            || Decision::SendAnyway(format!("NOTIFY_ON={}: how this pipeline ended is not known", self.name()));
        let now = match (self, status.went_well()) {
            (When::Always, _) => return Decision::Send,
            // Somebody who cancels a pipeline knows.
            (_, None) if status == Status::Cancelled => return skip("was cancelled"),
            (_, None) => return unknown(),
            (_, Some(now)) => now,
        };
        let before = match self {
            When::Success if now => return Decision::Send,
            When::Failure if !now => return Decision::Send,
            When::Success | When::Recovered if !now => return skip("failed"),
            When::Failure => return skip("succeeded"),
            _ => before,
        };
        match before {
            Err(why) => {
                Decision::SendAnyway(format!("NOTIFY_ON={}: how it ended before is not known: {why}", self.name()))
            }
            // The first run ever: a failure is news, a success is what everybody expects.
            Ok(None) if now => skip("has no run before this one"),
            Ok(None) => Decision::Send,
            Ok(Some(before)) => match (before.went_well(), now) {
                (Some(true), true) => skip("succeeded before, too"),
                (Some(false), false) => skip("failed before, too"),
                _ => Decision::Send,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Decision, When};
    use crate::status::Status::{Cancelled, Error, Finished, Success, Warning};

    fn sends(decision: &Decision) -> bool {
        !matches!(decision, Decision::Skip(_))
    }

    #[test]
    fn each_word_means_what_it_says() {
        let table = [
            (When::Always, Finished, None, true),
            (When::Success, Success, None, true),
            (When::Success, Error, None, false),
            (When::Failure, Error, None, true),
            (When::Failure, Warning, None, false),
            (When::Failure, Cancelled, None, false),
            (When::Change, Error, Some(Success), true),
            (When::Change, Error, Some(Error), false),
            (When::Change, Success, Some(Error), true),
            (When::Change, Success, Some(Success), false),
            (When::Change, Error, None, true),
            (When::Change, Success, None, false),
            (When::Recovered, Success, Some(Error), true),
            (When::Recovered, Success, Some(Success), false),
            (When::Recovered, Error, Some(Success), false),
        ];
        for (when, status, before, sent) in table {
            let decision = when.decide(status, Ok(before));
            assert_eq!(sends(&decision), sent, "{when:?} {status:?} after {before:?}: {decision:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_sent_and_told() {
        for when in [When::Change, When::Recovered] {
            let decision = when.decide(Success, Err("no token".to_owned()));
            assert!(matches!(&decision, Decision::SendAnyway(why) if why.contains("no token")), "{decision:?}");
        }
        for when in [When::Success, When::Failure, When::Change] {
            assert!(matches!(when.decide(Finished, Ok(None)), Decision::SendAnyway(_)));
        }
    }
}
