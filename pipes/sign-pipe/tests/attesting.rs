//! Attestations: made of what, and what they have to say to count.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::{Keys, signing, statements, verifying};
use pipewright_harness::{MemoryRegistry, Repo};
use serde_json::{Value, json};

const SBOM: &str =
    "{\n  \"bomFormat\": \"CycloneDX\",   \"components\": [ {\"name\": \"a\", \"big\": 12345678901234567890123} ]\n}";

fn image() -> (MemoryRegistry, String, String) {
    let registry = MemoryRegistry::start();
    let digest = registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    (registry, digest, image)
}

fn of_type<'a>(statements: &'a [Value], uri: &str) -> &'a Value {
    statements.iter().find(|statement| statement["predicateType"] == uri).expect(uri)
}

/// Seed 000's `attach sbom`, which signs nothing, is an attestation here.
#[test]
fn an_sbom_is_attested_byte_for_byte() {
    let (registry, digest, image) = image();
    let (dir, keys) = (Repo::plain(), Keys::new());
    dir.write("sbom.json", SBOM);
    let outcome = signing(dir.path(), &keys, &image).env("REQUIRE_ATTESTATIONS", "sbom").run().expect(0);
    assert!(outcome.stdout.contains("cyclonedx"), "{}", outcome.stdout);
    let payloads = registry.payloads("app", &digest);
    let payload = payloads.iter().find(|payload| payload.contains("cyclonedx")).unwrap();
    assert!(payload.contains(SBOM), "{payload}");
    let statements = statements(&registry, "app", &digest);
    let statement = of_type(&statements, "https://cyclonedx.org/bom");
    assert_eq!(statement["subject"][0]["name"], format!("{}/app", registry.host()));
    assert_eq!(outcome.report()["images"][0]["attestations"], json!(["https://cyclonedx.org/bom"]));
}

#[test]
fn what_is_asked_for_and_not_there_is_a_mistake() {
    let (registry, digest, image) = image();
    let (dir, keys) = (Repo::plain(), Keys::new());
    for (name, value, told) in [
        ("ATTEST_SBOM", "true", "SBOM_FILE: required, since ATTEST_SBOM=true"),
        ("ATTEST_SCAN", "true", "SCAN_FILE: required, since ATTEST_SCAN=true"),
        ("ATTEST_PROVENANCE", "true", "ATTEST_PROVENANCE: needs a CI or a checkout"),
        ("SBOM_FILE", "none.json", "no such file"),
        ("SCAN_FILE", "none.sarif", "no such file"),
        ("PREDICATE_FILE", "none.json", "no such file"),
        ("PREDICATE_TYPE", "no type", "expected a URI"),
    ] {
        let outcome = signing(dir.path(), &keys, &image).env(name, value).run().expect(2);
        assert!(outcome.stderr.contains(told), "{name}: {}", outcome.stderr);
    }
    assert_eq!(registry.referrers("app", &digest).len(), 0);
    // Left at their defaults, there is nothing to attest and nothing wrong.
    signing(dir.path(), &keys, &image).run().expect(0);
    dir.write("sbom.json", "no JSON");
    let outcome = signing(dir.path(), &keys, &image).run().expect(2);
    assert!(outcome.stderr.contains("\"sbom.json\": is not valid JSON"), "{}", outcome.stderr);
    signing(dir.path(), &keys, &image).env("ATTEST_SBOM", "false").run().expect(0);
    dir.write("sbom.json", "{}");
    let outcome = signing(dir.path(), &keys, &image).run().expect(2);
    assert!(outcome.stderr.contains("neither CycloneDX nor SPDX"), "{}", outcome.stderr);
}

/// `cosign attest --type vuln` stores a SARIF as `null`.
#[test]
fn a_scan_result_keeps_its_content_and_says_what_was_scanned() {
    let (registry, digest, image) = image();
    let (dir, keys) = (Repo::plain(), Keys::new());
    let sarif = json!({ "version": "2.1.0", "runs": [{ "tool": { "driver": { "name": "scanner", "version": "3" } },
        "results": [{ "ruleId": "CVE-1", "level": "note", "properties": { "security-severity": "7.5" } }] }] });
    dir.write("scan.sarif", sarif.to_string());
    let run = |target: &str| {
        let pipe =
            signing(dir.path(), &keys, &image).env("SCAN_FILE", "scan.sarif").env("REQUIRE_ATTESTATIONS", "vuln");
        if target.is_empty() { pipe } else { pipe.env("SCAN_TARGET", target) }
    };
    let outcome = run("image").run().expect(0);
    let all = statements(&registry, "app", &digest);
    let predicate = &of_type(&all, "https://cosign.sigstore.dev/attestation/vuln/v1")["predicate"];
    assert_eq!(predicate["scanner"]["result"], sarif);
    assert_eq!(predicate["scanner"]["version"], "3");
    assert_eq!(predicate["target"], json!({ "kind": "image", "digest": digest }));
    assert!(outcome.stdout.contains("vuln"), "{}", outcome.stdout);

    let verify = || verifying(dir.path(), &keys, &image).env("REQUIRE_ATTESTATIONS", "vuln");
    verify().run().expect(0);
    let outcome = verify().env("FAIL_ON_HIGH", "true").run().expect(1);
    assert!(outcome.stdout.contains("1 finding of severity high or above"), "{}", outcome.stdout);
    // The newest counts; here one of the tree.
    std::thread::sleep(std::time::Duration::from_millis(1100));
    dir.write("scan.sarif", sarif.to_string().replace("CVE-1", "CVE-2"));
    run("tree").run().expect(1);
    let outcome = verify().run().expect(1);
    assert!(outcome.stdout.contains("of a source tree and not of the image"), "{}", outcome.stdout);
}

#[test]
fn any_predicate_goes_by_type_and_file() {
    let (registry, digest, image) = image();
    let (dir, keys) = (Repo::plain(), Keys::new());
    dir.write("tests.json", r#"{ "result":"PASSED" }"#);
    let uri = "https://in-toto.io/attestation/test-result/v0.1";
    signing(dir.path(), &keys, &image)
        .env("PREDICATE_FILE", "tests.json")
        .env("PREDICATE_TYPE", uri)
        .env("REQUIRE_ATTESTATIONS", uri)
        .run()
        .expect(0);
    let payloads = registry.payloads("app", &digest);
    assert!(payloads.iter().any(|payload| payload.contains(r#""predicate":{ "result":"PASSED" }"#)), "{payloads:?}");
    let outcome = verifying(dir.path(), &keys, &image).env("REQUIRE_ATTESTATIONS", "openvex").run().expect(1);
    assert!(outcome.stdout.contains("openvex is required: no verified attestation of this type"), "{}", outcome.stdout);
}

/// Whatever the number of images and of documents.
#[test]
fn one_large_document_is_in_memory_at_a_time() {
    const SIZE: usize = 6 << 20;
    let (registry, dir, keys) = (MemoryRegistry::start(), Repo::plain(), Keys::new());
    let images: Vec<String> = (0..10)
        .map(|number| {
            registry.push_image("app", &number.to_string(), &number.to_string());
            format!("{}/app:{number}", registry.host())
        })
        .collect();
    for name in ["a.json", "b.json"] {
        let component = format!(r#"{{"name":"{}"}}"#, name.repeat(SIZE / name.len()));
        dir.write(name, format!(r#"{{"bomFormat":"CycloneDX","components":[{component}]}}"#));
    }
    let outcome = signing(dir.path(), &keys, &images.join(",")).env("SBOM_FILE", "a.json,b.json").run().expect(0);
    let allowed = 64 * 1024 + 5 * SIZE as u64 / 1024;
    assert!(outcome.peak_kb < allowed, "{} kB of {allowed}", outcome.peak_kb);
}

/// It is attested, and a verifier that requires an SBOM refuses it later.
#[test]
fn an_sbom_that_lists_nothing_is_a_warning() {
    let (_registry, _, image) = image();
    for (sbom, empty) in [
        (r#"{"bomFormat":"CycloneDX"}"#, true),
        (r#"{"spdxVersion":"SPDX-2.3","packages":[{"name":"app"}],"documentDescribes":["app"]}"#, true),
        (r#"{"bomFormat":"CycloneDX","components":[{"name":"a"}]}"#, false),
    ] {
        let (dir, keys) = (Repo::plain(), Keys::new());
        dir.write("sbom.json", sbom);
        let outcome = signing(dir.path(), &keys, &image).run().expect(0);
        assert_eq!(outcome.report()["verdict"], if empty { "warned" } else { "passed" }, "{sbom}");
        let last = outcome.stdout.lines().last().unwrap_or_default();
        assert_eq!(last.contains("sbom.json lists no components"), empty, "{last}");
        let required = verifying(dir.path(), &keys, &image).env("REQUIRE_ATTESTATIONS", "sbom");
        required.run().expect(i32::from(empty));
    }
}

#[test]
fn policies_are_about_what_an_attestation_says() {
    let (_registry, _, image) = image();
    let (dir, keys) = (Repo::plain(), Keys::new());
    dir.write(
        "sbom.json",
        r#"{"bomFormat":"CycloneDX","metadata":{"timestamp":"2020-01-01T00:00:00Z"},"components":[]}"#,
    );
    let outcome = signing(dir.path(), &keys, &image).env("REQUIRE_ATTESTATIONS", "sbom").run().expect(1);
    assert!(outcome.stdout.contains("the SBOM lists no components"), "{}", outcome.stdout);
    dir.write(
        "sbom.json",
        r#"{"bomFormat":"CycloneDX","metadata":{"timestamp":"2021-01-01T00:00:00Z"},"components":[{"name":"a"}]}"#,
    );
    signing(dir.path(), &keys, &image).env("REQUIRE_ATTESTATIONS", "sbom").run().expect(0);
    let outcome = verifying(dir.path(), &keys, &image)
        .env("REQUIRE_ATTESTATIONS", "sbom")
        .env("MAX_AGE_DAYS", "30")
        .run()
        .expect(1);
    assert!(outcome.stdout.contains("it is from 2021-01-01 and older than 30 days"), "{}", outcome.stdout);
    // Whoever else attests it does not count.
    let stranger = Keys::new();
    let outcome = verifying(dir.path(), &stranger, &image).env("REQUIRE_ATTESTATIONS", "sbom").run().expect(1);
    assert!(outcome.stdout.contains("sbom is required: no verified attestation of this type"), "{}", outcome.stdout);
}

#[test]
fn provenance_tells_the_run() {
    let (registry, digest, image) = image();
    let (dir, keys) = (Repo::new(), Keys::new());
    dir.write("a.txt", "a");
    let commit = dir.commit("Begin");
    signing(dir.path(), &keys, &image)
        .env("BITBUCKET_BUILD_NUMBER", "12")
        .env("BITBUCKET_REPO_FULL_NAME", "org/app")
        .env("BITBUCKET_WORKSPACE", "org")
        .env("BITBUCKET_REPO_SLUG", "app")
        .env("BITBUCKET_COMMIT", &commit)
        .env("BITBUCKET_BRANCH", "main")
        .env("REQUIRE_ATTESTATIONS", "provenance")
        .run()
        .expect(0);
    let all = statements(&registry, "app", &digest);
    let predicate = &of_type(&all, "https://slsa.dev/provenance/v1")["predicate"];
    let definition = &predicate["buildDefinition"];
    assert_eq!(definition["externalParameters"]["workflow"]["ref"], "refs/heads/main");
    assert_eq!(definition["resolvedDependencies"][0]["digest"]["gitCommit"], commit);
    assert_eq!(predicate["runDetails"]["builder"]["id"], "https://bitbucket.org");
    assert!(!predicate.to_string().to_lowercase().contains("level"));
}

/// A job's token and its environment say different things: somebody set a variable.
#[test]
fn an_environment_that_contradicts_the_token_signs_nothing() {
    use base64::Engine;
    let (registry, digest, image) = image();
    let (dir, keys) = (Repo::new(), Keys::new());
    let commit = dir.write("a", "a").commit("Begin");
    let claims = json!({
        "iss": "https://token.actions.githubusercontent.com", "sub": "repo:org/app:ref:refs/heads/main",
        "aud": "sigstore", "exp": 4_000_000_000u64, "repository": "org/app", "ref": "refs/heads/main", "sha": commit,
        "run_id": "1", "job_workflow_ref": "org/app/.github/workflows/ci.yml@refs/heads/main",
        "workflow_ref": "org/app/.github/workflows/ci.yml@refs/heads/main",
    });
    let token = format!("e30.{}.c2ln", base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(claims.to_string()));
    let run = |repository: &str| {
        signing(dir.path(), &keys, &image)
            .env("SIGNING_MODE", "key")
            .env("SIGSTORE_ID_TOKEN", &token)
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_REPOSITORY", repository)
            .env("GITHUB_SHA", &commit)
            .env("GITHUB_REF", "refs/heads/main")
            .env("GITHUB_RUN_ID", "1")
    };
    let outcome = run("org/other").run().expect(1);
    let told = r#"GITHUB_REPOSITORY is "org/other", and the job's token says "org/app""#;
    assert!(outcome.stdout.contains(told), "{}", outcome.stdout);
    assert_eq!(registry.referrers("app", &digest).len(), 0);
    let outcome = run("org/app").run().expect(0);
    let all = statements(&registry, "app", &digest);
    let predicate = &of_type(&all, "https://slsa.dev/provenance/v1")["predicate"];
    assert_eq!(
        predicate["runDetails"]["builder"]["id"],
        "https://github.com/org/app/.github/workflows/ci.yml@refs/heads/main"
    );
    assert_eq!(predicate["buildDefinition"]["externalParameters"]["workflow"]["path"], ".github/workflows/ci.yml");
    assert!(!outcome.output().contains(&token));
}
