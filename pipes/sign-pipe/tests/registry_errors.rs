//! What the last line says of each way in which a registry fails: what happened, where, and what gets the reader out of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that can't go on fails")]

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use common::{Keys, signing};
use pipewright_harness::{MemoryRegistry, Pipe, Proxy, Reply, Repo};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection};

/// The last line and everything before it.
fn run(pipe: Pipe) -> (String, String) {
    let outcome = pipe.env("RETRIES", "0").run().expect(3);
    (outcome.stdout.lines().last().unwrap_or_default().to_owned(), outcome.output())
}

fn answer(status: u16) -> Reply {
    let headers = match status {
        401 => vec![("www-authenticate", "Basic realm=\"r\"".to_owned())],
        _ => Vec::new(),
    };
    Reply::Send(status, headers, br#"{"errors":[{"code":"X","message":"it says why"}]}"#.to_vec())
}

/// Reading the image, and writing the evidence.
#[test]
fn every_status_is_quoted_and_has_a_way_out() {
    let account = "Set DOCKER_USERNAME and DOCKER_PASSWORD";
    let (dir, keys) = (Repo::plain(), Keys::new());
    for (status, reading, writing) in [
        (400, "Check that the host in IMAGE is an OCI registry", "Set SIGNATURE_REPOSITORY to a registry that accepts"),
        (401, account, account),
        (403, account, account),
        (404, "Check the name and the tag", "Create the repository, or set SIGNATURE_REPOSITORY"),
        (405, "Check that the host in IMAGE is an OCI registry", "Set SIGNATURE_REPOSITORY to a registry that accepts"),
        (413, "Raise the limit of request sizes", "Raise the limit of request sizes"),
        (415, "Check that the host in IMAGE is an OCI registry", "Set SIGNATURE_REPOSITORY to a registry that accepts"),
        (429, "Run the job again later, or set DOCKER_USERNAME", "Run the job again later, or set DOCKER_USERNAME"),
        (500, "Run the job again", "Run the job again"),
        (503, "Run the job again", "Run the job again"),
    ] {
        let unreadable = MemoryRegistry::with(true, move |request| {
            (request.method == "GET" && request.path.ends_with("/manifests/1")).then(|| answer(status))
        });
        let unwritable = MemoryRegistry::with(true, move |request| {
            let evidence = request.method == "PUT" && request.path.contains("/manifests/sha256:");
            evidence.then(|| answer(status))
        });
        for (registry, expected) in [(unreadable, reading), (unwritable, writing)] {
            registry.push_image("app", "1", "one");
            let (last, _) = run(signing(dir.path(), &keys, &format!("{}/app:1", registry.host())));
            assert!(last.contains(expected), "{status}: {expected}: {last}");
            assert!(last.contains(&registry.host()), "{status} names the registry: {last}");
            assert!(last.contains("it says why") || status == 401, "{status} quotes the registry: {last}");
        }
    }
}

/// With an account for this host that is not accepted, and with one for another host.
#[test]
fn an_account_that_does_not_help_is_named() {
    let registry = MemoryRegistry::with(true, |_| Some(answer(401)));
    let (dir, keys) = (Repo::plain(), Keys::new());
    let host = registry.host();
    let with = |named: &str| {
        let pipe = signing(dir.path(), &keys, &format!("{host}/app:1")).env("DOCKER_REGISTRY", named);
        run(pipe.env("DOCKER_USERNAME", "ada").env("DOCKER_PASSWORD", "Xq7Lw2Rt9Vb"))
    };
    let (last, _) = with(&host);
    assert!(last.contains(&format!("the credentials for {host} were refused: it says why")), "{last}");
    let (last, all) = with("reg.example");
    assert!(last.contains(&format!("no credentials for {host}, which requires them")), "{last}");
    assert!(all.contains(&format!("DOCKER_USERNAME is for DOCKER_REGISTRY=reg.example, and the images are at {host}")));
}

#[test]
fn a_connection_that_fails_has_the_variable_that_helps() {
    let (dir, keys) = (Repo::plain(), Keys::new());
    let proxy = Proxy::start();
    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let plain = listener(b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTPS request to an HTTP server.\n");
    let own = tls();
    for (host, variables, expected) in [
        ("registry.invalid", &[][..], "Correct the host name"),
        (&plain, &[("REGISTRY_PLAIN_HTTP", "false")], "Set REGISTRY_PLAIN_HTTP=true"),
        (&own, &[("REGISTRY_PLAIN_HTTP", "false")], "Set CA_CERT or CA_CERT_FILE"),
        (&closed, &[], "Run the job again"),
        ("reg.example", &[("HTTPS_PROXY", &proxy.url())], "Check HTTPS_PROXY"),
        ("reg.example", &[("HTTPS_PROXY", &format!("http://{closed}"))], "Check HTTPS_PROXY"),
    ] {
        let (last, _) = run(signing(dir.path(), &keys, &format!("{host}/app:1")).envs(variables));
        assert!(last.contains(expected), "{host} {variables:?}: {expected}: {last}");
        assert!(last.contains(host), "{host} is named: {last}");
    }
}

/// An address at which every connection gets `answer`, and ends.
fn listener(answer: &'static [u8]) -> String {
    serve(move |mut stream| {
        let _ = stream.read(&mut [0; 4096]);
        let _ = stream.write_all(answer);
    })
}

/// An address with a certificate of an unknown authority.
fn tls() -> String {
    let keys = Keys::new();
    let certificate = CertificateDer::from_pem_slice(keys.certificate().as_bytes()).unwrap();
    let key = PrivateKeyDer::from_pem_slice(keys.private.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = Arc::new(config.with_no_client_auth().with_single_cert(vec![certificate], key).unwrap());
    serve(move |mut stream| {
        let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        let _ = connection.complete_io(&mut stream);
        let _ = connection.complete_io(&mut stream);
    })
}

fn serve(with: impl Fn(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || listener.incoming().flatten().for_each(with));
    address
}
