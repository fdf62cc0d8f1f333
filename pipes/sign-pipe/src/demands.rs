//! Variables that can only make the verdict stricter: each is applied, or the run says that it is not.

use pipe_core::env::Vars;
use pipe_core::spec::{Kind, Var};

use crate::signing_options::{COSIGN_PUBLIC_KEY, SIGNATURE_ANNOTATIONS};
use crate::targets::{EXPECTED_DIGEST, RECURSIVE};
use crate::verification_options::{
    FAIL_ON_CRITICAL, FAIL_ON_HIGH, MAX_AGE_DAYS, REQUIRE_ATTESTATIONS, REQUIRE_SCT, REQUIRE_TLOG, of_certificates,
};

/// The parts of a run that decide which variables have an effect.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Scope {
    /// ACTION=generate-key-pair.
    pub(crate) generates: bool,
    /// VERIFY.
    pub(crate) verifies: bool,
    /// Verified are signatures by a key, and why.
    pub(crate) by_key: Option<ByKey>,
    /// COSIGN_PUBLIC_KEY was compared with the key that signs.
    pub(crate) key_compared: bool,
    /// There are only files.
    pub(crate) only_files: bool,
    /// REQUIRE_ATTESTATIONS lists scan results.
    pub(crate) scans: bool,
}

/// Why a key is what signatures are verified with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByKey {
    /// COSIGN_PUBLIC_KEY is set.
    Named,
    /// The run signs with a key, and names no other signer.
    Signs,
}

/// What a variable needs to have an effect.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Need {
    Image,
    Verification,
    /// Verification, or a private key to compare it with.
    VerificationOrKey,
    Certificate,
    VerifiedImage,
    Attestation,
    Scan,
}

fn demands() -> Vec<(&'static Var, Need)> {
    let mut demands: Vec<(&'static Var, Need)> = vec![
        (&EXPECTED_DIGEST, Need::Image),
        (&RECURSIVE, Need::Image),
        (&SIGNATURE_ANNOTATIONS, Need::Image),
        (&COSIGN_PUBLIC_KEY, Need::VerificationOrKey),
        (&REQUIRE_TLOG, Need::Verification),
        (&REQUIRE_SCT, Need::Certificate),
        (&REQUIRE_ATTESTATIONS, Need::VerifiedImage),
        (&MAX_AGE_DAYS, Need::Attestation),
        (&FAIL_ON_CRITICAL, Need::Scan),
        (&FAIL_ON_HIGH, Need::Scan),
    ];
    demands.extend(of_certificates().map(|var| (var, Need::Certificate)));
    demands
}

/// Adds a problem for each variable that has no effect in this run. A bare name that others read as well is set for the
/// whole job: it is a notice and a clause of the last line, so that the run does not end as passed.
pub(crate) fn check(vars: &mut Vars, scope: Scope) -> Vec<String> {
    let mut clauses = Vec::new();
    for (var, need) in demands() {
        let asked = if var.kind == Kind::Bool { vars.maybe_flag(var) == Some(true) } else { vars.is_set(var) };
        let why = asked.then(|| scope.why_not(need, vars.is_set(&REQUIRE_ATTESTATIONS))).flatten();
        if let Some(why) = why
            && let Some(typed) = vars.without_effect(var, why)
        {
            vars.notice(format!("{typed} {why}"));
            clauses.push(format!("{typed} has no effect"));
        }
    }
    clauses
}

impl Scope {
    /// Why a variable with this need has no effect, with the way out.
    fn why_not(self, need: Need, attestations: bool) -> Option<&'static str> {
        if self.generates {
            return Some("has no effect with ACTION=generate-key-pair. Set ACTION=run, or unset it");
        }
        if need == Need::VerificationOrKey && self.key_compared {
            return None;
        }
        if need != Need::Image && !self.verifies {
            return Some("has no effect with VERIFY=false. Set VERIFY=true, or unset it");
        }
        let of_images = matches!(need, Need::Image | Need::VerifiedImage | Need::Attestation | Need::Scan);
        if of_images && self.only_files {
            return Some("has no effect on files. Set IMAGE, or unset it");
        }
        match need {
            Need::Certificate => match self.by_key? {
                ByKey::Named => Some(
                    "has no effect on signatures by a key, and COSIGN_PUBLIC_KEY is set. Unset COSIGN_PUBLIC_KEY, or unset it",
                ),
                ByKey::Signs => Some(
                    "has no effect on signatures by a key, and this run signs with one. Set SIGNING_MODE=keyless, or unset it",
                ),
            },
            Need::Attestation if !attestations => {
                Some("has no effect without REQUIRE_ATTESTATIONS. Set REQUIRE_ATTESTATIONS, or unset it")
            }
            Need::Scan if !self.scans => {
                Some("has no effect unless REQUIRE_ATTESTATIONS lists vuln. Add vuln to it, or unset the variable")
            }
            _ => None,
        }
    }
}
