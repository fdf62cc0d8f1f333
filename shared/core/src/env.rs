//! Configuration from environment variables only.
//!
//! [`Vars::load`] checks every declared variable at once, so that a person reads all mistakes in one go; a pipe then
//! takes typed values out by their declaration: `vars.flag(&DRY_RUN)`. A name that is not declared can't be read.

mod find;
mod parse;
mod problem;
mod strays;
mod typed;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret, SecretString};

use crate::advice::{is_expectation, with_advice};
use crate::redact::masks_other_text;
use crate::spec::{Kind, Spec, Var, common};
use parse::Value;

pub(crate) use find::accepted_names;
pub use parse::{MAX_FILE, duration};
pub use problem::Problem;

/// A declared variable's value and where it came from, for `DEBUG` and the report.
#[derive(Debug, Clone)]
pub struct Effective {
    /// As declared.
    pub name: &'static str,
    /// The environment variable that was read, or `None` for the default.
    pub from: Option<String>,
    /// `***` for a secret.
    pub shown: String,
    /// What this value does.
    pub effect: String,
}

/// The cleaned environment of one run.
#[derive(Debug)]
pub struct Vars {
    spec: &'static Spec,
    /// Where relative paths start.
    dir: PathBuf,
    env: find::Environment,
    values: BTreeMap<&'static str, Found>,
    problems: Vec<Problem>,
    near_misses: Vec<Problem>,
    /// Those whose value is a mistake, so that they are not missing as well.
    mistaken: BTreeSet<&'static str>,
    notices: Vec<String>,
    unmounted: bool,
    sensitive: Vec<SecretString>,
    missing_secrets: Vec<&'static str>,
    read: BTreeSet<&'static str>,
}

#[derive(Debug)]
struct Found {
    typed: String,
    /// Under its bare name, without a prefix.
    bare: bool,
    value: Value,
}

impl Vars {
    /// Reads and checks every variable of `spec` from the process's environment. Relative `X_FILE` paths start at
    /// `dir` and stay inside `root`.
    pub fn from_process(spec: &'static Spec, dir: &Path, root: &Path) -> Vars {
        Vars::load(spec, std::env::vars_os(), dir, root)
    }

    /// [`Vars::from_process`] over any environment.
    pub fn load(
        spec: &'static Spec,
        env: impl IntoIterator<Item = (OsString, OsString)>,
        dir: &Path,
        root: &Path,
    ) -> Vars {
        let mut vars = Vars::empty(spec, env, dir);
        let strays = vars.env.strays(spec);
        let sentence = |near: &Problem| format!("{} is {}", near.variable, near.message);
        vars.notices = strays.near.iter().map(sentence).collect();
        vars.near_misses = strays.near;
        vars.sensitive = vars.env.sensitive(spec);
        for var in spec.vars() {
            vars.take(var, dir, root);
        }
        vars.note_weak_secrets();
        vars.problems.extend(strays.unknown);
        vars
    }

    /// Says once of each variable that its mask may hide other text.
    fn note_weak_secrets(&mut self) {
        let is_weak = |secret: &SecretString| masks_other_text(secret.expose_secret());
        let weak = self.values.values().filter(|found| found.value.secrets().iter().any(is_weak));
        self.notices.extend(weak.map(|Found { typed, .. }| {
            format!("{typed} is too short or common to mask well, so *** may hide other text. Set a longer value")
        }));
    }

    /// `wanted` of the process's variables and no others, for what has to be known before all the rest.
    pub(crate) fn only(spec: &'static Spec, wanted: &[&'static Var], dir: &Path, root: &Path) -> Vars {
        let mut vars = Vars::empty(spec, std::env::vars_os(), dir);
        for var in wanted {
            vars.take(var, dir, root);
        }
        vars
    }

    fn empty(spec: &'static Spec, env: impl IntoIterator<Item = (OsString, OsString)>, dir: &Path) -> Vars {
        Vars {
            spec,
            dir: dir.to_owned(),
            env: find::Environment::clean(env),
            values: BTreeMap::new(),
            problems: Vec::new(),
            near_misses: Vec::new(),
            mistaken: BTreeSet::new(),
            notices: Vec::new(),
            unmounted: false,
            sensitive: Vec::new(),
            missing_secrets: Vec::new(),
            read: BTreeSet::new(),
        }
    }

    fn take(&mut self, var: &'static Var, dir: &Path, root: &Path) {
        let known = self.problems.len();
        match self.env.find(var, dir, root) {
            Ok(Some(raw)) if parse::is_unexpanded(var, &raw) => self.problems.push(Problem {
                variable: parse::typed(var, &raw),
                message: "is a reference to a variable that has no value here, so it was not expanded. Set that \
                          variable, or remove this one"
                    .to_owned(),
            }),
            Ok(Some(raw)) => match parse::value(var, &raw) {
                // An empty list counts as unset. An empty file is a mistake: it was written on purpose.
                Ok(value) if value.lists_nothing() && !raw.file => {}
                Ok(value) if value.lists_nothing() => {
                    let message = "lists nothing. Add an item, or unset it".to_owned();
                    self.problems.push(Problem { variable: raw.typed, message });
                }
                Ok(value) => {
                    self.values.insert(var.name, Found { typed: raw.typed, bare: raw.bare, value });
                }
                Err(expected) => self.misfit(var, &raw, &expected),
            },
            Ok(None) => {}
            Err(problem) => self.problems.push(problem),
        }
        if self.problems.len() > known {
            self.mistaken.insert(var.name);
        }
    }

    /// A value that does not fit: a mistake, unless it is a common word set for the whole job.
    fn misfit(&mut self, var: &'static Var, raw: &parse::Raw, expected: &str) {
        let variable = parse::typed(var, raw);
        if var.common_word && raw.bare {
            self.notices.push(format!(
                "{variable} is ignored: {} expects {expected}. Set PIPEWRIGHT_{} to configure {0}",
                self.spec.name, var.name
            ));
        } else {
            self.problems.push(Problem { variable, message: format!("expected {expected}") });
        }
    }

    fn get(&mut self, var: &'static Var) -> Option<&Value> {
        self.read.insert(var.name);
        self.values.get(var.name).map(|found| &found.value)
    }

    fn default(&self, var: &Var) -> Option<&'static str> {
        self.spec.default_of(var)
    }

    /// A secret without which the pipe can't do what was asked. Missing, it is a mistake or, as `ON_MISSING_SECRET`
    /// says, a reason to skip the run: see [`Vars::missing_secrets`]. `untrusted` marks a run that gets no secrets, such
    /// as a fork's pull request.
    pub fn require_secret(&mut self, var: &'static Var, untrusted: bool) -> Option<SecretString> {
        let found = self.secret(var);
        if found.is_none() {
            self.lacks_secret(var, untrusted);
        }
        found
    }

    /// Records that a needed `var` is not there, as [`Vars::require_secret`] does.
    pub fn lacks_secret(&mut self, var: &'static Var, untrusted: bool) {
        match self.choice(&common::ON_MISSING_SECRET) {
            Some("skip") => self.missing_secrets.push(var.name),
            Some("auto") if untrusted => self.missing_secrets.push(var.name),
            _ => self.require(var),
        }
    }

    /// Says that this run has no use for `vars`: parts of the pipe that are not asked for.
    pub fn pass_over(&mut self, vars: &[&'static Var]) {
        self.read.extend(vars.iter().map(|var| var.name));
    }

    /// Adds a sentence for the user to [`Vars::notices`].
    pub fn notice(&mut self, text: impl Into<String>) {
        self.notices.push(text.into());
    }

    /// Records that `var` must be set. A value that is a mistake was set, and is recorded already.
    pub fn require(&mut self, var: &'static Var) {
        if self.mistaken.contains(var.name) {
            return;
        }
        let when = var.required.map(|when| format!(" {when}")).unwrap_or_default();
        let example = var.example.map(|example| format!(" Example: {example}")).unwrap_or_default();
        self.problems.push(Problem {
            variable: var.name.to_owned(),
            message: format!("required{when}. {}.{example}", var.effect.trim_end_matches('.')),
        });
    }

    /// Records a mistake that only the pipe can see, at the name the user typed.
    pub fn problem(&mut self, var: &'static Var, message: impl Into<String>) {
        let (variable, message) = (self.typed(var), message.into());
        let message = match var.example {
            // A library says what is wrong with a value, and not what is right for this variable.
            Some(example) if !is_expectation(&message) => with_advice(message, &format!("Example: {example}")),
            _ => message,
        };
        self.problems.push(Problem { variable, message });
    }

    /// Records that `var`, which can only make the verdict stricter, has no effect in this run. `why` says the reason and the
    /// way out. It is a mistake, unless its bare name was set and is [`Var::shared`]: then the result is that name, for a
    /// warning, and the run must not end better than warned.
    pub fn without_effect(&mut self, var: &'static Var, why: &str) -> Option<String> {
        if var.shared && self.is_bare(var) {
            return Some(self.typed(var));
        }
        self.problem(var, why);
        None
    }

    /// Records that there are no files to work on, as if nothing was mounted. Then no report stays either, so that the
    /// next run finds the directory as this one did.
    pub fn unmounted(&mut self, message: impl Into<String>) {
        self.problem(&crate::spec::common::WORKING_DIR, message);
        self.unmounted = true;
    }

    /// Whether [`Vars::unmounted`] was called.
    pub fn is_unmounted(&self) -> bool {
        self.unmounted
    }

    /// Whether the user set it.
    pub fn is_set(&mut self, var: &'static Var) -> bool {
        self.get(var).is_some()
    }

    /// Whether its value comes from the name without a prefix, which may be set for a whole job.
    pub fn is_bare(&self, var: &Var) -> bool {
        self.values.get(var.name).is_some_and(|found| found.bare)
    }

    /// The environment variable the value came from, or the declared name.
    pub fn typed(&self, var: &Var) -> String {
        self.values.get(var.name).map_or_else(|| var.name.to_owned(), |found| found.typed.clone())
    }

    /// The variables that are set although this version does not honour them, as typed.
    pub fn not_in_this_version(&self) -> Vec<String> {
        self.spec
            .vars()
            .filter(|var| var.later)
            .filter_map(|var| self.values.get(var.name))
            .filter(|found| !matches!(found.value, Value::Bool(false)))
            .map(|found| found.typed.clone())
            .collect()
    }

    /// A variable of the CI system, by its exact name; an empty one is unset. Never for what a user configures.
    pub fn ci(&self, name: &str) -> Option<&str> {
        self.env.get(name)
    }

    /// Every mistake found so far.
    pub fn problems(&self) -> &[Problem] {
        &self.problems
    }

    /// Makes mistakes of the bare names that are a letter or two from a declared one, for a check by which nothing else
    /// runs that they could belong to. Their notices go.
    pub(crate) fn judge_near_misses(&mut self) {
        self.notices.drain(..self.near_misses.len());
        self.problems.append(&mut self.near_misses);
    }

    /// Near misses, ignored words and secrets that can't be masked well, each a sentence.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// Secrets whose absence skips this run.
    pub fn missing_secrets(&self) -> &[&'static str] {
        &self.missing_secrets
    }

    /// Every secret of this environment: declared ones, and the values of undeclared variables whose name says that they are secret.
    pub fn secrets(&self) -> impl Iterator<Item = &SecretString> {
        let declared = self.values.values().flat_map(|found| found.value.secrets());
        declared.chain(&self.sensitive)
    }

    /// Each declared variable with its effective value, in declared order.
    pub fn effective(&self) -> Vec<Effective> {
        self.spec
            .vars()
            .filter_map(|var| {
                let (from, shown) = match self.values.get(var.name) {
                    Some(found) => (Some(found.typed.clone()), found.value.shown()),
                    None => (None, self.default(var)?.to_owned()),
                };
                let effect = var.effect_of(&shown);
                Some(Effective { name: var.name, from, shown, effect })
            })
            .collect()
    }

    /// The pipe's own variables that were never read: each one is a documented feature that isn't there.
    pub fn unread(&self) -> Vec<&'static str> {
        let own = self.spec.groups.iter().flat_map(|group| group.vars).filter(|var| !var.later);
        own.map(|var| var.name).filter(|name| !self.read.contains(name)).collect()
    }
}

impl Kind {
    pub(crate) fn is_list(self) -> bool {
        matches!(self, Kind::List | Kind::Choices(..) | Kind::Secrets)
    }
}

#[cfg(test)]
mod tests;
