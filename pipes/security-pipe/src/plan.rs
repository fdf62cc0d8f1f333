//! What will be done, as data: what `DRY_RUN` prints and what a run consumes.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use pipe_core::Context;
use pipe_core::plan::{Effects, Planned};
use serde::{Serialize, Serializer};

use crate::config::Config;
use crate::gate::Gate;
use crate::output::Output;
use crate::policy::Policy;
use crate::scanner::Scanner;
use crate::scanner::dependencies::Compile;
use crate::tree::Filter;

/// The work of a run, and everything it does outside its own process.
#[derive(Serialize)]
pub struct Plan {
    #[serde(flatten)]
    pub(crate) work: Work,
    /// Asked for, and not in this version: the run ends with 3.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) not_in_this_version: Vec<String>,
    /// Set, and changing nothing: the run is at best warned.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) without_effect: Vec<String>,
    #[serde(flatten)]
    effects: Effects,
}

#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Work {
    Compile(Compile),
    Scan(Box<Scan>),
}

/// A scan of the working directory. Serialised in the words of the variables.
#[derive(Clone, Serialize)]
pub(crate) struct Scan {
    #[serde(serialize_with = "names")]
    pub(crate) scanners: Vec<Arc<dyn Scanner>>,
    working_dir: PathBuf,
    scan_paths: Vec<String>,
    exclude_paths: Vec<String>,
    #[serde(skip)]
    pub(crate) filter: Arc<Filter>,
    #[serde(serialize_with = "seconds")]
    pub(crate) scan_timeout: Duration,
    /// A scan that could not run is only warned about.
    #[serde(rename = "on_scan_error", serialize_with = "fail_or_warn")]
    pub(crate) tolerate_errors: bool,
    #[serde(serialize_with = "Gate::in_words")]
    pub(crate) gate: Gate,
    #[serde(flatten)]
    pub(crate) policy: Policy,
    reports_dir: PathBuf,
    #[serde(rename = "reports", serialize_with = "outputs")]
    pub(crate) outputs: Vec<Output>,
}

impl Plan {
    pub(crate) fn new(config: &Config, ctx: &Context) -> Plan {
        let (work, effects) = match &config.compile {
            Some(compile) => (Work::Compile(compile.clone()), compiling(compile, ctx)),
            None => {
                let scan = Scan {
                    scanners: config.scanners.clone(),
                    working_dir: ctx.workspace.dir.clone(),
                    scan_paths: config.include.clone(),
                    exclude_paths: config.exclude.clone(),
                    filter: Arc::clone(&config.filter),
                    scan_timeout: config.scan_timeout,
                    tolerate_errors: config.tolerate_errors,
                    gate: config.gate.clone(),
                    policy: config.policy.clone(),
                    reports_dir: ctx.workspace.reports.clone(),
                    outputs: config.outputs.clone(),
                };
                let effects = scanning(&scan, ctx);
                (Work::Scan(Box::new(scan)), effects)
            }
        };
        Plan { work, not_in_this_version: config.later.clone(), without_effect: config.without_effect.clone(), effects }
    }
}

fn compiling(compile: &Compile, ctx: &Context) -> Effects {
    Effects {
        steps: vec!["compile advisories".to_owned()],
        files: vec![ctx.workspace.relative(&compile.to)],
        ..Effects::default()
    }
}

fn scanning(scan: &Scan, ctx: &Context) -> Effects {
    let below_reports = |file: &str| ctx.workspace.relative(&scan.reports_dir.join(file));
    let mut effects = Effects { steps: vec!["tree".to_owned()], ..Effects::default() };
    for scanner in &scan.scanners {
        let mut own = scanner.effects();
        own.files = own.files.iter().map(|file| below_reports(file)).collect();
        own.steps.push(scanner.name().to_owned());
        effects.add(own);
    }
    effects.add(scan.policy.effects(ctx));
    let files = scan.outputs.iter().map(|output| below_reports(&output.file())).collect();
    effects.add(Effects { files, ..Effects::default() });
    effects
}

impl Planned for Plan {
    fn effects(&self) -> &Effects {
        &self.effects
    }

    fn about_code(&self) -> bool {
        matches!(self.work, Work::Scan(_))
    }
}

fn names<S: Serializer>(scanners: &[Arc<dyn Scanner>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(scanners.iter().map(|scanner| scanner.name()))
}

fn outputs<S: Serializer>(outputs: &[Output], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(outputs.iter().map(Output::file))
}

fn seconds<S: Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&format_args!("{} s", duration.as_secs_f64()))
}

fn fail_or_warn<S: Serializer>(warn: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(if *warn { "warn" } else { "fail" })
}
