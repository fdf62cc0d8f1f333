//! Values by their type, each by its declaration.

use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;

use super::Vars;
use super::parse::{self, Value, duration};
use crate::spec::{Var, common};

impl Vars {
    /// A boolean with its default (false if none is declared).
    pub fn flag(&mut self, var: &'static Var) -> bool {
        let default = self.default(var);
        self.maybe_flag(var).unwrap_or(default == Some("true"))
    }

    /// A boolean that may be unset.
    pub fn maybe_flag(&mut self, var: &'static Var) -> Option<bool> {
        match self.get(var) {
            Some(Value::Bool(value)) => Some(*value),
            _ => None,
        }
    }

    /// Text, a path or a URL as given, or its default.
    pub fn text(&mut self, var: &'static Var) -> Option<String> {
        let default = self.default(var);
        match self.get(var) {
            Some(Value::Text(value)) => Some(value.clone()),
            _ => default.map(str::to_owned),
        }
    }

    /// A path as given, or its default.
    pub fn path(&mut self, var: &'static Var) -> Option<PathBuf> {
        let path = self.text(var)?;
        self.note_backslash(var, &path);
        Some(PathBuf::from(path))
    }

    /// The items of a list of paths or globs, or those of its default.
    pub fn paths(&mut self, var: &'static Var) -> Vec<String> {
        let paths = self.list(var);
        paths.iter().for_each(|path| self.note_backslash(var, path));
        paths
    }

    /// A path of Windows is one long name here, at which there is nothing.
    fn note_backslash(&mut self, var: &'static Var, path: &str) {
        // In a glob it may keep the next character from being a sign.
        let is_separator = |(at, _): (usize, &str)| !path[at + 1..].starts_with(|c| "*?[]{}!\\".contains(c));
        let dirs = [Some(Path::new("")), self.working_dir()];
        // A folder of such a name was made by this mistake.
        let exists = dirs.into_iter().flatten().any(|dir| self.dir.join(dir).join(path).is_file());
        if exists || !path.match_indices('\\').any(is_separator) {
            return;
        }
        let slashes = path.replace('\\', "/");
        let notice = format!("{} contains a backslash. Write the path with /, as in {slashes}", self.typed(var));
        if !self.notices.contains(&notice) {
            self.notices.push(notice);
        }
    }

    fn working_dir(&self) -> Option<&Path> {
        match self.values.get(common::WORKING_DIR.name).map(|found| &found.value) {
            Some(Value::Text(dir)) => Some(Path::new(dir)),
            _ => None,
        }
    }

    /// A whole number within the declared bounds, or its default.
    pub fn integer(&mut self, var: &'static Var) -> Option<u64> {
        let default = self.default(var);
        match self.get(var) {
            Some(Value::Integer(value)) => Some(*value),
            _ => default.and_then(|text| text.parse().ok()),
        }
    }

    /// A decimal number within the declared bounds, or its default.
    pub fn number(&mut self, var: &'static Var) -> Option<f64> {
        let default = self.default(var);
        match self.get(var) {
            Some(Value::Number(value)) => Some(*value),
            _ => default.and_then(|text| text.parse().ok()),
        }
    }

    /// A duration, or its default. Below a second it is a problem: every duration of a pipe is the time for some work.
    pub fn duration(&mut self, var: &'static Var) -> Option<Duration> {
        let default = self.default(var).and_then(duration);
        let Some(Value::Duration(value)) = self.get(var) else { return default };
        let value = *value;
        if value < Duration::from_secs(1) {
            self.problem(var, "expected a duration of at least 1s, such as 300 or 10m");
        }
        Some(value)
    }

    /// One of the declared words, or its default.
    pub fn choice(&mut self, var: &'static Var) -> Option<&'static str> {
        let default = self.default(var);
        match self.get(var) {
            Some(Value::Word(word)) => Some(word),
            _ => default,
        }
    }

    /// The items of a list, or those of its default.
    pub fn list(&mut self, var: &'static Var) -> Vec<String> {
        let default = self.default(var);
        match self.get(var) {
            Some(Value::List(items)) => items.clone(),
            _ => default.map(parse::split).unwrap_or_default(),
        }
    }

    /// A secret, from the variable or its `X_FILE`.
    pub fn secret(&mut self, var: &'static Var) -> Option<SecretString> {
        match self.get(var) {
            Some(Value::Secret(value)) => Some(value.clone()),
            _ => None,
        }
    }

    /// The items of a list of secrets.
    pub fn secrets_of(&mut self, var: &'static Var) -> Vec<SecretString> {
        match self.get(var) {
            Some(Value::Secrets(items)) => items.clone(),
            _ => Vec::new(),
        }
    }
}
