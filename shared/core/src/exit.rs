//! How a run ends: one verdict, one exit code, for every pipe.

/// What a pipe that came to its end has to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pass {
    Passed(String),
    /// Something a person should look at, though nothing that gates.
    Warned(String),
    /// A stated condition made the run unnecessary, e.g. `no lockfile`.
    Skipped(String),
}

/// Why a pipe did not pass. Every text is a fragment that stands after the verdict's word.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The verdict is no. Checks that also could not run are in the report's steps.
    Failed(String),
    /// Could not find out, or could not act.
    Unable(String),
    /// Failed, and the previous state is back and verified.
    RolledBack(String),
    /// The pipe noticed the cancellation and stopped.
    Interrupted,
}

/// The signal that cancelled a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signal {
    Interrupt,
    Terminate,
}

/// The end of a run, whichever way it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    Pass(Pass),
    Stop(Stop),
    /// The configuration is wrong; nothing was done.
    Misconfigured(String),
    /// A bug of ours.
    Bug(String),
    Cancelled(Signal),
}

/// The word for an ending, as reports carry it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Warned,
    Skipped,
    Failed,
    Error,
    RolledBack,
    Interrupted,
}

impl Ending {
    /// The documented exit code: README, "Exit codes".
    pub fn code(&self) -> u8 {
        match self {
            Ending::Pass(_) => 0,
            Ending::Stop(Stop::Failed(_)) => 1,
            Ending::Misconfigured(_) => 2,
            Ending::Stop(Stop::Unable(_)) => 3,
            Ending::Stop(Stop::RolledBack(_)) => 4,
            Ending::Bug(_) => 70,
            Ending::Cancelled(Signal::Interrupt) | Ending::Stop(Stop::Interrupted) => 130,
            Ending::Cancelled(Signal::Terminate) => 143,
        }
    }

    pub fn verdict(&self) -> Verdict {
        match self {
            Ending::Pass(Pass::Passed(_)) => Verdict::Passed,
            Ending::Pass(Pass::Warned(_)) => Verdict::Warned,
            Ending::Pass(Pass::Skipped(_)) => Verdict::Skipped,
            Ending::Stop(Stop::Failed(_)) => Verdict::Failed,
            Ending::Misconfigured(_) | Ending::Bug(_) | Ending::Stop(Stop::Unable(_)) => Verdict::Error,
            Ending::Stop(Stop::RolledBack(_)) => Verdict::RolledBack,
            Ending::Stop(Stop::Interrupted) | Ending::Cancelled(_) => Verdict::Interrupted,
        }
    }

    /// Why, as a fragment.
    pub fn reason(&self) -> &str {
        match self {
            Ending::Pass(Pass::Passed(reason) | Pass::Warned(reason) | Pass::Skipped(reason))
            | Ending::Stop(Stop::Failed(reason) | Stop::Unable(reason) | Stop::RolledBack(reason))
            | Ending::Misconfigured(reason)
            | Ending::Bug(reason) => reason,
            Ending::Stop(Stop::Interrupted) | Ending::Cancelled(Signal::Interrupt) => "cancelled (SIGINT)",
            Ending::Cancelled(Signal::Terminate) => "cancelled (SIGTERM)",
        }
    }

    /// A run that would pass although `what` could not be done has not passed. A verdict of no stays no.
    pub fn unable(self, what: String) -> Ending {
        match self {
            Ending::Pass(_) => Ending::Stop(Stop::Unable(what)),
            Ending::Stop(Stop::Failed(reason)) => Ending::Stop(Stop::Failed(format!("{reason}; also: {what}"))),
            Ending::Stop(Stop::Unable(reason)) => Ending::Stop(Stop::Unable(format!("{reason}; {what}"))),
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
    use super::{Ending, Pass, Signal, Stop, Verdict};

    fn text() -> String {
        "why".to_owned()
    }

    #[test]
    fn every_ending_has_its_documented_code_and_verdict() {
        let table = [
            (Ending::Pass(Pass::Passed(text())), 0, Verdict::Passed),
            (Ending::Pass(Pass::Warned(text())), 0, Verdict::Warned),
            (Ending::Pass(Pass::Skipped(text())), 0, Verdict::Skipped),
            (Ending::Stop(Stop::Failed(text())), 1, Verdict::Failed),
            (Ending::Misconfigured(text()), 2, Verdict::Error),
            (Ending::Stop(Stop::Unable(text())), 3, Verdict::Error),
            (Ending::Stop(Stop::RolledBack(text())), 4, Verdict::RolledBack),
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
        assert_eq!(unable(Ending::Pass(Pass::Passed(text()))), Ending::Stop(Stop::Unable("no disk".to_owned())));
        assert_eq!(unable(Ending::Stop(Stop::Failed(text()))).code(), 1);
        assert!(unable(Ending::Stop(Stop::Failed(text()))).reason().contains("no disk"));
        assert_eq!(unable(Ending::Cancelled(Signal::Terminate)).code(), 143);
    }
}
