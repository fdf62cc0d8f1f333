//! Promise 7: no way to choose the base that a pull request is measured by.

use serde_json::{Value, json};

use super::super::{Base, CiContext, base_commit, base_without_checkout};
use super::{Vars, event, github, with_event};
use crate::git::tests::Fixture;

/// `main` and a feature that began before its tip.
struct Origin {
    repo: Fixture,
    start: String,
    main: String,
    feature: String,
    merge: String,
}

fn origin() -> Origin {
    let repo = Fixture::new();
    let start = repo.write("policy", "strict").commit("start");
    let main = repo.write("policy", "stricter").commit("main");
    repo.git(&["checkout", "-qb", "feature", &start]);
    let feature = repo.write("policy", "none").commit("feature");
    repo.git(&["checkout", "-q", "--detach", "main"]);
    repo.git(&["merge", "-q", "-X", "theirs", "-m", "merge", "feature"]);
    let merge = repo.git(&["rev-parse", "HEAD"]);
    repo.git(&["update-ref", "refs/pull/41/merge", &merge]);
    repo.git(&["checkout", "-q", "feature"]);
    Origin { repo, start, main, feature, merge }
}

fn pull_request(origin: &Origin, head_repository: &str) -> Value {
    let mut event = event(head_repository);
    event["pull_request"]["base"]["sha"] = json!(origin.main);
    event["pull_request"]["head"]["sha"] = json!(origin.feature);
    event
}

fn on_github(origin: &Origin, clone: &Fixture, name: &str, event: &Value) -> CiContext {
    let dir = Fixture::plain();
    with_event(github(name).with("GITHUB_SHA", &origin.merge), &dir, event).detect(Some(clone))
}

/// Like actions/checkout of `refs/pull/41/merge`.
fn checkout_action(origin: &Origin, depth: &[&str]) -> Fixture {
    let clone = Fixture::new();
    clone.git(&["remote", "add", "origin", &format!("file://{}", origin.repo.path().display())]);
    let fetch = ["fetch", "-q", "origin", "+refs/pull/41/merge:refs/remotes/pull/41/merge"];
    clone.git(&[&fetch[..2], depth, &fetch[2..]].concat());
    clone.git(&["checkout", "-q", "--force", "refs/remotes/pull/41/merge"]);
    clone
}

#[test]
fn on_a_merge_made_by_github_the_base_is_the_target() {
    let origin = origin();
    let clone = checkout_action(&origin, &[]);
    // The event may be older than the merge, and the fork's owner may be anyone.
    for (repository, sha) in [("org/app", &origin.start), ("eve/app", &origin.main)] {
        let mut event = pull_request(&origin, repository);
        event["pull_request"]["base"]["sha"] = json!(sha);
        let ci = on_github(&origin, &clone, "pull_request", &event);
        assert_eq!(base_commit(&ci, &clone.checkout()), Base::Commit(origin.main.clone()), "{repository}");
    }
    let no_event = github("pull_request").with("GITHUB_SHA", &origin.merge).with("GITHUB_BASE_REF", "main");
    let ci = no_event.detect(Some(&clone));
    assert_eq!(base_commit(&ci, &clone.checkout()), Base::Commit(origin.main.clone()));
}

#[test]
fn a_shallow_clone_has_no_base_and_the_line_to_add_is_named() {
    let origin = origin();
    let clone = checkout_action(&origin, &["--depth=1"]);
    let ci = on_github(&origin, &clone, "pull_request", &pull_request(&origin, "eve/app"));
    let Base::Absent { target_commit, hint } = base_commit(&ci, &clone.checkout()) else { panic!("it is shallow") };
    assert_eq!(target_commit, Some(origin.main.clone()));
    assert!(hint.contains("`fetch-depth: 0`"), "{hint}");
    let Base::Absent { target_commit, .. } = base_without_checkout(&ci) else { panic!("there is no checkout") };
    assert_eq!(target_commit, Some(origin.main));
}

#[test]
fn a_commit_that_looks_like_a_merge_does_not_name_its_base() {
    let origin = origin();
    let repo = &origin.repo;
    // The author's own merge: its first parent is theirs.
    repo.git(&["checkout", "-q", "-b", "trick", &origin.feature]);
    repo.git(&["merge", "-q", "-s", "ours", "-m", "trick", "main"]);
    let trick = repo.git(&["rev-parse", "HEAD"]);
    let mut event = pull_request(&origin, "eve/app");
    event["pull_request"]["head"]["sha"] = json!(trick);
    for (name, sha) in
        [("pull_request_target", &origin.main), ("pull_request", &origin.merge), ("pull_request", &trick)]
    {
        let dir = Fixture::plain();
        let ci = with_event(github(name).with("GITHUB_SHA", sha), &dir, &event).detect(Some(repo));
        assert_eq!(base_commit(&ci, &repo.checkout()), Base::Commit(origin.main.clone()), "{name}");
    }
}

#[test]
fn the_head_of_a_pull_request_is_measured_from_where_it_began() {
    let origin = origin();
    let clone = Fixture::clone_of(&origin.repo, &["--branch=feature"]);
    let event = pull_request(&origin, "org/app");
    let ci = on_github(&origin, &clone, "pull_request_target", &event);
    assert_eq!(base_commit(&ci, &clone.checkout()), Base::Commit(origin.start.clone()));
    // The commit that the event names is not here, but the target's branch is.
    let mut newer = event;
    newer["pull_request"]["base"]["sha"] = json!("1".repeat(40));
    let ci = on_github(&origin, &clone, "pull_request_target", &newer);
    assert_eq!(base_commit(&ci, &clone.checkout()), Base::Commit(origin.start.clone()));
}

#[test]
fn a_checkout_of_a_fork_does_not_decide_the_target_branch() {
    let origin = origin();
    // The fork's `main` has the change already.
    let fork = Fixture::clone_of(&origin.repo, &["--branch=feature"]);
    fork.git(&["branch", "-f", "main", "feature"]);
    let clone = Fixture::clone_of(&fork, &["--branch=feature"]);
    assert_eq!(clone.git(&["rev-parse", "origin/main"]), origin.feature);
    let mut event = pull_request(&origin, "eve/app");
    event["pull_request"]["base"]["sha"] = json!("1".repeat(40));
    let ci = on_github(&origin, &clone, "pull_request_target", &event);
    assert!(matches!(base_commit(&ci, &clone.checkout()), Base::Absent { .. }));
    // The same where nothing says whether it is a fork.
    let dir = Fixture::plain();
    let unknown = github("pull_request_target").with("GITHUB_BASE_REF", "main").with("GITHUB_SHA", &origin.main);
    let ci = with_event(unknown, &dir, &json!({})).detect(Some(&clone));
    assert!(matches!(base_commit(&ci, &clone.checkout()), Base::Absent { target_commit: None, .. }));
}

#[test]
fn runs_about_another_run_or_a_comment_count_once_the_change_is_checked_out() {
    let origin = origin();
    origin.repo.git(&["checkout", "-q", "feature"]);
    let run = json!({
        "workflow_run": {
            "event": "pull_request", "head_sha": origin.feature, "head_branch": "feature", "pull_requests": [],
            "head_repository": { "full_name": "eve/app" },
        },
        "repository": { "full_name": "org/app", "default_branch": "main" },
    });
    let comment = json!({
        "issue": { "number": 41, "pull_request": {} },
        "repository": { "full_name": "org/app", "default_branch": "main" },
    });
    for (name, event) in [("workflow_run", run), ("issue_comment", comment)] {
        let dir = Fixture::plain();
        let vars = || with_event(github(name), &dir, &event);
        let ci = vars().with("GITHUB_SHA", &origin.main).detect(Some(&origin.repo));
        assert!(matches!(base_commit(&ci, &origin.repo.checkout()), Base::Absent { .. }), "{name}");
        // The default branch itself, as these events check out.
        let ci = vars().with("GITHUB_SHA", &origin.feature).detect(Some(&origin.repo));
        assert_eq!(base_commit(&ci, &origin.repo.checkout()), Base::NotAPullRequest, "{name}");
    }
}

#[test]
fn on_bitbucket_the_destination_is_named_in_short() {
    let origin = origin();
    let vars = Vars::new(&[
        ("BITBUCKET_BUILD_NUMBER", "1"),
        ("BITBUCKET_COMMIT", &origin.feature),
        ("BITBUCKET_BRANCH", "feature"),
        ("BITBUCKET_PR_ID", "41"),
        ("BITBUCKET_PR_DESTINATION_BRANCH", "main"),
        ("BITBUCKET_PR_DESTINATION_COMMIT", &origin.main[..12]),
    ]);
    // Bitbucket merges the destination into the source.
    let clone = Fixture::clone_of(&origin.repo, &["--branch=feature"]);
    clone.git(&["merge", "-q", "-X", "ours", "-m", "merge", &origin.main]);
    let ci = vars.detect(Some(&clone));
    assert_eq!(base_commit(&ci, &clone.checkout()), Base::Commit(origin.main.clone()));

    let shallow = Fixture::clone_of(&origin.repo, &["--branch=feature", "--depth=1"]);
    let Base::Absent { target_commit, hint } = base_commit(&vars.detect(Some(&shallow)), &shallow.checkout()) else {
        panic!("it is shallow");
    };
    assert_eq!(target_commit.as_deref(), Some(&origin.main[..12]));
    assert!(hint.contains("`clone: depth: full`"), "{hint}");
}

#[test]
fn gitlab_names_the_base_of_the_diff() {
    let origin = origin();
    let vars = Vars::new(&[
        ("GITLAB_CI", "true"),
        ("CI_COMMIT_SHA", &origin.feature),
        ("CI_PROJECT_ID", "1"),
        ("CI_MERGE_REQUEST_IID", "41"),
        ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main"),
        ("CI_MERGE_REQUEST_DIFF_BASE_SHA", &origin.start),
        ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", "1"),
    ]);
    let clone = Fixture::clone_of(&origin.repo, &["--branch=feature"]);
    assert_eq!(base_commit(&vars.detect(Some(&clone)), &clone.checkout()), Base::Commit(origin.start.clone()));
    let shallow = Fixture::clone_of(&origin.repo, &["--branch=feature", "--depth=1"]);
    let Base::Absent { hint, .. } = base_commit(&vars.detect(Some(&shallow)), &shallow.checkout()) else {
        panic!("it is shallow");
    };
    assert!(hint.contains("`GIT_DEPTH: \"0\"`"), "{hint}");
}

#[test]
fn a_target_whose_history_is_cut_off_is_itself_the_base() {
    let origin = origin();
    let shallow = Fixture::clone_of(&origin.repo, &["--depth=1", "--no-single-branch", "--branch=feature"]);
    let ci = on_github(&origin, &shallow, "pull_request_target", &pull_request(&origin, "org/app"));
    assert_eq!(base_commit(&ci, &shallow.checkout()), Base::Commit(origin.main));
}

#[test]
fn other_providers_use_the_target_branch() {
    let origin = origin();
    let clone = Fixture::clone_of(&origin.repo, &["--branch=feature"]);
    let jenkins = Vars::new(&[("JENKINS_URL", "x"), ("CHANGE_ID", "41"), ("CHANGE_TARGET", "main")]);
    assert_eq!(base_commit(&jenkins.detect(Some(&clone)), &clone.checkout()), Base::Commit(origin.start.clone()));
    // A local branch does as well, unless it is what is checked out.
    let ci = jenkins.detect(Some(&origin.repo));
    assert_eq!(base_commit(&ci, &origin.repo.checkout()), Base::Commit(origin.start));
    let own = Vars::new(&[("JENKINS_URL", "x"), ("CHANGE_ID", "41"), ("CHANGE_TARGET", "feature")]);
    let ci = own.detect(Some(&origin.repo));
    assert!(matches!(base_commit(&ci, &origin.repo.checkout()), Base::Absent { .. }));
    let none = Vars::new(&[]).detect(Some(&clone));
    assert_eq!(base_commit(&none, &clone.checkout()), Base::NotAPullRequest);
}

#[test]
fn a_branch_is_not_the_target_of_itself() {
    let origin = origin();
    let clone = Fixture::clone_of(&origin.repo, &["--branch=feature"]);
    let circle = Vars::new(&[("CIRCLECI", "true"), ("CIRCLE_BRANCH", "feature"), ("CIRCLE_PULL_REQUEST", "x/41")]);
    // The default branch of this remote is the branch with the change.
    let mut ci = circle.detect(Some(&clone));
    ci.default_branch = Some("feature".to_owned());
    assert!(matches!(base_commit(&ci, &clone.checkout()), Base::Absent { .. }));
    ci.default_branch = Some("main".to_owned());
    assert_eq!(base_commit(&ci, &clone.checkout()), Base::Commit(origin.start));
}
