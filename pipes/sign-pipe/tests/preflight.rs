//! Everything that a variable names is looked at before anything is signed.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use common::{Keys, signing, verifying};
use pipewright_harness::{MemoryRegistry, Pipe, Repo};

const SPDX: &str = r#"{"spdxVersion":"SPDX-2.3","packages":[{"name":"a"}]}"#;
const CYCLONEDX: &str = r#"{"bomFormat":"CycloneDX","components":[{"name":"a"}]}"#;

#[test]
fn a_document_that_cannot_be_attested_stops_the_run_before_it_signs() {
    let (registry, dir, keys) = (MemoryRegistry::start(), Repo::plain(), Keys::new());
    let digest = registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    dir.write("empty.json", "{}").write("broken.json", "{").write("spdx.json", SPDX).write("cyclonedx.json", CYCLONEDX);
    dir.write("large.json", " ".repeat((64 << 20) + 1)).write("binary.json", [0xff, 0xfe, 0x00]);
    let before = registry.requests().len();
    for (variables, told) in [
        (&[("SBOM_FILE", "empty.json")][..], "SBOM_FILE: \"empty.json\""),
        (&[("SBOM_FILE", "cyclonedx.json,broken.json")], "SBOM_FILE: \"broken.json\": is not valid JSON"),
        (&[("SBOM_FILE", "large.json")], "SBOM_FILE: \"large.json\""),
        (&[("SBOM_FILE", "binary.json")], "SBOM_FILE: \"binary.json\""),
        (&[("SCAN_FILE", "broken.json")], "SCAN_FILE: \"broken.json\": is not valid JSON"),
        (&[("SCAN_FILE", "spdx.json")], "SCAN_FILE: \"spdx.json\": is neither SARIF nor a report"),
        (&[("PREDICATE_FILE", "broken.json")], "PREDICATE_FILE: \"broken.json\": is not valid JSON"),
        (
            &[("PREDICATE_FILE", "cyclonedx.json"), ("PREDICATE_TYPE", "spdx")],
            "PREDICATE_FILE: \"cyclonedx.json\": expected a document of the type spdx",
        ),
        (&[("SIGSTORE_ID_TOKEN", "garbage")], "SIGSTORE_ID_TOKEN: the identity token is not a JWT"),
        (&[("EXPECTED_DIGEST", "sha256:abc")], "EXPECTED_DIGEST: \"sha256:abc\": expected a digest"),
    ] {
        let outcome = signing(dir.path(), &keys, &image).envs(variables).run().expect(2);
        assert!(outcome.stderr.contains(told), "{told}: {}", outcome.stderr);
    }
    assert_eq!(registry.requests().len(), before, "nothing is asked, and nothing is written");
    let usable = [("PREDICATE_FILE", "spdx.json"), ("PREDICATE_TYPE", "spdx")];
    signing(dir.path(), &keys, &image).envs(&usable).env("SBOM_FILE", "cyclonedx.json").run().expect(0);
    assert_eq!(registry.referrers("app", &digest).len(), 3);
}

#[test]
fn a_file_that_cannot_be_signed_stops_the_run_before_it_signs() {
    let (dir, keys) = (Repo::plain(), Keys::new());
    dir.write("dist/app.tgz", "a chart")
        .write("good.tgz", "another")
        .write("dist/app.tgz.sigstore.json", "{\"mine\":1}");
    let sign = |files: &str| {
        Pipe::at(common::BINARY, dir.path()).env("FILES", files).env("COSIGN_PRIVATE_KEY", &keys.private).run()
    };
    for (files, told) in [
        ("good.tgz,dist", "\"dist\": a directory. Name the files in it"),
        ("good.tgz,dist/*.tgz", "\"dist/*.tgz\": patterns are not expanded. Name each file"),
        ("good.tgz,none.tgz", "\"none.tgz\": no such file"),
        ("good.tgz,/dev/null", "\"/dev/null\": not a regular file"),
        ("good.tgz,dist/app.tgz", "dist/app.tgz.sigstore.json exists and is not a Sigstore bundle"),
    ] {
        let outcome = sign(files).expect(2);
        assert!(outcome.stderr.contains(told), "{told}: {}", outcome.stderr);
        assert!(!dir.join("good.tgz.sigstore.json").exists(), "{files}");
    }
    sign("good.tgz").expect(0);
    sign("good.tgz").expect(0);
}

#[test]
fn a_list_of_images_may_have_comments() {
    let (registry, dir, keys) = (MemoryRegistry::start(), Repo::plain(), Keys::new());
    registry.push_image("app", "1", "one");
    let image = format!("{}/app:1", registry.host());
    signing(dir.path(), &keys, &image).run().expect(0);
    dir.write("images.txt", format!("# ours, all of them\n{image}\n  # the end\n"));
    let outcome = verifying(dir.path(), &keys, "").env("IMAGE_FILE", "images.txt").run().expect(0);
    assert!(outcome.stdout.contains("1 image verified"), "{}", outcome.stdout);
}

/// The account of another registry is not used, which is said.
#[test]
fn an_account_for_another_registry_is_noticed() {
    let (registry, dir, keys) = (MemoryRegistry::start(), Repo::plain(), Keys::new());
    registry.push_image("app", "1", "one");
    let host = registry.host();
    let outcome = |named: &str| {
        let pipe = signing(dir.path(), &keys, &format!("{host}/app:1"));
        let pipe =
            pipe.env("DOCKER_REGISTRY", named).env("DOCKER_USERNAME", "ada").env("DOCKER_PASSWORD", "Xq7Lw2Rt9Vb");
        pipe.run().expect(0).output()
    };
    let told = format!("DOCKER_USERNAME is for DOCKER_REGISTRY=reg.example, and the images are at {host}");
    assert!(outcome("reg.example").contains(&told));
    assert!(!outcome(&host).contains("DOCKER_USERNAME is for"));
    assert!(!outcome(&format!("https://{host}/")).contains("DOCKER_USERNAME is for"));
}
