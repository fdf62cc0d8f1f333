//! The end of a run. Everything is in the reports already; this says which of it counts.

use pipe_core::Context;
use pipe_core::advice::with_advice;
use pipe_core::exit::Ending;
use pipe_core::platform::SAY_WHETHER;
use pipe_core::report::StepStatus;
use pipe_core::text::{first_and_more, plural};

use crate::finding::{Finding, Status};
use crate::gate::Counts;
use crate::ledger::{Class, Ledger};
use crate::plan::Scan;
use crate::policy::{Applied, Counting};
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

/// The verdict as [`judged`]. Its reason ends with what to set if nothing says whether the run is for a pull request, and
/// the working tree's own policy files would have let more pass.
pub(crate) fn of(plan: &Scan, told: &Told<'_>, ctx: &Context) -> Result<Ending, Ending> {
    let decides = told.applied.of_a_push.as_ref().is_some_and(|of_a_push| *of_a_push < Counting::of(told.findings));
    let add = |reason: String| format!("{reason}. Policy files do not apply. {SAY_WHETHER}");
    match judged(plan, told, ctx) {
        Err(Ending::Failed(reason)) if decides => Err(Ending::Failed(add(reason))),
        Err(Ending::Unable(reason)) if decides => Err(Ending::Unable(add(reason))),
        Ok(Ending::Warned(reason)) if decides => Ok(Ending::Warned(add(reason))),
        other => other,
    }
}

/// The verdict, whose reason is a summary: what it counts stands above it in full.
fn judged(plan: &Scan, told: &Told<'_>, ctx: &Context) -> Result<Ending, Ending> {
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pipe_core::Context;
    use pipe_core::env::Vars;
    use pipe_core::exit::Ending;
    use pipe_core::report::StepStatus;
    use pipe_core::severity::Severity;

    use super::{Told, of};
    use crate::finding::tests::{advisory, malware, secret};
    use crate::finding::{Finding, Status};
    use crate::ledger::{Ledger, Reason};
    use crate::plan::{Plan, Work};
    use crate::policy::Applied;
    use crate::scanner::Outcome;
    use crate::{Config, SPEC};

    /// What a run came to know, each part of it empty unless a row of the table fills it.
    #[derive(Default)]
    struct Run {
        ledger: Ledger,
        outcomes: Vec<Outcome>,
        findings: Vec<Finding>,
        applied: Applied,
        later: Vec<String>,
    }

    fn outcome(status: StepStatus, warnings: &[&str]) -> Outcome {
        Outcome {
            name: "secrets",
            status,
            looked_at: String::new(),
            detail: String::new(),
            counts: Vec::new(),
            warnings: warnings.iter().map(|warning| (*warning).to_owned()).collect(),
            elapsed: Duration::ZERO,
        }
    }

    /// The verdict and its reason, of a run with one scanner that ran and what `fill` adds.
    fn ending(env: &[(&str, &str)], fill: &dyn Fn(&mut Run)) -> String {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("a.txt"), "a\n").unwrap();
        let env = env.iter().map(|(name, value)| (name.into(), value.into()));
        let mut vars = Vars::load(&SPEC, env, folder.path(), folder.path());
        let ctx = Context::new(&SPEC, &mut vars, folder.path());
        let config = Config::from_vars(&mut vars, &ctx).unwrap();
        assert_eq!(vars.problems(), []);
        let Work::Scan(plan) = Plan::new(&config, &ctx).work else { panic!("not a scan") };
        let mut run = Run { outcomes: vec![outcome(StepStatus::Ran, &[])], ..Run::default() };
        fill(&mut run);
        plan.gate.judge(&mut run.findings);
        let Run { ledger, outcomes, findings, applied, later } = &run;
        match of(&plan, &Told { ledger, outcomes, findings, applied, later }, &ctx) {
            Ok(Ending::Passed(why)) => format!("passed: {why}"),
            Ok(Ending::Warned(why)) => format!("warned: {why}"),
            Ok(Ending::Skipped(why)) => format!("skipped: {why}"),
            Err(Ending::Failed(why)) => format!("failed: {why}"),
            Err(Ending::Unable(why)) => format!("unable: {why}"),
            other => panic!("{other:?}"),
        }
    }

    /// The variables, what the run came to know, and how it ends.
    type Row<'a> = (&'a [(&'a str, &'a str)], &'a dyn Fn(&mut Run), &'a str);

    const TOLERANT: &[(&str, &str)] = &[("ON_SCAN_ERROR", "warn")];
    const WARNING: &[(&str, &str)] = &[("GATE_MODE", "warn")];
    const WRITING: &[(&str, &str)] = &[("BASELINE_WRITE", "true")];

    fn unread(run: &mut Run) {
        run.ledger.leave_out("dependencies", Reason::Broken, "Cargo.lock", "");
    }

    fn critical(run: &mut Run) {
        run.findings.push(secret(Severity::Critical));
    }

    /// Each thing that a run can come to know, alone: only a run that knows nothing of the kind passes.
    #[test]
    fn everything_that_is_not_good_keeps_a_run_from_passing() {
        let problem = |run: &mut Run| run.applied.unable.push("no base".to_owned());
        let later = |run: &mut Run| run.later.push("sast".to_owned());
        let low = |run: &mut Run| run.findings.push(advisory(Some(Severity::Low)));
        let pointer = |run: &mut Run| run.ledger.leave_out("tree", Reason::LfsPointer, "a", "");
        let by_rule = |run: &mut Run| run.ledger.leave_out("tree", Reason::Binary, "a", "");
        let policy = |run: &mut Run| run.applied.warnings.push("changed".to_owned());
        let scanner = |run: &mut Run| run.outcomes.push(outcome(StepStatus::Ran, &["old"]));
        let one_skipped = |run: &mut Run| run.outcomes.push(outcome(StepStatus::Skipped, &[]));
        let all_skipped = |run: &mut Run| run.outcomes = vec![outcome(StepStatus::Skipped, &[])];
        let let_pass = |run: &mut Run| {
            for status in [
                Status::Known,
                Status::Ignored { reason: "why".into(), until: Some("2027-01-01".parse().unwrap()) },
                Status::Ignored { reason: "gitleaks:allow".into(), until: None },
            ] {
                run.findings.push(Finding { status, ..secret(Severity::Critical) });
            }
        };
        let rows: &[Row<'_>] = &[
            (&[], &|_| {}, "passed: nothing found"),
            (&[], &by_rule, "passed: nothing found"),
            (&[], &one_skipped, "passed: nothing found"),
            (&[], &let_pass, "passed: nothing new (1 known, 1 ignored, 1 allowed in the line)"),
            (&[], &all_skipped, "skipped: nothing to scan"),
            (&[], &scanner, "warned: nothing found; see the warnings"),
            (&[], &policy, "warned: nothing found; see the warnings"),
            (&[], &pointer, "warned: nothing found; not known: 1 LFS pointer"),
            (&[], &low, "warned: 1 low, none gated"),
            (&[], &later, "unable: sast is not in this version"),
            (TOLERANT, &later, "unable: sast is not in this version"),
            (&[], &problem, "unable: 1 policy file not applied"),
            (TOLERANT, &problem, "unable: 1 policy file not applied"),
            (&[], &unread, "unable: 1 unreadable lockfile"),
            (TOLERANT, &unread, "warned: could not find out: 1 unreadable lockfile (ON_SCAN_ERROR=warn)"),
            (&[], &critical, "failed: 1 critical (FAIL_ON_CRITICAL=true)"),
            (TOLERANT, &critical, "failed: 1 critical (FAIL_ON_CRITICAL=true)"),
            (WARNING, &critical, "warned: 1 critical (FAIL_ON_CRITICAL=true), not blocked: GATE_MODE=warn"),
            (WARNING, &unread, "unable: 1 unreadable lockfile"),
        ];
        for (number, (env, fill, expected)) in rows.iter().enumerate() {
            assert_eq!(ending(env, *fill), *expected, "row {number}, {env:?}");
        }
    }

    #[test]
    fn what_fails_and_what_could_not_be_found_out_are_both_said() {
        let both = |run: &mut Run| {
            critical(run);
            unread(run);
        };
        assert_eq!(
            ending(&[], &both),
            "failed: 1 critical (FAIL_ON_CRITICAL=true); also could not find out: 1 unreadable lockfile"
        );
        assert_eq!(
            ending(WARNING, &both),
            "unable: 1 unreadable lockfile; also 1 critical (FAIL_ON_CRITICAL=true), not blocked: GATE_MODE=warn"
        );
    }

    #[test]
    fn a_run_that_writes_the_baseline_passes_neither_malware_nor_a_scan_that_did_not_run() {
        assert!(ending(WRITING, &|_| {}).starts_with("warned: 0 findings written"));
        let low = |run: &mut Run| run.findings.push(advisory(Some(Severity::Low)));
        let written = "warned: 1 finding written to the baseline, none gated (1 low): BASELINE_WRITE=true";
        assert_eq!(ending(WRITING, &low), written);
        assert_eq!(ending(WRITING, &unread), "unable: 1 unreadable lockfile");
        assert!(ending(&[WRITING, TOLERANT].concat(), &unread).starts_with("warned: could not find out"));
        let evil = |run: &mut Run| run.findings.push(malware());
        assert!(ending(WRITING, &evil).starts_with("failed: 1 malicious package"));
        assert!(ending(&[WRITING, WARNING].concat(), &evil).starts_with("warned: 0 findings written"));
    }
}
