//! The texts of errors that a user can mend, so that one without advice is seen in review. Those of connections are
//! listed in `http/error.rs`.

use std::fs;
use std::path::Path;

use tokio_util::sync::CancellationToken;

use crate::fs::{Links, read_text};
use crate::git::Checkout;
use crate::http::{Client, Settings};
use crate::platform::{CiContext, Provider, PullRequest, base_without_checkout};
use crate::workspace::{ReportDir, Workspace};

#[test]
fn errors_end_with_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    fs::write(root.join("file"), "text").unwrap();
    fs::create_dir(root.join("worktree")).unwrap();
    fs::write(root.join("worktree/.git"), "gitdir: /gone/.git/worktrees/x\n").unwrap();
    let reports = ReportDir::new(root.join("file/reports"), &root);
    reports.write("report.json", b"{}").unwrap_err();
    let client = |settings: Settings| Client::new(&settings, CancellationToken::new()).unwrap_err().explain();
    let base = |provider: Provider| {
        let pull_request = Some(PullRequest::default());
        format!("{:?}", base_without_checkout(&CiContext { provider, pull_request, ..CiContext::default() }))
    };
    let texts = [
        ("report directory", reports.failure().unwrap()),
        ("path", Workspace::inside(&root, &root, Path::new("../x")).unwrap_err().to_owned()),
        ("X_FILE", read_text(&root.join("absent"), 10, Links::Follow).unwrap_err().to_string()),
        ("X_FILE", read_text(&root, 10, Links::Follow).unwrap_err().to_string()),
        ("X_FILE", read_text(&root.join("file"), 1, Links::Follow).unwrap_err().to_string()),
        ("CA_CERT", client(Settings { ca_pem: Some("x".to_owned()), ..Settings::default() })),
        ("HTTPS_PROXY", client(Settings { https_proxy: Some("ftp://x".into()), ..Settings::default() })),
        ("worktree", Checkout::discover(&root.join("worktree")).unwrap().check().unwrap_err().to_string()),
        ("GitHub", base(Provider::GitHub)),
        ("Bitbucket", base(Provider::Bitbucket)),
        ("GitLab", base(Provider::GitLab)),
        ("other", base(Provider::None)),
    ];
    let lines: Vec<String> = texts.iter().map(|(what, text)| format!("{what}: {text}")).collect();
    let page = lines.join("\n").replace(root.to_str().unwrap(), "ROOT");
    insta::assert_snapshot!(page, @r#"
    report directory: failed to write ROOT/file/reports/report.json: a part of the path is not a directory. Set REPORTS_DIR to a writable directory, or to `none` to write no reports
    path: leads out of the checkout. Use an absolute path if that is intended
    X_FILE: no such file
    X_FILE: not a regular file
    X_FILE: larger than 1 byte
    CA_CERT: the CA certificate: expected PEM (-----BEGIN CERTIFICATE----- ...), found no certificate. Set CA_CERT_FILE to read a file
    HTTPS_PROXY: the https proxy: expected http://host:port or https://host:port
    worktree: the repository of this worktree or submodule is not here. Mount /gone/.git/worktrees/x as well
    GitHub: Absent { target_commit: None, hint: "Add `fetch-depth: 0` under `with:` of the actions/checkout step" }
    Bitbucket: Absent { target_commit: None, hint: "Add `clone: depth: full` to bitbucket-pipelines.yml (`clone:` at its top, `depth: full` indented below)" }
    GitLab: Absent { target_commit: None, hint: "Add `GIT_DEPTH: \"0\"` under `variables:` of the job" }
    other: Absent { target_commit: None, hint: "Clone with full history and fetch the target branch" }
    "#);
}
