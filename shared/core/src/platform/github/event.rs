//! The event that started a workflow: the parts that describe the change.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use super::super::context::{Author, PullRequest};
use crate::fs::{Links, read_bounded};

/// GitHub's own limit for a webhook's payload is 25 MB; one that says what we need is a few KB.
pub(super) const MAX_EVENT: u64 = 16 * 1024 * 1024;

#[derive(Debug, Default, Deserialize)]
pub(super) struct Event {
    pull_request: Option<Pull>,
    merge_group: Option<MergeGroup>,
    workflow_run: Option<WorkflowRun>,
    issue: Option<Issue>,
    /// Of a push. As any JSON: what decides nothing must not make the rest unreadable.
    #[serde(default)]
    head_commit: Value,
    repository: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Pull {
    number: u64,
    #[serde(default)]
    title: Value,
    base: Option<Side>,
    head: Option<Side>,
    user: Option<User>,
}

#[derive(Debug, Default, Deserialize)]
struct Side {
    #[serde(rename = "ref")]
    name: Option<String>,
    sha: Option<String>,
    /// `null` for a fork that was deleted.
    repo: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    full_name: Option<String>,
    fork: Option<bool>,
    default_branch: Option<String>,
}

#[derive(Debug, Deserialize)]
struct User {
    login: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

#[derive(Debug, Deserialize)]
struct MergeGroup {
    base_sha: Option<String>,
    base_ref: Option<String>,
    head_sha: Option<String>,
    head_ref: Option<String>,
}

#[derive(Debug, Deserialize)]
struct WorkflowRun {
    event: Option<String>,
    head_sha: Option<String>,
    head_branch: Option<String>,
    head_repository: Option<Repository>,
    #[serde(default)]
    pull_requests: Vec<Pull>,
}

#[derive(Debug, Deserialize)]
struct Issue {
    number: u64,
    /// There only if the issue is a pull request.
    pull_request: Option<serde::de::IgnoredAny>,
}

impl Event {
    /// `None` if it is not there, too large, or not what is expected.
    pub(super) fn read(path: &Path) -> Option<Event> {
        serde_json::from_slice(&read_bounded(path, MAX_EVENT, Links::Follow).ok()?).ok()
    }

    pub(super) fn default_branch(&self) -> Option<String> {
        self.repository.as_ref()?.default_branch.clone()
    }

    /// The title of the pull request, or the first line of the pushed commit's message.
    pub(super) fn title(&self) -> Option<String> {
        let title = match &self.pull_request {
            Some(pull) => &pull.title,
            None => &self.head_commit["message"],
        };
        title.as_str()?.lines().next().map(|line| line.trim().to_owned()).filter(|line| !line.is_empty())
    }

    /// Who opened the pull request, or wrote the pushed commit.
    pub(super) fn author(&self) -> Option<Author> {
        if let Some(pull) = &self.pull_request {
            return Some(Author { name: pull.user.as_ref()?.login.clone()?, email: None });
        }
        let author = &self.head_commit["author"];
        let text = |name: &str| author[name].as_str().map(str::to_owned);
        Some(Author { name: text("name").or_else(|| text("username"))?, email: text("email") })
    }

    /// Of the events `pull_request`, `pull_request_target` and `pull_request_review`.
    pub(super) fn pull_request(&self) -> Option<PullRequest> {
        let pull = self.pull_request.as_ref()?;
        let (base, head) = (pull.base.as_ref(), pull.head.as_ref());
        Some(PullRequest {
            id: pull.number.to_string(),
            url: None,
            repository: None,
            source_branch: head.and_then(|head| head.name.clone()),
            target_branch: base.and_then(|base| base.name.clone()),
            target_commit: base.and_then(|base| base.sha.clone()),
            head_commit: head.and_then(|head| head.sha.clone()),
            merge_commit: None,
            fork: head.map(|head| is_fork(head.repo.as_ref(), base.and_then(|base| base.repo.as_ref()))),
            bot: pull.user.as_ref().is_some_and(User::is_bot),
        })
    }

    /// A merge queue's group of pull requests.
    pub(super) fn merge_group(&self) -> Option<PullRequest> {
        let group = self.merge_group.as_ref()?;
        let branch = |name: &Option<String>| {
            name.as_deref().map(|name| name.strip_prefix("refs/heads/").unwrap_or(name).to_owned())
        };
        let source_branch = branch(&group.head_ref);
        // `gh-readonly-queue/main/pr-12-4f2c1aa...`
        let id = source_branch.as_deref().and_then(|name| name.rsplit_once("/pr-")?.1.split('-').next());
        Some(PullRequest {
            id: id.unwrap_or_default().to_owned(),
            target_branch: branch(&group.base_ref),
            target_commit: group.base_sha.clone(),
            head_commit: group.head_sha.clone(),
            // The queue's branches are in the target's repository.
            fork: Some(false),
            source_branch,
            ..PullRequest::default()
        })
    }

    /// Of `workflow_run` after a pull request's workflow, and of a comment on a pull request.
    pub(super) fn other_pull_request(&self) -> Option<PullRequest> {
        if let Some(issue) = self.issue.as_ref().filter(|issue| issue.pull_request.is_some()) {
            let id = issue.number.to_string();
            return Some(PullRequest { id, target_branch: self.default_branch(), ..PullRequest::default() });
        }
        let run = self.workflow_run.as_ref()?;
        if !run.event.as_deref()?.starts_with("pull_request") {
            return None;
        }
        // Empty for pull requests of forks.
        let pull = run.pull_requests.first();
        let base = pull.and_then(|pull| pull.base.as_ref());
        Some(PullRequest {
            id: pull.map(|pull| pull.number.to_string()).unwrap_or_default(),
            source_branch: run.head_branch.clone(),
            target_branch: base.and_then(|base| base.name.clone()).or_else(|| self.default_branch()),
            target_commit: base.and_then(|base| base.sha.clone()),
            head_commit: run.head_sha.clone(),
            fork: Some(is_fork(run.head_repository.as_ref(), self.repository.as_ref())),
            ..PullRequest::default()
        })
    }
}

/// Whether the change comes from another repository. A repository that is a fork of another one is not a fork of itself.
fn is_fork(head: Option<&Repository>, base: Option<&Repository>) -> bool {
    let Some(head) = head else { return true };
    match (&head.full_name, base.and_then(|base| base.full_name.as_ref())) {
        (Some(head), Some(base)) => !head.eq_ignore_ascii_case(base),
        _ => head.fork.unwrap_or(true),
    }
}

/// Apps act under such names; Renovate's own account is an ordinary one.
pub(super) fn is_bot(login: &str) -> bool {
    login.ends_with("[bot]") || matches!(login, "renovate-bot" | "dependabot" | "dependabot-preview")
}

impl User {
    fn is_bot(&self) -> bool {
        self.kind.as_deref() == Some("Bot") || self.login.as_deref().is_some_and(is_bot)
    }
}
