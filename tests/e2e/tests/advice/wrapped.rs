//! Where fragments of errors get their advice.

/// Every text of some files reaches a reader through one place, which adds what to do.
pub(crate) struct Wrapped {
    /// The beginning of the paths of these files.
    pub(crate) files: &'static str,
    /// The file that adds the advice to every error that comes from them.
    pub(crate) by: &'static str,
    /// A text of that file.
    pub(crate) advice: &'static str,
}

const fn wrapped(files: &'static str, by: &'static str, advice: &'static str) -> Wrapped {
    Wrapped { files, by, advice }
}

/// The first that fits counts.
pub(crate) const WRAPPED: &[Wrapped] = &[
    // The problems of a configuration, under the names of their variables.
    wrapped("shared/core/src/env", "shared/core/src/run/lines.rs", HELP),
    wrapped("shared/core/src/run/lines.rs", "shared/core/src/run/lines.rs", HELP),
    wrapped("shared/evidence/src/key", "shared/core/src/run/lines.rs", HELP),
    wrapped("shared/oci/src/reference.rs", "shared/core/src/run/lines.rs", HELP),
    wrapped("shared/oci/src/credentials.rs", "shared/oci/src/error.rs", "Set DOCKER_USERNAME and DOCKER_PASSWORD"),
    // What each service that sends requests adds: a registry, Sigstore, the OSV API, a channel.
    wrapped("shared/core/src/http/", "shared/core/src/http/error.rs", "Check the scheme and the port of this URL."),
    wrapped("shared/core/src/aws", "pipes/sign-pipe/src/error.rs", "Check KMS_KEY and {credentials}."),
    wrapped("shared/oci/src/", "shared/oci/src/error.rs", "Run the job again"),
    wrapped("shared/core/src/publish.rs", "shared/core/src/publish.rs", "Run the job again to publish them"),
    wrapped(
        "shared/core/src/platform/github/files.rs",
        "shared/core/src/publish.rs",
        "Run the job again to publish them",
    ),
    // What each reader of files adds.
    wrapped("shared/core/src/fs.rs", "shared/core/src/env/find.rs", "Set it to a file that can be read"),
    wrapped(
        "shared/core/src/git",
        "pipes/security-pipe/src/execute.rs",
        "Mount the whole repository with its .git folder",
    ),
    wrapped("shared/core/src/trusted.rs", "shared/core/src/platform/base.rs", "Clone with full history"),
    wrapped(
        "shared/core/src/report/earlier.rs",
        "pipes/notify-pipe/src/reports.rs",
        "Remove it from REPORT_FILES, or run its pipe again",
    ),
    // The ledger has advice for each reason.
    wrapped("shared/packages/src/lockfile", LEDGER, "Write it again with its tool, or name it in EXCLUDE_PATHS"),
    wrapped("pipes/security-pipe/src/inventory", LEDGER, "Create it and commit it, or name this file in EXCLUDE_PATHS"),
    wrapped("pipes/security-pipe/src/scanner/dependencies/origin.rs", LEDGER, "Pin its version"),
    wrapped("pipes/security-pipe/src/scanner", LEDGER, "Split it, or name it in EXCLUDE_PATHS"),
    wrapped("pipes/security-pipe/src/tree", LEDGER, "Remove it, or name it in EXCLUDE_PATHS"),
    wrapped("pipes/security-pipe/src/ledger.rs", LEDGER, "Remove it, or correct it"),
    wrapped("pipes/security-pipe/src/messages.rs", LEDGER, "Remove it, or correct it"),
    wrapped(
        "shared/advisories/src/",
        "pipes/security-pipe/src/scanner/dependencies/advisories.rs",
        "Check OSV_DB_PATH",
    ),
    // Policies.
    wrapped("pipes/security-pipe/src/ignore_file.rs", "pipes/security-pipe/src/policy.rs", "Correct the file"),
    wrapped("pipes/security-pipe/src/baseline.rs", "pipes/security-pipe/src/policy.rs", "Run with BASELINE_WRITE=true"),
    // sign-pipe, by the variant of its error.
    wrapped("shared/evidence/src/sbom.rs", "pipes/sign-pipe/src/attestation/sbom.rs", "Check SBOM_FILE"),
    wrapped(
        "pipes/sign-pipe/src/attestation/scan.rs",
        "pipes/sign-pipe/src/attestation/scan.rs",
        "Scan again in this pipeline",
    ),
    wrapped(
        "pipes/sign-pipe/src/attestation/document.rs",
        "pipes/sign-pipe/src/attestation/custom.rs",
        "Check PREDICATE_FILE.",
    ),
    wrapped("pipes/sign-pipe/src/cloud.rs", SIGN, "Check KMS_KEY and {credentials}."),
    wrapped("pipes/sign-pipe/src/file_bundle.rs", SIGN, "Check FILES."),
    wrapped("pipes/sign-pipe/src/verification_run.rs", SIGN, "Check {variables}."),
    wrapped(
        "pipes/sign-pipe/src/signing_options.rs",
        "pipes/sign-pipe/src/signing_options.rs",
        "Set COSIGN_PRIVATE_KEY",
    ),
    wrapped("shared/evidence/src/fulcio.rs", KEYLESS, "Check FULCIO_URL, or sign with COSIGN_PRIVATE_KEY"),
    wrapped("shared/evidence/src/token.rs", KEYLESS, "Set `permissions: id-token: write` on the job"),
    wrapped("shared/evidence/src/github.rs", KEYLESS, "Set `permissions: id-token: write` on the job"),
    wrapped("shared/evidence/src/rekor", KEYLESS, "Check REKOR_URL, or set TLOG_UPLOAD=false"),
    wrapped("shared/evidence/src/timestamp.rs", KEYLESS, "Check TSA_URL"),
    wrapped("shared/evidence/src/trust/tuf.rs", KEYLESS, "Check TUF_URL, or set TRUSTED_ROOT"),
    wrapped("shared/evidence/src/trust", SIGN, "Check TRUSTED_ROOT."),
    wrapped("shared/evidence/src/", SIGN, "Check {variables}."),
    // notify-pipe.
    wrapped("pipes/notify-pipe/src/channel/", DELIVERY, "See {REPOSITORY}/blob/main/docs/notify/{kind}.md#errors"),
    wrapped("pipes/notify-pipe/src/delivery.rs", DELIVERY, "See {REPOSITORY}/blob/main/docs/notify/{kind}.md#errors"),
    wrapped("pipes/notify-pipe/src/ci_api", WHEN, "Set STATE_FILE, or a token that may read earlier runs"),
    wrapped("pipes/notify-pipe/src/run.rs", "pipes/notify-pipe/src/channel/pagerduty.rs", "Set {var}"),
    wrapped("pipes/notify-pipe/src/plan.rs", WHEN, "Set STATE_FILE, or a token that may read earlier runs"),
    wrapped("pipes/notify-pipe/src/log.rs", "pipes/notify-pipe/src/log.rs", "Set LOG_FILE to a readable file"),
    wrapped(
        "pipes/notify-pipe/src/template",
        "pipes/notify-pipe/src/compose.rs",
        "See {REPOSITORY}/blob/main/docs/notify/templates.md",
    ),
];

const HELP: &str = "help: every variable is described at";
const LEDGER: &str = "pipes/security-pipe/src/ledger.rs";
const SIGN: &str = "pipes/sign-pipe/src/error.rs";
const KEYLESS: &str = "shared/evidence/src/keyless.rs";
const DELIVERY: &str = "pipes/notify-pipe/src/delivery.rs";
const WHEN: &str = "pipes/notify-pipe/src/when.rs";

/// Files that word the last line of a run. Each of its counts has an error or a warning above it.
pub(crate) const SUMMARIES: &[&str] = &[
    "pipes/notify-pipe/src/execute.rs",
    "pipes/security-pipe/src/execute.rs",
    "pipes/security-pipe/src/verdict.rs",
    "pipes/sign-pipe/src/execute.rs",
    "pipes/sign-pipe/src/present.rs",
    "pipes/sign-pipe/src/resolve.rs",
    "shared/core/src/exit.rs",
    "shared/core/src/run/finish.rs",
];
