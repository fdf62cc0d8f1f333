//! Bundles that others made and published, through the command line of the Sigstore conformance suite. They come with the
//! sources of the crate `sigstore-verify`, whose own tests use them; most were made by public services.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use pipewright_tests::components::Sigstore;
use pipewright_tests::{Repo, binary, digest, root};
use serde_json::Value;

/// Where cargo keeps that crate's sources.
fn published() -> PathBuf {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--format-version=1", "--offline", "--locked"])
        .current_dir(root())
        .output()
        .unwrap();
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "sigstore-verify").unwrap();
    Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().join("test_data")
}

/// Nothing where the client says yes, its reason where it says no.
fn client(args: &[&str]) -> Option<String> {
    let output = Command::new(binary("sigstore-conformance")).args(args).env_clear().output().unwrap();
    assert!(matches!(output.status.code(), Some(0 | 1)), "{args:?}: {output:?}");
    (!output.status.success()).then(|| String::from_utf8_lossy(&output.stderr).trim().to_owned())
}

fn verify(bundle: &Path, identity: &str, issuer: &str, what: &str, more: &[&str]) -> Option<String> {
    let bundle = bundle.display().to_string();
    let by = ["--certificate-identity", identity, "--certificate-oidc-issuer", issuer];
    client(&[&["verify-bundle", "--bundle", &bundle], &by[..], more, &[what]].concat())
}

const GITHUB: &str = "https://token.actions.githubusercontent.com";

#[test]
fn what_public_services_signed_is_accepted_and_nothing_else() {
    let bundles = published().join("bundles");
    let at = |name: &str| bundles.join(name);
    // By digest and by file, with Rekor 1 and with Rekor 2, of every version of bundles.
    let conda = "https://github.com/prefix-dev/sigstore-example/.github/workflows/action.yaml@refs/heads/main";
    let package = at("signed-package-2.1.0-hb0f4dca_0.conda").display().to_string();
    let of_package = digest(&std::fs::read(&package).unwrap());
    let bundle = at("conda-attestation.sigstore.json");
    for what in [&package, &of_package] {
        assert_eq!(verify(&bundle, conda, GITHUB, what, &[]), None);
    }
    let npm = "https://github.com/sigstore/sigstore-js/.github/workflows/release.yml@refs/heads/main";
    let of_npm = "sha512:46d4e2f74c4877316640000a6fdf8a8b59f1e0847667973e9859f774dd31b8f1e0937813b777fb66a2ac67d50540fe34640966eee9fc2ccca387082b4c85cd3c";
    assert_eq!(verify(&at("sigstore.js@2.0.0-provenance.sigstore.json"), npm, GITHUB, of_npm, &[]), None);
    let wheel = "https://github.com/trailofbits/rfc8785.py/.github/workflows/release.yml@refs/tags/v0.1.2";
    let of_wheel = "sha256:c4e92e9ecc828bef2aa7dba1de8ac983511f7532a0df11c770d39099a25cf201";
    assert_eq!(verify(&at("bundle_v3_github.whl.sigstore"), wheel, GITHUB, of_wheel, &[]), None);

    for (identity, issuer, what, told) in [
        ("https://github.com/prefix-dev/other", GITHUB, of_package.as_str(), "the certificate's identity is"),
        (conda, "https://gitlab.com", &of_package, "the certificate's issuer is"),
        (conda, GITHUB, of_wheel, "it is about another digest"),
    ] {
        let refusal = verify(&bundle, identity, issuer, what, &[]).expect("it is refused");
        assert!(refusal.starts_with(told), "{refusal}");
    }
    // Another instance's root knows nobody of these.
    assert!(verify(&bundle, conda, GITHUB, &of_package, &["--staging"]).is_some());
}

#[test]
fn what_is_broken_or_forged_is_refused() {
    let data = published();
    let any = "sha256:a0cfc71271d6e278e57cd332ff957c3f7043fdda354c4cbb190a30d56efa01bf";
    for name in [
        "bundle_cve_2022_36056.txt.sigstore",
        "bundle_invalid_version.txt.sigstore",
        "bundle_no_cert_v1.txt.sigstore",
        "bundle_no_checkpoint.txt.sigstore",
        "bundle_no_log_entry.txt.sigstore",
        "bundle_v3_no_signed_time.txt.sigstore.json",
        "dsse-2sigs.sigstore.json",
    ] {
        let bundle = data.join("bundles").join(name);
        assert!(bundle.is_file(), "{name}");
        let refusal = verify(&bundle, "a@tny.town", "https://github.com/login/oauth", any, &[]);
        assert!(refusal.is_some(), "{name}");
    }
    let invalid = data.join("invalid-ct-key_fail");
    let trusted = invalid.join("trusted_root.json").display().to_string();
    assert!(verify(&invalid.join("bundle.sigstore.json"), "x", GITHUB, any, &["--trusted-root", &trusted]).is_some());
}

#[test]
fn a_managed_key_s_bundle_is_accepted_with_its_key_only() {
    let managed = published().join("managed-key");
    let path = |name: &str| managed.join(name).display().to_string();
    let (bundle, key, artifact) = (path("bundle.sigstore.json"), path("key.pub"), path("artifact.txt"));
    assert_eq!(client(&["verify-bundle", "--bundle", &bundle, "--key", &key, &artifact]), None);
    let other = client(&["verify-bundle", "--bundle", &bundle, "--key", &key, &key]);
    assert!(other.is_some());
    let dir = Repo::plain();
    let made = Command::new("openssl")
        .args(["ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out"])
        .arg(dir.join("k"))
        .status()
        .unwrap();
    assert!(made.success());
    let public = Command::new("openssl")
        .arg("ec")
        .arg("-in")
        .arg(dir.join("k"))
        .args(["-pubout", "-out"])
        .arg(dir.join("p"))
        .output()
        .unwrap();
    assert!(public.status.success());
    let stranger = dir.join("p").display().to_string();
    assert!(client(&["verify-bundle", "--bundle", &bundle, "--key", &stranger, &artifact]).is_some());
}

#[test]
fn what_the_client_signs_it_verifies() {
    let (sigstore, dir) = (Sigstore::start(), Repo::plain());
    dir.write("artifact", "an artifact");
    let path = |name: &str| dir.join(name).display().to_string();
    let (root, config) =
        (sigstore.trusted_root().display().to_string(), sigstore.signing_config().display().to_string());
    let token = sigstore.email_token("ada@example.com");
    let (bundle, artifact) = (path("bundle"), path("artifact"));
    let signed = ["sign-bundle", "--identity-token", &token, "--bundle", &bundle];
    let signed = [&signed[..], &["--trusted-root", &root, "--signing-config", &config, &artifact]].concat();
    assert_eq!(client(&signed), None);
    let verify = |identity: &str, what: &str| {
        crate::verify(&dir.join("bundle"), identity, &sigstore.issuer("email"), what, &["--trusted-root", &root])
    };
    assert_eq!(verify("ada@example.com", &path("artifact")), None);
    assert_eq!(verify("ada@example.com", &digest(b"an artifact")), None);
    assert!(verify("eve@example.com", &path("artifact")).is_some());
    assert!(verify("ada@example.com", &path("bundle")).is_some());
    sigstore.judge(&dir.join("bundle"), &digest(b"an artifact"), "ada@example.com", &sigstore.issuer("email")).unwrap();
}
