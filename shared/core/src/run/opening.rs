//! The first moment of a run: its report, "did not finish", takes the place of an earlier run's.

use std::path::Path;
use std::sync::Arc;

use crate::env::Vars;
use crate::git::Checkout;
use crate::pipe::Pipe;
use crate::place::Place;
use crate::redact::Redactor;
use crate::report::Recorder;
use crate::spec::common;

/// What decides whether and where a report is written. Nothing else is read by then.
pub(super) struct Opening {
    place: Place,
    dry_run: bool,
    /// `REPORTS_DIR` is set.
    named: bool,
}

impl Opening {
    pub(super) fn read<P: Pipe>(cwd: &Path, root: &Path, around: Option<&Arc<Checkout>>) -> Opening {
        let wanted = [&common::WORKING_DIR, &common::REPORTS_DIR, &common::REPORT_NAME, &common::DRY_RUN];
        // Mistakes in them are found again, and reported with all others.
        let mut vars = Vars::only(P::SPEC, &wanted, cwd, root);
        Opening {
            dry_run: vars.flag(&common::DRY_RUN),
            named: vars.is_set(&common::REPORTS_DIR),
            place: Place::find(&mut vars, cwd, around.cloned()),
        }
    }

    /// Whether the run begins with its report. A dry run writes one only if its configuration is wrong.
    pub(super) fn writes(&self, check_only: bool) -> bool {
        !check_only && !self.dry_run
    }

    /// Begins the report and writes it.
    pub(super) fn report<P: Pipe>(&self, redactor: &Redactor) -> Recorder {
        let report = Recorder::new(P::SPEC, Arc::new(self.place.report_dir()), redactor.clone());
        report.save();
        report
    }

    /// Whether there is no place for a report, as in a container without a mount whose user may not write to `/`. It was
    /// not asked for either, so that the run goes on without one.
    pub(super) fn has_no_place(&self, report: &Recorder) -> bool {
        let unmounted = !self.named && self.place.workspace.dir.parent().is_none();
        let nowhere = unmounted && report.report_dir().failure().is_some();
        if nowhere {
            report.report_dir().retract();
        }
        nowhere
    }
}
