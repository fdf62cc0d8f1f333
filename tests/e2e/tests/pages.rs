//! Sentences of the pages, held against what the pipes do.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use pipe_core::spec::{Kind, Spec};
use pipewright_harness::{Pipe, Repo, advisory, database, files, root};
use serde_json::{Value, json};

/// The longest line of prose.
const WIDTH: usize = 120;

fn specs() -> [&'static Spec; 3] {
    [&security_pipe::SPEC, &sign_pipe::SPEC, &notify_pipe::SPEC]
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// Every Markdown page of the repository, by its path.
fn pages() -> Vec<(PathBuf, String)> {
    let mut pages: Vec<PathBuf> = ["docs", "examples", "bench", ".github"]
        .iter()
        .map(|folder| root().join(folder))
        .filter(|folder| folder.is_dir())
        .flat_map(|folder| files(&folder))
        .chain(fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()))
        .chain(fs::read_dir(root().join("pipes")).unwrap().map(|pipe| pipe.unwrap().path().join("README.md")))
        .filter(|path| path.extension().is_some_and(|extension| extension == "md") && path.is_file())
        .collect();
    pages.sort();
    assert!(pages.len() > 30, "{pages:?}");
    pages.into_iter().map(|path| (path.clone(), fs::read_to_string(path).unwrap())).collect()
}

/// The lines of a page outside of its code blocks, with their numbers.
fn prose(text: &str) -> Vec<(usize, &str)> {
    let mut code = false;
    text.lines()
        .enumerate()
        .filter(|(_, line)| {
            let fence = line.trim_start().starts_with("```");
            code ^= fence;
            !code && !fence
        })
        .map(|(index, line)| (index + 1, line))
        .collect()
}

/// The anchors that GitHub gives the headings of a page.
fn anchors(text: &str) -> BTreeSet<String> {
    prose(text)
        .into_iter()
        .filter_map(|(_, line)| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')))
        .map(|title| {
            let kept = title.to_lowercase().replace(' ', "-");
            kept.chars().filter(|c| c.is_alphanumeric() || ['-', '_'].contains(c)).collect()
        })
        .collect()
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

#[test]
fn links_within_the_repository_lead_somewhere() {
    let mut tried = 0;
    for (page, text) in pages() {
        for (number, line) in prose(&text) {
            for target in line.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
                if target.contains("://") || target.starts_with("mailto:") {
                    continue;
                }
                let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
                let linked = if path.is_empty() { page.clone() } else { page.parent().unwrap().join(path) };
                assert!(linked.exists(), "{}:{number}: {target} does not exist", relative(&page));
                if !anchor.is_empty() && linked.extension().is_some_and(|extension| extension == "md") {
                    let known = anchors(&fs::read_to_string(&linked).unwrap());
                    assert!(known.contains(anchor), "{}:{number}: {target} is not one of {known:?}", relative(&page));
                }
                tried += 1;
            }
        }
    }
    assert!(tried > 60, "{tried}");
}

#[test]
fn prose_is_within_the_width_of_the_page() {
    for (page, text) in pages().into_iter().filter(|(page, _)| !relative(page).starts_with("docs/notify/")) {
        for (number, line) in prose(&text) {
            // A table's row, a link and inline code can't be broken.
            let code = line.split('`').skip(1).step_by(2).any(|code| code.len() > WIDTH / 2);
            let link = line.contains("](") || line.contains("://");
            let free = line.starts_with('|') || line.starts_with("    ") || link || code;
            assert!(free || line.chars().count() <= WIDTH, "{}:{number} is too long", relative(&page));
        }
    }
}

/// The pages and schemas that may name the pipe that does not exist yet, with the reason.
const NAME_DEPLOY_PIPE: &[(&str, &str)] = &[
    ("docs/migration.md", "says that it does not exist yet"),
    ("docs/schemas/README.md", "lists the schema below"),
    ("docs/schemas/deploy-pipe-report.v1.schema.json", "the report that notify-pipe reads, whoever writes it"),
];

#[test]
fn no_page_speaks_of_a_pipe_that_does_not_exist() {
    let schemas = files(&root().join("docs/schemas")).into_iter().map(|path| {
        let text = fs::read_to_string(&path).unwrap();
        (path, text)
    });
    let manifests = [(root().join("action.yml"), read("action.yml"))];
    let mut named = BTreeSet::new();
    for (path, text) in pages().into_iter().chain(schemas).chain(manifests) {
        let path = relative(&path);
        if !text.contains("deploy-pipe") {
            continue;
        }
        assert!(
            NAME_DEPLOY_PIPE.iter().any(|(allowed, _)| *allowed == path),
            "{path} speaks of deploy-pipe, which does not exist"
        );
        named.insert(path);
    }
    assert_eq!(named.len(), NAME_DEPLOY_PIPE.len(), "{named:?}");
}

#[test]
fn the_readme_lists_the_exit_codes_that_help_lists() {
    let readme = read("README.md");
    let (_, table) = readme.split_once("## Exit codes").unwrap();
    let listed: BTreeSet<u8> = table
        .lines()
        .skip_while(|line| !line.starts_with("|---"))
        .skip(1)
        .take_while(|line| line.starts_with('|'))
        .flat_map(|line| line.split('|').nth(1).unwrap().split(','))
        .map(|code| code.trim().parse().unwrap())
        .collect();
    for spec in specs() {
        let help = Pipe::new(spec.name, &root()).arg("--help").run().expect(0).stdout;
        let (_, line) = help.split_once("Exit codes").unwrap();
        let codes: BTreeSet<u8> =
            line.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok()).collect();
        assert_eq!(codes, listed, "{}", spec.name);
    }
}

/// The variables that choose where a run writes.
const WRITTEN: &[&str] = &["REPORTS_DIR", "BASELINE_FILE", "OSV_DB_COMPILE", "BUNDLE_DIR", "KEY_DIR", "STATE_FILE"];

/// The other variables that take a path: what is read, where relative paths begin, and a name below REPORTS_DIR.
const OTHERS: &[&str] = &[
    "WORKING_DIR",
    "SARIF_FILE",
    "IGNORE_FILE",
    "OSV_DB_PATH",
    "SBOM_FILE",
    "SCAN_FILE",
    "PREDICATE_FILE",
    "DOCKER_CONFIG",
    "LOG_FILE",
    "MENTIONS_FILE",
    "HELM_CHART_PATH",
    "HELM_VALUES_FILE",
    "DOCKERFILE_PATH",
];

#[test]
fn security_md_names_every_variable_that_chooses_where_something_is_written() {
    let page = read("SECURITY.md");
    for spec in specs() {
        for var in spec.vars().filter(|var| var.kind == Kind::Path) {
            let (written, other) = (WRITTEN.contains(&var.name), OTHERS.contains(&var.name));
            assert!(written != other, "{}: is {} read or written?", spec.name, var.name);
            assert!(!written || page.contains(&format!("`{}`", var.name)), "SECURITY.md does not name {}", var.name);
        }
    }
}

#[test]
fn the_migration_page_names_what_is_not_available_and_a_run_that_asks_for_it_exits_with_3() {
    let page = read("docs/migration.md");
    for var in security_pipe::SPEC.vars().filter(|var| !security_pipe::SPEC.honours(var)) {
        assert!(page.contains(&format!("`{}", var.name)), "{}", var.name);
    }
    let (_, table) = page.split_once("### What is not available yet").unwrap();
    let mut tried = 0;
    for row in table.lines().skip_while(|line| !line.starts_with("|---")).skip(1).take_while(|line| !line.is_empty()) {
        let setting = row.split('`').nth(1).unwrap();
        let Some((name, value)) = setting.split_once('=') else { continue };
        let repo = Repo::new();
        repo.write("a.txt", "text").commit("first");
        Pipe::new("security-pipe", repo.path())
            .env("OSV_DB_PATH", root().join("examples/demo/advisories"))
            .env("CONTAINER_IMAGE", "registry.example/app:1")
            .env(name, value)
            .run()
            .expect(3);
        tried += 1;
    }
    assert_eq!(tried, 5, "four scans and a format");
}

#[test]
fn a_cvss_threshold_that_had_no_effect_gates_as_the_migration_page_says() {
    assert!(read("docs/migration.md").contains("`CVSS_THRESHOLD=7.0` was the default"));
    let repo = Repo::new();
    repo.write("requirements.txt", "harmless==1.0\n").commit("first");
    let advisories = Repo::plain();
    let vector = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N";
    database(advisories.path(), "PyPI", &[advisory("GHSA-aaaa-aaaa-aaaa", "PyPI", "harmless", "2.0", Some(vector))]);
    let run = || Pipe::new("security-pipe", repo.path()).env("OSV_DB_PATH", advisories.path());
    run().run().expect(0);
    run().env("CVSS_THRESHOLD", "7.0").run().expect(1);
}

#[test]
fn times_are_in_utc_whatever_tz_says() {
    let repo = Repo::new();
    repo.write("a.txt", "text").commit("first");
    let run = Pipe::new("security-pipe", repo.path()).env("SCA_SCAN", "false").env("TZ", "Pacific/Auckland");
    let report = run.run().expect(0).report();
    assert!(report["started_at"].as_str().unwrap().ends_with('Z'), "{report}");
}

fn validator(schema: &str) -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(&read(&format!("docs/schemas/{schema}"))).unwrap();
    jsonschema::options().should_validate_formats(true).build(&schema).unwrap()
}

#[test]
fn editors_see_wrong_variables_at_the_top_and_below_variables_and_data() {
    for spec in specs() {
        let schema = validator(&format!("{}.variables.schema.json", spec.name));
        let (right, wrong) = (json!({ "DRY_RUN": "true" }), json!({ "DRY_RUN": "maybe" }));
        assert!(schema.is_valid(&right), "{}", spec.name);
        assert!(!schema.is_valid(&wrong), "{}", spec.name);
        for key in ["variables", "data"] {
            assert!(schema.is_valid(&json!({ key: right })), "{}: {key}", spec.name);
            assert!(!schema.is_valid(&json!({ key: wrong })), "{}: {key}", spec.name);
        }
    }
    let page = read("docs/schemas/README.md");
    for schema in files(&root().join("docs/schemas")) {
        let name = schema.file_name().unwrap().to_str().unwrap();
        assert!(
            name == "README.md" || page.contains(&format!("]({name})")),
            "docs/schemas/README.md leaves out {name}"
        );
    }
}

/// Ignore files as TOML and as an editor sees them, and whether they are right.
fn ignore_files() -> Vec<(&'static str, Value, bool)> {
    let one = |entry: Value| json!({ "ignore": [entry] });
    vec![
        ("", json!({}), true),
        (
            "[[ignore]]\nid = 'x'\nreason = 'r'\nexpires = 2099-01-01\n",
            one(json!({ "id": "x", "reason": "r", "expires": "2099-01-01" })),
            true,
        ),
        (
            "[[ignore]]\nfingerprint = 'x'\npackage = 'p'\npath = 'a/**'\nreason = 'r'\nexpires = '2099-01-01'\n",
            one(json!({ "fingerprint": "x", "package": "p", "path": "a/**", "reason": "r", "expires": "2099-01-01" })),
            true,
        ),
        ("[[ignore]]\nid = 'x'\nexpires = 2099-01-01\n", one(json!({ "id": "x", "expires": "2099-01-01" })), false),
        (
            "[[ignore]]\nid = 'x'\nreason = ' '\nexpires = 2099-01-01\n",
            one(json!({ "id": "x", "reason": " ", "expires": "2099-01-01" })),
            false,
        ),
        ("[[ignore]]\nid = 'x'\nreason = 'r'\n", one(json!({ "id": "x", "reason": "r" })), false),
        (
            "[[ignore]]\nid = 'x'\nreason = 'r'\nexpires = 'soon'\n",
            one(json!({ "id": "x", "reason": "r", "expires": "soon" })),
            false,
        ),
        (
            "[[ignore]]\nreason = 'r'\nexpires = 2099-01-01\n",
            one(json!({ "reason": "r", "expires": "2099-01-01" })),
            false,
        ),
        (
            "[[ignore]]\nid = 'x'\nfingerprint = 'x'\nreason = 'r'\nexpires = 2099-01-01\n",
            one(json!({ "id": "x", "fingerprint": "x", "reason": "r", "expires": "2099-01-01" })),
            false,
        ),
        (
            "[[ignore]]\nidd = 'x'\nid = 'x'\nreason = 'r'\nexpires = 2099-01-01\n",
            one(json!({ "idd": "x", "id": "x", "reason": "r", "expires": "2099-01-01" })),
            false,
        ),
        ("ignored = []\n", json!({ "ignored": [] }), false),
    ]
}

#[test]
fn the_schema_of_the_ignore_file_and_the_pipe_agree() {
    let schema = validator("ignore.schema.json");
    for (toml, value, right) in ignore_files() {
        assert_eq!(schema.is_valid(&value), right, "the schema: {toml}");
        let repo = Repo::new();
        repo.write(".pipewright/ignore.toml", toml).write("a.txt", "text").commit("first");
        let run = Pipe::new("security-pipe", repo.path()).env("SCA_SCAN", "false").env("SBOM_GENERATE", "false");
        run.run().expect(if right { 0 } else { 3 });
    }
}
