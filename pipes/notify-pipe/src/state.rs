//! What one notification of a pipeline leaves for the next: ids of messages to update, and how the pipeline ended last.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pipe_core::Context;
use pipe_core::env::{MAX_FILE, Vars};
use pipe_core::fs::{Links, if_present, read_bounded};
use pipe_core::platform::Provider;
use pipe_core::spec::Var;
use pipe_core::workspace::{ReportDir, Workspace};
use serde::{Serialize, Serializer};

use crate::run::Run;
use crate::status::Status;

pub(crate) const STATE_FILE: Var = Var::path(
    "STATE_FILE",
    "A JSON file that keeps message ids and the last status from one run to the next. Keep it in a cache or a shared folder.",
)
.unset("Bitbucket's shared pipe storage is used, and nothing is kept on other platforms")
.example(".cache/notify.json");

/// The name in a folder that other pipes share.
const SHARED_NAME: &str = "pipewright-notify.json";

/// Texts by key, in a file if one is set. Without it, values last as long as the run.
#[derive(Debug)]
pub(crate) struct State {
    path: Option<PathBuf>,
    root: PathBuf,
    values: Mutex<BTreeMap<String, String>>,
}

/// Where the state is kept.
pub(crate) fn state_file(vars: &mut Vars, ctx: &Context) -> Option<PathBuf> {
    let shared = vars.ci("BITBUCKET_PIPE_SHARED_STORAGE_DIR").map(|dir| Path::new(dir).join(SHARED_NAME));
    let Some(given) = vars.path(&STATE_FILE) else { return shared };
    match Workspace::inside(&ctx.workspace.root, &ctx.workspace.dir, &given) {
        Ok(path) => Some(path),
        Err(problem) => {
            vars.problem(&STATE_FILE, problem);
            None
        }
    }
}

impl State {
    /// Reads the file. One that can't be read counts as empty, and the sentence about it is returned.
    pub(crate) fn open(path: Option<PathBuf>, root: &Path) -> (State, Option<String>) {
        let read = match &path {
            Some(path) => read(path),
            None => Ok(BTreeMap::new()),
        };
        let (values, problem) = match read {
            Ok(values) => (values, None),
            Err(problem) => (BTreeMap::new(), Some(problem)),
        };
        (State { path, root: root.to_owned(), values: Mutex::new(values) }, problem)
    }

    /// The file as a reader of the repository would write it; outside of the repository, its absolute path.
    pub(crate) fn file(&self) -> Option<String> {
        let path = self.path.as_ref()?;
        Some(path.strip_prefix(&self.root).unwrap_or(path).to_string_lossy().into_owned())
    }

    /// How the run before this one ended, if it is known here.
    pub(crate) fn previous_status(&self, run: &Run) -> Option<Status> {
        self.get(&self.status_key(run)?).and_then(|word| Status::parse(&word))
    }

    /// Keeps how this run ended for the next one.
    ///
    /// # Errors
    /// The file can't be written.
    pub(crate) fn remember(&self, status: Status, run: &Run) -> Result<(), String> {
        match self.status_key(run) {
            Some(key) if self.remembers(status) => self.set(&key, status.name()),
            _ => Ok(()),
        }
    }

    /// One pipeline on one branch has one status. `None` if it is unknown which one this is. A file in the checkout is the
    /// repository's own, also where that has no name.
    fn status_key(&self, run: &Run) -> Option<String> {
        let mut run = run.clone();
        if self.path.as_ref()?.starts_with(&self.root) {
            run.repository.get_or_insert_default();
            run.has_one_pipeline |= run.provider == Provider::None.as_str();
        }
        run.identity().ok()?;
        let parts = [&run.repository, &run.pipeline, &run.ref_name(), &run.environment];
        let parts: Vec<&str> = parts.iter().map(|part| part.as_deref().unwrap_or("-")).collect();
        Some(format!("status:{}", parts.join("|")))
    }

    /// Which run it is, among all that may share the file. `None` if that is unknown: the ids of many CIs count the runs of
    /// one repository or one pipeline.
    pub(crate) fn run_key(&self, run: &Run) -> Option<String> {
        let id = run.id.as_ref()?;
        let is_own = self.path.as_ref().is_some_and(|path| path.starts_with(&self.root));
        let is_known = run.repository.is_some() || is_own;
        let parts = [&run.repository, &run.pipeline].map(|part| part.as_deref().unwrap_or("-"));
        is_known.then(|| format!("{}|{id}", parts.join("|")))
    }

    /// Whether [`State::remember`] writes the file for this status.
    pub(crate) fn remembers(&self, status: Status) -> bool {
        self.path.is_some() && status.went_well().is_some()
    }

    pub(crate) fn get(&self, key: &str) -> Option<String> {
        self.values.lock().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// Sets a value and writes the file, which other runs may be changing as well: their values stay.
    ///
    /// # Errors
    /// It can't be written.
    pub(crate) fn set(&self, key: &str, value: &str) -> Result<(), String> {
        let mut values = self.values.lock().unwrap_or_else(PoisonError::into_inner);
        values.insert(key.to_owned(), value.to_owned());
        let Some(path) = &self.path else { return Ok(()) };
        let mut current = read(path).unwrap_or_default();
        current.insert(key.to_owned(), value.to_owned());
        let (Some(dir), Some(name)) = (path.parent(), path.file_name()) else {
            return Err(format!("{} is not the name of a file. Set STATE_FILE to a file", path.display()));
        };
        let mut text = Vec::new();
        let written = serde_json::to_writer_pretty(&mut text, &current).map_err(std::io::Error::from);
        written
            .and_then(|()| writeln!(text))
            .and_then(|()| ReportDir::new(dir.to_owned(), &self.root).write(&name.to_string_lossy(), &text))
            .map_err(|error| {
                format!("failed to write {}: {error}. Set STATE_FILE to a place that can be written", path.display())
            })
    }
}

/// The file, or null.
impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.file().serialize(serializer)
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let advice = "Set STATE_FILE to another file, or remove this one";
    let problem = |why: &dyn std::fmt::Display| format!("failed to read {}: {why}. {advice}", path.display());
    let bytes = if_present(read_bounded(path, MAX_FILE, Links::Follow)).map_err(|error| problem(&error))?;
    bytes.map_or_else(|| Ok(BTreeMap::new()), |bytes| serde_json::from_slice(&bytes).map_err(|error| problem(&error)))
}

#[cfg(test)]
mod tests {
    use super::State;
    use crate::message::example;
    use crate::run::Run;

    #[test]
    fn runs_of_two_repositories_or_pipelines_share_no_key() {
        let run = example().run;
        let (shared, _) = State::open(Some("/shared/state.json".into()), std::path::Path::new("/work"));
        let (own, _) = State::open(Some("/work/state.json".into()), std::path::Path::new("/work"));
        let key = shared.run_key(&run);
        assert!(key.is_some());
        let (repository, pipeline) = (Some("org/b".to_owned()), Some("nightly".to_owned()));
        for other in [Run { repository, ..run.clone() }, Run { pipeline, ..run.clone() }] {
            assert_ne!(shared.run_key(&other), key);
        }
        let unknown = Run { repository: None, ..run };
        assert_eq!(shared.run_key(&unknown), None, "any repository may have a run of this number");
        assert!(own.run_key(&unknown).is_some(), "the file is the repository's");
    }

    #[test]
    fn a_value_is_kept_for_the_next_run_and_for_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache/state.json");
        let (first, problem) = State::open(Some(path.clone()), dir.path());
        assert_eq!((first.get("a"), problem), (None, None));
        let (other, _) = State::open(Some(path.clone()), dir.path());
        first.set("a", "1").unwrap();
        other.set("b", "2").unwrap();
        let (next, _) = State::open(Some(path), dir.path());
        assert_eq!((next.get("a").as_deref(), next.get("b").as_deref()), (Some("1"), Some("2")));
        assert_eq!(next.file().as_deref(), Some("cache/state.json"));
    }

    #[test]
    fn a_broken_file_is_reported_and_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state.json");
        std::fs::write(&path, "{\"a\": ").unwrap();
        let (state, problem) = State::open(Some(path.clone()), dir.path());
        assert!(problem.unwrap().contains("state.json"));
        state.set("a", "1").unwrap();
        assert_eq!(State::open(Some(path), dir.path()).0.get("a").as_deref(), Some("1"));
    }

    #[test]
    fn without_a_file_values_last_as_long_as_the_run() {
        let (state, _) = State::open(None, std::path::Path::new("/"));
        state.set("a", "1").unwrap();
        assert_eq!(state.get("a").as_deref(), Some("1"));
        assert_eq!(state.file(), None);
    }
}
