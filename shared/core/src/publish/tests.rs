use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{effects, publish};
use crate::console::{Console, Style};
use crate::context::Context;
use crate::env::Vars;
use crate::exit::{Ending, Signal};
use crate::platform::rendering::example::{annotation, rendering};
use crate::platform::rendering::{Annotation, Level, Rendering};
use crate::report::Recorder;
use crate::spec::{Output, Spec};
use crate::workspace::ReportDir;

static SPEC: Spec = Spec {
    name: "security-pipe",
    summary: "Tests.",
    category: "Testing",
    version: "1.2.3",
    groups: &[],
    outputs: &[Output::new("critical", "A count"), Output::new("branch", "A name")],
    timeout: "5m",
    grace: Duration::from_secs(2),
};

const SECRET: &str = "hunter2-hunter2";

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        std::io::Write::write(&mut *self.0.lock().unwrap(), bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

struct Run {
    dir: TempDir,
    ctx: Context,
    printed: Buffer,
}

impl Run {
    /// A run in an empty folder, whose files `output`, `summary` and `variables` are the platform's.
    fn new(env: &[(&str, &str)]) -> Run {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
        let files = [
            ("GITHUB_OUTPUT", file("output")),
            ("GITHUB_STEP_SUMMARY", file("summary")),
            ("BITBUCKET_PIPELINES_VARIABLES_PATH", file("variables")),
        ];
        let env = env.iter().map(|(name, value)| (name.into(), value.into()));
        let files = files.iter().map(|(name, value)| (name.into(), value.into()));
        let mut vars = Vars::load(&SPEC, env.chain(files), dir.path(), dir.path());
        let mut ctx = Context::new(&SPEC, &mut vars, dir.path());
        let printed = Buffer::default();
        ctx.redactor.add(SECRET);
        let (out, err) = (Box::new(printed.clone()), Box::new(printed.clone()));
        ctx.console = Arc::new(Console::to("security-pipe", ctx.redactor.clone(), Style::default(), out, err));
        Run { dir, ctx, printed }
    }

    async fn publish(&self, rendering: Option<Rendering>, ending: Ending) {
        let report_dir = Arc::new(ReportDir::new(self.ctx.workspace.reports.clone(), self.dir.path()));
        let report = Recorder::new(&SPEC, report_dir, self.ctx.redactor.clone());
        if let Some(rendering) = rendering {
            report.present(rendering);
        }
        publish(&self.ctx, &report, &ending).await;
    }

    fn printed(&self) -> String {
        String::from_utf8(self.printed.0.lock().unwrap().clone()).unwrap()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }
}

fn result() -> Rendering {
    let annotation = Annotation { message: format!("found {SECRET}"), ..annotation(1, Level::Error) };
    let outputs = [("critical", "1"), ("branch", SECRET), ("verdict", "the pipe does not say")];
    let summary_markdown = format!("## all is well with {SECRET}\n");
    Rendering { passed: true, summary_markdown, ..rendering(vec![annotation], &outputs) }
}

fn passed() -> Ending {
    Ending::Passed("nothing found".to_owned())
}

#[tokio::test]
async fn github_gets_annotations_summary_and_outputs_without_secrets() {
    let run = Run::new(&[("GITHUB_ACTIONS", "true")]);
    run.publish(Some(result()), Ending::Unable("no disk".to_owned())).await;
    assert_eq!(run.printed(), "::error file=src/a.rs,line=3,title=title 1::found ***\n");
    // What happened after the pipe had rendered its result.
    assert_eq!(run.read("summary"), "**ERROR no disk**\n\n## all is well with ***\n");
    let outputs = run.read("output");
    let values: Vec<&str> = outputs.lines().collect();
    let values: Vec<(&str, &str)> =
        values.chunks(3).map(|lines| (lines[0].split_once("<<").unwrap().0, lines[1])).collect();
    assert_eq!(
        values,
        [
            ("critical", "1"),
            ("branch", "***"),
            ("verdict", "error"),
            ("exit_code", "3"),
            ("report", "security-reports/security-pipe-report.json"),
        ]
    );
}

#[tokio::test]
async fn a_run_without_a_result_says_why_and_one_that_passed_is_not_an_error() {
    let run = Run::new(&[("GITHUB_ACTIONS", "true")]);
    run.publish(None, Ending::Misconfigured("2 problems in the configuration".to_owned())).await;
    assert_eq!(run.printed(), "::error title=security-pipe::ERROR 2 problems in the configuration\n");
    assert!(run.read("summary").contains("2 problems"));
    assert!(run.read("output").contains("exit_code"));
    let run = Run::new(&[("GITHUB_ACTIONS", "true")]);
    run.publish(None, Ending::Skipped("no lockfile".to_owned())).await;
    assert_eq!(run.printed(), "");
}

#[tokio::test]
async fn a_page_that_can_not_be_written_is_a_warning() {
    let run = Run::new(&[("GITHUB_ACTIONS", "true")]);
    fs::create_dir(run.path("output")).unwrap();
    run.publish(Some(rendering(Vec::new(), &[])), passed()).await;
    assert!(run.printed().contains("warning: failed to publish the job summary and outputs: "), "{}", run.printed());
}

/// A forward proxy that answers every request with 200 and keeps the request's first line and body.
async fn proxy() -> (String, Arc<Mutex<Vec<(String, String)>>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&seen);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut bytes = Vec::new();
                loop {
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    if let Some((head, body)) = text.split_once("\r\n\r\n") {
                        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
                        if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                            kept.lock().unwrap().push((head.lines().next().unwrap().to_owned(), body.to_owned()));
                            break;
                        }
                    }
                    if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";
                let _ = stream.write_all(answer).await;
            });
        }
    });
    (address, seen)
}

const BITBUCKET: [(&str, &str); 4] = [
    ("BITBUCKET_BUILD_NUMBER", "7"),
    ("BITBUCKET_REPO_FULL_NAME", "ws/app"),
    ("BITBUCKET_COMMIT", "c0ffee"),
    ("BITBUCKET_BRANCH", "main"),
];

#[tokio::test]
async fn bitbucket_gets_its_report_through_whichever_proxy_is_there() {
    let (address, seen) = proxy().await;
    let mut run = Run::new(&BITBUCKET);
    // Bound and closed again: nobody listens there.
    let dead = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    run.ctx.ci.channels.proxies = vec![format!("http://{dead}"), address];
    run.publish(Some(result()), Ending::Failed("1 critical".to_owned())).await;
    let seen = seen.lock().unwrap().clone();
    let report = "http://api.bitbucket.org/2.0/repositories/ws/app/commit/c0ffee/reports/security-pipe";
    let lines: Vec<&str> = seen.iter().map(|(line, _)| line.as_str()).collect();
    assert_eq!(
        lines,
        [
            format!("DELETE {report} HTTP/1.1"),
            format!("PUT {report} HTTP/1.1"),
            format!("POST {report}/annotations HTTP/1.1"),
        ]
    );
    let body: Value = serde_json::from_str(&seen[1].1).unwrap();
    assert_eq!((&body["result"], &body["details"]), (&json!("FAILED"), &json!("FAILED 1 critical")));
    assert!(seen[2].1.contains("found ***") && !seen[2].1.contains(SECRET));
    assert!(run.read("variables").contains("SECURITY_PIPE_VERDICT=failed\nSECURITY_PIPE_EXIT_CODE=1\n"));
    assert_eq!(run.printed().lines().count(), 1, "the variable that is no plain word: {}", run.printed());
}

#[tokio::test]
async fn an_unreachable_bitbucket_is_told_and_a_cancelled_run_does_not_ask() {
    let dead = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap();
    for (ending, told) in [(passed(), true), (Ending::Cancelled(Signal::Terminate), false)] {
        let mut run = Run::new(&BITBUCKET);
        run.ctx.ci.channels.proxies = vec![format!("http://{dead}")];
        run.publish(Some(rendering(Vec::new(), &[])), ending).await;
        assert_eq!(run.printed().contains("warning: failed to publish Code Insights: "), told, "{}", run.printed());
        assert!(run.read("variables").contains("SECURITY_PIPE_VERDICT="));
    }
}

#[tokio::test]
async fn gitlab_gets_its_report_files() {
    let run = Run::new(&[("GITLAB_CI", "true")]);
    run.publish(Some(result()), passed()).await;
    let dotenv = run.read("security-reports/security-pipe.env");
    assert!(dotenv.starts_with("SECURITY_PIPE_CRITICAL=1\nSECURITY_PIPE_BRANCH=***\nSECURITY_PIPE_VERDICT=passed\n"));
    let issues: Value = serde_json::from_str(&run.read("security-reports/gl-code-quality-report.json")).unwrap();
    assert_eq!(issues[0]["description"], "title 1: found ***");
}

#[tokio::test]
async fn the_planned_effects_are_those_of_the_run() {
    let (address, seen) = proxy().await;
    let pipe = [("BITBUCKET_DOCKER_HOST_INTERNAL", "127.0.0.1"), ("BITBUCKET_PIPE_STORAGE_DIR", "/storage")];
    for (env, expected) in [
        (vec![("GITHUB_ACTIONS", "true")], &["output", "summary"][..]),
        (
            vec![("GITLAB_CI", "true")],
            &["security-reports/gl-code-quality-report.json", "security-reports/security-pipe.env"],
        ),
        ([&BITBUCKET[..], &pipe].concat(), &["variables"]),
        (vec![], &[]),
    ] {
        let mut run = Run::new(&env);
        if !run.ctx.ci.channels.proxies.is_empty() {
            run.ctx.ci.channels.proxies = vec![address.clone()];
        }
        let planned = effects(&run.ctx, true);
        run.publish(Some(result()), passed()).await;
        let mut files = planned.files;
        files.sort();
        assert_eq!(files, expected, "{env:?}");
        for file in files {
            assert!(run.path(&file).is_file(), "{file}");
        }
        let requests: Vec<String> =
            seen.lock().unwrap().drain(..).map(|(line, _)| line.trim_end_matches(" HTTP/1.1").to_owned()).collect();
        assert_eq!(planned.writes, requests);
        assert_eq!(planned.hosts, if requests.is_empty() { vec![] } else { vec!["api.bitbucket.org"] });
    }
    let run = Run::new(&BITBUCKET);
    assert!(effects(&run.ctx, false).writes.is_empty(), "not about code");
}
