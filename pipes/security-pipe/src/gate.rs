//! The gate: which findings fail a run.

use std::borrow::Cow;

use pipe_core::env::Vars;
use serde::{Serialize, Serializer};

use crate::finding::{Finding, Gated, Kind, Rating, Status, Vulnerability};
use crate::vars::{
    CVSS_THRESHOLD, DEV_DEPENDENCIES, FAIL_ON_CRITICAL, FAIL_ON_HIGH, FAIL_ON_MEDIUM, FAIL_ON_SECRETS, GATE_MODE,
    IGNORE_UNFIXED, INFORMATIONAL_SEVERITY, UNSCORED_SEVERITY,
};
use pipe_core::severity::Severity;
use pipe_packages::package::Scope;

/// In place of the setting by which a finding fails: none lets malware pass.
const MALWARE: &str = "malware always fails";

/// The gate's settings.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Gate {
    /// Findings that fail are reported and the run passes all the same.
    pub(crate) warn_only: bool,
    /// The lowest severity that fails, and the setting that says so.
    from: Option<(Severity, &'static str)>,
    secrets: Option<bool>,
    cvss: Option<f64>,
    /// `None` never gates.
    unscored: Option<Severity>,
    informational: Option<Severity>,
    ignore_unfixed: bool,
    warn_development: bool,
}

impl Gate {
    pub(crate) fn from_vars(vars: &mut Vars) -> Gate {
        let (medium, high, critical) =
            (vars.flag(&FAIL_ON_MEDIUM), vars.flag(&FAIL_ON_HIGH), vars.flag(&FAIL_ON_CRITICAL));
        let from = if medium {
            Some((Severity::Medium, "FAIL_ON_MEDIUM=true"))
        } else if high {
            Some((Severity::High, "FAIL_ON_HIGH=true"))
        } else if critical {
            Some((Severity::Critical, "FAIL_ON_CRITICAL=true"))
        } else {
            None
        };
        Gate {
            warn_only: vars.choice(&GATE_MODE) == Some("warn"),
            from,
            secrets: vars.maybe_flag(&FAIL_ON_SECRETS),
            cvss: vars.number(&CVSS_THRESHOLD),
            unscored: vars.choice(&UNSCORED_SEVERITY).and_then(Severity::from_name),
            informational: vars.choice(&INFORMATIONAL_SEVERITY).and_then(Severity::from_name),
            ignore_unfixed: vars.flag(&IGNORE_UNFIXED),
            warn_development: vars.choice(&DEV_DEPENDENCIES) == Some("warn"),
        }
    }

    /// For the plan: one sentence a setting, as it is set.
    pub(crate) fn in_words<S: Serializer>(gate: &Gate, serializer: S) -> Result<S::Ok, S::Error> {
        let mut words = vec![match gate.from {
            Some((severity, setting)) => format!("findings from {} up fail ({setting})", severity.as_str()),
            None => "no severity fails (FAIL_ON_CRITICAL=false)".to_owned(),
        }];
        words.push("malicious packages fail, whatever the settings of severity, scope and fixes".to_owned());
        words.extend(gate.secrets.map(|fail| match fail {
            true => "every secret fails (FAIL_ON_SECRETS=true)".to_owned(),
            false => "no secret fails (FAIL_ON_SECRETS=false)".to_owned(),
        }));
        words.extend(
            gate.cvss.map(|score| format!("advisories of CVSS {score} and more fail (CVSS_THRESHOLD={score})")),
        );
        words.push(match gate.unscored {
            Some(severity) => format!("unscored findings count as {0} (UNSCORED_SEVERITY={0})", severity.as_str()),
            None => "unscored findings never fail (UNSCORED_SEVERITY=none)".to_owned(),
        });
        words.push(match gate.informational {
            Some(severity) => {
                format!("informational advisories count as {0} (INFORMATIONAL_SEVERITY={0})", severity.as_str())
            }
            None => "informational advisories never fail (INFORMATIONAL_SEVERITY=none)".to_owned(),
        });
        if gate.ignore_unfixed {
            words.push("advisories without a fixed version never fail (IGNORE_UNFIXED=true)".to_owned());
        }
        if gate.warn_development {
            words.push("development dependencies never fail (DEV_DEPENDENCIES=warn)".to_owned());
        }
        if gate.warn_only {
            words.push("findings that fail are reported and do not block (GATE_MODE=warn)".to_owned());
        }
        serializer.collect_seq(words)
    }

    /// Marks every finding with what the gate makes of it.
    pub(crate) fn judge(&self, findings: &mut [Finding]) {
        for finding in findings {
            finding.gated = finding.is_open().then(|| self.verdict(finding));
        }
    }

    /// Marks malware only: the rest of a run that writes the baseline is not judged.
    pub(crate) fn judge_malware(&self, findings: &mut [Finding]) {
        for finding in findings.iter_mut().filter(|finding| finding.is_malware() && finding.is_open()) {
            finding.gated = Some(self.verdict(finding));
        }
    }

    fn verdict(&self, finding: &Finding) -> Gated {
        let passes = |why: &'static str| Gated::Passes(why.into());
        // What a setting says of a whole kind comes before severity.
        match &finding.kind {
            Kind::Secret { .. } => match self.secrets {
                Some(true) => return Gated::Fails("FAIL_ON_SECRETS=true".into()),
                Some(false) => return passes("FAIL_ON_SECRETS=false"),
                None => {}
            },
            Kind::Vulnerability(Vulnerability { package, .. }) => {
                if self.warn_development && package.scope == Scope::Development {
                    return passes("DEV_DEPENDENCIES=warn");
                }
                if self.ignore_unfixed && package.fixed.is_empty() {
                    return passes("IGNORE_UNFIXED=true");
                }
            }
            // It runs where it is installed, whether it ships or not, and has no fix to wait for.
            Kind::Malware(_) => return Gated::Fails(MALWARE.into()),
            Kind::Misconfiguration => {}
        }
        let (severity, because) = match finding.rating() {
            Rating::Informational => match self.informational {
                Some(severity) => (severity, "INFORMATIONAL_SEVERITY"),
                None => return passes("informational"),
            },
            Rating::Unscored => match self.unscored {
                Some(severity) => (severity, "UNSCORED_SEVERITY"),
                None => return passes("UNSCORED_SEVERITY=none"),
            },
            Rating::Critical => (Severity::Critical, ""),
            Rating::High => (Severity::High, ""),
            Rating::Medium => (Severity::Medium, ""),
            Rating::Low => (Severity::Low, ""),
        };
        let setting = |name: Cow<'static, str>| match because {
            "" => name,
            because => format!("{name}, {because}={}", severity.as_str()).into(),
        };
        if let Some((from, name)) = self.from
            && severity >= from
        {
            return Gated::Fails(setting(name.into()));
        }
        if let Some(threshold) = self.cvss
            && finding.package().is_some()
        {
            let score = finding.score().unwrap_or_else(|| severity.lowest_score());
            if f64::from(score) >= threshold {
                return Gated::Fails(setting(format!("CVSS_THRESHOLD={threshold}").into()));
            }
        }
        passes("below the gate")
    }
}

/// Findings by what they are worth, for reports and the last line.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Counts {
    pub(crate) critical: usize,
    pub(crate) high: usize,
    pub(crate) medium: usize,
    pub(crate) low: usize,
    pub(crate) unscored: usize,
    pub(crate) informational: usize,
    /// In the baseline; the counts above are of new ones only.
    pub(crate) known: usize,
    pub(crate) ignored: usize,
    pub(crate) failing: usize,
}

impl Counts {
    pub(crate) fn of(findings: &[Finding]) -> Counts {
        let mut counts = Counts::default();
        for finding in findings {
            match finding.status {
                Status::Known => counts.known += 1,
                Status::Ignored { .. } => counts.ignored += 1,
                Status::New => {
                    counts.failing += usize::from(finding.fails());
                    *match finding.rating() {
                        Rating::Informational => &mut counts.informational,
                        Rating::Unscored => &mut counts.unscored,
                        Rating::Critical => &mut counts.critical,
                        Rating::High => &mut counts.high,
                        Rating::Medium => &mut counts.medium,
                        Rating::Low => &mut counts.low,
                    } += 1;
                }
            }
        }
        counts
    }

    /// `1 malicious package, 1 critical, 2 unscored`, or nothing. Malware is critical too and counted here only.
    pub(crate) fn words(findings: &[&Finding]) -> String {
        let malware = findings.iter().filter(|finding| finding.is_malware()).count();
        let mut words: Vec<(usize, String)> = Vec::new();
        if malware > 0 {
            words.push((malware, (if malware == 1 { "malicious package" } else { "malicious packages" }).to_owned()));
        }
        for finding in findings.iter().filter(|finding| !finding.is_malware()) {
            let word = finding.rating().as_str().to_lowercase();
            match words.iter_mut().find(|(_, known)| *known == word) {
                Some((count, _)) => *count += 1,
                None => words.push((1, word)),
            }
        }
        words.into_iter().map(|(count, word)| format!("{count} {word}")).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use pipe_core::env::Vars;

    use super::{Counts, Gate};
    use crate::finding::tests::{advisory, malware, secret};
    use crate::finding::{Finding, Gated, Kind, Status};
    use crate::vars::SPEC;
    use pipe_core::severity::Severity;
    use pipe_packages::package::Scope;

    fn gate(env: &[(&str, &str)]) -> Gate {
        let env = env.iter().map(|(name, value)| (name.into(), value.into()));
        let mut vars = Vars::load(&SPEC, env, Path::new("/"), Path::new("/"));
        assert_eq!(vars.problems(), []);
        Gate::from_vars(&mut vars)
    }

    fn fails(env: &[(&str, &str)], finding: &Finding) -> bool {
        let mut findings = [finding.clone()];
        gate(env).judge(&mut findings);
        findings[0].fails()
    }

    #[test]
    fn severities_gate_as_the_flags_say() {
        let severities = [Severity::Critical, Severity::High, Severity::Medium, Severity::Low];
        let gated = |env: &[(&str, &str)]| severities.map(|severity| fails(env, &advisory(Some(severity))));
        assert_eq!(gated(&[]), [true, false, false, false]);
        assert_eq!(gated(&[("FAIL_ON_CRITICAL", "false")]), [false, false, false, false]);
        assert_eq!(gated(&[("FAIL_ON_HIGH", "true"), ("FAIL_ON_CRITICAL", "false")]), [true, true, false, false]);
        assert_eq!(gated(&[("FAIL_ON_MEDIUM", "true")]), [true, true, true, false]);
    }

    #[test]
    fn an_unscored_advisory_is_gated_as_told_and_high_by_default() {
        let unscored = advisory(None);
        assert!(!fails(&[], &unscored));
        assert!(fails(&[("FAIL_ON_HIGH", "true")], &unscored));
        assert!(fails(&[("UNSCORED_SEVERITY", "critical")], &unscored));
        assert!(!fails(
            &[("UNSCORED_SEVERITY", "none"), ("FAIL_ON_MEDIUM", "true"), ("CVSS_THRESHOLD", "0")],
            &unscored
        ));
    }

    #[test]
    fn a_score_gates_only_where_a_threshold_is_set() {
        let mut medium = advisory(Some(Severity::Medium));
        medium.vulnerability_mut().score = Some(6.5);
        assert!(!fails(&[], &medium));
        assert!(fails(&[("CVSS_THRESHOLD", "6.5")], &medium));
        assert!(!fails(&[("CVSS_THRESHOLD", "6.6")], &medium));
        // A database's word without a score counts as the lowest score of its rating.
        assert!(fails(&[("CVSS_THRESHOLD", "7")], &advisory(Some(Severity::High))));
        assert!(!fails(&[("CVSS_THRESHOLD", "7.1")], &advisory(Some(Severity::High))));
    }

    #[test]
    fn secrets_gate_by_severity_unless_told() {
        let (critical, medium) = (secret(Severity::Critical), secret(Severity::Medium));
        assert!(fails(&[], &critical));
        assert!(!fails(&[], &medium));
        assert!(fails(&[("FAIL_ON_SECRETS", "true"), ("FAIL_ON_CRITICAL", "false")], &medium));
        assert!(!fails(&[("FAIL_ON_SECRETS", "false")], &critical));
        assert!(!fails(&[("FAIL_ON_CRITICAL", "false")], &critical));
        assert!(!fails(&[("CVSS_THRESHOLD", "0"), ("FAIL_ON_CRITICAL", "false")], &critical));
    }

    #[test]
    fn informational_advisories_gate_only_when_asked() {
        let mut finding = advisory(None);
        finding.vulnerability_mut().informational = Some("unmaintained".to_owned());
        assert!(!fails(&[("FAIL_ON_MEDIUM", "true"), ("CVSS_THRESHOLD", "0")], &finding));
        assert!(fails(&[("INFORMATIONAL_SEVERITY", "critical")], &finding));
    }

    #[test]
    fn development_and_unfixed_ones_are_let_pass_when_told() {
        let mut finding = advisory(Some(Severity::Critical));
        let package = &mut finding.vulnerability_mut().package;
        package.scope = Scope::Development;
        package.fixed.clear();
        assert!(fails(&[], &finding));
        assert!(!fails(&[("DEV_DEPENDENCIES", "warn")], &finding));
        assert!(!fails(&[("IGNORE_UNFIXED", "true")], &finding));
        finding.vulnerability_mut().package.scope = Scope::Unknown;
        finding.vulnerability_mut().package.fixed.push("2.0".to_owned());
        assert!(fails(&[("DEV_DEPENDENCIES", "warn"), ("IGNORE_UNFIXED", "true")], &finding));
    }

    /// Every setting that could weaken it, alone and all together.
    #[test]
    fn no_setting_but_warn_lets_malware_pass() {
        let settings = [
            ("FAIL_ON_CRITICAL", "false"),
            ("IGNORE_UNFIXED", "true"),
            ("DEV_DEPENDENCIES", "warn"),
            ("UNSCORED_SEVERITY", "none"),
            ("INFORMATIONAL_SEVERITY", "none"),
            ("CVSS_THRESHOLD", "10"),
            ("FAIL_ON_SECRETS", "false"),
        ];
        let mut finding = malware();
        let Kind::Malware(package) = &mut finding.kind else { panic!("not malware") };
        package.scope = Scope::Development;
        finding.severity = None;
        for setting in settings {
            assert!(fails(&[setting], &finding), "{setting:?}");
        }
        assert!(fails(&settings, &finding));
        let warned = [&settings[..], &[("GATE_MODE", "warn")]].concat();
        assert!(fails(&warned, &finding) && gate(&warned).warn_only, "reported as failing, and not blocked");
        finding.status = Status::Ignored { reason: "a fixture".into(), until: None };
        assert!(!fails(&[], &finding));
    }

    #[test]
    fn a_run_that_writes_the_baseline_judges_malware() {
        let mut findings = [malware(), advisory(Some(Severity::Critical))];
        gate(&[]).judge_malware(&mut findings);
        assert_eq!(findings.map(|finding| finding.fails()), [true, false]);
    }

    #[test]
    fn what_is_known_or_ignored_is_not_judged() {
        let mut known = advisory(Some(Severity::Critical));
        known.status = Status::Known;
        assert!(!fails(&[], &known));
        known.status = Status::Ignored { reason: "why".into(), until: None };
        assert!(!fails(&[], &known));
    }

    #[test]
    fn the_setting_that_fails_a_finding_is_named() {
        let mut findings = [advisory(None)];
        gate(&[("FAIL_ON_HIGH", "yes")]).judge(&mut findings);
        let expected = Gated::Fails("FAIL_ON_HIGH=true, UNSCORED_SEVERITY=high".into());
        assert_eq!(findings[0].gated, Some(expected));
    }

    #[test]
    fn counts_are_of_new_findings() {
        let mut findings = vec![advisory(Some(Severity::High)), advisory(None), secret(Severity::Critical)];
        findings[0].status = Status::Known;
        gate(&[]).judge(&mut findings);
        let counts = Counts::of(&findings);
        assert_eq!((counts.critical, counts.high, counts.unscored, counts.known, counts.failing), (1, 0, 1, 1, 1));
        assert_eq!(Counts::words(&findings.iter().collect::<Vec<_>>()), "1 high, 1 unscored, 1 critical");
        findings.extend([malware(), malware()]);
        let expected = "2 malicious packages, 1 high, 1 unscored, 1 critical";
        assert_eq!(Counts::words(&findings.iter().collect::<Vec<_>>()), expected);
    }
}
