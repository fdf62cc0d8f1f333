//! What is known about a run, in one form for every CI.

use std::path::PathBuf;

use crate::git::{Checkout, Head, Remote};

/// The environment's variables by name. An empty one counts as unset.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The CI systems that are known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Provider {
    /// Bitbucket Pipelines.
    Bitbucket,
    /// GitHub Actions.
    GitHub,
    /// GitLab CI.
    GitLab,
    /// Another one, by its name in [`super::table`]: `circleci`.
    Other(&'static str),
    /// No CI, or none that is known.
    #[default]
    None,
}

impl Provider {
    /// The name in reports: `github`.
    pub fn as_str(self) -> &'static str {
        match self {
            Provider::Bitbucket => "bitbucket",
            Provider::GitHub => "github",
            Provider::GitLab => "gitlab",
            Provider::Other(name) => name,
            Provider::None => "none",
        }
    }
}

/// A run's surroundings. `None` is "not known here".
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CiContext {
    /// The CI system.
    pub provider: Provider,
    /// Bitbucket's workspace, GitHub's owner, GitLab's group with its parents.
    pub workspace: Option<String>,
    /// The repository's name without its owner.
    pub repository: Option<String>,
    /// Both, with `/`.
    pub full_name: Option<String>,
    /// The repository's page.
    pub repository_url: Option<String>,
    /// The platform's API, without a `/` at its end.
    pub api_url: Option<String>,
    /// The commit that the run is for; on GitHub's pull requests the merge of both sides. Without a CI, HEAD.
    pub commit: Option<String>,
    /// HEAD of the checkout, which is another commit if the pipeline checked one out.
    pub checked_out: Option<String>,
    /// On a pull request its source.
    pub branch: Option<String>,
    /// The tag that the run is for.
    pub tag: Option<String>,
    /// The branch that changes are proposed for, unless they say otherwise.
    pub default_branch: Option<String>,
    /// The proposed change that the run is for.
    pub pull_request: Option<PullRequest>,
    /// Nothing says whether the run is for a pull request: a CI that is not known, or one that does not say.
    pub unknown_change: bool,
    /// The name of the pipeline or workflow.
    pub pipeline: Option<String>,
    /// The name of the job or step.
    pub job: Option<String>,
    /// The run's or the job's page.
    pub build_url: Option<String>,
    /// The number of the run in its repository, as the platform shows it.
    pub build_number: Option<String>,
    /// The pipeline run, the same for all its jobs and all attempts. `None` outside of a CI.
    pub run_id: Option<String>,
    /// Which attempt of the run or the job this is, as the CI counts them.
    pub attempt: Option<String>,
    /// How the job stands, in the CI's words: `success`, `Succeeded`, an exit code.
    pub status: Option<String>,
    /// Who caused the run, as the platform names them.
    pub actor: Option<String>,
    /// The deployment environment of the job.
    pub environment: Option<String>,
    /// The title of the pull request, or the first line of the commit's message, as the platform says it.
    pub title: Option<String>,
    /// Who wrote the change, as the platform says it.
    pub author: Option<Author>,
    /// What the run was started to react to, if that is the end of something else.
    pub reported: Option<Box<Reported>>,
    /// Whether tracked files differ from HEAD.
    pub dirty: Option<bool>,
    /// Where the platform takes results from.
    pub channels: Channels,
}

/// A change that is proposed and not yet accepted. A merge queue's group counts as one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PullRequest {
    /// As the platform shows it, without `#` or `!`.
    pub id: String,
    /// Its page.
    pub url: Option<String>,
    /// The full name of the repository that the change is proposed for, if the run may be in another one.
    pub repository: Option<String>,
    /// The branch with the change.
    pub source_branch: Option<String>,
    /// The branch that the change is proposed for.
    pub target_branch: Option<String>,
    /// A commit of the target branch that the platform names: its tip, or where the change began. May be abbreviated.
    pub target_commit: Option<String>,
    /// The tip of the source branch.
    pub head_commit: Option<String>,
    /// The commit that the platform itself made by merging the source into the target, whose first parent is the
    /// target therefore.
    pub merge_commit: Option<String>,
    /// The source is another repository, whose authors need not be trusted.
    pub fork: Option<bool>,
    /// Opened by Dependabot, Renovate and the like.
    pub bot: bool,
}

/// Another run, a deployment or a check, as the event that reports its end describes it. Who opens a pull request chooses
/// many of these words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reported {
    /// The id of a pipeline run, by which the platform's API knows it.
    pub id: Option<String>,
    /// Its number, as the platform shows it.
    pub build_number: Option<String>,
    /// Its pipeline's name, or the name of the check.
    pub pipeline: Option<String>,
    /// `1` for the first attempt.
    pub attempt: Option<String>,
    /// How it ended, or that it still runs, in the platform's words: `failure`, `in_progress`.
    pub status: Option<String>,
    /// `owner:branch` for a branch of a fork.
    pub branch: Option<String>,
    /// Hexadecimal.
    pub commit: Option<String>,
    /// The id of a pull request that it ran for.
    pub pull_request: Option<String>,
    /// The pull request's target.
    pub target_branch: Option<String>,
    /// The title of the pull request or the commit's first line.
    pub title: Option<String>,
    /// Who wrote the commit.
    pub author: Option<Author>,
    /// Who caused it, as the platform names them.
    pub actor: Option<String>,
    /// Where a deployment went.
    pub environment: Option<String>,
    /// Its page.
    pub page: Option<String>,
    /// RFC 3339.
    pub started_at: Option<String>,
    /// RFC 3339.
    pub finished_at: Option<String>,
    /// The event is about a deployment.
    pub is_deployment: bool,
}

/// Who wrote a change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Author {
    /// Their name, or their login.
    pub name: String,
    /// Their address, if it is known.
    pub email: Option<String>,
}

/// Where the platform takes results from.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Channels {
    /// `GITHUB_STEP_SUMMARY`.
    pub step_summary: Option<PathBuf>,
    /// `GITHUB_OUTPUT`.
    pub outputs: Option<PathBuf>,
    /// `BITBUCKET_PIPELINES_VARIABLES_PATH`.
    pub pipeline_variables: Option<PathBuf>,
    /// The proxy that lets Code Insights' requests through without a token; the likelier address first.
    pub proxies: Vec<String>,
}

impl PullRequest {
    /// Platforms keep secrets from such pull requests, so a missing one is not a mistake.
    pub fn may_lack_secrets(&self) -> bool {
        self.fork == Some(true) || self.bot
    }
}

impl CiContext {
    /// What the author of a change writes: names of branches and tags, and their own.
    pub(crate) fn written_by_authors(&self) -> impl Iterator<Item = &str> {
        let pull = self.pull_request.as_ref();
        let branches = pull.into_iter().flat_map(|pull| [&pull.source_branch, &pull.target_branch]);
        let reported = self.reported.iter().flat_map(|it| [&it.branch, &it.title, &it.actor]);
        let authors = [self.author.as_ref(), self.reported.as_ref().and_then(|it| it.author.as_ref())];
        let author = authors.into_iter().flatten().map(|author| author.name.as_str());
        let texts = [&self.branch, &self.tag, &self.actor, &self.title].into_iter().chain(branches).chain(reported);
        texts.flatten().map(String::as_str).chain(author)
    }

    /// Fills in what the environment did not say.
    pub(super) fn complete(&mut self, checkout: &Checkout, head: Head) {
        self.dirty = checkout.is_dirty();
        self.checked_out = Some(head.commit.clone());
        let here = self.commit.get_or_insert_with(|| head.commit.clone()) == &head.commit;
        // What HEAD is called says nothing about another commit.
        if here && self.tag.is_none() && self.branch.is_none() {
            self.branch = head.branch;
            // A branch may have tags as well. The run is about the tag only without a branch.
            self.tag = if self.branch.is_none() { head.tags.into_iter().next() } else { None };
        }
        if self.default_branch.is_none() {
            self.default_branch = checkout.default_branch();
        }
        if let Some(remote) = checkout.remote() {
            self.of_remote(remote);
        }
    }

    /// Takes the name and the page of the repository from its address, if it has none yet.
    pub(super) fn of_remote(&mut self, remote: Remote) {
        if self.repository.is_none() {
            self.repository_url = self.repository_url.take().or_else(|| remote.web_url());
            self.workspace = remote.workspace;
            self.repository = Some(remote.repository);
        } else if self.repository_url.is_none() && Some(&remote.repository) == self.repository.as_ref() {
            self.repository_url = remote.web_url();
        }
    }

    /// Makes the full name of its parts.
    pub(super) fn name(&mut self) {
        if self.full_name.is_none() {
            let parts: Vec<&str> = self.workspace.iter().chain(&self.repository).map(String::as_str).collect();
            self.full_name = self.repository.as_ref().map(|_| parts.join("/"));
        }
    }

    /// What `said` knows and this does not, less what says which commit the run is for.
    pub(super) fn or(self, said: CiContext) -> CiContext {
        let unknown_change = self.pull_request.is_none() && said.unknown_change;
        let pull_request = match (self.pull_request, said.pull_request) {
            (Some(pull), said) => Some(PullRequest { url: pull.url.or(said.and_then(|said| said.url)), ..pull }),
            (None, said) => said,
        };
        CiContext {
            pull_request,
            unknown_change,
            pipeline: self.pipeline.or(said.pipeline),
            job: self.job.or(said.job),
            attempt: self.attempt.or(said.attempt),
            status: self.status.or(said.status),
            build_url: self.build_url.or(said.build_url),
            ..self
        }
    }

    /// [`CiContext::or`], with the provider and the page of the run from `said`.
    pub(super) fn or_pages_of(self, said: CiContext) -> CiContext {
        let (provider, build_url) = (said.provider, said.build_url.clone());
        CiContext { provider, build_url, ..self.or(said) }
    }

    /// `workspace/repository` as one variable gives it.
    pub(super) fn named(&mut self, full: Option<String>) {
        if let Some((workspace, repository)) = full.as_deref().and_then(|full| full.rsplit_once('/')) {
            self.workspace.get_or_insert_with(|| workspace.to_owned());
            self.repository.get_or_insert_with(|| repository.to_owned());
        } else if let Some(repository) = &full {
            self.repository.get_or_insert_with(|| repository.clone());
        }
        self.full_name = full;
    }
}
