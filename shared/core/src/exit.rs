//! How a run ends: one ending, with one verdict and one exit code, for every pipe.

/// The signal that cancelled a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    /// SIGINT.
    Interrupt,
    /// SIGTERM.
    Terminate,
}

/// How a run ended. Every text is a fragment that follows the verdict's word: `FAILED   1 critical`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// Everything that was asked for was done and found good.
    Passed(String),
    /// Passed, with something that a person should look at.
    Warned(String),
    /// A stated condition made the run unnecessary, e.g. `no lockfile`.
    Skipped(String),
    /// The verdict is no. Checks that could not run are in the report's steps.
    Failed(String),
    /// A check or an action could not be carried out.
    Unable(String),
    /// Failed, and the previous state is back and verified.
    RolledBack(String),
    /// The pipe noticed the cancellation and stopped.
    Interrupted,
    /// The run was cancelled by this signal.
    Cancelled(Signal),
    /// The configuration is wrong. Nothing was done.
    Misconfigured(String),
    /// A bug of ours.
    Bug(String),
}

/// The word for an ending, as reports carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Exit code 0.
    Passed,
    /// Exit code 0, with warnings.
    Warned,
    /// Exit code 0, nothing was done.
    Skipped,
    /// Exit code 1.
    Failed,
    /// Exit code 2, 3 or 70.
    Error,
    /// Exit code 4.
    RolledBack,
    /// Exit code 130 or 143.
    Interrupted,
}

impl Ending {
    /// The documented exit code: README, "Exit codes".
    pub fn code(&self) -> u8 {
        match self {
            Ending::Passed(_) | Ending::Warned(_) | Ending::Skipped(_) => 0,
            Ending::Failed(_) => 1,
            Ending::Misconfigured(_) => 2,
            Ending::Unable(_) => 3,
            Ending::RolledBack(_) => 4,
            Ending::Bug(_) => 70,
            Ending::Interrupted | Ending::Cancelled(Signal::Interrupt) => 130,
            Ending::Cancelled(Signal::Terminate) => 143,
        }
    }

    /// The verdict of reports and pages.
    pub fn verdict(&self) -> Verdict {
        match self {
            Ending::Passed(_) => Verdict::Passed,
            Ending::Warned(_) => Verdict::Warned,
            Ending::Skipped(_) => Verdict::Skipped,
            Ending::Failed(_) => Verdict::Failed,
            Ending::Unable(_) | Ending::Misconfigured(_) | Ending::Bug(_) => Verdict::Error,
            Ending::RolledBack(_) => Verdict::RolledBack,
            Ending::Interrupted | Ending::Cancelled(_) => Verdict::Interrupted,
        }
    }

    /// Whether the job goes on: exit code 0.
    pub fn passes(&self) -> bool {
        self.code() == 0
    }

    /// Why, as a fragment. Empty if there is nothing to say.
    pub fn reason(&self) -> &str {
        match self {
            Ending::Passed(reason)
            | Ending::Warned(reason)
            | Ending::Skipped(reason)
            | Ending::Failed(reason)
            | Ending::Unable(reason)
            | Ending::RolledBack(reason)
            | Ending::Misconfigured(reason)
            | Ending::Bug(reason) => reason,
            Ending::Interrupted | Ending::Cancelled(Signal::Interrupt) => "cancelled (SIGINT)",
            Ending::Cancelled(Signal::Terminate) => "cancelled (SIGTERM)",
        }
    }

    /// The ending of a run that could not do `what`: one that would pass is unable, and a verdict of no stays no.
    #[must_use]
    pub fn unable(self, what: String) -> Ending {
        match self {
            Ending::Passed(_) | Ending::Warned(_) | Ending::Skipped(_) => Ending::Unable(what),
            Ending::Failed(reason) => Ending::Failed(format!("{reason}; also: {what}")),
            Ending::Unable(reason) => Ending::Unable(format!("{reason}; {what}")),
            other => other,
        }
    }
}

impl Verdict {
    /// As reports and outputs carry it.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Passed => "passed",
            Verdict::Warned => "warned",
            Verdict::Skipped => "skipped",
            Verdict::Failed => "failed",
            Verdict::Error => "error",
            Verdict::RolledBack => "rolled_back",
            Verdict::Interrupted => "interrupted",
        }
    }

    /// The word at the start of the last line.
    pub fn headline(self) -> &'static str {
        match self {
            Verdict::Passed => "PASSED",
            Verdict::Warned => "WARNED",
            Verdict::Skipped => "SKIPPED",
            Verdict::Failed => "FAILED",
            Verdict::Error => "ERROR",
            Verdict::RolledBack => "ROLLED BACK",
            Verdict::Interrupted => "INTERRUPTED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Ending, Signal, Verdict};

    fn text() -> String {
        "why".to_owned()
    }

    #[test]
    fn every_ending_has_its_documented_code_and_verdict() {
        let table = [
            (Ending::Passed(text()), 0, Verdict::Passed),
            (Ending::Warned(text()), 0, Verdict::Warned),
            (Ending::Skipped(text()), 0, Verdict::Skipped),
            (Ending::Failed(text()), 1, Verdict::Failed),
            (Ending::Misconfigured(text()), 2, Verdict::Error),
            (Ending::Unable(text()), 3, Verdict::Error),
            (Ending::RolledBack(text()), 4, Verdict::RolledBack),
            (Ending::Bug(text()), 70, Verdict::Error),
            (Ending::Cancelled(Signal::Interrupt), 130, Verdict::Interrupted),
            (Ending::Cancelled(Signal::Terminate), 143, Verdict::Interrupted),
        ];
        for (ending, code, verdict) in table {
            assert_eq!((ending.code(), ending.verdict()), (code, verdict), "{ending:?}");
        }
    }

    #[test]
    fn what_could_not_be_done_turns_a_pass_into_an_error_but_leaves_a_no() {
        let unable = |ending: Ending| ending.unable("no disk".to_owned());
        assert_eq!(unable(Ending::Passed(text())), Ending::Unable("no disk".to_owned()));
        assert_eq!(unable(Ending::Failed(text())).code(), 1);
        assert!(unable(Ending::Failed(text())).reason().contains("no disk"));
        assert_eq!(unable(Ending::Cancelled(Signal::Terminate)).code(), 143);
    }
}
