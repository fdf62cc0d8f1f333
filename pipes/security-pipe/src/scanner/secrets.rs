//! Secrets in the working tree.

mod file_kind;
mod key_store;
mod remedy;

use remedy::NAME;
pub(crate) use remedy::remedy;

use std::io::Read;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::Var;
use pipe_core::text::count;

use super::{Input, Scan, Scanner};
use crate::finding::{Container, Finding, Kind, Location, Precision, Remedy, Rule, Span, Status};
use crate::findings::Findings;
use crate::ledger::Reason;
use crate::source::Entry;
use crate::words::pascal;
use pipe_core::severity::Severity;
use pipe_secrets::{Engine, MAX_MATCHES, Match, Scanned};

pub(crate) const SECRETS_SCAN: Var = Var::flag("SECRETS_SCAN", "Looks for secrets in every file of the working tree.")
    .or("looks for no secrets")
    .default("true");

/// Larger files are read in windows, whatever their size. Bytes.
const WHOLE_FILE: u64 = 8 * 1024 * 1024;
/// The same of what only Git has, which gives no parts. Bytes.
const WHOLE_OBJECT: u64 = 32 * 1024 * 1024;
/// Files above this are scanned one at a time, so that memory stays bounded however many threads there are. Bytes.
const LARGE_FILE: u64 = 1024 * 1024;
/// What says which kind of file a large one is. Bytes.
const HEAD: u64 = 64 * 1024;
/// More threads gain nothing and hold a file each.
const MAX_THREADS: usize = 8;

pub(crate) fn from_vars(vars: &mut Vars, _: &Context) -> Option<Arc<dyn Scanner>> {
    vars.flag(&SECRETS_SCAN).then(|| Arc::new(Secrets) as Arc<dyn Scanner>)
}

struct Secrets;

impl Scanner for Secrets {
    fn name(&self) -> &'static str {
        NAME
    }

    fn scan(&self, input: &Input) -> anyhow::Result<Scan> {
        let work = Work::new(input);
        let threads = thread::available_parallelism().map_or(1, usize::from).clamp(1, MAX_THREADS);
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(|| work.run());
            }
            work.run();
        });
        anyhow::ensure!(!input.cancel.is_cancelled(), "cancelled");
        Ok(work.result())
    }
}

/// Shared by the threads of a scan.
struct Work<'a> {
    input: &'a Input,
    engine: Engine,
    rules: Vec<Arc<Rule>>,
    container: Container,
    next: AtomicUsize,
    one_large: Mutex<()>,
    findings: Mutex<Findings>,
    /// Files with text in them, and their bytes.
    files: AtomicU64,
    bytes: AtomicU64,
    binary: AtomicU64,
    archives: AtomicU64,
}

impl<'a> Work<'a> {
    fn new(input: &'a Input) -> Work<'a> {
        let engine = Engine::new();
        Work {
            input,
            rules: engine.rules().iter().map(|known| Arc::new(rule(known))).collect(),
            engine,
            container: input.source.container(),
            next: AtomicUsize::default(),
            one_large: Mutex::default(),
            findings: Mutex::default(),
            files: AtomicU64::default(),
            bytes: AtomicU64::default(),
            binary: AtomicU64::default(),
            archives: AtomicU64::default(),
        }
    }

    fn run(&self) {
        let files = self.input.source.entries();
        while let Some(file) = files.get(self.next.fetch_add(1, Ordering::Relaxed)) {
            if self.input.cancel.is_cancelled() {
                return;
            }
            self.keep(self.engine.scan_name(&file.path), |found| {
                name_finding(&self.rules, &self.container, file, found)
            });
            let _turn = (file.size > LARGE_FILE).then(|| lock(&self.one_large));
            if let Err(error) = self.look_into(file) {
                self.leave_out(Reason::Unreadable, file, &format!("can't be read: {error:#}"));
            }
        }
    }

    fn look_into(&self, file: &Entry) -> anyhow::Result<()> {
        let source = &self.input.source;
        if let Some(content) = source.open(file, WHOLE_FILE)? {
            self.record(file, &content, self.engine.scan_bytes(&file.path, &content));
            return Ok(());
        }
        let Some(mut stream) = source.stream(file)? else {
            match source.open(file, WHOLE_OBJECT)? {
                Some(content) => self.record(file, &content, self.engine.scan_bytes(&file.path, &content)),
                None => {
                    let why = format!("larger than {} MB, and not in the working tree", WHOLE_OBJECT >> 20);
                    self.leave_out(Reason::TooLarge, file, &why);
                }
            }
            return Ok(());
        };
        let mut head = Vec::new();
        stream.by_ref().take(HEAD).read_to_end(&mut head)?;
        let mut whole = head.as_slice().chain(stream);
        let goes_on = || !self.input.cancel.is_cancelled();
        let scanned = self.engine.scan_stream(&file.path, &mut whole, &goes_on)?;
        self.record(file, &head, scanned);
        Ok(())
    }

    /// `content` is all of a file, or the first [`HEAD`] bytes of a large one.
    fn record(&self, file: &Entry, content: &[u8], scanned: Scanned) {
        if let Some(store) = key_store::find(&file.path, content, scanned.bytes, scanned.is_text) {
            lock(&self.findings).push(store.finding(&self.container, file, content));
        }
        if file_kind::is_archive(content) {
            self.archives.fetch_add(1, Ordering::Relaxed);
            self.leave_out(Reason::Archive, file, "");
        } else if !scanned.is_text {
            self.binary.fetch_add(1, Ordering::Relaxed);
            self.leave_out(Reason::Binary, file, "");
        }
        if scanned.is_text {
            self.files.fetch_add(1, Ordering::Relaxed);
            self.bytes.fetch_add(scanned.bytes, Ordering::Relaxed);
        }
        let mut matches = scanned.matches;
        if matches.len() > MAX_MATCHES {
            // The worst could be among the others, behind a thousand that are allowed.
            matches.truncate(MAX_MATCHES);
            let why = format!("more than {MAX_MATCHES} secrets, the others were not judged");
            self.leave_out(Reason::TooMany, file, &why);
        }
        self.keep(matches, |found| finding(&self.rules, &self.container, file, found));
    }

    fn keep(&self, matches: Vec<Match>, finding: impl Fn(Match) -> Finding) {
        if !matches.is_empty() {
            // Wherever else a value turns up (a path, a package's URL), it is hidden there too.
            matches.iter().for_each(|found| self.input.report.redactor().add_found(&found.value));
            lock(&self.findings).extend(matches.into_iter().map(finding));
        }
    }

    fn leave_out(&self, reason: Reason, file: &Entry, why: &str) {
        self.input.ledger.leave_out(NAME, reason, &file.path, why);
    }

    fn result(self) -> Scan {
        let files = self.files.into_inner();
        let findings = self.findings.into_inner().unwrap_or_else(PoisonError::into_inner);
        Scan {
            detail: count(files, "file"),
            // A key store is looked at, too.
            skipped: (files == 0 && findings.is_empty()).then(|| "no text files".to_owned()),
            findings,
            counts: vec![
                ("files", files),
                ("bytes", self.bytes.into_inner()),
                ("binary_files", self.binary.into_inner()),
                ("archives", self.archives.into_inner()),
                ("rules", self.rules.len() as u64),
            ],
            ..Scan::default()
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn rule(known: &pipe_secrets::Rule) -> Rule {
    Rule {
        id: known.id.clone(),
        ids: Vec::new(),
        name: pascal(&known.id).into(),
        title: known.title.clone(),
        explanation: None,
        link: Some(known.doc.clone()),
        tags: vec!["secret".into()],
        precision: if known.severity == Severity::Critical { Precision::High } else { Precision::Medium },
    }
}

/// A token in the name of a file is on no line of it; reports need one.
fn name_finding(rules: &[Arc<Rule>], container: &Container, file: &Entry, found: Match) -> Finding {
    let mut finding = finding(rules, container, file, found);
    finding.location.span = Span::line(1);
    finding.remedy = |_| Remedy {
        brief: "fix: revoke it, then rename the file".into(),
        clause: "it stands in the name of the file: revoke it at its provider, then rename the file".into(),
        text:
            "The credential stands in the name of the file. Revoke it where it was issued, issue another one and load \
               it at run time from a secret store. Renaming the file is not enough: the name stays in the Git history."
                .into(),
        command: None,
    };
    finding
}

fn finding(rules: &[Arc<Rule>], container: &Container, file: &Entry, found: Match) -> Finding {
    let rule = Arc::clone(&rules[found.rule]);
    Finding {
        scanner: NAME,
        kind: Kind::Secret { prefix: Some(found.shown).filter(|shown| !shown.is_empty()) },
        severity: Some(found.severity),
        severity_source: format!("rule {}", rule.id),
        location: Location {
            path: file.path.clone(),
            span: Span {
                line: found.start_line,
                end_line: Some(found.end_line),
                column: Some(found.start_column),
                end_column: Some(found.end_column),
            },
            container: container.clone(),
        },
        remedy: |_| remedy(),
        fingerprint: found.fingerprint,
        inline_allow: found.allow_key.filter(|_| found.allowed),
        status: Status::New,
        gated: None,
        rule,
    }
}
