//! Real components that signing is tested against, as `make bootstrap` leaves them.

mod cosign;
mod judge;
mod keys;
mod moto;
mod registry;
mod sigstore;

use std::ffi::OsStr;
use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

pub use cosign::{Cosign, CosignOutcome};
pub use judge::{judge_key, judge_python, pip};
pub use keys::{KeyKind, KeyPair, PASSWORD};
pub use moto::Moto;
pub use registry::Registry;
pub use sigstore::Sigstore;

/// A variable of the machine that the tests run on.
#[expect(clippy::disallowed_methods, reason = "where caches and programs are is the machine's to say")]
pub fn machine(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Where generated input begins: SEED, or another number each time. In a CI it is fixed, so that a change is judged by what
/// it changes.
pub fn seed() -> u64 {
    let given = machine("SEED").and_then(|seed| seed.parse().ok());
    given.unwrap_or_else(|| if machine("CI").is_some() { 1 } else { RandomState::new().hash_one(0) })
}

/// A program that `make bootstrap` installs from Debian.
#[track_caller]
pub fn installed(name: &str) -> Command {
    let path = machine("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).any(|dir| dir.join(name).is_file());
    assert!(found, "{name} is missing: run `make bootstrap`");
    Command::new(name)
}

/// A linter, which `make bootstrap` puts into a cache.
pub fn linter(name: &str) -> Command {
    Command::new(program(&format!("lint/bin/{name}")))
}

/// A component's program, which `make bootstrap` puts into a cache.
fn program(path: &str) -> PathBuf {
    let home = || machine("HOME").map(|home| Path::new(&home).join(".cache"));
    let cache = machine("XDG_CACHE_HOME").map(PathBuf::from).or_else(home).expect("HOME is set");
    let program = cache.join("pipewright").join(path);
    assert!(program.is_file(), "{} is missing: run `make bootstrap`", program.display());
    program
}

/// A server in the background. It ends with this value or with the process that has it, however that ends: a shell
/// waits for our end of its standard input to close.
struct Daemon {
    child: Child,
    log: PathBuf,
}

impl Daemon {
    fn start(program: impl AsRef<OsStr>, args: &[&str], log: &Path) -> Daemon {
        let file = std::fs::File::create(log).unwrap();
        let child = Command::new("/bin/sh")
            .args(["-c", r#""$@" </dev/null & pid=$!; read -r line; kill -KILL $pid; wait $pid"#, "sh"])
            .arg(program)
            .args(args)
            .env_clear()
            .env("PATH", machine("PATH").unwrap_or_default())
            .env("HOME", log.parent().unwrap())
            .stdin(Stdio::piped())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .expect("there is a shell");
        Daemon { child, log: log.to_owned() }
    }

    /// Waits until `path` is answered with one of `statuses`.
    fn ready(&mut self, host: &str, path: &str, statuses: &[u16]) {
        self.wait(|| get(host, path).is_some_and(|(status, _)| statuses.contains(&status)));
    }

    /// Waits until connections are accepted.
    fn listens(&mut self, host: &str) {
        self.wait(|| TcpStream::connect(host).is_ok());
    }

    fn wait(&mut self, is_ready: impl Fn() -> bool) {
        let started = Instant::now();
        while !is_ready() {
            let log = || std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(started.elapsed() < Duration::from_secs(30), "{} is not ready: {}", self.log.display(), log());
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        drop(self.child.wait());
    }
}

/// A port that was free a moment ago.
fn port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Status and body of a GET on loopback; `None` where nobody answers.
fn get(host: &str, path: &str) -> Option<(u16, Vec<u8>)> {
    exchange(host, "GET", path, &[], &[]).map(|answer| (answer.status, answer.body))
}

/// An answer on loopback.
struct Answer {
    status: u16,
    /// Names in lower case.
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// One request on a connection of its own.
fn exchange(host: &str, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(host).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(20))).ok()?;
    let mut request = format!("{method} {path} HTTP/1.0\r\nhost: {host}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    let mut request = request.into_bytes();
    request.extend_from_slice(body);
    stream.write_all(&request).ok()?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).ok()?;
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).into_owned();
    let mut lines = head.lines();
    let status = lines.next()?.split_whitespace().nth(1)?.parse().ok()?;
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    Some(Answer { status, headers, body: answer[end + 4..].to_vec() })
}
