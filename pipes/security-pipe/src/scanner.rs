//! What can be looked for. A scanner is one file here and one line in [`SCANNERS`].

pub(crate) mod dependencies;
pub(crate) mod sbom;
pub(crate) mod secrets;

use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use pipe_core::console::Console;
use pipe_core::env::Vars;
use pipe_core::report::Recorder;
use pipe_core::text::panic_text;
use tokio_util::sync::CancellationToken;

use crate::finding::Finding;
use crate::inventory::Inventory;
use crate::scanner::dependencies::Advisories;
use crate::tree::Tree;

/// Makes a scanner from its variables; `None` where it is switched off.
type FromVars = fn(&mut Vars) -> Option<Arc<dyn Scanner>>;

pub(crate) const SCANNERS: &[FromVars] = &[secrets::from_vars, dependencies::from_vars, sbom::from_vars];

pub(crate) trait Scanner: Send + Sync {
    /// As reports call it.
    fn name(&self) -> &'static str;

    /// Looks at all of `input`, on a thread of its own. Ends soon after `input.cancel` is set.
    ///
    /// # Errors
    /// It could not run at all. What it could not look at while the rest went well goes to [`Scan::unable`].
    fn scan(&self, input: &Input) -> anyhow::Result<Scan>;
}

/// What every scanner reads.
pub(crate) struct Input {
    pub(crate) tree: Tree,
    inventory: OnceLock<Inventory>,
    /// Where advisories come from.
    pub(crate) advisories: Advisories,
    pub(crate) report: Recorder,
    pub(crate) project: Project,
    pub(crate) cancel: CancellationToken,
}

/// What the SBOM says of the whole.
#[derive(Debug, Clone)]
pub(crate) struct Project {
    pub(crate) name: String,
    pub(crate) commit: Option<String>,
    /// The commit's time, RFC 3339: the clock would make every SBOM differ.
    pub(crate) created: Option<String>,
}

impl Input {
    pub(crate) fn new(
        tree: Tree,
        advisories: Advisories,
        report: Recorder,
        project: Project,
        cancel: CancellationToken,
    ) -> Input {
        Input { tree, inventory: OnceLock::new(), advisories, report, project, cancel }
    }

    /// The packages of every lockfile, read by whoever asks first.
    pub(crate) fn inventory(&self) -> &Inventory {
        self.inventory.get_or_init(|| Inventory::read(&self.tree, &|| self.cancel.is_cancelled()))
    }
}

/// What a scanner has to say.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// What was looked at, for the second line a person reads: `1,204 files`.
    pub(crate) detail: String,
    pub(crate) findings: Vec<Finding>,
    pub(crate) counts: Vec<(&'static str, u64)>,
    pub(crate) warnings: Vec<String>,
    /// What could not be looked at, each a sentence.
    pub(crate) unable: Vec<String>,
    /// There was nothing of its kind to look at, and why.
    pub(crate) skipped: Option<String>,
}

/// How one scanner ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) scan: Scan,
    pub(crate) elapsed: Duration,
}

/// Runs all scanners side by side. One that fails, panics or takes too long loses only itself: its outcome says what
/// could not be done.
pub(crate) async fn run(
    scanners: &[Arc<dyn Scanner>],
    input: &Arc<Input>,
    timeout: Duration,
    report: &Recorder,
    console: &Console,
) -> Vec<Outcome> {
    let running: Vec<_> = scanners
        .iter()
        .map(|scanner| {
            let (scanner, input) = (Arc::clone(scanner), Arc::clone(input));
            let name = scanner.name();
            let step = report.step(name);
            let started = Instant::now();
            let thread = tokio::task::spawn_blocking(move || {
                let scan = scanner.scan(&input);
                (scan, started.elapsed())
            });
            (name, step, started, tokio::time::timeout(timeout, thread))
        })
        .collect();
    let finishing = running.into_iter().map(|(name, mut step, started, thread)| async move {
        let (scan, elapsed) = match thread.await {
            Ok(Ok((Ok(scan), elapsed))) => (scan, elapsed),
            Ok(Ok((Err(error), elapsed))) => (failed(format!("{error:#}")), elapsed),
            Ok(Err(panic)) => {
                let text =
                    panic.try_into_panic().map_or_else(|_| "ended".to_owned(), |payload| panic_text(payload.as_ref()));
                report.bug(format!("{name}: {text}"));
                (failed(text), started.elapsed())
            }
            Err(_) => {
                (failed(format!("did not finish within SCAN_TIMEOUT ({} s)", timeout.as_secs_f64())), started.elapsed())
            }
        };
        for (what, number) in &scan.counts {
            step.count(what, *number);
        }
        for warning in &scan.warnings {
            console.warning(format!("{name}: {warning}"));
            report.notice(format!("{name}: {warning}"));
        }
        for problem in &scan.unable {
            console.error(format!("{name}: {problem}"));
        }
        match (&scan.skipped, scan.unable.as_slice()) {
            (_, [_, ..]) => step.failed(scan.unable.join("; ")),
            (Some(why), []) => step.skipped(why.clone()),
            (None, []) => step.ran(scan.detail.clone()),
        }
        Outcome { name, scan, elapsed }
    });
    futures_util::future::join_all(finishing).await
}

fn failed(why: String) -> Scan {
    Scan { unable: vec![why], ..Scan::default() }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use pipe_core::console::{Console, Style};
    use pipe_core::redact::Redactor;
    use pipe_core::report::Recorder;
    use pipe_core::workspace::ReportDir;
    use tokio_util::sync::CancellationToken;

    use super::dependencies::{Advisories, AdvisorySource};
    use super::{Input, Project, Scan, Scanner, run};
    use crate::finding::tests::secret;
    use crate::tree::Tree;
    use crate::vars::SPEC;
    use pipe_core::severity::Severity;

    struct Fake(&'static str);

    impl Scanner for Fake {
        fn name(&self) -> &'static str {
            self.0
        }

        fn scan(&self, input: &Input) -> anyhow::Result<Scan> {
            match self.0 {
                "panics" => panic!("a bug"),
                "fails" => anyhow::bail!("no disk"),
                "hangs" => {
                    while !input.cancel.is_cancelled() {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    anyhow::bail!("cancelled")
                }
                _ => Ok(Scan { findings: vec![secret(Severity::Critical)], ..Scan::default() }),
            }
        }
    }

    #[tokio::test]
    async fn a_scanner_that_panics_fails_or_hangs_loses_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let report_dir = Arc::new(ReportDir::new(dir.path().to_owned(), dir.path()));
        let report = Recorder::new(&SPEC, report_dir, Redactor::new());
        let advisories = Advisories {
            source: AdvisorySource::Database("nowhere".into()),
            client: None,
            runtime: tokio::runtime::Handle::current(),
        };
        let project = Project { name: "test".to_owned(), commit: None, created: None };
        let cancel = CancellationToken::new();
        let input = Arc::new(Input::new(Tree::default(), advisories, report.clone(), project, cancel.clone()));
        let scanners: Vec<Arc<dyn Scanner>> =
            ["panics", "fails", "hangs", "finds"].map(|name| Arc::new(Fake(name)) as Arc<dyn Scanner>).to_vec();
        let quiet = Box::new(std::io::sink());
        let console = Console::to("test", Redactor::new(), Style::default(), quiet.clone(), quiet);
        let outcomes = run(&scanners, &input, Duration::from_millis(200), &report, &console).await;
        cancel.cancel();
        let unable: Vec<_> = outcomes.iter().map(|outcome| outcome.scan.unable.join("")).collect();
        assert_eq!(unable, ["internal error: a bug", "no disk", "did not finish within SCAN_TIMEOUT (0.2 s)", ""]);
        assert_eq!(outcomes[3].scan.findings.len(), 1);
        let written = std::fs::read_to_string(dir.path().join("security-pipe-report.json")).unwrap();
        let written: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written["bugs"][0], "panics: internal error: a bug");
        let failed = written["steps"].as_array().unwrap().iter().filter(|step| step["status"] == "failed").count();
        assert_eq!(failed, 3);
    }
}
