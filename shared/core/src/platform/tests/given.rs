//! What the user says, with and against what a CI says.

use std::path::Path;
use std::time::Duration;

use super::super::{CiContext, detect, given};
use crate::env::Vars;
use crate::spec::Spec;

static SPEC: Spec = Spec {
    name: "test-pipe",
    summary: "Tests.",
    category: "Testing",
    version: "1.2.3",
    groups: &[],
    outputs: &[],
    timeout: "5m",
    grace: Duration::from_secs(2),
};

fn ask(env: &str) -> (CiContext, Vec<String>) {
    let pairs = env.split_whitespace().map(|pair| pair.split_once('=').expect(pair));
    let env = pairs.map(|(name, value)| (name.into(), value.into()));
    let mut vars = Vars::load(&SPEC, env, Path::new("/"), Path::new("/"));
    let mut ci = detect(&|name| vars.ci(name).map(str::to_owned), None);
    given(&mut vars, &mut ci);
    let problems = vars.problems().iter().map(|problem| format!("{}: {}", problem.variable, problem.message));
    (ci, problems.collect())
}

const DRONE_PUSH: &str = "DRONE=true DRONE_BUILD_EVENT=push DRONE_REPO=org/app DRONE_BRANCH=main";
const DRONE_PULL: &str = "DRONE=true DRONE_BUILD_EVENT=pull_request DRONE_PULL_REQUEST=41 DRONE_TARGET_BRANCH=main";

#[test]
fn the_user_says_what_a_ci_does_not() {
    for ci in ["CI=true", "TEAMCITY_VERSION=1", "JENKINS_URL=x GIT_BRANCH=origin/main", "GO_PIPELINE_NAME=x", ""] {
        let (untold, problems) = ask(ci);
        assert_eq!((untold.unknown_change, problems.len()), (!ci.is_empty(), 0), "{ci}");
        let (push, problems) = ask(&format!("{ci} PULL_REQUEST=False"));
        assert_eq!((push.unknown_change, push.pull_request, problems), (false, None, Vec::new()), "{ci}");
        let (pull, problems) =
            ask(&format!("{ci} PULL_REQUEST=#41 TARGET_BRANCH=refs/heads/main TARGET_COMMIT=4f2c1aa"));
        assert_eq!((pull.unknown_change, problems), (false, Vec::new()), "{ci}");
        let pull = pull.pull_request.unwrap();
        assert_eq!(
            (pull.id.as_str(), pull.target_branch.as_deref(), pull.target_commit.as_deref()),
            ("41", Some("main"), Some("4f2c1aa"))
        );
        let (_, problems) = ask(&format!("{ci} PIPEWRIGHT_TARGET_BRANCH=main"));
        assert_eq!(problems.len(), 1, "{ci}");
    }
}

#[test]
fn what_contradicts_a_ci_is_a_mistake() {
    for prefix in ["", "INPUT_", "PIPEWRIGHT_"] {
        for (ci, said) in [
            (DRONE_PULL, "PULL_REQUEST=false"),
            (DRONE_PULL, "PULL_REQUEST=42"),
            (DRONE_PULL, "TARGET_BRANCH=feature"),
            (DRONE_PUSH, "PULL_REQUEST=41"),
            ("CI=true", "PULL_REQUEST=true"),
            ("CI=true", "PULL_REQUEST=4;1"),
            ("PULL_REQUEST=41", "TARGET_COMMIT=main"),
        ] {
            let (_, problems) = ask(&format!("{ci} {prefix}{said}"));
            assert_eq!(problems.len(), 1, "{ci} {prefix}{said}");
            assert!(problems[0].starts_with(&format!("{prefix}{}", said.split('=').next().unwrap())), "{problems:?}");
        }
        for (ci, said) in [
            (DRONE_PULL, "PULL_REQUEST=41"),
            (DRONE_PULL, "TARGET_BRANCH=main"),
            (DRONE_PULL, "TARGET_COMMIT=4f2c1aa"),
            (DRONE_PUSH, "PULL_REQUEST=false"),
        ] {
            assert_eq!(ask(&format!("{ci} {prefix}{said}")).1, [""; 0], "{ci} {prefix}{said}");
        }
    }
    // For the whole job, it is there for those runs that are for a pull request.
    assert_eq!(ask(&format!("{DRONE_PUSH} TARGET_BRANCH=main")).1, [""; 0]);
    assert_eq!(ask(&format!("{DRONE_PUSH} INPUT_TARGET_BRANCH=main")).1.len(), 1);
}

#[test]
fn names_change_names_only_and_bare_words_are_not_ours_in_a_known_ci() {
    let (ci, problems) = ask(&format!("{DRONE_PUSH} REPOSITORY=x/y PIPELINE=z BRANCH=w"));
    assert_eq!((ci.full_name.as_deref(), ci.pipeline, ci.branch.as_deref()), (Some("org/app"), None, Some("main")));
    assert_eq!(problems, [""; 0]);
    let (ci, _) = ask(&format!("{DRONE_PUSH} INPUT_REPOSITORY=x/y PIPEWRIGHT_PIPELINE=z INPUT_BRANCH=w"));
    assert_eq!(
        (ci.full_name.as_deref(), ci.repository.as_deref(), ci.pipeline.as_deref(), ci.branch.as_deref()),
        (Some("x/y"), Some("y"), Some("z"), Some("w"))
    );
    assert!(!ci.unknown_change && ci.pull_request.is_none());
    let (ci, _) = ask("CI=true REPOSITORY=x/y PIPELINE=z BRANCH=main");
    assert_eq!((ci.full_name.as_deref(), ci.unknown_change), (Some("x/y"), true), "a branch is not a push");
    // Netlify has variables of these names itself.
    let (ci, problems) = ask("NETLIFY=true PULL_REQUEST=true REVIEW_ID=41 BRANCH=pull/41/head HEAD=feature");
    assert_eq!((ci.branch.as_deref(), problems), (Some("feature"), Vec::new()));
    assert!(ask("NETLIFY=true PULL_REQUEST=true REVIEW_ID=41 INPUT_PULL_REQUEST=false").1.len() == 1);
}
