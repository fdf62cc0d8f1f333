//! One run of a pipeline through the pipes that there are: scanned, signed, verified by others, announced. What one leaves
//! behind is what the next one reads.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use pipewright_harness::components::{Cosign, KeyKind, KeyPair, PASSWORD, Registry};
use pipewright_harness::{Outcome, Pipe, Reply, Repo, Server, root};

/// The documents that describe a report hold it.
#[track_caller]
fn as_described(outcome: &Outcome) {
    let report = outcome.report();
    for schema in ["report.v1.schema.json", "sign-pipe-report.v1.schema.json"] {
        let schema = std::fs::read(root().join("docs/schemas").join(schema)).unwrap();
        let validator = jsonschema::validator_for(&serde_json::from_slice(&schema).unwrap()).unwrap();
        let errors: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
        assert!(errors.is_empty(), "{errors:?}\n{report}");
    }
}

#[test]
#[ignore = "needs docker-registry and cosign: make test"]
fn an_image_is_scanned_signed_attested_verified_and_announced() {
    let registry = Registry::without_referrers();
    let repo = Repo::new();
    repo.write("Cargo.lock", "version = 4\n\n[[package]]\nname = \"shop\"\nversion = \"1.2.3\"\n");
    let commit = repo.commit("Begin");
    let key = KeyPair::new(KeyKind::Cosign, repo.path());
    let tag = &commit[..7];
    let digest = registry.push_image("org/shop", tag, "the shop");

    Pipe::new("security-pipe", repo.path()).env("OSV_DB_PATH", root().join("examples/demo/advisories")).run().expect(0);
    let sign = || {
        Pipe::new("sign-pipe", repo.path())
            .env("DOCKER_REGISTRY", registry.host())
            .env("DOCKER_REPOSITORY", "org/shop")
            .env("COSIGN_PASSWORD", PASSWORD)
    };
    let outcome = sign()
        .env("COSIGN_PRIVATE_KEY_FILE", &key.private)
        .env("ATTEST_SBOM", "true")
        .env("SIGNATURE_FORMAT", "bundle,legacy")
        .run()
        .expect(0);
    as_described(&outcome);

    let image = format!("{}/org/shop@{digest}", registry.host());
    let public = format!("--key={}", key.public.display());
    for cosign in [Cosign::v2, Cosign::v3] {
        let common = [public.as_str(), "--insecure-ignore-tlog", "--allow-http-registry"];
        cosign().args(["verify"]).args(common).args([image.as_str()]).run().expect_success();
        cosign()
            .args(["verify-attestation", "--type=cyclonedx"])
            .args(common)
            .args([image.as_str()])
            .run()
            .expect_success();
    }

    let sink = Server::start(|_| Reply::Send(200, Vec::new(), b"ok".to_vec()));
    Pipe::new("notify-pipe", repo.path())
        .env("SLACK_WEBHOOK_URL", format!("{}/services/x", sink.url()))
        .env("STATUS", "success")
        .env("ENVIRONMENT", "dev")
        .run()
        .expect(0);
    let [message] = sink.requests().try_into().unwrap_or_else(|all| panic!("{all:?}"));
    let text = String::from_utf8(message.body).unwrap();
    for part in [tag, "org/shop", &digest[7..19], "signed", "SBOM", "dev"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
#[ignore = "needs docker-registry and cosign: make test"]
fn what_comes_of_a_finding_in_the_image_is_told_all_the_way() {
    let (registry, repo) = (Registry::with_referrers(), Repo::new());
    repo.write("a.txt", "one");
    repo.commit("Begin");
    let key = KeyPair::new(KeyKind::P256, repo.path());
    registry.push_image("org/shop", "1", "the shop");
    repo.write(
        "trivy.sarif",
        r#"{"version":"2.1.0","runs":[{"tool":{"driver":{"name":"Trivy","rules":[{"id":"CVE-2026-1",
            "properties":{"security-severity":"9.8"}}]}},"results":[{"ruleId":"CVE-2026-1","message":{"text":"bad"}}]}]}"#,
    );
    let image = format!("{}/org/shop:1", registry.host());
    let signed = Pipe::new("sign-pipe", repo.path())
        .env("IMAGE", &image)
        .env("COSIGN_PRIVATE_KEY_FILE", &key.private)
        .env("SCAN_FILE", "trivy.sarif")
        .env("SCAN_TARGET", "image")
        .run()
        .expect(0);
    as_described(&signed);
    let verified = Pipe::new("sign-pipe", repo.path())
        .env("SIGN", "false")
        .env("IMAGE", &image)
        .env("COSIGN_PUBLIC_KEY_FILE", &key.public)
        .env("REQUIRE_ATTESTATIONS", "vuln")
        .run()
        .expect(1);
    assert!(verified.stdout.contains("critical"), "{}", verified.stdout);
    as_described(&verified);

    let sink = Server::start(|_| Reply::Send(200, Vec::new(), b"ok".to_vec()));
    Pipe::new("notify-pipe", repo.path())
        .env("SLACK_WEBHOOK_URL", format!("{}/services/x", sink.url()))
        .env("STATUS", "error")
        .run()
        .expect(0);
    let text = String::from_utf8(sink.requests().remove(0).body).unwrap();
    assert!(text.contains("Signing") && text.contains("critical"), "{text}");
}
