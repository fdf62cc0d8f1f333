//! What can be looked for. A scanner is one file here and one line in [`SCANNERS`].

pub(crate) mod dependencies;
#[cfg(test)]
mod example;
pub(crate) mod sbom;
pub(crate) mod secrets;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::{Duration, Instant};

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::manifest::REPOSITORY;
use pipe_core::plan::Effects;
use pipe_core::report::{Recorder, Step, StepStatus};
use pipe_core::text::panic_text;
use pipe_core::text::thousands;
use tokio::runtime::Handle;
use tokio::sync::{Mutex, oneshot};
use tokio_util::sync::CancellationToken;

use crate::finding::Finding;
use crate::findings::{Findings, MAX_FINDINGS};
use crate::inventory::{self, Inventory};
use crate::ledger::{Class, Ledger, Problem, Reason};
use crate::source::Source;

/// Makes a scanner from its variables; `None` if it is switched off.
type FromVars = fn(&mut Vars, &Context) -> Option<Arc<dyn Scanner>>;

pub(crate) const SCANNERS: &[FromVars] = &[
    secrets::from_vars,
    dependencies::from_vars,
    sbom::from_vars,
    #[cfg(test)]
    example::from_vars,
];

pub(crate) trait Scanner: Send + Sync {
    /// As reports call it.
    fn name(&self) -> &'static str;

    /// The hosts it contacts and the files it writes below REPORTS_DIR, for the plan.
    fn effects(&self) -> Effects {
        Effects::default()
    }

    /// Whether it asks for [`Input::inventory`]. The first of them speaks for what the inventory left out.
    fn reads_lockfiles(&self) -> bool {
        false
    }

    /// Looks at all of `input`, on its own thread, and records in `input.ledger` what it leaves out. Ends soon after
    /// `input.cancel` is set.
    ///
    /// # Errors
    /// It could not run at all.
    fn scan(&self, input: &Input) -> anyhow::Result<Scan>;
}

/// What every scanner reads.
pub(crate) struct Input {
    pub(crate) source: Box<dyn Source>,
    /// What the run leaves out.
    pub(crate) ledger: Arc<Ledger>,
    inventory: OnceLock<Inventory>,
    pub(crate) report: Recorder,
    pub(crate) cancel: CancellationToken,
}

impl Input {
    pub(crate) fn new(
        source: Box<dyn Source>,
        ledger: Arc<Ledger>,
        report: Recorder,
        cancel: CancellationToken,
    ) -> Input {
        Input { source, ledger, inventory: OnceLock::new(), report, cancel }
    }

    /// The packages of every lockfile, read by the first scanner that asks.
    pub(crate) fn inventory(&self) -> &Inventory {
        self.inventory.get_or_init(|| {
            let known = |name: &str| self.report.redactor().add_found_tokens(name);
            Inventory::read(self.source.as_ref(), &self.ledger, &known, &|| self.cancel.is_cancelled())
        })
    }
}

/// What a scanner has to say.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// What was looked at, for the second line a person reads: `1,204 files`.
    pub(crate) detail: String,
    pub(crate) findings: Findings,
    pub(crate) counts: Vec<(&'static str, u64)>,
    /// What a person should know and no entry of the ledger says.
    pub(crate) warnings: Vec<String>,
    /// Its result is not whole, for reasons that another scanner speaks for.
    pub(crate) incomplete: Option<String>,
    /// There was nothing of its kind to look at, and why.
    pub(crate) skipped: Option<String>,
}

/// The way out of [`MAX_FINDINGS`].
pub(crate) const WITH_MANY_FINDINGS: &str = "Scan its parts one by one with WORKING_DIR";

/// How one scanner ended.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) name: &'static str,
    pub(crate) status: StepStatus,
    /// What was looked at, as [`Scan::detail`] said it.
    pub(crate) looked_at: String,
    /// What was looked at, why there was nothing to, or everything that could not be looked at.
    pub(crate) detail: String,
    /// What was counted, e.g. `("files", 1204)`.
    pub(crate) counts: Vec<(&'static str, u64)>,
    pub(crate) warnings: Vec<String>,
    pub(crate) elapsed: Duration,
}

impl Outcome {
    /// `left_out` is what this scanner speaks for, of class [`Class::Unable`].
    fn of(name: &'static str, scan: &mut Scan, left_out: &[Problem], elapsed: Duration) -> Outcome {
        let (status, detail) = match (&scan.skipped, &scan.incomplete, left_out) {
            (_, _, [_, ..]) => (StepStatus::Failed, in_words(left_out)),
            (_, Some(incomplete), []) => (StepStatus::Failed, incomplete.clone()),
            (Some(why), None, []) => (StepStatus::Skipped, why.clone()),
            (None, None, []) => (StepStatus::Ran, scan.detail.clone()),
        };
        let (counts, warnings) = (std::mem::take(&mut scan.counts), std::mem::take(&mut scan.warnings));
        let looked_at = std::mem::take(&mut scan.detail);
        Outcome { name, status, looked_at, detail, counts, warnings, elapsed }
    }
}

/// Every problem, and at the end what to do about each kind.
fn in_words(problems: &[Problem]) -> String {
    let mut words = problems.iter().map(|problem| problem.text.as_str()).collect::<Vec<_>>().join("; ");
    let advice: BTreeSet<&str> = problems.iter().filter_map(Problem::advice).collect();
    for advice in advice {
        words.push_str(&format!(". {advice}"));
    }
    words
}

/// A thread for one scan after another. The allocator keeps what a thread frees for that thread, so scans that need much
/// memory share one.
struct Worker(mpsc::Sender<Box<dyn FnOnce() + Send>>);

/// How a scan ended, or panicked, and when.
type Scanned = (std::thread::Result<anyhow::Result<Scan>>, Duration);

impl Worker {
    fn new() -> Worker {
        let (jobs, receiver) = mpsc::channel::<Box<dyn FnOnce() + Send>>();
        let runtime = Handle::current();
        let work = move || {
            // For scans that wait for the network.
            let _entered = runtime.enter();
            receiver.into_iter().for_each(|job| job());
        };
        // If the system gives no thread, the scan has no answer and fails.
        drop(std::thread::Builder::new().spawn(work));
        Worker(jobs)
    }

    fn start(&self, scanner: &Arc<dyn Scanner>, input: &Arc<Input>) -> oneshot::Receiver<Scanned> {
        let (answer, receiver) = oneshot::channel();
        let (scanner, input) = (Arc::clone(scanner), Arc::clone(input));
        let started = Instant::now();
        let job = move || {
            let scan = catch_unwind(AssertUnwindSafe(|| scanner.scan(&input)));
            drop(answer.send((scan, started.elapsed())));
        };
        drop(self.0.send(Box::new(job)));
        receiver
    }
}

/// Runs all scanners side by side, but for those that read lockfiles: each of them needs memory for every package, so
/// they take turns. One that fails, panics or takes too long loses only itself: the ledger says what could not be done.
/// Outcomes and findings are in the order of the scanners.
pub(crate) async fn run(
    scanners: &[Arc<dyn Scanner>],
    input: &Arc<Input>,
    timeout: Duration,
    report: &Recorder,
) -> (Vec<Outcome>, Vec<Finding>) {
    let turns = Mutex::new(Worker::new());
    let steps: Vec<Step> = scanners.iter().map(|scanner| report.step(scanner.name())).collect();
    // The last one has the first turn: an SBOM is written and gone before there are findings.
    let running = scanners.iter().zip(steps).rev().map(|(scanner, mut step)| async {
        let name = scanner.name();
        let mut turn = if scanner.reads_lockfiles() { Some(turns.lock().await) } else { None };
        step.restart();
        let started = Instant::now();
        let thread = match &turn {
            Some(worker) => worker.start(scanner, input),
            None => Worker::new().start(scanner, input),
        };
        let failed = |why: String| {
            input.ledger.leave_out(name, Reason::Failed, "", &why);
            Scan::default()
        };
        let (scan, elapsed) = match tokio::time::timeout(timeout, thread).await {
            Ok(Ok((Ok(Ok(scan)), elapsed))) => (scan, elapsed),
            Ok(Ok((Ok(Err(error)), elapsed))) => (failed(format!("{error:#}")), elapsed),
            Ok(Ok((Err(panic), elapsed))) => {
                let text = panic_text(panic.as_ref());
                report.bug(format!("{name}: {text}"));
                (failed(format!("{text}. Report it at {REPOSITORY}/issues")), elapsed)
            }
            Ok(Err(_)) => (failed("the system has no thread for it".to_owned()), started.elapsed()),
            Err(_) => {
                // The thread may never be free again.
                if let Some(worker) = &mut turn {
                    **worker = Worker::new();
                }
                let limit = timeout.as_secs_f64();
                let why = format!(
                    "did not finish within SCAN_TIMEOUT ({limit} s). Set a longer SCAN_TIMEOUT, or leave out large \
                     folders with EXCLUDE_PATHS"
                );
                (failed(why), started.elapsed())
            }
        };
        (name, step, scan, elapsed)
    });
    let mut finished = futures_util::future::join_all(running).await;
    finished.reverse();
    let mut findings = Findings::default();
    for (_, _, scan, _) in &mut finished {
        findings.append(std::mem::take(&mut scan.findings));
    }
    let (findings, dropped) = findings.finish();
    for (name, count) in dropped {
        let (most, count) = (thousands(MAX_FINDINGS as u64), thousands(count));
        let why = format!("a run keeps {most} findings, and {count} more were not judged. {WITH_MANY_FINDINGS}");
        input.ledger.leave_out(name, Reason::TooMany, "", &why);
    }
    let problems = input.ledger.problems(Class::Unable);
    let speaker = speaker(scanners);
    let mut outcomes = Vec::new();
    for (name, mut step, mut scan, elapsed) in finished {
        let speaks_for =
            |problem: &&Problem| problem.step == name || (problem.step == inventory::STEP && speaker == Some(name));
        let own: Vec<Problem> = problems.iter().filter(speaks_for).cloned().collect();
        let outcome = Outcome::of(name, &mut scan, &own, elapsed);
        for (what, number) in &outcome.counts {
            step.count(what, *number);
        }
        step.end(outcome.status, outcome.detail.clone());
        outcomes.push(outcome);
    }
    (outcomes, findings)
}

/// The scanner that speaks for the inventory.
pub(crate) fn speaker(scanners: &[Arc<dyn Scanner>]) -> Option<&'static str> {
    scanners.iter().find(|scanner| scanner.reads_lockfiles()).map(|scanner| scanner.name())
}

#[cfg(test)]
mod tests {
    mod example;

    use std::sync::Arc;
    use std::time::Duration;

    use pipe_core::redact::Redactor;
    use pipe_core::report::Recorder;
    use pipe_core::workspace::ReportDir;
    use tokio_util::sync::CancellationToken;

    use super::{Input, Ledger, Scan, Scanner, StepStatus, run};
    use crate::finding::tests::secret;
    use crate::tree::Tree;
    use crate::vars::SPEC;
    use pipe_core::severity::Severity;

    struct Fake(&'static str);

    impl Scanner for Fake {
        fn name(&self) -> &'static str {
            self.0
        }

        fn reads_lockfiles(&self) -> bool {
            self.0 == "waits for its turn" || self.0 == "hangs with lockfiles"
        }

        fn scan(&self, input: &Input) -> anyhow::Result<Scan> {
            match self.0 {
                "panics" => panic!("a bug"),
                "fails" => anyhow::bail!("no disk"),
                "hangs" | "hangs with lockfiles" => {
                    while !input.cancel.is_cancelled() {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    anyhow::bail!("cancelled")
                }
                _ => Ok(Scan { findings: [secret(Severity::Critical)].into_iter().collect(), ..Scan::default() }),
            }
        }
    }

    #[tokio::test]
    async fn a_scan_that_hangs_does_not_keep_the_next_one_from_its_turn() {
        let dir = tempfile::tempdir().unwrap();
        let report = Recorder::new(&SPEC, Arc::new(ReportDir::new(dir.path().to_owned(), dir.path())), Redactor::new());
        let cancel = CancellationToken::new();
        let input = Input::new(Box::new(Tree::default()), Arc::default(), report.clone(), cancel.clone());
        let scanners: Vec<Arc<dyn Scanner>> = ["hangs with lockfiles", "waits for its turn"]
            .map(|name| Arc::new(Fake(name)) as Arc<dyn Scanner>)
            .to_vec();
        let (outcomes, findings) = run(&scanners, &Arc::new(input), Duration::from_millis(300), &report).await;
        cancel.cancel();
        assert_eq!(outcomes[0].status, StepStatus::Failed);
        assert_eq!((outcomes[1].status, findings.len()), (StepStatus::Ran, 1));
        assert!(outcomes[1].elapsed < Duration::from_millis(300), "its time begins with its turn");
    }

    #[tokio::test]
    async fn a_scanner_that_panics_fails_or_hangs_loses_only_itself() {
        let dir = tempfile::tempdir().unwrap();
        let report_dir = Arc::new(ReportDir::new(dir.path().to_owned(), dir.path()));
        let report = Recorder::new(&SPEC, report_dir, Redactor::new());
        let cancel = CancellationToken::new();
        let ledger = Arc::new(Ledger::default());
        let input = Arc::new(Input::new(Box::new(Tree::default()), ledger, report.clone(), cancel.clone()));
        let scanners: Vec<Arc<dyn Scanner>> =
            ["panics", "fails", "hangs", "finds"].map(|name| Arc::new(Fake(name)) as Arc<dyn Scanner>).to_vec();
        let (outcomes, findings) = run(&scanners, &input, Duration::from_secs(3), &report).await;
        cancel.cancel();
        let unable: Vec<_> = outcomes
            .iter()
            .map(|outcome| if outcome.status == StepStatus::Failed { outcome.detail.as_str() } else { "" })
            .collect();
        assert_eq!(
            unable,
            [
                "internal error: a bug. Report it at https://github.com/pipewright/pipewright/issues",
                "no disk. Run the job again, or set ON_SCAN_ERROR=warn",
                "did not finish within SCAN_TIMEOUT (3 s). Set a longer SCAN_TIMEOUT, or leave out large folders with \
                 EXCLUDE_PATHS",
                ""
            ]
        );
        assert_eq!(findings.len(), 1);
        let written = std::fs::read_to_string(dir.path().join("security-pipe-report.json")).unwrap();
        let written: serde_json::Value = serde_json::from_str(&written).unwrap();
        assert_eq!(written["bugs"][0], "panics: internal error: a bug");
        let of = |field: &str| -> Vec<String> {
            written["steps"].as_array().unwrap().iter().map(|step| step[field].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(of("status"), ["failed", "failed", "failed", "ran"]);
        // In the order of the scanners, whichever ended first.
        assert_eq!(of("name"), ["panics", "fails", "hangs", "finds"]);
    }
}
