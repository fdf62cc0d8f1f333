//! A scanner that is one file and one line: everything that shows findings has its words, severity and place.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use pipe_core::Context;
use pipe_core::console::{Console, Style};
use pipe_core::env::Vars;
use pipe_core::exit::Ending;
use pipe_core::publish::publish;
use pipe_core::redact::Redactor;
use pipe_core::report::Recorder;
use pipe_core::workspace::ReportDir;
use pipewright_harness::{Reply, Repo, Server};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

use super::super::{Input, SCANNERS, run};
use crate::config::Config;
use crate::execute::execute;
use crate::plan::Plan;
use crate::source::tests::{LAYER, Memory};
use crate::vars::SPEC;

const DOCKERFILE: &str = "FROM alpine\nRUN true\n";
const WORDS: &str = "The image runs as root";
const REMEDY: &str = "Add a line USER 65532 to the last stage of the Dockerfile.";

/// A run in this process: the example scanner is in no binary.
struct Ran {
    repo: Repo,
    ending: Result<Ending, Ending>,
    stdout: String,
}

impl Ran {
    fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.repo.join("security-reports").join(name)).unwrap()
    }

    fn json(&self, name: &str) -> Value {
        serde_json::from_str(&self.file(name)).unwrap()
    }
}

fn vars(repo: &Repo, env: &[(&str, &str)]) -> Vars {
    let always = [("DOCKERFILE_SCAN", "true"), ("SCA_SCAN", "false"), ("SBOM_GENERATE", "false")];
    let env = always.iter().chain(env).map(|(name, value)| (OsString::from(name), OsString::from(value)));
    Vars::load(&SPEC, env, repo.path(), repo.path())
}

async fn scan(files: &[(&str, &str)], env: &[(&str, &str)]) -> Ran {
    let repo = Repo::new();
    repo.write("svc/Dockerfile", DOCKERFILE);
    for (name, text) in files {
        repo.write(name, text);
    }
    repo.commit("first");
    let mut vars = vars(&repo, env);
    let mut ctx = Context::new(&SPEC, &mut vars, &repo.path().canonicalize().unwrap());
    let (out, err) = (Buffer::default(), Buffer::default());
    let style = Style::default();
    ctx.console =
        Arc::new(Console::to("security-pipe", ctx.redactor.clone(), style, Box::new(out.clone()), Box::new(err)));
    let config = Config::from_vars(&mut vars, &ctx).unwrap();
    assert_eq!(vars.problems(), []);
    let plan = Plan::new(&config, &ctx);
    let reports = Arc::new(ReportDir::new(ctx.workspace.reports.clone(), repo.path()));
    let report = Recorder::new(&SPEC, reports, ctx.redactor.clone());
    let ending = execute(plan, &ctx, &report).await;
    report.save();
    let end = match &ending {
        Ok(ending) | Err(ending) => ending.clone(),
    };
    publish(&ctx, &report, &end).await;
    Ran { repo, ending, stdout: out.text() }
}

#[derive(Clone, Default)]
struct Buffer(Arc<std::sync::Mutex<Vec<u8>>>);

impl Buffer {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl std::io::Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_console_and_every_report_have_its_words_severity_and_place() {
    let ran = scan(&[], &[("REPORT_FORMAT", "json,sarif,junit,markdown")]).await;
    let lines = "HIGH      The image runs as root  dockerfile-root  svc/Dockerfile:1  not gated\n          fix: add USER 65532\n";
    assert!(ran.stdout.contains(lines), "{}", ran.stdout);
    assert!(ran.file("security-summary.txt").contains(lines));

    let sarif = &ran.json("results.sarif")["runs"][0];
    let rule = &sarif["tool"]["driver"]["rules"][0];
    assert_eq!((&rule["id"], &rule["name"]), (&json!("dockerfile-root"), &json!("RunsAsRoot")));
    assert_eq!(rule["shortDescription"]["text"], format!("{WORDS}."));
    assert_eq!(
        rule["fullDescription"]["text"],
        format!("{WORDS}. A process that breaks out of the container has the rights of root.")
    );
    assert_eq!(rule["help"]["text"], REMEDY);
    assert_eq!(rule["helpUri"], "https://docs.docker.com/reference/dockerfile/#user");
    assert_eq!(rule["properties"]["tags"], json!(["security", "dockerfile", "container"]));
    assert_eq!(rule["properties"]["precision"], "high");
    assert_eq!(rule["properties"]["security-severity"], "7.0");
    let result = &sarif["results"][0];
    assert_eq!(result["message"]["text"], format!("{WORDS}. {REMEDY}"));
    assert_eq!(result["level"], "error");
    let place = &result["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"], json!({ "uri": "svc/Dockerfile", "uriBaseId": "%SRCROOT%" }));
    assert_eq!(place["region"]["startLine"], 1);

    let junit = ran.file("junit.xml");
    assert!(
        junit.contains(r#"classname="dockerfile.svc/Dockerfile" name="dockerfile-root at svc/Dockerfile:1""#),
        "{junit}"
    );
    assert!(junit.contains(REMEDY), "{junit}");
    let markdown = ran.file("security-summary.md");
    assert!(markdown.contains("| HIGH | dockerfile-root The image runs as root | svc/Dockerfile:1 |"), "{markdown}");
    assert!(markdown.contains("Add a line USER 65532"), "{markdown}");
    let finding = &ran.json("security-pipe-report.json")["findings"][0];
    assert_eq!((&finding["scanner"], &finding["rule"]), (&json!("dockerfile"), &json!("dockerfile-root")));
    assert_eq!((&finding["severity"], &finding["title"]), (&json!("high"), &json!(WORDS)));
    assert_eq!(finding["location"], json!({ "path": "svc/Dockerfile", "line": 1 }));
    // Its remedy is its own: nothing that is said of secrets or packages.
    for text in [&ran.stdout, &junit, &markdown, &ran.file("results.sarif")] {
        assert!(!text.to_lowercase().contains("revoke") && !text.contains("upgrade"), "{text}");
    }
    assert_eq!(ran.json("gitleaks-report.json"), json!([]));
}

#[tokio::test]
async fn the_gate_judges_it_by_its_severity() {
    let failing = |env| async move {
        let ran = scan(&[], env).await;
        ran.json("security-pipe-report.json")["findings"][0]["gated"].clone()
    };
    let fails = |because: &str| json!({ "gate": "fails", "because": because });
    assert_eq!(failing(&[("FAIL_ON_HIGH", "true")]).await, fails("FAIL_ON_HIGH=true"));
    assert_eq!(failing(&[]).await, json!({ "gate": "passes", "because": "below the gate" }));
    // What is said of secrets and advisories does not concern it.
    let others = [
        ("FAIL_ON_HIGH", "true"),
        ("FAIL_ON_SECRETS", "false"),
        ("IGNORE_UNFIXED", "true"),
        ("DEV_DEPENDENCIES", "warn"),
    ];
    let ran = scan(&[], &others).await;
    assert_eq!(ran.json("security-pipe-report.json")["findings"][0]["gated"], fails("FAIL_ON_HIGH=true"));
    assert_eq!(ran.ending, Err(Ending::Failed("1 high (FAIL_ON_HIGH=true)".to_owned())));
    assert_eq!(failing(&[("FAIL_ON_SECRETS", "true")]).await["gate"], "passes");
}

#[tokio::test]
async fn the_ignore_file_and_the_baseline_let_it_pass() {
    let ignore =
        "[[ignore]]\nid = \"dockerfile-root\"\npath = \"svc/**\"\nreason = \"a build image\"\nexpires = 2099-01-01\n";
    let ran = scan(&[(".pipewright/ignore.toml", ignore)], &[("FAIL_ON_HIGH", "true")]).await;
    let finding = &ran.json("security-pipe-report.json")["findings"][0];
    assert_eq!(finding["status"], json!({ "state": "ignored", "reason": "a build image", "until": "2099-01-01" }));

    let written = scan(&[], &[("BASELINE_WRITE", "true")]).await;
    let baseline = std::fs::read_to_string(written.repo.join(".pipewright/baseline.json")).unwrap();
    let entry: Value = serde_json::from_str(&baseline).unwrap();
    assert_eq!(entry["findings"][0]["subject"], "dockerfile-root");
    let ran = scan(&[(".pipewright/baseline.json", &baseline)], &[("FAIL_ON_HIGH", "true")]).await;
    assert_eq!(ran.json("security-pipe-report.json")["findings"][0]["status"]["state"], "known");
    assert!(ran.ending.is_ok(), "{:?}", ran.ending);
}

#[tokio::test]
async fn the_pages_of_github_gitlab_and_bitbucket_show_it() {
    let ran = scan(&[], &[("GITHUB_ACTIONS", "true"), ("FAIL_ON_HIGH", "true")]).await;
    let annotation = ran.stdout.lines().find(|line| line.starts_with("::error ")).expect(&ran.stdout);
    assert!(annotation.contains("file=svc/Dockerfile") && annotation.contains("line=1"), "{annotation}");
    assert!(annotation.contains(&format!("::{WORDS}: add USER 65532 to its last stage")), "{annotation}");

    let ran = scan(&[], &[("GITLAB_CI", "true"), ("CI_PIPELINE_ID", "9")]).await;
    let quality = &ran.json("gl-code-quality-report.json")[0];
    assert!(quality["description"].as_str().unwrap().contains(WORDS), "{quality}");
    assert_eq!(quality["location"]["path"], "svc/Dockerfile");

    // Bitbucket's proxy has this port.
    let proxy = Server::start_on(29418, |_| Reply::json(200, "{}"));
    let bitbucket = [
        ("BITBUCKET_BUILD_NUMBER", "7"),
        ("BITBUCKET_WORKSPACE", "org"),
        ("BITBUCKET_REPO_SLUG", "app"),
        ("BITBUCKET_COMMIT", "0123456789012345678901234567890123456789"),
        ("BITBUCKET_DOCKER_HOST_INTERNAL", "127.0.0.1"),
    ];
    scan(&[], &bitbucket).await;
    let post = proxy.requests().into_iter().find(|request| request.method == "POST").expect("annotations");
    let annotation = &serde_json::from_slice::<Value>(&post.body).unwrap()[0];
    assert!(annotation.to_string().contains(WORDS), "{annotation}");
    assert_eq!((&annotation["path"], &annotation["severity"]), (&json!("svc/Dockerfile"), &json!("HIGH")));
}

/// Scanners read whatever opens files: here a layer of an image.
#[tokio::test]
async fn a_finding_in_a_layer_names_the_layer() {
    let repo = Repo::plain();
    let mut vars = vars(&repo, &[]);
    let ctx = Context::new(&SPEC, &mut vars, repo.path());
    let scanners: Vec<_> = SCANNERS.iter().filter_map(|from_vars| from_vars(&mut vars, &ctx)).collect();
    assert_eq!(scanners.iter().map(|scanner| scanner.name()).collect::<Vec<_>>(), ["secrets", "dockerfile"]);
    let key = format!("{}Q3EGRZ6YM7TB5XWD", ["AK", "IA"].concat());
    let env = format!("KEY={key}\n");
    let layer = Memory::new(&[("app/.env", env.as_str()), ("app/Dockerfile", DOCKERFILE)]);
    let report = Recorder::new(&SPEC, Arc::new(ReportDir::new(repo.path().to_owned(), repo.path())), Redactor::new());
    let input = Arc::new(Input::new(Box::new(layer), Arc::default(), report.clone(), CancellationToken::new()));
    let (_, findings) = run(&scanners, &input, Duration::from_secs(30), &report).await;
    let places: Vec<String> = findings.iter().map(|finding| finding.location.shown()).collect();
    let layer = &LAYER[..19];
    assert_eq!(places, [format!("app/.env:1 in layer {layer}"), format!("app/Dockerfile:1 in layer {layer}")]);
}

#[test]
fn the_recipe_of_contributing_is_this_scanner() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let recipe = std::fs::read_to_string(format!("{root}/CONTRIBUTING.md")).unwrap();
    let source = include_str!("../example.rs");
    let added: String = source.lines().map(|line| format!("+{line}\n")).collect();
    assert!(recipe.contains(&added), "CONTRIBUTING.md shows another scanner than scanner/example.rs");
    assert!(recipe.contains("+    dockerfile::from_vars,\n"));
}
