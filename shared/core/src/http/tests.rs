//! Against small servers on the loopback address that behave badly in one way each. Limits that a test waits for are
//! short; those that must not be reached are long, so that a busy machine changes nothing.

mod faults;
mod proxies;
mod redirects;
mod retries;
mod secure;

use std::time::Duration;

use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_util::sync::CancellationToken;

use super::*;

/// A server that keeps what it was sent.
struct Server {
    address: SocketAddr,
    seen: Seen,
}

#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn keep(&self, what: impl Into<String>) {
        self.0.lock().expect("no test panics with it").push(what.into());
    }
}

impl Server {
    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The requests so far, in order.
    fn seen(&self) -> Vec<String> {
        self.seen.0.lock().expect("no test panics with it").clone()
    }
}

/// A port that is taken and where nobody listens, for as long as the socket lives.
fn deaf() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.bind(([127, 0, 0, 1], 0).into()).expect("a free port");
    let address = socket.local_addr().expect("bound");
    (socket, address)
}

/// Runs `behave` for each connection, with what was read of it and its number.
async fn server<F>(behave: impl Fn(TcpStream, Seen, usize) -> F + Send + 'static) -> Server
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let seen = Seen::default();
    let shared = seen.clone();
    tokio::spawn(async move {
        for number in 0.. {
            let Ok((stream, _)) = listener.accept().await else {
                return;
            };
            tokio::spawn(behave(stream, shared.clone(), number));
        }
    });
    Server { address, seen }
}

/// Answers one request per connection with the next of `answers`; the last of them again and again.
async fn answering(answers: Vec<String>) -> Server {
    server(move |mut stream, seen, number| {
        let answer = answers[number.min(answers.len() - 1)].clone();
        async move {
            let request = read_request(&mut stream).await;
            seen.keep(request);
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

/// One whole request, head and body.
async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length =
                head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                return text;
            }
        }
        match stream.read(&mut piece).await {
            Ok(count) if count > 0 => bytes.extend_from_slice(&piece[..count]),
            _ => return text,
        }
    }
}

/// An HTTP answer; `headers` are whole lines without their ends.
fn answer(status: &str, headers: &[&str], body: &str) -> String {
    let headers: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())
}

/// Limits that no test reaches unless it lowers them, and waits that nobody notices.
fn settings() -> Settings {
    Settings {
        connect_timeout: Duration::from_secs(20),
        read_timeout: Duration::from_secs(20),
        total_timeout: Duration::from_secs(60),
        retry_budget: Duration::from_secs(20),
        backoff: Duration::from_millis(1),
        attempts: 3,
        max_body: 100_000,
        ..Settings::default()
    }
}

fn client(settings: &Settings) -> Client {
    Client::new(settings, CancellationToken::new()).expect("good settings")
}

async fn refused(settings: &Settings, request: Request) -> HttpError {
    client(settings).send(request).await.expect_err("an error")
}

/// The whole chain, as the top of a program prints it. No cause may be there twice.
fn chain(error: &HttpError) -> String {
    let Some(cause) = error.source() else {
        return error.to_string();
    };
    assert!(!error.to_string().contains(&cause.to_string()), "{error} repeats {cause}");
    assert!(cause.source().is_none());
    format!("{error}: {cause}")
}
