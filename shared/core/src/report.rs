//! The report of a run, on disk from its first moment.
//!
//! A [`Recorder`] is handed to the pipe; every step it records is written at once, so that an error, a panic, a signal
//! or even a kill leaves what was known. The document's schema is `docs/schemas/report.v1.schema.json`; a pipe's sections
//! have a separate one beside it.

mod earlier;
mod indented;
mod schema;
mod section;
mod step;

use std::io::{self, BufWriter, IntoInnerError, Write};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use jiff::Timestamp;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value, json};

use crate::env::{Effective, Problem};
use crate::exit::{Ending, Verdict};
use crate::platform::CiContext;
use crate::platform::rendering::Rendering;
use crate::redact::Redactor;
use crate::redact::json::JsonWriter;
use crate::spec::Spec;
use crate::workspace::ReportDir;
use section::Section;
use step::StepRecord;

pub use earlier::Earlier;
pub use schema::SCHEMA_VERSION;
pub use section::Element;
pub use step::StepStatus;

struct Document {
    spec: &'static Spec,
    started_at: Timestamp,
    started: Instant,
    context: Value,
    run_id: Option<String>,
    subject: Option<String>,
    inputs: Value,
    notices: Vec<String>,
    problems: Vec<Problem>,
    /// How many steps began.
    begun: usize,
    /// In the order in which they began.
    steps: Vec<StepRecord>,
    sections: Vec<(String, Section)>,
    bugs: Vec<String>,
    ending: Option<Ending>,
    rendering: Option<Rendering>,
}

/// Records a run. Cloning it gives another handle to the same report.
#[derive(Clone)]
pub struct Recorder {
    document: Arc<Mutex<Document>>,
    report_dir: Arc<ReportDir>,
    redactor: Redactor,
}

impl Recorder {
    /// A report that says "did not finish" until the run ends. Nothing is written before [`Recorder::save`].
    pub fn new(spec: &'static Spec, report_dir: Arc<ReportDir>, redactor: Redactor) -> Recorder {
        let document = Document {
            spec,
            started_at: Timestamp::now(),
            started: Instant::now(),
            context: Value::Null,
            run_id: None,
            subject: None,
            inputs: json!({}),
            notices: Vec::new(),
            problems: Vec::new(),
            begun: 0,
            steps: Vec::new(),
            sections: Vec::new(),
            bugs: Vec::new(),
            ending: None,
            rendering: None,
        };
        Recorder { document: Arc::new(Mutex::new(document)), report_dir, redactor }
    }

    /// Where this and the other files of the run are written.
    pub fn report_dir(&self) -> &ReportDir {
        &self.report_dir
    }

    /// Hides secrets in everything this run prints and writes.
    pub fn redactor(&self) -> &Redactor {
        &self.redactor
    }

    /// The CI's context and the subject `tree:<commit>`.
    pub fn context(&self, ci: &CiContext) {
        self.edit(|document| {
            document.context = source(ci);
            document.run_id.clone_from(&ci.run_id);
            document.subject = ci.commit.as_ref().map(|commit| format!("tree:{commit}"));
        });
    }

    /// What the run is about if that is not a tree: `image:<digest>`.
    pub fn subject(&self, subject: String) {
        self.edit(|document| document.subject = Some(subject));
    }

    /// The effective variables, secrets hidden.
    pub fn inputs(&self, effective: &[Effective]) {
        let inputs: Map<String, Value> = effective
            .iter()
            .map(|input| {
                let from = input.from.as_deref().unwrap_or("default");
                (input.name.to_owned(), json!({ "value": input.shown, "from": from }))
            })
            .collect();
        self.edit(|document| document.inputs = Value::Object(inputs));
    }

    /// A sentence for the user: something to look at that is not a mistake.
    pub fn notice(&self, text: impl Into<String>) {
        self.edit(|document| document.notices.push(text.into()));
    }

    /// The mistakes of the configuration.
    pub fn problems(&self, problems: &[Problem]) {
        self.edit(|document| document.problems.extend_from_slice(problems));
    }

    /// Begins a step. Dropped without an end, it is recorded as failed.
    /// Steps stand in the report in the order in which they began.
    pub fn step(&self, name: impl Into<String>) -> Step {
        let mut document = self.lock();
        document.begun += 1;
        Step {
            recorder: self.clone(),
            begun: document.begun,
            name: name.into(),
            started_at: Timestamp::now(),
            started: Instant::now(),
            counts: Map::new(),
            done: false,
        }
    }

    /// A part of the report that belongs to the pipe, under its own key.
    pub fn section(&self, key: &str, value: impl Serialize) {
        self.put(key, Section::Value(indented::layout(&value, 1)));
    }

    /// A list under its own key, whose elements are made whenever the report is written, so that a long one is never in
    /// memory.
    pub fn list(&self, key: &str, length: usize, element: impl Fn(usize) -> Element + Send + Sync + 'static) {
        self.put(key, Section::List(length, Box::new(element)));
    }

    fn put(&self, key: &str, section: Section) {
        self.edit(|document| {
            document.sections.retain(|(known, _)| known != key);
            document.sections.push((key.to_owned(), section));
        });
    }

    /// What the CI's own pages should show.
    pub fn present(&self, rendering: Rendering) {
        self.edit(|document| document.rendering = Some(rendering));
    }

    /// A part of the run died by a bug of ours; the run goes on and ends with 70.
    pub fn bug(&self, what: impl Into<String>) {
        self.edit(|document| document.bugs.push(what.into()));
    }

    pub(crate) fn first_bug(&self) -> Option<String> {
        self.lock().bugs.first().cloned()
    }

    pub(crate) fn take_rendering(&self) -> Option<Rendering> {
        self.lock().rendering.take()
    }

    pub(crate) fn elapsed(&self) -> std::time::Duration {
        self.lock().started.elapsed()
    }

    /// Records the end and writes the report for the last time.
    pub(crate) fn finish(&self, ending: &Ending) {
        self.edit(|document| document.ending = Some(ending.clone()));
        self.save();
    }

    /// When the run began, RFC 3339.
    pub fn started_at(&self) -> String {
        self.lock().started_at.to_string()
    }

    /// Writes another file of the run, redacted. A failure is kept by [`ReportDir::failure`].
    pub fn write(&self, name: &str, bytes: &[u8]) {
        drop(self.report_dir.write(name, &self.redactor.bytes(bytes)));
    }

    /// Like [`Recorder::write`] for a document in parts, none of which ends within a secret, so that it need not be in
    /// memory. `content` hands them to its argument.
    pub fn write_parts(
        &self,
        name: &str,
        content: impl FnOnce(&mut dyn FnMut(&[u8]) -> io::Result<()>) -> io::Result<()>,
    ) {
        drop(self.report_dir.write_with(name, |file| {
            let mut file = BufWriter::new(file);
            content(&mut |part| file.write_all(&self.redactor.bytes(part)))?;
            file.flush()
        }));
    }

    /// Like [`Recorder::write`] for a JSON document, which stays one. `content` writes it, in pieces of any size, so
    /// that it need not be in memory.
    pub fn write_json(&self, name: &str, content: impl FnOnce(&mut dyn Write) -> io::Result<()>) {
        drop(self.report_dir.write_with(name, |file| {
            // Documents come in pieces of a few bytes.
            let mut out = BufWriter::with_capacity(64 * 1024, JsonWriter::new(&self.redactor, file));
            content(&mut out)?;
            out.into_inner().map_err(IntoInnerError::into_error)?.finish()
        }));
    }

    /// Writes the report as it stands. A failure is kept by [`ReportDir::failure`] and ends the run with 3.
    pub fn save(&self) {
        let document = self.lock();
        self.write_json(&report_name(document.spec), |file| {
            serde_json::to_writer_pretty(&mut *file, &*document)?;
            file.write_all(b"\n")
        });
    }

    fn edit(&self, change: impl FnOnce(&mut Document)) {
        change(&mut self.lock());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Document> {
        self.document.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// `security-pipe-report.json`.
pub fn report_name(spec: &Spec) -> String {
    format!("{}-report.json", spec.name)
}

impl Serialize for Document {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (verdict, reason, code) = match &self.ending {
            Some(ending) => (ending.verdict(), ending.reason(), Some(ending.code())),
            None => (Verdict::Error, "did not finish", None),
        };
        let problems: Vec<Value> = self
            .problems
            .iter()
            .map(|problem| json!({ "variable": problem.variable, "message": problem.message }))
            .collect();
        let mut report = serializer.serialize_map(None)?;
        report.serialize_entry("schema_version", SCHEMA_VERSION)?;
        report.serialize_entry("pipe", &json!({ "name": self.spec.name, "version": self.spec.version }))?;
        report.serialize_entry("verdict", verdict.as_str())?;
        report.serialize_entry("reason", reason)?;
        report.serialize_entry("exit_code", &code)?;
        report.serialize_entry("run_id", &self.run_id)?;
        report.serialize_entry("subject", &self.subject)?;
        report.serialize_entry("started_at", &self.started_at.to_string())?;
        report.serialize_entry("duration_ms", &millis(self.started))?;
        report.serialize_entry("context", &self.context)?;
        report.serialize_entry("inputs", &self.inputs)?;
        report.serialize_entry("problems", &problems)?;
        report.serialize_entry("notices", &self.notices)?;
        report.serialize_entry("bugs", &self.bugs)?;
        report.serialize_entry("steps", &self.steps)?;
        for (key, value) in &self.sections {
            report.serialize_entry(key, value)?;
        }
        report.end()
    }
}

fn source(ci: &CiContext) -> Value {
    json!({
        "provider": ci.provider.as_str(),
        "workspace": ci.workspace,
        "repository": ci.repository,
        "commit": ci.commit,
        "dirty": ci.dirty,
        "branch": ci.branch,
        "tag": ci.tag,
        "pull_request": ci.pull_request.as_ref().map(|pull| json!({
            "id": pull.id,
            "source_branch": pull.source_branch,
            "target_branch": pull.target_branch,
            "target_commit": pull.target_commit,
            "fork": pull.fork,
        })),
        "build_url": ci.build_url,
        "build_number": ci.build_number,
        "actor": ci.actor,
        "environment": ci.environment,
    })
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// One step of a run, timed from its creation.
pub struct Step {
    recorder: Recorder,
    begun: usize,
    name: String,
    started_at: Timestamp,
    started: Instant,
    counts: Map<String, Value>,
    done: bool,
}

impl Step {
    /// A number worth keeping, e.g. `files`.
    pub fn count(&mut self, what: &str, number: u64) {
        self.counts.insert(what.to_owned(), json!(number));
    }

    /// It begins now: it waited for another one. Its place among the steps stays.
    pub fn restart(&mut self) {
        (self.started_at, self.started) = (Timestamp::now(), Instant::now());
    }

    /// Ends the step. `detail` says what was done, as a fragment.
    pub fn ran(mut self, detail: impl Into<String>) {
        self.record(StepStatus::Ran, detail.into());
    }

    /// Ends the step. `why` says why it was not needed, as a fragment.
    pub fn skipped(mut self, why: impl Into<String>) {
        self.record(StepStatus::Skipped, why.into());
    }

    /// Ends the step. `why` says what went wrong, as a fragment.
    pub fn failed(mut self, why: impl Into<String>) {
        self.record(StepStatus::Failed, why.into());
    }

    /// The end of a step whose status was decided before.
    pub fn end(mut self, status: StepStatus, detail: impl Into<String>) {
        self.record(status, detail.into());
    }

    fn record(&mut self, status: StepStatus, detail: String) {
        self.done = true;
        let record = StepRecord {
            begun: self.begun,
            name: std::mem::take(&mut self.name),
            status,
            detail,
            started_at: self.started_at.to_string(),
            duration_ms: millis(self.started),
            counts: std::mem::take(&mut self.counts),
        };
        self.recorder.edit(|document| {
            let at = document.steps.partition_point(|step| step.begun < record.begun);
            document.steps.insert(at, record);
        });
        self.recorder.save();
    }
}

impl Drop for Step {
    fn drop(&mut self) {
        if !self.done {
            self.record(StepStatus::Failed, "did not finish".to_owned());
        }
    }
}
