//! The result of a vulnerability scan: security-pipe's report, or any SARIF.
//!
//! The predicate is cosign's for vulnerabilities, with the whole report as its `scanner.result`. A `target` is added, which
//! says what was scanned: the image or the tree that it was built from.

use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::report::Earlier;
use pipe_core::spec::Var;
use pipe_evidence::statement::predicate;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::document::{Document, Documents};
use super::predicate::{About, Attestation, NotAttested, Predicate, name_of};

pub(super) const ATTEST_SCAN: Var = Var::flag(
    "ATTEST_SCAN",
    "Attests the scan result of SCAN_FILE. Without a scan result, this is a configuration error.",
)
.or("attests no scan result")
.unset("a scan result is attested if this run has one");
pub(super) const SCAN_FILE: Var = Var::path(
    "SCAN_FILE",
    "Attests this scan result of at most 64 MiB: a report of security-pipe, or SARIF of any scanner.",
)
.unset("`security-pipe-report.json` in REPORTS_DIR is attested")
.example("trivy.sarif");
pub(super) const SCAN_TARGET: Var = Var::choice(
    "SCAN_TARGET",
    &["image", "tree"],
    "Sets what was scanned, if SCAN_FILE is SARIF. A report of security-pipe already says it.",
)
.values(&[("image", "says that the image was scanned"), ("tree", "says that the source tree of the image was scanned")])
.unset("the attestation says `unknown`");

const OURS: &str = "security-pipe";

const ADVICE: &str = "Scan again in this pipeline, check SCAN_FILE, or set ATTEST_SCAN=false.";

struct Scan {
    document: Document,
    scanned: Scanned,
    /// SCAN_TARGET.
    target: Option<&'static str>,
    /// Asked for explicitly, and so never left out.
    requested: bool,
}

pub(super) fn from_vars(vars: &mut Vars, ctx: &Context, documents: &Documents) -> Vec<Arc<dyn Attestation>> {
    scan(vars, ctx, documents).into_iter().map(|scan| Arc::new(scan) as Arc<dyn Attestation>).collect()
}

fn scan(vars: &mut Vars, ctx: &Context, documents: &Documents) -> Option<Scan> {
    let asked = vars.maybe_flag(&ATTEST_SCAN);
    let named = vars.path(&SCAN_FILE);
    let target = match vars.choice(&SCAN_TARGET) {
        Some("image") => Some("image"),
        Some(_) => Some("tree"),
        None => None,
    };
    if asked == Some(false) {
        return None;
    }
    let path = match &named {
        Some(named) => ctx.workspace.dir.join(named),
        None => ctx.workspace.reports.join(format!("{OURS}-report.json")),
    };
    if !path.is_file() {
        match named {
            Some(named) => vars.problem(
                &SCAN_FILE,
                format!("{:?}: no such file. Write it before this step, or correct the path", named.display()),
            ),
            None if asked == Some(true) => {
                vars.problem(&SCAN_FILE, "required, since ATTEST_SCAN=true and security-pipe left no report");
            }
            None => {}
        }
        return None;
    }
    let requested = asked == Some(true) || named.is_some();
    if !documents.signs {
        return None;
    }
    let name = name_of(&path, ctx);
    match documents.check(name.clone(), path, head) {
        Ok((document, scanned)) => Some(Scan { document, scanned, target, requested }),
        Err(why) => {
            vars.problem(&SCAN_FILE, format!("{name:?}: {why}. Scan again, or set ATTEST_SCAN=false"));
            None
        }
    }
}

/// cosign's predicate: docs of its `COSIGN_VULN_ATTESTATION_SPEC`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Wire<'a> {
    invocation: Invocation<'a>,
    scanner: Scanner<'a>,
    metadata: Metadata,
    target: Target,
}

#[derive(Serialize)]
struct Invocation<'a> {
    parameters: [String; 0],
    uri: Option<&'a str>,
    event_id: Option<&'a str>,
    #[serde(rename = "builder.id")]
    builder: Option<&'a str>,
}

#[derive(Serialize)]
struct Scanner<'a> {
    uri: String,
    version: Option<String>,
    db: Database,
    result: &'a RawValue,
}

#[derive(Serialize)]
struct Database {}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    scan_started_on: String,
    scan_finished_on: String,
}

/// What was scanned.
#[derive(Serialize)]
struct Target {
    /// `image`, `tree`, or `unknown` if the report does not say.
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    commit: Option<String>,
}

/// The tool that made a report.
enum Scanned {
    Ours { version: String },
    Sarif(Driver),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: String,
    #[serde(default)]
    information_uri: Option<String>,
    #[serde(default)]
    version: Option<String>,
    #[serde(default)]
    semantic_version: Option<String>,
}

/// The tool in the head of a report, or why it is not a report.
fn head(document: &str) -> Result<Scanned, String> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(default)]
        version: Option<String>,
        #[serde(default)]
        runs: Vec<Run>,
        pipe: Option<Pipe>,
    }
    #[derive(Deserialize)]
    struct Run {
        tool: Tool,
    }
    #[derive(Deserialize)]
    struct Tool {
        driver: Driver,
    }
    #[derive(Deserialize)]
    struct Pipe {
        name: String,
        version: String,
    }
    let not_a_report = || format!("is neither SARIF nor a report of {OURS}");
    let head: Head = serde_json::from_str(document).map_err(|_| not_a_report())?;
    if let Some(Pipe { version, .. }) = head.pipe.filter(|pipe| pipe.name == OURS) {
        return Ok(Scanned::Ours { version });
    }
    if head.version.as_deref() != Some("2.1.0") {
        return Err(not_a_report());
    }
    let run = head.runs.into_iter().next().ok_or_else(not_a_report)?;
    Ok(Scanned::Sarif(run.tool.driver))
}

/// What a report says of itself.
struct Report {
    tool: String,
    version: Option<String>,
    times: Option<(String, String)>,
    target: Target,
}

impl Attestation for Scan {
    fn name(&self) -> &'static str {
        "scan result"
    }

    fn plan(&self) -> String {
        format!("scan result from {}", self.document.name)
    }

    fn size(&self) -> u64 {
        self.document.len()
    }

    fn predicate(&self, about: &About<'_>) -> Result<Predicate, NotAttested> {
        let unable = |why: String| NotAttested::Unable(format!("{} {why}. {ADVICE}", self.document.name));
        let text = self.document.text().map_err(unable)?;
        let result: &RawValue = serde_json::from_str(&text).map_err(|error| unable(error.to_string()))?;
        let report = self.read(about)?;
        let written = || modified(&self.document.path).unwrap_or_else(|| about.started_at.to_owned());
        let (started, finished) = report.times.unwrap_or_else(|| (written(), written()));
        let wire = Wire {
            invocation: Invocation {
                parameters: [],
                uri: about.ctx.ci.build_url.as_deref(),
                event_id: about.ctx.ci.run_id.as_deref(),
                builder: None,
            },
            scanner: Scanner { uri: report.tool, version: report.version, db: Database {}, result },
            metadata: Metadata { scan_started_on: started, scan_finished_on: finished },
            target: report.target,
        };
        Predicate::new(predicate::VULNERABILITIES, &wire)
    }
}

impl Scan {
    fn read(&self, about: &About<'_>) -> Result<Report, NotAttested> {
        let driver = match &self.scanned {
            Scanned::Ours { version } => return self.ours(version.clone(), about),
            Scanned::Sarif(driver) => driver,
        };
        Ok(Report {
            tool: driver.information_uri.as_ref().unwrap_or(&driver.name).clone(),
            version: driver.version.as_ref().or(driver.semantic_version.as_ref()).cloned(),
            times: None,
            target: match self.target {
                Some("image") => Target { kind: "image", digest: Some(about.digest.to_string()), commit: None },
                Some(kind) => Target { kind, digest: None, commit: about.ctx.ci.commit.clone() },
                None => Target { kind: "unknown", digest: None, commit: None },
            },
        })
    }

    /// A report of this run, about this commit or this very image.
    fn ours(&self, version: String, about: &About<'_>) -> Result<Report, NotAttested> {
        let stale = |why: String| {
            let why = format!("{} {why}. {ADVICE}", self.document.name);
            if self.requested { NotAttested::Contradicts(why) } else { NotAttested::Skipped(why) }
        };
        let report = match Earlier::read(&self.document.path, about.ctx) {
            Ok(Some(report)) => report,
            Ok(None) => return Err(stale("no longer exists".to_owned())),
            Err(why) => return Err(stale(why)),
        };
        if report.exit_code.is_none_or(|code| code >= 2) {
            return Err(stale(format!("is of a scan that did not finish ({})", report.reason)));
        }
        let subject = report.subject.as_deref().and_then(|subject| subject.split_once(':'));
        let target = match subject {
            Some(("image", digest)) if digest == about.digest.to_string() => {
                Target { kind: "image", digest: Some(digest.to_owned()), commit: None }
            }
            Some(("image", digest)) => return Err(stale(format!("is about another image, {digest}"))),
            Some(("tree", commit)) => Target { kind: "tree", digest: None, commit: Some(commit.to_owned()) },
            _ => Target { kind: "tree", digest: None, commit: None },
        };
        let started: Option<Timestamp> = report.started_at.parse().ok();
        let finished =
            started.and_then(|started| started.checked_add(std::time::Duration::from_millis(report.duration_ms)).ok());
        Ok(Report {
            tool: OURS.to_owned(),
            version: Some(version),
            times: Some((report.started_at.clone(), finished.map_or(report.started_at, |time| time.to_string()))),
            target,
        })
    }
}

fn modified(path: &Path) -> Option<String> {
    let time = std::fs::metadata(path).ok()?.modified().ok()?;
    let time = Timestamp::try_from(time).ok()?;
    Some(time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
