//! Registries whose answers break off, or ask to wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::*;

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
    let http = Settings { attempts: 3, backoff: Duration::from_millis(1), ..Settings::default() };
    let http = Client::new(&http, CancellationToken::new()).unwrap();
    let registry = Registry::new(http, Credentials::default(), RegistrySettings::default());
    let descriptor = Descriptor::of("text/plain", b"abcdef");
    let repository = format!("{host}/app").parse().unwrap();
    assert_eq!(registry.blob(&repository, &descriptor, 10).await.unwrap(), b"abcdef");
    assert_eq!(tries.swap(0, Ordering::Relaxed), 2);
    let never = format!("{host}/never/app").parse().unwrap();
    let error = registry.blob(&never, &descriptor, 10).await.unwrap_err();
    assert_eq!((error.kind(), tries.load(Ordering::Relaxed)), (ErrorKind::Unavailable, 3), "{error}");
}

#[tokio::test]
async fn a_registry_that_asks_to_wait_is_waited_for() {
    let server = MockServer::start().await;
    let busy = ResponseTemplate::new(429).insert_header("retry-after", "1");
    Mock::given(method("GET")).respond_with(busy).up_to_n_times(1).with_priority(1).mount(&server).await;
    serve(&server, "1", media_type::MANIFEST, &json!({ "schemaVersion": 2 })).await;
    let http = Settings { attempts: 2, backoff: Duration::ZERO, ..Settings::default() };
    let http = Client::new(&http, CancellationToken::new()).unwrap();
    let registry = Registry::new(http, Credentials::default(), RegistrySettings::default());
    let began = Instant::now();
    registry.manifest(&reference(&server, "app:1")).await.unwrap();
    assert!(began.elapsed() >= Duration::from_secs(1));
}
