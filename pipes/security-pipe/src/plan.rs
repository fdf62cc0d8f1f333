//! What will be done, as data: what `DRY_RUN` prints.

use pipe_core::Context;
use pipe_core::plan::{Effects, Planned};
use serde::Serialize;

use crate::config::Config;
use crate::gate::Gate;
use crate::scanner::dependencies::AdvisorySource;

/// The steps of a run and what decides on its verdict.
#[derive(Debug, Serialize)]
pub struct Plan {
    scans: Vec<&'static str>,
    working_dir: String,
    only: Vec<String>,
    except: Vec<String>,
    advisories: AdvisorySource,
    #[serde(skip_serializing_if = "Option::is_none")]
    compile_to: Option<String>,
    gate: Gate,
    ignore_file: String,
    baseline_file: String,
    write_baseline: bool,
    reports_dir: String,
    reports: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    not_in_this_version: Vec<String>,
    #[serde(flatten)]
    effects: Effects,
}

impl Plan {
    pub(crate) fn new(config: &Config, ctx: &Context) -> Plan {
        Plan {
            scans: config.scanners.iter().map(|scanner| scanner.name()).collect(),
            working_dir: ctx.workspace.dir.display().to_string(),
            only: config.include.clone(),
            except: config.exclude.clone(),
            advisories: config.advisories.clone(),
            compile_to: config.compile.as_ref().map(|path| path.display().to_string()),
            gate: config.gate.clone(),
            ignore_file: config.policy.ignore.path.display().to_string(),
            baseline_file: config.policy.baseline.path.display().to_string(),
            write_baseline: config.policy.write_baseline,
            reports_dir: ctx.workspace.reports.display().to_string(),
            reports: config.formats.clone(),
            not_in_this_version: config.later.clone(),
            effects: effects(config),
        }
    }
}

fn effects(config: &Config) -> Effects {
    if config.compile.is_some() {
        return Effects { steps: vec!["compile advisories".to_owned()], ..Effects::default() };
    }
    let scans = config.scanners.iter().map(|scanner| scanner.name().to_owned());
    Effects { steps: std::iter::once("tree".to_owned()).chain(scans).collect(), ..Effects::default() }
}

impl Planned for Plan {
    fn effects(&self) -> &Effects {
        &self.effects
    }

    fn about_code(&self) -> bool {
        self.compile_to.is_none()
    }
}
