//! Settings of the gate that can only make the verdict stricter: each is applied, or the run says that it is not.

use pipe_core::env::Vars;
use pipe_core::spec::Var;

use crate::scanner::dependencies::DB_STALE;
use crate::vars::{
    CVSS_THRESHOLD, FAIL_ON_CRITICAL, FAIL_ON_HIGH, FAIL_ON_MEDIUM, FAIL_ON_SECRETS, INFORMATIONAL_SEVERITY,
    UNSCORED_SEVERITY,
};

/// The parts of a run that decide which settings have an effect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    /// OSV_DB_COMPILE.
    pub(crate) compiles: bool,
    /// SECRETS_SCAN.
    pub(crate) secrets: bool,
    /// SCA_SCAN.
    pub(crate) dependencies: bool,
}

/// What a setting needs to have an effect.
#[derive(Debug, Clone, Copy)]
enum Need {
    AnyScan,
    Secrets,
    Dependencies,
}

/// The settings with what each needs, and whether it is one in this run: some of their values are more lenient.
fn demands(vars: &mut Vars) -> [(&'static Var, Need, bool); 8] {
    let flag = |vars: &mut Vars, var| vars.maybe_flag(var) == Some(true);
    let choice = |vars: &mut Vars, var, value: &str| vars.is_set(var) && vars.choice(var) == Some(value);
    [
        (&FAIL_ON_CRITICAL, Need::AnyScan, flag(vars, &FAIL_ON_CRITICAL)),
        (&FAIL_ON_HIGH, Need::AnyScan, flag(vars, &FAIL_ON_HIGH)),
        (&FAIL_ON_MEDIUM, Need::AnyScan, flag(vars, &FAIL_ON_MEDIUM)),
        (&FAIL_ON_SECRETS, Need::Secrets, flag(vars, &FAIL_ON_SECRETS)),
        (&CVSS_THRESHOLD, Need::Dependencies, vars.is_set(&CVSS_THRESHOLD)),
        (&UNSCORED_SEVERITY, Need::Dependencies, choice(vars, &UNSCORED_SEVERITY, "critical")),
        (
            &INFORMATIONAL_SEVERITY,
            Need::Dependencies,
            vars.is_set(&INFORMATIONAL_SEVERITY) && vars.choice(&INFORMATIONAL_SEVERITY) != Some("none"),
        ),
        (&DB_STALE, Need::Dependencies, choice(vars, &DB_STALE, "fail")),
    ]
}

/// Adds a problem for each setting that has no effect in this run. A bare name that others read as well is set for the
/// whole job: it is a sentence of the result, so that the run does not end as passed.
pub(crate) fn check(vars: &mut Vars, scope: Scope) -> Vec<String> {
    let mut sentences = Vec::new();
    for (var, need, asked) in demands(vars) {
        if let Some(why) = scope.why_not(need).filter(|_| asked)
            && let Some(typed) = vars.without_effect(var, why)
        {
            sentences.push(format!("{typed} {why}"));
        }
    }
    sentences
}

impl Scope {
    /// Why a setting with this need has no effect, with the way out.
    fn why_not(self, need: Need) -> Option<&'static str> {
        if self.compiles {
            return Some("has no effect with OSV_DB_COMPILE. Unset it");
        }
        match need {
            Need::AnyScan if !self.secrets && !self.dependencies => {
                Some("has no effect with SECRETS_SCAN=false and SCA_SCAN=false. Set one of them to true, or unset it")
            }
            Need::Secrets if !self.secrets => {
                Some("has no effect with SECRETS_SCAN=false. Set SECRETS_SCAN=true, or unset it")
            }
            Need::Dependencies if !self.dependencies => {
                Some("has no effect with SCA_SCAN=false. Set SCA_SCAN=true, or unset it")
            }
            _ => None,
        }
    }
}
