//! What the other pipes of this run reported, each as a line, and what was deployed.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::report::Earlier;
use pipe_core::spec::Var;
use serde::Deserialize;

use crate::message::Finding;
use crate::status::Status;

pub(crate) const REPORT_FILES: Var = Var::list(
    "REPORT_FILES",
    "Includes these reports of other pipes, relative to WORKING_DIR. If one of them cannot be used, the run exits with 3 \
     after the message was sent.",
)
.unset("the reports of this run in REPORTS_DIR are included")
.example("security-reports/security-pipe-report.json");

/// The pipes whose reports are looked for, in the order they run, with what they are called in a message.
const PIPES: [(&str, &str); 3] =
    [("security-pipe", "Security"), ("sign-pipe", "Signing"), ("deploy-pipe", "Deployment")];

/// Which reports are wanted.
#[derive(Debug, Default)]
pub(crate) struct ReportOptions(Vec<PathBuf>);

/// What was read.
#[derive(Debug, Default)]
pub(crate) struct Reports {
    pub(crate) findings: Vec<Finding>,
    pub(crate) deployment: Option<DeploymentReport>,
    /// Reports that are there and were not used, each a sentence.
    pub(crate) refused: Vec<String>,
    /// The same for reports that were asked for by name.
    pub(crate) unable: Vec<String>,
}

/// A deployment, from the section `deployment` of a deployment report.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct DeploymentReport {
    pub(crate) environment: Option<String>,
    pub(crate) release: Option<String>,
    pub(crate) image: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) revision: Option<u64>,
    pub(crate) commit: Option<String>,
    pub(crate) previous_commit: Option<String>,
    pub(crate) rolled_back: bool,
    pub(crate) reason: Option<String>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) finished_at: Option<Timestamp>,
}

#[derive(Deserialize)]
struct DeploySections {
    deployment: Option<DeploymentReport>,
}

#[derive(Deserialize)]
struct SecuritySections {
    counts: Option<Counts>,
}

#[derive(Deserialize)]
struct Counts {
    critical: u64,
    high: u64,
    medium: u64,
    low: u64,
    unscored: u64,
}

/// An image, from the section `images` of sign-pipe's report.
#[derive(Deserialize)]
struct SignSections {
    #[serde(default)]
    images: Vec<SignedImage>,
}

#[derive(Deserialize)]
struct SignedImage {
    image: String,
    #[serde(default)]
    digest: Option<String>,
    signed: bool,
    /// The predicate types that were attached.
    #[serde(default)]
    attestations: Vec<String>,
}

impl ReportOptions {
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> ReportOptions {
        let files: Vec<PathBuf> = vars.paths(&REPORT_FILES).into_iter().map(PathBuf::from).collect();
        if files.iter().any(|file| !ctx.workspace.dir.join(file).exists()) {
            vars.problem(&REPORT_FILES, "expected files that exist");
        }
        ReportOptions(files)
    }

    pub(crate) fn read(&self, ctx: &Context) -> Reports {
        let mut found = Reports::default();
        for file in &self.0 {
            match Earlier::read(&ctx.workspace.dir.join(file), ctx) {
                Ok(Some(report)) => found.add(&report),
                Ok(None) => found.unable.push(format!(
                    "failed to read {}: no such file. Set REPORT_FILES to files that exist",
                    file.display()
                )),
                Err(why) => found
                    .unable
                    .push(format!("{} {why}. Remove it from REPORT_FILES, or run its pipe again", file.display())),
            }
        }
        if self.0.is_empty() {
            for (pipe, _) in PIPES {
                let path = ctx.workspace.reports.join(format!("{pipe}-report.json"));
                match Earlier::read(&path, ctx) {
                    Ok(Some(report)) => found.add(&report),
                    Ok(None) => {}
                    Err(why) => found
                        .refused
                        .push(format!("{} {why}; skipping it. Remove it, or run the pipe again", name_of(&path))),
                }
            }
        }
        found
    }
}

impl Reports {
    fn add(&mut self, report: &Earlier) {
        let label = PIPES.iter().find(|(pipe, _)| *pipe == report.pipe()).map_or(report.pipe(), |(_, label)| label);
        let status = match report.verdict.as_str() {
            "passed" => Status::Success,
            "warned" => Status::Warning,
            "skipped" => Status::Info,
            "interrupted" => Status::Cancelled,
            _ => Status::Error,
        };
        let verdict = format!("{}: {}", report.verdict.replace('_', " "), report.reason);
        let text = match report.pipe() {
            "security-pipe" => security(report, verdict),
            "sign-pipe" => signing(report, verdict),
            "deploy-pipe" => {
                self.deployment = report.sections::<DeploySections>().ok().and_then(|sections| sections.deployment);
                deployment(self.deployment.as_ref(), verdict)
            }
            _ => verdict,
        };
        self.findings.push(Finding { label: label.to_owned(), status, text });
    }

    /// The status of a pipeline that the reports imply: a failure, or nothing.
    pub(crate) fn status(&self) -> Option<Status> {
        self.findings.iter().map(|finding| finding.status).find(|status| *status == Status::Error)
    }
}

/// `2 critical, 1 high; gate failed`
fn security(report: &Earlier, verdict: String) -> String {
    let gate = match report.verdict.as_str() {
        "passed" | "warned" => "gate passed",
        "failed" => "gate failed",
        _ => return verdict,
    };
    let Ok(SecuritySections { counts: Some(counts) }) = report.sections() else { return verdict };
    let words = [
        (counts.critical, "critical"),
        (counts.high, "high"),
        (counts.medium, "medium"),
        (counts.low, "low"),
        (counts.unscored, "unscored"),
    ];
    let words: Vec<String> =
        words.iter().filter(|(count, _)| *count > 0).map(|(count, word)| format!("{count} {word}")).collect();
    if words.is_empty() { format!("{}; {gate}", report.reason) } else { format!("{}; {gate}", words.join(", ")) }
}

/// `shop@sha256:4f2c1aa0b3c1 signed, with SBOM and provenance`
fn signing(report: &Earlier, verdict: String) -> String {
    let images = report.sections::<SignSections>().map(|sections| sections.images).unwrap_or_default();
    let signed: Vec<String> = images.iter().map(image).collect();
    if signed.is_empty() { verdict } else { format!("{}; {verdict}", signed.join(", ")) }
}

fn image(image: &SignedImage) -> String {
    let digest = image.digest.as_deref().unwrap_or_default();
    let short: String = digest.chars().take("sha256:".len() + 12).collect();
    // A reference by digest needs it only once.
    let name = image.image.split('@').next().unwrap_or_default();
    let name = if short.is_empty() { name.to_owned() } else { format!("{name}@{short}") };
    let mut parts: Vec<&str> = image.attestations.iter().map(|predicate| attestation(predicate)).collect();
    parts.dedup();
    let signed = if image.signed { "signed" } else { "NOT signed" };
    let with = if parts.is_empty() { "no SBOM attached".to_owned() } else { format!("with {}", parts.join(", ")) };
    format!("{name} {signed}, {with}")
}

fn attestation(predicate: &str) -> &str {
    if predicate.contains("cyclonedx") || predicate.contains("spdx") {
        "SBOM"
    } else if predicate.contains("provenance") {
        "provenance"
    } else if predicate.contains("vuln") {
        "scan result"
    } else {
        predicate
    }
}

/// `shop, revision 12; passed: healthy after 31 s`
fn deployment(deployed: Option<&DeploymentReport>, verdict: String) -> String {
    let Some(deployed) = deployed else { return verdict };
    let mut parts: Vec<String> = deployed.release.iter().cloned().collect();
    parts.extend(deployed.revision.map(|revision| format!("revision {revision}")));
    if deployed.rolled_back && !verdict.starts_with("rolled back") {
        parts.push("rolled back".to_owned());
    }
    parts.extend(deployed.reason.clone().filter(|reason| !verdict.contains(reason.as_str())));
    if parts.is_empty() { verdict } else { format!("{}; {verdict}", parts.join(", ")) }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
