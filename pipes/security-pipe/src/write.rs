//! What a run leaves behind: report files, and what the CI's own pages show.

use pipe_core::console::{Console, Style};
use pipe_core::context::Context;
use pipe_core::exit::{Ending, Verdict};
use pipe_core::manifest::REPOSITORY;
use pipe_core::platform::escape;
use pipe_core::platform::rendering::{Annotation, Fact, Kind, Level, Rendering};
use pipe_core::report::Recorder;

use crate::config::Config;
use crate::finding::Finding;
use crate::gate::Counts;
use crate::output::{self, Run, ScanOutcome, ScanStatus};
use crate::present;
use crate::scanner::Outcome;

const JUNIT: &str = "junit.xml";
const MARKDOWN: &str = "security-summary.md";
/// Names that pipelines have looked for before.
const TEXT: &str = "security-summary.txt";
const GITLEAKS: &str = "gitleaks-report.json";

/// A finished run.
pub(crate) struct Finished<'a> {
    pub(crate) ctx: &'a Context,
    pub(crate) config: &'a Config,
    pub(crate) outcomes: &'a [Outcome],
    /// Worst first.
    pub(crate) findings: &'a [Finding],
    pub(crate) counts: &'a Counts,
    /// There is a baseline.
    pub(crate) baseline: bool,
    pub(crate) ending: &'a Ending,
}

impl Finished<'_> {
    /// Writes every report that was asked for, and gives what the CI's pages show. What can't be written is remembered
    /// by the recorder's evidence.
    pub(crate) fn write(&self, report: &Recorder) -> Rendering {
        let started_at = report.started_at();
        let details: Vec<(ScanStatus, String)> = self.outcomes.iter().map(detail).collect();
        let scans: Vec<ScanOutcome<'_>> = self
            .outcomes
            .iter()
            .zip(&details)
            .map(|(outcome, (status, detail))| ScanOutcome {
                name: outcome.name,
                status: *status,
                detail,
                seconds: outcome.elapsed.as_secs_f64(),
                counts: &outcome.scan.counts,
            })
            .collect();
        // Redacted first: an escaped secret would no longer be known as one.
        let escape = |text: &str| escape::markdown(&self.ctx.redactor.text(text));
        let run = self.run(&scans, &started_at, &escape);
        let markdown = output::markdown(&run);
        let wanted = |format: &str| self.config.formats.iter().any(|wanted| wanted == format);
        if wanted("sarif") {
            report.write_json(&self.config.sarif, output::sarif(&run));
        }
        if wanted("junit") {
            report.write(JUNIT, &output::junit(&run));
        }
        if wanted("markdown") {
            report.write(MARKDOWN, markdown.as_bytes());
        }
        report.write(TEXT, self.text().as_bytes());
        if self.outcomes.iter().any(|outcome| outcome.name == "secrets") {
            report.write_json(GITLEAKS, output::gitleaks(&run));
        }
        self.rendering(markdown)
    }

    fn run<'b>(
        &'b self,
        scans: &'b [ScanOutcome<'b>],
        started_at: &'b str,
        escape: &'b dyn Fn(&str) -> String,
    ) -> Run<'b> {
        let ci = &self.ctx.ci;
        Run {
            tool_version: self.ctx.spec.version,
            report_name: self.ctx.report_name.as_deref(),
            findings: self.findings,
            scans,
            verdict: self.ending.verdict().as_str(),
            reason: self.ending.reason(),
            information_url: Some(REPOSITORY),
            repository_url: ci.repository_url.as_deref(),
            commit: ci.commit.as_deref(),
            branch: ci.branch.as_deref(),
            started_at,
            escape,
        }
    }

    /// What was printed, without colours.
    fn text(&self) -> String {
        let plain = Console::new(self.ctx.spec.name, self.ctx.redactor.clone(), Style::default());
        let mut lines = present::lines(&plain, self.outcomes, self.findings, self.counts, self.baseline);
        lines.push(format!("{:<7}  {}", self.ending.verdict().headline(), self.ending.reason()));
        lines.join("\n") + "\n"
    }

    fn rendering(&self, summary_markdown: String) -> Rendering {
        let counts = self.counts;
        let number = |count: usize| Fact::Number(count as f64);
        let mut facts = vec![
            ("Critical".to_owned(), number(counts.critical)),
            ("High".to_owned(), number(counts.high)),
            ("Medium".to_owned(), number(counts.medium)),
            ("Low".to_owned(), number(counts.low)),
            ("Unscored".to_owned(), number(counts.unscored)),
            ("Known".to_owned(), number(counts.known)),
            ("Ignored".to_owned(), number(counts.ignored)),
        ];
        facts.push(("Failing the gate".to_owned(), number(counts.failing)));
        let outputs = [
            ("critical", counts.critical),
            ("high", counts.high),
            ("medium", counts.medium),
            ("low", counts.low),
            ("unscored", counts.unscored),
            ("failing", counts.failing),
        ];
        Rendering {
            pipe: self.ctx.spec.name.to_owned(),
            report_name: self.ctx.report_name.clone(),
            title: "Security".to_owned(),
            about_code: true,
            passed: matches!(self.ending.verdict(), Verdict::Passed | Verdict::Warned | Verdict::Skipped),
            details: format!("{} {}", self.ending.verdict().headline(), self.ending.reason()),
            facts,
            annotations: self.findings.iter().filter(|finding| finding.is_open()).map(annotation).collect(),
            summary_markdown,
            outputs: outputs.into_iter().map(|(name, count)| (name.to_owned(), count.to_string())).collect(),
        }
    }
}

fn detail(outcome: &Outcome) -> (ScanStatus, String) {
    let scan = &outcome.scan;
    match (&scan.skipped, scan.unable.is_empty()) {
        (_, false) => (ScanStatus::Failed, scan.unable.join("; ")),
        (Some(why), true) => (ScanStatus::Skipped, why.clone()),
        (None, true) => (ScanStatus::Ran, scan.detail.clone()),
    }
}

fn annotation(finding: &Finding) -> Annotation {
    let message = match &finding.package {
        Some(package) => {
            let fix = match (package.fixed.first(), &package.upgrade) {
                (Some(fixed), Some(upgrade)) => format!("fixed in {fixed}: {upgrade}"),
                (Some(fixed), None) => format!("fixed in {fixed}"),
                (None, _) => "there is no fixed version yet".to_owned(),
            };
            format!("{} {}: {} ({fix})", package.name, package.version, finding.title)
        }
        None => format!("{}: revoke it at its provider, then remove it from the repository", finding.title),
    };
    Annotation {
        level: if finding.fails() { Level::Error } else { Level::Warning },
        severity: finding.severity_word(),
        title: format!("{} {}", finding.severity_word(), finding.rule),
        message,
        path: Some(finding.location.path.clone()),
        line: Some(finding.location.line),
        end_line: finding.location.end_line,
        column: finding.location.column,
        end_column: finding.location.end_column,
        id: finding.fingerprint.clone(),
        link: finding.url.clone(),
        kind: Kind::Vulnerability,
    }
}
