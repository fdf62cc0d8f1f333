//! The plan is what runs: the steps, hosts, writes and files of a run are those that `DRY_RUN` named.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use common::{Keys, signing, verifying};
use pipewright_harness::{MemoryRegistry, Outcome, Pipe, Repo};
use serde_json::{Value, json};

/// Two registries and a directory, in which one configuration runs.
struct Place {
    registry: MemoryRegistry,
    /// For signatures that are kept elsewhere.
    other: MemoryRegistry,
    dir: Repo,
    keys: Keys,
    digest: String,
}

impl Place {
    fn new() -> Place {
        let registry = MemoryRegistry::start();
        let digest = registry.push_image("org/app", "1", "one");
        registry.push_index("org/index", "1", "two", &["amd64", "arm64"]);
        Place { registry, other: MemoryRegistry::start(), dir: Repo::plain(), keys: Keys::new(), digest }
    }

    /// The same with a registry that has no list of referrers.
    fn without_referrers() -> Place {
        let registry = MemoryRegistry::with(false, |_| None);
        let digest = registry.push_image("org/app", "1", "one");
        Place { registry, digest, ..Place::new() }
    }

    fn image(&self) -> String {
        format!("{}/org/app:1", self.registry.host())
    }

    fn sign(&self) -> Pipe {
        signing(self.dir.path(), &self.keys, &self.image())
    }

    fn files(&self) -> Pipe {
        Pipe::at(common::BINARY, self.dir.path()).env("COSIGN_PRIVATE_KEY", &self.keys.private)
    }

    /// `host METHOD URL` of each request that changes something, and the hosts of all requests.
    fn seen(&self, from: (usize, usize)) -> (BTreeSet<String>, BTreeSet<String>) {
        let (mut hosts, mut writes) = (BTreeSet::new(), BTreeSet::new());
        for (registry, from) in [(&self.registry, from.0), (&self.other, from.1)] {
            for request in &registry.requests()[from..] {
                hosts.insert(registry.host());
                if !matches!(request.method.as_str(), "GET" | "HEAD") {
                    writes.insert(format!("{} http://{}{}", request.method, registry.host(), request.path));
                }
            }
        }
        (hosts, writes)
    }

    fn requests(&self) -> (usize, usize) {
        (self.registry.requests().len(), self.other.requests().len())
    }
}

fn list(plan: &Value, name: &str) -> Vec<String> {
    let list = plan[name].as_array().unwrap_or_else(|| panic!("{name} in {plan}"));
    list.iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

fn plan_in(outcome: &Outcome) -> Value {
    let (from, to) = (outcome.stdout.find("\n{").unwrap(), outcome.stdout.rfind('}').unwrap());
    serde_json::from_str(&outcome.stdout[from..=to]).unwrap()
}

/// The files below a directory with their content, by path.
fn tree(dir: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut pending = vec![dir.to_owned()];
    while let Some(next) = pending.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    files
}

/// Whether a text is one that a pattern with `*` stands for.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(start) else { return false };
    let mut parts: Vec<&str> = rest.split('*').collect();
    let end = parts.pop().unwrap();
    for part in parts {
        let Some((_, after)) = text.split_once(part) else { return false };
        text = after;
    }
    text.ends_with(end)
}

/// Runs a configuration with `DRY_RUN`, which must do nothing, and then for real.
#[track_caller]
fn agrees(place: &Place, code: i32, pipe: impl Fn(&Place) -> Pipe) -> Value {
    let (before, files) = (place.requests(), tree(place.dir.path()));
    let plan = plan_in(&pipe(place).env("DRY_RUN", "true").run().expect(0));
    assert_eq!((place.requests(), tree(place.dir.path())), (before, files.clone()), "a dry run does nothing");

    let outcome = pipe(place).run().expect(code);
    let steps: Vec<String> = outcome.report()["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(steps, list(&plan, "steps"), "{plan}");
    let (hosts, writes) = place.seen(before);
    assert_eq!(hosts, list(&plan, "hosts").into_iter().collect(), "{plan}");
    let planned = list(&plan, "writes");
    for write in &writes {
        assert!(planned.iter().any(|pattern| matches(pattern, write)), "{write} is not in {planned:?}");
    }
    for pattern in &planned {
        assert!(writes.iter().any(|write| matches(pattern, write)), "{pattern} is not done by {writes:?}");
    }
    let mut after = tree(place.dir.path());
    after.retain(|name, content| files.get(name) != Some(content));
    let written: BTreeSet<String> = after.into_keys().collect();
    assert_eq!(written, list(&plan, "files").into_iter().collect(), "{plan}");
    plan
}

#[test]
fn a_key_signs_an_image() {
    let place = Place::new();
    let plan = agrees(&place, 0, Place::sign);
    let host = place.registry.host();
    assert_eq!(
        plan["writes"],
        json!([
            format!("POST http://{host}/v2/org/app/blobs/uploads/"),
            format!("PUT http://{host}/v2/org/app/blobs/uploads/*"),
            format!("PUT http://{host}/v2/org/app/manifests/*"),
        ])
    );
    assert_eq!(plan["steps"], json!(["resolve", "signer", "sign", "verify"]));
    assert_eq!(plan["becomes_public"], json!([]));
}

#[test]
fn both_formats_are_written() {
    agrees(&Place::new(), 0, |place| place.sign().env("SIGNATURE_FORMAT", "bundle,legacy"));
    agrees(&Place::without_referrers(), 0, |place| place.sign().env("SIGNATURE_FORMAT", "bundle,legacy"));
    agrees(&Place::new(), 0, |place| place.sign().env("SIGNATURE_FORMAT", "legacy"));
}

#[test]
fn attestations_are_written() {
    let place = Place::new();
    place.dir.write("sbom.json", r#"{"bomFormat":"CycloneDX","components":[{"name":"a"}]}"#);
    place.dir.write("tests.json", "{}");
    let plan =
        agrees(&place, 0, |place| place.sign().env("PREDICATE_FILE", "tests.json").env("REQUIRE_ATTESTATIONS", "sbom"));
    assert_eq!(
        plan["attest"],
        json!(["SBOM from sbom.json", "https://cosign.sigstore.dev/attestation/v1 from tests.json"])
    );
    assert_eq!(plan["require"], json!(["sbom"]));
}

/// Only a document that is larger than what one request uploads is sent in pieces.
#[test]
fn a_large_document_is_sent_in_pieces() {
    let place = Place::new();
    let component = format!(r#"{{"name":"{}"}}"#, "a".repeat(1000));
    let components = vec![component; 16_000].join(",");
    place.dir.write("sbom.json", format!(r#"{{"bomFormat":"CycloneDX","components":[{components}]}}"#));
    let plan = agrees(&place, 0, Place::sign);
    assert!(plan["writes"].to_string().contains("PATCH"), "{plan}");
}

#[test]
fn only_verifying_writes_nothing() {
    let place = Place::new();
    place.sign().run().expect(0);
    let plan = agrees(&place, 0, |place| verifying(place.dir.path(), &place.keys, &place.image()));
    assert_eq!((&plan["writes"], &plan["sign"]), (&json!([]), &json!("nothing: SIGN=false")));
    agrees(&place, 1, |place| verifying(place.dir.path(), &Keys::new(), &place.image()));
}

#[test]
fn only_signing_verifies_nothing() {
    let plan = agrees(&Place::new(), 0, |place| place.sign().env("VERIFY", "false").env("TLOG_UPLOAD", "false"));
    assert_eq!((&plan["steps"], &plan["verify"]), (&json!(["resolve", "signer", "sign"]), &json!("nothing")));
}

#[test]
fn files_are_signed_to_bundles() {
    let place = Place::new();
    place.dir.write("dist/app.tgz", "a chart").write("dist/sums.txt", "sums").write("bundles/.keep", "");
    let plan = agrees(&place, 0, |place| place.files().env("FILES", "dist/app.tgz,dist/sums.txt"));
    assert!(list(&plan, "files").contains(&"dist/app.tgz.sigstore.json".to_owned()), "{plan}");
    assert_eq!((&plan["hosts"], &plan["writes"]), (&json!([]), &json!([])));
    agrees(&place, 0, |place| place.files().env("FILES", "dist/app.tgz").env("BUNDLE_DIR", "bundles"));
    agrees(&place, 0, |place| {
        let pipe = Pipe::at(common::BINARY, place.dir.path()).env("SIGN", "false").env("FILES", "dist/app.tgz");
        pipe.env("COSIGN_PUBLIC_KEY", &place.keys.public)
    });
    agrees(&place, 0, |place| place.sign().env("FILES", "dist/sums.txt"));
}

#[test]
fn a_pair_of_keys_is_written() {
    let place = Place::new();
    place.dir.write("keys/.keep", "");
    let generate = |place: &Place| Pipe::at(common::BINARY, place.dir.path()).env("ACTION", "generate-key-pair");
    let plan = agrees(&place, 0, generate);
    let files = list(&plan, "files");
    assert!(files.contains(&"cosign.key".to_owned()) && files.contains(&"cosign.pub".to_owned()), "{plan}");
    agrees(&place, 0, |place| generate(place).env("KEY_DIR", "keys"));
}

#[test]
fn every_platform_and_many_images_are_signed() {
    agrees(&Place::new(), 0, |place| {
        signing(place.dir.path(), &place.keys, &format!("{}/org/index:1", place.registry.host()))
            .env("RECURSIVE", "true")
    });
    agrees(&Place::new(), 0, |place| {
        let images = format!("{},{}/org/index:1", place.image(), place.registry.host());
        signing(place.dir.path(), &place.keys, &images)
    });
    agrees(&Place::new(), 0, |place| place.sign().env("EXPECTED_DIGEST", &place.digest));
}

#[test]
fn signatures_in_another_repository_are_written_there() {
    let elsewhere = |place: &Place| place.sign().env("COSIGN_REPOSITORY", format!("{}/signatures", place.other.host()));
    let place = Place::new();
    let plan = agrees(&place, 0, elsewhere);
    assert!(!plan["writes"].to_string().contains("org/app"), "{plan}");
    agrees(&place, 0, |place| {
        let pipe = verifying(place.dir.path(), &place.keys, &place.image());
        pipe.env("COSIGN_REPOSITORY", format!("{}/signatures", place.other.host()))
    });
}

#[test]
fn a_pull_request_from_a_fork_is_skipped() {
    let place = Place::new();
    let event = json!({
        "pull_request": { "number": 7, "head": { "repo": { "full_name": "stranger/app", "fork": true } },
                          "base": { "repo": { "full_name": "org/app" } } },
    });
    place.dir.write("event.json", event.to_string());
    let on_fork = |place: &Place| {
        Pipe::at(common::BINARY, place.dir.path())
            .env("IMAGE", place.image())
            .env("GITHUB_ACTIONS", "true")
            .env("GITHUB_EVENT_NAME", "pull_request")
            .env("GITHUB_REPOSITORY", "org/app")
            .env("GITHUB_EVENT_PATH", place.dir.join("event.json"))
            .env("GITHUB_REF", "refs/pull/7/merge")
    };
    let plan = agrees(&place, 0, on_fork);
    assert_eq!((&plan["skipped"], &plan["hosts"]), (&json!("this is a pull request from a fork"), &json!([])));
    place.sign().run().expect(0);
    let plan = agrees(&place, 0, |place| on_fork(place).env("COSIGN_PUBLIC_KEY", &place.keys.public));
    assert_eq!(plan["sign"], "nothing: this is a pull request from a fork");
}

/// The services that a run would ask, which no test may reach: their names come from the configuration and this release.
#[test]
fn the_plan_names_the_services_that_would_be_asked() {
    let place = Place::new();
    let plan = |vars: &[(&str, &str)]| {
        let pipe = Pipe::at(common::BINARY, place.dir.path()).env("DRY_RUN", "true").env("IMAGE", "ghcr.io/org/app:1");
        let plan = plan_in(&pipe.envs(vars).run().expect(0));
        (list(&plan, "hosts"), list(&plan, "writes"), plan["hosts_named_by_answers"].clone())
    };
    let key = ("COSIGN_PRIVATE_KEY", place.keys.private.as_str());
    let token = ("SIGSTORE_ID_TOKEN", common::TOKEN);
    let (hosts, _, open) = plan(&[key]);
    assert_eq!(hosts, ["ghcr.io"]);
    assert_eq!(open, json!(["the token service and the storage that ghcr.io names"]));
    let (hosts, writes, open) = plan(&[token]);
    for host in ["fulcio.sigstore.dev", "tuf-repo-cdn.sigstore.dev"] {
        assert!(hosts.iter().any(|known| known == host), "{host}: {hosts:?}");
    }
    assert!(writes.contains(&"POST https://fulcio.sigstore.dev/api/v2/signingCert".to_owned()), "{writes:?}");
    assert!(writes.iter().any(|write| write.contains("/log/entries")), "{writes:?}");
    assert!(open.to_string().contains("tuf-repo-cdn.sigstore.dev"), "{open}");
    let private = [
        token,
        ("FULCIO_URL", "https://fulcio.example"),
        ("REKOR_URL", "https://rekor.example/"),
        ("TSA_URL", "https://tsa.example/api/v1/timestamp"),
        ("SIGNING_MODE", "keyless"),
        ("VERIFY", "false"),
    ];
    let (hosts, writes, _) = plan(&private);
    assert_eq!(
        hosts,
        ["ghcr.io", "fulcio.example", "rekor.example", "tsa.example", "tuf-repo-cdn.sigstore.dev"],
        "the trusted root is still that of the instance"
    );
    assert!(writes.contains(&"POST https://rekor.example/api/v2/log/entries".to_owned()), "{writes:?}");
    assert!(writes.contains(&"POST https://tsa.example/api/v1/timestamp".to_owned()), "{writes:?}");
    let (hosts, _, _) = plan(&[key, ("TLOG_UPLOAD", "true"), ("REKOR_VERSION", "1")]);
    assert!(
        hosts.contains(&"rekor.sigstore.dev".to_owned()) && !hosts.contains(&"fulcio.sigstore.dev".to_owned()),
        "{hosts:?}"
    );

    let role = [
        ("KMS_KEY", "awskms:///alias/signing"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://runner.example/token"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token"),
    ];
    let (hosts, writes, _) = plan(&role);
    assert_eq!(hosts, ["ghcr.io", "runner.example", "sts.eu-west-1.amazonaws.com", "kms.eu-west-1.amazonaws.com"]);
    assert!(writes.contains(&"POST https://kms.eu-west-1.amazonaws.com/".to_owned()), "{writes:?}");
    let agent = [
        ("KMS_KEY", "awskms:///alias/signing"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials"),
        ("IMAGE", "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1"),
    ];
    let (hosts, _, _) = plan(&agent);
    assert_eq!(
        hosts,
        [
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com",
            "169.254.170.2",
            "api.ecr.eu-west-1.amazonaws.com",
            "kms.eu-west-1.amazonaws.com",
        ]
    );
    let vault = [
        ("KMS_KEY", "hashivault://signing"),
        ("VAULT_ADDR", "https://vault.example:8200"),
        ("VAULT_TOKEN", "token-token"),
    ];
    let (hosts, writes, _) = plan(&vault);
    assert_eq!(hosts, ["ghcr.io", "vault.example:8200"]);
    assert!(writes.contains(&"POST https://vault.example:8200/v1/transit/sign/signing*".to_owned()), "{writes:?}");
    let (hosts, _, _) = plan(&[key, ("IMAGE", "org/app:1")]);
    assert_eq!(hosts, ["registry-1.docker.io", "auth.docker.io"]);
}
