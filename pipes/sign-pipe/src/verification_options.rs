//! The variables about accepted signers and required attestations.

use std::time::Duration;

use pipe_core::env::Vars;
use pipe_core::spec::{Kind, Var};
use pipe_evidence::key::PublicKey;
use pipe_evidence::policy::{Check, Requirement, Severity};
use pipe_evidence::sbom::SbomFormat;
use pipe_evidence::statement::predicate;
use pipe_evidence::verify::{IdentityRule, Pattern};

use crate::key_text::names_a_key;
use crate::signing_options::COSIGN_PUBLIC_KEY;

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

pub(crate) const VERIFY: Var =
    Var::flag("VERIFY", "Verifies signatures and attestations, including those that this run has just written.")
        .or("only signs")
        .default("true");
pub(crate) const CERTIFICATE_IDENTITY: Var = Var::text(
    "CERTIFICATE_IDENTITY",
    "Accepts signatures by this identity: the URI of a workflow, or an email address.",
)
.unset("CERTIFICATE_IDENTITY_REGEXP or CERTIFICATE_REPOSITORY decides, or the identity that this run signs with")
.required("to verify keyless signatures, unless CERTIFICATE_IDENTITY_REGEXP or CERTIFICATE_REPOSITORY is set")
.example("https://github.com/org/app/.github/workflows/release.yml@refs/heads/main");
pub(crate) const CERTIFICATE_IDENTITY_REGEXP: Var = Var::text(
    "CERTIFICATE_IDENTITY_REGEXP",
    "Accepts signatures by identities that match this regular expression. Without ^ and $ it may match anywhere in the \
     identity, as with cosign.",
)
.unset("CERTIFICATE_IDENTITY is compared exactly")
.example("^https://github\\.com/org/app/");
pub(crate) const CERTIFICATE_OIDC_ISSUER: Var =
    Var::text("CERTIFICATE_OIDC_ISSUER", "Sets the OIDC issuer that must have issued the identity.")
        .unset("CERTIFICATE_OIDC_ISSUER_REGEXP decides, or the issuer of the token that this run signs with")
        .required("to verify keyless signatures, unless CERTIFICATE_OIDC_ISSUER_REGEXP is set")
        .example("https://token.actions.githubusercontent.com");
const CERTIFICATE_OIDC_ISSUER_REGEXP: Var =
    Var::text("CERTIFICATE_OIDC_ISSUER_REGEXP", "Accepts issuers that match this regular expression.")
        .unset("CERTIFICATE_OIDC_ISSUER is compared exactly");
const CERTIFICATE_REPOSITORY: Var = Var::text(
    "CERTIFICATE_REPOSITORY",
    "Accepts only certificates that name this source repository: a URL or `org/app`.",
)
.unset("any repository is accepted")
.aliases(&["CERTIFICATE_GITHUB_WORKFLOW_REPOSITORY"])
.example("org/app");
const CERTIFICATE_REF: Var =
    Var::text("CERTIFICATE_REF", "Accepts only certificates that name this source branch or full ref.")
        .unset("any ref is accepted")
        .aliases(&["CERTIFICATE_GITHUB_WORKFLOW_REF"])
        .example("refs/heads/main");
const CERTIFICATE_COMMIT: Var =
    Var::text("CERTIFICATE_COMMIT", "Accepts only certificates that name this source commit.")
        .unset("any commit is accepted")
        .aliases(&["CERTIFICATE_GITHUB_WORKFLOW_SHA"]);
const CERTIFICATE_WORKFLOW_NAME: Var =
    Var::text("CERTIFICATE_WORKFLOW_NAME", "Accepts only certificates that name this GitHub workflow.")
        .unset("any workflow is accepted")
        .aliases(&["CERTIFICATE_GITHUB_WORKFLOW_NAME"]);
const CERTIFICATE_TRIGGER: Var = Var::text(
    "CERTIFICATE_TRIGGER",
    "Accepts only certificates that name this event as the start of the run that signed.",
)
.unset("any event is accepted")
.aliases(&["CERTIFICATE_GITHUB_WORKFLOW_TRIGGER"])
.example("push");
pub(crate) const REQUIRE_TLOG: Var = Var::flag(
    "REQUIRE_TLOG",
    "Accepts only signatures with an entry in a transparency log.",
)
.or("accepts signatures without an entry in a log too")
.unset(
    "it is `true` for certificates (except those of SIGSTORE_INSTANCE=github, which have timestamps instead) and \
         `false` for keys",
);
pub(crate) const REQUIRE_SCT: Var = Var::flag("REQUIRE_SCT", "Accepts only certificates that were logged.")
    .or("accepts certificates that were not logged too")
    .unset("it is `true` if the trusted root contains a log of certificates");
pub(crate) const REQUIRE_ATTESTATIONS: Var = Var::list(
    "REQUIRE_ATTESTATIONS",
    "Lists the attestations that must exist and verify: `cyclonedx`, `spdx`, `sbom` (either of the two), `provenance`, \
     `vuln`, `openvex` or any predicate type. An SBOM must list at least one component. A scan result (`vuln`) must be a \
     scan of the image within FAIL_ON_CRITICAL and FAIL_ON_HIGH.",
)
.unset("a signature is required, and no attestation")
.example("sbom,provenance");
pub(crate) const MAX_AGE_DAYS: Var = Var::new(
    "MAX_AGE_DAYS",
    Kind::Integer { min: 1, max: 36_500 },
    "Sets the maximum age of a required attestation in days.",
)
.unset("any age is accepted");
pub(crate) const FAIL_ON_CRITICAL: Var =
    Var::flag("FAIL_ON_CRITICAL", "Fails the run if a required scan result has critical findings.")
        .or("accepts critical findings")
        .default("true")
        .shared();
pub(crate) const FAIL_ON_HIGH: Var =
    Var::flag("FAIL_ON_HIGH", "Fails the run if a required scan result has high or critical findings.")
        .or("accepts high findings")
        .default("false")
        .shared();

/// The variables about what a certificate must say.
pub(crate) fn of_certificates() -> impl Iterator<Item = &'static Var> {
    VARS.iter().copied().filter(|var| var.name.starts_with("CERTIFICATE_"))
}

/// The accepted signer, and the attestations that are required.
pub(crate) struct VerificationOptions {
    /// COSIGN_PUBLIC_KEY. Each of them is accepted.
    pub(crate) keys: Vec<PublicKey>,
    /// What a certificate must say. The signer of this run adds what is not set.
    pub(crate) rule: IdentityRule,
    pub(crate) require_log: Option<bool>,
    pub(crate) require_sct: Option<bool>,
    pub(crate) requirements: Vec<Requirement>,
}

impl VerificationOptions {
    pub(crate) fn from_vars(vars: &mut Vars) -> VerificationOptions {
        let keys = public_keys(vars);
        let rule = IdentityRule {
            identity: pattern(vars, &CERTIFICATE_IDENTITY, &CERTIFICATE_IDENTITY_REGEXP),
            issuer: pattern(vars, &CERTIFICATE_OIDC_ISSUER, &CERTIFICATE_OIDC_ISSUER_REGEXP),
            repository: vars.text(&CERTIFICATE_REPOSITORY),
            git_ref: vars.text(&CERTIFICATE_REF),
            commit: vars.text(&CERTIFICATE_COMMIT),
            workflow: vars.text(&CERTIFICATE_WORKFLOW_NAME),
            trigger: vars.text(&CERTIFICATE_TRIGGER),
        };
        VerificationOptions {
            keys,
            rule,
            require_log: vars.maybe_flag(&REQUIRE_TLOG),
            require_sct: vars.maybe_flag(&REQUIRE_SCT),
            requirements: requirements(vars),
        }
    }

    /// Whether a scan result is required.
    pub(crate) fn requires_scan(&self) -> bool {
        let scan = |requirement: &Requirement| requirement.types.iter().any(|uri| uri == predicate::VULNERABILITIES);
        self.requirements.iter().any(scan)
    }

    /// Whether an identity is accepted.
    pub(crate) fn names_identity(&self) -> bool {
        self.rule.names_signer()
    }

    /// Whether a certificate must say anything at all.
    pub(crate) fn restricts_certificate(&self) -> bool {
        !self.rule.accepts_all()
    }
}

fn public_keys(vars: &mut Vars) -> Vec<PublicKey> {
    let Some(text) = vars.text(&COSIGN_PUBLIC_KEY) else { return Vec::new() };
    if names_a_key(vars, &COSIGN_PUBLIC_KEY, &text) {
        return Vec::new();
    }
    match PublicKey::all_from_pem(&text) {
        Ok(keys) => keys,
        Err(error) => {
            vars.problem(&COSIGN_PUBLIC_KEY, error.to_string());
            Vec::new()
        }
    }
}

fn pattern(vars: &mut Vars, exact: &'static Var, regex: &'static Var) -> Option<Pattern> {
    let text = vars.text(exact);
    let source = vars.text(regex);
    match (text, source) {
        (Some(_), Some(_)) => {
            vars.problem(regex, format!("both this and {} are set. Set one", exact.name));
            None
        }
        (Some(text), None) => Some(Pattern::exact(text)),
        (None, Some(source)) => {
            if !source.starts_with('^') {
                vars.notice(format!("{}={source:?} has no ^, so it may match anywhere in the text", regex.name));
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
        if types.iter().any(|uri| SbomFormat::of_type(uri).is_some()) {
            checks.push(Check::Sbom);
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
