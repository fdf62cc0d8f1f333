//! cosign, as a peer.

use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::program;

/// No run of cosign takes longer.
const LIMIT: Duration = Duration::from_secs(60);

/// cosign about to run, in an empty environment with a home of its own.
pub struct Cosign {
    command: Command,
    home: TempDir,
}

/// How it ended.
#[derive(Debug)]
pub struct CosignOutcome {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl CosignOutcome {
    pub fn succeeded(&self) -> bool {
        self.code == Some(0)
    }

    #[track_caller]
    pub fn expect_success(self) -> CosignOutcome {
        assert!(self.succeeded(), "cosign: {:?}\n{}\n{}", self.code, self.stdout, self.stderr);
        self
    }
}

impl Cosign {
    /// 2.5, of Debian trixie.
    pub fn v2() -> Cosign {
        Cosign::at("cosign-trixie/cosign")
    }

    /// 3.1, of Debian sid.
    pub fn v3() -> Cosign {
        Cosign::at("cosign-sid/cosign")
    }

    fn at(path: &str) -> Cosign {
        let home = tempfile::tempdir().unwrap();
        let mut command = Command::new(program(path));
        command.env_clear().env("HOME", home.path()).current_dir(home.path()).stdin(Stdio::null());
        Cosign { command, home }
    }

    #[must_use]
    pub fn args<'a>(mut self, args: impl IntoIterator<Item = &'a str>) -> Cosign {
        self.command.args(args);
        self
    }

    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Cosign {
        self.command.env(name, value);
        self
    }

    #[must_use]
    pub fn dir(mut self, dir: &Path) -> Cosign {
        self.command.current_dir(dir);
        self
    }

    pub fn run(mut self) -> CosignOutcome {
        let [out, err] = ["out", "err"].map(|name| self.home.path().join(name));
        let started = Instant::now();
        let mut child = self
            .command
            .stdout(std::fs::File::create(&out).unwrap())
            .stderr(std::fs::File::create(&err).unwrap())
            .spawn()
            .expect("cosign starts");
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break status;
            }
            if started.elapsed() > LIMIT {
                child.kill().unwrap();
                child.wait().unwrap();
                panic!("cosign did not end within {LIMIT:?}: {}", std::fs::read_to_string(&err).unwrap_or_default());
            }
            thread::sleep(Duration::from_millis(5));
        };
        let text = |path: &Path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).into_owned();
        CosignOutcome { code: status.code(), stdout: text(&out), stderr: text(&err) }
    }
}
