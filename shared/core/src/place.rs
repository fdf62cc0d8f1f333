//! Where a run works and where its reports go: all that has to be known before the first report is written.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::env::Vars;
use crate::git::Checkout;
use crate::spec::common;
use crate::workspace::{ReportDir, Workspace};

/// The directories of a run and the repository around them.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) workspace: Workspace,
    pub(crate) checkout: Option<Arc<Checkout>>,
    /// `REPORT_NAME`.
    pub(crate) report_name: Option<String>,
}

impl Place {
    /// Reads `WORKING_DIR`, `REPORTS_DIR` and `REPORT_NAME`. Mistakes are recorded in `vars`. `around` is the repository
    /// around `cwd`, if it is known already.
    pub(crate) fn find(vars: &mut Vars, cwd: &Path, around: Option<Arc<Checkout>>) -> Place {
        let dir = working_dir(vars, cwd);
        let checkout = around.filter(|_| dir == cwd).or_else(|| Checkout::discover(&dir).map(Arc::new));
        let root = checkout.as_ref().map(|checkout| checkout.root().to_owned()).or_else(|| clone_dir(vars, &dir));
        let root = root.unwrap_or_else(|| dir.clone());
        let report_name = report_name(vars);
        let reports = reports_dir(vars, &root, &dir, report_name.as_deref());
        let no_reports = vars.path(&common::REPORTS_DIR).is_some_and(|given| is_none(&given));
        Place { workspace: Workspace { dir, root, reports, no_reports }, checkout, report_name }
    }

    /// The directory that the run writes its reports to.
    pub(crate) fn report_dir(&self) -> ReportDir {
        let Workspace { root, reports, no_reports, .. } = &self.workspace;
        if *no_reports {
            return ReportDir::disabled(reports.clone());
        }
        let owner_of = if reports.starts_with(root) { root } else { reports.parent().unwrap_or(reports) };
        ReportDir::new(reports.clone(), owner_of).kept_from_git()
    }
}

/// `REPORTS_DIR=none`. A directory of that name is `./none`.
fn is_none(given: &Path) -> bool {
    given.as_os_str().eq_ignore_ascii_case("none")
}

fn working_dir(vars: &mut Vars, cwd: &Path) -> PathBuf {
    let given = vars.path(&common::WORKING_DIR).unwrap_or_else(|| PathBuf::from("."));
    match cwd.join(&given).canonicalize() {
        Ok(dir) if dir.is_dir() => dir,
        Ok(_) => {
            vars.problem(&common::WORKING_DIR, format!("expected a directory, but {} is a file", given.display()));
            cwd.to_owned()
        }
        Err(error) => {
            vars.problem(
                &common::WORKING_DIR,
                format!(
                    "failed to open {}: {}. Set WORKING_DIR to a folder that is mounted",
                    given.display(),
                    crate::fs::reason(&error)
                ),
            );
            cwd.to_owned()
        }
    }
}

/// Where the CI cloned to, if `dir` is in it: the root of a checkout whose `.git` was not mounted.
fn clone_dir(vars: &Vars, dir: &Path) -> Option<PathBuf> {
    ["BITBUCKET_CLONE_DIR", "GITHUB_WORKSPACE", "CI_PROJECT_DIR"]
        .iter()
        .filter_map(|name| vars.ci(name))
        .filter_map(|path| Path::new(path).canonicalize().ok())
        .find(|root| dir.starts_with(root))
}

fn report_name(vars: &mut Vars) -> Option<String> {
    let name = vars.text(&common::REPORT_NAME)?;
    let plain = name.len() <= 64
        && !name.starts_with('.')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.'));
    if !plain {
        vars.problem(
            &common::REPORT_NAME,
            "expected at most 64 letters, digits, '-', '_' or '.', not beginning with '.'",
        );
        return None;
    }
    Some(name)
}

fn reports_dir(vars: &mut Vars, root: &Path, dir: &Path, name: Option<&str>) -> PathBuf {
    let given = vars.path(&common::REPORTS_DIR).filter(|given| !is_none(given));
    let given = given.unwrap_or_else(|| PathBuf::from(common::REPORTS_DIR.default.unwrap_or_default()));
    let below = |reports: PathBuf| name.map_or_else(|| reports.clone(), |name| reports.join(name));
    let reports = match Workspace::inside(root, dir, &given) {
        Ok(reports) => reports,
        Err(problem) => {
            vars.problem(&common::REPORTS_DIR, problem);
            // The report of this mistake goes to a directory that is not a link.
            return below(dir.to_owned());
        }
    };
    // Only what is in a folder of their own is kept from the next scan and from Git.
    if name.is_none() && dir.starts_with(&reports) {
        let variable = vars.typed(&common::REPORTS_DIR);
        vars.notice(format!(
            "{variable} is the working directory, so reports are written among the sources. Set it to a separate \
             folder, such as security-reports"
        ));
    }
    below(reports)
}
