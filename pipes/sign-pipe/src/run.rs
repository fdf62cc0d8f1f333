//! What every part of a run works with.

use pipe_core::Context;
use pipe_core::report::Recorder;
use pipe_oci::{Registry, Repository};

use crate::config::Config;
use crate::plan::RunPlan;
use crate::resolve::ResolvedImage;
use crate::results::Results;

/// A run on its way. The plan says what to do; the configuration only gives keys, credentials and clients.
pub(crate) struct Run<'a> {
    pub(crate) plan: &'a RunPlan,
    pub(crate) config: &'a Config,
    pub(crate) ctx: &'a Context,
    pub(crate) report: &'a Recorder,
    pub(crate) registry: Registry,
}

impl Run<'_> {
    /// The repository that holds an image's signatures and attestations.
    pub(crate) fn evidence_repository<'a>(&'a self, image: &'a ResolvedImage) -> &'a Repository {
        self.plan.signature_repository.as_ref().unwrap_or(&image.reference.repository)
    }

    /// Writes the results so far to the report.
    pub(crate) fn record(&self, results: &Results) {
        self.report.section("images", &results.images);
        if !results.files.is_empty() {
            self.report.section("files", &results.files);
        }
        self.report.save();
    }
}
