//! Which findings the repository itself lets pass: ignore file, baseline and inline comments, each in the version that a
//! pull request can't have changed.

mod paths;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use pipe_core::Context;
use pipe_core::advice::with_advice;
use pipe_core::plan::Effects;
use pipe_core::text::first_and_more;
use pipe_core::trusted::{Trusted, TrustedFiles};
use pipe_core::workspace::{ReportDir, Workspace};

use serde::{Serialize, Serializer};

use crate::baseline::Baseline;
use crate::finding::{Finding, Status};
use crate::gate::Gate;
use crate::ignore_file::IgnoreFile;
use crate::source::Entry;
use pipe_secrets::inline_allows;

use self::paths::Paths;

/// Files in which other tools look for what to let pass.
const OTHER_TOOLS: [&str; 18] = [
    ".gitleaks.toml",
    ".gitleaksignore",
    ".trivyignore",
    ".trivyignore.yaml",
    ".trivyignore.yml",
    "trivy.yaml",
    "trivy-secret.yaml",
    ".grype.yaml",
    "osv-scanner.toml",
    ".osv-scanner.toml",
    ".snyk",
    ".secrets.baseline",
    ".ggignore",
    ".gitguardian.yaml",
    ".nsprc",
    "audit-ci.json",
    "dependency-check-suppressions.xml",
    ".dockle.yaml",
];

/// One sentence that names the policy files of other tools, if the tree has any.
pub(crate) fn of_other_tools(entries: &[Entry]) -> Option<String> {
    let name = |entry: &Entry| entry.path.rsplit('/').next().unwrap_or_default().to_owned();
    let found: Vec<String> = entries
        .iter()
        .filter(|entry| OTHER_TOOLS.contains(&name(entry).as_str()))
        .map(|entry| entry.path.clone())
        .collect();
    (!found.is_empty()).then(|| {
        let files = first_and_more(&found);
        format!("{files}: policy files of other tools do not apply. Ignore findings in .pipewright/ignore.toml")
    })
}

#[derive(Debug, Clone, Serialize)]
pub(crate) struct Policy {
    #[serde(rename = "ignore_file", serialize_with = "path_of")]
    pub(crate) ignore: Place,
    #[serde(rename = "baseline_file", serialize_with = "path_of")]
    pub(crate) baseline: Place,
    /// Write the baseline instead of applying it.
    #[serde(rename = "baseline_write")]
    pub(crate) write_baseline: bool,
}

/// A policy file's path below WORKING_DIR, and whether the user named it: one that is named must be there.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub(crate) named: bool,
    pub(crate) path: PathBuf,
}

fn path_of<S: Serializer>(place: &Place, serializer: S) -> Result<S::Ok, S::Error> {
    place.path.serialize(serializer)
}

/// What came out of applying the policies.
#[derive(Debug, Default)]
pub(crate) struct Applied {
    pub(crate) warnings: Vec<String>,
    /// What had to be known and could not be.
    pub(crate) unable: Vec<String>,
    /// There is a baseline: findings outside of it are new.
    pub(crate) baseline: bool,
    /// What would count if the run were a push, if nothing says whether it is one.
    pub(crate) of_a_push: Option<Counting>,
}

/// How many findings fail, and how many are open.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Counting(usize, usize);

impl Counting {
    pub(crate) fn of(findings: &[Finding]) -> Counting {
        let count = |wanted: fn(&Finding) -> bool| findings.iter().filter(|finding| wanted(finding)).count();
        Counting(count(Finding::fails), count(Finding::is_open))
    }
}

impl Policy {
    /// The file that BASELINE_WRITE writes.
    pub(crate) fn effects(&self, ctx: &Context) -> Effects {
        let files = if self.write_baseline { vec![ctx.workspace.relative(&self.baseline.path)] } else { Vec::new() };
        Effects { files, ..Effects::default() }
    }

    /// Marks what is let pass.
    pub(crate) async fn apply(&self, ctx: &Context, gate: &Gate, findings: &mut [Finding]) -> Applied {
        let files = TrustedFiles::new(ctx);
        let mut of_a_push = None;
        if files.is_unknown() {
            self.apply_from(&TrustedFiles::of_a_push(ctx), ctx, findings).await;
            gate.judge(findings);
            of_a_push = Some(Counting::of(findings));
            for finding in &mut *findings {
                (finding.status, finding.gated) = (Status::New, None);
            }
        }
        Applied { of_a_push, ..self.apply_from(&files, ctx, findings).await }
    }

    async fn apply_from(&self, files: &TrustedFiles<'_>, ctx: &Context, findings: &mut [Finding]) -> Applied {
        let mut applied = Applied::default();
        inline(files, findings, &mut applied).await;
        if let Some(text) = read(files, ctx, &self.ignore, "IGNORE_FILE", &mut applied).await {
            let today = ctx.now.to_zoned(TimeZone::UTC).date();
            match IgnoreFile::parse(&text) {
                Ok(ignores) => applied.warnings.extend(ignores.apply(findings, today)),
                Err(problem) => {
                    let path = self.ignore.path.display();
                    applied.unable.push(format!("{path}: {problem}. Nothing was ignored. Correct the file"));
                }
            }
        }
        if self.write_baseline {
            return applied;
        }
        if let Some(text) = read(files, ctx, &self.baseline, "BASELINE_FILE", &mut applied).await {
            match Baseline::parse(&text) {
                Ok(baseline) => {
                    applied.baseline = true;
                    let paths = Paths::of(&ctx.workspace.root, ctx.checkout.as_deref());
                    let matched = baseline.apply(findings, &|path| paths.is_gone(path));
                    if !matched.malware.is_empty() {
                        let names = matched.malware.join(", ");
                        applied.warnings.push(format!(
                            "a baseline does not apply to malware: {names}. Remove it, or list it in the ignore file"
                        ));
                    }
                    if matched.gone > 0 {
                        let gone = matched.gone;
                        applied.warnings.push(format!(
                            "{gone} of the baseline's {} findings no longer exist. Run with BASELINE_WRITE=true to update it",
                            baseline.len()
                        ));
                    }
                }
                Err(problem) => {
                    applied.unable.push(format!(
                        "{}: {problem}. Every finding counts as new. Run with BASELINE_WRITE=true to write it again",
                        self.baseline.path.display()
                    ));
                }
            }
        }
        applied
    }

    /// Writes what is open now as the baseline. Returns how many findings that are.
    pub(crate) fn write(&self, ctx: &Context, findings: &[Finding]) -> Result<usize, String> {
        let workspace = &ctx.workspace;
        let path = Workspace::inside(&workspace.root, &workspace.dir, &self.baseline.path)?;
        let (Some(folder), Some(name)) = (path.parent(), path.file_name().and_then(|name| name.to_str())) else {
            return Err("expected the path of a file. Set BASELINE_FILE to one".to_owned());
        };
        let baseline = Baseline::of(findings);
        ReportDir::new(folder.to_owned(), &workspace.root)
            .write(name, &baseline.to_json())
            .map_err(|error| error.to_string())?;
        Ok(baseline.len())
    }
}

/// The trusted text of a policy file, or `None` if none applies.
async fn read(
    files: &TrustedFiles<'_>,
    ctx: &Context,
    place: &Place,
    variable: &str,
    applied: &mut Applied,
) -> Option<String> {
    let Workspace { dir, root, .. } = &ctx.workspace;
    let mut path = dir.join(&place.path);
    let mut found = files.read(&path).await;
    // Where nothing is named, the repository's own file counts for a part of it as well.
    if !place.named && dir != root && matches!(found, Trusted::Absent { added: false, .. }) {
        path = root.join(&place.path);
        found = files.read(&path).await;
    }
    let shown = if place.named { place.path.display().to_string() } else { ctx.workspace.relative(&path) };
    match found {
        Trusted::Text { text, from, changed } => {
            if changed {
                applied.warnings.push(format!(
                    "{shown} is changed by this pull request, so the version from {from} is used. Merge the change to \
                     apply it"
                ));
            }
            Some(text)
        }
        Trusted::Absent { from, added } => {
            if added {
                applied.warnings.push(format!(
                    "{shown} is added by this pull request and does not apply yet. Merge it into {from} first"
                ));
            } else if place.named {
                applied.unable.push(format!(
                    "{variable}: {shown} does not exist in {from}. Commit it there, or unset {variable}"
                ));
            }
            None
        }
        Trusted::Unavailable { why, wanted } => {
            if wanted || place.named {
                let why = with_advice(format!("{shown} does not apply: {why}"), "Fetch the target branch");
                applied.warnings.push(why);
            }
            None
        }
        Trusted::Broken(why) => {
            let advice = format!("Correct it, or set {variable} to another file");
            applied.unable.push(with_advice(format!("{shown}: {why}"), &advice));
            None
        }
    }
}

/// Inline comments hide a finding where they stood in the target branch already.
async fn inline(files: &TrustedFiles<'_>, findings: &mut [Finding], applied: &mut Applied) {
    let mut by_path: BTreeMap<String, Vec<&mut Finding>> = BTreeMap::new();
    for finding in findings.iter_mut().filter(|finding| finding.inline_allow.is_some()) {
        let Some(path) = finding.location.checkout_path().map(str::to_owned) else { continue };
        by_path.entry(path).or_default().push(finding);
    }
    let mut refused = BTreeSet::new();
    for (path, findings) in by_path {
        let allowed = if files.distrusts_the_tree() {
            match files.base_version(Path::new(&path)).await {
                Ok(Some(base)) => Some(inline_allows(&base)),
                Ok(None) => Some(Default::default()),
                Err(why) => {
                    let advice = "Fetch the target branch";
                    refused.insert(with_advice(format!("comments with gitleaks:allow do not apply: {why}"), advice));
                    continue;
                }
            }
        } else {
            None
        };
        for finding in findings {
            let key = finding.inline_allow.as_deref().unwrap_or_default();
            if allowed.as_ref().is_none_or(|allowed| allowed.contains(key)) {
                finding.status = Status::Ignored { reason: "gitleaks:allow".into(), until: None };
            } else {
                applied.warnings.push(format!(
                    "{path}:{}: gitleaks:allow is new in this pull request and has no effect yet. Merge it first",
                    finding.location.span.line
                ));
            }
        }
    }
    applied.warnings.extend(refused);
}
