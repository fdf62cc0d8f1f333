//! AWS, as moto plays it.

use serde_json::Value;
use tempfile::TempDir;

use super::{Daemon, exchange, port, program};

/// Runs until it is dropped.
pub struct Moto {
    host: String,
    _daemon: Daemon,
    _dir: TempDir,
}

impl Moto {
    pub fn start() -> Moto {
        let dir = tempfile::tempdir().unwrap();
        let port = port().to_string();
        let args = ["-m", "moto.server", "-H", "127.0.0.1", "-p", &port];
        let mut daemon = Daemon::start(program("moto/bin/python"), &args, &dir.path().join("log"));
        let host = format!("127.0.0.1:{port}");
        daemon.ready(&host, "/moto-api/", &[200]);
        Moto { host, _daemon: daemon, _dir: dir }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.host)
    }

    /// Calls an operation of a service, without a signature that anybody checks.
    pub fn call(&self, service: &str, operation: &str, body: &Value) -> Value {
        let authorization = format!(
            "AWS4-HMAC-SHA256 Credential=TEST/20260101/eu-west-1/{service}/aws4_request, SignedHeaders=host, Signature=none"
        );
        let headers = [
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", operation),
            ("authorization", authorization.as_str()),
        ];
        let answer = exchange(&self.host, "POST", "/", &headers, body.to_string().as_bytes()).expect("moto answers");
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        serde_json::from_slice(&answer.body).unwrap()
    }
}
