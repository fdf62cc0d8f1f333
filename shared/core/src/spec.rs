//! The declaration of a pipe's variables. Everything a user meets (`--help`, `action.yml`, `pipe.yml`, the README table,
//! the JSON Schema, the warnings) is made from it.

use std::time::Duration;

use crate::text::enumerate;

/// What a pipe is called and which variables it reads.
#[derive(Debug)]
pub struct Spec {
    /// Folder, package, image and action share this name, e.g. `security-pipe`.
    pub name: &'static str,
    /// One sentence for the action and pipe listings.
    pub summary: &'static str,
    /// The category of the pipe listing, e.g. `Security`.
    pub category: &'static str,
    pub version: &'static str,
    /// The pipe's own variables, in groups as a reader should meet them. [`COMMON`] is added to every pipe.
    pub groups: &'static [Group],
    /// The default of `TIMEOUT`.
    pub timeout: &'static str,
    /// How long after a cancellation the pipe may go on to bring things in order.
    pub grace: Duration,
}

impl Spec {
    /// Every group with its variables, the common one last.
    pub fn groups(&self) -> impl Iterator<Item = &'static Group> {
        self.groups.iter().chain(std::iter::once(&COMMON))
    }

    /// Every variable of the pipe, the common ones last.
    pub fn vars(&self) -> impl Iterator<Item = &'static Var> {
        self.groups().flat_map(|group| group.vars.iter().copied())
    }

    /// Whether this version does anything with a variable. What it does not honour is left out of the pages and manifests
    /// that users read, and still ends a run with 3 when it is set.
    pub fn honours(&self, var: &Var) -> bool {
        let of = var.part_of.and_then(|name| self.vars().find(|other| other.name == name));
        !var.later && of.is_none_or(|scan| !scan.later)
    }

    /// The default shown for a variable; `TIMEOUT`'s belongs to the pipe.
    pub fn default_of(&self, var: &Var) -> Option<&'static str> {
        if var.name == common::TIMEOUT.name { Some(self.timeout) } else { var.default }
    }
}

/// Variables that belong together on a page.
#[derive(Debug)]
pub struct Group {
    pub title: &'static str,
    pub vars: &'static [&'static Var],
}

/// What a value must look like.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    Text,
    Path,
    Url,
    Bool,
    /// Whole numbers, bounds included.
    Integer {
        min: u64,
        max: u64,
    },
    /// Decimal numbers, bounds included.
    Number {
        min: f64,
        max: f64,
    },
    /// `300` (seconds), `300s`, `500ms`, `10m`, `1h30m`.
    Duration,
    /// Exactly one of these words, in any case.
    Choice(&'static [&'static str]),
    /// `X_COUNT` and `X_0`..., a JSON array, or separated by commas or newlines.
    List,
    /// A list whose items are of these words; a pair is an alias and the word it stands for.
    Choices(&'static [&'static str], &'static [(&'static str, &'static str)]),
    /// Never shown; `X_FILE` names a file that holds it.
    Secret,
    /// A list whose items are never shown.
    Secrets,
}

/// One variable. Built in `const` context: `Var::flag("DRY_RUN", "...").default("false")`.
#[derive(Debug)]
pub struct Var {
    pub name: &'static str,
    /// Older or other names that mean the same.
    pub aliases: &'static [&'static str],
    pub kind: Kind,
    pub default: Option<&'static str>,
    /// When it must be set, as a clause: `when CONTAINER_SCAN is true`.
    pub required: Option<&'static str>,
    /// One sentence: what it does, and what happens if it is unset.
    pub effect: &'static str,
    pub example: Option<&'static str>,
    /// `X_FILE` is accepted although it is no secret.
    pub file: bool,
    /// A word that job-wide environments often carry for their own ends: a bare value that makes no sense here is
    /// ignored with a notice; the prefixed forms are strict.
    pub common_word: bool,
    /// Declared, so that pipelines keep working, but not honoured by this version: setting it is exit 3.
    pub later: bool,
    /// The variable that switches on what this one configures, e.g. `IAC_SCAN` for the path of a chart.
    pub part_of: Option<&'static str>,
    /// The expression that a GitHub action passes where the user gives nothing, e.g. `github.token`. Only for what a
    /// container can't see otherwise: such a default hides the job's own `env:` of that name.
    pub github: Option<&'static str>,
}

impl Var {
    pub const fn new(name: &'static str, kind: Kind, effect: &'static str) -> Var {
        Var {
            name,
            aliases: &[],
            kind,
            default: None,
            required: None,
            effect,
            example: None,
            file: false,
            common_word: false,
            later: false,
            part_of: None,
            github: None,
        }
    }

    pub const fn flag(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::Bool, effect)
    }

    pub const fn text(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::Text, effect)
    }

    pub const fn path(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::Path, effect)
    }

    pub const fn list(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::List, effect)
    }

    pub const fn secret(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::Secret, effect)
    }

    pub const fn secrets(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::Secrets, effect)
    }

    pub const fn url(name: &'static str, effect: &'static str) -> Var {
        Var::new(name, Kind::Url, effect)
    }

    pub const fn choice(name: &'static str, words: &'static [&'static str], effect: &'static str) -> Var {
        Var::new(name, Kind::Choice(words), effect)
    }

    pub const fn default(self, default: &'static str) -> Var {
        Var { default: Some(default), ..self }
    }

    pub const fn aliases(self, aliases: &'static [&'static str]) -> Var {
        Var { aliases, ..self }
    }

    pub const fn required(self, when: &'static str) -> Var {
        Var { required: Some(when), ..self }
    }

    pub const fn example(self, example: &'static str) -> Var {
        Var { example: Some(example), ..self }
    }

    pub const fn file(self) -> Var {
        Var { file: true, ..self }
    }

    pub const fn common_word(self) -> Var {
        Var { common_word: true, ..self }
    }

    pub const fn later(self) -> Var {
        Var { later: true, ..self }
    }

    /// Only configures what the variable of this name switches on.
    pub const fn part_of(self, name: &'static str) -> Var {
        Var { part_of: Some(name), ..self }
    }

    pub const fn github(self, expression: &'static str) -> Var {
        Var { github: Some(expression), ..self }
    }

    pub fn is_secret(&self) -> bool {
        matches!(self.kind, Kind::Secret | Kind::Secrets)
    }

    /// Whether `NAME_FILE` may name a file that holds the value.
    pub fn takes_file(&self) -> bool {
        self.file || self.is_secret()
    }

    /// What was expected, for a message: `expected low, medium, high or critical`.
    pub fn expectation(&self) -> String {
        match self.kind {
            Kind::Text | Kind::Secret => "text".to_owned(),
            Kind::Path => "a path".to_owned(),
            Kind::Url => "a URL that begins with https:// or http://".to_owned(),
            Kind::Bool => "true or false".to_owned(),
            Kind::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Number { min, max } => format!("a number from {min} to {max}"),
            Kind::Duration => "a duration such as 300, 90s, 10m or 1h30m".to_owned(),
            Kind::Choice(words) => enumerate(words),
            Kind::List | Kind::Secrets => "a list, separated by commas or newlines".to_owned(),
            Kind::Choices(words, _) => format!("a list of {}", enumerate(words)),
        }
    }
}

/// The variables every pipe understands.
pub const COMMON: Group = Group {
    title: "Common to all pipes",
    vars: &[
        &common::WORKING_DIR,
        &common::REPORTS_DIR,
        &common::REPORT_NAME,
        &common::DRY_RUN,
        &common::DEBUG,
        &common::TIMEOUT,
        &common::LOG_FORMAT,
        &common::NO_COLOR,
        &common::CA_CERT,
        &common::HTTPS_PROXY,
        &common::HTTP_PROXY,
        &common::NO_PROXY,
        &common::ON_MISSING_SECRET,
        &common::GITHUB_TOKEN,
        &common::GITLAB_TOKEN,
        &common::BITBUCKET_ACCESS_TOKEN,
        &common::ATLASSIAN_ACCOUNT_EMAIL,
        &common::ATLASSIAN_API_TOKEN,
    ],
};

/// The common variables by name.
pub mod common {
    use super::{Kind, Var};

    pub const WORKING_DIR: Var = Var::path(
        "WORKING_DIR",
        "The directory to work on, relative to the current one; if unset, the current directory.",
    )
    .default(".")
    .example("services/api");
    pub const REPORTS_DIR: Var =
        Var::path("REPORTS_DIR", "Where reports are written, relative to WORKING_DIR; if unset, `security-reports`.")
            .default("security-reports");
    pub const REPORT_NAME: Var = Var::text(
        "REPORT_NAME",
        "Keeps the reports, comments and SARIF category of several runs in one repository apart (a folder below \
         REPORTS_DIR); if unset, there is one set.",
    )
    .example("api");
    pub const DRY_RUN: Var =
        Var::flag("DRY_RUN", "Prints what would be done and does nothing else; if unset, false.").default("false");
    pub const DEBUG: Var = Var::flag(
        "DEBUG",
        "Prints the effective configuration (secrets hidden) and details of the run; if unset, false, or true when \
         the runner itself is in debug mode.",
    )
    .default("false")
    .common_word();
    pub const TIMEOUT: Var =
        Var::new("TIMEOUT", Kind::Duration, "Ends the whole run, with its reports written, after this time.")
            .common_word();
    pub const LOG_FORMAT: Var =
        Var::choice("LOG_FORMAT", &["text", "json"], "Prints lines of text or one JSON object a line; if unset, text.")
            .default("text")
            .common_word();
    pub const NO_COLOR: Var = Var::text("NO_COLOR", "Any value switches colours off; if unset, CI logs are coloured.");
    pub const CA_CERT: Var = Var::text(
        "CA_CERT",
        "PEM certificates of additional certificate authorities to trust; if unset, the public ones only.",
    )
    .file();
    pub const HTTPS_PROXY: Var =
        Var::secret("HTTPS_PROXY", "The proxy for https requests; if unset, requests go out directly.")
            .aliases(&["https_proxy"])
            .example("http://proxy.example:3128");
    pub const HTTP_PROXY: Var =
        Var::secret("HTTP_PROXY", "The proxy for plain http requests; if unset, requests go out directly.")
            .aliases(&["http_proxy"]);
    pub const NO_PROXY: Var = Var::text(
        "NO_PROXY",
        "Hosts and domains, separated by commas, that are reached without a proxy; if unset, none.",
    )
    .aliases(&["no_proxy"]);
    pub const ON_MISSING_SECRET: Var = Var::choice(
        "ON_MISSING_SECRET",
        &["auto", "skip", "fail"],
        "What happens when a secret that is needed is not there: `skip` with a notice, `fail` with exit 2; if unset, \
         `auto` skips on pull requests of forks and bots, which get no secrets, and fails elsewhere.",
    )
    .default("auto");
    pub const GITHUB_TOKEN: Var = Var::secret(
        "GITHUB_TOKEN",
        "A token for GitHub's API, for what a pipe asks it or writes there (policy files at the target commit of a \
         shallow clone, earlier runs, statuses); if unset, GitHub's API is left alone.",
    )
    .github("github.token");
    pub const GITLAB_TOKEN: Var = Var::secret(
        "GITLAB_TOKEN",
        "A token for GitLab's API, for what a pipe asks it (policy files at the target commit of a shallow clone, \
         earlier pipelines); if unset, GitLab's API is left alone.",
    );
    pub const BITBUCKET_ACCESS_TOKEN: Var = Var::secret(
        "BITBUCKET_ACCESS_TOKEN",
        "A repository access token for Bitbucket's API, for what a pipe asks it or writes there (Code Insights, policy \
         files at the target commit of a shallow clone, earlier pipelines, statuses); if unset, Code Insights goes \
         through the pipeline's own proxy, and the rest is left out.",
    );
    pub const ATLASSIAN_ACCOUNT_EMAIL: Var =
        Var::text("ATLASSIAN_ACCOUNT_EMAIL", "The account of ATLASSIAN_API_TOKEN; if unset, that token is not used.");
    pub const ATLASSIAN_API_TOKEN: Var = Var::secret(
        "ATLASSIAN_API_TOKEN",
        "An API token, used like BITBUCKET_ACCESS_TOKEN; if unset, BITBUCKET_ACCESS_TOKEN or the proxy is used.",
    );
}
