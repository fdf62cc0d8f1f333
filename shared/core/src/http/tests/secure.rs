use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rcgen::{BasicConstraints, Certificate, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::redact::Redactor;
use secrecy::SecretString;

/// A certificate authority in PEM, and a server for `name` that it vouches for and that gives `answers`.
pub(super) async fn tls_server(name: &str, answers: Vec<String>) -> (String, Server) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority: Certificate = params.self_signed(&key).expect("an authority");
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().expect("a key");
    let leaf = CertificateParams::new(vec![name.to_owned()]).expect("a name").signed_by(&key, &issuer).expect("signed");
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .expect("a server's configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let server = server(move |stream, seen, number| {
        let (acceptor, answer) = (acceptor.clone(), answers[number.min(answers.len() - 1)].clone());
        async move {
            seen.keep("connection");
            let Ok(mut stream) = acceptor.accept(stream).await else {
                return;
            };
            let request = read_request(&mut stream).await;
            seen.keep(request);
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    })
    .await;
    (authority.pem(), server)
}

fn https(server: &Server, path: &str) -> String {
    server.url(path).replace("http://", "https://")
}

#[tokio::test]
async fn only_known_authorities() {
    let (authority, server) = tls_server("127.0.0.1", vec![answer("200 OK", &[], "safe")]).await;
    let error = refused(&settings(), Request::get(&https(&server, "/x"))).await;
    assert_eq!(error.kind(), &Kind::Tls);
    let want = format!(
        "GET {}: no secure connection: invalid peer certificate: UnknownIssuer. Set CA_CERT or CA_CERT_FILE to the \
         certificate authority of this server.",
        https(&server, "/x")
    );
    assert_eq!(chain(&error), want);
    assert_eq!(server.seen(), ["connection"], "nothing changes by trying again");

    let (another, _) = tls_server("x.example", vec![String::new()]).await;
    let both = format!("# ours\n{another}\n\n{authority}");
    for settings in [
        Settings { ca_pem: Some(both.clone()), ..settings() },
        Settings { ca_pem: Some(both.replace('\n', "\r\n")), ..settings() },
        Settings { roots_pem: Some(authority.clone()), ..settings() },
        Settings { roots_pem: Some(another.clone()), ca_pem: Some(authority.clone()), ..settings() },
    ] {
        let response = client(&settings).send(Request::get(&https(&server, "/x"))).await.expect("trusted");
        assert_eq!(response.body, b"safe");
    }
    let others = Settings { ca_pem: Some(another), ..settings() };
    let error = refused(&others, Request::get(&https(&server, "/x"))).await;
    assert_eq!(error.kind(), &Kind::Tls);
    assert!(chain(&error).ends_with("Set CA_CERT or CA_CERT_FILE to the certificate authority of this server."));
}

#[tokio::test]
async fn only_the_name_that_was_asked_for() {
    let (authority, server) = tls_server("other.example", vec![answer("200 OK", &[], "")]).await;
    let trusting = Settings { ca_pem: Some(authority), ..settings() };
    let error = refused(&trusting, Request::get(&https(&server, "/x"))).await;
    assert_eq!(error.kind(), &Kind::Tls);
    assert!(chain(&error).contains("certificate not valid for name"), "{}", chain(&error));
    assert!(chain(&error).ends_with("Use the host name that the certificate of this server is for."));
}

#[tokio::test]
async fn plain_text_behind_https_is_no_secure_connection() {
    let server = server(|mut stream, _, _| async move {
        let _ = stream.read(&mut [0; 4096]).await;
        let _ = stream.write_all(answer("400 Bad Request", &[], "").as_bytes()).await;
    })
    .await;
    let error = refused(&settings(), Request::get(&https(&server, "/x"))).await;
    assert_eq!(error.kind(), &Kind::Tls, "{}", chain(&error));
    assert!(chain(&error).ends_with(". Check the scheme and the port of this URL."), "{}", chain(&error));
}

#[tokio::test]
async fn nothing_leaves_https() {
    let plain = answering(vec![answer("200 OK", &[], "")]).await;
    let location = format!("Location: {}", plain.url("/y"));
    let (authority, server) = tls_server("127.0.0.1", vec![answer("302 Found", &[&location], "")]).await;
    let trusting = Settings { ca_pem: Some(authority), ..settings() };
    let error = refused(&trusting, Request::get(&https(&server, "/x"))).await;
    assert!(
        error.to_string().ends_with(&format!("redirect not followed: {} is not secure", plain.url("/y"))),
        "{error}"
    );
    assert!(plain.seen().is_empty());
}

#[tokio::test]
async fn certificates_that_are_none() {
    let (authority, _) = tls_server("x.example", vec![String::new()]).await;
    // The forms of a secret of one line.
    for form in [authority.replace('\n', " "), authority.replace('\n', "\\n"), STANDARD.encode(&authority)] {
        let good = Settings { ca_pem: Some(form), ..settings() };
        Client::new(&good, CancellationToken::new()).unwrap();
    }
    let base64: String = authority.lines().filter(|line| !line.starts_with("---")).collect();
    let wrong = |text: &str| authority.replace(&authority.lines().skip(1).take(3).collect::<Vec<_>>().join("\n"), text);
    for (pem, want) in [
        (String::new(), "the CA certificate: expected PEM"),
        ("/etc/ssl/ca.pem".to_owned(), "the CA certificate: expected PEM"),
        (base64, "the CA certificate: expected PEM"),
        (authority.clone() + &wrong("s3cret!?"), "the CA certificate: block 2 is damaged PEM"),
        (wrong("AAAA"), "the CA certificate: block 1 is not a certificate"),
        (authority.replace("-----END CERTIFICATE-----", ""), "the CA certificate: block 1 is damaged PEM"),
    ] {
        let broken = Settings { ca_pem: Some(pem.clone()), ..settings() };
        let error = Client::new(&broken, CancellationToken::new()).expect_err("no certificate");
        assert!(chain(&error).starts_with(want), "{pem}: {}", chain(&error));
        assert!(!chain(&error).contains("s3cret"));
    }
    let broken = Settings { roots_pem: Some("nothing".to_owned()), ..settings() };
    let error = Client::new(&broken, CancellationToken::new()).expect_err("no certificate");
    assert!(error.to_string().starts_with("the root certificates: expected PEM"), "{error}");
}

/// Services repeat what they were sent in their refusals.
#[tokio::test]
async fn what_a_request_proves_itself_with_is_known_before_it_is_sent() {
    let secret = "pw-\"Xq7Lw2Rt9\"";
    let wrapped = || SecretString::from(secret.to_owned());
    let basic = STANDARD.encode(format!("u:{secret}"));
    let echo = format!("no {secret} {basic} {}", serde_json::to_string(secret).expect("JSON"));
    let server = answering(vec![answer("400 Bad Request", &[], &echo)]).await;
    let host = server.address.to_string();
    let get = || Request::get(&server.url("/"));
    let userinfo = format!(
        "http://u:{}@{host}/",
        percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC)
    );
    for request in [
        get().authorize(&Authorization::Bearer(wrapped()), &host),
        get().authorize(&Authorization::Basic { user: "u".to_owned(), password: wrapped() }, &host),
        get().authorize(&Authorization::Header(format!("Key {secret}").into()), &host),
        get().secret_header("x-token", &wrapped()),
        Request::get(&userinfo),
    ] {
        let redactor = Redactor::new();
        let error = refused(&Settings { redactor: redactor.clone(), ..settings() }, request).await;
        let text = error.explain();
        assert!(text.contains("Xq7Lw2Rt9"), "the service repeats it: {text}");
        assert!(!redactor.text(&text).contains("Xq7Lw2Rt9"), "{}", redactor.text(&text));
    }
}
