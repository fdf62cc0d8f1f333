//! What one notification of a pipeline leaves for the next: ids of messages to update, and how the pipeline ended last.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use pipe_core::Context;
use pipe_core::env::{MAX_FILE, Vars};
use pipe_core::spec::Var;
use pipe_core::workspace::{ReportDir, Workspace};

pub(crate) const STATE_FILE: Var = Var::path(
    "STATE_FILE",
    "A JSON file that keeps the ids of messages and the last status from one notification to the next (a cache, a shared \
     folder); if unset, Bitbucket's shared pipe storage, and nothing elsewhere.",
)
.example(".cache/notify.json");

/// The name in a folder that other pipes share.
const SHARED_NAME: &str = "pipewright-notify.json";

/// Texts by key, in a file where there is one. Without it, what is set lasts as long as the run.
#[derive(Debug, Default)]
pub(crate) struct State {
    path: Option<PathBuf>,
    owner_of: PathBuf,
    values: Mutex<BTreeMap<String, String>>,
}

/// Where the state is kept.
pub(crate) fn place(vars: &mut Vars, ctx: &Context) -> Option<PathBuf> {
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
    /// Reads what is there. A file that can't be read is no state, and told.
    pub(crate) fn open(path: Option<PathBuf>, owner_of: &Path) -> (State, Option<String>) {
        let read = match &path {
            Some(path) => read(path),
            None => Ok(BTreeMap::new()),
        };
        let (values, problem) = match read {
            Ok(values) => (values, None),
            Err(problem) => (BTreeMap::new(), Some(problem)),
        };
        (State { path, owner_of: owner_of.to_owned(), values: Mutex::new(values) }, problem)
    }

    /// Whether what is set now is there for the next run.
    pub(crate) fn lasts(&self) -> bool {
        self.path.is_some()
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
            return Err(format!("{} is no file", path.display()));
        };
        let mut text = Vec::new();
        let written = serde_json::to_writer_pretty(&mut text, &current).map_err(std::io::Error::from);
        written
            .and_then(|()| writeln!(text))
            .and_then(|()| ReportDir::new(dir.to_owned(), &self.owner_of).write(&name.to_string_lossy(), &text))
            .map_err(|error| format!("can't write {}: {error}", path.display()))
    }
}

fn read(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let problem = |why: &dyn std::fmt::Display| format!("can't use {}: {why}", path.display());
    match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Err(error) => return Err(problem(&error)),
        Ok(meta) if !meta.is_file() || meta.len() > MAX_FILE => {
            return Err(problem(&"expected a regular file of at most 1 MiB"));
        }
        Ok(_) => {}
    }
    let bytes = fs::read(path).map_err(|error| problem(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| problem(&error))
}

#[cfg(test)]
mod tests {
    use super::State;

    #[test]
    fn what_is_set_is_there_for_the_next_run_and_for_others() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cache/state.json");
        let (first, problem) = State::open(Some(path.clone()), dir.path());
        assert_eq!((first.get("a"), problem), (None, None));
        let (other, _) = State::open(Some(path.clone()), dir.path());
        first.set("a", "1").unwrap();
        other.set("b", "2").unwrap();
        let (next, _) = State::open(Some(path), dir.path());
        assert_eq!((next.get("a").as_deref(), next.get("b").as_deref()), (Some("1"), Some("2")));
        assert!(next.lasts());
    }

    #[test]
    fn a_broken_file_is_told_and_replaced() {
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
        assert!(!state.lasts());
    }
}
