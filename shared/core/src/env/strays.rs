//! Names that nothing declares, and which declared one a user seems to have meant.

use std::collections::BTreeSet;

use super::find::{Environment, accepted_names};
use super::problem::Problem;
use crate::spec::Spec;

/// Inputs that the runner itself gives a meaning: `uses: docker://image`.
const RUNNER_INPUTS: [&str; 2] = ["INPUT_ARGS", "INPUT_ENTRYPOINT"];

/// Every name that a pipe of this version answers to, one a line. `PIPEWRIGHT_X` may be set for a whole job, in which
/// another pipe reads it. Generated: `make generate`.
const FAMILY: &str = include_str!("family.txt");

/// Names of CI systems and shells: never a mistyped variable of ours.
const FOREIGN: [&str; 14] = [
    "ACTIONS_",
    "AWS_",
    "AZURE_",
    "BITBUCKET_",
    "BUILDKITE_",
    "CI_",
    "CIRCLE_",
    "GITHUB_",
    "GITLAB_",
    "KUBERNETES_",
    "RUNNER_",
    "npm_",
    "ftp_proxy",
    "all_proxy",
];

/// Names that nothing declares.
#[derive(Debug, Default)]
pub(super) struct Strays {
    /// Under one of our prefixes, which no other program uses.
    pub(super) unknown: Vec<Problem>,
    /// Bare ones that are a letter or two from a declared name. They may belong to another program.
    pub(super) near: Vec<Problem>,
}

impl Environment {
    /// Names that a user plainly meant for us and that nothing declares.
    pub(super) fn strays(&self, spec: &Spec) -> Strays {
        let declared: BTreeSet<String> = spec.vars().flat_map(accepted_names).collect();
        let mut strays = Strays::default();
        for name in self.vars.keys().chain(&self.broken) {
            let shared = name.strip_prefix("PIPEWRIGHT_");
            let prefixed = name.strip_prefix("INPUT_").or(shared);
            let bare = prefixed.unwrap_or(name);
            if declared.contains(bare) || is_item(bare, |name| declared.contains(name)) {
                continue;
            }
            let problem = |advice: String| Problem {
                variable: self.typed(name),
                message: format!("not a variable of {}. {advice}", spec.name),
            };
            let near = || nearest(bare, spec, prefixed.is_some());
            if prefixed.is_some() {
                let of_another = in_family(bare) || is_item(bare, in_family);
                if RUNNER_INPUTS.contains(&name.as_str()) || (shared.is_some() && of_another) {
                    continue;
                }
                strays.unknown.push(problem(match near() {
                    _ if of_another => "Another pipe reads it. Remove it here".to_owned(),
                    Some(near) => format!("Did you mean {near}?"),
                    None => "Remove it".to_owned(),
                }));
            } else if !is_foreign(bare)
                && let Some(near) = near()
            {
                strays.near.push(problem(format!("Did you mean {near}?")));
            }
        }
        strays
    }
}

/// `X_0` of a declared list `X`.
fn is_item(name: &str, declared: impl Fn(&str) -> bool) -> bool {
    let Some((list, index)) = name.rsplit_once('_') else { return false };
    !index.is_empty() && index.bytes().all(|b| b.is_ascii_digit()) && declared(&format!("{list}_COUNT"))
}

fn in_family(name: &str) -> bool {
    FAMILY.lines().any(|known| known == name)
}

fn is_foreign(name: &str) -> bool {
    let begins = |prefix: &&str| name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    FOREIGN.iter().any(begins)
}

fn nearest(name: &str, spec: &Spec, ours: bool) -> Option<&'static str> {
    /// A shorter bare name probably belongs to another program.
    const MIN_LENGTH: usize = 7;
    if !ours && name.len() < MIN_LENGTH {
        return None;
    }
    let upper = name.to_ascii_uppercase();
    if let Some(var) = spec.vars().find(|var| var.elsewhere.contains(&upper.as_str())) {
        return Some(var.name);
    }
    let own = characters(&upper);
    spec.vars()
        .filter(|var| ours || !var.common_word)
        .flat_map(|var| std::iter::once(&var.name).chain(var.aliases))
        // The distance is never less than the difference in length, nor than half the number of characters that only one
        // of the two has. Both are there at once.
        .filter(|declared| declared.len().abs_diff(upper.len()) <= 2)
        .filter(|declared| (characters(declared) ^ own).count_ones() <= 4)
        .map(|declared| (strsim::damerau_levenshtein(declared, &upper), *declared))
        .filter(|(distance, declared)| *distance <= 2 && declared.len() > 4)
        .min()
        .map(|(_, declared)| declared)
}

/// Which characters occur in a name, a bit for each; those that are far apart share one.
fn characters(name: &str) -> u64 {
    name.chars().fold(0, |set, character| set | 1 << (u32::from(character) % 64))
}
