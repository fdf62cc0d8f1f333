//! What counts, and what each thing that does not is told to be.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::{Keys, signing, verifying};
use pipewright_harness::{MemoryRegistry, Outcome, Pipe, Reply, Repo};
use serde_json::{Value, json};

/// An image that `keys` signed.
fn signed(keys: &Keys) -> (MemoryRegistry, Repo, String, String) {
    let registry = MemoryRegistry::start();
    let digest = registry.push_image("app", "1", "one");
    let (dir, image) = (Repo::plain(), format!("{}/app:1", registry.host()));
    signing(dir.path(), keys, &image).env("VERIFY", "false").run().expect(0);
    (registry, dir, image, digest)
}

fn refusals(outcome: &Outcome) -> Vec<String> {
    let report = outcome.report();
    let refused = report["images"][0]["refused"].as_array().unwrap().clone();
    refused.iter().map(|one| one["why"].as_str().unwrap().to_owned()).collect()
}

/// Replaces the one bundle that refers to `digest` by what `change` makes of it.
fn rewrite(registry: &MemoryRegistry, digest: &str, change: impl Fn(&mut Value)) {
    let referrer = registry.referrers("app", digest)[0]["digest"].as_str().unwrap().to_owned();
    let mut manifest = registry.manifest("app", &referrer).unwrap();
    let blob = manifest["layers"][0]["digest"].as_str().unwrap().to_owned();
    let mut bundle: Value = serde_json::from_slice(&registry.blob("app", &blob).unwrap()).unwrap();
    change(&mut bundle);
    let bytes = serde_json::to_vec(&bundle).unwrap();
    let layer = json!({ "mediaType": manifest["layers"][0]["mediaType"], "size": bytes.len(),
                        "digest": registry.push_blob("app", &bytes) });
    manifest["layers"] = json!([layer]);
    let other = registry.push_image("app", "other", "holds the changed one");
    manifest["subject"]["digest"] = json!(other);
    // About the other image as far as the registry knows; its statement says what it says.
    registry.push_manifest(
        "app",
        None,
        "application/vnd.oci.image.manifest.v1+json",
        serde_json::to_vec(&manifest).unwrap(),
    );
}

#[test]
fn the_right_key_is_accepted_and_another_is_not() {
    let keys = Keys::new();
    let (_registry, dir, image, _) = signed(&keys);
    let outcome = verifying(dir.path(), &keys, &image).run().expect(0);
    assert!(outcome.stdout.contains("1 image verified"), "{}", outcome.stdout);
    let outcome = verifying(dir.path(), &Keys::new(), &image).run().expect(1);
    assert_eq!(refusals(&outcome), ["it is signed by another key. Set COSIGN_PUBLIC_KEY to that key if you trust it."]);
    assert_eq!(outcome.report()["images"][0]["verified"], false);
}

#[test]
fn no_signature_is_a_no() {
    let registry = MemoryRegistry::start();
    registry.push_image("app", "1", "one");
    let (dir, keys) = (Repo::plain(), Keys::new());
    let outcome = verifying(dir.path(), &keys, &format!("{}/app:1", registry.host())).run().expect(1);
    assert!(outcome.stdout.contains("no signature found"), "{}", outcome.stdout);
}

#[test]
fn a_signature_of_another_image_is_told() {
    let keys = Keys::new();
    let (registry, dir, _, digest) = signed(&keys);
    rewrite(&registry, &digest, |_| {});
    let other = format!("{}/app:other", registry.host());
    let outcome = verifying(dir.path(), &keys, &other).run().expect(1);
    assert_eq!(refusals(&outcome), [format!("it is about another digest: {digest}. Sign this digest.")]);
}

#[test]
fn a_changed_statement_is_told() {
    let keys = Keys::new();
    let (registry, dir, _, digest) = signed(&keys);
    // Says that it is about the other image, which the signature does not cover.
    let other = registry.push_image("app", "other", "holds the changed one");
    rewrite(&registry, &digest, |bundle| {
        use base64::Engine;
        let statement = json!({ "_type": "https://in-toto.io/Statement/v1", "subject": [{ "digest": { "sha256": other[7..] } }],
                                "predicateType": "https://sigstore.dev/cosign/sign/v1", "predicate": {} });
        let payload = base64::engine::general_purpose::STANDARD.encode(statement.to_string());
        bundle["dsseEnvelope"]["payload"] = json!(payload);
    });
    let image = format!("{}/app:other", registry.host());
    let outcome = verifying(dir.path(), &keys, &image).run().expect(1);
    assert!(refusals(&outcome)[0].starts_with("the signature is not valid: it names the key SHA256:"), "{outcome:?}");
}

#[test]
fn what_looks_like_evidence_and_is_none_is_told_and_changes_nothing() {
    let keys = Keys::new();
    let (registry, dir, image, digest) = signed(&keys);
    let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
    for garbage in ["{}", "not JSON", r#"{"mediaType":"x"}"#] {
        let manifest = json!({
            "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": kind,
            "config": { "mediaType": "application/vnd.oci.empty.v1+json", "size": 2, "digest": registry.push_blob("app", b"{}") },
            "layers": [{ "mediaType": kind, "size": garbage.len(), "digest": registry.push_blob("app", garbage.as_bytes()) }],
            "subject": { "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1, "digest": digest },
        });
        registry.push_manifest(
            "app",
            None,
            "application/vnd.oci.image.manifest.v1+json",
            serde_json::to_vec(&manifest).unwrap(),
        );
    }
    // One that has nothing to do with signatures.
    let sbom = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "text/spdx",
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "size": 2, "digest": registry.push_blob("app", b"{}") },
        "layers": [{ "mediaType": "text/spdx", "size": 4, "digest": registry.push_blob("app", b"spdx") }],
        "subject": { "mediaType": "application/vnd.oci.image.manifest.v1+json", "size": 1, "digest": digest },
    });
    registry.push_manifest(
        "app",
        None,
        "application/vnd.oci.image.manifest.v1+json",
        serde_json::to_vec(&sbom).unwrap(),
    );
    let outcome = verifying(dir.path(), &keys, &image).run().expect(0);
    let refused = refusals(&outcome);
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(refused.iter().all(|why| why.starts_with("not a valid Sigstore bundle")), "{refused:?}");
}

#[test]
fn a_blob_that_is_not_what_its_digest_says_is_not_read() {
    let keys = Keys::new();
    let (registry, dir, image, digest) = signed(&keys);
    let referrer = registry.referrers("app", &digest)[0]["digest"].as_str().unwrap().to_owned();
    let layer = registry.manifest("app", &referrer).unwrap()["layers"][0].clone();
    let blob = layer["digest"].as_str().unwrap();
    let mut bytes = registry.blob("app", blob).unwrap();
    bytes[10] ^= 1;
    registry.tamper("app", blob, &bytes);
    let outcome = verifying(dir.path(), &keys, &image).run().expect(3);
    assert!(outcome.stdout.contains("does not match the digest"), "{}", outcome.stdout);
}

#[test]
fn an_unknown_answer_ends_the_run_with_3() {
    let (dir, keys) = (Repo::plain(), Keys::new());
    let answering = |status: u16| {
        MemoryRegistry::with(true, move |_| {
            Some(Reply::json(status, r#"{"errors":[{"code":"X","message":"not today"}]}"#))
        })
    };
    for status in [401, 403, 404, 500, 503] {
        let registry = answering(status);
        let image = format!("{}/app:1", registry.host());
        let outcome = verifying(dir.path(), &keys, &image).env("TIMEOUT", "20s").run().expect(3);
        assert_eq!(outcome.report()["verdict"], "error", "{status}");
    }
    // The image is there, its list of referrers is not to be had.
    for (path, status) in [("/referrers/", 500), ("/referrers/", 403), (".sig", 502)] {
        let registry =
            MemoryRegistry::with(true, move |request| request.path.contains(path).then(|| Reply::json(status, "{}")));
        registry.push_image("app", "1", "one");
        let image = format!("{}/app:1", registry.host());
        verifying(dir.path(), &keys, &image).env("TIMEOUT", "20s").run().expect(3);
    }
}

/// Those of other tools are not opened. Those whose type the registry does not keep are read, or the time is up.
#[test]
fn ten_thousand_referrers_are_passed_over_or_read_or_the_time_is_up() {
    for (artifact_type, code) in [(json!("application/vnd.cncf.notary.signature"), 0), (Value::Null, 3)] {
        let keys = Keys::new();
        let (registry, dir, image, digest) = signed(&keys);
        let blob = registry.push_blob("app", b"{}");
        let kind = "application/vnd.oci.image.manifest.v1+json";
        for number in 0..10_000 {
            let manifest = json!({
                "schemaVersion": 2, "mediaType": kind, "artifactType": artifact_type,
                "config": { "mediaType": "application/vnd.oci.empty.v1+json", "size": 2, "digest": blob },
                "layers": [], "annotations": { "number": number.to_string() },
                "subject": { "mediaType": kind, "size": 1, "digest": digest },
            });
            registry.push_manifest("app", None, kind, serde_json::to_vec(&manifest).unwrap());
        }
        let before = registry.requests().len();
        let timeout = if code == 0 { "20s" } else { "1s" };
        let outcome = verifying(dir.path(), &keys, &image).env("TIMEOUT", timeout).run().expect(code);
        assert_eq!(outcome.stdout.contains("did not finish within TIMEOUT"), code == 3, "{}", outcome.stdout);
        assert!(code == 3 || registry.requests().len() - before < 150);
        assert!(outcome.peak_kb < 64 * 1024, "{} kB", outcome.peak_kb);
    }
}

/// Seed 000's `cosign verify IMAGE`, which names nobody: anybody's signature would do.
#[test]
fn somebody_has_to_be_named() {
    let dir = Repo::plain();
    let verify = || Pipe::at(common::BINARY, dir.path()).env("SIGN", "false").env("IMAGE", "ghcr.io/org/app:1");
    let outcome = verify().run().expect(2);
    assert!(outcome.stderr.contains("a signature by anyone would be accepted"), "{}", outcome.stderr);
    let outcome = verify().env("COSIGN_PUBLIC_KEY", "no key").run().expect(2);
    assert!(outcome.stderr.contains("1 problem") && outcome.stderr.contains("in PEM"), "{}", outcome.stderr);
    let outcome = verify().env("CERTIFICATE_IDENTITY", "ada@example.com").run().expect(2);
    assert!(outcome.stderr.contains("CERTIFICATE_OIDC_ISSUER: required"), "{}", outcome.stderr);
    let outcome = verify().env("CERTIFICATE_OIDC_ISSUER", "https://issuer.example").run().expect(2);
    assert!(outcome.stderr.contains("CERTIFICATE_IDENTITY: required"), "{}", outcome.stderr);
    let outcome = verify().env("VERIFY", "false").run().expect(2);
    assert!(outcome.stderr.contains("leave nothing to do"), "{}", outcome.stderr);
    let outcome = verify()
        .env("COSIGN_PUBLIC_KEY", &Keys::new().public)
        .env("CERTIFICATE_IDENTITY_REGEXP", "(")
        .env("CERTIFICATE_OIDC_ISSUER", "https://issuer.example")
        .run()
        .expect(2);
    assert!(
        outcome.stderr.contains("CERTIFICATE_IDENTITY_REGEXP: not a valid regular expression"),
        "{}",
        outcome.stderr
    );
}

/// The new key and the old one, during a rotation; and what names a key and is none.
#[test]
fn each_of_several_public_keys_is_accepted() {
    let keys = Keys::new();
    let (_registry, dir, image, _) = signed(&keys);
    let both = |first: &Keys, second: &Keys| {
        let pems = format!("{}{}", first.public, second.public);
        verifying(dir.path(), &keys, &image).env("COSIGN_PUBLIC_KEY", pems).run()
    };
    both(&Keys::new(), &keys).expect(0);
    both(&keys, &Keys::new()).expect(0);
    both(&Keys::new(), &Keys::new()).expect(1);
    for (text, told) in [
        ("cosign.pub", "COSIGN_PUBLIC_KEY: expected a key in PEM, found a path. Set COSIGN_PUBLIC_KEY_FILE"),
        ("keys/cosign.key", "found a path. Set COSIGN_PUBLIC_KEY_FILE"),
        ("env://COSIGN_PUBLIC_KEY", "found a URL. Set the variable to the key itself"),
        ("awskms:///alias/signing", "found the name of a key in a KMS. Set KMS_KEY"),
    ] {
        let outcome = verifying(dir.path(), &keys, &image).env("COSIGN_PUBLIC_KEY", text).run().expect(2);
        assert!(outcome.stderr.contains(told), "{text}: {}", outcome.stderr);
        let outcome = signing(dir.path(), &keys, &image).env("COSIGN_PRIVATE_KEY", text).run().expect(2);
        assert!(outcome.stderr.contains(&told.replace("PUBLIC", "PRIVATE")), "{text}: {}", outcome.stderr);
    }
}

/// PKCS#11 tokens and `cosign sign --certificate` attach one.
#[test]
fn a_certificate_beside_the_signature_of_the_key_does_not_matter() {
    let (registry, dir, keys) = (MemoryRegistry::start(), Repo::plain(), Keys::new());
    let digest = registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    signing(dir.path(), &keys, &image).env("SIGNATURE_FORMAT", "legacy").run().expect(0);
    let tag = format!("{}.sig", digest.replace(':', "-"));
    let mut manifest = registry.manifest("app", &tag).unwrap();
    for certificate in [keys.certificate(), Keys::new().certificate()] {
        manifest["layers"][0]["annotations"]["dev.sigstore.cosign/certificate"] = json!(certificate);
        let kind = "application/vnd.oci.image.manifest.v1+json";
        registry.push_manifest("app", Some(&tag), kind, serde_json::to_vec(&manifest).unwrap());
        verifying(dir.path(), &keys, &image).run().expect(0);
        let outcome = verifying(dir.path(), &Keys::new(), &image).run().expect(1);
        assert!(refusals(&outcome)[0].starts_with("it is signed with a certificate"), "{outcome:?}");
    }
}

/// Pull requests of forks have no business signing, and get no secrets.
#[test]
fn on_the_pull_request_of_a_fork_nothing_is_signed() {
    let keys = Keys::new();
    let (registry, dir, image, digest) = signed(&keys);
    let event = dir.join("event.json");
    dir.write(
        "event.json",
        json!({
            "pull_request": { "number": 7, "head": { "repo": { "full_name": "stranger/app", "fork": true } },
                              "base": { "repo": { "full_name": "org/app" } } },
        })
        .to_string(),
    );
    let on_fork = |pipe: Pipe| {
        pipe.env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", "pull_request")
            .env("GITHUB_REPOSITORY", "org/app")
            .env("GITHUB_EVENT_PATH", &event)
            .env("GITHUB_REF", "refs/pull/7/merge")
    };
    let before = registry.referrers("app", &digest).len();
    let outcome = on_fork(Pipe::at(common::BINARY, dir.path()).env("IMAGE", &image)).run().expect(0);
    assert!(outcome.stdout.contains("SKIPPED") && outcome.stdout.contains("pull request from a fork"), "{outcome:?}");
    // Also where somebody let the key through.
    on_fork(signing(dir.path(), &Keys::new(), &image)).run().expect(0);
    assert_eq!(registry.referrers("app", &digest).len(), before);
    let verify = || Pipe::at(common::BINARY, dir.path()).env("IMAGE", &image).env("COSIGN_PUBLIC_KEY", &keys.public);
    let outcome = on_fork(verify()).run().expect(0);
    assert!(outcome.stdout.contains("1 image verified"), "{}", outcome.stdout);
    on_fork(Pipe::at(common::BINARY, dir.path()).env("IMAGE", &image).env("COSIGN_PUBLIC_KEY", &Keys::new().public))
        .run()
        .expect(1);
}

#[test]
fn older_forms_count_as_much() {
    let registry = MemoryRegistry::with(false, |_| None);
    let digest = registry.push_image("app", "1", "one");
    let (dir, keys) = (Repo::plain(), Keys::new());
    let image = format!("{}/app:1", registry.host());
    signing(dir.path(), &keys, &image).env("SIGNATURE_FORMAT", "legacy").env("VERIFY", "false").run().expect(0);
    assert_eq!(registry.tags("app").len(), 2, "no bundle");
    verifying(dir.path(), &keys, &image).run().expect(0);
    // Its payload is about another image.
    let other = registry.push_image("app", "other", "another");
    let manifest = registry.manifest("app", &format!("{}.sig", digest.replace(':', "-"))).unwrap();
    let tag = format!("{}.sig", other.replace(':', "-"));
    registry.push_manifest(
        "app",
        Some(&tag),
        "application/vnd.oci.image.manifest.v1+json",
        serde_json::to_vec(&manifest).unwrap(),
    );
    let outcome = verifying(dir.path(), &keys, &format!("{}/app:other", registry.host())).run().expect(1);
    assert_eq!(refusals(&outcome), [format!("it is about another digest: {digest}. Sign this digest.")]);
}
