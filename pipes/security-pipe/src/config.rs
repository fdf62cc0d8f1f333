//! The configuration: variables understood, nothing looked at yet.

use std::path::{Component, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use pipe_core::Context;
use pipe_core::env::Vars;
use pipe_core::platform::SAY_WHETHER;

use crate::demands::{self, Scope};
use crate::gate::Gate;
use crate::output::Output;
use crate::policy::{Place, Policy};
use crate::scanner::dependencies::Compile;
use crate::scanner::{SCANNERS, Scanner};
use crate::tree::{self, Filter};
use crate::vars::*;

/// Bytes of a report's path below REPORTS_DIR; file systems take no longer names.
const MAX_NAME: usize = 255;

/// What a run of security-pipe is to do.
pub struct Config {
    pub(crate) scanners: Vec<Arc<dyn Scanner>>,
    pub(crate) scan_timeout: Duration,
    /// A scan that could not run is only warned about.
    pub(crate) tolerate_errors: bool,
    pub(crate) gate: Gate,
    /// Compile the advisories instead of scanning.
    pub(crate) compile: Option<Compile>,
    pub(crate) filter: Arc<Filter>,
    pub(crate) include: Vec<String>,
    pub(crate) exclude: Vec<String>,
    pub(crate) policy: Policy,
    pub(crate) outputs: Vec<Output>,
    /// What was asked for and is not in this version.
    pub(crate) later: Vec<String>,
    /// Variables that are set and change nothing, each a sentence.
    pub(crate) without_effect: Vec<String>,
}

impl Config {
    pub(crate) fn from_vars(vars: &mut Vars, ctx: &Context) -> Option<Config> {
        let scanners: Vec<Arc<dyn Scanner>> = SCANNERS.iter().filter_map(|from_vars| from_vars(vars, ctx)).collect();
        let scan_timeout = vars.duration(&SCAN_TIMEOUT);
        let tolerate_errors = vars.choice(&ON_SCAN_ERROR) == Some("warn");
        let gate = Gate::from_vars(vars);
        let compile = Compile::from_vars(vars, ctx);
        if compile.is_none()
            && let Some(problem) = no_files(ctx)
        {
            vars.unmounted(problem);
        }
        let include = vars.paths(&SCAN_PATHS);
        let exclude = vars.paths(&EXCLUDE_PATHS);
        let filter = filter(vars, &include, &exclude);
        let policy = Policy {
            ignore: place(vars, &IGNORE_FILE, ".pipewright/ignore.toml"),
            baseline: place(vars, &BASELINE_FILE, ".pipewright/baseline.json"),
            write_baseline: vars.flag(&BASELINE_WRITE),
        };
        if policy.write_baseline && ctx.ci.pull_request.is_some() {
            vars.problem(
                &BASELINE_WRITE,
                "a pull request must not write the baseline. Run it on the target branch, or by hand",
            );
        }
        if policy.write_baseline && ctx.ci.unknown_change {
            let message = format!(
                "a pull request must not write the baseline, and nothing says whether this run is for one. {SAY_WHETHER}"
            );
            vars.problem(&BASELINE_WRITE, message);
        }
        let formats = vars.list(&REPORT_FORMAT);
        let sarif = sarif(vars);
        let scans = |name: &str| scanners.iter().any(|scanner| scanner.name() == name);
        let secrets = scans("secrets");
        let outputs = outputs(&formats, sarif, secrets);
        let later = if formats.iter().any(|format| format == "html") {
            vec![format!("{}=html", vars.typed(&REPORT_FORMAT))]
        } else {
            Vec::new()
        };
        let scope = Scope { compiles: compile.is_some(), secrets, dependencies: scans("dependencies") };
        let mut without_effect = parameters_of_other_scans(vars);
        without_effect.extend(demands::check(vars, scope));
        Some(Config {
            scanners,
            scan_timeout: scan_timeout?,
            tolerate_errors,
            gate,
            compile,
            filter: filter?,
            include,
            exclude,
            policy,
            outputs,
            later,
            without_effect,
        })
    }
}

/// Why there are no files to scan, if there are none at all.
fn no_files(ctx: &Context) -> Option<&'static str> {
    const MOUNT: &str = "nothing is mounted. Run docker with -v \"$PWD:/work\" -w /work";
    let dir = &ctx.workspace.dir;
    if dir.parent().is_none() {
        return Some(MOUNT);
    }
    if ctx.checkout.as_ref().is_some_and(|checkout| checkout.is_bare()) {
        return Some("a bare repository has no working tree. Clone it without --bare");
    }
    // One that can't be read is an error of the walk.
    tree::is_empty(dir, &ctx.workspace.reports).unwrap_or(false).then_some(MOUNT)
}

fn filter(vars: &mut Vars, include: &[String], exclude: &[String]) -> Option<Arc<Filter>> {
    match (Filter::new(include, &[]), Filter::new(&[], exclude)) {
        (Ok(_), Ok(_)) => Filter::new(include, exclude).ok().map(Arc::new),
        (included, excluded) => {
            if let Err(problem) = included {
                vars.problem(&SCAN_PATHS, problem);
            }
            if let Err(problem) = excluded {
                vars.problem(&EXCLUDE_PATHS, problem);
            }
            None
        }
    }
}

fn place(vars: &mut Vars, var: &'static pipe_core::spec::Var, default: &str) -> Place {
    Place { named: vars.is_set(var), path: vars.path(var).unwrap_or_else(|| PathBuf::from(default)) }
}

/// What REPORT_FORMAT asks for, and two files that pipelines of the bash pipe read.
fn outputs(formats: &[String], sarif: PathBuf, secrets: bool) -> Vec<Output> {
    let asked = |format: &str| formats.iter().any(|asked| asked == format);
    let outputs = [
        (asked("sarif"), Output::Sarif(sarif)),
        (asked("junit"), Output::Junit),
        (asked("markdown"), Output::Markdown),
        (true, Output::Text),
        (secrets, Output::Gitleaks),
    ];
    outputs.into_iter().filter_map(|(asked, output)| asked.then_some(output)).collect()
}

fn sarif(vars: &mut Vars) -> PathBuf {
    let path = vars.path(&SARIF_FILE).unwrap_or_default();
    let is_below = path.components().all(|part| matches!(part, Component::Normal(_))) && path.file_name().is_some();
    if !is_below || path.as_os_str().len() > MAX_NAME {
        vars.problem(&SARIF_FILE, "expected a name below REPORTS_DIR, e.g. results.sarif");
    }
    path
}

/// Parameters of scans that are not in this version. A scan that is switched on ends the run with 3. Without it, its
/// parameters change nothing: a mistake if the name can only be meant for us, and a warning if other tools of the job read
/// it too.
fn parameters_of_other_scans(vars: &mut Vars) -> Vec<String> {
    for var in [&HELM_CHART_PATH, &HELM_VALUES_FILE, &DOCKERFILE_PATH] {
        vars.path(var);
    }
    vars.list(&TRIVY_SEVERITY);
    vars.integer(&TRIVY_EXIT_CODE);
    let image = vars.text(&CONTAINER_IMAGE);
    if vars.flag(&CONTAINER_SCAN) && image.is_none() {
        vars.require(&CONTAINER_IMAGE);
    }
    let scans = [&SAST_SCAN, &IAC_SCAN, &DOCKERFILE_SCAN, &CONTAINER_SCAN];
    let on: Vec<&str> = scans.into_iter().filter(|scan| vars.flag(scan)).map(|scan| scan.name).collect();
    let mut without_effect = Vec::new();
    for var in LATER {
        let Some(scan) = var.part_of.filter(|scan| !on.contains(scan)) else { continue };
        if !vars.is_set(var) {
            continue;
        }
        let typed = vars.typed(var);
        let why = format!("has no effect without {scan}=true. Unset it");
        if typed.starts_with("INPUT_") || typed.starts_with("PIPEWRIGHT_") {
            vars.problem(var, why);
        } else if typed != "IMAGE" {
            // Every pipe of a job may be meant by that name, and no verdict depends on it here.
            without_effect.push(format!("{typed} {why}"));
        }
    }
    without_effect
}
