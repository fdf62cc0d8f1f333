//! Keyless signing against real servers: Fulcio, Rekor 2, a timestamp authority, an issuer of tokens and a log for
//! certificates; judged by cosign, sigstore-go and sigstore-python.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use pipewright_harness::components::{Cosign, KeyKind, KeyPair, PASSWORD, Registry, Sigstore, judge_key, judge_python};
use pipewright_harness::keyless::{COMMIT, WORKFLOW, pipe, refusal, signing, verifying};
use pipewright_harness::{Pipe, Reply, Repo, Server, digest};
use serde_json::{Value, json};

fn cosign3(sigstore: &Sigstore, image: &str, identity: &str, issuer: &str) -> bool {
    let root = format!("--trusted-root={}", sigstore.trusted_root().display());
    Cosign::v3()
        .args(["verify", "--allow-http-registry", &root, "--certificate-identity", identity])
        .args(["--certificate-oidc-issuer", issuer, image])
        .run()
        .succeeded()
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn an_image_is_signed_as_the_workflow_and_verified_by_its_name() {
    let (sigstore, registry, dir) = (Sigstore::start(), Registry::with_referrers(), Repo::plain());
    registry.push_index("org/app", "1", "one", &["amd64", "arm64"]);
    dir.write("sbom.json", r#"{"bomFormat":"CycloneDX","components":[{"name":"a"}]}"#);
    let image = format!("{}/org/app:1", registry.host());
    let outcome = signing(pipe(dir.path(), &sigstore), &sigstore, &image).env("RECURSIVE", "true").run().expect(0);
    assert!(
        outcome.stdout.contains(&format!("keyless  {WORKFLOW} of {}", sigstore.issuer("github"))),
        "{}",
        outcome.stdout
    );
    let report = outcome.report();
    let images = report["images"].as_array().unwrap();
    assert_eq!(images.len(), 3);
    for image in images {
        for written in image["written"].as_array().unwrap() {
            assert!(written["log_index"].is_u64(), "{written}");
        }
        let accepted = &image["accepted"][0];
        assert_eq!(
            (accepted["identity"].as_str(), accepted["signed_at"].is_string()),
            (Some(WORKFLOW), true),
            "{accepted}"
        );
        assert_eq!(accepted["source_repository"], "https://github.com/org/app");
    }
    assert_eq!(certificates(&registry, &report).len(), 1, "one certificate for everything");

    // By others.
    let issuer = sigstore.issuer("github");
    assert!(cosign3(&sigstore, &image, WORKFLOW, &issuer));
    assert!(!cosign3(&sigstore, &image, "https://github.com/org/other", &issuer));
    // By us, and by each of what a certificate says.
    let verify = || verifying(dir.path(), &sigstore, &image);
    verify().env("CERTIFICATE_IDENTITY", WORKFLOW).env("REQUIRE_ATTESTATIONS", "sbom").run().expect(0);
    verify()
        .env("CERTIFICATE_IDENTITY_REGEXP", "^https://github\\.com/org/app/")
        .env("CERTIFICATE_REPOSITORY", "org/app")
        .env("CERTIFICATE_REF", "main")
        .env("CERTIFICATE_COMMIT", COMMIT)
        .env("CERTIFICATE_GITHUB_WORKFLOW_NAME", "Release")
        .env("CERTIFICATE_TRIGGER", "push")
        .run()
        .expect(0);
    for (name, value, told) in [
        ("CERTIFICATE_IDENTITY", "https://github.com/org/other", "the certificate's identity is"),
        ("CERTIFICATE_IDENTITY_REGEXP", "^https://gitlab", "the certificate's identity is"),
        ("CERTIFICATE_REPOSITORY", "org/other", "the certificate's source repository is"),
        ("CERTIFICATE_REF", "release", "the certificate's source ref is"),
        ("CERTIFICATE_COMMIT", "abc", "the certificate's source commit is"),
        ("CERTIFICATE_WORKFLOW_NAME", "Test", "the certificate's workflow is"),
        ("CERTIFICATE_TRIGGER", "schedule", "the certificate's trigger is"),
    ] {
        let identity =
            if name.contains("IDENTITY") { verify() } else { verify().env("CERTIFICATE_IDENTITY", WORKFLOW) };
        let outcome = identity.env(name, value).run().expect(1);
        assert!(refusal(&outcome).starts_with(told), "{name}: {}", refusal(&outcome));
    }
    let of = |name: &str, issuer: &str| {
        verify().env("CERTIFICATE_IDENTITY", WORKFLOW).env("CERTIFICATE_OIDC_ISSUER", "").env(name, issuer).run()
    };
    of("CERTIFICATE_OIDC_ISSUER_REGEXP", "^http://127\\.0\\.0\\.1:\\d+/github$").expect(0);
    for (name, issuer) in [
        ("CERTIFICATE_OIDC_ISSUER", "https://token.actions.githubusercontent.com"),
        ("CERTIFICATE_OIDC_ISSUER_REGEXP", "/email$"),
    ] {
        let outcome = of(name, issuer).expect(1);
        assert!(refusal(&outcome).starts_with("the certificate's issuer is"), "{}", refusal(&outcome));
    }
    // Somebody else's trusted root knows neither certificate nor log.
    let outcome = Pipe::new("sign-pipe", dir.path())
        .env("SIGN", "false")
        .env("IMAGE", &image)
        .env("TRUSTED_ROOT_FILE", Sigstore::start().trusted_root())
        .env("CERTIFICATE_OIDC_ISSUER", &issuer)
        .env("CERTIFICATE_IDENTITY", WORKFLOW)
        .run()
        .expect(1);
    assert!(!refusal(&outcome).contains("identity"), "{}", refusal(&outcome));
}

/// The certificates in all bundles of a run, each once.
fn certificates(registry: &Registry, report: &Value) -> Vec<String> {
    let mut certificates = Vec::new();
    for image in report["images"].as_array().unwrap() {
        for written in image["written"].as_array().unwrap() {
            let manifest = registry.manifest("org/app", written["place"].as_str().unwrap()).unwrap();
            let blob = registry.blob("org/app", manifest["layers"][0]["digest"].as_str().unwrap()).unwrap();
            let bundle: Value = serde_json::from_slice(&blob).unwrap();
            certificates.push(bundle["verificationMaterial"]["certificate"]["rawBytes"].as_str().unwrap().to_owned());
        }
    }
    certificates.sort();
    certificates.dedup();
    certificates
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn equal_signatures_are_not_added_and_those_of_another_run_are() {
    let (sigstore, registry, dir) = (Sigstore::start_without_ct(), Registry::with_referrers(), Repo::plain());
    let digest = registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    let count = || registry.referrers("app", &digest).len();
    signing(pipe(dir.path(), &sigstore), &sigstore, &image).run().expect(0);
    assert_eq!(count(), 1);
    let outcome = signing(pipe(dir.path(), &sigstore), &sigstore, &image).run().expect(0);
    assert!(outcome.stdout.contains("already there: signature"), "{}", outcome.stdout);
    assert_eq!(count(), 1);
    let other = sigstore.github_token("org/app", "refs/heads/main", &COMMIT.replace('0', "a"));
    signing(pipe(dir.path(), &sigstore), &sigstore, &image).env("SIGSTORE_ID_TOKEN", other).run().expect(0);
    assert_eq!(count(), 2, "signed from another commit");
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn what_cosign_signs_keyless_is_accepted() {
    let (sigstore, registry, dir) = (Sigstore::start(), Registry::without_referrers(), Repo::plain());
    registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    let config = format!("--signing-config={}", sigstore.signing_config().display());
    let root = format!("--trusted-root={}", sigstore.trusted_root().display());
    dir.write("token", sigstore.email_token("ada@example.com"));
    let token = format!("--identity-token={}", dir.join("token").display());
    Cosign::v3()
        .args(["sign", "--yes", "--allow-http-registry", &config, &root, &token, &image])
        .run()
        .expect_success();
    let verify = |identity: &str| {
        verifying(dir.path(), &sigstore, &image)
            .env("CERTIFICATE_OIDC_ISSUER", sigstore.issuer("email"))
            .env("CERTIFICATE_IDENTITY", identity)
            .run()
    };
    verify("ada@example.com").expect(0);
    assert!(refusal(&verify("eve@example.com").expect(1)).contains("ada@example.com"));
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn the_bundle_of_a_file_is_accepted_by_other_tools() {
    let (sigstore, dir) = (Sigstore::start(), Repo::plain());
    dir.write("app.tgz", "a chart").write("other.tgz", "another chart");
    let token = sigstore.email_token("ada@example.com");
    pipe(dir.path(), &sigstore).env("FILES", "app.tgz").env("SIGSTORE_ID_TOKEN", token).run().expect(0);
    let (bundle, issuer) = (dir.join("app.tgz.sigstore.json"), sigstore.issuer("email"));
    let judge = |content: &[u8], identity: &str| sigstore.judge(&bundle, &digest(content), identity, &issuer);
    judge(b"a chart", "ada@example.com").unwrap();
    judge(b"another chart", "ada@example.com").unwrap_err();
    judge(b"a chart", "eve@example.com").unwrap_err();
    let python = |file: &str, identity: &str| judge_python(&sigstore, &bundle, &dir.join(file), identity, &issuer);
    python("app.tgz", "ada@example.com").unwrap();
    python("other.tgz", "ada@example.com").unwrap_err();
    python("app.tgz", "eve@example.com").unwrap_err();
    let root = format!("--trusted-root={}", sigstore.trusted_root().display());
    let bundle = format!("--bundle={}", bundle.display());
    let by = ["--certificate-identity=ada@example.com", &format!("--certificate-oidc-issuer={issuer}")];
    Cosign::v3()
        .args(["verify-blob", &bundle, &root])
        .args(by)
        .args(["app.tgz"])
        .dir(dir.path())
        .run()
        .expect_success();
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn the_bundle_of_a_key_is_accepted_by_sigstore_go() {
    let dir = Repo::plain();
    dir.write("app.tgz", "a chart");
    let (key, other) = (KeyPair::new(KeyKind::Cosign, dir.path()), KeyPair::new(KeyKind::P256, dir.path()));
    Pipe::new("sign-pipe", dir.path())
        .env("FILES", "app.tgz")
        .env("COSIGN_PRIVATE_KEY_FILE", &key.private)
        .env("COSIGN_PASSWORD", PASSWORD)
        .run()
        .expect(0);
    let bundle = dir.join("app.tgz.sigstore.json");
    judge_key(&bundle, &digest(b"a chart"), &key.public).unwrap();
    judge_key(&bundle, &digest(b"another chart"), &key.public).unwrap_err();
    judge_key(&bundle, &digest(b"a chart"), &other.public).unwrap_err();
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn services_come_from_a_signing_config_too() {
    let (sigstore, registry, dir) = (Sigstore::start(), Registry::with_referrers(), Repo::plain());
    registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    let outcome = Pipe::new("sign-pipe", dir.path())
        .env("IMAGE", &image)
        .env("SIGSTORE_ID_TOKEN", sigstore.github_token("org/app", "refs/heads/main", COMMIT))
        .env("TRUSTED_ROOT_FILE", sigstore.trusted_root())
        .env("SIGNING_CONFIG_FILE", sigstore.signing_config())
        .run()
        .expect(0);
    assert!(outcome.stdout.contains("accepts tokens of"), "auto, and why: {}", outcome.stdout);
    assert!(cosign3(&sigstore, &image, WORKFLOW, &sigstore.issuer("github")));
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn services_and_trust_come_from_a_tuf_repository() {
    let (sigstore, registry, dir) = (Sigstore::start(), Registry::with_referrers(), Repo::plain());
    let digest = registry.push_image("app", "1", "one");
    let repository = sigstore.tuf_repository();
    let root = repository.join("1.root.json");
    let served = repository.clone();
    let server = Server::start(move |request| match std::fs::read(served.join(request.path.trim_start_matches('/'))) {
        Ok(bytes) => Reply::Send(200, Vec::new(), bytes),
        Err(_) => Reply::Send(404, Vec::new(), Vec::new()),
    });
    let unrooted = || {
        let image = format!("{}/app@{digest}", registry.host());
        Pipe::new("sign-pipe", dir.path()).env("IMAGE", image).env("TUF_URL", server.url())
    };
    let pipe = || unrooted().env("TUF_ROOT_FILE", &root);
    let token = sigstore.github_token("org/app", "refs/heads/main", COMMIT);
    let outcome = pipe().env("SIGSTORE_ID_TOKEN", token).env("SIGNING_MODE", "keyless").run().expect(0);
    assert!(outcome.stdout.contains("PASSED   1 image signed and verified"), "{}", outcome.stdout);
    let fetched = server.requests().iter().filter(|request| request.path == "/timestamp.json").count();
    assert_eq!(fetched, 1, "for signing and for verifying");

    // What is changed there is not trusted, and nothing else is instead.
    let mut targets = std::fs::read_dir(repository.join("targets")).unwrap().map(|entry| entry.unwrap().path());
    let trusted = targets.find(|path| path.to_str().unwrap().ends_with("trusted_root.json")).unwrap();
    let other = std::fs::read_to_string(&trusted).unwrap().replacen("127.0.0.1", "127.0.0.2", 1);
    std::fs::write(&trusted, other).unwrap();
    let verify = |pipe: Pipe| {
        pipe.env("SIGN", "false")
            .env("CERTIFICATE_IDENTITY", WORKFLOW)
            .env("CERTIFICATE_OIDC_ISSUER", sigstore.issuer("github"))
            .run()
    };
    let outcome = verify(pipe()).expect(3);
    assert!(outcome.stdout.contains("trusted_root.json"), "{}", outcome.stdout);
    // Nor is a repository with another root.
    let outcome = verify(unrooted()).expect(3);
    assert!(outcome.stdout.contains("TUF repository"), "{}", outcome.stdout);
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn auto_takes_the_key_where_the_token_is_not_accepted_and_says_why() {
    let (sigstore, registry, dir) = (Sigstore::start_without_ct(), Registry::with_referrers(), Repo::plain());
    registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    let foreign = sigstore
        .token("github", &json!({ "iss": "https://api.bitbucket.org/2.0/workspaces/org/identity/oidc", "sub": "x" }));
    let key = KeyPair::new(KeyKind::Cosign, dir.path());
    let auto = || pipe(dir.path(), &sigstore).env("IMAGE", &image).env("BITBUCKET_STEP_OIDC_TOKEN", &foreign);
    let outcome = auto().env("COSIGN_PRIVATE_KEY_FILE", &key.private).env("COSIGN_PASSWORD", PASSWORD).run().expect(0);
    assert!(outcome.stdout.contains("does not accept tokens of https://api.bitbucket.org"), "{}", outcome.stdout);
    assert!(outcome.stdout.contains("\nkey      ECDSA"), "{}", outcome.stdout);
    let outcome = auto().run().expect(3);
    assert!(outcome.stdout.contains("Set COSIGN_PRIVATE_KEY"), "{}", outcome.stdout);
    let outcome = auto().env("SIGNING_MODE", "keyless").run().expect(3);
    assert!(outcome.stdout.contains("is not accepted") || outcome.stdout.contains("not one of"), "{}", outcome.stdout);
    assert!(!outcome.output().contains(&foreign));
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn github_gives_a_job_its_token() {
    let (sigstore, registry, dir) = (Sigstore::start_without_ct(), Registry::with_referrers(), Repo::plain());
    registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    let token = sigstore.github_token("org/app", "refs/heads/main", COMMIT);
    let answer = json!({ "value": token }).to_string();
    let runner = Server::start(move |request| {
        let audience = request.path.ends_with("&audience=sigstore") || request.path.ends_with("&audience=ours");
        let asked = audience && request.header("authorization") == Some("Bearer request-token");
        if asked { Reply::json(200, answer.clone()) } else { Reply::json(401, "{}") }
    });
    let job = || {
        pipe(dir.path(), &sigstore)
            .env("IMAGE", &image)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_REPOSITORY", "org/app")
            .env("GITHUB_SHA", COMMIT)
            .env("GITHUB_REF", "refs/heads/main")
            .env("GITHUB_RUN_ID", "7")
            .env("ACTIONS_ID_TOKEN_REQUEST_URL", format!("{}/token?api-version=2", runner.url()))
            .env("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token")
    };
    let outcome = job().env("REQUIRE_ATTESTATIONS", "provenance").env("DEBUG", "true").run().expect(0);
    assert!(!outcome.output().contains(&token) && !outcome.output().contains("request-token"), "{outcome:?}");
    assert!(!outcome.report().to_string().contains(&token));
    job().env("OIDC_AUDIENCE", "ours").run().expect(0);
    assert!(runner.requests().last().unwrap().path.ends_with("&audience=ours"));
    job().env("OIDC_AUDIENCE", "theirs").run().expect(3);
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn what_is_not_logged_is_told_and_a_timestamp_may_do() {
    let (sigstore, registry, dir) = (Sigstore::start(), Registry::with_referrers(), Repo::plain());
    registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    signing(pipe(dir.path(), &sigstore), &sigstore, &image)
        .env("TLOG_UPLOAD", "false")
        .env("VERIFY", "false")
        .run()
        .expect(0);
    let verify = || verifying(dir.path(), &sigstore, &image).env("CERTIFICATE_IDENTITY", WORKFLOW);
    assert!(refusal(&verify().run().expect(1)).starts_with("it has no entry in a transparency log"));
    verify().env("REQUIRE_TLOG", "false").run().expect(0);
    // Where nobody vouches for the time no certificate is had.
    registry.push_image("app", "2", "two");
    let nobody = pipe(dir.path(), &sigstore).env("TSA_URL", "");
    let nobody = signing(nobody, &sigstore, &format!("{}/app:2", registry.host()));
    let outcome = nobody.env("TLOG_UPLOAD", "false").run().expect(3);
    assert!(outcome.stdout.contains("TLOG_UPLOAD=false without a timestamp authority"), "{}", outcome.stdout);
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn the_signature_of_a_key_may_be_logged_too() {
    let (sigstore, registry, dir) = (Sigstore::start_without_ct(), Registry::with_referrers(), Repo::plain());
    registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    let key = KeyPair::new(KeyKind::P256, dir.path());
    let verify = || {
        Pipe::new("sign-pipe", dir.path())
            .env("SIGN", "false")
            .env("IMAGE", &image)
            .env("COSIGN_PUBLIC_KEY_FILE", &key.public)
            .env("TRUSTED_ROOT_FILE", sigstore.trusted_root())
            .env("REQUIRE_TLOG", "true")
    };
    let sign = || pipe(dir.path(), &sigstore).env("IMAGE", &image).env("COSIGN_PRIVATE_KEY_FILE", &key.private);
    sign().run().expect(0);
    assert!(refusal(&verify().run().expect(1)).starts_with("it has no entry in a transparency log"));
    // Equal, but for what vouches for it.
    let existed =
        || sign().env("TLOG_UPLOAD", "true").run().expect(0).report()["images"][0]["written"][0]["existed"].clone();
    assert_eq!((existed(), existed()), (json!(false), json!(true)));
    let outcome = verify().run().expect(0);
    assert!(outcome.report()["images"][0]["accepted"][0]["log_index"].is_u64());
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn a_certificate_that_was_not_logged_is_told() {
    let (sigstore, registry, dir) = (Sigstore::start_without_ct(), Registry::with_referrers(), Repo::plain());
    registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    signing(pipe(dir.path(), &sigstore), &sigstore, &image).run().expect(0);
    let outcome = verifying(dir.path(), &sigstore, &image)
        .env("CERTIFICATE_IDENTITY", WORKFLOW)
        .env("REQUIRE_SCT", "true")
        .run()
        .expect(1);
    assert!(refusal(&outcome).starts_with("the certificate was not logged"), "{}", refusal(&outcome));
}

#[test]
#[ignore = "needs Fulcio, Rekor and cosign: make test"]
fn a_token_that_has_expired_is_told() {
    let (sigstore, registry, dir) = (Sigstore::start_without_ct(), Registry::with_referrers(), Repo::plain());
    registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    let old = sigstore.token(
        "email",
        &json!({ "sub": "a", "email": "ada@example.com", "email_verified": true, "exp": 1_700_000_000 }),
    );
    let outcome = signing(pipe(dir.path(), &sigstore), &sigstore, &image).env("SIGSTORE_ID_TOKEN", old).run().expect(2);
    assert!(outcome.stderr.contains("expired at 2023-11-14"), "{}", outcome.stderr);
    let outcome =
        signing(pipe(dir.path(), &sigstore), &sigstore, &image).env("SIGSTORE_ID_TOKEN", "no token").run().expect(2);
    assert!(outcome.stderr.contains("is not a JWT"), "{}", outcome.stderr);
}
