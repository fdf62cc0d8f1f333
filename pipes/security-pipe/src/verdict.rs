//! The end of a run. Everything is in the reports already; this says which of it counts.

use pipe_core::Context;
use pipe_core::advice::with_advice;
use pipe_core::exit::Ending;
use pipe_core::report::StepStatus;
use pipe_core::text::{first_and_more, plural};

use crate::finding::{Finding, Status};
use crate::gate::Counts;
use crate::ledger::{Class, Ledger};
use crate::plan::Scan;
use crate::policy::Applied;
use crate::scanner::Outcome;

/// What a run came to know.
pub(crate) struct Told<'a> {
    pub(crate) ledger: &'a Ledger,
    pub(crate) outcomes: &'a [Outcome],
    pub(crate) findings: &'a [Finding],
    pub(crate) applied: &'a Applied,
    /// Asked for, and not in this version.
    pub(crate) later: &'a [String],
}

/// The verdict, whose reason is a summary: what it counts stands above it in full.
pub(crate) fn of(plan: &Scan, told: &Told<'_>, ctx: &Context) -> Result<Ending, Ending> {
    let Told { ledger, outcomes, findings, applied, later } = told;
    let mut unable: Vec<String> =
        Some(ledger.words(Class::Unable)).filter(|words| !words.is_empty()).into_iter().collect();
    let tolerated = if plan.tolerate_errors { std::mem::take(&mut unable) } else { Vec::new() };
    if !applied.unable.is_empty() {
        unable.push(format!("{} not applied", plural(applied.unable.len(), "policy file")));
    }
    unable.extend(later.iter().map(|name| format!("{name} is not in this version")));
    let failing: Vec<&Finding> = findings.iter().filter(|finding| finding.fails()).collect();

    if plan.policy.write_baseline && unable.is_empty() && tolerated.is_empty() {
        return match plan.policy.write(ctx, findings) {
            // Malware is not written, and fails as it always does.
            Ok(_) if !failing.is_empty() && !plan.gate.warn_only => Err(Ending::Failed(gated(&failing))),
            Ok(count) => Ok(Ending::Warned(written(count, findings))),
            Err(problem) => {
                let advice = "Set BASELINE_FILE to a file that can be written";
                Err(Ending::Unable(with_advice(format!("can't write the baseline: {problem}"), advice)))
            }
        };
    }
    let gated = (!failing.is_empty()).then(|| gated(&failing));
    match (gated, unable.is_empty()) {
        (Some(gated), true) if plan.gate.warn_only => {
            Ok(Ending::Warned(format!("{gated}, not blocked: GATE_MODE=warn")))
        }
        (Some(gated), false) if plan.gate.warn_only => {
            Err(Ending::Unable(format!("{}; also {gated}, not blocked: GATE_MODE=warn", first_and_more(&unable))))
        }
        (Some(gated), true) => Err(Ending::Failed(gated)),
        (Some(gated), false) => {
            Err(Ending::Failed(format!("{gated}; also could not find out: {}", first_and_more(&unable))))
        }
        (None, false) => Err(Ending::Unable(first_and_more(&unable))),
        (None, true) => {
            let open: Vec<&Finding> = findings.iter().filter(|finding| finding.is_open()).collect();
            let not_known = ledger.words(Class::NotKnown);
            if !tolerated.is_empty() {
                Ok(Ending::Warned(format!("could not find out: {} (ON_SCAN_ERROR=warn)", first_and_more(&tolerated))))
            } else if !open.is_empty() {
                Ok(Ending::Warned(format!("{}, none gated", Counts::words(&open))))
            } else if !not_known.is_empty() {
                Ok(Ending::Warned(format!("{}; not known: {not_known}", nothing(findings))))
            } else if !applied.warnings.is_empty() || outcomes.iter().any(|outcome| !outcome.warnings.is_empty()) {
                Ok(Ending::Warned(format!("{}; see the warnings", nothing(findings))))
            } else if outcomes.iter().all(|outcome| outcome.status == StepStatus::Skipped) {
                Ok(Ending::Skipped("nothing to scan".to_owned()))
            } else {
                Ok(Ending::Passed(nothing(findings)))
            }
        }
    }
}

/// A run that wrote the baseline did not gate: what it let pass is counted.
fn written(count: usize, findings: &[Finding]) -> String {
    let open: Vec<&Finding> = findings.iter().filter(|finding| finding.is_open()).collect();
    let counts = Some(Counts::words(&open)).filter(|words| !words.is_empty());
    let counts = counts.map(|words| format!(" ({words})")).unwrap_or_default();
    format!("{} written to the baseline, none gated{counts}: BASELINE_WRITE=true", plural(count, "finding"))
}

/// `2 high, 9 unscored (FAIL_ON_HIGH=true)`: what fails, and the settings that make it fail, each once.
fn gated(failing: &[&Finding]) -> String {
    let mut settings: Vec<&str> = Vec::new();
    for setting in failing.iter().filter_map(|finding| finding.failed_by()).flat_map(|words| words.split(", ")) {
        if !settings.contains(&setting) {
            settings.push(setting);
        }
    }
    format!("{} ({})", Counts::words(failing), settings.join(", "))
}

/// `nothing found`, or what was let pass.
fn nothing(findings: &[Finding]) -> String {
    let count = |wanted: fn(&Status) -> bool| findings.iter().filter(|finding| wanted(&finding.status)).count();
    let known = count(|status| matches!(status, Status::Known));
    let ignored = count(|status| matches!(status, Status::Ignored { until: Some(_), .. }));
    let allowed = count(|status| matches!(status, Status::Ignored { until: None, .. }));
    let let_pass: Vec<String> = [(known, "known"), (ignored, "ignored"), (allowed, "allowed in the line")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if let_pass.is_empty() { "nothing found".to_owned() } else { format!("nothing new ({})", let_pass.join(", ")) }
}
