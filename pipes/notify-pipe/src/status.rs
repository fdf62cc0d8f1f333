//! How the pipeline ended, if that is known.

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::Var;
use serde::{Deserialize, Serialize};

/// What a notification is about. Nothing that is not known to have gone well is [`Status::Success`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Status {
    Success,
    Warning,
    Error,
    Info,
    Cancelled,
    /// It ended with an unknown outcome.
    Finished,
}

pub(crate) const STATUS: Var = Var::choice(
    "STATUS",
    &[
        "auto",
        "success",
        "warning",
        "error",
        "info",
        "cancelled",
        "finished",
        "failure",
        "failed",
        "canceled",
        "passed",
    ],
    "Sets how the pipeline ended.",
)
.values(&[
    (
        "auto",
        "takes it from JOB_STATUS, from the variable in which the CI says it (such as BITBUCKET_EXIT_CODE, CI_JOB_STATUS, \
         AGENT_JOBSTATUS or DRONE_BUILD_STATUS), or from the reports of other pipes. If none of them knows the outcome, the status is `finished`",
    ),
    ("success", "reports a success"),
    ("warning", "reports a success with warnings"),
    ("error", "reports a failure"),
    ("info", "sends information about a pipeline that is still running"),
    ("cancelled", "reports a cancelled pipeline"),
    ("finished", "reports an end whose outcome is unknown. No channel shows it as a success"),
    ("failure", "means `error`"),
    ("failed", "means `error`"),
    ("canceled", "means `cancelled`"),
    ("passed", "means `success`"),
])
.synonyms(WORDS)
.default("auto");
pub(crate) const JOB_STATUS: Var = Var::text(
    "JOB_STATUS",
    "The status of the job in the CI's words, which `STATUS=auto` reads. The GitHub action sets it automatically.",
)
.unset("the CI's own variables are read")
.github("job.status")
.example("failure");

/// The words of CIs for an end that STATUS lacks, with what they mean: the closed lists of GitHub's conclusions,
/// GitLab's and Bitbucket's results, Jenkins' `currentBuild.result`, Azure's `Agent.JobStatus`, Tekton's
/// `$(tasks.status)`, Argo's `{{workflow.status}}`, and those of Buildkite, CodeBuild, Cloud Build, Drone, Semaphore and
/// TeamCity. What says nothing of success is not in it (`neutral`, `skipped`, `NOT_BUILT`).
const WORDS: &[(&str, &str)] = &[
    ("successful", "success"),
    ("succeeded", "success"),
    ("succeeding", "success"),
    ("completed", "success"),
    ("built", "success"),
    ("ok", "success"),
    ("warned", "warning"),
    ("unstable", "warning"),
    ("succeededwithissues", "warning"),
    ("partiallysucceeded", "warning"),
    ("softfailed", "warning"),
    ("soft_failed", "warning"),
    ("errored", "error"),
    ("hardfailed", "error"),
    ("hard_failed", "error"),
    ("timedout", "error"),
    ("timed_out", "error"),
    ("timeout", "error"),
    ("expired", "error"),
    ("fault", "error"),
    ("internalerror", "error"),
    ("internal_error", "error"),
    ("startupfailure", "error"),
    ("startup_failure", "error"),
    ("rolledback", "error"),
    ("rolled_back", "error"),
    ("aborted", "cancelled"),
    ("stopped", "cancelled"),
    ("interrupted", "cancelled"),
    ("killed", "cancelled"),
    ("terminated", "cancelled"),
];

/// What the user and the CI say of the end. `None` if it is not said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Said {
    /// `STATUS`. Nothing changes it.
    pub(crate) by_user: Option<Status>,
    /// Of this job.
    pub(crate) by_job: Option<Status>,
    /// A `JOB_STATUS` that means nothing known.
    pub(crate) unknown: Option<String>,
}

impl Said {
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> Said {
        let job = vars.text(&JOB_STATUS);
        let by_user = vars.choice(&STATUS).filter(|word| *word != "auto").and_then(Status::parse);
        let told = job.as_deref().and_then(Status::parse);
        // In the CI's own variable, which is a word or an exit code.
        let by_ci = || ctx.ci.status.as_deref().and_then(|text| Status::parse(text).or(Status::of_exit_code(text)));
        // CodeBuild's is 1 for a build that goes well.
        let by_build = || match vars.ci("CODEBUILD_BUILD_SUCCEEDING")? {
            "1" => Some(Status::Success),
            "0" => Some(Status::Error),
            _ => None,
        };
        let by_job = told.or_else(by_ci).or_else(by_build);
        let unknown = job.filter(|word| by_user.is_none() && told.is_none() && !word.trim().is_empty());
        Said { by_user, by_job, unknown }
    }
}

impl Status {
    /// How another run stands, in the words of an event. [`Status::Finished`] for one that says nothing of success.
    pub(crate) fn of_event(word: Option<&str>) -> Status {
        match word.map(str::to_ascii_lowercase).as_deref() {
            Some("queued" | "in_progress" | "pending" | "requested" | "waiting" | "building") => Status::Info,
            // Here it says that there will be a conclusion, which is missing.
            Some("completed") => Status::Finished,
            Some(word) => Status::parse(word).unwrap_or(Status::Finished),
            None => Status::Finished,
        }
    }

    /// A CI's word for an end. `None` for a word that does not mean an end.
    pub(crate) fn parse(word: &str) -> Option<Status> {
        let word = word.trim().to_ascii_lowercase();
        let known = WORDS.iter().find(|(known, _)| *known == word).map_or(word.as_str(), |(_, meaning)| meaning);
        match known {
            "success" | "passed" => Some(Status::Success),
            "warning" => Some(Status::Warning),
            "error" | "failure" | "failed" => Some(Status::Error),
            "info" => Some(Status::Info),
            "cancelled" | "canceled" => Some(Status::Cancelled),
            "finished" => Some(Status::Finished),
            _ => None,
        }
    }

    /// Bitbucket passes the step's exit code to an after-script, as text, and so do others.
    fn of_exit_code(text: &str) -> Option<Status> {
        match text.trim().parse::<u32>() {
            Ok(0) => Some(Status::Success),
            Ok(_) => Some(Status::Error),
            Err(_) => None,
        }
    }

    /// `success`, as templates and payloads carry it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Status::Success => "success",
            Status::Warning => "warning",
            Status::Error => "error",
            Status::Info => "info",
            Status::Cancelled => "cancelled",
            Status::Finished => "finished",
        }
    }

    /// What the pipeline did, after its name; information has no such word.
    pub(crate) fn verb(self) -> &'static str {
        match self {
            Status::Success => "succeeded",
            Status::Warning => "succeeded with warnings",
            Status::Error => "failed",
            Status::Info => "",
            Status::Cancelled => "was cancelled",
            Status::Finished => "finished",
        }
    }

    pub(crate) fn icon(self) -> &'static str {
        match self {
            Status::Success => "✅",
            Status::Warning => "⚠️",
            Status::Error => "❌",
            Status::Info => "ℹ️",
            Status::Cancelled => "⏹️",
            Status::Finished => "🏁",
        }
    }

    /// 24 bits of red, green and blue.
    pub(crate) fn color(self) -> u32 {
        match self {
            Status::Success => 0x1f_88_3d,
            Status::Warning => 0xd4_a7_2c,
            Status::Error => 0xcf_22_2e,
            Status::Info => 0x09_69_da,
            Status::Cancelled | Status::Finished => 0x6e_77_81,
        }
    }

    /// A person should look at it.
    pub(crate) fn is_failure(self) -> bool {
        self == Status::Error
    }

    /// For comparing with an earlier run: it went well. `None` where that can't be said.
    pub(crate) fn went_well(self) -> Option<bool> {
        match self {
            Status::Success | Status::Warning => Some(true),
            Status::Error => Some(false),
            Status::Info | Status::Cancelled | Status::Finished => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Status, WORDS};

    #[test]
    fn the_words_of_a_ci_are_understood_and_an_unknown_one_is_not_a_success() {
        let lists = [
            ("SUCCESS successful Succeeded Completed passed OK built", Some(Status::Success)),
            ("UNSTABLE SucceededWithIssues soft_failed warned", Some(Status::Warning)),
            (
                "failure FAILED Failed Error errored hard_failed TIMED_OUT TIMEOUT FAULT INTERNAL_ERROR",
                Some(Status::Error),
            ),
            ("startup_failure EXPIRED rolled_back", Some(Status::Error)),
            ("ABORTED Canceled CANCELLED STOPPED killed terminated", Some(Status::Cancelled)),
            ("running NOT_BUILT neutral skipped stale action_required None ${{job.status}} UNKNOWN", None),
        ];
        for (words, status) in lists {
            for word in words.split(' ') {
                assert_eq!(Status::parse(word), status, "{word}");
            }
        }
        assert_eq!(Status::parse(""), None);
        for (word, meaning) in WORDS {
            assert!(Status::parse(meaning).is_some() && Status::parse(word) == Status::parse(meaning), "{word}");
        }
    }

    #[test]
    fn the_exit_code_of_bitbucket_is_a_text() {
        assert_eq!(Status::of_exit_code("0"), Some(Status::Success));
        assert_eq!(Status::of_exit_code("1"), Some(Status::Error));
        assert_eq!(Status::of_exit_code(" 137\n"), Some(Status::Error));
        assert_eq!(Status::of_exit_code("$BITBUCKET_EXIT_CODE"), None);
    }

    #[test]
    fn only_success_is_green() {
        let green = Status::Success.color();
        for status in [Status::Warning, Status::Error, Status::Info, Status::Cancelled, Status::Finished] {
            assert_ne!(status.color(), green);
        }
    }
}
