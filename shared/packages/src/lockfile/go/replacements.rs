//! Replacements by module: those of one version come before those of all.

use std::collections::HashMap;

use super::modfile::Replace;

#[derive(Debug, Default)]
pub(super) struct Replacements(HashMap<String, HashMap<Option<String>, Replace>>);

impl Replacements {
    /// Of two for the same, the last one counts.
    pub(super) fn new(replaces: impl Iterator<Item = Replace>) -> Self {
        let mut known: HashMap<String, HashMap<Option<String>, Replace>> = HashMap::new();
        for replace in replaces {
            known.entry(replace.old.clone()).or_default().insert(replace.old_version.clone(), replace);
        }
        Replacements(known)
    }

    /// That of one version, or with `None` that of all.
    pub(super) fn of(&self, path: &str, version: Option<&str>) -> Option<&Replace> {
        self.0.get(path)?.get(&version.map(str::to_owned))
    }
}
