//! Detection, and the base of pull requests on checkouts like those that the platforms make.

mod bases;
mod given;
mod table;

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{CiContext, Provider, PullRequest, detect};
use crate::git::tests::Fixture;

pub(super) struct Vars(BTreeMap<String, String>);

impl Vars {
    pub(super) fn new(vars: &[(&str, &str)]) -> Vars {
        Vars(vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    pub(super) fn with(mut self, name: &str, value: &str) -> Vars {
        self.0.insert(name.to_owned(), value.to_owned());
        self
    }

    pub(super) fn detect(&self, repo: Option<&Fixture>) -> CiContext {
        let checkout = repo.map(Fixture::checkout);
        detect(&|name| self.0.get(name).cloned(), checkout.as_ref())
    }
}

pub(super) fn github(event: &str) -> Vars {
    Vars::new(&[
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", event),
        ("GITHUB_REPOSITORY", "org/app"),
        ("GITHUB_SHA", "5ha"),
        ("GITHUB_RUN_ID", "77"),
        ("GITHUB_RUN_NUMBER", "5"),
        ("GITHUB_RUN_ATTEMPT", "2"),
        ("GITHUB_ACTOR", "ada"),
    ])
}

pub(super) fn with_event(vars: Vars, dir: &Fixture, event: &Value) -> Vars {
    dir.write("event.json", &event.to_string());
    vars.with("GITHUB_EVENT_PATH", dir.path().join("event.json").to_str().unwrap())
}

pub(super) fn event(head_repository: &str) -> Value {
    json!({
        "number": 41,
        "pull_request": {
            "number": 41,
            "base": { "ref": "main", "sha": "ba5e", "repo": { "full_name": "org/app", "fork": true } },
            "head": { "ref": "feature", "sha": "4ead", "repo": { "full_name": head_repository, "fork": true } },
            "user": { "login": "ada", "type": "User" },
        },
        "repository": { "full_name": "org/app", "default_branch": "trunk" },
    })
}

#[test]
fn bitbucket_says_it_all_in_variables() {
    let ci = Vars::new(&[
        ("BITBUCKET_BUILD_NUMBER", "12"),
        ("BITBUCKET_WORKSPACE", "ws"),
        ("BITBUCKET_REPO_SLUG", "app"),
        ("BITBUCKET_REPO_FULL_NAME", "ws/app"),
        ("BITBUCKET_COMMIT", "c0ffee"),
        ("BITBUCKET_BRANCH", "feature"),
        ("BITBUCKET_TAG", ""),
        ("BITBUCKET_PR_ID", "41"),
        ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
        ("BITBUCKET_PR_DESTINATION_COMMIT", "ba5eba5eba5e"),
        ("BITBUCKET_PIPELINE_UUID", "{1-2-3}"),
        ("BITBUCKET_STEP_TRIGGERER_UUID", "{4}"),
        ("BITBUCKET_DEPLOYMENT_ENVIRONMENT", "staging"),
        ("BITBUCKET_PIPELINES_VARIABLES_PATH", "/v"),
    ])
    .detect(None);
    let expected_pull = PullRequest {
        id: "41".to_owned(),
        url: Some("https://bitbucket.org/ws/app/pull-requests/41".to_owned()),
        repository: None,
        source_branch: Some("feature".to_owned()),
        target_branch: Some("main".to_owned()),
        target_commit: Some("ba5eba5eba5e".to_owned()),
        head_commit: Some("c0ffee".to_owned()),
        merge_commit: None,
        fork: Some(false),
        bot: false,
    };
    assert_eq!(ci.pull_request, Some(expected_pull));
    assert_eq!(
        serde_like(&ci),
        "Bitbucket ws app ws/app c0ffee feature - 12 1-2-3 {4} staging \
         https://bitbucket.org/ws/app/pipelines/results/12 https://api.bitbucket.org/2.0"
    );
    assert_eq!(ci.channels.pipeline_variables, Some("/v".into()));
    let tagged = Vars::new(&[("BITBUCKET_BUILD_NUMBER", "12"), ("BITBUCKET_TAG", "v1")]).detect(None);
    assert_eq!((tagged.tag.as_deref(), tagged.branch, tagged.run_id.as_deref()), (Some("v1"), None, Some("12")));
}

/// The plain fields in one line.
fn serde_like(ci: &CiContext) -> String {
    let provider = match ci.provider {
        Provider::Other(name) => name.to_owned(),
        provider => format!("{provider:?}"),
    };
    let fields = [
        &ci.workspace,
        &ci.repository,
        &ci.full_name,
        &ci.commit,
        &ci.branch,
        &ci.tag,
        &ci.build_number,
        &ci.run_id,
        &ci.actor,
        &ci.environment,
        &ci.build_url,
        &ci.api_url,
    ];
    let fields = fields.map(|field| field.as_deref().unwrap_or("-"));
    format!("{provider} {}", fields.join(" "))
}

#[test]
fn github_says_it_in_variables_and_in_the_event() {
    let push = github("push").with("GITHUB_REF_NAME", "main").with("GITHUB_REF_TYPE", "branch").detect(None);
    assert_eq!(
        serde_like(&push),
        "GitHub org app org/app 5ha main - 5 77 ada - https://github.com/org/app/actions/runs/77 https://api.github.com"
    );
    assert_eq!(push.pull_request, None);
    let tag = github("push").with("GITHUB_REF_NAME", "v1").with("GITHUB_REF_TYPE", "tag").detect(None);
    assert_eq!((tag.branch, tag.tag.as_deref()), (None, Some("v1")));

    let dir = Fixture::plain();
    for (repository, fork) in [("org/app", false), ("Org/App", false), ("eve/app", true)] {
        let vars = with_event(github("pull_request").with("GITHUB_REF_NAME", "41/merge"), &dir, &event(repository));
        let ci = vars.detect(None);
        let pull = ci.pull_request.unwrap();
        assert_eq!((pull.id.as_str(), pull.fork, pull.bot), ("41", Some(fork), false), "{repository}");
        assert_eq!((pull.target_branch.as_deref(), pull.target_commit.as_deref()), (Some("main"), Some("ba5e")));
        assert_eq!((pull.head_commit.as_deref(), pull.merge_commit.as_deref()), (Some("4ead"), Some("5ha")));
        assert_eq!((ci.branch.as_deref(), ci.commit.as_deref()), (Some("feature"), Some("5ha")));
        assert_eq!(ci.default_branch.as_deref(), Some("trunk"));
    }
    let target = with_event(github("pull_request_target"), &dir, &event("eve/app")).detect(None).pull_request.unwrap();
    assert_eq!((target.fork, target.merge_commit), (Some(true), None));
}

#[test]
fn a_deleted_fork_is_a_fork_and_bots_are_told_by_account_or_type() {
    let dir = Fixture::plain();
    let pull = |event: &Value, actor: &str| {
        with_event(github("pull_request").with("GITHUB_ACTOR", actor), &dir, event).detect(None).pull_request.unwrap()
    };
    let mut gone = event("x");
    gone["pull_request"]["head"]["repo"] = Value::Null;
    assert_eq!(pull(&gone, "ada").fork, Some(true));
    assert!(pull(&event("org/app"), "dependabot[bot]").may_lack_secrets());
    let mut app = event("org/app");
    app["pull_request"]["user"] = json!({ "login": "house-app", "type": "Bot" });
    assert!(pull(&app, "ada").may_lack_secrets());
    assert!(!pull(&event("org/app"), "ada").may_lack_secrets());
}

#[test]
fn an_event_that_is_missing_or_broken_leaves_the_variables() {
    let dir = Fixture::plain();
    let base = || {
        github("pull_request")
            .with("GITHUB_REF", "refs/pull/41/merge")
            .with("GITHUB_BASE_REF", "main")
            .with("GITHUB_HEAD_REF", "feature")
    };
    dir.write("broken", "{\"pull_request\": {\"number\": \"x\"}}");
    dir.write("deep", &"[".repeat(1_000_000));
    dir.write("large", &format!("{{\"pull_request\": {{\"number\": 99}}}}{}", " ".repeat(17 * 1024 * 1024)));
    for name in ["missing", "broken", "deep", "large", "."] {
        let vars = base().with("GITHUB_EVENT_PATH", dir.path().join(name).to_str().unwrap());
        let pull = vars.detect(None).pull_request.unwrap();
        assert_eq!((pull.id.as_str(), pull.fork, pull.target_commit), ("41", None, None), "{name}");
        assert_eq!((pull.target_branch.as_deref(), pull.source_branch.as_deref()), (Some("main"), Some("feature")));
    }
}

#[test]
fn the_group_of_a_merge_queue_counts_as_a_pull_request() {
    let dir = Fixture::plain();
    let event = json!({ "merge_group": {
        "base_sha": "ba5e", "base_ref": "refs/heads/main", "head_sha": "4ead",
        "head_ref": "refs/heads/gh-readonly-queue/main/pr-104-ba5e",
    }});
    let pull = with_event(github("merge_group"), &dir, &event).detect(None).pull_request.unwrap();
    assert_eq!((pull.id.as_str(), pull.target_branch.as_deref()), ("104", Some("main")));
    assert_eq!((pull.target_commit.as_deref(), pull.fork), (Some("ba5e"), Some(false)));
}

#[test]
fn gitlab_says_it_all_in_variables() {
    let base = || {
        Vars::new(&[
            ("GITLAB_CI", "true"),
            ("CI_PROJECT_NAMESPACE", "group/sub"),
            ("CI_PROJECT_NAME", "app"),
            ("CI_PROJECT_PATH", "group/sub/app"),
            ("CI_PROJECT_ID", "1"),
            ("CI_COMMIT_SHA", "c0ffee"),
            ("CI_PIPELINE_ID", "900"),
            ("CI_PIPELINE_IID", "9"),
            ("CI_JOB_URL", "https://gitlab.example/j/1"),
            ("CI_API_V4_URL", "https://gitlab.example/api/v4"),
            ("CI_ENVIRONMENT_NAME", "staging"),
            ("GITLAB_USER_LOGIN", "ada"),
        ])
    };
    let merge_request = || {
        base()
            .with("CI_MERGE_REQUEST_IID", "41")
            .with("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", "feature")
            .with("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main")
            .with("CI_MERGE_REQUEST_DIFF_BASE_SHA", "ba5e")
            .with("CI_MERGE_REQUEST_PROJECT_ID", "1")
            .with("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "1")
    };
    let ci = merge_request().detect(None);
    assert_eq!(
        serde_like(&ci),
        "GitLab group/sub app group/sub/app c0ffee feature - 9 900 ada staging \
         https://gitlab.example/j/1 https://gitlab.example/api/v4"
    );
    let pull = ci.pull_request.unwrap();
    assert_eq!((pull.target_commit.as_deref(), pull.merge_commit, pull.fork), (Some("ba5e"), None, Some(false)));
    let fork = |vars: Vars| vars.detect(None).pull_request.unwrap().fork;
    // In the target's project, and in the fork's.
    assert_eq!(fork(merge_request().with("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "2")), Some(true));
    let in_fork = merge_request().with("CI_PROJECT_ID", "2").with("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "2");
    assert_eq!(fork(in_fork), Some(true));
    let merged = merge_request().with("CI_MERGE_REQUEST_TARGET_BRANCH_SHA", "71p").detect(None).pull_request.unwrap();
    assert_eq!((merged.target_commit.as_deref(), merged.merge_commit.as_deref()), (Some("71p"), Some("c0ffee")));
    for (login, bot) in [("project_12_bot_ab", true), ("renovate-bot", true), ("project_x_bot", false)] {
        assert_eq!(merge_request().with("GITLAB_USER_LOGIN", login).detect(None).pull_request.unwrap().bot, bot);
    }
    assert_eq!(base().with("CI_COMMIT_TAG", "v1").detect(None).tag.as_deref(), Some("v1"));
}

#[test]
fn other_systems_are_known_by_name_run_and_change() {
    for (vars, expected, pull) in [
        (
            &[("CIRCLECI", "true"), ("CIRCLE_WORKFLOW_ID", "w"), ("CIRCLE_PULL_REQUEST", "https://x/pull/41")][..],
            "circleci - - - - - - - w - - - -",
            Some(("41", None)),
        ),
        (
            &[
                ("TF_BUILD", "True"),
                ("BUILD_BUILDID", "7"),
                ("SYSTEM_COLLECTIONURI", "https://dev.azure.com/org/"),
                ("SYSTEM_TEAMPROJECT", "my app"),
                ("BUILD_SOURCEBRANCH", "refs/tags/v1"),
            ],
            "azure - - - - - v1 - 7 - - https://dev.azure.com/org/my%20app/_build/results?buildId=7 -",
            None,
        ),
        (
            &[
                ("JENKINS_URL", "https://j"),
                ("BUILD_TAG", "jenkins-app-7"),
                ("CHANGE_ID", "41"),
                ("CHANGE_FORK", "eve"),
            ],
            "jenkins - - - - - - - jenkins-app-7 - - - -",
            Some(("41", Some(true))),
        ),
        (
            &[("CI_SYSTEM_NAME", "woodpecker"), ("CI_PIPELINE_NUMBER", "7"), ("CI_COMMIT_BRANCH", "main")],
            "woodpecker - - - - main - 7 7 - - - -",
            None,
        ),
        (
            &[("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "false"), ("BUILDKITE_COMMIT", "HEAD")],
            "buildkite - - - - - - - - - - - -",
            None,
        ),
        (&[("CI_SYSTEM_NAME", "unknown")], "None - - - - - - - - - - - -", None),
        (&[("GITHUB_ACTIONS", " "), ("BITBUCKET_BUILD_NUMBER", "")], "None - - - - - - - - - - - -", None),
    ] {
        let ci = Vars::new(vars).detect(None);
        assert_eq!(serde_like(&ci), expected);
        assert_eq!(ci.pull_request.as_ref().map(|pull| (pull.id.as_str(), pull.fork)), pull, "{vars:?}");
    }
}

#[test]
fn without_a_ci_the_checkout_tells() {
    let repo = Fixture::new();
    let commit = repo.write("a", "1").commit("first");
    repo.git(&["remote", "add", "origin", "git@github.com:org/app.git"]);
    let ci = Vars::new(&[]).detect(Some(&repo));
    assert_eq!(serde_like(&ci), format!("None org app org/app {commit} main - - - - - - -"));
    assert_eq!((ci.dirty, ci.repository_url.as_deref()), (Some(false), Some("https://github.com/org/app")));
    repo.git(&["tag", "v1"]);
    repo.git(&["checkout", "-q", "--detach"]);
    repo.write("a", "22");
    let ci = Vars::new(&[]).detect(Some(&repo));
    assert_eq!((ci.tag.as_deref(), ci.branch, ci.dirty, ci.run_id), (Some("v1"), None, Some(true), None));
}

#[test]
fn the_checkout_completes_a_ci_and_does_not_contradict_it() {
    let repo = Fixture::new();
    let commit = repo.write("a", "1").commit("first");
    let bare = Vars::new(&[("GITHUB_ACTIONS", "true")]);
    assert_eq!(bare.detect(Some(&repo)).commit, Some(commit.clone()));
    let other = github("schedule").detect(Some(&repo));
    assert_eq!((other.commit.as_deref(), other.checked_out, other.branch), (Some("5ha"), Some(commit), None));
}

proptest! {
    #[test]
    fn any_environment_is_survived(values in prop::collection::vec(any::<String>(), 12), marker in 0..4_usize) {
        let names = [
            "GITHUB_REPOSITORY", "GITHUB_REF", "GITHUB_EVENT_NAME", "GITHUB_EVENT_PATH", "CI_PROJECT_PATH",
            "CI_MERGE_REQUEST_IID", "GITLAB_USER_LOGIN", "BITBUCKET_REPO_FULL_NAME", "BITBUCKET_PR_ID",
            "BITBUCKET_PIPELINE_UUID", "CIRCLE_PULL_REQUEST", "GITHUB_SERVER_URL",
        ];
        let marker = ["GITHUB_ACTIONS", "GITLAB_CI", "BITBUCKET_BUILD_NUMBER", "CIRCLECI"][marker];
        let vars = names.iter().zip(&values).map(|(name, value)| (*name, value.as_str())).chain([(marker, "1")]);
        Vars::new(&vars.collect::<Vec<_>>()).detect(None);
    }
}
