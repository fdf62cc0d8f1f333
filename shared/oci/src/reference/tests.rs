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
        ("[2001:DB8::1]/app:1", "[2001:db8::1]/app:1"),
        ("GHCR.io/org/app:V1", "ghcr.io/org/app:V1"),
        ("Docker.IO/alpine", "docker.io/library/alpine:latest"),
        ("registry.hub.docker.com/org/app", "docker.io/org/app:latest"),
        ("localhost:5000", "docker.io/library/localhost:5000"),
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
        ("", "the name is missing"),
        ("https://ghcr.io/org/app", "without http:// or https://"),
        ("ghcr.io/Org/app:1", "it has capital letters. Use ghcr.io/org/app"),
        ("ghcr.io/Org/a$b", "\"Org\" is not valid in a repository name"),
        ("ghcr.io/org//app", "is not valid in a repository name"),
        ("ghcr.io/org/-app", "is not valid in a repository name"),
        ("ghcr.io/", "the repository is missing"),
        ("app:", "is not a valid tag"),
        ("app:a b", "is not a valid tag"),
        ("app@sha256:abc", "expected a digest"),
        ("ghcr.io:port/app", "not the host and port"),
        ("$REGISTRY/app", "is not valid in a repository name"),
        ("ghcr.io/app@x@y", "expected a digest"),
        ("Org/app", "it has capital letters"),
        ("[::1/app", "not the host and port"),
        ("[fe80::1%eth0]:5000/app", "not the host and port"),
        ("ghcr.io:99999/app", "not the host and port"),
        ("ghcr.io:+1/app", "not the host and port"),
        ("ghcr.io/a/../b", "is not valid in a repository name"),
        ("ghcr.io/app?x=y", "is not valid in a repository name"),
        ("user:pass@ghcr.io/app", "expected a digest"),
        ("app:1\u{1b}[2J", "is not a valid tag"),
    ] {
        let told = parsed(text);
        assert!(told.starts_with("error: ") && told.contains(expected), "{text}: {told}");
        assert!(!told.contains(char::is_control), "{told:?}");
    }
    assert!(Reference::parse(&format!("ghcr.io/{}", "a/".repeat(200))).is_err());
}

#[test]
fn a_repository_has_no_tag() {
    let repository: Repository = "ghcr.io/org/signatures".parse().unwrap();
    assert_eq!((repository.registry.as_str(), repository.repository.as_str()), ("ghcr.io", "org/signatures"));
    for wrong in [
        "localhost:5000/app:1",
        "localhost:5000",
        "[::1]:5000/app:1",
        "ghcr.io/org/app:1",
        &format!("ghcr.io/org/app@sha256:{}", "a".repeat(64)),
        "app:1",
    ] {
        assert!(wrong.parse::<Repository>().is_err(), "{wrong}");
    }
    let hub: Repository = "alpine".parse().unwrap();
    assert_eq!(hub.name_for_identity(), "index.docker.io/library/alpine");
}

#[test]
fn what_is_on_this_machine() {
    for (repository, local) in [
        ("localhost/a", true),
        ("localhost:5000/a", true),
        ("127.0.0.1:5000/a", true),
        ("127.9.9.9/a", true),
        ("[::1]/a", true),
        ("[::1]:5000/a", true),
        ("localhost.example.com/a", false),
        ("127.0.0.1.example.com/a", false),
        ("10.0.0.1:5000/a", false),
        ("alpine", false),
    ] {
        assert_eq!(repository.parse::<Repository>().unwrap().is_local(), local, "{repository}");
    }
}

proptest! {
    #[test]
    fn garbage_never_panics_and_what_is_read_is_written_the_same(text in "[a-zA-Z0-9:/@._\\-\\[\\] $é]{0,60}") {
        if let Ok(reference) = Reference::parse(&text) {
            let again = Reference::parse(&reference.to_string()).unwrap();
            prop_assert_eq!(reference, again);
        }
        if let Ok(repository) = text.parse::<Repository>() {
            prop_assert_eq!(&repository.to_string().parse::<Repository>().unwrap(), &repository);
            prop_assert!(!repository.repository.contains([':', '@']));
        }
    }
}
