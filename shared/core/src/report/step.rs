//! The steps of a run, in its report.

use serde::Serialize;
use serde_json::{Map, Value};

/// How a step ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// It was done.
    Ran,
    /// A stated condition made it unnecessary.
    Skipped,
    /// It could not be done, or its result is no.
    Failed,
}

impl StepStatus {
    /// As reports spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            StepStatus::Ran => "ran",
            StepStatus::Skipped => "skipped",
            StepStatus::Failed => "failed",
        }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct StepRecord {
    #[serde(skip)]
    pub(super) begun: usize,
    pub(super) name: String,
    pub(super) status: StepStatus,
    /// What was done, or why it was not.
    pub(super) detail: String,
    pub(super) started_at: String,
    pub(super) duration_ms: u64,
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub(super) counts: Map<String, Value>,
}
