//! What a run leaves for others: SARIF for code scanning, JUnit for test reports, Markdown and text for people, and
//! gitleaks' JSON for tools that read the bash pipe's.
//!
//! Pure functions of a finished run. They lay out what findings say of themselves, in the order they are given, and leave
//! none out in silence. An output is one file here and one variant of [`Output`].

pub(crate) mod console;
mod gitleaks;
mod junit;
mod markdown;
pub(crate) mod report;
mod sarif;
mod text;

use std::cell::OnceCell;
use std::path::PathBuf;

use pipe_core::exit::Ending;
use pipe_core::platform::CiContext;
use pipe_core::report::Recorder;

use crate::finding::Finding;
use crate::gate::Counts;
use crate::ledger::Ledger;
use crate::scanner::Outcome;

/// A finished run.
pub(crate) struct Run<'a> {
    /// This pipe's own version.
    pub(crate) tool_version: &'a str,
    /// `REPORT_NAME`: keeps the parts of a monorepo apart.
    pub(crate) report_name: Option<&'a str>,
    pub(crate) ci: &'a CiContext,
    /// Worst first ([`Finding::sort`]).
    pub(crate) findings: &'a [Finding],
    pub(crate) counts: &'a Counts,
    /// There is a baseline, so that open findings are new.
    pub(crate) baseline: bool,
    pub(crate) outcomes: &'a [Outcome],
    /// What was left out.
    pub(crate) ledger: &'a Ledger,
    pub(crate) ending: &'a Ending,
    /// RFC 3339.
    pub(crate) started_at: &'a str,
    /// Makes text from outside harmless in Markdown.
    pub(crate) escape: &'a dyn Fn(&str) -> String,
    /// Makes text from outside harmless on a terminal and in plain text.
    pub(crate) plain: &'a dyn Fn(&str) -> String,
    /// The Markdown summary, once it was asked for: a file and the CI's page are the same.
    pub(crate) summary: OnceCell<String>,
}

impl Run<'_> {
    /// The Markdown summary.
    pub(crate) fn markdown(&self) -> &str {
        self.summary.get_or_init(|| markdown::markdown(self))
    }
}

/// A file below REPORTS_DIR.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Output {
    /// At the path that SARIF_FILE names.
    Sarif(PathBuf),
    Junit,
    Markdown,
    /// What was printed, without colours.
    Text,
    Gitleaks,
}

impl Output {
    /// Names that existing pipelines look for.
    pub(crate) fn file(&self) -> String {
        match self {
            Output::Sarif(path) => path.to_string_lossy().into_owned(),
            Output::Junit => "junit.xml".to_owned(),
            Output::Markdown => "security-summary.md".to_owned(),
            Output::Text => "security-summary.txt".to_owned(),
            Output::Gitleaks => "gitleaks-report.json".to_owned(),
        }
    }

    /// Writes the file. The recorder remembers one that can't be written.
    pub(crate) fn write(&self, run: &Run<'_>, report: &Recorder) {
        let file = self.file();
        match self {
            Output::Sarif(_) => report.write_json(&file, |file| sarif::sarif(run, file)),
            Output::Junit => report.write_parts(&file, |write| junit::junit(run, write)),
            Output::Markdown => report.write(&file, run.markdown().as_bytes()),
            Output::Text => report.write(&file, console::text(run).as_bytes()),
            Output::Gitleaks => report.write_json(&file, |file| file.write_all(&gitleaks::gitleaks(run))),
        }
    }
}

#[cfg(test)]
mod tests;
