//! A demand on keyless signatures is applied, or the run does not pass: the part of sign-pipe's `tests/strict.rs` that needs
//! certificates.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use pipewright_harness::components::{Registry, Sigstore};
use pipewright_harness::keyless::{COMMIT, WORKFLOW, pipe, signing, verifying};
use pipewright_harness::stricter::OF_SIGN;
use pipewright_harness::{Keys, Pipe, Repo};

/// The instance gives every certificate an SCT and every signature a log entry.
const MET: [&str; 2] = ["REQUIRE_TLOG", "REQUIRE_SCT"];

#[test]
#[ignore = "needs Fulcio and Rekor: make test"]
fn an_impossible_demand_on_certificates_is_never_passed() {
    let (sigstore, registry, dir, keys) = (Sigstore::start(), Registry::with_referrers(), Repo::plain(), Keys::new());
    registry.push_image("org/app", "1", "one");
    dir.write("app.tgz", "a chart");
    let image = format!("{}/org/app:1", registry.host());
    let sign = || signing(pipe(dir.path(), &sigstore), &sigstore, &image);
    let sign_file = || {
        let token = sigstore.github_token("org/app", "refs/heads/main", COMMIT);
        pipe(dir.path(), &sigstore).env("FILES", "app.tgz").env("SIGSTORE_ID_TOKEN", token)
    };
    let verify = || verifying(dir.path(), &sigstore, &image).env("CERTIFICATE_IDENTITY", WORKFLOW);
    let verify_file = || verify().env("IMAGE", "").env("FILES", "app.tgz");
    // The certificate authority does not accept this token, so that the key signs.
    let fallback = || {
        let claims = br#"{"iss":"https://issuer.example","sub":"x","exp":4102444800}"#;
        let token = format!("e30.{}.e30", URL_SAFE_NO_PAD.encode(claims));
        pipe(dir.path(), &sigstore)
            .env("IMAGE", &image)
            .env("SIGSTORE_ID_TOKEN", token)
            .env("COSIGN_PRIVATE_KEY", &keys.private)
    };
    let modes: [(&str, &dyn Fn() -> Pipe); 6] = [
        ("sign and verify", &sign),
        ("sign only", &|| sign().env("VERIFY", "false")),
        ("verify only", &verify),
        ("sign and verify files", &sign_file),
        ("verify files only", &verify_file),
        ("a key instead", &fallback),
    ];
    let mut passed = Vec::new();
    for (mode, run) in modes {
        assert_eq!(run().run().expect(0).report()["verdict"], "passed", "{mode}");
        for (name, value) in OF_SIGN {
            let met = mode != "sign only" && mode != "a key instead" && MET.contains(name);
            let signed = *name == "SIGNATURE_ANNOTATIONS" && !mode.contains("files") && mode != "verify only";
            if met || signed {
                continue;
            }
            let outcome = run().env(name, value).run();
            let warned = is_shared(name) && outcome.report()["verdict"] == "warned";
            if outcome.code == Some(0) && !warned {
                passed.push(format!("{mode}: {name}"));
            }
        }
    }
    assert!(passed.is_empty(), "dropped without a word:\n{}", passed.join("\n"));
    // What is met passes, on a run that signs too.
    for (name, value) in [("CERTIFICATE_REF", "main"), ("CERTIFICATE_COMMIT", COMMIT), ("CERTIFICATE_TRIGGER", "push")]
    {
        sign().env(name, value).run().expect(0);
    }
}

/// Whether others read the bare name as well, so that a warning is enough for it.
fn is_shared(name: &str) -> bool {
    sign_pipe::SPEC.vars().any(|var| var.name == name && var.shared)
}
