//! The harness of signing, held to what it says, without any code of ours between the components: what fails here is not
//! a pipe's fault.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::net::TcpStream;
use std::path::Path;

use pipewright_tests::components::{
    Cosign, CosignOutcome, KeyKind, KeyPair, PASSWORD, Registry, Sigstore, judge_key, judge_python,
};
use pipewright_tests::{Repo, digest};
use serde_json::{Value, json};

const COMMIT: &str = "0123456789012345678901234567890123456789";
const WORKFLOW: &str = "https://github.com/org/app/.github/workflows/release.yml@refs/heads/main";

/// Signs an image with a key and verifies it with that key and with another, which has to be refused.
fn signs_with_a_key(cosign: fn() -> Cosign, image: &str, pairs: &[KeyPair; 2], more: &[&str], login: &[&str]) {
    let key = |path: &Path| format!("--key={}", path.display());
    let sign = cosign().args(["sign", "--yes", "--tlog-upload=false", "--allow-http-registry"]).args(login.to_vec());
    sign.args(more.to_vec())
        .args([key(&pairs[0].cosign).as_str(), image])
        .env("COSIGN_PASSWORD", PASSWORD)
        .run()
        .expect_success();
    let verify = |pair: &KeyPair| {
        let args = ["verify", "--insecure-ignore-tlog", "--allow-http-registry", &key(&pair.public)];
        cosign().args(args).args(login.to_vec()).args([image]).run()
    };
    verify(&pairs[0]).expect_success();
    assert!(!verify(&pairs[1]).succeeded(), "{image} is accepted with a key that did not sign it");
}

#[test]
fn both_cosigns_sign_with_keys_in_every_registry() {
    let dir = Repo::plain();
    let pairs = [KeyKind::Cosign, KeyKind::P256].map(|kind| KeyPair::new(kind, dir.path()));
    let login = ["--registry-username=ada", "--registry-password=sesame"];
    let registries: [(Registry, &[&str]); 3] = [
        (Registry::with_referrers(), &[]),
        (Registry::without_referrers(), &[]),
        (Registry::with_password("ada"), &login),
    ];
    for (number, (registry, login)) in registries.iter().enumerate() {
        let image = registry.push_image("org/app", "1", "one");
        let reference = format!("{}/org/app@{image}", registry.host());
        signs_with_a_key(Cosign::v3, &reference, &pairs, &["--use-signing-config=false"], login);
        // Only a registry that keeps no list of referrers has it at a tag.
        let fallback = image.replace(':', "-");
        assert_eq!(registry.tags("org/app").contains(&fallback), number > 0, "{:?}", registry.tags("org/app"));
        assert_eq!(registry.referrers("org/app", &image).len(), 1);

        let index = registry.push_index("org/app", "2", "two", &["amd64", "arm64"]);
        let reference = format!("{}/org/app:2", registry.host());
        signs_with_a_key(Cosign::v2, &reference, &pairs, &[], login);
        let legacy = format!("{}.sig", index.replace(':', "-"));
        assert!(registry.tags("org/app").contains(&legacy), "{:?}", registry.tags("org/app"));
        let platforms = registry.manifest("org/app", &index).expect("the index is there");
        assert_eq!(platforms["manifests"].as_array().unwrap().len(), 2);
    }
    let (closed, _) = &registries[2];
    let image = format!("{}/org/app:2", closed.host());
    let key = format!("--key={}", pairs[0].public.display());
    let args = ["verify", "--insecure-ignore-tlog", "--allow-http-registry", &key, &image];
    let outcome = Cosign::v2().args(args).run();
    assert!(outcome.stderr.to_lowercase().contains("unauthorized"), "without a password: {outcome:?}");
}

#[test]
fn a_server_ends_with_its_value() {
    let registry = Registry::with_referrers();
    let host = registry.host().to_owned();
    TcpStream::connect(&host).expect("it listens");
    drop(registry);
    assert!(TcpStream::connect(&host).is_err(), "{host} still listens");
}

fn flag(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

/// Signs keyless as the workflow of org/app.
fn sign_as_workflow(sigstore: &Sigstore, dir: &Repo, command: &[&str]) {
    dir.write("token", sigstore.github_token("org/app", "refs/heads/main", COMMIT));
    let config = [
        flag("signing-config", &sigstore.signing_config()),
        flag("trusted-root", &sigstore.trusted_root()),
        flag("identity-token", &dir.join("token")),
    ];
    Cosign::v3()
        .args([command[0], "--yes"])
        .args(config.iter().map(String::as_str))
        .args(command[1..].to_vec())
        .dir(dir.path())
        .run()
        .expect_success();
}

/// Verifies an image as `identity` of GitHub's issuer.
fn verify_image(sigstore: &Sigstore, root: &Path, image: &str, identity: &str, more: &[&str]) -> CosignOutcome {
    let issuer = format!("--certificate-oidc-issuer={}", sigstore.issuer("github"));
    let identity = format!("--certificate-identity={identity}");
    let args = ["verify", "--allow-http-registry", &flag("trusted-root", root), &identity, &issuer];
    Cosign::v3().args(args).args(more.to_vec()).args([image]).run()
}

#[test]
fn a_workflow_signs_an_image_keyless() {
    let (sigstore, registry, dir) = (Sigstore::start(), Registry::with_referrers(), Repo::plain());
    registry.push_image("org/app", "1", "one");
    let image = format!("{}/org/app:1", registry.host());
    sign_as_workflow(&sigstore, &dir, &["sign", "--allow-http-registry", &image]);
    let root = sigstore.trusted_root();
    let verify = |identity: &str, more: &[&str]| verify_image(&sigstore, &root, &image, identity, more);
    // What Fulcio writes into the certificate of a job of GitHub's.
    let claims = [
        ("repository", "org/app"),
        ("ref", "refs/heads/main"),
        ("sha", COMMIT),
        ("trigger", "push"),
        ("name", "Release"),
    ];
    let claims = claims.map(|(name, value)| format!("--certificate-github-workflow-{name}={value}"));
    verify(WORKFLOW, &claims.each_ref().map(String::as_str)).expect_success();
    for (claim, _) in claims.iter().map(|claim| claim.split_once('=').unwrap()) {
        let outcome = verify(WORKFLOW, &[&format!("{claim}=other")]);
        assert!(!outcome.succeeded(), "{claim} may be anything");
    }
    let outcome = verify("https://github.com/org/other/.github/workflows/release.yml@refs/heads/main", &[]);
    assert!(outcome.stderr.contains("expected SAN value"), "{outcome:?}");

    // Each instance is an authority of its own.
    let stranger = Sigstore::start();
    assert!(!verify_image(&sigstore, &stranger.trusted_root(), &image, WORKFLOW, &[]).succeeded());
}

#[test]
fn judges_accept_a_file_s_bundle_and_nothing_else() {
    let (sigstore, dir) = (Sigstore::start(), Repo::plain());
    dir.write("app.tgz", "a chart").write("other.tgz", "another chart");
    let bundle = dir.join("app.sigstore.json");
    sign_as_workflow(&sigstore, &dir, &["sign-blob", &flag("bundle", &bundle), "app.tgz"]);
    let (github, email) = (sigstore.issuer("github"), sigstore.issuer("email"));
    let cases = [
        ("app.tgz", WORKFLOW, &github, true),
        ("other.tgz", WORKFLOW, &github, false),
        ("app.tgz", "ada@example.com", &github, false),
        ("app.tgz", WORKFLOW, &email, false),
    ];
    for (file, identity, issuer, accepted) in cases {
        let content = std::fs::read(dir.join(file)).unwrap();
        let go = sigstore.judge(&bundle, &digest(&content), identity, issuer);
        assert_eq!(go.is_ok(), accepted, "sigstore-go on {file} by {identity} of {issuer}: {go:?}");
        let python = judge_python(&sigstore, &bundle, &dir.join(file), identity, issuer);
        assert_eq!(python.is_ok(), accepted, "sigstore-python on {file} by {identity} of {issuer}: {python:?}");
    }
}

#[test]
fn sigstore_go_accepts_a_key_s_bundle_with_that_key() {
    let dir = Repo::plain();
    let pairs = [KeyKind::Cosign, KeyKind::P256].map(|kind| KeyPair::new(kind, dir.path()));
    dir.write("app.tgz", "a chart");
    let bundle = dir.join("app.sigstore.json");
    Cosign::v3()
        .args(["sign-blob", "--yes", "--use-signing-config=false", "--tlog-upload=false"])
        .args([flag("key", &pairs[0].cosign).as_str(), &flag("bundle", &bundle), "app.tgz"])
        .env("COSIGN_PASSWORD", PASSWORD)
        .dir(dir.path())
        .run()
        .expect_success();
    judge_key(&bundle, &digest(b"a chart"), &pairs[0].public).unwrap();
    judge_key(&bundle, &digest(b"another chart"), &pairs[0].public).unwrap_err();
    judge_key(&bundle, &digest(b"a chart"), &pairs[1].public).unwrap_err();
}

#[test]
fn the_log_s_promise_about_a_certificate_is_signed() {
    let (sigstore, registry, dir) = (Sigstore::start(), Registry::with_referrers(), Repo::plain());
    registry.push_image("org/app", "1", "one");
    let image = format!("{}/org/app:1", registry.host());
    sign_as_workflow(&sigstore, &dir, &["sign", "--allow-http-registry", &image]);
    verify_image(&sigstore, &sigstore.trusted_root(), &image, WORKFLOW, &[]).expect_success();

    // The same log by its id, with a key that did not sign.
    let mut root: Value = serde_json::from_slice(&std::fs::read(sigstore.trusted_root()).unwrap()).unwrap();
    let pem = std::fs::read_to_string(KeyPair::new(KeyKind::P256, dir.path()).public).unwrap();
    let der: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    assert!(root["ctlogs"][0]["publicKey"]["rawBytes"].is_string(), "{root}");
    root["ctlogs"][0]["publicKey"]["rawBytes"] = json!(der);
    dir.write("forged.json", root.to_string());
    let refused = verify_image(&sigstore, &dir.join("forged.json"), &image, WORKFLOW, &[]);
    assert!(refused.stderr.contains("failed to verify signed certificate timestamp"), "{refused:?}");

    // A certificate without a promise is refused unless cosign is told that there is none.
    let unlogged = Sigstore::start_without_ct();
    registry.push_image("org/app", "2", "two");
    let image = format!("{}/org/app:2", registry.host());
    sign_as_workflow(&unlogged, &dir, &["sign", "--allow-http-registry", &image]);
    let verify = |more: &[&str]| verify_image(&unlogged, &unlogged.trusted_root(), &image, WORKFLOW, more);
    let refused = verify(&[]);
    assert!(refused.stderr.contains("signed certificate timestamp"), "{refused:?}");
    verify(&["--insecure-ignore-sct"]).expect_success();
}
