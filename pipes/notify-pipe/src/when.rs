//! Whether this is a message worth sending.

use pipe_core::env::Vars;
use pipe_core::spec::Var;
use serde::Serialize;

use crate::status::Status;

pub(crate) const NOTIFY_ON: Var = Var::choice(
    "NOTIFY_ON",
    &["always", "success", "failure", "change", "recovered"],
    "Decides when a message is sent. The previous status comes from STATE_FILE or from the CI's API. If it is unknown, the \
     message is sent.",
)
.values(&[
    ("always", "sends a message for every run"),
    ("success", "sends it if the pipeline succeeded"),
    ("failure", "sends it if the pipeline failed"),
    ("change", "sends it for the first failure and for the first success after one"),
    ("recovered", "sends it for the first success after a failure"),
])
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
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Decision {
    Send,
    /// Nothing says that it is not wanted, and this is why: a fragment.
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

    pub(crate) fn name(self) -> &'static str {
        match self {
            When::Always => "always",
            When::Success => "success",
            When::Failure => "failure",
            When::Change => "change",
            When::Recovered => "recovered",
        }
    }

    /// `before` is how the previous run ended (`None`: this is the first one), or why that is unknown.
    pub(crate) fn decide(self, status: Status, before: Result<Option<Status>, String>) -> Decision {
        let skip = |what: &str| Decision::Skip(format!("NOTIFY_ON={} and the pipeline {what}", self.name()));
        let unknown = || {
            Decision::SendAnyway(format!(
                "NOTIFY_ON={}: the status of this pipeline is unknown, so the message is sent. Set STATUS",
                self.name()
            ))
        };
        let now = match (self, status.went_well()) {
            (When::Always, _) => return Decision::Send,
            // The person who cancelled the pipeline knows.
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
            Err(why) => Decision::SendAnyway(format!(
                "NOTIFY_ON={}: the previous status is unknown ({why}), so the message is sent. Set STATE_FILE, or a token that \
                     may read earlier runs",
                self.name()
            )),
            // In the first run a failure is news, and a success is not.
            Ok(None) if now => skip("succeeded in its first run"),
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
    fn an_unknown_status_is_sent_with_the_reason() {
        for when in [When::Change, When::Recovered] {
            let decision = when.decide(Success, Err("no token".to_owned()));
            assert!(matches!(&decision, Decision::SendAnyway(why) if why.contains("no token")), "{decision:?}");
        }
        for when in [When::Success, When::Failure, When::Change] {
            assert!(matches!(when.decide(Finished, Ok(None)), Decision::SendAnyway(_)));
        }
    }
}
