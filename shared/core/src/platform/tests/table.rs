//! Every row of the table in every situation.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::super::table::{Fork, rows};
use super::{CiContext, Vars};

/// A CI's name and its lines of variables, each with its situation. What is expected is left out.
fn situations() -> Vec<(String, Vec<(String, String)>)> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    for line in include_str!("situations.txt").lines() {
        if let Some(id) = line.strip_prefix('[') {
            found.push((id.trim_end_matches(']').to_owned(), Vec::new()));
        } else if !line.is_empty() && !line.starts_with(['#', ' ']) {
            let (situation, vars) = line.split_once(' ').unwrap_or((line, ""));
            found.last_mut().expect("a CI comes first").1.push((situation.to_owned(), vars.to_owned()));
        }
    }
    found
}

fn variables(text: &str) -> BTreeMap<String, String> {
    let pairs = text.split_whitespace().map(|pair| pair.split_once('=').expect(pair));
    pairs.map(|(name, value)| (name.to_owned(), value.replace("%20", " ").replace("%25", "%"))).collect()
}

fn detect(base: &str, vars: &str) -> CiContext {
    let mut all = variables(base);
    all.extend(variables(vars));
    Vars(all).detect(None)
}

/// Everything that is known, in one line for the run and one for the pull request.
fn described(ci: &CiContext) -> String {
    let show = |facts: &[(&str, &Option<String>)]| {
        let known = facts.iter().filter_map(|(name, value)| Some(format!("{name}={}", value.as_ref()?)));
        known.collect::<Vec<_>>().join(" ")
    };
    let run = show(&[
        ("repository", &ci.full_name),
        ("branch", &ci.branch),
        ("tag", &ci.tag),
        ("commit", &ci.commit),
        ("default", &ci.default_branch),
        ("pipeline", &ci.pipeline),
        ("job", &ci.job),
        ("run", &ci.run_id),
        ("number", &ci.build_number),
        ("attempt", &ci.attempt),
        ("status", &ci.status),
        ("actor", &ci.actor),
        ("environment", &ci.environment),
        ("page", &ci.build_url),
        ("home", &ci.repository_url),
    ]);
    let mut text = format!("  -> {} {run}", ci.provider.as_str()).trim_end().to_owned();
    if ci.unknown_change {
        text.push_str("\n  -> unknown whether it is for a pull request");
    }
    if let Some(pull) = &ci.pull_request {
        let facts = show(&[
            ("repository", &pull.repository),
            ("source", &pull.source_branch),
            ("target", &pull.target_branch),
            ("target-commit", &pull.target_commit),
            ("head", &pull.head_commit),
            ("fork", &pull.fork.map(|fork| fork.to_string())),
            ("page", &pull.url),
        ]);
        text.push_str(format!("\n  -> pull request {} {facts}", pull.id).trim_end());
    }
    text
}

#[test]
fn every_situation_is_read_as_it_is() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/platform/tests/situations.txt");
    let (mut text, mut base) = (String::new(), String::new());
    for line in include_str!("situations.txt").lines().filter(|line| !line.starts_with("  ->")) {
        text.push_str(line);
        text.push('\n');
        if line.is_empty() || line.starts_with(['#', '[']) {
            continue;
        }
        let (situation, vars) = line.split_once(' ').unwrap_or((line, ""));
        if situation == "base" {
            vars.clone_into(&mut base);
        } else {
            writeln!(text, "{}", described(&detect(&base, vars))).unwrap();
        }
    }
    if std::env::vars_os().any(|(name, _)| name == "UPDATE") {
        std::fs::write(&path, &text).unwrap();
    }
    assert!(include_str!("situations.txt") == text, "{}: run with UPDATE=1 and read what changes", path.display());
}

#[test]
fn a_pull_request_is_never_taken_for_a_push_and_what_says_nothing_is_unknown() {
    for (id, lines) in situations() {
        let base = lines.iter().find(|(situation, _)| situation == "base").expect("each CI has a base").1.clone();
        for (situation, vars) in lines.iter().filter(|(situation, _)| situation != "base") {
            let ci = detect(&base, vars);
            assert_eq!(ci.provider.as_str(), id, "{situation}");
            let is_pull = ["pull-request", "fork", "merge-queue", "azure-repos", "batch", "gitlab-plugin"];
            if is_pull.iter().any(|word| situation.contains(word)) {
                assert!(ci.pull_request.is_some(), "{id}: {situation}");
                assert_eq!(ci.tag, None, "{id}: {situation}");
            } else {
                assert_eq!(ci.pull_request, None, "{id}: {situation}");
            }
            if situation.starts_with("fork") {
                assert!(ci.pull_request.is_some_and(|pull| pull.fork == Some(true)), "{id}");
            }
        }
        let row = rows().find(|row| row.id == id);
        // Without the variables that a situation adds, a CI says nothing, unless its being there says it.
        let ci = detect(&base, "");
        let speaks = row.is_none_or(|row| row.says.iter().any(|says| base.contains(&says[1..says.len() - 1])));
        assert_eq!(ci.unknown_change, !speaks, "{id}");
    }
}

/// The CIs that say "no pull request" by saying nothing of one, in variables that are there for nothing else.
const SILENT: &[&str] = &["circleci", "vercel"];

#[test]
fn a_variable_that_a_container_was_not_given_makes_no_push_of_a_pull_request() {
    let mut silent = BTreeSet::new();
    for (id, lines) in situations() {
        let base = lines.iter().find(|(situation, _)| situation == "base").expect("each CI has a base").1.clone();
        for (_, vars) in lines.iter().filter(|(situation, _)| ["pull-request", "fork"].contains(&situation.as_str())) {
            let mut all = variables(&base);
            all.extend(variables(vars));
            for name in all.keys() {
                let mut fewer = all.clone();
                fewer.remove(name);
                let ci = Vars(fewer).detect(None);
                if ci.provider.as_str() == id && ci.pull_request.is_none() && !ci.unknown_change {
                    silent.insert(id.clone());
                }
            }
        }
    }
    assert_eq!(silent.iter().map(String::as_str).collect::<Vec<_>>(), SILENT);
}

#[test]
fn every_variable_of_every_row_is_in_a_situation() {
    assert!(rows().count() >= 38, "{}", rows().count());
    let situations = situations();
    let followers = ["forgejo", "gitea", "harness"];
    for row in rows().filter(|row| row.id != "tekton" && !followers.contains(&row.id)) {
        let lines = situations.iter().find(|(id, _)| id == row.id).map(|(_, lines)| lines).expect(row.id);
        let set: BTreeSet<String> = lines.iter().flat_map(|(_, vars)| variables(vars).into_keys()).collect();
        let missing: Vec<String> = row.variables().filter(|name| !set.contains(*name)).map(str::to_owned).collect();
        assert_eq!(missing, [""; 0], "{}", row.id);
        let has = |wanted: &str| lines.iter().any(|(situation, _)| situation == wanted);
        assert!(has("branch"), "{}", row.id);
        assert_eq!(has("pull-request"), !(row.pull_request.is_empty() && row.is_pull_request.is_empty()), "{}", row.id);
        assert_eq!(has("tag"), !row.tag.is_empty(), "{}", row.id);
        assert_eq!(has("re-run"), !row.attempt.is_empty(), "{}", row.id);
        // What deploys a branch as it is has no other reason to run.
        let by_push_only = ["render", "vercel", "cloudflare-pages", "cloudflare-workers"].contains(&row.id);
        assert_eq!(has("schedule"), !by_push_only, "{}", row.id);
        assert_eq!(has("fork"), !matches!(row.fork, Fork::Unsaid | Fork::Never), "{}", row.id);
    }
}

#[test]
fn every_row_is_whole() {
    let mut seen = BTreeSet::new();
    for row in rows() {
        assert!(seen.insert(row.id), "{} is there twice", row.id);
        assert!(row.docs.starts_with("https://") && !row.title.is_empty() && !row.markers.is_empty(), "{}", row.id);
        for (name, field) in row.facts() {
            for template in field {
                assert_eq!(template.matches('{').count(), template.matches('}').count(), "{}: {name}", row.id);
            }
        }
    }
}

#[test]
fn forks_are_told_by_host_and_path_however_they_are_written() {
    let fork = |repo: &str, pull: &str| {
        let vars = [("BUILDKITE", "true"), ("BUILDKITE_PULL_REQUEST", "41"), ("BUILDKITE_REPO", repo)];
        let ci = Vars::new(&vars).with("BUILDKITE_PULL_REQUEST_REPO", pull).detect(None);
        ci.pull_request.unwrap().fork
    };
    for own in ["https://github.com/org/app", "git@github.com:Org/app.git", "ssh://git@github.com/org/App.git"] {
        assert_eq!(fork("git://github.com/org/app.git", own), Some(false), "{own}");
    }
    for other in ["https://github.com/eve/app", "git@gitlab.com:org/app.git", "https://github.com/org/app2"] {
        assert_eq!(fork("git@github.com:org/app.git", other), Some(true), "{other}");
    }
    assert_eq!(fork("git@github.com:org/app.git", ""), None);
}
