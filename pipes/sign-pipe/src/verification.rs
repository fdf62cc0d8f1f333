//! Whose signatures count, and what has to be attested.

use std::time::Duration;

use pipe_core::env::Vars;
use pipe_core::spec::{Kind, Var};
use pipe_evidence::key::PublicKey;
use pipe_evidence::policy::{Check, Requirement, Severity};
use pipe_evidence::statement::predicate;
use pipe_evidence::verify::{IdentityRule, Pattern};

use crate::signing::COSIGN_PUBLIC_KEY;

pub(crate) const VARS: &[&Var] = &[
    &VERIFY,
    &CERTIFICATE_IDENTITY,
    &CERTIFICATE_IDENTITY_REGEXP,
    &CERTIFICATE_OIDC_ISSUER,
    &CERTIFICATE_OIDC_ISSUER_REGEXP,
    &CERTIFICATE_REPOSITORY,
    &CERTIFICATE_REF,
    &CERTIFICATE_COMMIT,
    &CERTIFICATE_WORKFLOW_NAME,
    &CERTIFICATE_TRIGGER,
    &REQUIRE_TLOG,
    &REQUIRE_SCT,
    &REQUIRE_ATTESTATIONS,
    &MAX_AGE_DAYS,
    &FAIL_ON_CRITICAL,
    &FAIL_ON_HIGH,
];

pub(crate) const VERIFY: Var = Var::flag(
    "VERIFY",
    "Verifies signature and attestations, after signing as a check of what was written; false only signs; if unset, true.",
)
.default("true");
pub(crate) const CERTIFICATE_IDENTITY: Var = Var::text(
    "CERTIFICATE_IDENTITY",
    "The identity that must have signed: the workflow's URI, or an address; if unset, CERTIFICATE_IDENTITY_REGEXP or \
     CERTIFICATE_REPOSITORY, or the identity of this run where it signs.",
)
.required("to verify keyless signatures, unless CERTIFICATE_IDENTITY_REGEXP or CERTIFICATE_REPOSITORY is set")
.example("https://github.com/org/app/.github/workflows/release.yml@refs/heads/main");
pub(crate) const CERTIFICATE_IDENTITY_REGEXP: Var = Var::text(
    "CERTIFICATE_IDENTITY_REGEXP",
    "A pattern for it; without ^ and $ it may be found anywhere in the identity, as with cosign. If unset, the identity \
     is given exactly.",
)
.example("^https://github\\.com/org/app/");
pub(crate) const CERTIFICATE_OIDC_ISSUER: Var = Var::text(
    "CERTIFICATE_OIDC_ISSUER",
    "Who must have vouched for the identity; if unset, CERTIFICATE_OIDC_ISSUER_REGEXP, or the issuer of this run's token \
     where it signs.",
)
.required("to verify keyless signatures, unless CERTIFICATE_OIDC_ISSUER_REGEXP is set")
.example("https://token.actions.githubusercontent.com");
const CERTIFICATE_OIDC_ISSUER_REGEXP: Var =
    Var::text("CERTIFICATE_OIDC_ISSUER_REGEXP", "A pattern for the issuer; if unset, it is given exactly.");
const CERTIFICATE_REPOSITORY: Var = Var::text(
    "CERTIFICATE_REPOSITORY",
    "The repository that the image must have been built from, as the certificate says: a URL or `org/app`; if unset, any.",
)
.aliases(&["CERTIFICATE_GITHUB_WORKFLOW_REPOSITORY"])
.example("org/app");
const CERTIFICATE_REF: Var =
    Var::text("CERTIFICATE_REF", "The branch or the whole ref that it must have been built from; if unset, any.")
        .aliases(&["CERTIFICATE_GITHUB_WORKFLOW_REF"])
        .example("refs/heads/main");
const CERTIFICATE_COMMIT: Var =
    Var::text("CERTIFICATE_COMMIT", "The commit that it must have been built from; if unset, any.")
        .aliases(&["CERTIFICATE_GITHUB_WORKFLOW_SHA"]);
const CERTIFICATE_WORKFLOW_NAME: Var =
    Var::text("CERTIFICATE_WORKFLOW_NAME", "The name of the GitHub workflow that must have signed; if unset, any.")
        .aliases(&["CERTIFICATE_GITHUB_WORKFLOW_NAME"]);
const CERTIFICATE_TRIGGER: Var =
    Var::text("CERTIFICATE_TRIGGER", "The event that must have started the run that signed; if unset, any.")
        .aliases(&["CERTIFICATE_GITHUB_WORKFLOW_TRIGGER"])
        .example("push");
const REQUIRE_TLOG: Var = Var::flag(
    "REQUIRE_TLOG",
    "Accepts only what is in a transparency log; if unset, true for certificates (except GitHub's private ones, which \
     have a timestamp instead) and false for keys.",
);
const REQUIRE_SCT: Var = Var::flag(
    "REQUIRE_SCT",
    "Accepts only certificates that were logged; if unset, true where the trusted root knows such a log.",
);
const REQUIRE_ATTESTATIONS: Var = Var::list(
    "REQUIRE_ATTESTATIONS",
    "The attestations that must be there and verify: cyclonedx, spdx, slsaprovenance1, vuln, openvex or any predicate \
     type; `sbom` is either of the first two. An SBOM has to list something, a scan result (vuln) has to be of the image \
     and within FAIL_ON_CRITICAL and FAIL_ON_HIGH. If unset, none.",
)
.example("sbom,slsaprovenance1");
const MAX_AGE_DAYS: Var = Var::new(
    "MAX_AGE_DAYS",
    Kind::Integer { min: 1, max: 36_500 },
    "The age at which a required attestation no longer counts; if unset, none does.",
);
const FAIL_ON_CRITICAL: Var =
    Var::flag("FAIL_ON_CRITICAL", "A required scan result fails by critical findings; if unset, true.").default("true");
const FAIL_ON_HIGH: Var =
    Var::flag("FAIL_ON_HIGH", "A required scan result fails by high findings too; if unset, false.").default("false");

/// What is verified, and how.
pub(crate) struct Verification {
    pub(crate) key: Option<PublicKey>,
    /// What was said of the certificate; who signs here fills in the rest.
    pub(crate) rule: IdentityRule,
    pub(crate) require_log: Option<bool>,
    pub(crate) require_sct: Option<bool>,
    pub(crate) requirements: Vec<Requirement>,
}

impl Verification {
    pub(crate) fn from_vars(vars: &mut Vars) -> Option<Verification> {
        let wanted = vars.flag(&VERIFY);
        let key = vars.text(&COSIGN_PUBLIC_KEY).and_then(|text| match PublicKey::from_pem(&text) {
            Ok(key) => Some(key),
            Err(error) => {
                vars.problem(&COSIGN_PUBLIC_KEY, error.to_string());
                None
            }
        });
        let rule = IdentityRule {
            identity: pattern(vars, &CERTIFICATE_IDENTITY, &CERTIFICATE_IDENTITY_REGEXP),
            issuer: pattern(vars, &CERTIFICATE_OIDC_ISSUER, &CERTIFICATE_OIDC_ISSUER_REGEXP),
            repository: vars.text(&CERTIFICATE_REPOSITORY),
            git_ref: vars.text(&CERTIFICATE_REF),
            commit: vars.text(&CERTIFICATE_COMMIT),
            workflow: vars.text(&CERTIFICATE_WORKFLOW_NAME),
            trigger: vars.text(&CERTIFICATE_TRIGGER),
        };
        let verification = Verification {
            key,
            rule,
            require_log: vars.maybe_flag(&REQUIRE_TLOG),
            require_sct: vars.maybe_flag(&REQUIRE_SCT),
            requirements: requirements(vars),
        };
        wanted.then_some(verification)
    }

    /// Whether anything was said of certificates.
    pub(crate) fn names_identity(&self) -> bool {
        self.rule.identity.is_some() || self.rule.repository.is_some()
    }
}

fn pattern(vars: &mut Vars, exact: &'static Var, regex: &'static Var) -> Option<Pattern> {
    let text = vars.text(exact);
    let source = vars.text(regex);
    match (text, source) {
        (Some(_), Some(_)) => {
            vars.problem(regex, format!("both this and {} are set; set one", exact.name));
            None
        }
        (Some(text), None) => Some(Pattern::exact(text)),
        (None, Some(source)) => {
            if !source.starts_with('^') {
                vars.notice(format!("{}={source:?} has no ^: it matches anywhere in the text", regex.name));
            }
            match Pattern::regex(&source) {
                Ok(pattern) => Some(pattern),
                Err(problem) => {
                    vars.problem(regex, problem);
                    None
                }
            }
        }
        (None, None) => None,
    }
}

fn requirements(vars: &mut Vars) -> Vec<Requirement> {
    const DAY: u64 = 24 * 60 * 60;
    let age = vars.integer(&MAX_AGE_DAYS).map(|days| Check::MaxAge(Duration::from_secs(days * DAY)));
    let (critical, high) = (vars.flag(&FAIL_ON_CRITICAL), vars.flag(&FAIL_ON_HIGH));
    let severity = match (critical, high) {
        (_, true) => Some(Severity::High),
        (true, false) => Some(Severity::Critical),
        (false, false) => None,
    };
    let mut requirements = Vec::new();
    for name in vars.list(&REQUIRE_ATTESTATIONS) {
        let types = match name.as_str() {
            "sbom" => vec![predicate::CYCLONEDX.to_owned(), predicate::SPDX.to_owned()],
            "provenance" => vec![predicate::PROVENANCE.to_owned(), predicate::PROVENANCE_0_2.to_owned()],
            other => match predicate::uri(other) {
                Some(uri) => vec![uri.to_owned()],
                None => {
                    vars.problem(
                        &REQUIRE_ATTESTATIONS,
                        format!("{name:?}: expected sbom, provenance, vuln or another predicate type"),
                    );
                    continue;
                }
            },
        };
        let mut checks = Vec::new();
        if types.iter().any(|uri| uri == predicate::CYCLONEDX || uri == predicate::SPDX) {
            checks.push(Check::SbomNotEmpty);
        }
        if types.iter().any(|uri| uri == predicate::VULNERABILITIES) {
            checks.push(Check::ScanOfImage);
            checks.extend(severity.map(Check::NoFindingsFrom));
        }
        checks.extend(age.clone());
        requirements.push(Requirement { name, types, checks });
    }
    requirements
}
