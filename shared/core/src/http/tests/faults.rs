use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use super::*;

/// Two attempts, and no patience.
fn impatient() -> Settings {
    Settings {
        connect_timeout: Duration::from_millis(1000),
        read_timeout: Duration::from_millis(500),
        attempts: 2,
        ..settings()
    }
}

#[tokio::test]
async fn a_server_that_says_nothing() {
    let server = server(|stream, seen, number| async move {
        seen.keep(number.to_string());
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let error = refused(&impatient(), Request::get(&server.url("/x"))).await;
    assert_eq!(error.kind(), &Kind::Timeout);
    let text = error.to_string();
    assert!(text.contains("/x: no answer within 1.5 s after 2 attempts in "), "{text}");
    // It may have acted on a POST.
    let error = refused(&impatient(), Request::post(&server.url("/x"))).await;
    assert!(error.to_string().ends_with("/x: no answer within 1.5 s"), "{error}");
    assert_eq!(server.seen(), ["0", "1", "2"]);
}

#[tokio::test]
async fn a_body_that_stops() {
    let server = answering_with(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Ending::Hang).await;
    let error = refused(&impatient(), Request::get(&server.url("/x"))).await;
    assert_eq!(error.kind(), &Kind::Timeout);
    assert!(error.to_string().contains("/x: the body stopped coming within 0.5 s after 2 attempts in "), "{error}");
}

#[tokio::test]
async fn a_body_byte_by_byte_ends_with_the_total_time() {
    let server = server(|mut stream, _, _| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let started = Instant::now();
    let request = Request::get(&server.url("/x")).total_timeout(Duration::from_millis(500));
    let error = refused(&settings(), request).await;
    assert_eq!(error.kind(), &Kind::Timeout);
    assert!(error.to_string().ends_with("/x: not finished within 0.5 s"), "{error}");
    assert!(started.elapsed() < Duration::from_secs(15));
}

#[tokio::test]
async fn a_large_upload_may_take_longer() {
    let server = server(|mut stream, seen, _| async move {
        tokio::time::sleep(Duration::from_secs(2)).await;
        seen.keep(read_request(&mut stream).await);
        let _ = stream.write_all(answer("201 Created", &[], "").as_bytes()).await;
    })
    .await;
    let request = |bytes: usize| Request::put(&server.url("/x")).body("text/plain", vec![b'x'; bytes]);
    let limits = Settings { attempts: 1, ..impatient() };
    let client = client(&limits);
    let (small, large) = tokio::join!(client.send(request(1)), client.send(request(1 << 20)));
    assert_eq!(small.expect_err("no patience").kind(), &Kind::Timeout);
    assert_eq!(large.expect("an answer").status, 201);
}

enum Ending {
    Hang,
    Close,
    Reset,
}

/// Reads the request, sends these bytes, and ends.
async fn answering_with(bytes: &'static [u8], ending: Ending) -> Server {
    let ending = Arc::new(ending);
    server(move |mut stream, seen, _| {
        let ending = ending.clone();
        async move {
            seen.keep(read_request(&mut stream).await);
            let _ = stream.write_all(bytes).await;
            match *ending {
                Ending::Hang => std::future::pending().await,
                Ending::Close => {}
                Ending::Reset => stream.set_zero_linger().expect("a socket option"),
            }
        }
    })
    .await
}

#[tokio::test]
async fn connections_that_break() {
    for (bytes, ending) in [
        (&b""[..], Ending::Close),
        (b"", Ending::Reset),
        (b"HTTP/1.1 200 OK\r\nContent-Le", Ending::Close),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Ending::Close),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", Ending::Reset),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Ending::Close),
        (b"SSH-2.0-OpenSSH_9.2\r\n", Ending::Close),
    ] {
        let server = answering_with(bytes, ending).await;
        let error = refused(&settings(), Request::get(&server.url("/x"))).await;
        assert_eq!(error.kind(), &Kind::Connect, "{error}");
        assert!(chain(&error).contains("/x: the connection broke after 3 attempts in "), "{error}");
        assert_eq!(server.seen().len(), 3);
        let error = refused(&settings(), Request::post(&server.url("/x"))).await;
        assert!(error.to_string().ends_with("/x: the connection broke"), "{error}");
        assert_eq!(server.seen().len(), 4, "a POST is not repeated");
        refused(&settings(), Request::post(&server.url("/x")).idempotent()).await;
        assert_eq!(server.seen().len(), 7, "unless the caller says it may be");
    }
}

#[tokio::test]
async fn a_connection_that_is_refused() {
    let (_socket, address) = deaf();
    // Nothing was sent, so a POST too is tried again.
    let error = refused(&settings(), Request::post(&format!("http://{address}/x"))).await;
    assert_eq!(error.kind(), &Kind::Connect);
    let text = chain(&error);
    assert!(text.starts_with(&format!("POST http://{address}/x: no connection after 3 attempts in ")), "{text}");
    assert!(text.ends_with(": Connection refused (os error 111)"), "{text}");
}

#[tokio::test]
async fn a_body_over_the_limit() {
    let sent = Arc::new(AtomicU64::new(0));
    for head in ["Content-Length: 1073741824", "Transfer-Encoding: chunked", "X-Until: the-end"] {
        let counter = sent.clone();
        let server = server(move |mut stream, seen, _| {
            let counter = counter.clone();
            async move {
                seen.keep(read_request(&mut stream).await);
                let _ = stream.write_all(format!("HTTP/1.1 200 OK\r\n{head}\r\n\r\n").as_bytes()).await;
                let piece = [&b"1000\r\n"[..], &[b'x'; 4096], b"\r\n"].concat();
                for _ in 0..1_073_741_824 / 4096 {
                    if stream.write_all(&piece).await.is_err() {
                        return;
                    }
                    counter.fetch_add(4096, Ordering::Relaxed);
                }
            }
        })
        .await;
        let error = refused(&settings(), Request::get(&server.url("/x"))).await;
        assert_eq!(error.kind(), &Kind::TooLarge);
        assert!(error.to_string().ends_with("/x: the body is larger than 100000 bytes"), "{error}");
        assert_eq!(server.seen().len(), 1, "it would be as large the next time");
    }
    // One that only says so is not waited for.
    let server = answering_with(b"HTTP/1.1 200 OK\r\nContent-Length: 1073741824\r\n\r\n", Ending::Hang).await;
    let error = refused(&settings(), Request::get(&server.url("/x"))).await;
    assert_eq!(error.kind(), &Kind::TooLarge, "{error}");
    // What the sockets' buffers took, and no gigabyte.
    assert!(sent.load(Ordering::Relaxed) < 100 << 20);
    // The limit itself is allowed, and a request may set its own.
    let server = answering(vec![answer("200 OK", &[], &"x".repeat(100_000))]).await;
    let response = client(&settings()).send(Request::get(&server.url("/"))).await.expect("exactly the limit");
    assert_eq!(response.body.len(), 100_000);
    let error = refused(&settings(), Request::get(&server.url("/")).max_body(99_999)).await;
    assert_eq!(error.kind(), &Kind::TooLarge);
}

#[tokio::test]
async fn a_refusal_with_an_endless_body_is_still_a_refusal() {
    let server = server(|mut stream, _, _| async move {
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 403 Forbidden\r\n\r\nno\x1b[31m  way\n").await;
        while stream.write_all(&[b'x'; 4096]).await.is_ok() {}
    })
    .await;
    let error = refused(&settings(), Request::get(&server.url("/x"))).await;
    let Kind::Status { status: 403, excerpt } = error.kind() else { panic!("{error}") };
    assert_eq!(excerpt, "no [31m way...");
    assert!(error.to_string().ends_with(&format!("/x: 403 Forbidden: {excerpt}")));
}

#[tokio::test]
async fn cancelling_ends_everything_at_once() {
    let silent = server(|stream, _, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let later = answering(vec![answer("503 Service Unavailable", &["Retry-After: 15"], "")]).await;
    for server in [&silent, &later] {
        let cancel = CancellationToken::new();
        let client = Client::new(&settings(), cancel.clone()).expect("good settings");
        let started = Instant::now();
        let (result, ()) = tokio::join!(client.send(Request::get(&server.url("/x"))), async {
            // In the middle of the wait for the next attempt, where there is one.
            tokio::time::sleep(Duration::from_millis(300)).await;
            cancel.cancel();
        });
        let error = result.expect_err("cancelled");
        assert_eq!(error.kind(), &Kind::Cancelled);
        assert!(error.to_string().ends_with("/x: cancelled"), "{error}");
        assert!(started.elapsed() < Duration::from_secs(10));
        let error = client.send(Request::get(&server.url("/x"))).await.expect_err("no request after that");
        assert_eq!(error.kind(), &Kind::Cancelled);
    }
    assert_eq!(later.seen().len(), 1);
}

#[tokio::test]
async fn a_url_that_is_a_credential_is_told_by_its_host_only() {
    let server = answering(vec![answer("404 Not Found", &[], "")]).await;
    let request = Request::post(&server.url("/services/T0/secret?sig=secret")).secret_url();
    assert_eq!(format!("{request}"), format!("POST {}/***", server.url("").trim_end_matches('/')));
    let error = refused(&settings(), request).await;
    assert!(!error.to_string().contains("secret") && error.to_string().contains("404"), "{error}");
}
