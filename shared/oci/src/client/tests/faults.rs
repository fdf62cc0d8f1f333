//! Registries whose answers break off, never end, or ask to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

/// A registry that sends `head` and then zeros, as many as anybody takes. Where it is, and how many were sent.
async fn endless(head: &'static str, chunked: bool) -> (String, Arc<AtomicU64>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let sent = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&sent);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(head.as_bytes()).await;
            let zeros = vec![0; 64 * 1024];
            let piece = if chunked { [b"10000\r\n", zeros.as_slice(), b"\r\n"].concat() } else { zeros };
            while counted.load(Ordering::Relaxed) < 1 << 30 && stream.write_all(&piece).await.is_ok() {
                counted.fetch_add(piece.len() as u64, Ordering::Relaxed);
            }
        }
    });
    (address.to_string(), sent)
}

#[tokio::test]
async fn a_gigabyte_is_refused_announced_or_not() {
    const ANNOUNCED: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n";
    const STREAMED: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    for (head, chunked) in [(ANNOUNCED, false), (STREAMED, true)] {
        let (host, sent) = endless(head, chunked).await;
        let registry = registry(Settings::default());
        let image = Reference::parse(&format!("{host}/app:1")).unwrap();
        let error = registry.manifest(&image).await.unwrap_err();
        assert_eq!(error.kind(), Kind::TooLarge, "{error}");
        let descriptor = Descriptor::of("text/plain", b"small");
        let error = registry.blob(&image.repository, &descriptor, 10).await.unwrap_err();
        assert_eq!(error.kind(), Kind::TooLarge, "{error}");
        let subject = Digest::of(b"image");
        let error = registry.referrers(&image.repository, &subject).await.unwrap_err();
        assert_eq!(error.kind(), Kind::TooLarge, "{error}");
        // What the limits allow, and what sockets hold.
        let sent = sent.load(Ordering::Relaxed);
        assert!(sent < 64 << 20, "{sent} bytes were taken");
    }
}

#[tokio::test]
async fn a_body_that_breaks_off_is_fetched_again_and_never_used() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = listener.local_addr().unwrap();
    let tries = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&tries);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 4096];
            let read = stream.read(&mut request).await.unwrap_or(0);
            let always = String::from_utf8_lossy(&request[..read]).contains("/never/");
            let body = if counted.fetch_add(1, Ordering::Relaxed) == 0 || always { "abc" } else { "abcdef" };
            let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 6\r\n\r\n";
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
            if body.len() < 6 {
                let _ = stream.set_zero_linger();
            }
        }
    });
    let http = HttpSettings { attempts: 3, backoff: Duration::from_millis(1), ..HttpSettings::default() };
    let http = Client::new(&http, CancellationToken::new()).unwrap();
    let registry = Registry::new(http, Credentials::default(), Settings::default());
    let descriptor = Descriptor::of("text/plain", b"abcdef");
    let repository = format!("{host}/app").parse().unwrap();
    assert_eq!(registry.blob(&repository, &descriptor, 10).await.unwrap(), b"abcdef");
    assert_eq!(tries.swap(0, Ordering::Relaxed), 2);
    let never = format!("{host}/never/app").parse().unwrap();
    let error = registry.blob(&never, &descriptor, 10).await.unwrap_err();
    assert_eq!((error.kind(), tries.load(Ordering::Relaxed)), (Kind::Unavailable, 3), "{error}");
}

#[tokio::test]
async fn a_registry_that_asks_to_wait_is_waited_for() {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "1");
    Mock::given(method("GET")).respond_with(busy).up_to_n_times(1).with_priority(1).mount(&server).await;
    serve(&server, "1", media_type::MANIFEST, &json!({ "schemaVersion": 2 })).await;
    let http = HttpSettings { attempts: 2, backoff: Duration::ZERO, ..HttpSettings::default() };
    let http = Client::new(&http, CancellationToken::new()).unwrap();
    let registry = Registry::new(http, Credentials::default(), Settings::default());
    let began = Instant::now();
    registry.manifest(&reference(&server, "app:1")).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
}
