//! What has to be said about AWS and Vault, and when.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use pipewright_harness::{MemoryRegistry, Outcome, Pipe, Repo};
use serde_json::json;

const ECR: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/app:1";
const ROLE: &str = "arn:aws:iam::123456789012:role/ci";

fn plan(vars: &[(&str, &str)]) -> Outcome {
    let dir = Repo::plain();
    Pipe::at(common::BINARY, dir.path()).env("IMAGE", "ghcr.io/org/app:1").env("DRY_RUN", "true").envs(vars).run()
}

#[track_caller]
fn wrong(vars: &[(&str, &str)], told: &str) {
    let outcome = plan(vars).expect(2);
    assert!(outcome.stderr.contains(told), "{}", outcome.stderr);
}

/// A pull request on GitHub that gets neither secrets nor a token.
fn pull(pipe: Pipe, dir: &Repo, fork: bool) -> Pipe {
    let head = if fork { "stranger/app" } else { "org/app" };
    let event = json!({
        "pull_request": { "number": 7, "user": { "login": "dependabot[bot]", "type": "Bot" },
                          "head": { "repo": { "full_name": head, "fork": fork } },
                          "base": { "repo": { "full_name": "org/app" } } },
    });
    dir.write("event.json", event.to_string());
    pipe.env("GITHUB_ACTIONS", "true")
        .env("GITHUB_EVENT_NAME", "pull_request")
        .env("GITHUB_ACTOR", "dependabot[bot]")
        .env("GITHUB_REPOSITORY", "org/app")
        .env("GITHUB_EVENT_PATH", dir.join("event.json"))
        .env("GITHUB_REF", "refs/pull/7/merge")
}

#[test]
fn what_is_lacking_or_wrong_is_told() {
    let key = ("KMS_KEY", "awskms:///alias/signing");
    let region = ("AWS_REGION", "eu-west-1");
    wrong(&[key, region], "AWS_ACCESS_KEY_ID: required");
    wrong(&[key, region, ("AWS_ACCESS_KEY_ID", "AKIA0")], "AWS_SECRET_ACCESS_KEY: required with AWS_ACCESS_KEY_ID");
    wrong(&[key, region, ("AWS_SECRET_ACCESS_KEY", "secret-key")], "AWS_ACCESS_KEY_ID: required");
    wrong(&[key, region, ("AWS_ROLE_ARN", ROLE)], "AWS_WEB_IDENTITY_TOKEN: required with AWS_ROLE_ARN");
    wrong(&[key, ("AWS_ACCESS_KEY_ID", "A"), ("AWS_SECRET_ACCESS_KEY", "B")], "AWS_REGION: required");
    wrong(&[key, ("AWS_REGION", "evil.example/")], "expected a region such as eu-west-1");
    wrong(&[("KMS_KEY", "awskms://alias/signing")], "KMS_KEY: expected awskms:///KEY");
    let agent = ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://evil.example/");
    wrong(&[key, region, agent], "AWS_CONTAINER_CREDENTIALS_FULL_URI: expected https://");
    wrong(&[("KMS_KEY", "hashivault://signing")], "VAULT_TOKEN: required");
    wrong(
        &[("IMAGE", ECR), ("AWS_ACCESS_KEY_ID", "AKIA0"), ("COSIGN_PRIVATE_KEY", "x")],
        "AWS_SECRET_ACCESS_KEY: required",
    );
}

#[test]
fn the_plan_names_the_key() {
    let agent = ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials");
    for key in ["awskms:///arn:aws:kms:eu-west-1:123456789012:key/1", "awskms://localhost:4566/alias/signing"] {
        let outcome = plan(&[("KMS_KEY", key), ("AWS_REGION", "eu-west-1"), agent]).expect(0);
        assert!(outcome.stdout.contains(&format!("with the key {key}")), "{}", outcome.stdout);
    }
    // The token that the role is had with would also do for a certificate, which everybody can see.
    let token = [
        ("KMS_KEY", "awskms:///alias/signing"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ROLE_ARN", ROLE),
        ("GITHUB_ACTIONS", "true"),
        ("ACTIONS_ID_TOKEN_REQUEST_URL", "https://runner.example/token"),
        ("ACTIONS_ID_TOKEN_REQUEST_TOKEN", "request-token"),
    ];
    let outcome = plan(&token).expect(0);
    assert!(outcome.stdout.contains("with the key awskms:///alias/signing"), "{}", outcome.stdout);
    assert!(
        !outcome.stdout.contains("keyless") && !outcome.stdout.contains("public transparency log"),
        "{}",
        outcome.stdout
    );
}

#[test]
fn pull_requests_without_secrets_are_no_mistake() {
    let (registry, dir) = (MemoryRegistry::start(), Repo::plain());
    registry.push_image("app", "1", "one");
    for vars in [
        [("KMS_KEY", "awskms:///alias/signing"), ("AWS_REGION", "eu-west-1"), ("AWS_ROLE_ARN", ROLE)],
        [("KMS_KEY", "awskms:///alias/signing"), ("AWS_REGION", "eu-west-1"), ("AWS_ACCESS_KEY_ID", "AKIA0")],
        [("KMS_KEY", "hashivault://signing"), ("VAULT_ADDR", "https://vault.example"), ("AWS_REGION", "eu-west-1")],
    ] {
        for fork in [true, false] {
            let pipe =
                Pipe::at(common::BINARY, dir.path()).env("IMAGE", format!("{}/app:1", registry.host())).envs(&vars);
            let outcome = pull(pipe, &dir, fork).run().expect(0);
            assert!(outcome.stdout.contains("SKIPPED"), "{}", outcome.output());
        }
    }
}

/// Set for the whole job, for other steps.
#[test]
fn a_role_that_is_not_needed_is_none_of_our_business() {
    let (registry, dir) = (MemoryRegistry::start(), Repo::plain());
    registry.push_image("app", "1", "one");
    let pipe = Pipe::at(common::BINARY, dir.path())
        .env("IMAGE", format!("{}/app:1", registry.host()))
        .env("ACTION", "run")
        .env("DRY_RUN", "true")
        .env("AWS_ROLE_ARN", ROLE)
        .env("SIGN", "false")
        .env("CERTIFICATE_IDENTITY", "x")
        .env("CERTIFICATE_OIDC_ISSUER", "https://issuer.example");
    pipe.run().expect(0);
}
