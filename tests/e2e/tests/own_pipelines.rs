//! Our own pipelines run security-pipe on this repository, and it passes.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::fs;

use pipewright_harness::{Pipe, Repo, advisory, database, pipes, root};

const PIPELINES: [&str; 3] = [".github/workflows/ci.yml", ".gitlab-ci.yml", "bitbucket-pipelines.yml"];
const CRITICAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";

/// The one variable that they set, in each of them.
fn excluded() -> String {
    let mut found: Vec<String> = PIPELINES
        .iter()
        .map(|path| {
            let text = fs::read_to_string(root().join(path)).unwrap();
            let value = text.split_once("EXCLUDE_PATHS").unwrap_or_else(|| panic!("{path} sets no EXCLUDE_PATHS")).1;
            value.trim_start_matches([':', '=', ' ']).split([' ', '\n']).next().unwrap().to_owned()
        })
        .collect();
    found.dedup();
    assert_eq!(found.len(), 1, "the pipelines differ: {found:?}");
    found.remove(0)
}

#[test]
fn each_builds_the_pipe_from_the_checkout_and_names_the_published_one() {
    for path in PIPELINES {
        let text = fs::read_to_string(root().join(path)).unwrap();
        let runs = text.lines().filter(|line| line.contains("cargo run --quiet --locked --release -p security-pipe"));
        assert_eq!(runs.filter(|line| !line.contains('#')).count(), 1, "{path}");
        let published = text.lines().filter(|line| line.contains("# With the published image: "));
        assert_eq!(published.count(), 1, "{path}");
    }
    let workflow = fs::read_to_string(root().join(PIPELINES[0])).unwrap();
    assert!(workflow.contains(&format!("pipe: [{}]\n", pipes().join(", "))), "an image that is not built in CI");
}

#[test]
fn this_repository_passes_its_own_scan() {
    let advisories = Repo::plain();
    // One advisory of an ecosystem makes it covered. The first one is of a package that only the example has.
    database(advisories.path(), "PyPI", &[advisory("GHSA-aaaa-aaaa-aaaa", "PyPI", "urllib3", "1.23", Some(CRITICAL))]);
    for (ecosystem, folder) in [("npm", "npm"), ("Go", "Go"), ("crates.io", "crates.io")] {
        let record = advisory(&format!("{folder}-1"), ecosystem, "a-package-that-is-not-here", "1.0.0", Some(CRITICAL));
        database(advisories.path(), folder, &[record]);
    }
    let scan = |exclude: Option<&str>, code: i32| {
        let reports = Repo::plain();
        let pipe = Pipe::new("security-pipe", &root())
            .env("OSV_DB_PATH", advisories.path())
            .env("REPORTS_DIR", reports.path())
            .reports(reports.path());
        let pipe = match exclude {
            Some(paths) => pipe.env("EXCLUDE_PATHS", paths),
            None => pipe,
        };
        let outcome = pipe.run().expect(code);
        (outcome.report()["findings"].clone(), outcome.stdout)
    };
    let (findings, printed) = scan(Some(&excluded()), 0);
    assert_eq!(findings, serde_json::json!([]), "{printed}");
    // What is excluded is what fails on purpose.
    let (_, printed) = scan(None, 1);
    assert!(printed.contains("urllib3"), "{printed}");
}
