//! notify-pipe against a real Pushgateway: what is pushed is there to be scraped.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use pipewright_harness::components::installed;
use pipewright_harness::{Pipe, Repo};

/// Debian's prometheus-pushgateway, until it is dropped.
struct Pushgateway {
    child: Child,
    port: u16,
}

impl Pushgateway {
    fn start() -> Pushgateway {
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let child = installed("prometheus-pushgateway")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--persistence.file=", "--log.level=error"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let gateway = Pushgateway { child, port };
        let start = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(start.elapsed() < Duration::from_secs(20), "the Pushgateway does not answer");
            thread::sleep(Duration::from_millis(20));
        }
        gateway
    }

    /// What Prometheus would scrape, the pipe's own samples only.
    fn samples(&self) -> Vec<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.write_all(b"GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.lines().filter(|line| line.starts_with("cicd_")).map(str::to_owned).collect()
    }

    /// A run on GitHub, on this branch or tag, pushed here.
    fn push(&self, place: &str, vars: &[(&str, &str)]) {
        let repo = Repo::plain();
        Pipe::new("notify-pipe", repo.path())
            .envs(&[("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "org/shop"), ("GITHUB_WORKFLOW", "CI")])
            .envs(&[("GITHUB_REF_NAME", place), ("GITHUB_REF_TYPE", "branch"), ("RETRIES", "0")])
            .env("PUSHGATEWAY_URL", format!("http://127.0.0.1:{}/", self.port))
            .envs(vars)
            .run()
            .expect(0);
    }
}

impl Drop for Pushgateway {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The value of a metric with these labels.
#[track_caller]
fn value(samples: &[String], name: &str, labels: &str) -> f64 {
    let start = format!("{name}{{{labels}}} ");
    let found = samples.iter().find_map(|line| line.strip_prefix(&start));
    found.unwrap_or_else(|| panic!("{start}: {samples:#?}")).parse().unwrap()
}

#[test]
#[ignore = "needs prometheus-pushgateway: make test"]
fn a_push_is_read_back_with_its_labels() {
    let gateway = Pushgateway::start();
    gateway.push("main", &[("STATUS", "success"), ("STARTED_AT", "2026-01-02T03:04:05Z")]);
    let labels = r#"branch="main",instance="",job="CI",repository="org/shop""#;
    let samples = gateway.samples();
    assert!((value(&samples, "cicd_pipeline_run_success", labels) - 1.0).abs() < f64::EPSILON);
    assert!(value(&samples, "cicd_pipeline_run_duration_seconds", labels) > 0.0);
    assert!(value(&samples, "cicd_pipeline_run_finished_seconds", labels) > 1.7e9);

    // The next run of the same takes its place.
    gateway.push("main", &[("STATUS", "failure")]);
    let samples = gateway.samples();
    assert!(value(&samples, "cicd_pipeline_run_success", labels).abs() < f64::EPSILON);
    assert!(!samples.iter().any(|line| line.starts_with("cicd_pipeline_run_duration_seconds")), "{samples:#?}");
}

#[test]
#[ignore = "needs prometheus-pushgateway: make test"]
fn any_branch_and_job_are_labels_as_they_are() {
    let gateway = Pushgateway::start();
    for (place, label) in [
        ("feature/login", "feature/login"),
        ("fix/a b/../c%2F\u{fc}\u{1f389}", "fix/a b/../c%2F\u{fc}\u{1f389}"),
        ("say/\"hi\"\\", "say/\\\"hi\\\"\\\\"),
    ] {
        gateway.push(place, &[("STATUS", "success"), ("PUSHGATEWAY_JOB", "a/b job")]);
        let labels = format!("branch=\"{label}\",instance=\"\",job=\"a/b job\",repository=\"org/shop\"");
        let samples = gateway.samples();
        assert!((value(&samples, "cicd_pipeline_run_success", &labels) - 1.0).abs() < f64::EPSILON);
    }
}

#[test]
#[ignore = "needs prometheus-pushgateway: make test"]
fn a_deployment_is_measured() {
    let gateway = Pushgateway::start();
    let deployed = [("STATUS", "success"), ("ENVIRONMENT", "eu/production"), ("ROLLBACK", "true")];
    gateway.push("main", &deployed);
    let labels = r#"branch="main",environment="eu/production",instance="",job="CI",repository="org/shop""#;
    let samples = gateway.samples();
    for metric in ["cicd_deployment_success", "cicd_deployment_rollback"] {
        assert!((value(&samples, metric, labels) - 1.0).abs() < f64::EPSILON, "{metric}");
    }
    assert!(value(&samples, "cicd_deployment_finished_seconds", labels) > 1.7e9);
}
