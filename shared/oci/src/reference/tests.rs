use proptest::prelude::*;

use super::{Reference, Repository};

fn parsed(text: &str) -> String {
    Reference::parse(text).map_or_else(|error| format!("error: {error}"), |reference| reference.to_string())
}

#[test]
fn names_are_read_as_docker_reads_them() {
    let digest = format!("sha256:{}", "a".repeat(64));
    for (text, expected) in [
        ("alpine", "docker.io/library/alpine:latest"),
        ("alpine:3", "docker.io/library/alpine:3"),
        ("org/app", "docker.io/org/app:latest"),
        ("docker.io/alpine", "docker.io/library/alpine:latest"),
        ("index.docker.io/library/alpine", "docker.io/library/alpine:latest"),
        ("ghcr.io/org/app:1.2.3", "ghcr.io/org/app:1.2.3"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("127.0.0.1:5000/a/b/c:x_y.z-1", "127.0.0.1:5000/a/b/c:x_y.z-1"),
        ("[::1]:5000/app", "[::1]:5000/app:latest"),
        ("registry.example.com/a__b/c-d.e", "registry.example.com/a__b/c-d.e:latest"),
        ("  ghcr.io/org/app:1 ", "ghcr.io/org/app:1"),
    ] {
        assert_eq!(parsed(text), expected, "{text}");
    }
    assert_eq!(parsed(&format!("app@{digest}")), format!("docker.io/library/app@{digest}"));
    assert_eq!(parsed(&format!("ghcr.io/a/b:1@{digest}")), format!("ghcr.io/a/b:1@{digest}"));
}

#[test]
fn what_no_registry_has_says_why() {
    for (text, expected) in [
        ("", "there is no name"),
        ("https://ghcr.io/org/app", "no http:// or https://"),
        ("ghcr.io/Org/app", "it has capitals"),
        ("ghcr.io/org//app", "can't be a part"),
        ("ghcr.io/org/-app", "can't be a part"),
        ("ghcr.io/", "there is no repository"),
        ("app:", "can't be a tag"),
        ("app:a b", "can't be a tag"),
        ("app@sha256:abc", "expected a digest"),
        ("ghcr.io:port/app", "no host and port"),
        ("$REGISTRY/app", "can't be a part"),
        ("ghcr.io/app@x@y", "expected a digest"),
    ] {
        let told = parsed(text);
        assert!(told.starts_with("error: ") && told.contains(expected), "{text}: {told}");
    }
    assert!(Reference::parse(&format!("ghcr.io/{}", "a/".repeat(200))).is_err());
}

#[test]
fn a_repository_has_no_tag() {
    let repository: Repository = "ghcr.io/org/signatures".parse().unwrap();
    assert_eq!((repository.registry.as_str(), repository.repository.as_str()), ("ghcr.io", "org/signatures"));
    for wrong in ["ghcr.io/org/app:1", &format!("ghcr.io/org/app@sha256:{}", "a".repeat(64)), "app:1"] {
        assert!(wrong.parse::<Repository>().is_err(), "{wrong}");
    }
    let hub: Repository = "alpine".parse().unwrap();
    assert_eq!(hub.name_for_identity(), "index.docker.io/library/alpine");
}

proptest! {
    #[test]
    fn garbage_never_panics_and_what_is_read_is_written_the_same(text in "[a-zA-Z0-9:/@._\\-\\[\\] $é]{0,60}") {
        if let Ok(reference) = Reference::parse(&text) {
            let again = Reference::parse(&reference.to_string()).unwrap();
            prop_assert_eq!(reference, again);
        }
        drop(text.parse::<Repository>());
    }
}
