//! Rekor 1, a real one: what public instances ran for years, and what the older format needs; judged by cosign 2 and 3,
//! sigstore-go and sigstore-python.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use pipewright_harness::components::{
    Cosign, CosignOutcome, KeyKind, KeyPair, PASSWORD, Registry, Sigstore, judge_python,
};
use pipewright_harness::keyless::{COMMIT, WORKFLOW, pipe1, refusal, signing, verifying};
use pipewright_harness::{Keys, Pipe, Repo, digest};
use serde_json::{Value, json};

/// What cosign says of who signed an image; `of` is more of its arguments.
fn verdict(cosign: Cosign, of: &[&str], identity: &str, issuer: &str, image: &str) -> CosignOutcome {
    cosign
        .args(of.iter().copied())
        .args(["--allow-http-registry", "--certificate-identity", identity, "--certificate-oidc-issuer", issuer, image])
        .run()
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn both_formats_are_logged_and_everybody_accepts_them() {
    let (sigstore, registry, dir) = (Sigstore::start(), Registry::with_referrers(), Repo::plain());
    registry.push_image("org/app", "1", "one");
    dir.write("sbom.json", r#"{"bomFormat":"CycloneDX","specVersion":"1.5","version":1,"components":[{"name":"a"}]}"#);
    let image = format!("{}/org/app:1", registry.host());
    let sign = || signing(pipe1(dir.path(), &sigstore), &sigstore, &image).env("SIGNATURE_FORMAT", "bundle,legacy");
    let outcome = sign().run().expect(0);
    let report = outcome.report();
    let written = report["images"][0]["written"].as_array().unwrap();
    assert_eq!(written.len(), 4, "signature and SBOM in each format: {report}");
    assert!(written.iter().all(|one| one["log_index"].is_u64()), "{report}");
    let accepted = report["images"][0]["accepted"].as_array().unwrap();
    assert_eq!(accepted.len(), 4, "{report}");
    for one in accepted {
        assert_eq!((one["identity"].as_str(), one["signed_at"].is_string()), (Some(WORKFLOW), true), "{one}");
    }

    let (issuer, root) = (sigstore.issuer("github"), format!("--trusted-root={}", sigstore.trusted_root().display()));
    let legacy = "--new-bundle-format=false";
    for (what, cosign, of) in [
        ("cosign 2, signature", sigstore.cosign2(), vec!["verify"]),
        ("cosign 2, SBOM", sigstore.cosign2(), vec!["verify-attestation", "--type=cyclonedx"]),
        ("cosign 3, signature", Cosign::v3(), vec!["verify", &root]),
        ("cosign 3, SBOM", Cosign::v3(), vec!["verify-attestation", "--type=cyclonedx", &root]),
        ("cosign 3, older signature", Cosign::v3(), vec!["verify", &root, legacy]),
        ("cosign 3, older SBOM", Cosign::v3(), vec!["verify-attestation", "--type=cyclonedx", &root, legacy]),
    ] {
        let outcome = verdict(cosign, &of, WORKFLOW, &issuer, &image);
        assert!(outcome.succeeded(), "{what}: {}", outcome.stderr);
    }
    for (cosign, of) in [(sigstore.cosign2(), vec!["verify"]), (Cosign::v3(), vec!["verify", &root, legacy])] {
        assert!(!verdict(cosign, &of, "https://github.com/org/other", &issuer, &image).succeeded());
    }

    let again = sign().run().expect(0);
    let again = again.report();
    let written = again["images"][0]["written"].as_array().unwrap();
    assert_eq!(written.len(), 4, "{again}");
    assert!(written.iter().all(|one| one["existed"] == true), "{again}");
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn what_cosign_2_signs_keyless_is_accepted() {
    let (sigstore, registry, dir) = (Sigstore::start(), Registry::without_referrers(), Repo::plain());
    registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    dir.write("predicate.json", r#"{"bomFormat":"CycloneDX","components":[{"name":"a"}]}"#);
    let (fulcio, rekor) = (sigstore.fulcio_url(), sigstore.rekor1_url());
    let token = sigstore.github_token("org/app", "refs/heads/main", COMMIT);
    let services = ["--yes", "--allow-http-registry", "--fulcio-url", &fulcio, "--rekor-url", &rekor];
    let attest = ["attest", "--type=cyclonedx", "--predicate=predicate.json"];
    for of in [vec!["sign"], attest.to_vec()] {
        let cosign =
            sigstore.cosign2().dir(dir.path()).args(of).args(services).args(["--identity-token", &token, &image]);
        cosign.run().expect_success();
    }
    let verify = || verifying(dir.path(), &sigstore, &image).env("REQUIRE_ATTESTATIONS", "sbom");
    let outcome = verify().env("CERTIFICATE_IDENTITY", WORKFLOW).run().expect(0);
    let report = outcome.report();
    let accepted = report["images"][0]["accepted"].as_array().unwrap();
    assert_eq!(accepted.len(), 2, "{report}");
    assert!(accepted.iter().all(|one| one["log_index"].is_u64() && one["signed_at"].is_string()), "{report}");
    let outcome = verify().env("CERTIFICATE_IDENTITY", "https://github.com/org/other").run().expect(1);
    assert!(refusal(&outcome).starts_with("the certificate's identity is"), "{}", refusal(&outcome));
    // A log that nobody trusts is none.
    let root = std::fs::read_to_string(sigstore.trusted_root()).unwrap();
    let mut root: Value = serde_json::from_str(&root).unwrap();
    root["tlogs"].as_array_mut().unwrap().retain(|log| log["baseUrl"] != rekor);
    let outcome = verify()
        .env("TRUSTED_ROOT_FILE", "")
        .env("TRUSTED_ROOT", root.to_string())
        .env("CERTIFICATE_IDENTITY", WORKFLOW);
    let outcome = outcome.run().expect(1);
    assert!(refusal(&outcome).contains("log"), "{}", refusal(&outcome));
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn keys_signatures_are_logged_where_the_log_can_verify_them() {
    let (sigstore, registry, dir) = (Sigstore::start_without_ct(), Registry::with_referrers(), Repo::plain());
    let sign = |key: &KeyPair| {
        Pipe::new("sign-pipe", dir.path())
            .env("REKOR_URL", sigstore.rekor1_url())
            .env("REKOR_VERSION", "1")
            .env("TRUSTED_ROOT_FILE", sigstore.trusted_root())
            .env("TLOG_UPLOAD", "true")
            .env("REQUIRE_TLOG", "true")
            .env("SIGNATURE_FORMAT", "legacy")
            .env("COSIGN_PRIVATE_KEY_FILE", &key.private)
            .env("COSIGN_PASSWORD", PASSWORD)
    };
    for (kind, tag) in [(KeyKind::Cosign, "1"), (KeyKind::Rsa, "2")] {
        let key = KeyPair::new(kind, dir.path());
        registry.push_image("app", tag, tag);
        let image = format!("{}/app:{tag}", registry.host());
        sign(&key).env("IMAGE", &image).run().expect(0);
        let public = format!("--key={}", key.public.display());
        sigstore.cosign2().args(["verify", "--allow-http-registry", &public, &image]).run().expect_success();
    }
    registry.push_image("app", "3", "3");
    let image = format!("{}/app:3", registry.host());
    for kind in [KeyKind::Ed25519, KeyKind::P384] {
        let key = KeyPair::new(kind, dir.path());
        let outcome = sign(&key).env("IMAGE", &image).run().expect(3);
        assert!(outcome.stdout.contains("Rekor v1 cannot verify this signature of an"), "{}", outcome.stdout);
    }
}

/// `cosign sign --certificate` logs the certificate in place of the key, as it does for a PKCS#11 token. cosign itself verifies
/// that with the key if it ignores the log.
#[test]
#[ignore = "needs Rekor and cosign: make test"]
fn a_log_entry_that_names_the_certificate_of_the_key_is_accepted() {
    let (sigstore, registry, dir) = (Sigstore::start_without_ct(), Registry::with_referrers(), Repo::plain());
    registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    let key = KeyPair::new(KeyKind::P256, dir.path());
    let read = |path: &std::path::Path| std::fs::read_to_string(path).unwrap();
    let keys = Keys { private: read(&key.private), public: read(&key.public) };
    dir.write("key.crt", keys.certificate());
    let (private, rekor) = (format!("--key={}", key.cosign.display()), sigstore.rekor1_url());
    let sign =
        ["sign", "--yes", "--allow-http-registry", "--certificate=key.crt", "--rekor-url", &rekor, &private, &image];
    sigstore.cosign2().dir(dir.path()).env("COSIGN_PASSWORD", PASSWORD).args(sign).run().expect_success();
    let public = format!("--key={}", key.public.display());
    let ignoring = ["verify", "--allow-http-registry", "--insecure-ignore-tlog", &public, &image];
    sigstore.cosign2().args(ignoring).run().expect_success();
    let verify = |public: &str, required: &str| {
        Pipe::new("sign-pipe", dir.path())
            .env("SIGN", "false")
            .env("IMAGE", &image)
            .env("TRUSTED_ROOT_FILE", sigstore.trusted_root())
            .env("COSIGN_PUBLIC_KEY", public)
            .env("REQUIRE_TLOG", required)
            .run()
    };
    for required in ["true", "false"] {
        let report = verify(&keys.public, required).expect(0).report();
        let accepted = &report["images"][0]["accepted"][0];
        assert!(accepted["log_index"].is_u64() || required == "false", "{report}");
        verify(&Keys::new().public, required).expect(1);
    }
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn the_bundle_of_a_file_is_accepted_by_other_tools() {
    let (sigstore, dir) = (Sigstore::start(), Repo::plain());
    dir.write("app.tgz", "a chart");
    let token = sigstore.email_token("ada@example.com");
    pipe1(dir.path(), &sigstore).env("FILES", "app.tgz").env("SIGSTORE_ID_TOKEN", token).run().expect(0);
    let (bundle, issuer) = (dir.join("app.tgz.sigstore.json"), sigstore.issuer("email"));
    assert_eq!(entry(&bundle)["kindVersion"]["version"], "0.0.1");
    let judge = |content: &[u8], identity: &str| sigstore.judge(&bundle, &digest(content), identity, &issuer);
    judge(b"a chart", "ada@example.com").unwrap();
    judge(b"another chart", "ada@example.com").unwrap_err();
    judge(b"a chart", "eve@example.com").unwrap_err();
    let python = |identity: &str| judge_python(&sigstore, &bundle, &dir.join("app.tgz"), identity, &issuer);
    python("ada@example.com").unwrap();
    python("eve@example.com").unwrap_err();

    // What the format allows once is refused if it is there twice, as sigstore-go does.
    let whole: Value = serde_json::from_slice(&std::fs::read(&bundle).unwrap()).unwrap();
    let verify = || {
        let pipe = Pipe::new("sign-pipe", dir.path()).env("FILES", "app.tgz").env("SIGN", "false");
        pipe.env("TRUSTED_ROOT_FILE", sigstore.trusted_root())
            .env("CERTIFICATE_IDENTITY", "ada@example.com")
            .env("CERTIFICATE_OIDC_ISSUER", &issuer)
            .run()
    };
    verify().expect(0);
    let again = |list: &str| {
        let mut twice = whole.clone();
        let list = twice.pointer_mut(list).unwrap().as_array_mut().unwrap();
        list.push(list[0].clone());
        twice
    };
    let mut both = whole.clone();
    both["dsseEnvelope"] = json!({ "payload": "e30=", "payloadType": "x", "signatures": [{ "sig": "e30=" }] });
    let mut signers = whole.clone();
    signers["verificationMaterial"]["publicKey"] = json!({ "hint": "x" });
    for (document, told) in [
        (again("/verificationMaterial/tlogEntries"), "the same log entry twice"),
        (both, "both a message signature and an envelope"),
        (signers, "more than one key or certificate"),
    ] {
        std::fs::write(&bundle, document.to_string()).unwrap();
        judge(b"a chart", "ada@example.com").unwrap_err();
        let outcome = verify().expect(1);
        assert!(outcome.stdout.contains(told), "{told}: {}", outcome.stdout);
    }
}

/// What vouches that a bundle was logged.
fn entry(bundle: &std::path::Path) -> Value {
    let bundle: Value = serde_json::from_slice(&std::fs::read(bundle).unwrap()).unwrap();
    bundle["verificationMaterial"]["tlogEntries"][0].clone()
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn an_equal_entry_is_found_again() {
    let (sigstore, dir) = (Sigstore::start_without_ct(), Repo::plain());
    dir.write("app.tgz", "a chart");
    // Which signs the same as the same.
    let key = KeyPair::new(KeyKind::Rsa, dir.path());
    let [first, second] = ["a", "b"].map(|to| {
        pipe1(dir.path(), &sigstore)
            .env("FILES", "app.tgz")
            .env("BUNDLE_DIR", to)
            .env("COSIGN_PRIVATE_KEY_FILE", &key.private)
            .env("TLOG_UPLOAD", "true")
            .run()
            .expect(0);
        entry(&dir.join(to).join("app.tgz.sigstore.json"))["logIndex"].clone()
    });
    assert!(first.is_string() && first == second, "{first} and {second}");
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn an_instance_with_both_logs_uses_the_one_that_is_asked_for() {
    let (sigstore, dir) = (Sigstore::start_without_ct(), Repo::plain());
    dir.write("app.tgz", "a chart");
    for (version, kind, to) in [(None, "0.0.2", "newest"), (Some("1"), "0.0.1", "older")] {
        let pipe = Pipe::new("sign-pipe", dir.path())
            .env("FILES", "app.tgz")
            .env("BUNDLE_DIR", to)
            .env("SIGSTORE_ID_TOKEN", sigstore.email_token("ada@example.com"))
            .env("TRUSTED_ROOT_FILE", sigstore.trusted_root())
            .env("SIGNING_CONFIG_FILE", sigstore.signing_config());
        version.into_iter().fold(pipe, |pipe, version| pipe.env("REKOR_VERSION", version)).run().expect(0);
        assert_eq!(entry(&dir.join(to).join("app.tgz.sigstore.json"))["kindVersion"]["version"], kind);
    }
}
