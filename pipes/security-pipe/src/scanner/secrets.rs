//! Secrets in the working tree.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::spec::Var;
use pipe_core::text::count;

use super::{Input, Scan, Scanner};
use crate::finding::{Container, Finding, Kind, Location, Precision, Remedy, Rule, Span, Status};
use crate::ledger::Reason;
use crate::source::Entry;
use crate::words::pascal;
use pipe_core::severity::Severity;
use pipe_secrets::{Engine, MAX_MATCHES, Match, is_binary};

pub(crate) const SECRETS_SCAN: Var = Var::flag("SECRETS_SCAN", "Looks for secrets in every file of the working tree.")
    .or("looks for no secrets")
    .default("true");

/// Larger files are counted and named, not scanned. Bytes.
const MAX_FILE: u64 = 20 * 1024 * 1024;
/// Files above this are scanned one at a time, so that memory stays bounded however many threads there are. Bytes.
const LARGE_FILE: u64 = 1024 * 1024;
/// More threads gain nothing and hold a file each.
const MAX_THREADS: usize = 8;
/// How many left-out files a message names.
const NAMED: usize = 5;

pub(crate) fn from_vars(vars: &mut Vars, _: &Context) -> Option<Arc<dyn Scanner>> {
    vars.flag(&SECRETS_SCAN).then(|| Arc::new(Secrets) as Arc<dyn Scanner>)
}

struct Secrets;

#[derive(Default)]
struct Found {
    findings: Vec<Finding>,
    large: Vec<String>,
}

impl Scanner for Secrets {
    fn name(&self) -> &'static str {
        "secrets"
    }

    fn scan(&self, input: &Input) -> anyhow::Result<Scan> {
        let engine = Engine::new();
        let (source, container) = (input.source.as_ref(), input.source.container());
        let files = source.entries();
        let rules: Vec<Arc<Rule>> = engine.rules().iter().map(|known| Arc::new(rule(known))).collect();
        let threads = thread::available_parallelism().map_or(1, usize::from).clamp(1, MAX_THREADS);
        let next = AtomicUsize::new(0);
        let bytes = AtomicU64::new(0);
        let (scanned, binary) = (AtomicU64::new(0), AtomicU64::new(0));
        let one_large = Mutex::new(());
        let found = Mutex::new(Found::default());
        let work = || {
            while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                if input.cancel.is_cancelled() {
                    return;
                }
                let named = engine.scan_name(&file.path);
                if !named.is_empty() {
                    named.iter().for_each(|found| input.report.redactor().add_found(&found.value));
                    let findings = named.into_iter().map(|found| name_finding(&rules, &container, file, found));
                    found.lock().unwrap_or_else(PoisonError::into_inner).findings.extend(findings);
                }
                let _turn = (file.size > LARGE_FILE).then(|| one_large.lock().unwrap_or_else(PoisonError::into_inner));
                let content = match source.open(file, MAX_FILE) {
                    Ok(Some(content)) => content,
                    Ok(None) => {
                        found.lock().unwrap_or_else(PoisonError::into_inner).large.push(file.path.clone());
                        continue;
                    }
                    Err(error) => {
                        let why = format!("can't be read: {error:#}");
                        input.ledger.leave_out(self.name(), Reason::Unreadable, &file.path, &why);
                        continue;
                    }
                };
                if is_binary(&content) {
                    binary.fetch_add(1, Ordering::Relaxed);
                    input.ledger.leave_out(self.name(), Reason::Binary, &file.path, "");
                    continue;
                }
                scanned.fetch_add(1, Ordering::Relaxed);
                bytes.fetch_add(content.len() as u64, Ordering::Relaxed);
                let mut matches = engine.scan(&file.path, &content);
                if matches.len() > MAX_MATCHES {
                    // The worst could be among the others, behind a thousand that are allowed.
                    matches.truncate(MAX_MATCHES);
                    let why = format!("more than {MAX_MATCHES} secrets, the others were not judged");
                    input.ledger.leave_out(self.name(), Reason::TooMany, &file.path, &why);
                }
                if !matches.is_empty() {
                    // Wherever else a value turns up (a path, a package's URL), it is hidden there too.
                    matches.iter().for_each(|found| input.report.redactor().add_found(&found.value));
                    let findings = matches.into_iter().map(|found| finding(&rules, &container, file, found));
                    found.lock().unwrap_or_else(PoisonError::into_inner).findings.extend(findings);
                }
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        anyhow::ensure!(!input.cancel.is_cancelled(), "cancelled");

        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        let scanned = scanned.into_inner();
        let mut scan = Scan {
            detail: count(scanned, "file"),
            findings: found.findings,
            counts: vec![
                ("files", scanned),
                ("bytes", bytes.into_inner()),
                ("binary_files", binary.into_inner()),
                ("too_large_files", found.large.len() as u64),
                ("rules", engine.rules().len() as u64),
            ],
            ..Scan::default()
        };
        if !found.large.is_empty() {
            scan.warnings.push(too_large(found.large));
        }
        if scanned == 0 {
            scan.skipped = Some("no text files".to_owned());
        }
        Ok(scan)
    }
}

fn too_large(mut names: Vec<String>) -> String {
    names.sort();
    let count = names.len();
    let more = if count > NAMED { format!(" and {} more", count - NAMED) } else { String::new() };
    names.truncate(NAMED);
    let limit = MAX_FILE / (1024 * 1024);
    format!("{count} larger than {limit} MB not scanned: {}{more}", names.join(", "))
}

fn rule(known: &pipe_secrets::Rule) -> Rule {
    Rule {
        id: known.id.clone(),
        ids: Vec::new(),
        name: pascal(&known.id),
        title: known.title.clone(),
        explanation: None,
        link: Some(known.doc.clone()),
        tags: vec!["secret".to_owned()],
        precision: if known.severity == Severity::Critical { Precision::High } else { Precision::Medium },
    }
}

/// The same for every credential.
pub(crate) fn remedy() -> Remedy {
    Remedy {
        brief: "fix: revoke it, then remove it".into(),
        clause: "revoke it at its provider, then remove it from the repository".into(),
        text: "Revoke the credential where it was issued, issue another one and load it at run time from a secret \
               store. Deleting the line is not enough: it stays in the Git history."
            .into(),
        command: None,
    }
}

/// A token in the name of a file is on no line of it; reports need one.
fn name_finding(rules: &[Arc<Rule>], container: &Container, file: &Entry, found: Match) -> Finding {
    let mut finding = finding(rules, container, file, found);
    finding.location.span = Span::line(1);
    finding.remedy = Remedy {
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
        scanner: "secrets",
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
        remedy: remedy(),
        fingerprint: found.fingerprint,
        inline_allow: found.allow_key.filter(|_| found.allowed),
        status: Status::New,
        gated: None,
        rule,
    }
}

#[cfg(test)]
mod tests {
    use super::too_large;

    #[test]
    fn files_that_are_too_large_are_counted_and_named() {
        let names = (0..7).map(|n| format!("f{n}")).collect();
        assert_eq!(too_large(names), "7 larger than 20 MB not scanned: f0, f1, f2, f3, f4 and 2 more");
    }
}
