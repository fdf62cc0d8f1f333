//! The declaration of security-pipe's variables. A scanner's own are declared beside it.

use std::time::Duration;

use pipe_core::spec::{Group, Kind, Spec, Var};

use crate::scanner::{dependencies, sbom, secrets};

pub static SPEC: Spec = Spec {
    name: "security-pipe",
    summary: "Finds secrets and vulnerable dependencies, writes an SBOM, and gates on what it found",
    category: "Security",
    version: env!("CARGO_PKG_VERSION"),
    groups: &[
        Group { title: "Scans", vars: SCANS },
        Group { title: "Gate", vars: GATE },
        Group { title: "Advisories", vars: dependencies::VARS },
        Group { title: "What is scanned and written", vars: FILES },
        Group { title: "Accepted from other pipelines", vars: LATER },
    ],
    timeout: "30m",
    grace: Duration::from_millis(1500),
};

const SCANS: &[&Var] = &[
    &secrets::SECRETS_SCAN,
    &dependencies::SCA_SCAN,
    &sbom::SBOM_GENERATE,
    &sbom::SBOM_FORMAT,
    &SCAN_TIMEOUT,
    &ON_SCAN_ERROR,
];

const GATE: &[&Var] = &[
    &GATE_MODE,
    &FAIL_ON_CRITICAL,
    &FAIL_ON_HIGH,
    &FAIL_ON_MEDIUM,
    &FAIL_ON_SECRETS,
    &CVSS_THRESHOLD,
    &UNSCORED_SEVERITY,
    &INFORMATIONAL_SEVERITY,
    &IGNORE_UNFIXED,
    &DEV_DEPENDENCIES,
    &IGNORE_FILE,
    &BASELINE_FILE,
    &BASELINE_WRITE,
];

const FILES: &[&Var] = &[&SCAN_PATHS, &EXCLUDE_PATHS, &REPORT_FORMAT, &SARIF_FILE];

const LATER: &[&Var] = &[
    &SAST_SCAN,
    &IAC_SCAN,
    &HELM_CHART_PATH,
    &HELM_VALUES_FILE,
    &DOCKERFILE_SCAN,
    &DOCKERFILE_PATH,
    &CONTAINER_SCAN,
    &CONTAINER_IMAGE,
    &TRIVY_SEVERITY,
    &TRIVY_EXIT_CODE,
    &LICENSE_DENY,
    &LICENSE_ALLOW,
    &SBOM_FILE,
];

pub(crate) const SCAN_TIMEOUT: Var = Var::new(
    "SCAN_TIMEOUT",
    Kind::Duration,
    "The longest any one scan may take; if unset, 10 minutes. A scan that takes longer counts as one that could not run.",
)
.default("10m");
pub(crate) const ON_SCAN_ERROR: Var = Var::choice(
    "ON_SCAN_ERROR",
    &["fail", "warn"],
    "What a scan that could not run does to the verdict: `fail` is exit 3, `warn` says so and goes on; if unset, fail.",
)
.default("fail");

pub(crate) const GATE_MODE: Var = Var::choice(
    "GATE_MODE",
    &["block", "warn"],
    "`warn` turns the gate's exit 1 into 0 and still reports everything; it never hides exit 3; if unset, block.",
)
.default("block");
pub(crate) const FAIL_ON_CRITICAL: Var =
    Var::flag("FAIL_ON_CRITICAL", "Findings of critical severity fail the run; if unset, true.").default("true");
pub(crate) const FAIL_ON_HIGH: Var =
    Var::flag("FAIL_ON_HIGH", "Findings of high severity, and so critical ones too, fail the run; if unset, false.")
        .default("false");
pub(crate) const FAIL_ON_MEDIUM: Var = Var::flag(
    "FAIL_ON_MEDIUM",
    "Findings of medium severity, and so high and critical ones too, fail the run; if unset, false.",
)
.default("false");
pub(crate) const FAIL_ON_SECRETS: Var = Var::flag(
    "FAIL_ON_SECRETS",
    "true: every secret fails the run; false: none does; if unset, secrets gate by their severity (a provider's token \
     is critical, a generic one medium).",
);
pub(crate) const CVSS_THRESHOLD: Var = Var::new(
    "CVSS_THRESHOLD",
    Kind::Number { min: 0.0, max: 10.0 },
    "Advisories with at least this CVSS score fail the run, besides the severities that do; if unset, no score does.",
)
.example("7.0");
pub(crate) const UNSCORED_SEVERITY: Var = Var::choice(
    "UNSCORED_SEVERITY",
    &["critical", "high", "medium", "low", "none"],
    "The severity by which an advisory without any score is gated; `none` never gates; if unset, high.",
)
.default("high");
pub(crate) const INFORMATIONAL_SEVERITY: Var = Var::choice(
    "INFORMATIONAL_SEVERITY",
    &["critical", "high", "medium", "low", "none"],
    "The severity by which informational advisories (unmaintained, unsound) are gated; if unset, `none`: they never are.",
)
.default("none");
pub(crate) const IGNORE_UNFIXED: Var =
    Var::flag("IGNORE_UNFIXED", "Advisories without a fixed version are reported and do not gate; if unset, false.")
        .default("false");
pub(crate) const DEV_DEPENDENCIES: Var = Var::choice(
    "DEV_DEPENDENCIES",
    &["gate", "warn"],
    "`warn` reports advisories of development dependencies without gating on them; if unset, gate.",
)
.default("gate");
pub(crate) const IGNORE_FILE: Var = Var::path(
    "IGNORE_FILE",
    "Findings to ignore, each with a reason and an expiry; if unset, `.pipewright/ignore.toml` where it exists. On a \
     pull request it is read from the target branch.",
)
.example(".pipewright/ignore.toml");
pub(crate) const BASELINE_FILE: Var = Var::path(
    "BASELINE_FILE",
    "Findings known before, which are counted and do not gate; if unset, `.pipewright/baseline.json` where it exists. \
     On a pull request it is read from the target branch.",
)
.example(".pipewright/baseline.json");
pub(crate) const BASELINE_WRITE: Var = Var::flag(
    "BASELINE_WRITE",
    "Writes the present findings to BASELINE_FILE instead of gating on them; if unset, false.",
)
.default("false");

pub(crate) const SCAN_PATHS: Var = Var::list(
    "SCAN_PATHS",
    "Paths or globs, relative to WORKING_DIR, outside of which nothing is scanned; if unset, everything is.",
)
.example("services/api,libs/**/src");
pub(crate) const EXCLUDE_PATHS: Var = Var::list(
    "EXCLUDE_PATHS",
    "Paths or globs, relative to WORKING_DIR, that are not scanned; if unset, nothing is left out but untracked files \
     that Git ignores.",
)
.example("testdata/**,docs");
pub(crate) const REPORT_FORMAT: Var = Var::new(
    "REPORT_FORMAT",
    Kind::Choices(&["json", "sarif", "junit", "markdown", "html"], &[]),
    "The reports to write; json is always written, html is not in this version; if unset, all the others are.",
)
.default("json,sarif,junit,markdown");
pub(crate) const SARIF_FILE: Var =
    Var::path("SARIF_FILE", "The name of the SARIF report below REPORTS_DIR; if unset, `results.sarif`.")
        .default("results.sarif");

pub(crate) const SAST_SCAN: Var =
    Var::flag("SAST_SCAN", "Static analysis of the sources; if unset, false.").default("false").later();
pub(crate) const IAC_SCAN: Var =
    Var::flag("IAC_SCAN", "Checks charts and manifests; if unset, false.").default("false").later();
pub(crate) const HELM_CHART_PATH: Var =
    Var::path("HELM_CHART_PATH", "The chart that IAC_SCAN checks; without IAC_SCAN it has no effect.")
        .default("./helm-chart")
        .part_of("IAC_SCAN");
pub(crate) const HELM_VALUES_FILE: Var = Var::path(
    "HELM_VALUES_FILE",
    "The values that IAC_SCAN renders the chart with; without IAC_SCAN it has no effect.",
)
.part_of("IAC_SCAN");
pub(crate) const DOCKERFILE_SCAN: Var =
    Var::flag("DOCKERFILE_SCAN", "Checks a Dockerfile; if unset, false.").default("false").later();
pub(crate) const DOCKERFILE_PATH: Var =
    Var::path("DOCKERFILE_PATH", "The file that DOCKERFILE_SCAN checks; without DOCKERFILE_SCAN it has no effect.")
        .default("./Dockerfile")
        .part_of("DOCKERFILE_SCAN");
pub(crate) const CONTAINER_SCAN: Var =
    Var::flag("CONTAINER_SCAN", "Scans a container image; if unset, false.").default("false").later();
pub(crate) const CONTAINER_IMAGE: Var =
    Var::text("CONTAINER_IMAGE", "The image that CONTAINER_SCAN scans; without CONTAINER_SCAN it has no effect.")
        .aliases(&["IMAGE"])
        .required("when CONTAINER_SCAN is true")
        .example("ghcr.io/org/app:1.2")
        .part_of("CONTAINER_SCAN");
pub(crate) const TRIVY_SEVERITY: Var = Var::list(
    "TRIVY_SEVERITY",
    "The severities that TRIVY_EXIT_CODE is about; without CONTAINER_SCAN it has no effect.",
)
.part_of("CONTAINER_SCAN");
pub(crate) const TRIVY_EXIT_CODE: Var = Var::new(
    "TRIVY_EXIT_CODE",
    Kind::Integer { min: 0, max: 255 },
    "Not 0: findings of TRIVY_SEVERITY in the image fail the run; without CONTAINER_SCAN it has no effect.",
)
.part_of("CONTAINER_SCAN");
pub(crate) const LICENSE_DENY: Var =
    Var::list("LICENSE_DENY", "Licences that fail the run; if unset, none does.").later();
pub(crate) const LICENSE_ALLOW: Var =
    Var::list("LICENSE_ALLOW", "The only licences that are allowed; if unset, all are.").later();
pub(crate) const SBOM_FILE: Var =
    Var::path("SBOM_FILE", "An SBOM whose packages are looked up; if unset, lockfiles are read.").later();
