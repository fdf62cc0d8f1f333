//! The images, built from the root as a release is and run as users run them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::fs;
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::LazyLock;

use pipewright_harness::components::installed;
use pipewright_harness::{Reply, Repo, Server, advisory, binary, database, pipes, root};

const CRITICAL: &str = "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H";

fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; `make bootstrap` installs what is missing"))
}

/// The images of every pipe, made of the binaries that the tests run.
static IMAGES: LazyLock<()> = LazyLock::new(|| {
    let dist = root().join("target/test-dist");
    let built = run(Command::new("./Dockerfiles/dist.sh").arg("amd64").current_dir(root()).env("DIST", &dist));
    assert!(built.status.success(), "{built:?}");
    for pipe in pipes() {
        fs::copy(binary(&pipe), dist.join("amd64").join(&pipe)).unwrap();
        let built = run(Command::new("./Dockerfiles/build.sh")
            .args([pipe.as_str(), "target/test-dist", "test"])
            .current_dir(root()));
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
    }
});

struct Container {
    options: Vec<String>,
    image: String,
    args: Vec<String>,
}

impl Container {
    fn new(image: &str) -> Container {
        LazyLock::force(&IMAGES);
        let options = ["--network=host", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000"];
        Container {
            options: options.map(str::to_owned).to_vec(),
            image: format!("localhost/{image}"),
            args: Vec::new(),
        }
    }

    fn option(mut self, option: impl Into<String>) -> Container {
        self.options.push(option.into());
        self
    }

    fn args(mut self, args: &[&str]) -> Container {
        self.args.extend(args.iter().map(|arg| (*arg).to_owned()));
        self
    }

    /// Read-only, without capabilities, without `/tmp`.
    fn locked(self) -> Container {
        self.option("--read-only")
            .option("--read-only-tmpfs=false")
            .option("--cap-drop=ALL")
            .option("--security-opt=no-new-privileges")
    }

    #[track_caller]
    fn expect(self, code: i32) -> String {
        let output = run(installed("podman")
            .args(["--runtime", "runc", "run", "--rm"])
            .args(&self.options)
            .arg(&self.image)
            .args(&self.args));
        let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{text}");
        text
    }
}

/// A checkout with a vulnerable lockfile, a database, and a folder for reports, all owned by `owner`.
struct Mounted {
    repo: Repo,
    db: tempfile::TempDir,
}

impl Mounted {
    fn new(owner: u32) -> Mounted {
        let repo = Repo::new();
        repo.write(
            "poetry.lock",
            "[[package]]\nname = \"critical\"\nversion = \"1.0\"\ngroups = [\"main\"]\nfiles = []\n\n\
             [metadata]\nlock-version = \"2.1\"\npython-versions = \"*\"\ncontent-hash = \"0\"\n",
        );
        repo.commit("first");
        let db = tempfile::tempdir().unwrap();
        database(db.path(), "PyPI", &[advisory("GHSA-crit-crit-crit", "PyPI", "critical", "2.0", Some(CRITICAL))]);
        fs::set_permissions(db.path(), fs::Permissions::from_mode(0o755)).unwrap();
        for path in pipewright_harness::files(repo.path()).iter().chain([&repo.path().to_owned()]) {
            chown(path, Some(owner), Some(owner)).expect("root runs this test");
        }
        Mounted { repo, db }
    }

    fn container(&self, image: &str, mode: &str) -> Container {
        Container::new(image)
            .option(format!("--volume={}:/work:{mode}", self.repo.path().display()))
            .option(format!("--volume={}:/advisories:ro", self.db.path().display()))
            .option("--workdir=/work")
            .option("--env=OSV_DB_PATH=/advisories")
    }

    fn report(&self) -> PathBuf {
        self.repo.join("security-reports/security-pipe-report.json")
    }
}

#[test]
#[ignore = "needs root, buildah and podman: make test"]
fn an_image_holds_one_binary_and_says_its_version() {
    for pipe in pipes() {
        let version = Container::new(&format!("{pipe}:test")).locked().args(&["--version"]).expect(0);
        assert_eq!(version.trim(), format!("{pipe} {}", env!("CARGO_PKG_VERSION")));
    }
}

#[test]
#[ignore = "needs root, buildah and podman: make test"]
fn an_image_is_of_the_architecture_it_is_built_for_and_says_what_it_is() {
    let dist = root().join("target/test-dist-arm64");
    drop(fs::remove_dir_all(&dist));
    let filled = run(Command::new("./Dockerfiles/dist.sh").arg("arm64").current_dir(root()).env("DIST", &dist));
    assert!(filled.status.success(), "{filled:?}");
    for pipe in pipes() {
        // Only there: with another architecture the build fails.
        fs::write(dist.join("arm64").join(&pipe), "").unwrap();
        let built = run(Command::new("./Dockerfiles/build.sh")
            .args([pipe.as_str(), "target/test-dist-arm64", "test-arm64"])
            .current_dir(root())
            .env("ARCH", "arm64")
            .env("SOURCE_DATE_EPOCH", "1767323045"));
        assert!(built.status.success(), "{}", String::from_utf8_lossy(&built.stderr));
        let shown = run(installed("podman").args(["image", "inspect", &format!("localhost/{pipe}:test-arm64")]));
        let shown: serde_json::Value = serde_json::from_slice(&shown.stdout).unwrap();
        assert_eq!(shown[0]["Architecture"], "arm64");
        let label = |name: &str| shown[0]["Labels"][format!("org.opencontainers.image.{name}")].as_str().unwrap_or("");
        let description = fs::read_to_string(root().join("pipes").join(&pipe).join("pipe.yml")).unwrap();
        assert!(description.contains(&format!("description: \"{}\"\n", label("description"))), "{shown}");
        assert_eq!(label("created"), "2026-01-02T03:04:05Z");
        assert!(label("documentation").ends_with(&format!("/pipes/{pipe}")), "{shown}");
        for name in ["title", "url", "source", "licenses", "vendor"] {
            assert!(!label(name).is_empty(), "{name}");
        }
    }
}

#[test]
#[ignore = "needs root, buildah and podman: make test"]
fn root_without_any_capability_scans_a_mounted_tree() {
    let mounted = Mounted::new(0);
    let text = mounted.container("security-pipe:test", "rw").locked().expect(1);
    assert!(text.contains("GHSA-crit-crit-crit"), "{text}");
    assert!(mounted.report().is_file());
}

#[test]
#[ignore = "needs root, buildah and podman: make test"]
fn another_user_scans_and_owns_what_it_writes() {
    let mounted = Mounted::new(65532);
    let text = mounted.container("security-pipe:test", "rw").locked().option("--user=nonroot").expect(1);
    assert!(text.contains("GHSA-crit-crit-crit"), "{text}");
    let meta = fs::metadata(mounted.report()).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&meta), 65532);
}

#[test]
#[ignore = "needs root, buildah and podman: make test"]
fn root_gives_its_reports_to_the_owner_of_the_checkout() {
    let mounted = Mounted::new(12345);
    mounted.container("security-pipe:test", "rw").expect(1);
    let meta = fs::metadata(mounted.report()).unwrap();
    assert_eq!(std::os::unix::fs::MetadataExt::uid(&meta), 12345);
}

#[test]
#[ignore = "needs root, buildah and podman: make test"]
fn a_read_only_tree_is_scanned_and_printed_and_ends_honestly() {
    let mounted = Mounted::new(0);
    let text = mounted.container("security-pipe:test", "ro").locked().expect(1);
    assert!(text.contains("GHSA-crit-crit-crit") && text.contains("reports are incomplete"), "{text}");
    let text = mounted.container("security-pipe:test", "ro").locked().option("--env=FAIL_ON_CRITICAL=false").expect(3);
    assert!(text.contains("GHSA-crit-crit-crit"), "{text}");
    // With a folder of its own for reports, nothing is missing.
    let reports = tempfile::tempdir().unwrap();
    let text = mounted
        .container("security-pipe:test", "ro")
        .locked()
        .option(format!("--volume={}:/reports", reports.path().display()))
        .option("--env=REPORTS_DIR=/reports")
        .option("--env=FAIL_ON_CRITICAL=false")
        .expect(0);
    assert!(text.contains("WARNED"), "{text}");
    assert!(reports.path().join("security-pipe-report.json").is_file());
}

#[test]
#[ignore = "needs root, buildah and podman: make test"]
fn a_notification_needs_neither_root_nor_a_place_to_write_but_for_its_report() {
    let mounted = Mounted::new(65532);
    let server = Server::start(|_| Reply::Send(200, Vec::new(), b"ok".to_vec()));
    let notify = |mode| {
        let url = format!("{}/services/T0/B0/tokentokentokentoken", server.url());
        mounted.container("notify-pipe:test", mode).locked().option(format!("--env=SLACK_WEBHOOK_URL={url}"))
    };
    let text = notify("rw").option("--user=nonroot").expect(0);
    assert!(text.contains("slack delivered") && !text.contains("tokentoken"), "{text}");
    assert!(mounted.repo.join("security-reports/notify-pipe-report.json").is_file());
    let text = notify("ro").expect(3);
    assert!(text.contains("slack       delivered") && text.contains("reports are incomplete"), "{text}");
    assert_eq!(server.requests().len(), 2);
}

#[test]
#[ignore = "needs root, buildah and podman: make test"]
fn the_image_with_a_shell_runs_a_script() {
    let mounted = Mounted::new(0);
    let script = "security-pipe || echo \"the pipe ended with $?\"";
    let text = mounted.container("security-pipe:test-shell", "rw").args(&["/bin/sh", "-c", script]).expect(0);
    assert!(text.contains("the pipe ended with 1"), "{text}");
}

#[test]
#[ignore = "needs root, buildah and podman: make test"]
fn the_same_sources_give_the_same_image() {
    LazyLock::force(&IMAGES);
    let id = |name: &str| {
        let output = run(installed("buildah").args(["images", "--no-trunc", "--quiet", name]));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let first = id("localhost/security-pipe:test");
    let again = run(Command::new("./Dockerfiles/build.sh")
        .args(["security-pipe", "target/test-dist", "test-again"])
        .env("VERSION", "test")
        .current_dir(root()));
    assert!(again.status.success(), "{again:?}");
    assert!(!first.is_empty());
    assert_eq!(id("localhost/security-pipe:test-again"), first);
    let removed = run(installed("buildah").args(["rmi", "localhost/security-pipe:test-again"]));
    assert!(removed.status.success());
}

#[test]
#[ignore = "needs root, buildah and podman: make test"]
fn a_container_that_is_stopped_ends_in_time_with_a_report() {
    let mounted = Mounted::new(0);
    let line = "the quick brown fox keeps its password in a secret place\n".repeat(4_000);
    for number in 0..600 {
        mounted.repo.write(&format!("dir/file{number}.txt"), &line);
    }
    let name = format!("pipewright-stop-{}", std::process::id());
    let container = mounted.container("security-pipe:test", "rw").option(format!("--name={name}"));
    let report = mounted.report();
    let running = std::thread::spawn(move || container.expect(143));
    wait_for(&report);
    let stopped = run(installed("podman").args(["stop", "--time", "10", &name]));
    assert!(stopped.status.success(), "{stopped:?}");
    assert!(running.join().is_ok());
    assert!(fs::read_to_string(report).unwrap().contains("\"verdict\": \"interrupted\""));
}

fn wait_for(path: &Path) {
    let started = std::time::Instant::now();
    while !path.exists() {
        assert!(started.elapsed().as_secs() < 20, "no report appeared");
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
}
