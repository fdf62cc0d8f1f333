//! Bundles that others made and published, through the command line of the Sigstore conformance suite. They come with the
//! sources of the crate `sigstore-verify`, whose own tests use them; most were made by public services.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use std::path::{Path, PathBuf};
use std::process::Command;

use pipe_core::http::{Client, Request, Settings};
use pipe_evidence::certificate::Certificate;
use pipe_evidence::find::{Evidence, Location};
use pipe_evidence::key::PrivateKey;
use pipe_evidence::sign::BundleSigner;
use pipe_evidence::timestamp::TimestampAuthority;
use pipe_evidence::trust::{PemParts, SigstoreInstance, Trust};
use pipe_evidence::verify::{Authority, IdentityRule, Pattern, Refusal, VerificationOptions, Verifier};
use pipe_oci::Digest;
use pipewright_harness::components::Sigstore;
use pipewright_harness::{Keys, Repo, digest, metadata};

/// Where cargo keeps that crate's sources.
fn published() -> PathBuf {
    let metadata = metadata();
    let packages = metadata["packages"].as_array().unwrap();
    let package = packages.iter().find(|package| package["name"] == "sigstore-verify").unwrap();
    Path::new(package["manifest_path"].as_str().unwrap()).parent().unwrap().join("test_data")
}

/// Nothing where the client says yes, its reason where it says no.
fn client(args: &[&str]) -> Option<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_sigstore-conformance")).args(args).env_clear().output().unwrap();
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
fn the_bundle_of_a_managed_key_is_accepted_with_that_key_only() {
    let managed = published().join("managed-key");
    let path = |name: &str| managed.join(name).display().to_string();
    let (bundle, key, artifact) = (path("bundle.sigstore.json"), path("key.pub"), path("artifact.txt"));
    assert_eq!(client(&["verify-bundle", "--bundle", &bundle, "--key", &key, &artifact]), None);
    let other = client(&["verify-bundle", "--bundle", &bundle, "--key", &key, &key]);
    assert!(other.is_some());
    let dir = Repo::plain();
    dir.write("p", Keys::new().public);
    let stranger = dir.join("p").display().to_string();
    assert!(client(&["verify-bundle", "--bundle", &bundle, "--key", &stranger, &artifact]).is_some());
}

#[test]
#[ignore = "needs Fulcio and Rekor: make test"]
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

/// GitHub's own instance, whose attestations of private repositories have a timestamp and no log.
#[test]
fn attestations_of_github_are_accepted() {
    let bundle = std::fs::read(published().join("bundles/github-private-attestation.sigstore.json")).unwrap();
    let evidence = Evidence::from_bundle(Location::File("bundle".to_owned()), &bundle).unwrap();
    let subject = Digest::parse("sha256:76f1fe8593bf227cca2c089e3c16dc95014a8d3e89c5dd220530469ca043c428").unwrap();
    let accepts = |instance: SigstoreInstance, log: bool| {
        let rule = IdentityRule {
            identity: Some(Pattern::exact("https://dotcom.releases.github.com")),
            ..IdentityRule::any()
        };
        let trust = Trust::embedded(instance).unwrap();
        let demands = VerificationOptions { log, sct: false };
        let verifier = Verifier::new(Authority::Identity(Box::new(rule)), Some(&trust), demands).unwrap();
        verifier.verify(&subject, &evidence)
    };
    let verified = accepts(SigstoreInstance::GitHub, false).unwrap();
    assert_eq!(verified.content.predicate_type(), "https://in-toto.io/attestation/release/v0.2");
    assert!(verified.time.is_some());
    assert_eq!(accepts(SigstoreInstance::GitHub, true).unwrap_err(), Refusal::NotLogged);
    assert!(accepts(SigstoreInstance::PublicGood, false).is_err());
}

/// A certificate of a private authority that was no longer valid when it signed, as a timestamp authority vouches.
#[test]
#[ignore = "needs Fulcio: make test"]
fn a_certificate_that_had_expired_is_told() {
    use rcgen::{
        BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose, SanType,
        date_time_ymd,
    };
    let sigstore = Sigstore::start_without_ct();
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let authority_certificate = authority.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(authority, authority_key);

    let leaf_key = KeyPair::generate().unwrap();
    let certificate = |until: i32| {
        let mut leaf = CertificateParams::default();
        leaf.subject_alt_names = vec![SanType::Rfc822Name("ada@example.com".try_into().unwrap())];
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::CodeSigning];
        leaf.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        (leaf.not_before, leaf.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(until, 1, 1));
        Certificate::from_der(leaf.signed_by(&leaf_key, &issuer).unwrap().der().to_vec(), Vec::new()).unwrap()
    };
    let http = Client::new(&Settings::default(), tokio_util::sync::CancellationToken::new()).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let tsa = runtime.block_on(http.send(Request::get(&format!("{}/certchain", sigstore.tsa_url())))).unwrap();
    let parts = PemParts {
        fulcio: Some(authority_certificate.pem()),
        tsa: Some(String::from_utf8(tsa.body).unwrap()),
        ..PemParts::default()
    };
    let trust = Trust::from_pem(&parts).unwrap();
    let rule = IdentityRule { identity: Some(Pattern::exact("ada@example.com")), ..IdentityRule::any() };
    let demands = VerificationOptions { log: false, sct: false };
    let verifier = Verifier::new(Authority::Identity(Box::new(rule)), Some(&trust), demands).unwrap();
    let verify = |until: i32| {
        let key = PrivateKey::from_pem(&leaf_key.serialize_pem().into(), None).unwrap();
        let clock = TimestampAuthority::new(http.clone(), &sigstore.tsa_url());
        let signing = BundleSigner::new(key).certified(certificate(until)).timestamped(clock);
        let signed = runtime.block_on(signing.message(b"a file")).unwrap().to_json().unwrap();
        let evidence = Evidence::from_bundle(Location::File("file".to_owned()), &signed).unwrap();
        verifier.verify(&Digest::of(b"a file"), &evidence)
    };
    verify(2100).unwrap();
    let refusal = verify(2021).unwrap_err();
    assert!(matches!(refusal, Refusal::Expired(_)), "{refusal}");
    assert!(refusal.to_string().contains("2021-01-01"), "{refusal}");
}
