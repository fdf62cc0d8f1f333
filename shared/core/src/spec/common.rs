//! The variables every pipe understands.

use super::var::{Group, Kind, Var};

/// The variables every pipe understands.
pub const COMMON: Group = Group {
    title: "Common to all pipes",
    vars: &[
        &WORKING_DIR,
        &REPORTS_DIR,
        &REPORT_NAME,
        &DRY_RUN,
        &DEBUG,
        &TIMEOUT,
        &LOG_FORMAT,
        &NO_COLOR,
        &CA_CERT,
        &HTTPS_PROXY,
        &HTTP_PROXY,
        &NO_PROXY,
        &ON_MISSING_SECRET,
        &PULL_REQUEST,
        &TARGET_BRANCH,
        &TARGET_COMMIT,
        &REPOSITORY,
        &PIPELINE,
        &BRANCH,
        &GITHUB_TOKEN,
        &GITLAB_TOKEN,
        &BITBUCKET_ACCESS_TOKEN,
        &ATLASSIAN_ACCOUNT_EMAIL,
        &ATLASSIAN_API_TOKEN,
    ],
};

/// `WORKING_DIR`.
pub const WORKING_DIR: Var =
    Var::path("WORKING_DIR", "Sets the directory to work in, relative to the current directory.")
        .default(".")
        .example("services/api");
/// `REPORTS_DIR`.
pub const REPORTS_DIR: Var = Var::path(
    "REPORTS_DIR",
    "Sets the directory for reports, relative to WORKING_DIR. `none` writes no reports, for runs without a mount.",
)
.default("security-reports");
/// `REPORT_NAME`.
pub const REPORT_NAME: Var = Var::text(
    "REPORT_NAME",
    "Separates the reports, the Code Insights report and the SARIF category of several runs in one repository. \
     Reports are written to a folder of this name in REPORTS_DIR.",
)
.unset("reports are written to REPORTS_DIR")
.example("api");
/// `DRY_RUN`.
pub const DRY_RUN: Var = Var::flag("DRY_RUN", "Prints the plan of the run and does nothing else.")
    .or("carries out the run")
    .default("false");
/// `DEBUG`.
pub const DEBUG: Var =
    Var::flag("DEBUG", "Prints the effective configuration, with secrets hidden, and details of the run.")
        .or("prints results and warnings only")
        .unset("it is `true` in a debug run of GitHub Actions and `false` elsewhere")
        .common_word();
/// `TIMEOUT`, whose default is [`super::Spec::timeout`].
pub const TIMEOUT: Var =
    Var::new("TIMEOUT", Kind::Duration, "Ends the run after this time. Reports are still written.").common_word();
/// `LOG_FORMAT`.
pub const LOG_FORMAT: Var = Var::choice("LOG_FORMAT", &["text", "json"], "Sets the form of the log.")
    .values(&[("text", "prints lines of text"), ("json", "prints one JSON object per line")])
    .default("text")
    .common_word();
/// `NO_COLOR`.
pub const NO_COLOR: Var = Var::text("NO_COLOR", "Disables colours, whatever its value.")
    .unset("output is coloured in a CI and on a terminal");
/// `CA_CERT`.
pub const CA_CERT: Var = Var::text("CA_CERT", "Adds certificate authorities to trust, as PEM text.")
    .unset("only the public certificate authorities are trusted")
    .file();
/// `HTTPS_PROXY`.
pub const HTTPS_PROXY: Var = Var::secret("HTTPS_PROXY", "Sends https requests through this proxy.")
    .unset("https requests are sent directly")
    .aliases(&["https_proxy"])
    .example("http://proxy.example:3128");
/// `HTTP_PROXY`.
pub const HTTP_PROXY: Var = Var::secret("HTTP_PROXY", "Sends http requests through this proxy.")
    .unset("http requests are sent directly")
    .aliases(&["http_proxy"])
    .example("http://proxy.example:3128");
/// `NO_PROXY`.
pub const NO_PROXY: Var =
    Var::text("NO_PROXY", "Lists hosts, domains and networks, separated by commas, that are reached without a proxy.")
        .unset("no host is exempt")
        .aliases(&["no_proxy"])
        .example("localhost,.internal.example,10.0.0.0/8");
/// `ON_MISSING_SECRET`.
pub const ON_MISSING_SECRET: Var =
    Var::choice("ON_MISSING_SECRET", &["auto", "skip", "fail"], "Sets what happens if a required secret is missing.")
        .values(&[
            (
                "auto",
                "skips the run for pull requests from forks and bots, which get no secrets, and fails it elsewhere",
            ),
            ("skip", "skips the run with a notice"),
            ("fail", "ends the run with exit code 2"),
        ])
        .default("auto");
/// `PULL_REQUEST`.
pub const PULL_REQUEST: Var = Var::text(
    "PULL_REQUEST",
    "Says which pull request the run is for, or `false` for a push or a schedule, if the CI does not say it. A value that \
     contradicts the CI is a configuration error.",
)
.unset("the CI says it. If it does not, policy files and comments with `gitleaks:allow` do not apply in a CI")
.example("41");
/// `TARGET_BRANCH`.
pub const TARGET_BRANCH: Var = Var::text(
    "TARGET_BRANCH",
    "Sets the branch that the pull request is for, if the CI does not say it. Policy files are read from there.",
)
.unset("the CI says it, or it is the default branch of the checkout")
.example("main");
/// `TARGET_COMMIT`.
pub const TARGET_COMMIT: Var = Var::text(
    "TARGET_COMMIT",
    "Sets a commit of the branch that the pull request is for, if the CI does not say it. Policy files are read from \
     there.",
)
.unset("the tip of TARGET_BRANCH counts")
.example("4f2c1aa");
/// `REPOSITORY`.
pub const REPOSITORY: Var = Var::text(
    "REPOSITORY",
    "Sets the name of the repository in reports and messages. In a known CI, only `INPUT_REPOSITORY` and \
     `PIPEWRIGHT_REPOSITORY` count.",
)
.unset("the CI or the remote of the checkout gives it")
.example("org/app")
.common_word();
/// `PIPELINE`.
pub const PIPELINE: Var = Var::text(
    "PIPELINE",
    "Sets the name of the pipeline in messages. In a known CI, only `INPUT_PIPELINE` and `PIPEWRIGHT_PIPELINE` count.",
)
.unset("the CI gives it")
.example("deploy")
.common_word();
/// `BRANCH`.
pub const BRANCH: Var = Var::text(
    "BRANCH",
    "Sets the name of the branch in reports and messages. In a known CI, only `INPUT_BRANCH` and `PIPEWRIGHT_BRANCH` \
     count.",
)
.unset("the CI or the checkout gives it")
.example("main")
.common_word();
/// `GITHUB_TOKEN`.
pub const GITHUB_TOKEN: Var = Var::secret(
    "GITHUB_TOKEN",
    "Authenticates to the GitHub API, to read policy files of the target branch and earlier runs, and to write \
     statuses.",
)
.unset("the GitHub API is not called")
.github("github.token");
/// `GITLAB_TOKEN`.
pub const GITLAB_TOKEN: Var = Var::secret(
    "GITLAB_TOKEN",
    "Authenticates to the GitLab API, to read policy files of the target branch and earlier pipelines.",
)
.unset("the GitLab API is not called");
/// `BITBUCKET_ACCESS_TOKEN`.
pub const BITBUCKET_ACCESS_TOKEN: Var = Var::secret(
    "BITBUCKET_ACCESS_TOKEN",
    "Authenticates to the Bitbucket API with a repository access token, to read policy files of the target branch \
     and earlier pipelines, and to write Code Insights reports and statuses.",
)
.unset("only Code Insights reports are written, through the proxy of the pipeline");
/// `ATLASSIAN_ACCOUNT_EMAIL`.
pub const ATLASSIAN_ACCOUNT_EMAIL: Var =
    Var::text("ATLASSIAN_ACCOUNT_EMAIL", "Names the account that ATLASSIAN_API_TOKEN belongs to.")
        .unset("ATLASSIAN_API_TOKEN is not used");
/// `ATLASSIAN_API_TOKEN`.
pub const ATLASSIAN_API_TOKEN: Var = Var::secret(
    "ATLASSIAN_API_TOKEN",
    "Authenticates to the Bitbucket API with an API token if BITBUCKET_ACCESS_TOKEN is not set.",
)
.unset("BITBUCKET_ACCESS_TOKEN or the proxy of the pipeline is used");
