//! A real mail server for a test: aiosmtpd, by tests/validators/smtpd.py.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pipewright_harness::components::installed;
use pipewright_harness::{Repo, root};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;

/// Whoever wants to send must say this; made up here, so that no scanner takes it for a secret of ours.
pub(crate) const USER: &str = "ci@example.com";

pub(crate) fn password() -> String {
    format!("pass \"{}\" é", "word".repeat(3))
}

/// How the server speaks, as smtpd.py calls it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    StartTls,
    Implicit,
    /// Without any encryption, and it would take mail and password all the same.
    Clear,
}

/// Runs until it is dropped.
pub(crate) struct Smtpd {
    child: Child,
    pub(crate) port: u16,
    /// The authority that vouches for the server, in PEM.
    pub(crate) authority: String,
    events: Arc<Mutex<Vec<Value>>>,
    _files: Repo,
}

impl Smtpd {
    pub(crate) fn start(mode: Mode) -> Smtpd {
        let files = Repo::plain();
        let authority = certificate(&files);
        let mut child = installed("python3")
            .arg(root().join("tests/validators/smtpd.py"))
            .arg(match mode {
                Mode::StartTls => "starttls",
                Mode::Implicit => "implicit",
                Mode::Clear => "clear",
            })
            .args([files.join("server.pem"), files.join("server.key")])
            .args([USER, &password()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let first = lines.next().expect("the mail server starts (`make bootstrap` installs it)").unwrap();
        let port = serde_json::from_str::<Value>(&first).unwrap()["port"].as_u64().unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&events);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                seen.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Smtpd { child, port: u16::try_from(port).unwrap(), authority, events, _files: files }
    }

    /// The mails that arrived, or the attempts to log in: `mail`, `login`.
    pub(crate) fn seen(&self, event: &str) -> Vec<Value> {
        self.events.lock().unwrap().iter().filter(|seen| seen["event"] == event).cloned().collect()
    }

    /// The only mail that arrived.
    #[track_caller]
    pub(crate) fn mail(&self) -> Value {
        // The server tells it through a pipe, and so perhaps after the client has gone.
        let start = Instant::now();
        while self.seen("mail").is_empty() && start.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(10));
        }
        let mails = self.seen("mail");
        assert_eq!(mails.len(), 1, "{mails:?}");
        mails.into_iter().next().unwrap()
    }
}

impl Drop for Smtpd {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Writes a certificate for 127.0.0.1 and its key; gives the authority's, in PEM.
fn certificate(files: &Repo) -> String {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
    files.write("server.pem", leaf.pem()).write("server.key", key.serialize_pem());
    authority
}

/// A port of loopback on which nobody listens.
pub(crate) fn closed_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

/// Whether `text` is anywhere in what a run left behind.
pub(crate) fn left_behind(dir: &Path, text: &str) -> bool {
    let files = pipewright_harness::files(dir);
    files
        .iter()
        .filter(|path| path.is_file())
        .any(|path| String::from_utf8_lossy(&std::fs::read(path).unwrap()).contains(text))
}
