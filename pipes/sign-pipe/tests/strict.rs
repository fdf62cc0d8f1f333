//! A variable that can only make the verdict stricter is applied, or the run does not pass.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{Keys, signing, verifying};
use pipewright_harness::stricter::OF_SIGN;
use pipewright_harness::{MemoryRegistry, Pipe, Repo};

/// The variables of sign-pipe that name a target, a place or a way, or that allow more: no value of them is a demand.
const OTHERS: &[&str] = &[
    "ACTION",
    "ATTEST_PROVENANCE",
    "ATTEST_SBOM",
    "ATTEST_SCAN",
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_ECR",
    "AWS_ENDPOINT_URL_KMS",
    "AWS_ENDPOINT_URL_STS",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_WEB_IDENTITY_TOKEN",
    "BUNDLE_DIR",
    "COSIGN_PASSWORD",
    "COSIGN_PRIVATE_KEY",
    "DOCKER_AUTH_CONFIG",
    "DOCKER_CONFIG",
    "DOCKER_PASSWORD",
    "DOCKER_REGISTRY",
    "DOCKER_REPOSITORY",
    "DOCKER_USERNAME",
    "FILES",
    "FULCIO_URL",
    "IMAGE",
    "IMAGE_TAG",
    "KEY_DIR",
    "KMS_KEY",
    "OIDC_AUDIENCE",
    "PREDICATE_FILE",
    "PREDICATE_TYPE",
    "RECURSIVE",
    "REGISTRY_PLAIN_HTTP",
    "REKOR_URL",
    "REKOR_VERSION",
    "SBOM_FILE",
    "SCAN_FILE",
    "SCAN_TARGET",
    "SIGN",
    "SIGNATURE_FORMAT",
    "SIGNATURE_REPOSITORY",
    "SIGNING_CONFIG",
    "SIGNING_MODE",
    "SIGSTORE_ID_TOKEN",
    "SIGSTORE_INSTANCE",
    "TLOG_UPLOAD",
    "TRUSTED_ROOT",
    "TSA_URL",
    "TUF_ROOT",
    "TUF_URL",
    "VAULT_ADDR",
    "VAULT_TOKEN",
    "VAULT_TRANSIT_PATH",
    "VERIFY",
];

/// A new variable has to be looked at: can it only make the verdict stricter?
#[test]
fn every_variable_is_a_demand_or_none() {
    let declared: BTreeSet<&str> =
        sign_pipe::SPEC.groups.iter().flat_map(|group| group.vars).map(|var| var.name).collect();
    let known: BTreeSet<&str> = OF_SIGN.iter().map(|(name, _)| *name).chain(OTHERS.iter().copied()).collect();
    assert_eq!(declared, known);
}

/// An image and a file that `keys` signed, with an SBOM and a scan result that are old and bad.
struct Signed {
    registry: MemoryRegistry,
    dir: Repo,
    keys: Keys,
}

impl Signed {
    fn new() -> Signed {
        let signed = Signed { registry: MemoryRegistry::start(), dir: Repo::plain(), keys: Keys::new() };
        signed.registry.push_image("app", "1", "one");
        signed.dir.write("app.tgz", "a chart");
        signed.dir.write(
            "old.cdx.json",
            r#"{"bomFormat":"CycloneDX","metadata":{"timestamp":"2020-01-01T00:00:00Z"},"components":[{"name":"a"}]}"#,
        );
        let result = |level: &str| format!(r#"{{"ruleId":"{level}","level":"error","message":{{"text":"x"}}}}"#);
        let rule = |id: &str, score: &str| format!(r#"{{"id":"{id}","properties":{{"security-severity":"{score}"}}}}"#);
        signed.dir.write(
            "scan.sarif",
            format!(
                r#"{{"version":"2.1.0","runs":[{{"tool":{{"driver":{{"name":"x","rules":[{},{}]}}}},"results":[{},{}]}}]}}"#,
                rule("high", "8.0"),
                rule("critical", "9.8"),
                result("high"),
                result("critical")
            ),
        );
        signed
            .attesting(signing(signed.dir.path(), &signed.keys, &signed.image()))
            .env("VERIFY", "false")
            .run()
            .expect(0);
        signed.files(true).env("VERIFY", "false").run().expect(0);
        signed
    }

    fn image(&self) -> String {
        format!("{}/app:1", self.registry.host())
    }

    fn attesting(&self, pipe: Pipe) -> Pipe {
        pipe.env("SBOM_FILE", "old.cdx.json").env("SCAN_FILE", "scan.sarif").env("SCAN_TARGET", "image")
    }

    fn files(&self, sign: bool) -> Pipe {
        let pipe = Pipe::at(common::BINARY, self.dir.path()).env("FILES", "app.tgz");
        if sign {
            pipe.env("COSIGN_PRIVATE_KEY", &self.keys.private)
        } else {
            pipe.env("SIGN", "false").env("COSIGN_PUBLIC_KEY", &self.keys.public)
        }
    }
}

/// A way to run the pipe, by its name.
type Mode = (&'static str, fn(&Signed, &Path) -> Pipe);

const MODES: &[Mode] = &[
    ("sign and verify", |signed, dir| signing(dir, &signed.keys, &signed.image())),
    ("sign only", |signed, dir| signing(dir, &signed.keys, &signed.image()).env("VERIFY", "false")),
    ("verify only", |signed, dir| verifying(dir, &signed.keys, &signed.image())),
    ("sign and verify files", |signed, _| signed.files(true)),
    ("sign files only", |signed, _| signed.files(true).env("VERIFY", "false")),
    ("verify files only", |signed, _| signed.files(false)),
    ("sign and verify image and file", |signed, _| signed.files(true).env("IMAGE", signed.image())),
    ("verify image and file only", |signed, _| signed.files(false).env("IMAGE", signed.image())),
    ("verify attestations", |signed, dir| {
        let pipe = verifying(dir, &signed.keys, &signed.image());
        pipe.env("REQUIRE_ATTESTATIONS", "sbom,vuln").env("FAIL_ON_CRITICAL", "false")
    }),
    ("sign and verify attestations", |signed, _| {
        let pipe = signed.attesting(signing(signed.dir.path(), &signed.keys, &signed.image()));
        pipe.env("REQUIRE_ATTESTATIONS", "sbom,vuln").env("FAIL_ON_CRITICAL", "false")
    }),
    ("make a pair of keys", |_, dir| Pipe::at(common::BINARY, dir).env("ACTION", "generate-key-pair")),
];

/// For the whole job, or for this pipe only.
#[test]
fn an_impossible_demand_is_never_passed_in_any_mode() {
    let signed = Signed::new();
    let offline = |pipe: Pipe| pipe.env("RETRIES", "0").env("HTTPS_PROXY", "http://127.0.0.1:1");
    let mut passed = Vec::new();
    for (mode, pipe) in MODES {
        let dir = Repo::plain();
        let outcome = offline(pipe(&signed, dir.path())).run().expect(0);
        assert_eq!(outcome.report()["verdict"], "passed", "{mode}");
        for (name, value) in OF_SIGN {
            // A run that signs gives its signature these annotations.
            if *name == "SIGNATURE_ANNOTATIONS"
                && mode.contains("sign")
                && !mode.ends_with("files")
                && !mode.ends_with("files only")
            {
                continue;
            }
            // The forms differ only for names that others read.
            let prefixes: &[&str] = if is_shared(name) { &["", "INPUT_", "PIPEWRIGHT_"] } else { &[""] };
            for prefix in prefixes {
                let dir = Repo::plain();
                let outcome = offline(pipe(&signed, dir.path()).env(format!("{prefix}{name}"), value)).run();
                let warned = prefix.is_empty() && is_shared(name) && outcome.report()["verdict"] == "warned";
                if outcome.code == Some(0) && !warned {
                    passed.push(format!("{mode}: {prefix}{name}"));
                }
                assert!(!warned || outcome.output().contains(&format!("{name} has no effect")), "{}", outcome.output());
            }
        }
    }
    assert!(passed.is_empty(), "dropped without a word:\n{}", passed.join("\n"));
}

#[test]
fn a_demand_without_effect_is_a_mistake_with_its_way_out() {
    let signed = Signed::new();
    let verify = || verifying(signed.dir.path(), &signed.keys, &signed.image());
    for (pipe, told) in [
        (
            verify().env("CERTIFICATE_COMMIT", "abc"),
            "CERTIFICATE_COMMIT: has no effect on signatures by a key, and COSIGN_PUBLIC_KEY is set. Unset COSIGN_PUBLIC_KEY, or \
             unset it",
        ),
        (
            verify().env("INPUT_FAIL_ON_HIGH", "true"),
            "INPUT_FAIL_ON_HIGH: has no effect unless REQUIRE_ATTESTATIONS lists vuln",
        ),
        (verify().env("MAX_AGE_DAYS", "1"), "MAX_AGE_DAYS: has no effect without REQUIRE_ATTESTATIONS"),
        (signed.files(false).env("RECURSIVE", "true"), "RECURSIVE: has no effect on files. Set IMAGE"),
        (
            signed.files(true).env("VERIFY", "false").env("REQUIRE_TLOG", "true"),
            "REQUIRE_TLOG: has no effect with VERIFY=false. Set VERIFY=true",
        ),
    ] {
        let outcome = pipe.run().expect(2);
        assert!(outcome.stderr.contains(told), "{told}: {}", outcome.stderr);
    }
    // The pair of the key that signs is compared.
    let sign = || signing(signed.dir.path(), &signed.keys, &signed.image()).env("VERIFY", "false");
    sign().env("COSIGN_PUBLIC_KEY", &signed.keys.public).run().expect(0);
    sign().env("COSIGN_PUBLIC_KEY", Keys::new().public).run().expect(2);
}

/// As `cosign verify -a` does.
#[test]
fn a_signature_without_the_annotations_that_are_asked_for_is_not_accepted() {
    for format in ["bundle", "legacy"] {
        let (registry, dir, keys) = (MemoryRegistry::start(), Repo::plain(), Keys::new());
        registry.push_image("app", "1", "one");
        let image = format!("{}/app:1", registry.host());
        let sign = signing(dir.path(), &keys, &image).env("SIGNATURE_FORMAT", format);
        sign.env("SIGNATURE_ANNOTATIONS", "release=1.2.3,team=shop").run().expect(0);
        for (asked, code) in
            [("release=1.2.3", 0), ("team=shop,release=1.2.3", 0), ("release=9", 1), ("release=1.2.3,other=x", 1)]
        {
            let outcome = verifying(dir.path(), &keys, &image).env("SIGNATURE_ANNOTATIONS", asked).run().expect(code);
            let named = outcome.stdout.contains("annotation \"release\" is \"1.2.3\", expected \"9\"")
                || outcome.stdout.contains("annotation \"other\" is not set, expected \"x\"");
            assert_eq!(named, code == 1, "{format} {asked}: {}", outcome.stdout);
        }
    }
}

/// Whether others read the bare name as well, so that a warning is enough for it.
fn is_shared(name: &str) -> bool {
    sign_pipe::SPEC.vars().any(|var| var.name == name && var.shared)
}
