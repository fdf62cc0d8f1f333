//! Keys that AWS keeps, as moto plays it, and the CI's token as the way in.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use pipewright_harness::components::{Cosign, Moto, Registry, installed};
use pipewright_harness::{Pipe, Repo};
use serde_json::{Value, json};

fn key(moto: &Moto, spec: &str, usage: &str) -> Value {
    let asked = json!({ "KeyUsage": usage, "KeySpec": spec });
    moto.call("kms", "TrentService.CreateKey", &asked)["KeyMetadata"].clone()
}

#[test]
#[ignore = "needs moto and a registry: make test"]
fn an_image_is_signed_by_a_managed_key() {
    let (moto, registry, dir) = (Moto::start(), Registry::with_referrers(), Repo::plain());
    for (number, spec) in ["ECC_NIST_P256", "ECC_NIST_P384", "RSA_2048"].into_iter().enumerate() {
        let name = format!("app{number}");
        registry.push_image(&name, "1", spec);
        let image = format!("{}/{name}:1", registry.host());
        let key = key(&moto, spec, "SIGN_VERIFY");
        let arn = key["Arn"].as_str().unwrap();
        let sign = || Pipe::new("sign-pipe", dir.path()).env("IMAGE", &image).env("AWS_ENDPOINT_URL", moto.url());
        // With an access key, and the region from the ARN.
        let outcome = sign()
            .env("KMS_KEY", format!("awskms:///{arn}"))
            .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE0000")
            .env("AWS_SECRET_ACCESS_KEY", "verysecretaccesskey")
            .env("SIGNATURE_FORMAT", "bundle,legacy")
            .run()
            .expect(0);
        assert!(!outcome.output().contains("verysecretaccesskey"));

        let public = moto.call("kms", "TrentService.GetPublicKey", &json!({ "KeyId": arn }))["PublicKey"].clone();
        let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", public.as_str().unwrap());
        dir.write("kms.pub", &pem);
        Pipe::new("sign-pipe", dir.path())
            .env("SIGN", "false")
            .env("IMAGE", &image)
            .env("COSIGN_PUBLIC_KEY_FILE", "kms.pub")
            .run()
            .expect(0);
        if spec != "ECC_NIST_P384" {
            let args = ["verify", "--key=kms.pub", "--insecure-ignore-tlog", "--allow-http-registry", &image];
            // OpenSSL wraps the lines that cosign wants to have wrapped.
            let wrapped = installed("openssl")
                .args(["pkey", "-pubin", "-in", "kms.pub", "-out", "wrapped"])
                .current_dir(dir.path())
                .output()
                .unwrap();
            assert!(wrapped.status.success(), "{}", String::from_utf8_lossy(&wrapped.stderr));
            std::fs::rename(dir.join("wrapped"), dir.join("kms.pub")).unwrap();
            Cosign::v2().args(args).dir(dir.path()).run().expect_success();
        }
    }
}

#[test]
#[ignore = "needs moto and a registry: make test"]
fn a_role_is_assumed_with_the_token_of_the_ci() {
    let (moto, registry, dir) = (Moto::start(), Registry::with_referrers(), Repo::plain());
    registry.push_image("app", "1", "one");
    let key = key(&moto, "ECC_NIST_P256", "SIGN_VERIFY");
    let alias = json!({ "AliasName": "alias/signing", "TargetKeyId": key["KeyId"] });
    moto_alias(&moto, &alias);
    let sign = || {
        Pipe::new("sign-pipe", dir.path())
            .env("IMAGE", format!("{}/app:1", registry.host()))
            .env("KMS_KEY", "awskms:///alias/signing")
            .env("AWS_ENDPOINT_URL", moto.url())
            .env("AWS_REGION", "eu-west-1")
            .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
            .env("SIGNING_MODE", "key")
    };
    let outcome = sign().env("BITBUCKET_STEP_OIDC_TOKEN", "header.payload.signature").run().expect(0);
    assert!(outcome.stdout.contains("key      ECDSA P-256"), "{}", outcome.stdout);
    let outcome =
        sign().env("BITBUCKET_STEP_OIDC_TOKEN", "header.payload.signature").env("DRY_RUN", "true").run().expect(0);
    assert!(outcome.stdout.contains("with the key awskms:///alias/signing"), "{}", outcome.stdout);
    let outcome = sign().run().expect(2);
    assert!(outcome.stderr.contains("AWS_WEB_IDENTITY_TOKEN: required with AWS_ROLE_ARN"), "{}", outcome.stderr);
}

/// The token as EKS mounts it, each service at its own address, and a job whose token would do for a certificate too.
#[test]
#[ignore = "needs moto and a registry: make test"]
fn a_key_that_is_set_signs_whatever_tokens_there_are() {
    let (moto, registry, dir) = (Moto::start(), Registry::with_referrers(), Repo::plain());
    registry.push_image("app", "1", "one");
    let key = key(&moto, "ECC_NIST_P256", "SIGN_VERIFY");
    dir.write("token", "header.payload.signature\n");
    let outcome = Pipe::new("sign-pipe", dir.path())
        .env("IMAGE", format!("{}/app:1", registry.host()))
        .env("KMS_KEY", format!("awskms:///{}", key["KeyId"].as_str().unwrap()))
        .env("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        .env("AWS_ENDPOINT_URL_KMS", moto.url())
        .env("AWS_ENDPOINT_URL_STS", format!("{}/", moto.url()))
        .env("AWS_DEFAULT_REGION", "eu-west-1")
        .env("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci")
        .env("AWS_WEB_IDENTITY_TOKEN_FILE", dir.join("token"))
        .env(
            "SIGSTORE_ID_TOKEN",
            "eyJhbGciOiJub25lIn0.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwic3ViIjoieCIsImV4cCI6NDEwMjQ0NDgwMH0.c2ln",
        )
        .run()
        .expect(0);
    assert!(outcome.stdout.contains("(KMS_KEY is set)"), "{}", outcome.stdout);
    assert!(!outcome.output().contains("header.payload"), "{}", outcome.output());
}

/// Its answer is empty.
fn moto_alias(moto: &Moto, alias: &Value) {
    drop(std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        moto.call("kms", "TrentService.CreateAlias", alias)
    })));
}

#[test]
#[ignore = "needs moto and a registry: make test"]
fn an_unusable_key_and_a_missing_one_are_reported() {
    let (moto, registry, dir) = (Moto::start(), Registry::with_referrers(), Repo::plain());
    registry.push_image("app", "1", "one");
    let sign = |name: &str| {
        Pipe::new("sign-pipe", dir.path())
            .env("IMAGE", format!("{}/app:1", registry.host()))
            .env("KMS_KEY", name)
            .env("AWS_ENDPOINT_URL", moto.url())
            .env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE0000")
            .env("AWS_SECRET_ACCESS_KEY", "verysecretaccesskey")
            .env("AWS_REGION", "eu-west-1")
            .run()
    };
    let outcome = sign("awskms:///alias/nowhere").expect(3);
    assert!(outcome.stdout.contains("AWS kms: NotFoundException"), "{}", outcome.stdout);
    let encrypting = key(&moto, "RSA_2048", "ENCRYPT_DECRYPT");
    let outcome = sign(&format!("awskms:///{}", encrypting["KeyId"].as_str().unwrap())).expect(3);
    assert!(outcome.stdout.contains("is not for signing"), "{}", outcome.stdout);
    let outcome = sign("gcpkms://x").expect(2);
    assert!(outcome.stderr.contains("KMS_KEY: expected awskms:///KEY"), "{}", outcome.stderr);
    let outcome = sign("hashivault://signing").expect(2);
    assert!(
        outcome.stderr.contains("VAULT_ADDR: required") && outcome.stderr.contains("VAULT_TOKEN: required"),
        "{}",
        outcome.stderr
    );
}
