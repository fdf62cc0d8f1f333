//! Answers that are larger, deeper or stranger than they should be.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use pipe_core::http::Client;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

const GIGABYTE: u64 = 1 << 30;

/// Sends a gigabyte to everybody; gives its address and how much was taken.
async fn endless(header: &'static str) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let sent = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&sent);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 4096]).await;
            let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{header}\r\n\r\n").as_bytes()).await;
            let chunked = header.starts_with("transfer");
            while count.load(Ordering::Relaxed) < GIGABYTE {
                let piece = if chunked { format!("10000\r\n{}\r\n", " ".repeat(65_536)) } else { " ".repeat(65_536) };
                if stream.write_all(piece.as_bytes()).await.is_err() {
                    break;
                }
                count.fetch_add(65_536, Ordering::Relaxed);
            }
        }
    });
    (address, sent)
}

#[tokio::test]
async fn a_gigabyte_is_not_read() {
    for header in ["content-length: 1073741824", "transfer-encoding: chunked", "connection: close"] {
        let (address, sent) = endless(header).await;
        let image = Reference::parse(&format!("{address}/app:1")).unwrap();
        let registry = registry(RegistrySettings { max_manifest: 1 << 20, ..RegistrySettings::default() });
        let subject = Digest::of(b"x");
        let blob = Descriptor::new("text/plain", subject.clone(), 100);
        let errors = [
            registry.manifest(&image).await.unwrap_err(),
            registry.referrers(&image.repository, &subject).await.unwrap_err(),
            registry.blob(&image.repository, &blob, 1000).await.unwrap_err(),
            registry.push_manifest(&image.repository, "1", media_type::MANIFEST, "{}".into()).await.unwrap_err(),
        ];
        for error in errors {
            assert_eq!(error.kind(), ErrorKind::TooLarge, "{header}: {error}");
            assert!(error.to_string().contains("app"), "{error}");
        }
        // What the sockets' buffers take comes on top.
        assert!(sent.load(Ordering::Relaxed) < 64 << 20, "{header}: {sent:?} bytes");
    }
}

#[tokio::test]
async fn a_document_says_itself_what_it_is() {
    let index = json!({ "schemaVersion": 2, "manifests": [] });
    let image = json!({ "schemaVersion": 2, "config": {}, "layers": [] });
    let named = |kind: &str, body: &Value| {
        let mut body = body.clone();
        body["mediaType"] = kind.into();
        body
    };
    for (header, body, expected) in [
        (media_type::MANIFEST, named(media_type::INDEX, &index), media_type::INDEX),
        (media_type::INDEX, named(media_type::MANIFEST, &image), media_type::MANIFEST),
        (media_type::MANIFEST, index.clone(), media_type::INDEX),
        ("application/json", index.clone(), media_type::INDEX),
        ("application/json", named(media_type::DOCKER_MANIFEST, &image), media_type::DOCKER_MANIFEST),
        (
            "APPLICATION/vnd.docker.distribution.manifest.v2+json; charset=utf-8",
            image.clone(),
            media_type::DOCKER_MANIFEST,
        ),
        ("text/html", image.clone(), media_type::MANIFEST),
        (media_type::INDEX, json!("not a document"), media_type::INDEX),
        (media_type::MANIFEST, named("text/plain", &image), media_type::MANIFEST),
    ] {
        let server = MockServer::start().await;
        serve(&server, "1", header, &body).await;
        let fetched = registry(RegistrySettings::default()).manifest(&reference(&server, "app:1")).await.unwrap();
        assert_eq!(fetched.descriptor.media_type, expected, "{header} {body}");
    }
}

#[tokio::test]
async fn indexes_without_end_are_an_error() {
    // Each of many lists the same many: opened once each.
    let server = MockServer::start().await;
    let leaf = serve(&server, "leaf", media_type::INDEX, &json!({ "schemaVersion": 2, "manifests": [] })).await;
    let many = json!({ "schemaVersion": 2, "manifests": vec![child(media_type::INDEX, &leaf, "arm64"); 500] });
    serve(&server, "1", media_type::INDEX, &many).await;
    let registry = registry(RegistrySettings::default());
    assert_eq!(images_of(&registry, &reference(&server, "app:1")).await.unwrap(), []);
    assert_eq!(server.received_requests().await.unwrap().len(), 2);

    let mut children = Vec::new();
    for number in 0..100 {
        let body = json!({ "schemaVersion": 2, "manifests": [], "n": number });
        let digest = serve(&server, &format!("n{number}"), media_type::INDEX, &body).await;
        children.push(child(media_type::INDEX, &digest, "arm64"));
    }
    serve(&server, "2", media_type::INDEX, &json!({ "schemaVersion": 2, "manifests": children })).await;
    let error = images_of(&registry, &reference(&server, "app:2")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");

    let images: Vec<Value> = (0..10_001_u32)
        .map(|number| json!({ "mediaType": media_type::MANIFEST, "digest": Digest::of(&number.to_be_bytes()), "size": 1 }))
        .collect();
    serve(&server, "3", media_type::INDEX, &json!({ "schemaVersion": 2, "manifests": images })).await;
    let error = images_of(&registry, &reference(&server, "app:3")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge, "{error}");
}

#[tokio::test]
async fn a_redirected_write_is_not_believed() {
    let server = MockServer::start().await;
    let away = ResponseTemplate::new(303).insert_header("location", "/page");
    Mock::given(method("PUT")).respond_with(away).mount(&server).await;
    Mock::given(path("/page")).respond_with(ResponseTemplate::new(200)).mount(&server).await;
    let repository = reference(&server, "app").repository;
    let registry = registry(RegistrySettings::default());
    let error = registry.push_manifest(&repository, "1", media_type::MANIFEST, "{}".into()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Malformed && error.to_string().contains("redirected the "), "{error}");

    let begun = ResponseTemplate::new(202).insert_header("location", "/upload");
    Mock::given(method("POST")).respond_with(begun).mount(&server).await;
    Mock::given(method("HEAD")).respond_with(ResponseTemplate::new(404)).mount(&server).await;
    let error = registry.push_blob(&repository, "text/plain", "a".into()).await.unwrap_err();
    assert!(error.kind() == ErrorKind::Malformed && error.to_string().contains("redirected the "), "{error}");
}

#[tokio::test]
async fn a_run_that_is_cancelled_says_so() {
    let cancel = CancellationToken::new();
    let client = Client::new(&Settings::default(), cancel.clone()).unwrap();
    let registry = Registry::new(client, Credentials::default(), RegistrySettings::default());
    cancel.cancel();
    let image = Reference::parse("127.0.0.1:1/app:1").unwrap();
    assert_eq!(registry.manifest(&image).await.unwrap_err().kind(), ErrorKind::Cancelled);
    assert_eq!(
        registry.referrers(&image.repository, &Digest::of(b"x")).await.unwrap_err().kind(),
        ErrorKind::Cancelled
    );
}
