//! Everything a run writes over one tree, as it was when the findings were still those of two scanners: baseline,
//! SARIF, every report, and what each platform is given. A change of form must not change a byte of it unnoticed.
//!
//! `UPDATE=1` rewrites the files in `golden/`. Only the time and the size of the rule set are taken out.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::path::{Path, PathBuf};

use common::*;
use pipewright_harness::{Outcome, Pipe, Reply, Repo, Server, advisory, database, files};
use regex_automata::meta::Regex;
use serde_json::{Value, json};
use tempfile::TempDir;

const IGNORE: &str = ".pipewright/ignore.toml";
const BASELINE: &str = ".pipewright/baseline.json";

/// A generic secret: letters and digits without an order, another one for each `seed`.
fn random(seed: u64) -> String {
    let key = aws_key(seed);
    format!("{}{}", key[4..].to_lowercase(), &aws_key(seed + 1)[4..])
}

/// A private key in form only: a sequence of DER, and bytes without an order.
fn pem(seed: u64) -> String {
    let begin = ["-----BEGIN PRIVATE", "KEY-----"].join(" ");
    let lines: Vec<String> = (0..4).map(|line| random(seed + line) + &random(seed + line + 20)).collect();
    format!("{begin}\nMIIE{}\n{}\n", lines.join("\n"), begin.replace("BEGIN", "END"))
}

fn npm_lock(packages: &[(&str, &str)]) -> String {
    let mut entries = json!({ "": { "name": "web", "version": "0.1.0", "dependencies": {} } });
    for (name, version) in packages {
        entries[""]["dependencies"][name] = json!(format!("^{version}"));
        entries[format!("node_modules/{name}")] = json!({
            "version": version,
            "resolved": format!("https://registry.npmjs.org/{name}/-/{name}-{version}.tgz"),
            "license": "MIT",
        });
    }
    let lock = json!({ "name": "web", "version": "0.1.0", "lockfileVersion": 3, "packages": entries });
    serde_json::to_string_pretty(&lock).unwrap() + "\n"
}

/// One finding of every sort the two scanners know, and one of every state the policies give it.
fn tree() -> Repo {
    let repo = Repo::new();
    repo.git(&["remote", "add", "origin", "https://git.example/org/shop.git"]);
    repo.write(
        "poetry.lock",
        poetry_lock(&[
            ("critical", "1.0"),
            ("high", "1.0"),
            ("medium", "1.0"),
            ("unscored", "1.0"),
            ("aliased", "1.0"),
            ("unfixed", "1.0"),
            ("known", "1.0"),
            ("fine", "9.0"),
        ]),
    );
    repo.write("services/api/poetry.lock", poetry_lock(&[("critical", "1.0"), ("known", "1.0")]));
    repo.write("web/package-lock.json", npm_lock(&[("left", "1.0.0"), ("@scope/right", "1.0.0")]));
    repo.write(
        "web/package.json",
        r#"{ "name": "web", "dependencies": { "left": "^1.0.0", "@scope/right": "^1.0.0" } }"#,
    );
    repo.write("cli/Cargo.lock", cargo_lock(&[("abandoned", "1.0.0"), ("fine", "1.0.0")]));
    repo.write("tool/pyproject.toml", "[tool.poetry]\nname = \"tool\"\nversion = \"1\"\n");
    repo.write("requirements.txt", "critical==1.0\nopen>=1\n");
    repo.write("config/settings.py", format!("DEBUG = True\nAWS_KEY = \"{}\"\n", aws_key(1)));
    repo.write("config/odd [x]/a|b.env", format!("A=1\nDB_PASSWORD={}\n", random(11)));
    repo.write("keys/old.pem", pem(7));
    repo.write("config/allowed.py", format!("KEY = \"{}\"  # gitleaks:allow\n", aws_key(4)));
    repo.write("config/old.py", format!("# an old one\n\nKEY = \"{}\"\n", aws_key(5)));
    repo.write("config/ignored.env", format!("DB_PASSWORD={}\n", random(6)));
    repo.write("image.bin", [0, 159, 146, 150, 0, 1, 2]);
    repo.write(
        IGNORE,
        "[[ignore]]\nid = \"CVE-2099-2\"\nreason = \"the parser is not used\"\nexpires = 2099-01-01\n\n\
         [[ignore]]\nid = \"generic-secret\"\npath = \"config/ignored.env\"\nreason = \"a test value\"\nexpires = 2098-02-03\n",
    );
    // As c3f2611 wrote it for this tree, and one that is gone.
    repo.write(BASELINE, std::fs::read(golden("known-before.json")).unwrap_or_else(|_| b"{}".to_vec()));
    repo.commit("first");
    repo
}

fn databases() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    let mut aliased = advisory("GHSA-alia-alia-alia", "PyPI", "aliased", "2.0", Some(HIGH));
    aliased["aliases"] = json!(["CVE-2099-2", "PYSEC-2099-2"]);
    let mut unfixed = advisory("GHSA-unfi-unfi-unfi", "PyPI", "unfixed", "2.0", Some(HIGH));
    unfixed["affected"][0]["ranges"][0]["events"] = json!([{ "introduced": "0" }]);
    let twin = {
        let mut twin = advisory("PYSEC-2099-9", "PyPI", "critical", "2.0", None);
        twin["aliases"] = json!(["GHSA-crit-crit-crit"]);
        twin
    };
    database(
        dir.path(),
        "PyPI",
        &[
            advisory("GHSA-crit-crit-crit", "PyPI", "critical", "2.0", Some(CRITICAL)),
            twin,
            advisory("GHSA-high-high-high", "PyPI", "high", "2.0", Some(HIGH)),
            advisory("GHSA-medi-medi-medi", "PyPI", "medium", "2.0", Some(MEDIUM)),
            advisory("PYSEC-2099-1", "PyPI", "unscored", "2.0", None),
            advisory("GHSA-know-know-know", "PyPI", "known", "2.0", Some(HIGH)),
            aliased,
            unfixed,
        ],
    );
    let mut markup = advisory("GHSA-left-left-left", "npm", "left", "1.0.1", Some(HIGH));
    markup["summary"] = json!("<b>left</b> [pads](x) too `much` | and {more} @all");
    let scoped = advisory("GHSA-righ-righ-righ", "npm", "@scope/right", "2.0.0", Some(MEDIUM));
    database(dir.path(), "npm", &[markup, scoped]);
    let mut abandoned = advisory("RUSTSEC-2099-0001", "crates.io", "abandoned", "2.0.0", None);
    abandoned["affected"][0]["database_specific"] = json!({ "informational": "unmaintained" });
    abandoned["affected"][0]["ranges"][0]["events"] = json!([{ "introduced": "0.0.0-0" }]);
    database(dir.path(), "crates.io", &[abandoned]);
    dir
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// The text without what differs from run to run.
fn timeless(text: &str, repo: &Repo, db: &TempDir) -> String {
    let mut text = text.to_owned();
    for dir in [repo.path(), db.path()] {
        let canonical = dir.canonicalize().unwrap();
        for path in [dir.to_str().unwrap(), canonical.to_str().unwrap()] {
            text = text.replace(path, "/DIR");
        }
    }
    for (pattern, by) in [
        (r"20[0-9]{2}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z?", "TIME"),
        // That of the advisories, which are fresh on any day.
        (r"advisories of 20[0-9]{2}-[0-9]{2}-[0-9]{2}", "advisories of 2026-11-01"),
        (r#""duration_ms": [0-9]+"#, r#""duration_ms": 0"#),
        (r#"time="[0-9.]+""#, r#"time="0""#),
        (r"\| [0-9]+\.[0-9] \|", "| 0.0 |"),
        (r" {3}[0-9]+\.[0-9] s {3}exit", "   0.0 s   exit"),
        (r#""rules": [0-9]+"#, r#""rules": 0"#),
        (r"rules [0-9]+ \|", "rules 0 |"),
        (r"rules: [0-9]+", "rules: 0"),
        (r#"name="rules" value="[0-9]+""#, r#"name="rules" value="0""#),
    ] {
        let regex = Regex::new(pattern).unwrap();
        let mut replaced = String::new();
        let mut end = 0;
        for found in regex.find_iter(&text) {
            // The commit's own time is the same everywhere.
            let by = if text[found.range()].starts_with("2026-01-02T03:04:05") { &text[found.range()] } else { by };
            replaced.push_str(&text[end..found.start()]);
            replaced.push_str(by);
            end = found.end();
        }
        replaced.push_str(&text[end..]);
        text = replaced;
    }
    text
}

/// Compares with `golden/<case>/<name>`, or rewrites it.
fn same(case: &str, name: &str, text: &str) {
    let path = golden(case).join(name.replace('/', "_"));
    if std::env::vars_os().any(|(name, _)| name == "UPDATE") {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if expected != text {
        let at = expected.lines().zip(text.lines()).position(|(a, b)| a != b).unwrap_or(0);
        let line = |text: &str| text.lines().nth(at).unwrap_or_default().chars().take(2000).collect::<String>();
        panic!("{} differs at line {}:\n- {}\n+ {}", path.display(), at + 1, line(&expected), line(text));
    }
}

/// The report with its steps by name: c3f2611 wrote them as they ended.
fn in_order(report: &str) -> String {
    let mut report: Value = serde_json::from_str(report).unwrap();
    report["steps"].as_array_mut().unwrap().sort_by_key(|step| step["name"].to_string());
    serde_json::to_string_pretty(&report).unwrap() + "\n"
}

/// All reports and both streams of a run.
fn compare(case: &str, outcome: &Outcome, repo: &Repo, db: &TempDir) {
    let mut names = Vec::new();
    for path in files(&outcome.reports).into_iter().filter(|path| path.is_file() && !path.ends_with(".gitignore")) {
        let name = path.strip_prefix(&outcome.reports).unwrap().to_str().unwrap().to_owned();
        let text = outcome.file(&name);
        let text = if name == "security-pipe-report.json" { in_order(&text) } else { text };
        same(case, &name, &timeless(&text, repo, db));
        names.push(name);
    }
    names.sort();
    same(case, "files", &(names.join("\n") + "\n"));
    same(case, "stdout", &timeless(&outcome.stdout, repo, db));
    // Scans run side by side, and each warned when it ended.
    let mut lines: Vec<&str> = outcome.stderr.lines().collect();
    lines.sort_unstable();
    same(case, "stderr", &timeless(&lines.join("\n"), repo, db));
}

fn run<'a>(repo: &Repo, db: &TempDir, envs: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> Pipe {
    pipe(repo, db).env("REPORT_FORMAT", "json,sarif,junit,markdown").env("SBOM_FORMAT", "cyclonedx,spdx").envs(envs)
}

#[test]
fn every_report_on_a_laptop() {
    let (repo, db) = (tree(), databases());
    let outcome = run(&repo, &db, &[("FAIL_ON_HIGH", "true")]).run().expect(1);
    compare("laptop", &outcome, &repo, &db);
}

#[test]
fn a_gate_that_only_warns_beside_a_scan_that_failed() {
    let (repo, db) = (tree(), databases());
    repo.write("broken/poetry.lock", "[[package]\n");
    let envs = [("GATE_MODE", "warn"), ("INFORMATIONAL_SEVERITY", "low"), ("REPORT_NAME", "part")];
    let outcome = run(&repo, &db, &envs).reports(&repo.join("security-reports/part")).run().expect(3);
    compare("warn", &outcome, &repo, &db);
}

#[test]
fn annotations_summary_and_outputs_on_github() {
    let (repo, db) = (tree(), databases());
    let (summary, output) = (db.path().join("summary"), db.path().join("output"));
    let outcome =
        run(&repo, &db, &[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "org/app"), ("GITHUB_RUN_ID", "77")])
            .env("GITHUB_EVENT_NAME", "push")
            .env("GITHUB_STEP_SUMMARY", &summary)
            .env("GITHUB_OUTPUT", &output)
            .run()
            .expect(1);
    compare("github", &outcome, &repo, &db);
    for (name, path) in [("step-summary", summary), ("output", output)] {
        let text = std::fs::read_to_string(path).unwrap();
        // The delimiter of a value is random, and a line by itself at its end.
        let delimiters: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once("<<")?.1)).collect();
        let text = delimiters.iter().fold(text.clone(), |text, delimiter| text.replace(delimiter, "END"));
        same("github", name, &timeless(&text, &repo, &db));
    }
}

#[test]
fn variables_and_code_quality_on_gitlab() {
    let (repo, db) = (tree(), databases());
    let outcome = run(&repo, &db, &[("GITLAB_CI", "true"), ("CI_PIPELINE_ID", "9")]).run().expect(1);
    compare("gitlab", &outcome, &repo, &db);
}

#[test]
fn code_insights_on_bitbucket() {
    let (repo, db) = (tree(), databases());
    // Bitbucket's proxy has a fixed port; the only other test that needs it is in another binary.
    let proxy = Server::start_on(29418, |_| Reply::json(200, "{}"));
    let commit = repo.git(&["rev-parse", "HEAD"]);
    let outcome = run(
        &repo,
        &db,
        &[("BITBUCKET_BUILD_NUMBER", "7"), ("BITBUCKET_WORKSPACE", "org"), ("BITBUCKET_REPO_SLUG", "app")],
    )
    .env("BITBUCKET_COMMIT", &commit)
    .env("BITBUCKET_DOCKER_HOST_INTERNAL", "127.0.0.1")
    .run()
    .expect(1);
    compare("bitbucket", &outcome, &repo, &db);
    let text: Vec<String> = proxy
        .requests()
        .iter()
        .map(|request| format!("{} {}\n{}\n", request.method, request.path, String::from_utf8_lossy(&request.body)))
        .collect();
    assert!(!text.is_empty());
    same("bitbucket", "code-insights", &timeless(&text.concat(), &repo, &db));
}

#[test]
fn the_baseline_as_it_is_written() {
    let (repo, db) = (tree(), databases());
    run(&repo, &db, &[("BASELINE_WRITE", "true")]).run().expect(0);
    same("baseline", "baseline.json", &std::fs::read_to_string(repo.join(BASELINE)).unwrap());
}
