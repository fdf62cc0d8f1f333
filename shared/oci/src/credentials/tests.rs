use proptest::prelude::*;

use super::{Credential, Credentials};
use crate::Repository;

fn who(credentials: &Credentials, repository: &str) -> String {
    use secrecy::ExposeSecret;
    let repository: Repository = repository.parse().unwrap();
    match credentials.of(&repository) {
        Some(Credential::Basic { user, password }) => format!("{user}:{}", password.expose_secret()),
        Some(Credential::Identity(token)) => format!("identity {}", token.expose_secret()),
        Some(Credential::Token(token)) => format!("token {}", token.expose_secret()),
        None => "nobody".to_owned(),
    }
}

fn from(config: &str) -> Credentials {
    let mut credentials = Credentials::default();
    credentials.add_docker_config(&config.to_owned().into()).unwrap();
    credentials
}

#[test]
fn every_form_that_docker_and_podman_write_is_read() {
    let credentials = from(
        r#"{ "auths": {
            "https://index.docker.io/v1/": { "auth": "aHViOnBhc3M6d29yZA==" },
            "https://ghcr.io/v2/": { "username": "ada", "password": "secret" },
            "quay.io/org": { "auth": "b3JnOm9yZw==" },
            "quay.io": { "auth": "YWxsOmFsbA==" },
            "azure.example": { "auth": "MDAwOg==", "identitytoken": "refresh" },
            "token.example:8443": { "registrytoken": "bearer" },
            "wrapped.example": { "auth": "YWRhOm\n  xvbmc" },
            "helper.example": { "username": "<token>", "password": "refresh" },
            "nulls.example": { "auth": null, "username": "ada", "password": "pass", "identitytoken": null },
            "quay.io/org/v2": { "auth": "djI6djI=" },
            "https://index.docker.io/v1/access-token": { "auth": "bm86bm8=" },
            "left.behind": {},
            "null.behind": null
        }, "credsStore": "", "credHelpers": null, "HttpHeaders": { "X": "y" } }"#,
    );
    for (repository, expected) in [
        ("alpine", "hub:pass:word"),
        ("docker.io/org/app", "hub:pass:word"),
        ("ghcr.io/org/app", "ada:secret"),
        ("quay.io/org/app", "org:org"),
        ("quay.io/organisation/app", "all:all"),
        ("quay.io/org/v2", "v2:v2"),
        ("quay.io/org/v2/app", "v2:v2"),
        ("quay.io/org/v20", "org:org"),
        ("QUAY.io/org", "org:org"),
        ("wrapped.example/app", "ada:long"),
        ("helper.example/app", "identity refresh"),
        ("nulls.example/app", "ada:pass"),
        ("null.behind/app", "nobody"),
        ("azure.example/app", "identity refresh"),
        ("token.example:8443/app", "token bearer"),
        ("token.example/app", "nobody"),
        ("left.behind/app", "nobody"),
        ("elsewhere.example/app", "nobody"),
    ] {
        assert_eq!(who(&credentials, repository), expected, "{repository}");
    }
    assert_eq!(credentials.helper(&"elsewhere.example/app".parse().unwrap()), None);
}

#[test]
fn what_is_given_goes_before_the_configuration() {
    let mut credentials = Credentials::default();
    credentials.add("https://ghcr.io/", "me", "mine".to_owned().into());
    credentials
        .add_docker_config(&r#"{"auths":{"ghcr.io":{"username":"other","password":"x"}}}"#.to_owned().into())
        .unwrap();
    assert_eq!(who(&credentials, "ghcr.io/a"), "me:mine");
}

#[test]
fn helpers_are_named_because_they_cannot_run() {
    let mut credentials = from(r#"{ "auths": null, "credHelpers": { "gcr.io": "gcloud" }, "credsStore": "desktop" }"#);
    let later = r#"{ "credHelpers": { "gcr.io": "other", "quay.io": "" }, "credsStore": "pass" }"#;
    credentials.add_docker_config(&later.to_owned().into()).unwrap();
    assert_eq!(credentials.helper(&"quay.io/a".parse().unwrap()), Some("desktop"));
    assert_eq!(credentials.helper(&"gcr.io/a".parse().unwrap()), Some("gcloud"));
    assert_eq!(credentials.helper(&"ghcr.io/a".parse().unwrap()), Some("desktop"));
}

#[test]
fn nothing_secret_is_shown() {
    let mut credentials = from(r#"{"auths":{"ghcr.io":{"username":"ada","password":"hunter2"}}}"#);
    assert_eq!(format!("{credentials:?}"), r#"{"ghcr.io"}"#);
    for wrong in
        ["hunter2", "[]", r#"{"auths":{"ghcr.io":{"auth":"hunter2!"}}}"#, r#"{"auths":{"a":{"auth":"aHVudGVyMg=="}}}"#]
    {
        let error = credentials.add_docker_config(&wrong.to_owned().into()).unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}

proptest! {
    #[test]
    fn no_configuration_panics(text in "[\\{\\}\\[\\]\":,a-z/]{0,60}", host in "[a-z:/.]{0,20}", auth in "[A-Za-z0-9+/=]{0,20}") {
        let mut credentials = Credentials::default();
        drop(credentials.add_docker_config(&text.into()));
        let config = serde_json::json!({ "auths": { host: { "auth": auth } } });
        drop(credentials.add_docker_config(&config.to_string().into()));
        credentials.know(&"ghcr.io/org/app".parse().unwrap());
    }
}
