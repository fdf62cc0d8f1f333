//! What one pipe leaves behind and the next one reads, in a registry in memory. `sign_chain.rs` has it against real
//! components.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use pipewright_harness::{Keys, MemoryRegistry, Pipe, Repo};
use serde_json::{Value, json};

#[test]
fn sign_pipe_attests_the_report_of_security_pipe_if_it_is_of_this_run() {
    let registry = MemoryRegistry::start();
    let digest = registry.push_image("app", "1", "one");
    let (dir, keys) = (Repo::new(), Keys::new());
    dir.write("a.txt", "nothing to find");
    let commit = dir.commit("Begin");
    Pipe::new("security-pipe", dir.path()).env("SCA_SCAN", "false").run().expect(0);
    let sign = || {
        Pipe::new("sign-pipe", dir.path())
            .env("IMAGE", format!("{}/app:1", registry.host()))
            .env("COSIGN_PRIVATE_KEY", &keys.private)
    };
    sign().run().expect(0);
    let statements = registry.payloads("app", &digest);
    let statements = statements.iter().map(|text| serde_json::from_str::<Value>(text).unwrap());
    let is_scan = |statement: &Value| statement["predicateType"] == "https://cosign.sigstore.dev/attestation/vuln/v1";
    let scans: Vec<Value> = statements.filter(is_scan).collect();
    let [scan] = &scans[..] else { panic!("{scans:?}") };
    let predicate = &scan["predicate"];
    assert_eq!(predicate["target"], json!({ "kind": "tree", "commit": commit }));
    assert_eq!(predicate["scanner"]["result"]["pipe"]["name"], "security-pipe");
    assert_eq!(predicate["scanner"]["uri"], "security-pipe");

    // A report of an earlier commit is none of this one: left out, unless it was asked for.
    dir.write("a.txt", "changed");
    dir.git(&["commit", "--quiet", "-am", "Change"]);
    let before = registry.referrers("app", &digest).len();
    let outcome = sign().run().expect(0);
    assert!(outcome.stdout.contains("scan result not attested"), "{}", outcome.stdout);
    assert_eq!(registry.referrers("app", &digest).len(), before);
    let outcome = sign().env("ATTEST_SCAN", "true").run().expect(1);
    assert!(outcome.stdout.contains("scan result not attested"), "{}", outcome.stdout);
}
