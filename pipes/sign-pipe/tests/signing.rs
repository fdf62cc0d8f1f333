//! What is signed, and what is written where.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::{Keys, base64_decode, signing, statements, verifying};
use pipewright_harness::{MemoryRegistry, Pipe, Repo};
use serde_json::{Value, json};

#[test]
fn a_tag_is_resolved_once_and_its_digest_signed() {
    let registry = MemoryRegistry::start();
    let digest = registry.push_image("org/app", "1.2.3", "one");
    let (dir, keys) = (Repo::plain(), Keys::new());
    let image = format!("{}/org/app:1.2.3", registry.host());
    let outcome = signing(dir.path(), &keys, &image).run().expect(0);
    assert!(outcome.stdout.contains(&digest[..19]), "{}", outcome.stdout);
    let asked = registry.requests().iter().filter(|request| request.path.ends_with("/manifests/1.2.3")).count();
    assert_eq!(asked, 1, "whoever moves the tag meanwhile changes nothing");

    let [statement] = &statements(&registry, "org/app", &digest)[..] else { panic!("one signature") };
    assert_eq!(statement["predicateType"], "https://sigstore.dev/cosign/sign/v1");
    assert_eq!(statement["subject"], json!([{ "digest": { "sha256": &digest[7..] } }]));
    let report = outcome.report();
    assert_eq!(report["subject"], format!("image:{digest}"));
    let entry = &report["images"][0];
    assert_eq!(entry["image"], format!("{image}@{digest}"));
    assert_eq!((&entry["signed"], &entry["verified"]), (&json!(true), &json!(true)));
    assert_eq!(entry["written"][0]["place"], registry.referrers("org/app", &digest)[0]["digest"]);
    assert!(entry["accepted"][0]["key"].as_str().unwrap().starts_with("ECDSA P-256 SHA256:"));
}

/// Ancestor P-4: what was pushed was signed by its tag, whatever that had become.
#[test]
fn another_digest_than_expected_is_not_signed() {
    let registry = MemoryRegistry::start();
    let digest = registry.push_image("app", "1", "one");
    let other = registry.push_image("app", "1", "another, pushed in between");
    let (dir, keys) = (Repo::plain(), Keys::new());
    let image = format!("{}/app:1", registry.host());
    let outcome = signing(dir.path(), &keys, &image).env("EXPECTED_DIGEST", &digest).run().expect(1);
    assert!(outcome.stdout.contains(&other) && outcome.stdout.contains(&digest), "{}", outcome.stdout);
    assert_eq!(registry.referrers("app", &other), Vec::<Value>::new());
    signing(dir.path(), &keys, &image).env("EXPECTED_DIGEST", &other).run().expect(0);
}

#[test]
fn an_equal_signature_is_not_added_again() {
    let registry = MemoryRegistry::start();
    let digest = registry.push_image("app", "1", "one");
    let (dir, keys) = (Repo::plain(), Keys::new());
    dir.write("sbom.json", r#"{"bomFormat":"CycloneDX","components":[{"name":"a"}]}"#);
    let image = format!("{}/app:1", registry.host());
    let run = || signing(dir.path(), &keys, &image).env("SIGNATURE_FORMAT", "bundle,legacy");
    run().run().expect(0);
    let before = registry.referrers("app", &digest).len();
    assert_eq!(before, 2, "signature and SBOM");
    let outcome = run().run().expect(0);
    assert!(outcome.stdout.contains("nothing new (already there: signature, cyclonedx)"), "{}", outcome.stdout);
    assert_eq!(registry.referrers("app", &digest).len(), before);
    let tag = digest.replace(':', "-");
    for suffix in [".sig", ".att"] {
        let manifest = registry.manifest("app", &format!("{tag}{suffix}")).unwrap();
        assert_eq!(manifest["layers"].as_array().unwrap().len(), 1, "{suffix}");
    }
    // Another key's signature is another one.
    signing(dir.path(), &Keys::new(), &image).run().expect(0);
    assert_eq!(registry.referrers("app", &digest).len(), 2 * before);
    // So is one with other annotations.
    run().env("SIGNATURE_ANNOTATIONS", "release=2").run().expect(0);
    assert_eq!(registry.referrers("app", &digest).len(), 2 * before + 1);
}

#[test]
fn both_formats_are_written_as_cosign_writes_them() {
    let registry = MemoryRegistry::with(false, |_| None);
    let digest = registry.push_image("org/app", "1", "one");
    let (dir, keys) = (Repo::plain(), Keys::new());
    let image = format!("{}/org/app:1", registry.host());
    let formats = "bundle,legacy";
    signing(dir.path(), &keys, &image)
        .env("SIGNATURE_FORMAT", formats)
        .env("SIGNATURE_ANNOTATIONS", "release=1.2.3")
        .run()
        .expect(0);
    let tag = digest.replace(':', "-");
    assert_eq!(registry.tags("org/app"), ["1", &tag, &format!("{tag}.sig")], "the fallback tag and the older form");

    let index = registry.manifest("org/app", &tag).unwrap();
    let [entry] = &index["manifests"].as_array().unwrap()[..] else { panic!("one referrer") };
    assert_eq!(entry["artifactType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
    assert_eq!(entry["annotations"]["dev.sigstore.bundle.predicateType"], "https://sigstore.dev/cosign/sign/v1");
    let manifest = registry.manifest("org/app", entry["digest"].as_str().unwrap()).unwrap();
    assert_eq!(manifest["config"]["mediaType"], "application/vnd.oci.empty.v1+json");
    assert_eq!(manifest["subject"]["digest"], digest.as_str());

    let legacy = registry.manifest("org/app", &format!("{tag}.sig")).unwrap();
    let layer = &legacy["layers"][0];
    assert_eq!(layer["mediaType"], "application/vnd.dev.cosign.simplesigning.v1+json");
    let payload = registry.blob("org/app", layer["digest"].as_str().unwrap()).unwrap();
    let payload: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(
        payload,
        json!({
            "critical": {
                "identity": { "docker-reference": format!("{}/org/app", registry.host()) },
                "image": { "docker-manifest-digest": digest },
                "type": "cosign container image signature",
            },
            "optional": { "release": "1.2.3" },
        })
    );
    let signature = layer["annotations"]["dev.cosignproject.cosign/signature"].as_str().unwrap();
    assert_eq!(base64_decode(signature)[0], 0x30, "an ECDSA signature in ASN.1");
    let config = registry.blob("org/app", legacy["config"]["digest"].as_str().unwrap()).unwrap();
    let config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(config["rootfs"]["diff_ids"], json!([layer["digest"]]));
}

#[test]
fn an_index_is_signed_whole_or_with_every_platform() {
    let registry = MemoryRegistry::start();
    let digest = registry.push_index("app", "1", "one", &["amd64", "arm64"]);
    let (dir, keys) = (Repo::plain(), Keys::new());
    let image = format!("{}/app:1", registry.host());
    let outcome = signing(dir.path(), &keys, &image).run().expect(0);
    assert_eq!(outcome.report()["images"].as_array().unwrap().len(), 1);
    verifying(dir.path(), &keys, &image).env("RECURSIVE", "true").run().expect(1);

    let outcome = signing(dir.path(), &keys, &image).env("RECURSIVE", "true").run().expect(0);
    let report = outcome.report();
    let platforms: Vec<&Value> = report["images"].as_array().unwrap().iter().map(|image| &image["platform"]).collect();
    assert_eq!(platforms, [&Value::Null, &json!("linux/amd64"), &json!("linux/arm64")]);
    assert_eq!(report["subject"], format!("image:{digest}"));
    verifying(dir.path(), &keys, &image).env("RECURSIVE", "true").run().expect(0);
}

#[test]
fn many_images_are_signed_in_one_run_each_with_its_own_end() {
    let registry = MemoryRegistry::start();
    let images: Vec<String> = (0..5)
        .map(|number| {
            registry.push_image(&format!("app{number}"), "1", &number.to_string());
            format!("{}/app{number}:1", registry.host())
        })
        .collect();
    let (dir, keys) = (Repo::plain(), Keys::new());
    dir.write("images.txt", images.join("\n"));
    let outcome = Pipe::at(common::BINARY, dir.path())
        .env("IMAGE_FILE", "images.txt")
        .env("COSIGN_PRIVATE_KEY", &keys.private)
        .run()
        .expect(0);
    assert!(outcome.stdout.contains("5 images signed and verified"), "{}", outcome.stdout);
    let missing = format!("{},{}/app9:1", images.join(","), registry.host());
    let outcome = signing(dir.path(), &Keys::new(), &missing).run().expect(3);
    assert!(outcome.stdout.contains("app9:1"), "{}", outcome.stdout);
    let untouched = registry.requests().iter().filter(|request| request.method == "PUT").count();
    signing(dir.path(), &keys, &images.join(",")).run().expect(0);
    let after = registry.requests().iter().filter(|request| request.method == "PUT").count();
    assert_eq!(after, untouched, "nothing is signed twice, and nothing was signed while one image was missing");
}

#[test]
fn signatures_may_be_kept_in_another_repository() {
    let registry = MemoryRegistry::start();
    let digest = registry.push_image("org/app", "1", "one");
    let (dir, keys) = (Repo::plain(), Keys::new());
    let image = format!("{}/org/app:1", registry.host());
    let elsewhere = format!("{}/signatures", registry.host());
    signing(dir.path(), &keys, &image).env("SIGNATURE_REPOSITORY", &elsewhere).run().expect(0);
    assert_eq!(registry.referrers("org/app", &digest).len(), 0);
    assert_eq!(registry.referrers("signatures", &digest).len(), 1);
    verifying(dir.path(), &keys, &image).run().expect(1);
    verifying(dir.path(), &keys, &image).env("COSIGN_REPOSITORY", &elsewhere).run().expect(0);
}

#[test]
fn the_names_of_docker_pipe_make_an_image() {
    let registry = MemoryRegistry::start();
    let dir = Repo::new();
    let commit = dir.write("a", "a").commit("Begin");
    registry.push_image("org/app", &commit[..7], "one");
    let keys = Keys::new();
    let outcome = Pipe::at(common::BINARY, dir.path())
        .env("DOCKER_REGISTRY", registry.host())
        .env("DOCKER_REPOSITORY", "org/app")
        .env("COSIGN_PRIVATE_KEY", &keys.private)
        .run()
        .expect(0);
    assert!(outcome.stdout.contains(&format!("org/app:{}", &commit[..7])), "{}", outcome.stdout);
}

#[test]
fn the_plan_says_what_becomes_public() {
    let (dir, keys) = (Repo::plain(), Keys::new());
    let plan = |vars: &[(&str, &str)]| {
        let pipe = Pipe::at(common::BINARY, dir.path()).env("IMAGE", "ghcr.io/org/app:1").env("DRY_RUN", "true");
        let outcome = pipe.envs(vars).run().expect(0);
        let (from, to) = (outcome.stdout.find("\n{").unwrap(), outcome.stdout.rfind('}').unwrap());
        let plan: Value = serde_json::from_str(&outcome.stdout[from..=to]).unwrap();
        (plan["sign"].as_str().unwrap().to_owned(), plan["becomes_public"].clone())
    };
    let key = ("COSIGN_PRIVATE_KEY", keys.private.as_str());
    let token = ("SIGSTORE_ID_TOKEN", common::TOKEN);
    let certificate = "the certificate with the identity of this job, in the log of certificates";
    let logged = "the hash of each signature with its signer, in the public transparency log";
    let privately = "the hash of each signature with its signer, in your transparency log";
    for (vars, how, public) in [
        (&[key][..], "with the key ECDSA P-256", json!([])),
        (&[key, ("TLOG_UPLOAD", "true")], "with the key ECDSA P-256", json!([logged])),
        (&[token], "keyless at the public Sigstore", json!([certificate, logged])),
        (&[token, ("TLOG_UPLOAD", "false")], "keyless at the public Sigstore", json!([certificate])),
        (
            &[token, key],
            "keyless at the public Sigstore if it accepts the job's token, otherwise with the key",
            json!([certificate, logged]),
        ),
        (&[token, key, ("SIGNING_MODE", "key")], "with the key ECDSA P-256", json!([])),
        (
            &[token, ("SIGSTORE_INSTANCE", "staging")],
            "keyless at Sigstore's staging instance",
            json!([certificate, logged]),
        ),
        (
            &[token, ("REKOR_URL", "https://rekor.example")],
            "keyless at https://rekor.example",
            json!([certificate, privately]),
        ),
    ] {
        let (sign, becomes_public) = plan(vars);
        assert!(sign.starts_with(how), "{vars:?}: {sign}");
        assert_eq!(becomes_public, public, "{vars:?}");
    }
}

/// A list that came out empty upstream would otherwise be signed, all of it, and green.
#[test]
fn to_sign_nothing_is_a_mistake() {
    let (dir, keys) = (Repo::plain(), Keys::new());
    dir.write("images.txt", "\n\n").write("app.tgz", "a chart");
    let sign = || Pipe::at(common::BINARY, dir.path()).env("COSIGN_PRIVATE_KEY", &keys.private);
    for (name, value, told) in [
        ("DEBUG", "false", "IMAGE: required unless"),
        ("IMAGE", " , ", "IMAGE: required unless"),
        ("FILES", "[]", "IMAGE: required unless"),
        ("IMAGE_FILE", "images.txt", "IMAGE_FILE: lists nothing"),
    ] {
        let outcome = sign().env(name, value).run().expect(2);
        assert!(outcome.stderr.contains(told), "{name}: {}", outcome.stderr);
    }
    sign().env("FILES", "app.tgz").env("IMAGE_FILE", "images.txt").run().expect(2);
    // Nothing at all: everything that is needed is told at once, and why it is not keyless.
    let outcome = Pipe::at(common::BINARY, dir.path()).env("GITHUB_ACTIONS", "true").run().expect(2);
    for told in
        ["IMAGE: required", "COSIGN_PRIVATE_KEY: required to sign, unless", "lacks `permissions: id-token: write`"]
    {
        assert!(outcome.output().contains(told), "{told}: {}", outcome.output());
    }
}

#[test]
fn files_get_a_bundle_beside_them() {
    let (dir, keys) = (Repo::plain(), Keys::new());
    dir.write("dist/app.tgz", "a chart").write("dist/sums.txt", "sums");
    let sign =
        |files: &str| Pipe::at(common::BINARY, dir.path()).env("FILES", files).env("COSIGN_PRIVATE_KEY", &keys.private);
    let outcome = sign("dist/app.tgz,dist/sums.txt").run().expect(0);
    assert!(outcome.stdout.contains("2 files signed and verified"), "{}", outcome.stdout);
    let bundle: Value =
        serde_json::from_slice(&std::fs::read(dir.join("dist/app.tgz.sigstore.json")).unwrap()).unwrap();
    assert_eq!(bundle["mediaType"], "application/vnd.dev.sigstore.bundle.v0.3+json");
    assert_eq!(bundle["messageSignature"]["messageDigest"]["algorithm"], "SHA2_256");
    let verify = || {
        Pipe::at(common::BINARY, dir.path())
            .env("SIGN", "false")
            .env("FILES", "dist/app.tgz")
            .env("COSIGN_PUBLIC_KEY", &keys.public)
    };
    verify().run().expect(0);
    dir.write("dist/app.tgz", "another chart");
    let outcome = verify().run().expect(1);
    assert!(outcome.stdout.contains("another digest"), "{}", outcome.stdout);
    std::fs::remove_file(dir.join("dist/app.tgz.sigstore.json")).unwrap();
    let outcome = verify().run().expect(1);
    assert!(outcome.stdout.contains("no signature found"), "{}", outcome.stdout);
    sign("dist/none.tgz").run().expect(2);
}

#[test]
fn a_new_pair_of_keys_is_written_once() {
    let dir = Repo::plain();
    let generate =
        || Pipe::at(common::BINARY, dir.path()).env("ACTION", "generate-key-pair").env("COSIGN_PASSWORD", "sesame");
    let outcome = generate().run().expect(0);
    let private = std::fs::read_to_string(dir.join("cosign.key")).unwrap();
    assert!(private.starts_with("-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----"));
    use std::os::unix::fs::PermissionsExt;
    let mode = std::fs::metadata(dir.join("cosign.key")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(!outcome.output().contains("sesame"));
    let again = generate().run().expect(3);
    assert!(again.stdout.contains("cosign.key already exists"), "{}", again.stdout);
    assert_eq!(std::fs::read_to_string(dir.join("cosign.key")).unwrap(), private);

    let registry = MemoryRegistry::start();
    registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    let with = |password: &str| {
        Pipe::at(common::BINARY, dir.path())
            .env("IMAGE", &image)
            .env("COSIGN_PRIVATE_KEY_FILE", "cosign.key")
            .env("COSIGN_PASSWORD", password)
            .env("COSIGN_PUBLIC_KEY_FILE", "cosign.pub")
    };
    with("sesame").run().expect(0);
    let wrong = with("simsalabim").run().expect(2);
    assert!(wrong.stderr.contains("COSIGN_PASSWORD: does not open COSIGN_PRIVATE_KEY"), "{}", wrong.stderr);
}

#[test]
fn a_new_private_key_gets_into_a_checkout_only_if_its_directory_is_named() {
    let (repo, plain) = (Repo::new(), Repo::plain());
    repo.write("app/keys/.keep", "");
    repo.commit("Begin");
    let generate = |dir: &std::path::Path| Pipe::at(common::BINARY, dir).env("ACTION", "generate-key-pair");
    for dir in [repo.path().to_owned(), repo.join("app")] {
        let outcome = generate(&dir).run().expect(2);
        assert!(outcome.stderr.contains("KEY_DIR: required inside a checkout"), "{}", outcome.stderr);
        assert!(!dir.join("cosign.key").exists());
    }
    for (outcome, written) in [
        (generate(&repo.join("app")).env("KEY_DIR", "keys").run(), repo.join("app/keys/cosign.key")),
        (generate(repo.path()).env("KEY_DIR", ".").run(), repo.join("cosign.key")),
        (generate(plain.path()).run(), plain.join("cosign.key")),
    ] {
        let outcome = outcome.expect(0);
        assert!(written.exists());
        let last = outcome.stdout.lines().last().unwrap_or_default();
        assert!(last.contains("Do not commit cosign.key"), "{last}");
    }
}
