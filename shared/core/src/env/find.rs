//! Which environment variable gives a declared variable its value.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;
use std::path::Path;

use secrecy::SecretString;

use super::parse::{Content, MAX_FILE, Raw, tidy};
use super::problem::Problem;
use crate::advice::with_advice;
use crate::fs::{Links, read_text};
use crate::spec::{Spec, Var};
use crate::workspace::Workspace;

/// Most specific first: an action's input, our own prefix, the bare name.
const PREFIXES: [&str; 3] = [INPUT, "PIPEWRIGHT_", ""];
const INPUT: &str = "INPUT_";
/// A setting of a plugin of Drone or Woodpecker, which is an action's input there.
const SETTING: &str = "PLUGIN_";

/// The most items `X_COUNT` may announce.
const MAX_ITEMS: usize = 10_000;

/// The environment without empty values; names of inputs normalised.
pub(super) struct Environment {
    pub(super) vars: BTreeMap<String, String>,
    /// Names whose value is not UTF-8.
    pub(super) broken: BTreeSet<String>,
    /// What was typed for a name that had to be normalised.
    typed: BTreeMap<String, String>,
}

/// Values may be secret: only their number is shown.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Environment({} variables)", self.vars.len())
    }
}

impl Environment {
    pub(super) fn clean(env: impl IntoIterator<Item = (OsString, OsString)>) -> Environment {
        let mut clean = Environment { vars: BTreeMap::new(), broken: BTreeSet::new(), typed: BTreeMap::new() };
        let env: Vec<(OsString, OsString)> = env.into_iter().collect();
        let is = |name: &OsString, value: &OsString| {
            name == "DRONE" || ((name == "CI" || name == "CI_SYSTEM_NAME") && value == "woodpecker")
        };
        let runs_plugins = env.iter().any(|(name, value)| is(name, value));
        for (name, value) in env {
            let Ok(name) = name.into_string() else { continue };
            let name = match name.strip_prefix(SETTING).filter(|_| runs_plugins) {
                Some(setting) => {
                    let normalised = format!("{INPUT}{setting}");
                    clean.typed.insert(normalised.clone(), name);
                    normalised
                }
                None => name,
            };
            // GitHub upper-cases an input's id but keeps its hyphens.
            let name = if name.starts_with(INPUT) && name.contains('-') {
                let normalised = name.replace('-', "_");
                clean.typed.insert(normalised.clone(), name);
                normalised
            } else {
                name
            };
            match value.into_string() {
                Ok(value) if value.is_empty() => {}
                Ok(value) => {
                    clean.vars.insert(name, value);
                }
                Err(_) => {
                    clean.broken.insert(name);
                }
            }
        }
        clean
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.vars.get(name).map(String::as_str)
    }

    pub(super) fn typed(&self, name: &str) -> String {
        self.typed.get(name).map_or(name, String::as_str).to_owned()
    }

    /// The raw value of `var`: the first prefix under which its name or an alias is set.
    pub(super) fn find(&self, var: &Var, dir: &Path, root: &Path) -> Result<Option<Raw>, Problem> {
        for prefix in PREFIXES {
            let mut found: Option<Raw> = None;
            for name in std::iter::once(&var.name).chain(var.aliases) {
                let Some(raw) = self.at(var, &format!("{prefix}{name}"), prefix.is_empty(), dir, root)? else {
                    continue;
                };
                match &found {
                    Some(first) if is_given_by_action(var, &first.typed) => found = Some(raw),
                    Some(first) if !same(first, &raw) => {
                        return Err(Problem {
                            variable: format!("{}, {}", first.typed, raw.typed),
                            message: "both are set, to different values. Set one of them".to_owned(),
                        });
                    }
                    Some(_) => {}
                    None => found = Some(raw),
                }
            }
            if found.is_some() {
                return Ok(found);
            }
        }
        Ok(None)
    }

    fn at(&self, var: &Var, name: &str, bare: bool, dir: &Path, root: &Path) -> Result<Option<Raw>, Problem> {
        let problem =
            |variable: &str, message: &str| Problem { variable: variable.to_owned(), message: message.to_owned() };
        if self.broken.contains(name) {
            return Err(problem(name, "expected UTF-8 text"));
        }
        let direct = self.vars.get(name);
        let file_name = format!("{name}_FILE");
        let file = self.vars.get(&file_name).filter(|_| var.takes_file());
        let direct = direct.filter(|_| file.is_none() || !is_given_by_action(var, name));
        if let (Some(_), Some(_)) = (direct, file) {
            return Err(problem(&format!("{name}, {file_name}"), "both are set. Set one of them"));
        }
        if let Some(path) = file {
            let text = read_file(Path::new(path), dir, root).map_err(|message| problem(&file_name, &message))?;
            return Ok(Some(Raw { typed: file_name, content: Content::Text(text), bare, file: true }));
        }
        if let Some(text) = direct {
            return Ok(Some(Raw { typed: self.typed(name), content: Content::Text(text.clone()), bare, file: false }));
        }
        if var.kind.is_list() {
            return self.array(name, bare);
        }
        Ok(None)
    }

    /// Bitbucket passes an array as `X_COUNT`, `X_0`, `X_1`...
    fn array(&self, name: &str, bare: bool) -> Result<Option<Raw>, Problem> {
        let count_name = format!("{name}_COUNT");
        let Some(count) = self.vars.get(&count_name) else { return Ok(None) };
        let Some(count) = count.trim().parse::<usize>().ok().filter(|count| *count <= MAX_ITEMS) else {
            return Err(Problem {
                variable: count_name,
                message: format!("expected a whole number from 0 to {MAX_ITEMS}"),
            });
        };
        let items = (0..count).filter_map(|index| self.vars.get(&format!("{name}_{index}")).cloned()).collect();
        let items = tidy(items);
        Ok((!items.is_empty()).then(|| Raw {
            typed: name.to_owned(),
            content: Content::Items(items),
            bare,
            file: false,
        }))
    }

    /// The values of undeclared variables that by their name hold a secret, so that none of them is ever printed.
    pub(super) fn sensitive(&self, spec: &Spec) -> Vec<SecretString> {
        const SECRET_WORDS: [&str; 9] =
            ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "API_KEY", "APIKEY", "PRIVATE_KEY", "CREDENTIAL", "KUBECONFIG"];
        /// Shorter ones are rather flags and names than secrets.
        const MIN_LENGTH: usize = 8;
        let declared: BTreeSet<String> = spec.vars().flat_map(accepted_names).collect();
        let undeclared = self.vars.iter().filter(|(name, _)| {
            let bare = PREFIXES.iter().find_map(|prefix| name.strip_prefix(prefix)).unwrap_or(name);
            !declared.contains(bare)
        });
        undeclared
            .filter(|(name, value)| {
                let upper = name.to_ascii_uppercase();
                value.len() >= MIN_LENGTH
                    && !upper.ends_with("_FILE")
                    && !upper.ends_with("_PATH")
                    && !upper.ends_with("_URL")
                    && SECRET_WORDS.iter().any(|word| upper.contains(word))
            })
            .map(|(_, value)| SecretString::from(value.clone()))
            .collect()
    }
}

/// Whether the value may be the default of our action, which stands there whatever else the user sets.
fn is_given_by_action(var: &Var, name: &str) -> bool {
    var.github.is_some() && name.strip_prefix(INPUT) == Some(var.name)
}

fn same(left: &Raw, right: &Raw) -> bool {
    match (&left.content, &right.content) {
        (Content::Text(left), Content::Text(right)) => left == right,
        (Content::Items(left), Content::Items(right)) => left == right,
        _ => false,
    }
}

/// The names a declared variable answers to, with the suffixes its kind allows.
pub(crate) fn accepted_names(var: &Var) -> Vec<String> {
    let mut names = Vec::new();
    for name in std::iter::once(&var.name).chain(var.aliases) {
        names.push((*name).to_owned());
        if var.takes_file() {
            names.push(format!("{name}_FILE"));
        }
        if var.kind.is_list() {
            names.push(format!("{name}_COUNT"));
        }
    }
    names
}

/// The text of an `X_FILE`: a regular file of bounded size. A relative path stays inside the checkout after links are
/// resolved, so that a repository can't make a run read the machine's files.
fn read_file(path: &Path, dir: &Path, root: &Path) -> Result<String, String> {
    let path = Workspace::inside(root, dir, path)?;
    let read = read_text(&path, MAX_FILE, Links::Follow);
    read.map_err(|error| {
        let advice = if path.to_string_lossy().contains('\\') {
            "Write the path with / instead of \\"
        } else {
            "Set it to a file that can be read"
        };
        with_advice(error.to_string(), advice)
    })
}
