//! A whole private Sigstore: identities, certificate authority, transparency logs of both versions, timestamp authority.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::{Cosign, Daemon, exchange, get, installed, port, program};

/// A certificate authority of its own with the rest that all tests of a process share; runs until it is dropped.
pub struct Sigstore {
    shared: &'static Shared,
    fulcio: String,
    dir: TempDir,
    _daemon: Daemon,
}

/// Of which there is one a process.
struct Shared {
    identities: String,
    rekor: String,
    rekor1: String,
    tsa: String,
    dir: PathBuf,
    _daemons: [Daemon; 5],
    _cleaner: Child,
}

static SHARED: OnceLock<Shared> = OnceLock::new();

impl Shared {
    fn start() -> Shared {
        let dir = tempfile::tempdir().unwrap().keep();
        let path = |name: &str| dir.join(name).display().to_string();
        let log = |name: &str| dir.join(format!("{name}.log"));
        // Statics are not dropped: this one cleans up when its input ends, with the process.
        let cleaner = Command::new("/bin/sh")
            .args(["-c", r#"read -r line; sleep 1; rm -rf "$1""#, "sh"])
            .arg(&dir)
            .stdin(Stdio::piped())
            .spawn()
            .expect("there is a shell");
        let (identities, rekor, rekor1, tsa) = (address(), address(), address(), address());
        let args = ["identities", &identities, &path("")];
        let mut issuers = Daemon::start(program("components/helper"), &args, &log("identities"));

        let openssl = |args: &[&str]| {
            let made = installed("openssl").args(args).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        };
        openssl(&["genpkey", "-algorithm", "ed25519", "-out", &path("rekor.pem")]);
        openssl(&["pkey", "-in", &path("rekor.pem"), "-pubout", "-out", &path("rekor.pub")]);
        let args = [
            "serve",
            &format!("--storage-dir={}", path("rekor")),
            &format!("--signer-filepath={}", path("rekor.pem")),
            // The origin of checkpoints, which has to be the URL's host.
            "--hostname=127.0.0.1",
            &format!("--http-port={}", port_of(&rekor)),
            &format!("--grpc-port={}", port()),
            &format!("--http-metrics-port={}", port()),
            "--checkpoint-interval=200ms",
        ];
        let mut tiles = Daemon::start(program("components/posix"), &args, &log("rekor"));
        let mut clock = Daemon::start(program("components/helper"), &["timestamps", &tsa], &log("tsa"));
        let [trees, mut rekor1_server] = rekor1_servers(&rekor1, &log("trillian"), &log("rekor1"));
        issuers.ready(&identities, "/github/.well-known/openid-configuration", &[200]);
        tiles.ready(&rekor, "/healthz", &[200]);
        clock.ready(&tsa, "/api/v1/timestamp/certchain", &[200]);
        rekor1_server.ready(&rekor1, "/api/v1/log/publicKey", &[200]);
        let (_, key) = get(&rekor1, "/api/v1/log/publicKey").unwrap();
        std::fs::write(path("rekor1.pub"), key).unwrap();
        Shared {
            identities,
            rekor,
            rekor1,
            tsa,
            dir,
            _daemons: [issuers, tiles, clock, trees, rekor1_server],
            _cleaner: cleaner,
        }
    }

    fn path(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }
}

/// Rekor 1, whose tree another server keeps.
fn rekor1_servers(address: &str, trees_log: &Path, log: &Path) -> [Daemon; 2] {
    let trees = self::address();
    let mut trillian = Daemon::start(program("components/helper"), &["trillian", &trees], trees_log);
    trillian.listens(&trees);
    let args = [
        "serve",
        "--scheme=http",
        "--host=127.0.0.1",
        &format!("--port={}", port_of(address)),
        "--rekor_server.hostname=127.0.0.1",
        "--rekor_server.signer=memory",
        "--trillian_log_server.address=127.0.0.1",
        &format!("--trillian_log_server.port={}", port_of(&trees)),
        // Searching needs a database.
        "--enable_retrieve_api=false",
        "--enabled_api_endpoints=createLogEntry,getLogEntryByIndex,getLogEntryByUUID,getLogInfo,getPublicKey",
    ];
    [trillian, Daemon::start(program("components/rekor-server"), &args, log)]
}

fn address() -> String {
    format!("127.0.0.1:{}", port())
}

fn port_of(host: &str) -> &str {
    host.rsplit(':').next().unwrap()
}

impl Sigstore {
    /// Certificates are logged, and say so.
    pub fn start() -> Sigstore {
        Sigstore::with(true)
    }

    /// Certificates are not logged.
    pub fn start_without_ct() -> Sigstore {
        Sigstore::with(false)
    }

    fn with(ct: bool) -> Sigstore {
        let shared = SHARED.get_or_init(Shared::start);
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("fulcio.json");
        let issuer = |kind: &str| format!("http://{}/{kind}", shared.identities);
        let issuers = json!({ "OIDCIssuers": {
            issuer("github"): { "IssuerURL": issuer("github"), "ClientID": "sigstore", "Type": "github-workflow" },
            issuer("email"): { "IssuerURL": issuer("email"), "ClientID": "sigstore", "Type": "email" },
        } });
        std::fs::write(&config, issuers.to_string()).unwrap();
        let log = if ct { issuer("ct") } else { String::new() };
        let fulcio = address();
        let args = [
            "serve",
            "--ca=ephemeralca",
            &format!("--ct-log-url={log}"),
            &format!("--config-path={}", config.display()),
            "--host=127.0.0.1",
            "--grpc-host=127.0.0.1",
            // One name for all of a machine, by default.
            &format!("--legacy-unix-domain-socket=@fulcio-{}", port_of(&fulcio)),
            &format!("--port={}", port_of(&fulcio)),
            &format!("--grpc-port={}", port()),
            &format!("--metrics-port={}", port()),
        ];
        let mut daemon = Daemon::start(program("components/fulcio"), &args, &dir.path().join("log"));
        daemon.ready(&fulcio, "/api/v2/trustBundle", &[200]);
        let sigstore = Sigstore { shared, fulcio, dir, _daemon: daemon };
        sigstore.describe(ct);
        sigstore
    }

    /// Has cosign write the two documents that clients are configured with.
    fn describe(&self, ct: bool) {
        let path = |name: &str| self.dir.path().join(name).display().to_string();
        let save = |name: &str, bytes: &[u8]| std::fs::write(path(name), bytes).unwrap();
        let (_, bundle) = get(&self.fulcio, "/api/v2/trustBundle").unwrap();
        let bundle: Value = serde_json::from_slice(&bundle).unwrap();
        let chain = bundle["chains"][0]["certificates"].as_array().unwrap();
        let chain: Vec<&str> = chain.iter().map(|certificate| certificate.as_str().unwrap().trim()).collect();
        save("fulcio.pem", chain.join("\n").as_bytes());
        save("tsa.pem", &get(&self.shared.tsa, "/api/v1/timestamp/certchain").unwrap().1);
        let since = "start-time=2020-01-01T00:00:00Z";
        let mut root = vec![
            "trusted-root".to_owned(),
            "create".to_owned(),
            format!("--fulcio=url={},certificate-chain={},{since}", self.fulcio_url(), path("fulcio.pem")),
            // The name in its checkpoints, of which the id of its key is made.
            format!(
                "--rekor=url={},public-key={},{since},origin=127.0.0.1",
                self.rekor_url(),
                self.shared.path("rekor.pub")
            ),
            format!("--rekor=url={},public-key={},{since}", self.rekor1_url(), self.shared.path("rekor1.pub")),
            format!("--tsa=url={},certificate-chain={},{since}", self.tsa_url(), path("tsa.pem")),
            format!("--out={}", path("trusted_root.json")),
        ];
        if ct {
            root.push(format!(
                "--ctfe=url=http://{}/ct,public-key={},{since}",
                self.shared.identities,
                self.shared.path("ct.pub")
            ));
        }
        Cosign::v3().args(root.iter().map(String::as_str)).run().expect_success();
        let service = |url: &str, version: u8| format!("url={url},api-version={version},{since},operator=test");
        let config = [
            "signing-config".to_owned(),
            "create".to_owned(),
            format!("--fulcio={}", service(&self.fulcio_url(), 1)),
            format!("--rekor={}", service(&self.rekor1_url(), 1)),
            format!("--rekor={}", service(&self.rekor_url(), 2)),
            "--rekor-config=ANY".to_owned(),
            format!("--tsa={}", service(&self.tsa_url(), 1)),
            "--tsa-config=ANY".to_owned(),
            format!("--oidc-provider={}", service(&self.issuer("email"), 1)),
            format!("--out={}", path("signing_config.json")),
        ];
        Cosign::v3().args(config.iter().map(String::as_str)).run().expect_success();
    }

    pub fn fulcio_url(&self) -> String {
        format!("http://{}", self.fulcio)
    }

    pub fn rekor_url(&self) -> String {
        format!("http://{}", self.shared.rekor)
    }

    /// Where the older version runs.
    pub fn rekor1_url(&self) -> String {
        format!("http://{}", self.shared.rekor1)
    }

    pub fn tsa_url(&self) -> String {
        format!("http://{}/api/v1/timestamp", self.shared.tsa)
    }

    /// `github` or `email`.
    pub fn issuer(&self, kind: &str) -> String {
        format!("http://{}/{kind}", self.shared.identities)
    }

    pub fn trusted_root(&self) -> PathBuf {
        self.dir.path().join("trusted_root.json")
    }

    pub fn signing_config(&self) -> PathBuf {
        self.dir.path().join("signing_config.json")
    }

    /// cosign 2, which trusts this instance with its logs in place of the public one.
    pub fn cosign2(&self) -> Cosign {
        let fulcio = self.dir.path().join("fulcio.pem").display().to_string();
        Cosign::v2()
            .env("SIGSTORE_ROOT_FILE", &fulcio)
            .env("SIGSTORE_REKOR_PUBLIC_KEY", &self.shared.path("rekor1.pub"))
            .env("SIGSTORE_CT_LOG_PUBLIC_KEY_FILE", &self.shared.path("ct.pub"))
    }

    /// The folder of a TUF repository that publishes both.
    pub fn tuf_repository(&self) -> PathBuf {
        let (to, config) = (self.dir.path().join("tuf"), self.dir.path().join("signing_config.v0.2.json"));
        std::fs::copy(self.signing_config(), &config).unwrap();
        let made = Command::new(program("components/helper"))
            .arg("tuf")
            .args([&to, &self.trusted_root(), &config])
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        to
    }

    /// A token of an issuer with these claims; who issued it, for whom and how long is filled in.
    pub fn token(&self, kind: &str, claims: &Value) -> String {
        let answer =
            exchange(&self.shared.identities, "POST", &format!("/{kind}/token"), &[], claims.to_string().as_bytes());
        let answer = answer.expect("the issuer answers");
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        answer["value"].as_str().unwrap().to_owned()
    }

    /// What GitHub would give a job of the workflow `release.yml`.
    pub fn github_token(&self, repository: &str, git_ref: &str, commit: &str) -> String {
        let workflow = format!("{repository}/.github/workflows/release.yml@{git_ref}");
        self.token(
            "github",
            &json!({
                "sub": format!("repo:{repository}:ref:{git_ref}"), "repository": repository, "ref": git_ref, "sha": commit,
                "job_workflow_ref": workflow, "job_workflow_sha": commit, "workflow_ref": workflow, "workflow_sha": commit,
                "workflow": "Release", "event_name": "push", "runner_environment": "github-hosted", "repository_id": "1",
                "repository_owner": repository.split('/').next(), "repository_owner_id": "2",
                "repository_visibility": "public", "run_id": "7", "run_attempt": "1",
            }),
        )
    }

    /// What an identity provider would give a person.
    pub fn email_token(&self, email: &str) -> String {
        self.token("email", &json!({ "sub": email, "email": email, "email_verified": true }))
    }

    /// Whether sigstore-go accepts a bundle about a digest, signed by `identity`.
    pub fn judge(&self, bundle: &Path, digest: &str, identity: &str, issuer: &str) -> Result<(), String> {
        let judged = Command::new(program("components/helper"))
            .arg("judge")
            .args([bundle, &self.trusted_root()])
            .args([digest, identity, issuer])
            .output()
            .unwrap();
        if judged.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&judged.stderr).into_owned()) }
    }
}
