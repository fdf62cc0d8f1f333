//! The declaration of security-pipe's variables. A scanner's own are declared beside it.

use std::time::Duration;

use pipe_core::spec::{Group, Kind, Output, Spec, Var};

use crate::scanner::{dependencies, sbom, secrets};

/// [`crate::write::rendering`] gives their values.
const OUTPUTS: &[Output] = &[
    Output::new("critical", "How many open findings are critical"),
    Output::new("high", "How many open findings are high"),
    Output::new("medium", "How many open findings are medium"),
    Output::new("low", "How many open findings are low"),
    Output::new("unscored", "How many open findings have no score"),
    Output::new("failing", "How many findings fail the gate"),
];

pub static SPEC: Spec = Spec {
    name: "security-pipe",
    summary: "Finds secrets and vulnerable dependencies, writes an SBOM, and fails the run by severity",
    category: "Security",
    version: env!("CARGO_PKG_VERSION"),
    groups: &[
        Group { title: "Scans", vars: SCANS },
        Group { title: "Gate", vars: GATE },
        Group { title: "Advisories", vars: dependencies::VARS },
        Group { title: "Scope and reports", vars: FILES },
        Group { title: "Accepted from other pipelines", vars: LATER },
    ],
    outputs: OUTPUTS,
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

pub(crate) const LATER: &[&Var] = &[
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
    "Limits the time of each scan. A scan that takes longer is treated as a scan error.",
)
.default("10m");
pub(crate) const ON_SCAN_ERROR: Var =
    Var::choice("ON_SCAN_ERROR", &["fail", "warn"], "Sets what a scan that could not run does to the verdict.")
        .values(&[("fail", "exits with 3"), ("warn", "prints a warning and continues")])
        .default("fail");

pub(crate) const GATE_MODE: Var =
    Var::choice("GATE_MODE", &["block", "warn"], "Sets what the gate does with findings.")
        .values(&[
            ("block", "fails the run"),
            ("warn", "reports everything and exits with 0 instead of 1. A scan that could not run still exits with 3"),
        ])
        .default("block");
pub(crate) const FAIL_ON_CRITICAL: Var =
    Var::flag("FAIL_ON_CRITICAL", "Fails the run on findings of critical severity.")
        .or("does not fail the run on their severity, except on malicious packages")
        .default("true")
        .shared();
pub(crate) const FAIL_ON_HIGH: Var =
    Var::flag("FAIL_ON_HIGH", "Fails the run on findings of high or critical severity.")
        .or("does not fail the run on high severity")
        .default("false")
        .shared();
pub(crate) const FAIL_ON_MEDIUM: Var =
    Var::flag("FAIL_ON_MEDIUM", "Fails the run on findings of medium, high or critical severity.")
        .or("does not fail the run on medium severity")
        .default("false")
        .shared();
pub(crate) const FAIL_ON_SECRETS: Var = Var::flag("FAIL_ON_SECRETS", "Fails the run on every secret.")
    .or("never fails the run on a secret")
    .unset("secrets are gated by their severity: critical for the token of a provider, medium for a generic secret")
    .shared();
pub(crate) const CVSS_THRESHOLD: Var = Var::new(
    "CVSS_THRESHOLD",
    Kind::Number { min: 0.0, max: 10.0 },
    "Fails the run on advisories with at least this CVSS score, in addition to the gated severities. An advisory without \
     a score counts with the lowest score of its severity, which UNSCORED_SEVERITY sets if it has none.",
)
.unset("no score fails the run")
.example("7.0");
/// What each word does that sets the severity of advisories without one.
const ASSUMED: &[(&str, &str)] = &[
    ("critical", "counts these advisories as critical"),
    ("high", "counts these advisories as high"),
    ("medium", "counts these advisories as medium"),
    ("low", "counts these advisories as low"),
    ("none", "never gates on these advisories"),
];
pub(crate) const UNSCORED_SEVERITY: Var = Var::choice(
    "UNSCORED_SEVERITY",
    &["critical", "high", "medium", "low", "none"],
    "Sets the severity assumed for advisories without a score.",
)
.values(ASSUMED)
.default("high");
pub(crate) const INFORMATIONAL_SEVERITY: Var = Var::choice(
    "INFORMATIONAL_SEVERITY",
    &["critical", "high", "medium", "low", "none"],
    "Sets the severity assumed for informational advisories (unmaintained, unsound).",
)
.values(ASSUMED)
.default("none");
pub(crate) const IGNORE_UNFIXED: Var = Var::flag(
    "IGNORE_UNFIXED",
    "Reports advisories without a fixed version, and does not gate on them. Malicious packages always fail.",
)
.or("gates on them like on any other")
.default("false");
pub(crate) const DEV_DEPENDENCIES: Var = Var::choice(
    "DEV_DEPENDENCIES",
    &["gate", "warn"],
    "Sets what happens with advisories of development dependencies. Malicious packages always fail.",
)
.values(&[("gate", "gates on them"), ("warn", "reports them without gating")])
.default("gate");
pub(crate) const IGNORE_FILE: Var = Var::path(
    "IGNORE_FILE",
    "Ignores the findings listed in this file, each with a reason and an expiry date. On a pull request the file is read \
     from the target branch.",
)
.unset("`.pipewright/ignore.toml` is read if it exists, in WORKING_DIR or else in the root of the repository")
.example(".pipewright/ignore.toml");
pub(crate) const BASELINE_FILE: Var = Var::path(
    "BASELINE_FILE",
    "Counts the findings listed in this file as known, and does not gate on them. On a pull request the file is read \
     from the target branch.",
)
.unset("`.pipewright/baseline.json` is read if it exists, in WORKING_DIR or else in the root of the repository")
.example(".pipewright/baseline.json");
pub(crate) const BASELINE_WRITE: Var = Var::flag(
    "BASELINE_WRITE",
    "Writes the current findings to BASELINE_FILE instead of gating on them. The run ends as WARNED, or fails on \
         malicious packages, which no baseline covers. On a pull request it exits with 2.",
)
.or("gates on findings")
.default("false");

pub(crate) const SCAN_PATHS: Var =
    Var::list("SCAN_PATHS", "Limits the scan to these paths or globs, relative to WORKING_DIR.")
        .unset("everything is scanned")
        .example("services/api,libs/**/src");
pub(crate) const EXCLUDE_PATHS: Var =
    Var::list("EXCLUDE_PATHS", "Leaves these paths or globs out of the scan, relative to WORKING_DIR.")
        .unset("only untracked files that Git ignores are left out")
        .example("testdata/**,docs");
pub(crate) const REPORT_FORMAT: Var = Var::new(
    "REPORT_FORMAT",
    Kind::Choices(&["json", "sarif", "junit", "markdown", "html"], &[]),
    "Lists the reports to write. `json` is always written. `html` is not available in this version, and a run that asks \
     for it exits with 3.",
)
.default("json,sarif,junit,markdown");
pub(crate) const SARIF_FILE: Var =
    Var::path("SARIF_FILE", "Names the SARIF report below REPORTS_DIR.").default("results.sarif");

pub(crate) const SAST_SCAN: Var =
    Var::flag("SAST_SCAN", "Analyses the sources.").or("analyses no sources").default("false").later();
pub(crate) const IAC_SCAN: Var =
    Var::flag("IAC_SCAN", "Checks charts and manifests.").or("checks none").default("false").later();
pub(crate) const HELM_CHART_PATH: Var =
    Var::path("HELM_CHART_PATH", "Names the chart that IAC_SCAN checks. It has no effect without IAC_SCAN.")
        .default("./helm-chart")
        .part_of("IAC_SCAN");
pub(crate) const HELM_VALUES_FILE: Var = Var::path(
    "HELM_VALUES_FILE",
    "Names the values that IAC_SCAN renders the chart with. It has no effect without IAC_SCAN.",
)
.unset("the values of the chart are used")
.part_of("IAC_SCAN");
pub(crate) const DOCKERFILE_SCAN: Var =
    Var::flag("DOCKERFILE_SCAN", "Checks a Dockerfile.").or("checks none").default("false").later();
pub(crate) const DOCKERFILE_PATH: Var = Var::path(
    "DOCKERFILE_PATH",
    "Names the file that DOCKERFILE_SCAN checks. It has no effect without DOCKERFILE_SCAN.",
)
.default("./Dockerfile")
.part_of("DOCKERFILE_SCAN");
pub(crate) const CONTAINER_SCAN: Var =
    Var::flag("CONTAINER_SCAN", "Scans a container image.").or("scans no image").default("false").later();
pub(crate) const CONTAINER_IMAGE: Var =
    Var::text("CONTAINER_IMAGE", "Names the image that CONTAINER_SCAN scans. It has no effect without CONTAINER_SCAN.")
        .unset("CONTAINER_SCAN has nothing to scan")
        .aliases(&["IMAGE"])
        .required("when CONTAINER_SCAN is true")
        .example("ghcr.io/org/app:1.2")
        .part_of("CONTAINER_SCAN");
pub(crate) const TRIVY_SEVERITY: Var = Var::list(
    "TRIVY_SEVERITY",
    "Lists the severities that TRIVY_EXIT_CODE applies to. It has no effect without CONTAINER_SCAN.",
)
.unset("it applies to all severities")
.part_of("CONTAINER_SCAN");
pub(crate) const TRIVY_EXIT_CODE: Var = Var::new(
    "TRIVY_EXIT_CODE",
    Kind::Integer { min: 0, max: 255 },
    "Fails the run on findings of TRIVY_SEVERITY in the image, unless it is 0. It has no effect without CONTAINER_SCAN.",
)
.unset("they do not fail the run")
.part_of("CONTAINER_SCAN");
pub(crate) const LICENSE_DENY: Var =
    Var::list("LICENSE_DENY", "Fails the run on these licences.").unset("no licence fails the run").later();
pub(crate) const LICENSE_ALLOW: Var =
    Var::list("LICENSE_ALLOW", "Fails the run on any other licence.").unset("all licences are allowed").later();
pub(crate) const SBOM_FILE: Var =
    Var::path("SBOM_FILE", "Looks up the packages of this SBOM.").unset("lockfiles are read").later();
