//! Running a pipe.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::freshness;

/// No test waits longer for a pipe.
const LIMIT: Duration = Duration::from_secs(60);

/// The binary of a pipe, beside the test's own. It has to be newer than all it was built from.
pub fn binary(name: &str) -> PathBuf {
    static CHECKED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
    let exe = std::env::current_exe().unwrap();
    let path = exe.ancestors().nth(2).unwrap().join(name);
    assert!(path.is_file(), "{} is missing: run `cargo test --workspace --no-run`", path.display());
    if CHECKED.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned()) {
        freshness::check(&path, name);
    }
    path
}

/// A pipe about to run. The environment is empty but for what is given.
pub struct Pipe {
    command: Command,
    reports: PathBuf,
}

impl Pipe {
    /// The pipe `name` in the checkout `dir`, for tests outside the pipe's crate.
    pub fn new(name: &str, dir: &Path) -> Pipe {
        Pipe::at(binary(name), dir)
    }

    /// A pipe's binary in the checkout `dir`. The tests of a crate name their own: `env!("CARGO_BIN_EXE_...")`, which
    /// cargo builds before it builds them.
    pub fn at(binary: impl AsRef<Path>, dir: &Path) -> Pipe {
        let mut command = Command::new(binary.as_ref());
        command.env_clear().current_dir(dir).stdin(Stdio::null());
        Pipe { command, reports: dir.join("security-reports") }
    }

    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Pipe {
        self.command.env(name, value);
        self
    }

    #[must_use]
    pub fn envs<'a>(self, vars: impl IntoIterator<Item = &'a (&'a str, &'a str)>) -> Pipe {
        vars.into_iter().fold(self, |pipe, (name, value)| pipe.env(name, value))
    }

    #[must_use]
    pub fn arg(mut self, arg: &str) -> Pipe {
        self.command.arg(arg);
        self
    }

    /// Runs as this user and group.
    #[must_use]
    pub fn user(mut self, id: u32) -> Pipe {
        self.command.uid(id).gid(id);
        self
    }

    /// Where reports are looked for, when not in `security-reports`.
    #[must_use]
    pub fn reports(mut self, dir: &Path) -> Pipe {
        self.reports = dir.to_owned();
        self
    }

    pub fn run(self) -> Outcome {
        let reports = self.reports.clone();
        let running = self.spawn();
        running.wait(reports)
    }

    pub fn spawn(mut self) -> Running {
        self.command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = self.command.spawn().expect("the pipe starts");
        let (out, err) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        Running { child, out: collect(out), err: collect(err), started: Instant::now(), reports: self.reports }
    }
}

fn collect(mut stream: impl Read + Send + 'static) -> thread::JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    })
}

/// A pipe that runs.
pub struct Running {
    child: Child,
    out: thread::JoinHandle<Vec<u8>>,
    err: thread::JoinHandle<Vec<u8>>,
    started: Instant,
    reports: PathBuf,
}

impl Running {
    /// Sends a signal by name: `TERM`, `INT`, `KILL`.
    pub fn signal(&self, name: &str) {
        let status =
            Command::new("/bin/sh").args(["-c", &format!("kill -{name} {}", self.child.id())]).status().unwrap();
        assert!(status.success());
    }

    pub fn finish(self) -> Outcome {
        let reports = self.reports.clone();
        self.wait(reports)
    }

    fn wait(mut self, reports: PathBuf) -> Outcome {
        let mut peak_kb = 0;
        let status = loop {
            peak_kb = peak(self.child.id()).unwrap_or(0).max(peak_kb);
            if let Some(status) = self.child.try_wait().unwrap() {
                break status;
            }
            if self.started.elapsed() > LIMIT {
                self.child.kill().unwrap();
                self.child.wait().unwrap();
                panic!("the pipe did not end within {LIMIT:?}");
            }
            thread::sleep(Duration::from_millis(5));
        };
        Outcome {
            code: status.code(),
            elapsed: self.started.elapsed(),
            peak_kb,
            stdout: String::from_utf8_lossy(&self.out.join().unwrap()).into_owned(),
            stderr: String::from_utf8_lossy(&self.err.join().unwrap()).into_owned(),
            reports,
        }
    }
}

/// The high-water mark of a process's resident memory.
fn peak(id: u32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{id}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// How a pipe ended.
#[derive(Debug)]
pub struct Outcome {
    /// `None` where a signal ended it.
    pub code: Option<i32>,
    pub elapsed: Duration,
    /// The most memory it had, as last seen at most a few milliseconds before its end.
    pub peak_kb: u64,
    pub stdout: String,
    pub stderr: String,
    pub reports: PathBuf,
}

impl Outcome {
    /// Asserts the exit code; the message has what was printed.
    #[track_caller]
    pub fn expect(self, code: i32) -> Outcome {
        assert_eq!(self.code, Some(code), "\n--- stdout\n{}\n--- stderr\n{}", self.stdout, self.stderr);
        self
    }

    /// The one JSON report of the pipe.
    #[track_caller]
    pub fn report(&self) -> Value {
        let report = std::fs::read_dir(&self.reports)
            .unwrap_or_else(|error| panic!("{}: {error}\n{}", self.reports.display(), self.stderr))
            .map(|entry| entry.unwrap().path())
            .find(|path| path.to_string_lossy().ends_with("-pipe-report.json"))
            .expect("there is a report");
        serde_json::from_slice(&std::fs::read(report).unwrap()).expect("the report is JSON")
    }

    /// A file of the reports.
    #[track_caller]
    pub fn file(&self, name: &str) -> String {
        std::fs::read_to_string(self.reports.join(name))
            .unwrap_or_else(|error| panic!("{name}: {error}\n{}", self.stderr))
    }

    /// Everything printed.
    pub fn output(&self) -> String {
        format!("{}{}", self.stdout, self.stderr)
    }
}
