//! Registries that ask who one is: Debian's docker-registry with a password and with TLS, and ECR with moto's login.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pipewright_harness::components::{Cosign, KeyKind, KeyPair, Moto, Registry};
use pipewright_harness::{MemoryRegistry, Outcome, Pipe, Reply, Repo};
use serde_json::json;

/// Why nothing is signed.
fn why(outcome: &Outcome) -> String {
    outcome.report()["reason"].as_str().unwrap_or_else(|| panic!("{outcome:?}")).to_owned()
}

#[test]
#[ignore = "needs docker-registry, moto and cosign: make test"]
fn a_password_is_given_in_every_way_that_docker_knows() {
    let (registry, dir) = (Registry::with_password("ada"), Repo::plain());
    let key = KeyPair::new(KeyKind::P256, dir.path());
    let auth = json!({ "auths": { registry.host(): { "auth": STANDARD.encode("ada:sesame") } } }).to_string();
    dir.write("docker/config.json", &auth);
    let sign = |tag: &str| {
        registry.push_image("org/app", tag, tag);
        Pipe::new("sign-pipe", dir.path())
            .env("IMAGE", format!("{}/org/app:{tag}", registry.host()))
            .env("COSIGN_PRIVATE_KEY_FILE", &key.private)
    };
    let ways: [&[(&str, &str)]; 4] = [
        &[("DOCKER_USERNAME", "ada"), ("DOCKER_PASSWORD", "sesame")],
        &[("REGISTRY_USERNAME", "ada"), ("REGISTRY_PASSWORD", "sesame")],
        &[("DOCKER_AUTH_CONFIG", &auth)],
        &[("DOCKER_CONFIG", "docker")],
    ];
    for (number, way) in ways.into_iter().enumerate() {
        let tag = number.to_string();
        let outcome = sign(&tag).envs(way).env("DEBUG", "true").run().expect(0);
        assert!(!outcome.output().contains("sesame") && !outcome.output().contains(&STANDARD.encode("ada:sesame")));
        let image = format!("{}/org/app:{tag}", registry.host());
        Cosign::v3()
            .args(["verify", "--key", key.public.to_str().unwrap(), "--insecure-ignore-tlog", "--allow-http-registry"])
            .args(["--registry-username=ada", "--registry-password=sesame", &image])
            .run()
            .expect_success();
    }

    let outcome = sign("none").run().expect(3);
    assert!(why(&outcome).contains("no credentials for"), "{}", outcome.stdout);
    let outcome = sign("wrong").envs(&[("DOCKER_USERNAME", "ada"), ("DOCKER_PASSWORD", "abracadabra")]).run().expect(3);
    assert!(why(&outcome).contains("were refused"), "{}", outcome.stdout);
    assert!(!outcome.output().contains("abracadabra"));
    assert!(registry.referrers("org/app", &registry.push_image("org/app", "wrong", "wrong")).is_empty());
}

#[test]
#[ignore = "needs docker-registry, moto and cosign: make test"]
fn a_private_authority_is_trusted_if_it_is_named() {
    let (registry, dir) = (Registry::with_tls(), Repo::plain());
    let digest = registry.push_image("app", "1", "one");
    let key = KeyPair::new(KeyKind::P256, dir.path());
    let sign = || {
        Pipe::new("sign-pipe", dir.path())
            .env("IMAGE", format!("{}/app:1", registry.secure_host()))
            .env("COSIGN_PRIVATE_KEY_FILE", &key.private)
            .env("REGISTRY_PLAIN_HTTP", "false")
    };
    let outcome = sign().run().expect(3);
    assert!(why(&outcome).contains("certificate"), "{}", outcome.stdout);
    sign().env("CA_CERT_FILE", registry.authority()).run().expect(0);
    assert_eq!(registry.referrers("app", &digest).len(), 1);
}

#[test]
#[ignore = "needs docker-registry, moto and cosign: make test"]
fn ecr_is_logged_in_to_with_what_aws_gives() {
    const HOST: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
    let moto = Moto::start();
    let token = moto.call("ecr", "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", &json!({}));
    let token = token["authorizationData"][0]["authorizationToken"].as_str().unwrap().to_owned();
    let basic = format!("Basic {token}");
    // The registry is behind a proxy, since no test can have that name.
    let registry = MemoryRegistry::with(true, move |request| {
        let known = request.header("authorization") == Some(&basic);
        let challenge = vec![("www-authenticate", format!("Basic realm=\"https://{HOST}/\",service=\"ecr\""))];
        (!known).then(|| Reply::Send(401, challenge, Vec::new()))
    });
    let digest = registry.push_image("app", "1", "one");
    let dir = Repo::plain();
    let key = KeyPair::new(KeyKind::P256, dir.path());
    let sign = || {
        Pipe::new("sign-pipe", dir.path())
            .env("IMAGE", format!("{HOST}/app:1"))
            .env("COSIGN_PRIVATE_KEY_FILE", &key.private)
            .env("HTTP_PROXY", format!("http://{}", registry.host()))
            .env("NO_PROXY", "127.0.0.1")
            .env("REGISTRY_PLAIN_HTTP", "true")
            .env("AWS_ENDPOINT_URL", moto.url())
    };
    let role = [
        ("AWS_ROLE_ARN", "arn:aws:iam::123456789012:role/ci"),
        ("AWS_WEB_IDENTITY_TOKEN", "header.payload.signature"),
        ("DEBUG", "true"),
    ];
    let outcome = sign().envs(&role).run().expect(0);
    assert_eq!(registry.referrers("app", &digest).len(), 1);
    assert!(!outcome.output().contains(&token) && !outcome.output().contains("header.payload"), "{}", outcome.output());
    // Whose own credentials are there uses them.
    let own = [("DOCKER_USERNAME", "AWS"), ("DOCKER_PASSWORD", "from-elsewhere")];
    let outcome = sign().envs(&role).envs(&own).run().expect(3);
    assert!(why(&outcome).contains("were refused"), "{}", outcome.stdout);
    let outcome = sign().run().expect(3);
    assert!(why(&outcome).contains("no credentials for"), "{}", outcome.stdout);
}
