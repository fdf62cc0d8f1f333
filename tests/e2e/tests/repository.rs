//! This repository, held to what it asks of others.

use pipewright_harness::{Pipe, Repo, files, pipes, root};

#[test]
fn it_holds_no_secret_that_its_own_scan_finds() {
    let reports = Repo::plain();
    let outcome = Pipe::new("security-pipe", &root())
        .env("REPORTS_DIR", reports.path())
        .env("SCA_SCAN", "false")
        .env("SBOM_GENERATE", "false")
        .reports(reports.path())
        .run()
        .expect(0);
    assert_eq!(outcome.report()["findings"], serde_json::json!([]), "{}", outcome.stdout);
}

#[test]
fn the_readme_shows_what_the_demo_prints() {
    let repo = Repo::plain();
    let app = root().join("examples/demo/app");
    for path in files(&app).into_iter().filter(|path| path.is_file()) {
        let name = path.strip_prefix(&app).unwrap().to_str().unwrap().to_owned();
        repo.write(&format!("demo-app/{name}"), std::fs::read(path).unwrap());
    }
    let code = std::fs::read_to_string(repo.join("demo-app/app.py")).unwrap();
    // The key of examples/demo/run.sh, in the shape of AWS's.
    let key = ["AK", "IA", "Q3EGRZ6YM7TB5XWD"].concat();
    repo.write("demo-app/app.py", format!("{code}\nAWS_ACCESS_KEY_ID = \"{key}\"\n"));
    let advisories = root().join("examples/demo/advisories");
    let pipe = Pipe::new("security-pipe", &repo.join("demo-app")).env("OSV_DB_PATH", advisories);
    let outcome = pipe.env("DB_MAX_AGE_DAYS", "3650").run().expect(1);
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let shown = readme.split("```").nth(1).unwrap();
    let timeless = |text: &str| -> Vec<String> {
        text.lines()
            .map(|line| line.split("   0.").next().unwrap().trim().to_owned())
            .filter(|line| !line.is_empty())
            .collect()
    };
    assert_eq!(timeless(shown), timeless(&outcome.stdout));
}

#[test]
fn pipelines_of_the_readme_are_short_and_use_existing_variables() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    let blocks: Vec<&str> = readme.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap()).collect();
    assert!(blocks.len() >= 3, "Bitbucket, GitHub and GitLab");
    let repo = Repo::new();
    for block in blocks {
        assert!(block.lines().count() <= 10, "{block}");
        let pipe = pipes().into_iter().find(|pipe| block.contains(&format!("/{pipe}"))).expect(block);
        let inputs = std::fs::read_to_string(root().join("pipes").join(&pipe).join("action.yml")).unwrap();
        let mut check = Pipe::new(&pipe, repo.path()).arg("--check");
        let tables = block.split("variables: {").skip(1).chain(block.split("with: {").skip(1));
        for pair in tables.flat_map(|rest| rest.split('}').next().unwrap().split(',')) {
            let (name, value) = pair.split_once(':').unwrap();
            let (name, value) = (name.trim(), value.trim().trim_matches('"'));
            // What the checkout is told is the runner's.
            if ["fetch-depth", "GIT_DEPTH"].contains(&name) {
                continue;
            }
            let is_input = name.chars().any(|c| c.is_ascii_lowercase());
            assert!(!is_input || inputs.contains(&format!("\n  {name}:\n")), "{name} is no input of {pipe}");
            // Under our prefix a name that nobody declared is told.
            check = check.env(format!("PIPEWRIGHT_{}", name.to_ascii_uppercase()), value);
        }
        let outcome = check.run().expect(0);
        assert!(!outcome.stderr.contains("is not a variable"), "{}", outcome.stderr);
    }
}
